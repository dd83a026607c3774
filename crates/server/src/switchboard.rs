//! The shell's ownership of the hub: one mutex, held for one `handle` and the queuing of its effects in order.
//!
//! Effects are queued under the lock, so all parties see them in one order; wakers are woken after it. No lock is taken
//! inside but the mailboxes', and nothing waits inside (docs/decisions/0003).

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use patchbay_core::{Command, Counts, Effect, Effects, Hub, MediaEvent, MediaOp, Moment, PartyId, Profile, Tag};
use patchbay_dialect_kit::{CloseCause, Dialect, opened};
use tokio::sync::Notify;

use crate::clock::Clock;
use crate::mailbox::{Bounds, Mailbox};
use crate::media::Seat;

pub(crate) struct Switchboard {
    inner: Mutex<Inner>,
    bounds: Bounds,
    /// The hub has a deadline earlier than the one its timer sleeps for.
    sooner: Notify,
    snapshot: Snapshot,
    media: Seat,
    /// Whose words peers use, to open what is said to the engine.
    dialects: Vec<Arc<dyn Dialect>>,
}

struct Inner {
    hub: Hub,
    effects: Effects,
    /// By the party's slot.
    mailboxes: Vec<Option<(PartyId, Arc<Mailbox>)>>,
    /// The deadline that the timer sleeps for.
    armed: Option<Moment>,
}

/// What metrics read instead of the hub.
#[derive(Default)]
pub(crate) struct Snapshot {
    pub(crate) parties: AtomicU64,
    pub(crate) rooms: AtomicU64,
    pub(crate) members: AtomicU64,
    pub(crate) registered: AtomicU64,
    pub(crate) calls: AtomicU64,
    pub(crate) streams: AtomicU64,
    pub(crate) views: AtomicU64,
}

impl Snapshot {
    fn store(&self, counts: Counts) {
        for (cell, value) in [
            (&self.parties, counts.parties),
            (&self.rooms, counts.rooms),
            (&self.members, counts.members),
            (&self.registered, counts.registered),
            (&self.calls, counts.calls),
            (&self.streams, counts.streams),
            (&self.views, counts.views),
        ] {
            cell.store(value, Ordering::Relaxed);
        }
    }
}

/// A panic in the hub ends the process (law 5): its state can no longer be trusted, and a supervisor restarts it.
struct AbortOnPanic {
    /// The thread was unwinding already: a connection is dropped because of a panic that was not the hub's.
    before: bool,
}

impl AbortOnPanic {
    fn new() -> Self {
        Self { before: std::thread::panicking() }
    }
}

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() && !self.before {
            tracing::error!("the hub panicked; this is a bug of ours, please report the line above");
            std::process::abort();
        }
    }
}

impl Switchboard {
    pub(crate) fn new(hub: Hub, dialects: &[Arc<dyn Dialect>], bounds: Bounds) -> Self {
        let inner = Inner { hub, effects: Effects::new(), mailboxes: Vec::new(), armed: None };
        Self {
            inner: Mutex::new(inner),
            bounds,
            sooner: Notify::new(),
            snapshot: Snapshot::default(),
            media: Seat::default(),
            dialects: dialects.to_vec(),
        }
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Takes a party in, with the mailbox that its events go to.
    pub(crate) fn attach(&self, profile: Profile, mailbox: Arc<Mailbox>) -> PartyId {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let _guard = AbortOnPanic::new();
        let party = inner.hub.attach(profile, &mut inner.effects);
        if inner.mailboxes.len() <= party.slot() {
            inner.mailboxes.resize_with(party.slot() + 1, || None);
        }
        inner.mailboxes[party.slot()] = Some((party, mailbox));
        self.carry_out(inner, Moment::START, &mut Vec::new());
        party
    }

    /// Carries out a party's commands. Whom to wake is appended to `wake`: wake them after this returns.
    pub(crate) fn handle(
        &self,
        now: Moment,
        party: PartyId,
        commands: impl Iterator<Item = (Tag, Command)>,
        wake: &mut Vec<Waker>,
    ) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let _guard = AbortOnPanic::new();
        for (tag, command) in commands {
            inner.hub.handle(now, party, tag, command, &mut inner.effects);
            self.carry_out(inner, now, wake);
        }
        self.arm(inner);
    }

    /// Lets a party go.
    pub(crate) fn detach(&self, now: Moment, party: PartyId) {
        self.let_go(now, party, Hub::detach);
    }

    /// Lets a party go that did not say so: it may come back for who views what it publishes.
    pub(crate) fn lose(&self, now: Moment, party: PartyId) {
        self.let_go(now, party, Hub::lose);
    }

    fn let_go(&self, now: Moment, party: PartyId, how: fn(&mut Hub, Moment, PartyId, &mut Effects)) {
        let mut wake = Vec::new();
        {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let _guard = AbortOnPanic::new();
            how(&mut inner.hub, now, party, &mut inner.effects);
            if let Some(place) = inner.mailboxes.get_mut(party.slot()) {
                place.take_if(|(owner, _)| *owner == party);
            }
            self.carry_out(inner, now, &mut wake);
            self.arm(inner);
        }
        wake.into_iter().for_each(Waker::wake);
    }

    /// Where the media engine sits.
    pub(crate) fn seat(&self) -> &Seat {
        &self.media
    }

