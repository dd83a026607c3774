//! One simulated client's connection, below any dialect: handshake, frames, pings, and how it ends.

use std::collections::VecDeque;

use crate::dialect::Telling;
use crate::net::Id;
use crate::plan::{Hello, Nature};
use crate::rng::Rng;
use crate::ws;

pub(crate) struct Client {
    pub(crate) id: Id,
    pub(crate) dialect: usize,
    pub(crate) hello: Hello,
    pub(crate) nature: Nature,
    pub(crate) stage: Stage,
    /// When the server accepted the connection.
    pub(crate) accepted: u64,
    /// Bytes that have been read and not been understood yet.
    pub(crate) inbox: Vec<u8>,
    /// What has been sent, with the offset at which the server knows it.
    pub(crate) sent: VecDeque<(u64, Sent)>,
    /// Pings of its own that the server has handled: payload, and when.
    pub(crate) pings: VecDeque<(Vec<u8>, u64)>,
    /// What the server does with the connection.
    pub(crate) served: Served,
    /// The client has done something that ends the connection.
    pub(crate) done: bool,
    /// The code of the server's close frame.
    pub(crate) closed: Option<u16>,
    /// What was put into its mailbox since it last took all.
    pub(crate) told: VecDeque<(u64, Telling)>,
    /// When the server last handled a frame of it.
    pub(crate) stirred: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The answer to the request has not come.
    Asking,
    /// Frames go both ways.
    Open,
    /// The answer was another than the upgrade, or the server's end has been seen.
    Over,
}

/// The server's side of the connection, as far as it has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// It reads the request, or answers it.
    Greeting,
    Open,
    /// It has been given a reason to close, at a time; its close frame has this code.
    Closing(u16, u64),
    Gone,
}

/// What one frame, or one message, means to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The next message of the dialect.
    Message,
    Ping(Vec<u8>),
    Pong,
    /// The client's close, and the code of the answer.
    Close(u16),
    /// A breach of RFC 6455, and the code that it costs.
    Breach(u16),
}

impl Client {
    pub(crate) fn new(id: Id, dialect: usize, hello: Hello, nature: Nature, accepted: u64) -> Self {
        Self {
            id,
            dialect,
            hello,
            nature,
            stage: Stage::Asking,
            accepted,
            inbox: Vec::new(),
            sent: VecDeque::new(),
            pings: VecDeque::new(),
            served: Served::Greeting,
            done: false,
            closed: None,
            told: VecDeque::new(),
            stirred: 0,
        }
    }

    /// Frames of a message, appended to `out`, which begins at `offset` of the stream. Sometimes in fragments, with pings
    /// between them.
    pub(crate) fn message(&mut self, text: &str, offset: u64, rng: &mut Rng, out: &mut Vec<u8>) {
        let opcode = if rng.percent(4) { ws::BINARY } else { ws::TEXT };
        let mut rest = text.as_bytes();
        let parts = if rng.percent(12) { rng.between(2, 4) } else { 1 };
        for part in 1..=parts {
            let last = part == parts;
            let length = if last { rest.len() } else { rng.index(rest.len() + 1) };
            let (now, later) = rest.split_at(length);
            rest = later;
            let first = if part == 1 { opcode } else { ws::CONTINUATION };
            ws::write(out, if last { 0x80 | first } else { first }, now, Some(mask(rng)));
            if !last && rng.percent(50) {
                self.ping(offset, rng, out);
            }
        }
        self.sent.push_back((offset + out.len() as u64, Sent::Message));
    }

    pub(crate) fn ping(&mut self, offset: u64, rng: &mut Rng, out: &mut Vec<u8>) {
        let payload: Vec<u8> = (0..rng.index(126)).map(|_| rng.below(256) as u8).collect();
        ws::write(out, 0x80 | ws::PING, &payload, Some(mask(rng)));
        self.sent.push_back((offset + out.len() as u64, Sent::Ping(payload)));
    }

    pub(crate) fn pong(&mut self, offset: u64, rng: &mut Rng, out: &mut Vec<u8>) {
        ws::write(out, 0x80 | ws::PONG, b"", Some(mask(rng)));
        self.sent.push_back((offset + out.len() as u64, Sent::Pong));
    }

    pub(crate) fn close(&mut self, offset: u64, rng: &mut Rng, out: &mut Vec<u8>) {
        let (payload, answer): (&[u8], u16) = *rng.pick(&[
            (&b""[..], 1000),
            (b"\x03\xe8", 1000),
            (b"\x03\xe9away", 1001),
            (b"\x0f\xa1", 4001),
            (b"\x03", 1002),
        ]);
        ws::write(out, 0x80 | ws::CLOSE, payload, Some(mask(rng)));
        self.sent.push_back((offset + out.len() as u64, Sent::Close(answer)));
    }

    /// Something that RFC 6455 forbids. The server may know it before the frame has come in full.
    pub(crate) fn breach(&mut self, offset: u64, most: usize, rng: &mut Rng, out: &mut Vec<u8>) {
        let start = offset + out.len() as u64;
        let (known, code) = match rng.below(6) {
            0 => {
                ws::write(out, 0x80 | ws::TEXT, b"{\"type\":\"ping\"}", None);
                (start + 2, 1002)
            }
            1 => {
                ws::write(out, 0xc0 | ws::TEXT, b"{}", Some(mask(rng)));
                (start + 2, 1002)
            }
            2 => {
                ws::write(out, 0x80 | 0x3, b"{}", Some(mask(rng)));
                (start + 2, 1002)
            }
            3 => {
                ws::write(out, 0x80 | ws::CONTINUATION, b"{}", Some(mask(rng)));
                (offset + out.len() as u64, 1002)
            }
            4 => {
                ws::write(out, 0x80 | ws::TEXT, b"{\"type\":\"\xff\xfe\"}", Some(mask(rng)));
                (offset + out.len() as u64, 1007)
            }
            _ => {
                // Its header says that it is too large; not all of it follows.
                let mut whole = Vec::new();
                ws::write(&mut whole, 0x80 | ws::TEXT, &vec![b' '; most + 1], Some(mask(rng)));
                out.extend_from_slice(&whole[..rng.between(14, 5_000) as usize]);
                (start + 10, 1009)
            }
        };
        self.sent.push_back((known, Sent::Breach(code)));
    }

    /// Nothing that the server has sent to it may be wanting, and nothing may be amiss with it.
    pub(crate) fn is_well(&self) -> bool {
        self.stage == Stage::Open && self.served == Served::Open && !self.done
    }
}

fn mask(rng: &mut Rng) -> [u8; 4] {
    (rng.below(1 << 32) as u32).to_ne_bytes()
}
