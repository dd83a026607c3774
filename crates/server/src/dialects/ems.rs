//! The media server's side of ers, as configured.

use std::sync::Arc;

use patchbay_core::{Lang, Realm};
use patchbay_dialect_ers::ems::{self, Ems, Envelope, Sinks, endpoint};
use patchbay_dialect_kit::At;

use super::Served;
use crate::config::Config;
use crate::lines::LinesPort;

/// Its interfaces, in the order of the specification: what the dialect calls them, the keys that set them, and whether
/// requests in HTTP come there.
const INTERFACES: [(&str, &str, bool); 3] = [
    (endpoint::JSON, "dialect.ers.ems.json_listen", false),
    (endpoint::ASCII, "dialect.ers.ems.ascii_listen", false),
    (endpoint::HTTP, "dialect.ers.ems.http_listen", true),
];

/// The dialect, where one of its interfaces is asked for: it serves the streams of that realm.
pub(super) fn served(config: &Config, lang: Lang, realm: Realm) -> Option<Served> {
    let keys = &config.dialect.ers.ems;
    let set = [&keys.json_listen, &keys.ascii_listen, &keys.http_listen];
    let native = |place: usize| match ems::SPEC.endpoints[place].at {
        At::Own { native } if config.native_ports => native.parse().ok(),
        _ => None,
    };
    let ports = set.into_iter().zip(INTERFACES).enumerate().filter_map(|(place, (set, (endpoint, key, http)))| {
        Some(LinesPort { address: set.clone().or_else(|| native(place))?, endpoint, key, http })
    });
    let lines: Vec<_> = ports.collect();
    let envelope = match keys.envelope.as_str() {
        "flat" => Envelope::Flat,
        "nested" => Envelope::Nested,
        _ => Envelope::Both,
    };
    let sinks = keys.event_sinks.iter().map(|url| url.as_str().into()).collect();
    let sinks = Sinks::new(sinks, std::process::id());
    let dialect = Arc::new(Ems::new(lang, realm, envelope).telling(sinks));
    (!lines.is_empty()).then(|| Served { lines, ..Served::new(dialect, Vec::new()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_served_where_it_is_asked_for() {
        let mut config = Config::default();
        let ports = |config: &Config| {
            let served = served(config, Lang(1), Realm(3))?;
            assert_eq!((served.dialect.profile().realm, served.doors.len()), (Realm(3), 0));
            Some(
                served
                    .lines
                    .iter()
                    .map(|port| (port.endpoint, port.address.to_string(), port.http))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(ports(&config), None);
        config.dialect.ers.ems.ascii_listen = "127.0.0.1:9".parse().ok();
        let own = ("ascii", "127.0.0.1:9".to_owned(), false);
        assert_eq!(ports(&config), Some(vec![own.clone()]));
        config.native_ports = true;
        let json = ("json", "127.0.0.1:1112".to_owned(), false);
        assert_eq!(ports(&config), Some(vec![json, own, ("http", "127.0.0.1:7777".to_owned(), true)]));
    }
}
