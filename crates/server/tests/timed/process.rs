//! The process: stopping (MT5), RTC_CONFIG_JSON (MT7), ADDR (MT8).

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::Heard;
use rustix::process::Signal;

use crate::common::client::Client;
use crate::common::http;
use crate::common::process::{Folder, Server};
use crate::common::wire::Address;

const PATIENCE: Duration = Duration::from_secs(5);

#[test]
fn a_signal_closes_every_socket_within_half_a_second_and_the_process_ends_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = Server::start(&[]);
        let mut clients: Vec<Client> = (0..30).map(|_| Client::new(&server.address())).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.join(&format!("room {}", number % 3), &format!("m{number}"));
        }
        let start = Instant::now();
        server.signal(signal);
        for client in &mut clients {
            loop {
                match client.hear(PATIENCE) {
                    // Lists of those who went before, or from before.
                    Some(Heard::Text(_)) => {}
                    heard => break assert_eq!(heard, Some(Heard::Closed(Some(1001))), "{signal:?}"),
                }
            }
        }
        let closed = start.elapsed();
        let status = server.wait(PATIENCE).expect("it ends");
        assert!(status.success(), "{signal:?}: {status}, {}", server.log());
        assert!(closed < Duration::from_millis(500), "{signal:?}: the last was closed after {closed:.2?}");
    }
}

#[test]
fn peers_that_do_not_answer_the_close_frame_hold_nothing_up() {
    let mut server = Server::start(&[]);
    let silent: Vec<Client> = (0..10).map(|_| Client::new(&server.address())).collect();
    let start = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).expect("it ends").success());
    assert!(start.elapsed() < Duration::from_secs(2), "it ended after {:.2?}", start.elapsed());
    drop(silent);
}

