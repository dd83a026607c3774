//! The sending half of a leg: a viewer's offer, its slots, and what each is sent.

use std::time::{Duration, Instant};

use patchbay_core::{Codec, DescriptionKind, Kind, Kinds, LinkId, MediaEvent, MediaFault, Report, Track};
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid, Pt};
use str0m::rtp::{Extension, ExtensionMap, ExtensionValues, RtpWrite, Ssrc, Vp8Descriptor, Vp8Patch};

use super::receive::rate;
use super::{Leg, Over, Role};
use crate::allocate::{Allocator, LossEstimate, Wanted};
use crate::burst::Burst;
use crate::codecs::{self, Feedback};
use crate::dtls::Identity;
use crate::meter::Meter;
use crate::peer::LayerInfo;
use crate::rewrite::{Rewriter, Vp8Rewriter};
use crate::select::{Selector, Verdict};
use crate::vp8::Descriptor;
use crate::{Config, sdp};

/// Sections that lie idle before one is used again. A section that is used again keeps the track id that its first use
/// gave it in the browser, which pages go by; a session description that only grows would grow without end.
const IDLE_SECTIONS: usize = 16;
/// What a viewer's network is taken for before anything is known of it, in bits per second: enough for the middle layer
/// of a common camera.
const FIRST_ESTIMATE: u64 = 1_000_000;

/// How often, and for how long, a viewer that is sent less than the best has padding sent beside it, to find out whether
/// its network takes more. Longer or more often finds out sooner; less spares a network that has no more.
const TRY_EVERY: Duration = Duration::from_secs(10);
const TRY_FOR: Duration = Duration::from_secs(5);
/// The part of what a viewer is sent that may be sent again, of the last second; queued resends beyond it are dropped.
/// More mends a network that loses much, less keeps one that is full from being filled further.
const RESEND_SHARE: f32 = 0.5;

/// What the estimator of a viewer's network is to do, in bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Goal {
    /// To be sent at least, with padding if need be.
    pub(crate) sustained: u64,
    /// To be looked for.
    pub(crate) desired: u64,
}

/// What a sending leg knows.
pub(crate) struct Sending {
    pub(crate) slots: Vec<Slot>,
    /// The offer that is in flight.
    offer: Option<SdpPendingOffer>,
    /// The tracks that came while it was.
    wanted: Option<Vec<Track>>,
    label: String,
    feedback: Feedback,
    allocator: Allocator,
    /// What the viewer's network is taken for where nobody measures it.
    guess: LossEstimate,
    desired: u64,
    /// Since when there has been something higher to try for.
    trying: Option<Instant>,
}

/// One section of the description, and what is sent in it.
pub(crate) struct Slot {
    mid: Mid,
    pub(crate) kind: Kind,
    /// Whose media; `None`: the section lies idle.
    pub(crate) source: Option<LinkId>,
    codec: Codec,
    pass: bool,
    height: Option<u32>,
    /// The layer that the viewer's bandwidth allows, by its place.
    target: Option<u8>,
    /// Known from the peer's answer on.
    stream: Option<(Ssrc, Pt)>,
    rewriter: Rewriter,
    selector: Selector,
    vp8: Option<Vp8Rewriter>,
    /// Sound was not sent for a while, or never.
    rebase: bool,
    meter: Meter,
    told_height: u32,
    /// Its source has more than one layer.
    layered: bool,
}

/// Something that the worker has to route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) source: LinkId,
    pub(crate) kind: Kind,
    pub(crate) slot: usize,
}

impl Sending {
    pub(crate) fn new(label: String) -> Self {
        Self {
            slots: Vec::new(),
            offer: None,
            wanted: None,
            label,
            feedback: Feedback::Receiver,
            allocator: Allocator::new(),
            guess: LossEstimate::new(),
            desired: 0,
            trying: None,
        }
    }

