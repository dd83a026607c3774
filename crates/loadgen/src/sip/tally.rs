//! What all callers have done and heard together.

use super::voice::Spoken;
use crate::histogram::Histogram;

#[derive(Default)]
pub(super) struct Tally {
    /// Calls that stand or stood, and calls that are over.
    pub(super) established: u64,
    pub(super) ended: u64,
    /// From the caller's wish until the call stood: milliseconds.
    pub(super) setups: Vec<f64>,
    /// Packets that callers sent.
    pub(super) sent: u64,
    /// What came back, whenever it was sent.
    pub(super) returned: u64,
    /// Packets that are not what this caller said.
    pub(super) foreign: u64,
    /// Of the packets that count: from the caller to the telephone and back.
    pub(super) echo: Option<Echo>,
}

/// Packets of a span, which are waited for beyond its end.
pub(super) struct Echo {
    /// In nanoseconds since the stage began; without an end it goes on.
    from: u64,
    to: u64,
    pub(super) sent: u64,
    pub(super) returned: u64,
    pub(super) round: Histogram,
}

impl Echo {
    pub(super) fn from(nanos: u64) -> Self {
        Self { from: nanos, to: u64::MAX, sent: 0, returned: 0, round: Histogram::new() }
    }

    fn counts(&self, nanos: u64) -> bool {
        (self.from..self.to).contains(&nanos)
    }

    pub(super) fn close(&mut self, nanos: u64) {
        self.to = nanos;
    }

    /// Share of what was sent that never came back, in percent.
    pub(super) fn loss(&self) -> f64 {
        100.0 * self.sent.saturating_sub(self.returned) as f64 / self.sent.max(1) as f64
    }
}

impl Tally {
    pub(super) fn said(&mut self, nanos: u64) {
        self.sent += 1;
        if let Some(echo) = self.echo.as_mut().filter(|echo| echo.counts(nanos)) {
            echo.sent += 1;
        }
    }

    pub(super) fn heard(&mut self, caller: usize, spoken: Option<Spoken>, now: u64) {
        let Some(spoken) = spoken.filter(|spoken| spoken.caller as usize == caller) else {
            self.foreign += 1;
            return;
        };
        self.returned += 1;
        if let Some(echo) = self.echo.as_mut().filter(|echo| echo.counts(spoken.nanos)) {
            echo.returned += 1;
            echo.round.record(now.saturating_sub(spoken.nanos));
        }
    }

    /// Somebody else's words are a fault of the server, not of the network.
    pub(super) fn check(&self) -> Result<(), String> {
        match self.foreign {
            0 => Ok(()),
            foreign => {
                Err(format!("{foreign} packets were not what their caller said, of {}", self.returned + foreign))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_said_in_a_span_is_waited_for_beyond_it() {
        let spoken = |nanos| Some(Spoken { nanos, caller: 1, number: 0 });
        let mut tally = Tally { echo: Some(Echo::from(100)), ..Tally::default() };
        [50, 100, 150, 199].into_iter().for_each(|nanos| tally.said(nanos));
        tally.echo.as_mut().unwrap().close(200);
        tally.said(200);
        [50, 100, 199, 200].into_iter().for_each(|nanos| tally.heard(1, spoken(nanos), 500));
        let echo = tally.echo.as_ref().unwrap();
        assert_eq!((tally.sent, tally.returned, echo.sent, echo.returned), (5, 4, 3, 2));
        assert!((echo.loss() - 100.0 / 3.0).abs() < 1e-9);
        assert_eq!(echo.round.max(), Duration::from_nanos(400));
        tally.check().unwrap();
        tally.heard(2, spoken(100), 500);
        tally.heard(1, None, 500);
        assert_eq!(tally.foreign, 2);
        assert!(tally.check().is_err());
    }
}
