//! The end of a conversation that is a browser: one connection, both ways.
//!
//! A browser's first offer is held until the other end has answered, and is then answered within what that end has chosen
//! ([`Choice`]). Where the browser is offered something, it is what the other end can.

mod describe;

use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use patchbay_core::{Codec, Kind, LinkId, Report};
use patchbay_sdp::Description;
use str0m::change::SdpPendingOffer;
use str0m::media::{KeyframeRequestKind, Mid, SenderFeedback};
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};

pub(crate) use self::describe::Change;
use super::receive::rate;
use super::{Leg, Role};
use crate::keyframe::{Ask, Throttle};
use crate::meter::Meter;
use crate::talk::{Came, Numbers, Passing, Stream};
use crate::timeline::{Sampled, Timeline};

/// How long an end that has said something waits for the other one: a telephone may ring for minutes. The dialects' own
/// limits are shorter; this one frees what they forgot.
pub(super) const WAIT: Duration = Duration::from_secs(600);

/// What a leg to a browser in a conversation knows.
pub(crate) struct Talking {
    /// In which codecs, best first.
    codecs: Arc<[Codec]>,
    pub(crate) other: Option<LinkId>,
    /// The peer's offer that waits for the other end.
    held: Option<Description>,
    /// The peer's last description that counts.
    said: Option<Description>,
    /// Our offer that is in flight.
    offer: Option<SdpPendingOffer>,
    /// What it was made of: the other end's words, by the other end's places; and which of these each section of ours is.
    basis: Option<Description>,
    leads: Vec<usize>,
    /// By their place in descriptions.
    lines: Vec<Option<Wired>>,
    timeline: Timeline,
    pub(crate) agreed: bool,
}

/// One section that was agreed upon.
struct Wired {
    mid: Mid,
    codec: Codec,
    numbers: Numbers,
    /// The section of the other end, by its place.
    other: Option<usize>,
    /// Of what is sent to the peer.
    ssrc: Ssrc,
    stream: Stream,
    /// The peer listens.
    listens: bool,
    /// Of what the peer sends.
    theirs: Option<Ssrc>,
    sampled: Sampled,
    throttle: Throttle,
    meter: Meter,
}

impl Talking {
    pub(crate) fn new(codecs: Arc<[Codec]>, other: Option<LinkId>) -> Self {
        Self {
            codecs,
            other,
            held: None,
            said: None,
            offer: None,
            basis: None,
            leads: Vec::new(),
            lines: Vec::new(),
            timeline: Timeline::default(),
            agreed: false,
        }
    }

    /// Its offer waits for an answer of the other end.
    pub(crate) fn waits(&self) -> bool {
        self.held.is_some()
    }

    /// Our first offer was not answered yet.
    pub(crate) fn asks(&self) -> bool {
        self.offer.is_some() && !self.agreed
    }

    /// The section of the other end that this one's packets go to.
    pub(crate) fn other_place(&self, place: usize) -> Option<usize> {
        self.lines.get(place)?.as_ref()?.other
    }

    /// How many sections there are.
    pub(crate) fn sections(&self) -> usize {
        self.lines.len()
    }

    /// The section of that name.
    pub(crate) fn place(&self, mid: Mid) -> Option<usize> {
        self.lines.iter().position(|line| line.as_ref().is_some_and(|line| line.mid == mid))
    }

    /// When a wish for a key frame that had to wait is to be said.
    pub(super) fn due(&self) -> Option<Instant> {
        self.lines.iter().flatten().filter_map(|line| line.throttle.deadline()).min()
    }

    pub(super) fn report(&mut self, now: Instant, report: &mut Report) {
        for line in self.lines.iter().flatten() {
            let bps = rate(line.meter.bps(now));
            match line.codec.kind() {
                Kind::Audio => report.audio_bps = report.audio_bps.saturating_add(bps),
                Kind::Video => report.video_bps = report.video_bps.saturating_add(bps),
            }
        }
    }

