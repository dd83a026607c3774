//! Properties that are lists or objects of their own.

use patchbay_dialect_kit::json::{Cursor, Fault, Kind};

use super::object::{Object, Value};
use super::problem::Problem;
use super::property::{Checked, Properties, aor, id, invalid, line};
use super::read::{CANDIDATES, HEADERS, LINE_BYTES, PARTICIPANTS, PREFIXES, SPEAKERS};
use super::request::{Candidate, Header, Text};
use crate::aor::Aor;

impl<'a> Properties<'a> {
    /// The properties of an object within this one; `None` if it is absent or `null`.
    pub(super) fn object(
        &mut self,
        property: &'static str,
        model: &'static str,
    ) -> Checked<'a, Option<Properties<'a>>> {
        let Some(value) = self.may(property) else { return Ok(None) };
        match value {
            Value::Other(raw) if raw.starts_with('{') => {
                let object = Object::read(&mut Cursor::new(raw)).unwrap_or_default();
                Ok(Some(Properties::new(object, model)))
            }
            value => Err(invalid(property, value)),
        }
    }

    /// Candidates. Browsers differ in what they send and a refused trickle costs the client its call, so what is no
    /// candidate is passed over and what lacks something is taken as it is (sylk.md section 6.4, trap 7). Those behind
    /// [`CANDIDATES`] are as if they had not been sent.
    pub(super) fn candidates(&mut self) -> Checked<'a, Vec<Candidate<'a>>> {
        let mut candidates = Vec::new();
        let value = self.must("candidates")?;
        let raw = match value {
            Value::Other("null") => return Ok(candidates),
            Value::Other(raw) if raw.starts_with('[') => raw,
            value => return Err(invalid("candidates", value)),
        };
        let read = Cursor::new(raw).array(|item| {
            if item.kind()? != Kind::Object || candidates.len() == CANDIDATES {
                return item.skip();
            }
            candidates.push(candidate(Object::read(item)?));
            Ok(())
        });
        debug_assert_eq!(read, Ok(()), "values have been checked");
        Ok(candidates)
    }

    pub(super) fn headers(&mut self) -> Checked<'a, Vec<Header<'a>>> {
        let Some(value) = self.may("headers") else { return Ok(Vec::new()) };
        list("headers", value, HEADERS, header)
    }

    pub(super) fn prefixes(&mut self) -> Checked<'a, Vec<Text<'a>>> {
        const PROPERTY: &str = "incoming_header_prefixes";
        let Some(value) = self.may(PROPERTY) else { return Ok(Vec::new()) };
        list(PROPERTY, value, PREFIXES, |value| line(PROPERTY, value, 0, LINE_BYTES))
    }

    /// Those who speak, each once.
    pub(super) fn active_participants(&mut self) -> Checked<'a, Vec<Text<'a>>> {
        let value = self.must("active_participants")?;
        // Doubles do not count, so more are read than may be left.
        let mut ids = list("active_participants", value, PARTICIPANTS, |value| id("active_participants", value))?;
        once(&mut ids);
        if ids.len() > SPEAKERS { Err(Problem::Length { least: 0, most: SPEAKERS }) } else { Ok(ids) }
    }

    /// Those who are invited, each once.
    pub(super) fn participants(&mut self) -> Checked<'a, Vec<Aor<'a>>> {
        let value = self.must("participants")?;
        let mut participants = list("participants", value, PARTICIPANTS, |value| aor("participants", value))?;
        once(&mut participants);
        Ok(participants)
    }
}

/// A list of at most `most` items.
fn list<'a, T>(
    property: &'static str,
    value: Value<'a>,
    most: usize,
    mut item: impl FnMut(Value<'a>) -> Checked<'a, T>,
) -> Checked<'a, Vec<T>> {
    let raw = match value {
        Value::Other(raw) if raw.starts_with('[') => raw,
        value => return Err(invalid(property, value)),
    };
    let (mut items, mut problem) = (Vec::new(), None);
    let read = Cursor::new(raw).array(|cursor| {
        let value = Value::read(cursor)?;
        if items.len() == most {
            problem = Some(Problem::Length { least: 0, most });
        } else {
            match item(value) {
                Ok(item) => items.push(item),
                Err(wrong) => problem = Some(wrong),
            }
        }
        // The first problem ends the reading; the fault itself is not looked at.
        if problem.is_some() { Err(Fault::WrongType) } else { Ok(()) }
    });
    debug_assert!(problem.is_some() || read.is_ok(), "values have been checked");
    problem.map_or(Ok(items), Err)
}

/// Keeps the first of equal items. Lists are short: see [`PARTICIPANTS`].
fn once<T: PartialEq>(items: &mut Vec<T>) {
    let mut at = 0;
    while at < items.len() {
        if items[..at].contains(&items[at]) {
            drop(items.remove(at));
        } else {
            at += 1;
        }
    }
}

fn candidate(mut object: Object<'_>) -> Candidate<'_> {
    let mut text = |key| match object.take(key) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    };
    let (candidate, mid) = (text("candidate").unwrap_or_default(), text("sdpMid"));
    let index = match object.take("sdpMLineIndex") {
        Some(Value::Other(raw)) => raw.parse().ok(),
        _ => None,
    };
    Candidate { candidate, mid, index }
}

fn header(value: Value<'_>) -> Checked<'_, Header<'_>> {
    let raw = match value {
        Value::Other(raw) if raw.starts_with('{') => raw,
        value => return Err(invalid("headers", value)),
    };
    let mut header = Properties::new(Object::read(&mut Cursor::new(raw)).unwrap_or_default(), "Header");
    let (name, value) = (header.id("name")?, header.line("value")?);
    if name.bytes().all(is_token) { Ok(Header { name, value }) } else { Err(invalid("name", Value::Text(name))) }
}

/// RFC 3261 section 25.1, `token`.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}
