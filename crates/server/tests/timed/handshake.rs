//! Request heads that come late, piecemeal, too large or not at all.

use std::thread;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard, Input};

use crate::common::client::{Client, PING, TEXT, encode, head};
use crate::common::http::read_head;
use crate::common::process::Server;
use crate::common::wire::Wire;
use crate::{assert_about, side_by_side};

const HEAD: Duration = Duration::from_secs(5);

#[test]
fn a_head_must_be_complete_within_five_seconds() {
    side_by_side(&[
        ("no byte at all", nothing_is_sent),
        ("half a head", half_a_head_is_sent),
        ("a byte at a time", bytes_are_sent_one_by_one),
    ]);
}

fn nothing_is_sent() {
    times_out(|_| ());
}

fn half_a_head_is_sent() {
    times_out(|wire| wire.write(b"GET /ws HTTP/1.1\r\nHost: x\r\n").expect("the server listens"));
}

/// Progress does not help: the time is for the whole head.
fn bytes_are_sent_one_by_one() {
    times_out(|wire| {
        let text = head("x", "/ws", &Handshake::default());
        let until = Instant::now() + HEAD - Duration::from_millis(200);
        for byte in text.bytes().cycle().filter(|byte| *byte != b'\n') {
            if Instant::now() >= until {
                return;
            }
            wire.write(&[byte]).expect("the server listens");
            thread::sleep(Duration::from_millis(50));
        }
    });
}

fn times_out(send: impl FnOnce(&mut Wire)) {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(&server.address()).expect("the server accepts");
    let start = Instant::now();
    send(&mut wire);
    let response = read_head(&mut wire).expect("an answer that says why");
    assert_eq!(response.status, 408);
    assert_about("the end", start.elapsed(), HEAD);
    assert_eq!(wire.read_within(&mut [0; 16], HEAD).expect("the server hangs up"), 0);
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(&server.address()).expect("the server accepts");
    let long = format!("GET /ws?{} HTTP/1.1\r\nHost: x\r\n\r\n", "q".repeat(9_000));
    wire.write(long.as_bytes()).expect("the server listens");
    assert_eq!(read_head(&mut wire).expect("an answer").status, 431);
}

#[test]
fn frames_right_behind_the_head_are_heard() {
    let server = Server::start(&[]);
    let address = server.address();
    // One segment: handshake, a message, and the start of another.
    let mut bytes = head(&address.host(), "/ws", &Handshake::default()).into_bytes();
    bytes.extend(encode(0x80 | TEXT, true, br#"{"type":"ping"}"#));
    let second = encode(0x80 | TEXT, true, br#"{"type":"nope"}"#);
    bytes.extend(&second[..5]);
    let mut wire = Wire::connect(&address).expect("the server accepts");
    wire.write(&bytes).expect("the server listens");
    let mut answer = String::new();
    let mut buffer = [0; 1024];
    while !answer.contains("pong") {
        let length = wire.read_within(&mut buffer, HEAD).expect("the message is answered");
        answer.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
    wire.write(&second[5..]).expect("the server listens");
    let length = wire.read_within(&mut buffer, HEAD).expect("the second message is answered");
    assert!(String::from_utf8_lossy(&buffer[..length]).contains("unknown_type"));
}

#[test]
fn a_head_in_two_pieces_is_one_head() {
    let server = Server::start(&[]);
    let address = server.address();
    let text = head(&address.host(), "/ws", &Handshake::default());
    let mut wire = Wire::connect(&address).expect("the server accepts");
    for piece in text.as_bytes().chunks(text.len() / 2 + 1) {
        wire.write(piece).expect("the server listens");
        // Long enough that the server reads the first piece alone.
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(read_head(&mut wire).expect("an answer").status, 101);
}

/// Each is a breach of RFC 6455 and has its close code.
#[test]
fn broken_frames_end_the_connection_with_the_code_of_the_rfc() {
    let server = Server::start(&[]);
    let masked = |first: u8, payload: &[u8]| encode(first, true, payload);
    let mut long_ping = masked(0x80 | TEXT, &[b'x'; 126]);
    long_ping[0] = 0x80 | PING;
    let mut overlong = vec![0x80 | TEXT, 0x80 | 126, 0, 2, 0, 0, 0, 0];
    overlong.extend(b"{}");
    for (what, bytes, code) in [
        ("a reserved bit", masked(0xc0 | TEXT, b"{}"), 1002),
        ("a reserved opcode", masked(0x80 | 3, b"{}"), 1002),
        ("a reserved control opcode", masked(0x80 | 11, b""), 1002),
        ("a ping above 125 bytes", long_ping, 1002),
        ("a ping in fragments", masked(PING, b""), 1002),
        ("a continuation of nothing", masked(0x80, b"{}"), 1002),
        ("a message within a message", [masked(TEXT, b"{"), masked(0x80 | TEXT, b"}")].concat(), 1002),
        ("text that is not UTF-8", masked(0x80 | TEXT, b"\"\xff\""), 1007),
        ("binary that is not UTF-8", masked(0x80 | 2, b"\"\xff\""), 1007),
        ("a close code that may not be sent", masked(0x88, &1005_u16.to_be_bytes()), 1002),
        ("a close frame of one byte", masked(0x88, b"x"), 1002),
        ("a close reason that is not UTF-8", masked(0x88, &[0x03, 0xe8, 0xff]), 1002),
        ("a length above every limit", vec![0x80 | TEXT, 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4], 1009),
    ] {
        let mut client = Client::new(&server.address());
        client.bytes_out(&bytes).expect("the connection stands");
        let heard = client.hear(HEAD);
        assert_eq!(heard, Some(Heard::Closed(Some(code))), "{what}");
    }
    // Not in the shortest form: the RFC forbids it to senders and says nothing of receivers.
    let mut client = Client::new(&server.address());
    client.bytes_out(&overlong).expect("the connection stands");
    assert!(client.hear(HEAD).is_some(), "an overlong length is answered or refused, not waited for");
}

#[test]
fn a_fragmented_message_counts_as_a_whole_against_the_size() {
    let server = Server::start(&[("PATCHBAY_LIMITS__MESSAGE_BYTES", "4096")]);
    let mut client = Client::new(&server.address());
    let part = |length: usize| "x".repeat(length);
    client.say(&Input::Fragments(vec![part(2_048), part(2_048), part(1)])).expect("the connection stands");
    assert_eq!(client.hear(HEAD), Some(Heard::Closed(Some(1009))));
}
