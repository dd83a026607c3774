//! Random lives of the hub: after each move it is sound, agrees with the model, and tells every party things in an
//! order that makes sense.

use std::collections::BTreeMap;
use std::time::Duration;

use patchbay_core::{
    Address, Body, CauseKind, Command, Effect, Effects, Event, EventQueue, Hub, Join, Lang, Limits, LinkId, MemberList,
    Merge, Moment, Name, PartyId, Profile, Realm, RealmLimits, Refusal, RoomId, Signal, SignalKind, Tag, Token,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};

use crate::model::{MEMBERS, Model, Party, ROOMS, Who};
use crate::moves::{Draw, Move, draws};

const TAG: Tag = Tag(77);
const WINDOW: Duration = Duration::from_millis(50);

/// The same lives in every run; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` choose others and more.
#[expect(clippy::print_stdout, reason = "the harness shows it with a failure")]
pub(crate) fn config() -> Config {
    let given = Config::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1003),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    // Shown with a failure, to repeat it.
    println!("PROPTEST_RNG_SEED: {rng_seed:?}");
    Config { rng_seed, failure_persistence: None, ..given }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_hub_agrees_with_the_model(draws in draws(250)) {
        let mut life = Life::new();
        for draw in draws {
            life.step(draw)?;
        }
        life.end()?;
    }

    #[test]
    fn equal_moves_have_equal_effects(draws in draws(120)) {
        let tell = || {
            let mut life = Life::new();
            for draw in &draws {
                life.step(*draw)?;
            }
            Ok::<_, TestCaseError>(life.transcript)
        };
        prop_assert_eq!(tell()?, tell()?);
    }
}

struct Life {
    hub: Hub,
    model: Model,
    now: Moment,
    out: Effects,
    ids: BTreeMap<Who, PartyId>,
    numbers: BTreeMap<PartyId, Who>,
    ears: BTreeMap<Who, Ear>,
    rooms: BTreeMap<(u16, String), RoomId>,
    links: BTreeMap<usize, LinkId>,
    /// Every effect, as text.
    transcript: Vec<String>,
}

/// What one party has been told, and what it may conclude.
#[derive(Default)]
struct Ear {
    /// Rooms that `Joined` named, by id: the version of the last list.
    rooms: BTreeMap<RoomId, u64>,
    presence: u64,
    queue: EventQueue,
}

/// The answer to a command, apart from what others are told.
type Outcome = Result<(), Refusal>;

impl Life {
    fn new() -> Self {
        let limits = RealmLimits { rooms: ROOMS, members: MEMBERS, window: WINDOW, ..RealmLimits::default() };
        Self {
            hub: Hub::new(3, Limits { realms: vec![limits; 2] }),
            model: Model::default(),
            now: Moment::from_micros(1),
            out: Effects::new(),
            ids: BTreeMap::new(),
            numbers: BTreeMap::new(),
            ears: BTreeMap::new(),
            rooms: BTreeMap::new(),
            links: BTreeMap::new(),
            transcript: Vec::new(),
        }
    }

