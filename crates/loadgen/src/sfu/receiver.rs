//! A viewer's media once its connection stands: counts every packet, opens few, and says in RTCP what came.
//!
//! Numbers are in clear, so that loss and order are known of every packet without a key. One packet in
//! [`SAMPLED`] is opened: whether it is intact, and how long it took. Until the first key frame is whole every packet is
//! opened, since what belongs to it cannot be told otherwise.

use std::time::{Duration, Instant};

use str0m::crypto::CryptoProvider;

use super::counter::Counter;
use super::payload::{self, Stamp};
use super::rtcp::{self, Arrivals};
use super::rtp::{self, Header};
use super::sdp::Numbers;
use super::srtp::{Keys, Srtp};
use super::tally::Tally;

/// More samples would show the delay's tail sooner, but take the generator's time from the server's core.
const SAMPLED: u32 = 64;

/// How often a viewer reports arrivals, as browsers do at this rate. More often is more work for both sides, less often
/// a slower estimate.
const FEEDBACK: Duration = Duration::from_millis(100);
/// Each so many of these, a receiver report goes with it: one per second, as browsers do for pictures.
const REPORT: u32 = 10;

/// The SSRC of one who only listens.
const OURS: u32 = 1;

pub(crate) struct Receiver {
    numbers: Numbers,
    open: Srtp,
    seal: Srtp,
    counters: Vec<Counter>,
    arrivals: Arrivals,
    /// The key frame that is being collected, and what of it has come; `None`: one is whole.
    key: Option<Collected>,
    until_sample: u32,
    next_feedback: Instant,
    turns: u32,
    /// What is opened and written, one after the other.
    text: Vec<u8>,
    sealed: Vec<u8>,
}

#[derive(Default)]
struct Collected {
    /// The frame's number; it began with a key frame's first packet.
    frame: Option<u32>,
    came: Vec<bool>,
}

impl Receiver {
    /// `number` spreads the feedback of many receivers over time.
    pub(crate) fn new(provider: &CryptoProvider, keys: &Keys, numbers: Numbers, number: usize, now: Instant) -> Self {
        Self {
            numbers,
            open: Srtp::new(provider, &keys.theirs, false),
            seal: Srtp::new(provider, &keys.ours, true),
            counters: Vec::new(),
            arrivals: Arrivals::default(),
            key: Some(Collected::default()),
            until_sample: number as u32 % SAMPLED,
            next_feedback: now + FEEDBACK * (number as u32 % 32) / 32,
            turns: number as u32,
            text: Vec::new(),
            sealed: Vec::new(),
        }
    }

    /// A later description of the same connection.
    pub(crate) fn renumber(&mut self, numbers: Numbers) {
        self.numbers = numbers;
    }

    /// Takes an RTP packet that the kernel stamped with `unix_nanos`. Gives true once: when the first key frame is whole.
    pub(crate) fn rtp(&mut self, packet: &[u8], unix_nanos: u64, now: Instant, tally: &mut Tally) -> bool {
        let Some(header) = Header::read(packet) else {
            tally.unreadable += 1;
            return false;
        };
        if let Some(seq) = self.numbers.transport_cc.and_then(|id| rtp::transport_seq(packet, id)) {
            self.arrivals.note(seq, unix_nanos / 1_000);
        }
        if self.numbers.rtx.contains(&header.pt) {
            tally.retransmitted += 1;
            self.retransmission(packet, &header, now);
            return false;
        }
        let extended = self.counter(&header).count(header.seq, now);
        tally.packets += 1;
        tally.bytes += packet.len() as u64;
        if self.key.is_none() {
            if self.until_sample > 0 {
                self.until_sample -= 1;
                return false;
            }
            self.until_sample = SAMPLED - 1;
        }
        let roc = (extended >> 16) as u32;
        if self.open.open_rtp(packet, &header, roc, &mut self.text).is_none() {
            tally.unreadable += 1;
            return false;
        }
        let payload = payload::unpadded(&self.text, header.padding);
        let Some(stamp) = payload::read(payload) else {
            // Padding alone is how a server tries a path; anything else was altered.
            tally.foreign += u64::from(!payload.is_empty());
            return false;
        };
        tally.delay.record(unix_nanos.saturating_sub(stamp.nanos));
        let begins = payload::begins_key(payload);
        self.numbers.video.contains(&header.pt) && self.collect(begins, &stamp)
    }

    fn counter(&mut self, header: &Header) -> &mut Counter {
        let at = self.counters.iter().position(|counter| counter.ssrc == header.ssrc);
        let at = at.unwrap_or_else(|| {
            self.counters.push(Counter::new(header.ssrc, header.pt, header.seq));
            self.counters.len() - 1
        });
        &mut self.counters[at]
    }

