//! One section of a telephone's description: a pair of ports, and the media that pass there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::Kind;
use patchbay_sdp::crypto::Crypto;
use patchbay_sdp::{Agreed, PhoneSection};
use str0m::config::CryptoProvider;

use super::source::Source;
use crate::egress::Wire;
use crate::keyframe::Throttle;
use crate::meter::Meter;
use crate::reception::{Numbered, Reception};
use crate::rtp::{self, FIXED};
use crate::srtp::{Inbound, Seal};
use crate::talk::{Came, Carried, Numbers, Passing, Stream};
use crate::timeline::{Sampled, Timeline};

/// Packets that open the way before there is anything to send, and how far apart. A translation of addresses lets nothing
/// in until something went out; more outlast a loss, fewer are less noise to a telephone that needs none.
const OPENERS: u8 = 3;
const OPENING: Duration = Duration::from_millis(100);
/// After so long without a packet of ours the way is kept open by one: translations forget after half a minute (RFC 6263
/// section 4.7 asks for one each 15 s).
const KEEP_OPEN: Duration = Duration::from_secs(15);

/// One section.
pub(crate) struct Line {
    pub(crate) kind: Kind,
    /// Where we receive RTP; RTCP comes one port above.
    pub(crate) local: SocketAddr,
    /// Keys of ours to choose from.
    pub(super) offered: Vec<Crypto>,
    pub(super) sealed: Option<Sealed>,
    pub(super) agreed: Option<Agreed>,
    numbers: Numbers,
    /// The section of the other end, by its place.
    pub(crate) other: Option<usize>,
    pub(super) rtp: Source,
    pub(super) rtcp: Source,
    /// The telephone listens.
    listens: bool,
    /// It speaks.
    pub(super) speaks: bool,
    /// It can be asked for key frames in RTCP, in the newer form or the older one.
    pub(super) pli: bool,
    pub(super) fir: bool,
    pub(super) throttle: Throttle,
    /// Of our stream.
    pub(super) ssrc: u32,
    pub(super) stream: Stream,
    /// Ticks of its timestamps in a second.
    rate: u32,
    pub(super) came: Option<Reception>,
    pub(super) sampled: Sampled,
    /// What comes next does not follow from what came before.
    fresh: bool,
    /// When the way is opened, or kept open, next; and how many openers are left.
    open_at: Option<Instant>,
    openers: u8,
    /// Timestamp of the last key that was passed on.
    key: Option<u32>,
    pub(crate) meter: Meter,
}

/// Keys of a section that is encrypted.
pub(super) struct Sealed {
    ours: Crypto,
    theirs: Crypto,
    pub(super) seal: Seal,
    pub(super) inbound: Inbound,
}

/// What it takes to hear a packet.
#[derive(Clone, Copy)]
pub(super) struct Ear<'a> {
    pub(super) timeline: &'a Timeline,
    /// See [`Source::takes`].
    pub(super) strict: bool,
    pub(super) now: Instant,
    /// From which arrivals are counted.
    pub(super) epoch: Instant,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Heard {
    /// Not one of the telephone's.
    Foreign,
    /// The telephone's, but nothing that passes.
    Nothing,
    Media(Came),
}

/// A stream with random numbers.
fn stream(random: [u8; 6], rate: u32) -> (u32, Stream) {
    let [a, b, c, d, first @ ..] = random;
    (u32::from_be_bytes([a, b, c, d]), Stream::new(u16::from_be_bytes(first), rate))
}

/// Bytes of a key's packet, and the bit of its second one that says that the key is let go (RFC 4733 section 2.3).
const EVENT: usize = 4;
const END: u8 = 0x80;

impl Line {
    /// One with random numbers.
    pub(super) fn new(kind: Kind, local: SocketAddr, random: [u8; 6]) -> Self {
        let rate = match kind {
            Kind::Audio => 8_000,
            Kind::Video => 90_000,
        };
        let (ssrc, stream) = stream(random, rate);
        Self {
            kind,
            local,
            offered: Vec::new(),
            sealed: None,
            agreed: None,
            numbers: Numbers::default(),
            other: None,
            rtp: Source::default(),
            rtcp: Source::default(),
            listens: false,
            speaks: false,
            pli: false,
            fir: false,
            throttle: Throttle::new(),
            ssrc,
            stream,
            rate,
            came: None,
            sampled: Sampled::default(),
            fresh: true,
            open_at: None,
            openers: 0,
            key: None,
            meter: Meter::new(),
        }
    }