    fn step(&mut self, draw: Draw) -> Result<(), TestCaseError> {
        let next = draw.read(&self.model);
        self.transcript.push(format!("{next:?}"));
        match next.clone() {
            Move::Attach { realm, one_call } => self.attach(realm, one_call)?,
            Move::Detach { who } => self.detach(who)?,
            Move::Wait { span } => self.wait(span)?,
            Move::Join { who, room, name, every_up_to } => self.join(who, &room, &name, every_up_to)?,
            Move::Leave { who, room } => {
                let key = (self.model.parties[&who].realm, room.clone());
                if let Some(id) = self.rooms.get(&key).copied() {
                    self.model.leave(who, &room);
                    let told = self.does(who, Command::Leave { room: id })?;
                    prop_assert!(told.iter().all(|(to, _)| *to != who), "the leaver was told {:?}", told);
                    if let Some(ear) = self.ears.get_mut(&who) {
                        ear.rooms.remove(&id);
                    }
                }
            }
            Move::Signal { who, room, to } => {
                let expected = self.model.signal(who, &room, &to);
                let id = self.rooms[&(self.model.parties[&who].realm, room)];
                let command = Command::Signal { to: Address::Member { room: id, name: name(&to) }, signal: offer() };
                let told = self.does(who, command)?;
                match (expected, told.as_slice()) {
                    (Ok((target, own)), [(to, Event::MemberSignal { room, from, .. })]) => {
                        prop_assert_eq!((*to, *room, from.as_str()), (target, id, own.as_str()));
                    }
                    (Err(refusal), [(to, Event::Refused { tag: TAG, refusal: given })]) if *to == who => {
                        prop_assert_eq!(refusal, *given);
                    }
                    (expected, told) => prop_assert!(false, "expected {:?}, told {:?}", expected, told),
                }
            }
            Move::Register { who, name: own, every_up_to, rank } => {
                let expected = self.model.register(who, &own, rank);
                let (name, merge) = (name(&own), Merge { every_up_to });
                let command = match rank {
                    Some(rank) => Command::Supersede { name, merge, rank },
                    None => Command::Register { name, merge },
                };
                let told = self.does(who, command)?;
                let is_answer = |event: &Event| matches!(event, Event::Registered { tag: TAG, .. });
                self.answered(who, &told, expected.map(|_| ()), is_answer)?;
                let is_displaced = |event: &Event| matches!(event, Event::Displaced { .. });
                let losers: Vec<Who> =
                    told.iter().filter(|(_, event)| is_displaced(event)).map(|(who, _)| *who).collect();
                prop_assert_eq!(losers, expected.ok().flatten().into_iter().collect::<Vec<_>>());
            }
            Move::Unregister { who } => {
                self.model.unregister(who);
                let told = self.does(who, Command::Unregister)?;
                prop_assert!(told.iter().all(|(to, _)| *to != who), "who has no name hears of no names: {:?}", told);
            }
            Move::Post { who, to } => {
                let realm = self.model.parties[&who].realm;
                let target = self.model.registered.get(&(realm, to.clone())).copied();
                let own = self.model.name_of(who).map(str::to_owned);
                let told = self.does(who, Command::Post { to: name(&to), body: Body::new(Lang(1), b"post") })?;
                match (own, target, told.as_slice()) {
                    (None, _, [(to, Event::Refused { refusal: Refusal::NotRegistered, .. })]) => {
                        prop_assert_eq!(*to, who);
                    }
                    (Some(_), None, [(to, Event::Refused { refusal: Refusal::NoSuchParty, .. })]) => {
                        prop_assert_eq!(*to, who);
                    }
                    (Some(own), Some(target), [(to, Event::Posted { from, .. })]) => {
                        prop_assert_eq!((*to, from.as_str()), (target, own.as_str()));
                    }
                    (own, target, told) => prop_assert!(false, "{:?} to {:?}: {:?}", own, target, told),
                }
            }
            Move::Call { who, to, token } => {
                let expected = self.model.call(who, &to, token.as_deref());
                let token = token.as_deref().and_then(Token::new);
                let told = self.does(who, Command::Call { to: name(&to), token })?;
                let link = told.iter().find_map(|(_, event)| match event {
                    Event::CallChanged { link, .. } => Some(*link),
                    _ => None,
                });
                if let (Ok(number), Some(link)) = (&expected, link) {
                    self.links.insert(*number, link);
                }
                let is_answer = |event: &Event| matches!(event, Event::CallChanged { tag: TAG, caller: true, .. });
                self.answered(who, &told, expected.map(|_| ()), is_answer)?;
            }
            Move::Ring { who, call } => self.call_step(who, call, |link| Command::Ring { link })?,
            Move::Accept { who, call } => self.call_step(who, call, |link| Command::Accept { link })?,
            Move::CallSignal { who, call } => {
                let expected = self.model.other(who, call);
                let told = self.does(who, Command::Signal { to: Address::Link(self.links[&call]), signal: offer() })?;
                match (expected, told.as_slice()) {
                    (Ok(other), [(to, Event::CallSignal { .. })]) => prop_assert_eq!(*to, other),
                    (Err(refusal), [(to, Event::Refused { refusal: given, .. })]) => {
                        prop_assert_eq!((*to, *given), (who, refusal));
                    }
                    (expected, told) => prop_assert!(false, "expected {:?}, told {:?}", expected, told),
                }
            }
            Move::Hangup { who, call } => {
                let expected = self.model.hangup(who, call);
                let command = Command::Hangup { link: self.links[&call], cause: CauseKind::Hangup.into() };
                let told = self.does(who, command)?;
                let ended: Vec<Who> =
                    told.iter().filter(|(_, event)| matches!(event, Event::Ended { .. })).map(|(to, _)| *to).collect();
                match expected {
                    Ok(other) => prop_assert_eq!(ended, vec![other, who]),
                    Err(refusal) => self.answered(who, &told, Err(refusal), |_| false)?,
                }
            }
        }
        self.agree()
    }

    fn attach(&mut self, realm: u16, one_call: bool) -> Result<(), TestCaseError> {
        let who = self.transcript.len();
        let profile = Profile {
            realm: Realm(realm),
            lang: Lang(1),
            peer_to_peer: true,
            one_call,
            transport: patchbay_core::Transport::default(),
        };
        let id = self.hub.attach(profile, &mut self.out);
        prop_assert!(!self.numbers.contains_key(&id), "an id was given twice");
        self.ids.insert(who, id);
        self.numbers.insert(id, who);
        self.ears.insert(who, Ear::default());
        self.model.parties.insert(who, Party { realm, one_call });
        self.told().map(|_| ())
    }

