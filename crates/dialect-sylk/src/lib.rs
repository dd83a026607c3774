//! The `sylk` dialect: clients of [SylkServer](https://github.com/AGProjects/sylkserver)'s WebRTC gateway, which add SIP
//! accounts, make and take calls, and meet in video rooms, in JSON over one WebSocket.
//!
//! | request | becomes | answer |
//! |---|---|---|
//! | `account-register` | [`Order::Register`](patchbay_dialect_kit::line::Order::Register) | `ack`, then `registration-state` as it goes |
//! | `session-create` | [`Order::Dial`](patchbay_dialect_kit::line::Order::Dial), then [`Command::Call`](patchbay_core::Command::Call) and an offer | `ack`, then `state`s |
//! | `session-answer` | an answer, [`Command::Accept`](patchbay_core::Command::Accept) | `ack`, `accepted`, `established` |
//! | `session-trickle` | [`Command::Signal`](patchbay_core::Command::Signal) | `ack` |
//! | `session-terminate` | [`Command::Hangup`](patchbay_core::Command::Hangup) | `ack`, `terminated` |
//! | `session-dtmf-info`, `session-message` | [`Detail`](patchbay_dialect_kit::line::Detail)s | `ack` |
//! | `account-message` | [`Order::Text`](patchbay_dialect_kit::line::Order::Text) | `ack`, then `disposition-notification` |
//!
//! Three generations of clients speak it:
//!
//! | spoken | subprotocol | requests | events |
//! |---|---|---|---|
//! | V0, up to 30 July 2015 | `sylkRTC-1` | `add_account` `register` `call` `answer` `trickle` `terminate` … | `account_event`, `session_event`, with `data` |
//! | V1, up to 12 October 2017 | `sylkRTC-1` | `account-add` `session-create` … `videoroom-ctl` `videoroom-terminate` | the same and `videoroom_event` |
//! | V2, since | `sylkRTC-2` | the same and `videoroom-leave` … `account-message` … `ping` | `account-event`, `session-event`, `videoroom-event`, flat |
//!
//! Messages and limits: `docs/dialects/sylk.md`.
//!
//! | message | is |
//! |---|---|
//! | a request with a `transaction` | [`wire::Decoded`]: [`wire::Request`], or the [`wire::Problem`] that it is answered with |
//! | anything else | [`wire::Ignored`] |
//! | `ack`, `error`, ready | [`wire::ack`], [`wire::error`], [`wire::ready`] |
//! | every event | [`wire::Event`], by [`wire::write`](wire::write()) |
#![warn(missing_docs)]

pub mod aor;
mod call;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod refusal;
mod session;
#[doc(hidden)]
pub mod wire;

use std::sync::Arc;

use patchbay_core::{Ice, Lang, Profile, Realm, Transport};
use patchbay_dialect_kit::{
    At, Codec, Dialect, Direction, Endpoint, Key, MessageDoc, Rate, Session, Spec, Subprotocol,
};

pub use wire::Originator;

/// The dialect with its settings; opens one session per connection.
#[derive(Clone, Debug)]
pub struct Sylk {
    profile: Profile,
    settings: Arc<Settings>,
}

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Domains whose accounts may be added; empty: all.
    pub domains: Vec<String>,
    /// The SIP status with which a client declines: 486, or 603, which stops others from ringing, too.
    pub decline: u16,
    /// How V1 says who calls.
    pub originator: Originator,
    /// Clients are told of a call that the other side would change, and answer it. Today's web app does not, so it is off.
    pub updates: bool,
    /// Limit of requests. Above it the client is read no faster.
    pub rate: Rate,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            domains: Vec::new(),
            decline: 486,
            originator: Originator::Object,
            updates: false,
            rate: Rate { per_second: 500, burst: 1_000 },
        }
    }
}

impl Sylk {
    /// The dialect under the numbers that the shell gave to it and to its naming space.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let transport = Transport::WebRtc(Ice::Configured);
        let profile = Profile { realm, lang, peer_to_peer: false, one_call: false, transport };
        Self { profile, settings: Arc::new(settings) }
    }
}

