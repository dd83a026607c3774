//! What V0 and V1 have in common: underscores, and the particulars in `data`.

use crate::wire::event::{Registration, SessionState};
use crate::wire::json::Members;

/// An event about an account. `session` stands beside `data`, where there is one.
pub(super) fn account(
    out: &mut Vec<u8>,
    account: &str,
    event: &str,
    session: Option<&str>,
    data: impl FnOnce(Members<'_>) -> Members<'_>,
) {
    Members::open(out)
        .text("sylkrtc", "account_event")
        .text("account", account)
        .text("event", event)
        .maybe("session", session)
        .object("data", data)
        .close();
}

/// An event about a call or a room.
pub(super) fn session(
    out: &mut Vec<u8>,
    kind: &str,
    session: &str,
    event: &str,
    data: impl FnOnce(Members<'_>) -> Members<'_>,
) {
    Members::open(out).text("sylkrtc", kind).text("session", session).text("event", event).object("data", data).close();
}

pub(super) fn registration(out: &mut Vec<u8>, name: &str, registration: Registration<'_>) {
    account(out, name, "registration_state", None, |data| match registration {
        Registration::Registering => data.text("state", "registering"),
        Registration::Registered => data.text("state", "registered"),
        Registration::Failed { reason } => data.text("state", "failed").text("reason", reason),
    });
}

/// The state of a call; `first` is what its first one is called. What is heard before `accepted` has no word.
pub(super) fn state(out: &mut Vec<u8>, id: &str, first: &str, state: SessionState<'_>) -> Option<()> {
    let (word, sdp, reason) = match state {
        SessionState::Progress => (first, None, None),
        SessionState::Accepted { sdp, .. } => ("accepted", sdp, None),
        SessionState::Established => ("established", None, None),
        SessionState::Terminated { reason } => ("terminated", None, Some(reason)),
        SessionState::Proceeding { .. } | SessionState::Ringing | SessionState::EarlyMedia { .. } => return None,
    };
    session(out, "session_event", id, "state", |data| {
        data.text("state", word).maybe("sdp", sdp).maybe("reason", reason)
    });
    Some(())
}
