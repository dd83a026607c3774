//! A leg that has data alone: the pictures of one track, as fragments of MP4 on a channel that we open.
//!
//! What its peer does not take in time is left out in whole pictures, up to the next key frame: nobody else notices.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use patchbay_core::{Codec, DescriptionKind, Kind, Kinds, LinkId, MediaEvent, MediaFault, Report, Track};
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::{ChannelConfig, ChannelId};

use super::receive::rate;
use super::send::{Forwarded, Subscription, ladder, rung};
use super::{Leg, Over, Role};
use crate::burst::Burst;
use crate::dtls::Identity;
use crate::fragments::Fragments;
use crate::fragments::pictures::{PICTURE, Picture, Pictures};
use crate::meter::Meter;
use crate::peer::LayerInfo;
use crate::select::{Selector, Verdict};
use crate::{Config, sdp};

/// Bytes of pictures that wait for one peer, beside those that str0m keeps ([`super::data::BUFFERED`]). More lets a peer that
/// stalls go on without a break, and costs that much memory for each that does; less breaks off sooner, and less than a
/// picture would never let that one through.
const BACKLOG: usize = 2 * PICTURE;
/// How long they wait. Longer makes a peer on a slow network ever later; shorter leaves out pictures at every loss, which SCTP
/// mends after a second at times (RFC 9260 section 16: `RTO.Min`).
const STALE: Duration = Duration::from_millis(1_500);
/// A peer that was too slow does not ask for a key frame for so long. Longer lets it look at a still picture, shorter makes
/// the source send key frames to everybody for the sake of one.
const REST: Duration = Duration::from_secs(2);
/// What is left in str0m's buffer when it asks for more.
const LOW: usize = 64 * 1024;

/// What such a leg knows.
pub(crate) struct Fragmenting {
    tracks: Vec<Track>,
    /// Name of the channel that fragments are sent on.
    label: String,
    /// The peer offers.
    answers: bool,
    /// Our offer that is in flight.
    offer: Option<SdpPendingOffer>,
    /// What is sent: the source, and whether it passes.
    shown: Option<Shown>,
    selector: Selector,
    pictures: Pictures,
    fragments: Fragments,
    ready: Vec<Picture>,
    /// Once it is open.
    channel: Option<ChannelId>,
    /// Pictures that wait, and since when. They become fragments only when there is room for them.
    waiting: VecDeque<(Instant, Picture)>,
    /// In [`Self::waiting`].
    bytes: usize,
    /// Messages of the fragment that is being sent.
    open: VecDeque<Vec<u8>>,
    /// str0m's buffer is full.
    full: bool,
    /// When it may ask for a key frame again.
    rests: Option<Instant>,
    meter: Meter,
    packets: u64,
    told_height: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shown {
    source: LinkId,
    pass: bool,
    height: Option<u32>,
}

impl Fragmenting {
    pub(crate) fn new(tracks: Vec<Track>, label: String, answers: bool) -> Self {
        let mut new = Self {
            tracks: Vec::new(),
            label,
            answers,
            offer: None,
            shown: None,
            selector: Selector::new(),
            pictures: Pictures::default(),
            fragments: Fragments::default(),
            ready: Vec::new(),
            channel: None,
            waiting: VecDeque::new(),
            bytes: 0,
            open: VecDeque::new(),
            full: false,
            rests: None,
            meter: Meter::new(),
            packets: 0,
            told_height: 0,
        };
        new.tracks = tracks;
        new.show();
        new
    }

    /// From now on it has these tracks. Of several that come one after the other, one that cannot be sent is the end: nothing
    /// would come on the channel any more.
    pub(crate) fn replace(&mut self, tracks: Vec<Track>) -> Result<(), Over> {
        self.tracks = tracks;
        self.show();
        if self.tracks.is_empty() || self.is_of_use() { Ok(()) } else { Err(Over::Fault(MediaFault::Description)) }
    }

    fn show(&mut self) {
        let fits = |track: &&Track| matches!(track.video, Some(Codec::H264 { .. }));
        let shown = self.tracks.iter().find(fits).map(|track| Shown {
            source: track.source,
            pass: track.pass.video,
            height: track.height,
        });
        if shown.map(|shown| shown.source) != self.shown.map(|shown| shown.source) {
            (self.selector, self.told_height) = (Selector::new(), 0);
            self.pictures.reset();
        }
        self.shown = shown;
    }

    /// Whether there is anything that it could be sent.
    fn is_of_use(&self) -> bool {
        self.shown.is_some()
    }

    pub(crate) fn subscription(&self) -> Option<Subscription> {
        self.shown.map(|shown| Subscription { source: shown.source, kind: Kind::Video, slot: 0 })
    }

    /// What passes of a source from now on.
    pub(crate) fn gate(&mut self, source: LinkId, pass: Kinds) {
        self.tracks.iter_mut().filter(|track| track.source == source).for_each(|track| track.pass = pass);
        self.show();
    }

    pub(crate) fn prefer(&mut self, source: LinkId, height: Option<u32>) {
        self.tracks.iter_mut().filter(|track| track.source == source).for_each(|track| track.height = height);
        self.show();
    }

