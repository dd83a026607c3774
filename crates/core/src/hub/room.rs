//! Rooms: who is in them, and who is told when that changes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::directory::Directory;
use super::timers::{Timer, Timers, Window};
use crate::{
    Card, Effects, Event, Join, Limits, LinkId, MemberList, Merge, Moment, Name, PartyId, Realm, RealmLimits, Refusal,
    RoomId, RoomKind, Tag,
};

#[derive(Debug)]
pub(super) struct Rooms {
    rooms: BTreeMap<RoomId, Room>,
    by_name: BTreeMap<(Realm, RoomKind, Name), RoomId>,
    realms: Vec<RealmRooms>,
    next: u64,
    members: u64,
}

#[derive(Debug)]
struct RealmRooms {
    limits: RealmLimits,
    rooms: usize,
    pairs: usize,
}

impl RealmRooms {
    /// How many rooms of that kind there are, and how many there may be.
    fn rooms(&mut self, kind: RoomKind) -> (&mut usize, usize) {
        match kind {
            RoomKind::Open => (&mut self.rooms, self.limits.rooms),
            RoomKind::Pair => (&mut self.pairs, self.limits.pairs),
        }
    }

    /// Most members of a room of that kind.
    fn members(&self, kind: RoomKind) -> usize {
        match kind {
            RoomKind::Open => self.limits.members,
            RoomKind::Pair => 2,
        }
    }
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) realm: Realm,
    pub(super) kind: RoomKind,
    pub(super) name: Name,
    /// Sorted by the bytes of the names.
    pub(super) members: Vec<Member>,
    /// Who is outside, by the name of what stands in for it; no name is a member's.
    pub(super) standins: BTreeMap<Name, Standin>,
    /// What can be seen in it, sorted.
    pub(super) streams: Vec<Name>,
    version: u64,
    window_span: Duration,
    pub(super) window: Window,
}

/// Who a member that is no party stands in for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standin {
    /// The stream that this publication is.
    Stream(LinkId),
    /// Those outside who see members of the room as streams.
    Audience,
}

/// Whom a name in a room means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Party(PartyId),
    Standin(Standin),
}

#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: Name,
    pub(super) party: PartyId,
    card: Option<Card>,
    merge: Merge,
    /// The version of the list it was told last.
    seen: u64,
}

impl Rooms {
    pub(super) fn new(limits: &Limits) -> Self {
        let realms =
            limits.realms.iter().map(|limits| RealmRooms { limits: limits.clone(), rooms: 0, pairs: 0 }).collect();
        Self { rooms: BTreeMap::new(), by_name: BTreeMap::new(), realms, next: 0, members: 0 }
    }

    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(super) fn join(
        &mut self,
        now: Moment,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        join: Join,
        standins: impl FnOnce(&Directory) -> BTreeMap<Name, Standin>,
        streams: Vec<Name>,
        directory: &mut Directory,
        timers: &mut Timers,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let kind = join.kind;
        let key = (realm, kind, join.room);
        let known = self.by_name.get(&key).copied();
        let counted = &mut self.realms[usize::from(realm.0)];
        let (rooms, most) = counted.rooms(kind);
        if known.is_none() && *rooms >= most {
            return Err(Refusal::TooManyRooms);
        }
        let places = counted.members(kind);
        if places == 0 {
            return Err(Refusal::RoomFull);
        }
        let id = known.unwrap_or(RoomId(self.next));
        let room = match known {
            Some(_) => self.rooms.get_mut(&id).ok_or(Refusal::NoSuchRoom)?,
            None => self.rooms.entry(id).or_insert_with(|| Room {
                realm,
                kind,
                name: key.2.clone(),
                members: Vec::new(),
                standins: standins(directory),
                streams,
                version: 0,
                window_span: counted.limits.window,
                window: Window::default(),
            }),
        };
        // A room that was made just now has no member: nothing below refuses, so none is left empty.
        let again = match room.find(&join.name) {
            Ok(index) if room.members[index].party == party => {
                room.members[index].card = join.card;
                true
            }
            Ok(_) => return Err(Refusal::NameTaken),
            Err(_) if directory.room_name(party, id).is_some() => return Err(Refusal::NameTaken),
            Err(_) if room.members.len() >= places => return Err(Refusal::RoomFull),
            Err(_) if room.standins.contains_key(&join.name) => return Err(Refusal::NameTaken),
            Err(index) => {
                let member = Member { name: join.name.clone(), party, card: join.card, merge: join.merge, seen: 0 };
                room.members.insert(index, member);
                self.members += 1;
                directory.entered(party, id, join.name.clone());
                false
            }
        };
        if known.is_none() {
            self.next += 1;
            *counted.rooms(kind).0 += 1;
            self.by_name.insert(key, id);
        }
        room.version += 1;
        out.tell(party, Event::Joined { tag, room: id, room_name: room.name.clone(), name: join.name });
        if again {
            room.tell_everybody(id, timers, out);
        } else {
            room.tell_joiner(id, party, out);
            room.tell_change(now, id, timers, out);
        }
        Ok(())
    }

