use std::fmt;

/// Why a call or link ended: a closed kind, and what the other system said in its own words, if it said any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The kind, which every dialect maps.
    pub kind: CauseKind,
    /// A code of the system that ended it (a SIP status, say); its meaning is that system's.
    pub code: Option<u16>,
    /// The words of the system that ended it.
    pub phrase: Option<Phrase>,
}

/// The closed list of ways in which a call or link ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CauseKind {
    /// The other side was in a call.
    Busy,
    /// The caller gave up before an answer.
    Cancelled,
    /// The other side refused.
    Declined,
    /// Our side failed: a bug of ours, or its environment.
    Failed,
    /// The other side's description could not be used.
    Faulty,
    /// The other side's connection went away.
    Gone,
    /// Somebody hung up.
    Hangup,
    /// The server had as much to do as it may have.
    Overloaded,
    /// What was viewed is over.
    Over,
    /// The server is stopping.
    Shutdown,
    /// Nobody answered in time.
    TimedOut,
}

impl CauseKind {
    /// Every kind, so that a test can ask each dialect for its mapping of each.
    pub const ALL: [Self; 11] = [
        Self::Busy,
        Self::Cancelled,
        Self::Declined,
        Self::Failed,
        Self::Faulty,
        Self::Gone,
        Self::Hangup,
        Self::Overloaded,
        Self::Over,
        Self::Shutdown,
        Self::TimedOut,
    ];
}

impl From<CauseKind> for Cause {
    fn from(kind: CauseKind) -> Self {
        Self { kind, code: None, phrase: None }
    }
}

/// Longest [`Phrase`], in bytes. Real reason phrases are under 40; more would let a peer fill our frames.
pub const PHRASE_BYTES: usize = 128;

/// Words of another system, cut to [`PHRASE_BYTES`] and without control characters, so that they can stand in a header
/// or a log line.
#[derive(Clone, PartialEq, Eq)]
pub struct Phrase(Box<str>);

impl Phrase {
    /// The phrase in `text`: control characters dropped, cut at a character boundary. `None` if nothing is left.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut kept = String::new();
        for character in text.chars().filter(|character| !character.is_control()) {
            if kept.len() + character.len_utf8() > PHRASE_BYTES {
                break;
            }
            kept.push(character);
        }
        (!kept.is_empty()).then(|| Self(kept.into_boxed_str()))
    }

    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phrase({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phrase_is_cut_and_free_of_controls() {
        assert_eq!(Phrase::new("Busy\r\nEverywhere").expect("words are left").as_str(), "BusyEverywhere");
        assert!(Phrase::new("\r\n").is_none());
        let long = Phrase::new(&"ü".repeat(100)).expect("words are left");
        assert_eq!(long.as_str().len(), PHRASE_BYTES);
        assert_eq!(format!("{long:?}"), "Phrase(128 bytes)", "the words are somebody's");
    }
}
