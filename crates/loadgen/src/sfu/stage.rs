//! All legs and sources of a load on one thread and one epoll, as the relay's loads are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};

use super::leg::Leg;
use super::receiver::Counted;
use super::rtp::{self, FIXED};
use super::script::Script;
use super::sdp::Numbers;
use super::socket::Datagrams;
use super::source::{Kind, Packet, Source};
use super::srtp::Keys;
use super::tally::Tally;
use super::tap;
use crate::Result;
use crate::conn::Scratch;
use crate::target::Target;

/// What one read of a WebSocket takes at most.
const READ_BYTES: usize = 64 * 1024;
const TIMER: Token = Token(usize::MAX);
/// A leg whose time has come has it again after this at the earliest.
const AGAIN: Duration = Duration::from_micros(50);
/// How often it is asked whether it is done while nothing comes.
const IDLE_TICK: Duration = Duration::from_millis(50);

pub(crate) struct Stage {
    target: Target,
    poll: Poll,
    events: Events,
    timer: OwnedFd,
    scratch: Scratch,
    datagrams: Datagrams,
    pub(crate) legs: Vec<Leg>,
    pub(crate) feeds: Vec<Feed>,
    /// Legs by when they want to be turned.
    due: BinaryHeap<Reverse<(Instant, usize)>>,
    /// The entry of each leg that counts; the others are of times that are no longer true.
    scheduled: Vec<Option<Instant>>,
    pub(crate) tally: Tally,
}

/// A source and where its packets go.
pub(crate) struct Feed {
    pub(crate) source: Source,
    outlet: Outlet,
}

enum Outlet {
    /// Through a publishing leg.
    Leg(usize),
    /// As plain RTP to two ports.
    Plain { socket: UdpSocket, audio: SocketAddr, video: SocketAddr },
}

/// Of plain RTP; what they are is agreed with whoever is fed.
pub(crate) const PLAIN_AUDIO: u8 = 111;
pub(crate) const PLAIN_VIDEO: u8 = 100;

impl Stage {
    pub(crate) fn new(target: Target) -> io::Result<Self> {
        let poll = Poll::new()?;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        Ok(Self {
            target,
            poll,
            events: Events::with_capacity(1024),
            timer,
            scratch: Scratch::new(READ_BYTES),
            datagrams: Datagrams::new(),
            legs: Vec::new(),
            feeds: Vec::new(),
            due: BinaryHeap::new(),
            scheduled: Vec::new(),
            tally: Tally::new(),
        })
    }

    /// Connects a leg; with a source it is a publisher. Gives its number.
    pub(crate) fn add(&mut self, script: Box<dyn Script>, source: Option<Source>) -> Result<usize> {
        let number = self.legs.len();
        let leg = Leg::connect(&self.target, script, source.is_some(), number, Instant::now())?;
        if let Some(source) = source {
            self.feeds.push(Feed { source, outlet: Outlet::Leg(number) });
        }
        self.keep(leg)
    }

    /// Adds a viewer without a server and gives where it receives.
    pub(crate) fn add_bare(&mut self, keys: &Keys, numbers: Numbers) -> Result<SocketAddr> {
        let ip = self.target.addr.ip();
        let leg = Leg::bare(ip, &tap::provider(), keys, numbers, self.legs.len(), Instant::now())?;
        let addr = leg.socket.addr;
        self.keep(leg)?;
        Ok(addr)
    }

    fn keep(&mut self, mut leg: Leg) -> Result<usize> {
        let number = self.legs.len();
        let registry = self.poll.registry();
        if let Some(stream) = leg.stream() {
            registry.register(stream, Token(2 * number), Interest::READABLE | Interest::WRITABLE)?;
        }
        registry.register(&mut leg.socket.io, Token(2 * number + 1), Interest::READABLE)?;
        self.legs.push(leg);
        self.scheduled.push(None);
        self.schedule(number, Instant::now());
        Ok(number)
    }

    /// Sees to it that the leg is turned when it is due, but not twice in one turn of the loop.
    fn schedule(&mut self, number: usize, now: Instant) {
        let due = self.legs[number].due().max(now + AGAIN);
        if self.scheduled[number].is_none_or(|at| due < at) {
            self.scheduled[number] = Some(due);
            self.due.push(Reverse((due, number)));
        }
    }

    /// Has a leg publish or view.
    pub(crate) fn begin(&mut self, number: usize) -> Result<()> {
        let now = Instant::now();
        let begun = self.legs[number].begin(now);
        self.schedule(number, now);
        begun
    }

    /// A leg closes its WebSocket as a browser does whose page is left.
    pub(crate) fn farewell(&mut self, number: usize) -> Result<()> {
        self.legs[number].farewell().map_err(|error| format!("leg {number}: {error}").into())
    }

    /// Feeds plain RTP to a server.
    pub(crate) fn feed(&mut self, source: Source, audio: SocketAddr, video: SocketAddr) -> Result<()> {
        let socket = UdpSocket::bind((audio.ip(), 0))?;
        self.feeds.push(Feed { source, outlet: Outlet::Plain { socket, audio, video } });
        Ok(())
    }

