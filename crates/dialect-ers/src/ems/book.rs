//! The list of configurations, the connections that serve them, and when the next one is to be tried: no session and no wire,
//! what is to be done comes out as [`Deed`]s.
//!
//! One connection serves one viewer (ers.md section 1.5): as soon as it has one, the next is opened to the same room. So a
//! room is served as long as one connection *waits* in it, or is on its way there.

pub(crate) mod answers;

use std::collections::BTreeMap;
use std::time::Duration;

use patchbay_core::Moment;

use super::api::wire::{Filter, Send, Start};

/// Most configurations. More would let a script that has gone wrong fill the store and knock at as many doors, and could not
/// be numbered anew in one step; fewer would refuse what a machine with a camera per room needs.
pub(crate) const CONFIGURATIONS: usize = 100;
/// Most connections of all configurations, one for each viewer and one more for each room. At the bound no further one is
/// opened, so that the next viewer finds an empty room. More are as many viewers as the engine was measured with, fewer
/// would turn viewers away.
pub(crate) const CONNECTIONS: usize = 1_024;

/// How long until a room is tried again: at first soon, since most losses are short.
const RETRY: Duration = Duration::from_secs(1);
/// After every second attempt it takes this much, by chance, so that devices do not come back all at once: ers.md
/// section 2.4, point 8.
const PAUSE_SECONDS: u64 = 10;
/// How long a room waits for a connection where all are in use.
const FULL: Duration = Duration::from_secs(PAUSE_SECONDS);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Open a connection of that number.
    Dial { number: u64, start: Start },
    /// End a connection.
    End { number: u64 },
    /// Hand the viewer of a connection a message.
    Say { number: u64, text: String },
    /// Keep a configuration over a restart.
    Keep { id: u64, line: String },
    /// No longer.
    Forget { id: u64 },
}

#[derive(Debug, Default)]
pub(crate) struct Book {
    configurations: BTreeMap<u64, Configuration>,
    /// The last number that was given to one.
    last_id: u64,
    connections: BTreeMap<u64, Connection>,
    last_number: u64,
    deeds: Vec<Deed>,
    /// Configurations that are over since this was last asked.
    gone: Vec<u64>,
}

#[derive(Debug)]
struct Configuration {
    start: Start,
    state: State,
    /// Since it was last in its room.
    attempts: u32,
    retry_at: Option<Moment>,
}

/// Where a configuration stands.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Connecting,
    Joined,
    /// Somebody else has the room, or the token is not taken, for now.
    Refused(String),
    /// The room will never be had: nothing more is tried.
    Stopped(String),
}

#[derive(Debug)]
struct Connection {
    id: u64,
    phase: Phase,
    /// Its viewer has opened the channel for commands.
    commands: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    /// On its way, or in the room: it can be given a viewer.
    Waits,
    /// It has a viewer of that stream.
    Serves(String),
    /// It is of no more use, and about to end.
    Useless,
}

