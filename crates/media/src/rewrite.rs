//! The numbers of one outgoing RTP stream, whose packets come from one layer and then from another.
//!
//! To its viewer the stream has one source: sequence numbers and timestamps go on wherever the layer changes, packets
//! that the source lost are missing here, too, so that the viewer asks for them and they still fit in, and packets that
//! were left out on purpose leave no gap.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

mod vp8;

pub use vp8::{Vp8Numbers, Vp8Rewriter};

/// How far back packets that come late are known from those that were sent. More lets older ones still fill their gaps;
/// less makes the state of each viewer smaller, which is 128 bytes of it. It is a second of ten megabits.
const WINDOW: usize = 1024;
/// The longest gap that is handed on. More makes the viewer ask for what no source can send again, and browsers throw
/// a list of 1,000 away; less hides losses that could be made good. It has to be below `WINDOW`.
const LONGEST_GAP: u64 = 1_000;
/// Runs of numbers between which packets were left out, so that late ones still find their place. More remembers
/// longer, less makes each late packet cheaper; one before the oldest run is refused.
const RUNS: usize = 32;
/// The most that timestamps advance at a change of layer: a quarter of their range, three hours of pictures. After a
/// longer pause the time would seem to run backwards.
const LONGEST_PAUSE: u64 = 1 << 30;

/// The sequence numbers and timestamps of one outgoing stream.
///
/// Sequence numbers are extended ones on both sides: the upper bits count the cycles of the lower sixteen (RFC 3711
/// section 3.3.1). None is given out twice.
#[derive(Clone, Debug)]
pub struct Rewriter {
    /// Ticks per second of the timestamps.
    clock_rate: u32,
    /// Where the first packet begins.
    first: u64,
    /// The youngest packet that was sent.
    last: Option<Last>,
    /// The present layer's numbers, from the last time on that some were left out; none before the first layer.
    run: Option<Run>,
    /// Those before, oldest first, at most [`RUNS`].
    older: VecDeque<Run>,
    /// The source's number after its youngest packet.
    next: u64,
    /// What is added to the source's timestamps, modulo 2^32.
    time_shift: u32,
    /// Which of the last [`WINDOW`] numbers were sent, at their remainder.
    sent: [u64; WINDOW / 64],
}

#[derive(Clone, Copy, Debug)]
struct Last {
    seq: u64,
    time: u32,
    at: Instant,
}

/// Numbers of the source, without one left out.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: u64,
    /// The first that does not belong to it.
    to: u64,
    /// What is added to each, modulo 2^64.
    shift: u64,
}

impl Rewriter {
    /// A stream whose timestamps tick `clock_rate` times a second: 90,000 for pictures, 48,000 or 8,000 for sound.
    /// `first` is the first sequence number, random, and only its lower fifteen bits are used: encryption counts the
    /// cycles from 0, and a viewer that misses the first packets must not miss the end of a cycle (RFC 3711 section
    /// 3.3.1).
    #[must_use]
    pub fn new(first: u16, clock_rate: u32) -> Self {
        Self {
            clock_rate,
            first: u64::from(first & 0x7fff),
            last: None,
            run: None,
            older: VecDeque::new(),
            next: 0,
            time_shift: 0,
            sent: [0; WINDOW / 64],
        }
    }

    /// From here on packets come from another layer, or after a pause: the packet with the source's number `seq` and
    /// timestamp `time` gets the next number, and the time that has really passed since the last packet, one tick at
    /// least. Of a burst in disorder it is the packet with the lowest number; older ones are refused from now on.
    pub fn switch(&mut self, seq: u64, time: u32, now: Instant) {
        let (out, out_time) = match &self.last {
            None => (self.first, time),
            Some(last) => (last.seq + 1, last.time.wrapping_add(self.ticks(now.saturating_duration_since(last.at)))),
        };
        self.time_shift = out_time.wrapping_sub(time);
        self.run = Some(Run { from: seq, to: u64::MAX, shift: out.wrapping_sub(seq) });
        self.older.clear();
        self.next = seq;
    }

    /// The numbers with which the packet goes out: sequence number and timestamp. `None` if it must not: before the
    /// first [`switch`](Self::switch), what is older than the last one, too old to know, left out or sent already.
    pub fn map(&mut self, seq: u64, time: u32, now: Instant) -> Option<(u64, u32)> {
        let out_time = time.wrapping_add(self.time_shift);
        let run = if seq >= self.next {
            self.advance_to(seq)?;
            self.next = seq + 1;
            self.run
        } else {
            self.older.iter().copied().chain(self.run).find(|run| (run.from..run.to).contains(&seq))
        }?;
        let out = seq.wrapping_add(run.shift);
        match &mut self.last {
            Some(last) if out <= last.seq => {
                if last.seq - out >= WINDOW as u64 {
                    return None;
                }
            }
            last => {
                let before = last.as_ref().map_or(out.wrapping_sub(1), |last| last.seq);
                let ahead = last.as_ref().is_none_or(|last| is_later(out_time, last.time));
                let time = last.as_ref().filter(|_| !ahead).map_or(out_time, |last| last.time);
                *last = Some(Last { seq: out, time, at: now });
                // At most `LONGEST_GAP`, and one.
                for skipped in before.wrapping_add(1)..out {
                    self.set_sent(skipped, false);
                }
                self.set_sent(out, false);
            }
        }
        (!self.set_sent(out, true)).then_some((out, out_time))
    }

    /// The source's packet `seq` is left out on purpose: those after it move up. One that comes late leaves its gap, the
    /// packets after it have gone out.
    pub fn skipped(&mut self, seq: u64) {
        if seq >= self.next && self.advance_to(seq).is_some() {
            self.leave_out(seq, seq + 1);
        }
    }

    /// Makes ready for the source's number `seq`, at or beyond `next`. A long gap is closed: no packet of it will come,
    /// and a viewer that saw it would lose count of the cycles.
    fn advance_to(&mut self, seq: u64) -> Option<()> {
        self.run?;
        // So that there is one after it; no source gets that far.
        if seq == u64::MAX {
            return None;
        }
        if seq - self.next > LONGEST_GAP {
            self.leave_out(self.next, seq);
        }
        Some(())
    }

    fn leave_out(&mut self, from: u64, to: u64) {
        let Some(run) = &mut self.run else { return };
        let shift = run.shift.wrapping_sub(to - from);
        let before = std::mem::replace(run, Run { from: to, to: u64::MAX, shift });
        if before.from < from {
            if self.older.len() == RUNS {
                self.older.pop_front();
            }
            self.older.push_back(Run { to: from, ..before });
        }
        self.next = to;
    }

    fn ticks(&self, passed: Duration) -> u32 {
        let ticks = passed.as_nanos() * u128::from(self.clock_rate) / 1_000_000_000;
        ticks.clamp(1, u128::from(LONGEST_PAUSE)) as u32
    }

    /// What it was before.
    fn set_sent(&mut self, out: u64, sent: bool) -> bool {
        let place = (out % WINDOW as u64) as usize;
        let word = &mut self.sent[place / 64];
        let before = *word >> (place % 64) & 1 == 1;
        *word = *word & !(1 << (place % 64)) | u64::from(sent) << (place % 64);
        before
    }
}

/// Of two timestamps, on their circle.
fn is_later(time: u32, than: u32) -> bool {
    time != than && time.wrapping_sub(than) <= u32::MAX / 2
}

#[cfg(test)]
mod tests;
