//! What is wrong with a text, and the words for it: those of the reference, where sylk.md section 2 names them.

use std::borrow::Cow;
use std::fmt;

/// Why nothing can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// It is not JSON, or nested too deep.
    NotJson,
    /// It is JSON, but no object.
    NoObject,
    /// It has no `sylkrtc` that is a text.
    NoType,
    /// It has no `transaction` that is a text, or one longer than [`crate::wire::read::TRANSACTION_BYTES`]: who sent it
    /// could not tell what an answer belongs to.
    NoTransaction,
}

/// Why a request is answered with an error at once. Its [`Display`](fmt::Display) is the error's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem<'a> {
    /// Nobody knows this type.
    UnknownRequest(Cow<'a, str>),
    /// A property that must be there is not.
    Missing {
        /// Its name.
        property: &'static str,
        /// What it belongs to, in the reference's words.
        model: &'static str,
    },
    /// A property is of another type, or means nothing.
    Invalid {
        /// Its name.
        property: &'static str,
        /// A text as it is meant, everything else as it is written.
        value: Cow<'a, str>,
        /// What would have meant something, sorted; empty if that cannot be listed.
        expected: &'static [&'static str],
    },
    /// It is no address, or an account without a user.
    InvalidUri(Cow<'a, str>),
    /// A text, in bytes, or a list is too short or too long.
    Length {
        /// The least.
        least: usize,
        /// The most.
        most: usize,
    },
    /// A password that is not HA1. It is not repeated: clients log errors, and it may be a clear one.
    NotHa1,
    /// `videoroom-ctl` without the object that its option needs.
    NoOption(&'static str),
}

/// How much of a value an error repeats, in bytes: enough to recognise it, less than a description.
const REPEATED: usize = 128;

fn start(text: &str) -> &str {
    text.get(..text.floor_char_boundary(REPEATED)).unwrap_or(text)
}

impl fmt::Display for Problem<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownRequest(name) => write!(f, "unknown request: {}", start(name)),
            Self::Missing { property, model } => {
                write!(f, "Mandatory property '{property}' of '{model}' object is missing")
            }
            Self::Invalid { property, value, expected } => {
                write!(f, "Invalid value for '{property}' property: {}", start(value))?;
                match expected {
                    [] => Ok(()),
                    [one] => write!(f, " (expected: {one})"),
                    [first @ .., last] => write!(f, " (expected: {} or {last})", first.join(", ")),
                }
            }
            Self::InvalidUri(text) => write!(f, "invalid SIP URI: {}", start(text)),
            Self::Length { least, most } => {
                write!(f, "the value's length must be between {least} and {most} inclusive")
            }
            Self::NotHa1 => {
                f.write_str("Invalid value for 'password' property: it must be HA1, which is 32 hexadecimal digits")
            }
            Self::NoOption(option) => write!(f, "missing '{option}' field in request"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let invalid =
            |value: &'static str, expected| Problem::Invalid { property: "state", value: value.into(), expected };
        let long = format!("{}é", "x".repeat(REPEATED - 1));
        for (problem, words) in [
            (Problem::UnknownRequest("nonsense".into()), "unknown request: nonsense"),
            (
                Problem::Missing { property: "sdp", model: "SessionCreateRequest" },
                "Mandatory property 'sdp' of 'SessionCreateRequest' object is missing",
            ),
            (invalid("5", &[]), "Invalid value for 'state' property: 5"),
            (invalid("x", &["a"]), "Invalid value for 'state' property: x (expected: a)"),
            (invalid("x", &["a", "b"]), "Invalid value for 'state' property: x (expected: a or b)"),
            (invalid("x", &["a", "b", "c"]), "Invalid value for 'state' property: x (expected: a, b or c)"),
            (Problem::InvalidUri("a b".into()), "invalid SIP URI: a b"),
            (Problem::InvalidUri(long.clone().into()), &*format!("invalid SIP URI: {}", &long[..REPEATED - 1])),
            (Problem::Length { least: 1, most: 9999 }, "the value's length must be between 1 and 9999 inclusive"),
            (Problem::NotHa1, "Invalid value for 'password' property: it must be HA1, which is 32 hexadecimal digits"),
            (Problem::NoOption("feed_attach"), "missing 'feed_attach' field in request"),
        ] {
            assert_eq!(problem.to_string(), words);
        }
    }
}