impl Dialect for Sylk {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        self.open_as(None)
    }

    fn open_as(&self, subprotocol: Option<&str>) -> Box<dyn Session> {
        let subprotocol = wire::Subprotocol::choose(subprotocol).unwrap_or(wire::Subprotocol::Two);
        Box::new(session::SylkSession::new(self.profile.lang, Arc::clone(&self.settings), subprotocol))
    }
}

/// The newest that a client offers is agreed to; who offers none is refused: sylk.md section 1.
const fn endpoint(at: At) -> Endpoint {
    let subprotocol = Subprotocol::OneOf(&["sylkRTC-2", "sylkRTC-1"]);
    Endpoint { at, codec: Codec::WebSocket, plain: None, subprotocol }
}

/// The dialect as data.
pub static SPEC: Spec = Spec {
    name: "sylk",
    serves: "sylkrtc.js clients of SylkServer, from 2015 on",
    endpoints: &[endpoint(At::Path("/webrtcgateway/ws")), endpoint(At::Own { native: ":10888" })],
    keys: &[
        Key { name: "path", default: "\"/webrtcgateway/ws\"", doc: "Path of the WebSocket endpoint." },
        Key { name: "listen", default: "\"\"", doc: "A listener of its own." },
        Key { name: "origins", default: "[]", doc: "Origins admitted here; empty: the global list." },
    ],
    messages: MESSAGES,
};

const SESSION: &str = "src/session.rs";
const CALL: &str = "src/call.rs";
const EVENTS: &str = "src/wire/write/v2.rs";

const fn asked(name: &'static str, meaning: &'static str, file: &'static str) -> MessageDoc {
    MessageDoc::new(name, Direction::In, meaning, file)
}

const fn told(name: &'static str, meaning: &'static str) -> MessageDoc {
    MessageDoc::new(name, Direction::Out, meaning, EVENTS)
}

/// By the names of today. Those of older clients: the table above.
const MESSAGES: &[MessageDoc] = &[
    asked("ping", "answered by the session", SESSION),
    asked("account-add", "the session's memory", SESSION),
    asked("account-remove", "Order::Unregister", SESSION),
    asked("account-register", "Order::Register", SESSION),
    asked("account-unregister", "Order::Unregister", SESSION),
    asked("account-devicetoken", "goes with the next Order::Register", SESSION),
    asked("account-message", "Order::Text", SESSION),
    asked("account-disposition-notification", "Order::Receipt", SESSION),
    asked("account-fetch-addressbook", "answered by the session: empty", SESSION),
    asked("account-update-addressbook", "answered by the session: refused", SESSION),
    asked("account-sync-conversations", "answered by the session: none", SESSION),
    asked("account-mark-conversation-read", "acknowledged", SESSION),
    asked("account-remove-message", "acknowledged", SESSION),
    asked("account-remove-conversation", "acknowledged", SESSION),
    asked("lookup-public-key", "answered by the session: unknown", SESSION),
    asked("session-create", "Order::Dial, then Command::Call and Command::Signal (Offer)", CALL),
    asked("session-answer", "Command::Signal (Answer) and Command::Accept", CALL),
    asked("session-trickle", "Command::Signal (Candidate)", CALL),
    asked("session-terminate", "Command::Hangup", CALL),
    asked("session-update", "Command::Signal (Offer, Answer)", CALL),
    asked("session-message", "Detail::Text", CALL),
    asked("session-dtmf-info", "Detail::Digit", CALL),
    told("registration-state", "News::Registration"),
    told("incoming-session", "Event::CallSignal (Offer)"),
    told("missed-session", "Event::Ended, News::Missed"),
    told("disposition-notification", "News::Delivered, News::Receipt"),
    told("session-event", "Event::CallChanged, Event::CallSignal, Event::Flowing, Event::Ended"),
];
