//! Floods of pings, read, half read and unread: memory stays bounded and nobody else waits.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::Handshake;

use super::support::{eventually, metric, resident};
use crate::common::client::{Client, PING, encode};
use crate::common::process::Server;
use crate::common::wire::Wire;

const SPAN: Duration = Duration::from_millis(2_500);
/// What all flooders of a case together may cost. Their bound is 64 KiB of unsent answers each, and the scratch of the
/// threads; without one they would cost as much as they send.
const MEMORY: u64 = 32 << 20;
/// A relay that takes so long waits for a flooder to stop, not for its turn: the flooders' own threads take most of a
/// machine with two cores. How much of a flood is read at a time, a test beside the loop says.
const FORGOTTEN: Duration = Duration::from_secs(2);

fn flood() -> Vec<u8> {
    // Large pings cost memory, small ones time.
    [encode(0x80 | PING, true, &[b'p'; 125]).repeat(200), encode(0x80 | PING, true, b"").repeat(2_000)].concat()
}

/// Relays between two others while the flood goes on; the slowest of them.
fn slowest_relay(server: &Server) -> Duration {
    let [mut a, mut b] = ["a", "b"].map(|id| {
        let mut client = Client::new(&server.address());
        client.join("room", id);
        client
    });
    assert_eq!(a.message()["type"], "room_members");
    let (start, mut slowest) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < SPAN {
        let sent = Instant::now();
        a.text(r#"{"type":"candidate","to":"b","candidate":1}"#);
        assert_eq!(b.message()["type"], "candidate");
        slowest = slowest.max(sent.elapsed());
    }
    slowest
}

/// A connection that has been upgraded, by hand: no pong is taken for an answer to anything.
fn open(server: &Server, narrow: bool) -> Wire {
    let address = server.address();
    let connect = if narrow { Wire::connect_narrow } else { Wire::connect };
    let wire = connect(&address).expect("the server accepts");
    let by_hand = wire.another();
    drop(Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("it is admitted"));
    by_hand
}

/// Runs `count` flooders, each of which reads as told, beside a relay of others.
fn flooded(count: usize, narrow: bool, read: fn(&mut Wire) -> io::Result<()>) {
    let server = Server::start(&[]);
    let before = resident(&server);
    let (over, sent) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wires: Vec<_> = (0..count).map(|_| open(&server, narrow)).collect();
    thread::scope(|scope| {
        for wire in &wires {
            let (mut reader, mut writer) = (wire.another(), wire.another());
            let (over, sent) = (&over, &sent);
            scope.spawn(move || while !over.load(Ordering::Relaxed) && read(&mut reader).is_ok() {});
            scope.spawn(move || {
                let flood = flood();
                while !over.load(Ordering::Relaxed) && writer.write(&flood).is_ok() {
                    sent.fetch_add(flood.len(), Ordering::Relaxed);
                }
            });
        }
        let slowest = slowest_relay(&server);
        let grown = resident(&server).saturating_sub(before);
        over.store(true, Ordering::Relaxed);
        // Writers that are blocked are freed by the end of their connections.
        wires.into_iter().for_each(Wire::end);
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent > 1 << 16, "a flood of {sent} bytes is none");
        assert!(grown < MEMORY, "{grown} bytes of memory for {sent} bytes of pings");
        assert!(slowest < FORGOTTEN, "a relay took {slowest:.1?}");
    });
}

#[test]
fn pings_whose_pongs_are_read_delay_nobody() {
    flooded(2, false, |wire| wire.read_within(&mut [0; 65_536], Duration::from_millis(100)).map(|_| ()));
}

#[test]
fn pings_of_those_who_read_8_kib_a_second_cost_no_memory() {
    flooded(20, true, |wire| {
        // The pace is the case, not a wait for an event.
        thread::sleep(Duration::from_millis(250));
        wire.read_within(&mut [0; 2_048], Duration::from_secs(1)).map(|_| ())
    });
}

/// Its answers fill its socket, the server reads no more from it, and so hears no pong: it ends as silent.
#[test]
fn a_flooder_that_never_reads_ends_with_the_pong_timeout() {
    let server = Server::start(&[
        ("PATCHBAY_DIALECT__MESH__PING_INTERVAL_MS", "500"),
        ("PATCHBAY_DIALECT__MESH__PONG_TIMEOUT_MS", "2000"),
    ]);
    let before = resident(&server);
    let mut wire = open(&server, true);
    let start = Instant::now();
    let (flood, mut sent) = (flood(), 0_usize);
    let ended = loop {
        // Between the pings are the pongs that would keep it alive, if the server came to them.
        if let Err(error) = wire.write(&flood).and_then(|()| wire.write(&encode(0x8a, true, b""))) {
            break error;
        }
        sent += flood.len();
        assert!(sent < 1 << 30, "the server reads without end from a peer that does not read");
    };
    assert!(matches!(ended.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe), "{ended}");
    let after = start.elapsed();
    assert!(after > Duration::from_secs(1) && after < Duration::from_secs(6), "ended after {after:.1?}");
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < MEMORY, "{grown} bytes of memory for {sent} bytes of pings");
    eventually("it is counted as silent", || {
        metric(&server, "patchbay_connections_closed_total{dialect=\"mesh\",cause=\"silent\"}") == 1
    });
}
