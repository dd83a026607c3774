//! The hub by behaviour. A `Stage` prints what is told as one short line each, so that a test reads like a protocol.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Hub;
use crate::{
    Address, Body, CallState, CauseKind, Command, Counts, Effect, Effects, Event, Join, Lang, Limits, LinkId, Merge,
    Moment, Name, PartyId, Presence, Profile, Realm, RealmLimits, RoomId, Signal, SignalKind, Tag, Token,
};

struct Stage {
    hub: Hub,
    out: Effects,
    now: Moment,
    labels: BTreeMap<PartyId, &'static str>,
    rooms: BTreeMap<String, RoomId>,
    link: Option<LinkId>,
    counts: Counts,
}

const WINDOW: Duration = Duration::from_millis(50);

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

fn profile(realm: u16) -> Profile {
    Profile {
        realm: Realm(realm),
        lang: Lang(1),
        peer_to_peer: true,
        one_call: true,
        transport: crate::Transport::default(),
    }
}

impl Stage {
    fn new() -> Self {
        Self::with(RealmLimits::default())
    }

    fn with(limits: RealmLimits) -> Self {
        Self {
            hub: Hub::new(0, Limits { realms: vec![limits; 2] }),
            out: Effects::new(),
            now: Moment::from_micros(5_000_000),
            labels: BTreeMap::new(),
            rooms: BTreeMap::new(),
            link: None,
            counts: Counts::default(),
        }
    }

    /// A party that is called `label` in what is told.
    fn party(&mut self, label: &'static str) -> PartyId {
        self.party_as(label, profile(0))
    }

    fn party_as(&mut self, label: &'static str, profile: Profile) -> PartyId {
        let party = self.hub.attach(profile, &mut self.out);
        self.labels.insert(party, label);
        assert!(self.told().is_empty(), "attaching tells nobody anything");
        party
    }

