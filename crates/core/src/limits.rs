use std::sync::Arc;
use std::time::Duration;

use crate::{Codec, Kind, Kinds, Realm};

/// The hub's bounds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bounds of each realm, by its number.
    pub realms: Vec<RealmLimits>,
}

/// The bounds of one realm.
#[derive(Clone, Debug)]
pub struct RealmLimits {
    /// Most rooms at once; one more is refused as [`TooManyRooms`](crate::Refusal::TooManyRooms).
    pub rooms: usize,
    /// Most rooms of two at once ([`RoomKind::Pair`](crate::RoomKind::Pair)); one more is refused as
    /// [`TooManyRooms`](crate::Refusal::TooManyRooms).
    pub pairs: usize,
    /// Most members of one room; one more is refused as [`RoomFull`](crate::Refusal::RoomFull).
    pub members: usize,
    /// The least time between two merged lists of one room, or of the realm's presence: shorter shows changes sooner,
    /// longer makes storms cheaper (a room that fills costs members x lists).
    pub window: Duration,
    /// Most viewers of one stream; one more is refused as [`StreamFull`](crate::Refusal::StreamFull).
    pub viewers: usize,
    /// Most viewers of all streams together; one more is refused as [`StreamFull`](crate::Refusal::StreamFull).
    pub views: usize,
    /// Most publications at once, whoever's they are; one more is refused as [`Overloaded`](crate::Refusal::Overloaded).
    pub publications: usize,
    /// How long the viewers of a stream wait for its publisher, once that one is lost without having ended it; zero: not at
    /// all. Longer forgives longer losses of a network, shorter frees what waits sooner.
    pub restore: Duration,
    /// Codecs in which streams may be published; `None`: there is no engine here, and streams are refused as
    /// [`NoEngine`](crate::Refusal::NoEngine).
    pub codecs: Option<Arc<[Codec]>>,
    /// Codecs of calls that end in the engine; `None`: the same.
    pub calls: Option<Arc<[Codec]>>,
    /// Whoever is registered is told of everybody else who is. Where names are secrets of two, nobody is.
    pub presence: bool,
    /// Where a stream is looked for that somebody wants to view and that is not in this realm, in this order.
    pub also: Vec<Realm>,
}

impl RealmLimits {
    /// For which kinds there is a codec.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        let any = |kind| self.codecs.iter().any(|codecs| codecs.iter().any(|codec| codec.kind() == kind));
        Kinds { audio: any(Kind::Audio), video: any(Kind::Video) }
    }
}

impl Default for RealmLimits {
    /// Seed 003: 1,000 rooms of 50. No engine.
    fn default() -> Self {
        Self {
            rooms: 1_000,
            pairs: 0,
            members: 50,
            window: Duration::from_millis(50),
            viewers: usize::MAX,
            views: usize::MAX,
            publications: usize::MAX,
            restore: Duration::ZERO,
            codecs: None,
            calls: None,
            presence: true,
            also: Vec::new(),
        }
    }
}
