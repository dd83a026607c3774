//! Rooms that are one across naming spaces, where they are full.

use patchbay_core::{Address, PartyId};
use patchbay_core::{
    Body, Command, Effect, Effects, Event, Hub, Join, Kinds, Lang, LegRole, Limits, LinkId, MediaEvent, MediaOp,
    MemberSpace, Moment, Name, Patch, Profile, Publish, Realm, RealmLimits, Signal, SignalKind, StreamSpace, Tag,
};

const MEMBERS: Profile = Profile {
    lang: Lang(0),
    realm: Realm(0),
    peer_to_peer: true,
    one_call: false,
    transport: patchbay_core::Transport::WebRtc(patchbay_core::Ice::Configured),
};
const STREAMS: Profile = Profile {
    lang: Lang(1),
    realm: Realm(1),
    peer_to_peer: false,
    one_call: false,
    transport: patchbay_core::Transport::WebRtc(patchbay_core::Ice::Configured),
};

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

/// A hub whose patched room has so many places, and everything that it did last.
struct Full {
    hub: Hub,
    out: Effects,
}

impl Full {
    fn new(members: usize) -> Self {
        let patch = Patch {
            room: name("demo"),
            members: MemberSpace {
                realm: MEMBERS.realm,
                room: name("demo"),
                stand_in: |stream, _| name(&format!("_{}", stream.as_str())),
                is_reserved: |name| name.as_str().starts_with('_'),
            },
            streams: StreamSpace {
                realm: STREAMS.realm,
                named: Vec::new(),
                of: vec![STREAMS.lang],
                seen_by: vec![STREAMS.lang],
                stream_of: |room, member| name(&format!("{}.{}", room.as_str(), member.as_str())),
            },
            pull: true,
        };
        let codecs = Some([patchbay_core::Codec::Opus].into());
        let streams = RealmLimits { codecs, ..RealmLimits::default() };
        let realms = vec![RealmLimits { members, ..RealmLimits::default() }, streams];
        Self { hub: Hub::patched(0, Limits { realms }, vec![patch]), out: Effects::new() }
    }

    fn attach(&mut self, profile: Profile) -> PartyId {
        let party = self.hub.attach(profile, &mut self.out);
        self.sound();
        party
    }

    fn say(&mut self, party: PartyId, command: Command) -> Vec<Effect> {
        self.hub.handle(Moment::START, party, Tag(1), command, &mut self.out);
        self.sound()
    }

    fn tell(&mut self, event: MediaEvent) -> Vec<Effect> {
        self.hub.on_media(Moment::START, event, &mut self.out);
        self.sound()
    }

    fn sound(&mut self) -> Vec<Effect> {
        let found = self.hub.check();
        assert!(found.is_empty(), "{found:?}");
        self.out.drain().collect()
    }

    fn member(&mut self, id: &str) -> (PartyId, Vec<Effect>) {
        let party = self.attach(MEMBERS);
        let done = self.say(
            party,
            Command::Join(Join {
                room: name("demo"),
                name: name(id),
                merge: patchbay_core::Merge::WINDOW,
                card: None,
                kind: patchbay_core::RoomKind::Open,
            }),
        );
        (party, done)
    }

    /// A stream that is live.
    fn stream(&mut self, id: &str) -> LinkId {
        let party = self.attach(STREAMS);
        let publish =
            Publish { stream: name(id), main: None, kinds: Kinds::NONE, about: None, claim: None, tracks: None };
        let link = opened(&self.say(party, Command::Publish(publish)));
        self.tell(MediaEvent::Flowing { link });
        link
    }
}

fn opened(done: &[Effect]) -> LinkId {
    let open = |effect: &Effect| match effect {
        Effect::Media(MediaOp::Open(open)) => Some(open.link),
        _ => None,
    };
    done.iter().find_map(open).expect("a leg is opened")
}

