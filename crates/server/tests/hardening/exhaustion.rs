//! Everything that can be used up, used up: connections and descriptors. Those who are in stay in, and what is given
//! back is given again.

use std::io::ErrorKind::{TimedOut, WouldBlock};
use std::time::Duration;

use patchbay_dialect_kit::testing::Handshake;

use super::support::{assert_alive, eventually, metric, plain, rest};
use crate::common::client::{Client, head};
use crate::common::process::Server;
use crate::common::wire::{Address, Wire};

/// The server answers a whole upgrade within this time, or it does not answer at all.
const SOON: Duration = Duration::from_millis(500);

#[test]
fn a_crowd_at_the_limit_of_connections_disturbs_nobody_inside() {
    let server = Server::start(&[("PATCHBAY_LIMITS__CONNECTIONS", "20")]);
    let address = server.address();
    let mut inside: Vec<_> = (0..20).map(|_| Client::new(&address)).collect();
    let crowd: Vec<_> = (0..200).map(|_| Wire::connect(&address).expect("the server accepts")).collect();
    // Nobody of the crowd says a word: it is refused for being one too many, and told so.
    for mut wire in crowd {
        assert!(rest(&mut wire).starts_with(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"));
    }
    inside.iter_mut().for_each(assert_alive);
    let mut last = inside.pop().expect("twenty");
    last.join("room", "last");
    drop(last);
    eventually("a freed place is given again", || {
        let mut wire = Wire::connect(&address).expect("the server accepts");
        wire.write(plain("/healthz", "Connection: close\r\n").as_bytes()).is_ok()
            && rest(&mut wire).starts_with(b"HTTP/1.1 200 ")
    });
    // The question itself is refused while the last one's place is not free yet.
    let refused = "patchbay_connections_refused_total{cause=\"full\"}";
    eventually("every refusal is counted", || metric(&server, refused) >= 200);
    inside.iter_mut().for_each(assert_alive);
}

/// Whether a client is admitted now. One that is not answered waits in the kernel's queue.
fn is_admitted(address: &Address, held: &mut Vec<Wire>) -> bool {
    let mut wire = Wire::connect(address).expect("the kernel accepts");
    wire.write(head("localhost", "/ws", &Handshake::default()).as_bytes()).expect("the kernel takes it");
    let mut answer = [0; 512];
    let answered = match wire.read_within(&mut answer, SOON) {
        Ok(length) => answer[..length].starts_with(b"HTTP/1.1 101 "),
        Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => false,
        Err(error) => panic!("the server neither serves nor waits: {error}"),
    };
    held.push(wire);
    answered
}

#[test]
fn a_server_without_descriptors_serves_whom_it_has_and_recovers() {
    let server = Server::start_with_descriptors(40, &[]);
    let address = server.address();
    let mut first = Client::new(&address);
    first.join("room", "first");
    let mut held = Vec::new();
    while is_admitted(&address, &mut held) {
        assert!(held.len() < 40, "40 descriptors are not 40 connections");
    }
    assert!(held.len() > 10, "{} connections with 40 descriptors", held.len());
    eventually("it says what it lacks", || server.log().contains("raise the limit (ulimit -n)"));
    assert_alive(&mut first);
    // Many more wait outside; each rest of the listener is one line at most.
    held.extend((0..50).map(|_| Wire::connect(&address).expect("the kernel accepts")));
    assert_alive(&mut first);
    let lines = server.log().lines().count();
    assert!(lines < 200, "{lines} lines of log");
    held.clear();
    // Those that gave up while they waited are accepted, found gone and forgotten.
    let mut newcomer = Vec::new();
    eventually("newcomers are served again", || is_admitted(&address, &mut newcomer));
    assert_alive(&mut first);
    first.text(r#"{"type":"leave"}"#);
    newcomer.clear();
    eventually("all have been forgotten", || metric(&server, "patchbay_parties") == 1);
}
