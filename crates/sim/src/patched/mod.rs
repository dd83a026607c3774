//! One seed of rooms across dialects: mesh members, publishers and viewers of streams, and an engine without media.
//!
//! What happens is not foretold message by message, as in the other lives: each client judges what it hears by itself
//! (`party`), and in every calm what all of them believe, what the engine has and what the rules say must agree.

mod engine;
mod party;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use patchbay_server::config::{Config, Patch};
use patchbay_server::sim::Server;
use serde_json::Value;

use crate::life::{Failure, Outcome, Size};
use crate::link::{Fin, Profile, Reader};
use crate::net::{Did, Event, Id, Network};
use crate::plan;
use crate::rng::Rng;
use crate::trace::Trace;
use crate::world::Fault;
use crate::ws;
use engine::{Engine, Role};
use party::{AUDIENCE, Party, ROOM, Said, State, Stay};

/// By then whoever has vanished has been given up, and whoever was asked for its camera has answered or not.
const CALM: u64 = 80_000;
/// More events of one seed mean that it does not come to rest.
const MOST_EVENTS: u64 = 3_000_000;

/// Lives one seed of rooms across dialects.
///
/// # Panics
/// If the runtime cannot be built.
#[must_use]
pub fn live_patched(seed: u64, size: Size, loud: bool) -> Outcome {
    crate::on_one_thread(async move {
        let mut life = match Life::new(Rng::new(seed), Trace::new(loud)) {
            Ok(life) => life,
            Err(fault) => {
                let failure = Some(Failure { fault, last: Vec::new(), at: 0 });
                return Outcome { hash: 0, events: 0, connections: 0, failure };
            }
        };
        let result = life.run(size).await;
        let (at, events, connections) = (life.now(), life.events, life.owners.len());
        let hash = life.trace.hash();
        let failure = result.err().map(|fault| Failure { fault, last: life.trace.into_last(), at });
        Outcome { hash, events, connections, failure }
    })
}

struct Life {
    network: Network,
    server: Server,
    engine: Engine,
    paths: [String; 2],
    /// Members that a room may have, stand-ins included.
    most: usize,
    players: Vec<Player>,
    /// By connection: the player that opened it.
    owners: Vec<usize>,
    said: Said,
    rng: Rng,
    trace: Trace,
    events: u64,
    /// Whose turn it is to move.
    turns: Vec<usize>,
    log: Vec<Did>,
}

struct Player {
    party: Party,
    connection: Option<Connection>,
}

struct Connection {
    id: Id,
    is_open: bool,
    inbox: Vec<u8>,
}

fn config(rng: &mut Rng) -> Config {
    let mut config = Config::default();
    let mesh = &mut config.dialect.mesh;
    mesh.members = *rng.pick(&[50, 50, 50, 4]);
    mesh.list_window_ms = *rng.pick(&[50, 400]);
    config.patch.push(Patch {
        sylk: String::new(),
        room: ROOM.to_owned(),
        mesh: ROOM.to_owned(),
        antmedia: config.dialect.antmedia.apps[0].clone(),
        streams: Vec::new(),
        whip: true,
        pull: true,
    });
    config
}

impl Life {
    fn new(mut rng: Rng, trace: Trace) -> Result<Self, Fault> {
        let network = Network::new(rng.fork());
        let config = config(&mut rng);
        let server = Server::start(&config, patchbay_server::served(&config)?, Box::new(rng.fork()))?;
        let engine = Engine::new(network.clone(), rng.fork());
        server.seat(Box::new(engine.clone()));
        let paths = [config.dialect.mesh.path.clone(), format!("/{}/websocket", config.dialect.antmedia.apps[0])];
        let (players, owners, turns, log) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (said, most) = (Said::new(), config.dialect.mesh.members);
        Ok(Self { network, server, engine, paths, most, players, owners, said, rng, trace, events: 0, turns, log })
    }

    fn now(&self) -> u64 {
        self.network.lock().now()
    }

