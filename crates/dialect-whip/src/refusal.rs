//! Why a request is declined, as status and words (RFC 9457).

use patchbay_core::{Cause, CauseKind, Refusal};
use patchbay_dialect_kit::http::Reply;

/// After how many seconds a client that was turned away may ask again: soon enough for who waits for a stream, seldom
/// enough for thousands who do.
const RETRY_S: &str = "2";

/// The hub declined what the request asked for.
pub(crate) fn of_refusal(refusal: Refusal) -> Reply {
    match refusal {
        Refusal::NoSuchStream => {
            Reply::problem(404, "Not Found", "no stream of that name is live; publish it first, or ask again later")
                .with("retry-after", RETRY_S)
        }
        Refusal::StreamTaken | Refusal::Publishing => Reply::problem(
            409,
            "Conflict",
            "somebody publishes a stream of that name; choose another, or end the publication with DELETE",
        ),
        Refusal::NoCodec => Reply::problem(
            422,
            "Unprocessable Content",
            "no codec is switched on here for what the offer would send; offer sound or pictures only, or ask the operator",
        ),
        Refusal::StreamFull => {
            Reply::problem(503, "Service Unavailable", "the stream has all viewers that it may have")
                .with("retry-after", RETRY_S)
        }
        Refusal::Overloaded => {
            Reply::problem(503, "Service Unavailable", "the server has as much to do as it may have; ask again later")
                .with("retry-after", RETRY_S)
        }
        Refusal::NoEngine => Reply::problem(501, "Not Implemented", "this server handles no media"),
        // Commands that no session of this dialect gives.
        Refusal::Busy
        | Refusal::InCall
        | Refusal::NameReserved
        | Refusal::NameTaken
        | Refusal::TracksFull
        | Refusal::NotRegistered
        | Refusal::NotMember
        | Refusal::NoSuchParty
        | Refusal::NoSuchLink
        | Refusal::NoSuchRoom
        | Refusal::Oneself
        | Refusal::Registered
        | Refusal::RoomFull
        | Refusal::TooManyRooms
        | Refusal::TokenTaken
        | Refusal::Viewing => Reply::problem(500, "Internal Server Error", "the server contradicts itself; report it"),
    }
}

/// The leg ended before the request was answered.
pub(crate) fn of_end(cause: &Cause) -> Reply {
    match cause.kind {
        CauseKind::Faulty => Reply::problem(
            422,
            "Unprocessable Content",
            "the offer cannot be answered: it is incomplete, or has no codec in common with the stream",
        ),
        CauseKind::Overloaded | CauseKind::Shutdown => {
            Reply::problem(503, "Service Unavailable", "the server has as much to do as it may have; ask again later")
                .with("retry-after", RETRY_S)
        }
        CauseKind::Over | CauseKind::Gone | CauseKind::Hangup => {
            Reply::problem(404, "Not Found", "the stream has ended").with("retry-after", RETRY_S)
        }
        CauseKind::TimedOut => Reply::problem(504, "Gateway Timeout", "no media came in time"),
        CauseKind::Busy | CauseKind::Cancelled | CauseKind::Declined | CauseKind::Failed => {
            Reply::problem(500, "Internal Server Error", "the server could not answer the offer; try again")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_and_every_end_is_an_error_in_words() {
        let ends = CauseKind::ALL.map(|kind| of_end(&kind.into()));
        for reply in Refusal::ALL.map(of_refusal).into_iter().chain(ends) {
            assert!((400..600).contains(&reply.status), "{reply:?}");
            assert!(!reply.body.is_empty());
            assert_eq!(
                reply.status == 503,
                reply.headers.iter().any(|(name, _)| *name == "retry-after") && reply.status != 404
            );
        }
    }
}
