//! What the hub declines, in the words of the dialect (ers.md section 1.4, "Acks of `join`").

use patchbay_core::Refusal;

use super::wire::Declined;

/// What was asked for when the hub declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A media server wants to wait in a room.
    Wait,
    /// A viewer wants the media server of a room.
    Meet,
    /// To go on with what was begun: a message, an end.
    Else,
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// This.
    Word(Declined),
    /// That nobody is there, after a while, so that players do not spin.
    NobodyYet,
    /// Nothing: messages have no answer.
    Nothing,
}

/// What a refusal means.
pub(super) fn told(asked: Asked, refusal: Refusal) -> Told {
    match refusal {
        Refusal::Busy
        | Refusal::NoSuchParty
        | Refusal::InCall
        | Refusal::NameReserved
        | Refusal::NameTaken
        | Refusal::NotRegistered
        | Refusal::NoCodec
        | Refusal::NoEngine
        | Refusal::NotMember
        | Refusal::NoSuchLink
        | Refusal::NoSuchRoom
        | Refusal::NoSuchStream
        | Refusal::Oneself
        | Refusal::Overloaded
        | Refusal::Publishing
        | Refusal::Registered
        | Refusal::RoomFull
        | Refusal::StreamFull
        | Refusal::TracksFull
        | Refusal::StreamTaken
        | Refusal::TooManyRooms
        | Refusal::TokenTaken
        | Refusal::Viewing => match asked {
            Asked::Else => Told::Nothing,
            // A viewer tries again, whatever it was: a room without a media server, or one that is with somebody else.
            Asked::Meet => Told::NobodyYet,
            // A media server does, too: of its words for a failure this is the one that it does not take as final.
            Asked::Wait => Told::Word(Declined::Taken),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_lets_the_client_try_again() {
        for refusal in Refusal::ALL {
            assert_eq!(told(Asked::Wait, refusal), Told::Word(Declined::Taken), "{refusal:?}");
            assert_eq!(told(Asked::Meet, refusal), Told::NobodyYet, "{refusal:?}");
            assert_eq!(told(Asked::Else, refusal), Told::Nothing, "{refusal:?}");
        }
    }
}