    /// Everything that this leg is to be sent.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = Subscription> + '_ {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(slot, one)| Some(Subscription { source: one.source?, kind: one.kind, slot }))
    }

    pub(super) fn source_of(&self, mid: &str) -> Option<LinkId> {
        self.slots.iter().find(|slot| &*slot.mid == mid)?.source
    }

    /// The viewer asks for a key frame of that section: of which source and layer it needs one.
    pub(crate) fn complains(&mut self, mid: Mid, now: Instant) -> Option<(LinkId, u8)> {
        let slot = self.slots.iter_mut().find(|slot| slot.mid == mid && slot.kind == Kind::Video && slot.pass)?;
        slot.selector.complain(now);
        Some((slot.source?, slot.selector.current().or(slot.selector.wants_key()).unwrap_or(0)))
    }

    /// Whether its choices are to be looked at again without news: it waits for a key frame of a source that sends, or its
    /// sources have layers.
    pub(crate) fn needs_care<'a>(&self, layers: impl Fn(LinkId) -> &'a [LayerInfo]) -> bool {
        let sends = |slot: &Slot| slot.source.is_some_and(|source| layers(source).iter().any(|info| info.bps > 0));
        let waits = |slot: &Slot| slot.layered || slot.selector.wants_key().is_some();
        let video = |slot: &&Slot| slot.kind == Kind::Video && slot.pass && slot.stream.is_some();
        self.feedback == Feedback::Transport || self.slots.iter().filter(video).any(|slot| waits(slot) && sends(slot))
    }

    /// The viewer's network lost so much of what it was sent.
    pub(super) fn lost(&mut self, permille: u16, now: Instant) {
        let sent = self.slots.iter().map(|slot| slot.meter.bps(now)).sum();
        self.guess.report(permille, sent, self.desired);
    }

    /// What passes of a source from now on.
    pub(crate) fn gate(&mut self, source: LinkId, pass: Kinds) {
        for slot in self.slots.iter_mut().filter(|slot| slot.source == Some(source)) {
            slot.pass = match slot.kind {
                Kind::Audio => pass.audio,
                Kind::Video => pass.video,
            };
            slot.rebase |= !slot.pass;
            if !slot.pass {
                slot.selector.aim(None);
            }
        }
    }

    pub(crate) fn prefer(&mut self, source: LinkId, height: Option<u32>) {
        let chosen = |slot: &&mut Slot| slot.source == Some(source) && slot.kind == Kind::Video;
        self.slots.iter_mut().filter(chosen).for_each(|slot| slot.height = height);
    }

    pub(super) fn report(&mut self, now: Instant, report: &mut Report) {
        for slot in &mut self.slots {
            let bps = rate(slot.meter.bps(now));
            match slot.kind {
                Kind::Audio => report.audio_bps = report.audio_bps.saturating_add(bps),
                Kind::Video => report.video_bps = report.video_bps.saturating_add(bps),
            }
        }
    }

    /// Chooses the layers of all slots anew. `layers` tells those of a source.
    pub(crate) fn choose<'a>(
        &mut self,
        now: Instant,
        estimate: Option<u64>,
        layers: impl Fn(LinkId) -> &'a [LayerInfo],
    ) -> Goal {
        // Where nobody measures when packets arrive, losses have to tell.
        let measured = estimate.filter(|_| self.feedback == Feedback::Transport);
        let estimate = measured.unwrap_or(self.guess.bps());
        let mut settled = 0;
        let mut open = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let Some(source) = slot.source.filter(|_| slot.pass) else { continue };
            if slot.kind == Kind::Audio {
                settled += slot.meter.bps(now);
                continue;
            }
            let infos = layers(source);
            for (place, info) in (0u8..).zip(infos) {
                if info.bps == 0 && infos.len() > 1 {
                    slot.selector.silent(place);
                }
            }
            slot.selector.set_opaque(infos.iter().any(|info| info.opaque));
            slot.selector.stuck(now);
            let ladder = ladder(infos);
            match (slot.height, ladder.as_slice()) {
                // A wish goes before what the network is thought to take.
                (Some(height), ladder) => {
                    let (place, info) = ladder[rung(ladder, height)];
                    slot.selector.aim(Some(place));
                    settled += u64::from(info.bps);
                }
                // There is nothing to choose, and to send less than all of it would be to send nothing.
                (None, [(place, info)]) => {
                    slot.selector.aim(Some(*place));
                    settled += u64::from(info.bps);
                }
                (None, _) => open.push((index, ladder)),
            }
        }
        let rates: Vec<Vec<u64>> =
            open.iter().map(|(_, ladder)| ladder.iter().map(|(_, info)| u64::from(info.bps)).collect()).collect();
        let rung_of = |ladder: &[(u8, LayerInfo)], place| ladder.iter().position(|(of, _)| Some(*of) == place);
        let wanted = open.iter().zip(&rates).map(|((index, ladder), rates)| Wanted {
            layers: rates,
            cap: None,
            target: rung_of(ladder, self.slots[*index].target).and_then(|rung| u8::try_from(rung).ok()),
        });
        let mut wanted: Vec<_> = wanted.collect();
        self.desired = self.allocator.allocate(now, estimate, settled, &mut wanted);
        for ((index, ladder), wanted) in open.iter().zip(&wanted) {
            let place = wanted.target.and_then(|rung| ladder.get(usize::from(rung))).map(|(place, _)| *place);
            let slot = &mut self.slots[*index];
            slot.target = place;
            slot.selector.aim(place);
        }
        let sustained = self.try_for(now, settled, &wanted);
        Goal { sustained, desired: self.desired }
    }

    /// The rate to be sustained, with padding where media does not: what the next step up takes, for some seconds at a
    /// time. After a congestion the estimator does not grow by itself above what is sent.
    fn try_for(&mut self, now: Instant, settled: u64, wanted: &[Wanted<'_>]) -> u64 {
        let rate = |track: &Wanted<'_>, rung: Option<u8>| {
            rung.and_then(|rung| track.layers.get(usize::from(rung))).copied().unwrap_or(0)
        };
        let sent: u64 = wanted.iter().map(|track| rate(track, track.target)).sum();
        let step = |track: &Wanted<'_>| {
            let next = track.target.map_or(0, |rung| rung + 1);
            rate(track, Some(next)).checked_sub(rate(track, track.target)).filter(|step| *step > 0)
        };
        let Some(step) = wanted.iter().filter_map(step).min() else {
            self.trying = None;
            return 0;
        };
        let since = now.saturating_duration_since(*self.trying.get_or_insert(now));
        let phase = since.as_millis() % TRY_EVERY.as_millis();
        // A third more than the step: the allocator rises only with a margin.
        if phase < TRY_FOR.as_millis() { (settled + sent + step) * 4 / 3 } else { 0 }
    }

    /// Layers whose key frames are waited for.
    pub(crate) fn keys_wanted(&self) -> impl Iterator<Item = (LinkId, u8)> + '_ {
        let waiting = |slot: &Slot| Some((slot.source?, slot.selector.wants_key()?));
        self.slots.iter().filter(|slot| slot.stream.is_some() && slot.pass).filter_map(waiting)
    }

    /// Slots that have gone over to a rendition of another height since this was last asked.
    pub(crate) fn switched<'a>(&mut self, layers: impl Fn(LinkId) -> &'a [LayerInfo]) -> Vec<(LinkId, u32)> {
        let mut switched = Vec::new();
        for slot in self.slots.iter_mut().filter(|slot| slot.kind == Kind::Video) {
            let (Some(source), Some(layer)) = (slot.source, slot.selector.current()) else { continue };
            let height = layers(source).get(usize::from(layer)).map_or(0, |info| info.height);
            if height != 0 && height != slot.told_height {
                // The first one is no change.
                if slot.told_height != 0 {
                    switched.push((source, height));
                }
                slot.told_height = height;
            }
        }
        switched
    }
}

