use std::time::Duration;

/// The hub's bounds.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bounds of each realm, by its number.
    pub realms: Vec<RealmLimits>,
}

/// The bounds of one realm.
#[derive(Clone, Copy, Debug)]
pub struct RealmLimits {
    /// Most rooms at once; one more is refused as [`TooManyRooms`](crate::Refusal::TooManyRooms).
    pub rooms: usize,
    /// Most members of one room; one more is refused as [`RoomFull`](crate::Refusal::RoomFull).
    pub members: usize,
    /// The least time between two merged lists of one room, or of the realm's presence: shorter shows changes sooner,
    /// longer makes storms cheaper (a room that fills costs members x lists).
    pub window: Duration,
}

impl Default for RealmLimits {
    /// Seed 003: 1,000 rooms of 50.
    fn default() -> Self {
        Self { rooms: 1_000, members: 50, window: Duration::from_millis(50) }
    }
}
