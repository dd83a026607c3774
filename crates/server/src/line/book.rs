//! The accounts of clients, found by who has them and by their address.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use patchbay_core::PartyId;

/// `T` is what is kept for each account.
#[derive(Debug)]
pub(super) struct Book<T> {
    clients: BTreeMap<PartyId, BTreeMap<Arc<str>, T>>,
    /// Who has an account of that address, in small letters. Many may: each connection of one person does.
    by_address: BTreeMap<String, BTreeSet<PartyId>>,
}

impl<T> Default for Book<T> {
    fn default() -> Self {
        Self { clients: BTreeMap::new(), by_address: BTreeMap::new() }
    }
}

impl<T> Book<T> {
    pub(super) fn get(&self, party: PartyId, address: &str) -> Option<&T> {
        self.clients.get(&party)?.get(address)
    }

    /// In place of what the client had of that address.
    pub(super) fn insert(&mut self, party: PartyId, address: Arc<str>, held: T) {
        self.by_address.entry(address.to_ascii_lowercase()).or_default().insert(party);
        self.clients.entry(party).or_default().insert(address, held);
    }

    pub(super) fn remove(&mut self, party: PartyId, address: &str) {
        let Some(accounts) = self.clients.get_mut(&party) else { return };
        if accounts.remove(address).is_none() {
            return;
        }
        let others = accounts.keys().any(|other| other.eq_ignore_ascii_case(address));
        if accounts.is_empty() {
            self.clients.remove(&party);
        }
        if !others {
            self.forget(party, address);
        }
    }

    /// The client has gone.
    pub(super) fn remove_all(&mut self, party: PartyId) {
        for (address, _) in self.clients.remove(&party).unwrap_or_default() {
            self.forget(party, &address);
        }
    }

    /// All accounts of that address, in whichever letters, those first whose clients came first.
    pub(super) fn of<'a>(&'a self, address: &'a str) -> impl Iterator<Item = &'a T> {
        let parties = self.by_address.get(&address.to_ascii_lowercase()).into_iter().flatten();
        let accounts = parties.filter_map(|party| self.clients.get(party)).flatten();
        accounts.filter(move |(of, _)| of.eq_ignore_ascii_case(address)).map(|(_, held)| held)
    }

    fn forget(&mut self, party: PartyId, address: &str) {
        let key = address.to_ascii_lowercase();
        if let Some(parties) = self.by_address.get_mut(&key) {
            parties.remove(&party);
            if parties.is_empty() {
                self.by_address.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::{Hub, Limits, Profile, Realm, RealmLimits};

    use super::*;

    fn parties() -> [PartyId; 3] {
        let mut hub = Hub::new(0, Limits { realms: vec![RealmLimits::default()] });
        let profile = Profile {
            realm: Realm(0),
            lang: patchbay_core::Lang(0),
            peer_to_peer: true,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        };
        [(); 3].map(|()| hub.attach(profile, &mut patchbay_core::Effects::new()))
    }

    #[test]
    fn accounts_are_found_by_their_address_in_any_letters() {
        let [a, b, c] = parties();
        let mut book = Book::default();
        for (party, address, held) in
            [(a, "anna@example.org", 1), (b, "Anna@Example.org", 2), (b, "ANNA@example.org", 3), (c, "carl@x", 4)]
        {
            book.insert(party, address.into(), held);
        }
        let of = |book: &Book<i32>, address: &str| book.of(address).copied().collect::<BTreeSet<_>>();
        assert_eq!(of(&book, "anna@EXAMPLE.ORG"), BTreeSet::from([1, 2, 3]));
        assert_eq!(of(&book, "anna"), BTreeSet::new());
        assert_eq!((book.get(b, "Anna@Example.org"), book.get(b, "anna@example.org")), (Some(&2), None));
        book.insert(a, "anna@example.org".into(), 5);
        book.remove(b, "Anna@Example.org");
        book.remove(b, "nobody");
        assert_eq!(of(&book, "anna@example.org"), BTreeSet::from([3, 5]), "one of two that differ by letters alone");
        book.remove(b, "ANNA@example.org");
        book.remove_all(a);
        book.remove_all(a);
        assert_eq!(of(&book, "anna@example.org"), BTreeSet::new());
        assert_eq!(of(&book, "carl@X"), BTreeSet::from([4]));
        book.remove(c, "carl@x");
        assert!(book.clients.is_empty() && book.by_address.is_empty(), "nothing is left of those who went");
    }
}
