//! A telephone, registrar and proxy in one, by hand: SIP in texts on a UDP socket, and a socket for RTP. It shares no code
//! with the server, and shows what is on the wire.

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use md5::{Digest as _, Md5};

use super::super::session::PATIENCE;

/// A whole message.
#[derive(Clone, Debug)]
pub(crate) struct Message(pub(crate) String);

impl Message {
    pub(crate) fn first(&self) -> &str {
        self.0.lines().next().unwrap_or_default()
    }

    /// The method of a request, or the number of an answer.
    pub(crate) fn kind(&self) -> &str {
        let first = self.first();
        let word = if first.starts_with("SIP/2.0 ") { 1 } else { 0 };
        first.split(' ').nth(word).unwrap_or_default()
    }

    /// The first header line of that name; empty: there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let head = self.0.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
    }

    pub(crate) fn body(&self) -> &str {
        self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body)
    }

    /// A parameter of a header line, or of a challenge, without quotation marks.
    pub(crate) fn parameter(&self, header: &str, name: &str) -> String {
        let value = self.header(header);
        let parts = value.split([';', ',', ' ']).filter_map(|part| part.trim().split_once('='));
        let found = parts.into_iter().find(|(own, _)| own.trim().eq_ignore_ascii_case(name));
        found.map_or_else(String::new, |(_, value)| value.trim_matches('"').to_owned())
    }

    pub(crate) fn branch(&self) -> String {
        self.parameter("Via", "branch")
    }

    fn key(&self) -> String {
        format!("{} {} {}", self.kind(), self.branch(), self.header("CSeq"))
    }

    /// The URI of its contact.
    pub(crate) fn contact(&self) -> String {
        let value = self.header("Contact");
        value.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(value, |(uri, _)| uri).to_owned()
    }
}

/// What a description says of one section: port, payload types, and whether it is there at all.
pub(crate) fn media_line<'a>(sdp: &'a str, kind: &str) -> Vec<&'a str> {
    let start = format!("m={kind} ");
    sdp.lines()
        .find_map(|line| line.strip_prefix(start.as_str()))
        .map(|rest| rest.split(' ').collect())
        .unwrap_or_default()
}

/// Where a section of a description is sent to.
pub(crate) fn target(sdp: &str, kind: &str) -> SocketAddr {
    let address = sdp.lines().find_map(|line| line.strip_prefix("c=IN IP4 ")).expect("an address");
    format!("{address}:{}", media_line(sdp, kind)[0]).parse().expect("an address and a port")
}

pub(crate) struct Telephone {
    socket: UdpSocket,
    pub(crate) rtp: UdpSocket,
    /// Where the server was heard last.
    pub(crate) server: Option<SocketAddr>,
    queue: VecDeque<Message>,
    /// What has come, and what was said to it: copies are answered alike and are not told of.
    said: HashMap<String, String>,
    number: u32,
    /// How many copies have come.
    pub(crate) copies: usize,
    /// Packets that it has said.
    spoken: Cell<u16>,
}

/// A call, as the telephone knows it.
#[derive(Clone, Debug)]
pub(crate) struct Dialog {
    pub(crate) call_id: String,
    /// With tags.
    pub(crate) ours: String,
    pub(crate) theirs: String,
    /// Their contact.
    pub(crate) target: String,
    pub(crate) seq: u32,
}

impl Telephone {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let rtp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        Self {
            socket,
            rtp,
            server: None,
            queue: VecDeque::new(),
            said: HashMap::new(),
            number: 0,
            copies: 0,
            spoken: Cell::new(0),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.socket.local_addr().expect("it is bound")
    }

    /// A description of sound in these codecs, as `0 PCMU/8000`.
    pub(crate) fn describe(&self, codecs: &[&str], more: &str) -> String {
        let numbers: Vec<_> = codecs.iter().filter_map(|codec| codec.split(' ').next()).collect();
        let maps: String = codecs.iter().map(|codec| format!("a=rtpmap:{codec}\r\n")).collect();
        let port = self.rtp.local_addr().expect("it is bound").port();
        let head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n";
        format!("{head}m=audio {port} RTP/AVP {}\r\n{maps}{more}", numbers.join(" "))
    }

