//! Words out of closed lists.

/// A word out of a closed list.
pub(super) trait Choice: Copy + Sized + 'static {
    /// All there are.
    const ALL: &'static [Self];
    /// Their words in the same order, sorted.
    const WORDS: &'static [&'static str];

    /// The one that `word` names.
    #[must_use]
    fn named(word: &str) -> Option<Self> {
        let at = Self::WORDS.iter().position(|known| *known == word)?;
        Self::ALL.get(at).copied()
    }
}

/// What becomes of an entry of the address book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookAction {
    Add,
    Delete,
    Update,
}

impl Choice for BookAction {
    const ALL: &'static [Self] = &[Self::Add, Self::Delete, Self::Update];
    const WORDS: &'static [&'static str] = &["add", "delete", "update"];
}

impl BookAction {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// What an entry of the address book is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookKind {
    Contact,
    Group,
    Policy,
}

impl Choice for BookKind {
    const ALL: &'static [Self] = &[Self::Contact, Self::Group, Self::Policy];
    const WORDS: &'static [&'static str] = &["contact", "group", "policy"];
}

impl BookKind {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// What became of a message, as its reader says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    Delivered,
    Displayed,
    Error,
    Failed,
    Forbidden,
}

impl Choice for Disposition {
    const ALL: &'static [Self] = &[Self::Delivered, Self::Displayed, Self::Error, Self::Failed, Self::Forbidden];
    const WORDS: &'static [&'static str] = &["delivered", "displayed", "error", "failed", "forbidden"];
}

impl Disposition {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

/// Whether somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composing {
    Active,
    Idle,
}

impl Choice for Composing {
    const ALL: &'static [Self] = &[Self::Active, Self::Idle];
    const WORDS: &'static [&'static str] = &["active", "idle"];
}

impl Composing {
    /// Its word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted<T: Choice + PartialEq + std::fmt::Debug>(number: impl Fn(T) -> usize) {
        assert_eq!(T::ALL.len(), T::WORDS.len());
        assert!(T::WORDS.is_sorted(), "errors list them so");
        for (at, (choice, word)) in T::ALL.iter().zip(T::WORDS).enumerate() {
            assert_eq!((number(*choice), T::named(word)), (at, Some(*choice)));
        }
        assert_eq!(T::named("nonsense"), None);
    }

    #[test]
    fn words_and_choices_are_in_one_order() {
        sorted(|choice: BookAction| choice as usize);
        sorted(|choice: BookKind| choice as usize);
        sorted(|choice: Disposition| choice as usize);
        sorted(|choice: Composing| choice as usize);
        assert_eq!((BookAction::Delete.word(), BookKind::Policy.word()), ("delete", "policy"));
        assert_eq!((Disposition::Failed.word(), Composing::Idle.word()), ("failed", "idle"));
    }
}
