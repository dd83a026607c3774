//! What a viewer was sent of late, so that it can be sent again. The payloads are those of the bursts, shared by all
//! viewers: a viewer's own part is 40 bytes a packet.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::RESEND_SHARE;
use crate::burst::{Burst, Packet};
use crate::meter::Meter;
use crate::rewrite::Vp8Numbers;

/// With what a packet leaves.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Form {
    /// Sequence number, extended over its cycles.
    pub(super) seq: u64,
    /// RTP timestamp.
    pub(super) time: u32,
    /// Absolute send time.
    pub(super) send_time: u32,
    pub(super) numbers: Vp8Numbers,
    /// Bytes of padding behind the payload.
    pub(super) padding: u8,
    /// It tells which section it belongs to.
    pub(super) tells_mid: bool,
}

/// A packet that was sent, with all that is needed to send it again to the byte.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    pub(super) form: Form,
    burst: Arc<Burst>,
    place: u8,
}

impl Sent {
    pub(super) fn packet(&self) -> &Packet {
        &self.burst.packets[usize::from(self.place)]
    }
}

/// Packets that are looked at, with each that is sent, for whether they are too old. One at a time would never make up
/// for a pause; each costs every packet a little.
const EXPIRED: usize = 2;

/// The packets of one stream that may be asked for again.
pub(super) struct History {
    /// Each at its number's remainder; empty until the first one.
    ring: Vec<Option<Sent>>,
    room: usize,
    keep: Duration,
    newest: u64,
    /// Nothing before this number is kept.
    oldest: u64,
    sent: Meter,
    resent: Meter,
}

impl History {
    /// Keeps `room` packets, at least one, for so long.
    pub(super) fn new((room, keep): (usize, Duration)) -> Self {
        let (ring, sent, resent) = (Vec::new(), Meter::new(), Meter::new());
        Self { ring, room: room.max(1), keep, newest: 0, oldest: 0, sent, resent }
    }

    /// The packet at that place of the burst was sent.
    pub(super) fn note(&mut self, burst: &Arc<Burst>, place: usize, form: Form, now: Instant) {
        let (Some(packet), Ok(place)) = (burst.packets.get(place), u8::try_from(place)) else { return };
        if self.ring.is_empty() {
            self.ring.resize_with(self.room, || None);
            self.oldest = form.seq;
        }
        self.expire(now);
        self.sent.add(packet.payload.len(), now);
        self.newest = self.newest.max(form.seq);
        let slot = self.slot(form.seq);
        self.ring[slot] = Some(Sent { form, burst: Arc::clone(burst), place });
    }

    /// The packet of that number, if it is kept, and if so much may be sent again.
    pub(super) fn again(&mut self, seq: u16, now: Instant) -> Option<Sent> {
        let behind = (self.newest as u16).wrapping_sub(seq);
        let seq = self.newest.checked_sub(behind.into())?;
        let sent = self.ring.get(self.slot(seq))?.as_ref().filter(|sent| sent.form.seq == seq)?;
        if now.saturating_duration_since(sent.burst.at) > self.keep {
            return None;
        }
        // In the first moments there is no second to take a share of.
        let share = (self.sent.bps(now) as f32 * RESEND_SHARE) as u64;
        if self.resent.bps(now) > share {
            return None;
        }
        let sent = sent.clone();
        self.resent.add(sent.packet().payload.len(), now);
        Some(sent)
    }

    /// Lets go of what is too old to be sent again: a slow stream would keep it for long, and with it the bursts. A few at
    /// a time, so that no packet waits for it; more than come.
    fn expire(&mut self, now: Instant) {
        self.oldest = self.oldest.max((self.newest + 1).saturating_sub(self.room as u64));
        for _ in 0..EXPIRED {
            if self.oldest >= self.newest {
                return;
            }
            let slot = self.slot(self.oldest);
            if self.ring[slot].as_ref().is_some_and(|sent| now.saturating_duration_since(sent.burst.at) <= self.keep) {
                return;
            }
            self.ring[slot] = None;
            self.oldest += 1;
        }
    }

    /// Forgets all, so that bursts are not kept for a stream that has ended.
    pub(super) fn clear(&mut self) {
        self.ring = Vec::new();
    }

