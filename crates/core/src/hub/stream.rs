//! Streams: who publishes what, who views it, and what the engine is asked for it.
//!
//! A publication and a view are one link each, a leg of the engine. A *stage* is a stream's name while it means
//! something: its own publication, those that name it as their main stream, and the views of either.

mod check;
mod manage;
mod places;
mod query;
mod turn;
mod vacant;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use self::places::Places;
use self::vacant::{Vacancies, Vacancy};
use super::directory::Directory;
use super::owner::{Owner, Via};
use super::waiting::Waiting;
use crate::id::LinkIds;
use crate::{
    Body, Cause, CauseKind, Codec, Effects, Event, Kinds, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, Moment,
    Name, Open, PartyId, Profile, Publish, Realm, RealmLimits, Refusal, Report, RoomId, Section, Selection, Signal,
    SignalKind, Speaks, Tag, Topic, Track, Transport, View,
};

/// How often the engine tells of a publication: often enough that a list of renditions is never stale to the eye.
const PUBLICATION_REPORT: Duration = Duration::from_secs(1);
/// How often it tells of a view, which one event per view and report passes on.
const VIEW_REPORT: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Streams {
    limits: Vec<RealmLimits>,
    publications: BTreeMap<LinkId, Publication>,
    views: BTreeMap<LinkId, Viewed>,
    stages: BTreeMap<(Realm, Name), Stage>,
    by_party: BTreeSet<(PartyId, LinkId)>,
    waiting: Waiting,
    topics: u64,
    overloaded: bool,
    changed: bool,
    /// Main streams whose tracks have come or gone since this was last asked.
    touched: BTreeSet<(Realm, Name)>,
    vacancies: Vacancies,
    places: Places,
}

/// A stream that is live.
pub(super) struct Live<'a> {
    pub(super) link: LinkId,
    pub(super) party: PartyId,
    pub(super) name: &'a Name,
    pub(super) main: Option<&'a Name>,
}

#[derive(Debug)]
struct Publication {
    owner: Owner,
    realm: Realm,
    name: Name,
    main: Option<Name>,
    live: bool,
    pass: Kinds,
    audio: Option<Codec>,
    video: Option<Codec>,
    layers: u8,
    report: Report,
    since: Moment,
    about: Option<Body>,
    claim: Option<Arc<str>>,
}

#[derive(Debug)]
struct Viewed {
    owner: Owner,
    realm: Realm,
    name: Name,
    selection: Selection,
    except: Option<Name>,
    /// Which rendition of tracks to come it is to be sent.
    height: Option<u32>,
    /// In the order in which they came, so that sections keep their places.
    tracks: Vec<(Name, Track)>,
    about: Option<Body>,
    /// What was last measured.
    report: Report,
    /// Its leg takes fragments.
    fragments: bool,
    /// It has no stream yet, and is on no stage.
    idle: bool,
}

#[derive(Debug)]
struct Stage {
    /// The publication of this very name.
    own: Option<LinkId>,
    /// The publications whose main stream it is.
    subs: BTreeSet<LinkId>,
    views: BTreeSet<LinkId>,
    /// Its publisher is lost, and its views wait for another.
    vacant: Option<Vacancy>,
    /// What publishers say to viewers.
    down: Topic,
    /// What viewers say to publishers.
    up: Topic,
}

impl Streams {
    pub(super) fn new(limits: &[RealmLimits]) -> Self {
        Self {
            limits: limits.to_vec(),
            publications: BTreeMap::new(),
            views: BTreeMap::new(),
            stages: BTreeMap::new(),
            by_party: BTreeSet::new(),
            waiting: Waiting::default(),
            topics: 0,
            overloaded: false,
            changed: false,
            touched: BTreeSet::new(),
            vacancies: Vacancies::default(),
            places: Places::new(limits.len()),
        }
    }

