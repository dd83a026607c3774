//! One leg of the load: a WebSocket connection, what is said on it, and the peer connection that comes of it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use str0m::crypto::CryptoProvider;

use super::connection::Connection;
use super::receiver::Receiver;
use super::rtp::{self, Datagram};
use super::script::{Asked, Script};
use super::sdp::Numbers;
use super::signalling::Signalling;
use super::socket::Socket;
use super::srtp::Keys;
use super::tally::Tally;
use super::tap;
use crate::Result;
use crate::conn::Scratch;
use crate::target::Target;

/// When nothing is due, a leg is turned after this all the same.
const NOTHING_DUE: Duration = Duration::from_secs(20);

pub(crate) struct Leg {
    signalling: Option<Signalling>,
    connection: Option<Connection>,
    pub(crate) socket: Socket,
    number: usize,
    role: Role,
    /// Where media comes from, and feedback goes to.
    peer: Option<SocketAddr>,
    pub(crate) moments: Moments,
}

enum Role {
    Publisher,
    /// With the receiver, once there are keys; until then with what the offer says.
    Viewer(Option<Box<Receiver>>, Numbers),
}

/// When a leg came how far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moments {
    /// The script could begin.
    pub(crate) ready: Option<Instant>,
    /// It said that it wants to publish or to view.
    pub(crate) asked: Option<Instant>,
    pub(crate) connected: Option<Instant>,
    /// The server says that it has started.
    pub(crate) started: Option<Instant>,
    /// The first key frame was whole.
    pub(crate) key: Option<Instant>,
}

impl Leg {
    /// Connects to the server. `number` is the leg's own.
    pub(crate) fn connect(
        target: &Target,
        script: Box<dyn Script>,
        publishes: bool,
        number: usize,
        now: Instant,
    ) -> Result<Self> {
        let signalling = Signalling::connect(target, script, now)?;
        let socket = Socket::bind(target.addr.ip())?;
        let connection = Connection::new(&socket, !publishes, now)?;
        let role = if publishes { Role::Publisher } else { Role::Viewer(None, Numbers::default()) };
        Ok(Self {
            signalling: Some(signalling),
            connection: Some(connection),
            socket,
            number,
            role,
            peer: None,
            moments: Moments::default(),
        })
    }

    /// A viewer without signalling and connection: of whoever knows its address and these keys.
    pub(crate) fn bare(
        ip: IpAddr,
        provider: &CryptoProvider,
        keys: &Keys,
        numbers: Numbers,
        number: usize,
        now: Instant,
    ) -> io::Result<Self> {
        let receiver = Receiver::new(provider, keys, numbers.clone(), number, now);
        Ok(Self {
            signalling: None,
            connection: None,
            socket: Socket::bind(ip)?,
            number,
            role: Role::Viewer(Some(Box::new(receiver)), numbers),
            peer: None,
            moments: Moments::default(),
        })
    }

    pub(crate) fn stream(&mut self) -> Option<&mut TcpStream> {
        self.signalling.as_mut().map(Signalling::stream)
    }

    /// The leg shall publish or view as soon as it can.
    pub(crate) fn begin(&mut self, now: Instant) -> Result<()> {
        if let Some(signalling) = &mut self.signalling {
            signalling.wanted = true;
        }
        self.advance(now)
    }

    /// The WebSocket's socket is ready.
    pub(crate) fn signalled(
        &mut self,
        target: &Target,
        event: &mio::event::Event,
        scratch: &mut Scratch,
        now: Instant,
    ) -> Result<()> {
        let Some(signalling) = &mut self.signalling else { return Ok(()) };
        for asked in signalling.ready(target, event, scratch)? {
            self.act(asked, now)?;
        }
        self.advance(now)
    }

    fn act(&mut self, asked: Asked, now: Instant) -> Result<()> {
        let (Some(signalling), Some(connection)) = (&mut self.signalling, &mut self.connection) else {
            return Ok(());
        };
        match asked {
            Asked::Say(text) => return signalling.say(&text, now),
            Asked::Describe => {
                let offer = match &self.role {
                    Role::Publisher => connection.offer("bench")?,
                    Role::Viewer(..) => connection.offer_to_receive()?,
                };
                signalling.describe(&offer, now)?;
            }
            Asked::Offer(sdp) => {
                let answer = connection.answer(&sdp)?;
                signalling.describe(&answer, now)?;
                if let Role::Viewer(receiver, numbers) = &mut self.role {
                    *numbers = Numbers::read(&sdp);
                    if let Some(receiver) = receiver {
                        receiver.renumber(numbers.clone());
                    }
                }
            }
            Asked::Answer(sdp) => match &mut self.role {
                Role::Publisher => connection.accept(&sdp)?,
                Role::Viewer(_, numbers) => {
                    connection.accept_what_comes(&sdp)?;
                    *numbers = Numbers::read(&sdp);
                }
            },
            Asked::Candidate(text) => connection.candidate(&text),
            Asked::Started => {
                self.moments.started.get_or_insert(now);
            }
            Asked::Refused(why) | Asked::Ended(why) => return Err(format!("the server refused: {why}").into()),
        }
        self.turn(now)
    }

