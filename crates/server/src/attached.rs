//! A session and its party: the one place where sessions are driven, whatever their frames come by.
//!
//! Who brings frames reads and writes, and knows how long to wait for its peer: WebSockets (`ws`), resources (`resource.rs`), polls
//! (`socketio/task.rs`), lines over TCP (`lines.rs`) and connections that a session has ordered (`dial.rs`); some sessions have
//! nobody (`resident`). What is due, what the hub told, news of telephones and outcomes of jobs are delivered here, in that
//! order; a session's commands are carried out at once, and the events that they cause for it are delivered before its next
//! frame (law 3). However it ends, it has a last word, and the hub lets its party go.

mod order;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread::LocalKey;

use patchbay_core::{Event, Moment, PartyId};
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::{Close, CloseCause, Ctx, Frame, OutFrame, Outbox, Session};

use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::Shell;

/// Where goes what a session says.
pub(crate) trait Sink {
    /// It sends a frame.
    fn frame(&mut self, _frame: OutFrame<'_>) {}
    /// It answers a request.
    fn reply(&mut self, _exchange: Exchange, _reply: Reply) {}
    /// Whether the session may be told what it has not asked for: what it says to that can go soon.
    fn has_room(&self) -> bool {
        true
    }
    /// Others have something to hear: they are to be woken, now or in this turn.
    fn wake(&mut self, wakers: &mut Vec<Waker>) {
        wakers.drain(..).for_each(Waker::wake);
    }
}

/// What is said there goes nowhere.
impl Sink for () {}

/// What sessions are called with; those of a thread share it.
#[derive(Default)]
struct Tools {
    out: Outbox,
    random: SystemRandom,
    wake: Vec<Waker>,
}

thread_local! {
    static TOOLS: Cell<Option<Box<Tools>>> = const { Cell::new(None) };
}

/// Lends what a thread keeps in this place. It is taken out meanwhile: a panic leaves nothing half-done behind.
pub(crate) fn lend<T: Default, R>(place: &'static LocalKey<Cell<Option<Box<T>>>>, with: impl FnOnce(&mut T) -> R) -> R {
    // Both fail while the thread ends: then it is made anew.
    let mut kept = place.try_with(Cell::take).ok().flatten().unwrap_or_default();
    let result = with(&mut kept);
    let _ended = place.try_with(|place| place.set(Some(kept)));
    result
}

/// A session that is attached to the hub.
pub(crate) struct Attached {
    pub(crate) shell: Arc<Shell>,
    dialect: usize,
    session: Box<dyn Session>,
    mailbox: Arc<Mailbox>,
    party: PartyId,
    /// Nothing is read before that moment, because the session said so.
    deaf_until: Moment,
    /// The mailbox is above its soft bound while the peer takes nothing: when that has been so for too long.
    slow_at: Option<Moment>,
    over: Option<Close>,
}

impl Attached {
    pub(crate) fn new(shell: Arc<Shell>, dialect: usize, session: Box<dyn Session>, sink: &mut impl Sink) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let party = shell.switchboard.attach(shell.dialects[dialect].profile(), Arc::clone(&mailbox));
        // Looked at after the party was attached: either this or `close_all` sees the other.
        if shell.is_closing() {
            mailbox.drain();
            mailbox.close(CloseCause::Shutdown);
        }
        shell.metrics.connection_opened(dialect);
        let (deaf_until, slow_at, over) = (Moment::START, None, None);
        let mut attached = Self { shell, dialect, session, mailbox, party, deaf_until, slow_at, over };
        attached.turn(attached.now(), sink, |session, ctx| session.on_open(ctx));
        attached
    }

    /// The moment.
    pub(crate) fn now(&self) -> Moment {
        self.shell.clock.now()
    }

    /// How the session has ended, if it has; it hears nothing more then. Without a code: at once.
    pub(crate) fn over(&self) -> Option<Close> {
        self.over
    }

    pub(crate) fn is_open(&self) -> bool {
        self.over.is_none()
    }

    /// Whether it wants to read nothing now.
    pub(crate) fn is_deaf(&self, now: Moment) -> bool {
        self.deaf_until > now
    }

    /// Ends it at once for a reason of the transport's.
    pub(crate) fn end(&mut self, cause: CloseCause) {
        self.close(Close { code: None, cause });
    }

    /// Ends it. To everybody else it has gone: its names are free at once. The first cause counts.
    pub(crate) fn close(&mut self, close: Close) {
        lend(&TOOLS, |tools| self.finish(tools, self.now(), close));
    }

    /// A frame has come.
    pub(crate) fn frame(&mut self, now: Moment, sink: &mut impl Sink, frame: Frame<'_>) {
        if !matches!(frame, Frame::Pong(_)) {
            self.shell.metrics.message_in(self.dialect);
        }
        self.turn(now, sink, |session, ctx| session.on_frame(frame, ctx));
    }

