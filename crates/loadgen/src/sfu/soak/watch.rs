//! Whether every viewer receives every stream, all the time.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::stage::Stage;

/// Faults that are told one by one; of more only their number.
const TOLD: usize = 5;

pub(super) struct Watch {
    legs: Range<usize>,
    /// What each of them is to receive.
    streams: usize,
    /// By leg and stream, the packets at the last look.
    before: BTreeMap<(usize, u32), u64>,
    looks: u32,
    faults: Vec<String>,
}

impl Watch {
    /// A first look at these legs.
    pub(super) fn new(stage: &Stage, legs: Range<usize>, streams: usize) -> Self {
        let mut watch = Self { legs, streams, before: BTreeMap::new(), looks: 0, faults: Vec::new() };
        watch.before = watch.counts(stage);
        watch
    }

    /// Another look: each stream has gone on since the last one.
    pub(super) fn look(&mut self, stage: &Stage) {
        let now = self.counts(stage);
        self.judge(now);
    }

    fn counts(&self, stage: &Stage) -> BTreeMap<(usize, u32), u64> {
        let streams = |leg: usize| {
            let receiver = stage.legs[leg].receiver().into_iter();
            receiver.flat_map(move |receiver| receiver.streams().map(move |(ssrc, count)| ((leg, ssrc), count)))
        };
        self.legs.clone().flat_map(streams).collect()
    }

    fn judge(&mut self, now: BTreeMap<(usize, u32), u64>) {
        self.looks += 1;
        for leg in self.legs.clone() {
            let own = now.range((leg, 0)..=(leg, u32::MAX));
            let live = own.filter(|(stream, count)| **count > self.before.get(stream).copied().unwrap_or_default());
            let live = live.count();
            if live != self.streams {
                let (look, wanted) = (self.looks, self.streams);
                self.faults.push(format!("at look {look} viewer {leg} receives {live} streams of {wanted}"));
            }
        }
        self.before = now;
    }

    /// What was wrong.
    pub(super) fn faults(mut self) -> Vec<String> {
        let more = self.faults.len().saturating_sub(TOLD);
        self.faults.truncate(TOLD);
        if more > 0 {
            self.faults.push(format!("and {more} more of these"));
        }
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        let before = [((4, 1), 10), ((4, 2), 10), ((5, 1), 10), ((5, 9), 10)].into();
        Watch { legs: 4..6, streams: 2, before, looks: 0, faults: Vec::new() }
    }

    #[test]
    fn streams_that_go_on_are_fine() {
        let mut watch = watch();
        watch.judge([((4, 1), 11), ((4, 2), 12), ((5, 1), 20), ((5, 9), 11)].into());
        assert!(watch.faults().is_empty());
    }

    #[test]
    fn one_that_stands_still_or_is_missing_is_told() {
        let mut watch = watch();
        watch.judge([((4, 1), 11), ((4, 2), 10), ((5, 1), 20)].into());
        let faults = watch.faults();
        assert_eq!(faults.len(), 2);
        assert!(faults[0].contains("viewer 4 receives 1 streams of 2") && faults[1].contains("viewer 5"), "{faults:?}");
    }

    #[test]
    fn a_flood_of_faults_is_cut_short() {
        let mut watch = watch();
        (0..10).for_each(|_| watch.judge(BTreeMap::new()));
        let faults = watch.faults();
        assert_eq!((faults.len(), faults[5].as_str()), (6, "and 15 more of these"));
    }
}