    /// Whether new publications and views are refused, because the machine has enough to do. Not those of members of rooms:
    /// they are in already, and half a meeting is of use to nobody.
    pub(super) fn set_overloaded(&mut self, overloaded: bool) {
        self.overloaded = overloaded;
    }

    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(super) fn publish(
        &mut self,
        now: Moment,
        party: PartyId,
        profile: Profile,
        tag: Tag,
        publish: Publish,
        newcomer: bool,
        links: &mut LinkIds,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let realm = profile.realm;
        let codecs = Arc::clone(self.may_publish(party, realm, &publish.stream, publish.kinds, newcomer)?);
        let Publish { stream, main, kinds, about, claim, tracks } = publish;
        // A stream that is its own main stream has none.
        let main = main.filter(|main| *main != stream);
        self.has_place_for_publisher(realm, main.as_ref(), tracks)?;
        let restored = self.take_up(now, realm, &stream, claim.as_ref())?;
        let link = links.draw();
        out.tell(party, Event::Reserved { tag, link, restored });
        let owner = Owner { party, via: None };
        // Streams come over WebRTC, whatever the party's calls come over.
        let transport = match profile.transport {
            Transport::Rtp(_) => Transport::default(),
            transport => transport,
        };
        let role = LegRole::Receive { accept: kinds, codecs };
        self.open_publication(link, owner, realm, stream, main, role, transport, out);
        if let Some(publication) = self.publications.get_mut(&link) {
            (publication.since, publication.about, publication.claim) = (now, about, claim);
        }
        Ok(())
    }

    /// Asks a member of a room for its sound and pictures, as the stream of that name. The link, of which nobody has been
    /// told.
    pub(super) fn pull(
        &mut self,
        owner: Owner,
        realm: Realm,
        stream: Name,
        links: &mut LinkIds,
        out: &mut Effects,
    ) -> Result<LinkId, Refusal> {
        let codecs = Arc::clone(self.admit(realm, true)?);
        self.is_free(owner.party, realm, &stream)?;
        self.has_place_for_publisher(realm, None, None)?;
        let link = links.draw();
        let accept = self.limits[usize::from(realm.0)].kinds();
        let role = LegRole::Pull { accept, codecs };
        self.open_publication(link, owner, realm, stream, None, role, Transport::default(), out);
        Ok(link)
    }

    fn may_publish(
        &self,
        party: PartyId,
        realm: Realm,
        stream: &Name,
        kinds: Kinds,
        newcomer: bool,
    ) -> Result<&Arc<[Codec]>, Refusal> {
        let codecs = self.admit(realm, newcomer)?;
        self.is_free(party, realm, stream)?;
        let known = kinds.and(self.limits[usize::from(realm.0)].kinds()) == kinds;
        if known { Ok(codecs) } else { Err(Refusal::NoCodec) }
    }

    /// Whether nobody publishes that stream.
    fn is_free(&self, party: PartyId, realm: Realm, stream: &Name) -> Result<(), Refusal> {
        let Some(own) = self.stages.get(&(realm, stream.clone())).and_then(|stage| stage.own) else { return Ok(()) };
        let mine = self.publications.get(&own).is_some_and(|publication| publication.owner.party == party);
        Err(if mine { Refusal::Publishing } else { Refusal::StreamTaken })
    }

    #[expect(clippy::too_many_arguments, reason = "what a publication is made of")]
    fn open_publication(
        &mut self,
        link: LinkId,
        owner: Owner,
        realm: Realm,
        stream: Name,
        main: Option<Name>,
        role: LegRole,
        transport: Transport,
        out: &mut Effects,
    ) {
        let party = owner.party;
        // Whoever makes the stream itself need not be told that it is there.
        self.waiting.drop(&(realm, stream.clone()), party);
        let (mut says, mut hears) = (Vec::new(), Vec::new());
        for name in std::iter::once(&stream).chain(&main) {
            let stage = self.stage(realm, name);
            says.push(stage.down);
            hears.push(stage.up);
            if *name == stream {
                stage.own = Some(link);
            } else {
                stage.subs.insert(link);
            }
        }
        if owner.via.is_some() {
            // What pages say to each other on data channels, they say in words of their own.
            (says, hears) = (Vec::new(), Vec::new());
        }
        self.by_party.insert((party, link));
        let publication = Publication {
            owner,
            realm,
            name: stream,
            main,
            live: false,
            pass: Kinds::ALL,
            audio: None,
            video: None,
            layers: 0,
            report: Report::default(),
            since: Moment::START,
            about: None,
            claim: None,
        };
        self.publications.insert(link, publication);
        self.places.publication(realm, true);
        out.media(MediaOp::Open(Open {
            link,
            owner: party,
            role,
            says,
            hears,
            heeds: Vec::new(),
            report: PUBLICATION_REPORT,
            transport,
        }));
    }

