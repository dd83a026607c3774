//! `config print`: the effective settings as a file that can be read back.

use toml::Value;

use super::error::Source;
use super::kind::Kind;
use super::load::Loaded;
use super::rtc::HIDDEN;
use super::values::Setting;

impl Loaded {
    /// The effective values as TOML; a comment behind each value that somebody set says where.
    pub fn to_toml(&self, show_secrets: bool) -> String {
        let mut out = String::new();
        let mut section = "";
        let (tables, plain): (Vec<_>, Vec<_>) =
            self.values.iter().partition(|s| matches!(s.key.kind, Kind::Patches | Kind::Apps));
        for setting in plain {
            if setting.key.section() != section {
                section = setting.key.section();
                out.push_str(&format!("\n[{section}]\n"));
            }
            let value = shown(setting, show_secrets);
            let name = setting.key.name();
            out.push_str(&format!("{name} = {value}{}\n", comment(&setting.source)));
        }
        // Sections in an array come last: keys behind them would belong to them.
        for setting in tables {
            let tables = setting.value.as_array().into_iter().flatten();
            for table in tables.filter_map(Value::as_table) {
                out.push_str(&format!("\n[[{}]]{}\n", setting.key.path, comment(&setting.source)));
                for (name, value) in table {
                    out.push_str(&format!("{name} = {value}\n"));
                }
            }
        }
        out
    }
}

fn comment(source: &Source) -> String {
    match source {
        Source::Default => String::new(),
        source => format!("  # from {source}"),
    }
}

fn shown(setting: &Setting, show_secrets: bool) -> String {
    let empty = setting.value.as_str() == Some("");
    match &setting.value {
        _ if setting.key.kind == Kind::Secret && !show_secrets && !empty => format!("\"{HIDDEN}\""),
        // The library may choose a form over several lines, behind which no comment could stand.
        Value::String(text) => basic_string(text),
        Value::Array(items) => {
            let items = items.iter().map(|item| match item {
                Value::String(text) => basic_string(text),
                other => other.to_string(),
            });
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A TOML basic string on one line.
fn basic_string(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