    pub(super) fn report(&mut self, now: Instant, report: &mut Report) {
        report.video_bps = rate(self.meter.bps(now));
        report.video_packets = self.packets;
    }

    /// Chooses the layer that is sent: of the wished height, or the best. There is nobody who would measure the network for
    /// a choice by that.
    pub(crate) fn choose<'a>(&mut self, now: Instant, layers: impl Fn(LinkId) -> &'a [LayerInfo]) {
        let Some(shown) = self.shown.filter(|shown| shown.pass && self.channel.is_some()) else {
            return self.selector.aim(None);
        };
        let infos = layers(shown.source);
        for (place, info) in (0u8..).zip(infos) {
            if info.bps == 0 && infos.len() > 1 {
                self.selector.silent(place);
            }
        }
        self.selector.stuck(now);
        self.rests.take_if(|until| *until <= now);
        let ladder = ladder(infos);
        let chosen = shown.height.map_or(ladder.len() - 1, |height| rung(&ladder, height));
        self.selector.aim(Some(ladder[chosen].0));
    }

    /// The layer whose key frame is waited for, if one is of use now.
    pub(crate) fn key_wanted(&self) -> Option<(LinkId, u8)> {
        let shown = self.shown.filter(|shown| shown.pass && self.channel.is_some())?;
        let lost =
            self.selector.current().filter(|_| self.pictures.is_skipping() && !self.full && self.rests.is_none());
        Some((shown.source, self.selector.wants_key().or(lost)?))
    }

    /// The height that it was sent first, and what it is sent now, if that is another.
    pub(crate) fn switched<'a>(&mut self, layers: impl Fn(LinkId) -> &'a [LayerInfo]) -> Option<(LinkId, u32)> {
        let (source, layer) = (self.shown?.source, self.selector.current()?);
        let height = layers(source).get(usize::from(layer)).map_or(0, |info| info.height);
        if height == 0 || height == self.told_height {
            return None;
        }
        let first = std::mem::replace(&mut self.told_height, height) == 0;
        (!first).then_some((source, height))
    }

    /// Whether its choices are to be looked at again without news: until it is sent something, and where it has lost something.
    pub(crate) fn needs_care<'a>(&self, layers: impl Fn(LinkId) -> &'a [LayerInfo]) -> bool {
        let Some(shown) = self.shown.filter(|shown| shown.pass) else { return false };
        self.channel.is_none()
            || layers(shown.source).len() > 1
            || self.key_wanted().is_some()
            || self.pictures.is_skipping()
    }

    /// The peer has a channel open. Whether it is that of the fragments.
    pub(super) fn opened(&mut self, id: ChannelId, label: &str, rtc: &mut Rtc) -> bool {
        if self.channel.is_some() || label != self.label {
            return false;
        }
        self.channel = Some(id);
        if let Some(mut channel) = rtc.channel(id) {
            channel.set_buffered_amount_low_threshold(LOW);
        }
        true
    }

    pub(super) fn closed(&mut self, id: ChannelId) {
        if self.channel == Some(id) {
            self.channel = None;
            (self.waiting, self.open, self.bytes) = (VecDeque::new(), VecDeque::new(), 0);
            self.selector.aim(None);
            self.pictures.reset();
        }
    }

    /// There is room in str0m's buffer again.
    pub(super) fn resume(&mut self, rtc: &mut Rtc) {
        self.full = false;
        self.drain(rtc);
    }

    /// Sends what the channel takes now.
    fn drain(&mut self, rtc: &mut Rtc) {
        let Some(id) = self.channel else { return };
        while !self.full {
            let Some(message) = self.open.front() else {
                let Some((_, picture)) = self.waiting.pop_front() else { return };
                self.bytes -= picture.data.len();
                self.open.extend(self.fragments.make(&picture));
                continue;
            };
            let Some(mut channel) = rtc.channel(id) else { return };
            match channel.write(true, message) {
                Ok(true) => drop(self.open.pop_front()),
                Ok(false) => self.full = true,
                // It is closing.
                Err(_) => return,
            }
        }
    }

    /// Takes what passes of a burst; whether there is something to send.
    fn take(&mut self, burst: &Burst, now: Instant) -> bool {
        if self.channel.is_none() || self.shown.is_none_or(|shown| shown.source != burst.source || !shown.pass) {
            return false;
        }
        match self.selector.offer(now, burst.layer, burst.key, burst.late) {
            Verdict::Drop => return false,
            Verdict::Forward if !burst.resumed => {}
            Verdict::Forward | Verdict::Switch => self.pictures.reset(),
        }
        let mut ready = std::mem::take(&mut self.ready);
        burst.packets.iter().for_each(|packet| self.pictures.push(packet, now, &mut ready));
        self.packets += burst.packets.len() as u64;
        let any = !ready.is_empty();
        ready.drain(..).for_each(|picture| self.queue(picture, now));
        self.ready = ready;
        any
    }

    /// Puts a picture behind those that wait. If the peer is too slow for them, they are dropped, and those behind them, up to a
    /// key frame.
    fn queue(&mut self, picture: Picture, now: Instant) {
        let bytes = picture.data.len();
        let stale = self.waiting.front().is_some_and(|(since, _)| now.saturating_duration_since(*since) > STALE);
        if stale || self.bytes + bytes > BACKLOG {
            self.waiting.clear();
            self.bytes = 0;
            self.pictures.skip(true);
            self.rests = Some(now + REST);
        }
        if picture.key {
            self.pictures.skip(false);
        } else if self.pictures.is_skipping() {
            return;
        }
        self.bytes += bytes;
        self.waiting.push_back((now, picture));
        self.meter.add(bytes, now);
    }

    /// Whether its bounds are kept.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn is_sound(&self) -> bool {
        let bytes: usize = self.waiting.iter().map(|(_, picture)| picture.data.len()).sum();
        let open: usize = self.open.iter().map(Vec::len).sum();
        let bounded = bytes <= BACKLOG && open <= 2 * PICTURE;
        bounded && bytes == self.bytes && (self.channel.is_some() || bytes + open == 0)
    }
}