    /// The party's view of that stream.
    pub(super) fn view_of(&self, party: PartyId, stream: &Name) -> Option<LinkId> {
        // Among the party's own links: they are few, and a stream's views may be thousands.
        let is_it = |link: &LinkId| self.views.get(link).is_some_and(|view| view.name == *stream && !view.idle);
        self.of(party).into_iter().find(is_it)
    }

    /// A view; `offer` is that of a peer that offers itself, `via` whom it hears instead of the stream.
    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(super) fn view(
        &mut self,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        view: View,
        offer: Option<Body>,
        via: Option<Via>,
        newcomer: bool,
        links: &mut LinkIds,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let realm = self.home_of(realm, &view.stream);
        self.admit(realm, newcomer)?;
        let View { stream, selection, except, speaks, viewers, about, mut shape } = view;
        let heeds = std::mem::take(&mut shape.heeds);
        let key = (realm, stream);
        if self.view_of(party, &key.1).is_some() {
            return Err(Refusal::Viewing);
        }
        let Some(stage) = self.stages.get(&key).filter(|stage| self.can_be_viewed(stage)) else {
            if via.is_none() {
                self.waiting.add(key, party);
            }
            return Err(Refusal::NoSuchStream);
        };
        self.has_place_for_viewer(realm, &key.1, viewers)?;
        let (down, up, may_grow) = (stage.down, stage.up, !stage.subs.is_empty() || stage.vacant.is_some());
        // It asked in vain before: a main stream can be viewed before it is live.
        self.waiting.drop(&key, party);
        let stream = key.1;
        let bridged = via.is_some();
        let mut viewed = Viewed {
            owner: Owner { party, via },
            realm,
            name: stream.clone(),
            selection,
            except,
            height: None,
            tracks: Vec::new(),
            about,
            report: Report::default(),
            fragments: shape.fragments,
            idle: false,
        };
        for link in stage.own.iter().chain(&stage.subs) {
            if let Some(track) = self.track(*link, &viewed, false) {
                viewed.tracks.push(track);
            }
        }
        let mut says = match speaks {
            Speaks::NoChannel | Speaks::No => Vec::new(),
            Speaks::ToPublisher => vec![up],
            Speaks::ToAll => vec![up, down],
        };
        let has_channel = speaks != Speaks::NoChannel;
        let mut hears = if has_channel { vec![down] } else { Vec::new() };
        let link = links.draw();
        let tracks = viewed.tracks.iter().map(|(_, track)| track.clone()).collect();
        self.stage(realm, &stream).views.insert(link);
        self.by_party.insert((party, link));
        self.views.insert(link, viewed);
        self.places.view(realm, true);
        if bridged {
            // What pages say to each other on data channels, they say in words of their own.
            (says, hears) = (Vec::new(), Vec::new());
        } else {
            out.tell(party, Event::Viewing { tag, link });
        }
        let role = shape.role(tracks, may_grow, has_channel.then_some(stream), offer.is_some());
        out.media(MediaOp::Open(Open {
            link,
            owner: party,
            role,
            says,
            hears,
            heeds,
            report: VIEW_REPORT,
            transport: Transport::default(),
        }));
        if let Some(body) = offer {
            out.media(MediaOp::Remote { link, signal: Signal { kind: SignalKind::Offer, body } });
        }
        Ok(())
    }

    fn admit(&self, realm: Realm, newcomer: bool) -> Result<&Arc<[Codec]>, Refusal> {
        let codecs = self.limits[usize::from(realm.0)].codecs.as_ref().ok_or(Refusal::NoEngine)?;
        if newcomer && self.overloaded { Err(Refusal::Overloaded) } else { Ok(codecs) }
    }

    /// A main stream can be viewed as soon as somebody is about to publish a track of it: who meets in it may all begin
    /// with viewing it.
    fn can_be_viewed(&self, stage: &Stage) -> bool {
        let live = |link: &LinkId| self.publications.get(link).is_some_and(|publication| publication.live);
        stage.own.as_ref().is_some_and(live) || !stage.subs.is_empty() || stage.vacant.is_some()
    }