    /// Where we receive RTCP.
    pub(super) fn control(&self) -> SocketAddr {
        SocketAddr::new(self.local.ip(), self.local.port().saturating_add(1))
    }

    /// Takes over what was agreed upon. `digits`: their number in the description that the telephone's was held against.
    /// Whether the telephone listens again after a pause.
    pub(super) fn agree(
        &mut self,
        agreed: &Agreed,
        digits: Option<u8>,
        theirs: &PhoneSection,
        random: [u8; 6],
        now: Instant,
    ) -> bool {
        if self.rate != agreed.codec.clock_rate() {
            self.rate = agreed.codec.clock_rate();
            self.renew(random);
        }
        self.numbers = Numbers::of(agreed, digits);
        let before = self.rtp.destination();
        // Who is put on hold by 0.0.0.0 has not moved.
        if theirs.rtp.is_some() {
            self.rtp.tell(theirs.rtp);
            self.rtcp.tell(theirs.rtcp);
        }
        if before != self.rtp.destination() {
            (self.openers, self.open_at) = (OPENERS, Some(now));
        }
        (self.pli, self.fir) = (theirs.pli, theirs.fir);
        let resumes = agreed.to_phone && !self.listens;
        if !agreed.to_phone || !agreed.to_browser {
            // What comes after a pause is told as such, on both sides.
            self.stream.pause();
            self.fresh = true;
        }
        (self.listens, self.speaks) = (agreed.to_phone, agreed.to_browser);
        self.agreed = Some(agreed.clone());
        resumes
    }

    /// From now on packets are encrypted under these keys. The same ones again change nothing: their numbers go on.
    pub(super) fn seal(&mut self, ours: Crypto, theirs: Crypto, provider: &Arc<CryptoProvider>, random: [u8; 6]) {
        match &mut self.sealed {
            Some(sealed) if sealed.ours == ours => {
                if sealed.theirs != theirs {
                    sealed.inbound = Inbound::of(provider, &theirs);
                    sealed.theirs = theirs;
                    // Its numbers begin anew.
                    self.came = None;
                }
            }
            _ => {
                let (seal, inbound) = (Seal::of(provider, &ours), Inbound::of(provider, &theirs));
                self.sealed = Some(Sealed { ours, theirs, seal, inbound });
                self.came = None;
                // Nobody says from which cycle of its numbers on a key holds: a new key is a new stream, which begins in
                // the first (RFC 3711 section 3.3.1).
                self.renew(random);
            }
        }
    }

    /// What is sent from now on is another stream. Numbers of the old one never come again, as they may be sealed only once.
    fn renew(&mut self, random: [u8; 6]) {
        (self.ssrc, self.stream) = stream(random, self.rate);
    }

    /// Packets are not encrypted.
    pub(super) fn unseal(&mut self) {
        self.sealed = None;
    }

    /// Takes an RTP packet that came to our port; its payload, opened, is left in `out`.
    pub(super) fn hear(&mut self, from: SocketAddr, packet: &[u8], ear: &Ear<'_>, out: &mut Vec<u8>) -> Heard {
        let Ear { timeline, strict, now, epoch } = *ear;
        let Some(header) = rtp::read(packet) else { return Heard::Foreign };
        let index = match &mut self.sealed {
            Some(sealed) => match sealed.inbound.rtp(packet, &header, out) {
                Some(index) => Some(index),
                None => return Heard::Foreign,
            },
            None => None,
        };
        if !self.rtp.takes(from, index.is_some(), strict) {
            return Heard::Foreign;
        }
        if index.is_none() {
            out.clear();
            out.extend_from_slice(&packet[header.head..]);
        }
        let Some(payload) = rtp::unpad(out, header.padded) else { return Heard::Nothing };
        out.truncate(payload.end);
        let Some(carried) = self.numbers.carried(header.pt) else { return Heard::Nothing };
        let known = self.came.as_ref().is_some_and(|came| came.ssrc == header.ssrc);
        if !known {
            self.fresh = true;
            self.sampled = Sampled::default();
        }
        let seq = match (index, &mut self.came) {
            (Some(index), _) => index,
            (None, Some(came)) if known => match came.number(header.seq) {
                Numbered::Goes(number) => number,
                Numbered::Begins(number) => {
                    self.fresh = true;
                    number
                }
                Numbered::Odd => return Heard::Nothing,
            },
            (None, _) => 1 << 16 | u64::from(header.seq),
        };
        let rate = self.rate;
        if !known {
            self.came = Some(Reception::new(header.ssrc, seq));
        }
        if let Some(came) = &mut self.came {
            came.came(seq, header.time, rate, now, epoch);
        }
        self.meter.add(out.len(), now);
        if !self.speaks {
            return Heard::Nothing;
        }
        Heard::Media(Came {
            carried,
            seq,
            time: header.time,
            marker: header.marker,
            fresh: std::mem::take(&mut self.fresh),
            at: timeline.at(&self.sampled, header.time, rate, now),
        })
    }

