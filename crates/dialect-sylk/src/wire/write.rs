//! Typed values to text. Nothing here remembers anything.

mod v0;
mod v1;
mod v2;
mod wrapped;

use super::event::Event;
use super::json::Members;
use super::vocabulary::{Spelling, Subprotocol, Vocabulary};

/// Says that the connection may be used. V0 and V1 spell it alike, so it can be said before one knows which it is.
pub fn ready(out: &mut Vec<u8>, subprotocol: Subprotocol) {
    let members = Members::open(out);
    match subprotocol {
        Subprotocol::One => members.text("sylkrtc", "event").text("event", "ready"),
        Subprotocol::Two => members.text("sylkrtc", "ready-event"),
    }
    .close();
}

/// A request was accepted.
pub fn ack(out: &mut Vec<u8>, transaction: &str) {
    Members::open(out).text("sylkrtc", "ack").text("transaction", transaction).close();
}

/// A request was not; `text` says why.
pub fn error(out: &mut Vec<u8>, transaction: &str, text: &str) {
    Members::open(out).text("sylkrtc", "error").text("transaction", transaction).text("error", text).close();
}

/// Appends an event. `false`: the vocabulary has no words for it, nothing was appended, and the client is not to hear of
/// it (sylk.md section 7).
#[must_use = "an empty message must not be sent"]
pub fn write(out: &mut Vec<u8>, event: &Event<'_>, spelling: Spelling) -> bool {
    match spelling.vocabulary {
        Vocabulary::V0 => v0::write(out, event).is_some(),
        Vocabulary::V1 => v1::write(out, event, spelling.originator).is_some(),
        Vocabulary::V2 => {
            v2::write(out, event);
            true
        }
    }
}

/// A display name without what SIP puts around it.
fn bare(name: &str) -> &str {
    name.trim_matches(['"', ' '])
}
