//! The unit of forwarding: the packets of one source frame, or as many of them as came within a millisecond.
//!
//! Viewers are served one after the other, each with the whole burst: its keys and counters stay in the cache, and what
//! it is sent leaves in one system call.

use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::{Kind, LinkId};

/// How long the packets of a frame are waited for: longer makes larger bursts, and fewer system calls, of senders that
/// pace their packets; shorter delays them less.
pub(crate) const BURST: Duration = Duration::from_millis(1);
/// Packets of one burst at most: one GSO send takes no more than 64, and about 64 kB.
pub(crate) const PACKETS: usize = 48;

/// Packets of one source and layer, in the order of their numbers.
#[derive(Debug)]
pub struct Burst {
    /// The leg that they came in by.
    pub source: LinkId,
    /// Sound or pictures.
    pub kind: Kind,
    /// The simulcast layer, by its place in the publisher's description; 0 for a source that has one.
    pub layer: u8,
    /// It begins a frame that can be decoded without another.
    pub key: bool,
    /// It came out of order: a retransmission, or a packet that was overtaken.
    pub late: bool,
    /// Nothing of the source passed before it: it was switched off. Numbers are to be based anew.
    pub resumed: bool,
    /// When the first packet came.
    pub at: Instant,
    /// The packets; at least one.
    pub packets: Vec<Packet>,
}

/// One RTP packet of a source, decrypted.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Sequence number, extended over wraps.
    pub seq: u64,
    /// RTP timestamp.
    pub time: u32,
    /// The marker bit.
    pub marker: bool,
    /// The payload, shared by all viewers.
    pub payload: Arc<[u8]>,
    /// Audio level (RFC 6464), in -dBov: 0 is loudest, 127 is silence.
    pub level: Option<u8>,
    /// What the source says beside the level: it takes this for speech.
    pub voice: bool,
    /// Video orientation (3GPP 26.114), as str0m reads it.
    pub rotation: Option<str0m::rtp::VideoOrientation>,
}

/// Collects the packets of one source layer to bursts.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    packets: Vec<Packet>,
    key: bool,
    since: Option<Instant>,
    /// The highest number that was handed on or waits.
    newest: Option<u64>,
}

/// Packets that are to be forwarded.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) packets: Vec<Packet>,
    /// They begin a frame that can be decoded without another.
    pub(crate) key: bool,
    /// They came out of order.
    pub(crate) late: bool,
    pub(crate) since: Instant,
}

impl Collector {
    /// Takes a packet. A frame is whole with its marker; a packet of the next frame says so, too, if the marker was lost.
    pub(crate) fn push(&mut self, packet: Packet, key: bool, now: Instant, out: &mut Vec<Collected>) {
        if self.newest.is_some_and(|newest| packet.seq <= newest) {
            out.push(Collected { packets: vec![packet], key, late: true, since: now });
            return;
        }
        if self.packets.first().is_some_and(|first| first.time != packet.time) {
            out.extend(self.flush());
        }
        self.newest = Some(packet.seq);
        self.key |= key;
        self.since.get_or_insert(now);
        let whole = packet.marker;
        self.packets.push(packet);
        if whole || self.packets.len() >= PACKETS {
            out.extend(self.flush());
        }
    }

    /// When what waits has waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.since.map(|since| since + BURST)
    }

    /// Hands on what waits.
    pub(crate) fn flush(&mut self) -> Option<Collected> {
        let since = self.since.take()?;
        let (packets, key) = (std::mem::take(&mut self.packets), std::mem::take(&mut self.key));
        Some(Collected { packets, key, late: false, since })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(seq: u64, time: u32, marker: bool) -> Packet {
        Packet { seq, time, marker, payload: Arc::from(&b"x"[..]), level: None, voice: false, rotation: None }
    }

    /// What each push hands on, as `numbers key late`.
    fn run(packets: &[(u64, u32, bool, bool)]) -> Vec<String> {
        let (mut collector, now, mut out) = (Collector::default(), Instant::now(), Vec::new());
        for &(seq, time, marker, key) in packets {
            collector.push(packet(seq, time, marker), key, now, &mut out);
        }
        out.extend(collector.flush());
        let line = |Collected { packets, key, late, .. }: Collected| {
            let numbers: Vec<_> = packets.iter().map(|packet| packet.seq).collect();
            format!("{numbers:?} {key} {late}")
        };
        out.into_iter().map(line).collect()
    }

    #[test]
    fn a_frame_is_one_burst_and_late_packets_are_their_own() {
        assert_eq!(run(&[(1, 0, false, true), (2, 0, true, false)]), ["[1, 2] true false"]);
        let lost_marker = [(1, 0, false, false), (3, 90, false, true), (4, 90, true, false)];
        assert_eq!(run(&lost_marker), ["[1] false false", "[3, 4] true false"]);
        let overtaken = [(1, 0, false, false), (3, 0, true, false), (2, 0, false, false), (4, 90, true, false)];
        assert_eq!(run(&overtaken), ["[1, 3] false false", "[2] false true", "[4] false false"]);
        let long: Vec<_> = (0..PACKETS as u64 + 1).map(|seq| (seq, 0, false, false)).collect();
        assert_eq!(run(&long).len(), 2);
    }

    #[test]
    fn what_waits_is_due_a_millisecond_after_its_first_packet() {
        let (mut collector, now, mut out) = (Collector::default(), Instant::now(), Vec::new());
        assert_eq!(collector.deadline(), None);
        collector.push(packet(1, 0, false), false, now, &mut out);
        collector.push(packet(2, 0, false), false, now + BURST / 2, &mut out);
        assert_eq!(collector.deadline(), Some(now + BURST));
        assert!(out.is_empty() && collector.flush().is_some());
        assert_eq!(collector.deadline(), None);
    }
}
