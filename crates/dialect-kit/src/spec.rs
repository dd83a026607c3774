/// What a dialect is, as data: the shell builds its routes from it, the documents their tables.
#[derive(Debug)]
pub struct Spec {
    /// The dialect's name in configuration, metrics and documents.
    pub name: &'static str,
    /// Whose clients it serves, in one line.
    pub serves: &'static str,
    /// Where it listens.
    pub endpoints: &'static [Endpoint],
    /// Its configuration keys below `[dialect.NAME]`.
    pub keys: &'static [Key],
    /// Its messages.
    pub messages: &'static [MessageDoc],
}

/// One place where a dialect's clients connect.
#[derive(Debug)]
pub struct Endpoint {
    /// Where.
    pub at: At,
    /// What is spoken there.
    pub codec: Codec,
    /// What a request that is no upgrade is answered there: 200, this text. `None`: that an upgrade is required.
    pub plain: Option<&'static str>,
    /// Which of the subprotocols that a client offers is agreed to.
    pub subprotocol: Subprotocol,
}

/// Where an endpoint is.
#[derive(Debug, PartialEq, Eq)]
pub enum At {
    /// A path of the HTTP listeners; the default of the dialect's `path` key.
    Path(&'static str),
    /// This, below the path of each of the dialect's applications, on the HTTP listeners.
    Below(&'static str),
    /// `/` of the HTTP listeners, for upgrades alone: every other request for `/` gets the web app.
    Root,
    /// A listener of its own, where the dialect answers every path and every method; off unless its address is set.
    Own {
        /// The address that `native_ports` opens, e.g. `:90`.
        native: &'static str,
    },
    /// Listeners of its own, where the dialect's paths are and those of no other; off unless their addresses are set.
    Ports {
        /// The address that `native_ports` opens, e.g. `:5080`.
        plain: &'static str,
        /// The one that it opens as well where there is a certificate.
        secure: &'static str,
    },
}

/// How an endpoint answers `Sec-WebSocket-Protocol` (RFC 6455 section 11.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// It agrees to none, and the client goes on without.
    None,
    /// It agrees to the first that the client offers, whatever it is.
    First,
    /// It agrees to the first of these that the client offers; who offers none is refused.
    OneOf(&'static [&'static str]),
}

/// How an endpoint's bytes become frames.
#[derive(Debug, PartialEq, Eq)]
pub enum Codec {
    /// RFC 6455, one message per frame.
    WebSocket,
    /// Requests at the path and below it ([`crate::http`]).
    Http,
    /// Requests below the path, each to a party of its own, which ends with its reply. They come from certain networks
    /// only: by default, from this machine.
    Exchange,
    /// Socket.IO protocol 1 (the library's 0.9.x), over WebSocket and long polling: a frame is one packet.
    SocketIo,
    /// Commands over TCP, each ended by CR or LF: a frame is one that is not empty. What the session sends is written as
    /// it is.
    Lines,
}

/// A configuration key of a dialect.
#[derive(Debug)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// Its default, as TOML.
    pub default: &'static str,
    /// What it means, with its unit.
    pub doc: &'static str,
}

/// One message of a dialect.
#[derive(Debug)]
pub struct MessageDoc {
    /// Its name on the wire.
    pub name: &'static str,
    /// Who sends it.
    pub direction: Direction,
    /// The command or event that it stands for.
    pub meaning: &'static str,
    /// The file, from the crate's root, that knows it.
    pub file: &'static str,
}

impl MessageDoc {
    /// The documentation of one message.
    #[must_use]
    pub const fn new(name: &'static str, direction: Direction, meaning: &'static str, file: &'static str) -> Self {
        Self { name, direction, meaning, file }
    }
}

/// Who sends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The client.
    In,
    /// The server.
    Out,
    /// Both: a relay.
    Both,
}
