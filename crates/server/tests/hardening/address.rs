//! `limits.connections_per_address` and `http.trusted_proxies`: whose connection counts, and who may say so.

use patchbay_dialect_kit::testing::Handshake;

use super::support::{ask, assert_alive, eventually, keep_alive, metric, plain, rest, status, upgrade};
use crate::common::client::Client;
use crate::common::process::Server;
use crate::common::wire::{Address, Wire};

const LIMIT: &str = "PATCHBAY_LIMITS__CONNECTIONS_PER_ADDRESS";
const TRUSTED: &str = "PATCHBAY_HTTP__TRUSTED_PROXIES";
const REFUSED: &str = "patchbay_connections_refused_total{cause=\"address\"}";

fn from(source: u8, address: &Address) -> Wire {
    Wire::connect_from([127, 0, 0, source], address).expect("the server accepts")
}

fn client_from(source: u8, address: &Address) -> Client {
    Client::over(from(source, address), &address.host(), "/ws", &Handshake::default()).expect("it is admitted")
}

/// What a newcomer is told that sends nothing: the bound is known before its head.
fn turned_away(wire: &mut Wire) -> bool {
    rest(wire).starts_with(b"HTTP/1.1 503 ")
}

#[test]
fn an_address_at_its_bound_is_refused_and_disturbs_nobody() {
    // All interfaces: where there is IPv6, the clients come as ::ffff:127.0.0.x.
    let server = Server::start(&[("ADDR", ":0"), (LIMIT, "2")]);
    let Address::Tcp(bound) = server.address() else { panic!("a TCP listener") };
    let address = Address::Tcp(([127, 0, 0, 1], bound.port()).into());
    let (mut first, second) = (client_from(2, &address), client_from(2, &address));
    first.join("room", "first");
    assert!(turned_away(&mut from(2, &address)));
    let mut other = client_from(3, &address);
    other.join("room", "other");
    assert_eq!(first.message()["type"], "room_members");
    assert_alive(&mut first);
    // Those that have sent no head yet count as well.
    let silent = [from(4, &address), from(4, &address), from(4, &address)];
    eventually("one of three is refused", || metric(&server, REFUSED) == 2);
    drop((second, silent));
    for source in [2, 4] {
        eventually("a freed place is given again", || {
            let mut wire = from(source, &address);
            wire.write(plain("/healthz", "Connection: close\r\n").as_bytes()).is_ok() && !turned_away(&mut wire)
        });
    }
    assert_alive(&mut other);
}

#[test]
fn without_the_limit_an_address_has_what_the_server_has() {
    let server = Server::start(&[]);
    let clients: Vec<_> = (0..40).map(|_| client_from(2, &server.address())).collect();
    assert_eq!(metric(&server, "patchbay_parties"), clients.len() as u64);
}

#[test]
fn unix_sockets_and_the_admin_listener_are_exempt() {
    let server = Server::start(&[
        ("ADDR", "127.0.0.1:0,unix:public.sock"),
        ("PATCHBAY_ADMIN__ADDR", "127.0.0.1:0"),
        (LIMIT, "1"),
    ]);
    let socket = Address::Unix(server.folder().join("public.sock"));
    let mut local: Vec<_> = (0..5).map(|_| Client::new(&socket)).collect();
    local.iter_mut().for_each(assert_alive);
    let mut operators: Vec<_> = (0..5).map(|_| Wire::connect(&server.admin()).expect("it accepts")).collect();
    for wire in &mut operators {
        keep_alive(wire);
    }
    let _only = Client::new(&server.address());
    assert!(turned_away(&mut Wire::connect(&server.address()).expect("it accepts")));
}

fn forwarded(clients: &str) -> String {
    upgrade(&format!("X-Forwarded-For: {clients}\r\n"))
}

