//! VP8 in RTP: RFC 7741 sections 4.2 and 4.3; the frame header is RFC 6386 section 9.1.

use super::{Inspected, size};
use crate::vp8::Descriptor;

/// Behind it, in a key frame, stand width and height.
const START_CODE: [u8; 3] = [0x9d, 0x01, 0x2a];
/// The uppermost two bits of each only say how to scale the picture.
const SIDE: u16 = 0x3fff;

pub(super) fn inspect(payload: &[u8]) -> Inspected {
    let header = Descriptor::parse(payload).filter(|descriptor| descriptor.start);
    match header.and_then(|descriptor| payload.get(descriptor.len..)) {
        // Bit P is 0. Encrypted bytes have it in every second frame: the start code tells them apart.
        Some([tag, _, _, a, b, c, w0, w1, h0, h1, ..]) if tag & 1 == 0 && [*a, *b, *c] == START_CODE => {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & SIDE);
            Inspected { key: true, size: size(side(*w0, *w1), side(*h0, *h1)) }
        }
        _ => Inspected::default(),
    }
}
