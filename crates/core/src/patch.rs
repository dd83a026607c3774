//! Rooms that are one across naming spaces.

use crate::{Lang, Name, Realm};

/// A room that is one across naming spaces: the streams of one are members of the other, and members can be asked for as
/// streams. Between a member and a stream stands the media engine; members among themselves go on as they do.
#[derive(Clone, Debug)]
pub struct Patch {
    /// The room's name: a main stream of this name belongs to it with its tracks.
    pub room: Name,
    /// Where its members are.
    pub members: MemberSpace,
    /// Where its streams are.
    pub streams: StreamSpace,
    /// A member may be asked for its sound and pictures while somebody wants to see it as a stream.
    pub pull: bool,
}

/// The side of a patch whose parties negotiate with each other in a room.
#[derive(Clone, Debug)]
pub struct MemberSpace {
    /// The naming space.
    pub realm: Realm,
    /// The room's name in it.
    pub room: Name,
    /// What stands in for a stream of that name; the number counts the names that were taken.
    pub stand_in: fn(&Name, u32) -> Name,
    /// Names that are kept for those who stand in.
    pub is_reserved: fn(&Name) -> bool,
}

/// The side of a patch whose parties publish and view streams.
#[derive(Clone, Debug)]
pub struct StreamSpace {
    /// The naming space.
    pub realm: Realm,
    /// Streams that belong to the room, whoever publishes them.
    pub named: Vec<Name>,
    /// Dialects all of whose streams belong to it.
    pub of: Vec<Lang>,
    /// Dialects whose viewers may ask for members.
    pub seen_by: Vec<Lang>,
    /// The stream that a member is, by the names of room and member.
    pub stream_of: fn(&Name, &Name) -> Name,
}