#[test]
fn a_trusted_proxys_clients_count_by_their_own_addresses() {
    let server =
        Server::start(&[("ADDR", "127.0.0.1:0,unix:public.sock"), (TRUSTED, "127.0.0.1/32, unix"), (LIMIT, "1")]);
    let address = server.address();
    let socket = Address::Unix(server.folder().join("public.sock"));
    let mut held = Vec::new();
    let mut admitted = |address: &Address, request: &str| {
        let mut wire = Wire::connect(address).expect("the server accepts");
        let admitted = ask(&mut wire, request.as_bytes()).status == 101;
        held.push(wire);
        admitted
    };
    assert!(admitted(&address, &forwarded("198.51.100.1")));
    assert!(!admitted(&address, &forwarded("198.51.100.1")), "its second");
    assert!(!admitted(&socket, &forwarded("198.51.100.1")), "by another way");
    assert!(!admitted(&address, &forwarded("203.0.113.200, 198.51.100.1")), "with an invention before it");
    assert!(!admitted(&address, &forwarded("203.0.113.201\r\nX-Forwarded-For: 198.51.100.1, 127.0.0.1")), "twice");
    assert!(admitted(&address, &forwarded("198.51.100.2")));
    assert!(admitted(&socket, &forwarded("2001:db8::1")));
    assert!(!admitted(&address, &forwarded("2001:db8::ffff:2")), "of the same /64");
    // What names nobody counts for the proxy itself; that of a Unix socket has no address.
    assert!(admitted(&address, &forwarded("unknown")));
    assert!(!admitted(&address, &forwarded("198.51.100.77,")), "garbage is no new client");
    assert!(!admitted(&address, &upgrade("")), "nor is silence");
    assert!((0..3).all(|_| admitted(&socket, &forwarded("garbage"))));
    assert_eq!(metric(&server, REFUSED), 7);

    // The same on a connection that the proxy has used before. Requests that are no upgrade take no place.
    let mut wire = Wire::connect(&address).expect("the server accepts");
    keep_alive(&mut wire);
    assert_eq!(ask(&mut wire, plain("/nope", "X-Forwarded-For: 198.51.100.1\r\n").as_bytes()).status, 404);
    let mut wire = Wire::connect(&address).expect("the server accepts");
    keep_alive(&mut wire);
    let refused = ask(&mut wire, forwarded("198.51.100.1").as_bytes());
    assert_eq!((refused.status, refused.header("connection")), (503, Some("close")));
    rest(&mut wire);
    let mut wire = Wire::connect(&address).expect("the server accepts");
    keep_alive(&mut wire);
    assert_eq!(ask(&mut wire, forwarded("198.51.100.3").as_bytes()).status, 101);
    assert_eq!(status(&address, &forwarded("198.51.100.3")), 503, "it has its place");
    drop(wire);
    eventually("the place is free again", || status(&address, &forwarded("198.51.100.3")) == 101);
}

#[test]
fn a_header_of_an_untrusted_peer_names_nobody() {
    let server = Server::start(&[(TRUSTED, "127.0.0.1,127.0.0.16/28"), (LIMIT, "1")]);
    let address = server.address();
    // 127.0.0.10 and .11 begin as a trusted address does, and .32 is one behind the range.
    for source in [2, 10, 11, 32] {
        let mut first = from(source, &address);
        assert_eq!(ask(&mut first, forwarded("198.51.100.1").as_bytes()).status, 101);
        assert!(turned_away(&mut from(source, &address)), "127.0.0.{source}");
    }
    let mut first = from(31, &address);
    assert_eq!(ask(&mut first, forwarded("198.51.100.1").as_bytes()).status, 101, "the range's last");
    assert_eq!(ask(&mut from(31, &address), forwarded("198.51.100.2").as_bytes()).status, 101);
}

#[test]
fn a_list_that_is_none_ends_the_start() {
    for (list, action) in
        [("10.0.0.1/8", "write 10.0.0.0/8"), ("10.", "write an address"), ("proxy.example", "write an")]
    {
        let failed = Server::try_start(&[(TRUSTED, list)]).err().expect("it must not start");
        assert!(failed.log.contains(TRUSTED) && failed.log.contains(action), "{list}: {}", failed.log);
    }
}
