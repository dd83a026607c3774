//! The receiving half of a leg: a publisher's offer, its packets and its layers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use patchbay_core::{Codec, DescriptionKind, Kind, Kinds, LinkId, MediaEvent, MediaFault, Rendition, Report};
use str0m::bwe::Bitrate;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Rid, Rids};
use str0m::rtp::{Extension, ExtensionMap, RtpPacket, Ssrc};

use super::{Leg, Over, Role};
use crate::burst::{Burst, Collected, Collector, Packet};
use crate::codecs::{self, Feedback};
use crate::dtls::Identity;
use crate::keyframe::{self, Ask, Throttle, Unreadable};
use crate::meter::Meter;
use crate::peer::LayerInfo;
use crate::{Config, sdp};

/// Layers of one source: browsers send three at most.
const LAYERS: usize = 8;
/// Streams of one peer that are told apart; more are a peer's that changes its numbers without end.
const STREAMS: usize = 64;
/// What a peer is told, in bits per second, whose bound has been lifted: more than any sends, so that its network decides.
const UNBOUNDED: u32 = 100_000_000;
/// A layer that has sent nothing for so long is not there: a browser pauses one when its network is short. Longer keeps
/// viewers waiting for it, shorter takes a slow screen share for gone.
const SILENT: Duration = Duration::from_secs(2);

/// What a receiving leg knows of its peer's media.
pub(crate) struct Receiving {
    accept: Kinds,
    codecs: Arc<[Codec]>,
    /// What passes to anybody.
    pub(crate) pass: Kinds,
    audio: Option<Codec>,
    video: Option<Codec>,
    /// The offer announced media that is let in.
    expects: bool,
    /// We offer, and this is our offer that is in flight.
    asked: Option<SdpPendingOffer>,
    asks: bool,
    streams: Vec<Stream>,
    sound: Collector,
    sound_resumes: bool,
    audio_meter: Meter,
    pub(crate) layers: Vec<Layer>,
    /// How much the peer may send, in bits per second.
    limit: Option<u32>,
    /// A layer's size has become known: who asks for the stream's is to hear it, and not a report later.
    pub(crate) news: bool,
}

/// An RTP stream of the peer.
struct Stream {
    ssrc: Ssrc,
    /// What it carries; `None`: nothing that is let in.
    kind: Option<Kind>,
    layer: usize,
}

/// One rendition of the pictures.
pub(crate) struct Layer {
    mid: Mid,
    rid: Option<Rid>,
    collector: Collector,
    meter: Meter,
    size: Option<(u32, u32)>,
    throttle: Throttle,
    unreadable: Unreadable,
    opaque: bool,
    /// It was switched off, and its next key frame brings it back.
    resumes: bool,
    last: Instant,
}

impl Receiving {
    pub(crate) fn new(accept: Kinds, codecs: Arc<[Codec]>) -> Self {
        Self {
            accept,
            codecs,
            pass: Kinds::ALL,
            audio: None,
            video: None,
            expects: false,
            asked: None,
            asks: false,
            streams: Vec::new(),
            sound: Collector::default(),
            sound_resumes: false,
            audio_meter: Meter::new(),
            layers: Vec::new(),
            limit: None,
            news: false,
        }
    }

    /// One that offers to receive.
    pub(crate) fn asking(accept: Kinds, codecs: Arc<[Codec]>) -> Self {
        Self { asks: true, ..Self::new(accept, codecs) }
    }

    pub(crate) fn expects_media(&self) -> bool {
        self.expects
    }

    /// What of the layers is alive, by their place.
    pub(crate) fn infos(&mut self, now: Instant) -> Vec<LayerInfo> {
        let info = |layer: &mut Layer| {
            let (width, height) = layer.size.unwrap_or_default();
            let silent = now.saturating_duration_since(layer.last) > SILENT;
            let bps = if silent { 0 } else { rate(layer.meter.bps(now)) };
            LayerInfo { width, height, bps, opaque: layer.opaque }
        };
        self.layers.iter_mut().map(info).collect()
    }

    pub(super) fn report(&mut self, now: Instant, report: &mut Report) {
        report.audio_bps = rate(self.audio_meter.bps(now));
        let infos = self.infos(now);
        report.video_bps = infos.iter().fold(0, |sum, info| sum.saturating_add(info.bps));
        let alive = infos.iter().filter(|info| info.bps > 0);
        report.renditions =
            alive.map(|info| Rendition { width: info.width, height: info.height, bps: info.bps }).collect();
        report.renditions.sort_unstable_by_key(|rendition| std::cmp::Reverse((rendition.height, rendition.bps)));
    }

