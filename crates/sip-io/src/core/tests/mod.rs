//! The agent without sockets, talking to peers that are written by hand; time is what the test says.

mod callee;
mod caller;
mod inside;
mod line;
mod torture;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use patchbay_sip::digest::Ha1;
use patchbay_sip::uri::{Aor, Uri};

use super::*;
use crate::settings::{Proxy, Transport};
use crate::wire::{self, Message};

pub(super) const PEER: &str = "10.0.0.9:5060";
pub(super) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
const HA1: &str = "939e7578ed9e3c518a452acee763bce9";

pub(super) struct World {
    pub(super) core: Core,
    pub(super) now: Moment,
    /// What was sent, oldest first, and how.
    sent: VecDeque<(Message, SocketAddr, Transport)>,
    pub(super) lines: Vec<(u64, LineNews)>,
    pub(super) calls: Vec<(u64, DialogNews)>,
    pub(super) new: Vec<NewCall>,
    /// Targets that have no address, and those where nobody is.
    pub(super) unknown: Vec<&'static str>,
    pub(super) away: Vec<&'static str>,
    pub(super) transport: Transport,
    pub(super) asked: Vec<Target>,
    /// Names take their time: paths are found when the test says so.
    pub(super) slow: bool,
    pub(super) asks: Vec<(u64, Target)>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(super) fn behind_proxy() -> Self {
        Self::with(Settings { proxy: Some(Proxy::parse("10.0.0.9").expect("a proxy")), ..Settings::default() })
    }

    pub(super) fn with(settings: Settings) -> Self {
        let mut count = 0;
        let random = Box::new(move || {
            count += 1;
            count
        });
        let ids = Arc::new(AtomicU64::new(100));
        Self {
            core: Core::new(Arc::new(settings), random, ids, Arc::default()),
            now: Moment::START,
            sent: VecDeque::new(),
            lines: Vec::new(),
            calls: Vec::new(),
            new: Vec::new(),
            unknown: Vec::new(),
            away: Vec::new(),
            transport: Transport::Udp,
            asked: Vec::new(),
            slow: false,
            asks: Vec::new(),
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.core.handle(input, self.now);
        while !self.core.effects.is_empty() {
            for effect in std::mem::take(&mut self.core.effects) {
                self.effect(effect);
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Send { path, bytes, .. } => self.note(&bytes, path.remote, path.transport),
            Effect::Reply { to, bytes } => self.note(&bytes, to.remote, to.transport),
            Effect::Resolve { ask, target } => {
                self.asked.push(target.clone());
                if self.slow {
                    return self.asks.push((ask, target));
                }
                let result = if self.unknown.contains(&target.host.as_str()) {
                    Err(Unrouted::Lookup(format!("DNS lookup error: no address for {}", target.host)))
                } else if self.away.contains(&target.host.as_str()) || (target.stream && self.away.contains(&"tcp")) {
                    Err(Unrouted::Unreachable)
                } else {
                    let transport =
                        if target.stream { Transport::Tcp } else { target.transport.unwrap_or(self.transport) };
                    let remote = target.host.parse().map_or(PEER.parse().expect("an address"), |ip| {
                        SocketAddr::new(ip, target.port.unwrap_or(5060))
                    });
                    let flow = if transport == Transport::Udp { 1 } else { 2 };
                    Ok(Path { flow, transport, remote, local: local(), target })
                };
                self.core.handle(Input::Routed { ask, result }, self.now);
            }
            Effect::Line(id, news) => self.lines.push((id, news)),
            Effect::Dialog(id, news) => self.calls.push((id, news)),
            Effect::Text { line, key, text } => {
                self.lines.push((line, LineNews::Text(text)));
                self.core.text_taken(&key, true);
            }
            Effect::Call(call) => self.new.push(*call),
            Effect::ForgetLine(_) | Effect::ForgetDialog(_) => {}
        }
    }

    fn note(&mut self, bytes: &[u8], remote: SocketAddr, transport: Transport) {
        let (message, fault) = wire::read(bytes).expect("what we send is SIP");
        assert_eq!(fault, None, "what we send has no fault");
        if message.method().is_some() {
            assert_eq!(wire::check(&message), None, "{message:?}");
        }
        self.sent.push_back((message, remote, transport));
    }

    pub(super) fn order(&mut self, order: Order) {
        self.input(Input::Order(order));
    }

    pub(super) fn dialog(&mut self, id: u64, order: DialogOrder) {
        self.order(Order::Dialog(id, order));
    }

    /// The peer says this.
    pub(super) fn hear(&mut self, text: &str) {
        let remote = PEER.parse().expect("an address");
        self.hear_from(remote, text);
    }

    pub(super) fn hear_from(&mut self, remote: SocketAddr, text: &str) {
        let flow = if self.transport == Transport::Udp { 1 } else { 2 };
        let origin = Origin { flow, transport: self.transport, remote, local: local() };
        self.input(Input::Received(origin, text.as_bytes().to_vec()));
    }

    /// The peer answers a request of ours, with these lines; behind an empty line is a description.
    pub(super) fn reply(&mut self, request: &Message, status: u16, phrase: &str, tag: &str, lines: &str) {
        let text = answer(request, status, phrase, tag, lines);
        self.hear(&text);
    }

    /// The next message that was sent.
    pub(super) fn next(&mut self) -> Message {
        self.sent.pop_front().expect("something was sent").0
    }

    pub(super) fn next_with_path(&mut self) -> (Message, SocketAddr, Transport) {
        self.sent.pop_front().expect("something was sent")
    }

    /// Whether nothing was sent but what was looked at.
    pub(super) fn silent(&self) -> bool {
        self.sent.is_empty()
    }

    pub(super) fn forget_sent(&mut self) {
        self.sent.clear();
    }

    /// First lines of all that was sent.
    pub(super) fn first_lines(&mut self) -> Vec<String> {
        let first = |message: Message| match message.start {
            wire::Start::Request { method, .. } => method.to_string(),
            wire::Start::Response { status, phrase } => format!("{status} {phrase}"),
        };
        self.sent.drain(..).map(|(message, ..)| first(message)).collect()
    }

    /// News of calls so far, as text.
    pub(super) fn news(&mut self) -> Vec<String> {
        self.calls.drain(..).map(|(_, news)| format!("{news:?}")).collect()
    }

    pub(super) fn line_news(&mut self) -> Vec<String> {
        self.lines.drain(..).map(|(_, news)| format!("{news:?}")).collect()
    }

    /// Lets time pass; everything due on the way is done when it is due.
    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(due) = self.core.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.input(Input::Deadline);
        }
        self.now = end;
    }

