//! `config keys`: the table of keys for people, which is also the second half of
//! docs/configuration.md.

use super::apps;
use super::key::Key;
use super::kind::Kind;
use super::table::{PATCH_KEYS, SECTIONS, TABLE};
use super::unserved::missing;

/// All keys with default, values and meaning, in Markdown.
pub fn reference() -> String {
    let mut out = String::new();
    for (section, text) in SECTIONS {
        let heading = match *section {
            "" => "Top level".to_owned(),
            section => format!("`[{section}]`"),
        };
        let in_section = |key: &&Key| key.section() == *section && !matches!(key.kind, Kind::Patches | Kind::Apps);
        let keys: Vec<_> = TABLE.iter().filter(in_section).collect();
        table(&mut out, &heading, text, &keys);
    }
    for (path, keys) in [("dialect.antmedia.app", apps::KEYS), ("patch", PATCH_KEYS)] {
        let keys: Vec<_> = keys.iter().collect();
        if let Some(tables) = TABLE.iter().find(|key| key.path == path) {
            let text = format!("{}{}", tables.doc, note(missing(tables)));
            table(&mut out, &format!("`[[{path}]]`"), &text, &keys);
        }
    }
    out.trim_start().to_owned()
}

fn table(out: &mut String, heading: &str, text: &str, keys: &[&Key]) {
    // What is missing for the whole section is said once above it.
    let mut whole = keys.first().and_then(|key| missing(key));
    if keys.iter().any(|key| missing(key) != whole) {
        whole = None;
    }
    out.push_str(&format!("\n### {heading}\n\n{text}{}\n\n", note(whole)));
    out.push_str("| key | default | values | meaning |\n|---|---|---|---|\n");
    for key in keys {
        let variable = key.seed_variable().map(|name| format!(" Also `{name}`."));
        let unserved = if whole.is_none() { note(missing(key)) } else { String::new() };
        out.push_str(&format!(
            "| `{}` | `{}` | {} | {}{}{unserved} |\n",
            key.name(),
            key.default,
            key.kind.describe(),
            key.doc,
            variable.unwrap_or_default(),
        ));
    }
}

fn note(missing: Option<&str>) -> String {
    let note = |what| format!(" *No effect yet: this version does not serve {what}.*");
    missing.map(note).unwrap_or_default()
}
