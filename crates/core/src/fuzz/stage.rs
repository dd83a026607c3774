//! The hub, the world as it should be, and the ears of the parties; each operation is checked from all three sides.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ear::{Ear, Present, Seen};
use super::flow::{self, Flow, Promise};
use super::legs::{Answer, Legs};
use super::operation::{Operation, PAIR, Seat};
use super::world::{Edge, Edges, World};
use crate::{
    Address, Body, CallState, Card, CauseKind, Command, Counts, Effect, Effects, Event, Hub, Join, Lang, Limits,
    LinkId, MediaEvent, MemberList, Merge, Moment, Name, PartyId, Presence, PresenceList, Profile, Query, Realm,
    RealmLimits, Refusal, RoomId, RoomKind, Signal, SignalKind, Tag, Token,
};

pub(super) struct Stage {
    hub: Hub,
    world: World,
    limits: Vec<RealmLimits>,
    now: Moment,
    out: Effects,
    counts: Counts,
    tag: Tag,
    legs: Legs,
    ids: BTreeMap<Seat, PartyId>,
    gone: BTreeMap<Seat, PartyId>,
    ears: BTreeMap<Seat, Ear>,
    /// The last id of each room, also when it is gone.
    room_ids: BTreeMap<(u16, u8), RoomId>,
    all_room_ids: BTreeSet<RoomId>,
    /// Version and moment of the last list that was told as the value of a window.
    windows: BTreeMap<RoomId, (u64, Moment)>,
    presence_windows: BTreeMap<u16, (u64, Moment)>,
}

/// What an operation is, as far as listening has to know.
#[derive(Clone, Copy, Default)]
struct Turn {
    actor: Option<Seat>,
    /// It comes into a room, where it wants each list up to so many members.
    enters: Option<usize>,
    leaver: Option<(Seat, PartyId)>,
    /// Presence changes more than once, so that a list in between is not the last word.
    presence_in_steps: bool,
    /// It is about a room of two.
    pair: bool,
    /// It is about streams, whose answers [`Legs`] hears.
    streams: bool,
}

impl Stage {
    pub(super) fn new(limits: Vec<RealmLimits>) -> Self {
        Self {
            hub: Hub::new(0, Limits { realms: limits.clone() }),
            world: World::new(limits.clone()),
            limits,
            now: Moment::from_micros(1_000_000),
            out: Effects::new(),
            counts: Counts::default(),
            tag: Tag(0),
            legs: Legs::default(),
            ids: BTreeMap::new(),
            gone: BTreeMap::new(),
            ears: BTreeMap::new(),
            room_ids: BTreeMap::new(),
            all_room_ids: BTreeSet::new(),
            windows: BTreeMap::new(),
            presence_windows: BTreeMap::new(),
        }
    }

    pub(super) fn perform(&mut self, operation: Operation) {
        self.tag = Tag(self.tag.0 + 1);
        match operation {
            Operation::Attach { seat, realm, lang, peer_to_peer, one_call } => {
                // Where there is an engine, calls of others end in it, which is not what this is about.
                let engine = self.limits[usize::from(realm)].codecs.is_some();
                let profile = Profile {
                    realm: Realm(realm),
                    lang: Lang(if engine { 0 } else { lang }),
                    peer_to_peer: peer_to_peer || engine,
                    one_call,
                    transport: crate::Transport::default(),
                };
                self.attach(seat, profile);
            }
            Operation::Detach { seat } => self.detach(seat, false),
            Operation::Lose { seat } => self.detach(seat, true),
            Operation::Flow(flow) => self.flow(flow),
            Operation::Wait { span } => self.wait(span),
            Operation::WaitForDeadline => {
                let span = self.hub.deadline().map(|at| at.since(self.now));
                self.wait(span.unwrap_or_default());
            }
            Operation::SpeakLate { seat, room } => self.speak_late(seat, room),
            Operation::Read { seat, events } => {
                if let Some(ear) = self.ears.get_mut(&seat) {
                    ear.read(events);
                }
            }
            Operation::Join { seat, .. }
            | Operation::Leave { seat, .. }
            | Operation::Signal { seat, .. }
            | Operation::Register { seat, .. }
            | Operation::Call { seat, .. }
            | Operation::Ring { seat, .. }
            | Operation::Accept { seat, .. }
            | Operation::CallSignal { seat, .. }
            | Operation::Hangup { seat, .. }
            | Operation::Post { seat, .. }
            | Operation::Supersede { seat, .. }
            | Operation::Unregister { seat }
            | Operation::Alias { seat, .. }
            | Operation::Show { seat, .. }
            | Operation::Names { seat, .. } => {
                if let Some(party) = self.ids.get(&seat).copied()
                    && let Some((command, expected, enters)) = self.command(operation)
                {
                    let pair = matches!(operation, Operation::Join { room, .. } if room >= PAIR);
                    self.hub.handle(self.now, party, self.tag, command, &mut self.out);
                    self.listen(Turn { actor: Some(seat), enters, pair, ..Turn::default() }, expected);
                }
            }
        }
    }