    /// A call that is answered by the peer, its messages looked at.
    pub(super) fn talking() -> (Self, Message) {
        let mut world = Self::behind_proxy();
        world.order(Order::NewDialog(1, Box::new(to_bob())));
        let invite = world.next();
        world.reply(
            &invite,
            200,
            "OK",
            "b",
            &format!("Contact: <sip:bob@10.0.0.9:5060>\r\nAllow: INVITE\r\n\r\n{SDP}"),
        );
        let ack = world.next();
        assert_eq!(ack.method(), Some(&wire::Method::Ack));
        assert_eq!(world.news(), ["Calling", "Accepted(sdp: Some(66))"]);
        (world, invite)
    }

    /// A registered line, its messages looked at; the user of its contact.
    pub(super) fn registered() -> (Self, String) {
        let mut world = Self::new();
        world.order(Order::NewLine(1, Box::new(alice())));
        world.order(Order::Line(1, LineOrder::Start));
        let register = world.next();
        let contact = register.value("Contact").expect("a contact").to_owned();
        world.reply(&register, 200, "OK", "r", &format!("Contact: {contact};expires=600\r\n"));
        assert_eq!(world.line_news(), ["Registering", "Registered"]);
        let token = contact.trim_start_matches("<sip:").split('@').next().expect("a user").to_owned();
        (world, token)
    }

    /// A call that is answered by us: the peer's INVITE.
    pub(super) fn called() -> (Self, u64, String) {
        let (mut world, token) = Self::registered();
        let invite = invite(&token, "c1", "");
        world.hear(&invite);
        let id = world.new.pop().expect("a call").dialog;
        world.dialog(id, DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] });
        let trying = world.next();
        let ok = world.next();
        assert_eq!((trying.status(), ok.status()), (Some(100), Some(200)));
        let tag = ok.tag("To").expect("a tag").to_owned();
        world.hear(&inside("ACK", "c1", &tag, 1, "", ""));
        assert_eq!(world.news(), ["Acked(sdp: None)"]);
        (world, id, tag)
    }
}

pub(super) fn local() -> SocketAddr {
    "10.0.0.1:5062".parse().expect("an address")
}

pub(super) fn alice() -> Account {
    Account {
        aor: Aor::parse("alice@example.com").expect("an address"),
        ha1: Ha1::parse(HA1).expect("an HA1"),
        display: Some("Alice".to_owned()),
        user_agent: None,
        push: None,
    }
}

pub(super) fn to_bob() -> Outgoing {
    Outgoing {
        way: None,
        from: Aor::parse("alice@example.com").expect("an address"),
        display: Some("Alice".to_owned()),
        ha1: Ha1::parse(HA1),
        user_agent: None,
        to: Uri::parse("sip:bob@example.com").expect("a URI"),
        sdp: Some(SDP.to_owned()),
        headers: vec![],
    }
}

/// An answer to a request of ours.
pub(super) fn answer(request: &Message, status: u16, phrase: &str, tag: &str, lines: &str) -> String {
    let (lines, body) = lines.split_once("\r\n\r\n").unwrap_or((lines.trim_end(), ""));
    let mut text = format!("SIP/2.0 {status} {phrase}\r\n");
    for name in ["Via", "From", "Call-ID", "CSeq"] {
        request.values(name).for_each(|value| text.push_str(&format!("{name}: {value}\r\n")));
    }
    let to = request.value("To").expect("a receiver");
    let to = if to.contains("tag=") || tag.is_empty() { to.to_owned() } else { format!("{to};tag={tag}") };
    text.push_str(&format!("To: {to}\r\n"));
    if !lines.is_empty() {
        text.push_str(&format!("{lines}\r\n"));
    }
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    text + &format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

/// An INVITE of the peer to a line.
pub(super) fn invite(token: &str, call: &str, lines: &str) -> String {
    request("INVITE", &format!("sip:{token}@10.0.0.1:5062"), call, "", 1, lines, SDP)
}

/// A request of the peer inside of a call.
pub(super) fn inside(method: &str, call: &str, tag: &str, seq: u32, lines: &str, body: &str) -> String {
    request(method, "sip:x@10.0.0.1:5062", call, tag, seq, lines, body)
}

fn request(method: &str, uri: &str, call: &str, tag: &str, seq: u32, lines: &str, body: &str) -> String {
    let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
    let content =
        if body.is_empty() || lines.contains("Content-Type") { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bK{call}{method}{seq};rport\r\n\
         Max-Forwards: 70\r\nFrom: \"Bob\" <sip:bob@example.com>;tag=bt\r\nTo: <sip:alice@example.com>{tag}\r\n\
         Call-ID: {call}\r\nCSeq: {seq} {method}\r\nContact: <sip:bob@10.0.0.9:5060>\r\n{lines}{content}\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