    /// RFC 4588 section 4: the payload begins with the number of the packet that it repeats.
    fn retransmission(&mut self, packet: &[u8], header: &Header, now: Instant) {
        let extended = self.counter(header).count(header.seq, now);
        if self.open.open_rtp(packet, header, (extended >> 16) as u32, &mut self.text).is_none() {
            return;
        }
        let Some(original) = self.text.first_chunk().map(|seq| u16::from_be_bytes(*seq)) else { return };
        let announced = self.numbers.repairs.iter().find(|(repair, _)| *repair == header.ssrc).map(|(_, media)| *media);
        let video = &self.numbers.video;
        let repaired = self.counters.iter_mut().find(|counter| match announced {
            Some(media) => counter.ssrc == media,
            None => video.contains(&counter.pt),
        });
        if let Some(counter) = repaired {
            counter.recover(original);
        }
    }

    fn collect(&mut self, begins: bool, stamp: &Stamp) -> bool {
        let Some(key) = &mut self.key else { return false };
        if begins {
            *key = Collected { frame: Some(stamp.frame), came: vec![false; usize::from(stamp.count)] };
        }
        if key.frame != Some(stamp.frame) {
            return false;
        }
        if let Some(came) = key.came.get_mut(usize::from(stamp.index)) {
            *came = true;
        }
        let whole = key.came.iter().all(|came| *came);
        if whole {
            self.key = None;
        }
        whole
    }

    /// Takes an RTCP packet.
    pub(crate) fn rtcp(&mut self, packet: &[u8], now: Instant, tally: &mut Tally) {
        if self.open.open_rtcp(packet, &mut self.text).is_none() {
            tally.unreadable += 1;
            return;
        }
        for (ssrc, ntp) in rtcp::sender_reports(&self.text) {
            if let Some(counter) = self.counters.iter_mut().find(|counter| counter.ssrc == ssrc) {
                counter.sender_report(ntp, now);
            }
        }
    }

    /// When it has something to say.
    pub(crate) fn due(&self) -> Instant {
        self.next_feedback
    }

    /// What it says now: one sealed compound packet, or nothing.
    pub(crate) fn feedback(&mut self, now: Instant) -> Option<&[u8]> {
        self.next_feedback += FEEDBACK;
        if self.next_feedback < now {
            self.next_feedback = now + FEEDBACK;
        }
        self.turns += 1;
        let report = self.turns.is_multiple_of(REPORT);
        self.text.clear();
        let compound = &mut self.text;
        let rtx = &self.numbers.rtx;
        let media = self.counters.iter_mut().filter(|counter| !rtx.contains(&counter.pt));
        let blocks: Vec<_> = media.map(|counter| if report { Some(counter.report(now)) } else { None }).collect();
        let blocks: Vec<_> = blocks.into_iter().flatten().take(rtcp::MOST_BLOCKS).collect();
        rtcp::receiver_report(compound, OURS, &blocks);
        let empty = compound.len();
        for counter in self.counters.iter_mut().filter(|counter| !rtx.contains(&counter.pt)) {
            let wanted = counter.wanted(now);
            if !wanted.is_empty() {
                rtcp::nack(compound, OURS, counter.ssrc, &wanted);
            }
        }
        let about = self.counters.first().map_or(0, |counter| counter.ssrc);
        self.arrivals.report(compound, OURS, about);
        if blocks.is_empty() && compound.len() == empty {
            return None;
        }
        self.seal.seal_rtcp(&self.text, &mut self.sealed)?;
        Some(&self.sealed)
    }

    /// The streams that it has received, each with its packets so far.
    pub(crate) fn streams(&self) -> impl Iterator<Item = (u32, u64)> {
        let media = self.counters.iter().filter(|counter| !self.numbers.rtx.contains(&counter.pt));
        media.map(|counter| (counter.ssrc, counter.received))
    }

    /// Adds what it has counted since it began.
    pub(crate) fn sum(&self, counted: &mut Counted) {
        for counter in self.counters.iter().filter(|counter| !self.numbers.rtx.contains(&counter.pt)) {
            counted.expected += counter.expected();
            counted.received += counter.received;
            counted.recovered += counter.recovered;
            counted.reordered += counter.reordered;
            counted.duplicates += counter.duplicates;
        }
    }
}

/// Packets of all streams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) expected: u64,
    pub(crate) received: u64,
    pub(crate) recovered: u64,
    pub(crate) reordered: u64,
    pub(crate) duplicates: u64,
}

impl Counted {
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            expected: self.expected.saturating_sub(earlier.expected),
            received: self.received.saturating_sub(earlier.received),
            recovered: self.recovered.saturating_sub(earlier.recovered),
            reordered: self.reordered.saturating_sub(earlier.reordered),
            duplicates: self.duplicates.saturating_sub(earlier.duplicates),
        }
    }

    /// Share of the packets that never came, in percent.
    pub(crate) fn loss(&self) -> f64 {
        let lost = self.expected.saturating_sub(self.received + self.recovered);
        100.0 * lost as f64 / self.expected.max(1) as f64
    }
}

#[cfg(test)]
mod tests;
