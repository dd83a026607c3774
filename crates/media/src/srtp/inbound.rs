//! What a telephone sends under a key of its description: RTP, each packet once, and RTCP.

use std::sync::Arc;

use patchbay_sdp::crypto::Crypto;
use str0m::config::CryptoProvider;
use str0m::crypto::{AeadAes128Gcm, AeadAes256Gcm, Aes128CmSha1_80};

use super::{Cipher, Master, Open, RTP};
use crate::rtp::{Header, extend};

/// Numbers behind the highest of which each is let in once (RFC 3711 section 3.3.2 asks for 64 at least). More would let
/// packets in that come even later, when nobody plays them any more.
const WINDOW: u64 = 64;
/// Streams of one sender that are told apart: a telephone begins a new one where a call is handed on, say. More would only
/// remember what is over; of the oldest, what was sent once could be sent again.
const STREAMS: usize = 4;

/// Opens what a telephone sends.
pub(crate) struct Inbound {
    rtp: Cipher,
    /// The newest last.
    streams: Vec<Seen>,
    control: Open,
}

/// Which packets of a stream have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    ssrc: u32,
    /// The highest number, extended over its cycles.
    highest: u64,
    /// Which of those before it have come: bit 0 is the highest itself.
    before: u64,
}

impl Inbound {
    /// Opens under a key of the telephone's description.
    pub(crate) fn of(provider: &Arc<CryptoProvider>, crypto: &Crypto) -> Self {
        let master = Master::of(crypto);
        let control = Open::new(provider, &master);
        Self { rtp: Cipher::new(provider, &master, RTP, false), streams: Vec::new(), control }
    }

    /// Opens the payload of an RTP packet into `out`, which is emptied before: the packet's number, extended over its
    /// cycles. `None`: forged, altered, in clear, or one that has come before.
    pub(crate) fn rtp(&mut self, packet: &[u8], header: &Header, out: &mut Vec<u8>) -> Option<u64> {
        let known = self.streams.iter().position(|seen| seen.ssrc == header.ssrc);
        let index = match known {
            Some(place) => extend(self.streams[place].highest, header.seq),
            // RFC 3711 section 3.3.1: cycles are counted from 0.
            None => header.seq.into(),
        };
        if known.is_some_and(|place| self.streams[place].has(index)) {
            return None;
        }
        self.rtp.open(packet, header, index, out)?;
        // Only what was sealed by the sender may move the window.
        let place = known.unwrap_or_else(|| {
            if self.streams.len() == STREAMS {
                self.streams.remove(0);
            }
            self.streams.push(Seen { ssrc: header.ssrc, highest: index, before: 0 });
            self.streams.len() - 1
        });
        self.streams[place].note(index);
        Some(index)
    }

    /// Opens a compound RTCP packet into `out`. `false`: as above.
    pub(crate) fn rtcp(&mut self, packet: &[u8], out: &mut Vec<u8>) -> bool {
        self.control.rtcp(packet, out)
    }
}

impl Seen {
    /// Whether that one has come, or may have.
    fn has(&self, index: u64) -> bool {
        let Some(behind) = self.highest.checked_sub(index) else { return false };
        behind >= WINDOW || self.before >> behind & 1 == 1
    }

    fn note(&mut self, index: u64) {
        if let Some(behind) = self.highest.checked_sub(index) {
            self.before |= 1 << behind.min(WINDOW - 1);
            return;
        }
        let ahead = u32::try_from(index - self.highest).unwrap_or(u32::MAX);
        self.before = self.before.checked_shl(ahead).unwrap_or(0) | 1;
        self.highest = index;
    }
}

impl Cipher {
    fn open(&mut self, packet: &[u8], header: &Header, index: u64, out: &mut Vec<u8>) -> Option<()> {
        out.clear();
        let end = packet.len().checked_sub(self.tag())?;
        let (head, sealed) = packet.split_at_checked(header.head)?;
        out.resize(end.checked_sub(header.head)?, 0);
        let (ssrc, roc) = (header.ssrc, (index >> 16) as u32);
        match self {
            Self::Gcm128 { cipher, salt } => {
                let iv = AeadAes128Gcm::rtp_iv(*salt, ssrc, roc, header.seq);
                cipher.decrypt(&iv, &[head], sealed, out).ok()?;
            }
            Self::Gcm256 { cipher, salt } => {
                let iv = AeadAes256Gcm::rtp_iv(*salt, ssrc, roc, header.seq);
                cipher.decrypt(&iv, &[head], sealed, out).ok()?;
            }
            Self::Cm { cipher, salt, auth, provider, .. } => {
                let (signed, tag) = packet.split_at(end);
                let sum = provider.sha1_hmac_provider.sha1_hmac(auth, &[signed, &roc.to_be_bytes()]);
                if !same(tag, &sum) {
                    return None;
                }
                cipher.decrypt(&Aes128CmSha1_80::rtp_iv(*salt, ssrc, index), &packet[header.head..end], out).ok()?;
            }
        }
        Some(())
    }
}

