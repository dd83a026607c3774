//! A WebSocket client by hand (RFC 6455). It shares no code with the server and panics where the server breaks the
//! protocol: a masked, fragmented or reserved frame, a length not in its shortest form, text that is not UTF-8.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard, Input, Turned};

use super::http::{Response, read_head};
use super::wire::{Address, Wire};

/// The sample of RFC 6455 section 1.3, and the accept value that proves the server's arithmetic.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
/// Any four bytes but zeros, which would hide a server that does not unmask.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// After the close frames the server hangs up within this time.
const HANG_UP: Duration = Duration::from_secs(5);

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

pub(crate) struct Client {
    /// `None` after the end.
    wire: Option<Wire>,
    bytes: Vec<u8>,
    heard: VecDeque<Heard>,
    /// It answers no ping by itself.
    manual: bool,
    /// It has sent a close frame.
    closing: bool,
    barriers: u32,
    /// The subprotocol that the server has chosen.
    pub(crate) protocol: Option<String>,
}

impl Client {
    /// # Errors
    /// The answer, if the handshake is refused.
    pub(crate) fn open(address: &Address, handshake: &Handshake) -> Result<Self, Turned> {
        Self::at(address, "/ws", handshake)
    }

    /// # Errors
    /// The answer, if the handshake is refused.
    pub(crate) fn at(address: &Address, path: &str, handshake: &Handshake) -> Result<Self, Turned> {
        Self::over(Wire::connect(address).expect("the server accepts"), &address.host(), path, handshake)
    }

    /// An ordinary client.
    pub(crate) fn new(address: &Address) -> Self {
        Self::open(address, &Handshake::default()).unwrap_or_else(|turned| panic!("{turned:?}"))
    }