    /// The command, the edges that it must cause, and `Turn::enters`. `None` if what it would name has never been.
    fn command(&mut self, operation: Operation) -> Option<(Command, Edges, Option<usize>)> {
        let world = &mut self.world;
        let link = |links: &[LinkId], call: usize| -> Option<(LinkId, usize)> {
            let number = links.len().checked_sub(call + 1)?;
            Some((links[number], number))
        };
        let mut enters = None;
        let (command, expected) = match operation {
            Operation::Join { seat, room, name: own, every_up_to } => {
                let is_in = |world: &World| {
                    world.rooms.get(&(world.realm(seat), room)).is_some_and(|room| room.name_of(seat).is_some())
                };
                let before = is_in(world);
                let expected = world.join(seat, room, own);
                enters = (!before && is_in(world)).then_some(every_up_to);
                let merge = Merge { every_up_to };
                (
                    Command::Join(Join {
                        room: name(room % PAIR),
                        name: name(own),
                        merge,
                        card: None,
                        kind: if room < PAIR { RoomKind::Open } else { RoomKind::Pair },
                    }),
                    expected,
                )
            }
            Operation::Leave { seat, room } => {
                let id = *self.room_ids.get(&room)?;
                if world.rooms.get(&room).is_some_and(|room| room.id == Some(id)) {
                    world.leave(seat, room);
                }
                if let Some(ear) = self.ears.get_mut(&seat) {
                    ear.rooms.remove(&id);
                }
                (Command::Leave { room: id }, Vec::new())
            }
            Operation::Signal { seat, room, to } => {
                let room = *self.room_ids.get(&room)?;
                let expected = world.signal(seat, room, to);
                let to = Address::Member { room, name: name(to) };
                (Command::Signal { to, signal: offer() }, expected)
            }
            Operation::Register { seat, name: own, every_up_to } => {
                let expected = world.register(seat, own, None);
                if let ([.., (_, Edge::Registered { .. })], Some(ear)) = (&*expected, self.ears.get_mut(&seat)) {
                    ear.presence.every_up_to = every_up_to;
                }
                (Command::Register { name: name(own), merge: Merge { every_up_to } }, expected)
            }
            Operation::Supersede { seat, name: own, every_up_to, rank } => {
                let expected = world.register(seat, own, Some(rank));
                if let ([.., (_, Edge::Registered { .. })], Some(ear)) = (&*expected, self.ears.get_mut(&seat)) {
                    ear.presence.every_up_to = every_up_to;
                }
                (Command::Supersede { name: name(own), merge: Merge { every_up_to }, rank }, expected)
            }
            Operation::Unregister { seat } => {
                world.unregister(seat);
                (Command::Unregister, Vec::new())
            }
            Operation::Alias { seat, name: further, on } => {
                world.alias(seat, further, on);
                (Command::Alias { name: name(further), on }, Vec::new())
            }
            Operation::Show { seat, room, card } => {
                let id = *self.room_ids.get(&room)?;
                if world.rooms.get(&room).is_some_and(|room| room.id == Some(id)) {
                    world.show(seat, room, card);
                }
                let card = Card::new(Lang(0), &[card])?;
                (Command::Show { room: id, card }, Vec::new())
            }
            Operation::Names { seat, after, most } => {
                (Command::Query(Query::Names { after: after.map(name), most }), world.names(seat, after, most))
            }
            Operation::Call { seat, to, token } => {
                let expected = world.call(seat, to, token);
                let token = token.and_then(|token| Token::new(&format!("token{token}")));
                (Command::Call { to: name(to), token }, expected)
            }
            Operation::Ring { seat, call } => {
                let (link, number) = link(&world.links, call)?;
                (Command::Ring { link }, world.advance(seat, number, CallState::Ringing))
            }
            Operation::Accept { seat, call } => {
                let (link, number) = link(&world.links, call)?;
                (Command::Accept { link }, world.advance(seat, number, CallState::Active))
            }
            Operation::CallSignal { seat, call } => {
                let (link, number) = link(&world.links, call)?;
                let to = Address::Link(link);
                (Command::Signal { to, signal: offer() }, world.call_signal(seat, number))
            }
            Operation::Hangup { seat, call } => {
                let (link, number) = link(&world.links, call)?;
                let kind = CauseKind::Declined;
                (Command::Hangup { link, cause: kind.into() }, world.hangup(seat, number, kind))
            }
            Operation::Post { seat, to } => {
                let expected = world.post(seat, to, |seat| self.ids[seat]);
                (Command::Post { to: name(to), body: Body::new(Lang(0), b"post") }, expected)
            }
            _ => return None,
        };
        Some((command, expected, enters))
    }

