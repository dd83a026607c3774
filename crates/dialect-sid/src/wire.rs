//! Frames in and out: bytes to types and back, no behaviour.
//!
//! What the peer's server accepts is JavaScript's `JSON.parse` (sid.md section 1): the last of duplicate keys wins, key
//! names are exact, unknown fields vanish. The four words that the server itself reads are trimmed, numbers among them
//! become strings; payloads are spans of the sender's text, handed on untouched (DECISIONS 16).

use std::borrow::Cow;

use patchbay_core::{Body, CallState, CauseKind, Lang, Presence, PresenceList, Signal, SignalKind, Token};
use patchbay_dialect_kit::json::{Cursor, Fault, Kind, write_plain_string};

use crate::number;
use crate::refusal::WireError;

/// A message of the client, as it was said.
#[derive(Debug, Default)]
pub(crate) struct ClientFrame<'a> {
    cmd: Word<'a>,
    pub(crate) id: Word<'a>,
    pub(crate) opponent: Word<'a>,
    pub(crate) session: Word<'a>,
    payloads: [Option<&'a str>; 4],
}

/// A field that the server reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    /// The key is not there.
    #[default]
    Absent,
    /// A value that is neither string nor number.
    Other,
    /// A string, trimmed, or a number's string.
    Text(Cow<'a, str>),
}

impl Word<'_> {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Other => None,
        }
    }
}

/// What the client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Register,
    Session,
    Relay(RelayKind),
    /// `stop` or `reject`.
    End(CauseKind),
    Notify,
    Unknown,
}

/// The messages that go on to the other end of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RelayKind {
    Call,
    Accept,
    Candidate,
}

/// What a relayed message carries, and the key it stands under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    Offer,
    Answer,
    Candidate,
    Type,
}

impl Payload {
    const ALL: [Self; 4] = [Self::Offer, Self::Answer, Self::Candidate, Self::Type];

    const fn key(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "icecandidate",
            Self::Type => "type",
        }
    }
}

impl RelayKind {
    pub(crate) const fn payload(self) -> Payload {
        match self {
            Self::Call => Payload::Offer,
            Self::Accept => Payload::Answer,
            Self::Candidate => Payload::Candidate,
        }
    }
}

/// Reads a message.
///
/// # Errors
/// [`WireError::NotJson`] or [`WireError::NoCommand`].
pub(crate) fn read(text: &str) -> Result<ClientFrame<'_>, WireError> {
    let mut cursor = Cursor::new(text);
    let frame = read_value(&mut cursor).map_err(|_| WireError::NotJson)?;
    if !cursor.at_end() {
        return Err(WireError::NotJson);
    }
    if frame.cmd == Word::Absent { Err(WireError::NoCommand) } else { Ok(frame) }
}

fn read_value<'a>(cursor: &mut Cursor<'a>) -> Result<ClientFrame<'a>, Fault> {
    let mut frame = ClientFrame::default();
    if cursor.kind()? != Kind::Object {
        cursor.skip()?;
        return Ok(frame);
    }
    cursor.object(|key, value| {
        match &*key {
            "cmd" => frame.cmd = read_word(value)?,
            "sId" => frame.id = read_word(value)?,
            "opponentId" => frame.opponent = read_word(value)?,
            "sessionId" => frame.session = read_word(value)?,
            key => match Payload::ALL.into_iter().find(|payload| payload.key() == key) {
                Some(payload) => frame.payloads[payload as usize] = Some(value.raw()?),
                None => value.skip()?,
            },
        }
        Ok(())
    })?;
    Ok(frame)
}

fn read_word<'a>(value: &mut Cursor<'a>) -> Result<Word<'a>, Fault> {
    Ok(match value.kind()? {
        Kind::String => Word::Text(match value.string()? {
            Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
            Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
        }),
        Kind::Number => Word::Text(Cow::Owned(number::javascript(value.raw()?))),
        Kind::Array | Kind::Bool | Kind::Null | Kind::Object => {
            value.skip()?;
            Word::Other
        }
    })
}

/// As JavaScript's `trim`: Rust's white space, but for U+0085, and U+FEFF besides (ECMA-262, WhiteSpace).
fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter: char| (letter.is_whitespace() && letter != '\u{85}') || letter == '\u{feff}')
}

impl<'a> ClientFrame<'a> {
    pub(crate) fn kind(&self) -> ClientKind {
        match self.cmd.text() {
            Some("sId") => ClientKind::Register,
            Some("session") => ClientKind::Session,
            Some("call") => ClientKind::Relay(RelayKind::Call),
            Some("accept") => ClientKind::Relay(RelayKind::Accept),
            Some("icecandidate") => ClientKind::Relay(RelayKind::Candidate),
            Some("stop") => ClientKind::End(CauseKind::Hangup),
            Some("reject") => ClientKind::End(CauseKind::Declined),
            Some("notify") => ClientKind::Notify,
            _ => ClientKind::Unknown,
        }
    }

