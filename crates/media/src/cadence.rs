//! How regularly frames leave: the time from one to the next of the same track.

use std::time::{Duration, Instant};

/// The frames of one track, as they are sent.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cadence {
    /// The newest one: its time stamp, and when it left.
    last: Option<(u32, Instant)>,
    gaps: Gaps,
}

/// Times between frames, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    count: u32,
    span: Duration,
}

impl Cadence {
    pub(crate) const fn new() -> Self {
        Self { last: None, gaps: Gaps { count: 0, span: Duration::ZERO } }
    }

    /// A packet with this time stamp leaves. A frame is counted by its first one; what comes late belongs to one that was.
    pub(crate) fn sends(&mut self, time: u32, now: Instant) {
        let Some((newest, at)) = self.last else {
            self.last = Some((time, now));
            return;
        };
        let ahead = time.wrapping_sub(newest);
        if ahead == 0 || ahead > u32::MAX / 2 {
            return;
        }
        self.last = Some((time, now));
        self.gaps = self.gaps.and(Gaps { count: 1, span: now.saturating_duration_since(at) });
    }

    /// Nothing is sent for a while: the time until it is again is no period.
    pub(crate) fn rest(&mut self) {
        self.last = None;
    }

    /// What was gathered since this was last taken.
    pub(crate) fn take(&mut self) -> Gaps {
        std::mem::take(&mut self.gaps)
    }
}

impl Gaps {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { count: self.count.saturating_add(other.count), span: self.span.saturating_add(other.span) }
    }

    /// Their mean in microseconds; 0: there were none.
    pub(crate) fn mean_us(self) -> u32 {
        let mean = self.span.checked_div(self.count).unwrap_or_default();
        u32::try_from(mean.as_micros()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_from_frame_to_frame() {
        let (mut cadence, mut now) = (Cadence::new(), Instant::now());
        assert_eq!(cadence.take().mean_us(), 0);
        let start = u32::MAX - 3_000;
        for frame in 0..4_u32 {
            let time = start.wrapping_add(frame * 3_000);
            cadence.sends(time, now);
            cadence.sends(time, now + Duration::from_millis(1));
            // One of the frame before, which was lost on its way to us.
            cadence.sends(time.wrapping_sub(3_000), now + Duration::from_millis(2));
            now += Duration::from_millis(40);
        }
        assert_eq!(cadence.take().mean_us(), 40_000);
        assert_eq!(cadence.take(), Gaps::default(), "what was taken is not told twice");
    }

    #[test]
    fn a_pause_is_no_period() {
        let (mut cadence, now) = (Cadence::new(), Instant::now());
        cadence.sends(1, now);
        cadence.sends(2, now + Duration::from_millis(20));
        cadence.rest();
        cadence.sends(3, now + Duration::from_secs(60));
        cadence.sends(4, now + Duration::from_millis(60_040));
        assert_eq!(cadence.take().mean_us(), 30_000);
    }

    #[test]
    fn tracks_are_added_up_by_their_gaps() {
        let (one, other) =
            (Gaps { count: 3, span: Duration::from_millis(60) }, Gaps { count: 1, span: Duration::ZERO });
        assert_eq!(one.and(other).mean_us(), 15_000);
    }
}
