//! The rendezvous server of ers, as configured here and by the reference's own file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Realm};
use patchbay_dialect_ers::admin::{self, Admin};
use patchbay_dialect_ers::rendezvous::{DAY, IceServer, IceServers, Rendezvous, SPEC, Settings};
use serde::Deserialize;

use super::{Served, rate};
use crate::config::{Config, OriginPolicy};
use crate::door::{Door, Setting};

/// What of a `default.json` is no key of ours. No `Debug`: it holds secrets. The rest was read with the configuration.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Foreign {
    #[serde(rename = "emsTokens")]
    ems_tokens: Vec<String>,
    stunservers: Option<Vec<ForeignServer>>,
    turnservers: Option<Vec<ForeignServer>>,
}

/// An entry of its lists, in signalmaster's form or in that of browsers.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ForeignServer {
    #[serde(alias = "urls")]
    url: String,
    secret: Option<String>,
    /// In seconds.
    expiry: Option<u64>,
    username: String,
    credential: String,
}

impl ForeignServer {
    fn server(self) -> IceServer {
        let url = device_url(&self.url);
        match self.secret {
            Some(secret) => IceServer::Timed { url, secret, expiry: self.expiry.map_or(DAY, Duration::from_secs) },
            None => {
                let login = (!self.username.is_empty()).then_some((self.username, self.credential));
                IceServer::Fixed { url, login }
            }
        }
    }
}

impl Foreign {
    fn read(path: Option<&Path>) -> Result<Self, String> {
        let Some(path) = path else { return Ok(Self::default()) };
        let shown = path.display();
        let text = fs::read_to_string(path)
            .map_err(|error| format!("cannot read dialect.ers.config {shown}: {error}; check its path and mode"))?;
        // Without its text: there are secrets in it.
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            format!(
                "dialect.ers.config {shown} is wrong at line {line}, column {column}: emsTokens is a list of texts, \
                 stunservers and turnservers are lists of {{\"url\":…}}"
            )
        })
    }
}

/// The rendezvous server, and the interface of those who manage it.
///
/// # Errors
/// With cause and next action, if a file that the configuration names is of no use.
pub(super) fn served(config: &Config, lang: Lang, admin_lang: Lang, realm: Realm) -> Result<Vec<Served>, String> {
    let settings = settings(config)?;
    let keys = &config.dialect.ers;
    let doors = |spec, listen, origins| {
        Door::all(spec, &Setting { path: "", listen, native_ports: config.native_ports, origins, tokens: None })
    };
    let rendezvous = Rendezvous::new(lang, realm, settings.clone());
    let ours = doors(&SPEC, keys.listen.as_ref(), config.ers_origins())
        .into_iter()
        .map(|door| Door { demo: keys.web_server, ..door });
    // Pages of other sites are nobody's who manages this.
    let own_pages = OriginPolicy::new(&["same-host"], false);
    let admins = doors(&admin::SPEC, keys.admin_listen.as_ref(), own_pages)
        .into_iter()
        .map(|door| Door { callers: Some(keys.admin_allowed.clone()), ..door });
    let admin = Admin::new(admin_lang, realm, settings).by_local_names(keys.admin_allowed.are_local());
    Ok(vec![Served::new(Arc::new(rendezvous), ours.collect()), Served::new(Arc::new(admin), admins.collect())])
}

fn settings(config: &Config) -> Result<Settings, String> {
    let keys = &config.dialect.ers;
    let foreign = Foreign::read(keys.config.as_deref())?;
    let mut server_tokens: Vec<Arc<str>> = foreign.ems_tokens.into_iter().map(Into::into).collect();
    if let Some(path) = keys.ems_token_file.as_deref() {
        server_tokens.extend(crate::door::token_lines("dialect.ers.ems_token_file", path)?.into_iter().map(Into::into));
    }
    let mut ice = of_browsers(config);
    let servers = |list: Vec<ForeignServer>| list.into_iter().map(ForeignServer::server).collect();
    if let Some(list) = foreign.stunservers {
        ice.stun = servers(list);
    }
    if let Some(list) = foreign.turnservers {
        ice.turn = servers(list);
    }
    ice.fallback = keys.turn_fallback.then(|| our_address(config));
    Ok(Settings {
        ice,
        tokens_enabled: keys.tokens_enabled,
        allowed_rooms: keys.allowed_rooms.iter().cloned().collect(),
        server_tokens,
        token_ttl: Duration::from_millis(keys.token_ttl_ms),
        empty_room_ack_delay: Duration::from_millis(keys.empty_room_ack_delay_ms),
        rate: rate(config),
        ice_retries: Some(keys.ice_max_retries).filter(|retries| *retries > 0),
        ..Settings::default()
    })
}

/// The servers that browsers are told of, those first that devices can read.
fn of_browsers(config: &Config) -> IceServers {
    let mut ice = IceServers::default();
    for server in config.rtc.config_json.ice_servers() {
        for url in server.urls {
            let login = (!server.username.is_empty()).then(|| (server.username.clone(), server.credential.clone()));
            let list = if url.starts_with("stun:") { &mut ice.stun } else { &mut ice.turn };
            list.push(IceServer::Fixed { url: device_url(&url), login });
        }
    }
    let late = |server: &IceServer| match server {
        IceServer::Fixed { url, .. } | IceServer::Timed { url, .. } => url.contains('?') || url.starts_with("turns:"),
    };
    ice.turn.sort_by_key(late);
    ice
}

