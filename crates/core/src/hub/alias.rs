//! Further names under which parties are reached by posts. Unlike a registered name, several may share one.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Name, PartyId, Realm, Refusal};

/// Aliases of one party. A client has one or a few accounts; more would let it grow our memory name by name. One more is
/// refused as [`Refusal::Overloaded`].
const PER_PARTY: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Aliases {
    by_name: BTreeMap<(Realm, Name), BTreeSet<PartyId>>,
    by_party: BTreeMap<PartyId, BTreeSet<Name>>,
}

impl Aliases {
    pub(super) fn add(&mut self, realm: Realm, name: Name, party: PartyId) -> Result<(), Refusal> {
        let names = self.by_party.entry(party).or_default();
        if !names.contains(&name) && names.len() >= PER_PARTY {
            return Err(Refusal::Overloaded);
        }
        names.insert(name.clone());
        self.by_name.entry((realm, name)).or_default().insert(party);
        Ok(())
    }

    pub(super) fn remove(&mut self, realm: Realm, name: &Name, party: PartyId) {
        let Some(names) = self.by_party.get_mut(&party).filter(|names| names.contains(name)) else { return };
        names.remove(name);
        if names.is_empty() {
            self.by_party.remove(&party);
        }
        self.drop_from(&(realm, name.clone()), party);
    }

    /// The party has gone.
    pub(super) fn forget(&mut self, realm: Realm, party: PartyId) {
        for name in self.by_party.remove(&party).unwrap_or_default() {
            self.drop_from(&(realm, name), party);
        }
    }

    fn drop_from(&mut self, key: &(Realm, Name), party: PartyId) {
        if let Some(parties) = self.by_name.get_mut(key) {
            parties.remove(&party);
            if parties.is_empty() {
                self.by_name.remove(key);
            }
        }
    }

    /// Whom the name is an alias of.
    pub(super) fn of(&self, realm: Realm, name: &Name) -> impl Iterator<Item = PartyId> {
        self.by_name.get(&(realm, name.clone())).into_iter().flatten().copied()
    }

    /// Everybody who has one, for `check`.
    pub(super) fn parties(&self) -> impl Iterator<Item = PartyId> {
        self.by_party.keys().copied()
    }

    /// What is wrong, for `check`.
    pub(super) fn faults(&self) -> Option<&'static str> {
        let pairs: usize = self.by_name.values().map(BTreeSet::len).sum();
        let back: usize = self.by_party.values().map(BTreeSet::len).sum();
        let bounded = self.by_party.values().all(|names| (1..=PER_PARTY).contains(&names.len()));
        (pairs != back || !bounded).then_some("an alias and its party do not know of each other")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_party_has_so_many_aliases_and_no_more() {
        let (mut aliases, realm) = (Aliases::default(), Realm(0));
        let name = |number: usize| Name::parse(&format!("a{number}")).expect("a name");
        let [one, other] = [1, 2].map(|slot| PartyId::new(0, slot, 0));
        for number in 0..PER_PARTY {
            assert_eq!(aliases.add(realm, name(number), one), Ok(()));
        }
        assert_eq!(aliases.add(realm, name(PER_PARTY), one), Err(Refusal::Overloaded));
        assert_eq!(aliases.add(realm, name(3), one), Ok(()), "one that it has");
        assert_eq!(aliases.add(realm, name(3), other), Ok(()));
        assert_eq!(aliases.of(realm, &name(3)).collect::<Vec<_>>(), [one, other]);
        assert_eq!(aliases.of(Realm(1), &name(3)).count(), 0, "of another realm");
        aliases.remove(realm, &name(3), one);
        aliases.remove(realm, &name(3), one);
        assert_eq!((aliases.of(realm, &name(3)).collect::<Vec<_>>(), aliases.faults()), (vec![other], None));
        aliases.forget(realm, one);
        aliases.forget(realm, other);
        assert!(aliases.by_name.is_empty() && aliases.by_party.is_empty());
    }
}