    fn attach(&mut self, seat: Seat, profile: Profile) {
        if self.ids.contains_key(&seat) {
            return;
        }
        let id = self.hub.attach(profile, &mut self.out);
        assert!(!self.gone.values().chain(self.ids.values()).any(|known| *known == id), "an id was given twice");
        self.ids.insert(seat, id);
        self.ears.insert(seat, Ear::default());
        self.world.parties.insert(seat, profile);
        self.listen(Turn::default(), Vec::new());
    }

    /// One turn of streams.
    fn flow(&mut self, flow: Flow) {
        match flow {
            Flow::Says { seat, back, what, bytes } => {
                let link = self.legs.back(back).unwrap_or(LinkId(u64::MAX));
                let (command, promise) = flow::command(what, bytes, link);
                let answers = self.says(seat, command);
                match promise {
                    Promise::Answer => assert!(answers.len() == 1 || !self.ids.contains_key(&seat), "{answers:?}"),
                    Promise::Maybe => assert!(matches!(answers[..], [] | [Answer::Refused(_)]), "{answers:?}"),
                }
            }
            Flow::Knocks { seat, view, bytes } => {
                let answers = flow::knocks(view, bytes).map(|command| self.says(seat, command));
                let [Some(first), Some(second), Some(last)] = answers.map(|answers| answers.first().copied()) else {
                    return assert!(!self.ids.contains_key(&seat), "not everything was answered");
                };
                if let (Answer::Refused(why), _) | (_, Answer::Refused(why)) = (first, second) {
                    assert!(matches!(last, Answer::Refused(_)), "it was let in though {why:?} stood against it");
                }
                // Whether it is there at all, and who may take up what was lost, is not asked.
                let other = [Refusal::NoSuchStream, Refusal::StreamTaken];
                let fair = match last {
                    Answer::Refused(why) => [first, second].contains(&last) || other.contains(&why),
                    _ => true,
                };
                // Of several reasons the nearer one is told, which either of the two may have been.
                let any = [first, second].iter().any(|answer| matches!(answer, Answer::Refused(_)));
                assert!(fair || any, "{last:?} after {first:?} and {second:?}");
            }
            Flow::Engine { back, what, more } => {
                let Some(link) = self.legs.back(back) else { return };
                let source = self.legs.back(usize::from(more % 4)).unwrap_or(link);
                let (event, over) = flow::event(link, source, what, more);
                if over {
                    self.legs.broke(link);
                }
                if matches!(event, MediaEvent::Flowing { .. }) {
                    self.legs.flows(link);
                }
                self.hub.on_media(self.now, event, &mut self.out);
                self.listen(Turn { streams: true, ..Turn::default() }, Vec::new());
            }
            Flow::Overload(on) => self.hub.set_overloaded(on),
        }
    }

    /// A party says something of streams. What it is answered; nothing if nobody sits there.
    fn says(&mut self, seat: Seat, command: Command) -> Vec<Answer> {
        let Some(party) = self.ids.get(&seat).copied() else { return Vec::new() };
        self.legs.asked = flow::main_of(&command);
        self.hub.handle(self.now, party, self.tag, command, &mut self.out);
        self.listen(Turn { actor: Some(seat), streams: true, ..Turn::default() }, Vec::new());
        std::mem::take(&mut self.legs.answers)
    }

    fn detach(&mut self, seat: Seat, lost: bool) {
        let Some(id) = self.ids.remove(&seat) else { return };
        let presence_in_steps = self.world.is_in_call(seat);
        let expected = self.world.detach(seat);
        match lost {
            true => self.hub.lose(self.now, id, &mut self.out),
            false => self.hub.detach(self.now, id, &mut self.out),
        }
        self.gone.insert(seat, id);
        self.ears.remove(&seat);
        self.listen(Turn { leaver: Some((seat, id)), presence_in_steps, ..Turn::default() }, expected);
    }