    async fn run(&mut self, size: Size) -> Result<(), Fault> {
        for number in 0..self.rng.between(3, size.players.max(3)) as usize {
            let party = Party::new(number, &mut self.rng);
            self.players.push(Player { party, connection: None });
        }
        for _ in 0..self.rng.between(1, size.storms) {
            let now = self.now();
            for number in 0..self.players.len() {
                let at = now + self.rng.between(0, 300);
                self.network.lock().at(at, Event::Act(number));
            }
            let moves = self.rng.between(10, size.moves);
            self.storm(moves).await?;
            self.pass(CALM).await?;
            self.check_calm()?;
        }
        let now = self.now();
        self.trace.note(now, format_args!("all go"));
        for number in 0..self.players.len() {
            self.part(number);
        }
        self.pass(CALM).await?;
        let legs: usize =
            [Role::Receive, Role::Pull, Role::Send, Role::Answer].map(|role| self.engine.count(role)).iter().sum();
        let (counts, connections) = (self.server.counts(), self.server.connections());
        if counts != Default::default() || connections != 0 || legs != 0 {
            return Err(format!(
                "everybody has gone, and there are left {counts:?}, {connections} connections, {legs} legs"
            ));
        }
        Ok(())
    }

    async fn storm(&mut self, moves: u64) -> Result<(), Fault> {
        let mut made = 0;
        while made < moves {
            self.step(u64::MAX).await?;
            for number in std::mem::take(&mut self.turns) {
                made += 1;
                self.act(number);
                let pause = match self.rng.below(20) {
                    0..12 => self.rng.between(1, 60),
                    12..18 => self.rng.between(100, 800),
                    _ => self.rng.between(1_000, 9_000),
                };
                let at = self.now() + pause;
                self.network.lock().at(at, Event::Act(number));
            }
            if self.rng.percent(2) {
                self.engine.lose();
            }
        }
        Ok(())
    }

    /// Nobody moves for so many milliseconds.
    async fn pass(&mut self, span: u64) -> Result<(), Fault> {
        let until = self.now() + span;
        while self.now() < until {
            self.step(until).await?;
            self.turns.clear();
        }
        Ok(())
    }

    async fn step(&mut self, most: u64) -> Result<(), Fault> {
        tokio::task::yield_now().await;
        self.network.wait(most).await;
        if let Some(id) = self.network.lock().spinning() {
            return Err(format!("#{id}: the server works on it without end, and time stands still"));
        }
        let now = self.now();
        loop {
            let event = self.network.lock().pop(now);
            let Some(event) = event else { break };
            self.event(event, now)?;
            if self.rng.percent(30) {
                tokio::task::yield_now().await;
            }
        }
        // Only the other lives read it.
        self.network.lock().take_log(&mut self.log);
        self.log.clear();
        for op in self.engine.asked() {
            self.trace.note(now, format_args!("the engine was asked {op}"));
        }
        let found = self.server.check();
        match self.engine.fault().as_ref().or(found.first()) {
            Some(fault) => Err(fault.clone()),
            None => Ok(()),
        }
    }

    fn event(&mut self, event: Event, now: u64) -> Result<(), Fault> {
        self.events += 1;
        if self.events > MOST_EVENTS {
            return Err("it does not come to rest".to_owned());
        }
        match event {
            Event::Up(id) => {
                let mut net = self.network.lock();
                net.link(id).carry_up();
                net.carry(id);
            }
            Event::Down(id) => {
                {
                    let mut net = self.network.lock();
                    net.link(id).carry_down(now);
                    net.carry(id);
                }
                self.read(id, now)?;
            }
            Event::Media => {
                while let Some(event) = self.engine.next(now) {
                    self.trace.note(now, format_args!("the engine tells {event:?}"));
                    self.server.on_media(event);
                }
            }
            Event::Act(number) => self.turns.push(number),
            Event::Read(_) | Event::Resume(_) | Event::Pong(_) | Event::HangUp(_) => {}
        }
        Ok(())
    }

