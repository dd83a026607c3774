//! Who may negotiate with whom directly: the one place that decides [`Reach`].

use crate::{Profile, Reach, Refusal};

/// Relay between parties of one peer-to-peer dialect; everybody else meets in the engine.
pub(super) fn reach(from: Profile, to: Profile) -> Reach {
    if from.lang == to.lang && from.peer_to_peer && to.peer_to_peer { Reach::Relay } else { Reach::Media }
}

/// Whether a signal may be handed on as it is.
///
/// # Errors
/// [`Refusal::NoEngine`] if it would have to end in a media engine, [`Refusal::NoSuchParty`] if the target has gone.
pub(super) fn relays(from: Profile, to: Option<Profile>) -> Result<(), Refusal> {
    match reach(from, to.ok_or(Refusal::NoSuchParty)?) {
        Reach::Relay => Ok(()),
        Reach::Media => Err(Refusal::NoEngine),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lang, Realm};

    #[test]
    fn only_peers_of_one_peer_to_peer_dialect_are_relayed() {
        let profile = |lang, peer_to_peer| Profile {
            realm: Realm(0),
            lang: Lang(lang),
            peer_to_peer,
            one_call: false,
            transport: crate::Transport::default(),
        };
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
