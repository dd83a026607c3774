//! Random lives of streams: after each move the hub is sound, has told whom it had to and nobody else, and the engine's
//! legs and their tracks are those of a model that knows neither stages nor topics.
//!
//! The publications carry data alone: codecs change no move.

use std::collections::{BTreeMap, BTreeSet};

use patchbay_core::{
    Body, CauseKind, Command, Effect, Effects, Event, Hub, Kinds, Lang, LegRole, Limits, LinkId, MediaEvent,
    MediaFault, MediaOp, Moment, Name, PartyId, Profile, Publish, Query, Realm, RealmLimits, Refusal, Selection,
    Speaks, Tag, Track, View,
};
use proptest::prelude::*;

use crate::properties::config;

const TAG: Tag = Tag(77);
/// Few, so that they meet and are used up.
const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
const VIEWERS: usize = 3;
const REALMS: u16 = 2;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn streams_agree_with_the_model(draws in prop::collection::vec(any::<[u8; 4]>(), 1..250)) {
        let mut life = Life::new();
        for draw in draws {
            life.step(draw);
        }
        life.end();
    }
}

type Who = PartyId;

/// What was told, and to whom, without the order.
type Told = BTreeMap<String, usize>;

#[derive(Clone, Debug)]
struct Publication {
    who: Who,
    realm: u16,
    name: &'static str,
    main: Option<&'static str>,
    live: bool,
}

#[derive(Clone, Debug)]
struct Viewed {
    who: Who,
    realm: u16,
    name: &'static str,
    except: Option<&'static str>,
}

/// How something ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// Its party hangs up.
    Hangup,
    /// The engine has lost it, or given it up.
    Engine(CauseKind),
    /// Its party has gone.
    Gone,
}

#[derive(Debug, Default)]
struct Model {
    parties: BTreeMap<Who, u16>,
    publications: BTreeMap<LinkId, Publication>,
    views: BTreeMap<LinkId, Viewed>,
    /// Who asked in vain.
    waiting: BTreeSet<(u16, &'static str, Who)>,
}

impl Model {
    fn publish(&self, who: Who, name: &str) -> Result<(), Refusal> {
        let realm = self.parties[&who];
        let holder = self.publications.values().find(|other| other.realm == realm && other.name == name);
        match holder {
            Some(holder) if holder.who == who => Err(Refusal::Publishing),
            Some(_) => Err(Refusal::StreamTaken),
            None => Ok(()),
        }
    }

    fn view(&self, who: Who, name: &str) -> Result<(), Refusal> {
        let realm = self.parties[&who];
        let views = || self.views.values().filter(|view| view.realm == realm && view.name == name);
        if views().any(|view| view.who == who) {
            return Err(Refusal::Viewing);
        }
        if !self.can_be_viewed(realm, name) {
            return Err(Refusal::NoSuchStream);
        }
        if views().count() >= VIEWERS { Err(Refusal::StreamFull) } else { Ok(()) }
    }

    fn can_be_viewed(&self, realm: u16, name: &str) -> bool {
        let here = |publication: &&Publication| publication.realm == realm;
        let lets = |of: &Publication| (of.name == name && of.live) || of.main == Some(name);
        self.publications.values().filter(here).any(lets)
    }

    /// The publications that a view is to be sent.
    fn tracks(&self, view: &Viewed) -> BTreeSet<LinkId> {
        let belongs = |of: &Publication| {
            let own = of.name == view.name;
            let oneself = of.who == view.who || Some(of.name) == view.except;
            let here = of.realm == view.realm && of.live && (own || of.main == Some(view.name));
            here && (own || !oneself)
        };
        self.publications.iter().filter(|(_, of)| belongs(of)).map(|(link, _)| *link).collect()
    }

    fn all_tracks(&self) -> BTreeMap<LinkId, BTreeSet<LinkId>> {
        self.views.iter().map(|(link, view)| (*link, self.tracks(view))).collect()
    }

