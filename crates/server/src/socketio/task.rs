//! One polled session: a task that outlives its exchanges, as a resource's does (`resource.rs`). What it has to say waits here
//! for a poll; what the hub has to say waits in the mailbox.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::Moment;
use patchbay_dialect_kit::{Close, CloseCause, Frame, OutFrame, Session};
use tokio::sync::{mpsc, oneshot};

use super::payload::{self, Body};
use super::polled::Asked;
use super::{NOT_HANDSHAKEN, Sid};
use crate::attached::{Attached, Sink};
use crate::shell::{Shell, Ticket};

/// How long a poll waits for a packet before it is answered with none: the library's polling duration.
const POLL: Duration = Duration::from_secs(20);
/// What it is answered then.
const NOTHING: &str = "8::";
/// How long a client may leave the session alone: the library's close timeout, which the handshake tells.
const ALONE: Duration = Duration::from_secs(60);
/// How long last words wait for a poll: a client that is there comes at once.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Bytes of packets above which the session is told nothing and reads nothing: as a WebSocket's.
const HIGH_WATER: usize = 64 * 1024;
/// Packets that are read at a time before others get their turn: as a WebSocket's.
const PACKETS: usize = 16;
/// Bodies that wait, each as long as a message may be; one more is answered 503. Clients send one after the other, so fewer
/// would refuse who is merely quick, and more would let one that never polls hold more memory.
const BODIES: usize = 2;

pub(super) struct Task {
    attached: Attached,
    sid: Sid,
    said: Said,
    /// Since when nobody polls.
    alone: Moment,
    /// What has been sent, and whether somebody still waits to hear that it was read.
    bodies: VecDeque<(Body, oneshot::Sender<bool>)>,
    /// The session has ended, and its last words wait until that moment.
    closing: Option<Moment>,
    /// The client has gone.
    left: bool,
    _ticket: Ticket,
}

/// What the session has said, and who takes it.
#[derive(Default)]
struct Said {
    /// What waits for a poll.
    packets: VecDeque<String>,
    bytes: usize,
    /// Who waits for packets, and since when.
    poll: Option<(oneshot::Sender<String>, Moment)>,
}

impl Sink for Said {
    fn frame(&mut self, frame: OutFrame<'_>) {
        // There are no pings here.
        if let OutFrame::Text(text) = frame {
            self.bytes += text.len();
            self.packets.push_back(String::from_utf8_lossy(text).into_owned());
        }
    }

    /// Its packets can go at once, or none waits yet.
    fn has_room(&self) -> bool {
        self.bytes < HIGH_WATER && (self.poll.is_some() || self.packets.is_empty())
    }
}

impl Task {
    pub(super) fn new(shell: Arc<Shell>, dialect: usize, sid: Sid, session: Box<dyn Session>, ticket: Ticket) -> Self {
        let mut said = Said::default();
        let attached = Attached::new(shell, dialect, session, &mut said);
        let (alone, bodies) = (attached.now(), VecDeque::new());
        Self { attached, sid, said, alone, bodies, closing: None, left: false, _ticket: ticket }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Asked>) {
        loop {
            let now = self.attached.now();
            self.attached.attend(now, &mut self.said);
            let more = self.read(now);
            self.answer(now);
            if self.judge(now) {
                return;
            }
            tokio::select! {
                // In order: chance would make two runs of one simulation differ.
                biased;
                () = self.attached.news(self.said.has_room(), Some(self.until())) => {}
                // Its other end lives as long as the session is listed, which is as long as this.
                Some(asked) = inbox.recv() => self.take(asked),
                () = tokio::task::yield_now(), if more => {}
            }
        }
    }

    /// How long to wait for the client.
    fn until(&self) -> Moment {
        let poll = match &self.said.poll {
            Some((_, since)) => *since + POLL,
            None => self.alone + ALONE,
        };
        self.closing.into_iter().fold(poll, Moment::min)
    }

    /// A request has come.
    fn take(&mut self, asked: Asked) {
        match asked {
            Asked::Poll(waiting) => {
                if let Some((older, _)) = self.said.poll.replace((waiting, self.attached.now())) {
                    // Fails if it has gone, which is why there is a newer one.
                    let _gone = older.send(NOTHING.to_owned());
                }
            }
            Asked::Post(_, waiting) if self.bodies.len() >= BODIES || !self.attached.is_open() => {
                let _gone = waiting.send(false);
            }
            Asked::Post(body, waiting) => self.bodies.push_back((body, waiting)),
            Asked::Leave => {
                self.left = true;
                self.attached.end(CloseCause::Peer);
            }
        }
    }

    /// Reads some of what has been sent. Whether more of it can be read.
    fn read(&mut self, now: Moment) -> bool {
        for _ in 0..PACKETS {
            if !self.attached.is_open() || self.said.bytes >= HIGH_WATER || self.attached.is_deaf(now) {
                return false;
            }
            let Some((mut body, waiting)) = self.bodies.pop_front() else { return false };
            match body.take() {
                Ok(Some(packet)) => {
                    self.attached.frame(now, &mut self.said, Frame::Text(packet));
                    self.bodies.push_front((body, waiting));
                    if !self.attached.is_open() {
                        self.acknowledge();
                    }
                }
                Ok(None) => {
                    // A client that has gone needs no answer.
                    let _gone = waiting.send(true);
                }
                Err(payload::Malformed) => self.attached.end(CloseCause::BadMessage),
            }
        }
        !self.bodies.is_empty()
    }

    /// The session ended by what it has read: that was read, and what is behind it never will be.
    fn acknowledge(&mut self) {
        if let Some((_, waiting)) = self.bodies.pop_front() {
            let _gone = waiting.send(true);
        }
        self.bodies.clear();
    }

    /// Answers the poll, if there is something to say.
    fn answer(&mut self, now: Moment) {
        let said = &mut self.said;
        let Some((waiting, since)) = said.poll.take() else { return };
        if waiting.is_closed() {
            self.alone = now;
            return;
        }
        if said.packets.is_empty() && since + POLL > now {
            said.poll = Some((waiting, since));
            return;
        }
        self.alone = now;
        let body = if said.packets.is_empty() {
            NOTHING.to_owned()
        } else {
            payload::encode(said.packets.iter().map(String::as_str))
        };
        // Fails if it has gone meanwhile: the packets wait for the next.
        if waiting.send(body).is_ok() {
            said.packets.clear();
            said.bytes = 0;
        }
    }

    /// Ends the session of a client that has gone or is too slow. Whether it has ended, and its last words are said.
    fn judge(&mut self, now: Moment) -> bool {
        self.attached.judge(now, self.said.poll.is_none(), self.alone);
        if self.said.poll.is_none() && self.alone + ALONE <= now {
            self.attached.end(CloseCause::Lost);
        }
        match self.attached.over() {
            Some(Close { code: Some(_), .. }) if !self.left => {
                let until = *self.closing.get_or_insert(now + LAST_WORDS);
                self.said.packets.is_empty() || until <= now
            }
            over => over.is_some(),
        }
    }
}

/// However the session ends, nobody finds it any more: also when the runtime drops it.
impl Drop for Task {
    fn drop(&mut self) {
        self.attached.shell.socket_io.polled.remove(&self.sid);
        if let Some((waiting, _)) = self.said.poll.take() {
            let gone = self.left || self.attached.over().is_some_and(|close| close.cause == CloseCause::Peer);
            // The client is to connect anew, unless it wanted this end.
            let _gone = waiting.send(if gone { "0::" } else { NOT_HANDSHAKEN }.to_owned());
        }
    }
}
