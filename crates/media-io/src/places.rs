//! Which worker has which leg.

use std::collections::BTreeMap;

use patchbay_core::{LegRole, LinkId, Open, Talk, Topic};

/// Legs that a worker may have more than the idlest and still get another of its stage. More keeps larger rooms on one
/// thread: between threads, each frame wakes one thread more, and is served with colder caches. Fewer spreads a large
/// audience over all cores sooner.
const AHEAD: usize = 32;

/// Which worker has which leg, and where a stage is at home.
pub(crate) struct Places {
    by_link: BTreeMap<LinkId, Place>,
    homes: BTreeMap<Topic, Home>,
    /// How many legs each worker has.
    legs: Vec<usize>,
}

struct Place {
    worker: usize,
    stage: Option<Topic>,
}

struct Home {
    worker: usize,
    /// Legs of the stage, wherever they are.
    legs: usize,
}

impl Places {
    pub(crate) fn new(workers: usize) -> Self {
        Self { by_link: BTreeMap::new(), homes: BTreeMap::new(), legs: vec![0; workers] }
    }

    /// Where a leg is.
    pub(crate) fn of(&self, link: LinkId) -> Option<usize> {
        self.by_link.get(&link).map(|place| place.worker)
    }

    /// Finds a worker for a new leg: both ends of a conversation are together, and so are the legs of a stage while their
    /// worker has not many more than others. Else the one with the fewest gets it.
    pub(crate) fn place(&mut self, open: &Open) -> Option<usize> {
        let idlest = self.legs.iter().enumerate().min_by_key(|(_, legs)| **legs).map(|(worker, _)| worker)?;
        let most = self.legs[idlest] + AHEAD;
        let at_home = open.stage.and_then(|stage| self.homes.get(&stage)).map(|home| home.worker);
        let at_home = at_home.filter(|home| self.legs[*home] < most);
        let worker = partner(open).and_then(|with| self.of(with)).or(at_home).unwrap_or(idlest);
        self.legs[worker] += 1;
        if let Some(stage) = open.stage {
            self.homes.entry(stage).or_insert(Home { worker, legs: 0 }).legs += 1;
        }
        self.by_link.insert(open.link, Place { worker, stage: open.stage });
        Some(worker)
    }

    pub(crate) fn free(&mut self, link: LinkId) {
        let Some(Place { worker, stage }) = self.by_link.remove(&link) else { return };
        self.legs[worker] -= 1;
        if let Some(stage) = stage
            && let Some(home) = self.homes.get_mut(&stage)
        {
            home.legs -= 1;
            if home.legs == 0 {
                self.homes.remove(&stage);
            }
        }
    }
}

/// The other end of a conversation.
fn partner(open: &Open) -> Option<LinkId> {
    match &open.role {
        LegRole::Talk(Talk::Ours { with, .. }) => *with,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use patchbay_core::{Kinds, PartyId, Transport};

    use super::*;

    fn open(link: u64, stage: Option<u64>, role: LegRole) -> Open {
        Open {
            link: LinkId::new(link),
            owner: PartyId::new(0, 0, 0),
            role,
            stage: stage.map(Topic::new),
            says: Vec::new(),
            hears: Vec::new(),
            heeds: Vec::new(),
            report: Duration::from_secs(1),
            transport: Transport::default(),
        }
    }

    fn leg(link: u64, stage: u64) -> Open {
        open(link, Some(stage), LegRole::Receive { accept: Kinds::ALL, codecs: [].into() })
    }

    #[test]
    fn a_room_is_on_one_worker_and_the_next_room_on_the_idlest() {
        let mut places = Places::new(3);
        for stage in 0..4 {
            let at: Vec<_> = (0..4).map(|number| places.place(&leg(stage * 10 + number, stage))).collect();
            // The first worker is the idlest again when each has a room.
            assert_eq!(at, [Some(usize::try_from(stage).expect("few") % 3); 4]);
        }
    }

    #[test]
    fn a_large_audience_is_spread_over_all() {
        let mut places = Places::new(2);
        (0..400).for_each(|link| assert!(places.place(&leg(link, 0)).is_some()));
        assert_eq!(places.legs, [216, 184]);
        assert_eq!(places.place(&leg(400, 1)), Some(1), "another room is where there is room");
    }

    #[test]
    fn the_ends_of_a_conversation_are_together() {
        let mut places = Places::new(2);
        let talk = |link, with: Option<u64>| {
            let with = with.map(LinkId::new);
            open(link, None, LegRole::Talk(Talk::Ours { with, codecs: [].into() }))
        };
        assert_eq!(places.place(&talk(1, None)), Some(0));
        assert_eq!(places.place(&talk(2, None)), Some(1));
        assert_eq!(places.place(&talk(3, Some(1))), Some(0));
        assert_eq!(places.place(&talk(4, Some(9))), Some(1), "the other end is gone");
    }

    #[test]
    fn nothing_is_left_of_what_is_over() {
        let mut places = Places::new(2);
        (0..80).for_each(|link| assert!(places.place(&leg(link, link % 3)).is_some()));
        (0..80).for_each(|link| places.free(LinkId::new(link)));
        // Twice, as a leg that is lost is closed as well.
        (0..80).for_each(|link| places.free(LinkId::new(link)));
        assert!(places.by_link.is_empty() && places.homes.is_empty());
        assert_eq!(places.legs, [0, 0]);
    }
}
