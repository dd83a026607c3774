//! Whose a publication or view is, and how its party is told of it: as its own link, or as what another member of its
//! room says.

use super::directory::Directory;
use crate::{Body, Effects, Event, Lang, Name, PartyId, RoomId, Signal, SignalKind};

#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) party: PartyId,
    /// The party knows nothing of links: a member of its room stands in for the other side.
    pub(super) via: Option<Via>,
}

/// Whom a party hears instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Via {
    pub(super) room: RoomId,
    /// The name of what stands in.
    pub(super) member: Name,
    /// The party has said by itself that it is over, or is not there to hear it.
    pub(super) quiet: bool,
}

impl Owner {
    /// Tells the party, which may have gone: when it goes, its links end after it has.
    pub(super) fn tell(&self, event: Event, directory: &Directory, out: &mut Effects) {
        if directory.profile(self.party).is_none() {
            return;
        }
        match &self.via {
            None => out.tell(self.party, event),
            Some(Via { room, member, quiet: false }) => {
                if let Some(signal) = said(event) {
                    out.tell(self.party, Event::MemberSignal { room: *room, from: member.clone(), signal });
                }
            }
            Some(_) => {}
        }
    }
}

/// What a member says instead of what a link tells; the rest is nothing that members tell each other.
fn said(event: Event) -> Option<Signal> {
    match event {
        Event::Described { kind, sdp, .. } => {
            let kind = match kind {
                crate::DescriptionKind::Offer => SignalKind::Offer,
                crate::DescriptionKind::Answer => SignalKind::Answer,
            };
            Some(Signal { kind, body: Body::new(Lang::PLAIN, sdp.as_bytes()) })
        }
        Event::LegEnded { cause, .. } => {
            Some(Signal { kind: SignalKind::Bye(cause), body: Body::new(Lang::PLAIN, &[]) })
        }
        _ => None,
    }
}
