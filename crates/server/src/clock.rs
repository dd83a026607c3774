use std::time::{Duration, SystemTime, UNIX_EPOCH};

use patchbay_core::Moment;
use tokio::time::Instant;

/// The process's clock: the one place where the domain's time comes from. It reads the runtime's clock, which a
/// simulation can move as it likes.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    start: Instant,
    /// Milliseconds since 1970 at the start: the time of day is read once, so that the two clocks never disagree.
    unix_ms: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::start_at(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// As [`Clock::start`], at a time of day that is given.
    pub(crate) fn start_at(unix_ms: u64) -> Self {
        Self { start: Instant::now(), unix_ms }
    }

    pub(crate) fn now(self) -> Moment {
        Moment::START + self.start.elapsed()
    }

    /// Milliseconds since 1970 at a moment.
    pub(crate) fn unix_ms(self, moment: Moment) -> u64 {
        self.unix_ms.saturating_add(moment.as_micros() / 1_000)
    }

    /// The runtime's instant of a moment, for its timers.
    pub(crate) fn instant(self, moment: Moment) -> Instant {
        self.start + Duration::from_micros(moment.as_micros().min(FAR))
    }
}

/// No timer is set further away than this many microseconds (a century), so that arithmetic on instants cannot fail.
const FAR: u64 = 100 * 365 * 24 * 3_600 * 1_000_000;
