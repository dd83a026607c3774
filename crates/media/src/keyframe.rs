//! Key frames: where a viewer may begin, how large the pictures are, and how often a source may be asked for one.
//!
//! A source is believed no more than its bytes allow: every reader here answers "no" where a payload ends too early,
//! and none of them can panic.

use patchbay_core::Codec;

mod av1;
mod bits;
mod h264;
mod throttle;
mod unreadable;
mod vp8;
mod vp9;

pub use throttle::{Ask, KEY_FRAME_SPACING, Throttle};
pub use unreadable::Unreadable;

/// What one RTP payload tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inspected {
    /// A decoder may begin with this packet.
    pub key: bool,
    /// Width and height in pixels, of what is coded after cropping. Only key frames tell, and not each in each format.
    pub size: Option<(u32, u32)>,
}

/// Reads one RTP payload: the bytes behind the RTP header, without padding.
///
/// `key` is true for the first packet of a key frame only (H.264: for each that carries a sequence parameter set or
/// the beginning of an IDR picture), so a frame whose first packet is lost begins nothing. Encrypted payloads are
/// mostly no key frames to us; see [`Unreadable`]. A packet of sound stands alone: `key` is always true.
#[must_use]
pub fn inspect(codec: Codec, payload: &[u8]) -> Inspected {
    match codec {
        Codec::Opus | Codec::Pcmu | Codec::Pcma | Codec::G722 => Inspected { key: true, size: None },
        Codec::Vp8 => vp8::inspect(payload),
        Codec::Vp9 { .. } => vp9::inspect(payload),
        Codec::H264 { .. } => h264::inspect(payload),
        Codec::Av1 { .. } => av1::inspect(payload),
    }
}

/// No picture is without extent.
fn size(width: u32, height: u32) -> Option<(u32, u32)> {
    (width > 0 && height > 0).then_some((width, height))
}

#[cfg(test)]
mod tests;
