//! The media engine on threads and sockets.
//!
//! One thread and one UDP port for each worker ([`patchbay_media::Worker`]), and pairs of ports for telephones while they
//! talk. Whoever has a leg keeps its worker for life; the [`Engine`] knows which it is. Both ends of a conversation have the
//! same one. Nobody waits for anybody: operations and messages go into bounded queues, and
//! what a full socket does not take is lost, as in the network.
#![warn(missing_docs)]

mod addresses;
mod engine;
mod inbox;
mod moderation;
mod places;
mod ports;
mod settings;
mod socket;
mod telephones;
mod thread;

pub use addresses::is_own;
pub use engine::{Engine, Refused};
pub use settings::{RTP_PORTS, Settings};
