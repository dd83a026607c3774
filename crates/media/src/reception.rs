//! How a telephone's stream arrives: its numbers over their cycles, losses and jitter (RFC 3550 appendix A).

use std::time::{Duration, Instant};

use crate::rtcp::Received;
use crate::rtp::extend;

/// The most that a number may jump ahead or lag behind before the sender may have begun anew: a minute of sound. Less
/// would take a long gap for a new beginning, more would take late packets of the old one for the new one's.
const JUMP: u64 = 3_000;

/// One stream that comes in.
#[derive(Clone, Debug)]
pub(crate) struct Reception {
    pub(crate) ssrc: u32,
    /// The first number and the highest one, extended over their cycles.
    first: u64,
    highest: u64,
    received: u64,
    /// Of the last report.
    reported: (u64, u64),
    /// In sixteenths of a tick.
    jitter: u32,
    /// Arrival less timestamp of the last packet, in ticks.
    transit: Option<u32>,
    /// The number that would follow a packet that jumped: two in a row are a sender that begins anew.
    odd: Option<u16>,
    /// Middle of the last sender report's time, and when it came.
    report: Option<(u32, Instant)>,
}

/// What a packet's number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// One of the stream, extended over its cycles.
    Goes(u64),
    /// The first of a sender that has begun anew.
    Begins(u64),
    /// It makes no sense, and is not to be used.
    Odd,
}

impl Reception {
    /// The stream that begins with that number.
    pub(crate) fn new(ssrc: u32, first: u64) -> Self {
        Self {
            ssrc,
            first,
            highest: first,
            received: 0,
            reported: (0, 0),
            jitter: 0,
            transit: None,
            odd: None,
            report: None,
        }
    }

    /// The stream that begins with a number that nobody has extended: one cycle ahead, so that late ones fit in before.
    pub(crate) fn plain(ssrc: u32, seq: u16) -> Self {
        Self::new(ssrc, 1 << 16 | u64::from(seq))
    }

    /// Extends the number of a packet that nothing vouches for.
    pub(crate) fn number(&mut self, seq: u16) -> Numbered {
        let number = extend(self.highest, seq);
        if number.abs_diff(self.highest) <= JUMP {
            self.odd = None;
            return Numbered::Goes(number);
        }
        if self.odd.replace(seq.wrapping_add(1)) != Some(seq) {
            return Numbered::Odd;
        }
        *self = Self { report: self.report, ..Self::plain(self.ssrc, seq) };
        Numbered::Begins(self.first)
    }

    /// A packet came. `rate`: ticks of its timestamps in a second.
    pub(crate) fn came(&mut self, number: u64, time: u32, rate: u32, now: Instant, epoch: Instant) {
        self.received += 1;
        self.highest = self.highest.max(number);
        let arrival = ticks(now.saturating_duration_since(epoch), rate);
        let transit = arrival.wrapping_sub(time);
        if let Some(before) = self.transit.replace(transit) {
            let difference = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A sender that changes its clock is no network that trembles.
            if difference < rate {
                self.jitter = self.jitter + difference - (self.jitter + 8) / 16;
            }
        }
    }

    /// A sender report came, of that moment.
    pub(crate) fn reported(&mut self, ntp: u64, now: Instant) {
        self.report = Some(((ntp >> 16) as u32, now));
    }

    /// What is to be told of it now. Begins the next interval.
    pub(crate) fn block(&mut self, now: Instant) -> Received {
        let expected = self.highest.saturating_sub(self.first) + 1;
        let (before, received_before) = std::mem::replace(&mut self.reported, (expected, self.received));
        let wanted = expected.saturating_sub(before);
        let lost = wanted.saturating_sub(self.received.saturating_sub(received_before));
        let fraction = (lost * 256).checked_div(wanted).unwrap_or(0).min(255);
        let (last_report, since) = self.report.map_or((0, 0), |(middle, came)| {
            let passed = now.saturating_duration_since(came).as_micros() * 65_536 / 1_000_000;
            (middle, u32::try_from(passed).unwrap_or(u32::MAX))
        });
        Received {
            ssrc: self.ssrc,
            fraction: fraction as u8,
            lost: i32::try_from(i128::from(expected) - i128::from(self.received)).unwrap_or(i32::MAX),
            highest: self.highest as u32,
            jitter: self.jitter / 16,
            last_report,
            since,
        }
    }
}

fn ticks(passed: Duration, rate: u32) -> u32 {
    (passed.as_nanos() * u128::from(rate) / 1_000_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Duration = Duration::from_millis(20);

    #[test]
    fn losses_are_told_for_each_interval_and_in_all() {
        let epoch = Instant::now();
        let mut stream = Reception::plain(7, 65_534);
        for (place, seq) in (0..).zip([65_534, 65_535, 1, 2, 3]) {
            let Numbered::Goes(number) = stream.number(seq) else { panic!("{seq}") };
            stream.came(number, place * 160, 8_000, epoch + STEP * place, epoch);
        }
        let block = stream.block(epoch);
        assert_eq!((block.ssrc, block.fraction, block.lost, block.highest), (7, 42, 1, 0x2_0003));
        let Numbered::Goes(late) = stream.number(0) else { panic!("late") };
        stream.came(late, 320, 8_000, epoch + STEP * 5, epoch);
        let block = stream.block(epoch);
        assert_eq!((block.fraction, block.lost), (0, 0), "it came after all");
    }

    #[test]
    fn jitter_is_what_packets_tremble_by() {
        let epoch = Instant::now();
        let mut stream = Reception::plain(7, 0);
        for place in 0..200_u32 {
            stream.came(u64::from(place) | 1 << 16, place * 160, 8_000, epoch + STEP * place, epoch);
        }
        assert_eq!(stream.block(epoch).jitter, 0);
        for place in 200..400_u32 {
            let late = Duration::from_millis(if place % 2 == 0 { 0 } else { 10 });
            stream.came(u64::from(place) | 1 << 16, place * 160, 8_000, epoch + STEP * place + late, epoch);
        }
        let jitter = stream.block(epoch).jitter;
        assert!((75..=85).contains(&jitter), "80 ticks are 10 ms: {jitter}");
    }

    #[test]
    fn who_begins_anew_is_believed_the_second_time() {
        let mut stream = Reception::plain(7, 40_000);
        assert_eq!(stream.number(40_001), Numbered::Goes(0x1_0000 + 40_001));
        assert_eq!(stream.number(100), Numbered::Odd);
        assert_eq!(stream.number(200), Numbered::Odd, "not in a row");
        assert_eq!(stream.number(40_002), Numbered::Goes(0x1_0000 + 40_002));
        assert_eq!(stream.number(201), Numbered::Odd, "something came between");
        assert_eq!(stream.number(202), Numbered::Begins(0x1_0000 + 202));
        assert_eq!(stream.number(203), Numbered::Goes(0x1_0000 + 203));
        assert_eq!(stream.number(65_535), Numbered::Goes(65_535), "a late one from before the end of a cycle");
    }

    #[test]
    fn a_sender_report_is_repeated() {
        let now = Instant::now();
        let mut stream = Reception::plain(7, 0);
        assert_eq!((stream.block(now).last_report, stream.block(now).since), (0, 0));
        stream.reported(0x0102_0304_0506_0708, now);
        let block = stream.block(now + Duration::from_millis(1_500));
        assert_eq!((block.last_report, block.since), (0x0304_0506, 98_304));
    }
}
