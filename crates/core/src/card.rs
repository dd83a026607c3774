use std::fmt;
use std::sync::Arc;

use crate::Lang;

/// What a member of a room shows of itself to the others, in the canonical form of its dialect: at most [`Card::BYTES`]
/// bytes. It goes with the member lists, so it is a level: a newer one takes the place of the one before. Cheap to clone.
///
/// What people say of themselves is personal: `Debug` shows the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    lang: Lang,
    bytes: Arc<[u8]>,
}

impl Card {
    /// Largest card, in bytes: an address, a name and some marks. A larger bound would let one member's card cost every
    /// member of the room with every list; a smaller one would cut addresses.
    pub const BYTES: usize = 1_024;

    /// A card in the canonical form of dialect `lang`; `None` if it is larger than [`Card::BYTES`].
    #[must_use]
    pub fn new(lang: Lang, bytes: &[u8]) -> Option<Self> {
        (bytes.len() <= Self::BYTES).then(|| Self { lang, bytes: Arc::from(bytes) })
    }

    /// Whose canonical form the bytes have.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card(lang {}, {} bytes)", self.lang.0, self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_bounded_and_not_printed() {
        assert_eq!(Card::new(Lang(1), &[b'x'; Card::BYTES + 1]), None);
        let card = Card::new(Lang(1), &[b'x'; Card::BYTES]).expect("small enough");
        assert_eq!(format!("{card:?}"), "Card(lang 1, 1024 bytes)");
    }
}
