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
mod janus;
mod leg;
mod loads;
mod payload;
mod receiver;
mod rtcp;
mod rtp;
mod script;
mod sdp;
mod signalling;
mod socket;
mod source;
mod srtp;
mod stage;
mod subject;
mod tally;
mod tap;

pub(crate) use bench::run;
pub(crate) use floor::serve as floor;
