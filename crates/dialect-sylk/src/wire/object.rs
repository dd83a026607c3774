//! JSON objects, one level at a time: the values of the keys that mean something, as they were sent.

use std::borrow::Cow;

use patchbay_dialect_kit::json::{Cursor, Fault, Kind};

/// Every key that some request has. All others are skipped, so that what is kept of a message is bounded.
const KEYS: &[&str] = &[
    "account",
    "action",
    "active_participants",
    "app",
    "audio",
    "bitrate",
    "candidate",
    "candidates",
    "configure_room",
    "contact",
    "content",
    "content_type",
    "data",
    "device",
    "digit",
    "display_name",
    "duration",
    "feed",
    "feed_answer",
    "feed_attach",
    "feed_detach",
    "headers",
    "incoming_header_prefixes",
    "invite_participants",
    "limit",
    "message_id",
    "name",
    "new_token",
    "old_token",
    "option",
    "options",
    "participants",
    "password",
    "platform",
    "publisher",
    "refresh",
    "sdp",
    "sdpMLineIndex",
    "sdpMid",
    "session",
    "session_id",
    "silent",
    "since",
    "state",
    "sylkrtc",
    "timestamp",
    "token",
    "transaction",
    "trickle",
    "type",
    "update",
    "uri",
    "user_agent",
    "value",
    "video",
];

/// A value.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// A text, as it is meant.
    Text(Cow<'a, str>),
    /// Anything else, as it is written. It has been checked.
    Other(&'a str),
}

impl<'a> Value<'a> {
    /// What an error says of it.
    pub(super) fn shown(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => text,
            Self::Other(raw) => Cow::Borrowed(raw),
        }
    }

    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        if cursor.kind()? == Kind::String { cursor.string().map(Self::Text) } else { cursor.raw().map(Self::Other) }
    }
}

/// The known keys of an object; of equal ones, the last.
#[derive(Debug, Default)]
pub(super) struct Object<'a>(Vec<(&'static str, Value<'a>)>);

impl<'a> Object<'a> {
    /// Reads the object that comes next.
    pub(super) fn read(cursor: &mut Cursor<'a>) -> Result<Self, Fault> {
        let mut fields: Vec<(&'static str, Value<'a>)> = Vec::new();
        cursor.object(|key, value| {
            let Some(key) = KEYS.iter().find(|known| **known == key).copied() else { return value.skip() };
            let value = Value::read(value)?;
            match fields.iter_mut().find(|(known, _)| *known == key) {
                Some(field) => field.1 = value,
                None => fields.push((key, value)),
            }
            Ok(())
        })?;
        Ok(Self(fields))
    }

    /// Takes a value out.
    pub(super) fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let at = self.0.iter().position(|(known, _)| *known == key)?;
        Some(self.0.swap_remove(at).1)
    }

    /// Whether the key is there with something else than `null`.
    pub(super) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(known, value)| *known == key && !matches!(value, Value::Other("null")))
    }
}
