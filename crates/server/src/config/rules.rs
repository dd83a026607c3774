//! What must hold between keys, and what an operator should be told at the start.

use patchbay_sip_io::{Listen, Proxy};

use super::apps;
use super::error::{ConfigError, Fault, Source};
use super::load::Loaded;
use super::origin::OriginPolicy;
use super::patches;
use super::rtc::RtcConfig;
use super::unserved;
use super::values::Values;

/// Whom events are told to, and of how many each may be told.
const SINKS: &str = "dialect.ers.ems.event_sinks";
/// More would multiply the requests that one event takes, fewer would leave no room for a second one while servers are changed.
const MOST_SINKS: usize = 4;

/// Paths that the server itself answers on its listeners.
const OWN_PATHS: [&str; 5] = ["/", "/healthz", "/readyz", "/metrics", "/config.js"];
const DIALECT_PATHS: [&str; 3] = ["dialect.mesh.path", "dialect.sid.path", "dialect.sylk.path"];
const LISTENERS: [&str; 3] = ["http.addr", "https.addr", "dialect.antmedia.listen"];
/// What the engine passes on, by the names of RTP (IANA, RTP Payload Format media types).
const CODECS: [(&str, &[&str]); 2] = [
    ("dialect.antmedia.audio_codecs", &["opus", "PCMU", "PCMA", "G722"]),
    ("dialect.antmedia.video_codecs", &["VP8", "VP9", "H264", "AV1"]),
];
/// Those of one address, or none.
const SINGLE_LISTENERS: [&str; 8] = [
    "admin.addr",
    "dialect.sid.listen",
    "dialect.sylk.listen",
    "dialect.ers.listen",
    "dialect.ers.admin_listen",
    "dialect.ers.ems.json_listen",
    "dialect.ers.ems.ascii_listen",
    "dialect.ers.ems.http_listen",
];

/// Everything that is wrong between keys.
pub(super) fn check(values: &Values) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let mut wrong = |path: &str, problem: String, action: &str| {
        let source = values.get(path).map_or(Source::Default, |s| s.source.clone());
        errors.push(Fault::new(problem, action).at(source));
    };
    let mut at_most = |low: &str, high: &str, reason: &str| {
        let (small, large) = (values.number(low), values.number(high));
        if small > large {
            // The error is put where somebody wrote something.
            let set = |path| values.get(path).is_some_and(|s| s.source != Source::Default);
            let place = if set(low) { low } else { high };
            let problem = format!("{low} = {small} is above {high} = {large}: {reason}");
            wrong(place, problem, "lower the one or raise the other");
        }
    };
    at_most("limits.mailbox_messages_soft", "limits.mailbox_messages_hard", "the hard bound would hide the soft one");
    at_most("limits.message_bytes", "limits.mailbox_bytes_hard", "the longest message could never be delivered");
    // Equal is wrong as well, but then the first ping and the timeout merely race.
    at_most(
        "dialect.mesh.ping_interval_ms",
        "dialect.mesh.pong_timeout_ms",
        "every client would be closed before its first ping",
    );

    at_most(
        "dialect.antmedia.ping_interval_ms",
        "dialect.antmedia.idle_timeout_ms",
        "every client would be given up before its first ping",
    );

    for (n, key) in DIALECT_PATHS.iter().enumerate() {
        let path = values.text(key);
        if OWN_PATHS.contains(&path) {
            let problem = format!("{key}: {path} is served by the server itself");
            wrong(key, problem, "choose another path");
        }
        if let Some(other) = DIALECT_PATHS[..n].iter().find(|other| values.text(other) == path) {
            let problem = format!("{key}: {path} is also {other}");
            wrong(key, problem, "choose another path for one of them");
        }
    }

    for key in ["dialect.sid.tenants", "dialect.antmedia.apps"] {
        let names = values.texts(key);
        for (n, name) in names.iter().enumerate() {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            if name.is_empty() || !name.bytes().all(legal) {
                let problem = format!("{key}: {name:?} cannot stand in a path as it is");
                wrong(key, problem, "use letters, digits, `-`, `_` and `.`");
            } else if names[..n].contains(name) {
                wrong(key, format!("{key}: {name:?} is listed twice"), "remove one of them");
            }
        }
    }
    if values.texts("dialect.antmedia.apps").is_empty() {
        let problem = "dialect.antmedia.apps is empty: its clients could not connect".to_owned();
        wrong("dialect.antmedia.apps", problem, "write at least one application, e.g. [\"LiveApp\"]");
    }
    for (key, known) in CODECS {
        for codec in values.texts(key).iter().filter(|codec| !known.contains(&codec.as_str())) {
            wrong(
                key,
                format!("{key}: {codec:?} is no codec that is known here"),
                &format!("use {}", known.join(", ")),
            );
        }
    }

    let sinks = values.texts(SINKS);
    if sinks.len() > MOST_SINKS {
        let problem = format!("{SINKS} has {} entries; each costs a request for each event", sinks.len());
        wrong(SINKS, problem, &format!("leave at most {MOST_SINKS} of them"));
    }
    for sink in sinks.iter().filter(|sink| !apps::is_http(sink)) {
        let problem = format!("{SINKS}: {sink:?} is no address of a web server");
        wrong(SINKS, problem, "write http://host/path or https://host/path");
    }

    for text in values.texts("sip.listen") {
        if let Err(problem) = Listen::parse(&text) {
            wrong("sip.listen", format!("sip.listen: {problem}"), "see the key's example");
        }
    }
    let proxy = values.text("sip.outbound_proxy");
    if let Some(problem) = Some(proxy).filter(|text| !text.is_empty()).and_then(|text| Proxy::parse(text).err()) {
        wrong("sip.outbound_proxy", format!("sip.outbound_proxy: {problem}"), "see the key's example");
    }

    let mut taken: Vec<(String, &str)> = Vec::new();
    let lists = LISTENERS.into_iter().flat_map(|key| values.texts(key).into_iter().map(move |address| (key, address)));
    let singles = SINGLE_LISTENERS.into_iter().map(|key| (key, values.text(key).to_owned()));
    for (key, address) in lists.chain(singles).filter(|(_, address)| !address.is_empty()) {
        if let Some((_, other)) = taken.iter().find(|(seen, _)| *seen == address) {
            let problem = format!("{key}: {address} is listed already ({other})");
            wrong(key, problem, "remove one of them");
        } else if !address.ends_with(":0") {
            taken.push((address, key));
        }
    }
    let pair = ["https.cert", "https.key"];
    let wanted = match pair.iter().find(|key| !values.text(key).is_empty()) {
        _ if !values.texts("https.addr").is_empty() => Some("https.addr"),
        set => set.copied(),
    };
    if let Some(wanted) = wanted {
        for missing in pair.into_iter().filter(|key| values.text(key).is_empty()) {
            let problem = format!("{wanted} is set, but {missing} is not");
            wrong(wanted, problem, &format!("set {missing} to the path of a PEM file, or unset {wanted}"));
        }
    }
    for (problem, action) in patches::faults(values) {
        wrong("patch", problem, &action);
    }
    for (problem, action) in apps::faults(values) {
        wrong("dialect.antmedia.app", problem, &action);
    }
    if values.texts("http.addr").is_empty() && values.texts("https.addr").is_empty() {
        let problem = "http.addr is empty: there is nothing to listen on".to_owned();
        wrong("http.addr", problem, "write at least one address, e.g. [\":8080\"]");
    }
    errors
}