    fn parties<const N: usize>(&mut self, labels: [&'static str; N]) -> [PartyId; N] {
        labels.map(|label| self.party(label))
    }

    fn does(&mut self, party: PartyId, command: Command) -> Vec<String> {
        self.hub.handle(self.now, party, Tag(9), command, &mut self.out);
        self.told()
    }

    fn joins(&mut self, party: PartyId, room: &str, own: &str) -> Vec<String> {
        self.joins_with(party, room, own, Merge::WINDOW)
    }

    fn joins_with(&mut self, party: PartyId, room: &str, own: &str, merge: Merge) -> Vec<String> {
        self.does(
            party,
            Command::Join(Join { room: name(room), name: name(own), merge, card: None, kind: crate::RoomKind::Open }),
        )
    }

    fn leaves(&mut self, party: PartyId, room: &str) -> Vec<String> {
        let room = self.rooms[room];
        self.does(party, Command::Leave { room })
    }

    fn registers(&mut self, party: PartyId, own: &str) -> Vec<String> {
        self.does(party, Command::Register { name: name(own), merge: Merge::EVERY })
    }

    fn calls(&mut self, party: PartyId, to: &str, token: &str) -> Vec<String> {
        self.does(party, Command::Call { to: name(to), token: Token::new(token) })
    }

    fn signals(&mut self, party: PartyId, room: &str, to: &str) -> Vec<String> {
        let to = Address::Member { room: self.rooms[room], name: name(to) };
        self.does(party, Command::Signal { to, signal: offer() })
    }

    fn goes(&mut self, party: PartyId) -> Vec<String> {
        self.hub.detach(self.now, party, &mut self.out);
        self.told()
    }

    /// Time passes, and what is due in it is done.
    fn wait(&mut self, span: Duration) -> Vec<String> {
        let until = self.now + span;
        let mut told = Vec::new();
        while let Some(at) = self.hub.deadline().filter(|at| *at <= until) {
            self.now = at;
            self.hub.on_deadline(self.now, &mut self.out);
            told.extend(self.told());
        }
        self.now = until;
        told
    }

    fn link(&self) -> LinkId {
        self.link.expect("a call was opened")
    }

    /// What was told, and that nothing is broken.
    fn told(&mut self) -> Vec<String> {
        let effects: Vec<Effect> = self.out.drain().collect();
        let told = effects.into_iter().filter_map(|effect| match effect {
            Effect::Tell(party, event) => Some(self.line(party, &event)),
            Effect::Media(op) => panic!("nobody streams here: {op:?}"),
            Effect::Snapshot(counts) => {
                self.counts = counts;
                None
            }
        });
        let told = told.collect();
        assert_eq!(self.hub.check(), [], "after {told:?}");
        assert_eq!(self.counts, self.hub.counts(), "a snapshot was forgotten");
        told
    }

    fn line(&mut self, party: PartyId, event: &Event) -> String {
        let who = self.labels.get(&party).copied().unwrap_or("gone");
        let tagged = |tag: &Tag| if *tag == Tag(9) { "" } else { " (untagged)" };
        match event {
            Event::Joined { tag, room, room_name, name } => {
                self.rooms.insert(room_name.as_str().to_owned(), *room);
                format!("{who} joined {} as {}{}", room_name.as_str(), name.as_str(), tagged(tag))
            }
            Event::Members { room_name, list, replaceable, .. } => {
                let names: Vec<&str> = list.names.iter().map(Name::as_str).collect();
                let kind = if *replaceable { "sees" } else { "must see" };
                format!("{who} {kind} {} {} v{}", room_name.as_str(), names.join(","), list.version)
            }
            Event::Registered { tag, name } => format!("{who} registered {}{}", name.as_str(), tagged(tag)),
            Event::Refused { tag, refusal } => format!("{who} refused {refusal:?}{}", tagged(tag)),
            Event::MemberSignal { from, .. } => format!("{who} hears {}", from.as_str()),
            Event::CallSignal { .. } => format!("{who} hears the call"),
            Event::CallChanged { tag, link, token, with, caller, state } => {
                self.link = Some(*link);
                let token = token.as_ref().map_or("-", Token::as_str);
                let end = if *caller { "caller" } else { "callee" };
                format!("{who} {end} {state:?} with {} {token}{}", with.as_str(), tagged(tag))
            }
            Event::Ended { tag, with, cause, .. } => {
                format!("{who} ended {:?} with {}{}", cause.kind, with.as_str(), tagged(tag))
            }
            Event::Posted { from, .. } => format!("{who} got a post of {}", from.as_str()),
            Event::Presence { list, replaceable } => {
                let entry = |entry: &crate::PresenceEntry| {
                    let mark = if entry.presence == Presence::InCall { "*" } else { "" };
                    format!("{}{mark}", entry.name.as_str())
                };
                let entries: Vec<String> = list.entries.iter().map(entry).collect();
                let kind = if *replaceable { "sees" } else { "must see" };
                format!("{who} {kind} present {}", entries.join(","))
            }
            event => panic!("nobody streams here: {event:?}"),
        }
    }
}

fn offer() -> Signal {
    Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), b"v=0") }
}

/// What is told apart from presence lists, which calls change as well.
fn without_presence(told: Vec<String>) -> Vec<String> {
    told.into_iter().filter(|line| !line.contains(" present ")).collect()
}

#[test]
fn joined_comes_before_the_list_and_the_others_hear_at_once() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    assert_eq!(stage.joins(a, "r", "alice"), ["a joined r as alice", "a sees r alice v1"]);
    assert_eq!(stage.joins(b, "r", "bob"), ["b joined r as bob", "b sees r alice,bob v2", "a sees r alice,bob v2"]);
}

#[test]
fn members_are_sorted_by_bytes() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "r", "b");
    stage.joins(b, "r", "Z");
    assert_eq!(stage.joins(c, "r", "_")[1], "c sees r Z,_,b v3");
}

