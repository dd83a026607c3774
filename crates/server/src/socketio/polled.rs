//! Sessions that are polled, by their ids, and how an exchange reaches one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::payload::Body;
use super::task::Task;
use super::{Comer, Sid};
use crate::metrics::Refused;
use crate::places::Source;
use crate::shell::{Shell, Ticket};

/// Requests on their way to one session; one more is answered 503. A client has one of each kind: more would only keep
/// bodies in memory for who floods.
const QUEUE: usize = 4;

/// What is asked of a session.
pub(crate) enum Request {
    /// Packets, as soon as there are some.
    Poll,
    /// To read these.
    Post(String),
    /// To end.
    Leave,
}

/// Why a request is not answered by its session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unanswered {
    /// It has ended, or there was none.
    NotHandshaken,
    /// It has enough to do.
    Busy,
    /// There may be no more sessions.
    Refused(Refused),
}

/// A request on its way.
pub(super) enum Asked {
    Poll(oneshot::Sender<String>),
    /// The answer: whether there was room for it.
    Post(Body, oneshot::Sender<bool>),
    Leave,
}

/// A session, to send requests to.
#[derive(Clone)]
struct Entry {
    dialect: usize,
    /// Whose it is. Ids are told to others, so an id alone proves nothing.
    source: Option<Source>,
    inbox: mpsc::Sender<Asked>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Polled(Mutex<BTreeMap<Sid, Entry>>);

impl Polled {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Sid, Entry>> {
        // Nothing panics under this lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn remove(&self, sid: &Sid) {
        self.lock().remove(sid);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Asks the session of an id; the first who comes with a waiting one opens it.
    pub(crate) async fn ask(
        shell: &Arc<Shell>,
        dialect: usize,
        sid: &str,
        comer: Comer,
        request: Request,
        seat: impl FnOnce() -> Result<Ticket, Refused>,
    ) -> Result<String, Unanswered> {
        let sid = Sid::parse(sid).ok_or(Unanswered::NotHandshaken)?;
        let source = comer.from.map(Source::of);
        let polled = &shell.socket_io.polled;
        let found = polled.lock().get(&sid).cloned();
        let entry = match found {
            Some(entry) => entry,
            None if matches!(request, Request::Leave) => {
                // Nobody will come with it any more.
                shell.socket_io.unused.claim(shell.clock.now(), &sid);
                return Ok(String::new());
            }
            None => Self::open(shell, dialect, sid, &comer, seat)?,
        };
        if entry.dialect != dialect || entry.source != source {
            return Err(Unanswered::NotHandshaken);
        }
        let send = |asked| {
            entry.inbox.try_send(asked).map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => Unanswered::Busy,
                mpsc::error::TrySendError::Closed(_) => Unanswered::NotHandshaken,
            })
        };
        match request {
            Request::Poll => {
                let (sender, answer) = oneshot::channel();
                send(Asked::Poll(sender))?;
                answer.await.map_err(|_| Unanswered::NotHandshaken)
            }
            Request::Post(body) => {
                let (sender, answer) = oneshot::channel();
                send(Asked::Post(Body::new(body), sender))?;
                match answer.await {
                    Ok(true) => Ok("1".to_owned()),
                    Ok(false) => Err(Unanswered::Busy),
                    Err(_) => Err(Unanswered::NotHandshaken),
                }
            }
            Request::Leave => {
                send(Asked::Leave)?;
                Ok(String::new())
            }
        }
    }

    /// Makes the session of an id that waits, or finds it if another request has just done so.
    fn open(
        shell: &Arc<Shell>,
        dialect: usize,
        sid: Sid,
        comer: &Comer,
        seat: impl FnOnce() -> Result<Ticket, Refused>,
    ) -> Result<Entry, Unanswered> {
        // Before the id is used up: who is refused may come again with it.
        let ticket = seat().map_err(Unanswered::Refused)?;
        let (sender, inbox) = mpsc::channel(QUEUE);
        let entry = Entry { dialect, source: comer.from.map(Source::of), inbox: sender };
        {
            let mut sessions = shell.socket_io.polled.lock();
            if let Some(entry) = sessions.get(&sid) {
                return Ok(entry.clone());
            }
            if !shell.socket_io.unused.claim(shell.clock.now(), &sid) {
                return Err(Unanswered::NotHandshaken);
            }
            sessions.insert(sid, entry.clone());
        }
        let session = comer.open(shell, dialect, &sid);
        tokio::spawn(Task::new(Arc::clone(shell), dialect, sid, session, ticket).run(inbox));
        Ok(entry)
    }
}
