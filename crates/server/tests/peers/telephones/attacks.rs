//! What strangers try: floods, forged answers, media of others, names with line ends in them. The documented error or silence,
//! and the calls that stand go on.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::common::http;
use super::super::common::process::Server;
use super::super::session::server;
use super::client::{HA1, Sylk, beside, registered, with};
use super::telephone::{Dialog, Telephone, target};

const PCMU: &str = "0 PCMU/8000";
/// How long a flood lasts.
const SPAN: Duration = Duration::from_secs(3);
/// What a flood may cost. The agent's tables at their bounds hold less than that.
const MEMORY: u64 = 64 << 20;
/// How often each flooder sends. The server here is not optimized, and shares its machine with who floods it; what the
/// optimized one stands, `cargo xtask bench sip` says.
const FLOOD: Duration = Duration::from_millis(4);
/// A packet that takes so long waits for a flooder to stop, not for its turn. What is asked for, 20 ms, is measured where
/// nothing else runs.
const FORGOTTEN: Duration = Duration::from_millis(500);

/// A call that stands: the telephone's dialog, and the offer that it had.
fn standing(telephone: &mut Telephone, client: &mut Sylk, session: &str) -> (Dialog, String) {
    client.calls(session, "bob@example.com", false);
    let invite = telephone.next("INVITE");
    let body = telephone.describe(&[PCMU], "");
    telephone.answer(&invite, "200 OK", "", &body);
    telephone.next("ACK");
    client.accepted(session, invite.header("Call-ID"));
    client.established(session);
    (Telephone::called(&invite), invite.body().to_owned())
}

/// By how much the packets of a call come late, in 99 of 100 cases, and how many came.
fn lateness(telephone: &Telephone, span: Duration) -> (Duration, usize) {
    let start = Instant::now();
    let mut came = Vec::new();
    while start.elapsed() < span {
        telephone.hears(1);
        came.push(Instant::now());
    }
    let mut late: Vec<Duration> =
        came.windows(2).map(|pair| (pair[1] - pair[0]).saturating_sub(Duration::from_millis(20))).collect();
    late.sort();
    (late.get(late.len() * 99 / 100).copied().unwrap_or_default(), came.len())
}

fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
    line.trim().trim_end_matches("kB").trim().parse::<u64>().expect("a number") << 10
}

fn metric(server: &Server, name: &str) -> u64 {
    let text = http::get(&server.address(), "/metrics").body;
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(ToOwned::to_owned));
    line.unwrap_or_else(|| panic!("{name} is missing in {text}")).parse().expect("a number")
}

/// A request of a stranger, the `number`th.
fn request(method: &str, to: SocketAddr, from: SocketAddr, number: u64, body: &str) -> String {
    format!(
        "{method} sip:nobody@{to} SIP/2.0\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bKf{number}\r\nMax-Forwards: 70\r\n\
         From: <sip:eve@example.net>;tag=e{number}\r\nTo: <sip:nobody@{to}>\r\nCall-ID: flood-{number}\r\nCSeq: 1 {method}\r\n\
         Contact: <sip:eve@{from}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn floods_are_answered_or_dropped_and_calls_go_on() {
    let (server, mut telephone, mut client, _) = registered();
    let (mut dialog, offer) = standing(&mut telephone, &mut client, "s1");
    let sip = telephone.server.expect("it was heard");
    let rtp = target(&offer, "audio");
    // It has been heard from where it said: nobody else is, from now on.
    telephone.talks(rtp, 0, 5);
    client.hears(5);
    let before = resident(&server);
    let (over, sent, answered) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let body = telephone.describe(&[PCMU], "");
    let (late, came) = thread::scope(|scope| {
        for method in ["REGISTER", "INVITE", "OPTIONS", "BYE", "NONSENSE"] {
            let (over, sent, answered, body) = (&over, &sent, &answered, &body);
            scope.spawn(move || {
                let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
                socket.set_nonblocking(true).expect("it can be");
                let own = socket.local_addr().expect("it is bound");
                let mut number = 0;
                while !over.load(Ordering::Relaxed) {
                    number += 1;
                    let text = request(method, sip, own, number, if method == "INVITE" { body } else { "" });
                    sent.fetch_add(u64::from(socket.send_to(text.as_bytes(), sip).is_ok()), Ordering::Relaxed);
                    let mut buffer = [0; 2_000];
                    while socket.recv_from(&mut buffer).is_ok() {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    thread::sleep(FLOOD);
                }
            });
        }
        let (over, sent) = (&over, &sent);
        scope.spawn(move || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
            let garbage = [[0x80_u8; 172].as_slice(), &[0xff; 600], b"\r\n\r\n\r\n", b"SIP/2.0 200\r\n\r\n", &[0; 1]];
            for bytes in garbage.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                for to in [sip, rtp, SocketAddr::new(rtp.ip(), rtp.port() + 1)] {
                    sent.fetch_add(u64::from(socket.send_to(bytes, to).is_ok()), Ordering::Relaxed);
                }
                thread::sleep(FLOOD);
            }
        });
        // Whatever comes of it, the flood has an end.
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| lateness(&telephone, SPAN)));
        over.store(true, Ordering::Relaxed);
        found.unwrap_or_else(|why| std::panic::resume_unwind(why))
    });
    let (sent, answered) = (sent.load(Ordering::Relaxed), answered.load(Ordering::Relaxed));
    assert!(sent > 1_000 && answered > 200, "{sent} sent, {answered} answered: that is no flood");
    assert!(late <= FORGOTTEN, "{late:?} late in a flood");
    assert!(came >= 75, "only {came} packets came");
    let grown = resident(&server).saturating_sub(before);
    assert!(grown < MEMORY, "it grew by {grown} bytes");
    assert!(metric(&server, "patchbay_sip_requests_refused_total") > 100);
    assert!(metric(&server, "patchbay_media_datagrams_strange_total") > 100);
    client.hears_nothing(Duration::from_millis(50));
    telephone.hangs_up(&mut dialog);
    client.terminated("s1", "200 OK");
}

