//! A log line stays a line, whatever a client or a configuration puts into it.

use std::fs;

use patchbay_dialect_kit::testing::{Handshake, Heard};

use super::support::{PATIENCE, closed_with, eventually, metric, rest};
use crate::common::client::{Client, encode};
use crate::common::process::{Folder, Server};
use crate::common::wire::Wire;

/// A line of its own, a terminal's escape, an 8-bit one, a direction of writing, line ends of Unicode, and zero.
const HOSTILE: &str =
    "x\r\n2026-01-01T00:00:00.000000Z  INFO forged: in\u{1b}[2J\u{9b}1m\u{202e}\u{2066}\u{2028}\u{85}\0";
/// The same without what ends a header or a request at once.
const IN_A_VALUE: &str = "x\t\u{9b}1m\u{202e}\u{2066}\u{2069}\u{2028}\u{85}";

/// What must not stand in a line as it is.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn assert_clean(log: &str, json: bool) {
    for line in log.lines() {
        assert!(!line.contains(is_hostile), "{line:?}");
        if json {
            let parsed: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{line}: {why}"));
            assert!(parsed["time"].is_string() && parsed["level"].is_string(), "{line}");
        } else {
            let time = line.split(' ').next().unwrap_or_default();
            assert!(time.len() == 27 && time.ends_with('Z') && time.starts_with("20"), "{line:?}");
        }
    }
}

