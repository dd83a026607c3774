//! A media engine without media, for transcripts: it answers what the hub asks at once and always the same way, and a
//! script says when media flows. It panics where the hub asks for what makes no sense.
//!
//! Its descriptions are no SDP that a browser would take: they have the lines that a dialect may look at. A peer's
//! description is good if it begins with `v=0`.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::sync::Arc;

use patchbay_core::{
    Codec, DescriptionKind, Kind, Kinds, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, Name, Open, PartyId,
    Section, SignalKind, Talk, Topic, Track,
};

use super::channels::Channels;
use super::directive::{Directive, LegName, Message, Verb};

#[derive(Default)]
pub(super) struct Engine {
    legs: BTreeMap<LinkId, Leg>,
    events: VecDeque<MediaEvent>,
}

struct Leg {
    owner: PartyId,
    name: LegName,
    accept: Kinds,
    says: Vec<Topic>,
    hears: Vec<Topic>,
    /// What of it passes to anybody.
    open: Kinds,
    tracks: Vec<Track>,
    sections: Vec<Section<LinkId>>,
    /// The peer offers, and not we.
    answers: bool,
    /// It has a data channel.
    channel: bool,
    /// Its description has data alone.
    data_only: bool,
    /// An offer of ours is out.
    offered: bool,
    /// The tracks have changed since.
    changed: bool,
    candidates: usize,
    preferred: BTreeMap<LinkId, Option<u32>>,
    limit: Option<u32>,
    inbox: VecDeque<Message>,
    channels: Channels,
    talk: Option<Conversation>,
}

/// One end of a conversation.
#[derive(Default)]
struct Conversation {
    other: Option<LinkId>,
    /// Its peer has offered, and waits for the other end.
    owed: bool,
}

/// What legs of conversations are called.
const CALL: &str = "call";

/// Expected, got.
type Wrong = (String, String);

const CANDIDATE: &str = "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";

