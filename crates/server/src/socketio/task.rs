//! One polled session: a task that outlives its exchanges, as a resource's does (`resource.rs`), and owns the session as a
//! WebSocket's connection does. What it has to say waits here for a poll; what the hub has to say waits in the mailbox.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use patchbay_core::{Event, Moment, PartyId};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, OutFrame, Outbox, Session};
use tokio::sync::{mpsc, oneshot};

use super::payload::{self, Body};
use super::polled::Asked;
use super::{NOT_HANDSHAKEN, Sid};
use crate::farewell;
use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::{Shell, Ticket};
use crate::telemetry;

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
    shell: Arc<Shell>,
    dialect: usize,
    sid: Sid,
    session: Box<dyn Session>,
    mailbox: Arc<Mailbox>,
    party: PartyId,
    out: Outbox,
    random: SystemRandom,
    /// What waits for a poll.
    packets: VecDeque<String>,
    bytes: usize,
    /// Who waits for packets, and since when.
    poll: Option<(oneshot::Sender<String>, Moment)>,
    /// Since when nobody does.
    alone: Moment,
    /// What has been sent, and whether somebody still waits to hear that it was read.
    bodies: VecDeque<(Body, oneshot::Sender<bool>)>,
    deaf_until: Moment,
    /// Since when the mailbox has been above its soft bound without a poll.
    stalled: Option<Moment>,
    /// The session has ended, and its last words wait until that moment.
    closing: Option<(CloseCause, Moment)>,
    over: Option<CloseCause>,
    detached: bool,
    _ticket: Ticket,
}

