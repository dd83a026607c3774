//! The loads: crowds that connect and join, and what they then do.

mod crowd;
mod offers;
mod open;
mod pairing;
mod saturated;
mod stuck;

pub(crate) use crowd::{Crowd, Steps};
pub(crate) use offers::Offers;
pub(crate) use open::OpenLoop;
pub(crate) use pairing::Pairing;
pub(crate) use saturated::Saturated;
pub(crate) use stuck::Stuck;

use crate::dialect::{Dialect, Kind, mesh, sid};
use crate::message::Candidate;
use crate::net::{Load, Net};

/// Who the clients are. Client `i` is a member of room `i / members`; where the dialect knows no rooms, a room of two is
/// a pair that has a session.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) dialect: Dialect,
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    /// What the names of rooms or clients begin with; tells runs against one server apart.
    pub(crate) prefix: String,
}

impl Plan {
    pub(crate) fn new(dialect: Dialect, rooms: usize, members: usize) -> Self {
        Self { dialect, rooms, members, prefix: "bench".to_owned() }
    }

    /// As many clients that have nobody to talk to but an echo.
    pub(crate) fn alone(&self) -> Self {
        Self { rooms: self.clients(), members: 1, ..self.clone() }
    }

    pub(crate) fn clients(&self) -> usize {
        self.rooms * self.members
    }

    /// What a client says first.
    fn enter(&self, client: usize) -> String {
        match self.dialect {
            Dialect::Mesh => {
                let room = format!("{}-{:04}", self.prefix, client / self.members);
                mesh::join(&room, &mesh::member(client % self.members))
            }
            Dialect::Sid => sid::register(&sid::name(&self.prefix, client)),
        }
    }

    /// A list of so many clients is whole. Lists of sid also name those who are not ours.
    fn is_whole(&self, listed: usize) -> bool {
        match self.dialect {
            Dialect::Mesh => listed == self.members,
            Dialect::Sid => listed >= self.clients(),
        }
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

/// The numbers of the sessions that pairs of clients have, by room; none where the dialect knows no sessions.
pub(crate) type Sessions = Vec<u64>;

/// Each client's candidate, and how many it has sent.
struct Candidates {
    plan: Plan,
    sessions: Sessions,
    of: Vec<(Candidate, u64)>,
}

impl Candidates {
    fn new(plan: &Plan, sessions: Sessions, net: &Net) -> Self {
        let shape = plan.dialect.candidate();
        let of = (0..plan.clients()).map(|id| (Candidate::new(shape, net.mask_of(id), id as u32), 0)).collect();
        Self { plan: plan.clone(), sessions, of }
    }

    fn send(&mut self, net: &mut Net, sender: usize, nanos: u64) {
        let Some((candidate, turn)) = self.of.get_mut(sender) else { return };
        let to = match self.plan.dialect {
            Dialect::Mesh => self.plan.receiver(sender, *turn) as u64,
            // An echo does not look at it.
            Dialect::Sid => self.sessions.get(sender / self.plan.members).copied().unwrap_or_default(),
        };
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

    /// A text that is no message of the load: only a list may still be on its way from when the clients came in.
    fn note_stray(&mut self, dialect: Dialect, id: usize, text: &[u8]) {
        if dialect.kind(text) != Kind::Members {
            self.note_text(id, text);
        }
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
        let plan = Plan::new(Dialect::Mesh, 3, 4);
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
        assert_eq!(plan.alone().receiver(3, 7), 0);
    }

    #[test]
    fn clients_come_in_as_their_dialect_has_it() {
        let mesh = Plan::new(Dialect::Mesh, 3, 4);
        assert_eq!(mesh.enter(9), r#"{"type":"join","room":"bench-0002","from":"peer-0001"}"#);
        assert_eq!([3, 4, 5].map(|listed| mesh.is_whole(listed)), [false, true, false]);
        let sid = Plan::new(Dialect::Sid, 3, 2);
        assert_eq!(sid.enter(5), r#"{"cmd":"sId","sId":"bench-00005"}"#);
        assert_eq!([5, 6, 7].map(|listed| sid.is_whole(listed)), [false, true, true]);
        let alone = sid.alone();
        assert_eq!((alone.rooms, alone.members, alone.dialect), (6, 1, Dialect::Sid));
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
