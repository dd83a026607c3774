mod dials;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use patchbay_core::{
    Address, Command, Effect, Effects, Event, EventQueue, Hub, Kinds, Limits, LinkId, MediaEvent, MediaOp, Moment,
    Name, PartyId, Tag,
};

use self::dials::Ordered;
use super::channels::Channels;
use super::directive::Directive;
use super::elsewhere::Elsewhere;
use super::engine::Engine;
use super::jobs::Jobs;
use super::world::{Handshake, Heard, HttpAnswer, Input, Place, Turned, World};
use super::{lines, requests};
use crate::http::{Reply, Request};
use crate::job::{Done, Job};
use crate::{Arrival, Close, CloseCause, Ctx, Dialect, Frame, OutFrame, Outbox, Random, Session, opened};

/// The hub and the sessions of one dialect in one thread, without sockets, under fake time; media is scripted.
///
/// It keeps the laws that the shell keeps, and panics where a session breaks the first one: each call of a session is
/// followed by its commands, their effects go to one [`EventQueue`] per party, and a party is handed its own events
/// before its next frame.
pub struct SessionWorld<'a> {
    hub: Hub,
    engine: Engine,
    jobs: Jobs,
    /// By the path that a connection names; the first where it names none.
    dialects: Vec<(&'a str, &'a dyn Dialect)>,
    delivery: Delivery,
    seed: u64,
    random: Seeded,
    now: Moment,
    out: Outbox,
    effects: Effects,
    connections: Vec<Connection>,
    by_party: BTreeMap<PartyId, usize>,
    timers: BTreeSet<(Moment, usize)>,
    /// Connections whose events wait, for eager delivery.
    woken: BTreeSet<usize>,
    /// Connections that are ordered, and not made yet.
    dials: VecDeque<Ordered>,
}

/// When a party is handed the events that other parties caused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// At once: no list is ever merged while it waits.
    Eager,
    /// When it listens, or before its next frame: the slowest reader there can be, so that levels do merge.
    Lazy,
}

struct Connection {
    /// Which dialect it speaks.
    dialect: usize,
    session: Box<dyn Session>,
    party: PartyId,
    queue: EventQueue,
    heard: VecDeque<Heard>,
    armed: Option<Moment>,
    ended: Option<CloseCause>,
    /// What the client says waits until then.
    deaf_until: Moment,
    manual: bool,
    /// Requests that were handed on, where the dialect speaks in requests.
    requests: u64,
    /// Who ordered it, and by which tag: it is told the end.
    ordered: Option<(usize, Tag)>,
}

/// A generator whose whole state is its seed (SplitMix64).
struct Seeded(u64);

impl Random for Seeded {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Calls of one session's deadline at one moment before it counts as stuck.
const SPINS: usize = 100;

impl<'a> SessionWorld<'a> {
    /// An empty world.
    #[must_use]
    pub fn new(dialect: &'a dyn Dialect, limits: Limits, delivery: Delivery, seed: u64) -> Self {
        Self::of(Hub::new(0, limits), vec![("", dialect)], delivery, seed)
    }

    /// A world of several dialects, each with the path that its connections name (`+a path=mesh`).
    #[must_use]
    pub fn of(hub: Hub, dialects: Vec<(&'a str, &'a dyn Dialect)>, delivery: Delivery, seed: u64) -> Self {
        Self {
            hub,
            engine: Engine::default(),
            jobs: Jobs::default(),
            dialects,
            delivery,
            seed,
            random: Seeded(seed),
            // Not zero, so that a session which takes a moment for granted is found out.
            now: Moment::from_micros(1_000_000_007),
            out: Outbox::new(),
            effects: Effects::new(),
            connections: Vec::new(),
            by_party: BTreeMap::new(),
            timers: BTreeSet::new(),
            woken: BTreeSet::new(),
            dials: VecDeque::new(),
        }
    }

    /// The hub.
    #[must_use]
    pub fn hub(&self) -> &Hub {
        &self.hub
    }

    /// The store, and other people's servers.
    pub fn jobs(&mut self) -> &mut Jobs {
        &mut self.jobs
    }

    /// How many legs the engine has.
    #[must_use]
    pub fn legs(&self) -> usize {
        self.engine.legs()
    }

    /// What is let in of what the connection publishes; `None`: it publishes nothing.
    #[must_use]
    pub fn accepts(&self, connection: usize) -> Option<Kinds> {
        self.engine.accepts(self.connections[connection].party)
    }

    /// Why the server ended the connection, or that its peer did; `None` while it stands.
    #[must_use]
    pub fn ended(&self, connection: usize) -> Option<CloseCause> {
        self.connections[connection].ended
    }

