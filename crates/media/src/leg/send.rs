//! The sending half of a leg: a viewer's offer, its slots, and what each is sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::{DescriptionKind, Kind, Kinds, LinkId, MediaEvent, MediaFault, Report, Track};
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::{Extension, ExtensionMap};

use super::answer::OfferedRoom;
use super::receive::rate;
use super::slot::Slot;
use super::{Happened, Leg, Over, Role};
use crate::allocate::{Allocator, LossEstimate, Wanted};
use crate::burst::Burst;
use crate::cadence::Gaps;
use crate::codecs::{self, Feedback};
use crate::dtls::{self, Identity};
use crate::egress::{Egress, Heard, Lean, Through, Wire};
use crate::peer::LayerInfo;
use crate::select::Selector;
use crate::speaker::{SILENCE, Speakers};
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

/// How often who speaks is told again, and how loud: pages take who is not told for a second for silent. More often follows
/// the voice, less often spares a large room, each of whose viewers is told.
const RETELL: Duration = Duration::from_millis(600);

/// What the estimator of a viewer's network is to do, in bits per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Goal {
    /// To be sent at least, with padding if need be.
    pub(crate) sustained: u64,
    /// To be looked for.
    pub(crate) desired: u64,
}

/// What became of a burst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Forwarded {
    /// The viewer is not to have it, or cannot yet.
    Nothing,
    /// It is with str0m, and leaves with the next poll.
    Written,
    /// It has left.
    Sent,
    /// The viewer is not to have it, and waits for a key frame: it is to be looked at again without news.
    Waits,
}

/// What a sending leg knows.
pub(crate) struct Sending {
    pub(crate) slots: Vec<Slot>,
    /// Where the peer offers: its sections, and what is to be put into them.
    pub(super) room: Option<OfferedRoom>,
    /// The way past str0m, for those that do not need its estimator.
    pub(super) lean: Option<Box<Lean>>,
    /// The offer that is in flight.
    offer: Option<SdpPendingOffer>,
    /// The tracks that came while it was.
    wanted: Option<Vec<Track>>,
    /// Name of the data channel that we offer.
    label: Option<String>,
    /// The offer is one that old players know.
    narrow: bool,
    feedback: Feedback,
    allocator: Allocator,
    /// What the viewer's network is taken for where nobody measures it.
    guess: LossEstimate,
    desired: u64,
    /// Since when there has been something higher to try for.
    trying: Option<Instant>,
    /// Who speaks, where several can.
    speakers: Option<Box<Speakers<LinkId>>>,
    speaker: Option<Told>,
}

/// What was last told of who speaks.
#[derive(Clone, Copy, Debug)]
struct Told {
    source: LinkId,
    at: Instant,
    /// It had not ended.
    speaking: bool,
    /// How loud it was at its loudest since then: between words it is silent.
    peak: u8,
}

/// Something that the worker has to route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Subscription {
    pub(crate) source: LinkId,
    pub(crate) kind: Kind,
    pub(crate) slot: usize,
}

impl Sending {
    /// Sends a track where another was sent that is gone, as far as both are coded alike.
    fn inherit(&mut self, track: &Track) {
        let Some(gone) = track.heir_of else { return };
        for slot in self.slots.iter_mut().filter(|slot| slot.source == Some(gone)) {
            let (codec, pass) = match slot.kind {
                Kind::Audio => (track.audio, track.pass.audio),
                Kind::Video => (track.video, track.pass.video),
            };
            if let Some(codec) = codec.filter(|codec| *codec == slot.codec) {
                slot.reuse(track, codec, pass);
            }
        }
    }

    /// One that offers, with a data channel of that name, if any.
    pub(crate) fn offering(label: Option<String>, narrow: bool) -> Self {
        Self { narrow, ..Self::new(label, None) }
    }

    /// One whose peer offers.
    pub(crate) fn answering(tracks: Vec<Track>, may_grow: bool) -> Self {
        Self::new(None, Some(OfferedRoom::new(tracks, may_grow)))
    }

    fn new(label: Option<String>, room: Option<OfferedRoom>) -> Self {
        Self {
            slots: Vec::new(),
            room,
            lean: None,
            offer: None,
            wanted: None,
            label,
            narrow: false,
            feedback: Feedback::Receiver,
            allocator: Allocator::new(),
            guess: LossEstimate::new(),
            desired: 0,
            trying: None,
            speakers: None,
            speaker: None,
        }
    }

