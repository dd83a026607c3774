//! Clients that connect and come in (join, register), a given number of them at a time.

use std::time::{Duration, Instant};

use super::{Faults, Plan};
use crate::dialect::Kind;
use crate::histogram::Histogram;
use crate::net::{Load, Net};

/// How long the lists of all members may take after the last join.
const LISTS_TIMEOUT: Duration = Duration::from_secs(5);

/// How far the clients go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Steps {
    /// To the answer of the upgrade.
    Connect,
    /// From there to the server's answer that the client is in.
    Enter,
    /// Both.
    ConnectAndEnter,
}

pub(crate) struct Crowd {
    plan: Plan,
    steps: Steps,
    in_flight: usize,
    started: usize,
    finished: usize,
    clients: Vec<Client>,
    /// Clients whose last list names everybody it should.
    complete: usize,
    /// When the last client finished.
    finished_at: Option<Instant>,
    /// When the last client had its whole list.
    complete_at: Option<Instant>,
    /// From asking for a connection to the answer of the upgrade.
    pub(crate) setup: Histogram,
    pub(crate) lists: u64,
    /// Lists that came to a client before the answer that it is in.
    pub(crate) early_lists: u64,
    pub(crate) faults: Faults,
}

#[derive(Clone, Copy, Default)]
struct Client {
    joined: bool,
    complete: bool,
}

impl Crowd {
    pub(crate) fn new(plan: &Plan, steps: Steps, in_flight: usize) -> Self {
        Self {
            plan: plan.clone(),
            steps,
            in_flight,
            started: 0,
            finished: 0,
            clients: vec![Client::default(); plan.clients()],
            complete: 0,
            finished_at: None,
            complete_at: None,
            setup: Histogram::new(),
            lists: 0,
            early_lists: 0,
            faults: Faults::default(),
        }
    }

    /// When the last client had connected or come in.
    pub(crate) fn finished_at(&self) -> Option<Instant> {
        self.finished_at
    }

    /// When the last client had its whole list, if all have.
    pub(crate) fn complete_at(&self) -> Option<Instant> {
        self.complete_at.filter(|_| self.incomplete() == 0)
    }

    /// Clients that have not been shown everybody.
    pub(crate) fn incomplete(&self) -> usize {
        self.clients.len() - self.complete
    }

    fn finish(&mut self) {
        self.finished += 1;
        if self.finished == self.clients.len() {
            self.finished_at = Some(Instant::now());
        }
    }

    fn enter(&self, net: &mut Net, id: usize) {
        net.send(id, &self.plan.enter(id));
    }
}

impl Load for Crowd {
    fn opened(&mut self, net: &mut Net, id: usize, setup: Duration) {
        self.setup.record(setup.as_nanos() as u64);
        if self.steps == Steps::Connect {
            self.finish();
        } else {
            self.enter(net, id);
        }
    }

    fn text(&mut self, _net: &mut Net, id: usize, text: &[u8]) {
        let Some(client) = self.clients.get_mut(id) else { return };
        match self.plan.dialect.kind(text) {
            Kind::Joined => {
                if !std::mem::replace(&mut client.joined, true) {
                    self.finish();
                }
            }
            Kind::Members => {
                self.lists += 1;
                if !client.joined {
                    self.early_lists += 1;
                }
                let complete = self.plan.is_whole(self.plan.dialect.listed(text));
                match (client.complete, complete) {
                    (false, true) => {
                        self.complete += 1;
                        self.complete_at = Some(Instant::now());
                    }
                    (true, false) => self.complete -= 1,
                    _ => {}
                }
                client.complete = complete;
            }
            _ => self.faults.note_text(id, text),
        }
    }

    fn closed(&mut self, _net: &mut Net, id: usize, why: &str) {
        self.faults.note(id, why);
    }

    fn turn(&mut self, net: &mut Net) {
        while self.started < self.clients.len() && self.started - self.finished < self.in_flight {
            let id = self.started;
            self.started += 1;
            if self.steps == Steps::Enter {
                self.enter(net, id);
            } else if let Err(error) = net.connect() {
                self.faults.note(id, &format!("cannot connect: {error}"));
            }
        }
    }

    fn done(&self) -> bool {
        let gathered = self
            .finished_at
            .is_some_and(|at| self.steps == Steps::Connect || self.incomplete() == 0 || at.elapsed() > LISTS_TIMEOUT);
        gathered || self.faults.check().is_err()
    }
}
