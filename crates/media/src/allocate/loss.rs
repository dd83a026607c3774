/// Above this loss, per mille, there is less bandwidth than is used; below the other one there may be more. Between
/// them losses are mostly those of a radio, which no lower rate makes good. (The bounds are those of
/// draft-ietf-rmcat-gcc-02 section 6.)
const CONGESTED: u16 = 100;
const CLEAR: u16 = 20;
/// What a viewer is believed to take before it has reported anything: less begins with a worse picture than needed,
/// more loses the first pictures of who has a poor line.
const START: u64 = 1_000_000;
/// What is believed at least: the lowest layers of browsers have about as much, and from less nobody would find back
/// within a minute.
const FLOOR: u64 = 50_000;
/// How much an estimate grows with a report without loss, in percent: more finds the limit sooner, less passes it by
/// less. Reports come once a second or so.
const GROWTH: u64 = 8;

/// Guesses a viewer's bandwidth from the losses that it reports, where it does not report when packets arrive.
#[derive(Clone, Copy, Debug)]
pub struct LossEstimate {
    bps: u64,
}

impl LossEstimate {
    /// Nothing was reported.
    #[must_use]
    pub const fn new() -> Self {
        Self { bps: START }
    }

    /// Bits per second.
    #[must_use]
    pub const fn bps(&self) -> u64 {
        self.bps
    }

    /// A receiver report (RFC 3550 section 6.4.1) told that `lost_permille` of what was sent since the last one did not
    /// arrive, while `sent` bits per second were sent. The estimate does not grow above `desired`, which
    /// [`Allocator::allocate`](super::Allocator::allocate) tells.
    pub fn report(&mut self, lost_permille: u16, sent: u64, desired: u64) {
        if lost_permille > CONGESTED {
            // Not from what was believed: whoever sends less than that and loses is limited by what it sends.
            let lost = u64::from(lost_permille.min(1000));
            self.bps = (self.bps.min(sent) / 2000 * (2000 - lost)).max(FLOOR);
        } else if lost_permille < CLEAR {
            let grown = self.bps.saturating_add(self.bps / 100 * GROWTH);
            self.bps = grown.min(desired).max(self.bps.min(START));
        }
    }
}

impl Default for LossEstimate {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_takes_half_of_what_was_lost() {
        let mut estimate = LossEstimate::new();
        estimate.report(100, 800_000, 5_000_000);
        assert_eq!(estimate.bps(), START, "ten percent are borne");
        estimate.report(200, 800_000, 5_000_000);
        assert_eq!(estimate.bps(), 720_000, "of what was sent");
        estimate.report(101, 2_000_000, 5_000_000);
        assert_eq!(estimate.bps(), 683_640, "of what was believed");
        for lost in [1000, u16::MAX, 500, 1000, 1000, 1000] {
            estimate.report(lost, 2_000_000, 5_000_000);
        }
        assert_eq!(estimate.bps(), FLOOR);
        estimate.report(1000, 0, 0);
        assert_eq!(estimate.bps(), FLOOR);
    }

    #[test]
    fn without_loss_it_grows_to_what_is_desired() {
        let mut estimate = LossEstimate::new();
        for (lost, expected) in [(20, START), (19, 1_080_000), (0, 1_166_400), (0, 1_200_000), (0, 1_200_000)] {
            estimate.report(lost, 1, 1_200_000);
            assert_eq!(estimate.bps(), expected, "{lost}");
        }
        // Less is desired now: what was believed is not proved any more, but what is believed of everybody stays.
        estimate.report(0, 1, 300_000);
        assert_eq!(estimate.bps(), START);
        estimate.report(0, 1, u64::MAX);
        assert!(estimate.bps() > START);
    }

    #[test]
    fn it_finds_back_from_the_floor_within_a_minute() {
        let mut estimate = LossEstimate::new();
        estimate.report(1000, 0, 0);
        let reports = (1..100).find(|_| {
            estimate.report(0, 0, 3_000_000);
            estimate.bps() >= START
        });
        assert!(reports.is_some_and(|reports| reports < 60), "{reports:?}");
    }
}