#[test]
fn a_draining_server_serves_who_is_there_and_says_that_it_is_closing() {
    let mut server = Server::start(&[("PATCHBAY_DRAIN__DEADLINE_MS", "60000")]);
    let address = server.address();
    let mut client = Client::new(&address);
    // An upgrade is answered a moment before its client is among those who are there.
    client.text(r#"{"type":"ping"}"#);
    assert_eq!(client.message()["type"], "pong");
    assert_eq!(http::get(&address, "/healthz").status, 200);
    server.signal(Signal::TERM);
    // The signal is on its way; the answer changes once and stays.
    let until = Instant::now() + PATIENCE;
    let mut health = http::get(&address, "/healthz");
    while health.status == 200 && Instant::now() < until {
        health = http::get(&address, "/healthz");
    }
    assert_eq!((health.status, &*health.body), (503, "unavailable\n"));
    client.text(r#"{"type":"ping"}"#);
    assert_eq!(client.message()["type"], "pong");
    // A second signal ends the drain.
    server.signal(Signal::TERM);
    assert_eq!(client.hear(PATIENCE), Some(Heard::Closed(Some(1001))));
    assert!(server.wait(PATIENCE).expect("it ends").success());
}

#[test]
fn rtc_config_json_feeds_the_page_and_never_stops_the_server() {
    let default = r#"{"iceServers":[{"urls":"stun:stun.l.google.com:19302"}]}"#;
    for (value, shown, logged) in [
        (r#"{"iceServers":[]}"#, r#"{"iceServers":[]}"#, false),
        (
            r#" { "iceServers" : [ { "urls" : "turn:x" , "credential" : "<x> &" } ] } "#,
            r#"{"iceServers":[{"urls":"turn:x","credential":"\u003cx\u003e \u0026"}]}"#,
            false,
        ),
        ("5", "5", true),
        ("{oops", "", true),
        ("", "", false),
    ] {
        let server = Server::start(&[("RTC_CONFIG_JSON", value)]);
        let script = http::get(&server.address(), "/config.js");
        assert_eq!(script.status, 200);
        let rtc = if shown.is_empty() { default } else { shown };
        let with = format!("window.__APP_CONFIG__ = {{\"rtcConfig\":{rtc}}};\n");
        // Where nothing is given, the page has the same default by itself.
        let without = "window.__APP_CONFIG__ = {};\n";
        assert!(script.body == with || (shown.is_empty() && script.body == without), "{value:?}: {}", script.body);
        assert_eq!(server.log().contains("RTC_CONFIG_JSON"), logged, "{value:?}: {}", server.log());
        assert!(!server.log().contains("oops"), "the log shows what may be a secret");
    }
}

fn speaks(address: &Address) {
    let mut client = Client::new(&address.reachable());
    client.text(r#"{"type":"ping"}"#);
    assert_eq!(client.message()["type"], "pong", "{address:?}");
    assert_eq!(http::get(&address.reachable(), "/healthz").body, "ok\n");
}

#[test]
fn addr_takes_tcp_addresses_of_both_families() {
    for (value, bound) in [("127.0.0.1:0", "127.0.0.1:"), ("localhost:0", "127.0.0.1:"), ("[::1]:0", "[::1]:")] {
        let server = Server::start(&[("ADDR", value)]);
        match server.address() {
            Address::Tcp(address) => assert!(address.to_string().starts_with(bound), "{value}: {address}"),
            other => panic!("{value}: {other:?}"),
        }
        speaks(&server.address());
    }
    // All interfaces: reachable by both families.
    for value in [":0", "[::]:0"] {
        let server = Server::start(&[("ADDR", value)]);
        let Address::Tcp(bound) = server.address() else { panic!("{value} is no TCP address") };
        for host in ["127.0.0.1", "[::1]"] {
            speaks(&Address::parse(&format!("{host}:{}", bound.port())));
        }
    }
}

#[test]
fn addr_takes_a_unix_socket_and_replaces_a_stale_one() {
    let folder = Folder::new();
    let path = folder.path().join("patchbay.sock");
    // What a process leaves behind that did not stop cleanly.
    drop(UnixListener::bind(&path).expect("the folder is writable"));
    assert!(path.exists());
    let addr = format!("unix:{}", path.display());
    let mut server = Server::start(&[("ADDR", &addr)]);
    assert_eq!(server.addresses(), [Address::Unix(path.clone())]);
    let metadata = fs::metadata(&path).expect("the socket is there");
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o777, 0o660);
    speaks(&server.address());
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).expect("it ends").success());
    assert!(!path.exists(), "the socket's file outlived the server");
}

#[test]
fn addr_never_takes_what_is_not_a_stale_socket() {
    let folder = Folder::new();
    let (alive, file) = (folder.path().join("alive.sock"), folder.path().join("file"));
    let _listener = UnixListener::bind(&alive).expect("the folder is writable");
    fs::write(&file, "precious").expect("the folder is writable");
    for (path, says) in [(&alive, "another process"), (&file, "no socket")] {
        let addr = format!("unix:{}", path.display());
        let failed = Server::try_start(&[("ADDR", &addr)]).err().expect("it must not start");
        assert!(!failed.status.success());
        assert!(failed.log.contains(says), "{}", failed.log);
    }
    assert_eq!(fs::read_to_string(&file).expect("it is still there"), "precious");
    assert!(alive.exists());
}

#[test]
fn addr_that_is_none_stops_the_server_with_a_reason() {
    for value in ["8080", "x", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:0", "unix:"] {
        let failed = Server::try_start(&[("ADDR", value)]).err().expect("it must not start");
        assert_eq!(failed.status.code(), Some(1), "{value}");
        assert!(failed.log.contains("ADDR"), "{value}: {}", failed.log);
    }
}

#[test]
fn a_port_that_is_taken_stops_the_server_with_a_reason() {
    let first = Server::start(&[]);
    let Address::Tcp(address) = first.address() else { panic!("a TCP address was asked for") };
    let failed = Server::try_start(&[("ADDR", &address.to_string())]).err().expect("it must not start");
    assert!(failed.log.contains(&address.to_string()), "{}", failed.log);
    speaks(&first.address());
}
