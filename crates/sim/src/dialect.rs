//! What the simulation has to know of a dialect: clients that speak it, and exactly what the server must answer.
//!
//! An implementation is both sides at once. As a client it makes moves that mostly make sense. As a reference it is
//! told of each message in the very order in which the server handles them, so it can say what everybody must hear.

use crate::net::Id;
use crate::rng::Rng;

/// A dialect with all its clients.
pub(crate) trait Dialect {
    /// Its path on the HTTP listeners.
    fn path(&self) -> &str;

    /// The server has opened a session for a connection.
    fn opened(&mut self, id: Id, at: u64);

    /// The client's next messages. They will be handled in this order, unless the connection ends before.
    fn act(&mut self, id: Id, sight: &mut Sight<'_>) -> Vec<String>;

    /// A message that the caller wants said.
    fn script(&mut self, id: Id, line: Line<'_>) -> String;

    /// The server has handled the connection's next message.
    fn handle(&mut self, id: Id, at: u64, told: &mut Told) -> Verdict;

    /// The server has handled a pong.
    fn pong(&mut self, id: Id, at: u64);

    /// The server closes the connection, or has lost it: for everybody else it has gone. Said twice of most.
    fn gone(&mut self, id: Id, at: u64, told: &mut Told);

    /// The client hears a message.
    ///
    /// # Errors
    /// If it should not have, or not now.
    fn hear(&mut self, id: Id, text: &str, pushed: Pushed) -> Result<(), String>;

    /// When the server may end the connection because it answers no ping, and when it has to.
    fn silence(&self, id: Id) -> Option<(u64, u64)>;

    /// When the server closes a connection that has not said what it has to say first, and the code.
    fn idle(&self, id: Id) -> Option<(u16, u64)>;

    /// The client has said more than the rate allows and is read more slowly: its pongs may be read too late.
    fn is_throttled(&self, id: Id) -> bool;

    /// When a timer of the session last ran, by `now`: whatever waited for it was then handed out.
    fn stirred(&self, id: Id, now: u64) -> u64;

    /// Time passes and nobody says anything: everything that has to be known to this client is known to it.
    ///
    /// # Errors
    /// What it does not know.
    fn settled(&self, id: Id) -> Result<(), String>;
}

/// What every dialect has a word for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line<'a> {
    /// Enter the common place under a name.
    Enter { place: &'a str, name: &'a str },
    /// Say something to somebody there.
    Tell { name: &'a str },
    /// Leave it, and stay connected.
    Leave,
}

/// What a message does to its sender's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Stay,
    /// The server closes it with this code.
    Close(u16),
}

/// What a client sees when it makes its move.
pub(crate) struct Sight<'a> {
    pub(crate) rng: &'a mut Rng,
    /// Clients that do not read: worth sending much to.
    pub(crate) stuck: &'a [Id],
    /// Largest message that the server takes.
    pub(crate) message_bytes: usize,
    /// Messages at which a mailbox is full.
    pub(crate) hard_messages: usize,
}

/// Who was told something by one input of the hub.
#[derive(Debug, Default)]
pub(crate) struct Told(pub(crate) Vec<Telling>);

#[derive(Clone, Copy, Debug)]
pub(crate) struct Telling {
    pub(crate) to: Id,
    /// A lower bound of what it weighs.
    pub(crate) bytes: usize,
    /// It certainly has a place of its own in the mailbox; a list may have none, or take another's.
    pub(crate) edge: bool,
}

impl Told {
    pub(crate) fn edge(&mut self, to: Id, bytes: usize) {
        self.0.push(Telling { to, bytes, edge: true });
    }

    pub(crate) fn level(&mut self, to: Id, bytes: usize) {
        self.0.push(Telling { to, bytes, edge: false });
    }
}

/// When the last byte of a message left the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pushed {
    pub(crate) at: u64,
    /// When the connection last became free after it had been full.
    pub(crate) free: u64,
}

/// A timer of the runtime may be this late, in milliseconds.
const TICK: u64 = 1;

impl Pushed {
    /// The server passes a message on in the moment in which it gets it, or in which the receiver's socket has room.
    pub(crate) fn prompt(self, cause: u64) -> Result<(), String> {
        let expected = cause.max(self.free);
        if self.at > expected + TICK {
            return Err(format!("it left at {} ms, and nothing held it after {expected} ms", self.at));
        }
        Ok(())
    }

    /// It may have waited: it left in the moment in which the socket had room again.
    pub(crate) fn was_held(self) -> bool {
        self.free > 0 && self.at <= self.free + TICK
    }

    /// Whether it may have been on its way since `moment`, because the socket was full.
    pub(crate) fn may_be_of(self, moment: u64) -> bool {
        self.at <= moment + TICK || self.free >= moment
    }
}
