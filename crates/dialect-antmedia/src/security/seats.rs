//! How many there are of what only this dialect knows: one table for all connections of an application.
//!
//! Viewers, publications and tracks are counted by the hub, whose they are whatever their dialect. A subscriber is a name of
//! this dialect's own; and when the last live track of a main stream went with its connection, nobody is left whom the hub
//! could tell (decision 0026).
#![expect(
    clippy::disallowed_types,
    reason = "connections of one application share the table, whichever threads they are on; it is held for a look, and \
              nobody who holds it waits for anything"
)]

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbay_core::Name;

/// What is counted.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Seat {
    /// A track of that stream whose media flow.
    LiveTrackOf(Name),
    /// A connection of that subscriber of that stream.
    Subscriber(Name, Arc<str>),
}

/// The table of one application; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<BTreeMap<Seat, usize>>>);

/// It would name people.
impl fmt::Debug for Seats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seats({})", self.table().len())
    }
}

impl Seats {
    /// A session that panics while it holds the table leaves a sound one: each step is one change.
    fn table(&self) -> MutexGuard<'_, BTreeMap<Seat, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many have that seat.
    pub(crate) fn count(&self, seat: &Seat) -> usize {
        self.table().get(seat).copied().unwrap_or_default()
    }

    /// Takes one, if fewer than `most` are taken.
    pub(crate) fn take(&self, seat: Seat, most: Option<usize>) -> Option<Held> {
        let mut table = self.table();
        let taken = table.get(&seat).copied().unwrap_or_default();
        if most.is_some_and(|most| taken >= most) {
            return None;
        }
        table.insert(seat.clone(), taken + 1);
        drop(table);
        Some(Held { seat, of: self.clone() })
    }
}

/// A seat that is given back when this is dropped.
pub(crate) struct Held {
    seat: Seat,
    of: Seats,
}

/// It would name people.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.of.table();
        if let Some(count) = table.get_mut(&self.seat) {
            *count -= 1;
            if *count == 0 {
                table.remove(&self.seat);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_is_taken_as_often_as_it_may_be_and_given_back() {
        let seats = Seats::default();
        let seat = |stream: &str| Seat::Subscriber(Name::parse(stream).expect("a name"), Arc::from("anna"));
        let first = seats.take(seat("a"), Some(1)).expect("it is free");
        assert!(seats.take(seat("a"), Some(1)).is_none());
        let other = seats.take(seat("b"), Some(1)).expect("another stream's is another");
        let second = seats.take(seat("a"), None).expect("without a limit it always is");
        assert_eq!(seats.count(&seat("a")), 2);
        drop(first);
        assert!(seats.take(seat("a"), Some(1)).is_none(), "one is taken still");
        drop(second);
        assert!(seats.take(seat("a"), Some(1)).is_some(), "a seat that was given back is free");
        drop(other);
        assert!(seats.take(seat("a"), Some(0)).is_none(), "none is none");
        assert!(seats.table().is_empty(), "nothing is left of those who went");
    }
}
