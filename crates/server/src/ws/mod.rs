//! RFC 6455 for many idle connections: our own frame loop, which keeps no buffer while nothing is half-read or
//! half-written (`docs/decisions/0005`; what a client costs: `docs/performance.md`).

mod connection;
mod credential;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod handshake;
mod reader;

pub(crate) use connection::Connection;
pub(crate) use credential::of_header as bearer;
pub(crate) use handshake::{Admitted, Headers, Rejection, accept, check, has_body, has_token};

/// A text message to a client, as bytes.
pub(crate) fn text_frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    frame::write(&mut out, frame::Opcode::Text, text.as_bytes());
    out
}
