//! What the hub should do, in the simplest maps there are: no windows, no versions, no timers.

use std::collections::BTreeMap;

use patchbay_core::Refusal;

/// The hub's limits in these tests: small, so that they are reached often.
pub(crate) const ROOMS: usize = 4;
pub(crate) const MEMBERS: usize = 5;

/// Parties are numbered by the test in the order in which they came.
pub(crate) type Who = usize;

#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) parties: BTreeMap<Who, Party>,
    /// By realm and name: members by name.
    pub(crate) rooms: BTreeMap<(u16, String), BTreeMap<String, Who>>,
    /// By realm and name.
    pub(crate) registered: BTreeMap<(u16, String), Who>,
    /// What holders of names said of their rank.
    pub(crate) ranks: BTreeMap<Who, u64>,
    /// By the caller's number for it; the test's own count.
    pub(crate) calls: BTreeMap<usize, Call>,
    next_call: usize,
}

#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) realm: u16,
    pub(crate) one_call: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) caller: Who,
    pub(crate) callee: Who,
    pub(crate) realm: u16,
    pub(crate) token: Option<String>,
}

impl Model {
    pub(crate) fn join(&mut self, who: Who, room: &str, name: &str) -> Result<(), Refusal> {
        let realm = self.parties[&who].realm;
        let key = (realm, room.to_owned());
        let rooms = self.rooms.keys().filter(|(of, _)| *of == realm).count();
        let Some(members) = self.rooms.get_mut(&key) else {
            if rooms >= ROOMS {
                return Err(Refusal::TooManyRooms);
            }
            self.rooms.insert(key, BTreeMap::from([(name.to_owned(), who)]));
            return Ok(());
        };
        match members.get(name) {
            Some(holder) if *holder == who => Ok(()),
            Some(_) => Err(Refusal::NameTaken),
            None if members.values().any(|member| *member == who) => Err(Refusal::NameTaken),
            None if members.len() >= MEMBERS => Err(Refusal::RoomFull),
            None => {
                members.insert(name.to_owned(), who);
                Ok(())
            }
        }
    }

    pub(crate) fn leave(&mut self, who: Who, room: &str) {
        let key = (self.parties[&who].realm, room.to_owned());
        if let Some(members) = self.rooms.get_mut(&key) {
            members.retain(|_, member| *member != who);
        }
        self.rooms.retain(|_, members| !members.is_empty());
    }

    /// The target of a signal, and the name it comes under.
    pub(crate) fn signal(&self, who: Who, room: &str, to: &str) -> Result<(Who, String), Refusal> {
        let members = &self.rooms[&(self.parties[&who].realm, room.to_owned())];
        let own = members.iter().find(|(_, member)| **member == who).ok_or(Refusal::NotMember)?.0;
        match members.get(to) {
            None => Err(Refusal::NoSuchParty),
            Some(target) if *target == who => Err(Refusal::Oneself),
            Some(target) => Ok((*target, own.clone())),
        }
    }

    /// Who loses the name.
    pub(crate) fn register(&mut self, who: Who, name: &str, rank: Option<u64>) -> Result<Option<Who>, Refusal> {
        if self.name_of(who).is_some() {
            return Err(Refusal::Registered);
        }
        let key = (self.parties[&who].realm, name.to_owned());
        let holder = self.registered.get(&key).copied();
        let yields = |holder: Who| {
            let lower = self.ranks.get(&holder).zip(rank).is_some_and(|(held, rank)| *held < rank);
            lower && !self.calls.values().any(|call| call.caller == holder || call.callee == holder)
        };
        if holder.is_some_and(|holder| !yields(holder)) {
            return Err(Refusal::NameTaken);
        }
        if let Some(holder) = holder {
            self.unregister(holder);
        }
        self.registered.insert(key, who);
        self.ranks.extend(rank.map(|rank| (who, rank)));
        Ok(holder)
    }

    pub(crate) fn unregister(&mut self, who: Who) {
        self.registered.retain(|_, holder| *holder != who);
        self.ranks.remove(&who);
    }

    pub(crate) fn call(&mut self, who: Who, to: &str, token: Option<&str>) -> Result<usize, Refusal> {
        let realm = self.parties[&who].realm;
        let own = self.name_of(who).ok_or(Refusal::NotRegistered)?;
        if own == to {
            return Err(Refusal::Oneself);
        }
        let callee = *self.registered.get(&(realm, to.to_owned())).ok_or(Refusal::NoSuchParty)?;
        if self.is_busy(who) {
            return Err(Refusal::InCall);
        }
        if self.is_busy(callee) {
            return Err(Refusal::Busy);
        }
        let taken = |call: &Call| call.realm == realm && call.token.as_deref() == token;
        if token.is_some() && self.calls.values().any(taken) {
            return Err(Refusal::TokenTaken);
        }
        let number = self.next_call;
        self.next_call += 1;
        self.calls.insert(number, Call { caller: who, callee, realm, token: token.map(str::to_owned) });
        Ok(number)
    }

    /// The other end.
    pub(crate) fn hangup(&mut self, who: Who, call: usize) -> Result<Who, Refusal> {
        let other = self.other(who, call)?;
        self.calls.remove(&call);
        Ok(other)
    }

    pub(crate) fn other(&self, who: Who, call: usize) -> Result<Who, Refusal> {
        match self.calls.get(&call) {
            Some(call) if call.caller == who => Ok(call.callee),
            Some(call) if call.callee == who => Ok(call.caller),
            _ => Err(Refusal::NoSuchLink),
        }
    }

    pub(crate) fn detach(&mut self, who: Who) {
        for (_, name) in self.rooms_of(who) {
            self.leave(who, &name);
        }
        self.unregister(who);
        self.calls.retain(|_, call| call.caller != who && call.callee != who);
        self.parties.remove(&who);
    }

    pub(crate) fn rooms_of(&self, who: Who) -> Vec<(u16, String)> {
        let is_in = |members: &BTreeMap<String, Who>| members.values().any(|member| *member == who);
        self.rooms.iter().filter(|(_, members)| is_in(members)).map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn name_of(&self, who: Who) -> Option<&str> {
        self.registered.iter().find(|(_, holder)| **holder == who).map(|((_, name), _)| name.as_str())
    }

    fn is_busy(&self, who: Who) -> bool {
        self.parties[&who].one_call && self.calls.values().any(|call| call.caller == who || call.callee == who)
    }

    pub(crate) fn members(&self) -> usize {
        self.rooms.values().map(BTreeMap::len).sum()
    }
}
