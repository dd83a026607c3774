use std::time::{Duration, Instant};

/// How long a source may leave requests unanswered before its pictures are taken for unreadable. Longer shows viewers
/// of an encrypted source nothing for as long; shorter begins, at a source that is only slow to answer, with pictures
/// that cannot be decoded yet.
const FIRST: Duration = Duration::from_secs(2);
/// The same once a key frame was read. Shorter would take a source for encrypted that answers no request and sends its
/// key frames when it likes, ten seconds apart with some encoders; longer keeps viewers waiting at one that turns
/// encryption on.
const LATER: Duration = Duration::from_secs(12);

/// Whether key frames of a source layer can be recognised at all.
///
/// End-to-end encryption may cover the bytes by which [`inspect`](super::inspect) knows them. Then a source that sends,
/// and is asked for key frames, seems never to send one; its viewers have to begin without
/// ([`Selector::set_opaque`](crate::select::Selector::set_opaque)).
#[derive(Clone, Copy, Debug, Default)]
pub struct Unreadable {
    /// The first request since the last key frame.
    asked: Option<Instant>,
    read: bool,
    opaque: bool,
}

impl Unreadable {
    /// Nothing is known yet: the source counts as readable.
    #[must_use]
    pub const fn new() -> Self {
        Self { asked: None, read: false, opaque: false }
    }

    /// The source was asked for a key frame.
    pub fn asked(&mut self, now: Instant) {
        self.asked.get_or_insert(now);
    }

    /// A burst came; whether the layer is unreadable from here on. One key frame that can be read ends it.
    pub fn burst(&mut self, now: Instant, key: bool) -> bool {
        if key {
            *self = Self { asked: None, read: true, opaque: false };
        }
        let patience = if self.read { LATER } else { FIRST };
        self.opaque |= self.asked.is_some_and(|asked| now.saturating_duration_since(asked) >= patience);
        self.opaque
    }
}
