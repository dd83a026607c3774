//! What the applications of antmedia ask of their clients, as configured.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use patchbay_dialect_antmedia::security::{Checks, Secret, Security, jwt};

use crate::config::{App, Config};

/// Longest file with a secret: longer ones are not what was meant.
const SECRET_BYTES: usize = 4_096;

/// What an application asks.
///
/// # Errors
/// With cause and next action, if a file of it is of no use.
pub(super) fn security(config: &Config, name: &str) -> Result<Security, String> {
    let stored = !config.data_dir.as_os_str().is_empty();
    let open = Security { app: Arc::from(name), stored, ..Security::default() };
    let Some(app) = config.dialect.antmedia.app.iter().find(|app| app.name == name) else { return Ok(open) };
    let file = |key: &str, path: &Option<std::path::PathBuf>, least| {
        path.as_deref().map(|path| secret(&format!("{key} of app {name:?}"), path, least)).transpose()
    };
    Ok(Security {
        known_streams: app.accept_only_streams_in_data_store,
        known_rooms: app.accept_only_rooms_in_data_store,
        publish: Checks {
            token: app.publish_token_control_enabled,
            jwt: app.publish_jwt_control_enabled,
            hash: app.hash_control_publish_enabled,
            time: app.enable_time_token_for_publish,
            time_secret: file("totp_secret_file_publish", &app.totp_secret_file_publish, 1)?,
            ask: url(&app.webhook_authenticate_url),
        },
        play: Checks {
            token: app.play_token_control_enabled,
            jwt: app.play_jwt_control_enabled,
            hash: app.hash_control_play_enabled,
            time: app.enable_time_token_for_play,
            time_secret: file("totp_secret_file_play", &app.totp_secret_file_play, 1)?,
            ask: url(&app.webhook_play_auth_url),
        },
        jwt_key: file("jwt_key_file", &app.jwt_key_file, jwt::KEY_BYTES)?,
        rest_key: file("rest_jwt_key_file", &app.rest_jwt_key_file, jwt::KEY_BYTES)?,
        hash_secret: file("token_hash_secret_file", &app.token_hash_secret_file, 1)?,
        time_period: app.time_token_period_s,
        known_subscribers: app.time_token_subscriber_only,
        play_once: app.play_webrtc_stream_once_for_each_session,
        listener: url(&app.listener_hook_url),
        ..open
    })
}

/// The files with secrets that applications name, by their keys.
pub(crate) fn secret_files(app: &App) -> [(&'static str, Option<&Path>); 5] {
    [
        ("dialect.antmedia.app.jwt_key_file", app.jwt_key_file.as_deref()),
        ("dialect.antmedia.app.rest_jwt_key_file", app.rest_jwt_key_file.as_deref()),
        ("dialect.antmedia.app.token_hash_secret_file", app.token_hash_secret_file.as_deref()),
        ("dialect.antmedia.app.totp_secret_file_publish", app.totp_secret_file_publish.as_deref()),
        ("dialect.antmedia.app.totp_secret_file_play", app.totp_secret_file_play.as_deref()),
    ]
}

fn url(text: &str) -> Option<Arc<str>> {
    (!text.is_empty()).then(|| Arc::from(text))
}

/// Most publications and most viewers of an application, of all its streams together.
pub(super) fn places(config: &Config, name: &str) -> (usize, usize) {
    let app = config.dialect.antmedia.app.iter().find(|app| app.name == name);
    let publications = app.map_or(-1, |app| app.ingesting_stream_limit);
    (limit(publications), limit(app.map_or(-1, |app| app.webrtc_viewer_limit)))
}

/// A limit as the reference writes it: -1 is none.
fn limit(most: i64) -> usize {
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// The secret in a file, the end of its line not counted.
///
/// # Errors
/// If the file cannot be read, or the secret is shorter than `least` bytes; with cause and next action, and without it.
pub(crate) fn secret(key: &str, path: &Path, least: usize) -> Result<Secret, String> {
    let shown = path.display();
    let bytes =
        fs::read(path).map_err(|error| format!("cannot read {key} {shown}: {error}; check its path and mode"))?;
    let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.len() > SECRET_BYTES {
        return Err(format!("{key} {shown} holds more than {SECRET_BYTES} bytes; name a file with a secret"));
    }
    if secret.len() < least {
        let bytes = secret.len();
        return Err(format!(
            "{key} {shown} holds {bytes} bytes, and {least} are the least; write a longer secret into it, e.g. of `openssl rand -hex 32`"
        ));
    }
    Ok(Secret::new(secret))
}

#[cfg(test)]
mod tests {
    use patchbay_dialect_antmedia::records::Purpose;

    use super::*;

    #[test]
    fn a_secret_is_a_file_without_the_end_of_its_line() {
        let path = std::env::temp_dir().join(format!("patchbay-secret-{}", std::process::id()));
        for (text, least, expected) in [
            ("0123456789", 10, Ok(10)),
            ("0123456789\r\n", 10, Ok(10)),
            (" 012345678\n\n", 10, Ok(11)),
            ("hunter2\n", 8, Err("holds 7 bytes, and 8 are the least; write a longer secret")),
            ("\n", 1, Err("holds 0 bytes")),
            (&"x".repeat(SECRET_BYTES + 1), 1, Err("holds more than 4096 bytes")),
        ] {
            fs::write(&path, text).expect("a file");
            match (secret("a key", &path, least), expected) {
                (Ok(secret), Ok(bytes)) => assert_eq!(secret.len(), bytes, "{text:?}"),
                (Err(error), Err(part)) => assert!(error.contains(part) && !error.contains("hunter"), "{error}"),
                (found, _) => panic!("{text:?}: {}", found.is_ok()),
            }
        }
        fs::remove_file(&path).expect("it was there");
        let error = secret("a key", &path, 1).expect_err("no such file");
        assert!(error.contains("cannot read a key"), "{error}");
    }

    #[test]
    fn settings_reach_their_application_alone() {
        let mut config = Config::default();
        let path = std::env::temp_dir().join(format!("patchbay-jwt-{}", std::process::id()));
        fs::write(&path, "0123456789abcdef0123456789abcdef\n").expect("a file");
        let app = App {
            name: "live".into(),
            play_jwt_control_enabled: true,
            jwt_key_file: Some(path.clone()),
            ingesting_stream_limit: 3,
            webrtc_viewer_limit: -1,
            webhook_authenticate_url: "http://x".into(),
            ..App::default()
        };
        config.dialect.antmedia.app = vec![app];
        let live = security(&config, "live").expect("sound");
        assert!(live.stored && live.checks(Purpose::Play).jwt && live.checks(Purpose::Publish).ask.is_some());
        assert!(!live.checks(Purpose::Publish).jwt && live.jwt_key.is_some());
        assert_eq!(places(&config, "live"), (3, usize::MAX));
        let other = security(&config, "LiveApp").expect("sound");
        assert!(!other.play.any() && !other.publish.any() && other.jwt_key.is_none() && other.play_once);
        config.data_dir = std::path::PathBuf::new();
        assert!(!security(&config, "LiveApp").expect("sound").stored);
        fs::write(&path, "short").expect("a file");
        let error = security(&config, "live").expect_err("a short key");
        assert!(error.contains("jwt_key_file of app \"live\"") && error.contains("32 are the least"), "{error}");
        fs::remove_file(&path).expect("it was there");
    }
}
