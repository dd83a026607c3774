//! One WebSocket connection: a future that owns the socket and the session, and nothing else while it is idle.
//!
//! Order within one turn: what is due, what the hub told, what the socket brings, and one coalesced write. A session's
//! commands are carried out at once and the events that they cause for it are delivered before its next frame (law 3).

use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use patchbay_core::{Event, Moment, PartyId};
use patchbay_dialect_kit::{Close, CloseCause, Ctx, Frame, OutFrame, Outbox, Session};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::frame::{self, Opcode, Violation};
use super::reader::{Item, Next, Reader};
use crate::farewell;
use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::Shell;
use crate::socket::Socket;
use crate::telemetry;

/// What one read takes at most: larger means fewer calls for large messages, smaller less scratch per thread.
const READ_BYTES: usize = 64 * 1024;
/// Unwritten bytes above which a connection neither takes events nor reads: larger keeps a fast socket busier, smaller
/// makes the mailbox's bounds the ones that count.
const HIGH_WATER: usize = 64 * 1024;
/// What the shared output keeps: enough for a list to a full room, so that it rarely allocates.
const OUTPUT_KEPT: usize = 256 * 1024;
/// Turns of one poll before other connections get theirs.
const TURNS: usize = 16;
/// Input of one poll before other connections get theirs, since a turn of 64 KiB may be ten thousand pings: more saves
/// trips through the scheduler, less keeps the others' delay short while somebody floods.
const INPUT_PER_POLL: usize = READ_BYTES;
/// Messages that one poll handles before other connections get theirs: more is quicker for who sends much at once, less
/// lets receivers empty their mailboxes between. All other members of a room of 50 together stay below a mailbox's hard
/// bound, so none of them can have a member ended that reads.
const MESSAGES: usize = 16;
/// How long a connection that we close waits for the peer to read the close frame and hang up; without the wait, input
/// that we have not read would make the kernel reset the connection and the frame would be lost.
const LINGER: Duration = Duration::from_secs(2);
/// The same while the server stops, where everything has to be over within half a second (DECISIONS 9).
const LINGER_SHUTDOWN: Duration = Duration::from_millis(300);

/// One connection after its handshake.
pub(crate) struct Connection {
    shell: Arc<Shell>,
    dialect: usize,
    socket: Socket,
    session: Box<dyn Session>,
    mailbox: Arc<Mailbox>,
    party: PartyId,
    /// The hub has been told that the party has gone.
    detached: bool,
    reader: Reader,
    /// The reader may hold whole frames that have not been looked at: they came with the handshake, while the session
    /// wanted to hear nothing, or with more messages than one poll handles.
    early: bool,
    /// Nothing is read before that moment, because the session said so.
    deaf_until: Moment,
    /// Bytes that the socket has not taken yet, from `written` on.
    unwritten: Vec<u8>,
    written: usize,
    /// When the socket last took bytes, and since when the mailbox has been above its soft bound meanwhile.
    progress: Moment,
    stalled: Option<Moment>,
    phase: Phase,
    timer: Pin<Box<Sleep>>,
    timer_at: Moment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// A close frame is on its way; input is dropped until the peer hangs up or the moment comes.
    Closing {
        cause: CloseCause,
        until: Moment,
    },
    /// Nothing is left to be done.
    Over(CloseCause),
}

/// What the connections of a thread share: each poll uses it up before it ends.
struct Scratch {
    input: Box<[u8]>,
    /// Bytes read in this poll.
    taken: usize,
    output: Vec<u8>,
    outbox: Outbox,
    wake: Vec<Waker>,
    random: SystemRandom,
    /// Messages that this poll may still handle.
    messages: usize,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            input: vec![0; READ_BYTES].into_boxed_slice(),
            taken: 0,
            output: Vec::new(),
            outbox: Outbox::new(),
            wake: Vec::new(),
            random: SystemRandom::default(),
            messages: MESSAGES,
        }
    }
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::new(Scratch::default());
}

impl Connection {
    /// Takes over a socket whose handshake has been answered, and a subprotocol agreed upon, if it was; `early` is what the
    /// client sent behind it.
    pub(crate) fn new(
        shell: Arc<Shell>,
        dialect: usize,
        subprotocol: Option<&str>,
        socket: Socket,
        early: Vec<u8>,
    ) -> Self {
        let session = shell.dialects[dialect].open_as(subprotocol);
        Self::with(shell, dialect, session, socket, early)
    }