/// Everything that a client can say, in every place.
fn say_everything(server: &Server) {
    let address = server.address();
    let once = |bytes: &[u8]| {
        let mut wire = Wire::connect(&address).expect("the server accepts");
        wire.write(bytes).expect("the server reads");
        rest(&mut wire);
    };
    for text in [HOSTILE, IN_A_VALUE] {
        for head in [
            format!("GET /{text} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("GET /ws?{text} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("{text} /ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            format!("GET /healthz HTTP/{text}\r\n\r\n"),
            format!("GET /healthz HTTP/1.1\r\n{text}: x\r\nConnection: close\r\n\r\n"),
            format!("GET /healthz HTTP/1.1\r\nHost: {text}\r\nConnection: close\r\n\r\n"),
            format!(
                "GET /healthz HTTP/1.1\r\nX-Forwarded-For: {text}\r\nUser-Agent: {text}\r\nConnection: close\r\n\r\n"
            ),
            format!("GET /metrics HTTP/1.1\r\nAuthorization: Bearer {text}\r\nConnection: close\r\n\r\n"),
            format!("POST /healthz HTTP/1.1\r\nContent-Length: {text}\r\nConnection: close\r\n\r\n"),
            format!("POST /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{text}\r\n"),
            format!("{text}\r\n\r\n"),
        ] {
            once(head.as_bytes());
        }
        let refused = Handshake { origin: Some(text.replace(['\r', '\n', '\0'], "")), ..Handshake::default() };
        assert!(Client::open(&address, &refused).is_err(), "its origin is not admitted");
        let json =
            |name: &str| format!("{{\"type\":\"join\",\"room\":{0},\"from\":{0},{0}:1}}", serde_json::json!(name));
        let candidate =
            serde_json::json!({ "type": "candidate", "to": text, "candidate": text, text: text }).to_string();
        let unknown = serde_json::json!({ "type": text }).to_string();
        let mut client = Client::new(&address);
        for message in [&json(text), &candidate, &unknown] {
            client.text(message);
            assert!(matches!(client.hear(PATIENCE), Some(Heard::Text(_))), "{message:?}");
        }
        for message in [text, "{", "[]", &format!("{{\"type\":\"{text}")] {
            let mut client = Client::new(&address);
            client.text(message);
            assert_eq!(closed_with(&mut client), Some(1007), "{message:?}");
        }
        let reason = [&4_000_u16.to_be_bytes()[..], &text.as_bytes()[..text.floor_char_boundary(100)]].concat();
        client.bytes_out(&encode(0x88, true, &reason)).expect("the connection stands");
        assert_eq!(closed_with(&mut client), Some(4_000));
        let mut client = Client::new(&address);
        client.bytes_out(text.as_bytes()).expect("the connection stands");
        assert_eq!(closed_with(&mut client), Some(1002));
    }
}

#[test]
fn what_clients_say_forges_no_line_at_any_level() {
    for format in ["text", "json"] {
        for level in ["info", "debug", "trace"] {
            let server = Server::start(&[
                ("PATCHBAY_LOG__FORMAT", format),
                ("PATCHBAY_LOG__LEVEL", level),
                ("WS_ALLOWED_ORIGINS", "good.example"),
            ]);
            say_everything(&server);
            let ended = "patchbay_connections_closed_total{dialect=\"mesh\",cause=\"protocol\"}";
            eventually("the last one has ended", || metric(&server, ended) == 2);
            let log = server.log();
            assert_clean(&log, format == "json");
            assert!(log.lines().count() > 0, "the start is logged");
            assert_eq!(log.contains("session ended"), level != "info", "{level}: {log}");
            assert!(!log.contains("forged"), "{level}: no text of a client is logged at all: {log}");
        }
    }
}

/// Names in the configuration come from whoever wrote it, and may come from elsewhere.
#[test]
fn what_the_configuration_names_forges_no_line() {
    let folder = Folder::new();
    // No zero byte and no slash, which no file name has.
    let name = HOSTILE.replace(['\0', '/'], "");
    let missing = folder.path().join(&name);
    let missing = missing.to_str().expect("text");
    let token = folder.path().join(format!("empty{name}"));
    fs::write(&token, "\n").expect("a file");
    let wrong = folder.path().join(format!("{name}.toml"));
    fs::write(&wrong, format!("[log]\n\"{}\" = 1\n", "x\\u001B[2J\\u202E")).expect("a file");
    let socket = format!("unix:{}", folder.path().join("x").join("\u{1b}[2J\u{202e}\n\u{9b}").display());
    for format in ["text", "json"] {
        for (what, settings) in [
            ("a token file that is missing", &[("PATCHBAY_ADMIN__TOKEN_FILE", missing)][..]),
            ("a token file that is empty", &[("PATCHBAY_ADMIN__TOKEN_FILE", token.to_str().expect("text"))]),
            ("a socket in no folder", &[("ADDR", &socket)]),
        ] {
            let settings = [settings, &[("PATCHBAY_LOG__FORMAT", format)]].concat();
            let failed = Server::try_start(&settings).err().expect("it must not start");
            assert_clean(&failed.log, format == "json");
            assert!(failed.log.contains("ERROR"), "{what}: {}", failed.log);
        }
        // What is said before the form of the log is known is no log line, but one line all the same.
        for (name, value) in [
            ("PATCHBAY_LOG__LEVEL", HOSTILE.trim_end_matches('\0')),
            ("PATCHBAY_LIMITS__\u{1b}[2J\u{202e}\nforged", "1"),
            ("PATCHBAY_HTTP__TRUSTED_PROXIES", "10.\u{1b}[2J\u{202e}\n\u{9b}"),
            ("PATCHBAY_LIMITS__CONNECTIONS", "1\u{1b}[2J\u{202e}\n2"),
            ("ADDR", "\u{1b}[2J\u{202e}\n:80"),
        ] {
            let failed = Server::try_start(&[(name, value)]).err().expect("it must not start");
            assert_eq!(failed.log.lines().count(), 1, "{name:?}: {:?}", failed.log);
            assert!(!failed.log.trim_end().contains(is_hostile), "{name:?}: {:?}", failed.log);
        }
        // An origin that admits nobody is warned of.
        let origins = "https://\u{1b}[2J\u{202e}\n\u{9b}";
        let server = Server::start(&[("WS_ALLOWED_ORIGINS", origins), ("PATCHBAY_LOG__FORMAT", format)]);
        assert_clean(&server.log(), format == "json");
    }
    let failed = Server::try_start_with(&["--config", wrong.to_str().expect("text")], &[]).err();
    let log = failed.expect("it must not start").log;
    assert!(log.lines().count() == 1 && !log.trim_end().contains(is_hostile), "{log:?}");
}
