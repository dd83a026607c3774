/// Why the hub declined a command. Each dialect maps **every** variant to its own error in one exhaustive function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The party that is asked for is in a call.
    Busy,
    /// The caller is in a call.
    InCall,
    /// The name is kept for whoever stands in for somebody outside the room.
    NameReserved,
    /// The name is taken: in the room, for `Join`; in the realm, for `Register`.
    NameTaken,
    /// The party has to `Register` first.
    NotRegistered,
    /// No codec is switched on for what is to be published; or what is to be viewed is coded in none that the view takes.
    NoCodec,
    /// The two parties speak different dialects and no media engine stands between them.
    NoEngine,
    /// The sender is not in that room (any more).
    NotMember,
    /// Nobody of that name is in the room or realm.
    NoSuchParty,
    /// That call or link does not exist (any more), or the sender has no part in it.
    NoSuchLink,
    /// That room does not exist (any more).
    NoSuchRoom,
    /// No stream of that name is live.
    NoSuchStream,
    /// The command names its own sender.
    Oneself,
    /// The server has as much to do as it may have, or the realm as many publications.
    Overloaded,
    /// The party publishes that stream already.
    Publishing,
    /// The party has registered already.
    Registered,
    /// The room has as many members as the realm allows.
    RoomFull,
    /// The stream has as many viewers as it may have, or the realm.
    StreamFull,
    /// Somebody else publishes that stream.
    StreamTaken,
    /// The realm has as many rooms as it allows.
    TooManyRooms,
    /// The main stream has as many tracks as it may have.
    TracksFull,
    /// The proposed token is taken: draw another.
    TokenTaken,
    /// The party views that stream already.
    Viewing,
}

impl Refusal {
    /// Every refusal, so that a test can ask each dialect for its mapping of each.
    pub const ALL: [Self; 23] = [
        Self::Busy,
        Self::InCall,
        Self::NameReserved,
        Self::NameTaken,
        Self::NotRegistered,
        Self::NoCodec,
        Self::NoEngine,
        Self::NotMember,
        Self::NoSuchParty,
        Self::NoSuchLink,
        Self::NoSuchRoom,
        Self::NoSuchStream,
        Self::Oneself,
        Self::Overloaded,
        Self::Publishing,
        Self::Registered,
        Self::RoomFull,
        Self::StreamFull,
        Self::StreamTaken,
        Self::TooManyRooms,
        Self::TracksFull,
        Self::TokenTaken,
        Self::Viewing,
    ];
}
