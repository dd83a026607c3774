//! Resources: sessions that speak in HTTP exchanges, each a task that outlives them (DESIGN section 3).
//!
//! The task owns the session, as a WebSocket's connection owns its own; requests come in through a short queue, replies
//! go out to whoever waits. Nobody else waits for anything: a client that has gone cancels its own wait alone.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use patchbay_core::{Event, Moment, PartyId};
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::{CloseCause, Ctx, Outbox, Random, Session};
use tokio::sync::{mpsc, oneshot};

use crate::farewell;
use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::{Shell, Ticket};
use crate::telemetry;

/// Requests that wait for one resource; one more is answered 503. A client has one or two on their way: more would only
/// keep bodies in memory for who floods.
const QUEUE: usize = 16;
/// Requests that a session may leave unanswered at a time; one more is answered 503.
const UNANSWERED: usize = 16;

/// A request on its way to its session.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) endpoint: &'static str,
    pub(crate) name: String,
    pub(crate) query: String,
    pub(crate) resource: Option<String>,
    pub(crate) location: String,
    pub(crate) admitted: bool,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

/// Why a request did not reach its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unheard {
    /// It has ended.
    Gone,
    /// Its queue is full.
    Busy,
}

type Waiting = oneshot::Sender<Reply>;

/// A living resource, to send requests to.
#[derive(Clone)]
pub(crate) struct Resource {
    dialect: usize,
    inbox: mpsc::Sender<(Asked, Waiting)>,
}

impl Resource {
    /// Puts a request into the queue; the reply comes later.
    pub(crate) fn ask(&self, asked: Asked) -> Result<oneshot::Receiver<Reply>, Unheard> {
        let (waiting, reply) = oneshot::channel();
        match self.inbox.try_send((asked, waiting)) {
            Ok(()) => Ok(reply),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Unheard::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(Unheard::Gone),
        }
    }
}

/// All living resources, by their ids.
#[derive(Default)]
pub(crate) struct Resources(Mutex<BTreeMap<Box<str>, Resource>>);

impl Resources {
    /// The resource of that id, if it is one of that dialect's.
    pub(crate) fn find(&self, id: &str, dialect: usize) -> Option<Resource> {
        self.lock().get(id).filter(|resource| resource.dialect == dialect).cloned()
    }

