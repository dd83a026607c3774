//! The timed and destructive cases of the sid dialect: sid section 7, ST1 to ST10. Those that need no real time are
//! transcripts as well; here they meet real sockets.

use std::thread;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard, Input};
use serde_json::{Value, json};

use crate::common::client::{Client, TEXT, encode};
use crate::common::http;
use crate::common::process::Server;
use crate::common::tls::Secure;
use crate::common::wire::Address;
use crate::{assert_about, side_by_side};

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn open(server: &Server, manual: bool) -> Client {
    let handshake = Handshake { manual, ..Handshake::default() };
    Client::at(&server.address(), "/sid", &handshake).expect("it is admitted")
}

fn register(client: &mut Client, id: &str) {
    client.text(&json!({"cmd": "sId", "sId": id}).to_string());
    assert_eq!(client.message(), json!({"cmd": "sId", "sId": id}));
    assert_eq!(client.message()["cmd"], "clu");
}

fn registered(server: &Server, id: &str) -> Client {
    let mut client = open(server, false);
    register(&mut client, id);
    client
}

/// Messages until the one with this `cmd`.
fn until(client: &mut Client, cmd: &str) -> Value {
    loop {
        let message = client.message();
        if message["cmd"] == cmd {
            return message;
        }
    }
}

/// Opens a session and returns its id.
fn session(caller: &mut Client, opponent: &str) -> String {
    caller.text(&json!({"cmd": "session", "opponentId": opponent}).to_string());
    let message = until(caller, "session");
    message["sessionId"].as_str().expect("a session has an id").to_owned()
}

