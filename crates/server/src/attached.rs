//! A session and its party, for those who bring it frames by themselves: lines over TCP (`lines.rs`), connections that a session
//! has ordered (`dial`), and sessions that have none (`resident`).

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use patchbay_core::{Event, Moment, PartyId, Tag};
use patchbay_dialect_kit::http::Reply;
use patchbay_dialect_kit::job::{Done, Job};
use patchbay_dialect_kit::{Close, CloseCause, Ctx, OutFrame, Outbox, Session};
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::dial;
use crate::farewell;
use crate::jobs::Waiting;
use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::Shell;
use crate::telemetry;

/// How long a name may take to be looked up: somebody waits for the answer.
const LOOKING: Duration = Duration::from_secs(5);

/// A session that is attached to the hub.
pub(crate) struct Attached {
    pub(crate) shell: Arc<Shell>,
    dialect: usize,
    session: Box<dyn Session>,
    mailbox: Arc<Mailbox>,
    party: PartyId,
    out: Outbox,
    random: SystemRandom,
    /// What it has sent, and nobody has taken.
    sent: VecDeque<Vec<u8>>,
    /// What it has replied.
    replies: VecDeque<Reply>,
    deaf_until: Moment,
    over: Option<Close>,
}

impl Attached {
    pub(crate) fn new(shell: &Arc<Shell>, dialect: usize, session: Box<dyn Session>) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let party = shell.switchboard.attach(shell.dialects[dialect].profile(), Arc::clone(&mailbox));
        // Looked at after the party was attached: either this or `close_all` sees the other.
        if shell.is_closing() {
            mailbox.drain();
            mailbox.close(CloseCause::Shutdown);
        }
        shell.metrics.connection_opened(dialect);
        let mut attached = Self {
            shell: Arc::clone(shell),
            dialect,
            session,
            mailbox,
            party,
            out: Outbox::new(),
            random: SystemRandom::default(),
            sent: VecDeque::new(),
            replies: VecDeque::new(),
            deaf_until: Moment::START,
            over: None,
        };
        attached.turn(|session, ctx| session.on_open(ctx));
        attached
    }

    /// How the session has ended, if it has.
    pub(crate) fn over(&self) -> Option<Close> {
        self.over
    }

    /// Ends it for a reason of the transport's.
    pub(crate) fn end(&mut self, cause: CloseCause) {
        self.over.get_or_insert(Close { code: None, cause });
    }

    /// Takes out what it has sent first.
    pub(crate) fn take_sent(&mut self) -> Option<Vec<u8>> {
        self.sent.pop_front()
    }

    /// Takes out its first reply.
    pub(crate) fn take_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// Whether it wants to read nothing now.
    pub(crate) fn is_deaf(&self) -> bool {
        self.deaf_until > self.shell.clock.now()
    }

    /// A frame has come.
    pub(crate) fn frame(&mut self, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        self.shell.metrics.message_in(self.dialect);
        self.turn(call);
    }

    /// Does what is due and hears what waits: deadlines, events, outcomes.
    pub(crate) fn attend(&mut self) {
        if self.over.is_none() && self.session.deadline().is_some_and(|due| due <= self.shell.clock.now()) {
            self.turn(|session, ctx| session.on_deadline(ctx));
        }
        if self.over.is_none() && self.mailbox.take_drain() {
            self.turn(|session, ctx| session.on_drain(ctx));
        }
        self.deliver();
        while self.over.is_none()
            && let Some((tag, done)) = self.mailbox.take_done()
        {
            self.turn(|session, ctx| session.on_job(tag, done, ctx));
        }
    }

    /// Until there is something to attend to, or to read again.
    pub(crate) fn news(&self) -> impl Future<Output = ()> + use<> {
        let deaf = Some(self.deaf_until).filter(|until| *until > self.shell.clock.now());
        let due = self.session.deadline().into_iter().chain(deaf).min();
        let (mailbox, clock) = (Arc::clone(&self.mailbox), self.shell.clock);
        async move {
            let told = poll_fn(move |cx| if mailbox.sleep(1, cx) { Poll::Pending } else { Poll::Ready(()) });
            let until = async {
                match due {
                    Some(due) => tokio::time::sleep_until(clock.instant(due)).await,
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

    /// Calls the session, carries out its commands and delivers the events that they caused for it (law 3).
    pub(crate) fn turn(&mut self, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        self.call(call);
        if self.out.has_commands() {
            let mut wake = Vec::new();
            self.shell.switchboard.handle(self.shell.clock.now(), self.party, self.out.take_commands(), &mut wake);
            wake.into_iter().for_each(Waker::wake);
        }
        self.collect();
        self.deliver();
    }

    fn deliver(&mut self) {
        while self.over.is_none() {
            match self.mailbox.take(true) {
                Ok(Some(event)) => self.tell(event),
                Ok(None) => return,
                Err(cause) => self.end(cause),
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
            self.end(CloseCause::Panic);
        }
    }

    fn collect(&mut self) {
        let mut sent = 0;
        for frame in self.out.frames() {
            // There are no pings here.
            if let OutFrame::Text(text) = frame {
                sent += 1;
                self.sent.push_back(text.to_vec());
            }
        }
        for (_, reply) in self.out.take_replies() {
            sent += 1;
            self.replies.push_back(reply);
        }
        self.out.take_warnings().for_each(telemetry::warn_once);
        for order in self.out.take_orders() {
            self.shell.lines.order(self.party, &self.mailbox, order);
        }
        let jobs: Vec<_> = self.out.take_jobs().collect();
        jobs.into_iter().for_each(|(tag, job)| self.order(tag, job));
        self.shell.metrics.messages_out(self.dialect, sent);
        self.deaf_until = self.deaf_until.max(self.out.deaf_until().unwrap_or_default());
        if let Some(close) = self.out.closing() {
            self.over.get_or_insert(close);
        }
        self.out.clear();
    }

    fn order(&self, tag: Tag, job: Job) {
        match job {
            Job::Dial(to) => {
                let waiting = Waiting::of_connection(self.party, &self.mailbox, tag);
                tokio::spawn(dial::run(Arc::clone(&self.shell), self.dialect, to, waiting));
            }
            Job::Resolve { host } => {
                let waiting = Waiting::of_connection(self.party, &self.mailbox, tag);
                tokio::spawn(async move {
                    waiting.tell(resolved(&host).await.map_or(Done::Failed, Done::Address));
                });
            }
            Job::Stop => self.shell.stop.notify_one(),
            job => self.shell.jobs.take(self.party, &self.mailbox, tag, job),
        }
    }
}

/// The first address of a name, IPv4 before IPv6, as servers of the time know it.
async fn resolved(host: &str) -> Option<IpAddr> {
    let found = timeout(LOOKING, lookup_host((host, 0))).await.ok()?.ok()?;
    let mut found: Vec<_> = found.map(|address| address.ip()).collect();
    found.sort_by_key(IpAddr::is_ipv6);
    found.first().copied()
}

/// However it ends, the hub lets the party go: also when the runtime drops it.
impl Drop for Attached {
    fn drop(&mut self) {
        let cause = self.over.map_or(CloseCause::Shutdown, |close| close.cause);
        let now = self.shell.clock.now();
        self.shell.lines.gone(self.party);
        // Who was torn away may come back for its viewers; who has said farewell does not.
        match cause {
            CloseCause::Lost | CloseCause::Silent | CloseCause::TooSlow => self.shell.switchboard.lose(now, self.party),
            _ => self.shell.switchboard.detach(now, self.party),
        }
        if cause != CloseCause::Panic {
            farewell::say(&self.shell, &mut *self.session, self.party, &self.mailbox, now);
        }
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
    shell: &Arc<Shell>,
    dialect: usize,
    session: Box<dyn Session>,
) -> impl Future<Output = ()> + Send + use<> {
    let mut attached = Attached::new(shell, dialect, session);
    async move {
        while attached.over().is_none() {
            attached.attend();
            attached.sent.clear();
            attached.replies.clear();
            if attached.over().is_none() {
                attached.news().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_dialect_kit::Frame;

    use super::*;
    use crate::probe;

    #[tokio::test]
    async fn a_resident_is_there_before_anybody_comes() {
        let shell = probe::shell(Vec::new());
        let parties = || shell.switchboard.snapshot().parties.load(std::sync::atomic::Ordering::Relaxed);
        let before = parties();
        let resident = reside(&shell, 0, shell.dialects[0].open());
        assert_eq!(parties(), before + 1, "also before its task has begun");
        drop(resident);
        assert_eq!(parties(), before);
    }

    #[tokio::test]
    async fn a_session_has_a_last_word_unless_it_panicked() {
        for (frame, speaks) in [("word", true), ("panic", false)] {
            let shell = probe::shell(Vec::new());
            let mut attached = Attached::new(&shell, 0, shell.dialects[0].open());
            attached.frame(|session, ctx| session.on_frame(Frame::Text(frame), ctx));
            assert!(!probe::has_spoken(&shell), "it has not ended");
            drop(attached);
            assert_eq!(probe::has_spoken(&shell), speaks, "{frame}");
        }
    }
}
