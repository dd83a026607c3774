//! What holds between calls, whatever peers do. For tests; nothing that ships asks.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use patchbay_core::LinkId;

use super::Worker;
use crate::demux::{ADDRESSES, NAMES};
use crate::leg::Role;

impl Worker {
    /// Every invariant that does not hold; empty if the worker is sound. Costs the whole state.
    pub(crate) fn check(&self) -> Vec<&'static str> {
        let mut found = Vec::new();
        let mut expect = |holds: bool, what: &'static str| {
            if !holds {
                found.push(what);
            }
        };
        let mut living = 0;
        for (index, leg) in self.legs.iter().enumerate() {
            let Some(leg) = leg.as_deref() else { continue };
            living += 1;
            expect(self.by_link.get(&leg.link) == Some(&index), "a leg is found by its link");
            expect(leg.addresses.len() <= ADDRESSES, "a leg has few addresses");
            expect(leg.names.len() <= NAMES, "a leg has few names");
            let named = leg.names.iter().all(|name| self.demux.by_name(name) == Some(index));
            expect(named, "a leg is found by its names");
            let heard = leg.hears.iter().all(|topic| self.hears.get(topic).is_some_and(|all| all.contains(&index)));
            expect(heard, "a leg hears its topics");
            expect(leg.data.is_sound(), "a data channel keeps its bounds");
            let sound = !matches!(&leg.role, Role::Fragments(fragmenting) if !fragmenting.is_sound());
            expect(sound, "fragments keep their bounds");
            let waits = leg.armed.is_none_or(|tick| self.wheel.count(index, tick).1 > 0);
            expect(waits, "a leg is called at its tick");
        }
        expect(living == self.by_link.len(), "no link leads to a leg that has gone");
        let free: BTreeSet<_> = self.free.iter().collect();
        expect(free.len() == self.free.len(), "no place is free twice");
        expect(free.len() + living == self.legs.len(), "a place is free or taken");
        let leg = |index: usize| self.legs.get(index).and_then(Option::as_deref);
        let owned =
            |(address, index): (&SocketAddr, &usize)| leg(*index).is_some_and(|leg| leg.addresses.contains(address));
        expect(self.demux.addresses().all(owned), "an address leads to its leg");
        let named = |(name, index): (&String, &usize)| leg(*index).is_some_and(|leg| leg.names.contains(name));
        expect(self.demux.names().all(named), "a name leads to its leg");
        let hears = self.hears.iter().all(|(topic, hearers)| {
            let all = hearers.iter().all(|index| leg(*index).is_some_and(|leg| leg.hears.contains(topic)));
            all && !hearers.is_empty()
        });
        expect(hears, "a topic is heard by legs that are there");
        let telephones = self.ports.iter().all(|(local, (index, place))| {
            let Some(Role::Phone(phone)) = leg(*index).map(|leg| &leg.role) else { return false };
            phone.ports().any(|port| port == (*place, *local))
        });
        expect(telephones, "a port leads to a section of a telephone");
        let bound = |leg: &crate::leg::Leg| match &leg.role {
            Role::Phone(phone) => phone.ports().all(|(_, local)| self.ports.contains_key(&local)),
            _ => true,
        };
        expect(self.legs.iter().flatten().all(|leg| bound(leg)), "a telephone is found by its ports");
        let other = |leg: &crate::leg::Leg| match &leg.role {
            Role::Talk(talking) => talking.other,
            Role::Phone(phone) => phone.other,
            Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => None,
        };
        let paired = |end: &crate::leg::Leg| {
            let with = other(end).map(|with| self.by_link.get(&with).and_then(|index| leg(*index)));
            with.is_none_or(|with| with.is_some_and(|with| other(with) == Some(end.link)))
        };
        expect(self.legs.iter().flatten().all(|leg| paired(leg)), "ends are each other's");
        let sends = |index: usize| leg(index).is_some_and(|leg| matches!(leg.role, Role::Send(_) | Role::Fragments(_)));
        expect(self.routes.legs().all(sends), "a route leads to a leg that sends");
        found
    }

    /// How many deadlines wait, those that were replaced since included.
    #[cfg(test)]
    pub(crate) fn deadlines(&self) -> usize {
        self.wheel.count(0, 0).0
    }

    /// Whether that leg lives here.
    pub(crate) fn has(&self, link: LinkId) -> bool {
        self.by_link.contains_key(&link)
    }

    /// The leg that has datagrams of this source.
    pub(crate) fn owner(&self, source: SocketAddr) -> Option<LinkId> {
        Some(self.legs[self.demux.by_address(source)?].as_ref()?.link)
    }

    /// Whether that leg is sent no data messages any more.
    pub(crate) fn is_shut(&self, link: LinkId) -> bool {
        let leg = self.by_link.get(&link).and_then(|index| self.legs[*index].as_ref());
        leg.is_some_and(|leg| leg.data.is_shut())
    }
}
