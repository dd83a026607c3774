//! The media engine's settings, as an operator meets them: what the ready line names, what clients are told, what a
//! wrong setting says, and what is counted.

mod common;

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use common::client::Client;
use common::http::get;
use common::process::Server;
use patchbay_dialect_kit::testing::{Handshake, Heard};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(10);

/// What a browser offers that publishes its microphone.
const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:them\r\n\
    a=ice-pwd:theirpasswordtheirpassword\r\na=fingerprint:sha-256 \
    00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=setup:actpass\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\na=ssrc:1 cname:x\r\n";

fn ports(server: &Server) -> Vec<u16> {
    let named = server.ready("udp").as_array().expect("the ready line names the media sockets");
    let port = |address: &Value| address.as_str()?.rsplit_once(':')?.1.parse().ok();
    named.iter().map(|address| port(address).unwrap_or_else(|| panic!("{address}"))).collect()
}

/// Publishes; the server's answer.
fn answer(server: &Server) -> String {
    let client = Client::at(&server.address(), "/LiveApp/websocket", &Handshake::default());
    let mut client = client.unwrap_or_else(|turned| panic!("{turned:?}"));
    client.text(&json!({"command": "publish", "streamId": "s"}).to_string());
    let offer = json!({"command": "takeConfiguration", "streamId": "s", "type": "offer", "sdp": OFFER}).to_string();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let heard = client.hear(deadline.saturating_duration_since(Instant::now()));
        let Some(Heard::Text(text)) = heard else { panic!("no answer, but {heard:?}") };
        let message: Value = serde_json::from_slice(&text).expect("the server says JSON");
        match message["command"].as_str() {
            Some("start") => client.text(&offer),
            Some("takeConfiguration") => return message["sdp"].as_str().expect("a description").to_owned(),
            Some("error") => panic!("{message}"),
            _ => {}
        }
    }
}

/// Address and port of each candidate.
fn candidates(sdp: &str) -> Vec<(&str, u16)> {
    let lines = sdp.lines().filter(|line| line.starts_with("a=candidate:"));
    let words = lines.map(|line| line.split(' ').collect::<Vec<_>>());
    words.map(|words| (words[4], words[5].parse().expect("a port"))).collect()
}

#[test]
fn the_ready_line_names_the_sockets_of_each_worker() {
    let settings = |workers, bind| {
        [("PATCHBAY_MEDIA__UDP_PORT", "0"), ("PATCHBAY_MEDIA__WORKERS", workers), ("PATCHBAY_MEDIA__BIND", bind)]
    };
    let server = Server::start(&settings("3", "127.0.0.1"));
    let ports = ports(&server);
    assert_eq!(ports.len(), 3, "{ports:?}");
    assert!(ports.iter().all(|port| UdpSocket::bind(("127.0.0.1", *port)).is_err()), "they are bound: {ports:?}");
    let server = Server::start(&settings("1", "127.0.0.1,[::1]"));
    let named = server.ready("udp");
    let port = self::ports(&server)[0];
    assert_eq!(*named, json!([format!("127.0.0.1:{port}"), format!("[::1]:{port}")]), "one port in both families");
}

#[test]
fn worker_number_i_has_the_port_plus_i() {
    // Free when it is looked for; another test may take one of the two before the server does.
    for _ in 0..20 {
        let free = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let first = free.local_addr().expect("it is bound").port();
        drop(free);
        let port = first.to_string();
        let settings = [
            ("PATCHBAY_MEDIA__UDP_PORT", port.as_str()),
            ("PATCHBAY_MEDIA__WORKERS", "2"),
            ("PATCHBAY_MEDIA__BIND", "127.0.0.1"),
        ];
        if let Ok(server) = Server::try_start(&settings) {
            assert_eq!(ports(&server), [first, first + 1]);
            return;
        }
    }
    panic!("no two ports were free in twenty attempts");
}

#[test]
fn clients_are_told_what_is_advertised_else_what_is_bound() {
    for (advertise, told) in [("", vec!["127.0.0.1"]), ("203.0.113.7,2001:db8::7", vec!["203.0.113.7", "2001:db8::7"])]
    {
        let server = Server::start(&[
            ("PATCHBAY_MEDIA__UDP_PORT", "0"),
            ("PATCHBAY_MEDIA__WORKERS", "1"),
            ("PATCHBAY_MEDIA__BIND", if told.len() == 1 { "127.0.0.1" } else { "127.0.0.1,::1" }),
            ("PATCHBAY_MEDIA__ADVERTISE", advertise),
        ]);
        let (answer, port) = (answer(&server), ports(&server)[0]);
        let mut found = candidates(&answer);
        found.sort_unstable();
        found.dedup();
        let mut wanted: Vec<_> = told.iter().map(|address| (*address, port)).collect();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{answer}");
        assert!(answer.contains("a=ice-lite"), "{answer}");
    }
}

#[test]
fn what_cannot_be_bound_says_why_and_what_to_do() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("it is bound").port().to_string();
    let name = [("PATCHBAY_MEDIA__BIND", "media.example.com")];
    let foreign = [("PATCHBAY_MEDIA__BIND", "203.0.113.7")];
    let advertised = [("PATCHBAY_MEDIA__ADVERTISE", "media.example.com")];
    let used = [("PATCHBAY_MEDIA__BIND", "127.0.0.1"), ("PATCHBAY_MEDIA__UDP_PORT", port.as_str())];
    let cases = [
        (&name[..], ["media.bind", "media.example.com", "write one like"]),
        (&advertised[..], ["media.advertise", "media.example.com", "write one like"]),
        (&foreign[..], ["203.0.113.7:", "(media.bind, media.udp_port)", "check media.bind"]),
        (&used[..], [port.as_str(), "another process has that UDP port", "set media.udp_port"]),
    ];
    for (settings, words) in cases {
        let failed = Server::try_start(settings).map(|_| ()).expect_err("it does not start");
        assert!(!failed.status.success());
        assert!(words.iter().all(|word| failed.log.contains(word)), "{settings:?}: {}", failed.log);
    }
}

#[test]
fn what_passes_is_counted_by_name() {
    let server = Server::start(&[("PATCHBAY_MEDIA__UDP_PORT", "0"), ("PATCHBAY_MEDIA__BIND", "127.0.0.1")]);
    let metrics = || get(&server.address(), "/metrics").body;
    let text = metrics();
    for name in ["packets_in", "packets_out", "datagrams_strange", "panics", "bursts_lost", "sends_refused"] {
        assert!(text.contains(&format!("\npatchbay_media_{name}_total 0\n")), "{name}: {text}");
    }
    assert!(text.contains("\npatchbay_media_legs 0\n"), "{text}");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    stranger.send_to(b"\x80hello", ("127.0.0.1", ports(&server)[0])).expect("it is sent");
    let deadline = Instant::now() + PATIENCE;
    while !metrics().contains("\npatchbay_media_datagrams_strange_total 1\n") {
        assert!(Instant::now() < deadline, "a stranger is not counted: {}", metrics());
        std::thread::sleep(Duration::from_millis(10));
    }
}
