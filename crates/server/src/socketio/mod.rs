//! Socket.IO protocol 1, as the library's 0.9.x speaks it (ers.md section 1.2): a handshake over HTTP gives out an id, by which
//! a client then opens a WebSocket, or polls. A session is handed packets; what packets are, it alone knows.
//!
//! Devices read the handshake with a scanner, not with an HTTP client, so the first requests of a connection are answered
//! byte for byte (`first`); what comes behind another request is answered by the HTTP routes, with the same content.

mod answer;
mod first;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod meet;
mod payload;
mod polled;
mod target;
mod task;
mod unused;

use std::net::IpAddr;

use patchbay_dialect_kit::{Arrival, Session};

use crate::shell::Shell;

pub(crate) use answer::{NOT_HANDSHAKEN, handshake_text, jsonp_error};
pub(crate) use first::{First, draw, first};
pub(crate) use meet::meet;
pub(crate) use polled::{Polled, Request, Unanswered};
pub(crate) use target::{Wanted, wanted};
pub(crate) use unused::{Sid, Unused};

/// Below this path of a listener everything is Socket.IO's; the library's default, which devices have built in.
pub(crate) const PATH: &str = "/socket.io";

/// Longest `User-Agent` that a session is told; the rest is cut off. Those of browsers have 150 bytes.
const AGENT_BYTES: usize = 256;

/// What all connections share.
#[derive(Default)]
pub(crate) struct SocketIo {
    pub(crate) unused: Unused,
    pub(crate) polled: Polled,
}

/// Who opens a session.
pub(crate) struct Comer {
    pub(crate) from: Option<IpAddr>,
    pub(crate) agent: Option<String>,
}

impl Comer {
    pub(crate) fn new(from: Option<IpAddr>, agent: Option<&[u8]>) -> Self {
        let text = |agent: &[u8]| String::from_utf8_lossy(&agent[..agent.len().min(AGENT_BYTES)]).into_owned();
        Self { from, agent: agent.map(text) }
    }

    /// The session of somebody who came with this id.
    fn open(&self, shell: &Shell, dialect: usize, sid: &Sid) -> Box<dyn Session> {
        let arrival = Arrival { endpoint: "", from: self.from, id: Some(sid.as_str()), agent: self.agent.as_deref() };
        shell.dialects[dialect].open_by(&arrival)
    }
}

#[cfg(test)]
mod tests;