impl Leg {
    /// The connection, which has data alone.
    fn data_only(&mut self, identity: &Identity, config: &Config, now: Instant) {
        let mut builder = Self::builder(identity, self.lite, self.report_every).set_stats_interval(None);
        *builder.codec_config() = crate::codecs::config(&[], crate::codecs::Feedback::Receiver);
        let rtc = builder.build(now);
        self.adopt(rtc, config);
    }

    /// Makes the connection and the offer of a channel, if there is something to send on it.
    pub(crate) fn offer_channel(
        &mut self,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<MediaEvent, Over> {
        let Role::Fragments(fragmenting) = &self.role else { return Err(Over::Fault(MediaFault::Internal)) };
        if !fragmenting.is_of_use() {
            return Err(Over::Fault(MediaFault::Description));
        }
        self.data_only(identity, config, now);
        let (Role::Fragments(fragmenting), Some(rtc)) = (&mut self.role, &mut self.rtc) else {
            return Err(Over::Fault(MediaFault::Internal));
        };
        let mut api = rtc.sdp_api();
        api.add_channel(fragmenting.label.clone());
        let (offer, pending) = api.apply().ok_or(Over::Fault(MediaFault::Internal))?;
        fragmenting.offer = Some(pending);
        Ok(self.described(DescriptionKind::Offer, offer.to_sdp_string()))
    }

    fn described(&self, kind: DescriptionKind, sdp: String) -> MediaEvent {
        let sections = self.sections(&sdp);
        MediaEvent::Local { link: self.link, kind, sdp: sdp.into(), sections }
    }

    /// Answers an offer of data.
    pub(crate) fn answer_channel(
        &mut self,
        text: &str,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<MediaEvent, Over> {
        let faulty = Over::Fault(MediaFault::Description);
        sdp::check(text).map_err(|_| faulty)?;
        // Ours is the part of the client where the peer leaves the choice: that is what originals do (ers.md section 3.1), and
        // it has the channels' numbers follow from it.
        let offer = text.replace("a=setup:actpass", "a=setup:passive");
        let offer = SdpOffer::from_sdp_string(&offer).map_err(|_| faulty)?;
        let Role::Fragments(fragmenting) = &self.role else { return Err(faulty) };
        if !fragmenting.answers || !sdp::sections(text).any(|(kind, _)| kind.is_none()) {
            return Err(faulty);
        }
        let (first, label) = (self.rtc.is_none(), fragmenting.label.clone());
        if first {
            self.data_only(identity, config, now);
        }
        let Some(rtc) = &mut self.rtc else { return Err(faulty) };
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|error| {
            tracing::debug!(%error, "an offer of data was refused");
            faulty
        })?;
        if first {
            rtc.direct_api().create_data_channel(ChannelConfig { label, ..ChannelConfig::default() });
        }
        Ok(self.described(DescriptionKind::Answer, answer.to_sdp_string()))
    }

    /// Takes the peer's answer to our offer.
    pub(crate) fn answered_channel(&mut self, text: &str) -> Result<(), Over> {
        let faulty = Over::Fault(MediaFault::Description);
        sdp::check(text).map_err(|_| faulty)?;
        let answer = SdpAnswer::from_sdp_string(text).map_err(|_| faulty)?;
        let (Role::Fragments(fragmenting), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(faulty) };
        // An answer that nobody asked for.
        let Some(offer) = fragmenting.offer.take() else { return Ok(()) };
        rtc.sdp_api().accept_answer(offer, answer).map_err(|error| {
            tracing::debug!(%error, "an answer was refused");
            faulty
        })
    }

    /// Makes fragments of a burst.
    pub(super) fn cut(&mut self, burst: &Burst, now: Instant) -> Forwarded {
        let (Role::Fragments(fragmenting), Some(rtc)) = (&mut self.role, &mut self.rtc) else {
            return Forwarded::Nothing;
        };
        if fragmenting.take(burst, now) {
            fragmenting.drain(rtc);
            return Forwarded::Written;
        }
        if fragmenting.pictures.is_skipping() { Forwarded::Waits } else { Forwarded::Nothing }
    }
}