    /// The payload in the dialect's canonical form: the tail of the relayed message, `,"offer":…`, empty if the sender
    /// sent none; `scratch` is where it is put together.
    pub(crate) fn body(&self, payload: Payload, lang: Lang, scratch: &mut Vec<u8>) -> Body {
        if let Some(text) = self.payloads[payload as usize] {
            scratch.extend_from_slice(b",\"");
            scratch.extend_from_slice(payload.key().as_bytes());
            scratch.extend_from_slice(b"\":");
            scratch.extend_from_slice(text.as_bytes());
        }
        Body::new(lang, scratch)
    }
}

/// `{"cmd":…`: what every message of the server begins with.
fn head(out: &mut Vec<u8>, cmd: &str) {
    out.extend_from_slice(b"{\"cmd\":\"");
    out.extend_from_slice(cmd.as_bytes());
    out.push(b'"');
}

fn string(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    write_plain_string(out, value);
}

fn number(out: &mut Vec<u8>, key: &str, value: u16) {
    out.extend_from_slice(format!(",\"{key}\":{value}").as_bytes());
}

pub(crate) fn registered(out: &mut Vec<u8>, id: &str) {
    head(out, "sId");
    string(out, "sId", id);
    out.push(b'}');
}

pub(crate) fn session(out: &mut Vec<u8>, token: &Token) {
    head(out, "session");
    string(out, "sessionId", token.as_str());
    out.push(b'}');
}

/// `ssu`: the state of a session.
pub(crate) fn state(out: &mut Vec<u8>, token: &Token, state: SessionState) {
    head(out, "ssu");
    string(out, "sessionId", token.as_str());
    number(out, "state", state as u16);
    out.push(b'}');
}

/// The states of a session: sid.md section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    New = 1,
    Pending = 2,
    Active = 3,
    Closed = 4,
}

impl From<CallState> for SessionState {
    fn from(state: CallState) -> Self {
        match state {
            CallState::New => Self::New,
            CallState::Ringing => Self::Pending,
            CallState::Active => Self::Active,
        }
    }
}

pub(crate) fn relay(out: &mut Vec<u8>, token: &Token, from: &str, signal: &Signal) {
    let cmd = match signal.kind {
        SignalKind::Offer => "call",
        SignalKind::Answer => "accept",
        SignalKind::Candidate => "icecandidate",
        // Callers of other dialects may say more than a client of this one can hear; the end comes as `Ended`.
        SignalKind::Progress { .. } | SignalKind::Info | SignalKind::Bye(_) => return,
    };
    head(out, cmd);
    string(out, "sessionId", token.as_str());
    string(out, "opponentId", from);
    out.extend_from_slice(signal.body.bytes());
    out.push(b'}');
}

/// The other end has ended the session: `stop`, `reject` or `leave`.
pub(crate) fn ended(out: &mut Vec<u8>, token: &Token, by: &str, cause: CauseKind) {
    let cmd = match cause {
        CauseKind::Hangup | CauseKind::Cancelled => "stop",
        CauseKind::Declined | CauseKind::Busy | CauseKind::Faulty | CauseKind::Overloaded | CauseKind::TimedOut => {
            "reject"
        }
        CauseKind::Failed | CauseKind::Gone | CauseKind::Over | CauseKind::Shutdown => "leave",
    };
    head(out, cmd);
    string(out, "sessionId", token.as_str());
    string(out, "opponentId", by);
    out.push(b'}');
}

pub(crate) fn notify(out: &mut Vec<u8>, from: &str, body: &Body) {
    head(out, "notify");
    string(out, "opponentId", from);
    out.extend_from_slice(body.bytes());
    out.push(b'}');
}

pub(crate) fn error(out: &mut Vec<u8>, error: WireError) {
    head(out, "error");
    number(out, "code", error.code());
    out.push(b'}');
}

/// `clu`: everybody, in the order of registration.
pub(crate) fn clients(list: &PresenceList) -> Vec<u8> {
    let mut out = Vec::with_capacity(32 + list.entries.len() * 32);
    head(&mut out, "clu");
    let mut before: &[u8] = b",\"list\":[";
    for entry in &list.entries {
        out.extend_from_slice(before);
        out.extend_from_slice(match entry.presence {
            Presence::Free => b"{\"state\":1,\"sId\":",
            Presence::InCall => b"{\"state\":2,\"sId\":",
        });
        write_plain_string(&mut out, entry.name.as_str());
        out.push(b'}');
        before = b",";
    }
    if list.entries.is_empty() {
        out.extend_from_slice(before);
    }
    out.extend_from_slice(b"]}");
    out
}

#[cfg(test)]
mod tests;