    /// The peer has told when one of its packets was sampled.
    pub(super) fn sampled(&mut self, feedback: &SenderFeedback) {
        let Some(place) = self.place(feedback.mid) else { return };
        let Some(Some(line)) = self.lines.get_mut(place) else { return };
        // Its epoch does not matter, only what passes.
        let nanos = feedback.sender_info.ntp_time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let fixed = ((nanos << 32) / 1_000_000_000) as u64;
        let time = feedback.sender_info.rtp_time.numer() as u32;
        self.timeline.report(&mut line.sampled, fixed, time, feedback.received_at);
    }
}

impl Leg {
    /// Takes a packet of a browser that talks: in which section it came, and what it is.
    pub(crate) fn talked(&mut self, packet: &RtpPacket, now: Instant) -> Option<(usize, Came)> {
        let (Role::Talk(talking), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return None };
        let ssrc = packet.header.ssrc;
        let known = |line: &Option<Wired>| line.as_ref().is_some_and(|line| line.theirs == Some(ssrc));
        let place = talking.lines.iter().position(known).or_else(|| {
            let mid = rtc.direct_api().stream_rx(&ssrc)?.mid();
            talking.place(mid)
        })?;
        let line = talking.lines[place].as_mut()?;
        let carried = line.numbers.carried(*packet.header.payload_type)?;
        let fresh = line.theirs.replace(ssrc) != Some(ssrc);
        if fresh {
            line.sampled = Sampled::default();
        }
        line.meter.add(packet.payload.len(), now);
        let time = packet.header.timestamp;
        let at = talking.timeline.at(&line.sampled, time, line.codec.clock_rate(), now);
        let (seq, marker) = (*packet.seq_no, packet.header.marker);
        Some((place, Came { carried, seq, time, marker, fresh, at }))
    }

    /// Sends a browser a packet of the other end; it leaves with the next poll. Whether it was taken.
    pub(crate) fn talk(&mut self, packet: &Passing<'_>, now: Instant) -> bool {
        if !self.connected {
            return false;
        }
        let (Role::Talk(talking), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return false };
        let Some(Some(line)) = talking.lines.get_mut(packet.place) else { return false };
        let Some(pt) = line.numbers.of_carried(packet.carried).filter(|_| line.listens) else { return false };
        let mut api = rtc.direct_api();
        let Some(out) = api.stream_tx(&line.ssrc) else { return false };
        let Some(numbered) = line.stream.number(packet, now) else { return false };
        let nackable = line.codec.kind() == Kind::Video;
        let payload = packet.payload.share();
        let write = RtpWrite::new(pt.into(), numbered.seq.into(), numbered.time, packet.at, payload);
        out.write_rtp(write.marker(packet.marker).nackable(nackable));
        true
    }

    /// The other end needs a key frame of what a browser sends in that section: it is asked, but not too often. `true` if
    /// it is asked now.
    pub(crate) fn ask_browser(&mut self, place: usize, now: Instant) -> bool {
        let Role::Talk(talking) = &mut self.role else { return false };
        let Some(Some(line)) = talking.lines.get_mut(place) else { return false };
        line.codec.kind() == Kind::Video && line.throttle.ask(now) == Ask::Send && self.request(place)
    }

    /// Says the wishes for key frames that had to wait.
    pub(super) fn ask_again(&mut self, now: Instant) {
        let Role::Talk(talking) = &mut self.role else { return };
        let due = |line: &mut Option<Wired>| line.as_mut().is_some_and(|line| line.throttle.due(now));
        let due: Vec<bool> = talking.lines.iter_mut().map(due).collect();
        for place in (0..due.len()).filter(|place| due[*place]) {
            self.request(place);
        }
    }

    fn request(&mut self, place: usize) -> bool {
        let (Role::Talk(talking), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return false };
        let Some(Some(line)) = talking.lines.get(place) else { return false };
        let mut api = rtc.direct_api();
        let stream = api.stream_rx_by_mid(line.mid, None);
        stream.map(|stream| stream.request_keyframe(KeyframeRequestKind::Pli)).is_some()
    }
}
