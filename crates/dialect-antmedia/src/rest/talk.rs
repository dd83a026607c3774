//! What an operation says to the store and the hub, and hears from them: one thing at a time.

#![expect(
    clippy::disallowed_types,
    reason = "it leads from an operation to its own session, which returns what was said"
)]

use std::future::poll_fn;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use patchbay_core::{Command, Event, Known, Name, Query};
use patchbay_dialect_kit::http::Reply;
use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record, Table};

use super::broadcasts::PAGE;
use super::reply;

/// What an operation says.
pub(super) enum Said {
    Job(Job, Slot<Done>),
    /// To the hub, which answers.
    Ask(Command, Slot<Event>),
    /// To the hub, which does not.
    Tell(Command),
}

/// Some of a table's records.
pub(crate) struct Page {
    pub(crate) entries: Vec<(Arc<str>, Record)>,
    /// There are more behind them.
    pub(crate) more: bool,
}

impl Page {
    /// Behind which the next page begins; `None`: there is none.
    pub(crate) fn end(&self) -> Option<Arc<str>> {
        self.entries.last().filter(|_| self.more).map(|(key, _)| Arc::clone(key))
    }
}

/// Where an answer is awaited.
pub(super) type Slot<T> = Arc<OnceLock<T>>;

/// The operation's end of the talk.
#[derive(Clone)]
pub(crate) struct Talk(Sender<Said>);

/// Waits until the answer is there. The session asks the operation to go on when it has put it in.
async fn answer<T: Clone>(slot: Slot<T>) -> T {
    poll_fn(|_| slot.get().cloned().map_or(Poll::Pending, Poll::Ready)).await
}

impl Talk {
    /// Both ends.
    pub(super) fn new() -> (Self, Receiver<Said>) {
        let (said, heard) = channel();
        (Self(said), heard)
    }

    fn say(&self, said: Said) {
        // The session lives longer than its operation.
        let _heard = self.0.send(said);
    }

    async fn job(&self, job: Job) -> Done {
        let slot = Slot::default();
        self.say(Said::Job(job, Arc::clone(&slot)));
        answer(slot).await
    }

    async fn ask(&self, query: Query) -> Event {
        let slot = Slot::default();
        self.say(Said::Ask(Command::Query(query), Arc::clone(&slot)));
        answer(slot).await
    }

    /// Commands the hub something that it does not answer.
    pub(crate) fn tell(&self, command: Command) {
        self.say(Said::Tell(command));
    }

    /// Reads records.
    pub(crate) async fn get(&self, keys: Vec<Key>) -> Result<Vec<Option<Record>>, Reply> {
        match self.job(Job::Get(keys)).await {
            Done::Records(records) => Ok(records),
            _ => Err(reply::no_store()),
        }
    }

    /// Reads one record.
    pub(crate) async fn one(&self, key: Key) -> Result<Option<Record>, Reply> {
        Ok(self.get(vec![key]).await?.pop().flatten())
    }

    /// Makes changes, all or none. Whether they were made.
    pub(crate) async fn put(&self, changes: Vec<Change>) -> Result<bool, Reply> {
        match self.job(Job::Put(changes)).await {
            Done::Stored(stored) => Ok(stored),
            _ => Err(reply::no_store()),
        }
    }

    /// Reads a page.
    pub(crate) async fn list(&self, table: Table, prefix: &str, offset: usize, size: usize) -> Result<Page, Reply> {
        self.page(table, prefix, None, offset, size).await
    }

    /// Reads the page behind a key, of the first one's size if there is none. Whoever reads all of them reads nothing twice.
    pub(crate) async fn next(&self, table: Table, prefix: &str, after: Option<Arc<str>>) -> Result<Page, Reply> {
        self.page(table, prefix, after, 0, PAGE).await
    }

    async fn page(
        &self,
        table: Table,
        prefix: &str,
        after: Option<Arc<str>>,
        offset: usize,
        size: usize,
    ) -> Result<Page, Reply> {
        match self.job(Job::List { table, prefix: Arc::from(prefix), after, offset, size }).await {
            Done::Page { entries, more } => Ok(Page { entries, more }),
            _ => Err(reply::no_store()),
        }
    }

    /// How many records there are.
    pub(crate) async fn number(&self, table: Table, prefix: &str) -> Result<usize, Reply> {
        match self.job(Job::Count { table, prefix: Arc::from(prefix) }).await {
            Done::Number(number) => Ok(number),
            _ => Err(reply::no_store()),
        }
    }

    /// What the hub knows of a stream.
    pub(crate) async fn known(&self, stream: &Name) -> Option<Known> {
        match self.ask(Query::Stream(stream.clone())).await {
            Event::Known { known, .. } => Some(known),
            _ => None,
        }
    }

    /// The answer to a question about a stream.
    pub(crate) async fn event(&self, query: Query) -> Event {
        self.ask(query).await
    }
}
