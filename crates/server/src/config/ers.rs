//! A foreign configuration file: `default.json` of the rendezvous server that EvoStream's devices know (ers.md section 1.1).
//! What it says counts where none of our own layers sets the key; what means nothing here is told of once, and no error
//! (DECISIONS 7). Its secrets and lists of servers are read where they are used (`dialects/ers.rs`).

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value as Json;
use toml::Value;

use super::error::{ConfigError, Fault, Source};
use super::file;
use super::key::find;
use super::values::{Setting, Values};

/// The key that names the file.
pub(super) const FILE: &str = "dialect.ers.config";

/// What is read elsewhere.
const LISTS: [&str; 3] = ["emsTokens", "stunservers", "turnservers"];

/// What the reference takes for what the file leaves out.
const ADMIN_PORT: u64 = 3030;
const ADMIN_IP: &str = "127.0.0.1";

/// Puts what the file sets in the place of defaults, if a file is named, relative to `dir`. The names in it that have
/// no effect.
pub(super) fn apply(values: &mut Values, dir: &Path) -> Result<Vec<String>, Vec<ConfigError>> {
    let path = values.text(FILE).to_owned();
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let source = Source::File { path: path.clone(), line: None };
    let fault = |problem: String, action: &str| vec![Fault::new(problem, action).at(source.clone())];
    let text = file::read(&dir.join(&path)).map_err(|error| vec![ConfigError { source: source.clone(), ..error }])?;
    // Windows editors begin files with a mark.
    let text = text.trim_start_matches('\u{feff}');
    let Ok(Json::Object(said)) = serde_json::from_str(text) else {
        return Err(fault("it is no JSON object".to_owned(), "name an ERS default.json"));
    };
    let (mut given, mut unknown, mut errors) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in &said {
        match (name.as_str(), value) {
            ("server", Json::Object(server)) => server_keys(server, &mut given, &mut unknown),
            ("allowedrooms", value) => given.push(("allowedrooms", "dialect.ers.allowed_rooms", value_of(value))),
            (name, Json::Array(_)) if LISTS.contains(&name) => {}
            (name, _) if LISTS.contains(&name) => {
                errors.extend(fault(format!("{name} is no list"), "write a JSON array"));
            }
            (name, _) => unknown.push(name.to_owned()),
        }
    }
    for (theirs, ours, value) in given {
        let Some(key) = find(ours).filter(|_| values.get(ours).is_none_or(|own| own.source == Source::Default)) else {
            continue;
        };
        match value
            .as_ref()
            .map_or_else(|| Err(Fault::new("null is not accepted", "leave it out")), |value| key.kind.check(value))
        {
            Ok(value) => values.put(Setting { key, value, source: source.clone() }),
            Err(Fault { problem, action }) => {
                errors.push(Fault { problem: format!("{theirs}: {problem}"), action }.at(source.clone()));
            }
        }
    }
    if errors.is_empty() { Ok(unknown) } else { Err(errors) }
}

/// A name in the file, our key, and what it is set to.
type Given = (&'static str, &'static str, Option<Value>);

fn server_keys(server: &serde_json::Map<String, Json>, given: &mut Vec<Given>, unknown: &mut Vec<String>) {
    let of = |name: &str| server.get(name).filter(|value| !value.is_null());
    let secure = of("secure").and_then(Json::as_bool).unwrap_or_default();
    for (name, value) in server {
        match name.as_str() {
            "port" => {
                given.push(("server.port", "dialect.ers.listen", Some(format!(":{}", shown(value)).into())));
            }
            "tokensEnabled" => given.push(("server.tokensEnabled", "dialect.ers.tokens_enabled", value_of(value))),
            "key" if secure => given.push(("server.key", "https.key", value_of(value))),
            "cert" if secure => given.push(("server.cert", "https.cert", value_of(value))),
            // Said with others, below, or nothing by itself.
            "adminAccessEnabled" | "adminIP" | "adminPort" | "secure" | "key" | "cert" => {}
            "password" if value.is_null() || !secure => {}
            "webServerEnabled" => {
                given.push(("server.webServerEnabled", "dialect.ers.web_server", value_of(value)));
            }
            name => unknown.push(format!("server.{name}")),
        }
    }
    if of("adminAccessEnabled").and_then(Json::as_bool) != Some(false) {
        let ip = of("adminIP").map_or_else(|| ADMIN_IP.to_owned(), shown);
        let port = of("adminPort").map_or_else(|| ADMIN_PORT.to_string(), shown);
        // Who is alone admitted and on this machine needs no other interface.
        let local = ip.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
        let listen = if local { format!("{ADMIN_IP}:{port}") } else { format!(":{port}") };
        given.push(("server.adminPort", "dialect.ers.admin_listen", Some(listen.into())));
        given.push(("server.adminIP", "dialect.ers.admin_allowed", Some(vec![ip].into())));
    }
}

