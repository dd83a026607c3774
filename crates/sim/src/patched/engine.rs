//! A media engine without media: it answers late, loses peers, is full at times, and tells things of legs that have just
//! been closed. What the hub may not ask of an engine is a fault.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbay_core::{
    Codec, DescriptionKind, Kind, Kinds, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, Open, Section, SignalKind,
    Track,
};
use patchbay_server::sim::Media;

use crate::net::{Event, Network};
use crate::rng::Rng;

/// Everything runs on one thread; the lock is there because the server wants it `Send`.
#[derive(Clone)]
pub(super) struct Engine(Arc<Mutex<Inner>>);

struct Inner {
    network: Network,
    rng: Rng,
    legs: BTreeMap<LinkId, Leg>,
    /// What is to be told, by time, and by number within it.
    news: BTreeMap<(u64, u64), MediaEvent>,
    number: u64,
    /// Operations of these were just refused: their end follows, and perhaps what was asked in the same breath.
    refused: BTreeSet<LinkId>,
    fault: Option<String>,
    /// What it was asked, in words.
    asked: Vec<String>,
}

struct Leg {
    role: Role,
    tracks: Vec<Track>,
    sections: Vec<Section<LinkId>>,
    /// An offer of ours is out.
    offered: bool,
    /// The tracks have changed since.
    changed: bool,
    /// When the last of its news is told.
    last: u64,
    /// It has been told to flow.
    flows: bool,
    /// It is over, and the hub will hear of it.
    over: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Receive,
    Pull,
    Send,
    Answer,
}

impl Media for Engine {
    fn submit(&self, op: MediaOp) -> bool {
        self.lock().take(op)
    }

    fn forget(&self, link: LinkId) {
        self.lock().legs.remove(&link);
    }
}

