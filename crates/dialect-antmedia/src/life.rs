//! Whether the peer is still there: any frame is a sign of life, and who sends none is pinged.

use std::time::Duration;

use patchbay_core::Moment;

/// What is to be done about a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    /// It has been silent for too long.
    GiveUp,
}

#[derive(Debug)]
pub(crate) struct Life {
    heard: Moment,
    pinged: bool,
    /// Not moved with every frame, so that a chatty client costs no timer: when it rings, the silence is measured.
    next: Moment,
}

impl Life {
    pub(crate) const fn new() -> Self {
        Self { heard: Moment::START, pinged: false, next: Moment::START }
    }

    pub(crate) fn begins(&mut self, now: Moment, ping_interval: Duration) {
        (self.heard, self.next) = (now, now + ping_interval);
    }

    pub(crate) fn hears(&mut self, now: Moment) {
        (self.heard, self.pinged) = (now, false);
    }

    pub(crate) const fn deadline(&self) -> Moment {
        self.next
    }

    /// What is due; `timeout` is how long a peer may be silent.
    pub(crate) fn on_deadline(&mut self, now: Moment, ping_interval: Duration, timeout: Duration) -> Due {
        if now < self.next {
            return Due::Nothing;
        }
        if now >= self.heard + timeout {
            return Due::GiveUp;
        }
        let asks = !self.pinged && now >= self.heard + ping_interval;
        self.pinged |= asks;
        self.next = self.heard + if self.pinged { timeout } else { ping_interval };
        if asks { Due::Ping } else { Due::Nothing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: Duration = Duration::from_secs(15);
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn at(seconds: u64) -> Moment {
        Moment::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn a_silent_peer_is_pinged_once_and_then_given_up() {
        let mut life = Life::new();
        life.begins(at(100), PING);
        assert_eq!(life.deadline(), at(115));
        assert_eq!(life.on_deadline(at(114), PING, TIMEOUT), Due::Nothing);
        assert_eq!(life.on_deadline(at(115), PING, TIMEOUT), Due::Ping);
        assert_eq!(life.deadline(), at(130));
        assert_eq!(life.on_deadline(at(129), PING, TIMEOUT), Due::Nothing);
        assert_eq!(life.on_deadline(at(130), PING, TIMEOUT), Due::GiveUp);
    }

    #[test]
    fn a_peer_that_says_anything_is_there_and_moves_no_timer() {
        let mut life = Life::new();
        life.begins(at(100), PING);
        life.hears(at(112));
        assert_eq!(life.deadline(), at(115));
        assert_eq!(life.on_deadline(at(115), PING, TIMEOUT), Due::Nothing);
        assert_eq!(life.deadline(), at(127));
        assert_eq!(life.on_deadline(at(127), PING, TIMEOUT), Due::Ping);
        life.hears(at(128));
        assert_eq!(life.on_deadline(at(142), PING, TIMEOUT), Due::Nothing);
        assert_eq!(life.on_deadline(at(143), PING, TIMEOUT), Due::Ping, "the next silence is asked about anew");
    }
}
