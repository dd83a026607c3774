//! The side of a media server: the runtime API (ers.md part 2), its client of a rendezvous server, and what it serves.
//!
//! | session | on what | what it does |
//! |---|---|---|
//! | `resident` | nothing: it lives as long as the server | knows the configurations, opens connections |
//! | `caller` | the three interfaces of the API | takes commands, hands them to the resident, answers in order |
//! | `client` | a connection to a rendezvous server that the resident has opened | waits in a room, serves one viewer |
//!
//! They speak with each other by posts through the hub (`note`).

mod api;
mod book;
mod caller;
mod client;
mod events;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod note;
mod opening;
mod resident;
pub(crate) mod sdp;
pub(crate) mod wire;

use std::net::IpAddr;
use std::sync::Arc;

use patchbay_core::{Ice, Lang, Profile, Realm, Transport};
use patchbay_dialect_kit::{
    Arrival, At, Codec, Dialect, Direction, Endpoint, Key, MessageDoc, Session, Spec, Subprotocol,
};

use self::api::answer::Form;
use self::caller::Caller;
use self::client::Client;
use self::opening::Opening;
use self::resident::Resident;

pub use self::book::answers::Envelope;
pub use self::events::Sinks;

/// The dialect with its settings.
#[derive(Clone, Debug)]
pub struct Ems {
    profile: Profile,
    envelope: Envelope,
    sinks: Arc<Sinks>,
}

/// The interfaces of the API, as [`Arrival::endpoint`] names them.
pub mod endpoint {
    /// Commands, answered in JSON behind its length.
    pub const JSON: &str = "json";
    /// Commands, answered for people.
    pub const ASCII: &str = "ascii";
    /// Commands as HTTP requests.
    pub const HTTP: &str = "http";
}

impl Ems {
    /// The dialect under the numbers that the shell gave to it and to its naming space: that of the streams it serves.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, envelope: Envelope) -> Self {
        let transport = Transport::WebRtc(Ice::Configured);
        let profile = Profile { realm, lang, peer_to_peer: false, one_call: false, transport };
        Self { profile, envelope, sinks: Arc::default() }
    }

    /// The same, and what becomes of it is told there.
    #[must_use]
    pub fn telling(self, sinks: Sinks) -> Self {
        Self { sinks: Arc::new(sinks), ..self }
    }

    fn caller(&self, endpoint: &str, from: Option<IpAddr>) -> Box<dyn Session> {
        let form = match endpoint {
            endpoint::ASCII => Form::Ascii,
            endpoint::HTTP => Form::Http,
            _ => Form::Json,
        };
        Box::new(Caller::new(self.profile.lang, form, from, &self.sinks))
    }
}

impl Dialect for Ems {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        // Of whom nothing is known, nothing is believed.
        self.caller(endpoint::JSON, Some(IpAddr::from([0, 0, 0, 0])))
    }

    fn open_for(&self, endpoint: &str) -> Box<dyn Session> {
        match Opening::read(endpoint) {
            Some(opening) => Box::new(Client::new(self.profile.lang, opening, &self.sinks)),
            None => self.open(),
        }
    }

    fn open_by(&self, arrival: &Arrival<'_>) -> Box<dyn Session> {
        self.caller(arrival.endpoint, arrival.from)
    }

    fn resident(&self) -> Option<Box<dyn Session>> {
        Some(Box::new(Resident::new(self.profile.lang, self.envelope, &self.sinks)))
    }
}

const fn own(native: &'static str, codec: Codec) -> Endpoint {
    Endpoint { at: At::Own { native }, codec, plain: None, subprotocol: Subprotocol::None }
}

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "ems",
    serves: "whoever starts EvoStream's startWebrtc, and the players that come through its rendezvous server",
    endpoints: &[
        own("127.0.0.1:1112", Codec::Lines),
        own("127.0.0.1:1222", Codec::Lines),
        own("127.0.0.1:7777", Codec::Exchange),
    ],
    keys: &[
        Key { name: "json_listen", default: "\"\"", doc: "The runtime API in JSON." },
        Key { name: "ascii_listen", default: "\"\"", doc: "The runtime API in ASCII." },
        Key { name: "http_listen", default: "\"\"", doc: "The runtime API over HTTP." },
        Key { name: "envelope", default: "\"both\"", doc: "The form of the answer to startWebrtc." },
        Key { name: "pull", default: "[]", doc: "Streams that are pulled out of rooms." },
        Key { name: "event_sinks", default: "[]", doc: "Servers that are told what becomes of this side." },
        Key { name: "pull_token_file", default: "\"\"", doc: "A file with the token for these rooms." },
    ],
    messages: MESSAGES,
};

const REQUEST: &str = "src/ems/api/wire.rs";
const WIRE: &str = "src/ems/wire.rs";
const CHANNEL: &str = "src/ems/wire/channel.rs";

static MESSAGES: &[MessageDoc] = &[
    MessageDoc::new("startwebrtc", Direction::In, "Job::Dial, by the resident session", REQUEST),
    MessageDoc::new("stopwebrtc", Direction::In, "the end of such connections", REQUEST),
    MessageDoc::new("listconfig", Direction::In, "answered by the resident session", REQUEST),
    MessageDoc::new("getconfiginfo", Direction::In, "answered by the resident session", REQUEST),
    MessageDoc::new("removeconfig", Direction::In, "the end of such connections", REQUEST),
    MessageDoc::new("sendwebrtccommand", Direction::In, "Command::Say", REQUEST),
    MessageDoc::new("shutdownserver", Direction::In, "Job::Stop", REQUEST),
    MessageDoc::new("version", Direction::In, "answered by the session", REQUEST),
    MessageDoc::new("help", Direction::In, "answered by the session", REQUEST),
    MessageDoc::new("quit", Direction::In, "answered by the session", REQUEST),
    MessageDoc::new("join", Direction::Out, "the way into a room", WIRE),
    MessageDoc::new("clientJoined", Direction::In, "Command::View", WIRE),
    MessageDoc::new("message", Direction::Both, "Command::Signal, Event::Described", WIRE),
    MessageDoc::new("remove", Direction::In, "the end of the view", WIRE),
    MessageDoc::new("HBTimeout", Direction::Out, "the session's own watchdog", WIRE),
    MessageDoc::new("heartbeat", Direction::Both, "Event::Heard, Command::Say", CHANNEL),
    MessageDoc::new("command", Direction::In, "Event::Heard, Command::Pause", CHANNEL),
    MessageDoc::new("fmp4Request", Direction::In, "Event::Heard", CHANNEL),
    MessageDoc::new("fmp4Response", Direction::Out, "Command::Say", CHANNEL),
    MessageDoc::new("metadata", Direction::Out, "the answer to a ping, by Command::Say", CHANNEL),
];
