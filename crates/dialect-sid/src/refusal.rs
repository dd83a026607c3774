//! What is wrong, as the dialect's numbers: sid.md section 3, "Error codes".

use patchbay_core::Refusal;

/// The `code` of an error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WireError {
    NotJson = 9000,
    NoCommand = 9001,
    UnknownCommand = 9002,
    NotRegistered = 9100,
    Registered = 9101,
    IdTaken = 9102,
    Oneself = 9200,
    NoOpponent = 9201,
    InCall = 9202,
    OpponentInCall = 9203,
    NoSession = 9204,
    NoNotifyTarget = 9301,
    /// The reference says it of a socket that just failed; here, of an opponent that cannot be negotiated with.
    NotSent = 9400,
}

impl WireError {
    pub(crate) const fn code(self) -> u16 {
        self as u16
    }
}

/// What the client had asked for when the hub declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Session,
    Notify,
    /// To register, to say something in a session, or to end it.
    Else,
}

/// The error for a refusal.
pub(crate) fn error(asked: Asked, refusal: Refusal) -> WireError {
    match refusal {
        Refusal::Busy => WireError::OpponentInCall,
        Refusal::InCall => WireError::InCall,
        Refusal::NameTaken | Refusal::NameReserved => WireError::IdTaken,
        Refusal::NotRegistered => WireError::NotRegistered,
        Refusal::Registered => WireError::Registered,
        Refusal::Oneself => WireError::Oneself,
        Refusal::NoEngine => WireError::NotSent,
        Refusal::NoSuchParty => match asked {
            Asked::Session => WireError::NoOpponent,
            Asked::Notify => WireError::NoNotifyTarget,
            Asked::Else => WireError::NoSession,
        },
        // No session could be made: the opponent cannot be had now.
        Refusal::TokenTaken => WireError::OpponentInCall,
        // Rooms and streams are nothing that a client of this dialect can ask for.
        Refusal::NoSuchLink
        | Refusal::NoSuchRoom
        | Refusal::NotMember
        | Refusal::RoomFull
        | Refusal::TooManyRooms
        | Refusal::NoCodec
        | Refusal::NoSuchStream
        | Refusal::Overloaded
        | Refusal::Publishing
        | Refusal::StreamFull
        | Refusal::TracksFull
        | Refusal::StreamTaken
        | Refusal::Viewing => WireError::NoSession,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes that sid.md documents.
    const DOCUMENTED: [u16; 16] =
        [9000, 9001, 9002, 9100, 9101, 9102, 9200, 9201, 9202, 9203, 9204, 9300, 9301, 9400, 9401, 9402];

    #[test]
    fn every_refusal_has_a_documented_code() {
        for asked in [Asked::Session, Asked::Notify, Asked::Else] {
            for refusal in Refusal::ALL {
                let code = error(asked, refusal).code();
                assert!(DOCUMENTED.contains(&code), "{asked:?}, {refusal:?} became {code}");
            }
        }
    }
}
