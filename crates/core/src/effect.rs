use crate::{Event, MediaOp, PartyId};

/// Everything that the hub can cause.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Put the event at the end of the party's queue.
    Tell(PartyId, Event),
    /// Hand the operation to the media engine.
    Media(MediaOp),
    /// What lists and metrics read instead of the hub.
    Snapshot(Counts),
}

/// How much the hub holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Attached parties.
    pub parties: u64,
    /// Live rooms.
    pub rooms: u64,
    /// Members of all rooms.
    pub members: u64,
    /// Registered names.
    pub registered: u64,
    /// Open calls.
    pub calls: u64,
    /// Streams that are published or about to be.
    pub streams: u64,
    /// Views.
    pub views: u64,
}

/// The effects of one turn, in the order in which they must be carried out. The caller keeps one and drains it, so
/// that a turn allocates nothing.
#[derive(Debug, Default)]
pub struct Effects {
    list: Vec<Effect>,
}

impl Effects {
    /// No effects.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn tell(&mut self, party: PartyId, event: Event) {
        self.list.push(Effect::Tell(party, event));
    }

    pub(crate) fn media(&mut self, op: MediaOp) {
        self.list.push(Effect::Media(op));
    }

    pub(crate) fn snapshot(&mut self, counts: Counts) {
        self.list.push(Effect::Snapshot(counts));
    }

    /// Takes the effects out, in order.
    pub fn drain(&mut self) -> impl Iterator<Item = Effect> + '_ {
        self.list.drain(..)
    }

    /// Nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}
