//! The `sid` dialect: one-to-one calls with a presence list, as db2crush/webrtc-signaling-server speaks it.
//!
//! | message | becomes | answer |
//! |---|---|---|
//! | `sId` | [`Command::Register`](patchbay_core::Command::Register) | the same, then `clu` to all who wait |
//! | `session` | [`Command::Call`](patchbay_core::Command::Call) | `session`, then `ssu` 1 to both and `clu` to the rest |
//! | `call` `accept` | [`Command::Signal`](patchbay_core::Command::Signal), then `Ring` or `Accept` | the same to the other end, then `ssu` to both |
//! | `icecandidate` | [`Command::Signal`](patchbay_core::Command::Signal) | the same to the other end |
//! | `stop` `reject` | [`Command::Hangup`](patchbay_core::Command::Hangup) | the same to the other end, then `ssu` 4 to both and `clu` to all who wait |
//! | `notify` | [`Command::Post`](patchbay_core::Command::Post) | the same to one client |
//!
//! Messages and limits: `docs/dialects/sid.md`. Media never touches the server: the two ends relay through the hub.
#![warn(missing_docs)]

#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod number;
mod refusal;
mod session;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Profile, Realm};
use patchbay_dialect_kit::{
    At, Codec, Dialect, Direction, Endpoint, Key, MessageDoc, Rate, Session, Spec, Subprotocol,
};

/// The dialect with its settings; opens one session per connection.
#[derive(Clone, Debug)]
pub struct Sid {
    profile: Profile,
    settings: Arc<Settings>,
}

/// What an operator can set.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Time between WebSocket pings to a registered client, and the time it has for each answer: shorter frees the ids
    /// of the dead sooner, longer wakes phones less often.
    pub ping_interval: Duration,
    /// How long a connection may stand without an sId: longer lets slow pages take their time, shorter frees what
    /// strangers hold.
    pub register_timeout: Duration,
    /// Up to this many clients every change of the list is sent by itself; above, changes within the realm's window
    /// share one list, since lists to all cost the square of the clients for each change.
    pub every_list_up_to: usize,
    /// Limit of the requests that change what others see, or reach somebody outside of a session. Above it the client
    /// is read no faster.
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_interval: Duration::from_secs(3),
            register_timeout: Duration::from_secs(60),
            every_list_up_to: 200,
            rate: Rate { per_second: 500, burst: 1_000 },
        }
    }
}

impl Sid {
    /// The dialect under the numbers that the shell gave to it and to its naming space.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let profile =
            Profile { realm, lang, peer_to_peer: true, one_call: true, transport: patchbay_core::Transport::default() };
        Self { profile, settings: Arc::new(settings) }
    }
}

impl Dialect for Sid {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(session::SidSession::new(self.profile.lang, Arc::clone(&self.settings)))
    }
}

/// The reference answers every ordinary request so, and agrees to whatever subprotocol a client offers first: sid.md
/// section 1.
const fn endpoint(at: At, plain: Option<&'static str>) -> Endpoint {
    Endpoint { at, codec: Codec::WebSocket, plain, subprotocol: Subprotocol::First }
}

const PLAIN: Option<&str> = Some("...\n");

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "sid",
    serves: "db2crush/webrtc-signaling-server clients",
    endpoints: &[
        endpoint(At::Path("/sid"), PLAIN),
        endpoint(At::Root, None),
        endpoint(At::Own { native: ":90" }, PLAIN),
    ],
    keys: &[
        Key { name: "path", default: "\"/sid\"", doc: "Path of the WebSocket endpoint." },
        Key { name: "listen", default: "\"\"", doc: "A listener of its own, where any path speaks sid." },
        Key { name: "origins", default: "[]", doc: "Origins admitted here; empty: the global list." },
        Key { name: "token_file", default: "\"\"", doc: "Tokens that a handshake must present; empty: none." },
        Key { name: "tenants", default: "[]", doc: "Worlds of their own, at the path and their name." },
        Key { name: "ping_interval_ms", default: "3000", doc: "Milliseconds between WebSocket pings." },
        Key { name: "register_timeout_ms", default: "60000", doc: "Milliseconds a connection may have no sId." },
        Key { name: "every_list_up_to", default: "200", doc: "Clients above which client lists are merged." },
        Key { name: "list_window_ms", default: "100", doc: "Least milliseconds between two merged client lists." },
    ],
    messages: &[
        MessageDoc::new("sId", Direction::Both, "Command::Register, Event::Registered", "src/session.rs"),
        MessageDoc::new("session", Direction::Both, "Command::Call, Event::CallChanged", "src/session.rs"),
        MessageDoc::new(
            "call",
            Direction::Both,
            "Command::Signal (Offer) and Ring, Event::CallSignal",
            "src/session.rs",
        ),
        MessageDoc::new(
            "accept",
            Direction::Both,
            "Command::Signal (Answer) and Accept, Event::CallSignal",
            "src/session.rs",
        ),
        MessageDoc::new(
            "icecandidate",
            Direction::Both,
            "Command::Signal, Event::CallSignal (Candidate)",
            "src/session.rs",
        ),
        MessageDoc::new("reject", Direction::Both, "Command::Hangup, Event::Ended (Declined)", "src/session.rs"),
        MessageDoc::new("stop", Direction::Both, "Command::Hangup, Event::Ended (Hangup)", "src/session.rs"),
        MessageDoc::new("notify", Direction::Both, "Command::Post, Event::Posted", "src/session.rs"),
        MessageDoc::new("leave", Direction::Out, "Event::Ended (Gone)", "src/wire.rs"),
        MessageDoc::new("ssu", Direction::Out, "Event::CallChanged, Event::Ended", "src/wire.rs"),
        MessageDoc::new("clu", Direction::Out, "Event::Presence", "src/wire.rs"),
        MessageDoc::new("error", Direction::Out, "Event::Refused and the session's own checks", "src/refusal.rs"),
    ],
};
