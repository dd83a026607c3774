//! What a dialect's load is: how a client comes in, what its messages look like, and what a text from the server is.
//!
//! The loads know no dialect. They ask here, and two that differ only in their dialect differ in nothing else.

pub(crate) mod mesh;
pub(crate) mod sid;

use crate::message::Shape;

/// Size of the JSON text of one candidate as the client sends it: what browsers' candidates come to.
pub(crate) const CANDIDATE_BYTES: usize = 330;

/// Size of the JSON text of one offer: a call with audio, video and a data channel.
pub(crate) const OFFER_BYTES: usize = 6_000;

/// What the server speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Clients join rooms and address each other there.
    Mesh,
    /// Clients register, all in one list; two of them at a time have a session.
    Sid,
}

/// What a text from the server is, told by its first bytes: servers write the kind first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The client is in: `joined` of mesh, the echo of sid's `sId`.
    Joined,
    /// Who is there: `room_members` of mesh, `clu` of sid.
    Members,
    /// Another client's message.
    Relay,
    /// The session that was asked for (sid).
    Session,
    /// The session has another state (sid).
    State,
    Pong,
    Error,
    Other,
}

impl Dialect {
    /// The path at which our server speaks it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Mesh => "/ws",
            Self::Sid => "/sid",
        }
    }

    pub(crate) fn kind(self, text: &[u8]) -> Kind {
        match self {
            Self::Mesh => mesh::kind(text),
            Self::Sid => sid::kind(text),
        }
    }

    /// How many clients a list of [`Kind::Members`] names.
    pub(crate) fn listed(self, text: &[u8]) -> usize {
        match self {
            Self::Mesh => mesh::listed(text),
            Self::Sid => sid::listed(text),
        }
    }

    /// The candidate that the loads send again and again.
    pub(crate) fn candidate(self) -> Shape {
        match self {
            Self::Mesh => mesh::CANDIDATE,
            Self::Sid => sid::CANDIDATE,
        }
    }
}

/// Text of about `bytes` bytes: `head`, a description that fills it up, and the three bytes that end it.
fn description(head: String, bytes: usize) -> String {
    const END: &str = "\"}}";
    let line = r"a=rtpmap:111 opus/48000/2\r\n";
    let mut text = head;
    while text.len() + line.len() + END.len() <= bytes {
        text.push_str(line);
    }
    text.push_str(&"x".repeat(bytes.saturating_sub(text.len() + END.len())));
    text.push_str(END);
    text
}

/// The value of a text's first field `name`, a string without escapes.
fn string_field<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let start = format!(r#""{name}":""#);
    let at = text.windows(start.len()).position(|window| window == start.as_bytes())?;
    let value = &text[at + start.len()..];
    value.iter().position(|byte| *byte == b'"').map(|end| &value[..end])
}

/// The value of the field that a text begins with, if it is `name` and a string.
fn first_field<'a>(text: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let rest = text.strip_prefix(br#"{""#)?.strip_prefix(name.as_bytes())?.strip_prefix(br#"":""#)?;
    rest.iter().position(|byte| *byte == b'"').map(|end| &rest[..end])
}
