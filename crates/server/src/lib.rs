//! The server: glue between dialects, the hub and the network. Listeners, HTTP routes, the WebSocket loop, mailboxes,
//! configuration and telemetry; no word of any protocol but HTTP, WebSocket and Socket.IO (`dialects.rs` names the dialects).

mod attached;
pub mod cli;
mod client;
mod clock;
pub mod config;
mod dial;
mod dialects;
pub mod doctor;
mod door;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod http;
mod jobs;
mod line;
mod lines;
mod listener;
mod mailbox;
mod media;
mod metrics;
mod overload;
mod places;
#[cfg(test)]
mod probe;
mod random;
mod resource;
mod serve;
mod shell;
#[cfg(feature = "sim")]
pub mod sim;
mod socket;
mod socketio;
mod switchboard;
pub mod telemetry;
mod tls;
mod ws;

pub use dialects::{SPECS, Served, served};
pub use door::{Door, Place, Setting, Tokens};
pub use folder::Folder;
pub use lines::LinesPort;
pub use serve::{run, serve};