    /// Sends a packet of the other end. Whether it left.
    pub(super) fn send(&mut self, packet: &Passing<'_>, now: Instant, wire: &mut Wire<'_>) -> bool {
        let (Some(pt), Some(to)) = (self.numbers.of_carried(packet.carried), self.rtp.destination()) else {
            return false;
        };
        if !self.listens || self.agreed.is_none() {
            return false;
        }
        let Some(numbered) = self.stream.number(packet, now) else { return false };
        (self.openers, self.open_at) = (0, Some(now + KEEP_OPEN));
        let payload = packet.payload.bytes();
        if let Some(begun) = self.begun(packet) {
            return self.put(to, numbered.seq, numbered.time, packet.marker, pt, &begun, wire);
        }
        self.put(to, numbered.seq, numbered.time, packet.marker, pt, payload, wire)
    }

    /// The first packet of a key, if it says that the key is let go already: as one that does not (RFC 4733 section 2.3.2).
    /// Browsers that count a key's length on another clock than its sound's are through with it at once, and send
    /// its end three times and nothing else; telephones that wait for a key to be pressed never hear of it.
    fn begun(&mut self, packet: &Passing<'_>) -> Option<[u8; EVENT]> {
        if packet.carried != Carried::Digits || self.key.replace(packet.time) == Some(packet.time) {
            return None;
        }
        let mut event: [u8; EVENT] = packet.payload.bytes().try_into().ok()?;
        let ends = event[1] & END != 0;
        event[1] &= !END;
        ends.then_some(event)
    }

    #[expect(clippy::too_many_arguments, reason = "a packet has that many fields")]
    fn put(
        &mut self,
        to: SocketAddr,
        seq: u64,
        time: u32,
        marker: bool,
        pt: u8,
        payload: &[u8],
        wire: &mut Wire<'_>,
    ) -> bool {
        let tag = self.sealed.as_ref().map_or(0, |sealed| sealed.seal.tag());
        let length = FIXED + payload.len() + tag;
        let room = wire.batch.room(self.local, to, length, wire.sink);
        rtp::write(room, marker, pt, seq as u16, time, self.ssrc);
        let Some(sealed) = &mut self.sealed else {
            room[FIXED..].copy_from_slice(payload);
            return true;
        };
        let sealed = sealed.seal.rtp(self.ssrc, seq, room, FIXED, payload).is_ok();
        if !sealed {
            // It may be in clear still.
            wire.batch.take_back(length);
        }
        sealed
    }

    /// When [`Line::open`] is to be called.
    pub(super) fn open_due(&self) -> Option<Instant> {
        self.open_at.filter(|_| self.rtp.destination().is_some())
    }

    /// Opens the way, or keeps it open, if it is time to: a packet of a payload type that means nothing (RFC 6263
    /// section 4.6), in the stream that media will be in.
    pub(super) fn open(&mut self, now: Instant, wire: &mut Wire<'_>) {
        let Some(to) = self.rtp.destination() else { return };
        if self.open_at.is_none_or(|at| now < at) {
            return;
        }
        self.openers = self.openers.saturating_sub(1);
        self.open_at = Some(now + if self.openers > 0 { OPENING } else { KEEP_OPEN });
        let pt = self.numbers.unknown();
        if let Some(numbered) = self.stream.insert(now) {
            self.put(to, numbered.seq, numbered.time, false, pt, &[0], wire);
        }
    }

    /// Whether the telephone is to be heard.
    pub(super) fn expects(&self) -> bool {
        self.agreed.is_some() && self.speaks
    }

    /// Our key, if it has one.
    pub(super) fn key(&self) -> Option<&Crypto> {
        self.sealed.as_ref().map(|sealed| &sealed.ours)
    }

    /// The stream of the telephone, if one came.
    pub(super) fn theirs(&self) -> Option<u32> {
        self.came.as_ref().map(|came| came.ssrc)
    }

    /// What our stream is now, if something was sent in it.
    pub(super) fn time(&self, now: Instant) -> Option<u32> {
        self.stream.time(now, self.rate)
    }
}
