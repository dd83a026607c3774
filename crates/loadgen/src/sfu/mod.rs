//! The SFU benchmark: publishers and viewers of real WebRTC, and what they cost a server.
//!
//! A peer's connection is str0m's: ICE, DTLS, descriptions. What a viewer receives goes past it (`connection.rs`,
//! `receiver.rs`), so that one core can watch what another core sends to hundreds. `loads/` says what is measured,
//! `bench.rs` in which order, `subject.rs` on what.

mod bench;
mod cast;
mod connection;
mod counter;
mod figures;
mod floor;
pub(crate) mod janus;
mod leg;
mod loads;
mod payload;
mod receiver;
mod rtcp;
pub(crate) mod rtp;
pub(crate) mod script;
pub(crate) mod sdp;
pub(crate) mod signalling;
mod soak;
pub(crate) mod socket;
pub(crate) mod source;
mod srtp;
mod stage;
pub(crate) mod subject;
mod tally;
pub(crate) mod tap;

pub(crate) use bench::run;
pub(crate) use floor::serve as floor;
pub(crate) use soak::run as soak;
