//! Resources: sessions that speak in HTTP exchanges, each a task that outlives them (DESIGN section 3).
//!
//! The task owns the session; requests come in through a short queue, replies go out to whoever waits. Nobody else waits for anything: a client that has gone cancels its own wait alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbay_dialect_kit::Random;
use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use tokio::sync::{mpsc, oneshot};

use crate::attached::{Attached, Sink};
use crate::random::SystemRandom;
use crate::shell::{Shell, Ticket};

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
        let session = shell.dialects[dialect].open_for(endpoint);
        let mut waiting = Waits::default();
        let attached = Attached::new(Arc::clone(shell), dialect, session, &mut waiting);
        tokio::spawn(Task { attached, id, exchanges: 0, waiting, _ticket: ticket }.run(inbox));
        Ok(reply)
    }
}

/// Who waits for a reply.
type Waits = BTreeMap<Exchange, Waiting>;

impl Sink for Waits {
    fn reply(&mut self, exchange: Exchange, reply: Reply) {
        if let Some(waiting) = self.remove(&exchange) {
            // A client that has gone needs no answer.
            let _gone = waiting.send(reply);
        }
    }
}

/// The session of one resource.
struct Task {
    attached: Attached,
    id: String,
    exchanges: u64,
    waiting: Waits,
    _ticket: Ticket,
}

impl Task {
    async fn run(mut self, mut inbox: mpsc::Receiver<(Asked, Waiting)>) {
        loop {
            self.attached.attend(self.attached.now(), &mut self.waiting);
            if !self.attached.is_open() {
                break;
            }
            tokio::select! {
                // In order: chance would make two runs of one simulation differ.
                biased;
                () = self.attached.news(true, None) => {}
                // Its other end lives as long as the resource is listed, which is as long as this.
                Some((asked, waiting)) = inbox.recv() => self.ask(&asked, waiting),
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
        self.attached.request(self.attached.now(), &mut self.waiting, &request);
    }
}

/// However the resource ends, nobody finds it any more: also when the runtime drops it.
impl Drop for Task {
    fn drop(&mut self) {
        self.attached.shell.resources.lock().remove(self.id.as_str());
    }
}

#[cfg(test)]
mod tests;
