use std::fmt;
use std::sync::Arc;

use crate::{Cause, Lang};

/// One step of a negotiation, on its way from one party to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// Which step.
    pub kind: SignalKind,
    /// What the sender said with it.
    pub body: Body,
}

/// The steps of a negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// A session description that asks (RFC 3264).
    Offer,
    /// The session description that answers it.
    Answer,
    /// One ICE candidate, or several (RFC 8838).
    Candidate,
    /// The call makes progress; with `early` the body holds an answer for early media.
    Progress {
        /// The body is an answer.
        early: bool,
    },
    /// In-call information: DTMF, a message.
    Info,
    /// The end, and why.
    Bye(Cause),
}

/// What a signal carries, in the canonical form of the dialect that made it.
///
/// It came about in one pass over the sender's bytes, never through a parsed tree, and is relayed as it is to parties
/// of the same dialect. Only glue that stands between dialects opens it. SDP is personal: `Debug` shows the length.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    lang: Lang,
    bytes: Arc<[u8]>,
}

impl Body {
    /// A body in the canonical form of dialect `lang`.
    #[must_use]
    pub fn new(lang: Lang, bytes: &[u8]) -> Self {
        Self { lang, bytes: Arc::from(bytes) }
    }

    /// Whose canonical form the bytes have.
    #[must_use]
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body(lang {}, {} bytes)", self.lang.0, self.bytes.len())
    }
}

/// Where the session description of a negotiation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// At the other party: the server only relays.
    Relay,
    /// In our media engine, which stands in for the other party.
    Media,
}
