//! The ports of telephones: which pairs are free, for all workers.

use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Pairs of ports, an even one and the next. One that was given back is the last to be taken again, so that what is still
/// on its way to a call that is over does not get into the next one.
#[derive(Debug)]
pub(crate) struct Ports {
    first: u16,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    taken: Vec<bool>,
    next: usize,
}

impl Ports {
    /// The pairs that lie in that range, whole.
    pub(crate) fn new(range: &RangeInclusive<u16>) -> Self {
        let first = range.start().checked_next_multiple_of(2).unwrap_or(u16::MAX);
        let count = u32::from(*range.end()).saturating_add(1).saturating_sub(u32::from(first)) / 2;
        let taken = vec![false; usize::try_from(count).unwrap_or_default()];
        Self { first, inner: Mutex::new(Inner { taken, next: 0 }) }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics under this lock.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lower port of a pair that is free from now on no more.
    pub(crate) fn take(&self) -> Option<u16> {
        let mut inner = self.lock();
        let count = inner.taken.len();
        let found = (0..count).map(|ahead| (inner.next + ahead) % count).find(|pair| !inner.taken[*pair])?;
        inner.taken[found] = true;
        inner.next = found + 1;
        Some(self.first + 2 * u16::try_from(found).ok()?)
    }

    /// That pair is free again.
    pub(crate) fn give(&self, port: u16) {
        let pair = usize::from(port.saturating_sub(self.first) / 2);
        if let Some(taken) = self.lock().taken.get_mut(pair) {
            *taken = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_whole_and_begin_even() {
        let count = |range| {
            let ports = Ports::new(&range);
            std::iter::from_fn(|| ports.take()).collect::<Vec<_>>()
        };
        assert_eq!(count(20_000..=20_005), [20_000, 20_002, 20_004]);
        assert_eq!(count(20_001..=20_004), [20_002], "20,004 has no other half");
        assert_eq!(count(65_533..=65_535), [65_534]);
        assert_eq!(count(65_535..=65_535), [0; 0]);
        assert_eq!(count(20_000..=20_000), [0; 0]);
    }

    #[test]
    fn what_was_given_back_is_taken_last() {
        let ports = Ports::new(&(20_000..=20_005));
        assert_eq!((ports.take(), ports.take()), (Some(20_000), Some(20_002)));
        ports.give(20_000);
        assert_eq!([(); 3].map(|()| ports.take()), [Some(20_004), Some(20_000), None]);
        ports.give(20_002);
        ports.give(30_000);
        assert_eq!((ports.take(), ports.take()), (Some(20_002), None));
    }
}