    /// Begins if it can and shall.
    fn advance(&mut self, now: Instant) -> Result<()> {
        let Some(signalling) = self.signalling.as_mut().filter(|signalling| signalling.is_ready()) else {
            return Ok(());
        };
        self.moments.ready.get_or_insert(now);
        if std::mem::take(&mut signalling.wanted) && self.moments.asked.is_none() {
            self.moments.asked = Some(now);
            let first = signalling.begin();
            self.act(first, now)?;
        }
        Ok(())
    }

    /// Takes a datagram.
    pub(crate) fn datagram(
        &mut self,
        datagram: &[u8],
        from: SocketAddr,
        nanos: u64,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<()> {
        if let Role::Viewer(Some(receiver), _) = &mut self.role {
            match rtp::classify(datagram) {
                Datagram::Rtp => {
                    self.peer = Some(from);
                    if receiver.rtp(datagram, nanos, now, tally) {
                        self.moments.key.get_or_insert(now);
                    }
                    return Ok(());
                }
                Datagram::Rtcp => {
                    receiver.rtcp(datagram, now, tally);
                    return Ok(());
                }
                Datagram::Control | Datagram::Other => {}
            }
        } else if matches!(self.role, Role::Viewer(..)) && rtp::classify(datagram) != Datagram::Control {
            // Media may overtake the end of the handshake; it is lost as it would be in a browser.
            return Ok(());
        }
        if let Some(connection) = &mut self.connection {
            connection.input(&self.socket, datagram, from, now)?;
        }
        self.look(now)
    }

    /// Something of its own is due.
    pub(crate) fn turn(&mut self, now: Instant) -> Result<()> {
        if let Some(connection) =
            self.connection.as_mut().filter(|connection| connection.due <= now || !connection.connected)
        {
            connection.turn(&self.socket, now)?;
        }
        if let Some(signalling) = &mut self.signalling {
            signalling.turn(now)?;
        }
        if let Role::Viewer(Some(receiver), _) = &mut self.role
            && receiver.due() <= now
            && let Some(sealed) = receiver.feedback(now)
            && let Some(peer) = self.peer
        {
            self.socket.send(sealed, peer);
        }
        self.look(now)
    }

    /// Looks at what has become of the connection.
    fn look(&mut self, now: Instant) -> Result<()> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        if connection.lost {
            return Err("the peer connection was lost".into());
        }
        if connection.connected {
            self.moments.connected.get_or_insert(now);
        }
        if let Role::Viewer(receiver @ None, numbers) = &mut self.role
            && let Some(keys) = connection.keys()?
        {
            *receiver = Some(Box::new(Receiver::new(&tap::provider(), keys, numbers.clone(), self.number, now)));
        }
        Ok(())
    }

    /// When it wants to be turned next.
    pub(crate) fn due(&self) -> Instant {
        let mut due = self.signalling.as_ref().map(Signalling::due);
        let mut sooner = |at: Instant| due = Some(due.map_or(at, |due| due.min(at)));
        if let Some(connection) = &self.connection {
            sooner(connection.due);
            if let Role::Viewer(Some(receiver), _) = &self.role {
                sooner(receiver.due());
            }
        }
        due.unwrap_or_else(|| Instant::now() + NOTHING_DUE)
    }

    /// Closes the WebSocket.
    pub(crate) fn farewell(&mut self) -> Result<()> {
        match &mut self.signalling {
            Some(signalling) => signalling.farewell(),
            None => Ok(()),
        }
    }

    pub(crate) fn connection(&mut self) -> Option<&mut Connection> {
        self.connection.as_mut()
    }

    pub(crate) fn receiver(&self) -> Option<&Receiver> {
        match &self.role {
            Role::Viewer(Some(receiver), _) => Some(receiver),
            _ => None,
        }
    }
}