    fn stage(&mut self, realm: Realm, name: &Name) -> &mut Stage {
        let topics = &mut self.topics;
        self.stages.entry((realm, name.clone())).or_insert_with(|| {
            *topics += 2;
            let (down, up) = (Topic(*topics - 1), Topic(*topics));
            Stage { own: None, subs: BTreeSet::new(), views: BTreeSet::new(), vacant: None, down, up }
        })
    }

    /// The publication as a track of that view, if it belongs there: it is live, and no track of somebody who meets the
    /// others here and is not to see himself.
    fn track(&self, link: LinkId, view: &Viewed, later: bool) -> Option<(Name, Track)> {
        let publication = self.publications.get(&link).filter(|publication| publication.live)?;
        let own = publication.name == view.name;
        let oneself = publication.owner.party == view.owner.party || view.except.as_ref() == Some(&publication.name);
        if oneself && !own {
            return None;
        }
        let on = view.selection.picks(&publication.name, later);
        let pass = if on { Kinds::ALL } else { Kinds::NONE };
        let Publication { audio, video, layers, .. } = *publication;
        let track = Track { source: link, audio, video, layers, pass, height: view.height, heir_of: None };
        Some((publication.name.clone(), track))
    }

    /// Whether the link is a publication or view of that party.
    pub(super) fn is_own(&self, party: PartyId, link: LinkId) -> bool {
        self.by_party.contains(&(party, link))
    }

    pub(super) fn of(&self, party: PartyId) -> Vec<LinkId> {
        let range = (party, LinkId(0))..=(party, LinkId(u64::MAX));
        self.by_party.range(range).map(|(_, link)| *link).collect()
    }

    pub(super) fn pause(&mut self, link: LinkId, track: Option<&Name>, kinds: Kinds, on: bool, out: &mut Effects) {
        if let Some(publication) = self.publications.get_mut(&link) {
            // The publisher of a main stream, or of the track itself, switches it for everybody.
            let target = match track {
                None => link,
                Some(track) if *track == publication.name => link,
                Some(track) => {
                    let stage = self.stages.get(&(publication.realm, publication.name.clone()));
                    let named = |sub: &&LinkId| self.publications.get(sub).is_some_and(|sub| sub.name == *track);
                    let Some(&sub) = stage.and_then(|stage| stage.subs.iter().find(named)) else { return };
                    sub
                }
            };
            if let Some(publication) = self.publications.get_mut(&target) {
                publication.pass = publication.pass.with(kinds, on);
                out.media(MediaOp::Mute { source: target, pass: publication.pass });
            }
        } else if let Some(view) = self.views.get_mut(&link) {
            let wanted = track.unwrap_or(&view.name);
            let Some((_, track)) = view.tracks.iter_mut().find(|(name, _)| name == wanted) else { return };
            track.pass = track.pass.with(kinds, on);
            out.media(MediaOp::Gate { link, source: track.source, pass: track.pass });
        }
    }

    pub(super) fn prefer(&mut self, link: LinkId, track: Option<&Name>, height: Option<u32>, out: &mut Effects) {
        let Some(view) = self.views.get_mut(&link) else { return };
        if track.is_none() {
            view.height = height;
        }
        let chosen = view.tracks.iter_mut().filter(|(name, _)| track.is_none_or(|track| track == name));
        for (_, track) in chosen {
            track.height = height;
            out.media(MediaOp::Prefer { link, source: track.source, height });
        }
    }

    pub(super) fn limit(&self, link: LinkId, bps: Option<u32>, out: &mut Effects) {
        if self.publications.contains_key(&link) {
            out.media(MediaOp::Limit { link, bps });
        }
    }

    /// A publisher says something else of its stream.
    pub(super) fn describe(&mut self, link: LinkId, about: Option<Body>) {
        if let Some(publication) = self.publications.get_mut(&link) {
            publication.about = about;
        }
    }

    /// Ends a publication or view by its party's wish, or because the party has gone. One that is over is left alone: a
    /// view of one's own stream ends with the stream.
    pub(super) fn end(&mut self, link: LinkId, cause: Cause, tag: Tag, directory: &Directory, out: &mut Effects) {
        if self.owner(link).is_some() {
            out.media(MediaOp::Close { link });
            self.remove(link, cause, tag, directory, out);
        }
    }