/// A source's living layers, lowest first, with their places. One that is alone and unknown counts as a living one.
fn ladder(layers: &[LayerInfo]) -> Vec<(u8, LayerInfo)> {
    let placed = layers.iter().enumerate().filter_map(|(place, info)| Some((u8::try_from(place).ok()?, *info)));
    let mut ladder: Vec<_> = placed.filter(|(_, info)| info.bps > 0).collect();
    ladder.sort_by_key(|(_, info)| (info.height, info.bps));
    if ladder.is_empty() {
        ladder.push((0, LayerInfo::default()));
    }
    ladder
}

/// The rung of exactly that height, else the next lower, else the lowest.
fn rung(ladder: &[(u8, LayerInfo)], height: u32) -> usize {
    ladder.iter().rposition(|(_, info)| info.height <= height).unwrap_or_default()
}

impl Leg {
    /// Makes the connection and the first offer.
    pub(crate) fn offer(
        &mut self,
        tracks: &[Track],
        may_grow: bool,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<MediaEvent, Over> {
        let own = codecs::distinct(tracks.iter().flat_map(|track| track.audio.into_iter().chain(track.video)));
        let mut list = own.clone();
        if may_grow {
            list.extend(codecs::others(&config.codecs, &own));
        }
        let layered = tracks.iter().any(|track| track.layers > 1);
        let feedback = if layered { Feedback::Transport } else { Feedback::Receiver };
        let mut builder = Self::builder(identity, config, self.report_every).set_extension_map(extensions(feedback));
        *builder.codec_config() = codecs::config(&list, feedback);
        if layered {
            builder = builder.enable_bwe(Some(FIRST_ESTIMATE.into()));
        }
        let rtc = builder.build(now);
        self.adopt(rtc, config);
        let Role::Send(sending) = &mut self.role else { return Err(Over::Fault(MediaFault::Internal)) };
        sending.feedback = feedback;
        self.change(tracks, true).ok_or(Over::Fault(MediaFault::Internal))
    }

    /// From now on, the leg is sent these tracks. The offer that this takes, unless it takes none or another is in flight.
    pub(crate) fn tracks(&mut self, tracks: Vec<Track>) -> Option<MediaEvent> {
        let Role::Send(sending) = &mut self.role else { return None };
        for slot in &mut sending.slots {
            // What is no longer wanted is not sent any more, whatever the peer has agreed to.
            if slot.source.is_some_and(|source| tracks.iter().all(|track| track.source != source)) {
                slot.source = None;
                slot.selector = Selector::new();
                slot.rebase = true;
            }
        }
        if sending.offer.is_some() {
            sending.wanted = Some(tracks);
            return None;
        }
        self.change(&tracks, false)
    }

    /// Takes the peer's answer. The next offer, if tracks have changed meanwhile.
    pub(crate) fn answered(&mut self, text: &str, resend: (usize, Duration)) -> Result<Option<MediaEvent>, Over> {
        let faulty = Over::Fault(MediaFault::Description);
        sdp::check(text).map_err(|_| faulty)?;
        let answer = SdpAnswer::from_sdp_string(text).map_err(|_| faulty)?;
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(faulty) };
        // An answer that nobody asked for.
        let Some(offer) = sending.offer.take() else { return Ok(None) };
        rtc.sdp_api().accept_answer(offer, answer).map_err(|error| {
            tracing::debug!(%error, "an answer was refused");
            faulty
        })?;
        for slot in &mut sending.slots {
            slot.bind(rtc, resend);
        }
        let wanted = sending.wanted.take();
        Ok(wanted.and_then(|tracks| self.change(&tracks, false)))
    }