    /// # Errors
    /// The answer, if the handshake is refused.
    pub(crate) fn over(mut wire: Wire, host: &str, path: &str, handshake: &Handshake) -> Result<Self, Turned> {
        wire.write(head(host, path, handshake).as_bytes()).expect("the server reads the handshake");
        let response = read_head(&mut wire).expect("the server answers the handshake");
        let Response { status, headers, rest } = response;
        if status != 101 {
            return Err(Turned { status, headers });
        }
        let value = |name: &str| headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str());
        assert_eq!(value("sec-websocket-accept"), Some(ACCEPT));
        assert!(value("upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")), "{headers:?}");
        assert!(value("connection").is_some_and(|value| value.eq_ignore_ascii_case("upgrade")), "{headers:?}");
        let protocol = value("sec-websocket-protocol").map(ToOwned::to_owned);
        let offered = handshake.protocol.as_deref().unwrap_or_default();
        let is_offered = |chosen: &String| offered.split(',').any(|one| one.trim() == chosen);
        assert!(protocol.as_ref().is_none_or(is_offered), "{protocol:?} was not offered: {offered:?}");
        assert_eq!(value("sec-websocket-extensions"), None, "no extension was asked for");
        Ok(Self {
            wire: Some(wire),
            bytes: rest,
            heard: VecDeque::new(),
            manual: handshake.manual,
            closing: false,
            barriers: 0,
            protocol,
        })
    }

    /// # Errors
    /// In words, if the connection does not take it.
    pub(crate) fn say(&mut self, input: &Input) -> Result<(), String> {
        let said = match input {
            Input::Text(text) => self.frame(0x80 | TEXT, true, text.as_bytes()),
            Input::Binary(bytes) => self.frame(0x80 | BINARY, true, bytes),
            Input::Ping => self.frame(0x80 | PING, true, b""),
            Input::Pong => self.frame(0x80 | PONG, true, b""),
            Input::Unmasked(text) => self.frame(0x80 | TEXT, false, text.as_bytes()),
            Input::Close(code) => {
                self.closing = true;
                self.frame(0x80 | CLOSE, true, &code.to_be_bytes())
            }
            Input::Reset => {
                if let Some(wire) = self.wire.take() {
                    wire.reset();
                }
                Ok(())
            }
            Input::Fragments(parts) => self.fragments(parts),
        };
        said.map_err(|error| error.to_string())
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.say(&Input::Text(text.to_owned())).expect("the connection stands");
    }

    fn fragments(&mut self, parts: &[String]) -> io::Result<()> {
        for (index, part) in parts.iter().enumerate() {
            let opcode = if index == 0 { TEXT } else { 0 };
            let last = if index + 1 == parts.len() { 0x80 } else { 0 };
            self.frame(opcode | last, true, part.as_bytes())?;
            if last == 0 {
                // Its pong is dropped by `take`, as an answer that nobody waits for.
                self.frame(0x80 | PING, true, b"between")?;
            }
        }
        Ok(())
    }

    /// One frame; `first` is its first byte.
    pub(crate) fn frame(&mut self, first: u8, masked: bool, payload: &[u8]) -> io::Result<()> {
        self.bytes_out(&encode(first, masked, payload))
    }

    pub(crate) fn bytes_out(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.as_mut().ok_or(io::ErrorKind::NotConnected)?.write(bytes)
    }

    /// The next thing, if it comes within that time. With no time at all: what the server has sent by now, for which
    /// a ping goes out and comes back behind it.
    pub(crate) fn hear(&mut self, within: Duration) -> Option<Heard> {
        if within.is_zero() {
            self.barrier();
            return self.heard.pop_front();
        }
        let until = Instant::now() + within;
        while self.heard.is_empty() && self.wire.is_some() {
            if !self.receive(until) {
                break;
            }
        }
        self.heard.pop_front()
    }

    /// The next text message, parsed.
    pub(crate) fn message(&mut self) -> serde_json::Value {
        self.message_within(Duration::from_secs(10))
    }

    pub(crate) fn message_within(&mut self, patience: Duration) -> serde_json::Value {
        match self.hear(patience) {
            Some(Heard::Text(text)) => serde_json::from_slice(&text).expect("a message is JSON"),
            other => panic!("expected a message, heard {other:?}"),
        }
    }

    /// Joins a room and hears that it is in.
    pub(crate) fn join(&mut self, room: &str, id: &str) {
        self.text(&format!(r#"{{"type":"join","room":"{room}","from":"{id}"}}"#));
        let joined = self.message();
        assert_eq!((&joined["type"], &joined["room"], &joined["from"]), (&"joined".into(), &room.into(), &id.into()));
        assert_eq!(self.message()["type"], "room_members");
    }

    fn barrier(&mut self) {
        self.barriers += 1;
        let payload = format!("barrier {}", self.barriers);
        if self.wire.is_none() || self.frame(0x80 | PING, true, payload.as_bytes()).is_err() {
            // What the server said before it went may still be there to be read.
            while self.wire.is_some() && self.receive(Instant::now() + HANG_UP) {}
            return;
        }
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            while let Some((opcode, frame)) = self.take() {
                if opcode == PONG && frame == payload.as_bytes() {
                    return;
                }
                self.meet(opcode, frame);
            }
            if self.wire.is_none() {
                return;
            }
            assert!(self.fill(until), "the server answers no ping");
        }
    }

    /// Reads until something is heard; `false` when the time is up.
    fn receive(&mut self, until: Instant) -> bool {
        loop {
            while let Some((opcode, payload)) = self.take() {
                self.meet(opcode, payload);
                if !self.heard.is_empty() {
                    return true;
                }
            }
            if self.wire.is_none() {
                return !self.heard.is_empty();
            }
            if !self.fill(until) {
                return false;
            }
        }
    }

    /// Reads once; `false` when the time is up.
    fn fill(&mut self, until: Instant) -> bool {
        let Some(wire) = &mut self.wire else { return true };
        let mut buffer = [0; 65_536];
        let left = until.saturating_duration_since(Instant::now());
        match wire.read_within(&mut buffer, left) {
            Ok(0) => self.ended(None),
            Ok(length) => self.bytes.extend_from_slice(&buffer[..length]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.ended(None),
        }
        true
    }

    fn ended(&mut self, code: Option<u16>) {
        self.wire = None;
        self.heard.push_back(Heard::Closed(code));
    }

    fn meet(&mut self, opcode: u8, payload: Vec<u8>) {
        match opcode {
            TEXT => {
                assert!(std::str::from_utf8(&payload).is_ok(), "the server's text is not UTF-8");
                self.heard.push_back(Heard::Text(payload));
            }
            PING if self.manual => self.heard.push_back(Heard::Ping),
            // A write that fails shows itself at the next read.
            PING => drop(self.frame(0x80 | PONG, true, &payload)),
            PONG => {}
            CLOSE => self.met_close(&payload),
            other => panic!("the server sent opcode {other}"),
        }
    }

    /// The other half of the closing handshake; then the server must hang up first.
    fn met_close(&mut self, payload: &[u8]) {
        let code = payload.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
        if !self.closing {
            drop(self.frame(0x80 | CLOSE, true, payload));
        }
        if let Some(wire) = &mut self.wire {
            match wire.read_within(&mut [0; 16], HANG_UP) {
                Ok(0) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {}
                other => panic!("after its close frame the server does not hang up: {other:?}"),
            }
        }
        self.ended(code);
    }

    /// A whole frame out of what was read.
    fn take(&mut self) -> Option<(u8, Vec<u8>)> {
        let (first, second) = (*self.bytes.first()?, *self.bytes.get(1)?);
        assert_eq!(first & 0x70, 0, "a reserved bit is set");
        assert_ne!(first & 0x80, 0, "the server never fragments");
        assert_eq!(second & 0x80, 0, "the server masks nothing");
        let (length, start) = match second & 0x7f {
            126 => (u64::from(u16::from_be_bytes(self.bytes.get(2..4)?.try_into().ok()?)), 4),
            127 => (u64::from_be_bytes(self.bytes.get(2..10)?.try_into().ok()?), 10),
            short => (u64::from(short), 2),
        };
        let shortest = match length {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        assert_eq!(start, shortest, "a length of {length} is not in its shortest form");
        assert!(first & 0x08 == 0 || length <= 125, "a control frame of {length} bytes");
        let end = start + usize::try_from(length).expect("a frame fits into memory");
        let payload = self.bytes.get(start..end)?.to_vec();
        self.bytes.drain(..end);
        Some((first & 0x0f, payload))
    }
}

/// A client's frame as bytes.
pub(crate) fn encode(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    let bit = if masked { 0x80 } else { 0 };
    match payload.len() {
        short @ 0..=125 => frame.push(bit | u8::try_from(short).unwrap_or_default()),
        middle @ 126..=0xffff => {
            frame.push(bit | 126);
            frame.extend(u16::try_from(middle).unwrap_or_default().to_be_bytes());
        }
        long => {
            frame.push(bit | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    if masked {
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    } else {
        frame.extend(payload);
    }
    frame
}

/// The request of the opening handshake.
pub(crate) fn head(host: &str, path: &str, handshake: &Handshake) -> String {
    let Handshake { origin, host: other_host, method, version, without, path: other_path, protocol, manual: _, .. } =
        handshake;
    let method = method.as_deref().unwrap_or("GET");
    let path = other_path.as_deref().unwrap_or(path);
    let mut headers = vec![
        ("Host", other_host.as_deref().unwrap_or(host)),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", KEY),
        ("Sec-WebSocket-Version", version.as_deref().unwrap_or("13")),
    ];
    headers.extend(origin.as_deref().map(|origin| ("Origin", origin)));
    headers.extend(protocol.as_deref().map(|protocol| ("Sec-WebSocket-Protocol", protocol)));
    headers.retain(|(name, _)| !without.contains(&name.to_ascii_lowercase()));
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{lines}\r\n")
}