    /// Forgets a link whose leg is closed, and tells everybody whom it concerns.
    fn remove(&mut self, link: LinkId, cause: Cause, tag: Tag, directory: &Directory, out: &mut Effects) {
        self.changed = true;
        if let Some(view) = self.views.remove(&link) {
            self.by_party.remove(&(view.owner.party, link));
            self.places.view(view.realm, false);
            if let Some(stage) = self.stages.get_mut(&(view.realm, view.name)) {
                stage.views.remove(&link);
            }
            view.owner.tell(Event::LegEnded { tag, link, cause }, directory, out);
        } else if let Some(publication) = self.publications.remove(&link) {
            self.by_party.remove(&(publication.owner.party, link));
            self.places.publication(publication.realm, false);
            publication.owner.tell(Event::LegEnded { tag, link, cause }, directory, out);
            self.leave_stage(publication.realm, &publication.name, link, directory, out);
            if let Some(main) = &publication.main {
                self.touched.insert((publication.realm, main.clone()));
                self.leave_stage(publication.realm, main, link, directory, out);
            }
        }
    }

    /// A publication has gone from a stage: its viewers go on with what is left, or are done.
    fn leave_stage(
        &mut self,
        realm: Realm,
        name: &Name,
        publication: LinkId,
        directory: &Directory,
        out: &mut Effects,
    ) {
        let key = (realm, name.clone());
        let Some(stage) = self.stages.get_mut(&key) else { return };
        stage.own.take_if(|own| *own == publication);
        stage.subs.remove(&publication);
        if stage.vacant.as_ref().is_some_and(|vacant| vacant.of == publication) {
            // What its views are sent stays theirs, for who comes in its place.
            return;
        }
        let stage = &self.stages[&key];
        let views: Vec<_> = stage.views.iter().copied().collect();
        if self.can_be_viewed(stage) {
            for link in views {
                let Some(view) = self.views.get_mut(&link) else { continue };
                let Some(at) = view.tracks.iter().position(|(_, track)| track.source == publication) else { continue };
                let (track, _) = view.tracks.remove(at);
                view.owner.tell(Event::TrackChanged { link, track, added: false }, directory, out);
                out.media(MediaOp::Tracks { link, tracks: view.tracks() });
            }
            return;
        }
        for link in views {
            out.media(MediaOp::Close { link });
            self.remove(link, CauseKind::Over.into(), Tag::default(), directory, out);
        }
        if self.stages.get(&key).is_some_and(|stage| stage.own.is_none()) {
            self.stages.remove(&key);
        }
    }

    /// What the engine tells. Legs that have been closed meanwhile are unknown here.
    pub(super) fn on_media(&mut self, now: Moment, event: MediaEvent, directory: &Directory, out: &mut Effects) {
        let link = event.link();
        match event {
            MediaEvent::Parsed { audio, video, layers, .. } => {
                if let Some(publication) = self.publications.get_mut(&link) {
                    (publication.audio, publication.video, publication.layers) = (audio, video, layers);
                }
            }
            MediaEvent::Local { kind, sdp, sections, .. } => {
                let Some(owner) = self.owner(link) else { return };
                let named = |section: Section<LinkId>| {
                    let source = section.source.and_then(|source| self.publications.get(&source));
                    let source = source.map(|publication| publication.name.clone());
                    Section { mid: section.mid, kind: section.kind, source }
                };
                let sections = sections.into_iter().map(named).collect();
                owner.tell(Event::Described { link, kind, sdp, sections }, directory, out);
            }
            MediaEvent::Flowing { .. } => self.flows(link, directory, out),
            MediaEvent::Lost { .. } => self.lost(now, link, directory, out),
            MediaEvent::Refused { fault, .. } => {
                let cause = match fault {
                    MediaFault::Description => CauseKind::Faulty,
                    MediaFault::Internal => CauseKind::Failed,
                    MediaFault::Overload => CauseKind::Overloaded,
                };
                self.remove(link, cause.into(), Tag::default(), directory, out);
            }
            // Of conversations; a stream has none.
            MediaEvent::Declined { .. } | MediaEvent::KeyWanted { .. } => {}
            MediaEvent::Switched { source, height, .. } => {
                let Some((owner, track)) = self.viewed(link, source) else { return };
                owner.tell(Event::Switched { link, track, height }, directory, out);
            }
            MediaEvent::Speaker { source, level, .. } => {
                let Some((owner, track)) = self.viewed(link, source) else { return };
                owner.tell(Event::Speaker { link, track, level }, directory, out);
            }
            MediaEvent::Channel { channel, open, .. } => {
                let Some(owner) = self.owner(link) else { return };
                owner.tell(Event::Channel { link, channel, open }, directory, out);
            }
            MediaEvent::Heard { channel, binary, bytes, .. } => {
                let Some(owner) = self.owner(link) else { return };
                owner.tell(Event::Heard { link, channel, binary, bytes }, directory, out);
            }
            MediaEvent::Report { report, .. } => {
                if let Some(publication) = self.publications.get_mut(&link) {
                    publication.report = report;
                } else if let Some(view) = self.views.get_mut(&link) {
                    view.report = report.clone();
                    view.owner.tell(Event::Measured { link, report }, directory, out);
                }
            }
        }
    }

