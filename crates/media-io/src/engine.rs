use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use mio::Poll;
use patchbay_core::{LinkId, MediaEvent, MediaOp};
use patchbay_media::{Counts, Worker};

use crate::inbox::Put;
use crate::places::Places;
use crate::ports::Ports;
use crate::socket::{BUFFER, Socket};
use crate::thread::{Gauges, Handle, Thread};
use crate::{Settings, addresses};

/// The running engine. Dropped, it stops.
pub struct Engine {
    handles: Arc<Vec<Handle>>,
    threads: Vec<JoinHandle<()>>,
    places: Mutex<Places>,
    /// What each worker's sockets are bound to.
    bound: Vec<SocketAddr>,
    candidates: Vec<IpAddr>,
}

/// How often the system is asked for a port that both families can have. Few are taken, so a second choice hardly ever
/// fails; more would only delay the error of a machine that has none left.
const CHOICES: usize = 16;

/// The engine has as much to do as it may have; the operation was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(
    /// The leg that was meant.
    pub LinkId,
);

impl Engine {
    /// Binds sockets and starts threads. `tell` is called on the workers' threads with what they tell the hub, in order
    /// for each leg.
    ///
    /// # Errors
    /// With cause and next action, if a socket cannot be bound or a thread not started.
    pub fn start(settings: &Settings, tell: Arc<dyn Fn(Vec<MediaEvent>) + Send + Sync>) -> Result<Self, String> {
        let count = match settings.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            workers => workers,
        };
        let candidates = addresses::candidates(settings);
        let mut prepared = Vec::new();
        let mut handles = Vec::new();
        let mut bound = Vec::new();
        for number in 0..count {
            let sockets = bind(settings, number)?;
            bound.extend(sockets.iter().map(|socket| socket.address));
            let poll =
                Poll::new().map_err(|error| format!("cannot make a poller: {error}; raise the limit of open files"))?;
            let waker = Thread::waker(&poll)
                .map_err(|error| format!("cannot make a waker: {error}; raise the limit of open files"))?;
            handles.push(Handle { inbox: crate::inbox::Inbox::default(), waker, gauges: Gauges::default() });
            prepared.push((number, sockets, poll));
        }
        let handles = Arc::new(handles);
        let ports = Arc::new(Ports::new(&settings.rtp_ports));
        let mut threads = Vec::new();
        for (number, sockets, poll) in prepared {
            let mut media = settings.media.clone();
            let at = |ip: &IpAddr| {
                let family = |socket: &&Socket| socket.address.is_ipv4() == ip.is_ipv4();
                sockets.iter().find(family).map(|socket| SocketAddr::new(*ip, socket.address.port()))
            };
            media.candidates = candidates.iter().filter_map(at).collect();
            let worker = Worker::new(number, media, Instant::now())?;
            let own = candidates.iter().copied().filter(|ip| addresses::is_own(*ip)).collect();
            let tell = Arc::clone(&tell);
            let registry = poll.registry().try_clone();
            let registry =
                registry.map_err(|error| format!("cannot share a poller: {error}; raise the limit of open files"))?;
            let handles = Arc::clone(&handles);
            let telephones = (Arc::clone(&ports), settings.bind.clone(), registry);
            let mut thread = Thread { number, worker, poll, sockets, own, telephones, handles, tell };
            thread.register().map_err(|error| format!("cannot wait for a media socket: {error}"))?;
            let builder = std::thread::Builder::new().name(format!("media-{number}"));
            let spawned = builder.spawn(move || thread.run());
            threads.push(
                spawned.map_err(|error| format!("cannot start a media thread: {error}; set media.workers lower"))?,
            );
        }
        let places = Mutex::new(Places::new(count));
        Ok(Self { handles, threads, places, bound, candidates })
    }

    /// Hands an operation to the worker whose leg it is about. Never waits.
    ///
    /// # Errors
    /// [`Refused`] if its queue is full. What was opened is to be closed then.
    pub fn submit(&self, op: MediaOp) -> Result<(), Refused> {
        let link = op.link();
        let mut places = self.places();
        let worker = match &op {
            MediaOp::Open(open) => places.place(open),
            _ => places.of(link),
        };
        // A leg that is closed already.
        let Some(worker) = worker else { return Ok(()) };
        if matches!(op, MediaOp::Close { .. }) {
            places.free(link);
        }
        // Under the lock, so that a leg's operations keep their order.
        let put = self.handles[worker].inbox.op(op);
        drop(places);
        if put == Put::Full {
            return Err(Refused(link));
        }
        self.handles[worker].wake(put);
        Ok(())
    }

    /// A leg that is over by itself. To be called for each [`MediaEvent::Lost`] and [`MediaEvent::Refused`].
    pub fn forget(&self, link: LinkId) {
        self.places().free(link);
    }

    /// What the sockets are bound to, worker by worker.
    #[must_use]
    pub fn bound(&self) -> &[SocketAddr] {
        &self.bound
    }

    /// The addresses that peers are told.
    #[must_use]
    pub fn candidates(&self) -> &[IpAddr] {
        &self.candidates
    }

    /// What all workers have seen, and the datagram trains that the system did not take.
    #[must_use]
    pub fn counts(&self) -> (Counts, u64) {
        let mut sum = (Counts::default(), 0);
        for handle in self.handles.iter() {
            let (counts, unsent) = handle.gauges.load();
            sum.0.legs += counts.legs;
            sum.0.strangers += counts.strangers;
            sum.0.packets_in += counts.packets_in;
            sum.0.packets_out += counts.packets_out;
            sum.0.panics += counts.panics;
            sum.0.lost_bursts += counts.lost_bursts;
            sum.1 += unsent;
        }
        sum
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing panics under this lock.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for handle in self.handles.iter() {
            handle.wake(handle.inbox.stop());
        }
        for thread in self.threads.drain(..) {
            // Whoever drops the engine may be one of its own threads, telling somebody who was the last to hold it.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

fn bind(settings: &Settings, number: usize) -> Result<Vec<Socket>, String> {
    bind_with(settings, number, |address| Socket::bind(address, BUFFER))
}

/// As [`bind`], with what binds one socket.
fn bind_with(
    settings: &Settings,
    number: usize,
    mut open: impl FnMut(SocketAddr) -> io::Result<Socket>,
) -> Result<Vec<Socket>, String> {
    let offset = u16::try_from(number).unwrap_or(u16::MAX);
    let port = match settings.port {
        0 => 0,
        port => port
            .checked_add(offset)
            .ok_or_else(|| format!("media.udp_port {port} leaves no port for worker {number}; set it lower"))?,
    };
    // A port that the system chose for one family may be somebody's in the other: it chooses again.
    let choices = if port == 0 { CHOICES } else { 1 };
    let mut taken = String::new();
    for _ in 0..choices {
        match bind_families(&settings.bind, port, &mut open) {
            Ok(sockets) => return Ok(sockets),
            Err(Unbound::Taken(failure)) => taken = failure,
            Err(Unbound::Failed(failure)) => return Err(failure),
        }
    }
    Err(taken)
}

/// Why no family of a worker could be bound.
enum Unbound {
    /// Somebody has the port.
    Taken(String),
    Failed(String),
}

fn bind_families(
    ips: &[IpAddr],
    mut port: u16,
    open: &mut impl FnMut(SocketAddr) -> io::Result<Socket>,
) -> Result<Vec<Socket>, Unbound> {
    let mut sockets: Vec<Socket> = Vec::new();
    let mut failure = None;
    for ip in ips {
        match open(SocketAddr::new(*ip, port)) {
            Ok(socket) => {
                // All families of a worker have one port.
                port = socket.address.port();
                sockets.push(socket);
            }
            // A machine without IPv6 is no reason not to start; a taken port is.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(Unbound::Taken(cannot_bind(*ip, port, &error)));
            }
            Err(error) => failure = Some(cannot_bind(*ip, port, &error)),
        }
    }
    match failure {
        Some(failure) if sockets.is_empty() => Err(Unbound::Failed(failure)),
        Some(failure) => {
            tracing::warn!("{failure}");
            Ok(sockets)
        }
        None if sockets.is_empty() => Err(Unbound::Failed("media.bind names no address; name one".to_owned())),
        None => Ok(sockets),
    }
}

fn cannot_bind(ip: IpAddr, port: u16, error: &io::Error) -> String {
    let action = match error.kind() {
        io::ErrorKind::AddrInUse => "another process has that UDP port: stop it or set media.udp_port (0 takes any)",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: set media.udp_port higher",
        _ => "check media.bind",
    };
    format!("cannot bind UDP {} (media.bind, media.udp_port): {error}; {action}", SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const BOTH: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

    /// Binds for real, except that somebody has the first `taken` ports of IPv6. What was asked for.
    fn bound(port: u16, taken: usize) -> (Result<Vec<Socket>, String>, Vec<SocketAddr>) {
        let settings = Settings {
            port,
            bind: BOTH.to_vec(),
            advertise: Vec::new(),
            workers: 1,
            rtp_ports: crate::RTP_PORTS,
            media: patchbay_media::Config::default(),
        };
        let (mut left, mut asked) = (taken, Vec::new());
        let sockets = bind_with(&settings, 0, |address| {
            asked.push(address);
            if address.is_ipv6() && left > 0 {
                left -= 1;
                return Err(io::ErrorKind::AddrInUse.into());
            }
            Socket::bind(SocketAddr::new(BOTH[0], if address.is_ipv6() { 0 } else { address.port() }), BUFFER)
        });
        (sockets, asked)
    }

    #[test]
    fn a_port_of_the_systems_choice_that_is_taken_in_the_other_family_is_chosen_again() {
        let (sockets, asked) = bound(0, 3);
        assert_eq!(sockets.map(|sockets| sockets.len()), Ok(2));
        assert_eq!(asked.iter().filter(|address| address.port() == 0).count(), 4, "{asked:?}");
        let (sockets, asked) = bound(0, usize::MAX);
        assert!(sockets.is_err_and(|error| error.contains("udp_port")));
        assert_eq!(asked.len(), 2 * CHOICES);
    }

    #[test]
    fn a_port_that_was_named_and_is_taken_is_an_error_at_once() {
        let free = std::net::UdpSocket::bind((BOTH[0], 0)).and_then(|socket| socket.local_addr());
        let (sockets, asked) = bound(free.expect("a free port").port(), 1);
        assert!(sockets.is_err_and(|error| error.contains("another process has that UDP port")));
        assert_eq!(asked.len(), 2);
    }
}