    /// Nothing that a party says after it has gone has an effect, whoever has its place now.
    fn speak_late(&mut self, seat: Seat, room: u8) {
        let Some(id) = self.gone.get(&seat).copied() else { return };
        let join = Join { room: name(room), name: name(room), merge: Merge::EVERY, card: None, kind: RoomKind::Open };
        for command in [Command::Join(join), Command::Register { name: name(room), merge: Merge::EVERY }] {
            self.hub.handle(self.now, id, self.tag, command, &mut self.out);
        }
        self.hub.detach(self.now, id, &mut self.out);
        assert!(self.out.is_empty(), "a party that has gone was heard");
        self.listen(Turn::default(), Vec::new());
    }

    fn wait(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.hub.deadline().filter(|at| *at <= until) {
            self.now = at;
            self.hub.on_deadline(self.now, &mut self.out);
            self.listen(Turn::default(), Vec::new());
        }
        self.now = until;
        self.listen(Turn::default(), Vec::new());
    }

    /// Takes the effects of a turn and holds them, and the hub, against the world.
    fn listen(&mut self, turn: Turn, expected: Edges) {
        let mut told = Edges::new();
        for effect in self.out.drain().collect::<Vec<_>>() {
            match effect {
                Effect::Snapshot(counts) => self.counts = counts,
                Effect::Media(op) => self.legs.media(&op),
                Effect::Tell(party, event) => told.extend(self.hears(party, event, turn)),
            }
        }
        assert_eq!(told, expected, "edges told, and edges expected");
        assert_eq!(self.hub.check(), []);
        let ids = &self.ids;
        self.legs.settle(|party| ids.values().any(|id| *id == party));
        let (streams, views) = self.legs.counts();
        let counts = Counts {
            parties: self.world.parties.len() as u64,
            rooms: self.world.rooms.len() as u64,
            members: self.world.rooms.values().map(|room| room.members.len() as u64).sum(),
            registered: self.world.registered.len() as u64,
            calls: self.world.calls.iter().flatten().count() as u64,
            streams,
            views,
        };
        assert_eq!(self.hub.counts(), counts, "the hub's counts, and the world's");
        assert_eq!(self.counts, counts, "the last snapshot, and the world's counts");
        self.nobody_is_left_behind();
    }

    /// Who does not know the present list wants no more than one per window, and will be told when it ends.
    fn nobody_is_left_behind(&self) {
        let mut latest = None;
        let mut behind = |realm: u16, every: bool| {
            assert!(!every, "somebody who wants each list was not told one");
            latest = latest.max(Some(self.now + self.limits[usize::from(realm)].window));
        };
        for ((realm, _), room) in &self.world.rooms {
            let names = room.seen();
            let id = room.id.expect("a room with members was named by `Joined`");
            for seat in room.members.values() {
                let told = &self.ears[seat].rooms[&id];
                if told.list != names {
                    behind(*realm, names.len() <= told.every_up_to);
                }
            }
        }
        for registered in &self.world.registered {
            let (told, list) = (&self.ears[&registered.seat].presence, self.presence(registered.realm));
            if told.list != list {
                behind(registered.realm, list.len() <= told.every_up_to);
            }
        }
        let deadline = self.hub.deadline();
        assert!(deadline.is_none_or(|at| at > self.now), "something is overdue");
        if latest.is_some() {
            assert!(deadline.is_some() && deadline <= latest, "a list waits and nothing will send it in time");
        }
    }

    fn presence(&self, realm: u16) -> Vec<Present> {
        let here = self.world.registered.iter().filter(|registered| registered.realm == realm);
        here.map(|registered| (registered.name, self.world.is_in_call(registered.seat))).collect()
    }

