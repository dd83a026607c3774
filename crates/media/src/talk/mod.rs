//! Conversations: what both ends have in common, however they travel.
//!
//! An end offers or answers by itself ([`crate::leg`]); what one says goes through the worker to the other as [`Choice`]s
//! and [`Passing`] packets, so that neither knows how the other travels.

mod numbers;
mod stream;
pub(crate) mod words;

use std::sync::Arc;
use std::time::Instant;

use patchbay_core::Codec;

pub(crate) use self::numbers::Numbers;
pub(crate) use self::stream::Stream;

/// What an answer has settled for one section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// The section of who has answered, by its place.
    pub(crate) place: usize,
    /// The section of the other end.
    pub(crate) other: usize,
    /// The codec that flows, as the other end has described it.
    pub(crate) codec: Codec,
    /// Both know digits.
    pub(crate) digits: bool,
}

/// What a packet carries: payload types are each end's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carried {
    /// What was agreed upon.
    Media,
    /// A digit (RFC 4733).
    Digits,
}

/// A packet on its way from one end to the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing<'a> {
    /// The section of who is to get it, by its place.
    pub(crate) place: usize,
    pub(crate) carried: Carried,
    /// Sequence number, extended over its cycles.
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) marker: bool,
    /// When it was sampled, by the sender's reports; else when it came.
    pub(crate) at: Instant,
    /// It is from another stream than the one before, or the first after a pause: its numbers do not go on.
    pub(crate) fresh: bool,
    pub(crate) payload: Payload<'a>,
}

/// A packet that has come to one end, but for its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(crate) carried: Carried,
    /// As in [`Passing`].
    pub(crate) seq: u64,
    pub(crate) time: u32,
    pub(crate) marker: bool,
    pub(crate) fresh: bool,
    pub(crate) at: Instant,
}

impl Came {
    /// On its way to that section of the other end.
    pub(crate) fn to<'a>(&self, place: usize, payload: Payload<'a>) -> Passing<'a> {
        let Self { carried, seq, time, marker, fresh, at } = *self;
        Passing { place, carried, seq, time, marker, at, fresh, payload }
    }
}

/// What is behind the header.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Payload<'a> {
    Shared(&'a Arc<[u8]>),
    Own(&'a [u8]),
}

impl Payload<'_> {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Shared(bytes) => bytes,
            Self::Own(bytes) => bytes,
        }
    }

    /// To be kept.
    pub(crate) fn share(&self) -> Arc<[u8]> {
        match self {
            Self::Shared(bytes) => Arc::clone(bytes),
            Self::Own(bytes) => Arc::from(*bytes),
        }
    }
}
