//! The bitrate of one layer, over the last second.

use std::time::{Duration, Instant};

/// Slots of the window. More forget a key frame in finer steps; fewer make the meter smaller, of which each layer has
/// one.
const SLOTS: usize = 10;
/// Together the slots are a second: shorter shows each key frame as a peak, longer tells late that a layer has grown.
const SLOT: Duration = Duration::from_millis(100);

/// Measures bits per second over a sliding window of one second. Nothing is allocated, a packet costs an addition.
///
/// The window is what lies behind: nine full slots and the one that is being filled, divided by the time that they
/// cover. A meter younger than that divides by its age.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    /// Bytes of each slot; `at` is the one that is being filled.
    slots: [u32; SLOTS],
    at: usize,
    /// When that slot began.
    began: Option<Instant>,
    /// How many slots have been filled since the first byte, at most all but one.
    filled: u32,
}

impl Meter {
    /// A meter that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: [0; SLOTS], at: 0, began: None, filled: 0 }
    }

    /// `bytes` passed. A moment before the last one counts as the last one.
    pub fn add(&mut self, bytes: usize, now: Instant) {
        self.turn(now);
        let slot = &mut self.slots[self.at];
        *slot = slot.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// Bits per second over the last second; 0 before the first byte and after a second of silence.
    #[must_use]
    pub fn bps(&self, now: Instant) -> u64 {
        let mut turned = *self;
        turned.turn(now);
        let Some(began) = turned.began else { return 0 };
        let bytes: u64 = turned.slots.iter().copied().map(u64::from).sum();
        // Less than a slot is no time to speak of: the first packets of a burst would make a rate of gigabits.
        let covered = (SLOT * turned.filled + now.saturating_duration_since(began)).max(SLOT);
        bytes.saturating_mul(8_000_000) / covered.as_micros().max(1) as u64
    }

    /// Begins the slots that began since.
    fn turn(&mut self, now: Instant) {
        let began = *self.began.get_or_insert(now);
        let age = now.saturating_duration_since(began);
        if age < SLOT {
            return;
        }
        let passed = age.as_millis() / SLOT.as_millis();
        if passed >= SLOTS as u128 {
            *self = Self { began: Some(now), filled: SLOTS as u32 - 1, ..Self::new() };
            return;
        }
        let passed = passed as u32;
        for _ in 0..passed {
            self.at = (self.at + 1) % SLOTS;
            self.slots[self.at] = 0;
        }
        self.filled = (self.filled + passed).min(SLOTS as u32 - 1);
        self.began = Some(began + SLOT * passed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Packets of 1,000 bytes, one every 10 ms: 800 kbit/s.
    fn steady(meter: &mut Meter, from: Instant, packets: u32) -> Instant {
        for packet in 0..packets {
            meter.add(1_000, from + 10 * packet * MS);
        }
        from + 10 * packets * MS
    }

    fn near(bps: u64, expected: u64) -> bool {
        bps.abs_diff(expected) <= expected / 20
    }

    #[test]
    fn a_steady_rate_is_seen_within_a_fraction_of_a_second() {
        let (start, mut meter) = (Instant::now(), Meter::new());
        assert_eq!(meter.bps(start), 0);
        for round in 0..100 {
            let now = steady(&mut meter, start + 70 * round * MS, 7);
            let bps = meter.bps(now);
            assert!(round < 2 || near(bps, 800_000), "{bps} after {round} rounds");
        }
    }

    #[test]
    fn the_first_packets_are_no_gigabits() {
        let (start, mut meter) = (Instant::now(), Meter::new());
        meter.add(1_000, start);
        assert_eq!(meter.bps(start), 80_000, "as if it were 100 ms");
    }

    #[test]
    fn what_is_older_than_a_second_is_forgotten() {
        let (start, mut meter) = (Instant::now(), Meter::new());
        let now = steady(&mut meter, start, 200);
        let later = |ms: u32| meter.bps(now + ms * MS);
        assert!(near(later(0), 800_000), "{}", later(0));
        assert!((300_000..500_000).contains(&later(500)), "{}", later(500));
        assert!(later(899) > 0);
        assert_eq!((later(1_000), later(1_000_000)), (0, 0));
        // After the silence the window is a whole one at once: one packet is little.
        meter.add(1_000, now + 5_000 * MS);
        assert_eq!((meter.bps(now + 5_000 * MS), meter.bps(now + 5_050 * MS)), (8_888, 8_421));
    }

    #[test]
    fn a_burst_counts_for_one_second() {
        let (start, mut meter) = (Instant::now(), Meter::new());
        let now = steady(&mut meter, start, 100);
        meter.add(100_000, now);
        let bps = meter.bps(now);
        assert!(bps > 1_500_000, "{bps}");
        let now = steady(&mut meter, now, 110);
        let bps = meter.bps(now);
        assert!(near(bps, 800_000), "{bps}");
    }

    #[test]
    fn absurd_input_saturates() {
        let (start, mut meter) = (Instant::now() + Duration::from_secs(10), Meter::new());
        meter.add(usize::MAX, start);
        meter.add(usize::MAX, start);
        assert_eq!(meter.bps(start), u64::from(u32::MAX) * 80);
        // Time that runs back stands still.
        meter.add(1, start - Duration::from_secs(5));
        assert_eq!(meter.bps(start - Duration::from_secs(9)), u64::from(u32::MAX) * 80);
        assert_eq!(meter.bps(start + Duration::from_secs(100_000_000)), 0);
    }
}
