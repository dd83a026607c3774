use std::time::Duration;

use patchbay_core::Moment;

/// How fast a connection may send what is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second in the long run; 0 switches the limit off.
    pub per_second: u32,
    /// Requests at once after a silence: more forgives a client that starts with many, less spares the hub a flood.
    pub burst: u32,
}

/// A token bucket: `burst` tokens at first, `per_second` new ones each second, never more than `burst`.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    /// The moment at which the bucket was, or will be, full: one moment instead of a count and a moment.
    full_at: Moment,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub const fn full() -> Self {
        Self { full_at: Moment::START }
    }

    /// Takes one token; `false` if there is none.
    pub fn take(&mut self, rate: Rate, now: Moment) -> bool {
        if rate.per_second == 0 {
            return true;
        }
        let token = Duration::from_secs(1) / rate.per_second;
        let full_at = self.full_at.max(now) + token;
        let admitted = full_at.since(now) <= token * rate.burst.max(1);
        if admitted {
            self.full_at = full_at;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let rate = Rate { per_second: 10, burst: 3 };
        let mut bucket = TokenBucket::full();
        let start = Moment::from_micros(5_000_000);
        let taken = |bucket: &mut TokenBucket, now| (0..10).filter(|_| bucket.take(rate, now)).count();
        assert_eq!(taken(&mut bucket, start), 3);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(99)), 0);
        assert_eq!(taken(&mut bucket, start + Duration::from_millis(100)), 1);
        assert_eq!(taken(&mut bucket, start + Duration::from_secs(60)), 3);
    }

    #[test]
    fn zero_switches_it_off() {
        let mut bucket = TokenBucket::full();
        assert!((0..100_000).all(|_| bucket.take(Rate { per_second: 0, burst: 0 }, Moment::START)));
    }
}
