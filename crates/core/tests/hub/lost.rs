//! Publishers that are lost, and viewers who wait for them.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{
    Codec, Command, Effect, Effects, Event, Hub, Ice, Kinds, Lang, Limits, LinkId, MediaEvent, MediaOp, Moment, Name,
    PartyId, Profile, Publish, Realm, RealmLimits, Refusal, Selection, Speaks, Tag, Track, Transport, View,
};

const RESTORE: Duration = Duration::from_secs(10);
const PROFILE: Profile = Profile {
    realm: Realm(0),
    lang: Lang(3),
    peer_to_peer: false,
    one_call: false,
    transport: Transport::WebRtc(Ice::Configured),
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

struct Stage {
    hub: Hub,
    out: Effects,
    now: Moment,
    /// Legs that were closed, and the tracks that views have been given last.
    closed: Vec<LinkId>,
    tracks: Vec<(LinkId, Vec<Track>)>,
}

impl Stage {
    fn new() -> Self {
        let codecs = Some([Codec::Opus].into());
        let limits = RealmLimits { codecs, restore: RESTORE, presence: false, ..RealmLimits::default() };
        let now = Moment::START + Duration::from_secs(1);
        let hub = Hub::new(0, Limits { realms: vec![limits] });
        Self { hub, out: Effects::new(), now, closed: Vec::new(), tracks: Vec::new() }
    }

    fn party(&mut self) -> PartyId {
        let party = self.hub.attach(PROFILE, &mut self.out);
        self.told();
        party
    }

    fn told(&mut self) -> Vec<(PartyId, Event)> {
        assert_eq!(self.hub.check(), []);
        let mut told = Vec::new();
        for effect in self.out.drain() {
            match effect {
                Effect::Tell(party, event) => told.push((party, event)),
                Effect::Media(MediaOp::Close { link }) => self.closed.push(link),
                Effect::Media(MediaOp::Tracks { link, tracks }) => self.tracks.push((link, tracks)),
                Effect::Media(_) | Effect::Snapshot(_) => {}
            }
        }
        told
    }

    fn does(&mut self, party: PartyId, command: Command) -> Vec<(PartyId, Event)> {
        self.hub.handle(self.now, party, Tag(1), command, &mut self.out);
        self.told()
    }

    fn publishes(
        &mut self,
        party: PartyId,
        main: Option<&str>,
        claim: Option<&str>,
    ) -> Result<(LinkId, bool), Refusal> {
        let publish = Publish {
            stream: name("s"),
            main: main.map(name),
            kinds: Kinds::NONE,
            about: None,
            claim: claim.map(Arc::from),
            tracks: None,
        };
        match self.does(party, Command::Publish(publish)).pop() {
            Some((_, Event::Reserved { link, restored, .. })) => Ok((link, restored)),
            Some((_, Event::Refused { refusal, .. })) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    fn flows(&mut self, link: LinkId) -> Vec<(PartyId, Event)> {
        let parsed = MediaEvent::Parsed { link, audio: Some(Codec::Opus), video: None, layers: 0 };
        self.hub.on_media(self.now, parsed, &mut self.out);
        self.hub.on_media(self.now, MediaEvent::Flowing { link }, &mut self.out);
        self.told()
    }

    fn views(&mut self, party: PartyId) -> LinkId {
        let (stream, selection) = (name("s"), Selection::ALL);
        let view = View {
            stream,
            selection,
            except: None,
            speaks: Speaks::No,
            viewers: None,
            about: None,
            shape: patchbay_core::Shape::default(),
        };
        match self.does(party, Command::View(view)).pop() {
            Some((_, Event::Viewing { link, .. })) => link,
            other => panic!("{other:?}"),
        }
    }

    fn loses(&mut self, party: PartyId) -> Vec<(PartyId, Event)> {
        self.hub.lose(self.now, party, &mut self.out);
        self.told()
    }

    fn waits(&mut self, span: Duration) -> Vec<(PartyId, Event)> {
        self.now = self.now + span;
        self.hub.on_deadline(self.now, &mut self.out);
        self.told()
    }
}

#[test]
fn viewers_of_a_lost_publisher_are_sent_who_comes_in_its_place() {
    let mut stage = Stage::new();
    let (a, b, c) = (stage.party(), stage.party(), stage.party());
    let (lost, restored) = stage.publishes(a, Some("room"), None).expect("it is free");
    assert!(!restored);
    stage.flows(lost);
    let view = stage.views(b);
    assert!(stage.loses(a).is_empty(), "nobody is told anything yet");
    assert_eq!(stage.closed, [lost]);
    let (new, restored) = stage.publishes(c, Some("room"), None).expect("anybody may");
    assert!(restored);
    stage.tracks.clear();
    let told = stage.flows(new);
    assert!(matches!(told[..], [(party, Event::Flowing { .. })] if party == c), "{told:?}");
    let [(of, tracks)] = &stage.tracks[..] else { panic!("{:?}", stage.tracks) };
    assert_eq!((*of, tracks.len(), tracks[0].source, tracks[0].heir_of), (view, 1, new, Some(lost)));
    assert!(stage.waits(RESTORE * 2).is_empty(), "it is over");
    let told = stage.does(c, Command::Hangup { link: new, cause: patchbay_core::CauseKind::Hangup.into() });
    assert!(told.iter().any(|(party, event)| *party == b && matches!(event, Event::LegEnded { .. })), "{told:?}");
}

/// Its own signalling stands; it is told that it is over, and comes back by itself.
#[test]
fn who_lost_its_media_may_publish_anew_for_its_viewers() {
    let mut stage = Stage::new();
    let (a, b) = (stage.party(), stage.party());
    let (lost, _) = stage.publishes(a, None, None).expect("it is free");
    stage.flows(lost);
    stage.views(b);
    stage.hub.on_media(stage.now, MediaEvent::Lost { link: lost }, &mut stage.out);
    let told = stage.told();
    assert!(matches!(told[..], [(party, Event::LegEnded { .. })] if party == a), "{told:?}");
    assert!(stage.publishes(a, None, None).expect("it is free").1);
}

#[test]
fn viewers_wait_no_longer_than_they_have_to() {
    let mut stage = Stage::new();
    let (a, b, c) = (stage.party(), stage.party(), stage.party());
    let (lost, _) = stage.publishes(a, None, None).expect("it is free");
    stage.flows(lost);
    stage.views(b);
    stage.loses(a);
    assert_eq!(stage.hub.deadline(), Some(stage.now + RESTORE));
    assert!(stage.waits(RESTORE - Duration::from_millis(1)).is_empty());
    // Somebody tries, and has no media: they wait for him as long, and then no longer.
    let (failed, restored) = stage.publishes(c, None, None).expect("anybody may");
    assert!(restored);
    stage.does(c, Command::Hangup { link: failed, cause: patchbay_core::CauseKind::TimedOut.into() });
    let told = stage.waits(RESTORE);
    assert!(matches!(told[..], [(party, Event::LegEnded { .. })] if party == b), "{told:?}");
    assert!(!stage.publishes(c, None, None).expect("it is free").1);
    assert_eq!(stage.hub.deadline(), None);
}

#[test]
fn a_claim_keeps_others_away_while_viewers_wait() {
    let mut stage = Stage::new();
    let (a, b, c) = (stage.party(), stage.party(), stage.party());
    let (lost, _) = stage.publishes(a, None, Some("alice")).expect("it is free");
    stage.flows(lost);
    stage.views(b);
    stage.loses(a);
    for claim in [None, Some("bob")] {
        assert_eq!(stage.publishes(c, None, claim), Err(Refusal::StreamTaken), "{claim:?}");
    }
    assert!(stage.publishes(c, None, Some("alice")).expect("it shows the same").1);
}

#[test]
fn nobody_waits_for_who_said_farewell_or_was_not_seen() {
    let mut stage = Stage::new();
    let (a, b) = (stage.party(), stage.party());
    let (link, _) = stage.publishes(a, None, None).expect("it is free");
    stage.flows(link);
    stage.loses(a);
    assert_eq!(stage.hub.deadline(), None, "it had no viewer");
    let a = stage.party();
    let (link, _) = stage.publishes(a, None, None).expect("it is free");
    stage.flows(link);
    stage.views(b);
    stage.hub.detach(stage.now, a, &mut stage.out);
    let told = stage.told();
    assert!(matches!(told[..], [(party, Event::LegEnded { .. })] if party == b), "{told:?}");
    assert_eq!(stage.hub.deadline(), None);
    // A stream can be viewed for its tracks while its own media are still to come.
    let (a, c) = (stage.party(), stage.party());
    stage.publishes(a, None, None).expect("it is free");
    let track = Publish {
        stream: name("t"),
        main: Some(name("s")),
        kinds: Kinds::NONE,
        about: None,
        claim: None,
        tracks: None,
    };
    let Some((_, Event::Reserved { link, .. })) = stage.does(c, Command::Publish(track)).pop() else { panic!("free") };
    stage.flows(link);
    stage.views(b);
    stage.loses(a);
    assert_eq!(stage.hub.deadline(), None, "nothing of it was seen");
}
