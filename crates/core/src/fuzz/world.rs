//! What the hub should answer, from the words of `Command` and `Refusal` alone: no window, no version, no timer.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{PAIR, Seat};
use crate::{CallState, CauseKind, LinkId, Profile, RealmLimits, Refusal, RoomId};

/// An edge as it must be told, with names as numbers. Tags are checked where edges are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edge {
    Joined { room: u8, name: u8 },
    Registered { name: u8 },
    Refused(Refusal),
    MemberSignal { room: RoomId, from: u8 },
    CallSignal { call: usize },
    Changed { call: usize, with: u8, caller: bool, state: CallState },
    Ended { call: usize, with: u8, kind: CauseKind },
    Posted { from: u8 },
    Displaced { name: u8 },
    Names { names: Vec<(u8, bool)>, more: bool },
}

/// Edges in the order in which they must be told.
pub(super) type Edges = Vec<(Seat, Edge)>;

#[derive(Debug)]
pub(super) struct World {
    limits: Vec<RealmLimits>,
    pub(super) parties: BTreeMap<Seat, Profile>,
    /// By realm and number: the room's id, once told, and its members by name.
    pub(super) rooms: BTreeMap<(u16, u8), Room>,
    /// In the order of registration.
    pub(super) registered: Vec<Registered>,
    /// All calls that were ever opened; those that ended are `None`.
    pub(super) calls: Vec<Option<Call>>,
    /// The hub's ids of all calls that were ever opened.
    pub(super) links: Vec<LinkId>,
    /// By realm and name.
    aliases: BTreeMap<(u16, u8), BTreeSet<Seat>>,
}

#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) id: Option<RoomId>,
    pub(super) members: BTreeMap<u8, Seat>,
    /// What members show, by their names.
    pub(super) cards: BTreeMap<u8, u8>,
}

#[derive(Debug)]
pub(super) struct Registered {
    pub(super) realm: u16,
    pub(super) name: u8,
    pub(super) seat: Seat,
    rank: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Call {
    realm: u16,
    caller: (Seat, u8),
    callee: (Seat, u8),
    token: Option<u8>,
    state: CallState,
}

impl World {
    pub(super) fn new(limits: Vec<RealmLimits>) -> Self {
        Self {
            limits,
            parties: BTreeMap::new(),
            rooms: BTreeMap::new(),
            registered: Vec::new(),
            calls: Vec::new(),
            links: Vec::new(),
            aliases: BTreeMap::new(),
        }
    }

    pub(super) fn join(&mut self, seat: Seat, number: u8, name: u8) -> Edges {
        match self.may_join(seat, number, name) {
            Ok(realm) => {
                let room = self.rooms.entry((realm, number)).or_default();
                room.members.insert(name, seat);
                // Who joins anew shows what he says then, which is nothing here.
                room.cards.remove(&name);
                vec![(seat, Edge::Joined { room: number % PAIR, name })]
            }
            Err(refusal) => refused(seat, refusal),
        }
    }

    fn may_join(&self, seat: Seat, number: u8, name: u8) -> Result<u16, Refusal> {
        let realm = self.realm(seat);
        let limits = &self.limits[usize::from(realm)];
        let places = if is_pair(number) { 2 } else { limits.members };
        let Some(room) = self.rooms.get(&(realm, number)) else {
            let alike = |(of, other): &&(u16, u8)| *of == realm && is_pair(*other) == is_pair(number);
            let rooms = self.rooms.keys().filter(alike).count();
            let most = if is_pair(number) { limits.pairs } else { limits.rooms };
            return match places {
                _ if rooms >= most => Err(Refusal::TooManyRooms),
                0 => Err(Refusal::RoomFull),
                _ => Ok(realm),
            };
        };
        match room.members.get(&name) {
            Some(holder) if *holder == seat => Ok(realm),
            Some(_) => Err(Refusal::NameTaken),
            None if room.name_of(seat).is_some() => Err(Refusal::NameTaken),
            None if room.members.len() >= places => Err(Refusal::RoomFull),
            None => Ok(realm),
        }
    }

    pub(super) fn leave(&mut self, seat: Seat, room: (u16, u8)) {
        if let Some(found) = self.rooms.get_mut(&room) {
            found.members.retain(|_, member| *member != seat);
            found.cards.retain(|name, _| found.members.contains_key(name));
        }
        self.rooms.retain(|_, room| !room.members.is_empty());
    }