    fn detach(&mut self, who: Who) -> Result<(), TestCaseError> {
        let other = |number: &usize| Some((self.model.other(who, *number).ok()?, *number));
        let calls: Vec<(Who, usize)> = self.model.calls.keys().filter_map(other).collect();
        self.model.detach(who);
        self.hub.detach(self.now, self.ids[&who], &mut self.out);
        self.ears.remove(&who);
        let told = self.told()?;
        for (other, number) in calls {
            let ended = |(to, event): &(Who, Event)| {
                *to == other && matches!(event, Event::Ended { link, .. } if *link == self.links[&number])
            };
            prop_assert_eq!(told.iter().filter(|told| ended(told)).count(), 1, "the other end hears it once");
        }
        Ok(())
    }

    fn join(&mut self, who: Who, room: &str, own: &str, every_up_to: usize) -> Result<(), TestCaseError> {
        let key = (self.model.parties[&who].realm, room.to_owned());
        let again = self.model.rooms.get(&key).is_some_and(|members| members.get(own) == Some(&who));
        let expected = self.model.join(who, room, own);
        let join = Join {
            room: name(room),
            name: name(own),
            merge: Merge { every_up_to },
            card: None,
            kind: patchbay_core::RoomKind::Open,
        };
        let told = self.does(who, Command::Join(join))?;
        let joined = |event: &Event| matches!(event, Event::Joined { tag: TAG, .. });
        self.answered(who, &told, expected, joined)?;
        if expected.is_err() {
            prop_assert_eq!(told.len(), 1, "a refused join is nobody else's business");
            return Ok(());
        }
        // The joiner sees the room as it is, at once and right after `Joined`.
        match told.as_slice() {
            [(first, Event::Joined { room, .. }), rest @ ..] => {
                prop_assert_eq!(*first, who);
                let own_list = rest.iter().find(|(to, _)| *to == who).map(|(_, event)| event);
                prop_assert!(
                    matches!(own_list, Some(Event::Members { room: of, .. }) if of == room),
                    "told {:?}",
                    told
                );
                self.rooms.insert(key.clone(), *room);
            }
            told => prop_assert!(false, "told {:?}", told),
        }
        if again {
            let lists = told.iter().filter(|(_, event)| matches!(event, Event::Members { .. })).count();
            prop_assert_eq!(lists, self.model.rooms[&key].len(), "a list that was asked for goes to everybody");
        }
        Ok(())
    }

    fn call_step(
        &mut self,
        who: Who,
        call: usize,
        command: impl FnOnce(LinkId) -> Command,
    ) -> Result<(), TestCaseError> {
        let expected = self.model.other(who, call);
        let told = self.does(who, command(self.links[&call]))?;
        match (expected, told.as_slice()) {
            // No news, or news to both.
            (Ok(_), []) => {}
            (Ok(other), [(a, Event::CallChanged { .. }), (b, Event::CallChanged { .. })]) => {
                prop_assert!((*a == who && *b == other) || (*a == other && *b == who));
            }
            (Err(refusal), [(to, Event::Refused { refusal: given, .. })]) => {
                prop_assert_eq!((*to, *given), (who, refusal));
            }
            (expected, told) => prop_assert!(false, "expected {:?}, told {:?}", expected, told),
        }
        Ok(())
    }

    /// The sender was told exactly one answer, and it is the model's.
    fn answered(
        &self,
        who: Who,
        told: &[(Who, Event)],
        expected: Outcome,
        is_answer: impl Fn(&Event) -> bool,
    ) -> Result<(), TestCaseError> {
        let answers: Vec<Outcome> = told
            .iter()
            .filter(|(to, _)| *to == who)
            .filter_map(|(_, event)| match event {
                Event::Refused { tag: TAG, refusal } => Some(Err(*refusal)),
                event if is_answer(event) => Some(Ok(())),
                _ => None,
            })
            .collect();
        prop_assert_eq!(answers, vec![expected], "told {:?}", told);
        Ok(())
    }

    fn does(&mut self, who: Who, command: Command) -> Result<Vec<(Who, Event)>, TestCaseError> {
        self.hub.handle(self.now, self.ids[&who], TAG, command, &mut self.out);
        self.told()
    }

    fn wait(&mut self, span: Duration) -> Result<(), TestCaseError> {
        let until = self.now + span;
        while let Some(at) = self.hub.deadline().filter(|at| *at <= until) {
            prop_assert!(at >= self.now, "a deadline lies in the past");
            self.now = at;
            self.hub.on_deadline(self.now, &mut self.out);
            self.told()?;
        }
        self.now = until;
        Ok(())
    }