impl Engine {
    pub(super) fn new(network: Network, rng: Rng) -> Self {
        let (legs, news) = (BTreeMap::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Inner {
            network,
            rng,
            legs,
            news,
            number: 0,
            refused: BTreeSet::new(),
            fault: None,
            asked: Vec::new(),
        })))
    }

    /// What is to be told by `now`, one after the other.
    pub(super) fn next(&self, now: u64) -> Option<MediaEvent> {
        let mut inner = self.lock();
        let (at, _) = *inner.news.keys().next()?;
        if at > now { None } else { inner.news.pop_first().map(|(_, event)| event) }
    }

    /// A peer of some leg loses its network.
    pub(super) fn lose(&self) {
        let mut inner = self.lock();
        let flowing: Vec<_> =
            inner.legs.iter().filter(|(_, leg)| leg.flows && !leg.over).map(|(link, _)| *link).collect();
        if !flowing.is_empty() {
            let link = *inner.rng.pick(&flowing);
            inner.end(link, MediaEvent::Lost { link }, 0);
        }
    }

    /// What it was asked since the last call, in words.
    pub(super) fn asked(&self) -> Vec<String> {
        let mut inner = self.lock();
        inner.refused.clear();
        std::mem::take(&mut inner.asked)
    }

    /// What the hub asked that it may not ask.
    pub(super) fn fault(&self) -> Option<String> {
        self.lock().fault.clone()
    }

    /// How many legs there are.
    pub(super) fn count(&self, role: Role) -> usize {
        self.lock().legs.values().filter(|leg| leg.role == role && !leg.over).count()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn wrong(&mut self, what: &str, link: LinkId) {
        self.fault.get_or_insert(format!("the hub asks what it may not: {what} ({link:?})"));
    }

    /// Tells something of a leg at the earliest `after` milliseconds from now; of one leg in order.
    fn tell(&mut self, link: LinkId, event: MediaEvent, after: u64) {
        let now = self.network.lock().now();
        let mut at = now + after + *self.rng.pick(&[0, 0, 1, 7, 150]);
        if let Some(leg) = self.legs.get_mut(&link) {
            at = at.max(leg.last);
            leg.last = at;
        }
        self.number += 1;
        self.news.insert((at, self.number), event);
        self.network.lock().at(at, Event::Media);
    }

    /// A leg is over by itself.
    fn end(&mut self, link: LinkId, event: MediaEvent, after: u64) {
        if let Some(leg) = self.legs.get_mut(&link) {
            leg.over = true;
        }
        self.tell(link, event, after);
    }

    fn refuse(&mut self, link: LinkId) {
        self.end(link, MediaEvent::Refused { link, fault: MediaFault::Description }, 0);
    }

    fn take(&mut self, op: MediaOp) -> bool {
        let link = op.link();
        self.asked.push(format!("{op:?}"));
        if let MediaOp::Close { .. } = op {
            let open = self.legs.remove(&link).is_some();
            if !open && !self.refused.contains(&link) {
                self.wrong("the end of a leg that is none", link);
            }
            // Threads of an engine may have told something already.
            let mut rng = self.rng.fork();
            self.news.retain(|_, event| event.link() != link || rng.percent(50));
            return true;
        }
        if let MediaOp::Open(open) = op {
            if self.rng.percent(3) {
                self.refused.insert(link);
                return false;
            }
            self.open(open);
            return true;
        }
        if self.refused.contains(&link) {
            return true;
        }
        let Some(leg) = self.legs.get(&link) else {
            self.wrong("something of a leg that is none", link);
            return true;
        };
        if leg.over {
            return true;
        }
        if self.rng.percent(1) {
            self.refused.insert(link);
            return false;
        }
        match op {
            MediaOp::Remote { signal, .. } => {
                let text = String::from_utf8_lossy(signal.body.bytes()).into_owned();
                match signal.kind {
                    SignalKind::Offer => self.offer(link, &text),
                    SignalKind::Answer => self.answer(link, &text),
                    SignalKind::Candidate => {}
                    _ => self.wrong("to hear what is no description", link),
                }
            }
            MediaOp::Tracks { tracks, .. } => self.tracks(link, tracks),
            MediaOp::Gate { source, .. } | MediaOp::Prefer { source, .. } => {
                if self.legs[&link].tracks.iter().all(|track| track.source != source) {
                    self.wrong("something of a track that is not sent", link);
                }
            }
            MediaOp::Mute { .. }
            | MediaOp::Limit { .. }
            | MediaOp::Say { .. }
            | MediaOp::Open(_)
            | MediaOp::Close { .. } => {}
        }
        true
    }

    fn open(&mut self, open: Open) {
        let link = open.link;
        let (role, sections, tracks) = match open.role {
            LegRole::Receive { .. } => (Role::Receive, Vec::new(), Vec::new()),
            LegRole::Pull { accept, .. } => (Role::Pull, asked(accept), Vec::new()),
            LegRole::Send { tracks, .. } => (Role::Send, Vec::new(), tracks),
            LegRole::Answer { tracks, .. } => (Role::Answer, Vec::new(), tracks),
            LegRole::Talk(_) | LegRole::Fragments { .. } => return self.wrong("a conversation, or fragments", link),
        };
        self.check(link, &tracks);
        let changed = matches!(role, Role::Pull | Role::Send);
        let leg = Leg { role, tracks, sections, offered: false, changed, last: 0, flows: false, over: false };
        if self.legs.insert(link, leg).is_some() {
            self.wrong("a leg twice", link);
        }
        self.make_offer(link);
    }

    fn check(&mut self, link: LinkId, tracks: &[Track]) {
        let receives = |track: &Track| {
            self.legs.get(&track.source).is_some_and(|leg| matches!(leg.role, Role::Receive | Role::Pull))
        };
        if !tracks.iter().all(receives) {
            self.wrong("a track of a leg that does not receive", link);
        }
    }

    fn tracks(&mut self, link: LinkId, tracks: Vec<Track>) {
        self.check(link, &tracks);
        let Some(leg) = self.legs.get_mut(&link) else { return };
        leg.tracks = tracks;
        match leg.role {
            Role::Send => {
                leg.changed = true;
                self.make_offer(link);
            }
            Role::Answer => {}
            Role::Receive | Role::Pull => self.wrong("to send on a leg that receives", link),
        }
    }

    /// Offers, if there is something new and no offer is out.
    fn make_offer(&mut self, link: LinkId) {
        let Some(leg) = self.legs.get_mut(&link) else { return };
        if leg.offered || !std::mem::take(&mut leg.changed) {
            return;
        }
        leg.offered = true;
        if leg.role == Role::Send {
            let kinds =
                |track: &Track| [(Kind::Audio, track.audio), (Kind::Video, track.video)].map(|it| (track.source, it));
            let sent = leg.tracks.iter().flat_map(kinds).filter(|(_, (_, codec))| codec.is_some());
            leg.sections = sent
                .enumerate()
                .map(|(mid, (source, (kind, _)))| Section {
                    mid: mid.to_string(),
                    kind: Some(kind),
                    source: Some(source),
                })
                .collect();
        }
        self.describe(link, DescriptionKind::Offer);
    }

    fn describe(&mut self, link: LinkId, kind: DescriptionKind) {
        let Some(leg) = self.legs.get(&link) else { return };
        let sections = leg.sections.clone();
        let mut sdp = String::from("v=0\r\n");
        for Section { mid, kind, .. } in &sections {
            let media = if *kind == Some(Kind::Audio) { "audio" } else { "video" };
            // Writing to a string does not fail.
            let _ = write!(sdp, "m={media} 9\r\na=mid:{mid}\r\n");
        }
        self.tell(link, MediaEvent::Local { link, kind, sdp: sdp.into(), sections }, 0);
    }

    /// The peer's connection stands after a while, or never does.
    fn begin(&mut self, link: LinkId) {
        let Some(leg) = self.legs.get_mut(&link) else { return };
        if std::mem::replace(&mut leg.flows, true) {
            return;
        }
        if self.rng.percent(90) {
            let after = self.rng.between(1, 800);
            self.tell(link, MediaEvent::Flowing { link }, after);
        } else {
            let after = self.rng.between(100, 5_000);
            self.end(link, MediaEvent::Lost { link }, after);
        }
    }

    fn offer(&mut self, link: LinkId, sdp: &str) {
        let role = self.legs[&link].role;
        let sections = read(sdp);
        if !matches!(role, Role::Receive | Role::Answer) || !sdp.starts_with("v=0") || sections.is_empty() {
            return self.refuse(link);
        }
        if let Some(leg) = self.legs.get_mut(&link) {
            leg.sections = sections;
        }
        if role == Role::Receive {
            self.parsed(link);
        }
        self.describe(link, DescriptionKind::Answer);
        self.begin(link);
    }

    fn answer(&mut self, link: LinkId, sdp: &str) {
        let Some(leg) = self.legs.get_mut(&link) else { return };
        let fits = matches!(leg.role, Role::Pull | Role::Send) && sdp.starts_with("v=0");
        if !fits || !std::mem::take(&mut leg.offered) {
            return self.refuse(link);
        }
        if leg.role == Role::Pull {
            leg.sections = read(sdp);
            self.parsed(link);
        }
        self.begin(link);
        self.make_offer(link);
    }

    fn parsed(&mut self, link: LinkId) {
        let has = |kind| self.legs[&link].sections.iter().any(|section| section.kind == Some(kind));
        let audio = has(Kind::Audio).then_some(Codec::Opus);
        let video = has(Kind::Video).then_some(Codec::Vp8);
        self.tell(link, MediaEvent::Parsed { link, audio, video, layers: 1 }, 0);
    }
}

fn asked(accept: Kinds) -> Vec<Section<LinkId>> {
    let kinds = [(accept.audio, Kind::Audio), (accept.video, Kind::Video)];
    let wanted = kinds.into_iter().filter(|(on, _)| *on).map(|(_, kind)| kind);
    wanted.enumerate().map(|(mid, kind)| Section { mid: mid.to_string(), kind: Some(kind), source: None }).collect()
}

fn read(sdp: &str) -> Vec<Section<LinkId>> {
    let kind = |line: &str| match line.strip_prefix("m=")?.split(' ').next()? {
        "audio" => Some(Kind::Audio),
        "video" => Some(Kind::Video),
        _ => None,
    };
    let kinds = sdp.lines().filter_map(kind).enumerate();
    kinds.map(|(mid, kind)| Section { mid: mid.to_string(), kind: Some(kind), source: None }).collect()
}
