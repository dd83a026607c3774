//! A media server of EvoStream's family, as its signalling reads and writes: no HTTP and no JSON, but a scanner over what one
//! read brings (ers.md sections 1.2 to 1.6, parts 2.4 and 4). Built from those rules alone; not proved against a device.

use std::io;
use std::time::{Duration, Instant};

use super::http::{Response, read_head};
use super::wire::{Address, Wire};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing has to come to be nothing.
const QUIET: Duration = Duration::from_millis(300);

/// What a packet is, by the first of these that is anywhere in it.
const KEYWORDS: [&str; 14] = [
    "stunservers",
    "turnservers",
    "ersid",
    "clients",
    "offer",
    "answer",
    "candidate",
    "command",
    "remove",
    "taken",
    "invalidRoom",
    "invalidRmsToken",
    "clientJoined",
    "iceparam",
];

pub(crate) struct Device {
    pub(crate) wire: Wire,
    /// Read, and not taken for a frame yet.
    rest: Vec<u8>,
    /// The server's name for it.
    pub(crate) id: String,
    /// Where its TURN server is.
    pub(crate) turn: String,
}

impl Device {
    /// Shakes hands, goes over to frames on the same connection, and is greeted.
    pub(crate) fn connect(address: &Address) -> Self {
        let mut device = Self::shake(address);
        device.greet();
        device
    }

