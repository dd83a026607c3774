//! A media server of EvoStream's family, as its signalling reads and writes: no HTTP and no JSON, but a scanner over what one
//! read brings (ers.md sections 1.2 to 1.6, parts 2.4 and 4). Built from those rules alone; not proved against a device.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::wire::Address;

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
    stream: TcpStream,
    /// Read, and not taken for a frame yet.
    rest: Vec<u8>,
    /// The server's name for it.
    pub(crate) id: String,
    /// Where its TURN server is.
    pub(crate) turn: String,
}

impl Device {
    /// Shakes hands, and goes over to frames on the same connection.
    pub(crate) fn connect(address: &Address) -> Self {
        let stream = TcpStream::connect(address.host()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut device = Self { stream, rest: Vec::new(), id: String::new(), turn: String::new() };
        let host = address.host();
        device.write(&format!(
            "GET /socket.io/1/?t=1432678845367 HTTP/1.1\r\nHost: {host}\r\nConnection: keep-alive\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) Media Server\r\nOrigin: http://{host}\r\nAccept: */*\r\n\
             Referer: http://{host}/\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en-US\r\n\r\n"
        ));
        let answer = device.read_once();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        let (_, behind) = answer.split_once("chunked").expect("the word that is looked for");
        let mut lines = behind.splitn(4, '\n');
        let line = lines.nth(3).expect("three line ends behind it");
        let (sid, _) = line.split_once(':').expect("a colon");
        assert_eq!(sid.len(), 20, "{answer}");
        assert!(answer.ends_with("0\r\n\r\n"), "a late end would be taken for the next answer: {answer}");
        device.write(&format!(
            "GET /socket.io/1/websocket/{sid} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
             Cache-Control: no-cache\r\nUpgrade: websocket\r\nOrigin: http://{host}\r\nSec-WebSocket-Version: 13\r\n\
             User-Agent: Mozilla/5.0 (X11; Linux x86_64) Media Server\r\nAccept-Encoding: gzip, deflate\r\n\
             Accept-Language: en-US\r\nSec-WebSocket-Key: ZrZ6hzVBYtY2ApJ/dcsXPA==\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        ));
        // Frames may come right behind it.
        let answer = device.read_some();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(answer[..end].to_vec()).expect("what comes is ASCII");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        assert!(head.contains("Sec-WebSocket-Accept: AuqIOFN1rYvYz34izt1ussPZaHs="), "{head}");
        assert!(!head.to_lowercase().contains("extensions"), "it cannot inflate: {head}");
        device.rest = answer[end + 4..].to_vec();
        device.greet();
        device
    }

    fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).expect("it reads");
    }

    fn read_some(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 65_536];
        let length = self.stream.read(&mut buffer).expect("an answer");
        buffer.truncate(length);
        buffer
    }

    fn read_once(&mut self) -> String {
        String::from_utf8(self.read_some()).expect("what comes is ASCII")
    }

    /// The next frame's text; its first byte is not looked at, as that of a device is not.
    pub(crate) fn frame(&mut self) -> Option<String> {
        loop {
            if let Some((length, from)) = self.length()
                && self.rest.len() >= from + length
            {
                let text = String::from_utf8(self.rest[from..from + length].to_vec()).expect("text");
                assert_eq!(self.rest[0], 0x81, "whole, text: {text}");
                self.rest.drain(..from + length);
                return Some(text);
            }
            let mut buffer = vec![0; 65_536];
            match self.stream.read(&mut buffer) {
                Ok(0) | Err(_) => return None,
                Ok(length) => self.rest.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// The length of the first frame, and where it begins; unmasked.
    fn length(&self) -> Option<(usize, usize)> {
        let rest = &self.rest;
        let second = usize::from(*rest.get(1)?);
        assert!(second < 128, "a server's frames are not masked");
        match second {
            126 => Some((usize::from(u16::from_be_bytes([*rest.get(2)?, *rest.get(3)?])), 4)),
            127 => {
                let bytes = rest.get(2..10)?.try_into().ok()?;
                Some((usize::try_from(u64::from_be_bytes(bytes)).ok()?, 10))
            }
            _ => Some((second, 2)),
        }
    }

    /// Sends a frame, with the mask of all ones.
    pub(crate) fn send(&mut self, text: &str) {
        let mut frame = vec![0x81];
        match text.len() {
            length @ 0..126 => frame.push(0x80 | u8::try_from(length).expect("short")),
            length => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).expect("short").to_be_bytes());
            }
        }
        frame.extend([0xff; 4]);
        frame.extend(text.bytes().map(|byte| byte ^ 0xff));
        self.stream.write_all(&frame).expect("it reads");
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
        self.stream.set_read_timeout(Some(QUIET)).expect("a timeout");
        assert_eq!(self.frame(), None);
        self.stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    }

    fn greet(&mut self) {
        assert_eq!(self.frame().as_deref(), Some("1::"));
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
        self.id = quoted(&welcome, "id");
        assert_eq!(self.id.len(), 20, "{welcome}");
    }

    /// Enters the room; the answer as it came.
    pub(crate) fn join(&mut self, room: &str) -> String {
        self.send(&format!(
            r#"5:1+::{{"name":"join","args":["{room}",{{"index":1432678845,"RMS":true,"rmsToken":"","capabilities":"hasHeartBeat"}}]}}"#
        ));
        self.frame().expect("an answer")
    }

    /// A step of a negotiation.
    pub(crate) fn say(&mut self, to: &str, kind: &str, payload: &str) {
        self.send(&format!(
            r#"5:::{{"name":"message","args":[{{"to":"{to}","sid":"1432678845741","roomType":"video","type":"{kind}","payload":{payload},"prefix":"webkit"}}]}}"#
        ));
    }
}

/// The quoted text behind a key, as it is looked for: no blanks, and nothing undone but line ends.
pub(crate) fn quoted(packet: &str, key: &str) -> String {
    let (_, behind) = packet.split_once(&format!("\"{key}\"")).unwrap_or_else(|| panic!("no {key}: {packet}"));
    let text = behind.split('"').nth(1).unwrap_or_else(|| panic!("no text of {key}: {packet}"));
    text.replace("\\r\\n", "\r\n")
}