impl Engine {
    /// Carries out what the hub asks; `stream` is what the party wanted when a leg is opened. Who waited for it is named by
    /// what the leg itself tells.
    pub(super) fn take(&mut self, op: MediaOp, stream: Option<&Name>) {
        match op {
            MediaOp::Open(open) => {
                let told = match &open.role {
                    LegRole::Send { label: Some(label), .. } => Some(label.clone()),
                    LegRole::Fragments { tracks, label, answers: true } if tracks.is_empty() => Some(label.clone()),
                    LegRole::Answer { tracks, .. }
                    | LegRole::Send { tracks, .. }
                    | LegRole::Fragments { tracks, .. } => {
                        tracks.first().and_then(|track| self.legs.get(&track.source)).map(|leg| leg.name.stream.clone())
                    }
                    _ => None,
                };
                let call = matches!(open.role, LegRole::Talk(_)).then(|| Name::parse(CALL).expect("a name"));
                let stream =
                    call.or(stream.cloned()).or(told).expect("a leg is opened because a party asked for a stream");
                self.open(open, stream);
            }
            MediaOp::Close { link } => {
                self.legs.remove(&link).expect("a leg is closed once");
            }
            MediaOp::Remote { link, signal } => {
                let text = String::from_utf8(signal.body.bytes().to_vec()).expect("what peers say is text");
                match signal.kind {
                    SignalKind::Candidate => {
                        assert!(!text.is_empty(), "the end of candidates is none");
                        self.leg(link).candidates += 1;
                    }
                    SignalKind::Offer if self.leg(link).talk.is_some() => self.talks(link, &text, true),
                    SignalKind::Answer if self.leg(link).talk.is_some() => self.talks(link, &text, false),
                    SignalKind::Offer => self.offer(link, &text),
                    SignalKind::Answer => self.answer(link, &text),
                    kind => panic!("a peer tells the engine {kind:?}"),
                }
            }
            MediaOp::Tracks { link, tracks } => {
                self.check_tracks(&tracks);
                let leg = self.leg(link);
                leg.tracks = tracks;
                if leg.answers {
                    leg.fill();
                } else {
                    leg.changed = true;
                    self.make_offer(link);
                }
            }
            MediaOp::Gate { link, source, pass } => {
                let track = self.leg(link).tracks.iter_mut().find(|track| track.source == source);
                track.expect("a gate stands before a track that is sent").pass = pass;
            }
            MediaOp::Mute { source, pass } => self.leg(source).open = pass,
            MediaOp::Prefer { link, source, height } => {
                let leg = self.leg(link);
                assert!(leg.tracks.iter().any(|track| track.source == source), "a size of a track that is not sent");
                leg.preferred.insert(source, height);
            }
            MediaOp::Limit { link, bps } => {
                assert!(self.leg(link).name.up, "only what comes in is bounded");
                self.leg(link).limit = bps;
            }
            MediaOp::Say { link, channel, binary, bytes } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if let Some(channel) = channel {
                    return self.leg(link).channels.take(&channel, text);
                }
                self.leg(link).inbox.push_back(Message { binary, text });
            }
        }
    }

    /// The channels of a party's leg, and whom to tell of them.
    pub(super) fn channels(
        &mut self,
        owner: PartyId,
        stream: &str,
    ) -> (LinkId, &mut Channels, &mut VecDeque<MediaEvent>) {
        let is_it = |(_, leg): &(&LinkId, &mut Leg)| leg.owner == owner && leg.name.stream.as_str() == stream;
        let (link, leg) = self.legs.iter_mut().find(is_it).expect("the party has a leg of that stream");
        (*link, &mut leg.channels, &mut self.events)
    }

    /// What the hub is to be told next.
    pub(super) fn next(&mut self) -> Option<MediaEvent> {
        self.events.pop_front()
    }

    /// What is let in of what a party publishes.
    pub(super) fn accepts(&self, party: PartyId) -> Option<Kinds> {
        self.legs.values().find(|leg| leg.owner == party && leg.name.up).map(|leg| leg.accept)
    }

    /// How many legs there are.
    pub(super) fn legs(&self) -> usize {
        self.legs.len()
    }

    fn leg(&mut self, link: LinkId) -> &mut Leg {
        self.legs.get_mut(&link).expect("the hub asks for a leg that is open")
    }

    fn check_tracks(&self, tracks: &[Track]) {
        let open = |track: &Track| self.legs.get(&track.source).is_some_and(|source| source.name.up);
        assert!(tracks.iter().all(open), "a track comes from a leg that is open and receives");
    }

    fn open(&mut self, open: Open, stream: Name) {
        let Open { link, owner, role, says, hears, heeds, report: _, transport: _ } = open;
        let answers = matches!(role, LegRole::Answer { .. } | LegRole::Fragments { answers: true, .. });
        let pulls = matches!(role, LegRole::Pull { .. });
        let (mut channel, mut data_only) = (false, false);
        let (up, accept, tracks) = match role {
            LegRole::Receive { accept, .. } | LegRole::Pull { accept, .. } => (true, accept, Vec::new()),
            LegRole::Send { tracks, label, narrow, .. } => {
                channel = label.is_some();
                let named = narrow || label.is_none_or(|label| label == stream);
                assert!(named, "the data channel is called as the stream");
                (false, Kinds::NONE, tracks)
            }
            LegRole::Answer { tracks, .. } => (false, Kinds::NONE, tracks),
            LegRole::Fragments { tracks, .. } => {
                let fits = |track: &Track| matches!(track.video, Some(Codec::H264 { .. }));
                let waits = answers && tracks.is_empty();
                if !waits && !tracks.iter().any(fits) {
                    return self.refuse(link, MediaFault::Description);
                }
                (channel, data_only) = (true, true);
                (false, Kinds::NONE, tracks)
            }
            LegRole::Talk(talk) => return self.converse(link, owner, LegName { up: true, stream }, talk),
        };
        self.check_tracks(&tracks);
        let leg = Leg {
            owner,
            name: LegName { up, stream },
            accept,
            says,
            hears,
            open: Kinds::ALL,
            tracks,
            sections: Vec::new(),
            answers,
            channel,
            data_only,
            offered: false,
            changed: !up && !answers,
            candidates: 0,
            preferred: BTreeMap::new(),
            limit: None,
            inbox: VecDeque::new(),
            channels: Channels::heeding(heeds),
            talk: None,
        };
        assert!(self.legs.insert(link, leg).is_none(), "a link is given once");
        if pulls {
            self.invite(link);
        }
        self.make_offer(link);
    }

    /// One end of a conversation; if we offer, at once.
    fn converse(&mut self, link: LinkId, owner: PartyId, name: LegName, talk: Talk) {
        let (ours, other) = match talk {
            Talk::Peer { .. } => (false, None),
            Talk::Ours { with, .. } => (true, with),
        };
        // One whose other end has just been refused waits: the hub will close it.
        let gone = other.is_some_and(|other| !self.legs.contains_key(&other));
        if let Some(other) = other.filter(|_| !gone) {
            let first = self.leg(other).talk.as_mut().expect("a conversation has two ends that talk");
            assert!(first.other.replace(link).is_none(), "a conversation has two ends");
        }
        let leg = Leg {
            owner,
            name,
            accept: Kinds::ALL,
            says: Vec::new(),
            hears: Vec::new(),
            open: Kinds::ALL,
            tracks: Vec::new(),
            sections: Vec::new(),
            answers: false,
            channel: false,
            data_only: false,
            offered: false,
            changed: false,
            candidates: 0,
            preferred: BTreeMap::new(),
            limit: None,
            inbox: VecDeque::new(),
            channels: Channels::default(),
            talk: Some(Conversation { other, owed: false }),
        };
        assert!(self.legs.insert(link, leg).is_none(), "a link is given once");
        if ours && !gone {
            self.describe(link, DescriptionKind::Offer);
        }
    }

    fn describe(&mut self, link: LinkId, kind: DescriptionKind) {
        let word = if kind == DescriptionKind::Offer { "offer" } else { "answer" };
        let sdp = Arc::from(format!("v=0\r\ns={word}\r\n"));
        self.events.push_back(MediaEvent::Local { link, kind, sdp, sections: Vec::new() });
    }

    /// A peer in a conversation describes itself. An offer to hold is answered here, every other one by the other end.
    fn talks(&mut self, link: LinkId, sdp: &str, offers: bool) {
        if !sdp.starts_with("v=0") {
            return self.refuse(link, MediaFault::Description);
        }
        let talk = self.leg(link).talk.as_mut().expect("it talks");
        let other = talk.other;
        if offers && sdp.contains("hold") {
            return self.describe(link, DescriptionKind::Answer);
        }
        if offers {
            talk.owed = true;
            // The first one is offered to the other end when that is opened.
            return other.into_iter().for_each(|other| self.describe(other, DescriptionKind::Offer));
        }
        let Some(other) = other else { return };
        let waits = self.leg(other).talk.as_mut().expect("it talks");
        if std::mem::take(&mut waits.owed) {
            self.describe(other, DescriptionKind::Answer);
        }
    }

    /// Offers to receive what is let in.
    fn invite(&mut self, link: LinkId) {
        let leg = self.leg(link);
        leg.offered = true;
        let kinds = [(leg.accept.audio, Kind::Audio), (leg.accept.video, Kind::Video)];
        let sections: Vec<_> = (0..)
            .zip(kinds.into_iter().filter(|(on, _)| *on))
            .map(|(mid, (_, kind)): (usize, _)| Section { mid: mid.to_string(), kind: Some(kind), source: None })
            .collect();
        let sdp = Arc::from(write_sections(&sections, "recvonly"));
        self.events.push_back(MediaEvent::Local { link, kind: DescriptionKind::Offer, sdp, sections });
    }

    fn refuse(&mut self, link: LinkId, fault: MediaFault) {
        self.legs.remove(&link);
        self.events.push_back(MediaEvent::Refused { link, fault });
    }

    /// The peer offers to send, or to receive.
    fn offer(&mut self, link: LinkId, sdp: &str) {
        let leg = self.leg(link);
        let sections = read_sections(sdp);
        if leg.answers && sdp.starts_with("v=0") && !sections.is_empty() {
            if leg.sections.is_empty() {
                leg.sections = sections;
            }
            leg.fill();
            let (kind, sections) = (DescriptionKind::Answer, leg.sections.clone());
            let sdp = Arc::from(write_sections(&sections, "sendonly"));
            return self.events.push_back(MediaEvent::Local { link, kind, sdp, sections });
        }
        if !leg.name.up || !sdp.starts_with("v=0") || sections.is_empty() {
            return self.refuse(link, MediaFault::Description);
        }
        let announces = |kind| sections.iter().any(|section| section.kind == Some(kind));
        let audio = (leg.accept.audio && announces(Kind::Audio)).then_some(Codec::Opus);
        let coded = if sdp.contains("H264") { Codec::H264 { profile_level: 0x0042_e01f, mode: 1 } } else { Codec::Vp8 };
        let video = (leg.accept.video && announces(Kind::Video)).then_some(coded);
        let sdp = Arc::from(write_sections(&sections, "recvonly"));
        self.events.push_back(MediaEvent::Parsed { link, audio, video, layers: 1 });
        self.events.push_back(MediaEvent::Local { link, kind: DescriptionKind::Answer, sdp, sections });
    }

    /// The peer answers ours.
    fn answer(&mut self, link: LinkId, sdp: &str) {
        let leg = self.leg(link);
        if leg.name.up && sdp.starts_with("v=0") && std::mem::take(&mut leg.offered) {
            let sections = read_sections(sdp);
            let sends = |kind| sections.iter().any(|section| section.kind == Some(kind));
            let audio = sends(Kind::Audio).then_some(Codec::Opus);
            let video = sends(Kind::Video).then_some(Codec::Vp8);
            return self.events.push_back(MediaEvent::Parsed { link, audio, video, layers: 1 });
        }
        if leg.name.up || !sdp.starts_with("v=0") || !std::mem::take(&mut leg.offered) {
            return self.refuse(link, MediaFault::Description);
        }
        self.make_offer(link);
    }

    /// Offers the present tracks, if they have changed and no offer is out.
    fn make_offer(&mut self, link: LinkId) {
        let leg = self.leg(link);
        if leg.offered || !std::mem::take(&mut leg.changed) {
            return;
        }
        leg.offered = true;
        for section in &mut leg.sections {
            section.source.take_if(|source| leg.tracks.iter().all(|track| track.source != *source));
        }
        for track in leg.tracks.iter().filter(|_| !leg.data_only) {
            let kinds = [(Kind::Audio, track.audio), (Kind::Video, track.video)];
            for kind in kinds.into_iter().filter_map(|(kind, codec)| codec.map(|_| kind)) {
                place(&mut leg.sections, kind, track.source);
            }
        }
        if leg.channel && leg.sections.iter().all(|section| section.kind.is_some()) {
            let mid = leg.sections.len().to_string();
            leg.sections.push(Section { mid, kind: None, source: None });
        }
        let sections = leg.sections.clone();
        let sdp = Arc::from(write_sections(&sections, "sendonly"));
        self.events.push_back(MediaEvent::Local { link, kind: DescriptionKind::Offer, sdp, sections });
    }

    /// Does what a line of a transcript says, or judges what it expects.
    ///
    /// # Errors
    /// What should have been, and what was.
    pub(super) fn follow(&mut self, owner: PartyId, directive: &Directive) -> Result<(), Wrong> {
        let Directive { leg: name, verb } = directive;
        let found = self.legs.iter().find(|(_, leg)| leg.owner == owner && leg.name == *name);
        let Some(link) = found.map(|(link, _)| *link) else {
            let gone = *verb == Verb::Gone;
            return if gone { Ok(()) } else { Err(("such a leg".to_owned(), "none".to_owned())) };
        };
        if verb.expects() { self.judge(link, verb) } else { self.happen(link, verb) }
    }

    fn happen(&mut self, link: LinkId, verb: &Verb) -> Result<(), Wrong> {
        let event = match verb {
            Verb::Flow => MediaEvent::Flowing { link },
            Verb::Lost => {
                self.legs.remove(&link);
                MediaEvent::Lost { link }
            }
            Verb::Fail(fault) => {
                self.refuse(link, *fault);
                return Ok(());
            }
            Verb::Report(report) => MediaEvent::Report { link, report: report.clone() },
            Verb::Switch { track, height } => {
                let source = self.source(link, track)?;
                MediaEvent::Switched { link, source, height: *height }
            }
            Verb::Data(message) => {
                self.distribute(link, message);
                return Ok(());
            }
            Verb::Passes { .. }
            | Verb::Prefers { .. }
            | Verb::Limit(_)
            | Verb::Hears(_)
            | Verb::Candidates(_)
            | Verb::Gone => return Ok(()),
        };
        self.events.push_back(event);
        Ok(())
    }

    /// What a leg says reaches every leg that hears one of its subjects, once, except those of the same party.
    fn distribute(&mut self, link: LinkId, message: &Message) {
        let (owner, says) = (self.leg(link).owner, self.leg(link).says.clone());
        let hears = |leg: &Leg| leg.owner != owner && leg.hears.iter().any(|topic| says.contains(topic));
        for leg in self.legs.values_mut().filter(|leg| hears(leg)) {
            leg.inbox.push_back(message.clone());
        }
    }

    fn source(&self, link: LinkId, track: &Name) -> Result<LinkId, Wrong> {
        let named = |source: &LinkId| self.legs.get(source).is_some_and(|leg| leg.name.stream == *track);
        let mut sources = self.legs[&link].tracks.iter().map(|track| track.source);
        sources.find(named).ok_or_else(|| ("a track of that name".to_owned(), "none".to_owned()))
    }

    fn judge(&mut self, link: LinkId, verb: &Verb) -> Result<(), Wrong> {
        let (expected, got) = match verb {
            Verb::Passes { track, kinds } => (format!("{kinds:?}"), format!("{:?}", self.passes(link, track))),
            Verb::Prefers { track, height } => {
                let source = self.source(link, track)?;
                let preferred = self.legs[&link].preferred.get(&source).copied();
                (format!("{:?}", Some(height)), format!("{:?}", preferred.as_ref()))
            }
            Verb::Limit(bps) => (format!("{bps:?}"), format!("{:?}", self.leg(link).limit)),
            Verb::Hears(message) => (format!("{message:?}"), format!("{:?}", self.leg(link).inbox.pop_front())),
            Verb::Candidates(count) => (count.to_string(), self.leg(link).candidates.to_string()),
            _ => ("the leg to be closed".to_owned(), "it is open".to_owned()),
        };
        if expected == got { Ok(()) } else { Err((expected, got)) }
    }

    /// What of a track reaches a viewer.
    fn passes(&self, link: LinkId, name: &Name) -> Kinds {
        let Ok(source) = self.source(link, name) else { return Kinds::NONE };
        let Some(track) = self.legs[&link].tracks.iter().find(|track| track.source == source) else {
            return Kinds::NONE;
        };
        let there = Kinds { audio: track.audio.is_some(), video: track.video.is_some() };
        there.and(track.pass).and(self.legs[&source].open)
    }
}

