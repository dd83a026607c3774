//! What the SIP agent is started with, out of the configuration, and its seat beside the hub.

use std::net::IpAddr;
use std::sync::Arc;

use patchbay_core::{Lang, Profile, Srtp, Transport};
use patchbay_dialect_kit::Random;
use patchbay_sip_io::{Agent, Listen, Proxy, Settings, Tls};

use crate::config::Config;
use crate::random::SystemRandom;
use crate::shell::Shell;

/// The listeners that `native_ports` opens where none are set.
const NATIVE: [&str; 2] = ["udp::5060", "tcp::5060"];

/// Starts the agent and seats it. `client`: the parties that telephones call and are called by.
///
/// # Errors
/// With cause and next action, if its settings are of no use or its sockets cannot be bound.
pub(crate) async fn start(config: &Config, client: Profile, shell: &Arc<Shell>) -> Result<(), String> {
    let mut random = SystemRandom::default();
    let clock = shell.clock;
    let agent = Agent::start(settings(config)?, Box::new(move || random.next_u64()), Arc::new(move || clock.now()));
    let agent = agent.await?;
    shell.lines.seat(agent, profile(config, client), shell);
    Ok(())
}

/// What a telephone is to the hub: it lives among those that call it.
fn profile(config: &Config, client: Profile) -> Profile {
    let srtp = match config.sip.srtp.as_str() {
        "off" => Srtp::Off,
        "mandatory" => Srtp::Mandatory,
        _ => Srtp::Optional,
    };
    Profile {
        realm: client.realm,
        lang: Lang::PLAIN,
        peer_to_peer: false,
        one_call: false,
        transport: Transport::Rtp(srtp),
    }
}

/// The agent's settings.
///
/// # Errors
/// With the key and the cause.
pub(crate) fn settings(config: &Config) -> Result<Settings, String> {
    let sip = &config.sip;
    let read = |text: &str| Listen::parse(text).map_err(|wrong| format!("sip.listen: {wrong}"));
    let mut listen = sip.listen.iter().map(|text| read(text)).collect::<Result<Vec<_>, _>>()?;
    if listen.is_empty() && config.native_ports {
        listen = NATIVE.into_iter().map(read).collect::<Result<_, _>>()?;
    }
    let proxy = Some(sip.outbound_proxy.as_str()).filter(|text| !text.is_empty());
    let proxy = proxy.map(Proxy::parse).transpose().map_err(|wrong| format!("sip.outbound_proxy: {wrong}"))?;
    let identity = match (&config.https.cert, &config.https.key) {
        (Some(cert), Some(key)) => Some((file("https.cert", cert)?, file("https.key", key)?)),
        _ => None,
    };
    let advertise: Option<IpAddr> = config.media.advertise.first().and_then(|text| text.parse().ok());
    Ok(Settings {
        listen,
        advertise,
        domains: sip.domains.clone(),
        proxy,
        user_agent: concat!("Patchbay/", env!("CARGO_PKG_VERSION")).to_owned(),
        tls: Tls { identity, ..Tls::default() },
        ..Settings::default()
    })
}

fn file(key: &str, path: &std::path::Path) -> Result<Vec<u8>, String> {
    std::fs::read(path)
        .map_err(|error| format!("cannot read {key} {}: {error}; check its path and mode", path.display()))
}

#[cfg(test)]
mod tests {
    use patchbay_dialect_kit::Dialect;

    use super::*;

    #[test]
    fn the_defaults_have_no_listener_and_native_ports_two() {
        let mut config = Config::default();
        assert!(settings(&config).expect("defaults").listen.is_empty());
        config.native_ports = true;
        let shown = |config: &Config| {
            settings(config).expect("settings").listen.iter().map(Listen::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown(&config), ["0.0.0.0:5060/udp", "0.0.0.0:5060/tcp"]);
        config.sip.listen = vec!["tls:127.0.0.1:0".to_owned()];
        assert_eq!(shown(&config), ["127.0.0.1:0/tls"], "those that are set win");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_key() {
        let wrong = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            settings(&config).err().expect("an error")
        };
        assert!(wrong(|config| config.sip.listen = vec!["x".to_owned()]).starts_with("sip.listen: \"x\""));
        assert!(wrong(|config| config.sip.outbound_proxy = "a b".to_owned()).starts_with("sip.outbound_proxy: "));
        let missing = |config: &mut Config| {
            (config.https.cert, config.https.key) = (Some("/nowhere/c".into()), Some("/nowhere/k".into()));
        };
        assert!(wrong(missing).contains("https.cert /nowhere/c"));
    }

    #[test]
    fn telephones_live_where_those_who_call_them_do() {
        let mut config = Config::default();
        let client = patchbay_dialect_sylk::Sylk::new(Lang(9), patchbay_core::Realm(7), Default::default()).profile();
        for (word, srtp) in [("off", Srtp::Off), ("optional", Srtp::Optional), ("mandatory", Srtp::Mandatory)] {
            config.sip.srtp = word.to_owned();
            let profile = profile(&config, client);
            assert_eq!((profile.realm, profile.transport), (client.realm, Transport::Rtp(srtp)));
        }
    }
}