    /// The next message that is new, if it comes in that time.
    pub(crate) fn within(&mut self, patience: Duration) -> Option<Message> {
        if let Some(message) = self.queue.pop_front() {
            return Some(message);
        }
        let until = Instant::now() + patience;
        let mut buffer = vec![0; 65_535];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.socket.set_read_timeout(Some(left)).expect("a timeout that is not zero");
            let Ok((length, from)) = self.socket.recv_from(&mut buffer) else { return None };
            let text = String::from_utf8(buffer[..length].to_vec()).expect("what the server sends is text");
            if text.trim().is_empty() {
                continue;
            }
            self.server = Some(from);
            let message = Message(text);
            match self.said.get(&message.key()) {
                None => {
                    self.said.insert(message.key(), String::new());
                    return Some(message);
                }
                Some(reply) => {
                    self.copies += 1;
                    if !reply.is_empty() {
                        self.socket.send_to(reply.as_bytes(), from).expect("it can be sent");
                    }
                }
            }
        }
    }

    /// The next message of that kind; others are kept.
    pub(crate) fn next(&mut self, kind: &str) -> Message {
        let mut others = VecDeque::new();
        let deadline = Instant::now() + PATIENCE;
        let found = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.within(left) {
                Some(message) if message.kind() == kind => break message,
                Some(message) => others.push_back(message),
                None => panic!("no {kind} came, but {:?}", others.iter().map(Message::first).collect::<Vec<_>>()),
            }
        };
        others.append(&mut self.queue);
        self.queue = others;
        found
    }

    /// Nothing new comes for a while.
    pub(crate) fn hears_nothing(&mut self, span: Duration) {
        if let Some(message) = self.within(span) {
            panic!("there came {}", message.first());
        }
    }

    pub(crate) fn send(&mut self, text: &str) {
        let to = self.server.expect("the server has been heard of");
        self.send_to(text, to);
    }

    pub(crate) fn send_to(&mut self, text: &str, to: SocketAddr) {
        self.socket.send_to(text.as_bytes(), to).expect("it can be sent");
    }

    /// Answers a request. `more`: header lines, each with its end.
    pub(crate) fn answer(&mut self, request: &Message, status: &str, more: &str, body: &str) {
        let copied = ["Via", "From", "Call-ID", "CSeq", "Record-Route"];
        let mut text = format!("SIP/2.0 {status}\r\n");
        for name in copied {
            let value = request.header(name);
            if !value.is_empty() {
                text += &format!("{name}: {value}\r\n");
            }
        }
        let to = request.header("To");
        let tag = if to.contains(";tag=") || status.starts_with("100") { "" } else { ";tag=telephone" };
        text += &format!("To: {to}{tag}\r\n");
        if request.kind() == "INVITE" && !more.contains("Contact:") {
            text += &format!("Contact: <sip:bob@{}>\r\n", self.address());
        }
        if !body.is_empty() && !more.contains("Content-Type") {
            text += "Content-Type: application/sdp\r\n";
        }
        text += &format!("{more}Content-Length: {}\r\n\r\n{body}", body.len());
        self.said.insert(request.key(), text.clone());
        self.send(&text);
    }

    /// The registrar's part: asks for the password, looks at the answer, and takes the binding. The last request.
    pub(crate) fn registers(&mut self, ha1: &str, expires: u32) -> Message {
        let first = self.next("REGISTER");
        assert_eq!(first.header("Authorization"), "", "nobody has asked yet");
        self.challenges(&first, 401, "example.com", "n1");
        let second = self.next("REGISTER");
        self.is_signed(&second, "Authorization", ha1, "n1");
        self.takes(&second, expires);
        second
    }

    pub(crate) fn takes(&mut self, register: &Message, expires: u32) {
        let contact = register.header("Contact").to_owned();
        let bare = contact.split(";expires").next().unwrap_or_default();
        let lines = if expires == 0 { String::new() } else { format!("Contact: {bare};expires={expires}\r\n") };
        self.answer(register, "200 OK", &lines, "");
    }

    pub(crate) fn challenges(&mut self, request: &Message, status: u16, realm: &str, nonce: &str) {
        let (phrase, header) = match status {
            401 => ("Unauthorized", "WWW-Authenticate"),
            _ => ("Proxy Authentication Required", "Proxy-Authenticate"),
        };
        let line = format!("{header}: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\"\r\n");
        self.answer(request, &format!("{status} {phrase}"), &line, "");
    }

    /// RFC 2617 section 3.2.2.1.
    pub(crate) fn is_signed(&self, request: &Message, header: &str, ha1: &str, nonce: &str) {
        let of = |name| request.parameter(header, name);
        assert_eq!(of("nonce"), nonce, "{}", request.0);
        let hash =
            |text: &str| -> String { Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect() };
        let method = hash(&format!("{}:{}", request.kind(), of("uri")));
        let expected = hash(&format!("{ha1}:{nonce}:{}:{}:auth:{method}", of("nc"), of("cnonce")));
        assert_eq!(of("response"), expected);
    }

    /// The dialog of a call that came in and was answered with the tag that [`Self::answer`] writes.
    pub(crate) fn called(invite: &Message) -> Dialog {
        Dialog {
            call_id: invite.header("Call-ID").to_owned(),
            ours: format!("{};tag=telephone", invite.header("To")),
            theirs: invite.header("From").to_owned(),
            target: invite.contact(),
            seq: 0,
        }
    }

    /// A request inside of a call, or the first one. `more`: header lines, each with its end.
    pub(crate) fn ask(&mut self, dialog: &mut Dialog, method: &str, more: &str, body: &str) -> Message {
        if method != "ACK" && method != "CANCEL" {
            dialog.seq += 1;
        }
        self.number += 1;
        let Dialog { call_id, ours, theirs, target, seq } = &*dialog;
        let (own, number, length) = (self.address(), self.number, body.len());
        let kind =
            if body.is_empty() || more.contains("Content-Type") { "" } else { "Content-Type: application/sdp\r\n" };
        let text = format!(
            "{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bKt{number};rport\r\nMax-Forwards: 70\r\n\
             From: {ours}\r\nTo: {theirs}\r\nCall-ID: {call_id}\r\nCSeq: {seq} {method}\r\nContact: <sip:bob@{own}>\r\n\
             {kind}{more}Content-Length: {length}\r\n\r\n{body}"
        );
        self.send(&text);
        Message(text)
    }

    /// Calls a contact of the server's.
    pub(crate) fn invites(&mut self, contact: &str, call_id: &str, more: &str, body: &str) -> (Dialog, Message) {
        let mut dialog = Self::stranger(contact, call_id);
        let invite = self.ask(&mut dialog, "INVITE", more, body);
        (dialog, invite)
    }

    /// Takes a call back. `more`: header lines, each with its end.
    pub(crate) fn cancels(&mut self, invite: &Message, more: &str) {
        let head = invite.0.split("\r\n\r\n").next().unwrap_or_default().replace("INVITE", "CANCEL");
        let lines = head.lines().filter(|line| !line.starts_with("Content-")).map(|line| format!("{line}\r\n"));
        self.send(&format!("{}{more}Content-Length: 0\r\n\r\n", lines.collect::<String>()));
    }

    /// A dialog that there is not, for requests outside of calls.
    pub(crate) fn stranger(contact: &str, call_id: &str) -> Dialog {
        Dialog {
            call_id: call_id.to_owned(),
            ours: "\"Bob\" <sip:bob@example.com>;tag=caller".to_owned(),
            theirs: "<sip:alice@example.com>".to_owned(),
            target: contact.to_owned(),
            seq: 0,
        }
    }

    /// Takes an answer of 2xx to our INVITE in.
    pub(crate) fn confirms(&mut self, dialog: &mut Dialog, answer: &Message, body: &str) {
        dialog.theirs = answer.header("To").to_owned();
        dialog.target = answer.contact();
        self.ask(dialog, "ACK", "", body);
    }

    /// Hangs up, and hears that it was understood.
    pub(crate) fn hangs_up(&mut self, dialog: &mut Dialog) {
        self.ask(dialog, "BYE", "", "");
        self.next("200");
    }

    /// Packets of that payload type, 20 ms apart, to where a description says.
    pub(crate) fn talks(&self, to: SocketAddr, payload_type: u8, packets: u16) {
        for _ in 0..packets {
            let number = self.spoken.get();
            self.spoken.set(number + 1);
            let mut packet = vec![0x80, payload_type];
            packet.extend((1_000 + number).to_be_bytes());
            packet.extend((u32::from(number) * 160).to_be_bytes());
            packet.extend(0x1234_5678_u32.to_be_bytes());
            packet.extend([0x55; 160]);
            self.rtp.send_to(&packet, to).expect("it can be sent");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The payload types of packets that come, until as many have come.
    pub(crate) fn hears(&self, packets: usize) -> Vec<u8> {
        let mut found = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        let mut buffer = [0; 2_000];
        while found.len() < packets {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {} packets came", found.len());
            self.rtp.set_read_timeout(Some(left)).expect("a timeout that is not zero");
            // One of the type that means nothing opens the way, or keeps it open (RFC 6263).
            if let Ok((length, _)) = self.rtp.recv_from(&mut buffer)
                && length >= 12
                && buffer[0] & 0xc0 == 0x80
                && buffer[1] & 0x7f != 127
            {
                found.push(buffer[1] & 0x7f);
            }
        }
        found
    }
}