impl Task {
    pub(super) fn new(shell: Arc<Shell>, dialect: usize, sid: Sid, session: Box<dyn Session>, ticket: Ticket) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let party = shell.switchboard.attach(shell.dialects[dialect].profile(), Arc::clone(&mailbox));
        // Looked at after the party was attached: either this or `close_all` sees the other.
        if shell.is_closing() {
            mailbox.drain();
            mailbox.close(CloseCause::Shutdown);
        }
        shell.metrics.connection_opened(dialect);
        let alone = shell.clock.now();
        Self {
            shell,
            dialect,
            sid,
            session,
            mailbox,
            party,
            out: Outbox::new(),
            random: SystemRandom::default(),
            packets: VecDeque::new(),
            bytes: 0,
            poll: None,
            alone,
            bodies: VecDeque::new(),
            deaf_until: Moment::START,
            stalled: None,
            closing: None,
            over: None,
            detached: false,
            _ticket: ticket,
        }
    }

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Asked>) {
        self.turn(|session, ctx| session.on_open(ctx));
        loop {
            let now = self.shell.clock.now();
            if self.is_open() && self.session.deadline().is_some_and(|due| due <= now) {
                self.turn(|session, ctx| session.on_deadline(ctx));
            }
            self.hear();
            let more = self.read(now);
            self.answer(now);
            self.judge(now);
            if self.over.is_some() {
                return;
            }
            let (clock, until) = (self.shell.clock, self.until(now));
            let (mailbox, wake_at) = (Arc::clone(&self.mailbox), self.wake_at());
            let told = std::future::poll_fn(
                move |cx| {
                    if mailbox.sleep(wake_at, cx) { Poll::Pending } else { Poll::Ready(()) }
                },
            );
            tokio::select! {
                // In order: chance would make two runs of one simulation differ.
                biased;
                () = told, if self.is_open() => {}
                // Its other end lives as long as the session is listed, which is as long as this.
                Some(asked) = inbox.recv() => self.take(asked),
                () = tokio::task::yield_now(), if more => {}
                () = tokio::time::sleep_until(clock.instant(until)) => {}
            }
        }
    }

    fn is_open(&self) -> bool {
        self.closing.is_none() && self.over.is_none()
    }

    /// Whether the session may be told something: its packets can go at once, or none waits yet.
    fn has_room(&self) -> bool {
        self.is_open() && self.bytes < HIGH_WATER && (self.poll.is_some() || self.packets.is_empty())
    }

    /// At how many events in the mailbox there is something to do.
    fn wake_at(&self) -> usize {
        match (self.has_room(), self.stalled) {
            (true, _) => 1,
            (false, None) => self.shell.bounds.soft_messages + 1,
            (false, Some(_)) => usize::MAX,
        }
    }

    /// When there is something to do in any case.
    fn until(&self, now: Moment) -> Moment {
        let poll = match &self.poll {
            Some((_, since)) => *since + POLL,
            None => self.alone + ALONE,
        };
        let deaf = (self.deaf_until > now).then_some(self.deaf_until);
        let due = self.session.deadline().filter(|_| self.is_open());
        let last = self.closing.map(|(_, until)| until);
        [due, deaf, last, self.slow_at()].into_iter().flatten().fold(poll, Moment::min)
    }

    /// A request has come.
    fn take(&mut self, asked: Asked) {
        let now = self.shell.clock.now();
        match asked {
            Asked::Poll(waiting) => {
                if let Some((older, _)) = self.poll.replace((waiting, now)) {
                    // Fails if it has gone, which is why there is a newer one.
                    let _gone = older.send(NOTHING.to_owned());
                }
            }
            Asked::Post(_, waiting) if self.bodies.len() >= BODIES || !self.is_open() => {
                let _gone = waiting.send(false);
            }
            Asked::Post(body, waiting) => self.bodies.push_back((body, waiting)),
            Asked::Leave => self.over = self.over.or(Some(CloseCause::Peer)),
        }
    }

    /// Tells the session what waits for it.
    fn hear(&mut self) {
        while self.is_open() {
            let room = self.has_room();
            if room && self.shell.is_closing() && self.mailbox.take_drain() {
                self.turn(|session, ctx| session.on_drain(ctx));
                continue;
            }
            match self.mailbox.take(room) {
                Ok(Some(event)) => self.tell(event),
                Ok(None) => break,
                Err(cause) => self.over = Some(cause),
            }
        }
        while self.has_room()
            && let Some(news) = self.mailbox.take_news()
        {
            self.turn(|session, ctx| session.on_line(news, ctx));
        }
        while self.has_room()
            && let Some((tag, done)) = self.mailbox.take_done()
        {
            self.turn(|session, ctx| session.on_job(tag, done, ctx));
        }
    }

    /// Reads some of what has been sent. Whether more of it can be read.
    fn read(&mut self, now: Moment) -> bool {
        for _ in 0..PACKETS {
            if !self.is_open() || self.bytes >= HIGH_WATER || self.deaf_until > now {
                return false;
            }
            let Some((mut body, waiting)) = self.bodies.pop_front() else { return false };
            match body.take() {
                Ok(Some(packet)) => {
                    self.shell.metrics.message_in(self.dialect);
                    self.turn(|session, ctx| session.on_frame(Frame::Text(packet), ctx));
                    self.bodies.push_front((body, waiting));
                    if !self.is_open() {
                        self.acknowledge();
                    }
                }
                Ok(None) => {
                    // A client that has gone needs no answer.
                    let _gone = waiting.send(true);
                }
                Err(payload::Malformed) => self.over = Some(CloseCause::BadMessage),
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
        let Some((waiting, since)) = self.poll.take() else { return };
        if waiting.is_closed() {
            self.alone = now;
            return;
        }
        if self.packets.is_empty() && since + POLL > now {
            self.poll = Some((waiting, since));
            return;
        }
        self.alone = now;
        let body = if self.packets.is_empty() {
            NOTHING.to_owned()
        } else {
            payload::encode(self.packets.iter().map(String::as_str))
        };
        // Fails if it has gone meanwhile: the packets wait for the next.
        if waiting.send(body).is_ok() {
            self.packets.clear();
            self.bytes = 0;
            self.stalled = None;
        }
    }

    /// Ends the session of a client that has gone or is too slow, and one whose last words are said.
    fn judge(&mut self, now: Moment) {
        let slow = self.poll.is_none() && self.mailbox.len() > self.shell.bounds.soft_messages;
        self.stalled = if slow { Some(self.stalled.unwrap_or(now)) } else { None };
        let said = |(cause, until)| (self.packets.is_empty() || until <= now).then_some(cause);
        let ended = match self.closing {
            Some(closing) => said(closing),
            None if self.slow_at().is_some_and(|at| at <= now) => Some(CloseCause::TooSlow),
            None if self.poll.is_none() && self.alone + ALONE <= now => Some(CloseCause::Lost),
            None => None,
        };
        self.over = self.over.or(ended);
    }

    fn slow_at(&self) -> Option<Moment> {
        self.stalled.map(|since| since.max(self.alone) + self.shell.slow_timeout)
    }

    /// Calls the session, carries out its commands and delivers the events that they caused for it (law 3).
    fn turn(&mut self, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        self.call(call);
        if self.out.has_commands() {
            let mut wake = Vec::new();
            self.shell.switchboard.handle(self.shell.clock.now(), self.party, self.out.take_commands(), &mut wake);
            wake.into_iter().for_each(Waker::wake);
        }
        self.collect();
        while self.is_open() {
            match self.mailbox.take(true) {
                Ok(Some(event)) => self.tell(event),
                // An order to close is met in the next turn.
                Ok(None) | Err(_) => break,
            }
        }
    }

    fn tell(&mut self, event: Event) {
        self.call(|session, ctx| session.on_event(event, ctx));
        debug_assert!(!self.out.has_commands(), "law 1: an event causes no command in the same turn");
        self.collect();
    }

    /// Law 5: a panic in a session ends that party alone, and is counted.
    fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        let now = self.shell.clock.now();
        let unix_ms = self.shell.clock.unix_ms(now);
        let (session, out, random) = (&mut *self.session, &mut self.out, &mut self.random);
        let called = catch_unwind(AssertUnwindSafe(|| {
            self.shell.entropy.lend(random, |rng| call(session, &mut Ctx { now, unix_ms, rng, out }));
        }));
        if called.is_err() {
            self.out = Outbox::new();
            self.over = Some(CloseCause::Panic);
        }
    }

    /// Keeps what the session wants sent, and orders what it wants done.
    fn collect(&mut self) {
        let mut sent = 0;
        for frame in self.out.frames() {
            // There are no pings here.
            if let OutFrame::Text(text) = frame {
                sent += 1;
                self.bytes += text.len();
                self.packets.push_back(String::from_utf8_lossy(text).into_owned());
            }
        }
        self.out.take_warnings().for_each(telemetry::warn_once);
        for order in self.out.take_orders() {
            self.shell.lines.order(self.party, &self.mailbox, order);
        }
        for (tag, job) in self.out.take_jobs() {
            self.shell.jobs.take(self.party, &self.mailbox, tag, job);
        }
        self.shell.metrics.messages_out(self.dialect, sent);
        let now = self.shell.clock.now();
        self.deaf_until = self.deaf_until.max(self.out.deaf_until().unwrap_or_default());
        if let Some(close) = self.out.closing()
            && self.is_open()
        {
            match close.code {
                Some(_) => self.closing = Some((close.cause, now + LAST_WORDS)),
                None => self.over = Some(close.cause),
            }
            // To everybody else it has gone: its names are free at once.
            self.detach(now, close.cause);
        }
        self.out.clear();
    }

    fn detach(&mut self, now: Moment, cause: CloseCause) {
        if std::mem::replace(&mut self.detached, true) {
            return;
        }
        self.shell.lines.gone(self.party);
        // Who was torn away may come back for its viewers; who has said farewell does not.
        match cause {
            CloseCause::Lost | CloseCause::Silent | CloseCause::TooSlow => {
                self.shell.switchboard.lose(now, self.party);
            }
            _ => self.shell.switchboard.detach(now, self.party),
        }
        if cause != CloseCause::Panic {
            farewell::say(&self.shell, &mut *self.session, self.party, &self.mailbox, now);
        }
    }
}

/// However the session ends, nobody finds it any more and the hub lets its party go: also when the runtime drops it.
impl Drop for Task {
    fn drop(&mut self) {
        self.shell.socket_io.polled.remove(&self.sid);
        let cause = self.over.unwrap_or(CloseCause::Shutdown);
        self.detach(self.shell.clock.now(), cause);
        if let Some((waiting, _)) = self.poll.take() {
            // The client is to connect anew, unless it wanted this end.
            let _gone = waiting.send(if cause == CloseCause::Peer { "0::" } else { NOT_HANDSHAKEN }.to_owned());
        }
        self.shell.metrics.connection_closed(self.dialect, cause);
        if cause == CloseCause::Panic {
            tracing::error!(party = %self.party, cause = cause.label(), "polled session ended");
        } else {
            tracing::debug!(party = %self.party, cause = cause.label(), "polled session ended");
        }
    }
}
