use std::fmt;

/// One attached thing: a browser, a phone, a remote node, a recorder. Never appears on any wire.
///
/// `generation` tells apart the successive users of one slot, so that a late effect for a party that has gone cannot
/// reach whoever got its slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartyId {
    node: u16,
    slot: u32,
    generation: u32,
}

impl PartyId {
    /// The party with these numbers. The hub gives them; others make one up only to test what they do with it.
    #[must_use]
    pub const fn new(node: u16, slot: u32, generation: u32) -> Self {
        Self { node, slot, generation }
    }

    /// Index of the party in its node's tables; small and dense, so that the shell can keep mailboxes in a vector.
    #[must_use]
    pub const fn slot(self) -> usize {
        self.slot as usize
    }

    /// The number of the node that the party is attached to.
    #[must_use]
    pub const fn node(self) -> u16 {
        self.node
    }

    pub(crate) const fn generation(self) -> u32 {
        self.generation
    }
}

/// Short and safe for logs: it says nothing about who the party is.
impl fmt::Debug for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p{}.{}.{}", self.node, self.slot, self.generation)
    }
}

impl fmt::Display for PartyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A naming space: names in different realms never meet unless a patch joins them. Numbered by the shell at start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Realm(pub u16);

/// The number of a dialect, given by the shell at start. It marks whose canonical form a [`Body`](crate::Body) has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lang(pub u8);

impl Lang {
    /// No dialect's: a body that is plain text, as the engine reads and writes it. A session puts it into its own words.
    pub const PLAIN: Self = Self(u8::MAX);
}

/// One live room. A room that was deleted and made again has another id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub(crate) u64);

impl RoomId {
    /// The room of this number. The hub gives it; others make one up only to test what they do with it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// One negotiated media relation, party to party or party to engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) u64);

impl LinkId {
    /// The link of this number. The hub gives it; others make one up only to test what they do with it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }
}

/// Gives links their numbers, one row for calls, publications and views: what a link is, its number tells.
#[derive(Debug, Default)]
pub(crate) struct LinkIds(u64);

impl LinkIds {
    pub(crate) fn draw(&mut self) -> LinkId {
        self.0 += 1;
        LinkId(self.0)
    }
}

/// Correlation that a session chose; the hub returns it untouched with whatever answers the command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(pub u64);

/// The unguessable public id of a link, at most [`Token::BYTES`] bytes of visible ASCII.
///
/// A dialect draws it, since its form is the dialect's; the hub keeps it unique within the realm. It grants access, so
/// it has no `Debug` that shows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token {
    length: u8,
    bytes: [u8; Self::BYTES],
}

impl Token {
    /// Longest token, in bytes: room for a UUID with hyphens; shorter would not hold one, longer costs every link.
    pub const BYTES: usize = 36;

    /// The token with this text; `None` if it is empty, too long or not visible ASCII.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > Self::BYTES || !visible {
            return None;
        }
        let mut bytes = [0; Self::BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Some(Self { length: u8::try_from(text.len()).ok()?, bytes })
    }

    /// The token's text, for the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_bounded_visible_and_never_printed() {
        let uuid = "123e4567-e89b-12d3-a456-426614174000";
        let token = Token::new(uuid).expect("a UUID fits");
        assert_eq!(token.as_str(), uuid);
        assert!(!format!("{token:?}").contains("123e"));
        for bad in ["", "a b", "ü", "a\n", &"x".repeat(37)] {
            assert!(Token::new(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn a_party_prints_as_numbers_only() {
        assert_eq!(PartyId::new(1, 2, 3).to_string(), "p1.2.3");
    }
}
