//! What one party was told, and what it has read of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Event, EventQueue, LevelKey, LinkId, Name, RoomId};

/// A party in a presence list: its name, and whether it is in a call.
pub(super) type Present = (u8, bool);
/// A member in a list: its name, and what it shows.
pub(super) type Seen = (u8, Option<u8>);

#[derive(Debug, Default)]
pub(super) struct Ear {
    /// The rooms it is in.
    pub(super) rooms: BTreeMap<RoomId, Told<Seen>>,
    /// How many rooms it was ever in.
    entered: usize,
    pub(super) presence: Told<Present>,
    queue: EventQueue,
    /// Events that may not be lost: told, and not yet read.
    kept: usize,
    /// Of every room it was ever in.
    read: BTreeMap<RoomId, Read<Seen>>,
    read_presence: Read<Present>,
    /// What could be seen in each room, by the last list that was told.
    pub(super) streams: BTreeMap<RoomId, Vec<Name>>,
    /// Views whose state it was told: each may wait once, and who speaks in it.
    views: BTreeSet<LinkId>,
}

/// The newest list that a party was told, and up to how many entries it wants each one.
#[derive(Debug)]
pub(super) struct Told<T> {
    pub(super) version: u64,
    pub(super) list: Vec<T>,
    pub(super) every_up_to: usize,
}

impl<T> Default for Told<T> {
    fn default() -> Self {
        Self { version: 0, list: Vec::new(), every_up_to: 0 }
    }
}

/// The newest list that a party has read.
#[derive(Debug)]
struct Read<T> {
    version: u64,
    list: Vec<T>,
}

impl<T> Default for Read<T> {
    fn default() -> Self {
        Self { version: 0, list: Vec::new() }
    }
}

impl<T> Told<T> {
    /// A list arrives; `version` must rise.
    pub(super) fn hears(&mut self, version: u64, list: Vec<T>) {
        assert!(version > self.version, "list {version} was told after {}", self.version);
        (self.version, self.list) = (version, list);
    }
}

impl<T> Read<T> {
    fn reads(&mut self, version: u64, list: Vec<T>) {
        assert!(version > self.version, "the queue handed out list {version} after {}", self.version);
        (self.version, self.list) = (version, list);
    }
}

impl Ear {
    pub(super) fn enters(&mut self, room: RoomId, every_up_to: usize) {
        self.entered += 1;
        self.rooms.insert(room, Told { every_up_to, ..Told::default() });
    }

    /// Puts an event into the party's queue.
    pub(super) fn queue(&mut self, event: Event) {
        self.kept += usize::from(event.level().is_none());
        if let Some(LevelKey::Measured(link) | LevelKey::Speaker(link)) = event.level() {
            self.views.insert(link);
        }
        self.queue.push(event);
        // At most one waits of each level: the member list of each room, presence, and two of each view.
        assert!(self.queue.len() <= self.kept + self.entered + 1 + 2 * self.views.len(), "values of a level pile up");
        assert!(self.queue.bytes() >= self.queue.len() * size_of::<Event>(), "what waits weighs too little");
    }

    /// Takes up to `events` events from the queue.
    pub(super) fn read(&mut self, events: usize) {
        for _ in 0..events {
            let Some(event) = self.queue.pop() else { break };
            self.kept -= usize::from(event.level().is_none());
            match event {
                Event::Joined { room, .. } => drop(self.read.entry(room).or_default()),
                Event::Members { room, list, .. } => {
                    let read = self.read.get_mut(&room).expect("a list is read after `Joined`");
                    read.reads(list.version, super::stage::seen(&list));
                }
                Event::Presence { list, .. } => {
                    self.read_presence.reads(list.version, super::stage::presence(&list));
                }
                _ => {}
            }
        }
        if self.queue.is_empty() {
            assert_eq!((self.queue.bytes(), self.kept), (0, 0), "bytes or events were lost");
        }
    }

    /// Reads all there is; what it then knows of its rooms and of presence is what it was told.
    pub(super) fn catches_up(&mut self) {
        self.read(usize::MAX);
        for (room, told) in &self.rooms {
            assert_eq!(self.read[room].list, told.list, "the queue lost the last list of {room:?}");
        }
        assert_eq!(self.read_presence.list, self.presence.list, "the queue lost the last presence list");
    }
}