impl Leg {
    /// Puts tracks into the sections that the peer has offered.
    fn fill(&mut self) {
        for section in &mut self.sections {
            section.source.take_if(|source| self.tracks.iter().all(|track| track.source != *source));
        }
        for track in &self.tracks {
            for (kind, codec) in [(Kind::Audio, track.audio), (Kind::Video, track.video)] {
                let own =
                    |section: &Section<LinkId>| section.kind == Some(kind) && section.source == Some(track.source);
                if codec.is_none() || self.sections.iter().any(own) {
                    continue;
                }
                let idle = |section: &&mut Section<LinkId>| section.kind == Some(kind) && section.source.is_none();
                if let Some(section) = self.sections.iter_mut().find(idle) {
                    section.source = Some(track.source);
                }
            }
        }
    }
}

/// A section of that kind for the source: its own, one that nobody uses, or a new one.
fn place(sections: &mut Vec<Section<LinkId>>, kind: Kind, source: LinkId) {
    let own = sections.iter().any(|section| section.kind == Some(kind) && section.source == Some(source));
    if own {
        return;
    }
    match sections.iter_mut().find(|section| section.kind == Some(kind) && section.source.is_none()) {
        Some(section) => section.source = Some(source),
        None => {
            let mid = sections.len().to_string();
            sections.push(Section { mid, kind: Some(kind), source: Some(source) });
        }
    }
}

fn read_sections(sdp: &str) -> Vec<Section<LinkId>> {
    let mut sections = Vec::new();
    for line in sdp.lines() {
        let Some(kind) = line.strip_prefix("m=") else { continue };
        let kind = match kind.split(' ').next() {
            Some("audio") => Some(Kind::Audio),
            Some("video") => Some(Kind::Video),
            _ => None,
        };
        sections.push(Section { mid: sections.len().to_string(), kind, source: None });
    }
    sections
}

fn write_sections(sections: &[Section<LinkId>], direction: &str) -> String {
    let mut sdp = String::from("v=0\r\n");
    for Section { mid, kind, source } in sections {
        let (media, direction) = match kind {
            Some(kind) => {
                let media = if *kind == Kind::Audio { "audio" } else { "video" };
                let used = source.is_some() || direction == "recvonly";
                (media, if used { direction } else { "inactive" })
            }
            None => ("application", "sendrecv"),
        };
        // Writing to a string cannot fail.
        let _ = write!(sdp, "m={media}\r\na=mid:{mid}\r\na={direction}\r\n");
        if source.is_some() {
            let _ = write!(sdp, "a=msid:e{mid} t{mid}\r\n");
        }
        sdp += CANDIDATE;
    }
    sdp
}
