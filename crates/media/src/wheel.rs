//! When legs are due: a wheel of ticks, so that setting a deadline costs the same for one leg and for ten thousand.

use std::time::{Duration, Instant};

/// Length of a tick: a deadline is met up to this much late. str0m's own deadlines are tens of milliseconds; longer
/// would slow handshakes down, shorter turn the wheel for nothing.
pub(crate) const TICK: Duration = Duration::from_millis(2);
/// Ticks of one turn. What is due later waits in its slot for further turns, which costs a look per turn and leg.
const SLOTS: usize = 4096;

/// Deadlines of legs. An entry is a hint: whoever is called looks whether it is due, and is set anew if not. So a
/// deadline that moves away costs nothing, which is what almost all of them do. One that comes nearer leaves the entry
/// that was there before behind: it comes out with its tick, so that whoever set another since can tell, and let it go.
/// Else each such entry would be set anew for ever.
#[derive(Debug)]
pub(crate) struct Wheel {
    start: Instant,
    /// The youngest entry of each slot. The others follow: what a slot once held takes no room when it is empty.
    slots: Vec<Option<u32>>,
    pool: Vec<Entry>,
    /// The first entry of the pool that is free; the others follow.
    free: Option<u32>,
    /// One bit for each slot that is not empty, so that the next one is found in 64 looks.
    taken: [u64; SLOTS / 64],
    /// The first tick that has not been looked at.
    next: u64,
    entries: usize,
}

/// A leg, and the tick that it was set for.
#[derive(Clone, Copy, Debug)]
struct Entry {
    leg: usize,
    tick: u64,
    /// The next one of its slot, or the next that is free.
    follower: Option<u32>,
}

impl Wheel {
    pub(crate) fn new(start: Instant) -> Self {
        let (slots, taken) = (vec![None; SLOTS], [0; SLOTS / 64]);
        Self { start, slots, pool: Vec::new(), free: None, taken, next: 0, entries: 0 }
    }

    /// The first tick at whose end that moment has passed.
    pub(crate) fn tick(&self, at: Instant) -> u64 {
        let nanos = at.saturating_duration_since(self.start).as_nanos();
        u64::try_from(nanos / TICK.as_nanos()).unwrap_or(u64::MAX - 1) + 1
    }

    /// Has the leg called at the end of that tick, or in the next one if it has passed. Returns the tick that it is
    /// really in.
    pub(crate) fn set(&mut self, leg: usize, tick: u64) -> u64 {
        let tick = tick.max(self.next);
        let slot = slot(tick);
        let entry = Entry { leg, tick, follower: self.slots[slot] };
        let place = match self.free {
            Some(place) => {
                self.free = std::mem::replace(&mut self.pool[place as usize], entry).follower;
                place
            }
            None => {
                // A leg has few, and there are no thousands of millions of them.
                let place = u32::try_from(self.pool.len()).unwrap_or(u32::MAX);
                self.pool.push(entry);
                place
            }
        };
        self.slots[slot] = Some(place);
        self.taken[slot / 64] |= 1 << (slot % 64);
        self.entries += 1;
        tick
    }

    /// When to look next; `None` while nobody waits.
    pub(crate) fn next(&self) -> Option<Instant> {
        if self.entries == 0 {
            return None;
        }
        let first = slot(self.next);
        let words = self.taken.len();
        for step in 0..=words {
            let word = (first / 64 + step) % words;
            let mut bits = self.taken[word];
            // The first word is looked at twice: from the first slot on, and at the end, up to it.
            if step == 0 {
                bits &= u64::MAX << (first % 64);
            } else if step == words {
                bits &= !(u64::MAX << (first % 64));
            }
            if bits != 0 {
                let found = word * 64 + bits.trailing_zeros() as usize;
                let ahead = (found + SLOTS - first) % SLOTS;
                let tick = self.next + ahead as u64;
                return Some(self.start + TICK * u32::try_from(tick).unwrap_or(u32::MAX));
            }
        }
        None
    }

