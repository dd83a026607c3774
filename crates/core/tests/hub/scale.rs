//! The full size that seed 003 promises: 1,000 rooms of 50.

use std::time::Duration;

use patchbay_core::{
    Command, Counts, Effect, Effects, Event, Hub, Join, Lang, Limits, Merge, Moment, Name, Profile, Realm, RealmLimits,
    Refusal, Tag,
};

const ROOMS: usize = 1_000;
const MEMBERS: usize = 50;

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

#[test]
fn a_thousand_rooms_of_fifty_fill_refuse_the_next_and_empty_again() {
    let mut hub = Hub::new(0, Limits { realms: vec![RealmLimits::default()] });
    let mut out = Effects::new();
    let profile = Profile {
        realm: Realm(0),
        lang: Lang(1),
        peer_to_peer: true,
        one_call: false,
        transport: patchbay_core::Transport::default(),
    };
    let mut now = Moment::from_micros(1);
    let join = |room: usize, own: &str| {
        let (room, name) = (name(&format!("room {room}")), name(own));
        Command::Join(Join { room, name, merge: Merge::WINDOW, card: None, kind: patchbay_core::RoomKind::Open })
    };
    let mut parties = Vec::new();
    let (mut joined, mut lists) = (0, 0);
    let mut count = |out: &mut Effects| {
        for effect in out.drain() {
            match effect {
                Effect::Tell(_, Event::Joined { .. }) => joined += 1,
                Effect::Tell(_, Event::Members { .. }) => lists += 1,
                Effect::Tell(_, other) => panic!("told {other:?}"),
                Effect::Media(op) => panic!("nobody streams here: {op:?}"),
                Effect::Snapshot(_) => {}
            }
        }
    };
    // Round by round, so that every room changes all the time: 20 microseconds per join, 50 ms per window.
    for round in 0..MEMBERS {
        for room in 0..ROOMS {
            let party = hub.attach(profile, &mut out);
            hub.handle(now, party, Tag(1), join(room, &format!("m{round}")), &mut out);
            parties.push(party);
            now = now + Duration::from_micros(20);
            while hub.deadline().is_some_and(|at| at <= now) {
                hub.on_deadline(now, &mut out);
            }
            count(&mut out);
        }
    }
    let full = 50_000;
    assert_eq!(hub.counts(), Counts { parties: full, rooms: 1_000, members: full, ..Counts::default() });
    assert_eq!(hub.check(), []);
    let mut stranger = |hub: &mut Hub, room: usize| {
        let party = hub.attach(profile, &mut out);
        hub.handle(now, party, Tag(1), join(room, "stranger"), &mut out);
        hub.detach(now, party, &mut out);
        out.drain().find_map(|effect| match effect {
            Effect::Tell(_, Event::Refused { refusal, .. }) => Some(refusal),
            _ => None,
        })
    };
    assert_eq!(stranger(&mut hub, 0), Some(Refusal::RoomFull));
    assert_eq!(stranger(&mut hub, ROOMS), Some(Refusal::TooManyRooms));
    let mut out = Effects::new();
    for party in parties {
        hub.detach(now, party, &mut out);
        out.drain().for_each(drop);
    }
    assert_eq!(hub.counts(), Counts::default());
    assert_eq!(hub.check(), []);
    assert_eq!(joined, full);
    // Each join: one list to the joiner, and one to each who was in the room before, merged or not.
    assert!(lists >= full, "{lists} lists");
}