    fn links(&self) -> BTreeSet<LinkId> {
        self.publications.keys().chain(self.views.keys()).copied().collect()
    }

    /// Everything of that party, its own views of its own streams included.
    fn links_of(&self, who: Who) -> Vec<LinkId> {
        let publications = self.publications.iter().filter(|(_, of)| of.who == who).map(|(link, _)| *link);
        publications.chain(self.views.iter().filter(|(_, of)| of.who == who).map(|(link, _)| *link)).collect()
    }

    /// Takes a link out; what the living must be told.
    fn end(&mut self, link: LinkId, cause: CauseKind, told: &mut Told) {
        if let Some(view) = self.views.remove(&link) {
            self.tell(view.who, format!("ended {link:?} {cause:?}"), told);
        }
        let Some(publication) = self.publications.remove(&link) else { return };
        self.tell(publication.who, format!("ended {link:?} {cause:?}"), told);
        let over: Vec<LinkId> = self
            .views
            .iter()
            .filter(|(_, view)| !self.can_be_viewed(view.realm, view.name))
            .map(|(link, _)| *link)
            .collect();
        for link in over {
            self.end(link, CauseKind::Over, told);
        }
    }

    fn tell(&self, who: Who, what: String, told: &mut Told) {
        if self.parties.contains_key(&who) {
            *told.entry(format!("{who} {what}")).or_default() += 1;
        }
    }

    /// What viewers must be told of tracks that came and went, apart from those whose view is over.
    fn track_changes(
        &self,
        before: &BTreeMap<LinkId, BTreeSet<LinkId>>,
        names: &BTreeMap<LinkId, &'static str>,
        told: &mut Told,
    ) {
        for (link, view) in &self.views {
            let now = self.tracks(view);
            let Some(before) = before.get(link) else { continue };
            for (tracks, others, sign) in [(&now, before, '+'), (before, &now, '-')] {
                for track in tracks.difference(others) {
                    self.tell(view.who, format!("{link:?} {sign}{}", names[track]), told);
                }
            }
        }
    }
}

/// The engine as far as the hub has led it.
#[derive(Debug, Default)]
struct Legs {
    open: BTreeSet<LinkId>,
    tracks: BTreeMap<LinkId, BTreeSet<LinkId>>,
}

impl Legs {
    fn take(&mut self, op: MediaOp) {
        match op {
            MediaOp::Open(open) => {
                assert!(self.open.insert(open.link), "a leg is opened once");
                if let LegRole::Send { tracks, .. } | LegRole::Answer { tracks, .. } = open.role {
                    self.send(open.link, &tracks);
                }
            }
            MediaOp::Tracks { link, tracks } => {
                assert!(self.open.contains(&link), "tracks of a leg that is closed");
                self.send(link, &tracks);
            }
            MediaOp::Close { link } => self.close(link),
            MediaOp::Remote { link, .. } => assert!(self.open.contains(&link), "an offer for a leg that is closed"),
            op => panic!("nobody asked for {op:?}"),
        }
    }

    fn send(&mut self, link: LinkId, tracks: &[Track]) {
        let sources: BTreeSet<_> = tracks.iter().map(|track| track.source).collect();
        assert_eq!(sources.len(), tracks.len(), "a track is sent twice");
        assert!(sources.is_subset(&self.open), "a track comes from a leg that is closed");
        self.tracks.insert(link, sources);
    }

    fn close(&mut self, link: LinkId) {
        assert!(self.open.remove(&link), "a leg is closed once");
        self.tracks.remove(&link);
    }
}

struct Life {
    hub: Hub,
    out: Effects,
    model: Model,
    legs: Legs,
    /// Names of all publications that there ever were.
    names: BTreeMap<LinkId, &'static str>,
    /// Links that are over, for those who come too late.
    over: Vec<LinkId>,
    /// Effects that have been looked at for the link alone.
    again: Vec<Effect>,
    /// The last who viewed was one who offers.
    offers: bool,
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

impl Life {
    fn new() -> Self {
        // An engine without codecs: data needs none.
        let limits = RealmLimits { viewers: VIEWERS, codecs: Some(Default::default()), ..RealmLimits::default() };
        Self {
            hub: Hub::new(3, Limits { realms: vec![limits; usize::from(REALMS)] }),
            out: Effects::new(),
            model: Model::default(),
            legs: Legs::default(),
            names: BTreeMap::new(),
            over: Vec::new(),
            again: Vec::new(),
            offers: false,
        }
    }

