//! The media engine, without I/O.
//!
//! A [`Worker`] holds the legs of one thread: it takes operations of the hub, datagrams and the time, and hands what
//! comes of them to a [`Sink`]. Sound and pictures are passed through, never decoded: a selective forwarding unit
//! (RFC 7667 section 3.7) on str0m, and conversations, also with telephones. `patchbay-media-io` gives it threads and sockets.
#![warn(missing_docs)]

pub mod allocate;
mod batch;
mod burst;
mod cadence;
mod clock;
mod codecs;
mod config;
mod demux;
mod dtls;
mod egress;
mod fragments;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
pub mod keyframe;
mod leg;
pub mod meter;
mod peer;
mod random;
mod reception;
pub mod rewrite;
mod route;
mod rtcp;
mod rtp;
pub mod sdp;
pub mod select;
mod sink;
pub mod speaker;
mod srtp;
mod talk;
mod timeline;
pub mod vp8;
mod wheel;
mod worker;

pub use burst::{Burst, Packet};
pub use config::Config;
pub use peer::{LayerInfo, Peer, PeerMessage, Said};
pub use sink::{Datagrams, Sink};
pub use worker::{Counts, Datagram, RtpDatagram, Worker};
