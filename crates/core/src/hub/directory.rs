//! Who is attached, under which registered name, and the presence lists of the realms.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use super::timers::{Timer, Timers, Window};
use crate::{
    Effects, Event, Limits, LinkId, Merge, Moment, Name, PartyId, Presence, PresenceEntry, PresenceList, Profile,
    Realm, RealmLimits, Refusal, RoomId,
};

#[derive(Debug)]
pub(super) struct Directory {
    node: u16,
    slots: Vec<Slot>,
    free: Vec<u32>,
    realms: Vec<RealmNames>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    party: Option<Party>,
}

#[derive(Debug)]
struct Party {
    profile: Profile,
    /// The rooms it is in and its name in each; almost always one.
    rooms: Vec<(RoomId, Name)>,
    registered: Option<Registered>,
    calls: Vec<LinkId>,
}

#[derive(Debug)]
struct Registered {
    name: Name,
    /// Place in the order of registration.
    order: u64,
    merge: Merge,
    /// The version of the presence list it was told last.
    seen: u64,
    /// Who shows a larger one may have the name.
    rank: Option<u64>,
}

#[derive(Debug)]
struct RealmNames {
    limits: RealmLimits,
    by_name: BTreeMap<Name, PartyId>,
    by_order: BTreeMap<u64, PartyId>,
    next_order: u64,
    version: u64,
    window: Window,
}

/// Parties up to which a presence window is as long as its realm's limit says. Every party in a list to every party: one
/// round of lists costs the square of their number, at 1,000 some 30 MB. Above, the window grows with that square, so
/// that lists never take more of the network than at this number: larger shows changes in large realms sooner, smaller
/// leaves more room for what is not lists, the signs of life among it.
const PARTIES_PER_WINDOW: u128 = 1_000;

impl RealmNames {
    fn forget(&mut self, registered: &Registered) {
        self.by_name.remove(&registered.name);
        self.by_order.remove(&registered.order);
    }

    fn span(&self) -> Duration {
        let parties = self.by_order.len() as u128;
        let times = |micros: u128| micros * (parties * parties) / (PARTIES_PER_WINDOW * PARTIES_PER_WINDOW);
        let grown = u64::try_from(times(self.limits.window.as_micros())).unwrap_or(u64::MAX);
        self.limits.window.max(Duration::from_micros(grown))
    }
}

impl Directory {
    pub(super) fn new(node: u16, limits: &Limits) -> Self {
        let realm = |limits: &RealmLimits| RealmNames {
            limits: limits.clone(),
            by_name: BTreeMap::new(),
            by_order: BTreeMap::new(),
            next_order: 0,
            version: 0,
            window: Window::default(),
        };
        Self { node, slots: Vec::new(), free: Vec::new(), realms: limits.realms.iter().map(realm).collect() }
    }