impl Book {
    /// What is to be done since this was last asked.
    pub(crate) fn take_deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.deeds)
    }

    /// Configurations that are over since this was last asked.
    pub(crate) fn take_gone(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.gone)
    }

    /// The configuration that a connection is of.
    pub(crate) fn behind(&self, number: u64) -> Option<(u64, Start)> {
        let id = self.connections.get(&number)?.id;
        self.configurations.get(&id).map(|one| (id, one.start.clone()))
    }

    /// Starts a configuration; its number, or `None` if that room is started already or there are enough.
    pub(crate) fn start(&mut self, start: Start, now: Moment) -> Option<u64> {
        let known = self.configurations.values().any(|configuration| configuration.start.is_same(&start));
        if known || self.configurations.len() >= CONFIGURATIONS {
            return None;
        }
        self.last_id += 1;
        let id = self.last_id;
        if start.keep_alive {
            self.deeds.push(Deed::Keep { id, line: start.line() });
        }
        self.configurations.insert(id, Configuration { start, state: State::Connecting, attempts: 0, retry_at: None });
        self.dial(id, now);
        Some(id)
    }

    /// Ends every configuration that matches; whether there was one.
    pub(crate) fn stop(&mut self, filter: &Filter) -> bool {
        let matching = self.configurations.iter().filter(|(_, one)| filter.matches(&one.start)).map(|(id, _)| *id);
        let matching: Vec<_> = matching.collect();
        matching.iter().for_each(|id| self.remove(*id));
        !matching.is_empty()
    }

    /// Ends a configuration.
    pub(crate) fn remove(&mut self, id: u64) {
        let Some(gone) = self.configurations.remove(&id) else { return };
        self.gone.push(id);
        if gone.start.keep_alive {
            self.deeds.push(Deed::Forget { id });
        }
        for (number, connection) in self.connections.iter_mut().filter(|(_, connection)| connection.id == id) {
            connection.phase = Phase::Useless;
            self.deeds.push(Deed::End { number: *number });
        }
    }

    /// A message for everybody who views that stream and can be told commands; whether there is anybody.
    pub(crate) fn say(&mut self, send: &Send, text: &str) -> bool {
        let serves = |(number, connection): (&u64, &Connection)| match &connection.phase {
            Phase::Serves(stream) if connection.commands && *stream == send.stream => Some(*number),
            _ => None,
        };
        let to: Vec<_> = self.connections.iter().filter_map(serves).collect();
        self.deeds.extend(to.iter().map(|number| Deed::Say { number: *number, text: text.to_owned() }));
        !to.is_empty()
    }

    /// A connection stands. One that is not wanted any more is told so: the order to end came before there was anybody to
    /// hear it.
    pub(crate) fn connected(&mut self, number: u64) {
        if self.connections.get(&number).is_none_or(|connection| connection.phase == Phase::Useless) {
            self.deeds.push(Deed::End { number });
        }
    }

    /// A connection waits in its room.
    pub(crate) fn joined(&mut self, number: u64) {
        if let Some(configuration) = self.of(number) {
            (configuration.state, configuration.attempts) = (State::Joined, 0);
        }
    }

    /// A connection may not wait in its room.
    pub(crate) fn refused(&mut self, number: u64, why: &str) {
        let state = if why == FINAL { State::Stopped(why.to_owned()) } else { State::Refused(why.to_owned()) };
        if let Some(configuration) = self.of(number) {
            configuration.state = state;
        }
    }

    /// A connection's viewer can be told commands from now on, or no longer.
    pub(crate) fn commands(&mut self, number: u64, open: bool) {
        if let Some(connection) = self.connections.get_mut(&number) {
            connection.commands = open;
        }
    }

    /// A connection has a viewer: another one is to wait. Or its viewer sees another stream.
    pub(crate) fn serves(&mut self, number: u64, stream: &str, now: Moment) {
        let Some(connection) = self.connections.get_mut(&number) else { return };
        let waited = match connection.phase {
            Phase::Waits => true,
            Phase::Serves(_) => false,
            Phase::Useless => return,
        };
        connection.phase = Phase::Serves(stream.to_owned());
        if !waited {
            return;
        }
        let id = connection.id;
        if !self.waits(id) {
            self.dial(id, now);
        }
    }

    /// The way to the server is lost, though the connection's viewer is still served.
    pub(crate) fn cut(&mut self, number: u64, now: Moment, chance: u64) {
        let Some(id) = self.connections.get(&number).map(|connection| connection.id) else { return };
        self.missed(id, now, chance);
    }

    /// A connection has ended, or never came about.
    pub(crate) fn ended(&mut self, number: u64, now: Moment, chance: u64) {
        if let Some(Connection { id, .. }) = self.connections.remove(&number) {
            self.missed(id, now, chance);
        }
    }

    /// If nobody waits in the room any more, somebody is to come back, or the configuration is over.
    fn missed(&mut self, id: u64, now: Moment, chance: u64) {
        if self.waits(id) {
            return;
        }
        let others = self.connections.values().any(|connection| connection.id == id);
        let Some(configuration) = self.configurations.get_mut(&id) else { return };
        if matches!(configuration.state, State::Stopped(_)) || configuration.retry_at.is_some() {
            return;
        }
        if !configuration.start.keep_alive {
            if !others {
                self.configurations.remove(&id);
                self.gone.push(id);
            }
            return;
        }
        if configuration.state == State::Joined {
            configuration.state = State::Connecting;
        }
        let pause =
            if configuration.attempts % 2 == 0 { RETRY } else { Duration::from_secs(1 + chance % PAUSE_SECONDS) };
        configuration.attempts = configuration.attempts.wrapping_add(1);
        configuration.retry_at = Some(now + pause);
    }

    /// When something is to be tried again.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.configurations.values().filter_map(|configuration| configuration.retry_at).min()
    }

    /// Tries what is due.
    pub(crate) fn on_deadline(&mut self, now: Moment) {
        let is_due = |one: &Configuration| one.retry_at.is_some_and(|at| at <= now);
        let due: Vec<_> = self.configurations.iter().filter(|(_, one)| is_due(one)).map(|(id, _)| *id).collect();
        for id in due {
            self.dial(id, now);
        }
    }

    /// Somebody can be given a viewer.
    fn waits(&self, id: u64) -> bool {
        self.connections.values().any(|connection| connection.id == id && connection.phase == Phase::Waits)
    }

    fn of(&mut self, number: u64) -> Option<&mut Configuration> {
        let id = self.connections.get(&number)?.id;
        self.configurations.get_mut(&id)
    }

    fn dial(&mut self, id: u64, now: Moment) {
        let full = self.connections.len() >= CONNECTIONS;
        let Some(configuration) = self.configurations.get_mut(&id) else { return };
        configuration.retry_at = full.then(|| now + FULL);
        if full {
            return;
        }
        self.last_number += 1;
        let number = self.last_number;
        self.deeds.push(Deed::Dial { number, start: configuration.start.clone() });
        self.connections.insert(number, Connection { id, phase: Phase::Waits, commands: false });
    }
}

/// What a server says of a room that it will never let anybody into.
const FINAL: &str = "invalidRoom";

#[cfg(test)]
mod tests;
