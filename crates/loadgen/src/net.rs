//! All clients on one thread and one epoll: the generator must leave the machine to the server it measures.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use socket2::{Domain, Protocol, Socket, Type};

use crate::conn::{self, Conn, Input, Scratch};
use crate::frame::{self, Item};
use crate::target::Target;
use crate::tls::Connector;

/// One load: what to do when something happens to a connection.
pub(crate) trait Load {
    /// The upgrade was answered, `setup` after the connection was asked for.
    fn opened(&mut self, _net: &mut Net, _id: usize, _setup: Duration) {}
    /// A message came.
    fn text(&mut self, net: &mut Net, id: usize, text: &[u8]);
    /// The connection is gone and was not closed by us.
    fn closed(&mut self, net: &mut Net, id: usize, why: &str);
    /// After each batch of events, and at each tick.
    fn turn(&mut self, _net: &mut Net) {}
    /// Nothing is left to wait for.
    fn done(&self) -> bool {
        false
    }
}

/// The connections, as a load sees them.
pub(crate) struct Net {
    target: Target,
    /// Where the target speaks TLS.
    tls: Option<Connector>,
    registry: Registry,
    conns: Vec<Option<Conn>>,
    timer: OwnedFd,
    rng: u64,
    frame: Vec<u8>,
    /// Connections that failed while they were written to; reported after the event at hand.
    failed: Vec<(usize, String)>,
}

/// Runs loads over the connections.
pub(crate) struct Engine {
    pub(crate) net: Net,
    poll: Poll,
    events: Events,
    scratch: Scratch,
}

const TIMER: Token = Token(usize::MAX);

/// How often a load is asked whether it is done while nothing comes.
const IDLE_TICK: Duration = Duration::from_millis(50);

/// What one read takes at most.
const READ_BYTES: usize = 64 * 1024;

/// Clients of one loopback source address; with more, the kernel's search for a free port would show in the figures.
const PER_SOURCE: usize = 2_500;

impl Engine {
    pub(crate) fn new(target: Target) -> io::Result<Self> {
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK)?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), TIMER, Interest::READABLE)?;
        let rng = u64::from(std::process::id()) << 32 | 0x9e37_79b9;
        let tls = if target.tls { Some(Connector::new(&target.host)?) } else { None };
        let net = Net { target, tls, registry, conns: Vec::new(), timer, rng, frame: Vec::new(), failed: Vec::new() };
        net.tick(IDLE_TICK)?;
        Ok(Self { net, poll, events: Events::with_capacity(1024), scratch: Scratch::new(READ_BYTES) })
    }

    /// Runs until the load is done or the moment has come.
    pub(crate) fn run(&mut self, load: &mut impl Load, until: Instant) -> io::Result<()> {
        load.turn(&mut self.net);
        while !load.done() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match self.poll.poll(&mut self.events, Some(left)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            for event in &self.events {
                let id = event.token().0;
                if event.token() == TIMER {
                    // The kernel starts the next period when this one is read.
                    let _ = rustix::io::read(&self.net.timer, &mut [0; 8]);
                    continue;
                }
                let ended = event.is_error() || event.is_read_closed();
                let failure = self.net.handle(id, event.is_writable(), ended, &mut self.scratch, load).err();
                if let Some(why) = failure {
                    self.net.fail(id, why);
                }
                self.net.report_failed(load);
            }
            load.turn(&mut self.net);
            self.net.report_failed(load);
        }
        Ok(())
    }
}

impl Net {
    /// Starts a new client and gives its number.
    pub(crate) fn connect(&mut self) -> io::Result<usize> {
        let id = self.conns.len();
        self.conns.push(None);
        self.reconnect(id, None)?;
        Ok(id)
    }

    /// Connects a client anew. A small receive buffer makes a client that does not read hard of hearing at once.
    pub(crate) fn reconnect(&mut self, id: usize, receive_buffer: Option<usize>) -> io::Result<()> {
        self.close(id);
        let addr = self.target.addr;
        let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(bytes) = receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.set_tcp_nodelay(true)?;
        socket.set_nonblocking(true)?;
        if let IpAddr::V4(ip) = addr.ip()
            && ip.is_loopback()
        {
            let source = Ipv4Addr::new(127, 0, 0, (2 + id / PER_SOURCE % 250) as u8);
            socket.bind(&SocketAddr::from((source, 0)).into())?;
        }
        let began = socket.connect(&addr.into());
        match began {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
            other => other?,
        }
        let mut stream = TcpStream::from_std(socket.into());
        self.registry.register(&mut stream, Token(id), Interest::READABLE | Interest::WRITABLE)?;
        let mask = self.mask();
        let tls = self.tls.as_ref().map(Connector::open).transpose()?;
        self.conns[id] = Some(Conn::new(stream, mask, tls));
        Ok(())
    }

