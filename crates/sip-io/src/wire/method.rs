//! What a request asks for.

use std::fmt;

/// The method of a request. Names have a case (RFC 3261 section 7.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Ack,
    Bye,
    Cancel,
    Info,
    Invite,
    Message,
    Options,
    Prack,
    Register,
    Update,
    Other(Box<str>),
}

/// What we take, for `Allow`.
pub(crate) const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, UPDATE, PRACK";

impl Method {
    const KNOWN: [Self; 10] = [
        Self::Ack,
        Self::Bye,
        Self::Cancel,
        Self::Info,
        Self::Invite,
        Self::Message,
        Self::Options,
        Self::Prack,
        Self::Register,
        Self::Update,
    ];

    pub(crate) fn parse(text: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.as_str() == text);
        known.unwrap_or_else(|| Self::Other(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Ack => "ACK",
            Self::Bye => "BYE",
            Self::Cancel => "CANCEL",
            Self::Info => "INFO",
            Self::Invite => "INVITE",
            Self::Message => "MESSAGE",
            Self::Options => "OPTIONS",
            Self::Prack => "PRACK",
            Self::Register => "REGISTER",
            Self::Update => "UPDATE",
            Self::Other(name) => name,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
