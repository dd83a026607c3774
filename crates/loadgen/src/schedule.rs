//! The fixed schedule of the open loop: when each message is due, whatever became of the ones before it.

use std::time::Duration;

/// `per_second` messages per second, evenly spaced.
pub(crate) struct Schedule {
    per_second: u64,
    next: u64,
}

impl Schedule {
    pub(crate) fn new(per_second: u64) -> Self {
        Self { per_second: per_second.max(1), next: 0 }
    }

    /// Takes the next message if it is due: its number, and when it was due, in nanoseconds since the start. A generator
    /// that was late sends what it missed, and each counts from its own due time: a stall of the server (or ours) shows in
    /// every message it held up, not in one.
    pub(crate) fn take(&mut self, elapsed: u64) -> Option<(u64, u64)> {
        let due = self.due(self.next);
        if due > elapsed {
            return None;
        }
        self.next += 1;
        Some((self.next - 1, due))
    }

    fn due(&self, number: u64) -> u64 {
        // 128 bits: the product outgrows 64 after 18 milliard messages.
        (u128::from(number) * 1_000_000_000 / u128::from(self.per_second)) as u64
    }

    /// How often to look at the schedule: at each message, but no oftener than every 50 µs.
    pub(crate) fn tick(&self) -> Duration {
        Duration::from_nanos(1_000_000_000 / self.per_second).max(Duration::from_micros(50))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_due_evenly_and_none_is_skipped() {
        let mut schedule = Schedule::new(10_000);
        assert_eq!(schedule.take(0), Some((0, 0)));
        assert_eq!(schedule.take(99_999), None);
        assert_eq!(schedule.take(100_000), Some((1, 100_000)));
        let mut late = Vec::new();
        while let Some(message) = schedule.take(400_123) {
            late.push(message);
        }
        assert_eq!(late, [(2, 200_000), (3, 300_000), (4, 400_000)]);
    }

    #[test]
    fn an_odd_rate_does_not_drift() {
        let mut schedule = Schedule::new(7);
        let hour = 3_600_000_000_000;
        let mut count = 0;
        while schedule.take(hour).is_some() {
            count += 1;
        }
        assert_eq!(count, 7 * 3600 + 1);
    }

    #[test]
    fn the_tick_is_bounded() {
        assert_eq!(Schedule::new(10_000).tick(), Duration::from_micros(100));
        assert_eq!(Schedule::new(1_000_000).tick(), Duration::from_micros(50));
        assert_eq!(Schedule::new(0).tick(), Duration::from_secs(1));
    }
}
