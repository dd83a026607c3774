use std::time::Duration;

use super::directive::Directive;
use super::elsewhere::Elsewhere;

/// Where transcripts run.
pub trait World {
    /// Which kind of world it is.
    fn place(&self) -> Place;

    /// The seed of this world's randomness, for the report of a failure.
    fn seed(&self) -> Option<u64> {
        None
    }

    /// How long to wait for something that must come.
    fn patience(&self) -> Duration;

    /// Opens a connection and returns its number.
    ///
    /// # Errors
    /// The HTTP answer, if the handshake was refused.
    fn open(&mut self, handshake: &Handshake) -> Result<usize, Turned>;

    /// The client says something.
    ///
    /// # Errors
    /// In words, if this world has no such input or the connection is gone.
    fn say(&mut self, connection: usize, input: &Input) -> Result<(), String>;

    /// The next thing that the client hears, if it comes within that time.
    fn hear(&mut self, connection: usize, within: Duration) -> Option<Heard>;

    /// Something happens to a leg of the scripted engine, or is to be true of it.
    ///
    /// # Errors
    /// What should have been, and what was.
    fn media(&mut self, _connection: usize, _directive: &Directive) -> Result<(), (String, String)> {
        Err(("the scripted engine".to_owned(), "a real one".to_owned()))
    }

    /// The machine has from now on as much to do as it may have, or no longer.
    ///
    /// # Errors
    /// What should have been, and what was.
    fn load(&mut self, _overloaded: bool) -> Result<(), (String, String)> {
        Err(("a machine that is told how busy it is".to_owned(), "a real one".to_owned()))
    }

    /// The server is about to stop.
    ///
    /// # Errors
    /// What should have been, and what was.
    fn drain(&mut self) -> Result<(), (String, String)> {
        Err(("a server that is told to stop".to_owned(), "one that may not be".to_owned()))
    }

    /// The store, or another server, is so from now on.
    ///
    /// # Errors
    /// What should have been, and what was.
    fn elsewhere(&mut self, _elsewhere: &Elsewhere) -> Result<(), (String, String)> {
        Err(("a store that does what it is told".to_owned(), "a real one".to_owned()))
    }

    /// Time passes.
    fn pass(&mut self, span: Duration);

    /// Something that was sent to the client and that nobody asked for. Called at the end, after the last list that
    /// might wait has gone out.
    fn left_over(&mut self, connection: usize) -> Option<Heard>;

    /// Sends an HTTP request.
    ///
    /// # Errors
    /// In words, if this world has no HTTP or the request got no answer.
    fn http(&mut self, method: &str, path: &str) -> Result<HttpAnswer, String>;
}

/// The kinds of world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Sessions and a hub, without sockets; time is fake.
    Sessions,
    /// The server behind real sockets.
    Sockets,
}

/// How a client asks for its connection. The session world admits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handshake {
    /// The `Origin` header, if any.
    pub origin: Option<String>,
    /// The `Host` header, if not the server's own address.
    pub host: Option<String>,
    /// The method, if not `GET`.
    pub method: Option<String>,
    /// `Sec-WebSocket-Version`, if not 13.
    pub version: Option<String>,
    /// Headers of the upgrade that are left out, in lower case.
    pub without: Vec<String>,
    /// The path and query, if not the world's own.
    pub path: Option<String>,
    /// The subprotocol that the client offers, if any.
    pub protocol: Option<String>,
    /// The client answers no WebSocket ping by itself; its transcript hears them.
    pub manual: bool,
    /// From where it comes, if the transport is to tell.
    pub from: Option<std::net::IpAddr>,
    /// The id that the transport gives it, if it does.
    pub id: Option<String>,
    /// What it calls itself, if it does.
    pub agent: Option<String>,
}

/// What a client can do on its connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A binary message.
    Binary(Vec<u8>),
    /// A close frame with this code; the client then waits for the server's.
    Close(u16),
    /// A text message in fragments, a WebSocket ping between each two.
    Fragments(Vec<String>),
    /// A WebSocket ping.
    Ping,
    /// A WebSocket pong.
    Pong,
    /// The connection breaks off without any farewell.
    Reset,
    /// A text message.
    Text(String),
    /// A text frame that is not masked, against RFC 6455.
    Unmasked(String),
}

/// What a client can hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The connection has ended, with this close code or without a close frame.
    Closed(Option<u16>),
    /// A WebSocket ping.
    Ping,
    /// A text message.
    Text(Vec<u8>),
}

/// A refused handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turned {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
}

/// The answer to an HTTP request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}
