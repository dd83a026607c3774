//! The longest message, to the byte, and what a frame's header alone costs.

use patchbay_dialect_kit::testing::Heard;

use super::support::{PATIENCE, PING, closed_with, resident};
use crate::common::client::{Client, TEXT, encode};
use crate::common::process::Server;

const LIMIT: usize = 1_048_576;
const BINARY: u8 = 2;
const MASK: [u8; 4] = [9, 8, 7, 6];

/// A ping of the dialect in that many bytes.
fn padded(bytes: usize) -> Vec<u8> {
    let mut text = PING.as_bytes().to_vec();
    text.resize(bytes, b' ');
    text
}

/// A message in frames of these lengths.
fn pieces(lengths: &[usize]) -> Vec<u8> {
    let message = padded(lengths.iter().sum());
    let (mut bytes, mut at) = (Vec::new(), 0);
    for (index, length) in lengths.iter().enumerate() {
        let opcode = if index == 0 { TEXT } else { 0 };
        let last = if index + 1 == lengths.len() { 0x80 } else { 0 };
        bytes.extend(encode(opcode | last, true, &message[at..at + length]));
        at += length;
    }
    bytes
}

/// The header of a frame with its length in 64 bits, and nothing behind it.
fn header(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff][..], &length.to_be_bytes(), &MASK].concat()
}

#[test]
fn a_message_of_exactly_the_limit_is_the_longest() {
    let server = Server::start(&[]);
    for (what, lengths) in [
        ("one frame", &[LIMIT][..]),
        ("two fragments", &[LIMIT / 2, LIMIT / 2]),
        ("all in the first fragment", &[LIMIT, 0]),
        ("all in the last fragment", &[0, LIMIT]),
        ("many fragments", &[LIMIT / 512; 512]),
    ] {
        let mut client = Client::new(&server.address());
        client.bytes_out(&pieces(lengths)).expect("the server reads");
        assert_eq!(client.message()["type"], "pong", "{what}");
        // One byte more, in the frame or in one behind it, on the same connection.
        let mut longer = lengths.to_vec();
        *longer.last_mut().expect("a length") += 1;
        client.bytes_out(&pieces(&longer)).or_else(refused_before_its_end).expect("the server reads");
        assert_eq!(closed_with(&mut client), Some(1009), "{what} and a byte");
    }
}

/// The server closes at the header: the client may find that out while it still writes.
fn refused_before_its_end(error: std::io::Error) -> std::io::Result<()> {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
    if matches!(error.kind(), BrokenPipe | ConnectionReset) { Ok(()) } else { Err(error) }
}

#[test]
fn a_length_is_judged_by_the_header_alone() {
    let server = Server::start(&[]);
    let over = LIMIT as u64 + 1;
    let first = encode(TEXT, true, b"12345");
    for (what, bytes, code) in [
        ("the limit and one", header(0x80 | TEXT, over), 1009),
        ("the same in a first fragment", header(TEXT, over), 1009),
        ("the same in binary", header(0x80 | BINARY, over), 1009),
        ("a fragment beyond what is left", [&first[..], &header(0, LIMIT as u64 - 4)].concat(), 1009),
        ("a length whose low half is small", header(0x80 | TEXT, (1 << 32) + 5), 1009),
        ("the largest length", header(0x80 | TEXT, (1 << 63) - 1), 1009),
        ("one above the largest", header(0x80 | TEXT, 1 << 63), 1002),
        ("all bits", header(0x80 | TEXT, u64::MAX), 1002),
        ("a ping of 126 bytes", vec![0x89, 0x80 | 126, 0, 126, 1, 2, 3, 4], 1002),
        ("a ping of the largest length", header(0x89, (1 << 63) - 1), 1002),
    ] {
        let mut client = Client::new(&server.address());
        client.bytes_out(&bytes).expect("the server reads");
        // The server waits for the mask before it judges a length that may be legal; these need none of the payload.
        assert_eq!(client.hear(PATIENCE), Some(Heard::Closed(Some(code))), "{what}");
    }
}

/// What is announced is not reserved: it costs when it comes.
#[test]
fn announcing_a_long_message_costs_no_memory() {
    let server = Server::start(&[]);
    let mut clients: Vec<_> = (0..200).map(|_| Client::new(&server.address())).collect();
    clients.iter_mut().for_each(super::support::assert_alive);
    let before = resident(&server);
    for (number, client) in clients.iter_mut().enumerate() {
        let first = if number % 2 == 0 { 0x80 | TEXT } else { TEXT };
        let mut bytes = header(first, LIMIT as u64);
        // The first bytes of the payload, so that the server has more to keep than a header.
        bytes.extend([b'x'; 100]);
        client.bytes_out(&bytes).expect("the server reads");
    }
    // A newcomer's round trip on each thread: what was sent before has been read.
    super::support::assert_alive(&mut Client::new(&server.address()));
    let after = resident(&server);
    let grown = after.saturating_sub(before);
    // The announced sum is 200 MiB.
    assert!(grown < 8 << 20, "{grown} bytes for 200 announcements of 1 MiB");
}
