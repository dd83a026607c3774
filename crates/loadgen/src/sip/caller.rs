//! One caller: a WebSocket, and one call after the other.

use std::time::Instant;

use mio::{Interest, Registry, Token};

use super::peer::Peer;
use super::tally::Tally;
use crate::Result;
use crate::conn::Scratch;
use crate::sfu::script::{Asked, Script};
use crate::sfu::signalling::Signalling;
use crate::sfu::socket::Datagrams;
use crate::target::Target;

/// What all callers share.
pub(super) struct World<'a> {
    pub(super) target: &'a Target,
    pub(super) registry: &'a Registry,
    pub(super) scratch: &'a mut Scratch,
    pub(super) datagrams: &'a mut Datagrams,
    pub(super) tally: &'a mut Tally,
    /// From which packets' times are counted.
    pub(super) epoch: Instant,
    pub(super) now: Instant,
}

impl World<'_> {
    fn nanos(&self, at: Instant) -> u64 {
        at.saturating_duration_since(self.epoch).as_nanos() as u64
    }
}

/// What a caller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Habit {
    /// It calls nobody.
    Quiet,
    /// It calls once and stays.
    Stay,
    /// It hangs up when the call stands, and calls again.
    Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its connection or its account is not there yet.
    Coming,
    /// The next call may begin then.
    Idle(Instant),
    Calling {
        since: Instant,
        /// The server says that the connection stands.
        started: bool,
    },
    Up,
    Ending,
}

pub(super) struct Caller {
    number: usize,
    signalling: Signalling,
    peer: Option<Peer>,
    phase: Phase,
    pub(super) habit: Habit,
}

impl Caller {
    pub(super) fn connect(number: usize, script: Box<dyn Script>, habit: Habit, world: &World<'_>) -> Result<Self> {
        let mut signalling = Signalling::connect(world.target, script, world.now)?;
        let token = Token(2 * number);
        world.registry.register(signalling.stream(), token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Self { number, signalling, peer: None, phase: Phase::Coming, habit })
    }

    /// Its account could make a call.
    pub(super) fn is_ready(&self) -> bool {
        self.phase != Phase::Coming
    }

    /// A call stands.
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    /// Nothing of a call is there.
    pub(super) fn is_free(&self) -> bool {
        matches!(self.phase, Phase::Coming | Phase::Idle(_))
    }

    /// What it waits for, for whoever waits for it.
    pub(super) fn state(&self) -> String {
        format!("caller {}: {:?}", self.number, self.phase)
    }

    /// The WebSocket's socket is ready.
    pub(super) fn signalled(&mut self, event: &mio::event::Event, world: &mut World<'_>) -> Result<()> {
        for asked in self.signalling.ready(world.target, event, world.scratch)? {
            self.act(asked, world)?;
        }
        self.go_on(world)
    }

    /// The peer's socket is readable.
    pub(super) fn received(&mut self, world: &mut World<'_>) -> Result<()> {
        let Some(peer) = &mut self.peer else { return Ok(()) };
        let mut more = true;
        while more {
            more = peer.socket.read(world.datagrams)?;
            for (datagram, from, _) in world.datagrams.iter() {
                peer.input(datagram, from, world.now)?;
            }
        }
        let now = world.nanos(Instant::now());
        for spoken in peer.heard() {
            world.tally.heard(self.number, spoken, now);
        }
        self.go_on(world)
    }

    /// Something of its own is due.
    pub(super) fn turn(&mut self, world: &mut World<'_>) -> Result<()> {
        let nanos = world.nanos(Instant::now());
        if let Some(peer) = &mut self.peer
            && peer.due() <= world.now
            && peer.turn(self.number, nanos, world.now)?
        {
            world.tally.said(nanos);
        }
        self.signalling.turn(world.now)?;
        self.go_on(world)
    }

    pub(super) fn due(&self) -> Instant {
        let own = match (&self.peer, self.phase) {
            (Some(peer), _) => Some(peer.due()),
            (None, Phase::Idle(from)) if self.habit != Habit::Quiet => Some(from),
            (None, _) => None,
        };
        let signalling = self.signalling.due();
        own.map_or(signalling, |own| own.min(signalling))
    }

    fn act(&mut self, asked: Asked, world: &mut World<'_>) -> Result<()> {
        match asked {
            Asked::Say(text) => self.signalling.say(&text, world.now),
            Asked::Answer(sdp) => {
                if let Some(peer) = &mut self.peer {
                    peer.accept(&sdp)?;
                    peer.turn(self.number, 0, world.now)?;
                }
                Ok(())
            }
            Asked::Started => {
                if let Phase::Calling { started, .. } = &mut self.phase {
                    *started = true;
                }
                Ok(())
            }
            Asked::Ended(why) => self.ended(&why, world),
            Asked::Refused(why) => Err(format!("the server refused: {why}").into()),
            Asked::Describe | Asked::Offer(_) | Asked::Candidate(_) => Ok(()),
        }
    }

    fn ended(&mut self, why: &str, world: &mut World<'_>) -> Result<()> {
        if self.phase != Phase::Ending {
            return Err(format!("the call ended by itself: {why}").into());
        }
        // Its socket goes with it, and leaves the poller so.
        self.peer = None;
        self.phase = Phase::Idle(world.now + self.signalling.rest());
        world.tally.ended += 1;
        Ok(())
    }

    /// Does what its habit says, as far as it can.
    pub(super) fn go_on(&mut self, world: &mut World<'_>) -> Result<()> {
        if self.phase != Phase::Ending && self.peer.as_ref().is_some_and(|peer| peer.lost) {
            return Err("the peer connection was lost".into());
        }
        match self.phase {
            Phase::Coming if self.signalling.is_ready() => {
                self.phase = Phase::Idle(world.now);
                self.go_on(world)
            }
            Phase::Idle(from) if self.habit != Habit::Quiet && from <= world.now => self.call(world),
            Phase::Calling { since, started: true } if self.peer.as_ref().is_some_and(|peer| peer.connected) => {
                self.phase = Phase::Up;
                world.tally.established += 1;
                world.tally.setups.push((Instant::now() - since).as_secs_f64() * 1e3);
                self.go_on(world)
            }
            Phase::Up if self.habit != Habit::Stay => {
                self.phase = Phase::Ending;
                self.signalling.end(world.now)
            }
            _ => Ok(()),
        }
    }

    fn call(&mut self, world: &mut World<'_>) -> Result<()> {
        let mut peer = Peer::new(world.target.addr.ip(), world.now)?;
        world.registry.register(&mut peer.socket.io, Token(2 * self.number + 1), Interest::READABLE)?;
        self.signalling.begin();
        let offer = peer.offer()?;
        self.peer = Some(peer);
        self.phase = Phase::Calling { since: Instant::now(), started: false };
        self.signalling.describe(&offer, world.now)
    }
}
