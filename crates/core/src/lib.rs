//! The domain of Patchbay: parties, rooms, calls and links, as one pure state machine.
//!
//! The [`Hub`] takes a [`Command`] of one party and returns [`Effect`]s; it reads no clock, takes no lock, does no I/O
//! and knows no protocol. A dialect translates its text to commands and events to its text; the shell carries effects
//! out. Five laws hold everywhere (see `ARCHITECTURE.md`); the two that live here: *an event never causes a command in
//! the same turn*, and *the hub never waits*.
#![warn(missing_docs)]

mod card;
mod cause;
mod command;
mod effect;
mod event;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod hub;
mod id;
mod limits;
mod media;
mod name;
mod patch;
mod queue;
mod refusal;
mod signal;
mod time;

pub use card::Card;
pub use cause::{Cause, CauseKind, PHRASE_BYTES, Phrase};
pub use command::{Address, Command, Join, Knock, Profile, Publish, Query, RoomKind, Selection, Shape, Speaks, View};
pub use effect::{Counts, Effect, Effects};
pub use event::{
    CallState, Event, Known, LevelKey, MemberList, Merge, Presence, PresenceEntry, PresenceList, Published,
};
pub use hub::{Hub, Violation};
pub use id::{Lang, LinkId, PartyId, Realm, RoomId, Tag, Token};
pub use limits::{Limits, RealmLimits};
pub use media::{
    Codec, DescriptionKind, Ice, Kind, Kinds, LegRole, MediaEvent, MediaFault, MediaOp, Open, Rendition, Report,
    Section, Srtp, Talk, Topic, Track, Transport,
};
pub use name::{InvalidName, Name};
pub use patch::{MemberSpace, Patch, StreamSpace};
pub use queue::EventQueue;
pub use refusal::Refusal;
pub use signal::{Body, Reach, Signal, SignalKind};
pub use time::Moment;
