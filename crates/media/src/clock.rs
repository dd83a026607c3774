//! Moments as other hosts are told them. The engine itself has only instants; the wall clock is read once, so that time
//! never jumps within a process.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Seconds from 1900 to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// A moment in NTP's format (RFC 3550 section 4): seconds since 1900 in the upper half, their fraction in the lower.
pub(crate) fn ntp(at: Instant) -> u64 {
    static START: OnceLock<(Instant, u64)> = OnceLock::new();
    let (start, ntp) = *START.get_or_init(|| {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Instant::now(), fixed(wall.as_nanos()).wrapping_add(NTP_EPOCH << 32))
    });
    let after = fixed(at.saturating_duration_since(start).as_nanos());
    let before = fixed(start.saturating_duration_since(at).as_nanos());
    ntp.wrapping_add(after).wrapping_sub(before)
}

/// The header extension "absolute send time": 24 bits, of which 18 are a fraction of a second.
pub(crate) fn send_time(at: Instant) -> u32 {
    (ntp(at) >> 14) as u32 & 0x00ff_ffff
}

/// Nanoseconds as seconds and fraction.
fn fixed(nanos: u128) -> u64 {
    ((nanos << 32) / 1_000_000_000) as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn time_goes_on_at_its_pace_in_both_directions() {
        let now = Instant::now();
        let second = 1_u64 << 32;
        assert!((ntp(now) >> 32) > NTP_EPOCH + 1_700_000_000, "after 2023");
        let passed = ntp(now + Duration::from_millis(1_500)).wrapping_sub(ntp(now));
        assert!(passed.abs_diff(second * 3 / 2) < 10, "{passed}");
        let early = now.checked_sub(Duration::from_millis(250)).unwrap();
        assert!(ntp(now).wrapping_sub(ntp(early)).abs_diff(second / 4) < 10);
        let steps = send_time(now + Duration::from_millis(500)).wrapping_sub(send_time(now)) & 0x00ff_ffff;
        assert!(steps.abs_diff(1 << 17) < 2, "{steps}");
        assert!(send_time(now) < 1 << 24);
    }
}