    /// One party is told something; the edge, if it is one.
    fn hears(&mut self, party: PartyId, event: Event, turn: Turn) -> Option<(Seat, Edge)> {
        if let Some((seat, _)) = turn.leaver.filter(|(_, id)| *id == party) {
            // On its way out it may hear its calls end, and what that does to presence.
            return match event {
                Event::Ended { tag, link, with, cause, .. } => {
                    assert_eq!(tag, Tag::default());
                    Some((seat, Edge::Ended { call: self.call(link), with: number(&with), kind: cause.kind }))
                }
                Event::Presence { .. } => None,
                other => panic!("who has left was told {other:?}"),
            };
        }
        let seat = *self.ids.iter().find(|(_, id)| **id == party).expect("only who is attached is told anything").0;
        self.ears.get_mut(&seat)?.queue(event.clone());
        let own = self.tag;
        if is_of_streams(&event) {
            let tag = if turn.actor == Some(seat) { own } else { Tag::default() };
            self.legs.hears(party, tag, &event);
            return None;
        }
        let check_tag = |tag| {
            let expected = if turn.actor == Some(seat) { own } else { Tag::default() };
            assert_eq!(tag, expected, "the tag of {seat}, turn of {:?}", turn.actor);
        };
        let edge = match event {
            Event::Joined { tag, room, room_name, name } => {
                check_tag(tag);
                let kind = if turn.pair { PAIR } else { 0 };
                self.joined(seat, room, number(&room_name) + kind, turn);
                Edge::Joined { room: number(&room_name), name: number(&name) }
            }
            Event::Registered { tag, name } => {
                check_tag(tag);
                Edge::Registered { name: number(&name) }
            }
            Event::Refused { tag, refusal } => {
                check_tag(tag);
                if turn.streams {
                    self.legs.answers.push(Answer::Refused(refusal));
                    return None;
                }
                Edge::Refused(refusal)
            }
            Event::MemberSignal { room, from, signal } => {
                assert_eq!(signal, offer());
                Edge::MemberSignal { room, from: number(&from) }
            }
            Event::CallSignal { link, signal } => {
                assert_eq!(signal, offer());
                Edge::CallSignal { call: self.call(link) }
            }
            Event::CallChanged { tag, link, with, caller, state, .. } => {
                check_tag(tag);
                if caller && state == CallState::New {
                    self.world.links.push(link);
                }
                Edge::Changed { call: self.call(link), with: number(&with), caller, state }
            }
            Event::Ended { tag, link, with, cause, .. } => {
                check_tag(tag);
                Edge::Ended { call: self.call(link), with: number(&with), kind: cause.kind }
            }
            Event::Displaced { name } => Edge::Displaced { name: number(&name) },
            Event::Names { tag, names, more } => {
                check_tag(tag);
                let entry = |(name, presence): &(Name, Presence)| (number(name), *presence == Presence::InCall);
                Edge::Names { names: names.iter().map(entry).collect(), more }
            }
            Event::Posted { from, body } => {
                assert_eq!(body.bytes(), b"post");
                Edge::Posted { from: number(&from) }
            }
            Event::Members { room, list, replaceable, .. } => {
                self.members(seat, room, &list, replaceable, turn);
                return None;
            }
            Event::Presence { list, replaceable } => {
                self.hears_presence(seat, &list, replaceable, turn);
                return None;
            }
            event => panic!("nobody is told that here: {event:?}"),
        };
        Some((seat, edge))
    }

    fn joined(&mut self, seat: Seat, id: RoomId, room: u8, turn: Turn) {
        let key = (self.world.realm(seat), room);
        let found = self.world.rooms.get_mut(&key).expect("the room that was joined");
        match found.id {
            Some(known) => assert_eq!(known, id, "a room has two ids"),
            None => {
                assert!(self.all_room_ids.insert(id), "a room has the id of another");
                found.id = Some(id);
                self.room_ids.insert(key, id);
            }
        }
        if let (Some(every_up_to), Some(ear)) = (turn.enters, self.ears.get_mut(&seat)) {
            ear.enters(id, every_up_to);
        }
    }

    fn members(&mut self, seat: Seat, id: RoomId, list: &MemberList, replaceable: bool, turn: Turn) {
        let room = self.world.rooms.values().find(|room| room.id == Some(id)).expect("a list of a room that lives");
        let members = seen(list);
        assert_eq!(room.seen(), members, "the list of {id:?} is not its members");
        let ear = self.ears.get_mut(&seat).expect("attached");
        ear.streams.insert(id, list.streams.clone());
        let told = ear.rooms.get_mut(&id).expect("a list only for who is in the room, and after `Joined`");
        told.hears(list.version, members);
        // The joiner's own first list, and lists that are wanted or asked for, are no values of the window.
        let joiner = turn.enters.is_some() && turn.actor == Some(seat);
        if replaceable && !joiner {
            let span = self.limits[usize::from(self.world.realm(seat))].window;
            once_per_window(self.windows.entry(id), list.version, self.now, span);
        }
    }

