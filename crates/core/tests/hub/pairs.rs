//! Rooms of two who negotiate directly, and what is told of streams to who asks.

use std::time::Duration;

use patchbay_core::{
    Address, Body, Codec, Command, Effect, Effects, Event, Hub, Ice, Join, Kinds, Known, Lang, Limits, LinkId,
    MediaEvent, Merge, Moment, Name, PartyId, Profile, Publish, Query, Realm, RealmLimits, Refusal, RoomId, RoomKind,
    Selection, Signal, SignalKind, Speaks, Tag, Transport, View,
};

const LANG: Lang = Lang(3);
const PROFILE: Profile = Profile {
    realm: Realm(0),
    lang: LANG,
    peer_to_peer: false,
    one_call: false,
    transport: Transport::WebRtc(Ice::Configured),
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn body(text: &str) -> Body {
    Body::new(LANG, text.as_bytes())
}

struct Stage {
    hub: Hub,
    out: Effects,
    now: Moment,
}

impl Stage {
    fn new(pairs: usize) -> Self {
        let codecs = Some([Codec::Opus].into());
        let limits = RealmLimits { rooms: 1, pairs, codecs, presence: false, ..RealmLimits::default() };
        let now = Moment::START + Duration::from_secs(7);
        Self { hub: Hub::new(0, Limits { realms: vec![limits] }), out: Effects::new(), now }
    }

    fn party(&mut self) -> PartyId {
        let party = self.hub.attach(PROFILE, &mut self.out);
        self.out.drain().for_each(drop);
        party
    }

    fn does(&mut self, party: PartyId, command: Command) -> Vec<(PartyId, Event)> {
        self.hub.handle(self.now, party, Tag(1), command, &mut self.out);
        self.told()
    }

    fn told(&mut self) -> Vec<(PartyId, Event)> {
        assert_eq!(self.hub.check(), []);
        let told = |effect| if let Effect::Tell(party, event) = effect { Some((party, event)) } else { None };
        self.out.drain().filter_map(told).collect()
    }

    fn joins(&mut self, party: PartyId, room: &str, own: &str, kind: RoomKind) -> Result<RoomId, Refusal> {
        let join = Join { room: name(room), name: name(own), merge: Merge::EVERY, card: None, kind };
        match self.does(party, Command::Join(join)).into_iter().next() {
            Some((_, Event::Joined { room, .. })) => Ok(room),
            Some((_, Event::Refused { refusal, .. })) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    fn publishes(&mut self, party: PartyId, stream: &str, main: Option<&str>, about: Option<Body>) -> LinkId {
        let publish = Publish {
            stream: name(stream),
            main: main.map(name),
            kinds: Kinds::NONE,
            about,
            claim: None,
            tracks: None,
        };
        let told = self.does(party, Command::Publish(publish));
        let Some((_, Event::Reserved { link, .. })) = told.first() else { panic!("{told:?}") };
        *link
    }

    fn asks(&mut self, party: PartyId, query: Query) -> Result<Known, Refusal> {
        match self.does(party, Command::Query(query)).pop() {
            Some((_, Event::Known { known, .. })) => Ok(known),
            Some((_, Event::Refused { refusal, .. })) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_pair_has_room_for_two_who_negotiate_directly() {
    let mut stage = Stage::new(1);
    let (a, b, c) = (stage.party(), stage.party(), stage.party());
    let room = stage.joins(a, "p", "a", RoomKind::Pair).expect("there is a place");
    assert_eq!(stage.joins(b, "p", "b", RoomKind::Pair), Ok(room));
    assert_eq!(stage.joins(c, "p", "c", RoomKind::Pair), Err(Refusal::RoomFull));
    assert_eq!(stage.joins(c, "q", "c", RoomKind::Pair), Err(Refusal::TooManyRooms));
    let signal = Signal { kind: SignalKind::Offer, body: body("offer") };
    let to = Address::Member { room, name: name("b") };
    let told = stage.does(a, Command::Signal { to, signal });
    assert!(
        matches!(&told[..], [(party, Event::MemberSignal { from, .. })] if *party == b && from.as_str() == "a"),
        "{told:?}"
    );
    let told = stage.does(b, Command::Leave { room });
    let alone = |event: &Event| matches!(event, Event::Members { list, .. } if list.names == [name("a")]);
    assert!(matches!(&told[..], [(party, event)] if *party == a && alone(event)), "{told:?}");
    stage.does(a, Command::Leave { room });
    assert_eq!(stage.joins(c, "q", "c", RoomKind::Pair).map(|_| ()), Ok(()), "the place is free again");
}

/// Nor does a pair count as a room, or shows streams, or lets one in on a busy machine.
#[test]
fn a_pair_and_a_room_of_the_same_name_have_nothing_to_do_with_each_other() {
    let mut stage = Stage::new(1);
    let (a, b) = (stage.party(), stage.party());
    let link = stage.publishes(a, "a", Some("r"), None);
    stage.hub.on_media(stage.now, MediaEvent::Flowing { link }, &mut stage.out);
    stage.told();
    let pair = stage.joins(b, "r", "b", RoomKind::Pair).expect("a place");
    let room = stage.joins(b, "r", "b", RoomKind::Open).expect("a place");
    assert_ne!(pair, room);
    stage.does(b, Command::Leave { room });
    stage.hub.set_overloaded(true);
    let publish = Publish { stream: name("b"), main: None, kinds: Kinds::NONE, about: None, claim: None, tracks: None };
    let told = stage.does(b, Command::Publish(publish));
    assert!(matches!(told[..], [(_, Event::Refused { refusal: Refusal::Overloaded, .. })]), "{told:?}");
}

#[test]
fn who_asks_is_told_what_is_known_of_streams_and_rooms() {
    let mut stage = Stage::new(0);
    let (a, b, c) = (stage.party(), stage.party(), stage.party());
    assert_eq!(stage.asks(c, Query::Stream(name("r"))).map(drop), Err(Refusal::NoSuchStream));
    stage.joins(c, "r", "c", RoomKind::Open).expect("a place");
    let known = stage.asks(c, Query::Stream(name("r"))).expect("it is a room");
    assert!(known.own.is_none() && known.tracks.is_empty() && known.viewers == 0);
    stage.publishes(b, "bob", Some("r"), None);
    let link = stage.publishes(a, "alice", Some("r"), Some(body("one")));
    stage.hub.on_media(stage.now, MediaEvent::Flowing { link }, &mut stage.out);
    stage.told();
    stage.does(b, Command::Describe { link, about: Some(body("not his")) });
    let view = |about| View {
        stream: name("r"),
        selection: Selection::ALL,
        except: None,
        speaks: Speaks::ToAll,
        viewers: None,
        about: Some(body(about)),
        shape: patchbay_core::Shape::default(),
    };
    stage.does(b, Command::View(view("viewer b")));
    stage.does(c, Command::View(view("viewer c")));
    let known = stage.asks(c, Query::Stream(name("r"))).expect("it is known");
    let shown: Vec<_> = known
        .tracks
        .iter()
        .map(|track| (track.stream.as_str(), track.live, track.about.as_ref().map(Body::bytes)))
        .collect();
    assert_eq!(shown, [("alice", true, Some(&b"one"[..])), ("bob", false, None)]);
    assert_eq!((known.viewers, known.tracks[0].since, known.tracks[0].viewers), (2, stage.now, 0));
    stage.does(a, Command::Describe { link, about: Some(body("two")) });
    let known = stage.asks(c, Query::Stream(name("alice"))).expect("it is known");
    let own = known.own.expect("it is published");
    assert_eq!((own.main, own.about), (Some(name("r")), Some(body("two"))));
    let told = stage.does(a, Command::Query(Query::Viewers(name("r"))));
    let [(_, Event::Viewers { count: 2, about, .. })] = &told[..] else { panic!("{told:?}") };
    assert_eq!(about[..], [body("viewer b"), body("viewer c")]);
}
