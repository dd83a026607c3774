//! What sessions order that takes its time: by whom it is done, and how its outcome comes back.
//!
//! An outcome goes into the mailbox of the party that gave the order, and its connection's task hands it to the session
//! between two frames, as it does with events (DESIGN section 1, law 3). Nobody waits for anything here.

mod hooks;
mod post;
mod target;

use std::sync::Arc;
use std::task::Waker;

use patchbay_core::{PartyId, Tag};
use patchbay_dialect_kit::job::{Done, Job};
use patchbay_store::Store;

use crate::mailbox::Mailbox;

pub(crate) use hooks::{Figures, Hooks};
pub(crate) use post::Outside;
pub(crate) use target::{Target, may_go_to};

/// Orders of one party that have no outcome yet; one more fails at once. More would let one client fill the store's queue,
/// fewer would fail pages that ask for all members of a conference at once.
const ORDERS: usize = 64;

/// Who carries out jobs.
pub(crate) struct Jobs {
    store: Store,
    hooks: Hooks,
}

impl Jobs {
    pub(crate) fn new(store: Store, hooks: Hooks) -> Self {
        Self { store, hooks }
    }

    /// By which certificates of servers elsewhere are believed.
    pub(crate) fn tls(&self) -> Arc<rustls::ClientConfig> {
        self.hooks.tls()
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// A session orders something. Never waits.
    pub(crate) fn take(&self, party: PartyId, mailbox: &Arc<Mailbox>, tag: Tag, job: Job) {
        let waiting = Waiting { party, mailbox: Arc::clone(mailbox), tag, told: false, counts: true };
        if mailbox.order() > ORDERS {
            return waiting.tell(Done::Failed);
        }
        match job {
            Job::Get(_) | Job::Put(_) | Job::List { .. } | Job::Count { .. } => {
                self.store.order(job, Box::new(move |done| waiting.tell(done)));
            }
            Job::Ask { .. } | Job::Notify { .. } => self.hooks.take(waiting, job),
            // Carried out where sessions are driven (`attached.rs`).
            Job::Dial(_) | Job::Resolve { .. } | Job::Stop => waiting.tell(Done::Failed),
        }
    }
}

/// A party that is owed the outcome of a job. Whoever drops it without a word has failed.
pub(crate) struct Waiting {
    party: PartyId,
    mailbox: Arc<Mailbox>,
    tag: Tag,
    told: bool,
    /// It is one of those of which a party may have so many.
    counts: bool,
}

impl Waiting {
    /// One that is owed the end of a connection, which may be far away: whoever orders them bounds them.
    pub(crate) fn of_connection(party: PartyId, mailbox: &Arc<Mailbox>, tag: Tag) -> Self {
        Self { party, mailbox: Arc::clone(mailbox), tag, told: false, counts: false }
    }

    /// Who gave the order.
    #[expect(dead_code, reason = "for news that go on when their party has gone")]
    pub(crate) fn party(&self) -> PartyId {
        self.party
    }

    /// Tells the outcome, from whichever thread.
    pub(crate) fn tell(mut self, done: Done) {
        self.send(done);
    }

    fn send(&mut self, done: Done) {
        self.told = true;
        self.mailbox.push_done(self.tag, done, self.counts).into_iter().for_each(Waker::wake);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.told {
            self.send(Done::Failed);
        }
    }
}

#[cfg(test)]
mod tests;
