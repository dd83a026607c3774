//! Socket.IO as the rendezvous server speaks it, from outside: devices, players that poll, and what neither may do to others.

mod common;

use std::time::{Duration, Instant};

use common::device::{Device, masked};
use common::http::{exchange, get, read_head};
use common::process::Server;
use common::tls::Secure;
use common::wire::{Address, Wire};
use rustix::process::Signal;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);
const LISTEN: (&str, &str) = ("PATCHBAY_DIALECT__ERS__LISTEN", "127.0.0.1:0");

/// A device that has joined a room.
fn joined(address: &Address, room: &str) -> Device {
    let mut device = Device::connect(address);
    assert_eq!(device.join(room), r#"6:::1+[null,{"clients":{}}]"#);
    device
}

/// A viewer that is paired with the device in a room.
fn paired(address: &Address, room: &str, with: &mut Device) -> Device {
    let (viewer, answer) = Device::joining(address, room, r#"{"token":null,"streamName":"test1"}"#);
    assert!(answer.contains(&format!(r#""{}":{{"screen":false"#, with.id)));
    assert!(with.hear().starts_with(r#"5:::{"name":"clientJoined""#));
    viewer
}

/// A player that polls.
struct Poller<'a> {
    address: &'a Address,
    sid: String,
}

impl<'a> Poller<'a> {
    fn new(address: &'a Address) -> Self {
        let answer = get_chunked(address);
        Self { address, sid: answer.split(':').next().expect("a sid").to_owned() }
    }

    fn path(&self) -> String {
        format!("/socket.io/1/xhr-polling/{}?t=1", self.sid)
    }

    fn poll(&self) -> String {
        exchange(self.address, "GET", &self.path(), &[], b"").expect("an answer").body()
    }

    fn post(&self, body: &str) -> String {
        exchange(self.address, "POST", &self.path(), &[], body.as_bytes()).expect("an answer").body()
    }
}

/// The handshake's text, out of its one chunk.
fn get_chunked(address: &Address) -> String {
    let body = exchange(address, "GET", "/socket.io/1/", &[], b"").expect("an answer").body();
    let text = body.strip_prefix("47\r\n").and_then(|rest| rest.strip_suffix("\r\n0\r\n\r\n"));
    text.unwrap_or_else(|| panic!("no chunk: {body:?}")).to_owned()
}

fn metric(server: &Server, name: &str) -> u64 {
    let text = get(&server.address(), "/metrics").body;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().expect("a number"))
}

/// C01 to C04, at the common listener, at the dialect's own, and there with TLS.
#[test]
fn devices_meet_players_at_every_door() {
    let server = Server::start(&[LISTEN]);
    let secure = Secure::start(&[LISTEN]);
    let secure_own = match (secure.address(), secure.server.own("ers")) {
        (Address::Tls(_, certificate), Address::Tcp(own)) => Address::Tls(own, certificate),
        _ => panic!("a secure listener, and an own one"),
    };
    for address in [server.address(), server.own("ers"), secure.server.own("ers"), secure.address(), secure_own] {
        let mut device = joined(&address, "room");
        let mut viewer = paired(&address, "room", &mut device);
        let (to, from) = (device.id.clone(), viewer.id.clone());
        let message = format!(r#"{{"to":"{to}","sid":"1","type":"offer","payload":{{"sdp":"v=0\r\nä"}}"#);
        viewer.send(&format!(r#"5:::{{"name":"message","args":[{message}}}]}}"#));
        assert_eq!(device.hear(), format!(r#"5:::{{"name":"message","args":[{message},"from":"{from}"}}]}}"#));
        viewer.send("0::");
        assert_eq!(viewer.hear(), "0::");
        assert_eq!(viewer.frame(), None);
        assert_eq!(device.hear(), format!(r#"5:::{{"name":"remove","args":[{{"id":"{from}"}}]}}"#));
    }
}

#[test]
fn the_own_listener_has_the_players_page_and_what_it_needs() {
    let server = Server::start(&[LISTEN]);
    let own = server.own("ers");
    let page = get(&own, "/demo/evowrtcclient.html");
    assert_eq!(page.status, 200);
    let mut wanted = vec![("/demo/", page.body)];
    let mut seen = Vec::new();
    while let Some((folder, text)) = wanted.pop() {
        // Whatever stands in quotes and looks like a file of ours.
        for name in text.split(['"', '\'']).filter(|name| [".js", ".css", ".svg"].iter().any(|end| name.ends_with(end)))
        {
            let path = match name.strip_prefix("../") {
                Some(name) => format!("/{name}"),
                None => format!("{folder}{}", name.trim_start_matches("./")),
            };
            if !seen.contains(&path) && !name.contains(' ') {
                let file = get(&own, &path);
                assert_eq!(file.status, 200, "{path}");
                wanted.push((if path.starts_with("/demo/") { "/demo/" } else { "/" }, file.body));
                seen.push(path);
            }
        }
    }
    assert!(seen.iter().any(|path| path == "/app.dom.js") && seen.len() > 5, "{seen:?}");
    for path in ["/", "/app.js", "/ws", "/studio/", "/config.js"] {
        assert_eq!(get(&own, path).status, 404, "{path}");
    }
    let without = Server::start(&[LISTEN, ("PATCHBAY_DIALECT__ERS__WEB_SERVER", "false")]);
    assert_eq!(get(&without.own("ers"), "/demo/evowrtcclient.html").status, 404);
    assert_eq!(get(&without.address(), "/demo/evowrtcclient.html").status, 200, "ours, at our own place");
    assert_eq!(get(&own, "/socket.io/").body, "Welcome to socket.io.");
    assert_eq!(get(&own, "/healthz").body, "ok\n");
}

#[test]
fn players_that_poll_meet_devices_and_each_other() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut device = joined(&address, "room");
    let poller = Poller::new(&address);
    let first = poller.poll();
    assert!(first.starts_with("\u{fffd}3\u{fffd}1::\u{fffd}") && first.contains(&poller.sid), "{first}");
    assert_eq!(poller.post(r#"5:1+::{"name":"join","args":["room",{"streamName":"test1"}]}"#), "1");
    assert!(poller.poll().contains(&device.id));
    assert!(device.hear().contains(&poller.sid));
    let said = |text: &str| format!(r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{text}"}}]}}"#, device.id);
    let (one, two) = (said("ä€😀"), said("b"));
    let lengths = [one.encode_utf16().count(), two.encode_utf16().count()];
    assert_eq!(poller.post(&format!("\u{fffd}{}\u{fffd}{one}\u{fffd}{}\u{fffd}{two}", lengths[0], lengths[1])), "1");
    for text in ["ä€😀", "b"] {
        let heard = device.hear();
        assert!(heard.contains(&format!(r#""text":"{text}","from":"{}""#, poller.sid)), "{heard}");
    }
    device.send(&format!(
        r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{}"}}]}}"#,
        poller.sid,
        "x".repeat(9_000)
    ));
    assert!(poller.poll().contains("xxx"));
    let left = format!("/socket.io/1//{}/?disconnect=1", poller.sid);
    assert_eq!(exchange(&address, "GET", &left, &[], b"").expect("an answer").status, 200);
    assert!(device.hear().contains("remove"));
    assert_eq!(poller.poll(), "7:::1+0");
}

/// Whoever does not fetch what is said to it is let go; who said it, and all others, go on.
#[test]
fn who_does_not_read_or_poll_is_let_go_and_nobody_else_notices() {
    let server = Server::start(&[]);
    let address = server.address();
    let mut bystander = joined(&address, "quiet");
    let mut device = joined(&address, "room");
    let poller = Poller::new(&address);
    assert!(poller.poll().contains("1::"));
    assert_eq!(poller.post(r#"5:1+::{"name":"join","args":["room",{"streamName":"test1"}]}"#), "1");
    assert!(poller.poll().contains(&device.id));
    device.hear();
    let flood =
        format!(r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{}"}}]}}"#, poller.sid, "x".repeat(2_000));
    let frames = masked(&flood).repeat(2_000);
    device.wire.write(&frames).expect("who sends is read");
    assert!(device.hear().contains("remove"), "its partner has gone");
    assert_eq!(poller.poll(), "7:::1+0");
    assert_eq!(metric(&server, r#"patchbay_connections_closed_total{dialect="ers",cause="too_slow"}"#), 1);

    // The same with a device that does not read.
    let mut deaf = joined(&address, "other");
    let mut viewer = paired(&address, "other", &mut deaf);
    let flood = format!(r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{}"}}]}}"#, deaf.id, "x".repeat(20_000));
    viewer.wire.write(&masked(&flood).repeat(2_000)).expect("who sends is read");
    assert!(viewer.hear().contains("remove"));
    assert_eq!(metric(&server, r#"patchbay_connections_closed_total{dialect="ers",cause="too_slow"}"#), 2);
    bystander.send(r#"5:7+::{"name":"create","args":["else"]}"#);
    assert_eq!(bystander.hear(), r#"6:::7+[null,"else"]"#);
}

/// A polled session has a place of its own among the connections, and gives it back.
#[test]
fn polled_sessions_count_as_connections() {
    let server = Server::start(&[("PATCHBAY_LIMITS__CONNECTIONS", "4")]);
    let address = server.address();
    let pollers: Vec<_> = (0..4).map(|_| Poller::new(&address)).collect();
    // Connections that ended a moment ago may still count.
    let opened = |poller: &Poller<'_>| {
        let until = Instant::now() + PATIENCE;
        while !poller.poll().contains("1::") {
            assert!(Instant::now() < until, "a place that is free is given");
        }
    };
    // Each of them beside the connection of its poll.
    pollers[..3].iter().for_each(opened);
    for _ in 0..3 {
        assert!(pollers[3].poll().contains("Unavailable"));
    }
    let left = format!("/socket.io/1//{}/?disconnect=1", pollers[0].sid);
    let until = Instant::now() + PATIENCE;
    while exchange(&address, "GET", &left, &[], b"").expect("an answer").status != 200 {
        assert!(Instant::now() < until, "a place that is free is given");
    }
    opened(&pollers[3]);
}

/// A polled session belongs to an address: the one that the proxies name that are trusted, and nobody else's word counts.
#[test]
fn a_polled_session_belongs_to_the_client_that_the_proxy_names() {
    let named = |address: &Address, sid: &str, client: &str| {
        let path = format!("/socket.io/1/xhr-polling/{sid}");
        let headers = [("X-Forwarded-For", client)];
        // One that says something, so that no answer takes long.
        let body = br#"5:1+::{"name":"create","args":["room"]}"#;
        exchange(address, "POST", &path, &headers, body).expect("an answer").body()
    };
    let trusting = Server::start(&[("PATCHBAY_HTTP__TRUSTED_PROXIES", "127.0.0.1")]);
    let address = trusting.address();
    let sid = Poller::new(&address).sid;
    let [one, other, again] =
        ["198.51.100.1", "198.51.100.2", "198.51.100.1"].map(|client| named(&address, &sid, client));
    assert_eq!([one.as_str(), &other, &again], ["1", "7:::1+0", "1"]);
    let doubting = Server::start(&[]);
    let address = doubting.address();
    let sid = Poller::new(&address).sid;
    assert_eq!(["198.51.100.1", "198.51.100.2"].map(|client| named(&address, &sid, client)), ["1", "1"]);
}

/// SIGTERM ends polls at once, with the advice to come again, and the server is gone in time (DECISIONS 9).
#[test]
fn a_server_that_stops_ends_polls_and_sockets() {
    let mut server = Server::start(&[]);
    let address = server.address();
    let mut device = joined(&address, "room");
    let poller = Poller::new(&address);
    assert!(poller.poll().contains("1::"));
    let mut polls = [(); 2].map(|()| {
        let mut wire = Wire::connect(&address).expect("the server accepts");
        let request = format!("GET {} HTTP/1.1\r\nHost: localhost\r\n\r\n", poller.path());
        wire.write(request.as_bytes()).expect("the server reads");
        wire
    });
    // The later of them has ended the other, so it waits.
    let until = Instant::now() + PATIENCE;
    let mut buffer = [0; 4096];
    let ended = loop {
        let short = Duration::from_millis(20);
        match polls.iter_mut().position(|wire| wire.read_within(&mut buffer, short).is_ok()) {
            Some(ended) => break ended,
            None => assert!(Instant::now() < until, "a newer poll ends the older"),
        }
    };
    let before = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.wait(Duration::from_secs(5)).is_some_and(|status| status.success()));
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
    assert_eq!(device.frame(), None);
    let answer = read_head(&mut polls[1 - ended]).expect("an answer");
    assert_eq!((answer.status, answer.body().as_str()), (200, "7:::1+0"));
}

/// The greeting has one form over both transports.
#[test]
fn everybody_is_told_the_same_first() {
    let server = Server::start(&[("RTC_CONFIG_JSON", r#"{"iceServers":[{"urls":"stun:192.0.2.1:3478"}]}"#)]);
    let address = server.address();
    let poller = Poller::new(&address);
    let polled = poller.poll();
    let packets: Vec<_> = polled.split('\u{fffd}').filter(|part| part.contains(':')).collect();
    assert_eq!((packets.len(), packets[0]), (4, "1::"));
    let stun: Value = serde_json::from_str(packets[1].strip_prefix("5:::").expect("an event")).expect("JSON");
    assert_eq!(stun["args"][0][0]["url"], "stun:192.0.2.1:3478");
    assert_eq!(packets[3], format!(r#"5:::{{"name":"ersid","args":[{{"id":"{}"}}]}}"#, poller.sid));
    let mut device = Device::shake(&address);
    assert_eq!(device.hear(), packets[0]);
    assert_eq!(device.hear(), packets[1]);
}
