//! The shell from outside: routes, headers, hand-overs between HTTP and WebSocket, and what it does at its bounds.

mod common;

use std::fs;
use std::time::{Duration, Instant};

use common::client::{Client, TEXT, encode, head};
use common::http::{Response, get, read_head, request};
use common::process::Server;
use common::wire::{Address, Wire};
use patchbay_dialect_kit::testing::{Handshake, Heard};

/// Sends bytes on a new connection and reads the head of the answer.
fn exchange(address: &Address, bytes: &str) -> Response {
    let mut wire = Wire::connect(address).expect("the server accepts");
    wire.write(bytes.as_bytes()).expect("the server reads");
    read_head(&mut wire).unwrap_or_else(|why| panic!("{bytes:?}: {why}"))
}

fn with_headers(address: &Address, path: &str, headers: &str) -> Response {
    exchange(address, &format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{headers}\r\n", address.host()))
}

#[test]
fn the_routes_answer_as_documented() {
    let server = Server::start(&[]);
    let address = server.address();
    for (method, path, status, body) in [
        ("GET", "/healthz", 200, "ok\n"),
        ("GET", "/readyz", 200, "ready\n"),
        ("GET", "/config.js", 200, "window.__APP_CONFIG__ = {\"rtcConfig\":{\"iceServers\":[]}};\n"),
        ("GET", "/nope", 404, "404 page not found\n"),
        ("GET", "/tests/", 404, "404 page not found\n"),
        ("GET", "/../Cargo.toml", 404, "404 page not found\n"),
        ("POST", "/", 405, "Method Not Allowed\n"),
        ("GET", "/ws", 426, "Upgrade Required\n"),
        ("GET", "/ws?room=x", 426, "Upgrade Required\n"),
    ] {
        let answer = request(&address, method, path).unwrap_or_else(|why| panic!("{method} {path}: {why}"));
        assert_eq!((answer.status, answer.body.as_str()), (status, body), "{method} {path}");
    }
    for (path, to) in [
        ("/index.html", "./"),
        ("/sid/index.html", "./"),
        ("/studio/index.html", "./"),
        ("/studio", "studio/"),
        ("/phone/index.html", "./"),
        ("/demo?room=a", "demo/evowrtcclient.html?room=a"),
        ("/demo/", "evowrtcclient.html"),
        ("/demo/evoplayers.html?room=a", "evowrtcclient.html?room=a"),
        ("/phone", "phone/"),
        ("/phone?to=sip:bob@example.com", "phone/?to=sip:bob@example.com"),
        ("/studio/index.html?stream=demo", "./?stream=demo"),
    ] {
        let index = with_headers(&address, path, "Connection: close\r\n");
        assert_eq!((index.status, index.header("location")), (301, Some(to)), "{path}");
    }
}

#[test]
fn every_file_of_the_app_is_served_with_its_type() {
    let server = Server::start(&[]);
    let address = server.address();
    let web = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web");
    for (folder, prefix) in
        [("", "/"), ("/sid", "/sid/"), ("/studio", "/studio/"), ("/phone", "/phone/"), ("/demo", "/demo/")]
    {
        let mut scripts = 0;
        for entry in fs::read_dir(format!("{web}{folder}")).expect("the app is there").flatten() {
            let name = entry.file_name().into_string().expect("names are text");
            if name.ends_with(".js") {
                scripts += 1;
                let answer = with_headers(&address, &format!("{prefix}{name}"), "");
                assert_eq!(answer.status, 200, "{prefix}{name}");
                assert_eq!(answer.header("content-type"), Some("application/javascript; charset=utf-8"), "{name}");
            }
        }
        assert!(scripts > 1, "the app has parts");
        let page = if folder == "/demo" { "/demo/evowrtcclient.html" } else { prefix };
        assert!(get(&address, page).body.to_lowercase().starts_with("<!doctype html>"), "{prefix}");
    }
    for (path, media_type) in [
        ("/", "text/html"),
        ("/sid/", "text/html"),
        ("/styles.css", "text/css"),
        ("/sid/sid.css", "text/css"),
        ("/studio/", "text/html"),
        ("/studio/studio.css", "text/css"),
        ("/studio/figures.css", "text/css"),
        ("/phone/", "text/html"),
        ("/phone/phone.css", "text/css"),
        ("/demo/evowrtcclient.html", "text/html"),
        ("/demo/demo.css", "text/css"),
        ("/types/webrtc.d.ts", "text/plain"),
    ] {
        let answer = with_headers(&address, path, "");
        assert!(answer.header("content-type").is_some_and(|found| found.starts_with(media_type)), "{path}");
    }
}

#[test]
fn our_pages_are_protected_and_signalling_answers_are_left_alone() {
    let server = Server::start(&[]);
    let address = server.address();
    for path in [
        "/",
        "/app.js",
        "/sid/",
        "/sid/app.js",
        "/studio/",
        "/studio/app.js",
        "/phone/",
        "/phone/app.js",
        "/demo/app.js",
        "/config.js",
    ] {
        let page = with_headers(&address, path, "");
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(page.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(page.header("referrer-policy"), Some("strict-origin-when-cross-origin"), "{path}");
    }
    let refused = with_headers(&address, "/ws", "");
    assert_eq!(refused.header("content-security-policy"), None);
    assert_eq!(refused.header("upgrade"), Some("websocket"));
}

#[test]
fn a_page_that_the_browser_has_is_not_sent_again() {
    let server = Server::start(&[]);
    let address = server.address();
    let tag = with_headers(&address, "/app.js", "").header("etag").expect("a tag").to_owned();
    let again = with_headers(&address, "/app.js", &format!("If-None-Match: \"other\", W/{tag}\r\n"));
    assert_eq!((again.status, again.header("content-length")), (304, None));
    assert_eq!(with_headers(&address, "/app.js", "If-None-Match: \"other\"\r\n").status, 200);
}

/// A reverse proxy may upgrade a connection that has served pages.
#[test]
fn an_upgrade_works_on_a_connection_that_served_a_page() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut wire = Wire::connect(&address).expect("the server accepts");
    wire.write(format!("GET /healthz HTTP/1.1\r\nHost: {}\r\n\r\n", address.host()).as_bytes()).expect("it reads");
    let health = read_head(&mut wire).expect("an answer");
    assert_eq!(health.status, 200);
    let body = health.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut left = body - health.rest.len();
    let mut buffer = [0; 64];
    while left > 0 {
        left -= wire.read_within(&mut buffer[..left], Duration::from_secs(5)).expect("the body");
    }
    let mut client =
        Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("the upgrade is admitted");
    client.join("kept", "a");
}

/// Both ways into the loop keep what a client sends right behind its handshake, without waiting for the answer.
#[test]
fn frames_behind_the_handshake_in_one_segment_are_heard() {
    let server = Server::start(&[]);
    let address = server.address();
    let host = address.host();
    let upgrade = head(&host, "/ws", &Handshake::default());
    let ping = encode(0x80 | TEXT, true, br#"{"type":"ping"}"#);
    for before in [String::new(), format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n")] {
        let mut wire = Wire::connect(&address).expect("the server accepts");
        let bytes = [before.as_bytes(), upgrade.as_bytes(), &ping[..]].concat();
        wire.write(&bytes).expect("it reads");
        let wanted = br#"{"type":"pong","room":"","from":""}"#;
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while !heard.windows(wanted.len()).any(|window| window == wanted) {
            let length = wire.read_within(&mut buffer, Duration::from_secs(5)).expect("a pong");
            assert_ne!(length, 0, "closed after {:?}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&buffer[..length]);
        }
    }
}

#[test]
fn metrics_are_for_callers_on_the_same_machine_that_are_no_proxy() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut client = Client::new(&address);
    client.join("counted", "a");
    let text = get(&address, "/metrics").body;
    for line in ["patchbay_rooms 1", "patchbay_members 1", "patchbay_connections_opened_total{dialect=\"mesh\"} 1"] {
        assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("counted"), "no name of a client is in a label");
    for header in ["X-Forwarded-For: 192.0.2.1\r\n", "Forwarded: for=192.0.2.1\r\n", "Via: 1.1 proxy\r\n"] {
        assert_eq!(with_headers(&address, "/metrics", header).status, 403, "{header}");
    }
}

#[test]
fn the_admin_listener_serves_operators_only() {
    let folder = std::env::temp_dir().join(format!("patchbay-admin-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (socket, token) = (folder.join("admin.sock"), folder.join("token"));
    fs::write(&token, "open sesame\n").expect("a file");
    let admin = format!("unix:{}", socket.display());
    let server = Server::start(&[
        ("PATCHBAY_ADMIN__ADDR", &admin),
        ("PATCHBAY_ADMIN__TOKEN_FILE", token.to_str().expect("text")),
    ]);
    let admin = Address::Unix(socket);
    assert_eq!(with_headers(&admin, "/healthz", "").status, 200);
    assert_eq!(with_headers(&admin, "/", "").status, 404);
    assert_eq!(with_headers(&admin, "/ws", "").status, 404);
    assert_eq!(with_headers(&admin, "/metrics", "").status, 403);
    assert_eq!(with_headers(&admin, "/metrics", "Authorization: Bearer open sesam\r\n").status, 403);
    assert_eq!(with_headers(&admin, "/metrics", "Authorization: Bearer open sesame\r\n").status, 200);
    assert_eq!(with_headers(&server.address(), "/metrics", "").status, 403, "the token counts everywhere");
    let _gone = fs::remove_dir_all(folder);
}

#[test]
fn a_request_head_is_bounded_in_size_and_time() {
    let server = Server::start(&[("PATCHBAY_LIMITS__HANDSHAKE_TIMEOUT_MS", "300")]);
    let address = server.address();
    let large = with_headers(&address, "/ws", &format!("X: {}\r\n", "x".repeat(9_000)));
    assert_eq!(large.status, 431);
    let begun = Instant::now();
    let slow = exchange(&address, "GET /ws HTTP/1.1\r\nHost: x\r\n");
    assert_eq!(slow.status, 408);
    assert!(begun.elapsed() >= Duration::from_millis(300), "it was given its time");
    assert_eq!(exchange(&address, "\u{16}\u{3}\u{1} no http\r\n\r\n").status, 400);
}

#[test]
fn connections_above_the_limit_are_refused_and_a_freed_place_is_given_again() {
    let server = Server::start(&[("PATCHBAY_LIMITS__CONNECTIONS", "2")]);
    let address = server.address();
    let mut first = Client::new(&address);
    first.join("a", "a");
    let second = Client::new(&address);
    assert_eq!(with_headers(&address, "/healthz", "").status, 503);
    drop(second);
    // The place is free once the server has seen the end of the second connection.
    let until = Instant::now() + Duration::from_secs(5);
    while with_headers(&address, "/healthz", "Connection: close\r\n").status != 200 {
        assert!(Instant::now() < until, "the place never became free");
    }
    first.text(r#"{"type":"ping"}"#);
    assert_eq!(first.message()["type"], "pong");
}

/// A half-sent frame holds back the pongs behind it, so the connection ends like any that is silent.
#[test]
fn a_half_sent_frame_ends_with_the_pong_timeout() {
    let server = Server::start(&[
        ("PATCHBAY_DIALECT__MESH__PING_INTERVAL_MS", "200"),
        ("PATCHBAY_DIALECT__MESH__PONG_TIMEOUT_MS", "500"),
    ]);
    let mut client = Client::new(&server.address());
    let frame = encode(0x80 | TEXT, true, &[b' '; 1_000_000]);
    client.bytes_out(&frame[..500_000]).expect("it reads");
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        match client.hear(Duration::from_secs(5)) {
            Some(Heard::Closed(_)) => break,
            Some(_) => assert!(Instant::now() < until, "it is still open"),
            None => panic!("it is still open"),
        }
    }
}

/// What clients say is their own affair: names and descriptions are in no line above `debug`.
#[test]
fn nothing_that_clients_say_is_logged() {
    let server = Server::start(&[("PATCHBAY_LOG__LEVEL", "info"), ("PATCHBAY_LOG__FORMAT", "json")]);
    let address = server.address();
    let (mut a, mut b) = (Client::new(&address), Client::new(&address));
    a.join("canary-room", "canary-a");
    b.join("canary-room", "canary-b");
    a.text(r#"{"type":"offer","to":"canary-b","sdp":{"sdp":"v=0 canary-sdp 192.0.2.7"}}"#);
    while b.message()["type"] != "offer" {}
    a.text("{canary-garbage");
    with_headers(&address, "/canary-path?token=canary", "X-Canary: canary\r\n");
    assert!(matches!(b.hear(Duration::from_secs(5)), Some(Heard::Text(_))), "the room hears that a has gone");
    let log = server.log();
    assert!(!log.contains("canary") && !log.contains("192.0.2.7"), "{log}");
    for line in log.lines() {
        let parsed = serde_json::from_str::<serde_json::Value>(line);
        assert!(parsed.is_ok_and(|line| line["time"].is_string() && line["level"].is_string()), "{line}");
    }
}
