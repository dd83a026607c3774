//! What a client must hear.

use serde_json::{Map, Value};

use super::capture::Captures;
use super::world::Heard;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expected {
    Exactly(String),
    Json(Value),
    Ping,
}

impl Expected {
    /// # Errors
    /// What the line should have been.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "ping" {
            return Ok(Self::Ping);
        }
        if let Some(exact) = text.strip_prefix("exactly ") {
            return Ok(Self::Exactly(exact.replace('⏎', "\n")));
        }
        match serde_json::from_str(text) {
            Ok(object @ Value::Object(_)) => Ok(Self::Json(object)),
            _ => Err("a JSON object, `exactly …⏎` or `ping`".to_owned()),
        }
    }

    /// It is this, with exactly these keys.
    pub(super) fn is(&self, heard: &Heard, captures: &mut Captures) -> bool {
        match (self, heard) {
            (Self::Ping, Heard::Ping) => true,
            (Self::Exactly(text), Heard::Text(heard)) => captures.fill(text).as_bytes() == heard,
            (Self::Json(value), Heard::Text(heard)) => {
                serde_json::from_slice(heard).is_ok_and(|heard: Value| captures.equal(value, &heard))
            }
            _ => false,
        }
    }

    /// It has these members, and perhaps others.
    pub(super) fn is_part_of(&self, heard: &Heard) -> bool {
        let (Self::Json(Value::Object(wanted)), Heard::Text(heard)) = (self, heard) else { return false };
        let Ok(heard) = serde_json::from_slice::<Map<String, Value>>(heard) else { return false };
        wanted.iter().all(|(key, value)| heard.get(key) == Some(value))
    }
}
