//! The hub's invariants, asked for after every step of a property test or simulation, and never in production.

use super::Hub;
use super::timers::Timer;
use crate::RoomKind;

/// A broken invariant, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl Hub {
    /// Every invariant that does not hold; empty if the hub is sound. Costs the whole state.
    #[must_use]
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        let mut expect = |holds: bool, what: &str| {
            if !holds {
                found.push(Violation(what.to_owned()));
            }
        };
        let (mut members, mut waiting) = (0, 0);
        for (id, room) in self.rooms.all() {
            members += room.members.len() as u64;
            waiting += usize::from(room.window.pending);
            expect(self.rooms.is_sound(id, room), "a room is too large, one too many, or not found under its name");
            let distinct = room.members.iter().all(|member| !room.standins.contains_key(&member.name));
            expect(distinct, "a member has the name of what stands in");
            expect(!room.members.is_empty(), "a room has no member");
            expect(room.members.is_sorted_by(|a, b| a.name < b.name), "members are not sorted and distinct");
            expect(
                !room.window.pending || self.timers.has(room.window.until, Timer::Room(id)),
                "a list waits and no timer will send it",
            );
            for member in &room.members {
                let known = self.directory.room_name(member.party, id);
                expect(known == Some(&member.name), "a member does not know that it is in the room");
            }
        }
        expect(self.rooms.names() as u64 == self.rooms.rooms(), "a room's name outlived it");
        expect(members == self.rooms.members(), "members are miscounted");
        let believed: u64 = self.directory.all().map(|(_, rooms)| rooms.len() as u64).sum();
        expect(believed == members, "a party believes it is in a room that does not know it");
        expect(self.directory.all().count() as u64 == self.directory.parties(), "parties are miscounted");
        expect(self.timers.len() >= waiting, "a timer is missing");
        expect(
            self.timers.len() <= waiting + self.limits.realms.len() + self.patches.pulls(),
            "a timer outlived what it was for",
        );
        let attached = |party| self.directory.profile(party).is_some();
        expect(self.aliases.parties().all(attached), "an alias outlived its party");
        for (_, room) in self.rooms.all() {
            let seen = match room.kind {
                RoomKind::Open => self.seen_in(room.realm, &room.name),
                RoomKind::Pair => Vec::new(),
            };
            expect(room.streams == seen, "a room does not show what can be seen in it");
        }
        let lives = |call| self.calls.lives(call);
        expect(self.talks.calls().all(lives), "legs of a call outlived it");
        for fault in self
            .directory
            .name_faults()
            .chain(self.calls.faults(&self.directory))
            .chain(self.streams.faults(&self.directory))
            .chain(self.talks.faults())
            .chain(self.aliases.faults())
            .chain(self.patches.faults(&self.streams, &self.directory))
        {
            expect(false, fault);
        }
        found
    }
}