fn assert_alive(server: &Server) {
    assert_eq!(http::get(&server.address(), "/healthz").body, "ok\n");
    let mut client = open(server, false);
    client.text(r#"{"cmd":"call"}"#);
    assert_eq!(client.message(), json!({"cmd": "error", "code": 9100}));
}

#[test]
fn heartbeats_find_the_dead_and_spare_the_living() {
    side_by_side(&[
        ("ST1: who answers pings stays, with one every 3 s", who_answers_stays),
        ("ST2: who answers none goes after 6 s, and the others get a list", who_answers_none_goes),
        ("ST3: who answers none inside a call leaves it", who_answers_none_leaves_the_call),
        ("ST4: an unregistered connection is not pinged", an_unregistered_connection_is_not_pinged),
        ("an unregistered connection ends after its time", an_unregistered_connection_ends_after_its_time),
    ]);
}

fn who_answers_stays() {
    let server = Server::start(&[]);
    let mut client = open(&server, true);
    register(&mut client, "A");
    let start = Instant::now();
    for at in [3, 6, 9].map(secs) {
        assert_eq!(client.hear(secs(5)), Some(Heard::Ping));
        assert_about("the ping", start.elapsed(), at);
        client.say(&Input::Pong).expect("the connection stands");
    }
    assert_eq!(client.hear(secs(1)), None, "open at 10 s");
}

fn who_answers_none_goes() {
    let server = Server::start(&[]);
    let mut witness = registered(&server, "witness");
    let mut silent = open(&server, true);
    register(&mut silent, "silent");
    let start = Instant::now();
    assert_eq!(until(&mut witness, "clu")["list"].as_array().map(Vec::len), Some(2));
    let list = witness.message_within(secs(8));
    assert_about("the end", start.elapsed(), secs(6));
    assert_eq!(list, json!({"cmd": "clu", "list": [{"state": 1, "sId": "witness"}]}));
    assert_eq!(silent.hear(secs(1)), Some(Heard::Ping));
    assert_eq!(silent.hear(secs(1)), Some(Heard::Closed(None)));
}

fn who_answers_none_leaves_the_call() {
    let server = Server::start(&[]);
    let mut caller = registered(&server, "caller");
    let mut silent = open(&server, true);
    register(&mut silent, "silent");
    let start = Instant::now();
    let id = session(&mut caller, "silent");
    let leave = loop {
        let message = caller.message_within(secs(8));
        if message["cmd"] == "leave" {
            break message;
        }
    };
    assert_about("leave", start.elapsed(), secs(6));
    assert_eq!(leave, json!({"cmd": "leave", "sessionId": id, "opponentId": "silent"}));
}

fn an_unregistered_connection_is_not_pinged() {
    let server = Server::start(&[]);
    let mut client = open(&server, true);
    assert_eq!(client.hear(secs(10)), None);
    register(&mut client, "late");
}

fn an_unregistered_connection_ends_after_its_time() {
    let server = Server::start(&[("PATCHBAY_DIALECT__SID__REGISTER_TIMEOUT_MS", "2000")]);
    let mut client = open(&server, true);
    let start = Instant::now();
    client.text(r#"{"cmd":"sId"}"#);
    assert_eq!(client.message()["code"], 9001);
    assert_eq!(client.hear(secs(5)), Some(Heard::Closed(Some(1008))));
    assert_about("the end", start.elapsed(), secs(2));
}

/// ST5: the reference keeps a ghost without a name, whose end is its own.
#[test]
fn a_client_without_an_id_leaves_no_ghost() {
    let server = Server::start(&[]);
    let mut ghost = open(&server, false);
    ghost.text(r#"{"cmd":"sId"}"#);
    assert_eq!(ghost.message()["code"], 9001);
    ghost.say(&Input::Close(1000)).expect("the connection stands");
    assert_eq!(ghost.hear(secs(5)), Some(Heard::Closed(Some(1000))));
    assert_alive(&server);
}

/// ST6: both frames in one segment.
#[test]
fn two_stops_in_one_packet_end_one_session() {
    let server = Server::start(&[]);
    let (mut a, mut b) = (registered(&server, "A"), registered(&server, "B"));
    let id = session(&mut a, "B");
    let stop = encode(0x80 | TEXT, true, json!({"cmd": "stop", "sessionId": id}).to_string().as_bytes());
    a.bytes_out(&[stop.clone(), stop].concat()).expect("the connection stands");
    assert_eq!(until(&mut a, "error"), json!({"cmd": "error", "code": 9204}));
    assert_eq!(until(&mut b, "stop")["opponentId"], "A");
    assert_alive(&server);
}

/// ST7, which is about TLS, since the reference fails with it at once.
#[test]
fn both_ends_stop_at_once() {
    let server = Server::start(&[]);
    stop_at_once(&server.address());
    assert_alive(&server);
    let secure = Secure::start(&[]);
    stop_at_once(&secure.address());
    assert_eq!(http::get(&secure.address(), "/healthz").body, "ok\n");
}

/// Both hang up at the same moment, 30 times. Each is told the end once, and who came second is told that there is no
/// session.
fn stop_at_once(address: &Address) {
    let client = |id| {
        let mut client = Client::at(address, "/sid", &Handshake::default()).expect("it is admitted");
        register(&mut client, id);
        client
    };
    let (mut a, mut b) = (client("A"), client("B"));
    for _ in 0..30 {
        let id = session(&mut a, "B");
        assert_eq!(until(&mut b, "ssu"), json!({"cmd": "ssu", "sessionId": id, "state": 1}));
        let stop = json!({"cmd": "stop", "sessionId": id}).to_string();
        a.text(&stop);
        b.text(&stop);
        for client in [&mut a, &mut b] {
            let closed = loop {
                let message = until(client, "ssu");
                if message["state"] == 4 {
                    break message;
                }
            };
            assert_eq!(closed["sessionId"], id);
            // The list of the end, before the next session begins.
            assert_eq!(until(client, "clu")["list"], json!([{"state": 1, "sId": "A"}, {"state": 1, "sId": "B"}]));
        }
    }
}

/// ST8: 20 calls whose ends both drop at once.
#[test]
fn both_ends_of_many_calls_drop() {
    let server = Server::start(&[]);
    let mut clients: Vec<_> = (0..40).map(|n| registered(&server, &n.to_string())).collect();
    for n in 0..20 {
        session(&mut clients[2 * n], &(2 * n + 1).to_string());
    }
    let mut witness = registered(&server, "witness");
    for client in &mut clients {
        client.say(&Input::Reset).expect("the connection stands");
    }
    let alone = json!([{"state": 1, "sId": "witness"}]);
    while until(&mut witness, "clu")["list"] != alone {}
    assert_alive(&server);
}

/// ST9.
#[test]
fn five_hundred_notifies_arrive_in_order() {
    let server = Server::start(&[]);
    let (mut a, mut b) = (registered(&server, "A"), registered(&server, "B"));
    for n in 0..500 {
        a.text(&json!({"cmd": "notify", "opponentId": "B", "type": n}).to_string());
    }
    for n in 0..500 {
        assert_eq!(until(&mut b, "notify")["type"], n);
    }
}

/// DECISIONS 4 for a protocol without a word for it: a client above the rate is read more slowly and loses nothing.
#[test]
fn above_the_rate_a_client_is_slowed_down() {
    let rate = [("PATCHBAY_LIMITS__RATE_PER_SECOND", "100"), ("PATCHBAY_LIMITS__RATE_BURST", "50")];
    let server = Server::start(&rate);
    let (mut a, mut b) = (registered(&server, "A"), registered(&server, "B"));
    let notify = |n: usize| {
        encode(0x80 | TEXT, true, json!({"cmd": "notify", "opponentId": "B", "type": n}).to_string().as_bytes())
    };
    let start = Instant::now();
    // In one write, so that the server holds them all while it reads no further.
    a.bytes_out(&(0..249).flat_map(notify).collect::<Vec<u8>>()).expect("the connection stands");
    for n in 0..249 {
        assert_eq!(until(&mut b, "notify")["type"], n);
    }
    // One token went to the registration: 49 at once, then 200 at 100 per second.
    assert_about("the last one", start.elapsed(), secs(2));
    a.text(r#"{"cmd":"call","sessionId":"0"}"#);
    assert_eq!(until(&mut a, "error")["code"], 9204, "what does not count is answered at once");
}

/// ST10, as far as a test may judge time: all finish. The figure is a benchmark's (`cargo xtask bench relay`).
#[test]
fn a_thousand_clients_register() {
    const CLIENTS: usize = 1_000;
    /// `{"cmd":"clu","list":[…]}` with `{"state":1,"sId":"0000"}` for each, and commas between: told by its length, since
    /// a thousand clients that parse a thousand lists would measure the test.
    const WHOLE: usize = 21 + 24 * CLIENTS + (CLIENTS - 1) + 2;
    // Here the pings would only measure how busy the machine is.
    let server = Server::start(&[("PATCHBAY_DIALECT__SID__PING_INTERVAL_MS", "60000")]);
    // A thread for each: a client that does not read while others register would be given up, and rightly.
    let client = |n: usize| {
        let mut client = open(&server, false);
        client.text(&format!(r#"{{"cmd":"sId","sId":"{n:04}"}}"#));
        assert_eq!(client.message()["cmd"], "sId");
        loop {
            match client.hear(secs(20)) {
                Some(Heard::Text(text)) if text.len() == WHOLE => return client,
                Some(Heard::Text(_)) => {}
                other => panic!("client {n} heard {other:?}"),
            }
        }
    };
    thread::scope(|scope| {
        let client = &client;
        let running: Vec<_> = (0..CLIENTS).map(|n| scope.spawn(move || client(n))).collect();
        // Everybody stays until everybody has seen everybody.
        let clients: Vec<_> = running.into_iter().map(|client| client.join().expect("it saw everybody")).collect();
        drop(clients);
    });
}