#[test]
fn changes_within_a_window_are_told_as_one_list_at_its_end() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.parties(["a", "b", "c", "d"]);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    // The joiners see their lists at once; a and b have had theirs for this window.
    assert_eq!(stage.joins(c, "r", "c"), ["c joined r as c", "c sees r a,b,c v3"]);
    assert_eq!(stage.joins(d, "r", "d"), ["d joined r as d", "d sees r a,b,c,d v4"]);
    assert_eq!(stage.wait(WINDOW - Duration::from_millis(1)), [""; 0]);
    let expected = ["a sees r a,b,c,d v4", "b sees r a,b,c,d v4", "c sees r a,b,c,d v4"];
    assert_eq!(stage.wait(Duration::from_millis(1)), expected);
    assert_eq!(stage.wait(WINDOW * 10), [""; 0]);
}

#[test]
fn a_trailing_list_opens_a_window_of_its_own() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.parties(["a", "b", "c", "d"]);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    stage.joins(c, "r", "c");
    assert_eq!(stage.wait(WINDOW), ["a sees r a,b,c v3", "b sees r a,b,c v3"]);
    assert_eq!(stage.joins(d, "r", "d").len(), 2, "a list went out a moment ago");
    assert_eq!(stage.wait(WINDOW).len(), 3);
    assert_eq!(stage.wait(WINDOW), [""; 0]);
    assert_eq!(stage.leaves(d, "r").len(), 3, "the window is over: the first change is told at once");
}

#[test]
fn a_first_member_opens_no_window() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.joins(a, "r", "a");
    assert!(stage.joins(b, "r", "b").contains(&"a sees r a,b v2".to_owned()));
}

#[test]
fn joining_again_repeats_the_list_to_everybody_even_within_a_window() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    stage.joins(c, "r", "c");
    let expected = ["b joined r as b", "a must see r a,b,c v4", "b must see r a,b,c v4", "c must see r a,b,c v4"];
    assert_eq!(stage.joins(b, "r", "b"), expected);
    // The list that waited is told by this one: an older version must not follow, and nothing is left to wake for.
    assert_eq!(stage.hub.deadline(), None);
    assert_eq!(stage.wait(WINDOW * 2), [""; 0]);
    assert_eq!(stage.hub.counts().members, 3);
}

#[test]
fn who_wants_every_list_gets_each_at_once() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.parties(["a", "b", "c", "d"]);
    stage.joins_with(a, "r", "a", Merge { every_up_to: 3 });
    stage.joins(b, "r", "b");
    assert!(stage.joins(c, "r", "c").contains(&"a must see r a,b,c v3".to_owned()));
    // Above its bound it is merged like the others.
    assert_eq!(stage.joins(d, "r", "d"), ["d joined r as d", "d sees r a,b,c,d v4"]);
    let expected = ["a sees r a,b,c,d v4", "b sees r a,b,c,d v4", "c sees r a,b,c,d v4"];
    assert_eq!(stage.wait(WINDOW), expected);
}

#[test]
fn a_leaver_hears_nothing_and_its_waiting_list_is_dropped() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    stage.joins(c, "r", "c");
    assert_eq!(stage.leaves(b, "r"), [""; 0]);
    assert_eq!(stage.wait(WINDOW), ["a sees r a,c v4", "c sees r a,c v4"]);
}

#[test]
fn leaving_a_room_one_is_not_in_is_ignored() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.joins(a, "r", "a");
    assert_eq!(stage.leaves(b, "r"), [""; 0]);
    assert_eq!(stage.leaves(a, "r"), [""; 0]);
    assert_eq!(stage.leaves(a, "r"), [""; 0]);
    assert_eq!(stage.hub.counts().rooms, 0);
}

