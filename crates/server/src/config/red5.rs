//! A foreign configuration file: `red5.properties` of Ant Media Server. The names in it that mean something here count
//! where none of our own layers sets the key; the rest is told of once, and no error (DECISIONS 7 and 20).

use std::path::Path;

use toml::Value;

use super::apps;
use super::error::{ConfigError, Fault, Source};
use super::file;
use super::key::find;
use super::values::{Setting, Values};

/// The key that names the file.
pub(super) const FILE: &str = "dialect.antmedia.red5_properties";

/// Its names, and ours.
const NAMES: [(&str, &str); 3] = [
    ("server.cpu_limit", "limits.cpu_percent"),
    ("server.min_free_ram", "limits.min_available_mb"),
    ("settings.webrtc.client.start.timeoutMs", "dialect.antmedia.publish_timeout_ms"),
];

/// What it says of every application, as the reference's own settings are called (antmedia.md section 9.1), and our keys of
/// `[[dialect.antmedia.app]]`. Its secrets are not taken: ours stand in files of their own.
const APP_NAMES: [(&str, &str); 16] = [
    ("settings.acceptOnlyStreamsInDataStore", "accept_only_streams_in_data_store"),
    ("settings.acceptOnlyRoomsInDataStore", "accept_only_rooms_in_data_store"),
    ("settings.publishTokenControlEnabled", "publish_token_control_enabled"),
    ("settings.playTokenControlEnabled", "play_token_control_enabled"),
    ("settings.publishJwtControlEnabled", "publish_jwt_control_enabled"),
    ("settings.playJwtControlEnabled", "play_jwt_control_enabled"),
    ("settings.hashControlPublishEnabled", "hash_control_publish_enabled"),
    ("settings.hashControlPlayEnabled", "hash_control_play_enabled"),
    ("settings.enableTimeTokenForPublish", "enable_time_token_for_publish"),
    ("settings.enableTimeTokenForPlay", "enable_time_token_for_play"),
    ("settings.timeTokenPeriod", "time_token_period_s"),
    ("settings.timeTokenSubscriberOnly", "time_token_subscriber_only"),
    ("settings.ingestingStreamLimit", "ingesting_stream_limit"),
    ("settings.webhookAuthenticateURL", "webhook_authenticate_url"),
    ("settings.playWebRTCStreamOnceForEachSession", "play_webrtc_stream_once_for_each_session"),
    ("settings.listenerHookURL", "listener_hook_url"),
];

/// The sections of applications.
const APPS: &str = "dialect.antmedia.app";

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
    let mut of_apps = toml::Table::new();
    for (number, line) in text.lines().enumerate() {
        let Some((name, text)) = property(line) else { continue };
        if let Some((_, ours)) = APP_NAMES.iter().find(|(theirs, _)| *theirs == name) {
            let key = apps::KEYS.iter().find(|key| key.path == *ours);
            match key.map(|key| key.kind.read_text(text)) {
                Some(Ok(value)) => drop(of_apps.insert((*ours).to_owned(), value)),
                Some(Err(Fault { problem, action })) => {
                    errors.push(Fault { problem: format!("{name}: {problem}"), action }.at(at(Some(number + 1))));
                }
                None => {}
            }
            continue;
        }
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
    if !of_apps.is_empty() {
        apply_to_apps(values, &of_apps, at(None));
    }
    if errors.is_empty() { Ok(unknown) } else { Err(errors) }
}

/// Each application without a section of ours gets one that says this.
fn apply_to_apps(values: &mut Values, said: &toml::Table, source: Source) {
    let Some(key) = find(APPS) else { return };
    let (names, mut sections) = (values.texts("dialect.antmedia.apps"), Vec::new());
    if let Some(own) = values.get(APPS).and_then(|setting| setting.value.as_array()) {
        sections.clone_from(own);
    }
    for name in names {
        if !sections.iter().any(|own| own.get("name").and_then(Value::as_str) == Some(&name)) {
            let mut section = said.clone();
            section.insert("name".to_owned(), name.into());
            sections.push(Value::Table(section));
        }
    }
    if let Ok(value) = key.kind.check(&Value::Array(sections)) {
        values.put(Setting { key, value, source });
    }
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
        assert!(APP_NAMES.iter().all(|(_, ours)| apps::KEYS.iter().any(|key| key.path == *ours)));
    }

    #[test]
    fn what_it_says_of_applications_holds_for_those_without_a_section() {
        let folder = std::env::temp_dir().join(format!("patchbay-red5-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("writable");
        let file = |text: &str| std::fs::write(folder.join("red5.properties"), text).expect("writable");
        let mut values = Values::defaults();
        for (path, text) in [
            (FILE, "red5.properties"),
            ("dialect.antmedia.apps", "live,Conference"),
            (APPS, "[{name = \"live\", ingesting_stream_limit = 7}]"),
        ] {
            let key = find(path).expect("a key");
            let value = key.kind.read_text(text).unwrap_or_else(|fault| panic!("{}", fault.problem));
            values.put(Setting { key, value, source: Source::Default });
        }
        file(
            "settings.ingestingStreamLimit=3\nsettings.acceptOnlyStreamsInDataStore = true\nsettings.tokenHashSecret=x\n",
        );
        let ignored = apply(&mut values, &folder).unwrap_or_else(|errors| panic!("{errors:?}"));
        assert_eq!(ignored, ["settings.tokenHashSecret"], "secrets are not taken");
        let apps = values.to_config().dialect.antmedia.app;
        let found: Vec<_> = apps
            .iter()
            .map(|app| (app.name.as_str(), app.ingesting_stream_limit, app.accept_only_streams_in_data_store))
            .collect();
        assert_eq!(found, [("live", 7, false), ("Conference", 3, true)]);
        file("settings.publishTokenControlEnabled=yes\n");
        let errors = apply(&mut values, &folder).expect_err("no switch");
        assert!(errors[0].problem.starts_with("settings.publishTokenControlEnabled: "), "{errors:?}");
        std::fs::remove_dir_all(&folder).expect("it was there");
    }
}