fn shown(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The same in the other form; `None` for `null`, which TOML does not know.
fn value_of(value: &Json) -> Option<Value> {
    Value::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(std::path::PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).expect("it was there");
        }
    }

    fn applied(name: &str, text: &str, own: &[(&str, &str)]) -> Result<(Values, Vec<String>), Vec<ConfigError>> {
        let folder = Folder(std::env::temp_dir().join(format!("patchbay-ers-{name}-{}", std::process::id())));
        std::fs::create_dir_all(&folder.0).expect("writable");
        std::fs::write(folder.0.join("default.json"), text).expect("writable");
        let mut values = Values::defaults();
        for (path, text) in std::iter::once(&(FILE, "default.json")).chain(own) {
            let key = find(path).expect("a key");
            let value = key.kind.read_text(text).unwrap_or_else(|fault| panic!("{}", fault.problem));
            values.put(Setting { key, value, source: Source::Flag("--test".to_owned()) });
        }
        let ignored = apply(&mut values, &folder.0)?;
        Ok((values, ignored))
    }

    /// As the reference's documentation has it.
    const DEFAULT: &str = r#"{
        "isDev": true,
        "server": {
            "port": 3535, "secure": false, "key": null, "cert": null, "password": null,
            "tokensEnabled": true, "webServerEnabled": true,
            "adminAccessEnabled": true, "adminIP": "127.0.0.1", "adminPort": 3031
        },
        "allowedrooms": ["one", "two"],
        "emsTokens": ["secret"],
        "stunservers": [{"url": "stun:stun.example.com:3478"}],
        "turnservers": [{"url": "turn:turn.example.com:3478", "secret": "s", "expiry": 86400}]
    }"#;

    #[test]
    fn a_file_of_the_reference_counts_where_nothing_else_is_set() {
        let (values, ignored) = applied("counts", DEFAULT, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(ignored, ["isDev"]);
        let ers = values.to_config().dialect.ers;
        let shown = |address: &Option<super::super::ListenAddr>| address.as_ref().map(ToString::to_string);
        assert_eq!(shown(&ers.listen).as_deref(), Some(":3535"));
        assert_eq!(shown(&ers.admin_listen).as_deref(), Some("127.0.0.1:3031"));
        assert!(ers.tokens_enabled);
        assert_eq!(ers.allowed_rooms, ["one", "two"]);
        assert!(ers.admin_allowed.contain(Some("127.0.0.1".parse().expect("an address"))));
        assert!(!ers.admin_allowed.contain(Some("::1".parse().expect("an address"))));
        let own = [("dialect.ers.listen", "127.0.0.1:1"), ("dialect.ers.tokens_enabled", "false")];
        let (values, _) = applied("own", DEFAULT, &own).unwrap_or_else(|errors| panic!("{errors:?}"));
        let ers = values.to_config().dialect.ers;
        assert_eq!((shown(&ers.listen).as_deref(), ers.tokens_enabled), (Some("127.0.0.1:1"), false));
    }

    #[test]
    fn its_administrator_may_be_elsewhere_or_nobody_and_its_certificate_is_ours() {
        let text = r#"{"server":{"secure":true,"key":"a.key","cert":"a.crt","password":"hunter2","adminIP":"192.0.2.7","webServerEnabled":false}}"#;
        let (values, ignored) = applied("elsewhere", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(ignored, ["server.password"]);
        assert!(!values.to_config().dialect.ers.web_server);
        assert_eq!((values.text("https.cert"), values.text("https.key")), ("a.crt", "a.key"));
        assert_eq!(values.text("dialect.ers.admin_listen"), ":3030");
        assert_eq!(values.texts("dialect.ers.admin_allowed"), ["192.0.2.7"]);
        let text = r#"{"server":{"adminAccessEnabled":false,"adminPort":3030}}"#;
        let (values, _) = applied("nobody", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(values.text("dialect.ers.admin_listen"), "");
    }

    #[test]
    fn what_is_wrong_in_it_is_told_without_its_secrets() {
        for (number, (text, part)) in [
            ("", "it is no JSON object"),
            ("[]", "it is no JSON object"),
            (r#"{"server":{"port":"http"}}"#, "server.port: "),
            (r#"{"server":{"port":99999}}"#, "server.port: "),
            (r#"{"server":{"tokensEnabled":"hunter2"}}"#, "server.tokensEnabled: "),
            (r#"{"server":{"adminIP":"nobody"}}"#, "server.adminIP: "),
            (r#"{"allowedrooms":7}"#, "allowedrooms: 7 is not accepted"),
            (r#"{"allowedrooms":null}"#, "allowedrooms: null is not accepted"),
            (r#"{"emsTokens":"hunter2"}"#, "emsTokens is no list"),
        ]
        .into_iter()
        .enumerate()
        {
            let errors = applied(&format!("wrong{number}"), text, &[]).err().unwrap_or_else(|| panic!("{text}"));
            assert!(errors[0].problem.starts_with(part), "{text}: {errors:?}");
            assert!(part.contains("tokensEnabled") || !format!("{errors:?}").contains("hunter2"), "{errors:?}");
        }
    }
}