#[test]
fn a_list_that_waits_dies_with_its_room() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    for (party, own) in [(a, "a"), (b, "b"), (c, "c")] {
        stage.joins(party, "r", own);
    }
    for party in [a, b, c] {
        assert_eq!(stage.leaves(party, "r"), [""; 0]);
    }
    assert_eq!(stage.hub.deadline(), None);
    let before = stage.rooms["r"];
    assert_eq!(stage.joins(a, "r", "a"), ["a joined r as a", "a sees r a v1"]);
    assert_ne!(stage.rooms["r"], before, "a room that was made anew has another id");
}

#[test]
fn a_taken_name_is_refused_and_changes_nothing() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.joins(a, "r", "a");
    assert_eq!(stage.joins(b, "r", "a"), ["b refused NameTaken"]);
    assert_eq!(stage.joins(a, "r", "other"), ["a refused NameTaken"]);
    assert_eq!(stage.hub.counts(), Counts { parties: 2, rooms: 1, members: 1, ..Counts::default() });
}

#[test]
fn a_full_room_refuses_the_next_member_until_one_leaves() {
    let mut stage = Stage::with(RealmLimits { members: 2, ..RealmLimits::default() });
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    assert_eq!(stage.joins(c, "r", "c"), ["c refused RoomFull"]);
    assert_eq!(stage.joins(c, "r", "a"), ["c refused NameTaken"], "a taken name is the nearer reason");
    assert_eq!(stage.joins(b, "r", "b").len(), 3, "who is in may join again");
    stage.goes(a);
    assert_eq!(stage.joins(c, "r", "c")[0], "c joined r as c");
}

#[test]
fn a_freed_room_makes_space_at_once() {
    let mut stage = Stage::with(RealmLimits { rooms: 2, ..RealmLimits::default() });
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "one", "a");
    stage.joins(b, "two", "b");
    assert_eq!(stage.joins(c, "three", "c"), ["c refused TooManyRooms"]);
    assert_eq!(stage.joins(c, "two", "c")[0], "c joined two as c", "a room that exists is no new one");
    stage.leaves(c, "two");
    stage.leaves(a, "one");
    assert_eq!(stage.joins(c, "three", "c")[0], "c joined three as c");
}

#[test]
fn a_room_without_places_is_never_made() {
    let mut stage = Stage::with(RealmLimits { members: 0, ..RealmLimits::default() });
    let a = stage.party("a");
    assert_eq!(stage.joins(a, "r", "a"), ["a refused RoomFull"]);
    assert_eq!(stage.hub.counts().rooms, 0);
}

#[test]
fn realms_with_equal_names_do_not_meet() {
    let mut stage = Stage::with(RealmLimits { rooms: 1, ..RealmLimits::default() });
    let (a, b) = (stage.party("a"), stage.party_as("b", profile(1)));
    stage.joins(a, "r", "same");
    assert_eq!(stage.joins(b, "r", "same"), ["b joined r as same", "b sees r same v1"]);
    assert_eq!(stage.signals(b, "r", "same"), ["b refused Oneself"]);
    assert_eq!(stage.registers(a, "x"), ["a registered x", "a must see present x"]);
    assert_eq!(stage.registers(b, "x"), ["b registered x", "b must see present x"]);
    assert_eq!(stage.calls(a, "y", "t"), ["a refused NoSuchParty"]);
}

#[test]
fn a_signal_reaches_one_member_and_only_from_a_member() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    assert_eq!(stage.signals(a, "r", "b"), ["b hears a"]);
    assert_eq!(stage.signals(a, "r", "a"), ["a refused Oneself"]);
    assert_eq!(stage.signals(a, "r", "nobody"), ["a refused NoSuchParty"]);
    assert_eq!(stage.signals(c, "r", "b"), ["c refused NotMember"]);
    stage.leaves(b, "r");
    assert_eq!(stage.signals(a, "r", "b"), ["a refused NoSuchParty"]);
    stage.leaves(a, "r");
    assert_eq!(stage.signals(a, "r", "b"), ["a refused NoSuchRoom"]);
}

