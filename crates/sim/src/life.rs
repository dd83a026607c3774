//! One seed: a population that lives through storms and calms, and dies.

use crate::client::Stage;
use crate::dialect::Dialect;
use crate::link::Reader;
use crate::mesh::Mesh;
use crate::net::{Event, Id};
use crate::plan::{self, Hello};
use crate::rng::Rng;
use crate::sid::Sid;
use crate::trace::Trace;
use crate::world::{Fault, World};

/// How large a life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Most players; each has one connection at a time.
    pub players: u64,
    /// Most moves of all players between two calms.
    pub moves: u64,
    /// Most storms.
    pub storms: u64,
}

impl Default for Size {
    fn default() -> Self {
        Self { players: 14, moves: 160, storms: 3 }
    }
}

/// What a seed came to.
#[derive(Debug)]
pub struct Outcome {
    /// A hash over everything that happened: equal seeds have equal ones.
    pub hash: u64,
    /// Events of the network.
    pub events: u64,
    /// Connections that there were.
    pub connections: usize,
    /// What went wrong, and the last events before it.
    pub failure: Option<Failure>,
}

/// A seed found something.
#[derive(Debug)]
pub struct Failure {
    /// What, in words.
    pub fault: String,
    /// The last events, oldest first.
    pub last: Vec<String>,
    /// Milliseconds since the start of the simulated time.
    pub at: u64,
}

/// How one seed is lived: of which size, and whether everything that happens is shown.
pub type Living = fn(seed: u64, size: Size, loud: bool) -> Outcome;

/// Lives one seed: clients of dialects that have no media, each exactly foretold.
///
/// # Panics
/// If the runtime cannot be built.
#[must_use]
pub fn live(seed: u64, size: Size, loud: bool) -> Outcome {
    crate::on_one_thread(async move {
        let mut rng = Rng::new(seed);
        let config = plan::config(&mut rng);
        let dialects: Vec<Box<dyn Dialect>> = vec![Box::new(Mesh::new(&config)), Box::new(Sid::new(&config))];
        let mut world = match World::new(config, dialects, rng, Trace::new(loud)) {
            Ok(world) => world,
            Err(fault) => {
                let failure = Some(Failure { fault, last: Vec::new(), at: 0 });
                return Outcome { hash: 0, events: 0, connections: 0, failure };
            }
        };
        let result = Life { players: Vec::new(), world: &mut world }.run(size).await;
        let (at, events, connections) = (world.now(), world.events(), world.clients.len());
        let hash = world.trace.hash();
        let failure = result.err().map(|fault| Failure { fault, last: world.trace.into_last(), at });
        Outcome { hash, events, connections, failure }
    })
}

struct Life<'a> {
    players: Vec<Player>,
    world: &'a mut World,
}

struct Player {
    dialect: usize,
    connection: Option<Id>,
}