    /// Hands the hub what the media engine tells. Called on the engine's threads.
    pub(crate) fn on_media(&self, now: Moment, events: Vec<MediaEvent>) {
        let mut wake = Vec::new();
        {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let _guard = AbortOnPanic::new();
            for event in events {
                if let MediaEvent::Lost { link } | MediaEvent::Refused { link, .. } = event {
                    self.media.forget(link);
                }
                inner.hub.on_media(now, event, &mut inner.effects);
                self.carry_out(inner, now, &mut wake);
            }
            self.arm(inner);
        }
        wake.into_iter().for_each(Waker::wake);
    }

    /// Whether the machine has enough to do, so that no new streams are taken in.
    pub(crate) fn set_overloaded(&self, overloaded: bool) {
        self.lock().hub.set_overloaded(overloaded);
    }

    /// Tells every connection that the server will stop.
    pub(crate) fn drain_all(&self) {
        self.mailboxes().iter().filter_map(|mailbox| mailbox.drain()).for_each(Waker::wake);
    }

    /// Orders every connection to end.
    pub(crate) fn close_all(&self, cause: CloseCause) {
        self.mailboxes().iter().filter_map(|mailbox| mailbox.close(cause)).for_each(Waker::wake);
    }

    fn mailboxes(&self) -> Vec<Arc<Mailbox>> {
        self.lock().mailboxes.iter().flatten().map(|(_, mailbox)| Arc::clone(mailbox)).collect()
    }

    /// Wakes the hub at its deadlines, for ever.
    pub(crate) async fn run_timers(&self, clock: Clock) {
        loop {
            let armed = self.lock().armed;
            match armed {
                None => self.sooner.notified().await,
                Some(deadline) => {
                    tokio::select! {
                        // In order: chance would make two runs of one simulation differ.
                        biased;
                        () = tokio::time::sleep_until(clock.instant(deadline)) => self.on_deadline(clock.now()),
                        () = self.sooner.notified() => {}
                    }
                }
            }
        }
    }

    fn on_deadline(&self, now: Moment) {
        let mut wake = Vec::new();
        {
            let mut inner = self.lock();
            let inner = &mut *inner;
            let _guard = AbortOnPanic::new();
            inner.hub.on_deadline(now, &mut inner.effects);
            self.carry_out(inner, now, &mut wake);
            inner.armed = inner.hub.deadline();
        }
        wake.into_iter().for_each(Waker::wake);
    }

    /// Tells the timer if it sleeps for too long. A deadline that went away is left to ring in vain.
    fn arm(&self, inner: &mut Inner) {
        if let Some(deadline) = inner.hub.deadline()
            && inner.armed.is_none_or(|armed| deadline < armed)
        {
            inner.armed = Some(deadline);
            self.sooner.notify_one();
        }
    }

    fn carry_out(&self, inner: &mut Inner, now: Moment, wake: &mut Vec<Waker>) {
        let mut refused = Vec::new();
        for effect in inner.effects.drain() {
            match effect {
                Effect::Tell(party, event) => {
                    if let Some(Some((owner, mailbox))) = inner.mailboxes.get(party.slot())
                        && *owner == party
                    {
                        wake.extend(mailbox.push(event, &self.bounds));
                    }
                }
                Effect::Media(op) => refused.extend(self.opened(op).and_then(|op| self.media.submit(op))),
                Effect::Snapshot(counts) => self.snapshot.store(counts),
            }
        }
        for event in refused {
            inner.hub.on_media(now, event, &mut inner.effects);
            // It ends here: what the hub asks of the engine now are ends, which are never refused.
            self.carry_out(inner, now, wake);
        }
    }

    /// What the engine is to be asked, in plain text.
    fn opened(&self, op: MediaOp) -> Option<MediaOp> {
        let lang = match &op {
            MediaOp::Remote { signal, .. } => signal.body.lang(),
            _ => return Some(op),
        };
        match self.dialects.iter().find(|dialect| dialect.profile().lang == lang) {
            Some(dialect) => opened(&**dialect, op),
            None => Some(op),
        }
    }

    /// What does not hold, of the hub and of what stands around it; empty if all is sound. Costs the whole state.
    #[cfg(feature = "sim")]
    pub(crate) fn check(&self) -> Vec<String> {
        let inner = self.lock();
        let mut found: Vec<_> = inner.hub.check().into_iter().map(|violation| violation.0).collect();
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                found.push(what.to_owned());
            }
        };
        let counts = inner.hub.counts();
        let mailboxes = inner.mailboxes.iter().flatten().count() as u64;
        expect(mailboxes == counts.parties, "a party has no mailbox, or a mailbox outlived its party");
        let late = inner.hub.deadline().is_some_and(|deadline| inner.armed.is_none_or(|armed| armed > deadline));
        expect(!late, "the timer sleeps past the hub's deadline");
        let told = self.snapshot.parties.load(Ordering::Relaxed);
        expect(told == counts.parties, "metrics are told another number of parties");
        found
    }

    /// How much the hub holds, by its own count.
    #[cfg(feature = "sim")]
    pub(crate) fn counts(&self) -> Counts {
        self.lock().hub.counts()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Poisoned means that `AbortOnPanic` is about to end the process.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
