//! How packets leave to a viewer: through str0m, or past it.
//!
//! Views of several layers go through str0m, whose bandwidth estimator has to see what it sends. All others, which is
//! almost everybody, go by [`Lean`]: it does for a viewer's packets what a forwarding unit has to do, and nothing else.

mod header;
mod history;
mod lean;
mod through;

use std::sync::Arc;
use std::time::Instant;

use str0m::media::Mid;
use str0m::rtp::{Extension, ExtensionMap};

pub(crate) use self::lean::{Heard, Lean};
pub(crate) use self::through::Through;
use crate::batch::Batch;
use crate::burst::Burst;
use crate::rewrite::Vp8Numbers;
use crate::sink::Sink;

/// The part of what a viewer is sent that may be sent again, of the last second; more than that is not answered. More
/// mends a network that loses much, less keeps one that is full from being filled further.
pub(crate) const RESEND_SHARE: f32 = 0.5;

/// A way out to one viewer.
pub(crate) trait Egress {
    /// Sends packets of a burst in one stream, in order. `false`: there is no way yet, and nothing was sent.
    fn forward(
        &mut self,
        stream: &Stream,
        burst: &Arc<Burst>,
        packets: &[Outgoing],
        now: Instant,
        wire: &mut Wire<'_>,
    ) -> bool;
}

/// What a leg sends by, and room to work in; one for all legs of a worker.
pub(crate) struct Wire<'a> {
    pub(crate) batch: &'a mut Batch,
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) room: &'a mut Room,
}

/// Buffers that are used for the time of one call.
#[derive(Debug, Default)]
pub(crate) struct Room {
    pub(crate) packets: Vec<Outgoing>,
    pub(crate) plain: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
}

/// A packet of a burst, with the numbers that it leaves with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outgoing {
    /// Its place in the burst.
    pub(crate) place: usize,
    /// Sequence number, extended over its cycles.
    pub(crate) seq: u64,
    /// RTP timestamp.
    pub(crate) time: u32,
    /// Frame numbers to write over its own.
    pub(crate) numbers: Vp8Numbers,
}

/// What was agreed about a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    /// The slot that it belongs to, by its place.
    pub(crate) slot: usize,
    pub(crate) mid: Mid,
    pub(crate) mid_bytes: MidBytes,
    pub(crate) ssrc: u32,
    pub(crate) pt: u8,
    /// Sequence number and payload type of retransmissions (RFC 4588), if the peer takes them in a stream of their own.
    pub(crate) resend: Option<(u32, u8)>,
    /// Packets may be asked for again.
    pub(crate) nackable: bool,
    /// Ticks per second of its timestamps.
    pub(crate) clock_rate: u32,
    pub(crate) ids: Ids,
}

/// A section's name, as it is written into packets; str0m would look for its end each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MidBytes {
    bytes: [u8; 16],
    length: u8,
}

impl MidBytes {
    pub(crate) fn of(mid: Mid) -> Self {
        let (text, mut bytes) = (mid.as_bytes(), [0; 16]);
        let length = text.len().min(bytes.len());
        bytes[..length].copy_from_slice(&text[..length]);
        Self { bytes, length: length as u8 }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// By which numbers the peer knows header extensions (RFC 8285); those without are not sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ids {
    mid: Option<u8>,
    send_time: Option<u8>,
    level: Option<u8>,
    rotation: Option<u8>,
}

impl Ids {
    /// All of them.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) const fn testing() -> Self {
        Self { mid: Some(4), send_time: Some(2), level: Some(1), rotation: Some(13) }
    }

    pub(crate) fn of(map: &ExtensionMap) -> Self {
        Self {
            mid: map.id_of(Extension::RtpMid),
            send_time: map.id_of(Extension::AbsoluteSendTime),
            level: map.id_of(Extension::AudioLevel),
            rotation: map.id_of(Extension::VideoOrientation),
        }
    }
}
