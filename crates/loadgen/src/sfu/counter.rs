//! Counts the packets of one RTP stream by their sequence numbers.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Missing packets that are asked for at a time; more of them are a broken stream, and asking would not mend it.
const ASKED: usize = 256;
/// Before the first time: what comes in the wrong order is not missing. More would leave the sender less time.
const PATIENCE: Duration = Duration::from_millis(10);
/// Between two times: an answer has to have had the time to come.
const AGAIN: Duration = Duration::from_millis(100);
/// How often; after that, a picture would long have moved on.
const TIMES: u8 = 10;

/// What an RTCP report says of a stream (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ssrc: u32,
    /// Of the packets expected since the last report, in 256ths.
    pub(crate) fraction: u8,
    pub(crate) lost: u32,
    pub(crate) highest: u32,
    /// The middle 32 bits of the last sender report's time, and the time since, in 65,536ths of a second.
    pub(crate) last_report: u32,
    pub(crate) since: u32,
}

pub(crate) struct Counter {
    pub(crate) ssrc: u32,
    pub(crate) pt: u8,
    /// Extended by the wraps since the first one.
    first: u64,
    highest: u64,
    pub(crate) received: u64,
    /// Came after a later one.
    pub(crate) reordered: u64,
    pub(crate) duplicates: u64,
    /// Missing ones that came by retransmission.
    pub(crate) recovered: u64,
    missing: VecDeque<Missing>,
    sender_report: Option<(u32, Instant)>,
    /// Expected and received at the last report.
    reported: (u64, u64),
}

struct Missing {
    seq: u64,
    next: Instant,
    times: u8,
}

impl Counter {
    pub(crate) fn new(ssrc: u32, pt: u8, seq: u16) -> Self {
        let first = u64::from(seq);
        Self {
            ssrc,
            pt,
            first,
            // The first packet will be counted as any other.
            highest: first.wrapping_sub(1),
            received: 0,
            reordered: 0,
            duplicates: 0,
            recovered: 0,
            missing: VecDeque::new(),
            sender_report: None,
            reported: (0, 0),
        }
    }

    /// Counts a packet and gives its number, extended by how often the 16 bits have wrapped.
    pub(crate) fn count(&mut self, seq: u16, now: Instant) -> u64 {
        let ahead = seq.wrapping_sub(self.highest as u16);
        if ahead != 0 && ahead < 0x8000 {
            let seq = self.highest.wrapping_add(u64::from(ahead));
            let gap = self.highest.wrapping_add(1)..seq;
            // Of a large gap only the end is asked for.
            for seq in gap.skip(usize::from(ahead).saturating_sub(1 + ASKED)) {
                self.missing.push_back(Missing { seq, next: now + PATIENCE, times: 0 });
            }
            while self.missing.len() > ASKED {
                self.missing.pop_front();
            }
            self.highest = seq;
            self.received += 1;
            return seq;
        }
        let behind = (self.highest as u16).wrapping_sub(seq);
        let seq = self.highest.saturating_sub(u64::from(behind));
        if behind != 0 && (seq < self.first || self.forget(seq)) {
            // What came before the first one is not expected, yet it is there.
            self.first = self.first.min(seq);
            self.reordered += 1;
            self.received += 1;
        } else {
            self.duplicates += 1;
        }
        seq
    }

    /// A missing packet came by retransmission; `seq` is its own number.
    pub(crate) fn recover(&mut self, seq: u16) {
        let behind = (self.highest as u16).wrapping_sub(seq);
        if self.forget(self.highest.saturating_sub(u64::from(behind))) {
            self.recovered += 1;
        }
    }

    fn forget(&mut self, seq: u64) -> bool {
        let at = self.missing.iter().position(|missing| missing.seq == seq);
        at.and_then(|at| self.missing.remove(at)).is_some()
    }

    /// How many packets its sender has numbered since the first one.
    pub(crate) fn expected(&self) -> u64 {
        self.highest.wrapping_add(1).saturating_sub(self.first)
    }

    /// What is to be asked for now, in order.
    pub(crate) fn wanted(&mut self, now: Instant) -> Vec<u16> {
        self.missing.retain(|missing| missing.times < TIMES || missing.next > now);
        let mut wanted = Vec::new();
        for missing in self.missing.iter_mut().filter(|missing| missing.next <= now) {
            missing.next = now + AGAIN;
            missing.times += 1;
            wanted.push(missing.seq as u16);
        }
        wanted
    }