    /// A request has come.
    pub(crate) fn request(&mut self, now: Moment, sink: &mut impl Sink, request: &Request<'_>) {
        self.shell.metrics.message_in(self.dialect);
        self.turn(now, sink, |session, ctx| session.on_request(request, ctx));
    }

    /// The connection that was dialled for it is lost. Whether it goes on without one.
    pub(crate) fn cut(&mut self, now: Moment, sink: &mut impl Sink) -> bool {
        let mut goes_on = false;
        self.turn(now, sink, |session, ctx| goes_on = session.on_cut(ctx));
        goes_on
    }

    /// Does what is due and tells the session what waits for it. Whether there was anything.
    pub(crate) fn attend(&mut self, now: Moment, sink: &mut impl Sink) -> bool {
        lend(&TOOLS, |tools| self.attend_with(tools, now, sink))
    }

    fn attend_with(&mut self, tools: &mut Tools, now: Moment, sink: &mut impl Sink) -> bool {
        let mut more = false;
        if self.is_open() && self.session.deadline().is_some_and(|due| due <= now) {
            self.turn_with(tools, now, sink, |session, ctx| session.on_deadline(ctx));
            more = true;
        }
        // Before the order to close, which may be there already: whoever is sent away hears first that it is for good.
        if self.shell.is_closing() && self.is_open() && sink.has_room() && self.mailbox.take_drain() {
            self.turn_with(tools, now, sink, |session, ctx| session.on_drain(ctx));
            more = true;
        }
        while self.is_open() {
            match self.mailbox.take(sink.has_room()) {
                Ok(Some(event)) => self.tell(tools, now, sink, event),
                Ok(None) => break,
                Err(cause) => self.finish(tools, now, Close { code: None, cause }),
            }
            more = true;
        }
        while self.is_open()
            && sink.has_room()
            && let Some(news) = self.mailbox.take_news()
        {
            self.turn_with(tools, now, sink, |session, ctx| session.on_line(news, ctx));
            more = true;
        }
        while self.is_open()
            && sink.has_room()
            && let Some((tag, done)) = self.mailbox.take_done()
        {
            self.turn_with(tools, now, sink, |session, ctx| session.on_job(tag, done, ctx));
            more = true;
        }
        more
    }

    /// Ends it if its peer, which takes nothing now and took something last at `progress`, has been too slow for too long.
    pub(crate) fn judge(&mut self, now: Moment, blocked: bool, progress: Moment) {
        let shell = &self.shell;
        self.slow_at = (blocked && self.is_open() && self.mailbox.len() > shell.bounds.soft_messages)
            .then(|| self.slow_at.unwrap_or(now + shell.slow_timeout).max(progress + shell.slow_timeout));
        if self.slow_at.is_some_and(|at| at <= now) {
            self.end(CloseCause::TooSlow);
        }
    }

    /// Goes to sleep until there is something to attend to; `false` if there is already. `room`: that of the sink.
    pub(crate) fn sleep(&self, room: bool, cx: &Context<'_>) -> bool {
        self.mailbox.sleep(self.wake_at(room), cx)
    }

    /// At how many events there is something to do. Who has no room has no use for single ones, only for the news that it
    /// has become too slow.
    fn wake_at(&self, room: bool) -> usize {
        match (room, self.slow_at) {
            (true, _) => 1,
            (false, None) => self.shell.bounds.soft_messages + 1,
            (false, Some(_)) => usize::MAX,
        }
    }

    /// When there is something to do in any case: what is due, or to be read again, or too slow.
    pub(crate) fn due(&self, now: Moment) -> Option<Moment> {
        let deaf = self.is_deaf(now).then_some(self.deaf_until);
        [self.session.deadline(), self.slow_at, deaf].into_iter().flatten().min().filter(|_| self.is_open())
    }

