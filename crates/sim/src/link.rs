//! One simulated TCP connection: two byte streams with capacities and delays. Order is kept, nothing is lost before a
//! reset, and a close behaves as the kernel's does: whoever closes over unread input resets.

use std::collections::VecDeque;
use std::task::Waker;

use crate::rng::Rng;

/// How a connection carries bytes. Spans are milliseconds, both ends included.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    /// Until this offset of each direction, chunks have one to three bytes.
    pub(crate) crumbs: u64,
    /// Bytes that arrive together.
    pub(crate) chunk: (u64, u64),
    /// Between two chunks.
    pub(crate) delay: (u64, u64),
    /// Unsent bytes that the server's end takes.
    pub(crate) send: usize,
    /// Arrived bytes that wait for a reader, at either end.
    pub(crate) receive: usize,
    /// Chance in percent that the server's end takes a part of what it could.
    pub(crate) stingy: u64,
}

/// How the client reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    /// Whatever arrives, at once.
    Prompt,
    /// At most this many bytes, each this many milliseconds.
    Slow { bytes: usize, every: u64 },
    /// Nothing.
    Stopped,
}

/// One end has nothing more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fin {
    No,
    Sent,
    Arrived,
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) profile: Profile,
    pub(crate) rng: Rng,
    pub(crate) up: Up,
    pub(crate) down: Down,
    pub(crate) reader: Reader,
    /// The peer has vanished: nothing arrives any more, in either direction, and nobody is told.
    pub(crate) hole: bool,
    /// When the server let its end go.
    pub(crate) gone: Option<u64>,
}

/// From the client to the server.
#[derive(Debug)]
pub(crate) struct Up {
    pub(crate) bytes: VecDeque<u8>,
    /// How many of `bytes` have arrived.
    pub(crate) arrived: usize,
    pub(crate) fin: Fin,
    /// The client has reset the connection, and the server knows.
    pub(crate) reset: bool,
    /// A chunk is on its way.
    pub(crate) carrying: bool,
    pub(crate) reader: Option<Waker>,
    /// Bytes ever written, and read by the server.
    pub(crate) sent: u64,
    pub(crate) read: u64,
    /// Where the request head of an upgrade ends.
    pub(crate) head: u64,
    /// The server has gone on reading behind the head.
    pub(crate) opened: bool,
}

/// From the server to the client.
#[derive(Debug)]
pub(crate) struct Down {
    pub(crate) bytes: VecDeque<u8>,
    pub(crate) arrived: usize,
    pub(crate) fin: Fin,
    /// The client has been told of a reset.
    pub(crate) reset: bool,
    /// The client has let its end go: what arrives is answered with a reset.
    pub(crate) closed: bool,
    pub(crate) carrying: bool,
    pub(crate) writer: Option<Waker>,
    pub(crate) pushed: u64,
    pub(crate) taken: u64,
    /// Since when the server has been refused, if the last thing it heard was a refusal.
    pub(crate) blocked: Option<u64>,
    /// When the last such refusal ended.
    pub(crate) free: u64,
    /// Since when refusals have followed each other: since then the server cannot have been rid of all it had.
    pub(crate) full: u64,
    /// When a byte was last taken from the server.
    pub(crate) progress: u64,
    /// What was pushed when, for the bytes that the client has not read.
    pub(crate) marks: VecDeque<Mark>,
}

/// The bytes up to offset `end` were pushed at a time; the connection had become free for them at another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) end: u64,
    pub(crate) at: u64,
    pub(crate) free: u64,
}

impl Link {
    pub(crate) fn new(profile: Profile, reader: Reader, rng: Rng) -> Self {
        let up = Up {
            bytes: VecDeque::new(),
            arrived: 0,
            fin: Fin::No,
            reset: false,
            carrying: false,
            reader: None,
            sent: 0,
            read: 0,
            head: u64::MAX,
            opened: false,
        };
        let down = Down {
            bytes: VecDeque::new(),
            arrived: 0,
            fin: Fin::No,
            reset: false,
            closed: false,
            carrying: false,
            writer: None,
            pushed: 0,
            taken: 0,
            blocked: None,
            free: 0,
            full: 0,
            progress: 0,
            marks: VecDeque::new(),
        };
        Self { profile, rng, up, down, reader, hole: false, gone: None }
    }

    pub(crate) fn delay(&mut self) -> u64 {
        self.rng.between(self.profile.delay.0, self.profile.delay.1)
    }

    fn chunk(&mut self, offset: u64) -> usize {
        let (low, high) = if offset < self.profile.crumbs { (1, 3) } else { self.profile.chunk };
        self.rng.between(low, high) as usize
    }

    /// Whether a chunk towards the server can travel.
    pub(crate) fn up_waits(&self) -> bool {
        let news = self.up.bytes.len() > self.up.arrived || self.up.fin == Fin::Sent;
        news && self.up.arrived < self.profile.receive && !self.up.carrying && !self.up.reset && !self.hole
    }

