//! Messages out of a stream (RFC 3261 section 18.3): `Content-Length` says where each ends.

use super::read::{head_end, length};
use super::{HEAD_BYTES, MESSAGE_BYTES, read};

/// What a stream had.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Framed {
    /// Not all of a message yet.
    Nothing,
    /// The bytes of one.
    Message(Vec<u8>),
    /// A double line end that asks for one back (RFC 5626 section 4.4.1).
    Ping,
    /// Nobody can say where the next message begins: the connection must end.
    Broken,
}

/// Bytes of a stream that are no whole message yet: at most [`MESSAGE_BYTES`] and one read.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    bytes: Vec<u8>,
    /// How far no end of a head was found, so that a head in many pieces is not searched again and again.
    searched: usize,
}

impl Framer {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether a message has begun that is not whole.
    pub(crate) fn is_waiting(&self) -> bool {
        self.bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    /// The next message; call it until there is nothing.
    pub(crate) fn next(&mut self) -> Framed {
        if self.bytes.starts_with(b"\r\n\r\n") {
            self.drop_front(4);
            return Framed::Ping;
        }
        // A lone line end is an answer to ours, or stands before a message.
        while self.bytes.starts_with(b"\r\n") && self.bytes.len() > 2 && !b"\r\n\r\n".starts_with(&self.bytes) {
            self.drop_front(2);
        }
        if matches!(self.bytes.as_slice(), [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r']) {
            return Framed::Nothing;
        }
        let from = self.searched.saturating_sub(3);
        let Some((_, body)) = head_end(&self.bytes[from..]).map(|(end, body)| (from + end, from + body)) else {
            self.searched = self.bytes.len();
            return if self.bytes.len() > HEAD_BYTES { Framed::Broken } else { Framed::Nothing };
        };
        let Some((message, _)) = read(&self.bytes[..body]) else { return Framed::Broken };
        // It must be there in streams; who leaves it out has no body (RFC 3261 section 20.14).
        let Ok(length) = length(&message) else { return Framed::Broken };
        let length = length.unwrap_or(0);
        if length > MESSAGE_BYTES || body > HEAD_BYTES {
            return Framed::Broken;
        }
        if self.bytes.len() < body + length {
            return Framed::Nothing;
        }
        let message = self.bytes[..body + length].to_vec();
        self.drop_front(body + length);
        Framed::Message(message)
    }

    fn drop_front(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.searched = 0;
        // An idle connection owns no buffer.
        if self.bytes.is_empty() {
            self.bytes = Vec::new();
        }
    }
}