    /// Switches kinds on or off for everybody.
    pub(crate) fn mute(&mut self, pass: Kinds) {
        self.sound_resumes |= !pass.audio;
        if !pass.video {
            self.layers.iter_mut().for_each(|layer| layer.resumes = true);
        }
        self.pass = pass;
    }

    /// The burst that packets make, if they pass.
    fn burst(&mut self, source: LinkId, kind: Kind, place: usize, collected: Collected, now: Instant) -> Option<Burst> {
        let Collected { packets, key, late, since } = collected;
        let resumed = match kind {
            Kind::Audio if !self.pass.audio => return None,
            Kind::Audio => std::mem::take(&mut self.sound_resumes),
            Kind::Video => {
                let layer = self.layers.get_mut(place)?;
                layer.opaque = layer.unreadable.burst(now, key);
                if !self.pass.video || (layer.resumes && !key && !layer.opaque) {
                    return None;
                }
                std::mem::take(&mut layer.resumes)
            }
        };
        let layer = u8::try_from(place).unwrap_or_default();
        Some(Burst { source, kind, layer, key, late, resumed, at: since, packets })
    }

    /// When packets that wait for the rest of their frame have waited long enough.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let asks = self.layers.iter().filter_map(|layer| layer.throttle.deadline());
        self.layers.iter().filter_map(|layer| layer.collector.deadline()).chain(asks).min()
    }
}

impl Leg {
    /// Makes the connection that media comes in by, in one of these codecs.
    fn await_media(&mut self, codecs: &[Codec], identity: &Identity, config: &Config, now: Instant) {
        let mut builder = Self::builder(identity, self.lite, self.report_every).set_extension_map(extensions());
        *builder.codec_config() = codecs::config(codecs, Feedback::Transport);
        let rtc = builder.build(now);
        self.adopt(rtc, config);
    }

    /// Offers to receive.
    pub(crate) fn invite(&mut self, identity: &Identity, config: &Config, now: Instant) -> Result<MediaEvent, Over> {
        let internal = Over::Fault(MediaFault::Internal);
        let Role::Receive(receiving) = &self.role else { return Err(internal) };
        let accept = receiving.accept;
        let on = |codec: &&Codec| match codec.kind() {
            Kind::Audio => accept.audio,
            Kind::Video => accept.video,
        };
        let codecs = codecs::distinct(receiving.codecs.iter().filter(on).copied());
        self.await_media(&codecs, identity, config, now);
        let (Role::Receive(receiving), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(internal) };
        let mut api = rtc.sdp_api();
        for kind in [(accept.audio, MediaKind::Audio), (accept.video, MediaKind::Video)] {
            if kind.0 {
                api.add_media(kind.1, Direction::RecvOnly, None, None, None);
            }
        }
        let (offer, pending) = api.apply().ok_or(internal)?;
        receiving.asked = Some(pending);
        let sdp = offer.to_sdp_string();
        let sections = self.sections(&sdp);
        Ok(MediaEvent::Local { link: self.link, kind: DescriptionKind::Offer, sdp: sdp.into(), sections })
    }

    /// Takes the peer's answer to our offer to receive.
    pub(crate) fn agreed(&mut self, text: &str) -> Result<MediaEvent, Over> {
        let faulty = Over::Fault(MediaFault::Description);
        sdp::check(text).map_err(|_| faulty)?;
        let answer = SdpAnswer::from_sdp_string(text).map_err(|_| faulty)?;
        let (Role::Receive(receiving), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(faulty) };
        // An answer that nobody asked for.
        let Some(pending) = receiving.asked.take() else { return Err(faulty) };
        // The first codec of an answer is the one that is sent.
        let scanned = sdp::scan(text);
        let (audio, video) = scanned.choose(&receiving.codecs, receiving.accept);
        if audio.is_none() && video.is_none() {
            return Err(faulty);
        }
        rtc.sdp_api().accept_answer(pending, answer).map_err(|error| {
            tracing::debug!(%error, "an answer was refused");
            faulty
        })?;
        (receiving.audio, receiving.video, receiving.expects) = (audio, video, true);
        let layers = u8::try_from(scanned.layers.min(LAYERS)).unwrap_or(1);
        Ok(MediaEvent::Parsed { link: self.link, audio, video, layers })
    }

