//! V0, the protocol of the seed: sylk.md section 4. It knows accounts and calls, but neither missed calls nor rooms.

use super::wrapped;
use crate::wire::event::{AccountEvent, Event, SessionEvent};

/// `None`: it has no words for it.
pub(super) fn write(out: &mut Vec<u8>, event: &Event<'_>) -> Option<()> {
    match *event {
        Event::Account { account, event: AccountEvent::Registration(registration) } => {
            wrapped::registration(out, account, registration);
            Some(())
        }
        Event::Account { account, event: AccountEvent::IncomingSession { session, originator, sdp, .. } } => {
            wrapped::account(out, account, "incoming_call", Some(session), |data| {
                data.text("caller", originator.uri).text("sdp", sdp)
            });
            Some(())
        }
        Event::Session { session, event: SessionEvent::State(state) } => wrapped::state(out, session, "calling", state),
        Event::PublicKey { .. } | Event::Account { .. } | Event::Session { .. } | Event::Videoroom { .. } => None,
    }
}
