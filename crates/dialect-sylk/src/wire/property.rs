//! What a property must be, and what is said if it is not: sylk.md section 2.

use super::choice::Choice;
use super::object::{Object, Value};
use super::problem::Problem;
use super::read::{DIGITS, ID_BYTES, LINE_BYTES};
use super::request::{Ha1, Text};
use crate::aor::Aor;

/// The properties of one object. They are asked for in the order in which the reference declares them, so that of two
/// problems the same one is told.
#[derive(Debug)]
pub(super) struct Properties<'a> {
    object: Object<'a>,
    model: &'static str,
}

/// A property or what is wrong with it.
pub(super) type Checked<'a, T> = Result<T, Problem<'a>>;

impl<'a> Properties<'a> {
    pub(super) fn new(object: Object<'a>, model: &'static str) -> Self {
        Self { object, model }
    }

    pub(super) fn has(&self, property: &str) -> bool {
        self.object.has(property)
    }

    pub(super) fn must(&mut self, property: &'static str) -> Checked<'a, Value<'a>> {
        self.object.take(property).ok_or(Problem::Missing { property, model: self.model })
    }

    /// `null` is as good as absent.
    pub(super) fn may(&mut self, property: &'static str) -> Option<Value<'a>> {
        self.object.take(property).filter(|value| !matches!(value, Value::Other("null")))
    }

    /// Any text.
    pub(super) fn text(&mut self, property: &'static str) -> Checked<'a, Text<'a>> {
        text(property, self.must(property)?)
    }

    /// A text that may stand in a header: one line, bounded.
    pub(super) fn line(&mut self, property: &'static str) -> Checked<'a, Text<'a>> {
        line(property, self.must(property)?, 0, LINE_BYTES)
    }

    pub(super) fn maybe_line(&mut self, property: &'static str) -> Checked<'a, Option<Text<'a>>> {
        self.may(property).map(|value| line(property, value, 0, LINE_BYTES)).transpose()
    }

    pub(super) fn id(&mut self, property: &'static str) -> Checked<'a, Text<'a>> {
        id(property, self.must(property)?)
    }

    pub(super) fn maybe_id(&mut self, property: &'static str) -> Checked<'a, Option<Text<'a>>> {
        self.may(property).map(|value| id(property, value)).transpose()
    }

    pub(super) fn aor(&mut self, property: &'static str) -> Checked<'a, Aor<'a>> {
        aor(property, self.must(property)?)
    }

    /// The address of a client: without a user, nobody could register it, and digests are made with it.
    pub(super) fn account(&mut self) -> Checked<'a, Aor<'a>> {
        let account = self.aor("account")?;
        match account.user() {
            Some(_) => Ok(account),
            None => Err(Problem::InvalidUri(account.as_str().to_owned().into())),
        }
    }

    pub(super) fn password(&mut self) -> Checked<'a, Ha1> {
        /// The reference's bounds; ours is narrower and has words of its own.
        const LEAST: usize = 1;
        const MOST: usize = 9_999;
        let Value::Text(text) = self.must("password")? else { return Err(Problem::NotHa1) };
        match text.chars().count() {
            LEAST..=MOST => Ha1::parse(&text).ok_or(Problem::NotHa1),
            _ => Err(Problem::Length { least: LEAST, most: MOST }),
        }
    }

    pub(super) fn digit(&mut self) -> Checked<'a, Text<'a>> {
        let digit = line("digit", self.must("digit")?, 1, DIGITS)?;
        let legal = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'D' | b'a'..=b'd' | b'*' | b'#');
        if digit.bytes().all(legal) { Ok(digit) } else { Err(invalid("digit", Value::Text(digit))) }
    }

    pub(super) fn flag(&mut self, property: &'static str) -> Checked<'a, bool> {
        flag(property, self.must(property)?)
    }

    pub(super) fn maybe_flag(&mut self, property: &'static str) -> Checked<'a, Option<bool>> {
        self.may(property).map(|value| flag(property, value)).transpose()
    }

    /// A whole number.
    pub(super) fn maybe_number(&mut self, property: &'static str) -> Checked<'a, Option<u32>> {
        let number = |value| match value {
            Value::Other(raw) => raw.parse().map_err(|_| invalid(property, value)),
            Value::Text(_) => Err(invalid(property, value)),
        };
        self.may(property).map(number).transpose()
    }

    pub(super) fn choice<T: Choice>(&mut self, property: &'static str) -> Checked<'a, T> {
        let value = self.must(property)?;
        let choice = if let Value::Text(text) = &value { T::named(text) } else { None };
        choice.ok_or_else(|| Problem::Invalid { property, value: value.shown(), expected: T::WORDS })
    }

    /// An object, as it is written.
    pub(super) fn raw_object(&mut self, property: &'static str) -> Checked<'a, &'a str> {
        match self.must(property)? {
            Value::Other(raw) if raw.starts_with('{') => Ok(raw),
            value => Err(invalid(property, value)),
        }
    }
}

pub(super) fn invalid<'a>(property: &'static str, value: Value<'a>) -> Problem<'a> {
    Problem::Invalid { property, value: value.shown(), expected: &[] }
}

pub(super) fn text<'a>(property: &'static str, value: Value<'a>) -> Checked<'a, Text<'a>> {
    match value {
        Value::Text(text) => Ok(text),
        value => Err(invalid(property, value)),
    }
}

pub(super) fn line<'a>(property: &'static str, value: Value<'a>, least: usize, most: usize) -> Checked<'a, Text<'a>> {
    let text = text(property, value)?;
    if !(least..=most).contains(&text.len()) {
        return Err(Problem::Length { least, most });
    }
    if text.chars().any(char::is_control) { Err(invalid(property, Value::Text(text))) } else { Ok(text) }
}

pub(super) fn id<'a>(property: &'static str, value: Value<'a>) -> Checked<'a, Text<'a>> {
    line(property, value, 1, ID_BYTES)
}

pub(super) fn aor<'a>(property: &'static str, value: Value<'a>) -> Checked<'a, Aor<'a>> {
    let text = text(property, value)?;
    Aor::parse(text.clone()).ok_or(Problem::InvalidUri(text))
}

fn flag<'a>(property: &'static str, value: Value<'a>) -> Checked<'a, bool> {
    match value {
        Value::Other("true") => Ok(true),
        Value::Other("false") => Ok(false),
        value => Err(invalid(property, value)),
    }
}
