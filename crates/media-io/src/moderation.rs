//! When a worker lets packets gather before it looks at them, as network cards do with their interrupts.
//!
//! To wake a sleeping core costs something by itself, caches that have grown cold included. Where one publisher's packets are
//! followed by another's before long, both are served by one waking (docs/decisions/0025).

use std::time::{Duration, Instant};

/// Between the beginnings of two turns, while packets come densely. Longer wakes more rarely, shorter delays packets less:
/// they wait half of it on average.
const PAUSE: Duration = Duration::from_millis(2);
/// Packets this soon after the last turn's beginning would have been worth a pause: a pause, and what the system is late.
const SOON: Duration = PAUSE.saturating_add(PAUSE.checked_div(4).expect("four is not zero"));
/// What a turn that came soon adds up to, at most. More goes on pausing for longer when packets have become few.
const MOST: u8 = 8;
/// What it takes to pause. More begins later.
const ENOUGH: u8 = 4;
/// What a turn that did not come soon takes off: a pause in vain is a waking in vain, so two of three have to be worth it.
/// That is so from some 550 arrivals a second.
const IN_VAIN: u8 = 2;

/// Whether it is worth while to pause, learned from when packets came.
#[derive(Debug)]
pub(crate) struct Moderation {
    last: Instant,
    score: u8,
}

impl Moderation {
    pub(crate) fn new(now: Instant) -> Self {
        Self { last: now, score: 0 }
    }

    /// A turn begins for which something has come.
    pub(crate) fn turn(&mut self, now: Instant) {
        let soon = now.saturating_duration_since(self.last) <= SOON;
        self.score = if soon { MOST.min(self.score + 1) } else { self.score.saturating_sub(IN_VAIN) };
        self.last = now;
    }

    /// How long to pause before the next look.
    pub(crate) fn pause(&self, now: Instant) -> Option<Duration> {
        let left = (self.last + PAUSE).saturating_duration_since(now);
        (self.score >= ENOUGH && !left.is_zero()).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A worker to which packets come at these microseconds and whose turns take no time: how often it wakes, and for how
    /// long the packets wait together.
    fn run(arrivals: impl Iterator<Item = u64>) -> (usize, Duration) {
        let start = Instant::now();
        let mut moderation = Moderation::new(start);
        let mut arrivals = arrivals.map(|micros| start + Duration::from_micros(micros)).peekable();
        let (mut wakings, mut waited, mut now) = (0, Duration::ZERO, start);
        while let Some(&next) = arrivals.peek() {
            if let Some(pause) = moderation.pause(now) {
                now += pause;
                wakings += 1;
            }
            if next > now {
                now = next;
                wakings += 1;
            }
            moderation.turn(now);
            while let Some(arrival) = arrivals.next_if(|arrival| *arrival <= now) {
                waited += now - arrival;
            }
        }
        (wakings, waited)
    }

    #[test]
    fn one_publishers_packets_never_wait() {
        // Thirty frames and fifty packets of sound a second.
        let packets = (1..3_000).filter(|milli| milli % 33 == 0 || milli % 20 == 7).map(|milli| milli * 1_000);
        assert_eq!(run(packets.clone()), (packets.count(), Duration::ZERO));
    }

    #[test]
    fn those_of_many_publishers_come_together_and_wait_for_a_pause_at_most() {
        let packets = (0..8_000).map(|number| number * 600);
        let (wakings, waited) = run(packets.clone());
        assert!((2_390..2_430).contains(&wakings), "one in 2 ms of 4.8 s: {wakings}");
        let mean = waited / u32::try_from(packets.count()).expect("few");
        assert!((800..=1_000).contains(&mean.as_micros()), "{mean:?}");
    }

    #[test]
    fn it_stops_when_packets_have_become_few_and_begins_again() {
        let start = Instant::now();
        let mut moderation = Moderation::new(start);
        let mut at = start;
        let mut turns = |moderation: &mut Moderation, count, apart| {
            (0..count).for_each(|_| {
                at += apart;
                moderation.turn(at);
            });
            moderation.pause(at).is_some()
        };
        let [dense, sparse] = [PAUSE / 4, 2 * PAUSE];
        assert!(!turns(&mut moderation, 3, dense), "three may be of one frame");
        assert!(turns(&mut moderation, 100, dense));
        assert!(turns(&mut moderation, 2, sparse), "two may be by chance");
        assert!(!turns(&mut moderation, 1, sparse));
        assert!(turns(&mut moderation, 2, dense));
    }

    #[test]
    fn a_turn_that_took_longer_is_followed_by_the_next_at_once() {
        let start = Instant::now();
        let mut moderation = Moderation::new(start);
        (0..8).for_each(|_| moderation.turn(start));
        assert_eq!(moderation.pause(start), Some(PAUSE));
        assert_eq!(moderation.pause(start + PAUSE / 2), Some(PAUSE / 2));
        assert_eq!(moderation.pause(start + PAUSE), None);
    }
}