    /// Everything that this leg is to be sent.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = Subscription> + '_ {
        self.slots
            .iter()
            .enumerate()
            .filter_map(|(slot, one)| Some(Subscription { source: one.source?, kind: one.kind, slot }))
    }

    /// Learns from what was agreed by which numbers the slots are sent.
    pub(super) fn bind(&mut self, rtc: &mut Rtc, resend: (usize, Duration)) {
        for (place, slot) in self.slots.iter_mut().enumerate() {
            let Some(stream) = slot.bind(place, rtc, resend) else { continue };
            if let (Some(lean), Some(media)) = (&mut self.lean, rtc.media(stream.mid)) {
                lean.bind(stream, media.cname());
            }
        }
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

    /// The slots have changed: whether there are several voices to tell apart.
    pub(crate) fn attend(&mut self) -> bool {
        let voice = |slot: &Slot| slot.source.filter(|_| slot.kind == Kind::Audio);
        let mut voices: Vec<_> = self.slots.iter().filter_map(voice).collect();
        voices.sort_unstable();
        voices.dedup();
        if voices.len() < 2 {
            (self.speakers, self.speaker) = (None, None);
            return false;
        }
        let speakers = self.speakers.get_or_insert_default();
        speakers.retain(|source| voices.contains(&source));
        self.speaker = self.speaker.filter(|told| voices.contains(&told.source));
        true
    }

    /// Sound that the viewer is sent tells how loud it is.
    fn hear(&mut self, burst: &Burst, now: Instant) {
        let Some(speakers) = self.speakers.as_mut().filter(|_| burst.kind == Kind::Audio) else { return };
        burst
            .packets
            .iter()
            .filter_map(|packet| packet.level)
            .for_each(|level| speakers.hear(burst.source, level, now));
    }

    /// Who speaks, and how loud, if there is something to tell: it is another than was told, or has ended, or it is time to
    /// tell again.
    pub(crate) fn speaker(&mut self, now: Instant) -> Option<(LinkId, u8)> {
        let speakers = self.speakers.as_mut()?;
        if !speakers.end_period(now) {
            return None;
        }
        let (source, level, speaking) = speakers.said()?;
        let level = match &mut self.speaker {
            Some(told) if told.source == source => {
                told.peak = told.peak.min(level);
                let ended = told.speaking && !speaking;
                let again = speaking && now.saturating_duration_since(told.at) >= RETELL;
                if !ended && !again {
                    return None;
                }
                if ended { SILENCE } else { told.peak }
            }
            _ => level,
        };
        self.speaker = Some(Told { source, at: now, speaking, peak: SILENCE });
        Some((source, level))
    }

    /// What passes of a source from now on.
    pub(crate) fn gate(&mut self, source: LinkId, pass: Kinds) {
        self.waiting(source).for_each(|track| track.pass = pass);
        for slot in self.slots.iter_mut().filter(|slot| slot.source == Some(source)) {
            slot.pass = match slot.kind {
                Kind::Audio => pass.audio,
                Kind::Video => pass.video,
            };
            slot.rebase |= !slot.pass;
            if !slot.pass {
                slot.selector.aim(None);
                slot.cadence.rest();
            }
        }
    }

    /// The tracks of a source that wait for an answer before they are offered.
    fn waiting(&mut self, source: LinkId) -> impl Iterator<Item = &mut Track> {
        let room = self.room.as_mut().map(|room| room.tracks.iter_mut());
        self.wanted.iter_mut().flatten().chain(room.into_iter().flatten()).filter(move |track| track.source == source)
    }

    pub(crate) fn prefer(&mut self, source: LinkId, height: Option<u32>) {
        self.waiting(source).for_each(|track| track.height = height);
        let chosen = |slot: &&mut Slot| slot.source == Some(source) && slot.kind == Kind::Video;
        self.slots.iter_mut().filter(chosen).for_each(|slot| slot.height = height);
    }

    pub(super) fn report(&mut self, now: Instant, report: &mut Report) {
        for slot in &mut self.slots {
            let bps = rate(slot.meter.bps(now));
            let (sum, packets) = match slot.kind {
                Kind::Audio => (&mut report.audio_bps, &mut report.audio_packets),
                Kind::Video => (&mut report.video_bps, &mut report.video_packets),
            };
            *sum = sum.saturating_add(bps);
            *packets += slot.packets;
        }
        report.audio_period_us = self.period(Kind::Audio);
        report.video_period_us = self.period(Kind::Video);
    }

    /// The mean time from frame to frame of a kind since this was last asked, in microseconds.
    fn period(&mut self, kind: Kind) -> u32 {
        let slots = self.slots.iter_mut().filter(|slot| slot.kind == kind);
        let taken = slots.map(|slot| slot.cadence.take()).fold(Gaps::default(), Gaps::and);
        taken.mean_us()
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
        let (mut settled, mut unwished) = (0, 0);
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
                // A wish goes before what the network is thought to take. Whether that takes more is looked for nevertheless:
                // an estimate that little is asked of falls to little, and is slow to rise when the wish is over.
                (Some(height), ladder) => {
                    let (place, info) = ladder[rung(ladder, height)];
                    slot.selector.aim(Some(place));
                    settled += u64::from(info.bps);
                    unwished += ladder.last().map_or(0, |(_, best)| u64::from(best.bps.saturating_sub(info.bps)));
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
        let desired = self.desired + unwished;
        for ((index, ladder), wanted) in open.iter().zip(&wanted) {
            let place = wanted.target.and_then(|rung| ladder.get(usize::from(rung))).map(|(place, _)| *place);
            let slot = &mut self.slots[*index];
            slot.target = place;
            slot.selector.aim(place);
        }
        let sustained = self.try_for(now, settled, &wanted);
        Goal { sustained, desired }
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
pub(super) fn ladder(layers: &[LayerInfo]) -> Vec<(u8, LayerInfo)> {
    let placed = layers.iter().enumerate().filter_map(|(place, info)| Some((u8::try_from(place).ok()?, *info)));
    let mut ladder: Vec<_> = placed.filter(|(_, info)| info.bps > 0).collect();
    ladder.sort_by_key(|(_, info)| (info.height, info.bps));
    if ladder.is_empty() {
        ladder.push((0, LayerInfo::default()));
    }
    ladder
}

/// The rung of exactly that height, else the next lower, else the lowest.
pub(super) fn rung(ladder: &[(u8, LayerInfo)], height: u32) -> usize {
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
        self.connect(tracks, may_grow, identity, config, now)?;
        self.change(tracks, true).ok_or(Over::Fault(MediaFault::Internal))
    }

    /// Makes the connection that tracks are sent on.
    pub(super) fn connect(
        &mut self,
        tracks: &[Track],
        may_grow: bool,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<(), Over> {
        let own = codecs::distinct(tracks.iter().flat_map(|track| track.audio.into_iter().chain(track.video)));
        let narrow = matches!(&self.role, Role::Send(sending) if sending.narrow);
        let mut list = own.clone();
        if may_grow && !narrow {
            list.extend(codecs::others(&config.codecs, &own));
        }
        let layered = tracks.iter().any(|track| track.layers > 1);
        let feedback = if layered { Feedback::Transport } else { Feedback::Receiver };
        let mut builder = Self::builder(identity, self.lite, self.report_every).set_extension_map(extensions(feedback));
        *builder.codec_config() =
            if narrow { codecs::narrow(&list, feedback) } else { codecs::config(&list, feedback) };
        builder = if layered {
            builder.enable_bwe(Some(FIRST_ESTIMATE.into()))
        } else {
            // It has nothing to report and nothing to count.
            let never = Duration::from_secs(24 * 3600);
            builder.set_stats_interval(None).set_rtcp_report_interval_audio(never).set_rtcp_report_interval_video(never)
        };
        let rtc = builder.build(now);
        let tap = dtls::tap();
        self.adopt(rtc, config);
        let Role::Send(sending) = &mut self.role else { return Err(Over::Fault(MediaFault::Internal)) };
        sending.feedback = feedback;
        if !layered {
            sending.lean = Some(Box::new(Lean::new(Arc::clone(&identity.provider), tap, config.resend)));
        }
        Ok(())
    }

    /// From now on, the leg is sent these tracks. The offer that this takes, unless it takes none or another is in flight.
    pub(crate) fn tracks(&mut self, tracks: Vec<Track>, resend: (usize, Duration)) -> Option<MediaEvent> {
        let Role::Send(sending) = &mut self.role else { return None };
        for track in &tracks {
            sending.inherit(track);
        }
        for (place, slot) in sending.slots.iter_mut().enumerate() {
            // What is no longer wanted is not sent any more, whatever the peer has agreed to.
            if slot.source.is_some_and(|source| tracks.iter().all(|track| track.source != source)) {
                slot.source = None;
                slot.selector = Selector::new();
                slot.rebase = true;
                if let Some(lean) = &mut sending.lean {
                    lean.rest(place);
                }
            }
        }
        if let Some(room) = &mut sending.room {
            room.tracks = tracks;
            self.fill(resend);
            return None;
        }
        if sending.offer.is_some() {
            sending.wanted = Some(tracks);
            return None;
        }
        self.change(&tracks, false)
    }

    /// Takes the peer's answer. The next offer, if tracks have changed meanwhile.
    pub(crate) fn answered(&mut self, text: &str, config: &Config) -> Result<Option<MediaEvent>, Over> {
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
        sending.bind(rtc, config.resend);
        let wanted = sending.wanted.take();
        Ok(wanted.and_then(|tracks| self.change(&tracks, false)))
    }

    fn change(&mut self, tracks: &[Track], first: bool) -> Option<MediaEvent> {
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return None };
        let mut api = rtc.sdp_api();
        let label = sending.label.as_ref().filter(|_| first);
        if let Some(label) = label.filter(|_| !sending.narrow) {
            api.add_channel(label.clone());
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
        if let Some(label) = label.filter(|_| sending.narrow) {
            api.add_channel(label.clone());
        }
        let (offer, pending) = api.apply()?;
        sending.offer = Some(pending);
        let sdp = offer.to_sdp_string();
        let sections = self.sections(&sdp);
        Some(MediaEvent::Local { link: self.link, kind: DescriptionKind::Offer, sdp: sdp.into(), sections })
    }

    /// Writes a burst into one slot, as far as the viewer is to have it.
    pub(crate) fn forward(&mut self, slot: usize, burst: &Arc<Burst>, now: Instant, wire: &mut Wire<'_>) -> Forwarded {
        if !self.connected {
            return Forwarded::Nothing;
        }
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return self.cut(burst, now) };
        let Some(slot) = sending.slots.get_mut(slot) else { return Forwarded::Nothing };
        let mut packets = std::mem::take(&mut wire.room.packets);
        let stream = slot.take(burst, now, &mut packets);
        if stream.is_some() {
            sending.hear(burst, now);
        }
        let forwarded = match (stream, &mut sending.lean) {
            (None, _) => Forwarded::Nothing,
            (Some(stream), Some(lean)) => match lean.forward(&stream, burst, &packets, now, wire) {
                true => Forwarded::Sent,
                false => Forwarded::Nothing,
            },
            (Some(stream), None) => match Through(rtc).forward(&stream, burst, &packets, now, wire) {
                true => Forwarded::Written,
                false => Forwarded::Nothing,
            },
        };
        wire.room.packets = packets;
        forwarded
    }

    /// Takes RTP or RTCP that goes past str0m. `false`: it does not, str0m is to have it.
    pub(crate) fn control(
        &mut self,
        datagram: &[u8],
        now: Instant,
        wire: &mut Wire<'_>,
        happened: &mut Vec<Happened>,
    ) -> bool {
        let Role::Send(sending) = &mut self.role else { return false };
        let Some(mut lean) = sending.lean.take() else { return false };
        self.heard = now;
        lean.hear(datagram, now, wire, |heard| match heard {
            Heard::KeyWanted(mid) => happened.push(Happened::KeyWanted(mid)),
            // For reports: without transport feedback, losses choose.
            Heard::Estimate(bps) => self.estimate = Some(bps),
            Heard::Lost { permille } => {
                self.loss_permille = permille;
                happened.push(Happened::Lost);
            }
        });
        self.rtt = lean.rtt();
        sending.lean = Some(lean);
        true
    }
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
