//! How many there are of what is limited: one table for all connections of an application.
//!
//! It counts this dialect's own clients. A seat is taken before the hub is asked and given back when what took it ends, so
//! that of two who come at once for the last one only one gets it.
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
    /// A publication of the application.
    Publication,
    /// A player of the application.
    Player,
    /// A player of that stream.
    PlayerOf(Name),
    /// A track of that stream.
    TrackOf(Name),
    /// One of them whose media flow.
    LiveTrackOf(Name),
    /// A connection of that subscriber of that stream.
    Subscriber(Name, Arc<str>),
}

/// A limit that is reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Full(pub(crate) Seat);

/// It would name people.
impl fmt::Debug for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Full")
    }
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

    /// Takes all of them, or none if one is not to be had; the first of those is said.
    pub(crate) fn take(&self, wanted: Vec<(Seat, Option<usize>)>) -> Result<Held, Full> {
        let mut table = self.table();
        for (seat, most) in &wanted {
            let taken = table.get(seat).copied().unwrap_or_default();
            if most.is_some_and(|most| taken >= most) {
                return Err(Full(seat.clone()));
            }
        }
        let seats: Vec<_> = wanted.into_iter().map(|(seat, _)| seat).collect();
        for seat in &seats {
            *table.entry(seat.clone()).or_default() += 1;
        }
        drop(table);
        Ok(Held { seats, of: self.clone() })
    }
}

/// Seats that are given back when this is dropped.
pub(crate) struct Held {
    seats: Vec<Seat>,
    of: Seats,
}

/// It would name people.
impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({})", self.seats.len())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut table = self.of.table();
        for seat in &self.seats {
            if let Some(count) = table.get_mut(seat) {
                *count -= 1;
                if *count == 0 {
                    table.remove(seat);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn all_seats_are_taken_or_none() {
        let seats = Seats::default();
        let wanted = |stream: &str, most| vec![(Seat::Player, Some(2)), (Seat::PlayerOf(name(stream)), Some(most))];
        let first = seats.take(wanted("a", 1)).expect("there is room");
        assert!(seats.take(wanted("a", 1)).is_err_and(|full| full == Full(Seat::PlayerOf(name("a")))));
        assert_eq!(seats.count(&Seat::Player), 1, "what was not to be had took nothing");
        let second = seats.take(wanted("b", 1)).expect("another stream has room");
        assert!(seats.take(wanted("c", 1)).is_err_and(|full| full == Full(Seat::Player)));
        drop(first);
        assert!(seats.take(wanted("a", 1)).is_ok(), "a seat that was given back is free");
        drop(second);
        assert!(seats.take(wanted("a", 0)).is_err(), "none is none");
        assert!(seats.table().is_empty(), "nothing is left of those who went");
    }
}
