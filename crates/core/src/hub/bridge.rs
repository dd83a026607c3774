//! Who may negotiate with whom directly: the one place that decides [`Reach`].

use crate::{Profile, Reach, Refusal, SignalKind};

/// Relay between parties of one peer-to-peer dialect; everybody else meets in the engine.
pub(super) fn reach(from: Profile, to: Profile) -> Reach {
    if from.lang == to.lang && from.peer_to_peer && to.peer_to_peer { Reach::Relay } else { Reach::Media }
}

/// Whether a signal from one member of a room to another may be handed on as it is. What is no negotiation concerns no
/// engine: it may pass between any two that speak one dialect.
///
/// # Errors
/// [`Refusal::NoEngine`] if it would have to end in a media engine, [`Refusal::NoSuchParty`] if the target has gone.
pub(super) fn relays(from: Profile, to: Option<Profile>, kind: &SignalKind) -> Result<(), Refusal> {
    let to = to.ok_or(Refusal::NoSuchParty)?;
    if *kind == SignalKind::Info && from.lang == to.lang {
        return Ok(());
    }
    match reach(from, to) {
        Reach::Relay => Ok(()),
        Reach::Media => Err(Refusal::NoEngine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lang, Realm};

    fn profile(lang: u8, peer_to_peer: bool) -> Profile {
        Profile {
            realm: Realm(0),
            lang: Lang(lang),
            peer_to_peer,
            one_call: false,
            transport: crate::Transport::default(),
        }
    }

    #[test]
    fn what_is_no_negotiation_passes_within_a_dialect() {
        let (own, other) = (profile(1, false), profile(2, false));
        for (to, kind, expected) in [
            (Some(own), SignalKind::Info, Ok(())),
            (Some(own), SignalKind::Offer, Err(Refusal::NoEngine)),
            (Some(other), SignalKind::Info, Err(Refusal::NoEngine)),
            (None, SignalKind::Info, Err(Refusal::NoSuchParty)),
        ] {
            assert_eq!(relays(own, to, &kind), expected, "{to:?} {kind:?}");
        }
    }

    #[test]
    fn only_peers_of_one_peer_to_peer_dialect_are_relayed() {
        for (from, to, expected) in [
            (profile(1, true), profile(1, true), Reach::Relay),
            (profile(1, true), profile(2, true), Reach::Media),
            (profile(1, true), profile(1, false), Reach::Media),
            (profile(1, false), profile(1, false), Reach::Media),
        ] {
            assert_eq!(reach(from, to), expected, "{from:?} to {to:?}");
        }
    }
}
