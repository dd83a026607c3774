//! What a leg says on its WebSocket, and hears.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};

use super::script::{Asked, Script};
use crate::Result;
use crate::conn::{self, Conn, Input, Scratch};
use crate::frame::{self, Item};
use crate::target::Target;

/// Servers give up a connection that says nothing for 30 s or a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// Any but zero: a server has to unmask.
const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x99];

pub(crate) struct Signalling {
    conn: Conn,
    /// Where it goes, if not where the others do.
    elsewhere: Option<Target>,
    script: Box<dyn Script>,
    /// It shall begin as soon as it can.
    pub(crate) wanted: bool,
    said: Instant,
}

impl Signalling {
    /// Connects to the server.
    pub(crate) fn connect(target: &Target, script: Box<dyn Script>, now: Instant) -> io::Result<Self> {
        let elsewhere = script.path().map(|path| Target { path: path.to_owned(), ..target.clone() });
        Ok(Self { conn: Conn::new(tcp(target.addr)?, MASK, None), elsewhere, script, wanted: false, said: now })
    }

    pub(crate) fn stream(&mut self) -> &mut TcpStream {
        &mut self.conn.stream
    }

    /// The socket is ready: what the messages that came ask of the leg.
    pub(crate) fn ready(
        &mut self,
        target: &Target,
        event: &mio::event::Event,
        scratch: &mut Scratch,
    ) -> Result<Vec<Asked>> {
        let ended = event.is_error() || event.is_read_closed();
        if event.is_writable() {
            self.conn.writable(self.elsewhere.as_ref().unwrap_or(target))?;
        }
        let mut asked = Vec::new();
        while !self.conn.is_connecting() {
            let more = match self.conn.read(scratch)? {
                Input::Nothing => break,
                Input::End => return Err("the server ended the connection".into()),
                Input::Some { more } => more,
            };
            let text = if self.conn.is_open() {
                scratch.text().to_vec()
            } else if let Some(rest) = self.conn.upgraded(scratch.text())? {
                for text in self.script.opened() {
                    write(&mut self.conn, frame::TEXT, text.as_bytes())?;
                }
                rest
            } else {
                Vec::new()
            };
            for message in cut(&mut self.conn, &text)? {
                asked.extend(self.script.text(&message));
            }
            // The end of the stream is no edge of its own.
            if !more && !ended {
                break;
            }
        }
        Ok(asked)
    }

    pub(crate) fn say(&mut self, text: &str, now: Instant) -> Result<()> {
        self.said = now;
        write(&mut self.conn, frame::TEXT, text.as_bytes())
    }

    /// Sends our own description.
    pub(crate) fn describe(&mut self, sdp: &str, now: Instant) -> Result<()> {
        let text = self.script.described(sdp);
        self.say(&text, now)
    }

    /// Whether it could begin.
    pub(crate) fn is_ready(&self) -> bool {
        self.conn.is_open() && self.script.is_ready()
    }

    pub(crate) fn begin(&mut self) -> Asked {
        self.script.begin()
    }

    /// Ends what was begun.
    pub(crate) fn end(&mut self, now: Instant) -> Result<()> {
        match self.script.end() {
            Some(text) => self.say(&text, now),
            None => Ok(()),
        }
    }

    /// Closes the connection: 1001, as for a page that is left.
    pub(crate) fn farewell(&mut self) -> Result<()> {
        write(&mut self.conn, frame::CLOSE, &1001_u16.to_be_bytes())
    }

    /// How long its server needs between two calls.
    pub(crate) fn rest(&self) -> Duration {
        self.script.rest()
    }

    /// When it has to say something to be kept.
    pub(crate) fn due(&self) -> Instant {
        self.said + KEEP_ALIVE
    }

    /// Says so if it is due.
    pub(crate) fn turn(&mut self, now: Instant) -> Result<()> {
        if self.due() > now {
            return Ok(());
        }
        self.said = now;
        if self.conn.is_open() {
            let text = self.script.keep_alive();
            self.say(&text, now)?;
        }
        Ok(())
    }
}

fn write(conn: &mut Conn, opcode: u8, payload: &[u8]) -> Result<()> {
    let mut bytes = Vec::with_capacity(payload.len() + 14);
    frame::write(&mut bytes, opcode, conn.mask, payload);
    Ok(conn.write(&bytes)?)
}

/// The messages of what was read; pings are answered.
fn cut(conn: &mut Conn, input: &[u8]) -> Result<Vec<Value>> {
    let (mut messages, mut pongs, mut end) = (Vec::new(), Vec::new(), None);
    let mut reader = conn.lend_reader();
    let fed = conn::feed(&mut reader, input, |item| match item {
        Item::Message(text) => messages.push(serde_json::from_slice(text)),
        Item::Ping(payload) => pongs.push(payload.to_vec()),
        Item::Pong => {}
        Item::Close(code) => end = Some(code),
    });
    conn.give_back(reader);
    fed?;
    for payload in pongs {
        write(conn, frame::PONG, &payload)?;
    }
    if let Some(code) = end {
        return Err(format!("the server closed the WebSocket with {code:?}").into());
    }
    Ok(messages.into_iter().collect::<std::result::Result<_, _>>()?)
}

fn tcp(addr: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&addr.into()) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        other => other?,
    }
    Ok(TcpStream::from_std(socket.into()))
}