    /// A party leaves, and takes these streams along, so that nobody sees them without it.
    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(super) fn leave(
        &mut self,
        now: Moment,
        id: RoomId,
        party: PartyId,
        streams: &[Name],
        directory: &mut Directory,
        timers: &mut Timers,
        out: &mut Effects,
    ) {
        let Some(name) = directory.left(party, id) else { return };
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let Ok(index) = room.find(&name) else { return };
        room.members.remove(index);
        room.streams.retain(|stream| !streams.contains(stream));
        self.members -= 1;
        room.version += 1;
        if room.members.is_empty() {
            room.window.clear(Timer::Room(id), timers);
            let key = (room.realm, room.kind, room.name.clone());
            *self.realms[usize::from(room.realm.0)].rooms(room.kind).0 -= 1;
            self.by_name.remove(&key);
            self.rooms.remove(&id);
        } else {
            room.tell_change(now, id, timers, out);
        }
    }

    /// A member shows something else of itself.
    pub(super) fn show(
        &mut self,
        now: Moment,
        id: RoomId,
        party: PartyId,
        card: Card,
        timers: &mut Timers,
        out: &mut Effects,
    ) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        let Some(member) = room.members.iter_mut().find(|member| member.party == party) else { return };
        if member.card.as_ref() != Some(&card) {
            member.card = Some(card);
            room.version += 1;
            room.tell_change(now, id, timers, out);
        }
    }

    /// From now on, these can be seen in the room.
    pub(super) fn set_streams(
        &mut self,
        now: Moment,
        id: RoomId,
        streams: Vec<Name>,
        timers: &mut Timers,
        out: &mut Effects,
    ) {
        let Some(room) = self.rooms.get_mut(&id).filter(|room| room.streams != streams) else { return };
        room.streams = streams;
        room.version += 1;
        room.tell_change(now, id, timers, out);
    }

    /// A window has ended: whoever was not told of the last change is told now.
    pub(super) fn on_window(&mut self, now: Moment, id: RoomId, out: &mut Effects) {
        let Some(room) = self.rooms.get_mut(&id) else { return };
        room.window.pending = false;
        let version = room.version;
        if room.tell(id, true, out, |member| member.seen < version) {
            room.window.start(now, room.window_span);
        }
    }

    /// From now on, these stand in the room for whoever is outside. The names of those that no longer do.
    pub(super) fn set_standins(
        &mut self,
        now: Moment,
        id: RoomId,
        standins: BTreeMap<Name, Standin>,
        timers: &mut Timers,
        out: &mut Effects,
    ) -> Vec<Name> {
        let Some(room) = self.rooms.get_mut(&id).filter(|room| room.standins != standins) else { return Vec::new() };
        let before = std::mem::replace(&mut room.standins, standins);
        if !before.keys().eq(room.standins.keys()) {
            room.version += 1;
            room.tell_change(now, id, timers, out);
        }
        before.into_keys().filter(|name| !room.standins.contains_key(name)).collect()
    }

    /// How many members the room has that are parties, and how many it may have in all.
    pub(super) fn size(&self, id: RoomId) -> Option<(usize, usize)> {
        let room = self.rooms.get(&id)?;
        Some((room.members.len(), self.realms[usize::from(room.realm.0)].members(room.kind)))
    }

    /// The members that are parties, by name.
    pub(super) fn members_of(&self, id: RoomId) -> impl Iterator<Item = (&Name, PartyId)> {
        self.rooms.get(&id).into_iter().flat_map(|room| &room.members).map(|member| (&member.name, member.party))
    }

    /// The sender's name in the room, and who is called `name`.
    pub(super) fn pair(
        &self,
        id: RoomId,
        sender: PartyId,
        name: &Name,
        directory: &Directory,
    ) -> Result<(Name, Target), Refusal> {
        let room = self.rooms.get(&id).ok_or(Refusal::NoSuchRoom)?;
        let from = directory.room_name(sender, id).ok_or(Refusal::NotMember)?;
        let Ok(index) = room.find(name) else {
            let standin = *room.standins.get(name).ok_or(Refusal::NoSuchParty)?;
            return Ok((from.clone(), Target::Standin(standin)));
        };
        let target = room.members[index].party;
        if target == sender { Err(Refusal::Oneself) } else { Ok((from.clone(), Target::Party(target))) }
    }

    pub(super) fn rooms(&self) -> u64 {
        self.rooms.len() as u64
    }

    pub(super) fn members(&self) -> u64 {
        self.members
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (RoomId, &Room)> {
        self.rooms.iter().map(|(id, room)| (*id, room))
    }

    /// The open room of that name.
    pub(super) fn named(&self, realm: Realm, name: &Name) -> Option<RoomId> {
        self.by_name.get(&(realm, RoomKind::Open, name.clone())).copied()
    }

    /// Whether the members of a room negotiate with each other directly.
    pub(super) fn is_pair(&self, id: RoomId) -> bool {
        self.rooms.get(&id).is_some_and(|room| room.kind == RoomKind::Pair)
    }

    /// Whether the room is found under its name, and is no larger than it may be.
    pub(super) fn is_sound(&self, id: RoomId, room: &Room) -> bool {
        let found = self.by_name.get(&(room.realm, room.kind, room.name.clone())) == Some(&id);
        let counted = &self.realms[usize::from(room.realm.0)];
        let fits = counted.rooms <= counted.limits.rooms && counted.pairs <= counted.limits.pairs;
        found && fits && room.members.len() + room.standins.len() <= counted.members(room.kind)
    }

    pub(super) fn names(&self) -> usize {
        self.by_name.len()
    }
}

