//! Peers that send, or take, a byte now and then: each ends by a limit that has a name.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset, TimedOut, WouldBlock};
use std::thread;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::Handshake;

use super::support::{ask, keep_alive, plain, upgrade};
use crate::common::client::{Client, PONG, TEXT, encode};
use crate::common::process::Server;
use crate::common::wire::Wire;

/// `limits.handshake_timeout_ms` of these cases.
const HANDSHAKE: Duration = Duration::from_millis(1_000);
/// `dialect.mesh.pong_timeout_ms` of these cases.
const PONG_TIMEOUT: Duration = Duration::from_millis(1_500);
/// How long a connection that has been closed is waited for (`LINGER`).
const LINGER: Duration = Duration::from_secs(2);
const INTERVAL: Duration = Duration::from_millis(50);
/// An end may be late on a machine that is busy with other tests, but not early.
const LATE: Duration = Duration::from_millis(2_500);

fn start() -> Server {
    Server::start(&[
        ("PATCHBAY_LIMITS__HANDSHAKE_TIMEOUT_MS", "1000"),
        ("PATCHBAY_DIALECT__MESH__PING_INTERVAL_MS", "500"),
        ("PATCHBAY_DIALECT__MESH__PONG_TIMEOUT_MS", "1500"),
    ])
}

/// Sends a byte per interval, reads what comes; when the connection ended, and what came.
fn trickle(wire: &mut Wire, bytes: impl IntoIterator<Item = u8>) -> (Duration, Vec<u8>) {
    let (start, mut heard, mut buffer) = (Instant::now(), Vec::new(), [0; 4_096]);
    for byte in bytes {
        let next = Instant::now() + INTERVAL;
        if wire.write(&[byte]).is_err_and(|error| matches!(error.kind(), BrokenPipe | ConnectionReset)) {
            return (start.elapsed(), heard);
        }
        loop {
            let left = next.saturating_duration_since(Instant::now());
            match wire.read_within(&mut buffer, left) {
                Ok(0) => return (start.elapsed(), heard),
                Ok(length) => heard.extend_from_slice(&buffer[..length]),
                Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => break,
                Err(_) => return (start.elapsed(), heard),
            }
        }
        assert!(start.elapsed() < Duration::from_secs(15), "it is still open");
    }
    panic!("it took every byte")
}

fn assert_ended(what: &str, after: Duration, limit: Duration) {
    // The clock of the test may have begun a little after the server's.
    let early = after + Duration::from_millis(250) < limit;
    assert!(!early && after < limit + LATE, "{what}: ended after {after:.2?} instead of {limit:.2?}");
}

fn upgraded(server: &Server) -> Wire {
    let mut wire = Wire::connect(&server.address()).expect("the server accepts");
    assert_eq!(ask(&mut wire, upgrade("").as_bytes()).status, 101);
    wire
}

/// A line that never ends, of letters that are legal wherever they stand.
fn endless() -> impl Iterator<Item = u8> {
    "GET /ws HTTP/1.1\r\nHost: x\r\nX: ".bytes().chain(std::iter::repeat(b'a'))
}

#[test]
fn a_first_head_ends_by_the_handshake_timeout() {
    let server = start();
    let mut wire = Wire::connect(&server.address()).expect("the server accepts");
    let (after, heard) = trickle(&mut wire, endless());
    assert!(heard.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&heard));
    assert_ended("a head", after, HANDSHAKE);
}

#[test]
fn a_later_head_ends_by_the_handshake_timeout() {
    let server = start();
    let mut wire = Wire::connect(&server.address()).expect("the server accepts");
    keep_alive(&mut wire);
    let (after, _) = trickle(&mut wire, endless());
    assert_ended("a second head", after, HANDSHAKE);
    // So does a connection that is kept and not used.
    let mut idle = Wire::connect(&server.address()).expect("the server accepts");
    keep_alive(&mut idle);
    let kept = Instant::now();
    assert_eq!(idle.read_within(&mut [0; 16], HANDSHAKE + LATE).expect("it ends"), 0);
    assert_ended("an idle connection", kept.elapsed(), HANDSHAKE);
}

/// No route takes a body, so none is waited for.
#[test]
fn a_body_is_not_waited_for() {
    let server = start();
    for head in [
        "POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        "POST /ws HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n",
    ] {
        let mut wire = Wire::connect(&server.address()).expect("the server accepts");
        wire.write(head.as_bytes()).expect("the server reads");
        let (after, heard) = trickle(&mut wire, std::iter::repeat(b'b'));
        assert!(heard.starts_with(b"HTTP/1.1 "), "{head:?}: {}", String::from_utf8_lossy(&heard));
        assert!(after < HANDSHAKE + LATE, "{head:?}: ended after {after:.2?}");
    }
}