    /// Answers the peer's offer. `Parsed` and `Local` are what the hub is to hear.
    pub(crate) fn answer(
        &mut self,
        text: &str,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<[MediaEvent; 2], Over> {
        let faulty = Over::Fault(MediaFault::Description);
        sdp::check(text).map_err(|_| faulty)?;
        let offer = SdpOffer::from_sdp_string(&sdp::one_way(text)).map_err(|_| faulty)?;
        let scanned = sdp::scan(text);
        // Where we ask, an offer of the peer's is out of turn.
        let Role::Receive(receiving) = &mut self.role else { return Err(faulty) };
        if receiving.asks {
            return Err(faulty);
        }
        let (audio, video) = scanned.choose(&receiving.codecs, Kinds::ALL);
        let wanted = scanned.kinds.and(receiving.accept);
        if (wanted.audio || wanted.video) && !(wanted.audio && audio.is_some()) && !(wanted.video && video.is_some()) {
            // Nothing that was meant could be taken.
            return Err(faulty);
        }
        if self.rtc.is_none() {
            let codecs: Vec<_> = audio.into_iter().chain(video).collect();
            self.await_media(&codecs, identity, config, now);
        }
        let Some(rtc) = &mut self.rtc else { return Err(Over::Fault(MediaFault::Internal)) };
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|error| {
            tracing::debug!(%error, "an offer was refused");
            faulty
        })?;
        let sdp = answer.to_sdp_string();
        let Role::Receive(receiving) = &mut self.role else { return Err(faulty) };
        receiving.audio = audio.filter(|_| receiving.accept.audio);
        receiving.video = video.filter(|_| receiving.accept.video);
        receiving.expects = receiving.audio.is_some() || receiving.video.is_some();
        let layers = u8::try_from(scanned.layers.min(LAYERS)).unwrap_or(1);
        let parsed = MediaEvent::Parsed { link: self.link, audio: receiving.audio, video: receiving.video, layers };
        let sections = self.sections(&sdp);
        let local = MediaEvent::Local { link: self.link, kind: DescriptionKind::Answer, sdp: sdp.into(), sections };
        Ok([parsed, local])
    }

    /// Takes a packet of the peer; bursts that are whole go to `out`. Whether it was media that is let in.
    pub(crate) fn packet(&mut self, packet: RtpPacket, now: Instant, out: &mut Vec<Burst>) -> bool {
        let link = self.link;
        let Some((kind, place)) = self.stream(packet.header.ssrc, now) else { return false };
        let Role::Receive(receiving) = &mut self.role else { return false };
        let values = &packet.header.ext_vals;
        let one = Packet {
            seq: *packet.seq_no,
            time: packet.header.timestamp,
            marker: packet.header.marker,
            level: values.audio_level.map(|level| level.unsigned_abs()),
            voice: values.voice_activity.unwrap_or(false),
            rotation: values.video_orientation,
            payload: packet.payload,
        };
        let bytes = one.payload.len();
        let mut collected = Vec::new();
        match kind {
            Kind::Audio => {
                receiving.audio_meter.add(bytes, now);
                // Each packet of sound is a frame.
                receiving.sound.push(Packet { marker: true, ..one }, false, now, &mut collected);
            }
            Kind::Video => {
                let Some(layer) = receiving.layers.get_mut(place) else { return false };
                layer.meter.add(bytes, now);
                layer.last = now;
                let seen = receiving.video.map(|codec| keyframe::inspect(codec, &one.payload)).unwrap_or_default();
                if seen.key {
                    layer.throttle.arrived();
                    receiving.news |= layer.size.is_none() && seen.size.is_some();
                    layer.size = seen.size.or(layer.size);
                }
                layer.collector.push(one, seen.key, now, &mut collected);
            }
        }
        out.extend(collected.into_iter().filter_map(|collected| receiving.burst(link, kind, place, collected, now)));
        true
    }

    /// What the stream of that number carries.
    fn stream(&mut self, ssrc: Ssrc, now: Instant) -> Option<(Kind, usize)> {
        let Role::Receive(receiving) = &mut self.role else { return None };
        if let Some(stream) = receiving.streams.iter().find(|stream| stream.ssrc == ssrc) {
            return stream.kind.map(|kind| (kind, stream.layer));
        }
        if receiving.streams.len() >= STREAMS {
            return None;
        }
        let rtc = self.rtc.as_mut()?;
        let (mid, rid) = {
            let mut api = rtc.direct_api();
            let stream = api.stream_rx(&ssrc)?;
            (stream.mid(), stream.rid())
        };
        let media = rtc.media(mid)?;
        let kind = match media.kind() {
            MediaKind::Audio => Kind::Audio,
            MediaKind::Video => Kind::Video,
        };
        let let_in = match kind {
            Kind::Audio => receiving.audio.is_some(),
            Kind::Video => receiving.video.is_some(),
        };
        let mut found = Stream { ssrc, kind: let_in.then_some(kind), layer: 0 };
        if kind == Kind::Video && let_in {
            // The layers' places are those in the description, so that all of them are known with the first.
            let rids: Vec<Option<Rid>> = match media.rids_rx() {
                Rids::Specific(rids) if rid.is_some() => rids.iter().copied().map(Some).collect(),
                _ => vec![rid],
            };
            for rid in rids {
                let known = receiving.layers.iter().any(|layer| layer.mid == mid && layer.rid == rid);
                if !known && receiving.layers.len() < LAYERS {
                    receiving.layers.push(Layer::new(mid, rid, now));
                }
            }
            let place = receiving.layers.iter().position(|layer| layer.mid == mid && layer.rid == rid);
            match place {
                Some(place) => found.layer = place,
                None => found.kind = None,
            }
        }
        let told = found.kind.map(|kind| (kind, found.layer));
        receiving.streams.push(found);
        told
    }

