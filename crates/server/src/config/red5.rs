//! A foreign configuration file: `red5.properties` of Ant Media Server. The names in it that mean something here count
//! where none of our own layers sets the key; the rest is told of once, and no error (DECISIONS 7 and 20).

use std::path::Path;

use super::error::{ConfigError, Fault, Source};
use super::file;
use super::key::find;
use super::values::{Setting, Values};

/// The key that names the file.
const FILE: &str = "dialect.antmedia.red5_properties";

/// Its names, and ours.
const NAMES: [(&str, &str); 3] = [
    ("server.cpu_limit", "limits.cpu_percent"),
    ("server.min_free_ram", "limits.min_available_mb"),
    ("settings.webrtc.client.start.timeoutMs", "dialect.antmedia.publish_timeout_ms"),
];

/// Puts what the file sets in the place of defaults, if a file is named, relative to `dir`. The names in it that have
/// no effect.
pub(super) fn apply(values: &mut Values, dir: &Path) -> Result<Vec<String>, Vec<ConfigError>> {
    let path = values.text(FILE).to_owned();
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let at = |line| Source::File { path: path.clone(), line };
    let text = file::read(&dir.join(&path)).map_err(|error| vec![ConfigError { source: at(None), ..error }])?;
    let (mut unknown, mut errors) = (Vec::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let Some((name, text)) = property(line) else { continue };
        let Some((_, ours)) = NAMES.iter().find(|(theirs, _)| *theirs == name) else {
            unknown.push(name.to_owned());
            continue;
        };
        let Some(key) = find(ours) else { continue };
        let source = at(Some(number + 1));
        match key.kind.read_text(text) {
            Ok(value) if values.get(ours).is_none_or(|setting| may_be_replaced(setting, &path)) => {
                values.put(Setting { key, value, source });
            }
            Ok(_) => {}
            Err(Fault { problem, action }) => {
                errors.push(Fault { problem: format!("{name}: {problem}"), action }.at(source));
            }
        }
    }
    if errors.is_empty() { Ok(unknown) } else { Err(errors) }
}

/// A default, or what the same file has said before: of two equal names, the last counts.
fn may_be_replaced(setting: &Setting, file: &str) -> bool {
    match &setting.source {
        Source::Default => true,
        Source::File { path, .. } => path == file,
        Source::Env(_) | Source::Flag(_) => false,
    }
}

/// The name and value on a line of a Java properties file; `None` for a blank line or a comment.
fn property(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with(['#', '!']) {
        return None;
    }
    let (name, value) = line.split_once(['=', ':']).unwrap_or((line, ""));
    Some((name.trim(), value.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_names_and_values() {
        for (line, expected) in [
            ("server.cpu_limit=75", Some(("server.cpu_limit", "75"))),
            ("  a : b=c ", Some(("a", "b=c"))),
            ("a", Some(("a", ""))),
            ("", None),
            ("# a=b", None),
            ("! a=b", None),
        ] {
            assert_eq!(property(line), expected, "{line:?}");
        }
    }

    #[test]
    fn every_name_means_a_key() {
        assert!(NAMES.iter().all(|(_, ours)| find(ours).is_some()));
    }
}