    /// One that joins a room, with what it says of itself, and the answer.
    pub(crate) fn joining(address: &Address, room: &str, data: &str) -> (Self, String) {
        let mut device = Self::connect(address);
        device.send(&format!(r#"5:1+::{{"name":"join","args":["{room}",{data}]}}"#));
        let answer = device.hear();
        (device, answer)
    }

    /// As [`Device::connect`], before it hears anything.
    pub(crate) fn shake(address: &Address) -> Self {
        let mut wire = Wire::connect(address).expect("it listens");
        let host = address.host();
        let ask = format!(
            "GET /socket.io/1/?t=1432678845367 HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) Media Server\r\nOrigin: http://{host}\r\nAccept: */*\r\n\
             Referer: http://{host}/\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US\r\n\r\n"
        );
        wire.write(ask.as_bytes()).expect("it reads");
        let mut buffer = [0; 4096];
        let length = wire.read_within(&mut buffer, PATIENCE).expect("an answer");
        let answer = std::str::from_utf8(&buffer[..length]).expect("what comes is ASCII");
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        let (_, behind) = answer.split_once("chunked").expect("the word that is looked for");
        let line = behind.splitn(4, '\n').nth(3).expect("three line ends behind it");
        let (id, _) = line.split_once(':').expect("a colon");
        assert_eq!(id.len(), 20, "{answer}");
        assert!(answer.ends_with("\r\n0\r\n\r\n"), "a late end would be taken for the next answer: {answer}");
        let upgrade = format!(
            "GET /socket.io/1/websocket/{id} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
             Cache-Control: no-cache\r\nUpgrade: websocket\r\nOrigin: http://{host}\r\nSec-WebSocket-Version: 13\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) Media Server\r\nAccept-Encoding: gzip, deflate\r\n\
             Accept-Language: en-US\r\nSec-WebSocket-Key: ZrZ6hzVBYtY2ApJ/dcsXPA==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        );
        wire.write(upgrade.as_bytes()).expect("it reads");
        // Frames may come right behind it. Nothing is said of extensions: it cannot inflate.
        let Response { status, headers, rest } = read_head(&mut wire).expect("an answer");
        let values: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-accept", "AuqIOFN1rYvYz34izt1ussPZaHs="),
        ];
        assert_eq!((status, &values[..]), (101, &expected[..]));
        Self { wire, rest, id: id.to_owned(), turn: String::new() }
    }

    /// The next frame's text; `None`: the connection ends.
    pub(crate) fn frame(&mut self) -> Option<String> {
        self.frame_within(PATIENCE).expect("something comes")
    }

    /// As [`Device::frame`].
    ///
    /// # Errors
    /// If nothing comes.
    fn frame_within(&mut self, limit: Duration) -> io::Result<Option<String>> {
        let until = Instant::now() + limit;
        let mut buffer = [0; 65_536];
        loop {
            let (length, from) = match self.rest[..] {
                [_, 126, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
                [_, 127, _, _, _, _, a, b, c, d, ..] => (u32::from_be_bytes([a, b, c, d]) as usize, 10),
                [_, short @ ..126, ..] => (usize::from(short), 2),
                [_, 128..=255, ..] => panic!("a server's frames are not masked"),
                _ => (usize::MAX / 2, 0),
            };
            if self.rest.len() >= from + length {
                let rest = self.rest.split_off(from + length);
                let frame = std::mem::replace(&mut self.rest, rest);
                return match frame[0] {
                    0x81 => Ok(Some(String::from_utf8(frame[from..].to_vec()).expect("text"))),
                    0x88 => Ok(None),
                    other => panic!("a frame that a device cannot read: {other:x}"),
                };
            }
            match self.wire.read_within(&mut buffer, until.saturating_duration_since(Instant::now())) {
                Ok(0) => return Ok(None),
                Ok(length) => self.rest.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// The next frame's text, and not the end.
    pub(crate) fn hear(&mut self) -> String {
        self.frame().expect("a packet")
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, text: &str) {
        self.wire.write(&masked(text)).expect("it reads");
    }

    /// The next packet that is of that kind and nothing else; heartbeats go by.
    pub(crate) fn next(&mut self, kind: &str) -> String {
        loop {
            let packet = self.frame().unwrap_or_else(|| panic!("{kind} is waited for"));
            if packet.starts_with("2::") {
                self.send(&packet);
                continue;
            }
            let found = KEYWORDS.iter().find(|keyword| packet.contains(*keyword));
            assert_eq!(found, Some(&kind), "{packet}");
            return packet;
        }
    }

    /// Nothing comes.
    pub(crate) fn quiet(&mut self) {
        if let Ok(heard) = self.frame_within(QUIET) {
            panic!("nothing should come: {heard:?}");
        }
    }

    fn greet(&mut self) {
        assert_eq!(self.hear(), "1::");
        self.next("stunservers");
        // Without a TURN server it opens no socket at all.
        let turn = self.next("turnservers");
        let address = turn.split_once("turn:").expect("a server").1.split('"').next().unwrap_or_default();
        assert!(
            address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()),
            "{turn}"
        );
        self.turn = address.to_owned();
        let welcome = self.next("ersid");
        assert_eq!(quoted(&welcome, "id"), self.id);
    }

    /// Enters the room; the answer as it came.
    pub(crate) fn join(&mut self, room: &str) -> String {
        self.send(&format!(
            r#"5:1+::{{"name":"join","args":["{room}",{{"index":1432678845,"RMS":true,"rmsToken":"","capabilities":"hasHeartBeat"}}]}}"#
        ));
        self.hear()
    }

    /// A step of a negotiation.
    pub(crate) fn say(&mut self, to: &str, kind: &str, payload: &str) {
        self.send(&format!(
            r#"5:::{{"name":"message","args":[{{"to":"{to}","sid":"1432678845741","roomType":"video","type":"{kind}","payload":{payload},"prefix":"webkit"}}]}}"#
        ));
    }
}

/// A frame, with the mask of all ones.
pub(crate) fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81];
    match text.len() {
        length @ ..126 => frame.push(0x80 | u8::try_from(length).expect("short")),
        length => {
            frame.push(0x80 | 126);
            frame.extend(u16::try_from(length).expect("short").to_be_bytes());
        }
    }
    frame.extend([0xff; 4]);
    frame.extend(text.bytes().map(|byte| byte ^ 0xff));
    frame
}

/// The quoted text behind a key, as it is looked for: no blanks, and nothing undone but line ends.
pub(crate) fn quoted(packet: &str, key: &str) -> String {
    let (_, behind) = packet.split_once(&format!("\"{key}\"")).unwrap_or_else(|| panic!("no {key}: {packet}"));
    let text = behind.split('"').nth(1).unwrap_or_else(|| panic!("no text of {key}: {packet}"));
    text.replace("\\r\\n", "\r\n")
}