#[test]
fn a_member_of_another_dialect_is_out_of_reach_without_an_engine() {
    let mut stage = Stage::new();
    let a = stage.party("a");
    let b = stage.party_as("b", Profile { lang: Lang(2), ..profile(0) });
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    assert_eq!(stage.signals(a, "r", "b"), ["a refused NoEngine"]);
}

#[test]
fn a_party_that_goes_leaves_all_its_rooms() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    stage.joins(a, "one", "a");
    stage.joins(a, "two", "a");
    stage.joins(b, "one", "b");
    stage.joins(c, "two", "c");
    stage.wait(WINDOW);
    assert_eq!(stage.goes(a), ["b sees one b v3", "c sees two c v3"]);
    assert_eq!(stage.goes(a), [""; 0], "it is gone already");
    assert_eq!(stage.joins(a, "one", "a"), [""; 0], "commands of the gone are ignored");
}

#[test]
fn a_slot_is_used_again_under_another_generation() {
    let mut stage = Stage::new();
    let a = stage.party("a");
    stage.goes(a);
    let b = stage.party("b");
    assert_eq!(a.slot(), b.slot());
    assert_ne!(a, b);
    assert_eq!(stage.joins(a, "r", "a"), [""; 0], "the late command is not the newcomer's");
}

#[test]
fn a_name_is_registered_once_and_free_after_its_party_went() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    assert_eq!(stage.registers(a, "x"), ["a registered x", "a must see present x"]);
    assert_eq!(stage.registers(a, "y"), ["a refused Registered"]);
    assert_eq!(stage.registers(b, "x"), ["b refused NameTaken"]);
    stage.goes(a);
    assert_eq!(stage.registers(b, "x"), ["b registered x", "b must see present x"]);
}

#[test]
fn presence_lists_stand_in_the_order_of_registration_and_show_calls() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.registers(a, "zoe");
    let expected = ["b registered adam", "a must see present zoe,adam", "b must see present zoe,adam"];
    assert_eq!(stage.registers(b, "adam"), expected);
    let told = stage.calls(a, "adam", "t");
    assert_eq!(told[2..], ["a must see present zoe*,adam*", "b must see present zoe*,adam*"]);
    assert_eq!(stage.goes(b).last().map(String::as_str), Some("a must see present zoe"));
}

#[test]
fn presence_is_merged_for_who_wants_it_merged() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.parties(["a", "b", "c", "d"]);
    let registers = |stage: &mut Stage, party, own: &str| {
        stage.does(party, Command::Register { name: name(own), merge: Merge::WINDOW })
    };
    assert_eq!(registers(&mut stage, a, "a"), ["a registered a", "a sees present a"]);
    assert_eq!(registers(&mut stage, b, "b"), ["b registered b"]);
    assert_eq!(stage.registers(c, "c"), ["c registered c", "c must see present a,b,c"]);
    assert_eq!(registers(&mut stage, d, "d"), ["d registered d", "c must see present a,b,c,d"]);
    let expected = ["a sees present a,b,c,d", "b sees present a,b,c,d", "d sees present a,b,c,d"];
    assert_eq!(stage.wait(WINDOW), expected);
    assert_eq!(stage.wait(WINDOW * 4), [""; 0]);
}

#[test]
fn a_call_goes_from_ring_to_accept_to_hangup() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.registers(a, "a");
    stage.registers(b, "b");
    let told = without_presence(stage.calls(a, "b", "tok"));
    assert_eq!(told, ["a caller New with b tok", "b callee New with a tok (untagged)"]);
    let link = stage.link();
    let told = stage.does(b, Command::Ring { link });
    assert_eq!(told, ["a caller Ringing with b tok (untagged)", "b callee Ringing with a tok"]);
    assert_eq!(stage.does(b, Command::Ring { link }), [""; 0], "that is no news");
    let told = stage.does(b, Command::Accept { link });
    assert_eq!(told, ["a caller Active with b tok (untagged)", "b callee Active with a tok"]);
    let to = Address::Link(link);
    assert_eq!(stage.does(a, Command::Signal { to: to.clone(), signal: offer() }), ["b hears the call"]);
    assert_eq!(stage.does(b, Command::Signal { to, signal: offer() }), ["a hears the call"]);
    let told = without_presence(stage.does(b, Command::Hangup { link, cause: CauseKind::Declined.into() }));
    assert_eq!(told, ["a ended Declined with b (untagged)", "b ended Declined with a"]);
    let told = stage.does(b, Command::Hangup { link, cause: CauseKind::Hangup.into() });
    assert_eq!(told, ["b refused NoSuchLink"]);
}

