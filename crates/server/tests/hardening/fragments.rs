//! Messages in fragments that never end.

use std::time::Instant;

use super::support::{PATIENCE, assert_alive, closed_with, metric};
use crate::common::client::{Client, PING as PING_FRAME, TEXT, encode};
use crate::common::process::Server;

/// Most fragments of one message, as the server has it.
const MOST: usize = 1_024;

/// A message of that many fragments, all but the first empty.
fn fragments(count: usize) -> Vec<u8> {
    let mut bytes = encode(TEXT, true, br#"{"type":"ping"}"#);
    bytes.extend(encode(0, true, b"").repeat(count - 2));
    bytes.extend(encode(0x80, true, b""));
    bytes
}

#[test]
fn a_message_may_have_so_many_fragments_and_no_more() {
    let server = Server::start(&[]);
    let mut client = Client::new(&server.address());
    for _ in 0..3 {
        client.bytes_out(&fragments(MOST)).expect("the server reads");
        assert_eq!(client.message()["type"], "pong", "each message has its own count");
    }
    client.bytes_out(&fragments(MOST + 1)).expect("the server reads");
    assert_eq!(closed_with(&mut client), Some(1009));
}

#[test]
fn empty_fragments_for_ever_end_the_connection() {
    let server = Server::start(&[]);
    let mut witness = Client::new(&server.address());
    let mut client = Client::new(&server.address());
    client.frame(TEXT, true, b"").expect("the connection stands");
    // With pings between them, which do not count and do not hide them.
    let flood = [encode(0, true, b"").repeat(100), encode(0x80 | PING_FRAME, true, b"")].concat();
    // What comes behind the close frame is thrown away until the server has waited long enough; then writes fail.
    let begun = Instant::now();
    while client.bytes_out(&flood).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it goes on for ever");
    }
    let closed = "patchbay_connections_closed_total{dialect=\"mesh\",cause=\"too_large\"}";
    super::support::eventually("the end is counted", || metric(&server, closed) == 1);
    assert_alive(&mut witness);
}
