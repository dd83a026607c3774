//! One worker's thread: sockets, queues and time around a [`Worker`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Registry, Token, Waker};
use patchbay_core::MediaEvent;
use patchbay_media::{Counts, Datagrams, Peer, PeerMessage, RtpDatagram, Sink, Worker};

use crate::inbox::{Inbox, Put, Taken};
use crate::moderation::Moderation;
use crate::ports::Ports;
use crate::socket::{Buffers, Socket};
use crate::telephones::Telephones;

const WAKE: Token = Token(usize::MAX);
/// Calls that take datagrams in before operations get their turn: more is quicker under load, less answers the hub
/// sooner.
const READS: usize = 8;

/// How other threads reach a worker.
pub(crate) struct Handle {
    pub(crate) inbox: Inbox,
    pub(crate) waker: Waker,
    pub(crate) gauges: Gauges,
}

/// A worker's counters, for metrics.
#[derive(Default)]
pub(crate) struct Gauges {
    legs: AtomicU64,
    strangers: AtomicU64,
    packets_in: AtomicU64,
    packets_out: AtomicU64,
    panics: AtomicU64,
    lost_bursts: AtomicU64,
    unsent: AtomicU64,
}

impl Gauges {
    fn store(&self, counts: Counts, unsent: u64) {
        for (cell, value) in [
            (&self.legs, counts.legs),
            (&self.strangers, counts.strangers),
            (&self.packets_in, counts.packets_in),
            (&self.packets_out, counts.packets_out),
            (&self.panics, counts.panics),
            (&self.lost_bursts, counts.lost_bursts),
            (&self.unsent, unsent),
        ] {
            cell.store(value, Ordering::Relaxed);
        }
    }

    /// The counters, and the datagram trains that the system did not take.
    pub(crate) fn load(&self) -> (Counts, u64) {
        let value = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        let counts = Counts {
            legs: value(&self.legs),
            strangers: value(&self.strangers),
            packets_in: value(&self.packets_in),
            packets_out: value(&self.packets_out),
            panics: value(&self.panics),
            lost_bursts: value(&self.lost_bursts),
        };
        (counts, value(&self.unsent))
    }
}

impl Handle {
    pub(crate) fn wake(&self, put: Put) {
        if put == Put::Wake {
            // It fails only if the event counter is full, and then the worker is awake.
            let _ = self.waker.wake();
        }
    }
}

/// What a thread runs with.
pub(crate) struct Thread {
    pub(crate) number: usize,
    pub(crate) worker: Worker,
    pub(crate) poll: Poll,
    pub(crate) sockets: Vec<Socket>,
    /// Addresses that this machine really has, of the advertised ones: datagrams may be told to leave from them.
    pub(crate) own: Vec<IpAddr>,
    /// What the sockets of telephones are made of.
    pub(crate) telephones: (Arc<Ports>, Vec<IpAddr>, Registry),
    pub(crate) handles: Arc<Vec<Handle>>,
    pub(crate) tell: Arc<dyn Fn(Vec<MediaEvent>) + Send + Sync>,
}

struct Out<'a> {
    number: usize,
    sockets: &'a [Socket],
    own: &'a [IpAddr],
    telephones: Telephones,
    handles: &'a [Handle],
    events: Vec<MediaEvent>,
    unsent: u64,
}

impl Sink for Out<'_> {
    fn send(&mut self, datagrams: Datagrams<'_>) {
        let family = |socket: &&Socket| socket.address.is_ipv4() == datagrams.destination.is_ipv4();
        let from = datagrams.source.ip();
        let bound = |socket: &&Socket| socket.address.ip() == from;
        let socket = self.sockets.iter().find(bound).or_else(|| self.sockets.iter().find(family));
        let source = (self.own.contains(&from)).then_some(from);
        // The worker's own sockets have one port.
        if socket.is_none_or(|socket| socket.address.port() != datagrams.source.port())
            && let Some(sent) = self.telephones.send(&datagrams, source)
        {
            self.unsent += u64::from(!sent);
            return;
        }
        if !socket.is_some_and(|socket| socket.send(&datagrams, source)) {
            self.unsent += 1;
        }
    }

    fn event(&mut self, event: MediaEvent) {
        self.events.push(event);
    }

    fn tell(&mut self, to: Peer, message: PeerMessage) -> bool {
        let mut all = true;
        for (number, handle) in self.handles.iter().enumerate() {
            let meant = match to {
                Peer::One(one) => number == one,
                Peer::Others => number != self.number,
            };
            if meant {
                let put = handle.inbox.message(message.clone());
                all &= put != Put::Full;
                handle.wake(put);
            }
        }
        all
    }

    fn bind(&mut self, address: IpAddr) -> Option<SocketAddr> {
        self.telephones.bind(address)
    }

    fn unbind(&mut self, local: SocketAddr) {
        self.telephones.unbind(local);
    }
}

