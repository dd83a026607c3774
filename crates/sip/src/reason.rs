//! Why something ended, in the words that clients look at, and as the hub's [`CauseKind`].
//!
//! Clients find the first number in the text and know nothing else; people read the phrase. So a reason is always the
//! code and the phrase *as received*: `486 Busy Here`.

use patchbay_core::{Cause, CauseKind, Phrase};

/// The password is wrong. The blank at its end is real: clients were made beside a library that says so.
pub const NO_MATCHING_CHALLENGE: &str = "904 Operation has no matching challenge ";
/// Nobody asks in a way that can be answered with what the client gave.
pub const CANNOT_ADD_CREDENTIALS: &str = "900 Operation cannot add credentials";
/// The WebRTC side is lost; without a code, as its clients know it.
pub const ICE_FAILED: &str = "ICE failed";
/// Either side has hung up.
pub const HUNG_UP: &str = "200 OK";

/// The text for a status: the code and the phrase as received, cut and without control characters. Where nothing of the
/// phrase is left, the standard's own.
#[must_use]
pub fn text(code: u16, phrase: &str) -> String {
    let phrase = Phrase::new(phrase.trim());
    format!("{code} {}", phrase.as_ref().map_or(canonical(code), Phrase::as_str))
}

/// What the hub is told of a call that a status has ended.
#[must_use]
pub fn cause(code: u16, phrase: &str) -> Cause {
    Cause { kind: kind(code), code: Some(code), phrase: Phrase::new(phrase.trim()) }
}

/// The text for a cause: its own code and words where it has a code, else those of [`status`].
#[must_use]
pub fn of_cause(cause: &Cause) -> String {
    let phrase = cause.phrase.as_ref().map_or("", Phrase::as_str);
    match cause.code {
        Some(code) => text(code, phrase),
        None => text(status(cause.kind), phrase),
    }
}

/// The kind of end that a final status is. 900 and above are ours (see the constants of this module).
#[must_use]
pub fn kind(code: u16) -> CauseKind {
    match code {
        0..=299 => CauseKind::Hangup,
        486 | 600 => CauseKind::Busy,
        487 => CauseKind::Cancelled,
        408 | 504 => CauseKind::TimedOut,
        // Nobody is there, now or ever; 481: the call is gone on their side.
        404 | 410 | 480 | 481 | 604 => CauseKind::Gone,
        // The description, or the type of what was sent. 606 is about the description, too (RFC 3261 section 21.6.4).
        413 | 415 | 420 | 421 | 488 | 606 => CauseKind::Faulty,
        503 => CauseKind::Overloaded,
        500..=599 => CauseKind::Failed,
        _ => CauseKind::Declined,
    }
}

/// The status that stands for a kind of end, in a reason and towards a caller who waits for an answer.
///
/// Each leads back to its kind by [`kind`], but for the two that mean the same to a telephone as another:
/// [`CauseKind::Over`] is `480`, [`CauseKind::Shutdown`] is `503`.
#[must_use]
pub const fn status(kind: CauseKind) -> u16 {
    match kind {
        CauseKind::Busy => 486,
        CauseKind::Cancelled => 487,
        CauseKind::Declined => 603,
        CauseKind::Failed => 500,
        CauseKind::Faulty => 488,
        CauseKind::Gone | CauseKind::Over => 480,
        CauseKind::Hangup => 200,
        CauseKind::Overloaded | CauseKind::Shutdown => 503,
        CauseKind::TimedOut => 408,
    }
}

/// The phrase of the standard (RFC 3261 section 21 and its extensions) for a code that a reason may have.
#[must_use]
pub const fn canonical(code: u16) -> &'static str {
    match code {
        200 => "OK",
        300..=399 => "Redirected",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        415 => "Unsupported Media Type",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        491 => "Request Pending",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        _ => "Failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_code_and_the_words_as_received() {
        for (code, phrase, reason) in [
            (486, "Busy Here", "486 Busy Here"),
            (486, "Besetzt", "486 Besetzt"),
            (486, "", "486 Busy Here"),
            (404, " \r\n", "404 Not Found"),
            (480, "Gone\r\nVia: x", "480 GoneVia: x"),
            (699, "", "699 Failed"),
        ] {
            assert_eq!(text(code, phrase), reason);
        }
        assert_eq!(text(500, &"x".repeat(10_000)).len(), 4 + patchbay_core::PHRASE_BYTES);
    }

    #[test]
    fn constants_are_bytewise_what_clients_know() {
        assert!(NO_MATCHING_CHALLENGE.ends_with("challenge "), "with the blank");
        assert_eq!(CANNOT_ADD_CREDENTIALS, "900 Operation cannot add credentials");
    }

    #[test]
    fn kinds_have_a_status_and_come_back() {
        for kind_ in CauseKind::ALL {
            let code = status(kind_);
            assert_ne!(canonical(code), "Failed", "{code} has words of its own");
            let back = match kind_ {
                CauseKind::Over => CauseKind::Gone,
                CauseKind::Shutdown => CauseKind::Overloaded,
                kind => kind,
            };
            assert_eq!(kind(code), back, "{kind_:?}");
        }
    }

    #[test]
    fn statuses_have_their_kind() {
        for (code, expected) in [
            (200, CauseKind::Hangup),
            (301, CauseKind::Declined),
            (401, CauseKind::Declined),
            (403, CauseKind::Declined),
            (404, CauseKind::Gone),
            (408, CauseKind::TimedOut),
            (480, CauseKind::Gone),
            (486, CauseKind::Busy),
            (487, CauseKind::Cancelled),
            (488, CauseKind::Faulty),
            (500, CauseKind::Failed),
            (503, CauseKind::Overloaded),
            (600, CauseKind::Busy),
            (603, CauseKind::Declined),
            (606, CauseKind::Faulty),
            (904, CauseKind::Declined),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn a_cause_keeps_code_and_words() {
        assert_eq!(of_cause(&cause(486, "Besetzt")), "486 Besetzt");
        assert_eq!(of_cause(&CauseKind::Hangup.into()), HUNG_UP);
        assert_eq!(of_cause(&CauseKind::TimedOut.into()), "408 Request Timeout");
        let words = Cause { kind: CauseKind::Declined, code: None, phrase: Phrase::new("not now") };
        assert_eq!(of_cause(&words), "603 not now");
    }
}
