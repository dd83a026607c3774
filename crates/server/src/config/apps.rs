//! `[[dialect.antmedia.app]]`: what an application asks of its clients. The names are those of the reference's settings
//! (antmedia.md section 9.1), written as all keys here; secrets stand in files of their own.

use toml::Value;

use super::key::Key;
use super::kind::Kind::{Number, Path, Switch, Text};
use super::values::Values;

/// -1: no limit, as the reference writes it.
const LIMIT: super::kind::Kind = Number(-1, 1_000_000_000);

/// The keys of one section.
pub(super) const KEYS: &[Key] = &[
    Key::new("name", Text, r#""""#, "The application, one of `apps`; required."),
    Key::new(
        "accept_only_streams_in_data_store",
        Switch,
        "false",
        "Only streams are published that were made by REST before.",
    ),
    Key::new("accept_only_rooms_in_data_store", Switch, "false", "The same of rooms."),
    Key::new(
        "publish_token_control_enabled",
        Switch,
        "false",
        "Publishers show a token that was made by REST; it is used up, except in its room.",
    ),
    Key::new("play_token_control_enabled", Switch, "false", "Players show such a token."),
    Key::new(
        "publish_jwt_control_enabled",
        Switch,
        "false",
        "Publishers show a JSON Web Token (HS256; `streamId`, `type`, `exp`).",
    ),
    Key::new("play_jwt_control_enabled", Switch, "false", "Players show such a JSON Web Token."),
    Key::new(
        "jwt_key_file",
        Path,
        r#""""#,
        "A file with the key of JSON Web Tokens, at least 32 bytes, its line end not counted.",
    ),
    Key::new(
        "rest_jwt_key_file",
        Path,
        r#""""#,
        "A file with the key, at least 32 bytes, of JSON Web Tokens (HS256) that REST requests must show (`Authorization: Bearer …`); empty = none is asked for. The reference's `jwtControlEnabled` and `jwtSecretKey`.",
    ),
    Key::new(
        "hash_control_publish_enabled",
        Switch,
        "false",
        "Publishers show the SHA-256 of stream, `publish` and secret, in lower case hexadecimal.",
    ),
    Key::new("hash_control_play_enabled", Switch, "false", "Players show that of stream, `play` and secret."),
    Key::new("token_hash_secret_file", Path, r#""""#, "A file with the secret of these hashes."),
    Key::new(
        "enable_time_token_for_publish",
        Switch,
        "false",
        "Publishers show a `subscriberId`, and as `subscriberCode` six digits that change with time (TOTP, HMAC-SHA-1).",
    ),
    Key::new("enable_time_token_for_play", Switch, "false", "Players show such a code."),
    Key::new(
        "totp_secret_file_publish",
        Path,
        r#""""#,
        "A file with the secret that codes of publishers are made of who have none of their own in the store.",
    ),
    Key::new("totp_secret_file_play", Path, r#""""#, "The same for players."),
    Key::new("time_token_period_s", Number(1, 86_400), "60", "For how long a code is good, in seconds."),
    Key::new(
        "time_token_subscriber_only",
        Switch,
        "false",
        "Only subscribers in the store are let in where codes are asked for.",
    ),
    Key::new(
        "webrtc_viewer_limit",
        LIMIT,
        "-1",
        "Players at a time of all streams of the application, whatever their dialect; -1 = no limit.",
    ),
    Key::new("ingesting_stream_limit", LIMIT, "-1", "Publications at a time, whatever their dialect; -1 = no limit."),
    Key::new(
        "webhook_authenticate_url",
        Text,
        r#""""#,
        "A server that is asked by POST who may publish: 200 is yes; empty = nobody is asked.",
    ),
    Key::new("webhook_play_auth_url", Text, r#""""#, "A server that is asked who may play."),
    Key::new(
        "play_webrtc_stream_once_for_each_session",
        Switch,
        "true",
        "A connection that plays a stream and asks for it again is refused; off = it begins anew.",
    ),
    Key::new(
        "listener_hook_url",
        Text,
        r#""""#,
        "A server that is told by POST what becomes of streams, where a stream has none of its own in the store; empty = nobody.",
    ),
];

/// What is wrong, and what to do.
pub(super) fn faults(values: &Values) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    let list = values.get("dialect.antmedia.app").and_then(|setting| setting.value.as_array());
    let known = values.texts("dialect.antmedia.apps");
    let guarded_doors = !values.text("dialect.whip.token_file").is_empty();
    let stored = !values.text("data_dir").is_empty();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    for (index, app) in list.iter().enumerate() {
        let text = |key: &str| app.get(key).and_then(Value::as_str).unwrap_or_default();
        let on = |key: &str| app.get(key).and_then(Value::as_bool).unwrap_or_default();
        let name = text("name");
        let mut wrong =
            |problem: String, action: &str| faults.push((format!("app {name:?}: {problem}"), action.to_owned()));
        if !known.iter().any(|app| app == name) {
            wrong(
                "there is no such application".to_owned(),
                &format!("write one of dialect.antmedia.apps: {}", known.join(", ")),
            );
        }
        if list[..index].iter().any(|other| other.get("name").and_then(Value::as_str) == Some(name)) {
            wrong("it has a section already".to_owned(), "put both into one");
        }
        // All three are shown in one field.
        for (who, keys) in [
            (
                "publishers",
                ["publish_token_control_enabled", "publish_jwt_control_enabled", "hash_control_publish_enabled"],
            ),
            ("players", ["play_token_control_enabled", "play_jwt_control_enabled", "hash_control_play_enabled"]),
        ] {
            let set: Vec<_> = keys.into_iter().filter(|key| on(key)).collect();
            if set.len() > 1 {
                wrong(
                    format!("{} are on, and {who} can show one of them only: nobody is let in", set.join(" and ")),
                    "switch all but one off",
                );
            }
        }
        for (switches, file) in [
            (["publish_jwt_control_enabled", "play_jwt_control_enabled"], "jwt_key_file"),
            (["hash_control_publish_enabled", "hash_control_play_enabled"], "token_hash_secret_file"),
        ] {
            if let Some(switch) = switches.into_iter().find(|key| on(key) && text(file).is_empty()) {
                wrong(
                    format!("{switch} is on, and there is no {file}: nobody is let in"),
                    &format!("set {file} to the path of a file with a secret, e.g. of `openssl rand -hex 32`"),
                );
            }
        }
        let of_store = [
            "accept_only_streams_in_data_store",
            "accept_only_rooms_in_data_store",
            "publish_token_control_enabled",
            "play_token_control_enabled",
            "time_token_subscriber_only",
        ];
        if let Some(key) = of_store.into_iter().find(|key| on(key) && !stored) {
            wrong(
                format!("{key} is on, and there is no store (data_dir is empty): nobody is let in"),
                "set data_dir to a folder",
            );
        }
        for key in ["webhook_authenticate_url", "webhook_play_auth_url", "listener_hook_url"] {
            let url = text(key);
            if !url.is_empty() && !is_http(url) {
                wrong(format!("{key} is no address of a web server"), "write http://host/path or https://host/path");
            }
        }
        let guarded =
            KEYS.iter().filter(|key| key.kind == Switch && GUARDS.contains(&key.path)).find(|key| on(key.path));
        let asked = ["webhook_authenticate_url", "webhook_play_auth_url"].into_iter().find(|key| !text(key).is_empty());
        if let Some(guard) = guarded.map(|key| key.path).or(asked)
            && !guarded_doors
        {
            wrong(
                format!("{guard} is set, while WHIP and WHEP let everybody into the same streams"),
                "set dialect.whip.token_file to a file with their tokens",
            );
        }
    }
    faults
}

/// What keeps people out: of no use while another door stands open.
const GUARDS: [&str; 9] = [
    "accept_only_streams_in_data_store",
    "publish_token_control_enabled",
    "play_token_control_enabled",
    "publish_jwt_control_enabled",
    "play_jwt_control_enabled",
    "hash_control_publish_enabled",
    "hash_control_play_enabled",
    "enable_time_token_for_publish",
    "enable_time_token_for_play",
];

pub(super) fn is_http(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    matches!(scheme, "http" | "https") && !host.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::error::Source;
    use crate::config::key::find;
    use crate::config::values::Setting;

    fn found(apps: &str, others: &[(&str, &str)]) -> Vec<String> {
        let mut values = Values::defaults();
        for (path, text) in [("dialect.antmedia.app", apps)].iter().chain(others) {
            let key = find(path).expect("a key");
            let value = key.kind.read_text(text).unwrap_or_else(|fault| panic!("{}", fault.problem));
            values.put(Setting { key, value, source: Source::Default });
        }
        faults(&values).into_iter().map(|(problem, action)| format!("{problem}; {action}")).collect()
    }

    #[test]
    fn a_sound_application_is_no_fault() {
        let sound =
            r#"[{name = "LiveApp", publish_jwt_control_enabled = true, jwt_key_file = "k", webrtc_viewer_limit = 3,
            webhook_play_auth_url = "https://example.com/may?x=1"}, {name = "live"}]"#
                .replace('\n', " ");
        assert_eq!(found(&sound, &[("dialect.whip.token_file", "t")]), [] as [&str; 0]);
        assert_eq!(found("[]", &[]), [] as [&str; 0]);
    }

    #[test]
    fn what_lets_nobody_in_or_everybody_is_a_fault() {
        let locked = ("dialect.whip.token_file", "t");
        for (app, others, part) in [
            (r#"{name = "Nowhere"}"#, vec![], "app \"Nowhere\": there is no such application; write one of"),
            (r#"{name = "live"}, {name = "live"}"#, vec![], "it has a section already"),
            (
                r#"{name = "live", play_jwt_control_enabled = true}"#,
                vec![locked],
                "play_jwt_control_enabled is on, and there is no jwt_key_file: nobody is let in; set jwt_key_file",
            ),
            (
                r#"{name = "live", hash_control_play_enabled = true}"#,
                vec![locked],
                "there is no token_hash_secret_file",
            ),
            (
                r#"{name = "live", play_token_control_enabled = true, play_jwt_control_enabled = true, jwt_key_file = "k"}"#,
                vec![locked],
                "and players can show one of them only",
            ),
            (
                r#"{name = "live", publish_token_control_enabled = true}"#,
                vec![locked, ("data_dir", "")],
                "there is no store",
            ),
            (r#"{name = "live", listener_hook_url = "ftp://x"}"#, vec![], "listener_hook_url is no address"),
            (r#"{name = "live", listener_hook_url = "http:///x"}"#, vec![], "listener_hook_url is no address"),
            (
                r#"{name = "live", enable_time_token_for_play = true}"#,
                vec![],
                "enable_time_token_for_play is set, while WHIP and WHEP let everybody",
            ),
            (r#"{name = "live", webhook_authenticate_url = "http://x"}"#, vec![], "while WHIP and WHEP let everybody"),
        ] {
            let found = found(&format!("[{app}]"), &others);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(part), "{found:?}");
        }
    }
}