    /// Until there is something to attend to, or to read again, and no longer than `until`. `room`: that of the sink.
    pub(crate) fn news(&self, room: bool, until: Option<Moment>) -> impl Future<Output = ()> + use<> {
        let until = self.due(self.now()).into_iter().chain(until).min();
        let (mailbox, clock) = (Arc::clone(&self.mailbox), self.shell.clock);
        let (open, wake_at) = (self.is_open(), self.wake_at(room));
        async move {
            let told = poll_fn(move |cx| match open && !mailbox.sleep(wake_at, cx) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            });
            let until = async {
                match until {
                    Some(until) => tokio::time::sleep_until(clock.instant(until)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In order: chance would make two runs of one simulation differ.
                biased;
                () = told => {}
                () = until => {}
            }
        }
    }

    fn turn(&mut self, now: Moment, sink: &mut impl Sink, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        lend(&TOOLS, |tools| self.turn_with(tools, now, sink, call));
    }

    /// Calls the session, carries out its commands and delivers the events that they caused for it (law 3).
    fn turn_with(
        &mut self,
        tools: &mut Tools,
        now: Moment,
        sink: &mut impl Sink,
        call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>),
    ) {
        if !self.is_open() {
            return;
        }
        self.call(tools, now, call);
        if tools.out.has_commands() {
            self.shell.switchboard.handle(now, self.party, tools.out.take_commands(), &mut tools.wake);
            sink.wake(&mut tools.wake);
        }
        self.collect(tools, now, sink);
        while self.is_open() {
            match self.mailbox.take(true) {
                Ok(Some(event)) => self.tell(tools, now, sink, event),
                // An order to close is met when it is attended to.
                Ok(None) | Err(_) => break,
            }
        }
    }

    fn tell(&mut self, tools: &mut Tools, now: Moment, sink: &mut impl Sink, event: Event) {
        self.call(tools, now, |session, ctx| session.on_event(event, ctx));
        debug_assert!(!tools.out.has_commands(), "law 1: an event causes no command in the same turn");
        self.collect(tools, now, sink);
    }

    /// Law 5: a panic in a session ends that party alone, and is counted.
    fn call(&mut self, tools: &mut Tools, now: Moment, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        let unix_ms = self.shell.clock.unix_ms(now);
        let (session, out) = (&mut *self.session, &mut tools.out);
        let called = catch_unwind(AssertUnwindSafe(|| {
            self.shell.entropy.lend(&mut tools.random, |rng| call(session, &mut Ctx { now, unix_ms, rng, out }));
        }));
        if called.is_err() {
            tools.out = Outbox::new();
            self.finish(tools, now, Close { code: None, cause: CloseCause::Panic });
        }
    }

    /// Hands on what the session has said, and orders what it wants done.
    fn collect(&mut self, tools: &mut Tools, now: Moment, sink: &mut impl Sink) {
        let out = &mut tools.out;
        let mut sent = 0;
        for frame in out.frames() {
            sent += u64::from(matches!(frame, OutFrame::Text(_)));
            sink.frame(frame);
        }
        if out.has_errands() {
            for (exchange, reply) in out.take_replies() {
                sent += 1;
                sink.reply(exchange, reply);
            }
            for order in out.take_orders() {
                self.shell.lines.order(self.party, &self.mailbox, order);
            }
            self.carry_out(out);
        }
        self.shell.metrics.messages_out(self.dialect, sent);
        self.deaf_until = self.deaf_until.max(out.deaf_until().unwrap_or_default());
        let close = out.closing();
        out.clear();
        if let Some(close) = close {
            self.finish(tools, now, close);
        }
    }

    /// Lets the party go and the session speak once more, to those who are told things elsewhere. Not after a panic: then it
    /// has nothing to say.
    fn finish(&mut self, tools: &mut Tools, now: Moment, close: Close) {
        if !self.is_open() {
            return;
        }
        self.over = Some(close);
        self.shell.lines.gone(self.party);
        // Who was torn away may come back for its viewers; who has said farewell does not.
        match close.cause {
            CloseCause::Lost | CloseCause::Silent | CloseCause::TooSlow => self.shell.switchboard.lose(now, self.party),
            _ => self.shell.switchboard.detach(now, self.party),
        }
        if close.cause != CloseCause::Panic {
            self.call(tools, now, |session, ctx| session.on_close(ctx));
            drop(tools.out.take_commands());
            self.carry_out(&mut tools.out);
            tools.out.clear();
        }
    }
}

/// However it ends: also when the runtime drops it, and when a transport panics.
impl Drop for Attached {
    fn drop(&mut self) {
        self.end(if std::thread::panicking() { CloseCause::Panic } else { CloseCause::Shutdown });
        let Some(Close { cause, .. }) = self.over else { return };
        self.shell.metrics.connection_closed(self.dialect, cause);
        if cause == CloseCause::Panic {
            tracing::error!(party = %self.party, cause = cause.label(), "session ended");
        } else {
            tracing::debug!(party = %self.party, cause = cause.label(), "session ended");
        }
    }
}

/// Runs a session without a connection, for as long as it likes: what it sends goes nowhere. It is there before this
/// returns, so that nobody who comes to the server later finds it missing.
pub(crate) fn reside(
    shell: Arc<Shell>,
    dialect: usize,
    session: Box<dyn Session>,
) -> impl Future<Output = ()> + Send + use<> {
    let mut attached = Attached::new(shell, dialect, session, &mut ());
    async move {
        loop {
            attached.attend(attached.now(), &mut ());
            if !attached.is_open() {
                return;
            }
            attached.news(true, None).await;
        }
    }
}