/// Whether a tag is the beginning of a sum, in the same time wherever they differ.
fn same(tag: &[u8], sum: &[u8]) -> bool {
    tag.len() <= sum.len() && tag.iter().zip(sum).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use patchbay_sdp::crypto::{KEY_BYTES, Suite};

    use super::super::Seal;
    use super::*;
    use crate::rtp::read;

    const SUITES: [Suite; 4] =
        [Suite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_32, Suite::AeadAes128Gcm, Suite::AeadAes256Gcm];

    fn ends(suite: Suite) -> (Seal, Inbound) {
        let provider = Arc::new(str0m::crypto::from_feature_flags());
        let key = Crypto::new(1, suite, &std::array::from_fn::<u8, KEY_BYTES, _>(|place| place as u8));
        (Seal::of(&provider, &key), Inbound::of(&provider, &key))
    }

    fn sealed(seal: &mut Seal, ssrc: u32, index: u64, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, 0x60];
        packet.extend((index as u16).to_be_bytes());
        packet.extend([0, 0, 0, 9]);
        packet.extend(ssrc.to_be_bytes());
        packet.resize(12 + payload.len() + seal.tag(), 0);
        seal.rtp(ssrc, index, &mut packet, 12, payload).expect("it is sealed");
        packet
    }

    fn opened(open: &mut Inbound, packet: &[u8]) -> Option<(u64, Vec<u8>)> {
        let mut out = Vec::new();
        let index = open.rtp(packet, &read(packet)?, &mut out)?;
        Some((index, out))
    }

    #[test]
    fn what_is_sealed_is_opened_once() {
        for suite in SUITES {
            let (mut seal, mut open) = ends(suite);
            let packet = sealed(&mut seal, 7, 5, b"abc");
            assert_eq!(packet.len(), 15 + seal.tag(), "{suite:?}");
            assert_eq!(opened(&mut open, &packet), Some((5, b"abc".to_vec())), "{suite:?}");
            assert_eq!(opened(&mut open, &packet), None, "{suite:?}: again");
        }
        let short = |suite| ends(suite).0.tag();
        assert_eq!(SUITES.map(short), [10, 4, 16, 16]);
    }

    #[test]
    fn whatever_is_altered_stays_closed() {
        for suite in SUITES {
            let (mut seal, mut open) = ends(suite);
            let packet = sealed(&mut seal, 7, 5, b"abc");
            for at in 1..packet.len() {
                let mut spoilt = packet.clone();
                spoilt[at] ^= 1;
                assert_eq!(opened(&mut open, &spoilt), None, "{suite:?} at {at}");
                assert_eq!(opened(&mut open, &packet[..at]), None, "{suite:?} cut at {at}");
            }
            assert!(opened(&mut open, &packet).is_some(), "{suite:?}: none of them moved the window");
        }
    }

    #[test]
    fn cycles_are_counted_for_each_stream() {
        let (mut seal, mut open) = ends(Suite::AesCm128HmacSha1_80);
        for (ssrc, index) in [(7, 65_530), (7, 65_540), (7, 65_531), (8, 3), (7, 98_000), (7, 130_000), (7, 131_100)] {
            let packet = sealed(&mut seal, ssrc, index, b"x");
            assert_eq!(opened(&mut open, &packet).map(|(index, _)| index), Some(index), "{ssrc} {index}");
        }
        let late = sealed(&mut seal, 7, 131_100 - 64, b"x");
        assert_eq!(opened(&mut open, &late), None, "too late to know");
        let just = sealed(&mut seal, 7, 131_100 - 63, b"x");
        assert!(opened(&mut open, &just).is_some());
    }

    #[test]
    fn few_streams_are_remembered() {
        let (mut seal, mut open) = ends(Suite::AesCm128HmacSha1_80);
        for ssrc in 0..100 {
            let packet = sealed(&mut seal, ssrc, 1, b"x");
            assert!(opened(&mut open, &packet).is_some());
        }
        assert_eq!(open.streams.len(), STREAMS);
    }

    #[test]
    fn reports_are_opened_once() {
        for suite in SUITES {
            let (mut seal, mut open) = ends(suite);
            let (mut sealed, mut out) = (Vec::new(), Vec::new());
            let report = [0x80, 201, 0, 1, 1, 2, 3, 4];
            seal.rtcp(&report, &mut sealed).expect("it is sealed");
            assert!(open.rtcp(&sealed, &mut out), "{suite:?}");
            assert_eq!(out, report);
            assert!(!open.rtcp(&sealed, &mut out), "{suite:?}");
        }
    }
}
