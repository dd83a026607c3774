//! The SFU benchmark: publishers and viewers of real WebRTC, and what they cost a server.
//!
//! A peer's connection is str0m's: ICE, DTLS, descriptions. What a viewer receives goes past it (`connection.rs`,
//! `receiver.rs`), so that one core can watch what another core sends to hundreds.

mod connection;
mod counter;
mod leg;
mod payload;
mod receiver;
mod rtcp;
mod rtp;
mod script;
mod sdp;
mod socket;
mod source;
mod srtp;
mod stage;
mod tally;
mod tap;