#[test]
fn a_call_that_was_taken_may_ring_and_be_taken_again() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.registers(a, "a");
    stage.registers(b, "b");
    stage.calls(a, "b", "t");
    let link = stage.link();
    stage.does(b, Command::Accept { link });
    let told = stage.does(a, Command::Ring { link });
    assert_eq!(told, ["a caller Ringing with b t", "b callee Ringing with a t (untagged)"]);
    let told = stage.does(b, Command::Accept { link });
    assert_eq!(told, ["a caller Active with b t (untagged)", "b callee Active with a t"]);
}

#[test]
fn only_the_two_ends_may_touch_a_call() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    for (party, own) in [(a, "a"), (b, "b"), (c, "c")] {
        stage.registers(party, own);
    }
    stage.calls(a, "b", "t");
    let link = stage.link();
    for command in [
        Command::Ring { link },
        Command::Accept { link },
        Command::Hangup { link, cause: CauseKind::Hangup.into() },
        Command::Signal { to: Address::Link(link), signal: offer() },
    ] {
        assert_eq!(stage.does(c, command), ["c refused NoSuchLink"]);
    }
    assert_eq!(stage.hub.counts().calls, 1);
}

#[test]
fn tokens_are_unique_while_their_call_lasts_and_within_their_realm() {
    let mut stage = Stage::new();
    let [a, b, c, d] = stage.parties(["a", "b", "c", "d"]);
    let (e, f) = (stage.party_as("e", profile(1)), stage.party_as("f", profile(1)));
    for (party, own) in [(a, "a"), (b, "b"), (c, "c"), (d, "d"), (e, "e"), (f, "f")] {
        stage.registers(party, own);
    }
    stage.calls(a, "b", "same");
    let link = stage.link();
    assert_eq!(stage.calls(c, "d", "same"), ["c refused TokenTaken"]);
    assert_eq!(without_presence(stage.calls(e, "f", "same"))[0], "e caller New with f same");
    stage.does(a, Command::Hangup { link, cause: CauseKind::Cancelled.into() });
    assert_eq!(without_presence(stage.calls(c, "d", "same"))[0], "c caller New with d same");
}

#[test]
fn who_is_in_a_call_is_busy() {
    let mut stage = Stage::new();
    let [a, b, c] = stage.parties(["a", "b", "c"]);
    for (party, own) in [(a, "a"), (b, "b"), (c, "c")] {
        stage.registers(party, own);
    }
    stage.calls(a, "b", "t");
    assert_eq!(stage.calls(c, "a", "u"), ["c refused Busy"]);
    assert_eq!(stage.calls(c, "b", "u"), ["c refused Busy"]);
    assert_eq!(stage.calls(a, "c", "u"), ["a refused InCall"]);
    let link = stage.link();
    stage.does(b, Command::Hangup { link, cause: CauseKind::Hangup.into() });
    assert_eq!(without_presence(stage.calls(c, "a", "u")).len(), 2);
}

#[test]
fn who_may_be_in_many_calls_is_never_busy() {
    let mut stage = Stage::new();
    let many = Profile { one_call: false, ..profile(0) };
    let [a, b, c] = ["a", "b", "c"].map(|label| stage.party_as(label, many));
    for (party, own) in [(a, "a"), (b, "b"), (c, "c")] {
        stage.registers(party, own);
    }
    stage.calls(a, "b", "one");
    stage.calls(a, "c", "two");
    stage.calls(c, "a", "three");
    assert_eq!(stage.hub.counts().calls, 3);
    stage.goes(a);
    assert_eq!(stage.hub.counts().calls, 0);
}

