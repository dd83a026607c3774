//! The rendezvous server (ers.md part 1): rooms of one idle media server each, and the players that are paired with it.
//!
//! | message | becomes | answer |
//! |---|---|---|
//! | `join` of a media server | [`Command::Register`](patchbay_core::Command::Register) of the room, or [`Supersede`](patchbay_core::Command::Supersede) if it says when it came | an acknowledgement, then `clientJoined` |
//! | `join` of a viewer | [`Command::Call`](patchbay_core::Command::Call) of the room | an acknowledgement with the media server's id |
//! | `message` | [`Command::Signal`](patchbay_core::Command::Signal) to the partner | the same to it, with `from` |
//! | `leave` | [`Command::Hangup`](patchbay_core::Command::Hangup), [`Unregister`](patchbay_core::Command::Unregister) | `remove` to the partner |
//! | `create` | [`Command::Register`](patchbay_core::Command::Register) of the room, given up at once | an acknowledgement |
//! | `HBTimeout` `shareScreen` `unshareScreen` `trace` | nothing | nothing |
//!
//! Frames are packets of Socket.IO; the transport and its ids are the shell's. Messages and limits: `docs/dialects/ers.md`.

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
pub(crate) mod gate;
mod ice;
mod refusal;
mod session;
pub(crate) mod wire;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Profile, Realm, Signal, Transport};
use patchbay_dialect_kit::{
    Arrival, At, Codec, Dialect, Direction, Endpoint, Key, MessageDoc, Rate, Session, Spec, Subprotocol,
};

pub use self::gate::expires;
pub use self::ice::{DAY, IceServer, IceServers};

/// The dialect with its settings; opens one session per connection.
#[derive(Clone)]
pub struct Rendezvous {
    profile: Profile,
    settings: Arc<Settings>,
}

/// What an operator can set. No `Debug`: it holds secrets.
#[derive(Clone)]
pub struct Settings {
    /// The STUN and TURN servers that everybody is told of.
    pub ice: IceServers,
    /// Viewers have to show a token.
    pub tokens_enabled: bool,
    /// Only these rooms, and those that operators add while the server runs; empty, and none added: all.
    pub allowed_rooms: BTreeSet<String>,
    /// A media server has to show one of these, or of those that operators add; empty, and none added: none.
    pub server_tokens: Vec<Arc<str>>,
    /// How long a viewer's token is good from its first use on: longer forgives longer losses, shorter lets less be done
    /// with one that was seen.
    pub token_ttl: Duration,
    /// How late a viewer is told that nobody is in its room: players come back at once, so this is how often each asks.
    pub empty_room_ack_delay: Duration,
    /// Time between an answered heartbeat and the next. Devices give a connection up on which they heard none for 50 s.
    pub heartbeat_interval: Duration,
    /// How long a client may take to answer one: shorter frees the rooms of the dead sooner.
    pub heartbeat_timeout: Duration,
    /// How often media servers try to connect before they give a player up, 100 ms apart; `None`: they are told nothing, and
    /// try forty times (ers.md section 1.4).
    pub ice_retries: Option<u32>,
    /// Limit of everything but messages to the partner and heartbeats. Above it the client is read no faster.
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ice: IceServers::default(),
            tokens_enabled: false,
            allowed_rooms: BTreeSet::new(),
            server_tokens: Vec::new(),
            token_ttl: Duration::from_secs(600),
            empty_room_ack_delay: Duration::from_secs(1),
            heartbeat_interval: Duration::from_secs(25),
            heartbeat_timeout: Duration::from_secs(60),
            ice_retries: None,
            rate: Rate { per_second: 500, burst: 1_000 },
        }
    }
}

impl Rendezvous {
    /// The dialect under the numbers that the shell gave to it and to its naming space.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let profile = Profile { realm, lang, peer_to_peer: true, one_call: true, transport: Transport::default() };
        Self { profile, settings: Arc::new(settings) }
    }
}

impl Dialect for Rendezvous {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(session::RendezvousSession::new(self.profile.lang, Arc::clone(&self.settings), None))
    }

    fn open_by(&self, arrival: &Arrival<'_>) -> Box<dyn Session> {
        Box::new(session::RendezvousSession::new(self.profile.lang, Arc::clone(&self.settings), Some(arrival)))
    }

    /// An id stands in most packets, so one that has a keyword in it would have every packet misread; and devices look for the
    /// id itself behind the last word (section 1.2).
    fn takes_id(&self, id: &str) -> bool {
        !wire::misleads(id) && !id.contains("chunked")
    }

    /// Nothing of it ends in the engine.
    fn plain<'a>(&self, _signal: &'a Signal) -> Option<Cow<'a, [u8]>> {
        None
    }
}

const fn endpoint(at: At) -> Endpoint {
    Endpoint { at, codec: Codec::SocketIo, plain: None, subprotocol: Subprotocol::None }
}

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "ers",
    serves: "EvoStream media servers, and the players that meet them in rooms",
    endpoints: &[endpoint(At::Path("/socket.io")), endpoint(At::Own { native: ":3535" })],
    keys: &[
        Key { name: "config", default: "\"\"", doc: "An ERS `default.json`, taken as it is." },
        Key { name: "listen", default: "\"\"", doc: "A listener of its own." },
    ],
    messages: &[
        MessageDoc::new("stunservers", Direction::Out, "none: told on arrival", "src/rendezvous/ice.rs"),
        MessageDoc::new("turnservers", Direction::Out, "none: told on arrival", "src/rendezvous/ice.rs"),
        MessageDoc::new("ersid", Direction::Out, "none: told on arrival", "src/rendezvous/wire.rs"),
        MessageDoc::new("iceparam", Direction::Out, "none: told who waits in a room", "src/rendezvous/wire.rs"),
        MessageDoc::new(
            "join",
            Direction::In,
            "Command::Register, Supersede and Unregister, Event::Registered and Displaced; Command::Call",
            "src/rendezvous/session/seat.rs",
        ),
        MessageDoc::new(
            "clientJoined",
            Direction::Out,
            "Event::CallChanged, Event::CallSignal (Info)",
            "src/rendezvous/session/seat.rs",
        ),
        MessageDoc::new(
            "message",
            Direction::Both,
            "Command::Signal, Event::CallSignal",
            "src/rendezvous/session/seat.rs",
        ),
        MessageDoc::new("leave", Direction::In, "Command::Hangup and Unregister", "src/rendezvous/session/seat.rs"),
        MessageDoc::new("remove", Direction::Out, "Event::Ended", "src/rendezvous/session/seat.rs"),
        MessageDoc::new("create", Direction::In, "Command::Register and Unregister", "src/rendezvous/session.rs"),
    ],
};
