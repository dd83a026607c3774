//! A log-linear histogram of durations: constant memory, no allocation per value, errors below 1 %.

use std::time::Duration;

/// Each power of two is divided into this many steps (as a power of two): the relative error is at most 1/128.
const STEP_BITS: u32 = 7;
const STEPS: usize = 1 << STEP_BITS;

/// Enough rows for every `u64`.
const ROWS: usize = 64 - STEP_BITS as usize + 1;

pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { counts: vec![0; ROWS * STEPS], total: 0, max: 0 }
    }

    pub(crate) fn record(&mut self, nanos: u64) {
        self.counts[slot(nanos)] += 1;
        self.total += 1;
        self.max = self.max.max(nanos);
    }

    pub(crate) fn count(&self) -> u64 {
        self.total
    }

    /// The largest value, exactly.
    pub(crate) fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The value that `per_mille` of 1000 values do not exceed; zero where nothing was recorded.
    pub(crate) fn quantile(&self, per_mille: u64) -> Duration {
        let rank = (self.total * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (slot, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                // The upper end, so that no quantile is flattered; but never above what really came.
                return Duration::from_nanos(upper_end(slot).min(self.max));
            }
        }
        Duration::ZERO
    }
}

/// Values below `STEPS` have a slot each (row 0); above, row `r` holds the values of `STEP_BITS + r` bits.
fn slot(value: u64) -> usize {
    let bits = 64 - value.leading_zeros();
    let row = bits.saturating_sub(STEP_BITS);
    let shift = row.saturating_sub(1);
    let step = (value >> shift) as usize & (STEPS - 1);
    row as usize * STEPS + step
}

fn upper_end(slot: usize) -> u64 {
    let (row, step) = (slot / STEPS, (slot % STEPS) as u64);
    if row == 0 {
        return step;
    }
    let shift = row as u32 - 1;
    ((STEPS as u64 | step) << shift) + ((1 << shift) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_slot_and_close_to_its_upper_end() {
        let values = (0..64).flat_map(|shift| [0, 1, 3].map(|add| (1u64 << shift).saturating_add(add)));
        for value in values.chain([0, 127, 128, 129, 255, 256, 1_000_003, u64::MAX]) {
            let upper = upper_end(slot(value));
            assert!(upper >= value, "{value} is above the end {upper} of its slot");
            assert!(upper - value <= value / 128, "{value} is far from {upper}");
            assert_eq!(slot(upper), slot(value));
            if upper < u64::MAX {
                assert_eq!(slot(upper + 1), slot(value) + 1);
            }
        }
    }

    #[test]
    fn quantiles_of_a_known_series() {
        let mut histogram = Histogram::new();
        (1..=1000).for_each(|micros| histogram.record(micros * 1000));
        assert_eq!(histogram.count(), 1000);
        for (per_mille, micros) in [(1, 1), (500, 500), (990, 990), (999, 999)] {
            let got = histogram.quantile(per_mille).as_nanos() as f64;
            let wanted = f64::from(micros) * 1000.0;
            assert!((got - wanted).abs() / wanted < 0.01, "{per_mille}: {got}");
        }
        assert_eq!(histogram.quantile(1000), histogram.max());
        assert_eq!(histogram.max(), Duration::from_millis(1));
    }

    #[test]
    fn an_empty_one_says_zero_and_a_single_value_is_exact() {
        let mut histogram = Histogram::new();
        assert_eq!(histogram.quantile(990), Duration::ZERO);
        histogram.record(1_234_567);
        assert_eq!(histogram.quantile(500), Duration::from_nanos(1_234_567));
    }
}