impl Room {
    fn find(&self, name: &Name) -> Result<usize, usize> {
        self.members.binary_search_by(|member| member.name.cmp(name))
    }

    /// The joiner sees the list at once, right after `Joined`.
    fn tell_joiner(&mut self, id: RoomId, joiner: PartyId, out: &mut Effects) {
        self.tell(id, true, out, |member| member.party == joiner);
    }

    /// A list that was asked for anew goes to all, and nothing that waits may swallow it.
    fn tell_everybody(&mut self, id: RoomId, timers: &mut Timers, out: &mut Effects) {
        self.window.clear(Timer::Room(id), timers);
        self.tell(id, false, out, |_| true);
    }

    /// A member came or went: those who want every list get it, the others at most one per window.
    fn tell_change(&mut self, now: Moment, id: RoomId, timers: &mut Timers, out: &mut Effects) {
        let (version, size) = (self.version, self.members.len() + self.standins.len());
        self.tell(id, false, out, |member| member.seen < version && size <= member.merge.every_up_to);
        if self.window.is_open(now) {
            if self.tell(id, true, out, |member| member.seen < version) {
                self.window.start(now, self.window_span);
            }
        } else if self.members.iter().any(|member| member.seen < version) {
            self.window.hold(Timer::Room(id), timers);
        }
    }

    /// Tells the chosen members the present list, made once for all of them. Whether there were any.
    fn tell(&mut self, id: RoomId, replaceable: bool, out: &mut Effects, chosen: impl Fn(&Member) -> bool) -> bool {
        if !self.members.iter().any(&chosen) {
            return false;
        }
        let mut names: Vec<Name> = self.members.iter().map(|member| member.name.clone()).collect();
        if !self.standins.is_empty() {
            names.extend(self.standins.keys().cloned());
            names.sort_unstable();
        }
        let card = |member: &Member| Some((member.name.clone(), member.card.clone()?));
        let cards = self.members.iter().filter_map(card).collect();
        let list = Arc::new(MemberList::new(self.version, names, cards, self.streams.clone()));
        for member in self.members.iter_mut().filter(|member| chosen(member)) {
            member.seen = self.version;
            let (room_name, list) = (self.name.clone(), Arc::clone(&list));
            out.tell(member.party, Event::Members { room: id, room_name, list, replaceable });
        }
        true
    }
}