impl Thread {
    /// Registers the sockets with the poller.
    pub(crate) fn register(&mut self) -> io::Result<()> {
        for (index, socket) in self.sockets.iter_mut().enumerate() {
            self.poll.registry().register(&mut socket.socket, Token(index), Interest::READABLE)?;
        }
        Ok(())
    }

    /// The waker of a poller.
    pub(crate) fn waker(poll: &Poll) -> io::Result<Waker> {
        Waker::new(poll.registry(), WAKE)
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let handles = Arc::clone(&self.handles);
        let own = &handles[self.number];
        let mut events = Events::with_capacity(16);
        let mut buffers = Buffers::default();
        let mut taken = Taken::default();
        // Edge-triggered: a socket is read until it is empty, over several turns if need be.
        let mut readable = vec![true; self.sockets.len()];
        let mut out = Out {
            number: self.number,
            sockets: &self.sockets,
            own: &self.own,
            telephones: Telephones::new(self.telephones.0, self.telephones.1, self.telephones.2),
            handles: &handles,
            events: Vec::new(),
            unsent: 0,
        };
        let mut moderation = Moderation::new(Instant::now());
        loop {
            let busy = readable.contains(&true) || taken.more || out.telephones.is_busy();
            if !busy && let Some(pause) = moderation.pause(Instant::now()) {
                // Nobody has to wake it: whatever comes meanwhile is found right after.
                std::thread::sleep(pause);
            }
            let timeout = if busy || !own.inbox.sleep() {
                Some(Duration::ZERO)
            } else {
                self.worker.deadline().map(|at| at.saturating_duration_since(Instant::now()))
            };
            if let Err(error) = self.poll.poll(&mut events, timeout)
                && error.kind() != io::ErrorKind::Interrupted
            {
                tracing::error!(%error, "a media worker cannot wait for its sockets and stops; restart the server");
                return;
            }
            if !events.is_empty() {
                moderation.turn(Instant::now());
            }
            for event in &events {
                if let Some(flag) = readable.get_mut(event.token().0) {
                    *flag = true;
                } else {
                    out.telephones.wake(event.token());
                }
            }
            for (socket, flag) in self.sockets.iter().zip(&mut readable) {
                for _ in 0..READS {
                    if !*flag {
                        break;
                    }
                    let now = Instant::now();
                    *flag = socket.receive(&mut buffers, |datagram| self.worker.receive(now, datagram, &mut out));
                    self.worker.run(Instant::now(), &mut out);
                }
            }
            // Each once: who has more has its turn again behind the others.
            for _ in 0..out.telephones.waiting() {
                let Some((pair, place, control)) = out.telephones.next() else { break };
                let now = Instant::now();
                let more = pair.sockets[usize::from(control)].receive(&mut buffers, |datagram| {
                    let (source, contents) = (datagram.source, datagram.contents);
                    let datagram = RtpDatagram { local: pair.local, control, source, contents };
                    self.worker.receive_rtp(now, datagram, &mut out);
                });
                if more {
                    out.telephones.again(place, control);
                }
                self.worker.run(Instant::now(), &mut out);
            }
            own.inbox.take(&mut taken);
            if taken.stop {
                return;
            }
            let now = Instant::now();
            for message in taken.messages.drain(..) {
                self.worker.peer(now, message, &mut out);
            }
            for op in taken.ops.drain(..) {
                self.worker.op(now, op, &mut out);
            }
            self.worker.run(Instant::now(), &mut out);
            own.gauges.store(self.worker.counts(), out.unsent);
            if !out.events.is_empty() {
                (self.tell)(std::mem::take(&mut out.events));
            }
        }
    }
}
