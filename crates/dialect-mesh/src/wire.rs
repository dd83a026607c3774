//! Frames in and out: bytes to types and back, no behaviour.
//!
//! What the peer's server accepts is Go's `encoding/json` reading one struct (mesh.md section 1): field names match
//! without regard to case, the last of duplicate keys wins, `null` counts as absent, unknown fields vanish, and only
//! the first JSON value of a message is used. Payloads are copied, never parsed.

use std::borrow::Cow;

use patchbay_core::{Body, CauseKind, Lang, MemberList, Signal, SignalKind};
use patchbay_dialect_kit::json::{Cursor, Fault, Kind, write_string};

use crate::refusal::WireError;

/// Longest room or client id, in bytes (seed 003 says characters; its server counts bytes).
pub(crate) const NAME_BYTES: usize = 64;

/// A message of the client, as it was said. Names are trimmed, not judged.
#[derive(Debug, Default)]
pub(crate) struct ClientFrame<'a> {
    kind: Cow<'a, str>,
    pub(crate) room: Cow<'a, str>,
    pub(crate) from: Cow<'a, str>,
    pub(crate) to: Cow<'a, str>,
    sdp: Option<Span>,
    candidate: Option<Span>,
}

/// Where a payload lies in the scratch that the frame was read with.
type Span = (usize, usize);

/// What the client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Join,
    Leave,
    Ping,
    Relay(RelayKind),
    Unknown,
}

/// The messages that go on to another member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayKind {
    Offer,
    Answer,
    Candidate,
    Hangup,
}

impl RelayKind {
    pub(crate) fn signal(self) -> SignalKind {
        match self {
            Self::Offer => SignalKind::Offer,
            Self::Answer => SignalKind::Answer,
            Self::Candidate => SignalKind::Candidate,
            Self::Hangup => SignalKind::Bye(CauseKind::Hangup.into()),
        }
    }
}

/// Reads a message. Payloads go to `scratch`, which is cleared first.
///
/// # Errors
/// If the text is not JSON or a known field has another type than the protocol's: the connection ends.
pub(crate) fn read<'a>(text: &'a str, scratch: &mut Vec<u8>) -> Result<ClientFrame<'a>, Fault> {
    scratch.clear();
    let mut frame = ClientFrame::default();
    let mut cursor = Cursor::new(text);
    if cursor.kind()? == Kind::Null {
        cursor.skip()?;
        return Ok(frame);
    }
    cursor.object(|key, value| match field(&key) {
        Some(Field::Type) => read_string(value, &mut frame.kind),
        Some(Field::Room) => read_string(value, &mut frame.room),
        Some(Field::From) => read_string(value, &mut frame.from),
        Some(Field::To) => read_string(value, &mut frame.to),
        Some(Field::Sdp) => read_payload(value, scratch, &mut frame.sdp),
        Some(Field::Candidate) => read_payload(value, scratch, &mut frame.candidate),
        Some(Field::Members) => check_members(value),
        // `code` and `error` are read for their type only: a client cannot decorate a relay with an error.
        Some(Field::Text) => read_string(value, &mut Cow::default()),
        None => value.skip(),
    })?;
    Ok(frame)
}

impl ClientFrame<'_> {
    pub(crate) fn kind(&self) -> ClientKind {
        match &*self.kind {
            "join" => ClientKind::Join,
            "leave" => ClientKind::Leave,
            "ping" => ClientKind::Ping,
            "offer" => ClientKind::Relay(RelayKind::Offer),
            "answer" => ClientKind::Relay(RelayKind::Answer),
            "candidate" => ClientKind::Relay(RelayKind::Candidate),
            "hangup" => ClientKind::Relay(RelayKind::Hangup),
            _ => ClientKind::Unknown,
        }
    }

    /// The payloads in the dialect's canonical form: the tail of the relayed message, `,"sdp":…,"candidate":…`, each
    /// part only if the sender sent it. `scratch` is what the frame was read with; the tail is built at its end.
    pub(crate) fn body(&self, lang: Lang, scratch: &mut Vec<u8>) -> Body {
        let start = scratch.len();
        for (key, payload) in [(&b",\"sdp\":"[..], self.sdp), (b",\"candidate\":", self.candidate)] {
            if let Some((from, to)) = payload {
                scratch.extend_from_slice(key);
                scratch.extend_from_within(from..to);
            }
        }
        Body::new(lang, &scratch[start..])
    }
}

#[derive(Clone, Copy)]
enum Field {
    Type,
    Room,
    From,
    To,
    Sdp,
    Candidate,
    Members,
    Text,
}