    fn step(&mut self, [kind, who, what, more]: [u8; 4]) {
        let parties: Vec<Who> = self.model.parties.keys().copied().collect();
        let (stream, other) = (NAMES[usize::from(what) % NAMES.len()], NAMES[usize::from(more) % NAMES.len()]);
        let Some(&party) = parties.get(usize::from(who) % parties.len().max(1)) else {
            return self.attach(u16::from(who) % REALMS);
        };
        match kind {
            0..=29 if parties.len() < 8 => self.attach(u16::from(who) % REALMS),
            0..=44 => self.detach(party),
            45..=99 => self.publish(party, stream, (more % 3 > 0).then_some(other)),
            100..=149 => self.view(party, stream, (more % 4 == 0).then_some(other)),
            150..=199 => self.flow(what),
            200..=224 => self.stop(what, End::Hangup),
            225..=239 => {
                let cause = [CauseKind::Gone, CauseKind::Faulty, CauseKind::Failed, CauseKind::Overloaded];
                self.stop(what, End::Engine(cause[usize::from(more % 4)]));
            }
            240..=249 => self.ask(party, stream),
            250..=255 => self.come_too_late(party, what),
        }
    }

    fn attach(&mut self, realm: u16) {
        let profile = Profile {
            realm: Realm(realm),
            lang: Lang(1),
            peer_to_peer: false,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        };
        let party = self.hub.attach(profile, &mut self.out);
        self.model.parties.insert(party, realm);
        self.settle(Told::new());
    }

    fn detach(&mut self, party: Who) {
        self.hub.detach(Moment::from_micros(1), party, &mut self.out);
        self.model.parties.remove(&party);
        self.model.waiting.retain(|(_, _, who)| *who != party);
        self.finish(self.model.links_of(party), End::Gone);
    }

    fn publish(&mut self, who: Who, stream: &'static str, main: Option<&'static str>) {
        let expected = self.model.publish(who, stream);
        let publish = Publish {
            stream: name(stream),
            main: main.map(name),
            kinds: Kinds::NONE,
            about: None,
            claim: None,
            tracks: None,
        };
        self.hub.handle(Moment::from_micros(1), who, TAG, Command::Publish(publish), &mut self.out);
        let mut told = Told::new();
        match expected {
            Err(refusal) => self.model.tell(who, format!("refused {refusal:?}"), &mut told),
            Ok(()) => {
                let link = self.opened();
                let realm = self.model.parties[&who];
                let main = main.filter(|main| *main != stream);
                self.model.publications.insert(link, Publication { who, realm, name: stream, main, live: false });
                self.model.waiting.remove(&(realm, stream, who));
                self.names.insert(link, stream);
                self.model.tell(who, format!("opened {link:?}"), &mut told);
            }
        }
        self.settle(told);
    }

    fn view(&mut self, who: Who, stream: &'static str, except: Option<&'static str>) {
        let expected = self.model.view(who, stream);
        let selection = Selection::ALL;
        let view = View {
            stream: name(stream),
            selection,
            except: except.map(name),
            speaks: Speaks::ToAll,
            viewers: None,
            about: None,
            shape: patchbay_core::Shape::default(),
        };
        // Who offers and who is offered view alike.
        self.offers = !self.offers;
        let offer = Body::new(Lang(0), b"v=0");
        let command = if self.offers { Command::Watch { view, offer } } else { Command::View(view) };
        self.hub.handle(Moment::from_micros(1), who, TAG, command, &mut self.out);
        let realm = self.model.parties[&who];
        let mut told = Told::new();
        match expected {
            Err(refusal) => {
                if refusal == Refusal::NoSuchStream {
                    self.model.waiting.insert((realm, stream, who));
                }
                self.model.tell(who, format!("refused {refusal:?}"), &mut told);
            }
            Ok(()) => {
                let link = self.opened();
                self.model.waiting.remove(&(realm, stream, who));
                self.model.views.insert(link, Viewed { who, realm, name: stream, except });
                self.model.tell(who, format!("opened {link:?}"), &mut told);
            }
        }
        self.settle(told);
    }

