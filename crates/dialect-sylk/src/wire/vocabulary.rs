//! Which spelling a client is written to: sylk.md section 7.

/// What was agreed upon in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// `sylkRTC-1`: clients from 2015 to October 2017.
    One,
    /// `sylkRTC-2`: clients since.
    Two,
}

impl Subprotocol {
    /// The newest of those that a client offers; `None` if it offers none that is known.
    #[must_use]
    pub fn choose<'a>(offered: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let known = |name| [Self::Two, Self::One].into_iter().find(|known| known.name() == name);
        offered.into_iter().filter_map(known).max_by_key(|known| *known == Self::Two)
    }

    /// Its name in the handshake.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "sylkRTC-1",
            Self::Two => "sylkRTC-2",
        }
    }
}

/// A generation of names. Rooms came later within V1 and changed nothing that was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// Up to 30 July 2015: the seed.
    V0,
    /// From 31 July 2015 to 12 October 2017.
    V1,
    /// Since 13 October 2017.
    V2,
}

impl Vocabulary {
    /// Whether it has a state for a call that is heard before it is answered. Where it has none, the description is to
    /// be kept and told with `accepted`.
    #[must_use]
    pub const fn has_early_media(self) -> bool {
        matches!(self, Self::V2)
    }
}

/// What the clients of one subprotocol speak, as far as they have shown it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latch(Option<Vocabulary>);

impl Latch {
    /// V2 is certain from the beginning. V0 and V1 share a subprotocol: nothing is certain before the first request, and
    /// nothing need be, since no event comes earlier that they spell differently.
    #[must_use]
    pub const fn new(subprotocol: Subprotocol) -> Self {
        match subprotocol {
            Subprotocol::One => Self(None),
            Subprotocol::Two => Self(Some(Vocabulary::V2)),
        }
    }

    /// A request came whose name is of this vocabulary ([`crate::wire::Decoded::of`]). The first one decides, for good.
    pub const fn heard(&mut self, of: Option<Vocabulary>) {
        if self.0.is_none() {
            self.0 = of;
        }
    }

    /// What events are to be written in; `None` while undecided.
    #[must_use]
    pub const fn vocabulary(self) -> Option<Vocabulary> {
        self.0
    }
}

/// How V1 says who calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Originator {
    /// `{"uri":…,"display_name":…}`: clients since 3 December 2015.
    #[default]
    Object,
    /// The address alone: clients before.
    Text,
}

/// Everything that decides how an event is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spelling {
    /// The names.
    pub vocabulary: Vocabulary,
    /// Looked at by V1 alone.
    pub originator: Originator,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_subprotocol_is_chosen() {
        for (offered, chosen) in [
            (&[][..], None),
            (&["foo"], None),
            (&["sylkrtc-2"], None),
            (&["sylkRTC-1"], Some(Subprotocol::One)),
            (&["foo", "sylkRTC-2"], Some(Subprotocol::Two)),
            (&["sylkRTC-1", "sylkRTC-2"], Some(Subprotocol::Two)),
            (&["sylkRTC-2", "sylkRTC-1"], Some(Subprotocol::Two)),
        ] {
            assert_eq!(Subprotocol::choose(offered.iter().copied()), chosen, "{offered:?}");
        }
    }

    #[test]
    fn the_first_request_decides() {
        use Vocabulary::{V0, V1, V2};
        for (subprotocol, heard, speaks) in [
            (Subprotocol::One, &[][..], None),
            (Subprotocol::One, &[None], None),
            (Subprotocol::One, &[Some(V0)], Some(V0)),
            (Subprotocol::One, &[Some(V1)], Some(V1)),
            (Subprotocol::One, &[None, Some(V1), Some(V0)], Some(V1)),
            (Subprotocol::Two, &[], Some(V2)),
            (Subprotocol::Two, &[Some(V0), Some(V1)], Some(V2)),
        ] {
            let mut latch = Latch::new(subprotocol);
            for of in heard {
                latch.heard(*of);
            }
            assert_eq!(latch.vocabulary(), speaks, "{subprotocol:?} {heard:?}");
        }
        assert_eq!([V0, V1, V2].map(Vocabulary::has_early_media), [false, false, true]);
    }
}
