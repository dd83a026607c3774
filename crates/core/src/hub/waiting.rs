//! Who asked for a stream that was not live, and is to hear when it goes live.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Name, PartyId, Realm};

/// Streams that one party may wait for. A page waits for one or a few; more would let a client grow our memory name by
/// name. One more takes the place of the first in the order of names: who asks for hundreds asks again anyway.
const PER_PARTY: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Waiting {
    by_stream: BTreeMap<(Realm, Name), BTreeSet<PartyId>>,
    by_party: BTreeMap<PartyId, BTreeSet<(Realm, Name)>>,
}

impl Waiting {
    pub(super) fn add(&mut self, stream: (Realm, Name), party: PartyId) {
        let streams = self.by_party.entry(party).or_default();
        if !streams.contains(&stream)
            && streams.len() >= PER_PARTY
            && let Some(first) = streams.pop_first()
        {
            self.drop_from(&first, party);
        }
        self.by_party.entry(party).or_default().insert(stream.clone());
        self.by_stream.entry(stream).or_default().insert(party);
    }

    /// Everybody who waits for the stream; they wait no longer.
    pub(super) fn take(&mut self, stream: &(Realm, Name)) -> BTreeSet<PartyId> {
        let parties = self.by_stream.remove(stream).unwrap_or_default();
        for party in &parties {
            if let Some(streams) = self.by_party.get_mut(party) {
                streams.remove(stream);
                if streams.is_empty() {
                    self.by_party.remove(party);
                }
            }
        }
        parties
    }

    /// The party waits for the stream no longer.
    pub(super) fn drop(&mut self, stream: &(Realm, Name), party: PartyId) {
        if let Some(streams) = self.by_party.get_mut(&party).filter(|streams| streams.contains(stream)) {
            streams.remove(stream);
            if streams.is_empty() {
                self.by_party.remove(&party);
            }
            self.drop_from(stream, party);
        }
    }

    pub(super) fn forget(&mut self, party: PartyId) {
        for stream in self.by_party.remove(&party).unwrap_or_default() {
            self.drop_from(&stream, party);
        }
    }

    fn drop_from(&mut self, stream: &(Realm, Name), party: PartyId) {
        if let Some(parties) = self.by_stream.get_mut(stream) {
            parties.remove(&party);
            if parties.is_empty() {
                self.by_stream.remove(stream);
            }
        }
    }

    /// Everybody who waits for anything, for `check`.
    pub(super) fn parties(&self) -> impl Iterator<Item = PartyId> + '_ {
        self.by_party.keys().copied()
    }

    /// Both sides tell the same, for `check`.
    pub(super) fn is_sound(&self) -> bool {
        let pairs: usize = self.by_stream.values().map(BTreeSet::len).sum();
        let back: usize = self.by_party.values().map(BTreeSet::len).sum();
        let known = |(party, streams): (&PartyId, &BTreeSet<(Realm, Name)>)| {
            streams.len() <= PER_PARTY
                && streams.iter().all(|stream| self.by_stream.get(stream).is_some_and(|of| of.contains(party)))
        };
        pairs == back && self.by_party.iter().all(known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(number: usize) -> (Realm, Name) {
        (Realm(0), Name::parse(&format!("s{number:03}")).expect("a name"))
    }

    #[test]
    fn a_party_waits_for_so_many_streams_and_no_more() {
        let (mut waiting, party) = (Waiting::default(), PartyId::new(0, 1, 0));
        (0..PER_PARTY).for_each(|number| waiting.add(stream(number), party));
        waiting.add(stream(3), party);
        assert!(waiting.is_sound());
        assert_eq!(waiting.take(&stream(0)).len(), 1, "one that was known pushes nobody out");
        waiting.add(stream(0), party);
        waiting.add(stream(PER_PARTY), party);
        assert!(waiting.take(&stream(0)).is_empty(), "the first made room");
        assert!(waiting.take(&stream(PER_PARTY)).contains(&party));
        assert!(waiting.take(&stream(PER_PARTY)).is_empty(), "it is told once");
        waiting.drop(&stream(3), party);
        assert!(waiting.is_sound() && waiting.take(&stream(3)).is_empty(), "it waits no longer");
        waiting.forget(party);
        assert!(waiting.by_stream.is_empty() && waiting.by_party.is_empty() && waiting.is_sound());
    }
}