    /// Whose view it is, and what that source's track is called there.
    fn viewed(&self, link: LinkId, source: LinkId) -> Option<(&Owner, Name)> {
        let view = self.views.get(&link)?;
        let (track, _) = view.tracks.iter().find(|(_, track)| track.source == source)?;
        Some((&view.owner, track.clone()))
    }

    fn owner(&self, link: LinkId) -> Option<&Owner> {
        let publisher = self.publications.get(&link).map(|publication| &publication.owner);
        publisher.or_else(|| self.views.get(&link).map(|view| &view.owner))
    }

    fn owner_mut(&mut self, link: LinkId) -> Option<&mut Owner> {
        match self.publications.get_mut(&link) {
            Some(publication) => Some(&mut publication.owner),
            None => self.views.get_mut(&link).map(|view| &mut view.owner),
        }
    }

    fn flows(&mut self, link: LinkId, directory: &Directory, out: &mut Effects) {
        if let Some(view) = self.views.get(&link) {
            return view.owner.tell(Event::Flowing { link }, directory, out);
        }
        let Some(publication) = self.publications.get_mut(&link) else { return };
        if std::mem::replace(&mut publication.live, true) {
            return;
        }
        self.changed = true;
        let realm = publication.realm;
        let names: Vec<_> = std::iter::once(&publication.name).chain(&publication.main).cloned().collect();
        self.touched.extend(publication.main.iter().map(|main| (realm, main.clone())));
        publication.owner.tell(Event::Flowing { link }, directory, out);
        self.succeed(link, out);
        for name in names {
            let key = (realm, name);
            let views = self.stages.get(&key).map(|stage| stage.views.iter().copied().collect::<Vec<_>>());
            for view in views.unwrap_or_default() {
                let Some((name, track)) = self.views.get(&view).and_then(|of| self.track(link, of, true)) else {
                    continue;
                };
                let Some(viewed) = self.views.get_mut(&view) else { continue };
                if viewed.tracks.iter().any(|(_, track)| track.source == link) {
                    // It is sent already, in the place of one that was lost.
                    continue;
                }
                viewed.tracks.push((name.clone(), track));
                viewed.owner.tell(Event::TrackChanged { link: view, track: name, added: true }, directory, out);
                out.media(MediaOp::Tracks { link: view, tracks: viewed.tracks() });
            }
            for party in self.waiting.take(&key) {
                if directory.profile(party).is_some() {
                    out.tell(party, Event::Live { stream: key.1.clone() });
                }
            }
        }
    }

    /// What stands in for the stream in that room, as far as the party sees it: the party's view by it.
    pub(super) fn bridged(&self, party: PartyId, room: RoomId, member: &Name) -> Option<LinkId> {
        let is_it = |link: &LinkId| {
            let via = self.owner(*link).and_then(|owner| owner.via.as_ref());
            via.is_some_and(|via| via.room == room && via.member == *member)
        };
        self.of(party).into_iter().find(is_it)
    }

