//! What several cases need: upgrades with headers of their own, connections by hand, counters.

use std::io;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard};

use crate::common::client::{Client, head};
use crate::common::http::{Response, get, read_head};
use crate::common::process::Server;
use crate::common::wire::{Address, Wire};

pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) const PING: &str = r#"{"type":"ping"}"#;

/// Sends bytes on a connection and reads the head of the answer.
pub(crate) fn ask(wire: &mut Wire, bytes: &[u8]) -> Response {
    wire.write(bytes).expect("the server reads");
    read_head(wire).unwrap_or_else(|why| panic!("{:?}: {why}", String::from_utf8_lossy(bytes)))
}

/// A good upgrade request with further header lines.
pub(crate) fn upgrade(headers: &str) -> String {
    head("localhost", "/ws", &Handshake::default()).replacen("\r\n\r\n", &format!("\r\n{headers}\r\n"), 1)
}

/// A plain request with further header lines.
pub(crate) fn plain(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

/// The status of a request on a connection of its own.
pub(crate) fn status(address: &Address, request: &str) -> u16 {
    ask(&mut Wire::connect(address).expect("the server accepts"), request.as_bytes()).status
}

/// Asks for `/healthz` on a connection that stays open, and reads the whole answer.
pub(crate) fn keep_alive(wire: &mut Wire) {
    let health = ask(wire, plain("/healthz", "").as_bytes());
    assert_eq!(health.status, 200);
    let length: usize = health.header("content-length").and_then(|length| length.parse().ok()).expect("a length");
    let mut left = length - health.rest.len();
    while left > 0 {
        left -= wire.read_within(&mut vec![0; left], PATIENCE).expect("the body");
    }
}

/// Reads until the end of the connection; what came.
pub(crate) fn rest(wire: &mut Wire) -> Vec<u8> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 16_384]);
    let until = Instant::now() + PATIENCE;
    loop {
        match wire.read_within(&mut buffer, PATIENCE) {
            Ok(0) => return bytes,
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return bytes,
            Err(error) => panic!("the server does not hang up: {error}"),
        }
        assert!(Instant::now() < until, "the server does not hang up");
    }
}

/// The client still has its session.
pub(crate) fn assert_alive(client: &mut Client) {
    client.text(PING);
    assert_eq!(client.message()["type"], "pong");
}

/// The code that the connection ends with, whatever is heard before.
pub(crate) fn closed_with(client: &mut Client) -> Option<u16> {
    let until = Instant::now() + PATIENCE;
    loop {
        match client.hear(until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))) {
            Some(Heard::Closed(code)) => return code,
            Some(_) => {}
            None => panic!("the connection does not end"),
        }
    }
}

/// The value of a line of `/metrics`; 0 for a counter that has not been used.
pub(crate) fn metric(server: &Server, name: &str) -> u64 {
    let text = get(&server.address(), "/metrics").body;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a number"))
}

pub(crate) fn resident(server: &Server) -> u64 {
    match metric(server, "patchbay_resident_memory_bytes") {
        0 => panic!("the server counts its memory"),
        bytes => bytes,
    }
}

/// Tries until it holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        // What is waited for is the server's view of a connection that ended, of which no event tells us.
        std::thread::sleep(Duration::from_millis(10));
    }
}
