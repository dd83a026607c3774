use std::fmt;
use std::sync::Arc;

/// A name that passed its dialect's rules: 1 to [`Name::BYTES`] bytes of UTF-8. Cheap to clone.
///
/// Order and equality are those of its bytes. Names are chosen by people: they have no `Display`, and `Debug` shows
/// only the length, so that none reaches a log by accident.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidName {
    /// No byte at all.
    Empty,
    /// More than [`Name::BYTES`] bytes.
    TooLong,
}

impl Name {
    /// Longest name of any dialect, in bytes (an sId may have 256). A larger bound would let one client's name cost
    /// every member of a list; a smaller one would refuse names that a dialect allows.
    pub const BYTES: usize = 256;

    /// The name with this text. A dialect checks its own, narrower rules first.
    ///
    /// # Errors
    /// [`InvalidName`] if the text is empty or longer than [`Name::BYTES`].
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match text.len() {
            0 => Err(InvalidName::Empty),
            1..=Self::BYTES => Ok(Self(Arc::from(text))),
            _ => Err(InvalidName::TooLong),
        }
    }

    /// No name sorts before it.
    pub(crate) fn first() -> Self {
        Self(Arc::from("\0"))
    }

    /// The name's text, for the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_and_not_printed() {
        assert_eq!(Name::parse(""), Err(InvalidName::Empty));
        assert_eq!(Name::parse(&"n".repeat(257)), Err(InvalidName::TooLong));
        let name = Name::parse("alice").expect("short enough");
        assert_eq!(format!("{name:?}"), "Name(5 bytes)");
    }
}
