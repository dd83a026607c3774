//! What is wrong, in the dialect's words: mesh.md section 4, "Errors".

use patchbay_core::Refusal;

/// The `code` and `error` of an error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    AlreadyJoined,
    DuplicateId,
    IdentityLocked,
    InvalidId,
    InvalidRoom,
    InvalidTarget,
    MembershipLost,
    NotJoined,
    RateLimited,
    RoomFull,
    RoomLimitReached,
    RoomMissing,
    TargetNotFound,
    UnknownType,
}

impl WireError {
    /// `(code, error)`, both exact.
    pub(crate) const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::AlreadyJoined => ("already_joined", "leave the current room before joining another"),
            Self::DuplicateId => ("duplicate_id", "client id already exists in room"),
            Self::IdentityLocked => ("identity_locked", "connection identity is immutable"),
            Self::InvalidId => ("invalid_id", "invalid client id"),
            Self::InvalidRoom => ("invalid_room", "invalid room name"),
            Self::InvalidTarget => ("invalid_target", "invalid target client"),
            Self::MembershipLost => ("membership_lost", "client is no longer registered in room"),
            Self::NotJoined => ("not_joined", "join a room first"),
            Self::RateLimited => ("rate_limited", "too many messages, please slow down"),
            Self::RoomFull => ("room_full", "room is full"),
            Self::RoomLimitReached => ("room_limit_reached", "room limit reached"),
            Self::RoomMissing => ("room_missing", "room no longer exists"),
            Self::TargetNotFound => ("target_not_found", "target client is not in the room"),
            Self::UnknownType => ("unknown_type", "unsupported message type"),
        }
    }
}

impl From<Refusal> for WireError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NameTaken => Self::DuplicateId,
            // Another one is to be chosen: waiting for this one would be in vain.
            Refusal::NameReserved => Self::InvalidId,
            Refusal::RoomFull => Self::RoomFull,
            Refusal::TooManyRooms => Self::RoomLimitReached,
            Refusal::NoSuchRoom => Self::RoomMissing,
            Refusal::NotMember => Self::MembershipLost,
            Refusal::Oneself => Self::InvalidTarget,
            // To a mesh client, somebody whom it cannot negotiate with is not there. Calls and streams it never asks for.
            Refusal::NoSuchParty
            | Refusal::NoEngine
            | Refusal::Busy
            | Refusal::InCall
            | Refusal::NoSuchLink
            | Refusal::NotRegistered
            | Refusal::Registered
            | Refusal::TokenTaken
            | Refusal::NoCodec
            | Refusal::NoSuchStream
            | Refusal::Overloaded
            | Refusal::Publishing
            | Refusal::StreamFull
            | Refusal::TracksFull
            | Refusal::StreamTaken
            | Refusal::Viewing => Self::TargetNotFound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that mesh.md documents.
    const DOCUMENTED: [&str; 15] = [
        "invalid_id",
        "invalid_room",
        "identity_locked",
        "already_joined",
        "duplicate_id",
        "room_full",
        "room_limit_reached",
        "not_joined",
        "invalid_target",
        "target_not_found",
        "unknown_type",
        "rate_limited",
        "invalid_join",
        "room_missing",
        "membership_lost",
    ];

    #[test]
    fn every_refusal_has_a_documented_code() {
        for refusal in Refusal::ALL {
            let (code, text) = WireError::from(refusal).words();
            assert!(DOCUMENTED.contains(&code), "{refusal:?} became {code}");
            assert!(!text.is_empty());
        }
    }
}
