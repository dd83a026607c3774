//! One section of a viewer's description, and what is sent in it.

use std::time::{Duration, Instant};

use patchbay_core::{Codec, Kind, LinkId, Track};
use str0m::Rtc;
use str0m::media::Mid;

use crate::burst::Burst;
use crate::cadence::Cadence;
use crate::codecs;
use crate::egress::{Ids, MidBytes, Outgoing, RESEND_SHARE, Stream};
use crate::meter::Meter;
use crate::rewrite::{Rewriter, Vp8Numbers, Vp8Rewriter};
use crate::select::{Selector, Verdict};
use crate::vp8::Descriptor;

/// One section of the description, and what is sent in it.
pub(crate) struct Slot {
    pub(super) mid: Mid,
    pub(crate) kind: Kind,
    /// Whose media; `None`: the section lies idle.
    pub(crate) source: Option<LinkId>,
    pub(super) codec: Codec,
    pub(super) pass: bool,
    pub(super) height: Option<u32>,
    /// The layer that the viewer's bandwidth allows, by its place.
    pub(super) target: Option<u8>,
    /// Known from the peer's answer on.
    pub(super) stream: Option<Stream>,
    rewriter: Rewriter,
    pub(super) selector: Selector,
    vp8: Option<Vp8Rewriter>,
    /// Sound was not sent for a while, or never.
    pub(super) rebase: bool,
    pub(super) meter: Meter,
    /// What was sent in it, whoever's media it was.
    pub(super) packets: u64,
    pub(super) cadence: Cadence,
    pub(super) told_height: u32,
    /// Its source has more than one layer.
    pub(super) layered: bool,
}

impl Slot {
    pub(super) fn new(mid: Mid, track: &Track, codec: Codec, pass: bool) -> Self {
        Self {
            mid,
            kind: codec.kind(),
            source: Some(track.source),
            codec,
            pass,
            height: track.height,
            target: None,
            stream: None,
            rewriter: Rewriter::new(first_number(mid), codec.clock_rate()),
            selector: Selector::new(),
            vp8: (codec == Codec::Vp8 && track.layers > 1).then(Vp8Rewriter::new),
            rebase: true,
            meter: Meter::new(),
            packets: 0,
            cadence: Cadence::new(),
            told_height: 0,
            layered: track.layers > 1,
        }
    }

    pub(super) fn reuse(&mut self, track: &Track, codec: Codec, pass: bool) {
        self.source = Some(track.source);
        // The stream's numbers go on; the payload type may be another.
        if self.codec != codec {
            self.stream = None;
        }
        (self.codec, self.pass, self.height, self.rebase, self.told_height) = (codec, pass, track.height, true, 0);
        (self.selector, self.target, self.layered) = (Selector::new(), None, track.layers > 1);
        self.cadence.rest();
        if codec == Codec::Vp8 && (track.layers > 1 || self.vp8.is_some()) {
            self.vp8.get_or_insert_default();
        }
    }

    /// Learns from the peer's answer by which numbers it is to be sent: the stream, when it is a new one. `place` is the
    /// slot's own.
    pub(super) fn bind(&mut self, place: usize, rtc: &mut Rtc, resend: (usize, Duration)) -> Option<Stream> {
        if self.stream.is_some() || self.source.is_none() {
            return None;
        }
        let media = rtc.media(self.mid)?;
        let (agreed, ids) = (media.remote_pts(), Ids::of(media.remote_extmap()));
        let codec = self.codec;
        let usable =
            |params: &&str0m::format::PayloadParams| agreed.contains(&params.pt()) && codecs::carries(params, codec);
        // Nothing in common: the peer cannot decode this source, and is sent nothing of it.
        let params = *rtc.codec_config().params().iter().find(usable)?;
        let mut api = rtc.direct_api();
        let out = api.stream_tx_by_mid(self.mid, None)?;
        let nackable = self.kind == Kind::Video;
        if nackable {
            out.set_rtx_cache(resend.0, resend.1, Some(RESEND_SHARE));
        }
        // Bursts leave as they come: pacing would take a wake-up for each packet, and a viewer's network is spared by the
        // choice of the layer.
        out.set_unpaced(true);
        self.stream = Some(Stream {
            slot: place,
            mid: self.mid,
            mid_bytes: MidBytes::of(self.mid),
            ssrc: *out.ssrc(),
            pt: *params.pt(),
            resend: out.rtx().zip(params.resend()).map(|(ssrc, pt)| (*ssrc, *pt)),
            nackable,
            clock_rate: codec.clock_rate(),
            ids,
        });
        self.stream
    }

    /// The packets of a burst that the viewer is to have, put into `out` with the numbers that they leave with; in which
    /// stream, if there are any.
    pub(super) fn take(&mut self, burst: &Burst, now: Instant, out: &mut Vec<Outgoing>) -> Option<Stream> {
        out.clear();
        let stream = self.stream.filter(|_| self.pass)?;
        let switch = match self.kind {
            Kind::Audio => std::mem::take(&mut self.rebase),
            Kind::Video => match self.selector.offer(now, burst.layer, burst.key, burst.late) {
                Verdict::Drop => return None,
                Verdict::Forward => false,
                Verdict::Switch => true,
            },
        };
        if (switch || burst.resumed)
            && let Some(first) = burst.packets.first()
        {
            self.rewriter.switch(first.seq, first.time, now);
            if let Some(vp8) = &mut self.vp8 {
                vp8.switch();
            }
        }
        let mut bytes = 0;
        for (place, packet) in burst.packets.iter().enumerate() {
            let Some((seq, time)) = self.rewriter.map(packet.seq, packet.time, now) else { continue };
            let numbers = match &mut self.vp8 {
                Some(vp8) => Descriptor::parse(&packet.payload).map(|read| vp8.map(&read)).unwrap_or_default(),
                None => Vp8Numbers::default(),
            };
            out.push(Outgoing { place, seq, time, numbers });
            bytes += packet.payload.len();
        }
        if bytes > 0 {
            self.meter.add(bytes, now);
        }
        self.packets += out.len() as u64;
        if let Some(first) = out.first() {
            self.cadence.sends(first.time, now);
        }
        (!out.is_empty()).then_some(stream)
    }
}

/// Where a stream's sequence numbers begin: anywhere below 32,768, so that they do not wrap before the receiver has
/// settled (RFC 3711 section 3.3.1).
fn first_number(mid: Mid) -> u16 {
    // The section's name is random, and is nobody's secret; the encryption does not rest on this.
    mid.bytes().fold(0x811c_u16, |hash, byte| (hash ^ u16::from(byte)).wrapping_mul(0x0193)) & 0x7fff
}
