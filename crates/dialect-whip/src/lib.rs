//! The `whip` dialect: WHIP publishers (RFC 9725) and WHEP players (draft-ietf-wish-whep), in HTTP requests.
//!
//! | request | becomes | reply |
//! |---|---|---|
//! | `POST /whip/NAME` | [`Command::Publish`](patchbay_core::Command::Publish), then the offer by [`Command::Signal`](patchbay_core::Command::Signal) | 201 with the answer |
//! | `POST /whep/NAME` | [`Command::Watch`](patchbay_core::Command::Watch) | 201 with the answer |
//! | `PATCH` of the resource | [`Command::Signal`](patchbay_core::Command::Signal): candidates, or an offer that differs in its network alone | 204, or 200 with our side of the restart |
//! | `DELETE` of the resource | [`Command::Hangup`](patchbay_core::Command::Hangup) | 200 |
//! | `OPTIONS` | answered by the session | 204 with the methods, and ICE servers for who is admitted |
//! | `GET` of a player's `/layers` | [`Command::Query`](patchbay_core::Command::Query) | 200 with the sizes |
//! | `POST` to a player's `/layers` | [`Command::Prefer`](patchbay_core::Command::Prefer) | 200 |
//!
//! One session is one resource: the request that makes it, and those that name it. Statuses and limits:
//! `docs/dialects/whip.md`.
#![warn(missing_docs)]

mod fragment;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod refusal;
mod session;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Lang, Profile, Realm};
use patchbay_dialect_kit::{
    At, Codec, Dialect, Direction, Endpoint, IceServer, Key, MessageDoc, Rate, Session, Spec, Subprotocol,
};

/// The dialect in one naming space with its settings; opens one session per resource.
#[derive(Clone, Debug)]
pub struct Whip {
    profile: Profile,
    settings: Arc<Settings>,
}

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a resource may take from its making until media flows: longer forgives slow networks, shorter frees the
    /// stream's name, and what the resource holds, sooner.
    pub start_timeout: Duration,
    /// What clients are told of STUN and TURN.
    pub ice_servers: Vec<IceServer>,
    /// Limit of the requests for one resource; above it they are answered 429.
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(15),
            ice_servers: Vec::new(),
            rate: Rate { per_second: 500, burst: 1_000 },
        }
    }
}

impl Whip {
    /// The dialect under its number, in the naming space whose streams it publishes and plays.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let profile = Profile {
            realm,
            lang,
            peer_to_peer: false,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        };
        Self { profile, settings: Arc::new(settings) }
    }
}

impl Dialect for Whip {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(session::WhipSession::new(self.profile.lang, Arc::clone(&self.settings)))
    }
}

/// Where publishers and players ask.
pub(crate) const PUBLISH: &str = "/whip";
pub(crate) const PLAY: &str = "/whep";

const fn endpoint(tail: &'static str) -> Endpoint {
    Endpoint { at: At::Below(tail), codec: Codec::Http, plain: None, subprotocol: Subprotocol::None }
}

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "whip",
    serves: "WHIP publishers and WHEP players",
    endpoints: &[endpoint(PUBLISH), endpoint(PLAY)],
    keys: &[
        Key { name: "token_file", default: "\"\"", doc: "A file with the bearer tokens; empty: none is asked for." },
        Key { name: "origins", default: "[]", doc: "Origins admitted here; empty: the global list." },
        Key { name: "location", default: "\"path\"", doc: "How `Location` names a resource: `path` or `url`." },
        Key { name: "start_timeout_ms", default: "15000", doc: "Milliseconds until media must flow." },
    ],
    messages: &[
        MessageDoc::new("POST", Direction::In, "Command::Publish, Command::Watch, Command::Prefer", SESSION),
        MessageDoc::new("PATCH", Direction::In, "Command::Signal (Candidate, Offer)", SESSION),
        MessageDoc::new("DELETE", Direction::In, "Command::Hangup", SESSION),
        MessageDoc::new("OPTIONS", Direction::In, "answered by the session", SESSION),
        MessageDoc::new("GET", Direction::In, "Command::Query (Renditions)", SESSION),
        MessageDoc::new("application/sdp", Direction::Both, "Command::Signal (Offer), Event::Described", WIRE),
        MessageDoc::new(
            "application/trickle-ice-sdpfrag",
            Direction::Both,
            "Command::Signal (Candidate, Offer), Event::Described",
            FRAGMENT,
        ),
        MessageDoc::new("application/json", Direction::Both, "Event::Renditions, Command::Prefer", WIRE),
    ],
};

const SESSION: &str = "src/session.rs";
const WIRE: &str = "src/wire.rs";
const FRAGMENT: &str = "src/fragment.rs";
