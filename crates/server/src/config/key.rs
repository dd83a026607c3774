//! A configuration key, and how keys are found by path and by variable name.

use toml::Value;

use super::kind::Kind;
use super::nearest::nearest;
use super::table::{SECTIONS, TABLE};

/// One setting: everything that is known of it without any configuration.
#[derive(Debug)]
pub struct Key {
    /// Its place in the file, e.g. `http.addr`. The unit, where there is one, ends the name.
    pub path: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The default, as a TOML value.
    pub default: &'static str,
    /// The meaning, one sentence.
    pub doc: &'static str,
}

/// Every key except those inside of `[[patch]]` and `[[dialect.antmedia.app]]`, in the order of the documentation.
pub fn keys() -> &'static [Key] {
    TABLE
}

impl Key {
    pub(super) const fn new(path: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Self {
        Self { path, kind, default, doc }
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        variable(self.path)
    }

    /// The seeds' own variable for it, where there is one; it gives way to [`Key::variable`].
    pub fn seed_variable(&self) -> Option<&'static str> {
        let mut seeds = SEED_VARIABLES.iter();
        seeds.find_map(|(name, path)| (*path == self.path).then_some(*name))
    }

    /// The part before the last dot; empty for keys at the top.
    pub fn section(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(section, _)| section)
    }

    /// The part after the last dot.
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The default as a value, checked by the same rules as a value somebody wrote.
    pub(super) fn default_value(&self) -> Value {
        let reason = "the table's defaults are valid, which the test `the_table_is_sound` holds";
        let value = parse_toml_value(self.default).expect(reason);
        self.kind.check(&value).expect(reason)
    }
}

/// Variables that the seed documents name, and the keys they set.
pub(super) const SEED_VARIABLES: [(&str, &str); 3] =
    [("ADDR", "http.addr"), ("WS_ALLOWED_ORIGINS", "allowed_origins"), ("RTC_CONFIG_JSON", "rtc.config_json")];

pub(super) const VARIABLE_PREFIX: &str = "PATCHBAY_";

/// `http.addr` -> `PATCHBAY_HTTP__ADDR`.
pub(super) fn variable(path: &str) -> String {
    let name = path.replace('.', "__").to_ascii_uppercase();
    format!("{VARIABLE_PREFIX}{name}")
}

pub(super) fn find(path: &str) -> Option<&'static Key> {
    TABLE.iter().find(|key| key.path == path)
}

/// Whether keys stand below this path.
pub(super) fn is_section(path: &str) -> bool {
    let below = |key: &Key| {
        let rest = key.path.strip_prefix(path);
        rest.is_some_and(|rest| rest.starts_with('.'))
    };
    TABLE.iter().any(below)
}

/// The key or section nearest to an unknown path.
pub(super) fn nearest_path(path: &str) -> &'static str {
    let path = path.to_ascii_lowercase();
    let sections = SECTIONS.iter().map(|(name, _)| *name).filter(|name| !name.is_empty());
    let keys = TABLE.iter().map(|key| key.path);
    nearest(&path, keys.chain(sections)).unwrap_or_default()
}

/// The first key below a section, as an example; for the path of a key, that path.
pub(super) fn example_key(path: &str) -> &'static str {
    let mut paths = TABLE.iter().map(|key| key.path);
    paths.find(|key| key.starts_with(path)).unwrap_or_default()
}

/// A TOML value that stands alone, as in a variable or flag.
pub(super) fn parse_toml_value(text: &str) -> Option<Value> {
    // A document of one line, so that no second key can be smuggled in behind the value.
    let mut table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    let value = table.remove("value")?;
    table.is_empty().then_some(value)
}
