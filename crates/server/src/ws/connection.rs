//! One WebSocket connection: a future that owns the socket and the session, and nothing else while it is idle.
//!
//! Order within one turn: what waits for the session (`attached.rs`), what the socket brings, and one coalesced write.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use patchbay_core::Moment;
use patchbay_dialect_kit::{Close, CloseCause, Frame, OutFrame, Session};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::frame::{self, Opcode, Violation};
use super::reader::{Item, Next, Reader};
use crate::attached::{Attached, Sink, lend};
use crate::shell::Shell;
use crate::socket::Socket;

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
/// What a peer is told when the server stops (RFC 6455, section 7.4.1).
const GOING_AWAY: u16 = 1001;

/// One connection after its handshake.
pub(crate) struct Connection {
    attached: Attached,
    socket: Socket,
    reader: Reader,
    /// The reader may hold whole frames that have not been looked at: they came with the handshake, while the session
    /// wanted to hear nothing, or with more messages than one poll handles.
    early: bool,
    /// Bytes that the socket has not taken yet, from `written` on.
    unwritten: Vec<u8>,
    written: usize,
    /// When the socket last took bytes.
    progress: Moment,
    phase: Phase,
    timer: Pin<Box<Sleep>>,
    timer_at: Moment,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// A close frame is on its way; input is dropped until the peer hangs up or the moment comes.
    Closing {
        until: Moment,
    },
    /// Nothing is left to be done.
    Over,
}

/// What the connections of a thread share: each poll uses it up before it ends.
struct Scratch {
    input: Box<[u8]>,
    /// Bytes read in this poll.
    taken: usize,
    output: Vec<u8>,
    wake: Vec<Waker>,
    /// Messages that this poll may still handle.
    messages: usize,
}

impl Default for Scratch {
    fn default() -> Self {
        Self {
            input: vec![0; READ_BYTES].into_boxed_slice(),
            taken: 0,
            output: Vec::new(),
            wake: Vec::new(),
            messages: MESSAGES,
        }
    }
}

thread_local! {
    static SCRATCH: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// What a session says becomes bytes of the turn. `free`: the socket has taken all that was said before.
struct Turn<'a> {
    output: &'a mut Vec<u8>,
    wake: &'a mut Vec<Waker>,
    free: bool,
}

impl Sink for Turn<'_> {
    fn frame(&mut self, frame: OutFrame<'_>) {
        match frame {
            OutFrame::Text(text) => frame::write(self.output, Opcode::Text, text),
            OutFrame::Ping => frame::write(self.output, Opcode::Ping, &[]),
        }
    }

    fn has_room(&self) -> bool {
        self.free && self.output.len() < HIGH_WATER
    }

    /// After the write: who is woken may run on this very thread next.
    fn wake(&mut self, wakers: &mut Vec<Waker>) {
        self.wake.append(wakers);
    }
}

