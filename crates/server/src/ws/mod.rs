//! RFC 6455 for many idle connections: our own frame loop, since library buffers cost 4 to 131 kB per client
//! (`docs/performance.md`); this one keeps none while nothing is half-read or half-written.

mod connection;
mod frame;
mod handshake;

pub(crate) use connection::Connection;
pub(crate) use handshake::{accept_response, check};