    /// One of the links that stand.
    fn pick(&self, number: u8) -> Option<LinkId> {
        let links: Vec<LinkId> = self.model.links().into_iter().collect();
        (!links.is_empty()).then(|| links[usize::from(number) % links.len()])
    }

    fn flow(&mut self, number: u8) {
        let Some(link) = self.pick(number) else { return };
        self.hub.on_media(Moment::from_micros(1), MediaEvent::Flowing { link }, &mut self.out);
        let (mut told, before) = (Told::new(), self.model.all_tracks());
        if let Some(view) = self.model.views.get(&link) {
            self.model.tell(view.who, format!("flowing {link:?}"), &mut told);
        }
        if let Some(publication) = self.model.publications.get_mut(&link).filter(|of| !of.live) {
            publication.live = true;
            let Publication { who, realm, name, main, .. } = publication.clone();
            self.model.tell(who, format!("flowing {link:?}"), &mut told);
            self.model.track_changes(&before, &self.names, &mut told);
            for stream in std::iter::once(name).chain(main) {
                let is_for = |(of, asked, _): &(u16, &str, Who)| *of == realm && *asked == stream;
                for (of, asked, waiter) in self.model.waiting.clone().into_iter().filter(is_for) {
                    self.model.tell(waiter, format!("live {stream}"), &mut told);
                    self.model.waiting.remove(&(of, asked, waiter));
                }
            }
        }
        self.settle(told);
    }

    fn stop(&mut self, number: u8, end: End) {
        let Some(link) = self.pick(number) else { return };
        match end {
            End::Hangup => {
                let publisher = self.model.publications.get(&link).map(|of| of.who);
                let who = publisher.unwrap_or_else(|| self.model.views[&link].who);
                let command = Command::Hangup { link, cause: CauseKind::Hangup.into() };
                self.hub.handle(Moment::from_micros(1), who, TAG, command, &mut self.out);
            }
            End::Engine(cause) => {
                self.legs.close(link);
                let fault = match cause {
                    CauseKind::Faulty => Some(MediaFault::Description),
                    CauseKind::Failed => Some(MediaFault::Internal),
                    CauseKind::Overloaded => Some(MediaFault::Overload),
                    _ => None,
                };
                let refused = fault.map(|fault| MediaEvent::Refused { link, fault });
                self.hub.on_media(Moment::from_micros(1), refused.unwrap_or(MediaEvent::Lost { link }), &mut self.out);
            }
            End::Gone => {}
        }
        self.finish(vec![link], end);
    }

    /// The hub has ended these links; the model follows.
    fn finish(&mut self, links: Vec<LinkId>, end: End) {
        let (mut told, stood) = (Told::new(), self.model.links());
        let cause = match end {
            End::Hangup => CauseKind::Hangup,
            End::Engine(cause) => cause,
            End::Gone => CauseKind::Gone,
        };
        for link in links {
            // Step by step: a viewer is told of each track that goes, even if its view is over in the end.
            let before = self.model.all_tracks();
            self.model.end(link, cause, &mut told);
            self.model.track_changes(&before, &self.names, &mut told);
        }
        self.over.extend(stood.difference(&self.model.links()));
        self.settle(told);
    }