/// A frame that does not become whole holds back the pong behind it.
#[test]
fn a_frame_byte_by_byte_ends_by_the_pong_timeout() {
    let server = start();
    let long = encode(0x80 | TEXT, true, &[b' '; 100_000]);
    let header_alone = [0x80 | TEXT, 0xff];
    thread::scope(|scope| {
        for (what, bytes) in [
            ("a long message", long.clone()),
            ("a header of 64 bits that stays a header", header_alone.to_vec()),
            ("the first byte of a header", vec![0x80 | TEXT]),
            ("half a close frame", encode(0x88, true, &1000_u16.to_be_bytes())[..7].to_vec()),
            ("half a pong", encode(0x80 | PONG, true, b"never")[..8].to_vec()),
        ] {
            let server = &server;
            scope.spawn(move || {
                let mut wire = upgraded(server);
                let begun = Instant::now();
                let mut bytes = bytes.into_iter();
                let last = bytes.len() <= 16;
                if last {
                    wire.write(&bytes.by_ref().collect::<Vec<_>>()).expect("the connection stands");
                    while !matches!(wire.read_within(&mut [0; 64], PONG_TIMEOUT + LATE), Ok(0) | Err(_)) {}
                } else {
                    trickle(&mut wire, bytes);
                }
                assert_ended(what, begun.elapsed(), PONG_TIMEOUT);
            });
        }
    });
}

/// After the close frames the peer may take its time to hang up, but not for ever, and not by sending more.
#[test]
fn a_peer_that_closes_and_stays_ends_by_the_linger() {
    let server = start();
    let close = encode(0x88, true, &1000_u16.to_be_bytes());
    for talks in [false, true] {
        let mut wire = upgraded(&server);
        wire.write(&close).expect("the connection stands");
        let begun = Instant::now();
        assert_eq!(super::support::rest(&mut wire), [0x88, 2, 0x03, 0xe8], "the server's half is over at once");
        // What is measured is when it forgets the rest.
        let closed = "patchbay_connections_closed_total{dialect=\"mesh\",cause=\"peer\"}";
        super::support::eventually("it is forgotten", || {
            let going_on = talks && wire.write(&[0x89]).is_ok();
            super::support::metric(&server, closed) == 1 + u64::from(talks) || (talks && !going_on)
        });
        assert_ended(if talks { "a peer that goes on" } else { "a silent peer" }, begun.elapsed(), LINGER);
    }
}

/// A client that asks for pages and reads none of them.
#[test]
fn an_answer_that_nobody_takes_ends_by_the_handshake_timeout() {
    let server = start();
    let address = server.address();
    let mut wire = Wire::connect_narrow(&address).expect("the server accepts");
    let requests = plain("/app.js", "").repeat(100);
    let begun = Instant::now();
    // Until both directions are full.
    let mut writer = wire.another();
    let blocked = thread::spawn(move || {
        let mut sent = 0;
        while sent < 64 << 20 && writer.write(requests.as_bytes()).is_ok() {
            sent += requests.len();
        }
        (sent, Instant::now())
    });
    let (sent, ended) = blocked.join().expect("the writer ends");
    assert!(sent < 64 << 20, "the server answers without end");
    let after = ended - begun;
    assert!(after >= HANDSHAKE / 2 && after < HANDSHAKE * 3 + LATE, "ended after {after:.2?}");
    while matches!(wire.read_within(&mut [0; 65_536], LATE), Ok(1..)) {}
    // Whoever reads slowly, but reads, is served to the end.
    let mut slow = Wire::connect_narrow(&address).expect("the server accepts");
    let whole = {
        let mut wire = Wire::connect(&address).expect("the server accepts");
        wire.write(plain("/app.js", "Connection: close\r\n").as_bytes()).expect("the server reads");
        super::support::rest(&mut wire).len()
    };
    let count = (1 << 20) / whole + 1;
    let last = plain("/app.js", "Connection: close\r\n");
    slow.write((plain("/app.js", "").repeat(count) + &last).as_bytes()).expect("the server reads");
    let (mut taken, mut buffer, begun) = (0, vec![0; 16_384], Instant::now());
    while let Ok(length @ 1..) = slow.read_within(&mut buffer, LATE) {
        taken += length;
        if begun.elapsed() < HANDSHAKE * 2 {
            // The pace is the case, not a wait for an event.
            thread::sleep(Duration::from_millis(50));
        }
    }
    assert!(taken >= whole * count, "{taken} bytes of {}", whole * (count + 1));
}

/// A client of the ordinary kind is not touched by any of these limits.
#[test]
fn a_client_that_answers_pings_outlives_every_limit() {
    let server = start();
    let mut client = Client::open(&server.address(), &Handshake::default()).expect("it is admitted");
    client.join("room", "a");
    let until = Instant::now() + LINGER + PONG_TIMEOUT;
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        assert_eq!(client.hear(left.max(INTERVAL)), None);
    }
    super::support::assert_alive(&mut client);
}
