//! A network of chosen badness.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What happens to datagrams one way between a peer and the server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path {
    /// How long each takes.
    pub(crate) delay: Duration,
    /// What some take longer, which reorders them.
    pub(crate) jitter: Duration,
    /// How many are lost, in per cent.
    pub(crate) loss: u32,
    /// Bits per second that pass; what comes faster waits, up to a quarter of a second, then is lost.
    pub(crate) rate: Option<u64>,
}

impl Path {
    pub(crate) const GOOD: Self =
        Self { delay: Duration::from_millis(10), jitter: Duration::ZERO, loss: 0, rate: None };

    pub(crate) const fn lossy(loss: u32) -> Self {
        Self { loss, jitter: Duration::from_millis(4), ..Self::GOOD }
    }
}

/// How long a slow link holds datagrams before it drops them.
const QUEUE: Duration = Duration::from_millis(250);

/// A datagram on its way.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flight {
    pub(crate) arrives: Instant,
    order: u64,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

/// Everything that is on its way.
pub(crate) struct Net {
    flights: BinaryHeap<Reverse<Flight>>,
    order: u64,
    random: u64,
}

impl Net {
    pub(crate) fn new(seed: u64) -> Self {
        Self { flights: BinaryHeap::new(), order: 0, random: seed }
    }

    pub(crate) fn random(&mut self) -> u64 {
        // SplitMix64.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Sends a datagram over a path that is free again at `free`.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        path: Path,
        free: &mut Instant,
        source: SocketAddr,
        destination: SocketAddr,
        bytes: Vec<u8>,
    ) {
        if self.random() % 100 < u64::from(path.loss) {
            return;
        }
        let mut leaves = now;
        if let Some(rate) = path.rate {
            let begins = (*free).max(now);
            if begins.duration_since(now) > QUEUE {
                return;
            }
            *free = begins + Duration::from_nanos(bytes.len() as u64 * 8 * 1_000_000_000 / rate);
            leaves = *free;
        }
        let jitter = path.jitter.mul_f64((self.random() % 1_000) as f64 / 1_000.0);
        self.order += 1;
        let arrives = leaves + path.delay + jitter;
        self.flights.push(Reverse(Flight { arrives, order: self.order, source, destination, bytes }));
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.flights.peek().map(|Reverse(flight)| flight.arrives)
    }

    pub(crate) fn take(&mut self, now: Instant) -> Option<Flight> {
        if self.next()? > now {
            return None;
        }
        self.flights.pop().map(|Reverse(flight)| flight)
    }
}
