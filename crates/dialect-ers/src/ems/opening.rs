//! What a connection is opened for, as a text that goes through the shell; and what is said to viewers.

use patchbay_dialect_kit::json::write_plain_string;

use super::api::wire::Send;

/// What a connection is opened for. No part has a control character in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Opening {
    /// The connection's number.
    pub(crate) number: u64,
    pub(crate) room: String,
    pub(crate) token: String,
}

impl Opening {
    pub(crate) fn text(&self) -> String {
        format!("room\n{}\n{}\n{}", self.number, self.room, self.token)
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix("room\n")?.split('\n');
        let (number, room, token) = (lines.next()?.parse().ok()?, lines.next()?, lines.next()?);
        Some(Self { number, room: room.to_owned(), token: token.to_owned() })
    }
}

/// A command for the players of a stream: ers.md section 2.3, `sendWebRTCCommand`.
pub(crate) fn command(send: &Send) -> String {
    let mut out = b"{\"command\":".to_vec();
    write_plain_string(&mut out, &send.command);
    out.extend_from_slice(b",\"argument\":");
    write_plain_string(&mut out, &send.argument);
    out.extend_from_slice(if send.base64 { b",\"base64\":true}" } else { b",\"base64\":false}" });
    String::from_utf8(out).unwrap_or_default()
}
