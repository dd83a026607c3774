//! The `antmedia` dialect: publish and play through the server, meet directly or in rooms, as Ant Media Server's clients
//! speak it.
//!
//! | message | becomes | answer |
//! |---|---|---|
//! | `publish` | [`Command::Publish`](patchbay_core::Command::Publish) | `start`, then a `takeConfiguration` for each of ours, `publish_started` |
//! | `play` | [`Command::View`](patchbay_core::Command::View) | `takeConfiguration` with an offer, then `play_started` |
//! | `takeConfiguration` `takeCandidate` | [`Command::Signal`](patchbay_core::Command::Signal) to the engine | `takeConfiguration` with an answer |
//! | `stop` | [`Command::Hangup`](patchbay_core::Command::Hangup) | `publish_finished`, `play_finished` |
//! | `toggleVideo` `toggleAudio` `enableTrack` | [`Command::Pause`](patchbay_core::Command::Pause) | none |
//! | `forceStreamQuality` | [`Command::Prefer`](patchbay_core::Command::Prefer) | none |
//! | `getStreamInfo` `getTrackList` | [`Command::Query`](patchbay_core::Command::Query) | `streamInformation`, `trackList` |
//! | `join` `leave` | [`Command::Join`](patchbay_core::Command::Join) of a [pair](patchbay_core::RoomKind::Pair), [`Command::Leave`](patchbay_core::Command::Leave) | `joined`, `leaved`; `start` and `stop` to who was first |
//! | `joinRoom` `leaveFromRoom` | the same of an open room, whose members publish its tracks | `joinedTheRoom`, `leavedFromRoom` |
//! | `getRoomInfo` `getBroadcastObject` `getSubtracks` and their like | [`Command::Query`](patchbay_core::Command::Query) | `roomInformation`, `broadcastObject`, `subtrackList` … |
//! | `updateStreamMetaData` | [`Command::Describe`](patchbay_core::Command::Describe) | none |
//! | `ping` `getIceServerConfig` | answered by the session | `pong`, `iceServerConfig` |
//!
//! Messages and limits: `docs/dialects/antmedia.md`. Each application is a realm of its own.
#![warn(missing_docs)]

mod bridge;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod legs;
mod life;
pub mod records;
mod refusal;
mod rest;
mod sdp;
pub mod security;
mod session;
mod shown;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use bridge::stream_of;
use patchbay_core::{Lang, Profile, Realm, Speaks};
use patchbay_dialect_kit::{
    At, Codec, Dialect, Direction, Endpoint, IceServer, Key, MessageDoc, Rate, Session, Spec, Subprotocol,
};

/// One application of the dialect with its settings; opens one session per connection.
#[derive(Clone, Debug)]
pub struct AntMedia {
    profile: Profile,
    settings: Arc<Settings>,
    seats: security::seats::Seats,
}

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a publisher may take from `start` until its media comes, and a player until it answers: longer forgives
    /// slow networks and permission dialogs, shorter frees the id of who gave up. Clients try again after 3 s.
    pub publish_timeout: Duration,
    /// Whom what a player says on its data channel reaches; what a publisher says reaches all its players.
    pub speaks: Speaks,
    /// What clients are told of STUN and TURN; `None`: nothing, and they use their own.
    pub ice_server: Option<IceServer>,
    /// After this time without a frame a client is pinged: shorter finds the dead sooner, longer wakes phones less often.
    pub ping_interval: Duration,
    /// After this time without a frame a client is given up.
    pub idle_timeout: Duration,
    /// Limit of the requests that change something or ask for something. Above it the client is read no faster.
    pub rate: Rate,
    /// The application, as its records are named.
    pub app: Arc<str>,
    /// Who may publish and play.
    pub security: security::Security,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            publish_timeout: Duration::from_secs(5),
            speaks: Speaks::ToAll,
            ice_server: None,
            ping_interval: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(30),
            rate: Rate { per_second: 500, burst: 1_000 },
            app: Arc::from("live"),
            security: security::Security::default(),
        }
    }
}

impl AntMedia {
    /// The dialect under its number, and an application under the number of its naming space.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let profile = Profile {
            realm,
            lang,
            peer_to_peer: false,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        };
        Self { profile, settings: Arc::new(settings), seats: security::seats::Seats::default() }
    }
}

impl Dialect for AntMedia {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        let settings = Arc::clone(&self.settings);
        Box::new(session::AntSession::new(self.profile.lang, settings, self.seats.clone()))
    }

    fn open_for(&self, endpoint: &str) -> Box<dyn Session> {
        match endpoint {
            rest::ENDPOINT => {
                Box::new(rest::RestSession::new(Arc::clone(&self.settings.app), Arc::clone(&self.settings)))
            }
            _ => self.open(),
        }
    }
}

