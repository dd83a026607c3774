//! One WebSocket client: connecting, upgrading, open.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use crate::frame::{FrameReader, Item, Malformed};
use crate::target::Target;
use crate::tls::Tls;

/// The sample key of RFC 6455 and the answer it must get. One key for all connections: a server has no use for its
/// randomness, and the generator needs no SHA-1.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A server's answer to the upgrade is a few lines; more is no answer.
const HEAD_LIMIT: usize = 8 * 1024;

pub(crate) struct Conn {
    pub(crate) stream: TcpStream,
    pub(crate) mask: [u8; 4],
    /// When the connection was asked for.
    pub(crate) began: Instant,
    /// It reads nothing any more.
    pub(crate) deaf: bool,
    phase: Phase,
    reader: FrameReader,
    tls: Option<Tls>,
    /// What the socket did not take; with TLS that waits in there.
    unsent: Vec<u8>,
}

/// What connections read into, one after the other.
pub(crate) struct Scratch {
    wire: Vec<u8>,
    /// How much of `wire` is text; `None` if it was records, whose text is in `opened`.
    plain: Option<usize>,
    opened: Vec<u8>,
}

impl Scratch {
    /// `bytes` is what one read takes at most.
    pub(crate) fn new(bytes: usize) -> Self {
        Self { wire: vec![0; bytes], plain: None, opened: Vec::new() }
    }

    /// The text that the last read brought.
    pub(crate) fn text(&self) -> &[u8] {
        match self.plain {
            Some(len) => &self.wire[..len],
            None => &self.opened,
        }
    }
}

/// What one read brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Nothing,
    /// The server has ended the connection.
    End,
    /// Its text is in the scratch, and may be empty. `more`: the socket may hold more.
    Some {
        more: bool,
    },
}

enum Phase {
    Connecting,
    /// The bytes of the answer so far.
    Upgrading(Vec<u8>),
    Open,
}

impl Conn {
    pub(crate) fn new(stream: TcpStream, mask: [u8; 4], tls: Option<Tls>) -> Self {
        Self {
            stream,
            mask,
            began: Instant::now(),
            deaf: false,
            phase: Phase::Connecting,
            reader: FrameReader::default(),
            tls,
            unsent: Vec::new(),
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Open)
    }

    pub(crate) fn is_connecting(&self) -> bool {
        matches!(self.phase, Phase::Connecting)
    }

    /// The socket would take more: finishes connecting, sends what waits.
    pub(crate) fn writable(&mut self, target: &Target) -> io::Result<()> {
        if matches!(self.phase, Phase::Connecting) {
            if let Some(error) = self.stream.take_error()? {
                return Err(error);
            }
            match self.stream.peer_addr() {
                Err(error) if error.kind() == ErrorKind::NotConnected => return Ok(()),
                other => other?,
            };
            self.phase = Phase::Upgrading(Vec::new());
            let Target { path, host, subprotocol, .. } = target;
            let protocol = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{protocol}\r\n"
            );
            return self.write(request.as_bytes());
        }
        if self.tls.is_some() {
            return self.flush();
        }
        if !self.unsent.is_empty() {
            let waiting = std::mem::take(&mut self.unsent);
            return self.write(&waiting);
        }
        Ok(())
    }

    /// Sends, or keeps for later what the socket does not take.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if let Some(tls) = &mut self.tls {
            tls.write(bytes)?;
            return self.flush();
        }
        while self.unsent.is_empty() && !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => bytes = &bytes[sent..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.unsent.extend_from_slice(bytes);
        Ok(())
    }

    /// Sends what TLS has to say, or leaves it there for later.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => match tls.send(&mut self.stream) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
                other => other,
            },
            None => Ok(()),
        }
    }

    pub(crate) fn is_blocked(&self) -> bool {
        !self.unsent.is_empty() || self.tls.as_ref().is_some_and(Tls::wants_write)
    }

    /// One read into the scratch.
    pub(crate) fn read(&mut self, scratch: &mut Scratch) -> io::Result<Input> {
        let len = loop {
            match self.stream.read(&mut scratch.wire) {
                Ok(0) => return Ok(Input::End),
                Ok(len) => break len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Input::Nothing),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        // A short read has emptied the socket; whatever comes later is a new edge.
        let more = len == scratch.wire.len();
        scratch.plain = self.tls.is_none().then_some(len);
        if let Some(tls) = &mut self.tls {
            scratch.opened.clear();
            tls.receive(&scratch.wire[..len], &mut scratch.opened)?;
            // The handshake, or the answer to a change of keys.
            self.flush()?;
        }
        Ok(Input::Some { more })
    }

    /// While the answer to the upgrade is awaited: takes `input`, gives what follows the answer once it is whole.
    pub(crate) fn upgraded(&mut self, input: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let Phase::Upgrading(head) = &mut self.phase else { return Ok(Some(input.to_vec())) };
        head.extend_from_slice(input);
        let Some(end) = head.windows(4).position(|window| window == b"\r\n\r\n") else {
            return if head.len() > HEAD_LIMIT { Err("an endless answer to the upgrade".to_owned()) } else { Ok(None) };
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            return Err(format!("the upgrade was refused: {}", String::from_utf8_lossy(line)));
        }
        if !head[..end].windows(ACCEPT.len()).any(|window| window == ACCEPT) {
            return Err("the answer to the upgrade has a wrong Sec-WebSocket-Accept".to_owned());
        }
        let rest = head.split_off(end + 4);
        self.phase = Phase::Open;
        Ok(Some(rest))
    }

    /// The reader is lent out while its items are handled, since their handler may send on any connection.
    pub(crate) fn lend_reader(&mut self) -> FrameReader {
        std::mem::take(&mut self.reader)
    }

    pub(crate) fn give_back(&mut self, reader: FrameReader) {
        self.reader = reader;
    }
}

/// Feeds a lent reader, turning its error into the reason for which the connection ends.
pub(crate) fn feed(reader: &mut FrameReader, input: &[u8], report: impl FnMut(Item<'_>)) -> Result<(), String> {
    reader.feed(input, report).map_err(|Malformed(why)| format!("the server sent {why}"))
}