    /// The sender has told its time.
    pub(crate) fn sender_report(&mut self, ntp: u64, now: Instant) {
        self.sender_report = Some(((ntp >> 16) as u32, now));
    }

    /// The next report.
    pub(crate) fn report(&mut self, now: Instant) -> Block {
        let (expected, received) = (self.expected(), self.received + self.recovered);
        let (new, came) = (expected - self.reported.0.min(expected), received - self.reported.1.min(received));
        self.reported = (expected, received);
        let fraction = new.saturating_sub(came) * 256 / new.max(1);
        let (last_report, since) = self.sender_report.map_or((0, 0), |(report, at)| {
            (report, (now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000) as u32)
        });
        Block {
            ssrc: self.ssrc,
            fraction: fraction.min(255) as u8,
            lost: expected.saturating_sub(received).min(0x7f_ffff) as u32,
            highest: self.highest as u32,
            last_report,
            since,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(seqs: &[u16]) -> (Counter, Vec<u64>) {
        let mut counter = Counter::new(1, 96, seqs[0]);
        let now = Instant::now();
        let extended = seqs.iter().map(|seq| counter.count(*seq, now)).collect();
        (counter, extended)
    }

    #[test]
    fn numbers_are_extended_over_the_wrap() {
        let (counter, extended) = counted(&[65_533, 65_534, 65_535, 0, 1]);
        assert_eq!(extended, [65_533, 65_534, 65_535, 65_536, 65_537]);
        assert_eq!((counter.expected(), counter.received), (5, 5));
        let (counter, extended) = counted(&[0, 1, 2]);
        assert_eq!(extended, [0, 1, 2]);
        assert_eq!((counter.expected(), counter.received, counter.duplicates), (3, 3, 0));
    }

    #[test]
    fn losses_reordering_and_duplicates() {
        let (counter, extended) = counted(&[10, 11, 14, 13, 13, 15, 9, 10]);
        assert_eq!(extended, [10, 11, 14, 13, 13, 15, 9, 10]);
        assert_eq!((counter.expected(), counter.received), (7, 6), "12 is missing, 9 came after all");
        assert_eq!((counter.reordered, counter.duplicates), (2, 2));
    }

    #[test]
    fn what_is_missing_is_asked_for_after_a_while_and_not_for_ever() {
        let (mut counter, _) = counted(&[65_534, 2]);
        let now = Instant::now();
        assert_eq!(counter.wanted(now), [] as [u16; 0]);
        assert_eq!(counter.wanted(now + PATIENCE), [65_535, 0, 1]);
        assert_eq!(counter.wanted(now + PATIENCE), [] as [u16; 0]);
        counter.recover(0);
        counter.recover(0);
        assert_eq!((counter.recovered, counter.received), (1, 2));
        let mut later = now + PATIENCE;
        for _ in 1..TIMES {
            later += AGAIN;
            assert_eq!(counter.wanted(later), [65_535, 1]);
        }
        assert_eq!(counter.wanted(later + AGAIN), [] as [u16; 0]);
        assert_eq!(counter.report(now).lost, 2);
    }

    #[test]
    fn a_large_gap_is_not_asked_for_as_a_whole() {
        let (mut counter, _) = counted(&[0, 20_000]);
        let wanted = counter.wanted(Instant::now() + PATIENCE);
        assert_eq!((wanted.len(), wanted.last()), (ASKED, Some(&19_999)));
        assert_eq!(counter.expected(), 20_001);
    }

    #[test]
    fn reports_tell_of_the_time_since_the_last_one() {
        let (mut counter, _) = counted(&[0, 1, 3, 4]);
        let now = Instant::now();
        counter.sender_report(0x0001_0002_0003_0004, now);
        let block = counter.report(now + Duration::from_millis(500));
        assert_eq!((block.fraction, block.lost, block.highest), (51, 1, 4));
        assert_eq!((block.last_report, block.since), (0x0002_0003, 32_768));
        counter.count(5, now);
        assert_eq!(counter.report(now).fraction, 0);
    }
}
