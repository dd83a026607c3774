//! How much of what a peer says on its data channels its party hears: each message is an event, which goes through the hub.

use std::time::{Duration, Instant};

/// Largest message, in bytes, that a party hears. More would let a peer keep more of everybody's memory while its session is
/// busy, less would cut commands with long arguments, which are some hundred bytes.
const MESSAGE: usize = 16 * 1024;
/// Messages at once. With [`MESSAGE`] they stay below what closes a session's mailbox. More would let one peer keep the hub
/// busy for longer, fewer would end a page that says all it has to when its channel opens.
const BURST: u32 = 100;
/// The time that one message takes. Less would let one peer cost everybody more of the hub's time, more would end a page that
/// sends a heartbeat each second and what its user does besides.
const EACH: Duration = Duration::from_millis(50);

/// How much one peer may say still.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// When all that was said will have been paid for.
    paid: Option<Instant>,
}

impl Pace {
    /// Whether a message of that many bytes is heard.
    pub(super) fn takes(&mut self, bytes: usize, now: Instant) -> bool {
        let paid = self.paid.map_or(now, |paid| paid.max(now));
        let fits = bytes <= MESSAGE && paid + EACH <= now + EACH * BURST;
        if fits {
            self.paid = Some(paid + EACH);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_heard_and_then_one_in_each_time() {
        let (mut pace, start) = (Pace::default(), Instant::now());
        assert!((0..BURST).all(|_| pace.takes(1, start)));
        assert!(!pace.takes(1, start));
        assert!(pace.takes(1, start + EACH));
        assert!(!pace.takes(1, start + EACH));
        let later = start + EACH * (2 * BURST);
        assert!((0..BURST).all(|_| pace.takes(1, later)));
        assert!(!pace.takes(1, later), "nobody saves up more");
    }

    #[test]
    fn a_message_has_its_size() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert!(pace.takes(MESSAGE, now) && !pace.takes(MESSAGE + 1, now));
    }
}
