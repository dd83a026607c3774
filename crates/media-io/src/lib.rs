//! The media engine on threads and sockets.
//!
//! One thread and one UDP port for each worker ([`patchbay_media::Worker`]). Whoever has a leg keeps its worker for
//! life; the [`Engine`] knows which it is. Nobody waits for anybody: operations and messages go into bounded queues, and
//! what a full socket does not take is lost, as in the network.
#![warn(missing_docs)]

mod addresses;
mod engine;
mod inbox;
mod settings;
mod socket;
mod thread;

pub use addresses::is_own;
pub use engine::{Engine, Refused};
pub use settings::Settings;
