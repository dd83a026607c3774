//! The merged settings: for each key the value that counts, and where it came from.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::error::Source;
use super::key::Key;
use super::table::TABLE;
use super::typed::Config;

/// One value that somebody set, already checked by its key's kind.
#[derive(Clone)]
pub(super) struct Setting {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) source: Source,
}

/// A setting for every key of the table. No `Debug`: secrets stand in it.
#[derive(Clone)]
pub(super) struct Values(BTreeMap<&'static str, Setting>);

impl Values {
    pub(super) fn defaults() -> Self {
        let setting = |key: &'static Key| Setting { key, value: key.default_value(), source: Source::Default };
        Self(TABLE.iter().map(|key| (key.path, setting(key))).collect())
    }

    /// Puts a setting in the place of the one that stood there.
    pub(super) fn put(&mut self, setting: Setting) {
        self.0.insert(setting.key.path, setting);
    }

    /// The setting of a known path.
    pub(super) fn get(&self, path: &str) -> Option<&Setting> {
        self.0.get(path)
    }

    /// All settings, in the order of the table.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Setting> {
        TABLE.iter().filter_map(|key| self.0.get(key.path))
    }

    /// The typed value.
    pub(super) fn to_config(&self) -> Config {
        let mut root = Table::new();
        for setting in self.iter() {
            insert(&mut root, setting.key.path, setting.value.clone());
        }
        Value::Table(root)
            .try_into()
            .expect("a value that its kind accepts fits its field, which the test `bounds_fit_the_fields` holds")
    }

    pub(super) fn number(&self, path: &str) -> i64 {
        let value = self.get(path).and_then(|setting| setting.value.as_integer());
        value.unwrap_or_else(|| panic!("{path} is a number in the table of keys"))
    }

    pub(super) fn text(&self, path: &str) -> &str {
        let value = self.get(path).and_then(|setting| setting.value.as_str());
        value.unwrap_or_else(|| panic!("{path} is a text in the table of keys"))
    }

    pub(super) fn texts(&self, path: &str) -> Vec<String> {
        let value = self.get(path).and_then(|setting| setting.value.as_array());
        let items = value.unwrap_or_else(|| panic!("{path} is a list in the table of keys"));
        items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    pub(super) fn is_default(setting: &Setting) -> bool {
        setting.value == setting.key.default_value()
    }
}

fn insert(table: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            table.insert(path.to_owned(), value);
        }
        Some((section, rest)) => {
            let below = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::apps;
    use crate::config::key::is_section;
    use crate::config::kind::Kind;
    use crate::config::table::{PATCH_KEYS, SECTIONS};

    #[test]
    fn the_table_is_sound() {
        for key in TABLE.iter().chain(PATCH_KEYS).chain(apps::KEYS) {
            // Panics where a default is no valid value.
            key.default_value();
            assert!(key.doc.ends_with('.') && !key.doc.contains(['\n', '|']), "{}", key.path);
            assert!(!is_section(key.path), "{} is a key and a section", key.path);
            assert!(!key.path.contains("__"), "{}: __ divides the levels of a variable", key.path);
        }
        for key in TABLE {
            let section = key.section();
            assert!(SECTIONS.iter().any(|(name, _)| *name == section), "[{section}] has no text");
            assert_eq!(TABLE.iter().filter(|other| other.path == key.path).count(), 1);
        }
        for (section, _) in SECTIONS {
            assert!(section.is_empty() || is_section(section), "[{section}] has no keys");
        }
    }

    #[test]
    fn bounds_fit_the_fields() {
        for high in [false, true] {
            let mut values = Values::defaults();
            for key in TABLE {
                if let Kind::Number(low_bound, high_bound) = key.kind {
                    let value = Value::Integer(if high { high_bound } else { low_bound });
                    values.put(Setting { key, value, source: Source::Default });
                }
                if let Kind::Choice(words) = key.kind {
                    let word = if high { words[words.len() - 1] } else { words[0] };
                    values.put(Setting { key, value: word.into(), source: Source::Default });
                }
            }
            values.to_config();
        }
    }
}
