//! The `mesh` dialect: rooms of browsers that call each other, as LessUp/webrtc speaks it.
//!
//! | message | becomes | answer |
//! |---|---|---|
//! | `join` | [`Command::Join`](patchbay_core::Command::Join) | `joined`, then `room_members` to all |
//! | `leave` | [`Command::Leave`](patchbay_core::Command::Leave) | `room_members` to the rest |
//! | `offer` `answer` `candidate` `hangup` | [`Command::Signal`](patchbay_core::Command::Signal) | the same to one member |
//! | `ping` | – | `pong` |
//!
//! Messages and limits: `docs/dialects/mesh.md`. Media never touches the server: two members relay through the hub.
#![warn(missing_docs)]

mod bridge;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod refusal;
mod session;
mod wire;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

pub use bridge::{is_reserved, stand_in};
use patchbay_core::{Lang, Profile, Realm, Signal};
use patchbay_dialect_kit::{
    At, Codec, Dialect, Direction, Endpoint, Key, MessageDoc, Rate, Session, Spec, Subprotocol,
};

/// The dialect with its settings; opens one session per connection.
#[derive(Clone, Debug)]
pub struct Mesh {
    profile: Profile,
    settings: Arc<Settings>,
}

/// What an operator can set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time between WebSocket pings: shorter finds dead peers sooner, longer wakes phones less often.
    pub ping_interval: Duration,
    /// A peer whose last pong is older than this is gone. Must be longer than `ping_interval`.
    pub pong_timeout: Duration,
    /// Limit of the requests that change state or answer the sender; relays inside a room are exempt.
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(15),
            pong_timeout: Duration::from_secs(20),
            rate: Rate { per_second: 500, burst: 1_000 },
        }
    }
}

impl Mesh {
    /// The dialect under the numbers that the shell gave to it and to its naming space.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let profile = Profile {
            realm,
            lang,
            peer_to_peer: true,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        };
        Self { profile, settings: Arc::new(settings) }
    }
}

impl Dialect for Mesh {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(session::MeshSession::new(self.profile.lang, Arc::clone(&self.settings)))
    }

    fn plain<'a>(&self, signal: &'a Signal) -> Option<Cow<'a, [u8]>> {
        bridge::plain(signal).map(|text| Cow::Owned(text.into_bytes()))
    }
}

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "mesh",
    serves: "LessUp/webrtc rooms and the web app at /",
    endpoints: &[Endpoint {
        at: At::Path("/ws"),
        codec: Codec::WebSocket,
        plain: None,
        subprotocol: Subprotocol::None,
    }],
    keys: &[
        Key { name: "path", default: "\"/ws\"", doc: "Path of the WebSocket endpoint." },
        Key { name: "rooms", default: "1000", doc: "Most rooms at once." },
        Key { name: "members", default: "50", doc: "Most members of one room." },
        Key { name: "origins", default: "[]", doc: "Origins admitted here; empty: the global list." },
        Key { name: "ping_interval_ms", default: "15000", doc: "Milliseconds between WebSocket pings." },
        Key {
            name: "pong_timeout_ms",
            default: "20000",
            doc: "Milliseconds without a pong after which a peer is gone.",
        },
        Key {
            name: "list_window_ms",
            default: "50",
            doc: "Least milliseconds between two merged member lists of a room.",
        },
    ],
    messages: &[
        MessageDoc::new("join", Direction::In, "Command::Join", "src/session.rs"),
        MessageDoc::new("leave", Direction::In, "Command::Leave", "src/session.rs"),
        MessageDoc::new("offer", Direction::Both, "Command::Signal, Event::MemberSignal (Offer)", "src/session.rs"),
        MessageDoc::new("answer", Direction::Both, "Command::Signal, Event::MemberSignal (Answer)", "src/session.rs"),
        MessageDoc::new(
            "candidate",
            Direction::Both,
            "Command::Signal, Event::MemberSignal (Candidate)",
            "src/session.rs",
        ),
        MessageDoc::new("hangup", Direction::Both, "Command::Signal, Event::MemberSignal (Bye)", "src/session.rs"),
        MessageDoc::new("ping", Direction::In, "answered by the session", "src/session.rs"),
        MessageDoc::new("pong", Direction::Out, "answer to ping", "src/wire.rs"),
        MessageDoc::new("joined", Direction::Out, "Event::Joined", "src/wire.rs"),
        MessageDoc::new("room_members", Direction::Out, "Event::Members", "src/wire.rs"),
        MessageDoc::new("error", Direction::Out, "Event::Refused and the session's own checks", "src/refusal.rs"),
    ],
};
