//! The loads: crowds that connect and join, and what they then do.

mod crowd;
mod offers;
mod open;
mod saturated;
mod stuck;

pub(crate) use crowd::{Crowd, Steps};
pub(crate) use offers::Offers;
pub(crate) use open::OpenLoop;
pub(crate) use saturated::Saturated;
pub(crate) use stuck::Stuck;

use crate::message;
use crate::message::Candidate;
use crate::net::{Load, Net};

/// Who the clients are. Client `i` is a member of room `i / members`.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    /// What the rooms' names begin with; tells runs against one server apart.
    pub(crate) prefix: String,
}

impl Plan {
    pub(crate) fn new(rooms: usize, members: usize) -> Self {
        Self { rooms, members, prefix: "bench".to_owned() }
    }

    pub(crate) fn clients(&self) -> usize {
        self.rooms * self.members
    }

    fn join(&self, client: usize) -> String {
        let room = format!("{}-{:04}", self.prefix, client / self.members);
        message::join(&room, &message::member(client % self.members))
    }

    /// The sender of the `number`-th message: one room after the other, so that neighbours in time are none in space.
    fn sender(&self, number: u64) -> usize {
        let (rooms, members) = (self.rooms as u64, self.members as u64);
        (number % rooms * members + number / rooms % members) as usize
    }

    /// Who gets the `turn`-th message of a client: all others of its room in rotation; a client without others gets its
    /// own (from an echo).
    fn receiver(&self, sender: usize, turn: u64) -> usize {
        let others = self.members as u64 - 1;
        if others == 0 {
            return 0;
        }
        (sender + 1 + (turn % others) as usize) % self.members
    }
}

/// Each client's candidate, and how many it has sent.
struct Candidates {
    plan: Plan,
    of: Vec<(Candidate, u64)>,
}

impl Candidates {
    fn new(plan: &Plan, net: &Net) -> Self {
        let of = (0..plan.clients()).map(|id| (Candidate::new(net.mask_of(id), id as u32), 0)).collect();
        Self { plan: plan.clone(), of }
    }

    fn send(&mut self, net: &mut Net, sender: usize, nanos: u64) {
        let Some((candidate, turn)) = self.of.get_mut(sender) else { return };
        let to = self.plan.receiver(sender, *turn);
        *turn += 1;
        net.send_raw(sender, candidate.render(to, nanos));
    }
}

/// What went wrong: how often, and the first time in words.
#[derive(Default)]
pub(crate) struct Faults {
    count: u64,
    first: String,
}

impl Faults {
    fn note(&mut self, id: usize, what: &str) {
        if self.count == 0 {
            self.first = format!("client {id}: {what}");
        }
        self.count += 1;
    }

    fn note_text(&mut self, id: usize, text: &[u8]) {
        self.note(id, String::from_utf8_lossy(&text[..text.len().min(300)]).trim_end());
    }

    /// A load with faults has measured something else than it says.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.count {
            0 => Ok(()),
            1 => Err(self.first.clone()),
            more => Err(format!("{} (and {} more)", self.first, more - 1)),
        }
    }
}

/// Nothing: clients that answer pings and otherwise wait.
#[derive(Default)]
pub(crate) struct Quiet {
    pub(crate) faults: Faults,
}

impl Load for Quiet {
    fn text(&mut self, _net: &mut Net, _id: usize, _text: &[u8]) {}

    fn closed(&mut self, _net: &mut Net, id: usize, why: &str) {
        self.faults.note(id, why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_sends_in_turn_to_everybody_else_of_the_room() {
        let plan = Plan::new(3, 4);
        let senders: Vec<_> = (0..12).map(|number| plan.sender(number)).collect();
        assert_eq!(senders[..4], [0, 4, 8, 1]);
        let mut sorted = senders.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..12).collect::<Vec<_>>());
        assert_eq!(plan.sender(12), 0);
        for sender in 0..12 {
            let mut receivers: Vec<_> = (0..3).map(|turn| plan.receiver(sender, turn)).collect();
            assert_eq!(plan.receiver(sender, 3), receivers[0]);
            receivers.push(sender % 4);
            receivers.sort_unstable();
            assert_eq!(receivers, [0, 1, 2, 3]);
        }
        assert_eq!(Plan::new(5, 1).receiver(3, 7), 0);
    }

    #[test]
    fn faults_keep_the_first() {
        let mut faults = Faults::default();
        assert_eq!(faults.check(), Ok(()));
        faults.note(1, "bad");
        assert_eq!(faults.check(), Err("client 1: bad".to_owned()));
        faults.note(2, "worse");
        assert_eq!(faults.check(), Err("client 1: bad (and 1 more)".to_owned()));
    }
}
