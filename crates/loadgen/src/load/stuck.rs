//! A member that never reads, flooded by another one of its room, beside an open loop in other rooms.
//!
//! A server has to give such a member up sooner or later; it then comes back at once and is stuck again, so that the
//! server has one to bear all the time.

use std::time::Duration;

use super::OpenLoop;
use crate::dialect::{Dialect, Kind, mesh};
use crate::message::Candidate;
use crate::net::{Load, Net};
use crate::schedule::Schedule;

/// As small as the kernel lets it be.
const RECEIVE_BUFFER: usize = 1;

pub(crate) struct Stuck {
    pub(crate) others: OpenLoop,
    room: String,
    flooder: usize,
    victim: usize,
    flood: Schedule,
    candidate: Candidate,
    state: State,
    pub(crate) flooded: u64,
    /// How often the server gave the stuck member up.
    pub(crate) evictions: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The flooder is to connect and join.
    Preparing,
    /// The stuck member is to connect and join.
    Returning,
    /// The flooder's ping is under way: answers to its earlier messages come before the pong.
    Clearing,
    Flooding,
}

impl Stuck {
    pub(crate) fn new(others: OpenLoop, net: &mut Net, flood_rate: u64) -> std::io::Result<Self> {
        let flooder = net.connect()?;
        let victim = net.connect()?;
        net.close(victim);
        Ok(Self {
            others,
            room: "stuck".to_owned(),
            flooder,
            victim,
            flood: Schedule::new(flood_rate),
            candidate: Candidate::new(Dialect::Mesh.candidate(), net.mask_of(flooder), flooder as u32),
            state: State::Preparing,
            flooded: 0,
            evictions: 0,
        })
    }

    fn bring_back(&mut self, net: &mut Net) {
        self.state = State::Returning;
        if let Err(error) = net.reconnect(self.victim, Some(RECEIVE_BUFFER)) {
            self.others.faults.note(self.victim, &format!("cannot connect: {error}"));
        }
    }

    fn evicted(&mut self, net: &mut Net) {
        self.evictions += 1;
        self.bring_back(net);
    }

    fn special_text(&mut self, net: &mut Net, id: usize, text: &[u8]) {
        let kind = Dialect::Mesh.kind(text);
        match (self.state, kind) {
            (State::Preparing, Kind::Joined) => self.bring_back(net),
            (State::Returning, Kind::Joined) if id == self.victim => {
                net.deafen(self.victim);
                net.send(self.flooder, mesh::PING);
                self.state = State::Clearing;
            }
            (State::Returning, Kind::Error) if id == self.victim => self.others.faults.note_text(id, text),
            (State::Clearing, Kind::Pong) => self.state = State::Flooding,
            // The flooder's message found nobody: the stuck member was given up.
            (State::Flooding, Kind::Error) => self.evicted(net),
            _ => {}
        }
    }
}

impl Load for Stuck {
    fn opened(&mut self, net: &mut Net, id: usize, _setup: Duration) {
        let name = mesh::member(usize::from(id == self.victim));
        net.send(id, &mesh::join(&self.room, &name));
    }

    fn text(&mut self, net: &mut Net, id: usize, text: &[u8]) {
        if id == self.flooder || id == self.victim {
            self.special_text(net, id, text);
        } else {
            self.others.text(net, id, text);
        }
    }

    fn closed(&mut self, net: &mut Net, id: usize, why: &str) {
        match self.state {
            State::Clearing | State::Flooding if id == self.victim => self.evicted(net),
            _ => self.others.closed(net, id, why),
        }
    }

    fn turn(&mut self, net: &mut Net) {
        self.others.turn(net);
        let now = self.others.now();
        while self.flood.take(now).is_some() {
            // What the flooder's own socket does not take is not sent later: it would be a flood of the generator.
            if self.state == State::Flooding && !net.is_blocked(self.flooder) && !self.others.is_over() {
                self.flooded += 1;
                net.send_raw(self.flooder, self.candidate.render(1, now));
            }
        }
    }

    fn done(&self) -> bool {
        self.others.done()
    }
}
