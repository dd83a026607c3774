//! The closed loop: every client sends its next message when its previous one has arrived.

use std::time::Instant;

use super::{Candidates, Faults, Plan, Sessions};
use crate::histogram::Histogram;
use crate::message;
use crate::net::{Load, Net};

pub(crate) struct Saturated {
    candidates: Candidates,
    start: Instant,
    begun: bool,
    /// Arrivals are counted.
    pub(crate) counting: bool,
    pub(crate) latency: Histogram,
    pub(crate) faults: Faults,
}

impl Saturated {
    pub(crate) fn new(plan: &Plan, sessions: Sessions, net: &Net) -> Self {
        Self {
            candidates: Candidates::new(plan, sessions, net),
            start: Instant::now(),
            begun: false,
            counting: false,
            latency: Histogram::new(),
            faults: Faults::default(),
        }
    }

    fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

impl Load for Saturated {
    fn text(&mut self, net: &mut Net, id: usize, text: &[u8]) {
        let Some(stamp) = message::stamp(text) else {
            self.faults.note_stray(self.candidates.plan.dialect, id, text);
            return;
        };
        let now = self.now();
        if self.counting {
            self.latency.record(now.saturating_sub(stamp.nanos));
        }
        self.candidates.send(net, stamp.sender as usize, now);
    }

    fn closed(&mut self, _net: &mut Net, id: usize, why: &str) {
        self.faults.note(id, why);
    }

    fn turn(&mut self, net: &mut Net) {
        if !std::mem::replace(&mut self.begun, true) {
            for sender in 0..self.candidates.of.len() {
                let now = self.now();
                self.candidates.send(net, sender, now);
            }
        }
    }

    fn done(&self) -> bool {
        self.faults.check().is_err()
    }
}