    /// All that the party has by members of that room who stand in for others.
    pub(super) fn bridged_in(&self, party: PartyId, room: RoomId) -> Vec<LinkId> {
        let is_there =
            |link: &LinkId| self.owner(*link).and_then(|owner| owner.via.as_ref()).is_some_and(|via| via.room == room);
        self.of(party).into_iter().filter(is_there).collect()
    }

    /// As [`Streams::end`], of which the party need not be told: it said so itself, or has left.
    pub(super) fn end_quietly(&mut self, link: LinkId, cause: Cause, directory: &Directory, out: &mut Effects) {
        if let Some(via) = self.owner_mut(link).and_then(|owner| owner.via.as_mut()) {
            via.quiet = true;
        }
        self.end(link, cause, Tag::default(), directory, out);
    }

    /// Somebody can be seen under that name from now on, if asked: who asked in vain is told.
    pub(super) fn announce(&mut self, realm: Realm, stream: Name, directory: &Directory, out: &mut Effects) {
        let key = (realm, stream);
        for party in self.waiting.take(&key) {
            if directory.profile(party).is_some() {
                out.tell(party, Event::Live { stream: key.1.clone() });
            }
        }
    }

    /// The live streams of a realm that parties publish by themselves.
    pub(super) fn live(&self, realm: Realm) -> impl Iterator<Item = Live<'_>> {
        let live = move |(link, of): (&LinkId, &'_ Publication)| {
            (of.realm == realm && of.live && of.owner.via.is_none()).then_some(*link)
        };
        self.publications.iter().filter_map(move |entry| {
            let link = live(entry)?;
            let Publication { owner, name, main, .. } = entry.1;
            Some(Live { link, party: owner.party, name, main: main.as_ref() })
        })
    }

    /// The live tracks of a main stream, those first that came first.
    pub(super) fn tracks_of(&self, realm: Realm, main: &Name) -> impl Iterator<Item = &Name> {
        let stage = self.stages.get(&(realm, main.clone()));
        let subs = stage.into_iter().flat_map(|stage| &stage.subs);
        subs.filter_map(|link| self.publications.get(link)).filter(|track| track.live).map(|track| &track.name)
    }

    /// The streams that a party publishes.
    pub(super) fn published_by(&self, party: PartyId) -> Vec<Name> {
        let name = |link: LinkId| self.publications.get(&link).map(|publication| publication.name.clone());
        self.of(party).into_iter().filter_map(name).collect()
    }

    /// Main streams whose tracks have come or gone since this was last asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<(Realm, Name)> {
        std::mem::take(&mut self.touched)
    }

    /// The name of a publication.
    pub(super) fn name_of(&self, link: LinkId) -> Option<(Realm, &Name)> {
        self.publications.get(&link).map(|publication| (publication.realm, &publication.name))
    }

    /// Whether a publication is live.
    pub(super) fn is_live(&self, link: LinkId) -> bool {
        self.publications.get(&link).is_some_and(|publication| publication.live)
    }

    /// Whether somebody views the stream that the publication is.
    pub(super) fn is_viewed(&self, link: LinkId) -> bool {
        let Some(publication) = self.publications.get(&link) else { return false };
        let stage = self.stages.get(&(publication.realm, publication.name.clone()));
        stage.is_some_and(|stage| !stage.views.is_empty())
    }

    /// The publication of that name, live or not.
    pub(super) fn named(&self, realm: Realm, stream: &Name) -> Option<LinkId> {
        self.stages.get(&(realm, stream.clone())).and_then(|stage| stage.own)
    }

    /// Streams have come, gone, or changed since this was last asked.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The party has gone; its links have been ended one by one.
    pub(super) fn forget(&mut self, party: PartyId) {
        self.waiting.forget(party);
    }

    pub(super) fn streams(&self) -> u64 {
        self.publications.len() as u64
    }

    pub(super) fn views(&self) -> u64 {
        self.views.len() as u64
    }
}

impl Viewed {
    fn tracks(&self) -> Vec<Track> {
        self.tracks.iter().map(|(_, track)| track.clone()).collect()
    }
}

/// A piece of data for one's own peer.
pub(super) fn say(link: LinkId, channel: Option<Name>, binary: bool, bytes: Arc<[u8]>, out: &mut Effects) {
    out.media(MediaOp::Say { link, channel, binary, bytes });
}

#[cfg(test)]
mod tests;
