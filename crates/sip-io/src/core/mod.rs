//! The agent without sockets: transactions, lines and calls, driven by what is heard, wanted and due. It reads no clock
//! and waits for nothing; what it wants done it leaves in [`Core::effects`].

mod call;
mod callee;
mod caller;
mod challenge;
mod inside;
mod line;
mod path;
mod receive;
mod refresh;
mod respond;
mod send;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use patchbay_core::Moment;

use crate::api::{Account, Caller, DialogNews, DialogOrder, LineNews, LineOrder, Outgoing, Text};
use crate::counts::{Counters, add, set};
use crate::settings::Settings;
use call::Call;
use line::Line;
pub(crate) use path::{Origin, Path, Target, Unrouted};
use respond::ServerEntry;
use send::{ClientEntry, Waiting};

/// Random numbers.
pub(crate) type Random = Box<dyn FnMut() -> u64 + Send>;

/// What has happened.
pub(crate) enum Input {
    /// Bytes of one message.
    Received(Origin, Vec<u8>),
    /// What became of an [`Effect::Resolve`].
    Routed { ask: u64, result: Result<Path, Unrouted> },
    /// A stream has ended.
    Lost { flow: u64 },
    /// Somebody wants something.
    Order(Order),
    /// [`Core::deadline`] has come.
    Deadline,
}

/// What somebody wants.
pub(crate) enum Order {
    NewLine(u64, Box<Account>),
    Line(u64, LineOrder),
    DropLine(u64),
    NewDialog(u64, Box<Outgoing>),
    Dialog(u64, DialogOrder),
    DropDialog(u64),
    /// Everything ends: calls, bindings.
    Stop,
}

/// What is to be done.
pub(crate) enum Effect {
    /// Send these bytes. If that is impossible, [`Core::unsent`] for the client transaction.
    Send {
        path: Path,
        bytes: Vec<u8>,
        client: Option<String>,
    },
    /// Answer where a request came from.
    Reply {
        to: Origin,
        bytes: Vec<u8>,
    },
    /// Find a path.
    Resolve {
        ask: u64,
        target: Target,
    },
    /// Tell the owner of a line.
    Line(u64, LineNews),
    /// Tell the owner of a dialog.
    Dialog(u64, DialogNews),
    /// Somebody writes to a line; [`Core::text_taken`] answers.
    Text {
        line: u64,
        key: String,
        text: Text,
    },
    /// Somebody calls, a line or one of our own domains.
    Call(Box<NewCall>),
    /// Nothing more will be told of this line or dialog.
    ForgetLine(u64),
    ForgetDialog(u64),
}

/// What [`Effect::Call`] brings.
pub(crate) struct NewCall {
    pub(crate) line: Option<u64>,
    pub(crate) dialog: u64,
    pub(crate) from: Caller,
    pub(crate) to: String,
    pub(crate) call_id: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) sdp: Option<String>,
}

/// What has a deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Clock {
    Client(String),
    Server(String),
    Line(u64),
    Call(u64),
}

/// The agent.
pub(crate) struct Core {
    settings: Arc<Settings>,
    pub(crate) counters: Arc<Counters>,
    now: Moment,
    random: Random,
    ids: Arc<AtomicU64>,
    clients: BTreeMap<String, ClientEntry>,
    servers: BTreeMap<String, ServerEntry>,
    /// Server transactions by who asked what, to find a request that came on two ways (RFC 3261 section 8.2.2.2).
    origins: BTreeMap<String, String>,
    lines: BTreeMap<u64, Line>,
    /// Lines by the user of their contact.
    tokens: BTreeMap<String, u64>,
    calls: BTreeMap<u64, Call>,
    /// How many of them are not over.
    open: usize,
    /// Lines by the path that they wait for.
    asking: BTreeMap<u64, u64>,
    /// Calls by `Call-ID` and our tag.
    by_tag: BTreeMap<(String, String), u64>,
    waiting: BTreeMap<u64, Waiting>,
    asks: u64,
    clock: BTreeSet<(Moment, Clock)>,
    due: BTreeMap<Clock, Moment>,
    /// What is to be done, in order.
    pub(crate) effects: Vec<Effect>,
    stopping: bool,
}

