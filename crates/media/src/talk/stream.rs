//! What is sent to one end in one section: one stream, wherever its packets come from.

use std::time::Instant;

use super::Passing;
use crate::rewrite::Rewriter;

/// The numbers of an outgoing stream, and what has been sent in it.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    rewriter: Rewriter,
    /// The next packet's numbers do not follow from those of the one before.
    rebase: bool,
    pub(crate) packets: u32,
    pub(crate) octets: u32,
    /// Timestamp of the youngest packet, and when it was sampled.
    pub(crate) last: Option<(u32, Instant)>,
}

/// Numbers that a packet leaves with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    /// Extended over its cycles.
    pub(crate) seq: u64,
    pub(crate) time: u32,
}

impl Stream {
    /// One that begins at about `first`; see [`Rewriter::new`].
    pub(crate) fn new(first: u16, clock_rate: u32) -> Self {
        Self { rewriter: Rewriter::new(first, clock_rate), rebase: true, packets: 0, octets: 0, last: None }
    }

    /// Nothing is sent for a while: what comes next is told as coming after a pause.
    pub(crate) fn pause(&mut self) {
        self.rebase = true;
    }

    /// The numbers of the next packet; `None`: it is not to be sent, being too late, double, or empty.
    pub(crate) fn number(&mut self, packet: &Passing<'_>, now: Instant) -> Option<Numbered> {
        if packet.fresh || self.rebase {
            // An empty packet says nothing about where the stream is.
            if packet.payload.bytes().is_empty() {
                self.rebase = true;
                return None;
            }
            self.rewriter.switch(packet.seq, packet.time, now);
            self.rebase = false;
        }
        if packet.payload.bytes().is_empty() {
            // Whoever fills its network with padding leaves no gap by it.
            self.rewriter.skipped(packet.seq);
            return None;
        }
        let (seq, time) = self.rewriter.map(packet.seq, packet.time, now)?;
        let newer = |(last, _): &(u32, Instant)| time.wrapping_sub(*last) as i32 >= 0;
        if self.last.as_ref().is_none_or(newer) {
            self.last = Some((time, packet.at));
        }
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(packet.payload.bytes().len() as u32);
        Some(Numbered { seq, time })
    }

    /// The numbers of a packet of our own, which stands for none of the other end's.
    pub(crate) fn insert(&mut self, now: Instant) -> Option<Numbered> {
        self.rewriter.switch(0, 0, now);
        let (seq, time) = self.rewriter.map(0, 0, now)?;
        self.rebase = true;
        self.packets = self.packets.wrapping_add(1);
        Some(Numbered { seq, time })
    }

    /// The timestamp of this moment; `None` before the first packet.
    pub(crate) fn time(&self, now: Instant, clock_rate: u32) -> Option<u32> {
        let (time, at) = self.last?;
        let since = now.saturating_duration_since(at).as_micros() * u128::from(clock_rate) / 1_000_000;
        Some(time.wrapping_add(since as u32))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::{Carried, Payload};
    use super::*;

    const STEP: Duration = Duration::from_millis(20);

    fn packet(seq: u64, time: u32, fresh: bool, payload: &[u8], at: Instant) -> Passing<'_> {
        let payload = Payload::Own(payload);
        Passing { place: 0, carried: Carried::Media, seq, time, marker: false, at, fresh, payload }
    }

    #[test]
    fn numbers_go_on_across_sources_and_pauses() {
        let now = Instant::now();
        let mut stream = Stream::new(100, 8_000);
        let mut next = |steps: u32, seq, time, fresh| {
            let at = now + STEP * steps;
            stream.number(&packet(seq, time, fresh, b"x", at), at).map(|numbered| (numbered.seq, numbered.time))
        };
        assert_eq!(next(0, 70_000, 5_000, false), Some((100, 5_000)));
        assert_eq!(next(1, 70_001, 5_160, false), Some((101, 5_160)));
        assert_eq!(next(1, 70_001, 5_160, false), None, "double");
        assert_eq!(next(2, 3, 900_000, true), Some((102, 5_320)), "another source");
        assert_eq!(next(3, 4, 900_160, false), Some((103, 5_480)));
        stream.pause();
        let later = now + STEP * 103;
        let resumed = stream.number(&packet(50, 7, false, b"x", later), later).expect("it passes");
        assert_eq!((resumed.seq, resumed.time), (104, 5_480 + 100 * 160), "after the time that has passed");
        assert_eq!((stream.packets, stream.octets), (5, 5));
        assert_eq!(stream.time(later + STEP, 8_000), Some(5_480 + 101 * 160));
    }

    #[test]
    fn packets_of_our_own_stand_between() {
        let now = Instant::now();
        let mut stream = Stream::new(100, 8_000);
        assert_eq!(stream.insert(now), Some(Numbered { seq: 100, time: 0 }));
        assert_eq!(stream.insert(now + STEP), Some(Numbered { seq: 101, time: 160 }));
        let at = now + STEP * 2;
        let first = stream.number(&packet(9, 77, false, b"x", at), at);
        assert_eq!(first, Some(Numbered { seq: 102, time: 320 }));
        let second = stream.number(&packet(10, 237, false, b"x", at + STEP), at + STEP);
        assert_eq!(second, Some(Numbered { seq: 103, time: 480 }));
    }

    #[test]
    fn empty_packets_leave_no_gap() {
        let now = Instant::now();
        let mut stream = Stream::new(100, 90_000);
        assert_eq!(stream.number(&packet(1, 0, true, b"", now), now), None);
        let seqs: Vec<_> = [(2, &b"x"[..]), (3, b""), (4, b"x"), (5, b"x")]
            .into_iter()
            .filter_map(|(seq, payload)| stream.number(&packet(seq, 0, false, payload, now), now))
            .map(|numbered| numbered.seq)
            .collect();
        assert_eq!(seqs, [100, 101, 102]);
        assert_eq!(stream.packets, 3);
    }
}