    fn hears_presence(&mut self, seat: Seat, list: &PresenceList, replaceable: bool, turn: Turn) {
        let realm = self.world.realm(seat);
        let entries = presence(list);
        assert!(self.world.name_of(seat).is_some(), "presence for somebody who is not registered");
        assert!(turn.presence_in_steps || entries == self.presence(realm), "the presence list is not who is there");
        self.ears.get_mut(&seat).expect("attached").presence.hears(list.version, entries);
        if replaceable {
            let span = self.limits[usize::from(realm)].window;
            once_per_window(self.presence_windows.entry(realm), list.version, self.now, span);
        }
    }

    /// Whoever was told of a room knows the live tracks of the main stream of its name.
    fn rooms_show_what_is_live(&self) {
        for ((realm, number), room) in &self.world.rooms {
            let id = room.id.expect("a room with members was named by `Joined`");
            let here = |party: PartyId| {
                let seat = self.ids.iter().find(|(_, id)| **id == party).map(|(seat, _)| *seat);
                seat.is_some_and(|seat| self.world.realm(seat) == *realm)
            };
            let live = if *number < PAIR { self.legs.tracks(&name(*number), here) } else { Vec::new() };
            for seat in room.members.values() {
                assert_eq!(self.ears[seat].streams.get(&id), Some(&live), "what {seat} sees in {id:?}");
            }
        }
    }

    fn call(&self, link: LinkId) -> usize {
        self.world.links.iter().position(|known| *known == link).expect("a call that was opened")
    }

    /// When it is quiet, nothing is due and everybody knows all; when all have gone, nothing is left.
    pub(super) fn end(mut self) {
        let longest = self.limits.iter().map(|limits| limits.window.max(limits.restore)).max().unwrap_or_default();
        self.wait(longest * 3);
        assert_eq!(self.hub.deadline(), None, "it is quiet, and yet something is due");
        self.ears.values_mut().for_each(Ear::catches_up);
        self.rooms_show_what_is_live();
        for seat in self.ids.keys().copied().collect::<Vec<_>>() {
            self.tag = Tag(self.tag.0 + 1);
            self.detach(seat, seat % 2 == 0);
        }
        assert!(self.legs.is_empty(), "the engine works for nobody");
        assert_eq!(self.hub.counts(), Counts::default());
        self.wait(longest * 3);
        assert_eq!(self.hub.deadline(), None, "nobody is there, and yet something is due");
    }
}

/// All who hear a list as the value of a window hear the same one; the next comes a window later.
fn once_per_window<K: Ord>(entry: Entry<'_, K, (u64, Moment)>, version: u64, now: Moment, span: Duration) {
    match entry {
        Entry::Vacant(entry) => drop(entry.insert((version, now))),
        Entry::Occupied(mut entry) => {
            let (before, at) = *entry.get();
            assert!(version == before || now.since(at) >= span, "two lists within one window");
            entry.insert((version, now));
        }
    }
}

/// Whether [`Legs`] is to hear it.
fn is_of_streams(event: &Event) -> bool {
    matches!(
        event,
        Event::Reserved { .. }
            | Event::Viewing { .. }
            | Event::Admitted { .. }
            | Event::Described { .. }
            | Event::Flowing { .. }
            | Event::LegEnded { .. }
            | Event::TrackChanged { .. }
            | Event::Switched { .. }
            | Event::Channel { .. }
            | Event::Heard { .. }
            | Event::Speaker { .. }
            | Event::Live { .. }
            | Event::Renditions { .. }
            | Event::Tracks { .. }
            | Event::Known { .. }
            | Event::Viewers { .. }
            | Event::Views { .. }
            | Event::Streams { .. }
            | Event::Measured { .. }
    )
}

fn offer() -> Signal {
    Signal { kind: SignalKind::Offer, body: Body::new(Lang(0), b"offer") }
}

pub(super) fn name(number: u8) -> Name {
    Name::parse(&format!("n{number}")).expect("a short name")
}

/// The inverse of [`name`].
pub(super) fn number(name: &Name) -> u8 {
    name.as_str().strip_prefix('n').and_then(|number| number.parse().ok()).expect("a name that was given")
}

pub(super) fn seen(list: &MemberList) -> Vec<Seen> {
    let card = |name: &Name| list.cards.iter().find(|(of, _)| of == name).and_then(|(_, card)| card.bytes().first());
    list.names.iter().map(|name| (number(name), card(name).copied())).collect()
}

pub(super) fn presence(list: &PresenceList) -> Vec<Present> {
    list.entries.iter().map(|entry| (number(&entry.name), entry.presence == Presence::InCall)).collect()
}