#[test]
fn calling_needs_a_name_of_ones_own_and_somebody_else() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.registers(b, "b");
    assert_eq!(stage.calls(a, "b", "t"), ["a refused NotRegistered"]);
    assert_eq!(stage.calls(b, "b", "t"), ["b refused Oneself"]);
    assert_eq!(stage.calls(b, "nobody", "t"), ["b refused NoSuchParty"]);
}

#[test]
fn a_party_that_goes_ends_its_calls() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    stage.registers(a, "a");
    stage.registers(b, "b");
    stage.calls(a, "b", "t");
    assert!(stage.goes(a).contains(&"b ended Gone with a (untagged)".to_owned()));
    assert_eq!(stage.hub.counts(), Counts { parties: 1, registered: 1, ..Counts::default() });
}

#[test]
fn a_call_signal_to_another_dialect_needs_an_engine() {
    let mut stage = Stage::new();
    let a = stage.party("a");
    let b = stage.party_as("b", Profile { lang: Lang(2), ..profile(0) });
    stage.registers(a, "a");
    stage.registers(b, "b");
    stage.calls(a, "b", "t");
    let to = Address::Link(stage.link());
    assert_eq!(stage.does(a, Command::Signal { to, signal: offer() }), ["a refused NoEngine"]);
}

#[test]
fn a_post_needs_two_registered_parties() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    let post = |to: &str| Command::Post { to: name(to), body: Body::new(Lang(1), b"hello") };
    stage.registers(b, "b");
    assert_eq!(stage.does(a, post("b")), ["a refused NotRegistered"]);
    stage.registers(a, "a");
    assert_eq!(stage.does(a, post("b")), ["b got a post of a"]);
    assert_eq!(stage.does(a, post("nobody")), ["a refused NoSuchParty"]);
}

#[test]
fn nothing_is_due_when_nothing_waits() {
    let mut stage = Stage::new();
    let [a, b] = stage.parties(["a", "b"]);
    assert_eq!(stage.hub.deadline(), None);
    stage.joins(a, "r", "a");
    stage.joins(b, "r", "b");
    assert_eq!(stage.hub.deadline(), None, "both have seen the list");
    stage.joins(a, "r", "a");
    stage.leaves(b, "r");
    assert_eq!(stage.hub.deadline(), Some(stage.now + WINDOW));
}

#[test]
fn call_states_rise() {
    assert!(CallState::New < CallState::Ringing && CallState::Ringing < CallState::Active);
}

/// A list to everybody costs the square of their number, so in a large realm it comes less often.
#[test]
fn the_presence_window_of_a_large_realm_grows_with_the_square_of_its_parties() {
    for (parties, factor) in [(10, 1), (1_000, 1), (2_000, 4)] {
        let mut stage = Stage::new();
        for number in 0..parties {
            let party = stage.hub.attach(profile(0), &mut stage.out);
            let command = Command::Register { name: name(&number.to_string()), merge: Merge::WINDOW };
            stage.hub.handle(stage.now, party, Tag(9), command, &mut stage.out);
        }
        // The trailing list of the first window opens the one that counts.
        stage.now = stage.now + WINDOW;
        stage.hub.on_deadline(stage.now, &mut stage.out);
        let party = stage.hub.attach(profile(0), &mut stage.out);
        let command = Command::Register { name: name("one more"), merge: Merge::WINDOW };
        stage.hub.handle(stage.now, party, Tag(9), command, &mut stage.out);
        assert_eq!(stage.hub.deadline(), Some(stage.now + WINDOW * factor), "{parties} parties");
        assert!(stage.hub.check().is_empty());
    }
}