impl Core {
    pub(crate) fn new(settings: Arc<Settings>, random: Random, ids: Arc<AtomicU64>, counters: Arc<Counters>) -> Self {
        Self {
            settings,
            counters,
            now: Moment::START,
            random,
            ids,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            origins: BTreeMap::new(),
            lines: BTreeMap::new(),
            tokens: BTreeMap::new(),
            calls: BTreeMap::new(),
            open: 0,
            asking: BTreeMap::new(),
            by_tag: BTreeMap::new(),
            waiting: BTreeMap::new(),
            asks: 0,
            clock: BTreeSet::new(),
            due: BTreeMap::new(),
            effects: Vec::new(),
            stopping: false,
        }
    }

    /// Takes in what has happened.
    pub(crate) fn handle(&mut self, input: Input, now: Moment) {
        self.now = self.now.max(now);
        match input {
            Input::Received(origin, bytes) => self.receive(origin, &bytes),
            Input::Routed { ask, result } => self.routed(ask, result),
            Input::Lost { flow } => self.lost(flow),
            Input::Order(order) => self.order(order),
            Input::Deadline => self.deadlines(),
        }
        set(&self.counters.dialogs, self.open);
        set(&self.counters.lines, self.lines.len());
        set(&self.counters.transactions, self.clients.len() + self.servers.len());
    }

    /// The next moment at which [`Input::Deadline`] does something.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.clock.first().map(|(moment, _)| *moment)
    }

    /// Whether, after [`Order::Stop`], everything has been said.
    pub(crate) fn is_over(&self) -> bool {
        self.stopping && self.lines.is_empty() && self.clients.values().all(|entry| entry.machine.is_final())
    }

    /// How much of everything is remembered: nothing, when all is over.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn left(&self) -> Vec<(&'static str, usize)> {
        let all = [
            ("clients", self.clients.len()),
            ("servers", self.servers.len()),
            ("origins", self.origins.len()),
            ("calls", self.calls.len()),
            ("open", self.open),
            ("by_tag", self.by_tag.len()),
            ("lines", self.lines.len()),
            ("tokens", self.tokens.len()),
            ("asking", self.asking.len()),
            ("waiting", self.waiting.len()),
            ("clock", self.clock.len()),
            ("due", self.due.len()),
        ];
        all.into_iter().filter(|(_, count)| *count > 0).collect()
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::NewLine(id, account) => self.new_line(id, *account),
            Order::Line(id, order) => self.line_order(id, order),
            Order::DropLine(id) => self.drop_line(id),
            Order::NewDialog(id, outgoing) => self.call_out(id, *outgoing),
            Order::Dialog(id, order) => self.call_order(id, order),
            Order::DropDialog(id) => self.drop_call(id),
            Order::Stop => {
                self.stopping = true;
                let calls: Vec<u64> = self.calls.keys().copied().collect();
                calls.into_iter().for_each(|id| self.hang_up(id));
                let lines: Vec<u64> = self.lines.keys().copied().collect();
                lines.into_iter().for_each(|id| self.drop_line(id));
            }
        }
    }

    fn deadlines(&mut self) {
        while let Some((moment, clock)) = self.clock.first().cloned() {
            if moment > self.now {
                break;
            }
            self.schedule(clock.clone(), None);
            match clock {
                Clock::Client(key) => self.client_due(&key),
                Clock::Server(key) => self.server_due(&key),
                Clock::Line(id) => self.line_due(id),
                Clock::Call(id) => self.call_due(id),
            }
        }
    }

    /// Sets, moves or takes back a deadline.
    fn schedule(&mut self, clock: Clock, at: Option<Moment>) {
        if let Some(before) = self.due.remove(&clock) {
            self.clock.remove(&(before, clock.clone()));
        }
        if let Some(at) = at {
            self.clock.insert((at, clock.clone()));
            self.due.insert(clock, at);
        }
    }

    fn tell(&mut self, call: u64, news: DialogNews) {
        if self.calls.get(&call).is_some_and(|call| call.is_heard()) {
            self.effects.push(Effect::Dialog(call, news));
        }
    }

    fn next_id(&mut self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// 16 hexadecimal digits.
    fn word(&mut self) -> String {
        format!("{:016x}", (self.random)())
    }

    fn refused(&self) {
        add(&self.counters.refused);
    }
}

#[cfg(test)]
mod tests;
