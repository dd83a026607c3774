//! Receivers that do not read: DECISIONS 2 and the timed cases MT3 and MT4.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard};
use serde_json::json;

use crate::common::client::{Client, TEXT, encode};
use crate::common::http;
use crate::common::process::Server;
use crate::common::wire::Wire;

const SLOW: Duration = Duration::from_secs(2);

/// A sender `a` and a receiver `b` that has joined and from now on reads nothing.
fn pair(server: &Server) -> (Client, Client) {
    let address = server.address();
    let mut sender = Client::new(&address);
    sender.join("room", "a");
    let wire = Wire::connect_narrow(&address).expect("the server accepts");
    let mut frozen = Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("it is admitted");
    frozen.join("room", "b");
    assert_eq!(sender.message()["members"], json!(["a", "b"]));
    (sender, frozen)
}

fn candidate(bytes: usize) -> String {
    format!(r#"{{"type":"candidate","to":"b","candidate":"{}"}}"#, "c".repeat(bytes))
}

/// The sender hears that the receiver has gone, and nothing else before; then the receiver is not there.
fn hears_that_it_went(sender: &mut Client, server: &Server) {
    let list = sender.message();
    assert_eq!((&list["type"], &list["members"]), (&json!("room_members"), &json!(["a"])), "no error, one list");
    sender.text(&candidate(1));
    let mut answers = vec![sender.message()];
    while let Some(Heard::Text(text)) = sender.hear(Duration::ZERO) {
        answers.push(serde_json::from_slice(&text).expect("JSON"));
    }
    // What was on its way when the receiver went is refused as well.
    assert!(answers.iter().all(|answer| answer["code"] == "target_not_found"), "{answers:?}");
    let metrics = http::get(&server.address(), "/metrics").body;
    let counted = r#"patchbay_connections_closed_total{dialect="mesh",cause="too_slow"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn a_receiver_that_stops_reading_goes_after_two_seconds_without_progress() {
    let server = Server::start(&[]);
    let (mut sender, _frozen) = pair(&server);
    let start = Instant::now();
    // Above 64 messages and below 8 MiB in any case: the kernel takes some, the mailbox the rest.
    let message = candidate(20_000);
    (0..400).for_each(|_| sender.text(&message));
    let sent = start.elapsed();
    hears_that_it_went(&mut sender, &server);
    let gone = start.elapsed();
    assert!(gone >= SLOW, "gone after {gone:.2?}");
    assert!(gone <= sent + SLOW + Duration::from_millis(1_500), "sent after {sent:.2?}, gone after {gone:.2?}");
}

#[test]
fn a_mailbox_at_its_hard_bound_closes_at_once() {
    // With two seconds replaced by a minute, only the hard bounds can end it.
    let patient = ("PATCHBAY_LIMITS__SLOW_TIMEOUT_MS", "60000");
    for (setting, value, bytes, count) in [
        ("PATCHBAY_LIMITS__MAILBOX_MESSAGES_HARD", "200", 20_000, 500),
        ("PATCHBAY_LIMITS__MAILBOX_BYTES_HARD", "2097152", 200_000, 50),
    ] {
        let server = Server::start(&[patient, (setting, value)]);
        let (mut sender, _frozen) = pair(&server);
        let message = candidate(bytes);
        (0..count).for_each(|_| sender.text(&message));
        hears_list_among_refusals(&mut sender, setting);
    }
}

/// The receiver may go while the sender is still sending: then refusals of the rest stand behind the list.
fn hears_list_among_refusals(sender: &mut Client, setting: &str) {
    let list = sender.message();
    assert_eq!(list["members"], json!(["a"]), "{setting}");
}

#[test]
fn a_receiver_that_reads_slowly_keeps_its_place() {
    let server = Server::start(&[]);
    let (mut sender, mut slow) = pair(&server);
    let filling = "f".repeat(8_000);
    for number in 0..900 {
        sender.text(&format!(r#"{{"type":"candidate","to":"b","candidate":{{"n":{number},"f":"{filling}"}}}}"#));
    }
    // Six seconds at a quarter of a megabyte each, of the seven megabytes that wait.
    for number in 0..200 {
        assert_eq!(slow.message()["candidate"]["n"], number);
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(sender.hear(Duration::ZERO), None, "the sender noticed nothing");
}

#[test]
fn a_frozen_receiver_in_one_room_delays_nobody_in_another() {
    let server = Server::start(&[]);
    let (mut sender, _frozen) = pair(&server);
    let address = server.address();
    let [mut c, mut d] = ["c", "d"].map(|id| {
        let mut client = Client::new(&address);
        client.join("other", id);
        client
    });
    assert_eq!(c.message()["type"], "room_members");
    let over = AtomicBool::new(false);
    let mut delays = Vec::new();
    thread::scope(|scope| {
        scope.spawn(|| {
            let message = candidate(20_000);
            (0..400).for_each(|_| sender.text(&message));
        });
        // Members that come and go while one of them does not read.
        scope.spawn(|| {
            for number in 0.. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let mut guest = Client::new(&address);
                guest.text(&format!(r#"{{"type":"join","room":"room","from":"guest{number}"}}"#));
                assert_eq!(guest.message()["type"], "joined");
            }
        });
        let start = Instant::now();
        while start.elapsed() < SLOW + Duration::from_secs(1) {
            let sent = Instant::now();
            c.text(r#"{"type":"candidate","to":"d","candidate":1}"#);
            assert_eq!(d.message()["type"], "candidate");
            delays.push(sent.elapsed());
            thread::sleep(Duration::from_millis(5));
        }
        over.store(true, Ordering::Relaxed);
    });
    delays.sort_unstable();
    let at = |percent: usize| delays[(delays.len() - 1) * percent / 100];
    println!("{} relays: p50 {:.1?}, p99 {:.1?}, max {:.1?}", delays.len(), at(50), at(99), at(100));
    // How fast it is, a benchmark says. A server that waits for the frozen one stalls everybody for two seconds.
    assert!(at(100) < SLOW / 2, "a relay took {:.1?}", at(100));
}

#[test]
fn a_flood_is_answered_in_full_and_limited() {
    let server = Server::start(&[]);
    let (mut flood, mut other) = (Client::new(&server.address()), Client::new(&server.address()));
    let count = 5_000;
    (0..count).for_each(|_| flood.text(r#"{"type":"ping"}"#));
    let start = Instant::now();
    other.text(r#"{"type":"ping"}"#);
    assert_eq!(other.message()["type"], "pong");
    assert!(start.elapsed() < Duration::from_secs(1), "another client waited {:.2?}", start.elapsed());
    let (mut pongs, mut limited) = (0, 0);
    for _ in 0..count {
        let answer = flood.message();
        match answer["type"].as_str() {
            Some("pong") => pongs += 1,
            _ => {
                assert_eq!(answer["code"], "rate_limited");
                limited += 1;
            }
        }
    }
    assert!(pongs >= 1_000 && limited > 0, "{pongs} pongs, {limited} refusals");
    assert_eq!(flood.hear(Duration::ZERO), None);
}

/// Its answers fill its socket, so that the server stops reading from it; when it reads, the server must go on.
#[test]
fn a_client_that_reads_late_gets_every_answer() {
    let server = Server::start(&[]);
    let address = server.address();
    let wire = Wire::connect_narrow(&address).expect("the server accepts");
    let mut writer = wire.another();
    let mut client = Client::over(wire, &address.host(), "/ws", &Handshake::default()).expect("it is admitted");
    let count = 60_000;
    thread::scope(|scope| {
        scope.spawn(move || {
            let ping = encode(0x80 | TEXT, true, br#"{"type":"ping"}"#);
            (0..count / 100).for_each(|_| writer.write(&ping.repeat(100)).expect("the server goes on reading"));
        });
        // Long enough that everything between the two is full.
        thread::sleep(Duration::from_millis(1_500));
        for number in 0..count {
            assert!(matches!(client.hear(Duration::from_secs(5)), Some(Heard::Text(_))), "answer {number} of {count}");
        }
    });
}
