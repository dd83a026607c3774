use std::time::{Duration, Instant};

/// Between two requests for a key frame of one source layer. A key frame costs the source as much as a second of
/// pictures: less lets a crowd of joining viewers eat its uplink; more is how long a viewer may look at nothing.
pub const KEY_FRAME_SPACING: Duration = Duration::from_millis(500);

/// What to do about a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Ask the source now.
    Send,
    /// The source was asked just now. At this moment [`Throttle::due`] says whether it has to be asked again.
    Wait(Instant),
}

/// Bounds the key-frame requests to one source layer, however many viewers wish for one.
///
/// A wish made while the last request may still be on its way is kept: either a key frame comes and serves it, or the
/// source is asked again [`KEY_FRAME_SPACING`] after the last time. A request that is lost is not repeated by itself:
/// who still waits wishes again.
#[derive(Clone, Copy, Debug, Default)]
pub struct Throttle {
    asked: Option<Instant>,
    wished: bool,
}

impl Throttle {
    /// Nobody has asked.
    #[must_use]
    pub const fn new() -> Self {
        Self { asked: None, wished: false }
    }

    /// Somebody wishes for a key frame.
    pub fn ask(&mut self, now: Instant) -> Ask {
        match self.asked.map(|asked| asked + KEY_FRAME_SPACING).filter(|free| now < *free) {
            Some(free) => {
                self.wished = true;
                Ask::Wait(free)
            }
            None => {
                *self = Self { asked: Some(now), wished: false };
                Ask::Send
            }
        }
    }

    /// Whether the source has to be asked now, because a wish had to wait.
    pub fn due(&mut self, now: Instant) -> bool {
        self.wished && self.ask(now) == Ask::Send
    }

    /// When [`Throttle::due`] is to be called, if a wish waits.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.asked.filter(|_| self.wished).map(|asked| asked + KEY_FRAME_SPACING)
    }

    /// A key frame came: it serves all who wished for one.
    pub fn arrived(&mut self) {
        self.wished = false;
    }
}
