//! Registered names that are given up, taken over by rank, and listed.

use patchbay_core::{
    CauseKind, Command, Effect, Effects, Event, Hub, Lang, Limits, LinkId, Merge, Moment, Name, PartyId, Presence,
    Profile, Query, Realm, RealmLimits, Refusal, Tag, Transport,
};

const TAG: Tag = Tag(7);

struct Stage {
    hub: Hub,
    out: Effects,
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

impl Stage {
    fn new(presence: bool) -> Self {
        let realms = vec![RealmLimits { presence, ..RealmLimits::default() }];
        Self { hub: Hub::new(0, Limits { realms }), out: Effects::new() }
    }

    fn party(&mut self) -> PartyId {
        let (realm, lang, transport) = (Realm(0), Lang(0), Transport::default());
        self.hub.attach(Profile { realm, lang, peer_to_peer: true, one_call: true, transport }, &mut self.out)
    }

    fn does(&mut self, party: PartyId, command: Command) -> Vec<(PartyId, Event)> {
        self.hub.handle(Moment::START, party, TAG, command, &mut self.out);
        let found = self.hub.check();
        assert!(found.is_empty(), "{found:?}");
        let told = |effect| match effect {
            Effect::Tell(party, event) => Some((party, event)),
            Effect::Media(_) | Effect::Snapshot(_) => None,
        };
        self.out.drain().filter_map(told).collect()
    }

    fn registers(&mut self, party: PartyId, own: &str) -> Vec<(PartyId, Event)> {
        self.does(party, Command::Register { name: name(own), merge: Merge::EVERY })
    }

    fn supersedes(&mut self, party: PartyId, own: &str, rank: u64) -> Vec<(PartyId, Event)> {
        self.does(party, Command::Supersede { name: name(own), merge: Merge::EVERY, rank })
    }

    fn calls(&mut self, party: PartyId, to: &str) -> LinkId {
        let told = self.does(party, Command::Call { to: name(to), token: None });
        let link = told.iter().find_map(|(_, event)| match event {
            Event::CallChanged { link, .. } => Some(*link),
            _ => None,
        });
        link.unwrap_or_else(|| panic!("no call: {told:?}"))
    }
}

fn is_registered(told: &[(PartyId, Event)], party: PartyId) -> bool {
    matches!(told, [(to, Event::Registered { tag: TAG, .. })] if *to == party)
}

fn is_refused(told: &[(PartyId, Event)], party: PartyId, why: Refusal) -> bool {
    matches!(told, [(to, Event::Refused { tag: TAG, refusal })] if *to == party && *refusal == why)
}

#[test]
fn who_gives_up_its_name_in_a_call_goes_on_with_it_while_another_has_the_name() {
    let mut stage = Stage::new(false);
    let [room, caller, next, other] = [(); 4].map(|()| stage.party());
    stage.registers(room, "room");
    stage.registers(caller, "caller");
    let link = stage.calls(caller, "room");
    assert!(is_refused(&stage.registers(next, "room"), next, Refusal::NameTaken));
    assert!(stage.does(room, Command::Unregister).is_empty());
    assert!(stage.does(room, Command::Unregister).is_empty(), "who has none");
    assert!(is_registered(&stage.registers(next, "room"), next));
    // The call goes on, and its ends know each other by the old names.
    stage.registers(other, "other");
    stage.calls(other, "room");
    let told = stage.does(room, Command::Hangup { link, cause: CauseKind::Hangup.into() });
    assert!(
        matches!(&told[..], [(a, Event::Ended { with: from, .. }), (b, Event::Ended { .. })]
            if *a == caller && *b == room && from.as_str() == "room"),
        "{told:?}"
    );
    assert!(is_registered(&stage.registers(room, "again"), room), "it is free to take another");
}

#[test]
fn a_larger_rank_takes_the_name_of_who_is_free_and_of_nobody_else() {
    let mut stage = Stage::new(false);
    let [first, second, plain, caller] = [(); 4].map(|()| stage.party());
    assert!(is_registered(&stage.supersedes(first, "room", 5), first));
    for rank in [0, 5] {
        assert!(is_refused(&stage.supersedes(second, "room", rank), second, Refusal::NameTaken), "rank {rank}");
    }
    assert!(is_refused(&stage.registers(plain, "room"), plain, Refusal::NameTaken), "without a rank");
    let told = stage.supersedes(second, "room", 6);
    assert!(
        matches!(&told[..], [(loser, Event::Displaced { name }), (winner, Event::Registered { tag: TAG, .. })]
            if *loser == first && *winner == second && name.as_str() == "room"),
        "{told:?}"
    );
    // Nobody takes the name of who is in a call.
    stage.registers(caller, "caller");
    stage.calls(caller, "room");
    assert!(is_refused(&stage.supersedes(first, "room", 9), first, Refusal::NameTaken));
    // Nor that of who has it without a rank.
    stage.registers(plain, "plain");
    assert!(is_refused(&stage.supersedes(first, "plain", u64::MAX), first, Refusal::NameTaken));
}

#[test]
fn presence_lists_follow() {
    let mut stage = Stage::new(true);
    let [watcher, first, second] = [(); 3].map(|()| stage.party());
    stage.registers(watcher, "a");
    let listed = |told: &[(PartyId, Event)]| {
        let mut lists = told.iter().filter_map(|(to, event)| match event {
            Event::Presence { list, .. } if *to == watcher => {
                Some(list.entries.iter().map(|entry| entry.name.as_str().to_owned()).collect::<Vec<_>>())
            }
            _ => None,
        });
        lists.next_back().unwrap_or_default()
    };
    assert_eq!(listed(&stage.supersedes(first, "room", 1)), ["a", "room"]);
    let told = stage.supersedes(second, "room", 2);
    assert_eq!(listed(&told), ["a", "room"]);
    assert!(!told.iter().any(|(to, event)| *to == first && matches!(event, Event::Presence { .. })), "{told:?}");
    assert_eq!(listed(&stage.does(second, Command::Unregister)), ["a"]);
}

#[test]
fn names_are_listed_page_by_page_with_what_their_holders_do() {
    let mut stage = Stage::new(false);
    for own in ["c", "a", "b", "d"] {
        let party = stage.party();
        stage.registers(party, own);
    }
    let asker = stage.party();
    stage.registers(asker, "asker");
    stage.calls(asker, "c");
    let mut page = |after: Option<&str>, most| {
        let query = Query::Names { after: after.map(name), most };
        match &stage.does(asker, Command::Query(query))[..] {
            [(to, Event::Names { tag: TAG, names, more })] if *to == asker => {
                let names = names.iter().map(|(name, presence)| (name.as_str().to_owned(), *presence));
                (names.collect::<Vec<_>>(), *more)
            }
            told => panic!("{told:?}"),
        }
    };
    let entry = |name: &str, presence| (name.to_owned(), presence);
    let (free, busy) = (Presence::Free, Presence::InCall);
    assert_eq!(page(None, 2), (vec![entry("a", free), entry("asker", busy)], true));
    assert_eq!(page(Some("asker"), 2), (vec![entry("b", free), entry("c", busy)], true));
    assert_eq!(page(Some("c"), 2), (vec![entry("d", free)], false));
    assert_eq!(page(Some("bb"), usize::MAX), (vec![entry("c", busy), entry("d", free)], false));
    assert_eq!(page(Some("d"), 9), (vec![], false));
    assert_eq!(page(None, 0), (vec![], true));
}