    pub(super) fn attach(&mut self, profile: Profile) -> PartyId {
        let party = Party { profile, rooms: Vec::new(), registered: None, calls: Vec::new() };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, party: None });
            u32::try_from(self.slots.len() - 1).expect("a process has fewer than 2^32 connections")
        });
        let place = &mut self.slots[slot as usize];
        place.party = Some(party);
        PartyId::new(self.node, slot, place.generation)
    }

    /// Forgets the party; its realm, if it was registered there.
    pub(super) fn detach(&mut self, id: PartyId) -> Option<Realm> {
        let slot = self.slots.get_mut(id.slot()).filter(|slot| slot.generation == id.generation())?;
        let party = slot.party.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(u32::try_from(id.slot()).ok()?);
        let registered = party.registered?;
        self.realms[usize::from(party.profile.realm.0)].forget(&registered);
        Some(party.profile.realm)
    }

    fn party(&self, id: PartyId) -> Option<&Party> {
        let slot = self.slots.get(id.slot()).filter(|slot| slot.generation == id.generation())?;
        slot.party.as_ref()
    }

    fn party_mut(&mut self, id: PartyId) -> Option<&mut Party> {
        let slot = self.slots.get_mut(id.slot()).filter(|slot| slot.generation == id.generation())?;
        slot.party.as_mut()
    }

    pub(super) fn profile(&self, id: PartyId) -> Option<Profile> {
        self.party(id).map(|party| party.profile)
    }

    pub(super) fn entered(&mut self, id: PartyId, room: RoomId, name: Name) {
        if let Some(party) = self.party_mut(id) {
            party.rooms.push((room, name));
        }
    }

    pub(super) fn left(&mut self, id: PartyId, room: RoomId) -> Option<Name> {
        let party = self.party_mut(id)?;
        let index = party.rooms.iter().position(|(of, _)| *of == room)?;
        Some(party.rooms.swap_remove(index).1)
    }

    pub(super) fn room_name(&self, id: PartyId, room: RoomId) -> Option<&Name> {
        self.party(id)?.rooms.iter().find(|(of, _)| *of == room).map(|(_, name)| name)
    }

    pub(super) fn rooms_of(&self, id: PartyId) -> Vec<RoomId> {
        self.party(id).map(|party| party.rooms.iter().map(|(room, _)| *room).collect()).unwrap_or_default()
    }

    /// Gives the party its name. Whoever lost it is returned.
    pub(super) fn register(
        &mut self,
        id: PartyId,
        name: Name,
        merge: Merge,
        rank: Option<u64>,
    ) -> Result<Option<PartyId>, Refusal> {
        let party = self.party(id).ok_or(Refusal::NoSuchParty)?;
        let realm_number = usize::from(party.profile.realm.0);
        if party.registered.is_some() {
            return Err(Refusal::Registered);
        }
        let holder = self.realms[realm_number].by_name.get(&name).copied();
        if let Some(holder) = holder {
            if !self.yields(holder, rank) {
                return Err(Refusal::NameTaken);
            }
            self.unregister(holder);
        }
        let realm = &mut self.realms[realm_number];
        let order = realm.next_order;
        realm.next_order += 1;
        realm.by_name.insert(name.clone(), id);
        realm.by_order.insert(order, id);
        if let Some(party) = self.party_mut(id) {
            party.registered = Some(Registered { name, order, merge, seen: 0, rank });
        }
        Ok(holder)
    }

    /// Whether the party gives its name up to who shows this rank.
    fn yields(&self, id: PartyId, rank: Option<u64>) -> bool {
        let held =
            self.party(id).filter(|party| party.calls.is_empty()).and_then(|party| party.registered.as_ref()?.rank);
        held.zip(rank).is_some_and(|(held, rank)| held < rank)
    }

    /// The party's realm, if it had a name there.
    pub(super) fn unregister(&mut self, id: PartyId) -> Option<Realm> {
        let party = self.party_mut(id)?;
        let (realm, registered) = (party.profile.realm, party.registered.take()?);
        self.realms[usize::from(realm.0)].forget(&registered);
        Some(realm)
    }

    /// The registered names behind `after`, sorted, and whether there are more of them than `most`.
    pub(super) fn names_of(&self, realm: Realm, after: Option<Name>, most: usize) -> (Vec<(Name, Presence)>, bool) {
        let behind = (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded);
        let mut found = self.realms[usize::from(realm.0)].by_name.range(behind);
        let names = found.by_ref().take(most).map(|(name, id)| (name.clone(), self.presence_of(*id))).collect();
        (names, found.next().is_some())
    }

    fn presence_of(&self, id: PartyId) -> Presence {
        if self.calls_of(id).is_empty() { Presence::Free } else { Presence::InCall }
    }

    pub(super) fn registered(&self, realm: Realm, name: &Name) -> Option<PartyId> {
        self.realms[usize::from(realm.0)].by_name.get(name).copied()
    }

    pub(super) fn name_of(&self, id: PartyId) -> Option<Name> {
        self.party(id)?.registered.as_ref().map(|registered| registered.name.clone())
    }

    pub(super) fn is_busy(&self, id: PartyId) -> bool {
        self.party(id).is_some_and(|party| party.profile.one_call && !party.calls.is_empty())
    }

    pub(super) fn call_began(&mut self, id: PartyId, link: LinkId) {
        if let Some(party) = self.party_mut(id) {
            party.calls.push(link);
        }
    }

    pub(super) fn call_ended(&mut self, id: PartyId, link: LinkId) {
        if let Some(party) = self.party_mut(id) {
            party.calls.retain(|of| *of != link);
        }
    }

    pub(super) fn calls_of(&self, id: PartyId) -> &[LinkId] {
        self.party(id).map(|party| party.calls.as_slice()).unwrap_or_default()
    }

    /// Presence changed: those who want every list get it, the others at most one per window.
    pub(super) fn tell_presence(&mut self, now: Moment, number: Realm, timers: &mut Timers, out: &mut Effects) {
        let realm = &mut self.realms[usize::from(number.0)];
        if !realm.limits.presence {
            return;
        }
        realm.version += 1;
        let (size, open, span) = (realm.by_order.len(), realm.window.is_open(now), realm.span());
        self.tell(number, false, out, |registered| size <= registered.merge.every_up_to);
        if open {
            if self.tell(number, true, out, |_| true) {
                self.realms[usize::from(number.0)].window.start(now, span);
            }
        } else if self.waits(number) {
            self.realms[usize::from(number.0)].window.hold(Timer::Presence(number), timers);
        }
    }

    /// A window has ended: whoever was not told of the last change is told now.
    pub(super) fn on_window(&mut self, now: Moment, number: Realm, out: &mut Effects) {
        self.realms[usize::from(number.0)].window.pending = false;
        if self.tell(number, true, out, |_| true) {
            let realm = &mut self.realms[usize::from(number.0)];
            let span = realm.span();
            realm.window.start(now, span);
        }
    }

    fn waits(&self, number: Realm) -> bool {
        let realm = &self.realms[usize::from(number.0)];
        let seen = |id: &PartyId| self.party(*id)?.registered.as_ref().map(|registered| registered.seen);
        realm.by_order.values().any(|id| seen(id).is_some_and(|seen| seen < realm.version))
    }

    /// Tells the present list, made once, to those chosen who have not seen it. Whether there were any.
    fn tell(
        &mut self,
        number: Realm,
        replaceable: bool,
        out: &mut Effects,
        chosen: impl Fn(&Registered) -> bool,
    ) -> bool {
        let realm = &self.realms[usize::from(number.0)];
        let version = realm.version;
        let mut list: Option<Arc<PresenceList>> = None;
        for index in realm.by_order.values().copied().collect::<Vec<_>>() {
            let unseen = |party: &Party| party.registered.as_ref().is_some_and(|r| r.seen < version && chosen(r));
            if !self.party(index).is_some_and(unseen) {
                continue;
            }
            let list = list.get_or_insert_with(|| Arc::new(self.presence(number)));
            out.tell(index, Event::Presence { list: Arc::clone(list), replaceable });
            if let Some(registered) = self.party_mut(index).and_then(|party| party.registered.as_mut()) {
                registered.seen = version;
            }
        }
        list.is_some()
    }

    fn presence(&self, number: Realm) -> PresenceList {
        let realm = &self.realms[usize::from(number.0)];
        let entry = |id: &PartyId| {
            let party = self.party(*id)?;
            Some(PresenceEntry { name: party.registered.as_ref()?.name.clone(), presence: self.presence_of(*id) })
        };
        PresenceList::new(realm.version, realm.by_order.values().filter_map(entry).collect())
    }

    pub(super) fn parties(&self) -> u64 {
        (self.slots.len() - self.free.len()) as u64
    }

    pub(super) fn names(&self) -> u64 {
        self.realms.iter().map(|realm| realm.by_name.len() as u64).sum()
    }

    /// Every attached party with the rooms it believes it is in.
    pub(super) fn all(&self) -> impl Iterator<Item = (PartyId, &[(RoomId, Name)])> {
        self.slots.iter().enumerate().filter_map(|(index, slot)| {
            let id = PartyId::new(self.node, u32::try_from(index).ok()?, slot.generation);
            slot.party.as_ref().map(|party| (id, party.rooms.as_slice()))
        })
    }

    /// What is wrong with the registered names, for `check`.
    pub(super) fn name_faults(&self) -> impl Iterator<Item = &'static str> {
        let named = self.slots.iter().filter_map(|slot| slot.party.as_ref()?.registered.as_ref());
        let orphan = self.realms.iter().any(|realm| {
            realm.by_name.iter().any(|(name, id)| self.name_of(*id).as_ref() != Some(name))
                || realm.by_order.len() != realm.by_name.len()
        });
        let miscounted = named.count() as u64 != self.names();
        [
            (orphan, "a name leads to a party that does not have it"),
            (miscounted, "a registered party has lost its name"),
        ]
        .into_iter()
        .filter_map(|(wrong, what)| wrong.then_some(what))
    }
}