    /// `id` is what the hub called the room, which may be gone.
    pub(super) fn signal(&self, seat: Seat, id: RoomId, to: u8) -> Edges {
        let target = || {
            let found = self.rooms.iter().find(|(_, room)| room.id == Some(id));
            let ((_, number), room) = found.ok_or(Refusal::NoSuchRoom)?;
            let from = room.name_of(seat).ok_or(Refusal::NotMember)?;
            let target = *room.members.get(&to).ok_or(Refusal::NoSuchParty)?;
            if target == seat {
                return Err(Refusal::Oneself);
            }
            if !is_pair(*number) {
                self.relays(seat, target)?;
            }
            Ok((target, Edge::MemberSignal { room: id, from }))
        };
        target().map_or_else(|refusal| refused(seat, refusal), |edge| vec![edge])
    }

    /// A member shows something else.
    pub(super) fn show(&mut self, seat: Seat, room: (u16, u8), card: u8) {
        if let Some(found) = self.rooms.get_mut(&room)
            && let Some(name) = found.name_of(seat)
        {
            found.cards.insert(name, card);
        }
    }

    pub(super) fn register(&mut self, seat: Seat, name: u8, rank: Option<u64>) -> Edges {
        let realm = self.realm(seat);
        if self.name_of(seat).is_some() {
            return refused(seat, Refusal::Registered);
        }
        let mut edges = Vec::new();
        if let Some(holder) = self.holder(realm, name) {
            let held = self.registered.iter().find(|registered| registered.seat == holder);
            let held = held.and_then(|held| held.rank).filter(|_| !self.is_in_call(holder));
            if held.zip(rank).is_none_or(|(held, rank)| held >= rank) {
                return refused(seat, Refusal::NameTaken);
            }
            self.unregister(holder);
            edges.push((holder, Edge::Displaced { name }));
        }
        self.registered.push(Registered { realm, name, seat, rank });
        edges.push((seat, Edge::Registered { name }));
        edges
    }

    pub(super) fn unregister(&mut self, seat: Seat) {
        self.registered.retain(|registered| registered.seat != seat);
    }

    pub(super) fn alias(&mut self, seat: Seat, name: u8, on: bool) {
        let who = self.aliases.entry((self.parties[&seat].realm.0, name)).or_default();
        if on {
            who.insert(seat);
        } else {
            who.remove(&seat);
        }
    }

    /// `order`: in which those are told who share a name.
    pub(super) fn post<K: Ord>(&self, seat: Seat, to: u8, order: impl Fn(&Seat) -> K) -> Edges {
        let realm = self.realm(seat);
        let Some(from) = self.name_of(seat) else { return refused(seat, Refusal::NotRegistered) };
        let mut targets: Vec<Seat> = match self.holder(realm, to) {
            Some(target) => vec![target],
            None => self.aliases.get(&(realm, to)).into_iter().flatten().filter(|of| **of != seat).copied().collect(),
        };
        if targets.is_empty() {
            return refused(seat, Refusal::NoSuchParty);
        }
        targets.sort_by_key(order);
        targets.into_iter().map(|target| (target, Edge::Posted { from })).collect()
    }

    pub(super) fn names(&self, seat: Seat, after: Option<u8>, most: usize) -> Edges {
        let realm = self.realm(seat);
        let here = self.registered.iter().filter(|of| of.realm == realm && after.is_none_or(|after| of.name > after));
        let mut names: Vec<_> = here.map(|of| (of.name, self.is_in_call(of.seat))).collect();
        names.sort_unstable();
        let more = names.len() > most;
        names.truncate(most);
        vec![(seat, Edge::Names { names, more })]
    }

    pub(super) fn call(&mut self, seat: Seat, to: u8, token: Option<u8>) -> Edges {
        match self.may_call(seat, to, token) {
            Ok((own, callee)) => {
                let (caller, callee) = ((seat, own), (callee, to));
                self.calls.push(Some(Call { realm: self.realm(seat), caller, callee, token, state: CallState::New }));
                self.changed(self.calls.len() - 1)
            }
            Err(refusal) => refused(seat, refusal),
        }
    }

    fn may_call(&self, seat: Seat, to: u8, token: Option<u8>) -> Result<(u8, Seat), Refusal> {
        let realm = self.realm(seat);
        let own = self.name_of(seat).ok_or(Refusal::NotRegistered)?;
        if own == to {
            return Err(Refusal::Oneself);
        }
        let callee = self.holder(realm, to).ok_or(Refusal::NoSuchParty)?;
        if self.is_busy(seat) {
            return Err(Refusal::InCall);
        }
        if self.is_busy(callee) {
            return Err(Refusal::Busy);
        }
        let taken = |call: &Call| call.realm == realm && call.token == token;
        if token.is_some() && self.calls.iter().flatten().any(taken) {
            return Err(Refusal::TokenTaken);
        }
        Ok((own, callee))
    }