    /// Hands on what has waited long enough, and asks for the key frames that are due. `true` if it asked: the leg is to
    /// be polled.
    pub(crate) fn flush(&mut self, now: Instant, out: &mut Vec<Burst>) -> bool {
        let link = self.link;
        let Role::Receive(receiving) = &mut self.role else { return false };
        let (mut wanted, mut ready) = (Vec::new(), Vec::new());
        for (place, layer) in receiving.layers.iter_mut().enumerate() {
            if layer.collector.deadline().is_some_and(|at| at <= now)
                && let Some(collected) = layer.collector.flush()
            {
                ready.push((place, collected));
            }
            if layer.throttle.due(now) {
                wanted.push(place);
            }
        }
        out.extend(
            ready
                .into_iter()
                .filter_map(|(place, collected)| receiving.burst(link, Kind::Video, place, collected, now)),
        );
        wanted.into_iter().filter(|place| self.request_key(*place, now)).count() > 0
    }

    /// A viewer needs a key frame of that layer: the publisher is asked, but not more often than it may be.
    /// `true` if it is asked now: the leg is to be polled.
    pub(crate) fn want_key(&mut self, place: usize, now: Instant) -> bool {
        let Role::Receive(receiving) = &mut self.role else { return false };
        let Some(layer) = receiving.layers.get_mut(place) else { return false };
        layer.throttle.ask(now) == Ask::Send && self.request_key(place, now)
    }

    /// Bounds what the peer sends, by what a receiver says of its own bandwidth (REMB). It is said again with each report,
    /// since a packet may get lost, and pictures may come later.
    pub(crate) fn limit(&mut self, bps: Option<u32>) {
        let Role::Receive(receiving) = &mut self.role else { return };
        let lifted = receiving.limit.is_some() && bps.is_none();
        receiving.limit = bps;
        self.ask_rate(if lifted { Some(UNBOUNDED) } else { bps });
    }

    /// Says the bound again, if there is one.
    pub(super) fn repeat_limit(&mut self) {
        let Role::Receive(receiving) = &self.role else { return };
        self.ask_rate(receiving.limit);
    }

    fn ask_rate(&mut self, bps: Option<u32>) {
        let (Role::Receive(receiving), Some(rtc), Some(bps)) = (&self.role, &mut self.rtc, bps) else { return };
        // It is about the whole connection, whichever of its streams it names.
        let Some(layer) = receiving.layers.first() else { return };
        let mut api = rtc.direct_api();
        if let Some(stream) = api.stream_rx_by_mid(layer.mid, layer.rid) {
            stream.request_remb(Bitrate::from(u64::from(bps)));
        }
    }

    fn request_key(&mut self, place: usize, now: Instant) -> bool {
        let Role::Receive(receiving) = &mut self.role else { return false };
        let (Some(layer), Some(rtc)) = (receiving.layers.get_mut(place), &mut self.rtc) else { return false };
        layer.unreadable.asked(now);
        let mut api = rtc.direct_api();
        let stream = api.stream_rx_by_mid(layer.mid, layer.rid);
        stream.map(|stream| stream.request_keyframe(KeyframeRequestKind::Pli)).is_some()
    }
}

impl Layer {
    fn new(mid: Mid, rid: Option<Rid>, now: Instant) -> Self {
        Self {
            mid,
            rid,
            collector: Collector::default(),
            meter: Meter::new(),
            size: None,
            throttle: Throttle::default(),
            unreadable: Unreadable::new(),
            opaque: false,
            resumes: false,
            last: now,
        }
    }
}

/// Bits per second as reports tell them.
pub(super) fn rate(bps: u64) -> u32 {
    u32::try_from(bps).unwrap_or(u32::MAX)
}

/// Header extensions that we understand from a publisher.
fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(2, Extension::AbsoluteSendTime);
    map.set(3, Extension::TransportSequenceNumber);
    map.set(4, Extension::RtpMid);
    map.set(10, Extension::RtpStreamId);
    map.set(11, Extension::RepairedRtpStreamId);
    map.set(13, Extension::VideoOrientation);
    map
}