    /// What was told to the living, after the checks of order.
    fn told(&mut self) -> Result<Vec<(Who, Event)>, TestCaseError> {
        let mut told = Vec::new();
        for effect in self.out.drain().collect::<Vec<_>>() {
            self.transcript.push(text(&effect));
            let Effect::Tell(party, event) = effect else { continue };
            let who = self.numbers[&party];
            let Some(ear) = self.ears.get_mut(&who) else { continue };
            ear.hears(&event).map_err(|why| TestCaseError::fail(format!("party {who}: {why}: {event:?}")))?;
            told.push((who, event));
        }
        Ok(told)
    }

    fn agree(&self) -> Result<(), TestCaseError> {
        let found = self.hub.check();
        prop_assert!(found.is_empty(), "{:?}", found);
        let counts = self.hub.counts();
        prop_assert_eq!(counts.parties, self.model.parties.len() as u64, "parties");
        prop_assert_eq!(counts.rooms, self.model.rooms.len() as u64, "rooms");
        prop_assert_eq!(counts.members, self.model.members() as u64, "members");
        prop_assert_eq!(counts.registered, self.model.registered.len() as u64, "registered");
        prop_assert_eq!(counts.calls, self.model.calls.len() as u64, "calls");
        Ok(())
    }

    /// When it has become quiet, everybody knows who is where; when everybody has gone, nothing is left.
    fn end(&mut self) -> Result<(), TestCaseError> {
        self.wait(WINDOW * 3)?;
        prop_assert_eq!(self.hub.deadline(), None);
        for (who, ear) in &mut self.ears {
            let (mut lists, mut presence) = (BTreeMap::new(), None);
            while let Some(event) = ear.queue.pop() {
                match event {
                    Event::Members { room, list, .. } => {
                        let older = lists.insert(room, list);
                        let version = lists[&room].version;
                        prop_assert!(older.is_none_or(|older| older.version < version), "merging mixed up the order");
                    }
                    Event::Presence { list, .. } => presence = Some(list),
                    _ => {}
                }
            }
            prop_assert_eq!(ear.queue.bytes(), 0);
            for key in self.model.rooms_of(*who) {
                let known: Option<Vec<&str>> = lists.get(&self.rooms[&key]).map(|list: &_| names(list));
                let expected: Vec<&str> = self.model.rooms[&key].keys().map(String::as_str).collect();
                prop_assert_eq!(known, Some(expected), "party {} in {:?}", who, key);
            }
            if self.model.name_of(*who).is_some() {
                let realm = self.model.parties[who].realm;
                let mut known: Vec<&str> =
                    presence.iter().flat_map(|list| &list.entries).map(|entry| entry.name.as_str()).collect();
                known.sort_unstable();
                let here = self.model.registered.keys().filter(|(of, _)| *of == realm);
                let expected: Vec<&str> = here.map(|(_, name)| name.as_str()).collect();
                prop_assert_eq!(known, expected, "presence as party {} knows it", who);
            }
        }
        for who in self.model.parties.keys().copied().collect::<Vec<_>>() {
            self.detach(who)?;
            self.agree()?;
        }
        prop_assert_eq!(self.hub.counts(), Default::default());
        self.wait(WINDOW * 3)?;
        prop_assert_eq!(self.hub.deadline(), None);
        Ok(())
    }
}

impl Ear {
    /// # Errors
    /// In words, if the event makes no sense after those before it.
    fn hears(&mut self, event: &Event) -> Result<(), &'static str> {
        self.queue.push(event.clone());
        match event {
            Event::Joined { room, .. } => {
                self.rooms.entry(*room).or_default();
            }
            Event::Members { room, list, .. } => {
                let seen = self.rooms.get_mut(room).ok_or("a list of a room that it is not in")?;
                if list.version <= *seen {
                    return Err("a list that is not newer than the one before");
                }
                *seen = list.version;
                if !list.names.is_sorted_by(|a, b| a < b) {
                    return Err("a list that is not sorted");
                }
            }
            Event::MemberSignal { room, .. } if !self.rooms.contains_key(room) => {
                return Err("a signal from a room that it is not in");
            }
            Event::Presence { list, .. } => {
                if list.version <= self.presence {
                    return Err("a presence list that is not newer than the one before");
                }
                self.presence = list.version;
            }
            _ => {}
        }
        Ok(())
    }
}

fn names(list: &MemberList) -> Vec<&str> {
    list.names.iter().map(Name::as_str).collect()
}

/// An effect with its names, which `Debug` hides.
fn text(effect: &Effect) -> String {
    match effect {
        Effect::Tell(_, Event::Members { list, .. }) => format!("{effect:?} {:?}", names(list)),
        Effect::Tell(_, Event::MemberSignal { from, .. }) => format!("{effect:?} {}", from.as_str()),
        effect => format!("{effect:?}"),
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect("a short name")
}

fn offer() -> Signal {
    Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), b"v=0") }
}