    fn slot(&self, seq: u64) -> usize {
        (seq % self.room as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::{Kind, LinkId};

    use super::*;

    const KEEP: Duration = Duration::from_secs(1);

    fn burst(count: u64, at: Instant) -> Arc<Burst> {
        let packet = |seq| Packet {
            seq,
            time: 0,
            marker: false,
            payload: Arc::from(vec![0; 1_000]),
            level: None,
            voice: false,
            rotation: None,
        };
        let (source, packets) = (LinkId::new(1), (0..count).map(packet).collect());
        Arc::new(Burst { source, kind: Kind::Video, layer: 0, key: false, late: false, resumed: false, at, packets })
    }

    /// A history of `room` that was told of these numbers, all at one moment.
    fn told(room: usize, seqs: &[u64], now: Instant) -> History {
        let (mut history, burst) = (History::new((room, KEEP)), burst(1, now));
        for &seq in seqs {
            history.note(&burst, 0, Form { seq, ..Form::default() }, now);
        }
        history
    }

    fn found(history: &mut History, seq: u16, now: Instant) -> Option<u64> {
        history.again(seq, now).map(|sent| sent.form.seq)
    }

    #[test]
    fn only_what_was_sent_is_found() {
        let now = Instant::now();
        assert_eq!(found(&mut History::new((8, KEEP)), 0, now), None, "nothing was sent");
        let once = |seq| found(&mut told(8, &[10, 11, 13], now), seq, now);
        let expected = [Some(10), Some(11), None, Some(13), None, None, None];
        assert_eq!([10, 11, 12, 13, 14, 9, 5].map(once), expected);
        let mut history = told(8, &[10, 11, 13], now);
        history.clear();
        assert_eq!(found(&mut history, 10, now), None);
        history.note(&burst(1, now), 1, Form { seq: 14, ..Form::default() }, now);
        assert_eq!(found(&mut history, 14, now), None, "the burst has no such packet");
    }

    #[test]
    fn numbers_wrap() {
        let now = Instant::now();
        let mut history = told(8, &[0xfffe, 0xffff, 0x1_0000, 0x1_0001], now);
        assert_eq!(found(&mut history, 0xffff, now), Some(0xffff));
        assert_eq!(found(&mut history, 0, now), Some(0x1_0000));
        assert_eq!(found(&mut history, 2, now), None, "that would be a cycle ago");
    }

    #[test]
    fn the_oldest_go_first_and_late_ones_find_their_place() {
        let now = Instant::now();
        let once = |seq| found(&mut told(4, &[1, 2, 4, 5, 3], now), seq, now);
        assert_eq!([1, 2, 3, 4, 5].map(once), [None, Some(2), Some(3), Some(4), Some(5)]);
    }

    #[test]
    fn what_is_too_old_is_not_sent_again() {
        let now = Instant::now();
        let mut history = told(4, &[1], now);
        assert_eq!(found(&mut history, 1, now + KEEP), Some(1));
        assert_eq!(found(&mut history, 1, now + KEEP + Duration::from_millis(1)), None);
    }

    #[test]
    fn what_is_too_old_is_let_go_of() {
        let start = Instant::now();
        let mut history = History::new((64, KEEP));
        let mut kept = 0;
        for seq in 0..200 {
            let now = start + Duration::from_millis(100 * seq);
            // Some numbers are missing, and some come late.
            if seq % 7 != 0 {
                history.note(&burst(1, now), 0, Form { seq: 0x1_fff0 + seq, ..Form::default() }, now);
            }
            if seq % 14 == 1 {
                history.note(&burst(1, now), 0, Form { seq: 0x1_fff0 + seq - 1, ..Form::default() }, now);
            }
            kept = history.ring.iter().flatten().count();
            assert!(kept <= 13, "{kept} at {seq}");
        }
        assert!(kept >= 9, "{kept}");
        let has = |seq: u64| history.ring.iter().flatten().any(|sent| sent.form.seq == 0x1_fff0 + seq);
        assert_eq!([199, 198, 195, 190, 188, 187, 150].map(has), [true, true, true, true, false, false, false]);
    }

    #[test]
    fn no_more_than_a_share_is_sent_again() {
        let now = Instant::now();
        let mut history = told(100, &(0..100).collect::<Vec<_>>(), now);
        let again = (0..100).filter(|seq| found(&mut history, *seq, now).is_some()).count();
        assert_eq!(again, 51, "half, and the one that exceeds it");
        let later = now + Duration::from_millis(1_500);
        history.note(&burst(1, later), 0, Form { seq: 100, ..Form::default() }, later);
        assert_eq!(found(&mut history, 100, later), Some(100), "of the last second");
    }
}