    fn ask(&mut self, who: Who, stream: &'static str) {
        let realm = self.model.parties[&who];
        let live = || self.model.publications.values().filter(|of| of.realm == realm && of.live);
        let subs: BTreeSet<&str> = live().filter(|of| of.main == Some(stream)).map(|of| of.name).collect();
        let own = live().filter(|of| of.name == stream).map(|of| of.name);
        let expected: Vec<&str> = if subs.is_empty() { own.collect() } else { subs.into_iter().collect() };
        let mut told = Told::new();
        self.model.tell(who, format!("tracks {}", expected.join(",")), &mut told);
        let query = Command::Query(Query::Tracks(name(stream)));
        self.hub.handle(Moment::from_micros(1), who, TAG, query, &mut self.out);
        self.settle(told);
    }

    /// Somebody speaks of a link that is over, and the engine does.
    fn come_too_late(&mut self, who: Who, number: u8) {
        let Some(&link) = self.over.get(usize::from(number) % self.over.len().max(1)) else { return };
        for event in [MediaEvent::Flowing { link }, MediaEvent::Lost { link }] {
            self.hub.on_media(Moment::from_micros(1), event, &mut self.out);
            self.settle(Told::new());
        }
        let mut told = Told::new();
        self.model.tell(who, format!("refused {:?}", Refusal::NoSuchLink), &mut told);
        let command = Command::Hangup { link, cause: CauseKind::Hangup.into() };
        self.hub.handle(Moment::from_micros(1), who, TAG, command, &mut self.out);
        self.settle(told);
    }

    /// The link that the hub has just given.
    fn opened(&mut self) -> LinkId {
        let effects: Vec<Effect> = self.out.drain().collect();
        let mut link = None;
        for effect in &effects {
            if let Effect::Tell(_, Event::Reserved { link: new, .. } | Event::Viewing { link: new, .. }) = effect {
                link = Some(*new);
            }
        }
        // Looked at once more, with everything else.
        self.again = effects;
        link.expect("it is accepted")
    }

    /// What the hub did is what it should have done.
    fn settle(&mut self, expected: Told) {
        let mut told = Told::new();
        let effects: Vec<Effect> = std::mem::take(&mut self.again).into_iter().chain(self.out.drain()).collect();
        for effect in effects {
            match effect {
                Effect::Tell(party, event) => {
                    *told.entry(format!("{party} {}", words(&event))).or_default() += 1;
                }
                Effect::Media(op) => self.legs.take(op),
                Effect::Snapshot(_) => {}
            }
        }
        assert_eq!(told, expected);
        assert_eq!(self.hub.check(), []);
        assert_eq!(self.legs.open, self.model.links(), "the engine has other legs than there are links");
        assert_eq!(self.legs.tracks, self.model.all_tracks(), "a view is sent other tracks than it should be");
        let counts = self.hub.counts();
        let sizes = (self.model.publications.len() as u64, self.model.views.len() as u64);
        assert_eq!((counts.streams, counts.views), sizes);
    }

    /// When everybody has gone, nothing is left.
    fn end(mut self) {
        for party in self.model.parties.keys().copied().collect::<Vec<_>>() {
            self.detach(party);
        }
        assert_eq!(self.hub.counts(), Default::default());
        assert!(self.legs.open.is_empty());
    }
}

fn words(event: &Event) -> String {
    match event {
        Event::Reserved { tag: TAG, link, .. } | Event::Viewing { tag: TAG, link } => format!("opened {link:?}"),
        Event::Refused { tag: TAG, refusal } => format!("refused {refusal:?}"),
        Event::Flowing { link } => format!("flowing {link:?}"),
        Event::LegEnded { link, cause, .. } => format!("ended {link:?} {:?}", cause.kind),
        Event::TrackChanged { link, track, added } => {
            format!("{link:?} {}{}", if *added { '+' } else { '-' }, track.as_str())
        }
        Event::Live { stream } => format!("live {}", stream.as_str()),
        Event::Tracks { tag: TAG, tracks, .. } => {
            format!("tracks {}", tracks.iter().map(Name::as_str).collect::<Vec<_>>().join(","))
        }
        event => panic!("nobody asked for {event:?}"),
    }
}
