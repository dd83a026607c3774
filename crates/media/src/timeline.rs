//! When a peer's packets were sampled, by the peer's own reports: sound and pictures that were recorded together are told
//! to the other end as together, however the network has pulled them apart.

use std::time::{Duration, Instant};

/// The most that a moment may differ from the arrival: longer forgives larger buffers and clocks that run apart, shorter
/// bounds what a peer can make of its reports.
const APART: Duration = Duration::from_secs(2);

/// A peer's clock, held against ours.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timeline {
    /// A moment of the peer's, in NTP's format, and when it was told first: the network's delay belongs to it.
    anchor: Option<(u64, Instant)>,
}

/// What a peer has said last of one stream: the moment that is this timestamp.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sampled {
    report: Option<(u64, u32)>,
}

impl Timeline {
    /// A report of one of the peer's streams came.
    pub(crate) fn report(&mut self, sampled: &mut Sampled, ntp: u64, time: u32, now: Instant) {
        // Some senders have no clock.
        if ntp != 0 {
            self.anchor.get_or_insert((ntp, now));
            sampled.report = Some((ntp, time));
        }
    }

    /// When a packet of that timestamp was sampled, by our clock; never later than now. `rate`: ticks of a second.
    pub(crate) fn at(&self, sampled: &Sampled, time: u32, rate: u32, now: Instant) -> Instant {
        let (Some((anchor, told)), Some((ntp, base))) = (self.anchor, sampled.report) else { return now };
        let since = (i128::from(ntp.wrapping_sub(anchor) as i64) * 1_000_000_000) >> 32;
        let ticks = i128::from(time.wrapping_sub(base) as i32);
        let nanos = since + ticks * 1_000_000_000 / i128::from(rate.max(1));
        let offset = u64::try_from(nanos.unsigned_abs()).ok().map(Duration::from_nanos);
        let moved = |offset| if nanos < 0 { told.checked_sub(offset) } else { told.checked_add(offset) };
        let near = |at: &Instant| now.saturating_duration_since(*at).max(at.saturating_duration_since(now)) <= APART;
        offset.and_then(moved).filter(near).map_or(now, |at| at.min(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn streams_of_one_peer_are_put_together() {
        let now = Instant::now();
        let (mut line, mut sound, mut pictures) = (Timeline::default(), Sampled::default(), Sampled::default());
        assert_eq!(line.at(&sound, 5, 8_000, now), now, "nothing was said");
        line.report(&mut sound, 1_000 * SECOND, 80_000, now);
        line.report(&mut pictures, 1_000 * SECOND + SECOND / 2, 900_000, now + 700 * MS);
        // Both half a second after the first report, whenever they came.
        let then = now + 500 * MS;
        assert_eq!(line.at(&sound, 84_000, 8_000, then + 30 * MS), then);
        assert_eq!(line.at(&pictures, 900_000, 90_000, then + 300 * MS), then);
        assert_eq!(line.at(&pictures, 900_000 - 9_000, 90_000, then), then - 100 * MS, "before the report");
        assert_eq!(line.at(&sound, 84_000, 8_000, now + 400 * MS), now + 400 * MS, "never later than now");
    }

    #[test]
    fn absurd_reports_are_not_followed() {
        let now = Instant::now();
        for (ntp, time) in [(0, 0), (1_000 * SECOND, 0), (u64::MAX, 7), (1_000 * SECOND, u32::MAX / 2)] {
            let (mut line, mut sound) = (Timeline::default(), Sampled::default());
            line.report(&mut sound, 1_000 * SECOND, 0, now);
            line.report(&mut sound, ntp, time, now);
            for timestamp in [0, 1, u32::MAX / 2, u32::MAX] {
                let at = line.at(&sound, timestamp, 8_000, now);
                assert!(at <= now && now - at <= APART, "{ntp} {time} {timestamp}");
            }
        }
    }
}
