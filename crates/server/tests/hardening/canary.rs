//! Canaries: every private thing that goes into the server is a word that occurs nowhere else, and is looked for in
//! everything that comes out.

use std::fs;

use patchbay_dialect_kit::testing::{Handshake, Heard};

use super::support::{PATIENCE, closed_with, metric, plain, rest, upgrade};
use crate::common::client::Client;
use crate::common::process::{Folder, Server};
use crate::common::wire::{Address, Wire};

/// What an operator keeps from everybody, and what clients hand over to be kept: at no level.
const SECRETS: [&str; 6] = [
    "canary-admin-token",
    "canary-wrong-token",
    "canary-turn-credential",
    "canary-turn-user",
    "canary-query-token",
    "canary-cookie",
];
/// What is personal: not above `debug`.
const PERSONAL: [&str; 13] = [
    "canary-room",
    "canary-alice",
    "canary-bob",
    "canary-sdp",
    "192.0.2.77",
    "canary-candidate",
    "canary-garbage",
    "canary-type",
    "canary-nobody",
    "canary-origin",
    "canary-agent",
    "canary-path",
    "198.51.100.77",
];

/// A whole story; every answer that is no relayed message.
fn story(server: &Server, operators: &Address) -> String {
    let address = server.address();
    let mut answers = String::new();
    let mut ask = |address: &Address, bytes: &str| {
        let mut wire = Wire::connect(address).expect("the server accepts");
        wire.write(bytes.as_bytes()).expect("the server reads");
        answers.push_str(&String::from_utf8_lossy(&rest(&mut wire)));
    };
    // A meeting.
    let [mut alice, mut bob] = ["canary-alice", "canary-bob"].map(|name| {
        let mut client = Client::new(&address);
        client.join("canary-room", name);
        client
    });
    assert_eq!(alice.message()["type"], "room_members");
    let sdp = "v=0\\r\\no=canary-sdp 0 0 IN IP4 192.0.2.77\\r\\n";
    alice.text(&format!(r#"{{"type":"offer","to":"canary-bob","sdp":{{"type":"offer","sdp":"{sdp}"}}}}"#));
    assert_eq!(bob.message()["type"], "offer");
    bob.text(r#"{"type":"candidate","to":"canary-alice","candidate":{"candidate":"canary-candidate 192.0.2.77"}}"#);
    assert_eq!(alice.message()["type"], "candidate");
    // Its faults.
    let mut errors = String::new();
    for message in [
        r#"{"type":"canary-type"}"#,
        r#"{"type":"offer","to":"canary-nobody","sdp":{"sdp":"canary-sdp"}}"#,
        r#"{"type":"join","room":"canary-room","from":"canary-bob"}"#,
    ] {
        alice.text(message);
        let answer = alice.message();
        assert_eq!(answer["type"], "error", "{answer}");
        errors.push_str(&answer.to_string());
    }
    for message in
        ["{canary-garbage", r#"["canary-garbage"]"#, r#"{"type":"candidate","to":"canary-bob","canary-garbage":"#]
    {
        let mut client = Client::new(&address);
        client.text(message);
        assert_eq!(closed_with(&mut client), Some(1007));
    }
    assert!(!errors.contains("canary-sdp") && !errors.contains("192.0.2"), "{errors}");
    bob.bytes_out(b"canary-garbage that is no frame").expect("the connection stands");
    assert_eq!(closed_with(&mut bob), Some(1002));
    assert!(matches!(alice.hear(PATIENCE), Some(Heard::Text(_))), "alice hears that bob has gone");
    // Refusals, and everything around them.
    let refused = Handshake { origin: Some("https://canary-origin.example".to_owned()), ..Handshake::default() };
    assert_eq!(Client::open(&address, &refused).err().map(|turned| turned.status), Some(403));
    let close = "Connection: close\r\n";
    for headers in [
        "X-Forwarded-For: 198.51.100.77, canary-garbage\r\n",
        "X-Forwarded-For: 198.51.100.77\r\nForwarded: for=198.51.100.77\r\nUser-Agent: canary-agent\r\n",
        "Cookie: session=canary-cookie\r\nReferer: https://canary-origin.example/canary-path?token=canary-query-token\r\n",
        "Authorization: Bearer canary-wrong-token\r\n",
        "Authorization: Basic canary-wrong-token\r\n",
        "Authorization: Bearer canary-admin-token-and-more\r\n",
        "Content-Length: canary-garbage\r\n",
        "canary-garbage\r\n",
    ] {
        for path in
            ["/metrics?token=canary-query-token", "/canary-path?access_token=canary-query-token", "/healthz", "/ws"]
        {
            ask(&address, &plain(path, &format!("{headers}{close}")));
            ask(operators, &plain(path, &format!("{headers}{close}")));
        }
    }
    ask(&address, "canary-garbage\r\n\r\n");
    ask(&address, &upgrade("Content-Length: 5\r\nAuthorization: Bearer canary-query-token\r\n"));
    ask(&address, &plain("/ws?token=canary-query-token", close));
    ask(operators, &plain("/metrics", &format!("Authorization: Bearer canary-admin-token\r\n{close}")));
    assert!(answers.contains("patchbay_rooms 1"), "the right token is taken: {answers}");
    answers
}

#[test]
fn no_secret_and_nothing_personal_comes_out() {
    let folder = Folder::new();
    let token = folder.path().join("token");
    fs::write(&token, "canary-admin-token\n").expect("a file");
    let rtc = r#"{"iceServers":[{"urls":"turn:turn.example","username":"canary-turn-user","credential":"canary-turn-credential"}]}"#;
    for (level, format) in [("info", "text"), ("info", "json"), ("trace", "text"), ("trace", "json")] {
        let server = Server::start(&[
            ("PATCHBAY_LOG__LEVEL", level),
            ("PATCHBAY_LOG__FORMAT", format),
            ("RTC_CONFIG_JSON", rtc),
            ("WS_ALLOWED_ORIGINS", "good.example"),
            ("PATCHBAY_ADMIN__TOKEN_FILE", token.to_str().expect("text")),
            ("PATCHBAY_ADMIN__ADDR", "127.0.0.1:0"),
            ("PATCHBAY_HTTP__TRUSTED_PROXIES", "127.0.0.1"),
            ("PATCHBAY_LIMITS__CONNECTIONS_PER_ADDRESS", "1000"),
        ]);
        let answers = story(&server, &server.admin());
        // The story is at its end when the server has let everybody go.
        super::support::eventually("it is over", || server.log().contains("session ended") || level == "info");
        let log = server.log();
        for word in SECRETS {
            assert!(!log.contains(word), "{word} is logged at {level}: {log}");
            assert!(!answers.contains(word), "{word} is in an answer: {answers}");
        }
        for word in PERSONAL {
            assert!(!answers.contains(word), "{word} is in an answer: {answers}");
            assert!(level == "trace" || !log.contains(word), "{word} is logged at {level}: {log}");
        }
    }
}

/// A configuration that does not work is told of without its secrets.
#[test]
fn a_broken_configuration_shows_no_secret() {
    for rtc in [
        r#"{"iceServers":[{"credential":"canary-turn-credential"}"#,
        r#"["canary-turn-credential"]"#,
        "canary-turn-credential",
        r#"{"iceServers":"canary-turn-credential"#,
    ] {
        let server = Server::start(&[("RTC_CONFIG_JSON", rtc), ("PATCHBAY_LOG__LEVEL", "trace")]);
        assert_eq!(metric(&server, "patchbay_parties"), 0);
        let log = server.log();
        assert!(!log.contains("canary"), "{rtc}: {log}");
    }
    let both = [("RTC_CONFIG_JSON", "canary-turn-credential"), ("ADDR", "nowhere")];
    let failed = Server::try_start(&both).err().expect("it must not start");
    assert!(!failed.log.contains("canary"), "{}", failed.log);
}
