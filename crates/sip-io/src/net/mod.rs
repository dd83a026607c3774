//! Sockets: what comes in goes into one bounded queue, what goes out never waits.

mod connect;
pub(crate) mod dns;
mod stream;
mod tls;
mod udp;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::core::{Origin, Path, Unrouted};
use crate::counts::{Counters, set};
use crate::settings::{Listen, Settings, Transport};

pub(crate) use connect::find;

/// What comes from sockets.
pub(crate) enum Arrived {
    Message(Origin, Vec<u8>),
    Lost { flow: u64 },
    Routed { ask: u64, result: Result<Path, Unrouted> },
}

/// All sockets of an agent.
pub(crate) struct Net {
    pub(crate) settings: Arc<Settings>,
    pub(crate) counters: Arc<Counters>,
    udp: Vec<Udp>,
    streams: Mutex<Streams>,
    arrived: mpsc::Sender<Arrived>,
    client: Arc<rustls::ClientConfig>,
    names: dns::Names,
    flows: AtomicU64,
    /// Held by each connection that is not open yet.
    opening: Arc<()>,
    bound: Vec<Listen>,
    /// Those that wait for strangers: they hold the ports.
    tasks: Mutex<Vec<AbortHandle>>,
    /// Answers in random order need random numbers; what this one gives decides nothing secret.
    dice: AtomicU64,
}

struct Udp {
    flow: u64,
    socket: Arc<UdpSocket>,
    bound: SocketAddr,
}

#[derive(Default)]
struct Streams {
    by_flow: BTreeMap<u64, Stream>,
    /// Those that may be used for a peer: by transport, address and the name that TLS has shown.
    by_peer: BTreeMap<(Transport, SocketAddr, String), u64>,
}

struct Stream {
    local: SocketAddr,
    queue: mpsc::Sender<Vec<u8>>,
    /// Whether the peer has opened it: these are counted.
    theirs: bool,
}