    pub(super) fn advance(&mut self, seat: Seat, call: usize, state: CallState) -> Edges {
        if self.other(seat, call).is_none() {
            return refused(seat, Refusal::NoSuchLink);
        }
        match &mut self.calls[call] {
            Some(found) if found.state != state => found.state = state,
            _ => return Vec::new(),
        }
        self.changed(call)
    }

    pub(super) fn call_signal(&self, seat: Seat, call: usize) -> Edges {
        match self.other(seat, call) {
            None => refused(seat, Refusal::NoSuchLink),
            Some(other) => match self.relays(seat, other) {
                Ok(()) => vec![(other, Edge::CallSignal { call })],
                Err(refusal) => refused(seat, refusal),
            },
        }
    }

    pub(super) fn hangup(&mut self, seat: Seat, call: usize, kind: CauseKind) -> Edges {
        if self.other(seat, call).is_none() {
            return refused(seat, Refusal::NoSuchLink);
        }
        let Some(call_ended) = self.calls[call].take() else { return Vec::new() };
        let Call { caller, callee, .. } = call_ended;
        let (own, other) = if caller.0 == seat { (caller, callee) } else { (callee, caller) };
        // Who must react hears it first.
        vec![(other.0, Edge::Ended { call, with: own.1, kind }), (own.0, Edge::Ended { call, with: other.1, kind })]
    }

    pub(super) fn detach(&mut self, seat: Seat) -> Edges {
        let calls: Vec<usize> = (0..self.calls.len()).filter(|call| self.other(seat, *call).is_some()).collect();
        let edges = calls.into_iter().flat_map(|call| self.hangup(seat, call, CauseKind::Gone)).collect();
        for room in self.rooms.keys().copied().collect::<Vec<_>>() {
            self.leave(seat, room);
        }
        self.unregister(seat);
        for who in self.aliases.values_mut() {
            who.remove(&seat);
        }
        self.parties.remove(&seat);
        edges
    }

    fn changed(&self, number: usize) -> Edges {
        let Some(call) = &self.calls[number] else { return Vec::new() };
        let edge = |with: u8, caller| Edge::Changed { call: number, with, caller, state: call.state };
        vec![(call.caller.0, edge(call.callee.1, true)), (call.callee.0, edge(call.caller.1, false))]
    }

    /// The other end, if the call stands and the party has part in it.
    fn other(&self, seat: Seat, call: usize) -> Option<Seat> {
        let call = self.calls.get(call)?.as_ref()?;
        match (call.caller.0, call.callee.0) {
            (caller, callee) if caller == seat => Some(callee),
            (caller, callee) if callee == seat => Some(caller),
            _ => None,
        }
    }

    fn relays(&self, from: Seat, to: Seat) -> Result<(), Refusal> {
        let (from, to) = (self.parties[&from], self.parties[&to]);
        let direct = from.peer_to_peer && to.peer_to_peer && from.lang == to.lang;
        if direct { Ok(()) } else { Err(Refusal::NoEngine) }
    }

    pub(super) fn realm(&self, seat: Seat) -> u16 {
        self.parties[&seat].realm.0
    }

    pub(super) fn name_of(&self, seat: Seat) -> Option<u8> {
        self.registered.iter().find(|registered| registered.seat == seat).map(|registered| registered.name)
    }

    fn holder(&self, realm: u16, name: u8) -> Option<Seat> {
        let holds = |registered: &&Registered| registered.realm == realm && registered.name == name;
        self.registered.iter().find(holds).map(|registered| registered.seat)
    }

    pub(super) fn is_in_call(&self, seat: Seat) -> bool {
        (0..self.calls.len()).any(|call| self.other(seat, call).is_some())
    }

    fn is_busy(&self, seat: Seat) -> bool {
        self.parties[&seat].one_call && self.is_in_call(seat)
    }
}

impl Room {
    /// What lists tell of its members.
    pub(super) fn seen(&self) -> Vec<(u8, Option<u8>)> {
        self.members.keys().map(|name| (*name, self.cards.get(name).copied())).collect()
    }

    pub(super) fn name_of(&self, seat: Seat) -> Option<u8> {
        self.members.iter().find(|(_, member)| **member == seat).map(|(name, _)| *name)
    }
}

/// Two at most, who negotiate with each other whatever they are.
fn is_pair(room: u8) -> bool {
    room >= PAIR
}

fn refused(seat: Seat, refusal: Refusal) -> Edges {
    vec![(seat, Edge::Refused(refusal))]
}