    fn change(&mut self, tracks: &[Track], first: bool) -> Option<MediaEvent> {
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return None };
        let mut api = rtc.sdp_api();
        if first {
            api.add_channel(sending.label.clone());
        }
        for slot in sending.slots.iter().filter(|slot| slot.source.is_none()) {
            api.set_direction(slot.mid, Direction::Inactive);
        }
        for track in tracks {
            let codecs = [(track.audio, track.pass.audio), (track.video, track.pass.video)];
            for (codec, pass) in codecs.into_iter().filter_map(|(codec, pass)| Some((codec?, pass))) {
                let same = |slot: &Slot| slot.source == Some(track.source) && slot.kind == codec.kind();
                if sending.slots.iter().any(same) {
                    continue;
                }
                let idle = |slot: &&mut Slot| slot.source.is_none() && slot.kind == codec.kind();
                let reusable = sending.slots.iter().filter(|slot| slot.source.is_none()).count() >= IDLE_SECTIONS;
                if let Some(slot) = sending.slots.iter_mut().find(|slot| reusable && idle(slot)) {
                    api.set_direction(slot.mid, Direction::SendOnly);
                    slot.reuse(track, codec, pass);
                    continue;
                }
                let kind = match codec.kind() {
                    Kind::Audio => MediaKind::Audio,
                    Kind::Video => MediaKind::Video,
                };
                // One media stream for each source, so that its sound and pictures are played in step.
                let of_source = |slot: &Slot| slot.source == Some(track.source);
                let first = sending.slots.iter().position(of_source).unwrap_or(sending.slots.len());
                let stream = format!("s{first}");
                let mid = api.add_media(kind, Direction::SendOnly, Some(stream), None, None);
                sending.slots.push(Slot::new(mid, track, codec, pass));
            }
        }
        let (offer, pending) = api.apply()?;
        sending.offer = Some(pending);
        let sdp = offer.to_sdp_string();
        let sections = self.sections(&sdp);
        Some(MediaEvent::Local { link: self.link, kind: DescriptionKind::Offer, sdp: sdp.into(), sections })
    }

    /// Writes a burst into one slot, as far as the viewer is to have it. Whether anything was written.
    pub(crate) fn forward(&mut self, slot: usize, burst: &Burst, now: Instant) -> bool {
        if !self.connected {
            return false;
        }
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return false };
        let Some(slot) = sending.slots.get_mut(slot) else { return false };
        slot.forward(rtc, burst, now)
    }
}

impl Slot {
    fn new(mid: Mid, track: &Track, codec: Codec, pass: bool) -> Self {
        let clock = match codec {
            Codec::Opus => 48_000,
            Codec::Pcmu | Codec::Pcma | Codec::G722 => 8_000,
            _ => 90_000,
        };
        Self {
            mid,
            kind: codec.kind(),
            source: Some(track.source),
            codec,
            pass,
            height: None,
            target: None,
            stream: None,
            rewriter: Rewriter::new(first_number(mid), clock),
            selector: Selector::new(),
            vp8: (codec == Codec::Vp8 && track.layers > 1).then(Vp8Rewriter::new),
            rebase: true,
            meter: Meter::new(),
            told_height: 0,
            layered: track.layers > 1,
        }
    }