const fn endpoint(at: At) -> Endpoint {
    Endpoint { at, codec: Codec::WebSocket, plain: None, subprotocol: Subprotocol::None }
}

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "antmedia",
    serves: "Ant Media Server clients",
    endpoints: &[
        endpoint(At::Below("/websocket")),
        // What an option of the player's page appends; the same is spoken there.
        endpoint(At::Below("/websocket/signaling")),
        Endpoint { at: At::Below(rest::ENDPOINT), codec: Codec::Exchange, plain: None, subprotocol: Subprotocol::None },
        endpoint(At::Ports { plain: ":5080", secure: ":5443" }),
    ],
    keys: &[
        Key {
            name: "apps",
            default: "[\"WebRTCAppEE\", \"LiveApp\", \"live\", \"StreamApp\", \"Conference\"]",
            doc: "Applications, each with streams of its own.",
        },
        Key { name: "listen", default: "[]", doc: "Listeners of its own, with the same paths." },
        Key { name: "origins", default: "[]", doc: "Origins admitted here; empty: the global list." },
        Key { name: "publish_timeout_ms", default: "5000", doc: "Milliseconds until a publisher's media must come." },
        Key {
            name: "restore_ms",
            default: "10000",
            doc: "Milliseconds that players wait for a publisher that was lost; 0: not at all.",
        },
        Key { name: "data_channel", default: "\"all\"", doc: "Whom a player's data messages reach." },
        Key { name: "viewers", default: "0", doc: "Most players of one stream; 0: no limit." },
        Key { name: "audio_codecs", default: "[\"opus\"]", doc: "Audio codecs; empty: no sound is published." },
        Key {
            name: "video_codecs",
            default: "[\"VP8\", \"H264\"]",
            doc: "Video codecs; empty: no pictures are published.",
        },
        Key {
            name: "ping_interval_ms",
            default: "15000",
            doc: "Milliseconds of silence after which a client is pinged.",
        },
        Key { name: "idle_timeout_ms", default: "30000", doc: "Milliseconds of silence after which it is given up." },
        Key { name: "red5_properties", default: "\"\"", doc: "A `red5.properties`, some names of which count." },
        Key { name: "hook_allow", default: "[]", doc: "Addresses that webhooks may go to though they are not public." },
        Key { name: "hook_secret_file", default: "\"\"", doc: "A file with the secret that signs webhooks." },
        Key { name: "app", default: "[]", doc: "What single applications ask of their clients." },
        Key {
            name: "rest_allowed",
            default: "[\"127.0.0.0/8\", \"::1\"]",
            doc: "Addresses whose REST requests are answered.",
        },
        Key { name: "pages_dir", default: "\"\"", doc: "A folder of pages, served below each application." },
    ],
    messages: &[
        MessageDoc::new("publish", Direction::In, "Command::Publish", SESSION),
        MessageDoc::new("play", Direction::In, "Command::View", SESSION),
        MessageDoc::new(
            "takeConfiguration",
            Direction::Both,
            "Command::Signal (Offer, Answer), Event::Described",
            SESSION,
        ),
        MessageDoc::new("takeCandidate", Direction::Both, "Command::Signal (Candidate), Event::Described", SESSION),
        MessageDoc::new("stop", Direction::In, "Command::Hangup", SESSION),
        MessageDoc::new("toggleVideo", Direction::In, "Command::Pause", SESSION),
        MessageDoc::new("toggleAudio", Direction::In, "Command::Pause", SESSION),
        MessageDoc::new("enableTrack", Direction::In, "Command::Pause", SESSION),
        MessageDoc::new("forceStreamQuality", Direction::In, "Command::Prefer", SESSION),
        MessageDoc::new("getStreamInfo", Direction::In, "Command::Query (Renditions)", SESSION),
        MessageDoc::new("getTrackList", Direction::In, "Command::Query (Tracks)", SESSION),
        MessageDoc::new("join", Direction::In, "Command::Join (Pair)", PAIR),
        MessageDoc::new("leave", Direction::In, "Command::Leave", PAIR),
        MessageDoc::new("peerMessageCommand", Direction::Both, "Command::Signal (Info), Event::MemberSignal", PAIR),
        MessageDoc::new("joinRoom", Direction::In, "Command::Join (Open)", ROOM),
        MessageDoc::new("getRoomInfo", Direction::In, "Command::Query (Stream)", ROOM),
        MessageDoc::new("leaveFromRoom", Direction::In, "Command::Leave", ROOM),
        MessageDoc::new("getBroadcastObject", Direction::In, "Command::Query (Stream)", KNOW),
        MessageDoc::new("updateStreamMetaData", Direction::In, "Command::Describe", KNOW),
        MessageDoc::new("getSubtracks", Direction::In, "Command::Query (Stream)", KNOW),
        MessageDoc::new("getSubtracksCount", Direction::In, "Command::Query (Stream)", KNOW),
        MessageDoc::new("getSubscriberCount", Direction::In, "Command::Query (Viewers)", KNOW),
        MessageDoc::new("getSubscribers", Direction::In, "Command::Query (Viewers)", KNOW),
        MessageDoc::new("getVideoTrackAssignmentsCommand", Direction::In, "Command::Query (Tracks)", KNOW),
        MessageDoc::new("updateVideoTrackAssignmentsCommand", Direction::In, "Command::Query (Tracks)", KNOW),
        MessageDoc::new("getDebugInfo", Direction::In, "answered by the session", KNOW),
        MessageDoc::new("registerPushNotificationToken", Direction::In, "declined by the session", SESSION),
        MessageDoc::new("sendPushNotification", Direction::In, "declined by the session", SESSION),
        MessageDoc::new("joined", Direction::Out, "Event::Joined", PAIR),
        MessageDoc::new("leaved", Direction::Out, "answer to leave", PAIR),
        MessageDoc::new("joinedTheRoom", Direction::Out, "Event::Joined, Event::Known", ROOM),
        MessageDoc::new("leavedFromRoom", Direction::Out, "answer to leaveFromRoom, and to stop in a room", ROOM),
        MessageDoc::new("roomInformation", Direction::Out, "Event::Known", ROOM),
        MessageDoc::new("broadcastObject", Direction::Out, "Event::Known", KNOW),
        MessageDoc::new("subtrackList", Direction::Out, "Event::Known", KNOW),
        MessageDoc::new("subtrackCount", Direction::Out, "Event::Known", KNOW),
        MessageDoc::new("subscriberCount", Direction::Out, "Event::Viewers", KNOW),
        MessageDoc::new("subscriberList", Direction::Out, "Event::Viewers", KNOW),
        MessageDoc::new("debugInfo", Direction::Out, "answer to getDebugInfo", KNOW),
        MessageDoc::new("VIDEO_TRACK_ASSIGNMENT_LIST", Direction::Out, "Event::Tracks, by Command::Say", KNOW),
        MessageDoc::new("AUDIO_TRACK_ASSIGNMENT", Direction::Out, "Event::Speaker, by Command::Say", KNOW),
        MessageDoc::new("getIceServerConfig", Direction::In, "answered by the session", SESSION),
        MessageDoc::new("ping", Direction::In, "answered by the session", SESSION),
        MessageDoc::new("pong", Direction::Out, "answer to ping", WIRE),
        MessageDoc::new("iceServerConfig", Direction::Out, "answer to getIceServerConfig", WIRE),
        MessageDoc::new("start", Direction::Out, "Event::Reserved; Event::Members of a pair", WIRE),
        MessageDoc::new("streamInformation", Direction::Out, "Event::Renditions", WIRE),
        MessageDoc::new("trackList", Direction::Out, "Event::Tracks", WIRE),
        MessageDoc::new("publish_started", Direction::Out, "Event::Flowing", WIRE),
        MessageDoc::new("publish_finished", Direction::Out, "Event::LegEnded", WIRE),
        MessageDoc::new("play_started", Direction::Out, "Event::Flowing", WIRE),
        MessageDoc::new("play_finished", Direction::Out, "Event::LegEnded", WIRE),
        MessageDoc::new("session_restored", Direction::Out, "Event::Reserved, Event::Flowing", WIRE),
        MessageDoc::new("streaming_started", Direction::Out, "Event::Live", WIRE),
        MessageDoc::new("subtrackAdded", Direction::Out, "Event::TrackChanged", WIRE),
        MessageDoc::new("subtrackRemoved", Direction::Out, "Event::TrackChanged", WIRE),
        MessageDoc::new("TRACK_LIST_UPDATED", Direction::Out, "Event::TrackChanged, by Command::Say", WIRE),
        MessageDoc::new("bitrateMeasurement", Direction::Out, "Event::Measured", WIRE),
        MessageDoc::new("server_will_stop", Direction::Out, "Session::on_drain", WIRE),
        MessageDoc::new("resolutionChangeInfo", Direction::Out, "Event::Switched", WIRE),
        MessageDoc::new(
            "error",
            Direction::Out,
            "Event::Refused, Event::LegEnded and the session's own checks",
            REFUSAL,
        ),
    ],
};

const SESSION: &str = "src/session.rs";
const PAIR: &str = "src/session/pair.rs";
const ROOM: &str = "src/session/room.rs";
const KNOW: &str = "src/session/know.rs";
const WIRE: &str = "src/wire.rs";
const REFUSAL: &str = "src/refusal.rs";
