//! The server from outside: its process, and a WebSocket client that shares no code with it.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod client;
pub(crate) mod device;
pub(crate) mod http;
pub(crate) mod process;
pub(crate) mod tls;
pub(crate) mod wire;
pub(crate) mod world;