/// The field that a key names. Go folds case by Unicode's simple rules, where `ſ` is an `s`.
fn field(key: &str) -> Option<Field> {
    const FIELDS: [(&str, Field); 9] = [
        ("type", Field::Type),
        ("to", Field::To),
        ("candidate", Field::Candidate),
        ("sdp", Field::Sdp),
        ("room", Field::Room),
        ("from", Field::From),
        ("members", Field::Members),
        ("code", Field::Text),
        ("error", Field::Text),
    ];
    if let Some((_, field)) = FIELDS.iter().find(|(name, _)| *name == key) {
        return Some(*field);
    }
    let is = |name: &str| {
        let mut letters = key.chars().map(|letter| if letter == 'ſ' { 's' } else { letter.to_ascii_lowercase() });
        name.chars().all(|expected| letters.next() == Some(expected)) && letters.next().is_none()
    };
    FIELDS.iter().find(|(name, _)| is(name)).map(|(_, field)| *field)
}

fn read_string<'a>(value: &mut Cursor<'a>, field: &mut Cow<'a, str>) -> Result<(), Fault> {
    if value.kind()? == Kind::Null {
        return value.skip();
    }
    *field = value.string()?;
    Ok(())
}

fn read_payload(value: &mut Cursor<'_>, scratch: &mut Vec<u8>, field: &mut Option<Span>) -> Result<(), Fault> {
    let start = scratch.len();
    value.compact(scratch)?;
    *field = Some((start, scratch.len()));
    Ok(())
}

fn check_members(value: &mut Cursor<'_>) -> Result<(), Fault> {
    if value.kind()? == Kind::Null {
        return value.skip();
    }
    value.array(|member| read_string(member, &mut Cow::default()))
}

/// The client id in `text`, trimmed: 1 to 64 of `A-Z a-z 0-9 _ -`.
pub(crate) fn client_id(text: &str) -> Result<&str, WireError> {
    let id = text.trim();
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > NAME_BYTES || !id.bytes().all(legal) { Err(WireError::InvalidId) } else { Ok(id) }
}

/// The room name in `text`, trimmed: 1 to 64 bytes without control characters.
pub(crate) fn room_name(text: &str) -> Result<&str, WireError> {
    let room = text.trim();
    if room.is_empty() || room.len() > NAME_BYTES || room.chars().any(char::is_control) {
        Err(WireError::InvalidRoom)
    } else {
        Ok(room)
    }
}

/// `{"type":…,"room":…,"from":…`: what every message of the server begins with.
fn head(out: &mut Vec<u8>, kind: &str, room: &str, from: &str) {
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\",\"room\":");
    write_string(out, room);
    out.extend_from_slice(b",\"from\":");
    write_string(out, from);
}

/// Every message ends with a line feed.
const END: &[u8] = b"}\n";

pub(crate) fn pong(out: &mut Vec<u8>) {
    head(out, "pong", "", "");
    out.extend_from_slice(END);
}

pub(crate) fn joined(out: &mut Vec<u8>, room: &str, id: &str) {
    head(out, "joined", room, id);
    out.extend_from_slice(END);
}

pub(crate) fn error(out: &mut Vec<u8>, room: &str, error: WireError) {
    let (code, text) = error.words();
    head(out, "error", room, "");
    for (key, value) in [(&b",\"code\":\""[..], code), (b",\"error\":\"", text)] {
        out.extend_from_slice(key);
        out.extend_from_slice(value.as_bytes());
        out.push(b'"');
    }
    out.extend_from_slice(END);
}

pub(crate) fn relay(out: &mut Vec<u8>, room: &str, from: &str, to: &str, signal: &Signal) {
    let kind = match signal.kind {
        SignalKind::Offer => "offer",
        SignalKind::Answer => "answer",
        SignalKind::Candidate => "candidate",
        // Members of other dialects may say more than a mesh client can hear.
        SignalKind::Bye(_) => "hangup",
        SignalKind::Progress { .. } | SignalKind::Info => return,
    };
    head(out, kind, room, from);
    out.extend_from_slice(b",\"to\":");
    write_string(out, to);
    if signal.body.lang() == Lang::PLAIN {
        described(out, kind, signal.body.bytes());
    } else {
        out.extend_from_slice(signal.body.bytes());
    }
    out.extend_from_slice(END);
}

/// A description of the engine's, as a browser's member would have sent it.
fn described(out: &mut Vec<u8>, kind: &str, sdp: &[u8]) {
    if !sdp.is_empty() {
        out.extend_from_slice(b",\"sdp\":{\"type\":\"");
        out.extend_from_slice(kind.as_bytes());
        out.extend_from_slice(b"\",\"sdp\":");
        write_string(out, &String::from_utf8_lossy(sdp));
        out.push(b'}');
    }
}

pub(crate) fn members(room: &str, list: &MemberList) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + list.names.len() * 16);
    head(&mut out, "room_members", room, "");
    let mut before: &[u8] = b",\"members\":[";
    for name in &list.names {
        out.extend_from_slice(before);
        write_string(&mut out, name.as_str());
        before = b",";
    }
    out.extend_from_slice(b"]");
    out.extend_from_slice(END);
    out
}

#[cfg(test)]
mod tests;