    /// An id that nobody can guess: 128 random bits.
    #[expect(clippy::unused_self, reason = "the ids are theirs")]
    pub(crate) fn draw(&self, shell: &Shell) -> String {
        let mut id = String::new();
        shell.entropy.lend(&mut SystemRandom::default(), |rng: &mut dyn Random| {
            id = format!("{:016x}{:016x}", rng.next_u64(), rng.next_u64());
        });
        id
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Resource>> {
        // Nothing panics under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A resource that is about to be made by a request.
pub(crate) struct Opening<'a> {
    pub(crate) shell: &'a Arc<Shell>,
    pub(crate) dialect: usize,
    pub(crate) id: String,
    pub(crate) ticket: Ticket,
}

impl Opening<'_> {
    /// Makes the resource and hands it its first request.
    pub(crate) fn ask(self, asked: Asked) -> Result<oneshot::Receiver<Reply>, Unheard> {
        let Self { shell, dialect, id, ticket } = self;
        let (sender, inbox) = mpsc::channel(QUEUE);
        let resource = Resource { dialect, inbox: sender };
        let endpoint = asked.endpoint;
        let reply = resource.ask(asked)?;
        shell.resources.lock().insert(id.clone().into_boxed_str(), resource);
        let task = Task::new(Arc::clone(shell), dialect, endpoint, id, ticket);
        tokio::spawn(task.run(inbox));
        Ok(reply)
    }
}

/// The session of one resource.
struct Task {
    shell: Arc<Shell>,
    dialect: usize,
    id: String,
    session: Box<dyn Session>,
    mailbox: Arc<Mailbox>,
    party: PartyId,
    out: Outbox,
    random: SystemRandom,
    exchanges: u64,
    waiting: BTreeMap<Exchange, Waiting>,
    over: Option<CloseCause>,
    _ticket: Ticket,
}

impl Task {
    fn new(shell: Arc<Shell>, dialect: usize, endpoint: &'static str, id: String, ticket: Ticket) -> Self {
        let mailbox = Arc::new(Mailbox::default());
        let party = shell.switchboard.attach(shell.dialects[dialect].profile(), Arc::clone(&mailbox));
        // Looked at after the party was attached: either this or `close_all` sees the other.
        if shell.is_closing() {
            mailbox.drain();
            mailbox.close(CloseCause::Shutdown);
        }
        shell.metrics.connection_opened(dialect);
        Self {
            session: shell.dialects[dialect].open_for(endpoint),
            shell,
            dialect,
            id,
            mailbox,
            party,
            out: Outbox::new(),
            random: SystemRandom::default(),
            exchanges: 0,
            waiting: BTreeMap::new(),
            over: None,
            _ticket: ticket,
        }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<(Asked, Waiting)>) {
        self.turn(|session, ctx| session.on_open(ctx));
        while self.over.is_none() {
            let due = self.session.deadline();
            let clock = self.shell.clock;
            if due.is_some_and(|due| due <= clock.now()) {
                self.turn(|session, ctx| session.on_deadline(ctx));
                continue;
            }
            let mailbox = Arc::clone(&self.mailbox);
            let told =
                std::future::poll_fn(move |cx| if mailbox.sleep(1, cx) { Poll::Pending } else { Poll::Ready(()) });
            let until = async {
                match due {
                    Some(due) => tokio::time::sleep_until(clock.instant(due)).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // In order: chance would make two runs of one simulation differ.
                biased;
                () = told => self.hear(),
                asked = inbox.recv() => match asked {
                    Some((asked, waiting)) => self.ask(&asked, waiting),
                    None => self.over = Some(CloseCause::Lost),
                },
                () = until => {}
            }
        }
        inbox.close();
        while let Ok((_, waiting)) = inbox.try_recv() {
            let reply = Reply::problem(404, "Not Found", "the resource has just ended; begin anew with POST");
            let _gone = waiting.send(reply);
        }
    }

    fn ask(&mut self, asked: &Asked, waiting: Waiting) {
        if self.waiting.len() >= UNANSWERED {
            let reply = Reply::problem(503, "Service Unavailable", "this resource has enough to answer");
            let _gone = waiting.send(reply.with("retry-after", "1"));
            return;
        }
        self.shell.metrics.message_in(self.dialect);
        self.exchanges += 1;
        let exchange = Exchange(self.exchanges);
        self.waiting.insert(exchange, waiting);
        let headers: Vec<_> = asked.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
        let request = Request {
            exchange,
            method: &asked.method,
            endpoint: asked.endpoint,
            name: &asked.name,
            query: &asked.query,
            resource: asked.resource.as_deref(),
            location: &asked.location,
            admitted: asked.admitted,
            headers: &headers,
            body: &asked.body,
        };
        self.turn(|session, ctx| session.on_request(&request, ctx));
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
        self.deliver();
    }

    /// Hands the session what the hub has told it.
    fn deliver(&mut self) {
        if self.over.is_none() && self.mailbox.take_drain() {
            // Whatever it commands leads here again.
            return self.turn(|session, ctx| session.on_drain(ctx));
        }
        while self.over.is_none() {
            match self.mailbox.take(true) {
                Ok(Some(event)) => self.tell(event),
                Ok(None) => return,
                Err(cause) => self.over = Some(cause),
            }
        }
    }

    /// Hands the session what waits for it: events first, then the outcomes of its jobs.
    fn hear(&mut self) {
        self.deliver();
        while self.over.is_none()
            && let Some((tag, done)) = self.mailbox.take_done()
        {
            self.turn(|session, ctx| session.on_job(tag, done, ctx));
        }
    }

    fn tell(&mut self, event: Event) {
        self.call(|session, ctx| session.on_event(event, ctx));
        debug_assert!(!self.out.has_commands(), "law 1: an event causes no command in the same turn");
        self.collect();
    }

    /// Law 5: a panic in a session ends that party alone, and is counted.
    fn call(&mut self, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        let now: Moment = self.shell.clock.now();
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

    fn collect(&mut self) {
        let mut sent = 0;
        for (exchange, reply) in self.out.take_replies() {
            if let Some(waiting) = self.waiting.remove(&exchange) {
                sent += 1;
                // A client that has gone needs no answer.
                let _gone = waiting.send(reply);
            }
        }
        self.out.take_warnings().for_each(telemetry::warn_once);
        for (tag, job) in self.out.take_jobs() {
            self.shell.jobs.take(self.party, &self.mailbox, tag, job);
        }
        self.shell.metrics.messages_out(self.dialect, sent);
        if let Some(close) = self.out.closing() {
            self.over.get_or_insert(close.cause);
        }
        self.out.clear();
    }
}

/// However the resource ends, nobody finds it any more and the hub lets its party go: also when the runtime drops it.
impl Drop for Task {
    fn drop(&mut self) {
        self.shell.resources.lock().remove(self.id.as_str());
        let now = self.shell.clock.now();
        self.shell.switchboard.detach(now, self.party);
        let cause = self.over.unwrap_or(CloseCause::Shutdown);
        if cause != CloseCause::Panic {
            farewell::say(&self.shell, &mut *self.session, self.party, &self.mailbox, now);
        }
        self.shell.metrics.connection_closed(self.dialect, cause);
        if cause == CloseCause::Panic {
            tracing::error!(party = %self.party, cause = cause.label(), "resource ended");
        } else {
            tracing::debug!(party = %self.party, cause = cause.label(), "resource ended");
        }
    }
}

#[cfg(test)]
mod tests;