    /// Takes out every leg whose slot has come by now, each with the tick that it was set for.
    pub(crate) fn take(&mut self, now: Instant, due: &mut Vec<(usize, u64)>) {
        let nanos = now.saturating_duration_since(self.start).as_nanos();
        let passed = u64::try_from(nanos / TICK.as_nanos()).unwrap_or(u64::MAX - 1);
        if passed < self.next {
            return;
        }
        let ticks = passed - self.next + 1;
        for tick in (self.next..).take(SLOTS.min(usize::try_from(ticks).unwrap_or(SLOTS))) {
            let slot = slot(tick);
            let first = due.len();
            let mut follower = self.slots[slot].take();
            while let Some(place) = follower {
                let entry = &mut self.pool[place as usize];
                due.push((entry.leg, entry.tick));
                follower = std::mem::replace(&mut entry.follower, self.free);
                self.free = Some(place);
            }
            // Whoever was set first is called first.
            due[first..].reverse();
            self.taken[slot / 64] &= !(1 << (slot % 64));
        }
        self.entries -= due.len();
        self.next = passed + 1;
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl Wheel {
    /// How many entries there are, and how many of them are for that leg and tick.
    pub(crate) fn count(&self, leg: usize, tick: u64) -> (usize, usize) {
        let (mut same, mut follower) = (0, self.slots[slot(tick)]);
        while let Some(place) = follower {
            let entry = &self.pool[place as usize];
            same += usize::from((entry.leg, entry.tick) == (leg, tick));
            follower = entry.follower;
        }
        (self.entries, same)
    }
}

fn slot(tick: u64) -> usize {
    usize::try_from(tick % SLOTS as u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_slot_is_found_all_around() {
        let start = Instant::now();
        for (passed, ahead) in [(0, 1), (63, 1), (64, 64), (100, 4_095), (4_000, 200), (8_191, 4_095), (70_000, 1)] {
            let (mut wheel, mut due) = (Wheel::new(start), Vec::new());
            wheel.take(start + TICK * passed, &mut due);
            let tick = wheel.set(1, u64::from(passed + ahead));
            assert_eq!(wheel.next(), Some(start + TICK * (passed + ahead)), "{passed} and {ahead}");
            assert_eq!(tick, u64::from(passed + ahead));
        }
    }

    #[test]
    fn legs_are_called_when_their_tick_has_passed() {
        let start = Instant::now();
        let mut wheel = Wheel::new(start);
        assert_eq!(wheel.next(), None);
        let at = |millis| start + Duration::from_millis(millis);
        for (leg, millis) in [(1, 5), (2, 5), (3, 40), (4, 1_000_000)] {
            wheel.set(leg, wheel.tick(at(millis)));
        }
        let mut due = Vec::new();
        wheel.take(at(4), &mut due);
        assert!(due.is_empty(), "{due:?}");
        assert_eq!(wheel.next(), Some(at(6)));
        wheel.take(at(6), &mut due);
        assert_eq!(due, [(1, 3), (2, 3)]);
        due.clear();
        wheel.take(at(60), &mut due);
        assert_eq!(due, [(3, 21)]);
        due.clear();
        // A past deadline is met at once, a far one looked at once per turn.
        wheel.set(5, wheel.tick(at(1)));
        wheel.take(at(62), &mut due);
        assert_eq!(due, [(5, 31)]);
        due.clear();
        wheel.take(at(100_000), &mut due);
        assert_eq!(due, [(4, 500_001)]);
        assert_eq!((wheel.entries, wheel.next()), (0, None));
    }

    #[test]
    fn the_room_is_that_of_the_entries_whichever_slots_they_were_in() {
        let start = Instant::now();
        let (mut wheel, mut due, mut set) = (Wheel::new(start), Vec::new(), 0);
        for tick in 1..=3 * SLOTS as u64 {
            for leg in 0..10 {
                wheel.set(leg, tick);
                set += 1;
            }
            wheel.take(start + TICK * u32::try_from(tick).expect("a small number"), &mut due);
            set -= due.len();
            assert!(due.iter().enumerate().all(|(place, (leg, _))| place % 10 == *leg), "{due:?}");
            due.clear();
        }
        assert_eq!((wheel.entries, set), (0, 0));
        assert_eq!(wheel.pool.len(), 10);
    }
}