    /// Whether a chunk towards the client can travel.
    pub(crate) fn down_waits(&self) -> bool {
        let news = self.down.bytes.len() > self.down.arrived || self.down.fin == Fin::Sent;
        news && self.down.arrived < self.profile.receive && !self.down.carrying && !self.down.reset && !self.hole
    }

    /// A chunk towards the server arrives.
    pub(crate) fn carry_up(&mut self) {
        self.up.carrying = false;
        if self.hole || self.up.reset {
            return;
        }
        if self.gone.is_some() {
            // Nobody is there to read it: the kernel answers with a reset.
            if !self.up.bytes.is_empty() {
                self.tell_reset();
            }
            self.up.bytes.clear();
            self.up.arrived = 0;
            self.up.fin = Fin::Arrived;
            return;
        }
        let offset = self.up.read + self.up.arrived as u64;
        let flying = self.up.bytes.len() - self.up.arrived;
        let room = self.profile.receive - self.up.arrived.min(self.profile.receive);
        let chunk = self.chunk(offset).min(flying).min(room);
        self.up.arrived += chunk;
        if self.up.arrived == self.up.bytes.len() && self.up.fin == Fin::Sent {
            self.up.fin = Fin::Arrived;
        }
        if let Some(waker) = self.up.reader.take() {
            waker.wake();
        }
    }

    /// A chunk towards the client arrives, at a time.
    pub(crate) fn carry_down(&mut self, now: u64) {
        self.down.carrying = false;
        if self.hole || self.down.reset {
            return;
        }
        let offset = self.down.taken + self.down.arrived as u64;
        let flying = self.down.bytes.len() - self.down.arrived;
        if self.down.closed {
            if flying > 0 {
                self.reset_up();
            }
            self.down.bytes.clear();
            self.down.arrived = 0;
            self.down.fin = Fin::Arrived;
            return;
        }
        let room = self.profile.receive - self.down.arrived.min(self.profile.receive);
        let chunk = self.chunk(offset).min(flying).min(room);
        self.down.arrived += chunk;
        if self.down.arrived == self.down.bytes.len() && self.down.fin == Fin::Sent {
            self.down.fin = Fin::Arrived;
        }
        if self.down.blocked.is_some() && self.send_room() > 0 {
            self.down.blocked = None;
            self.down.free = now;
            if let Some(waker) = self.down.writer.take() {
                waker.wake();
            }
        }
    }

    /// The server's end has been refused, at a time.
    pub(crate) fn block(&mut self, now: u64) {
        if self.down.blocked.is_none() {
            self.down.blocked = Some(now);
            if self.down.free != now {
                self.down.full = now;
            }
        }
    }

    /// Since when more may wait at the server than what came just now, at a time.
    pub(crate) fn full_since(&self, now: u64) -> Option<u64> {
        (self.down.blocked.is_some() || self.down.free > 0 && self.down.free == now).then_some(self.down.full)
    }

    /// Bytes that the server's end would take now.
    pub(crate) fn send_room(&self) -> usize {
        let flying = self.down.bytes.len() - self.down.arrived;
        self.profile.send.saturating_sub(flying)
    }

    /// The client reads up to `most` bytes of what has arrived.
    pub(crate) fn take(&mut self, most: usize, into: &mut Vec<u8>) -> usize {
        let length = self.down.arrived.min(most);
        into.extend(self.down.bytes.drain(..length));
        self.down.arrived -= length;
        self.down.taken += length as u64;
        length
    }

    /// When the byte before offset `end` was pushed. Marks before it are forgotten.
    pub(crate) fn pushed_at(&mut self, end: u64) -> Mark {
        while self.down.marks.len() > 1 && self.down.marks[0].end < end {
            self.down.marks.pop_front();
        }
        self.down.marks.front().copied().unwrap_or(Mark { end, at: 0, free: 0 })
    }

    /// The client resets the connection: what has not arrived is lost, in both directions.
    pub(crate) fn reset_by_client(&mut self) {
        self.down.closed = true;
        if !self.hole {
            self.reset_up();
        }
    }

    /// The client lets its end go. As the kernel does: a reset if it leaves something unread.
    pub(crate) fn close_by_client(&mut self) {
        if self.down.arrived > 0 {
            return self.reset_by_client();
        }
        self.down.closed = true;
        self.up.fin = Fin::Sent;
    }

    fn reset_up(&mut self) {
        self.up.reset = true;
        self.up.bytes.clear();
        self.up.arrived = 0;
        for waker in [self.up.reader.take(), self.down.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }

    /// The client's end learns of a reset: what it has not read is lost.
    fn tell_reset(&mut self) {
        if self.down.fin != Fin::Arrived && !self.hole {
            self.down.reset = true;
            self.down.bytes.clear();
            self.down.arrived = 0;
        }
    }

    /// The server lets its end go, at a time.
    pub(crate) fn close_by_server(&mut self, now: u64, reset: bool) {
        self.gone = Some(now);
        self.up.reader = None;
        self.down.writer = None;
        if reset || self.up.arrived > 0 {
            self.tell_reset();
        } else if self.down.fin == Fin::No {
            self.down.fin = Fin::Sent;
        }
        self.up.arrived = 0;
        self.up.bytes.clear();
    }
}