impl Scratch {
    fn turn(&mut self, free: bool) -> Turn<'_> {
        Turn { output: &mut self.output, wake: &mut self.wake, free }
    }
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
        lend(&SCRATCH, |scratch| {
            scratch.output.clear();
            let attached = Attached::new(shell, dialect, session, &mut scratch.turn(true));
            let now = attached.now();
            let mut connection = Self {
                socket,
                early: !early.is_empty(),
                reader: Reader::with(early),
                unwritten: Vec::new(),
                written: 0,
                progress: now,
                phase: Phase::Open,
                timer: Box::pin(tokio::time::sleep_until(attached.shell.clock.instant(now))),
                timer_at: now,
                attached,
            };
            connection.settle(scratch, now);
            connection.keep_unwritten(&scratch.output);
            scratch.wake.drain(..).for_each(Waker::wake);
            connection
        })
    }

    /// Runs until the connection has to wait (`Pending`) or is over.
    fn drive(&mut self, scratch: &mut Scratch, cx: &mut Context<'_>) -> Poll<()> {
        scratch.output.clear();
        scratch.taken = 0;
        scratch.messages = MESSAGES;
        for _ in 0..TURNS {
            let now = self.attached.now();
            let more = match self.phase {
                Phase::Open => self.turn(scratch, now, cx),
                Phase::Closing { until } => self.closing_turn(scratch, now, until, cx),
                Phase::Over => false,
            };
            scratch.wake.drain(..).for_each(Waker::wake);
            if self.phase == Phase::Over {
                return Poll::Ready(());
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
        let mut more = self.attached.attend(now, &mut scratch.turn(self.backlog() == 0));
        let full = self.backlog() >= HIGH_WATER;
        if self.attached.is_open() && !full && !self.attached.is_deaf(now) {
            more |= self.receive(scratch, now, cx);
        }
        if !self.attached.is_open() {
            self.settle(scratch, now);
        }
        self.send(scratch, now, cx);
        // Nobody has asked the socket for input, so it would not wake us for what lies there already.
        more |= full && self.backlog() < HIGH_WATER;
        self.attached.judge(now, self.backlog() > 0, self.progress);
        if !self.attached.is_open() {
            self.settle(scratch, now);
        }
        more
    }

    /// One turn of a connection that we are closing.
    fn closing_turn(&mut self, scratch: &mut Scratch, now: Moment, until: Moment, cx: &mut Context<'_>) -> bool {
        self.send(scratch, now, cx);
        // Pending: TLS has a farewell of its own to send, and the socket is full.
        if self.backlog() == 0 && matches!(Pin::new(&mut self.socket).poll_shutdown(cx), Poll::Ready(Err(_))) {
            self.phase = Phase::Over;
        }
        match self.read(&mut scratch.input, cx) {
            Poll::Ready(Ok(length @ 1..)) if now < until => {
                scratch.taken += length;
                return true;
            }
            Poll::Pending if now < until => {}
            _ => self.phase = Phase::Over,
        }
        false
    }

    /// Goes to sleep until the timer, the mailbox or the socket wakes it; `false` if there is something to do already.
    fn rest(&mut self, now: Moment, cx: &mut Context<'_>) -> bool {
        let until = match self.phase {
            Phase::Closing { until } => Some(until),
            _ if !self.attached.sleep(self.backlog() == 0, cx) => return false,
            _ => self.attached.due(now),
        };
        let Some(until) = until else { return true };
        if until <= now {
            return false;
        }
        if until != self.timer_at {
            self.timer_at = until;
            self.timer.as_mut().reset(self.attached.shell.clock.instant(until));
        }
        self.timer.as_mut().poll(cx).is_pending()
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
            Poll::Ready(_) => self.lost(),
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
        let most = self.attached.shell.message_bytes;
        let mut reader = std::mem::take(&mut self.reader);
        let read = reader.digest(input, most, |item| {
            self.item(item, scratch, now);
            scratch.messages = scratch.messages.saturating_sub(1);
            match self.attached.is_open() {
                true if self.attached.is_deaf(now) || scratch.messages == 0 => Next::Pause,
                true => Next::More,
                false => Next::Stop,
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
                self.attached.close(Close { code: Some(code), cause });
            }
        }
    }

    fn item(&mut self, item: Item<'_>, scratch: &mut Scratch, now: Moment) {
        let frame = match item {
            Item::Ping(payload) => return frame::write(&mut scratch.output, Opcode::Pong, payload),
            Item::Close(payload) => {
                let code = frame::close_answer(payload);
                return self.attached.close(Close { code: Some(code), cause: CloseCause::Peer });
            }
            Item::Pong(payload) => Frame::Pong(payload),
            Item::Text(text) => Frame::Text(text),
            Item::Binary(bytes) => Frame::Binary(bytes),
        };
        self.attached.frame(now, &mut scratch.turn(true), frame);
    }

    /// Once the session has ended: writes a close frame and waits for the peer to hang up, or hangs up at once.
    fn settle(&mut self, scratch: &mut Scratch, now: Moment) {
        let (Phase::Open, Some(close)) = (self.phase, self.attached.over()) else { return };
        let code = match close {
            Close { code: Some(code), .. } => code,
            Close { cause: CloseCause::Shutdown, .. } => GOING_AWAY,
            Close { cause, .. } => {
                if cause != CloseCause::Panic {
                    // The kernel forgets what it still holds for a peer that does not take it, nor would take a close frame.
                    self.socket.reset_on_drop();
                }
                self.phase = Phase::Over;
                return;
            }
        };
        frame::write_close(&mut scratch.output, code);
        let linger = if self.attached.shell.is_closing() { LINGER_SHUTDOWN } else { LINGER };
        self.phase = Phase::Closing { until: now + linger };
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
        self.attached.end(CloseCause::Lost);
        self.phase = Phase::Over;
    }
}

impl Future for Connection {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        lend(&SCRATCH, |scratch| self.get_mut().drive(scratch, cx))
    }
}

#[cfg(test)]
mod tests;
