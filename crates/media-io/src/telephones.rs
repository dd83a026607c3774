//! The sockets of telephones: a pair for each section of a leg, bound while it lives.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use mio::{Interest, Registry, Token};
use patchbay_media::Datagrams;

use crate::ports::Ports;
use crate::socket::Socket;

/// Bytes that the kernel keeps each way: a second of a telephone's pictures. More only lets packets grow old.
const BUFFER: usize = 256 * 1024;
/// Pairs that are tried before a telephone is refused: others on this machine may have some of the range. More waits
/// longer for those who have nearly all.
const TRIES: usize = 16;
/// The tokens of these sockets begin here; those below are the worker's.
const TOKENS: usize = 1 << 16;

/// One worker's.
pub(crate) struct Telephones {
    ports: Arc<Ports>,
    /// What is bound to, one address for each family.
    bind: Vec<IpAddr>,
    registry: Registry,
    pairs: Vec<Option<Rc<Pair>>>,
    free: Vec<usize>,
    /// By the address that the telephone is told.
    by_local: BTreeMap<SocketAddr, usize>,
    /// Sockets that may have something: a pair, and whether it is the one for RTCP.
    readable: VecDeque<(usize, bool)>,
}

pub(crate) struct Pair {
    /// The address that the telephone is told.
    pub(crate) local: SocketAddr,
    /// For RTP and for RTCP.
    pub(crate) sockets: [Socket; 2],
    port: u16,
}

impl Telephones {
    pub(crate) fn new(ports: Arc<Ports>, bind: Vec<IpAddr>, registry: Registry) -> Self {
        Self {
            ports,
            bind,
            registry,
            pairs: Vec::new(),
            free: Vec::new(),
            by_local: BTreeMap::new(),
            readable: VecDeque::new(),
        }
    }

    /// Binds a pair of ports for a telephone that is told `address`.
    pub(crate) fn bind(&mut self, address: IpAddr) -> Option<SocketAddr> {
        let ip = *self.bind.iter().find(|ip| ip.is_ipv4() == address.is_ipv4())?;
        let mut tried = Vec::new();
        let mut bound = None;
        while bound.is_none() && tried.len() < TRIES {
            let Some(port) = self.ports.take() else { break };
            match both(ip, port) {
                Ok(sockets) => bound = Some((port, sockets)),
                Err(error) => {
                    tracing::debug!(port, %error, "a port of sip.rtp_ports cannot be bound");
                    tried.push(port);
                }
            }
        }
        tried.into_iter().for_each(|port| self.ports.give(port));
        let Some((port, mut sockets)) = bound else {
            tracing::warn!("no port is left for a telephone: make sip.rtp_ports a larger range");
            return None;
        };
        let place = self.free.pop().unwrap_or(self.pairs.len());
        for (upper, socket) in sockets.iter_mut().enumerate() {
            let token = Token(TOKENS + 2 * place + upper);
            if let Err(error) = self.registry.register(&mut socket.socket, token, Interest::READABLE) {
                tracing::warn!(%error, "cannot wait for a telephone's socket; raise the limit of open files");
                self.free.push(place);
                self.ports.give(port);
                return None;
            }
        }
        let local = SocketAddr::new(address, port);
        let pair = Some(Rc::new(Pair { local, sockets, port }));
        match self.pairs.get_mut(place) {
            Some(slot) => *slot = pair,
            None => self.pairs.push(pair),
        }
        self.by_local.insert(local, place);
        self.readable.extend([(place, false), (place, true)]);
        Some(local)
    }

    /// Closes a pair.
    pub(crate) fn unbind(&mut self, local: SocketAddr) {
        let Some(place) = self.by_local.remove(&local) else { return };
        // Closed with the last who reads from it; nobody else is.
        if let Some(pair) = self.pairs.get_mut(place).and_then(Option::take) {
            self.ports.give(pair.port);
            self.free.push(place);
        }
    }

    /// Sends from a port of a telephone: whether the system took all of it. `None`: it is not one of these ports.
    pub(crate) fn send(&self, datagrams: &Datagrams<'_>, source: Option<IpAddr>) -> Option<bool> {
        let from = datagrams.source;
        let upper = from.port() % 2 == 1;
        let lower = SocketAddr::new(from.ip(), from.port() - u16::from(upper));
        let pair = self.pairs.get(*self.by_local.get(&lower)?)?.as_ref()?;
        Some(pair.sockets[usize::from(upper)].send(datagrams, source))
    }

    /// The poller says that there may be something. `false`: not at one of these sockets.
    pub(crate) fn wake(&mut self, token: Token) -> bool {
        let Some(number) = token.0.checked_sub(TOKENS).filter(|number| number / 2 < self.pairs.len()) else {
            return false;
        };
        let entry = (number / 2, number % 2 == 1);
        if !self.readable.contains(&entry) {
            self.readable.push_back(entry);
        }
        true
    }

    /// Whether there may be something.
    pub(crate) fn is_busy(&self) -> bool {
        !self.readable.is_empty()
    }

    /// The next socket to read from, and how many there are now.
    pub(crate) fn next(&mut self) -> Option<(Rc<Pair>, usize, bool)> {
        while let Some((place, upper)) = self.readable.pop_front() {
            if let Some(Some(pair)) = self.pairs.get(place) {
                return Some((Rc::clone(pair), place, upper));
            }
        }
        None
    }

    /// How many sockets may have something.
    pub(crate) fn waiting(&self) -> usize {
        self.readable.len()
    }

    /// It was not read empty.
    pub(crate) fn again(&mut self, place: usize, upper: bool) {
        self.readable.push_back((place, upper));
    }
}

impl Drop for Telephones {
    fn drop(&mut self) {
        for pair in self.pairs.drain(..).flatten() {
            self.ports.give(pair.port);
        }
    }
}

fn both(ip: IpAddr, port: u16) -> io::Result<[Socket; 2]> {
    let lower = Socket::bind(SocketAddr::new(ip, port), BUFFER)?;
    let upper = Socket::bind(SocketAddr::new(ip, port + 1), BUFFER)?;
    Ok([lower, upper])
}
