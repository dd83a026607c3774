//! Every client of a mesh room sends one large offer to its neighbour: what makes servers keep large buffers.

use super::{Faults, Plan};
use crate::dialect::{Kind, mesh};
use crate::net::{Load, Net};

pub(crate) struct Offers {
    plan: Plan,
    in_flight: usize,
    started: usize,
    pub(crate) arrived: usize,
    pub(crate) faults: Faults,
}

impl Offers {
    pub(crate) fn new(plan: &Plan, in_flight: usize) -> Self {
        Self { plan: plan.clone(), in_flight, started: 0, arrived: 0, faults: Faults::default() }
    }
}

impl Load for Offers {
    fn text(&mut self, _net: &mut Net, id: usize, text: &[u8]) {
        match self.plan.dialect.kind(text) {
            Kind::Relay => self.arrived += 1,
            Kind::Members => {}
            _ => self.faults.note_text(id, text),
        }
    }

    fn closed(&mut self, _net: &mut Net, id: usize, why: &str) {
        self.faults.note(id, why);
    }

    fn turn(&mut self, net: &mut Net) {
        while self.started < self.plan.clients() && self.started - self.arrived < self.in_flight {
            let to = mesh::member(self.plan.receiver(self.started, 0));
            net.send(self.started, &mesh::offer(&to));
            self.started += 1;
        }
    }

    fn done(&self) -> bool {
        self.faults.check().is_err() || self.arrived == self.plan.clients()
    }
}
