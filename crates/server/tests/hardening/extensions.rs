//! `permessage-deflate`, which every browser offers: never negotiated, so that no small frame becomes a large message.

use super::support::{ask, closed_with, keep_alive, upgrade};
use crate::common::client::{Client, TEXT, encode};
use crate::common::process::Server;
use crate::common::wire::Wire;

const OFFERS: [&str; 4] = [
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_max_window_bits=15\r\n",
    "Sec-WebSocket-Extensions: x-webkit-deflate-frame, permessage-deflate\r\nSec-WebSocket-Extensions: permessage-bzip2\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate;;;=\r\n",
];

#[test]
fn compression_that_is_offered_is_not_taken() {
    let server = Server::start(&[]);
    for offer in OFFERS {
        for kept in [false, true] {
            let mut wire = Wire::connect(&server.address()).expect("the server accepts");
            if kept {
                keep_alive(&mut wire);
            }
            let answer = ask(&mut wire, upgrade(offer).as_bytes());
            assert_eq!((answer.status, answer.header("sec-websocket-extensions")), (101, None), "{offer}");
            // A bomb: 1,000 : 1 where somebody inflates it, and garbage where it is taken as text.
            wire.write(&encode(0xc0 | TEXT, true, &[0; 1_000])).expect("the connection stands");
            let mut close = [0; 16];
            let length = wire.read_within(&mut close, super::support::PATIENCE).expect("a close frame");
            assert_eq!(&close[..length], [0x88, 2, 0x03, 0xea], "1002, {offer}");
        }
    }
}

#[test]
fn every_reserved_bit_ends_the_connection_in_frames_of_every_kind() {
    let server = Server::start(&[]);
    for bit in [0x40, 0x20, 0x10, 0x70] {
        for opcode in [0, TEXT, 2, 8, 9, 10] {
            let mut client = Client::new(&server.address());
            client.frame(0x80 | bit | opcode, true, b"").expect("the connection stands");
            assert_eq!(closed_with(&mut client), Some(1002), "bits {bit:x} with opcode {opcode}");
        }
    }
}