    /// The moment that this world has come to.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Randomness goes on as if the world had begun with this seed: the way to draw something twice.
    pub fn reseed(&mut self, seed: u64) {
        self.random = Seeded(seed);
    }

    /// A random number of this world.
    pub fn random(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// Hands a session an event that did not come from this world's hub.
    pub fn tell(&mut self, connection: usize, event: Event) {
        self.connections[connection].queue.push(event);
        self.deliver(connection);
        self.run_due();
    }

    /// The channels of a connection's leg, and whom to tell of them.
    pub(super) fn channels_of(
        &mut self,
        connection: usize,
        stream: &str,
    ) -> (LinkId, &mut Channels, &mut VecDeque<MediaEvent>) {
        self.engine.channels(self.connections[connection].party, stream)
    }

    /// The hub hears what the engine has to tell.
    pub(super) fn engine_told(&mut self) {
        self.carry_out(None);
        self.deliver_others();
        self.run_due();
    }

    /// A connection with that session.
    fn take_in(
        &mut self,
        dialect: usize,
        session: Box<dyn Session>,
        manual: bool,
        ordered: Option<(usize, Tag)>,
    ) -> usize {
        let party = self.hub.attach(self.dialects[dialect].1.profile(), &mut self.effects);
        let index = self.connections.len();
        self.connections.push(Connection {
            dialect,
            session,
            party,
            queue: EventQueue::new(),
            heard: VecDeque::new(),
            armed: None,
            ended: None,
            deaf_until: Moment::START,
            manual,
            requests: 0,
            ordered,
        });
        self.by_party.insert(party, index);
        self.turn(index, |session, ctx| session.on_open(ctx));
        self.run_due();
        index
    }

    fn turn(&mut self, index: usize, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        if self.connections[index].ended.is_some() {
            return;
        }
        self.call(index, call);
        let party = self.connections[index].party;
        for (tag, command) in self.out.take_commands().collect::<Vec<_>>() {
            let stream = match &command {
                Command::Publish(publish) => Some(publish.stream.clone()),
                Command::View(view) | Command::Watch { view, .. } => Some(view.stream.clone()),
                Command::Signal { to: Address::Member { name, .. }, .. } => Some(name.clone()),
                _ => None,
            };
            self.hub.handle(self.now, party, tag, command, &mut self.effects);
            self.carry_out(stream.as_ref());
        }
        self.finish_call(index);
        self.deliver(index);
        self.deliver_others();
    }

    fn call(&mut self, index: usize, call: impl FnOnce(&mut dyn Session, &mut Ctx<'_>)) {
        let connection = &mut self.connections[index];
        // The time of day has nothing to do with the clock: an arbitrary day in 2026.
        let unix_ms = 1_790_000_000_000 + self.now.as_micros() / 1_000;
        let mut ctx = Ctx { now: self.now, unix_ms, rng: &mut self.random, out: &mut self.out };
        call(&mut *connection.session, &mut ctx);
    }

    /// Frames to the client, the new deadline, and the end if the session asked for it.
    fn finish_call(&mut self, index: usize) {
        let connection = &mut self.connections[index];
        let mut pings = 0;
        for frame in self.out.frames() {
            match frame {
                OutFrame::Text(text) => connection.heard.push_back(Heard::Text(text.to_vec())),
                OutFrame::Ping if connection.manual => connection.heard.push_back(Heard::Ping),
                OutFrame::Ping => pings += 1,
            }
        }
        for (_, reply) in self.out.take_replies() {
            connection.heard.push_back(Heard::Text(requests::heard(&reply)));
        }
        for order in self.out.take_orders() {
            connection.heard.push_back(Heard::Text(lines::heard(&order)));
        }
        connection.deaf_until = connection.deaf_until.max(self.out.deaf_until().unwrap_or_default());
        let jobs: Vec<_> = self.out.take_jobs().collect();
        let closing = self.out.closing();
        self.out.clear();
        if let Some(old) = connection.armed.take() {
            self.timers.remove(&(old, index));
        }
        match closing {
            Some(Close { code, cause }) => {
                // Whose resource has gone hears so with the next request.
                if !requests::speaks(self.dialects[connection.dialect].1.spec()) {
                    connection.heard.push_back(Heard::Closed(code));
                }
                // What it has ordered with that is done; nobody is told the outcome.
                for (_, job) in jobs {
                    let _untold = self.jobs.carry_out(job);
                }
                self.end(index, cause);
            }
            None => {
                connection.armed = connection.session.deadline();
                self.timers.extend(connection.armed.map(|at| (at, index)));
                (0..pings).for_each(|_| self.turn(index, |session, ctx| session.on_frame(Frame::Pong(b""), ctx)));
                for (tag, job) in jobs {
                    if let Job::Dial(dial) = job {
                        self.dials.push_back(Ordered { by: index, tag, dial });
                        continue;
                    }
                    let done = self.jobs.carry_out(job);
                    self.turn(index, |session, ctx| session.on_job(tag, done, ctx));
                }
            }
        }
    }

    /// Hands a request on, as the shell does.
    fn request(&mut self, index: usize, text: &str) {
        let (spec, own) = (self.dialects[self.connections[index].dialect].1.spec(), format!("r{index}"));
        let number = self.connections[index].requests;
        let gone = self.connections[index].ended.is_some();
        let mut answer = None;
        self.turn(index, |session, ctx| {
            let call = |request: &Request<'_>| session.on_request(request, ctx);
            answer = requests::with_request(spec, text, &own, number == 0, number, call).err();
        });
        if gone {
            answer = Some(Reply::new(404));
        }
        match answer {
            Some(reply) => self.connections[index].heard.push_back(Heard::Text(requests::heard(&reply))),
            None => self.connections[index].requests += 1,
        }
    }

    fn end(&mut self, index: usize, cause: CloseCause) {
        let connection = &mut self.connections[index];
        connection.ended = Some(cause);
        if let Some(old) = connection.armed.take() {
            self.timers.remove(&(old, index));
        }
        self.call(index, |session, ctx| session.on_close(ctx));
        // What it orders with its last words is done; nobody is told the outcome.
        for (_, job) in self.out.take_jobs() {
            let _untold = self.jobs.carry_out(job);
        }
        self.out.clear();
        assert!(!self.out.has_commands(), "a session that has gone gives no commands: its party is detached");
        let party = self.connections[index].party;
        self.by_party.remove(&party);
        self.hub.detach(self.now, party, &mut self.effects);
        self.carry_out(None);
        self.deliver_others();
        if let Some((by, tag)) = self.connections[index].ordered.take() {
            self.turn(by, |session, ctx| session.on_job(tag, Done::Over, ctx));
        }
    }

    /// Carries out what the hub has caused, and what the engine's answers cause; `stream` is what the party asked for.
    fn carry_out(&mut self, stream: Option<&Name>) {
        loop {
            for effect in self.effects.drain().collect::<Vec<_>>() {
                match effect {
                    Effect::Tell(party, event) => {
                        if let Some(&index) = self.by_party.get(&party) {
                            self.connections[index].queue.push(event);
                            self.woken.insert(index);
                        }
                    }
                    Effect::Media(op) => {
                        if let Some(op) = self.opened(op) {
                            self.engine.take(op, stream);
                        }
                    }
                    Effect::Snapshot(_) => {}
                }
            }
            let Some(event) = self.engine.next() else { return };
            self.hub.on_media(self.now, event, &mut self.effects);
        }
    }

    /// What the engine is asked, in plain text.
    fn opened(&self, op: MediaOp) -> Option<MediaOp> {
        let lang = match &op {
            MediaOp::Remote { signal, .. } => signal.body.lang(),
            _ => return Some(op),
        };
        let (_, dialect) = self.dialects.iter().find(|(_, dialect)| dialect.profile().lang == lang)?;
        opened(*dialect, op)
    }

    fn deliver(&mut self, index: usize) {
        while self.connections[index].ended.is_none() {
            let Some(event) = self.connections[index].queue.pop() else { return };
            let told = format!("{event:?}");
            self.call(index, |session, ctx| session.on_event(event, ctx));
            assert!(!self.out.has_commands(), "law 1: an event must not cause a command in the same turn: {told}");
            self.finish_call(index);
        }
    }

    fn deliver_others(&mut self) {
        if self.delivery == Delivery::Eager {
            while let Some(index) = self.woken.pop_first() {
                self.deliver(index);
            }
        }
    }

    fn next_due(&self) -> Option<Moment> {
        let session = self.timers.first().map(|(at, _)| *at);
        [self.hub.deadline(), session].into_iter().flatten().min()
    }

    /// Does what is due now.
    fn run_due(&mut self) {
        for _ in 0..SPINS * (self.connections.len() + 1) {
            if self.hub.deadline().is_some_and(|at| at <= self.now) {
                self.hub.on_deadline(self.now, &mut self.effects);
                self.carry_out(None);
                self.deliver_others();
            } else if let Some(&(at, index)) = self.timers.first()
                && at <= self.now
            {
                self.turn(index, |session, ctx| session.on_deadline(ctx));
            } else {
                return;
            }
        }
        panic!("a deadline stays in the past: {:?} at {:?}", self.next_due(), self.now);
    }

    fn take(&mut self, connection: usize) -> Option<Heard> {
        self.run_due();
        self.deliver(connection);
        // A session that must act upon an event has set its deadline to now.
        self.run_due();
        self.connections[connection].heard.pop_front()
    }
}

impl World for SessionWorld<'_> {
    fn place(&self) -> Place {
        Place::Sessions
    }

    fn seed(&self) -> Option<u64> {
        Some(self.seed)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }

    fn open(&mut self, handshake: &Handshake) -> Result<usize, Turned> {
        let path = handshake.path.as_deref();
        let dialect = path.map_or(Some(0), |path| self.dialects.iter().position(|(of, _)| *of == path)).unwrap_or(0);
        let speaks = self.dialects[dialect].1;
        let Handshake { from, id, agent, .. } = handshake;
        let session = if from.is_some() || id.is_some() || agent.is_some() {
            let (id, agent) = (id.as_deref(), agent.as_deref());
            speaks.open_by(&Arrival { endpoint: "", from: *from, id, agent })
        } else {
            speaks.open_as(handshake.protocol.as_deref())
        };
        Ok(self.take_in(dialect, session, handshake.manual, None))
    }

    fn say(&mut self, connection: usize, input: &Input) -> Result<(), String> {
        if requests::speaks(self.dialects[self.connections[connection].dialect].1.spec()) {
            self.deliver(connection);
            match input {
                Input::Text(text) => self.request(connection, text),
                Input::Close(_) | Input::Reset if self.connections[connection].ended.is_none() => {
                    self.end(connection, CloseCause::Lost);
                }
                _ => {}
            }
            self.run_due();
            return Ok(());
        }
        if self.connections[connection].ended.is_some() {
            return Err("the connection has ended".to_owned());
        }
        // Law 3, for what others caused as well: one queue per party, in order.
        self.deliver(connection);
        // The network holds what the server does not read: whoever says it waits.
        while self.connections[connection].deaf_until > self.now {
            self.pass(self.connections[connection].deaf_until.since(self.now));
            self.deliver(connection);
        }
        if self.connections[connection].ended.is_some() {
            return Err("the connection has ended".to_owned());
        }
        match input {
            Input::Text(text) => match lines::told(text) {
                Some(news) => self.turn(connection, |session, ctx| session.on_line(news, ctx)),
                None => self.turn(connection, |session, ctx| session.on_frame(Frame::Text(text), ctx)),
            },
            Input::Binary(bytes) => self.turn(connection, |session, ctx| session.on_frame(Frame::Binary(bytes), ctx)),
            Input::Pong => self.turn(connection, |session, ctx| session.on_frame(Frame::Pong(b""), ctx)),
            Input::Close(_) => self.end(connection, CloseCause::Peer),
            Input::Reset => self.end(connection, CloseCause::Lost),
            Input::Fragments(_) | Input::Ping | Input::Unmasked(_) => {
                return Err("frames below messages exist over sockets only".to_owned());
            }
        }
        self.run_due();
        Ok(())
    }

    fn hear(&mut self, connection: usize, within: Duration) -> Option<Heard> {
        let until = self.now + within;
        loop {
            if let Some(heard) = self.take(connection) {
                return Some(heard);
            }
            match self.next_due().filter(|at| *at <= until) {
                Some(at) => self.now = self.now.max(at),
                None => {
                    self.now = until;
                    return None;
                }
            }
        }
    }

    fn media(&mut self, connection: usize, directive: &Directive) -> Result<(), (String, String)> {
        self.engine.follow(self.connections[connection].party, directive)?;
        self.carry_out(None);
        self.deliver_others();
        self.run_due();
        Ok(())
    }

    fn load(&mut self, overloaded: bool) -> Result<(), (String, String)> {
        self.hub.set_overloaded(overloaded);
        Ok(())
    }

    fn drain(&mut self) -> Result<(), (String, String)> {
        (0..self.connections.len()).for_each(|index| self.turn(index, |session, ctx| session.on_drain(ctx)));
        self.run_due();
        Ok(())
    }

    fn elsewhere(&mut self, elsewhere: &Elsewhere) -> Result<(), (String, String)> {
        elsewhere.apply(&mut self.jobs)
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.next_due().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.run_due();
        }
        self.now = until;
    }

    fn left_over(&mut self, connection: usize) -> Option<Heard> {
        self.take(connection)
    }

    fn http(&mut self, _method: &str, _path: &str) -> Result<HttpAnswer, String> {
        Err("HTTP exists over sockets only".to_owned())
    }
}
