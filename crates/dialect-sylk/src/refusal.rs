//! Refusals and causes of the hub, in the words of SIP that clients look for: sylk.md sections 6.4 (trap 12) and 9.6.

use patchbay_core::{Cause, CauseKind, Refusal};

/// Why a call ended, as `reason`: it begins with a code. What the other system said comes first.
pub(crate) fn reason(cause: &Cause) -> String {
    match (cause.code, &cause.phrase) {
        (Some(code), Some(phrase)) => format!("{code} {}", phrase.as_str()),
        (Some(code), None) => format!("{code}"),
        (None, Some(phrase)) => phrase.as_str().to_owned(),
        (None, None) => of_kind(cause.kind).to_owned(),
    }
}

/// The words for a call that nobody else had words for.
const fn of_kind(kind: CauseKind) -> &'static str {
    match kind {
        CauseKind::Busy => "486 Busy Here",
        CauseKind::Cancelled => "487 Request Terminated",
        CauseKind::Declined => "603 Decline",
        CauseKind::Failed => "500 Server Internal Error",
        CauseKind::Faulty => "488 Not Acceptable Here",
        // The media of one end are out of reach: the reference's words, which have no code.
        CauseKind::Gone => "ICE failed",
        CauseKind::Hangup | CauseKind::Over => "200 OK",
        CauseKind::Overloaded | CauseKind::Shutdown => "503 Service Unavailable",
        CauseKind::TimedOut => "408 Request Timeout",
    }
}

/// Why there is no call, as `reason`.
pub(crate) const fn of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Busy | Refusal::InCall => "486 Busy Here",
        Refusal::NoSuchParty => "480 Temporarily Unavailable",
        Refusal::NoCodec | Refusal::NoEngine => "488 Not Acceptable Here",
        Refusal::Overloaded | Refusal::RoomFull | Refusal::StreamFull | Refusal::TooManyRooms | Refusal::TracksFull => {
            "503 Service Unavailable"
        }
        // Commands that no session of this dialect gives, or names that it draws.
        Refusal::NameReserved
        | Refusal::NameTaken
        | Refusal::NotRegistered
        | Refusal::NotMember
        | Refusal::NoSuchLink
        | Refusal::NoSuchRoom
        | Refusal::NoSuchStream
        | Refusal::Oneself
        | Refusal::Publishing
        | Refusal::Registered
        | Refusal::StreamTaken
        | Refusal::TokenTaken
        | Refusal::Viewing => "500 Server Internal Error",
    }
}

/// Why somebody does not come into a room, as the text of an error.
pub(crate) fn of_join(refusal: Refusal, session: &str) -> String {
    match refusal {
        Refusal::RoomFull => "room is full".to_owned(),
        // Ids are the clients' to make. Another client's is as much in use as one's own.
        Refusal::NameReserved | Refusal::NameTaken | Refusal::Publishing | Refusal::StreamTaken => {
            format!("Session ID {session} already in use")
        }
        refusal => of_refusal(refusal).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use patchbay_core::Phrase;

    use super::*;

    #[test]
    fn the_other_systems_words_come_first() {
        let cause =
            |code, phrase: Option<&str>| Cause { kind: CauseKind::Busy, code, phrase: phrase.and_then(Phrase::new) };
        for (cause, expected) in [
            (cause(Some(486), Some("Besetzt")), "486 Besetzt"),
            (cause(Some(600), None), "600"),
            (cause(None, Some("ICE failed")), "ICE failed"),
            (cause(None, None), "486 Busy Here"),
        ] {
            assert_eq!(reason(&cause), expected);
        }
    }

    #[test]
    fn every_reason_of_ours_has_a_code_but_the_references_own() {
        let coded =
            |text: &str| text.split(' ').next().is_some_and(|code| code.len() == 3 && code.parse::<u16>().is_ok());
        for kind in CauseKind::ALL {
            assert_eq!(coded(of_kind(kind)), kind != CauseKind::Gone, "{kind:?}");
        }
        assert!(Refusal::ALL.into_iter().all(|refusal| coded(of_refusal(refusal))));
    }
}
