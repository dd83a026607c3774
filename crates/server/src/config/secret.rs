//! A text that must not reach a log line.

/// A secret text. It has neither `Debug` nor `Display`, so whoever shows it has to write
/// [`Secret::expose`], which can be searched for.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Not for anything that is logged above debug.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
