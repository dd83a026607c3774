//! Keep-alive: mesh section 1 and the timed cases MT1 and MT2.

use std::thread;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard, Input};

use crate::common::client::{Client, TEXT, encode};
use crate::common::http;
use crate::common::process::Server;
use crate::{assert_about, side_by_side};

const PING: &str = r#"{"type":"ping"}"#;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn manual(server: &Server) -> Client {
    Client::open(&server.address(), &Handshake { manual: true, ..Handshake::default() }).expect("it is admitted")
}

#[test]
fn silent_peers_go_after_twenty_seconds_and_answering_ones_stay() {
    side_by_side(&[
        ("MT1: a peer that answers pings stays", a_peer_that_answers_pings_stays),
        ("MT2: a peer that chats and never answers goes", a_peer_that_chats_and_never_answers_goes),
        ("a peer that stops within a frame goes", a_peer_that_stops_within_a_frame_goes),
        ("a peer that stops within a message goes", a_peer_that_stops_within_a_message_goes),
        ("a peer that floods and never reads goes", a_peer_that_floods_and_never_reads_goes),
    ]);
}

fn a_peer_that_answers_pings_stays() {
    let server = Server::start(&[]);
    let start = Instant::now();
    let mut client = manual(&server);
    for at in [secs(15), secs(30)] {
        assert_eq!(client.hear(secs(17)), Some(Heard::Ping));
        assert_about("the ping", start.elapsed(), at);
        client.say(&Input::Pong).expect("the connection stands");
    }
    assert_eq!(client.hear(secs(1)), None, "open at 31 s");
    client.text(PING);
    assert_eq!(client.message()["type"], "pong");
}

fn a_peer_that_chats_and_never_answers_goes() {
    let server = Server::start(&[]);
    let mut witness = Client::new(&server.address());
    witness.join("room", "witness");
    let start = Instant::now();
    let mut silent = manual(&server);
    silent.join("room", "silent");
    assert_eq!(witness.message()["members"], serde_json::json!(["silent", "witness"]));
    let waiting = thread::spawn(move || (witness.message_within(secs(25)), Instant::now()));
    let (mut pings, mut end) = (0, None);
    while end.is_none() {
        silent.text(PING);
        let second = Instant::now() + secs(1);
        while let Some(heard) =
            silent.hear(second.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)))
        {
            match heard {
                Heard::Text(text) => assert!(text.starts_with(br#"{"type":"pong""#)),
                Heard::Ping => pings += 1,
                Heard::Closed(code) => {
                    end = Some(code);
                    break;
                }
            }
        }
        assert!(start.elapsed() < secs(25), "it is still there");
    }
    assert_about("the end", start.elapsed(), secs(20));
    assert_eq!((pings, end), (1, Some(None)), "one ping at 15 s, then an end without a close frame");
    let ended = Instant::now();
    let (list, told) = waiting.join().expect("the witness hears it");
    assert_eq!(list["members"], serde_json::json!(["witness"]));
    assert_about("the list", told.max(ended) - told.min(ended), Duration::ZERO);
}

fn a_peer_that_stops_within_a_frame_goes() {
    let frame = encode(0x80 | TEXT, true, PING.as_bytes());
    goes_after(&frame[..3]);
}

fn a_peer_that_stops_within_a_message_goes() {
    // A first fragment without an end.
    goes_after(&encode(TEXT, true, PING.as_bytes()));
}

fn goes_after(bytes: &[u8]) {
    let server = Server::start(&[]);
    let start = Instant::now();
    let mut client = manual(&server);
    client.bytes_out(bytes).expect("the connection stands");
    assert_eq!(client.hear(secs(17)), Some(Heard::Ping));
    assert_eq!(client.hear(secs(10)), Some(Heard::Closed(None)));
    assert_about("the end", start.elapsed(), secs(20));
}

/// Its answers fill its socket; the server then reads no more from it, keeps little for it and ends it as silent.
fn a_peer_that_floods_and_never_reads_goes() {
    let server = Server::start(&[]);
    let mut witness = Client::new(&server.address());
    witness.join("room", "witness");
    let mut flood = Client::new(&server.address());
    flood.join("room", "flood");
    assert_eq!(witness.message()["type"], "room_members");
    let waiting = thread::spawn(move || witness.message_within(secs(45)));
    let messages = encode(0x80 | TEXT, true, PING.as_bytes()).repeat(1_000);
    let mut sent = 0;
    let refused = loop {
        match flood.bytes_out(&messages) {
            Ok(()) => sent += messages.len(),
            Err(error) => break error,
        }
        assert!(sent < 1 << 30, "the server reads without end from a peer that does not read");
    };
    let memory = http::get(&server.address(), "/metrics").body;
    let memory = memory.lines().find_map(|line| line.strip_prefix("patchbay_resident_memory_bytes "));
    let memory: u64 = memory.expect("the server counts its memory").parse().expect("a number");
    assert!(memory < 100 << 20, "{memory} bytes of memory after {sent} bytes; the write ended with {refused}");
    let list = waiting.join().expect("the witness hears that it went");
    assert_eq!(list["members"], serde_json::json!(["witness"]));
}