impl Life<'_> {
    async fn run(&mut self, size: Size) -> Result<(), Fault> {
        let players = self.world.rng.between(2, size.players);
        for number in 0..players {
            let dialect = self.world.rng.index(self.world.dialects.len());
            self.players.push(Player { dialect, connection: None });
            let at = self.world.rng.between(0, 200);
            self.world.network.lock().at(at, Event::Act(number as usize));
        }
        for storm in 0..self.world.rng.between(1, size.storms) {
            if storm > 0 {
                let now = self.world.now();
                for number in 0..self.players.len() {
                    let at = now + self.world.rng.between(0, 100);
                    self.world.network.lock().at(at, Event::Act(number));
                }
            }
            let moves = self.world.rng.between(10, size.moves);
            self.storm(moves).await?;
            self.calm().await?;
        }
        self.end().await
    }

    /// Everybody moves, until `moves` moves have been made.
    async fn storm(&mut self, moves: u64) -> Result<(), Fault> {
        let mut made = 0;
        while made < moves {
            self.world.step(u64::MAX).await?;
            self.world.check()?;
            for player in std::mem::take(&mut self.world.turns) {
                made += 1;
                if made > moves {
                    break;
                }
                self.act(player)?;
                let pause = match self.world.rng.below(20) {
                    0..8 => 0,
                    8..16 => self.world.rng.between(1, 30),
                    16..19 => self.world.rng.between(50, 400),
                    _ => self.world.rng.between(1_000, 6_000),
                };
                let now = self.world.now();
                self.world.network.lock().at(now + pause, Event::Act(player));
            }
        }
        Ok(())
    }

    /// Nobody moves, until all that was said has been heard and every list has been sent.
    async fn calm(&mut self) -> Result<(), Fault> {
        let now = self.world.now();
        self.world.trace.note(now, format_args!("calm"));
        self.world.calm(40_000).await
    }

    /// All leave, or the server stops; what does not answer is given up in time.
    async fn end(&mut self) -> Result<(), Fault> {
        let now = self.world.now();
        if self.world.rng.percent(40) {
            self.world.trace.note(now, format_args!("the server stops"));
            self.world.settle().await?;
            self.world.shutdown = Some(now);
            self.world.server.close_all();
            for id in self.world.alive.clone() {
                self.world.expire(id, now);
                self.world.closing(id, 1001, now);
            }
        } else {
            for id in self.world.alive.clone() {
                match self.world.rng.below(4) {
                    0 => self.world.vanish(id),
                    1 => self.world.reset(id),
                    2 if self.world.clients[id].is_well() => {
                        self.world.send(id, |client, offset, rng, out| client.close(offset, rng, out))
                    }
                    _ => self.world.close(id, now),
                }
            }
        }
        // A peer that answers no ping has to be given up by then.
        let mesh = &self.world.config.dialect.mesh;
        let sid = self.world.config.dialect.sid.ping_interval_ms;
        let patience =
            (mesh.pong_timeout_ms + mesh.ping_interval_ms).max(3 * sid) + self.world.config.limits.handshake_timeout_ms;
        for id in self.world.alive.clone() {
            // Who only looks on would stay for ever.
            let later = now + patience;
            self.world.network.lock().at(later, Event::HangUp(id));
        }
        let register = self.world.config.dialect.sid.register_timeout_ms;
        let until = now + 2 * patience + register + 5_000;
        self.world.pass(until).await?;
        self.world.check_empty()
    }

    fn act(&mut self, number: usize) -> Result<(), Fault> {
        let player = &self.players[number];
        let Some(id) = player.connection else { return self.connect(number) };
        let now = self.world.now();
        let client = &self.world.clients[id];
        if client.done || client.stage == Stage::Over {
            self.players[number].connection = None;
            return Ok(());
        }
        if client.stage == Stage::Asking {
            // It may lose patience within the handshake.
            if self.world.rng.percent(15) {
                self.part(id, now);
            }
            return Ok(());
        }
        let stuck = client.nature.reader == Reader::Stopped;
        // Who does not read says little: it sees nothing that it could answer.
        if stuck && self.world.rng.percent(70) {
            if self.world.rng.percent(5) {
                self.world.network.lock().at(now, Event::Resume(id));
            }
            return Ok(());
        }
        match self.world.rng.below(100) {
            0..6 => self.part(id, now),
            6..8 => self.breach(id, now),
            8..12 => self.world.send(id, |client, offset, rng, out| client.ping(offset, rng, out)),
            12..17 => self.stop_reading(id, now),
            _ => {
                let words = self.world.next_words(id, &self.stuck());
                self.world.say(id, &words);
            }
        }
        Ok(())
    }

    fn connect(&mut self, number: usize) -> Result<(), Fault> {
        let hello = plan::hello(&mut self.world.rng);
        let nature = plan::nature(&mut self.world.rng);
        let dialect = self.players[number].dialect;
        let id = self.world.connect(dialect, hello, nature);
        if hello == (Hello::Good { early: true }) {
            let words = self.world.next_words(id, &[]);
            self.world.say(id, &words);
        }
        self.players[number].connection = Some(id);
        Ok(())
    }

    fn stuck(&self) -> Vec<Id> {
        let stuck = |id: &&Id| self.world.clients[**id].nature.reader == Reader::Stopped;
        self.world.alive.iter().filter(stuck).copied().collect()
    }

    /// Ends the connection, one way or another, at any place of what it is saying.
    fn part(&mut self, id: Id, now: u64) {
        let cut = self.world.rng.percent(40) && self.world.clients[id].stage == Stage::Open;
        if cut {
            // Within a frame.
            let share = self.world.rng.below(100) as usize;
            self.world.send(id, |client, offset, rng, out| {
                client.ping(offset, rng, out);
                out.truncate(out.len() * share / 100);
            });
        }
        match self.world.rng.below(5) {
            0 => self.world.vanish(id),
            1 => self.world.reset(id),
            2 => self.world.half_close(id),
            3 if !cut && self.world.clients[id].stage == Stage::Open => {
                self.world.trace.note(now, format_args!("#{id} sends a close frame"));
                self.world.send(id, |client, offset, rng, out| client.close(offset, rng, out));
            }
            _ => self.world.close(id, now),
        }
    }

    fn breach(&mut self, id: Id, now: u64) {
        self.world.trace.note(now, format_args!("#{id} breaks the rules of frames"));
        let most = self.world.config.limits.message_bytes;
        self.world.send(id, |client, offset, rng, out| client.breach(offset, most, rng, out));
    }

    fn stop_reading(&mut self, id: Id, now: u64) {
        self.world.trace.note(now, format_args!("#{id} stops reading"));
        self.world.clients[id].nature.reader = Reader::Stopped;
        self.world.clients[id].nature.faltered = true;
        self.world.network.lock().link(id).reader = Reader::Stopped;
        if self.world.rng.percent(75) {
            let most = if self.world.rng.percent(50) { 500 } else { 8_000 };
            let later = now + self.world.rng.between(1, most);
            self.world.network.lock().at(later, Event::Resume(id));
        }
    }
}
