/// Why the hub declined a command. Each dialect maps **every** variant to its own error in one exhaustive function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The party that is asked for is in a call.
    Busy,
    /// The caller is in a call.
    InCall,
    /// The name is taken: in the room, for `Join`; in the realm, for `Register`.
    NameTaken,
    /// The party has to `Register` first.
    NotRegistered,
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
    /// The command names its own sender.
    Oneself,
    /// The party has registered already.
    Registered,
    /// The room has as many members as the realm allows.
    RoomFull,
    /// The realm has as many rooms as it allows.
    TooManyRooms,
    /// The proposed token is taken: draw another.
    TokenTaken,
}

impl Refusal {
    /// Every refusal, so that a test can ask each dialect for its mapping of each.
    pub const ALL: [Self; 14] = [
        Self::Busy,
        Self::InCall,
        Self::NameTaken,
        Self::NotRegistered,
        Self::NoEngine,
        Self::NotMember,
        Self::NoSuchParty,
        Self::NoSuchLink,
        Self::NoSuchRoom,
        Self::Oneself,
        Self::Registered,
        Self::RoomFull,
        Self::TooManyRooms,
        Self::TokenTaken,
    ];
}
