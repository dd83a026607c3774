//! What the tests with sockets share: an agent, peers written by hand, programs.
#![allow(dead_code)]

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::Moment;
use patchbay_sip::digest::Ha1;
use patchbay_sip::uri::{Aor, Uri};
use patchbay_sip_io::*;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How long anything may take that happens at once. Loaded machines are slow.
pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n";

pub(crate) async fn agent(settings: Settings) -> Agent {
    let start = Instant::now();
    let clock = move || Moment::from_micros(u64::try_from(start.elapsed().as_micros()).expect("a test is short"));
    let entropy = || RandomState::new().build_hasher().finish();
    Agent::start(settings, Box::new(entropy), Arc::new(clock)).await.expect("an agent")
}

pub(crate) fn proxy(address: &str) -> Settings {
    Settings { proxy: Some(Proxy::parse(address).expect("a proxy")), ..Settings::default() }
}

/// The HA1 of `user`, whose password at example.com is `secret-` and the name.
pub(crate) fn account(user: &str) -> Account {
    let ha1 = match user {
        "alice" => "70994ab986aa0fbde932b93f060e2ee3",
        "bob" => "fda52e5b327febd874698968db1a0a9f",
        _ => "00000000000000000000000000000000",
    };
    Account {
        aor: Aor::parse(&format!("{user}@example.com")).expect("an address"),
        ha1: Ha1::parse(ha1).expect("an HA1"),
        display: Some(user.to_uppercase()),
        user_agent: None,
        push: None,
    }
}

pub(crate) fn call(user: &str, to: &str) -> Outgoing {
    let Account { aor, ha1, display, .. } = account(user);
    Outgoing {
        way: None,
        from: aor,
        display,
        ha1: Some(ha1),
        user_agent: None,
        to: Uri::parse(to).expect("a URI"),
        sdp: Some(SDP.to_owned()),
        headers: vec![],
    }
}

pub(crate) async fn line_news(line: &mut Line) -> LineNews {
    timeout(SOON, line.next()).await.expect("news in time").expect("news")
}

pub(crate) async fn news(dialog: &mut Dialog) -> DialogNews {
    timeout(SOON, dialog.next()).await.expect("news in time").expect("news")
}

/// Reads news until they are as wanted; all before it, as text.
pub(crate) async fn until(dialog: &mut Dialog, wanted: &str) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let text = match timeout(Duration::from_secs(20), dialog.next()).await {
            Ok(Some(news)) => format!("{news:?}"),
            other => panic!("{wanted} never came, only {all:?} and {other:?}"),
        };
        all.push(text);
        if all.last().is_some_and(|last| last.starts_with(wanted)) {
            return all;
        }
    }
}

/// Registers, and says so.
pub(crate) async fn registered(agent: &Agent, user: &str) -> Line {
    let mut line = agent.register(account(user)).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registered");
    line
}

pub(crate) async fn called(line: &mut Line) -> Incoming {
    match line_news(line).await {
        LineNews::Call(incoming) => *incoming,
        other => panic!("no call but {other:?}"),
    }
}

/// A peer of datagrams.
pub(crate) struct Peer {
    pub(crate) socket: UdpSocket,
    pub(crate) last: Option<SocketAddr>,
}

impl Peer {
    pub(crate) async fn new() -> Self {
        Self { socket: UdpSocket::bind("127.0.0.1:0").await.expect("a socket"), last: None }
    }

    pub(crate) fn address(&self) -> String {
        self.socket.local_addr().expect("an address").to_string()
    }

    pub(crate) async fn receive(&mut self) -> String {
        let mut buffer = vec![0; 65_535];
        let received = timeout(SOON, self.socket.recv_from(&mut buffer)).await.expect("something comes");
        let (length, from) = received.expect("readable");
        self.last = Some(from);
        String::from_utf8(buffer[..length].to_vec()).expect("text")
    }

    pub(crate) async fn send(&self, text: &str) {
        let to = self.last.expect("somebody has spoken");
        self.socket.send_to(text.as_bytes(), to).await.expect("sent");
    }
}

pub(crate) fn value<'a>(message: &'a str, name: &str) -> &'a str {
    let start = format!("{name}: ");
    message.split("\r\n").find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_default()
}

/// An answer to a request.
pub(crate) fn answer(request: &str, first: &str, lines: &str) -> String {
    let mut text = format!("SIP/2.0 {first}\r\n");
    for line in request.split("\r\n") {
        if ["Via: ", "From: ", "Call-ID: ", "CSeq: "].iter().any(|name| line.starts_with(name)) {
            text += &format!("{line}\r\n");
        }
    }
    let to = value(request, "To");
    let tag = if to.contains(";tag=") { "" } else { ";tag=peer" };
    text + &format!("To: {to}{tag}\r\n{lines}Content-Length: 0\r\n\r\n")
}

/// The user of the contact of a REGISTER.
pub(crate) fn token(register: &str) -> String {
    value(register, "Contact").trim_start_matches("<sip:").split('@').next().expect("a user").to_owned()
}

/// Says that something was not tested: on a line of its own that `cargo xtask` looks for, past the harness, which keeps
/// what passing tests print to itself. `cargo xtask test` installs what is missing.
pub(crate) fn untested(line: &str) {
    use std::io::Write as _;
    _ = writeln!(std::io::stderr(), "{line}");
}

pub(crate) fn is_installed(program: &str, version: &str) -> bool {
    let output = std::process::Command::new(program).arg(version).output();
    output.is_ok()
}