    /// The same with a session that has been opened.
    pub(crate) fn with(
        shell: Arc<Shell>,
        dialect: usize,
        session: Box<dyn Session>,
        socket: Socket,
        early: Vec<u8>,
    ) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let party = shell.switchboard.attach(shell.dialects[dialect].profile(), Arc::clone(&mailbox));
        // Looked at after the party was attached: either this or `close_all` sees the other.
        if shell.is_closing() {
            mailbox.drain();
            mailbox.close(CloseCause::Shutdown);
        }
        shell.metrics.connection_opened(dialect);
        let now = shell.clock.now();
        let timer = Box::pin(tokio::time::sleep_until(shell.clock.instant(now)));
        let mut connection = Self {
            shell,
            dialect,
            socket,
            session,
            mailbox,
            party,
            detached: false,
            early: !early.is_empty(),
            deaf_until: Moment::START,
            reader: Reader::with(early),
            unwritten: Vec::new(),
            written: 0,
            progress: now,
            stalled: None,
            phase: Phase::Open,
            timer,
            timer_at: now,
        };
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.output.clear();
            connection.with_session(scratch, now, |session, ctx| session.on_open(ctx));
            connection.keep_unwritten(&scratch.output);
            scratch.wake.drain(..).for_each(Waker::wake);
        });
        connection
    }

    /// Runs until the connection has to wait (`Pending`) or is over, with the cause.
    fn drive(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Poll<CloseCause> {
        scratch.output.clear();
        scratch.taken = 0;
        scratch.messages = MESSAGES;
        for _ in 0..TURNS {
            let now = self.shell.clock.now();
            let more = match self.phase {
                Phase::Open => self.turn(scratch, now, cx),
                Phase::Closing { until, .. } => self.closing_turn(scratch, now, until, cx),
                Phase::Over(_) => false,
            };
            // After the write and outside the switchboard's lock: who is woken may run on this very thread next.
            scratch.wake.drain(..).for_each(Waker::wake);
            if let Phase::Over(cause) = self.phase {
                return Poll::Ready(cause);
            }
            if !more && self.rest(now, cx) {
                return Poll::Pending;
            }
            if scratch.taken >= INPUT_PER_POLL || scratch.messages == 0 {
                break;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// One turn of an open connection. Whether another may be useful at once.
    fn turn(&mut self, scratch: &mut Scratch, now: Moment, cx: &mut Context<'_>) -> bool {
        let mut more = false;
        if self.session.deadline().is_some_and(|deadline| deadline <= now) {
            self.with_session(scratch, now, |session, ctx| session.on_deadline(ctx));
            more = true;
        }
        // Before the order to close, which may be there already: whoever is sent away hears first that it is for good.
        if self.shell.is_closing() && self.phase == Phase::Open && self.backlog() == 0 && self.mailbox.take_drain() {
            self.with_session(scratch, now, |session, ctx| session.on_drain(ctx));
            more = true;
        }
        while self.phase == Phase::Open {
            let room = self.backlog() == 0 && scratch.output.len() < HIGH_WATER;
            match self.mailbox.take(room) {
                Ok(Some(event)) => self.deliver(event, scratch, now),
                Ok(None) => break,
                Err(cause) => self.ordered(cause, scratch, now),
            }
            more = true;
        }
        while self.phase == Phase::Open
            && self.backlog() == 0
            && scratch.output.len() < HIGH_WATER
            && let Some(news) = self.mailbox.take_news()
        {
            self.with_session(scratch, now, |session, ctx| session.on_line(news, ctx));
            more = true;
        }
        while self.phase == Phase::Open
            && self.backlog() == 0
            && scratch.output.len() < HIGH_WATER
            && let Some((tag, done)) = self.mailbox.take_done()
        {
            self.with_session(scratch, now, |session, ctx| session.on_job(tag, done, ctx));
            more = true;
        }
        let full = self.backlog() >= HIGH_WATER;
        if self.phase == Phase::Open && !full && self.deaf_until <= now {
            more |= self.receive(scratch, now, cx);
        }
        self.send(scratch, now, cx);
        // Nobody has asked the socket for input, so it would not wake us for what lies there already.
        more |= full && self.backlog() < HIGH_WATER;
        self.judge_speed(now);
        more
    }

    /// One turn of a connection that we are closing.
    fn closing_turn(&mut self, scratch: &mut Scratch, now: Moment, until: Moment, cx: &mut Context<'_>) -> bool {
        self.send(scratch, now, cx);
        // Pending: TLS has a farewell of its own to send, and the socket is full.
        if self.backlog() == 0 && matches!(Pin::new(&mut self.socket).poll_shutdown(cx), Poll::Ready(Err(_))) {
            self.over();
        }
        match self.read(&mut scratch.input, cx) {
            Poll::Ready(Ok(length @ 1..)) if now < until => {
                scratch.taken += length;
                return true;
            }
            Poll::Pending if now < until => {}
            _ => self.over(),
        }
        false
    }

    /// Goes to sleep until the timer, the mailbox or the socket wakes it; `false` if there is something to do already.
    fn rest(&mut self, now: Moment, cx: &mut Context<'_>) -> bool {
        let until = match self.phase {
            Phase::Closing { until, .. } => Some(until),
            _ => {
                // A blocked connection has no use for single events, only for the news that it has become too slow.
                let wake_at = match (self.backlog() > 0, self.stalled) {
                    (false, _) => 1,
                    (true, None) => self.shell.bounds.soft_messages + 1,
                    (true, Some(_)) => usize::MAX,
                };
                if !self.mailbox.sleep(wake_at, cx) {
                    return false;
                }
                let deaf = (self.deaf_until > now).then_some(self.deaf_until);
                [self.session.deadline(), self.slow_at(), deaf].into_iter().flatten().min()
            }
        };
        let Some(until) = until else { return true };
        if until <= now {
            return false;
        }
        if until != self.timer_at {
            self.timer_at = until;
            self.timer.as_mut().reset(self.shell.clock.instant(until));
        }
        self.timer.as_mut().poll(cx).is_pending()
    }

    /// Ends the connection if its socket has taken no byte for too long while its mailbox is above the soft bound.
    fn judge_speed(&mut self, now: Moment) {
        let slow = self.backlog() > 0 && self.mailbox.len() > self.shell.bounds.soft_messages;
        self.stalled = if slow { Some(self.stalled.unwrap_or(now)) } else { None };
        if self.slow_at().is_some_and(|at| at <= now) {
            self.abort(CloseCause::TooSlow);
        }
    }

    fn slow_at(&self) -> Option<Moment> {
        self.stalled.map(|since| since.max(self.progress) + self.shell.slow_timeout)
    }

    /// Reads once and handles what came. Whether anything did.
    fn receive(&mut self, scratch: &mut Scratch, now: Moment, cx: &mut Context<'_>) -> bool {
        if std::mem::take(&mut self.early) {
            self.digest(&mut [], scratch, now);
            return true;
        }
        let mut input = std::mem::take(&mut scratch.input);
        let read = self.read(&mut input, cx);
        if let Poll::Ready(Ok(length @ 1..)) = read {
            scratch.taken += length;
            self.digest(&mut input[..length], scratch, now);
        }
        scratch.input = input;
        match read {
            Poll::Pending => return false,
            Poll::Ready(Ok(1..)) => {}
            Poll::Ready(_) => self.phase = Phase::Over(CloseCause::Lost),
        }
        true
    }

    fn read(&mut self, input: &mut [u8], cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(input);
        ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Handles what is whole with `input`, as far as the session wants to hear it.
    fn digest(&mut self, input: &mut [u8], scratch: &mut Scratch, now: Moment) {
        let most = self.shell.message_bytes;
        let mut reader = std::mem::take(&mut self.reader);
        let read = reader.digest(input, most, |item| {
            self.item(item, scratch, now);
            scratch.messages = scratch.messages.saturating_sub(1);
            match self.phase {
                Phase::Open if self.deaf_until > now || scratch.messages == 0 => Next::Pause,
                Phase::Open => Next::More,
                _ => Next::Stop,
            }
        });
        self.reader = reader;
        #[cfg(feature = "sim")]
        self.socket.handled(self.reader.held().0);
        match read {
            Ok(left) => self.early = left,
            Err(violation) => {
                let (code, cause) = match violation {
                    Violation::Protocol => (1002, CloseCause::Protocol),
                    Violation::NotUtf8 => (1007, CloseCause::BadMessage),
                    Violation::TooLarge => (1009, CloseCause::TooLarge),
                };
                self.close(code, cause, &mut scratch.output, now);
            }
        }
    }

    fn item(&mut self, item: Item<'_>, scratch: &mut Scratch, now: Moment) {
        let frame = match item {
            Item::Ping(payload) => return frame::write(&mut scratch.output, Opcode::Pong, payload),
            Item::Close(payload) => {
                let code = frame::close_answer(payload);
                return self.close(code, CloseCause::Peer, &mut scratch.output, now);
            }
            Item::Pong(payload) => Frame::Pong(payload),
            Item::Text(text) => Frame::Text(text),
            Item::Binary(bytes) => Frame::Binary(bytes),
        };
        if !matches!(frame, Frame::Pong(_)) {
            self.shell.metrics.message_in(self.dialect);
        }
        self.with_session(scratch, now, |session, ctx| session.on_frame(frame, ctx));
    }

    /// Calls the session, carries out its commands and delivers the events that they caused for it.
    fn with_session(&mut self, scratch: &mut Scratch, now: Moment, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        self.call(scratch, now, call);
        if scratch.outbox.has_commands() {
            let commands = scratch.outbox.take_commands();
            self.shell.switchboard.handle(now, self.party, commands, &mut scratch.wake);
        }
        self.collect(scratch, now);
        while self.phase == Phase::Open {
            match self.mailbox.take(true) {
                Ok(Some(event)) => self.deliver(event, scratch, now),
                // An order to close is met in the next turn.
                Ok(None) | Err(_) => break,
            }
        }
    }

    fn deliver(&mut self, event: Event, scratch: &mut Scratch, now: Moment) {
        self.call(scratch, now, |session, ctx| session.on_event(event, ctx));
        debug_assert!(!scratch.outbox.has_commands(), "law 1: an event causes no command in the same turn");
        self.collect(scratch, now);
    }

    fn call(&mut self, scratch: &mut Scratch, now: Moment, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        let unix_ms = self.shell.clock.unix_ms(now);
        let (session, out) = (&mut *self.session, &mut scratch.outbox);
        self.shell.entropy.lend(&mut scratch.random, |rng| call(session, &mut Ctx { now, unix_ms, rng, out }));
    }

    /// Turns what the session wants sent into bytes.
    fn collect(&mut self, scratch: &mut Scratch, now: Moment) {
        let mut sent = 0;
        for frame in scratch.outbox.frames() {
            match frame {
                OutFrame::Text(text) => {
                    sent += 1;
                    frame::write(&mut scratch.output, Opcode::Text, text);
                }
                OutFrame::Ping => frame::write(&mut scratch.output, Opcode::Ping, &[]),
            }
        }
        scratch.outbox.take_warnings().for_each(telemetry::warn_once);
        for order in scratch.outbox.take_orders() {
            self.shell.lines.order(self.party, &self.mailbox, order);
        }
        for (tag, job) in scratch.outbox.take_jobs() {
            self.shell.jobs.take(self.party, &self.mailbox, tag, job);
        }
        self.shell.metrics.messages_out(self.dialect, sent);
        self.deaf_until = self.deaf_until.max(scratch.outbox.deaf_until().unwrap_or_default());
        match scratch.outbox.closing() {
            Some(Close { code: Some(code), cause }) => self.close(code, cause, &mut scratch.output, now),
            Some(Close { code: None, cause }) => self.abort(cause),
            None => {}
        }
        scratch.outbox.clear();
    }

    /// The switchboard has ordered the connection to end.
    fn ordered(&mut self, cause: CloseCause, scratch: &mut Scratch, now: Moment) {
        match cause {
            CloseCause::Shutdown => self.close(1001, cause, &mut scratch.output, now),
            // It does not read: it would not read a close frame either.
            _ => self.abort(cause),
        }
    }

    /// Writes a close frame and waits for the peer to hang up. To everybody else it has gone: its names are free at once.
    fn close(&mut self, code: u16, cause: CloseCause, output: &mut Vec<u8>, now: Moment) {
        if self.phase == Phase::Open {
            frame::write_close(output, code);
            let linger = if self.shell.is_closing() { LINGER_SHUTDOWN } else { LINGER };
            self.phase = Phase::Closing { cause, until: now + linger };
            self.detach(now);
        }
    }

    /// Resets the connection: the kernel forgets what it still holds for a peer that does not take it.
    fn abort(&mut self, cause: CloseCause) {
        self.socket.reset_on_drop();
        self.phase = Phase::Over(cause);
    }

    fn detach(&mut self, now: Moment) {
        if !std::mem::replace(&mut self.detached, true) {
            self.shell.lines.gone(self.party);
            // Who was torn away may come back for its viewers; who has said farewell does not.
            let torn = [CloseCause::Lost, CloseCause::Silent, CloseCause::TooSlow];
            match self.phase {
                Phase::Over(cause) if torn.contains(&cause) => self.shell.switchboard.lose(now, self.party),
                _ => self.shell.switchboard.detach(now, self.party),
            }
            if !matches!(self.phase, Phase::Over(CloseCause::Panic)) {
                farewell::say(&self.shell, &mut *self.session, self.party, &self.mailbox, now);
            }
        }
    }

    fn over(&mut self) {
        if let Phase::Closing { cause, .. } = self.phase {
            self.phase = Phase::Over(cause);
        }
    }

    /// Bytes that have not gone to the kernel yet, whoever holds them.
    fn backlog(&self) -> usize {
        self.waiting() + self.socket.unsent()
    }

    /// Those of them that the socket has not been given.
    fn waiting(&self) -> usize {
        self.unwritten.len() - self.written
    }

    /// Writes what waits and what this turn has made; keeps what the socket does not take.
    fn send(&mut self, scratch: &mut Scratch, now: Moment, cx: &mut Context<'_>) {
        let unsent = self.socket.unsent();
        if unsent > 0 {
            if let Poll::Ready(Err(_)) = Pin::new(&mut self.socket).poll_flush(cx) {
                return self.lost();
            }
            if self.socket.unsent() < unsent {
                self.progress = now;
            }
        }
        while self.waiting() > 0 {
            match Pin::new(&mut self.socket).poll_write(cx, &self.unwritten[self.written..]) {
                Poll::Ready(Ok(length)) => {
                    self.written += length;
                    self.progress = now;
                }
                Poll::Ready(Err(_)) => return self.lost(),
                Poll::Pending => break,
            }
        }
        if self.waiting() == 0 && !self.unwritten.is_empty() {
            self.unwritten = Vec::new();
            self.written = 0;
        }
        let mut output = &scratch.output[..];
        while !output.is_empty() && self.waiting() == 0 {
            match Pin::new(&mut self.socket).poll_write(cx, output) {
                Poll::Ready(Ok(length)) => {
                    output = &output[length..];
                    self.progress = now;
                }
                Poll::Ready(Err(_)) => return self.lost(),
                Poll::Pending => break,
            }
        }
        self.keep_unwritten(output);
        scratch.output.clear();
        scratch.output.shrink_to(OUTPUT_KEPT);
    }

    fn keep_unwritten(&mut self, output: &[u8]) {
        if !output.is_empty() {
            self.unwritten.drain(..self.written);
            self.written = 0;
            self.unwritten.extend_from_slice(output);
        }
    }

    fn lost(&mut self) {
        self.phase = match self.phase {
            Phase::Closing { cause, .. } => Phase::Over(cause),
            _ => Phase::Over(CloseCause::Lost),
        };
    }
}

impl Future for Connection {
    type Output = ();

    /// Law 5: a panic in a session ends that connection alone, and is counted.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let connection = self.get_mut();
        let driven =
            catch_unwind(AssertUnwindSafe(|| SCRATCH.with_borrow_mut(|scratch| connection.drive(scratch, cx))));
        let cause = match driven {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(cause)) => cause,
            Err(_) => {
                SCRATCH.with_borrow_mut(|scratch| *scratch = Scratch::default());
                CloseCause::Panic
            }
        };
        connection.phase = Phase::Over(cause);
        Poll::Ready(())
    }
}

/// However the connection ends, the hub lets its party go: also when the runtime drops the task.
impl Drop for Connection {
    fn drop(&mut self) {
        self.detach(self.shell.clock.now());
        let cause = match self.phase {
            Phase::Over(cause) | Phase::Closing { cause, .. } => cause,
            Phase::Open => CloseCause::Shutdown,
        };
        self.shell.metrics.connection_closed(self.dialect, cause);
        let level_is_ours = cause == CloseCause::Panic;
        if level_is_ours {
            tracing::error!(party = %self.party, cause = cause.label(), "connection closed");
        } else {
            tracing::debug!(party = %self.party, cause = cause.label(), "connection closed");
        }
    }
}

#[cfg(test)]
mod tests;