    /// Closes a client without a word.
    pub(crate) fn close(&mut self, id: usize) {
        if let Some(mut conn) = self.conns[id].take() {
            let _ = self.registry.deregister(&mut conn.stream);
        }
    }

    /// The client reads nothing from now on.
    pub(crate) fn deafen(&mut self, id: usize) {
        if let Some(conn) = &mut self.conns[id] {
            conn.deaf = true;
        }
    }

    pub(crate) fn mask_of(&self, id: usize) -> [u8; 4] {
        self.conns[id].as_ref().map(|conn| conn.mask).unwrap_or_default()
    }

    /// Something waits in the generator because the client's socket is full.
    pub(crate) fn is_blocked(&self, id: usize) -> bool {
        self.conns[id].as_ref().is_some_and(Conn::is_blocked)
    }

    /// Sends a text message.
    pub(crate) fn send(&mut self, id: usize, text: &str) {
        self.send_frame(id, frame::TEXT, text.as_bytes());
    }

    /// Sends a finished frame.
    pub(crate) fn send_raw(&mut self, id: usize, frame: &[u8]) {
        if let Some(conn) = &mut self.conns[id]
            && let Err(error) = conn.write(frame)
        {
            self.fail(id, error.to_string());
        }
    }

    /// Makes the loop turn this often.
    pub(crate) fn tick(&self, every: Duration) -> io::Result<()> {
        let every = Timespec { tv_sec: every.as_secs() as i64, tv_nsec: i64::from(every.subsec_nanos()) };
        let spec = Itimerspec { it_interval: every, it_value: every };
        rustix::time::timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &spec)?;
        Ok(())
    }

    fn send_frame(&mut self, id: usize, opcode: u8, payload: &[u8]) {
        let mut frame = std::mem::take(&mut self.frame);
        frame.clear();
        frame::write(&mut frame, opcode, self.mask_of(id), payload);
        self.send_raw(id, &frame);
        self.frame = frame;
    }

    /// A masking key; no byte of it is zero, so that the server has to unmask every byte.
    fn mask(&mut self) -> [u8; 4] {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        let [a, b, c, d, ..] = self.rng.to_le_bytes();
        [a | 1, b | 1, c | 1, d | 1]
    }

    fn fail(&mut self, id: usize, why: String) {
        self.close(id);
        self.failed.push((id, why));
    }

    fn report_failed(&mut self, load: &mut impl Load) {
        while let Some((id, why)) = self.failed.pop() {
            load.closed(self, id, &why);
        }
    }

    fn handle(
        &mut self,
        id: usize,
        writable: bool,
        ended: bool,
        scratch: &mut Scratch,
        load: &mut impl Load,
    ) -> Result<(), String> {
        let Some(conn) = &mut self.conns[id] else { return Ok(()) };
        if writable {
            conn.writable(&self.target).map_err(|error| error.to_string())?;
        }
        if conn.is_connecting() {
            return Ok(());
        }
        if conn.deaf {
            return if ended { Err("closed while it did not read".to_owned()) } else { Ok(()) };
        }
        loop {
            let Some(conn) = &mut self.conns[id] else { return Ok(()) };
            let more = match conn.read(scratch).map_err(|error| error.to_string())? {
                Input::Nothing => return Ok(()),
                Input::End => return Err("the server ended the connection".to_owned()),
                Input::Some { more } => more,
            };
            if conn.is_open() {
                self.deliver(id, scratch.text(), load)?;
            } else if let Some(rest) = conn.upgraded(scratch.text())? {
                let setup = conn.began.elapsed();
                load.opened(self, id, setup);
                self.deliver(id, &rest, load)?;
            }
            // The end of the stream is no edge of its own.
            if !more && !ended {
                return Ok(());
            }
        }
    }

    fn deliver(&mut self, id: usize, input: &[u8], load: &mut impl Load) -> Result<(), String> {
        let Some(conn) = &mut self.conns[id] else { return Ok(()) };
        let mut reader = conn.lend_reader();
        let mut closed = None;
        let fed = conn::feed(&mut reader, input, |item| match item {
            Item::Message(text) => load.text(self, id, text),
            Item::Ping(payload) => self.send_frame(id, frame::PONG, payload),
            Item::Pong => {}
            Item::Close(code) => closed = Some(code),
        });
        if let Some(conn) = &mut self.conns[id] {
            conn.give_back(reader);
        }
        match closed {
            Some(Some(code)) => Err(format!("the server closed with {code}")),
            Some(None) => Err("the server closed without a code".to_owned()),
            None => fed,
        }
    }
}
