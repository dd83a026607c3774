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

    /// Takes one token, on credit if there is none. When the next one may be taken: `now`, or the moment at which the
    /// debt is paid. For protocols that have no word for "too fast": who waits until then keeps to the rate.
    pub fn charge(&mut self, rate: Rate, now: Moment) -> Moment {
        if rate.per_second == 0 {
            return now;
        }
        let token = Duration::from_secs(1) / rate.per_second;
        self.full_at = self.full_at.max(now) + token;
        // The bucket is empty while it is a whole burst from being full.
        let debt = self.full_at.since(now + token * rate.burst.max(1));
        now + debt
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
    fn a_debt_is_paid_at_the_rate() {
        let rate = Rate { per_second: 10, burst: 3 };
        let mut bucket = TokenBucket::full();
        let start = Moment::from_micros(5_000_000);
        let waits: Vec<_> = (0..5).map(|_| bucket.charge(rate, start).since(start).as_millis()).collect();
        assert_eq!(waits, [0, 0, 0, 100, 200]);
        assert_eq!(bucket.charge(rate, start + Duration::from_secs(60)), start + Duration::from_secs(60));
    }

    #[test]
    fn zero_switches_it_off() {
        let mut bucket = TokenBucket::full();
        let off = Rate { per_second: 0, burst: 0 };
        assert!((0..100_000).all(|_| bucket.take(off, Moment::START)));
        assert!((0..100_000).all(|_| bucket.charge(off, Moment::START) == Moment::START));
    }
}