fn closes(done: &[Effect], link: LinkId) -> bool {
    done.iter().any(|effect| matches!(effect, Effect::Media(MediaOp::Close { link: closed }) if *closed == link))
}

/// Who is told that whom hangs up.
fn byes(done: &[Effect]) -> Vec<(PartyId, String)> {
    let bye = |effect: &Effect| match effect {
        Effect::Tell(party, Event::MemberSignal { from, signal, .. }) => {
            matches!(signal.kind, SignalKind::Bye(_)).then(|| (*party, from.as_str().to_owned()))
        }
        _ => None,
    };
    done.iter().filter_map(bye).collect()
}

fn names(full: &mut Full, party: PartyId) -> Vec<String> {
    let done = full.say(
        party,
        Command::Join(Join {
            room: name("demo"),
            name: name("alice"),
            merge: patchbay_core::Merge::WINDOW,
            card: None,
            kind: patchbay_core::RoomKind::Open,
        }),
    );
    let list = done.iter().find_map(|effect| match effect {
        Effect::Tell(told, Event::Members { list, .. }) if *told == party => Some(list),
        _ => None,
    });
    list.expect("who joins again is told the list").names.iter().map(|name| name.as_str().to_owned()).collect()
}

#[test]
fn who_loses_its_place_hangs_up_first_and_comes_back_when_there_is_one() {
    let mut full = Full::new(3);
    let (alice, joined) = full.member("alice");
    let room = joined
        .iter()
        .find_map(|effect| match effect {
            Effect::Tell(_, Event::Joined { room, .. }) => Some(*room),
            _ => None,
        })
        .expect("joined");
    let (first, second) = (full.stream("one"), full.stream("two"));
    assert_eq!(names(&mut full, alice), ["_one", "_two", "alice"]);
    let mut views = Vec::new();
    for (id, source) in [("_one", first), ("_two", second)] {
        let signal = Signal { kind: SignalKind::Offer, body: Body::new(Lang(0), b"v=0") };
        let done = full.say(alice, Command::Signal { to: Address::Member { room, name: name(id) }, signal });
        let open = done.iter().find_map(|effect| match effect {
            Effect::Media(MediaOp::Open(open)) => Some(open),
            _ => None,
        });
        let LegRole::Answer { tracks, .. } = &open.expect("a view").role else { panic!("the member offers") };
        assert_eq!(tracks[0].source, source);
        views.push(opened(&done));
    }

    let (bob, done) = full.member("bob");
    assert_eq!(byes(&done), [(alice, "_two".to_owned())]);
    assert!(closes(&done, views[1]) && !closes(&done, views[0]));
    assert_eq!(names(&mut full, alice), ["_one", "alice", "bob"]);

    full.hub.detach(Moment::START, bob, &mut full.out);
    full.sound();
    assert_eq!(names(&mut full, alice), ["_one", "_two", "alice"]);
}

#[test]
fn the_audience_hangs_up_where_there_is_no_place_for_it() {
    let mut full = Full::new(2);
    let (alice, _) = full.member("alice");
    let viewer = full.attach(STREAMS);
    let view = patchbay_core::View {
        stream: name("demo.alice"),
        selection: patchbay_core::Selection::ALL,
        except: None,
        speaks: patchbay_core::Speaks::No,
        viewers: None,
        about: None,
        shape: patchbay_core::Shape::default(),
    };
    let pull = opened(&full.say(viewer, Command::View(view.clone())));
    let (_bob, done) = full.member("bob");
    assert_eq!(byes(&done), [(alice, "_demo".to_owned())]);
    assert!(closes(&done, pull));
    let told = |effect: &Effect| matches!(effect, Effect::Tell(party, Event::Refused { .. }) if *party == viewer);
    assert!(done.iter().any(told), "who waits is told");
    let refused = full.say(viewer, Command::View(view));
    assert!(refused.iter().any(told), "a full room shows nobody outside");
}