    /// Runs until `done` or the moment has come; tells whether it was done.
    ///
    /// # Errors
    /// If a leg fails: no load goes on without one of its own.
    pub(crate) fn run(&mut self, until: Instant, mut done: impl FnMut(&mut Self) -> Result<bool>) -> Result<bool> {
        loop {
            let now = Instant::now();
            self.send(now)?;
            self.turn(now)?;
            if done(self)? {
                return Ok(true);
            }
            if now >= until {
                return Ok(false);
            }
            self.arm(now, until)?;
            match self.poll.poll(&mut self.events, None) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            let events = std::mem::replace(&mut self.events, Events::with_capacity(0));
            for event in &events {
                self.handle(event)?;
            }
            self.events = events;
        }
    }

    fn handle(&mut self, event: &mio::event::Event) -> Result<()> {
        if event.token() == TIMER {
            let _ = rustix::io::read(&self.timer, &mut [0; 8]);
            return Ok(());
        }
        let (number, now) = (event.token().0 / 2, Instant::now());
        let leg = &mut self.legs[number];
        let handled = if event.token().0.is_multiple_of(2) {
            leg.signalled(&self.target, event, &mut self.scratch, now)
        } else {
            receive(leg, &mut self.datagrams, &mut self.tally, now)
        };
        handled.map_err(|error| format!("leg {number}: {error}"))?;
        self.schedule(number, now);
        Ok(())
    }

    /// Sends what the sources have.
    fn send(&mut self, now: Instant) -> Result<()> {
        let mut packets = Vec::new();
        for at in 0..self.feeds.len() {
            let feed = &mut self.feeds[at];
            let Outlet::Leg(number) = feed.outlet else {
                feed.source.take(now, &mut packets);
                if let Outlet::Plain { socket, audio, video } = &feed.outlet {
                    packets.drain(..).for_each(|packet| plain(socket, &packet, *audio, *video));
                }
                continue;
            };
            let leg = &mut self.legs[number];
            // What is sent before would be lost.
            let Some(connection) = leg.connection().filter(|connection| connection.connected) else { continue };
            if std::mem::take(&mut connection.key_wanted) {
                feed.source.want_key();
            }
            if feed.source.due().is_some_and(|due| due <= now) {
                feed.source.take(now, &mut packets);
                connection.write(packets.drain(..), now);
                connection.due = now;
                leg.turn(now).map_err(|error| format!("leg {number}: {error}"))?;
                self.schedule(number, now);
            }
        }
        Ok(())
    }

    fn turn(&mut self, now: Instant) -> Result<()> {
        while let Some(Reverse((at, number))) = self.due.peek().copied().filter(|Reverse((at, _))| *at <= now) {
            self.due.pop();
            if self.scheduled[number] != Some(at) {
                continue;
            }
            self.scheduled[number] = None;
            self.legs[number].turn(now).map_err(|error| format!("leg {number}: {error}"))?;
            self.schedule(number, now);
        }
        Ok(())
    }

    /// Wakes the loop when the next thing is due.
    fn arm(&mut self, now: Instant, until: Instant) -> Result<()> {
        let sources = self.feeds.iter().filter(|feed| match feed.outlet {
            Outlet::Leg(number) => self.legs[number].moments.connected.is_some(),
            Outlet::Plain { .. } => true,
        });
        let source = sources.filter_map(|feed| feed.source.due()).min();
        let leg = self.due.peek().map(|Reverse((at, _))| *at);
        let next = [Some(until.min(now + IDLE_TICK)), source, leg].into_iter().flatten().min().unwrap_or(until);
        let span = next.saturating_duration_since(now).max(Duration::from_nanos(1));
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec { tv_sec: span.as_secs() as i64, tv_nsec: i64::from(span.subsec_nanos()) };
        let spec = Itimerspec { it_interval: zero, it_value: value };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }

    /// What all viewers have counted since they began.
    pub(crate) fn counted(&self) -> Counted {
        let mut counted = Counted::default();
        self.legs.iter().filter_map(Leg::receiver).for_each(|receiver| receiver.sum(&mut counted));
        counted
    }

    /// Packets that all sources have sent.
    pub(crate) fn sent(&self) -> u64 {
        self.feeds.iter().map(|feed| feed.source.sent).sum()
    }
}

fn receive(leg: &mut Leg, datagrams: &mut Datagrams, tally: &mut Tally, now: Instant) -> Result<()> {
    loop {
        let more = leg.socket.read(datagrams)?;
        for (datagram, from, nanos) in datagrams.iter() {
            leg.datagram(datagram, from, nanos, now, tally)?;
        }
        if !more {
            return Ok(());
        }
    }
}

fn plain(socket: &UdpSocket, packet: &Packet, audio: SocketAddr, video: SocketAddr) {
    let (pt, ssrc, to) = match packet.kind {
        Kind::Audio => (PLAIN_AUDIO, 0xa0d1_0001, audio),
        Kind::Video => (PLAIN_VIDEO, 0x0de0_0001, video),
    };
    let mut head = [0; FIXED];
    rtp::write_fixed(&mut head, pt, packet.marker, packet.seq as u16, packet.time, ssrc);
    // A datagram that is not taken is lost, and will be missed.
    let _ = socket.send_to(&[&head[..], &packet.payload].concat(), to);
}
