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
mod tests {
    use super::super::rtp::FIXED;
    use super::super::srtp::Master;
    use super::*;

    struct Sender {
        srtp: Srtp,
        keys: Keys,
    }

    const PT: u8 = 96;
    const RTX: u8 = 97;

    impl Sender {
        fn new() -> Self {
            let (ours, theirs) =
                (Master { key: vec![1; 32], salt: [2; 12] }, Master { key: vec![3; 32], salt: [4; 12] });
            let keys = Keys { ours: theirs.clone(), theirs: ours.clone() };
            Self { srtp: Srtp::new(&str0m::crypto::from_feature_flags(), &ours, true), keys }
        }

        fn packet(&mut self, pt: u8, seq: u32, ssrc: u32, payload: &[u8]) -> Vec<u8> {
            let mut packet = vec![0; FIXED];
            rtp::write_fixed(packet.first_chunk_mut().unwrap(), pt, false, seq as u16, 0, ssrc);
            let head = packet.clone();
            self.srtp.seal_rtp(&head, seq >> 16, payload, &mut packet).unwrap();
            packet
        }

        fn frame(&mut self, seq: u32, key: bool, frame: u32) -> Vec<Vec<u8>> {
            let part = |index| {
                let (stamp, mut payload) = (Stamp { nanos: 1_000, frame, index, count: 3 }, Vec::new());
                payload::vp8(&mut payload, 100, key, &stamp);
                payload
            };
            (0..3).map(|index| self.packet(PT, seq + u32::from(index), 5, &part(index))).collect()
        }
    }

    fn receiver(sender: &Sender) -> Receiver {
        let numbers = Numbers { video: vec![PT], rtx: vec![RTX], ..Numbers::default() };
        Receiver::new(&str0m::crypto::from_feature_flags(), &sender.keys, numbers, 0, Instant::now())
    }

    #[test]
    fn a_key_frame_is_whole_when_its_last_packet_is_there_in_whatever_order() {
        let mut sender = Sender::new();
        let (mut receiver, mut tally, now) = (receiver(&sender), Tally::new(), Instant::now());
        let delta = sender.frame(65_530, false, 1);
        let [first, second, third] = sender.frame(65_534, true, 2).try_into().unwrap();
        let mut take = |packet: &[u8]| receiver.rtp(packet, 3_000, now, &mut tally);
        assert!(!delta.iter().any(|packet| take(packet)));
        assert_eq!([&first, &third, &second].map(|packet| take(packet)), [false, false, true]);
        assert!(receiver.key.is_none());
        assert_eq!((tally.packets, tally.unreadable, tally.foreign), (6, 0, 0));
        assert_eq!(tally.delay.max(), Duration::from_nanos(2_000));
        let mut counted = Counted::default();
        receiver.sum(&mut counted);
        assert_eq!((counted.expected, counted.received, counted.reordered), (7, 6, 1));
    }

    #[test]
    fn then_one_packet_in_64_is_opened_and_what_is_altered_is_noticed() {
        let mut sender = Sender::new();
        let (mut receiver, mut tally, now) = (receiver(&sender), Tally::new(), Instant::now());
        for packet in sender.frame(0, true, 0) {
            receiver.rtp(&packet, 0, now, &mut tally);
        }
        let opened = tally.delay.count();
        for seq in 3..3 + 640 {
            receiver.rtp(&sender.packet(PT, seq, 5, b"no stamp"), 0, now, &mut tally);
        }
        assert_eq!((tally.foreign, tally.delay.count()), (10, opened));
        assert!(tally.check().is_err());
    }

    #[test]
    fn what_is_lost_is_asked_for_and_recovered() {
        let mut sender = Sender::new();
        let (mut receiver, mut tally, now) = (receiver(&sender), Tally::new(), Instant::now());
        for seq in [10, 12] {
            receiver.rtp(&sender.packet(PT, seq, 5, &[]), 0, now, &mut tally);
        }
        let later = now + FEEDBACK;
        let sealed = receiver.feedback(later).unwrap().to_vec();
        let mut peer = Srtp::new(&str0m::crypto::from_feature_flags(), &sender.keys.ours, false);
        let mut said = Vec::new();
        peer.open_rtcp(&sealed, &mut said).unwrap();
        assert_eq!(said[8..], [0x81, 205, 0, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 11, 0, 0]);
        receiver.rtp(&sender.packet(RTX, 1, 6, &[0, 11, 9, 9]), 0, later, &mut tally);
        let mut counted = Counted::default();
        receiver.sum(&mut counted);
        assert_eq!((counted.expected, counted.received, counted.recovered), (3, 2, 1));
        assert_eq!(counted.loss(), 0.0);
        assert!(receiver.feedback(later + FEEDBACK).is_none(), "nothing is missing any more");
    }
}