    fn reuse(&mut self, track: &Track, codec: Codec, pass: bool) {
        self.source = Some(track.source);
        // The stream's numbers go on; the payload type may be another.
        if self.codec != codec {
            self.stream = None;
        }
        (self.codec, self.pass, self.height, self.rebase, self.told_height) = (codec, pass, None, true, 0);
        (self.selector, self.target, self.layered) = (Selector::new(), None, track.layers > 1);
        if codec == Codec::Vp8 && (track.layers > 1 || self.vp8.is_some()) {
            self.vp8.get_or_insert_default();
        }
    }

    /// Learns from the peer's answer by which numbers it is to be sent.
    fn bind(&mut self, rtc: &mut Rtc, resend: (usize, Duration)) {
        if self.stream.is_some() || self.source.is_none() {
            return;
        }
        let Some(media) = rtc.media(self.mid) else { return };
        let agreed = media.remote_pts();
        let codec = self.codec;
        let usable =
            |params: &&str0m::format::PayloadParams| agreed.contains(&params.pt()) && codecs::carries(params, codec);
        // Nothing in common: the peer cannot decode this source, and is sent nothing of it.
        let Some(pt) = rtc.codec_config().params().iter().find(usable).map(|params| params.pt()) else { return };
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(self.mid, None) else { return };
        if self.kind == Kind::Video {
            stream.set_rtx_cache(resend.0, resend.1, Some(RESEND_SHARE));
        }
        // Bursts leave as they come: pacing would take a wake-up for each packet, and a viewer's network is spared by the
        // choice of the layer.
        stream.set_unpaced(true);
        self.stream = Some((stream.ssrc(), pt));
    }

    fn forward(&mut self, rtc: &mut Rtc, burst: &Burst, now: Instant) -> bool {
        let Some((ssrc, pt)) = self.stream.filter(|_| self.pass) else { return false };
        let switch = match self.kind {
            Kind::Audio => std::mem::take(&mut self.rebase),
            Kind::Video => match self.selector.offer(now, burst.layer, burst.key, burst.late) {
                Verdict::Drop => return false,
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
        let mut api = rtc.direct_api();
        let Some(stream) = api.stream_tx(&ssrc) else { return false };
        let mut bytes = 0;
        for packet in &burst.packets {
            let Some((seq, time)) = self.rewriter.map(packet.seq, packet.time, now) else { continue };
            let values = ExtensionValues {
                audio_level: packet.level.and_then(|level| i8::try_from(level).ok()).map(|level| -level),
                video_orientation: packet.rotation,
                ..ExtensionValues::default()
            };
            let mut write = RtpWrite::new(pt, seq.into(), time, burst.at, packet.payload.clone())
                .marker(packet.marker)
                .ext_vals(values)
                .nackable(self.kind == Kind::Video);
            if let Some(patch) = self.vp8.as_mut().and_then(|vp8| patch(vp8, &packet.payload)) {
                write = write.vp8_patch(patch);
            }
            stream.write_rtp(write);
            bytes += packet.payload.len();
        }
        if bytes > 0 {
            self.meter.add(bytes, now);
        }
        bytes > 0
    }
}

/// The frame numbers that a packet leaves with, as str0m writes them.
fn patch(vp8: &mut Vp8Rewriter, payload: &[u8]) -> Option<Vp8Patch> {
    let numbers = vp8.map(&Descriptor::parse(payload)?);
    let mut patch = Vp8Descriptor::parse(payload).ok()?.patch();
    if let Some(id) = numbers.picture_id {
        patch = patch.picture_id(id);
    }
    if let Some(index) = numbers.tl0_pic_idx {
        patch = patch.tl0_pic_idx(index);
    }
    patch.build().ok()
}

/// Where a stream's sequence numbers begin: anywhere below 32,768, so that they do not wrap before the receiver has
/// settled (RFC 3711 section 3.3.1).
fn first_number(mid: Mid) -> u16 {
    // The section's name is random, and is nobody's secret; the encryption does not rest on this.
    mid.bytes().fold(0x811c_u16, |hash, byte| (hash ^ u16::from(byte)).wrapping_mul(0x0193)) & 0x7fff
}

/// Header extensions that a viewer is sent.
fn extensions(feedback: Feedback) -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(2, Extension::AbsoluteSendTime);
    if feedback == Feedback::Transport {
        map.set(3, Extension::TransportSequenceNumber);
    }
    map.set(4, Extension::RtpMid);
    map.set(13, Extension::VideoOrientation);
    map
}
