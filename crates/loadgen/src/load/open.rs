//! The open loop: messages on a fixed schedule, latency counted from when each was due.

use std::time::{Duration, Instant};

use super::{Candidates, Faults, Plan, Sessions};
use crate::histogram::Histogram;
use crate::message;
use crate::net::{Load, Net};
use crate::schedule::Schedule;

pub(crate) struct OpenLoop {
    candidates: Candidates,
    schedule: Schedule,
    start: Instant,
    /// Messages due in this span of nanoseconds count; none is sent after it.
    counted: std::ops::Range<u64>,
    /// Messages of that span that were sent.
    pub(crate) sent: u64,
    /// Messages that have not arrived.
    on_their_way: u64,
    over: bool,
    pub(crate) latency: Histogram,
    pub(crate) faults: Faults,
}

impl OpenLoop {
    pub(crate) fn new(
        plan: &Plan,
        sessions: Sessions,
        net: &Net,
        rate: u64,
        warm_up: Duration,
        measured: Duration,
    ) -> Self {
        let nanos = |span: Duration| span.as_nanos() as u64;
        Self {
            candidates: Candidates::new(plan, sessions, net),
            schedule: Schedule::new(rate),
            start: Instant::now(),
            counted: nanos(warm_up)..nanos(warm_up + measured),
            sent: 0,
            on_their_way: 0,
            over: false,
            latency: Histogram::new(),
            faults: Faults::default(),
        }
    }

    pub(crate) fn tick(&self) -> Duration {
        self.schedule.tick()
    }

    pub(crate) fn start(&self) -> Instant {
        self.start
    }

    pub(crate) fn now(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    /// Messages of the measured span that never arrived.
    pub(crate) fn lost(&self) -> u64 {
        self.sent - self.latency.count()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

impl Load for OpenLoop {
    fn text(&mut self, _net: &mut Net, id: usize, text: &[u8]) {
        let Some(stamp) = message::stamp(text) else {
            self.faults.note_stray(self.candidates.plan.dialect, id, text);
            return;
        };
        self.on_their_way = self.on_their_way.saturating_sub(1);
        if self.counted.contains(&stamp.nanos) {
            let now = self.now();
            self.latency.record(now.saturating_sub(stamp.nanos));
        }
    }

    fn closed(&mut self, _net: &mut Net, id: usize, why: &str) {
        self.faults.note(id, why);
    }

    fn turn(&mut self, net: &mut Net) {
        while !self.over
            && let Some((number, due)) = self.schedule.take(self.now())
        {
            if due >= self.counted.end {
                self.over = true;
                break;
            }
            if self.counted.contains(&due) {
                self.sent += 1;
            }
            self.on_their_way += 1;
            let sender = self.candidates.plan.sender(number);
            self.candidates.send(net, sender, due);
        }
    }

    fn done(&self) -> bool {
        self.faults.check().is_err() || (self.over && self.on_their_way == 0)
    }
}