impl Drop for Net {
    fn drop(&mut self) {
        let tasks = self.tasks.get_mut().unwrap_or_else(PoisonError::into_inner);
        tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Net {
    /// Binds everything and begins to listen.
    ///
    /// # Errors
    /// With cause and next action, if an address cannot be bound or TLS has nothing to show.
    pub(crate) async fn open(
        settings: Arc<Settings>,
        counters: Arc<Counters>,
        arrived: mpsc::Sender<Arrived>,
        seed: u64,
    ) -> Result<Arc<Self>, String> {
        let client = tls::client(&settings.tls.roots)?;
        let names = dns::Names::new(&settings.nameservers);
        let (mut udp, mut listeners, mut bound) = (Vec::new(), Vec::new(), Vec::new());
        let mut flow = 0;
        let mut next = || {
            flow += 1;
            flow
        };
        let fail = |listen: &Listen, error: std::io::Error| {
            format!("cannot listen for SIP on {listen}: {error}; choose another address in [sip] listen")
        };
        for listen in &settings.listen {
            match listen.transport {
                Transport::Udp => {
                    let socket = udp::bind(listen.address).map_err(|error| fail(listen, error))?;
                    let address = socket.local_addr().map_err(|error| fail(listen, error))?;
                    bound.push(Listen { address, ..*listen });
                    udp.push(Udp { flow: next(), socket: Arc::new(socket), bound: address });
                }
                Transport::Tcp | Transport::Tls => {
                    let socket = TcpListener::bind(listen.address).await.map_err(|error| fail(listen, error))?;
                    let address = socket.local_addr().map_err(|error| fail(listen, error))?;
                    let server = match listen.transport {
                        Transport::Tls => Some(tls::server(settings.tls.identity.as_ref())?),
                        Transport::Udp | Transport::Tcp => None,
                    };
                    bound.push(Listen { address, ..*listen });
                    listeners.push((socket, server));
                }
            }
        }
        // The client side is always on: a port of its own where no listener can be used.
        for any in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            match udp::bind(SocketAddr::new(any, 0)) {
                Ok(socket) => {
                    let address =
                        socket.local_addr().map_err(|error| format!("a UDP socket has no address: {error}"))?;
                    udp.push(Udp { flow: next(), socket: Arc::new(socket), bound: address });
                }
                // A machine without IPv6 is no fault.
                Err(error) if any.is_ipv6() => tracing::debug!(%error, "no IPv6 for SIP"),
                Err(error) => {
                    return Err(format!("cannot open a UDP socket for SIP: {error}; look at the limits of open files"));
                }
            }
        }
        let net = Arc::new(Self {
            settings,
            counters,
            udp,
            streams: Mutex::default(),
            arrived,
            client,
            names,
            flows: AtomicU64::new(flow),
            opening: Arc::default(),
            bound,
            tasks: Mutex::default(),
            dice: AtomicU64::new(seed),
        });
        let mut tasks = Vec::new();
        for udp in &net.udp {
            let receive = udp::receive(Arc::downgrade(&net), Arc::clone(&udp.socket), udp.flow, udp.bound);
            tasks.push(tokio::spawn(receive).abort_handle());
        }
        for (socket, server) in listeners {
            tasks.push(tokio::spawn(stream::accept(Arc::downgrade(&net), socket, server)).abort_handle());
        }
        *net.tasks.lock().unwrap_or_else(PoisonError::into_inner) = tasks;
        Ok(net)
    }

    /// The listeners, with the ports they got.
    pub(crate) fn bound(&self) -> &[Listen] {
        &self.bound
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_flow(&self) -> u64 {
        self.flows.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// A number between 0 and `below`.
    fn roll(&self, below: u64) -> u64 {
        // SplitMix64.
        let mut x = self.dice.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % below.max(1)
    }

    /// Sends `bytes`; `false`: that is impossible. What a full socket does not take is lost, as in the network; a stream
    /// whose queue is full is closed, for its peer does not read.
    pub(crate) fn send(&self, flow: u64, remote: SocketAddr, bytes: Vec<u8>) -> bool {
        if let Some(udp) = self.udp.iter().find(|udp| udp.flow == flow) {
            return match udp.socket.try_send_to(&bytes, remote) {
                Ok(_) => true,
                Err(error) => error.kind() == std::io::ErrorKind::WouldBlock,
            };
        }
        let mut streams = self.streams();
        let Some(stream) = streams.by_flow.get(&flow) else { return false };
        if stream.queue.try_send(bytes).is_ok() {
            return true;
        }
        self.remove(&mut streams, flow);
        false
    }

    /// Sends an answer back; over a new connection nobody would be found.
    pub(crate) fn reply(&self, to: Origin, bytes: Vec<u8>) {
        if !self.send(to.flow, to.remote, bytes) {
            tracing::debug!("an answer could not be sent: its connection has ended");
        }
    }

    fn remove(&self, streams: &mut Streams, flow: u64) {
        if streams.by_flow.remove(&flow).is_some() {
            streams.by_peer.retain(|_, other| *other != flow);
            set(&self.counters.connections, streams.by_flow.len());
        }
    }

    /// Where others can connect to us: a listener, if there is one at this address. Without one our own connection is
    /// the only way back, and its port says which it is.
    fn listener(&self, transport: Transport, local: SocketAddr) -> SocketAddr {
        let fits = |listen: &&Listen| {
            let ip = listen.address.ip();
            listen.transport == transport
                && (ip == local.ip() || (ip.is_unspecified() && ip.is_ipv4() == local.is_ipv4()))
        };
        let port = self.bound.iter().find(fits).map_or(local.port(), |listen| listen.address.port());
        SocketAddr::new(local.ip(), port)
    }

    /// Our address as a peer sees it, for what is bound to all addresses.
    fn advertised(&self, bound: SocketAddr, remote: SocketAddr) -> SocketAddr {
        let ip = match self.settings.advertise {
            Some(ip) if !remote.ip().is_loopback() && ip.is_ipv4() == remote.ip().is_ipv4() => ip,
            _ if bound.ip().is_unspecified() => udp::toward(remote.ip()).unwrap_or(bound.ip()),
            _ => bound.ip(),
        };
        SocketAddr::new(ip, bound.port())
    }
}
