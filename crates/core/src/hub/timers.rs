//! The hub's own deadlines. Protocol timers belong to sessions (law 4).

use std::collections::BTreeSet;
use std::time::Duration;

use crate::{LinkId, Moment, Realm, RoomId};

/// What is to be done at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A room's window ends with changes unsent.
    Room(RoomId),
    /// A realm's presence window ends with changes unsent.
    Presence(Realm),
    /// A member that was asked for as a stream has not answered in time.
    Pull(LinkId),
}

/// Deadlines in order. At most one per room, realm and member that is asked for, so it is bounded by them.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(Moment, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Moment, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn cancel(&mut self, at: Moment, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.0.first().map(|(at, _)| *at)
    }

    pub(super) fn take_due(&mut self, now: Moment) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.0.pop_first().map(|(_, timer)| timer)
    }

    pub(super) fn has(&self, at: Moment, timer: Timer) -> bool {
        self.0.contains(&(at, timer))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Leading and trailing merge of one level: the first change is told at once, those within the window after it as one
/// value at its end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// Until then, changes wait.
    pub(super) until: Moment,
    /// Changes wait; a timer is set for `until`.
    pub(super) pending: bool,
}

impl Window {
    pub(super) fn is_open(&self, now: Moment) -> bool {
        now >= self.until && !self.pending
    }

    /// A value went out now: the next waits for `span`.
    pub(super) fn start(&mut self, now: Moment, span: Duration) {
        self.until = now + span;
    }

    /// A change has to wait for the window's end.
    pub(super) fn hold(&mut self, timer: Timer, timers: &mut Timers) {
        if !self.pending {
            self.pending = true;
            timers.set(self.until, timer);
        }
    }

    /// Nothing waits any more.
    pub(super) fn clear(&mut self, timer: Timer, timers: &mut Timers) {
        if self.pending {
            self.pending = false;
            timers.cancel(self.until, timer);
        }
    }
}
