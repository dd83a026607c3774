//! The kinds of values: how a text becomes one, and which are accepted.

use toml::Value;

use super::address::ListenAddr;
use super::apps;
use super::error::{Fault, quoted};
use super::key::{Key, parse_toml_value};
use super::levels::{Levels, LevelsError};
use super::nearest::nearest;
use super::networks::Networks;
use super::table::PATCH_KEYS;

/// What values a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Switch,
    /// A whole number within bounds, both included.
    Number(i64, i64),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// Any text that must not be shown.
    Secret,
    /// A file or folder, relative to the working directory; may be empty (none).
    Path,
    /// The path of a URL.
    UrlPath,
    /// Log levels, see `levels.rs`.
    Levels,
    /// A listener's address; empty = none.
    Listen,
    /// Listeners' addresses.
    Listens,
    /// Networks, see `networks.rs`.
    Networks,
    /// Texts.
    Texts,
    /// Tables of rooms that are one across dialects.
    Patches,
    /// Tables of what applications ask of their clients, see `apps.rs`.
    Apps,
}

/// Sections in an array.
struct Tables {
    /// What one of them is.
    what: &'static str,
    keys: &'static [Key],
    /// The key without which it is about nothing, what that is, and how it is written.
    names: (&'static str, &'static str, &'static str),
}

const PATCHES: Tables =
    Tables { what: "patch", keys: PATCH_KEYS, names: ("room", "room", "write the room's name, e.g. room = \"demo\"") };
const APPS: Tables = Tables {
    what: "app",
    keys: apps::KEYS,
    names: ("name", "name", "write the application's name, e.g. name = \"LiveApp\""),
};

impl Kind {
    /// The values it takes, in a few words.
    pub fn describe(self) -> String {
        match self {
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Number(low, i64::MAX) => format!("whole number from {low}"),
            Self::Number(low, high) => format!("whole number from {low} to {high}"),
            Self::Choice(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::Text => "text".to_owned(),
            Self::Secret => "text, kept out of logs".to_owned(),
            Self::Path => "path".to_owned(),
            Self::UrlPath => "URL path".to_owned(),
            Self::Levels => "log levels".to_owned(),
            Self::Listen => "listener address".to_owned(),
            Self::Listens => "list of listener addresses".to_owned(),
            Self::Networks => "list of addresses and ranges".to_owned(),
            Self::Texts => "list of texts".to_owned(),
            Self::Patches | Self::Apps => "tables".to_owned(),
        }
    }

    /// Reads the text of a variable or flag, and checks it.
    pub(super) fn read_text(self, text: &str) -> Result<Value, Fault> {
        let trimmed = text.trim();
        let value = match self {
            // Unparsed words stay texts; `check` then says what was expected instead.
            Self::Switch | Self::Number(..) => parse_toml_value(trimmed),
            // "[::]:8080" begins like an array, but is none: then it is a comma list.
            Self::Listens | Self::Networks | Self::Texts | Self::Patches | Self::Apps if trimmed.starts_with('[') => {
                parse_toml_value(trimmed)
            }
            Self::Text | Self::Secret | Self::Path => Some(text.into()),
            _ => None,
        };
        self.check(&value.unwrap_or_else(|| trimmed.into()))
    }

    /// Checks a value and brings it into its one form.
    pub(super) fn check(self, value: &Value) -> Result<Value, Fault> {
        match (self, value) {
            (Self::Switch, Value::Boolean(_)) => Ok(value.clone()),
            (Self::Number(low, high), Value::Integer(n)) if (low..=high).contains(n) => Ok(value.clone()),
            (Self::Choice(words), Value::String(word)) if words.contains(&word.as_str()) => Ok(value.clone()),
            (Self::Text | Self::Secret | Self::Path, Value::String(_)) => Ok(value.clone()),
            (Self::UrlPath, Value::String(path)) if is_url_path(path) => Ok(value.clone()),
            (Self::Levels, Value::String(text)) => match text.parse::<Levels>() {
                Ok(_) => Ok(value.clone()),
                Err(LevelsError) => Err(self.fault(value)),
            },
            (Self::Listen, Value::String(text)) if text.is_empty() => Ok(value.clone()),
            (Self::Listen, Value::String(text)) => check_address(text),
            (Self::Listens | Self::Networks | Self::Texts, Value::String(list)) => {
                let items = list.split(',').map(str::trim).filter(|item| !item.is_empty());
                self.check(&Value::Array(items.map(Value::from).collect()))
            }
            (Self::Listens | Self::Networks | Self::Texts, Value::Array(items)) => self.check_items(items),
            (Self::Patches, Value::Array(items)) => self.check_tables(&PATCHES, items),
            (Self::Apps, Value::Array(items)) => self.check_tables(&APPS, items),
            _ => Err(self.fault(value)),
        }
    }

    fn check_items(self, items: &[Value]) -> Result<Value, Fault> {
        let checked = items.iter().map(|item| match item {
            Value::String(text) if self == Self::Listens => check_address(text),
            Value::String(text) if self == Self::Networks => check_network(text),
            Value::String(_) => Ok(item.clone()),
            _ => Err(self.fault(item)),
        });
        Ok(Value::Array(checked.collect::<Result<_, _>>()?))
    }

    /// Fills what a table leaves out, so that the typed value can be built without a second set of defaults.
    fn check_tables(self, tables: &Tables, items: &[Value]) -> Result<Value, Fault> {
        let Tables { what, keys, names: (name, meaning, action) } = tables;
        let mut checked = Vec::new();
        for (n, item) in items.iter().enumerate() {
            let Value::Table(given) = item else {
                return Err(self.fault(item));
            };
            let mut table = toml::Table::new();
            for (name, value) in given {
                let Some(key) = keys.iter().find(|key| key.path == name) else {
                    let known = nearest(name, keys.iter().map(|key| key.path));
                    return Err(Fault::new(
                        format!("{} in {what} {n} is not a known key", quoted(name)),
                        format!("the nearest known key is {}", known.unwrap_or_default()),
                    ));
                };
                let value = key
                    .kind
                    .check(value)
                    .map_err(|fault| Fault { problem: format!("{name} in {what} {n}: {}", fault.problem), ..fault })?;
                table.insert(name.clone(), value);
            }
            for key in *keys {
                table.entry(key.path).or_insert_with(|| key.default_value());
            }
            if table.get(*name).and_then(Value::as_str) == Some("") {
                return Err(Fault::new(format!("{what} {n} has no {meaning}"), *action));
            }
            checked.push(Value::Table(table));
        }
        Ok(Value::Array(checked))
    }

    fn fault(self, value: &Value) -> Fault {
        let found = match value {
            _ if self == Self::Secret => value.type_str().to_owned(),
            Value::String(text) => quoted(text),
            Value::Array(_) | Value::Table(_) => value.type_str().to_owned(),
            other => quoted(&other.to_string()).trim_matches('"').to_owned(),
        };
        let action = match self {
            Self::Levels => LevelsError::ACTION.to_owned(),
            Self::UrlPath => "write a path that begins with / and has letters, digits and -._~/ only".to_owned(),
            Self::Choice(words) => format!("write one of {}", words.join(", ")),
            Self::Listens | Self::Networks | Self::Texts => "write an array of texts, e.g. [\"a\", \"b\"]".to_owned(),
            Self::Patches => "write [[patch]] sections, each with a room".to_owned(),
            Self::Apps => "write [[dialect.antmedia.app]] sections, each with a name".to_owned(),
            _ => format!("write a {}", self.describe().replace('`', "")),
        };
        Fault::new(format!("{found} is not accepted"), action)
    }
}

fn check_address(text: &str) -> Result<Value, Fault> {
    match text.parse::<ListenAddr>() {
        Ok(address) => Ok(address.to_string().into()),
        Err(error) => {
            let problem = format!("{} is no listener address: {}", quoted(text), error.problem);
            Err(Fault::new(problem, error.action))
        }
    }
}

fn check_network(text: &str) -> Result<Value, Fault> {
    match Networks::new(&[text]) {
        Ok(_) => Ok(text.trim().into()),
        Err(error) => {
            let (problem, action) = error.split_once("; ").unwrap_or((&error, ""));
            Err(Fault::new(format!("{} is no network: {problem}", quoted(text)), action))
        }
    }
}

fn is_url_path(path: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.starts_with('/') && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(kind: Kind, text: &str) -> Result<String, String> {
        let shown = kind.read_text(text).map(|value| value.to_string());
        shown.map_err(|fault| format!("{}; {}", fault.problem, fault.action))
    }

    #[test]
    fn texts_become_values() {
        for (kind, given, value) in [
            (Kind::Switch, " true ", "true"),
            (Kind::Number(0, 9), "7", "7"),
            (Kind::Number(0, 99), "0x10", "16"),
            (Kind::Choice(&["a", "b"]), "b", "\"b\""),
            (Kind::Listens, ":1, [::]:2 ,", "[\":1\", \"[::]:2\"]"),
            (Kind::Listens, "[::]:8080", "[\"[::]:8080\"]"),
            (Kind::Listens, "[\":1\"]", "[\":1\"]"),
            (Kind::Listens, "", "[]"),
            (Kind::Networks, "unix, ::1,10.0.0.0/8", "[\"unix\", \"::1\", \"10.0.0.0/8\"]"),
            (Kind::Texts, "a,b", "[\"a\", \"b\"]"),
            (Kind::Texts, "[\"a,b\"]", "[\"a,b\"]"),
            (Kind::Text, "[x]", "\"[x]\""),
            (Kind::Listen, "", "\"\""),
            (Kind::UrlPath, "/ws", "\"/ws\""),
        ] {
            assert_eq!(text(kind, given).as_deref(), Ok(value), "{kind:?} {given:?}");
        }
    }

    #[test]
    fn faults_name_cause_and_action() {
        for (kind, given, part) in [
            (Kind::Switch, "yes", "write a true or false"),
            (Kind::Number(1, 9), "10", "10 is not accepted; write a whole number from 1 to 9"),
            (Kind::Number(1, 9), "", "\"\" is not accepted"),
            (Kind::Number(1, 9), "1.5", "1.5 is not accepted"),
            (Kind::Number(1, 9), "1\nx = 2", "is not accepted"),
            (Kind::Choice(&["a", "b"]), "c", "write one of a, b"),
            (Kind::Levels, "inof", "\"inof\" is not accepted; write one of off"),
            (Kind::Listens, ":1,8080", "write \":8080\""),
            (Kind::Networks, "10.0.0.0/8, 10.1", "\"10.1\" is no network: it is no address; write an address"),
            (Kind::Texts, "[1]", "1 is not accepted; write an array"),
            (Kind::UrlPath, "ws", "begins with /"),
            (Kind::UrlPath, "/ws?x", "begins with /"),
            (Kind::Patches, "[{rom = \"a\"}]", "nearest known key is room"),
            (Kind::Patches, "[{mesh = \"a\"}]", "patch 0 has no room"),
            (Kind::Patches, "demo", "write [[patch]] sections"),
            (Kind::Apps, "[{nmae = \"a\"}]", "nearest known key is name"),
            (Kind::Apps, "[{play_jwt_control_enabled = true}]", "app 0 has no name"),
            (Kind::Apps, "[{name = \"a\", webrtc_viewer_limit = -2}]", "webrtc_viewer_limit in app 0: -2 is not"),
            (Kind::Apps, "demo", "write [[dialect.antmedia.app]] sections"),
        ] {
            let error = text(kind, given).expect_err(given);
            assert!(error.contains(part), "{error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn a_secret_is_not_in_its_fault() {
        let fault = Kind::Secret.check(&Value::Integer(4711)).expect_err("no text");
        assert!(!fault.problem.contains("4711"), "{}", fault.problem);
    }
}