/// As devices read it: `host:port` up to the quote, by UDP. Of those that are configured as they read them, nothing changes.
fn device_url(url: &str) -> String {
    let url = url.strip_suffix("?transport=udp").unwrap_or(url);
    let host = url.split_once(':').map_or("", |(_, host)| host);
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let plain = url.starts_with("stun:") || url.starts_with("turn:");
    if plain && !has_port && !host.contains('?') { format!("{url}:3478") } else { url.to_owned() }
}

/// An address of this machine, as far as it is known without looking.
fn our_address(config: &Config) -> String {
    let set = config.media.advertise.first().map_or("127.0.0.1", String::as_str);
    if set.contains(':') && !set.starts_with('[') { format!("[{set}]") } else { set.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RtcConfig;
    use crate::door::Place;

    fn urls(servers: &[IceServer]) -> Vec<String> {
        let url = |server: &IceServer| match server {
            IceServer::Fixed { url, login: None } => url.clone(),
            IceServer::Fixed { url, login: Some((user, word)) } => format!("{url} {user} {word}"),
            IceServer::Timed { url, secret, expiry } => format!("{url} {secret} {}", expiry.as_secs()),
        };
        servers.iter().map(url).collect()
    }

    #[test]
    fn the_servers_of_browsers_are_told_as_devices_read_them() {
        let mut config = Config::default();
        config.rtc.config_json = RtcConfig::parse(
            r#"{"iceServers":[{"urls":["turns:a:5349","turn:b?transport=tcp","turn:c?transport=udp"],"username":"u","credential":"c"},{"urls":"stun:d"}]}"#,
        );
        let ice = settings(&config).unwrap_or_else(|error| panic!("{error}")).ice;
        assert_eq!(urls(&ice.stun), ["stun:d:3478"]);
        assert_eq!(urls(&ice.turn), ["turn:c:3478 u c", "turns:a:5349 u c", "turn:b?transport=tcp u c"]);
        assert_eq!(ice.fallback.as_deref(), Some("127.0.0.1"));
        config.media.advertise = vec!["2001:db8::1".to_owned()];
        assert_eq!(our_address(&config), "[2001:db8::1]");
        config.dialect.ers.turn_fallback = false;
        assert!(
            settings(&config).is_ok_and(|settings| settings.ice.fallback.is_none() && settings.ice_retries.is_none())
        );
        config.dialect.ers.ice_max_retries = 80;
        assert!(settings(&config).is_ok_and(|settings| settings.ice_retries == Some(80)));
    }

    #[test]
    fn a_file_of_the_reference_wins_over_them_and_is_never_quoted() {
        let file = std::env::temp_dir().join(format!("patchbay-default-{}.json", std::process::id()));
        let mut config = Config::default();
        config.dialect.ers.config = Some(file.clone());
        let with = |text: &str| {
            fs::write(&file, text).expect("writable");
            settings(&config)
        };
        let found = with(
            r#"{"server":{"port":1},"emsTokens":["a"],"stunservers":[],"turnservers":[{"url":"turn:h:1","secret":"s"},
                {"url":"turn:h:2","secret":"s","expiry":60},{"urls":"turn:h:3","username":"u","credential":"c"}]}"#,
        )
        .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(urls(&found.ice.stun), [""; 0]);
        assert_eq!(urls(&found.ice.turn), ["turn:h:1 s 86400", "turn:h:2 s 60", "turn:h:3 u c"]);
        assert_eq!(found.server_tokens.iter().map(|token| &**token).collect::<Vec<_>>(), ["a"]);
        let error = with(r#"{"emsTokens":[["hunter2"]]}"#).err().expect("no token");
        assert!(error.contains("line 1") && !error.contains("hunter2"), "{error}");
        fs::remove_file(&file).expect("it was there");
        assert!(settings(&config).err().expect("no file").starts_with("cannot read dialect.ers.config "));
    }

    #[test]
    fn its_own_listeners_are_native_ones_or_those_set() {
        let mut config = Config::default();
        let own = |config: &Config| {
            let served = served(config, Lang(5), Lang(6), Realm(0)).unwrap_or_else(|error| panic!("{error}"));
            let doors = served
                .iter()
                .map(|served| served.doors.iter().filter(|door| matches!(door.at, Place::Own(_))).collect::<Vec<_>>());
            doors.map(|doors| doors.iter().map(|door| format!("{:?}", door.at)).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        assert_eq!(own(&config), [vec![], Vec::<String>::new()]);
        config.native_ports = true;
        let found = own(&config);
        assert!(found[0][0].contains("3535") && found[1][0].contains("3030"), "{found:?}");
        let served = served(&config, Lang(5), Lang(6), Realm(0)).unwrap_or_else(|error| panic!("{error}"));
        assert!(served[1].doors.iter().all(|door| door.callers.is_some() && door.once));
    }
}