impl Loaded {
    /// What an operator should know before the server starts, one line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = unserved::warnings(&self.values);
        let config = &self.config;
        warnings.extend(patches::idle(&config.patch));
        if config.mesh_origins().admits_everybody() {
            warnings.push(
                "any web page may connect: allowed_origins is \"*\"; set it (or WS_ALLOWED_ORIGINS) to \
                 the hosts of your pages, or to \"same-host\""
                    .to_owned(),
            );
        }
        let lists = [
            ("allowed_origins", &config.allowed_origins),
            ("dialect.mesh.origins", &config.dialect.mesh.origins),
            ("dialect.sid.origins", &config.dialect.sid.origins),
            ("dialect.sylk.origins", &config.dialect.sylk.origins),
            ("dialect.antmedia.origins", &config.dialect.antmedia.origins),
            ("dialect.whip.origins", &config.dialect.whip.origins),
            ("dialect.ers.origins", &config.dialect.ers.origins),
        ];
        for (path, list) in lists {
            for (entry, reason) in OriginPolicy::useless(list) {
                warnings.push(format!("{path}: the entry {entry:?} admits nobody: {reason}"));
            }
        }
        if config.allowed_origins.is_empty() && config.dialect.mesh.origins.is_empty() {
            warnings.push("allowed_origins is empty: no browser can connect".to_owned());
        }
        for (key, names) in self.ignored.iter().filter(|(_, names)| !names.is_empty()) {
            let (file, names) = (self.values.text(key), names.join(", "));
            warnings.push(format!("{file:?} sets what has no effect here: {names}"));
        }
        if let RtcConfig::Invalid { reason } = &config.rtc.config_json {
            warnings.push(format!(
                "rtc.config_json (RTC_CONFIG_JSON) is not used: {reason}; clients are given the default STUN server"
            ));
        }
        if let RtcConfig::NotAnObject(_) = &config.rtc.config_json {
            warnings.push(
                "rtc.config_json (RTC_CONFIG_JSON) is JSON, but no object like {\"iceServers\":[]}; clients use the default STUN server"
                    .to_owned(),
            );
        }
        warnings
    }
}
