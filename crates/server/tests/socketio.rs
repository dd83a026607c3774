//! Socket.IO as the rendezvous server speaks it, from outside: devices, players that poll, and what neither may do to others.

mod common;

use std::time::{Duration, Instant};

use common::http::{Response, exchange, get, read_head};
use common::process::Server;
use common::tls::Secure;
use common::wire::{Address, Wire};
use rustix::process::Signal;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);
const LISTEN: (&str, &str) = ("PATCHBAY_DIALECT__ERS__LISTEN", "127.0.0.1:0");
/// As devices write it (ers.md, G2).
const UPGRADE: &str = "Connection: Upgrade\r\nPragma: no-cache\r\nCache-Control: no-cache\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ZrZ6hzVBYtY2ApJ/dcsXPA==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// A device: it takes each read for a whole answer, masks with ones, and knows packets by words.
struct Device {
    wire: Wire,
    seen: Vec<u8>,
    sid: String,
}

impl Device {
    fn new(address: &Address) -> Self {
        let mut wire = Wire::connect(address).expect("the server accepts");
        let host = address.host();
        let ask = format!(
            "GET /socket.io/1/?t=1432678845367 HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n\
             User-Agent: one two three four five\r\nOrigin: http://{host}\r\n\r\n"
        );
        wire.write(ask.as_bytes()).expect("the server reads");
        let mut buffer = [0; 4096];
        let length = wire.read_within(&mut buffer, PATIENCE).expect("an answer");
        let answer = std::str::from_utf8(&buffer[..length]).expect("text");
        assert!(answer.ends_with("\r\n0\r\n\r\n"), "in one read: {answer}");
        let behind = &answer[answer.find("chunked").expect("the word")..];
        let line = behind.splitn(4, '\n').nth(3).expect("three line feeds");
        let sid = line.split(':').next().expect("a line").to_owned();
        assert_eq!(sid.len(), 20, "{answer}");
        wire.write(format!("GET /socket.io/1/websocket/{sid} HTTP/1.1\r\nHost: {host}\r\n{UPGRADE}\r\n").as_bytes())
            .expect("the server reads");
        let Response { status, headers, rest } = read_head(&mut wire).expect("an answer");
        let values: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "AuqIOFN1rYvYz34izt1ussPZaHs="),
        ];
        assert_eq!((status, &values[..]), (101, &expected[..]));
        Self { wire, seen: rest, sid }
    }

    /// A device that has joined a room.
    fn joined(address: &Address, room: &str) -> Self {
        let mut device = Self::new(address);
        device.greeted();
        device.say(&format!(r#"5:1+::{{"name":"join","args":["{room}",{{"index":1,"EMS":true}}]}}"#));
        assert_eq!(device.hear(), r#"6:::1+[null,{"clients":{}}]"#);
        device
    }

    /// A viewer that is paired with the device in a room.
    fn paired(address: &Address, room: &str, with: &mut Self) -> Self {
        let mut viewer = Self::new(address);
        viewer.greeted();
        viewer.say(&format!(r#"5:1+::{{"name":"join","args":["{room}",{{"token":null,"streamName":"test1"}}]}}"#));
        assert!(viewer.hear().contains(&format!(r#""{}":{{"screen":false"#, with.sid)));
        assert!(with.hear().starts_with(r#"5:::{"name":"clientJoined""#));
        viewer
    }

    fn greeted(&mut self) {
        for word in ["1::", "stunservers", "turnservers", "ersid"] {
            let heard = self.hear();
            assert!(heard.contains(word), "{word}: {heard}");
        }
    }

    fn say(&mut self, packet: &str) {
        self.wire.write(&masked(packet)).expect("the connection stands");
    }

    /// The next packet.
    fn hear(&mut self) -> String {
        self.next().expect("a packet, and not the end")
    }

    /// The next packet, or `None` if the connection ends.
    fn next(&mut self) -> Option<String> {
        let until = Instant::now() + PATIENCE;
        let mut buffer = [0; 65_536];
        loop {
            let (length, at) = match self.seen[..] {
                [_, 126, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
                [_, 127, _, _, _, _, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 10),
                [_, short @ ..126, ..] => (usize::from(short), 2),
                _ => (usize::MAX / 2, 0),
            };
            if self.seen.len() >= at + length {
                let rest = self.seen.split_off(at + length);
                let frame = std::mem::replace(&mut self.seen, rest);
                match frame[0] {
                    0x81 => return Some(String::from_utf8(frame[at..].to_vec()).expect("text")),
                    0x88 => return None,
                    other => panic!("a frame that a device cannot read: {other:x}"),
                }
            }
            match self.wire.read_within(&mut buffer, until.saturating_duration_since(Instant::now())) {
                Ok(0) => return None,
                Ok(length) => self.seen.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
    }
}

/// A frame with the mask of devices.
fn masked(packet: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match packet.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(length).expect("a short packet").to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0xff; 4]);
    frame.extend(packet.bytes().map(|byte| byte ^ 0xff));
    frame
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
        let mut device = Device::joined(&address, "room");
        let mut viewer = Device::paired(&address, "room", &mut device);
        let (to, from) = (device.sid.clone(), viewer.sid.clone());
        let message = format!(r#"{{"to":"{to}","sid":"1","type":"offer","payload":{{"sdp":"v=0\r\nä"}}"#);
        viewer.say(&format!(r#"5:::{{"name":"message","args":[{message}}}]}}"#));
        assert_eq!(device.hear(), format!(r#"5:::{{"name":"message","args":[{message},"from":"{from}"}}]}}"#));
        viewer.say("0::");
        assert_eq!(viewer.hear(), "0::");
        assert_eq!(viewer.next(), None);
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
    let mut device = Device::joined(&address, "room");
    let poller = Poller::new(&address);
    let first = poller.poll();
    assert!(first.starts_with("\u{fffd}3\u{fffd}1::\u{fffd}") && first.contains(&poller.sid), "{first}");
    assert_eq!(poller.post(r#"5:1+::{"name":"join","args":["room",{"streamName":"test1"}]}"#), "1");
    assert!(poller.poll().contains(&device.sid));
    assert!(device.hear().contains(&poller.sid));
    let said = |text: &str| format!(r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{text}"}}]}}"#, device.sid);
    let (one, two) = (said("ä€😀"), said("b"));
    let lengths = [one.encode_utf16().count(), two.encode_utf16().count()];
    assert_eq!(poller.post(&format!("\u{fffd}{}\u{fffd}{one}\u{fffd}{}\u{fffd}{two}", lengths[0], lengths[1])), "1");
    for text in ["ä€😀", "b"] {
        let heard = device.hear();
        assert!(heard.contains(&format!(r#""text":"{text}","from":"{}""#, poller.sid)), "{heard}");
    }
    device.say(&format!(
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
    let mut bystander = Device::joined(&address, "quiet");
    let mut device = Device::joined(&address, "room");
    let poller = Poller::new(&address);
    assert!(poller.poll().contains("1::"));
    assert_eq!(poller.post(r#"5:1+::{"name":"join","args":["room",{"streamName":"test1"}]}"#), "1");
    assert!(poller.poll().contains(&device.sid));
    device.hear();
    let flood =
        format!(r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{}"}}]}}"#, poller.sid, "x".repeat(2_000));
    let frames = masked(&flood).repeat(2_000);
    device.wire.write(&frames).expect("who sends is read");
    assert!(device.hear().contains("remove"), "its partner has gone");
    assert_eq!(poller.poll(), "7:::1+0");
    assert_eq!(metric(&server, r#"patchbay_connections_closed_total{dialect="ers",cause="too_slow"}"#), 1);

    // The same with a device that does not read.
    let deaf = Device::joined(&address, "other");
    let mut deaf = deaf;
    let mut viewer = Device::paired(&address, "other", &mut deaf);
    let flood = format!(r#"5:::{{"name":"message","args":[{{"to":"{}","text":"{}"}}]}}"#, deaf.sid, "x".repeat(20_000));
    viewer.wire.write(&masked(&flood).repeat(2_000)).expect("who sends is read");
    assert!(viewer.hear().contains("remove"));
    assert_eq!(metric(&server, r#"patchbay_connections_closed_total{dialect="ers",cause="too_slow"}"#), 2);
    bystander.say(r#"5:7+::{"name":"create","args":["else"]}"#);
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
    let mut device = Device::joined(&address, "room");
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
    assert_eq!(device.next(), None);
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
    let mut device = Device::new(&address);
    assert_eq!(device.hear(), packets[0]);
    assert_eq!(device.hear(), packets[1]);
}