    fn act(&mut self, number: usize) {
        let now = self.now();
        let Some(connection) = &self.players[number].connection else { return self.connect(number) };
        let is_open = connection.is_open;
        if self.rng.percent(4) {
            return self.part(number);
        }
        if is_open {
            let streams = self.streams();
            let words = self.players[number].party.act(now, &streams, &mut self.said, &mut self.rng);
            self.say(number, &words);
        }
    }

    /// All that somebody might want to see: streams, and members that are there or not.
    fn streams(&self) -> Vec<String> {
        let stream = |player: &Player| match &player.party {
            Party::Member(member) => Some(format!("{ROOM}.{}", member.name)),
            Party::Publisher(publisher) => Some(publisher.stream.clone()),
            Party::Viewer(_) => None,
        };
        self.players.iter().filter_map(stream).collect()
    }

    fn connect(&mut self, number: usize) {
        let now = self.now();
        let (delay, chunk) =
            *self.rng.pick(&[((0, 0), (1, 65_536)), ((0, 3), (100, 65_536)), ((5, 40), (1_460, 65_536))]);
        let profile = Profile { crumbs: 0, chunk, delay, send: 1 << 20, receive: 1 << 20, stingy: 0 };
        let rng = self.rng.fork();
        let (id, end) = self.network.connect(profile, Reader::Prompt, rng);
        let player = &mut self.players[number];
        player.party.afresh();
        player.connection = Some(Connection { id, is_open: false, inbox: Vec::new() });
        self.owners.push(number);
        let path = if matches!(player.party, Party::Member(_)) { &self.paths[0] } else { &self.paths[1] };
        let head = plan::head(path, &mut self.rng);
        self.trace.note(now, format_args!("#{id} connects, player {number}"));
        self.server.accept(Box::new(end), IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 | id as u32)));
        let mut net = self.network.lock();
        net.link(id).up.head = head.len() as u64;
        net.send(id, head.as_bytes());
    }

    /// The player's connection ends, one way or another.
    fn part(&mut self, number: usize) {
        let Some(Connection { id, .. }) = self.players[number].connection.take() else { return };
        self.players[number].party.afresh();
        let now = self.now();
        let way = self.rng.below(4);
        self.trace.note(now, format_args!("#{id} goes, way {way}"));
        let mut net = self.network.lock();
        let link = net.link(id);
        match way {
            0 => link.hole = true,
            1 => link.reset_by_client(),
            2 => link.up.fin = if link.up.fin == Fin::No { Fin::Sent } else { link.up.fin },
            _ => link.close_by_client(),
        }
        net.carry(id);
    }

    fn say(&mut self, number: usize, words: &[Value]) {
        let Some(connection) = &self.players[number].connection else { return };
        let (id, now) = (connection.id, self.now());
        let mut out = Vec::new();
        for word in words {
            let text = word.as_str().map_or_else(|| word.to_string(), ToOwned::to_owned);
            self.trace.note(now, format_args!("#{id} says {text}"));
            ws::write(&mut out, 0x80 | ws::TEXT, text.as_bytes(), Some([1, 2, 3, 4]));
        }
        self.network.lock().send(id, &out);
    }

    /// Reads what has arrived on a connection, and understands what is whole.
    fn read(&mut self, id: Id, now: u64) -> Result<(), Fault> {
        let number = self.owners[id];
        let own = |connection: &&mut Connection| connection.id == id;
        let over = {
            let mut net = self.network.lock();
            let mut gone = Vec::new();
            let inbox = self.players[number].connection.as_mut().filter(own).map_or(&mut gone, |it| &mut it.inbox);
            net.link(id).take(usize::MAX, inbox);
            net.carry(id);
            let down = &net.links()[id].down;
            down.reset || down.fin == Fin::Arrived && down.bytes.is_empty()
        };
        while let Some(connection) = self.players[number].connection.as_mut().filter(own) {
            if !connection.is_open {
                let Some(end) = connection.inbox.windows(4).position(|part| part == b"\r\n\r\n") else { break };
                if !connection.inbox.starts_with(plan::ACCEPTED[0].as_bytes()) {
                    return Err(format!("#{id}: it is not let in"));
                }
                connection.inbox.drain(..end + 4);
                connection.is_open = true;
                continue;
            }
            let Some(frame) = ws::read(&connection.inbox)? else { break };
            connection.inbox.drain(..frame.length);
            match frame.opcode {
                ws::TEXT => {
                    let text = String::from_utf8(frame.payload).map_err(|_| "a text came that is not UTF-8")?;
                    self.trace.note(now, format_args!("#{id} hears {text}"));
                    let party = &mut self.players[number].party;
                    let answers = party
                        .hear(now, &text, &mut self.said, &mut self.rng)
                        .map_err(|fault| format!("#{id}: {fault}; heard: {text}"))?;
                    self.say(number, &answers);
                }
                ws::PING => {
                    let mut out = Vec::new();
                    ws::write(&mut out, 0x80 | ws::PONG, &frame.payload, Some([4, 3, 2, 1]));
                    self.network.lock().send(id, &out);
                }
                opcode => return Err(format!("#{id}: a frame came with opcode {opcode}, and nobody goes")),
            }
        }
        if over && self.players[number].connection.as_ref().is_some_and(|connection| connection.id == id) {
            return Err(format!("#{id}: the server ended it for no reason"));
        }
        Ok(())
    }

    /// Nobody has moved for long: what all believe has to agree.
    fn check_calm(&self) -> Result<(), Fault> {
        let parties = || self.players.iter().filter(|player| player.connection.is_some()).map(|player| &player.party);
        let members: Vec<_> = parties()
            .filter_map(|party| match party {
                Party::Member(member) if member.stay != Stay::Outside => Some(member),
                _ => None,
            })
            .collect();
        let mut streams = BTreeSet::new();
        let (mut published, mut played) = (0, Vec::new());
        for party in parties() {
            let (stream, state) = match party {
                Party::Publisher(publisher) => (&publisher.stream, publisher.state),
                Party::Viewer(viewer) => (&viewer.stream, viewer.state),
                Party::Member(_) => continue,
            };
            match (party, state) {
                (_, State::Asked) => return Err(format!("{stream}: whoever asked has not been answered")),
                (Party::Publisher(publisher), State::Live) => {
                    published += 1;
                    if publisher.listed {
                        streams.insert(format!("_{}", stream.replace('.', "-")));
                    }
                }
                (Party::Viewer(_), State::Live) => played.push(stream.clone()),
                _ => {}
            }
        }
        let watched = |name: &str| played.iter().any(|stream| *stream == format!("{ROOM}.{name}"));
        let pulls = members.iter().filter(|member| watched(&member.name)).count();
        for member in &members {
            let name = &member.name;
            if member.stay != Stay::Inside {
                return Err(format!("{name} asked to come in, and was not answered"));
            }
            if member.seen != watched(name) {
                return Err(format!("{name} is seen: {}, watched: {}", member.seen, watched(name)));
            }
            if let Some(call) = member.ringing.first() {
                return Err(format!("{name} calls {call}, and hears nothing"));
            }
            let mut expected: Vec<_> = members.iter().map(|member| member.name.clone()).collect();
            expected.extend(streams.iter().cloned());
            expected.extend((pulls > 0).then(|| AUDIENCE.to_owned()));
            expected.sort();
            // A room that is full has no place for all of them.
            let (list, full) = (&member.list, expected.len() > self.most);
            if !full && *list != expected {
                return Err(format!("{name} believes {list:?} to be there, and there are {expected:?}"));
            }
            if let Some(call) = member.calls.iter().find(|call| !list.contains(call)) {
                return Err(format!("{name} believes to see {call}, who is not there"));
            }
        }
        let calls = members.iter().map(|member| member.calls.len()).sum();
        let expected =
            [(Role::Receive, published), (Role::Pull, pulls), (Role::Send, played.len()), (Role::Answer, calls)];
        for (role, expected) in expected {
            let found = self.engine.count(role);
            if found != expected {
                return Err(format!("there are {found} legs that {role:?}, and should be {expected}"));
            }
        }
        Ok(())
    }
}