/// DECISIONS 34: the address that was told, or else the first that speaks.
#[test]
fn media_of_somebody_else_is_not_heard() {
    for strict in ["false", "true"] {
        let mut telephone = Telephone::new();
        let server = with(&telephone, &[("PATCHBAY_SIP__STRICT_SOURCE", strict)]);
        let mut client = Sylk::new(&server);
        client.add(HA1);
        let (_dialog, offer) = standing(&mut telephone, &mut client, "s1");
        let rtp = target(&offer, "audio");
        let stranger = Telephone::new();
        stranger.talks(rtp, 0, 10);
        if strict == "true" {
            assert_eq!(client.heard(), 0);
        }
        // Who comes first cannot keep the telephone out: it is heard, and spoken to.
        telephone.talks(rtp, 0, 20);
        client.hears(20);
        telephone.hears(5);
        let heard = client.heard();
        stranger.talks(rtp, 0, 20);
        thread::sleep(Duration::from_millis(100));
        assert_eq!(client.heard(), heard);
        telephone.hears(20);
        assert!(metric(&server, "patchbay_media_datagrams_strange_total") >= 20);
    }
}

#[test]
fn wrong_transactions_and_numbers_out_of_turn() {
    let (_server, mut telephone, mut client, contact) = registered();
    let (mut dialog, _) = standing(&mut telephone, &mut client, "s1");
    // Of a call that there is not.
    let mut unknown = Telephone::stranger(&contact, "no-such-call");
    unknown.theirs += ";tag=nobody";
    for method in ["BYE", "INFO", "UPDATE", "INVITE", "CANCEL"] {
        telephone.ask(&mut unknown, method, "", "");
        telephone.next("481");
    }
    // An acknowledgement of nothing, and answers to nothing.
    telephone.ask(&mut unknown, "ACK", "", "");
    telephone.send(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKno\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\n\
         Call-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
    );
    telephone.hears_nothing(Duration::from_millis(200));
    // The right call, with the tag of another.
    let mut forged = Dialog { ours: dialog.ours.replace("tag=telephone", "tag=other"), ..dialog.clone() };
    telephone.ask(&mut forged, "BYE", "", "");
    telephone.next("481");
    // A number that was used already (RFC 3261 section 12.2.2).
    for _ in 0..2 {
        telephone.ask(&mut dialog, "INFO", "", "");
        telephone.next("200");
    }
    let mut old = Dialog { seq: 0, ..dialog.clone() };
    telephone.ask(&mut old, "BYE", "", "");
    telephone.next("500");
    // Nothing of all this has touched it.
    telephone.hears(5);
    client.hears_nothing(Duration::from_millis(50));
    dialog.seq = 10;
    telephone.hangs_up(&mut dialog);
    client.terminated("s1", "200 OK");
}

#[test]
fn header_lines_that_do_not_go_together_are_400() {
    let (_server, mut telephone, _client, contact) = registered();
    let body = telephone.describe(&[PCMU], "");
    for (broken, status) in [
        ("CSeq: 1 INVITE", "CSeq: 1 BYE"),
        ("CSeq: 1 INVITE", "CSeq: 99999999999 INVITE"),
        ("CSeq: 1 INVITE", "CSeq: -1 INVITE"),
        ("SIP/2.0\r\n", "SIP/3.0\r\n"),
        ("Call-ID: ", "X-Call: "),
        ("Max-Forwards: 70", "Max-Forwards: seventy"),
        ("Content-Length: ", "Content-Length: 99"),
    ]
    .into_iter()
    .map(|(from, to)| ((from, to), if to.starts_with("SIP/3") { "505" } else { "400" }))
    {
        let mut dialog = Telephone::stranger(&contact, &format!("broken {}", broken.1).replace(' ', "-"));
        let own = telephone.address();
        dialog.seq = 1;
        let text = format!(
            "INVITE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKb{}\r\nMax-Forwards: 70\r\n\
             From: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\nContact: <sip:bob@{own}>\r\n\
             Content-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{body}",
            broken.1.len(),
            dialog.ours,
            dialog.theirs,
            dialog.call_id,
            body.len()
        );
        telephone.send(&text.replacen(broken.0, broken.1, 1));
        let answer = telephone.within(Duration::from_secs(5)).map(|message| message.kind().to_owned());
        assert_eq!(answer.as_deref(), Some(status), "{broken:?}");
    }
}

/// Somebody who is called outside of our domain asks for our password (DECISIONS 35).
#[test]
fn a_password_is_not_told_to_who_is_called() {
    let mut stranger = Telephone::new();
    let server = server(&[("PATCHBAY_MEDIA__BIND", "127.0.0.1")]);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    let to = format!("bob@{}", stranger.address());
    for (number, status) in [(1, 401), (2, 407)] {
        let session = format!("s{number}");
        client.calls(&session, &to, false);
        client.peer = super::super::peer::Peer::telephonist();
        let invite = stranger.next("INVITE");
        stranger.challenges(&invite, status, "example.com", "evil");
        stranger.next("ACK");
        let reason = if status == 401 { "401 Unauthorized" } else { "407 Proxy Authentication Required" };
        client.terminated(&session, reason);
        stranger.hears_nothing(Duration::from_millis(200));
    }
}

/// What a client writes into its account goes into header lines: never with the end of one.
#[test]
fn a_line_end_never_gets_into_a_header() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    for account in ["alice@example.com\r\nVia: x", "al\"ice@example.com>", "alice@exa mple.com", "@", "alice@", "sip:"]
    {
        let error = client.fails(json!({"sylkrtc": "account-add", "account": account, "password": HA1}));
        assert!(error.starts_with("invalid SIP URI"), "{account:?}: {error}");
    }
    let add = |name: &str, value: &str| {
        let mut request = json!({"sylkrtc": "account-add", "account": "alice@example.com", "password": HA1});
        request[name] = json!(value);
        request
    };
    for (name, value) in [("display_name", "Al\r\nX-Evil: 1"), ("user_agent", "app\r\nX-Evil: 2")] {
        let error = client.fails(add(name, value));
        assert!(error.starts_with(&format!("Invalid value for '{name}' property")), "{error}");
    }
    client.ask(add("display_name", "Al \"the\\ <ice>, sip:x"));
    let token = |name: &str, value: &str| {
        let mut request = json!({
            "sylkrtc": "account-devicetoken", "account": "alice@example.com", "token": "t", "platform": "p", "device": "d",
            "silent": true, "app": "a",
        });
        request[name] = json!(value);
        request
    };
    assert!(client.fails(token("token", "t>\r\nX-Evil: 3")).starts_with("Invalid value for 'token'"));
    client.ask(token("device", "d\">;expires=0 x"));
    client.register();
    let register = telephone.next("REGISTER");
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    for message in [register, invite] {
        assert_eq!(message.header("X-Evil"), "", "{}", message.0);
        assert_eq!(message.0.matches("Via:").count(), 1, "{}", message.0);
    }
    let offer = client.peer.restart();
    let create = |uri: &str| json!({"sylkrtc": "session-create", "session": "s9", "account": "alice@example.com", "uri": uri, "sdp": offer});
    for uri in ["bob@example.com\r\nVia: x", "bob@example.com>;x=<", "bob@[::1", ""] {
        let error = client.fails(create(uri));
        assert!(error.contains("URI") || error.contains("uri"), "{uri:?}: {error}");
    }
}

/// Somebody at another address cannot answer for the one that was called.
#[test]
fn who_was_not_called_does_not_answer_in_its_place() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    let sip = telephone.server.expect("it was heard");
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).expect("a port");
    for status in ["486 Busy Here", "200 OK", "407 Proxy Authentication Required"] {
        let text = format!(
            "SIP/2.0 {status}\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKguess\r\nFrom: {}\r\nTo: {};tag=evil\r\n\
             Call-ID: {}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
            invite.header("From"),
            invite.header("To"),
            invite.header("Call-ID")
        );
        stranger.send_to(text.as_bytes(), sip).expect("sent");
    }
    client.hears_nothing(Duration::from_millis(200));
    telephone.answer(&invite, "486 Busy Here", "", "");
    client.terminated("s1", "486 Busy Here");
}
