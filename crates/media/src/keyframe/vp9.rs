//! VP9 in RTP: the payload descriptor of RFC 9628 section 4.2, the frame header of the VP9 bitstream section 6.2.

use super::bits::Bits;
use super::{Inspected, size};

/// Its bits, from the most significant: picture id present, inter-picture predicted, layer indices present, flexible
/// mode, begin of frame, end of frame, scalability structure present.
const I: u8 = 0x80;
const P: u8 = 0x40;
const L: u8 = 0x20;
const F: u8 = 0x10;
const B: u8 = 0x08;
const V: u8 = 0x02;

/// The colour space that is coded without a subsampling of its own.
const SRGB: u32 = 7;
const SYNC_CODE: u32 = 0x49_8342;

pub(super) fn inspect(payload: &[u8]) -> Inspected {
    read(payload).unwrap_or_default()
}

fn read(payload: &[u8]) -> Option<Inspected> {
    let mut rest = payload.iter();
    let flags = *rest.next()?;
    if flags & (P | B) != B {
        return None;
    }
    if flags & I != 0 && *rest.next()? & 0x80 != 0 {
        rest.next()?;
    }
    if flags & L != 0 {
        let spatial_layer = *rest.next()? >> 1 & 0x07;
        if flags & F == 0 {
            rest.next()?;
        }
        // An upper layer of a key picture is predicted from the lower one.
        if spatial_layer != 0 {
            return None;
        }
    }
    let told = if flags & V == 0 { None } else { scalability_structure(&mut rest)? };
    let coded = rest.as_slice();
    if coded.is_empty() {
        return None;
    }
    Some(Inspected { key: true, size: told.or_else(|| frame_size(coded)) })
}

/// Section 4.2.1; the size of the largest layer, if sizes are told.
fn scalability_structure(rest: &mut std::slice::Iter<'_, u8>) -> Option<Option<(u32, u32)>> {
    let head = *rest.next()?;
    let mut largest = None;
    if head & 0x10 != 0 {
        for _ in 0..=head >> 5 {
            let mut side = || Some(u32::from(u16::from_be_bytes([*rest.next()?, *rest.next()?])));
            let (width, height) = (side()?, side()?);
            largest = largest.max(size(width, height));
        }
    }
    if head & 0x08 != 0 {
        for _ in 0..*rest.next()? {
            let references = *rest.next()? >> 2 & 0x03;
            for _ in 0..references {
                rest.next()?;
            }
        }
    }
    Some(largest)
}

/// From the uncompressed header of a key frame; encrypted bytes lack its sync code.
fn frame_size(frame: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(frame);
    if bits.number(2)? != 2 {
        return None;
    }
    let profile = u32::from(bits.flag()?) | u32::from(bits.flag()?) << 1;
    if profile == 3 {
        bits.flag()?;
    }
    let (show_existing, inter) = (bits.flag()?, bits.flag()?);
    // Whether it is shown, and whether it is resilient.
    bits.number(2)?;
    if show_existing || inter || bits.number(24)? != SYNC_CODE {
        return None;
    }
    if profile >= 2 {
        bits.flag()?;
    }
    let rgb = bits.number(3)? == SRGB;
    let subsampling = if profile % 2 == 1 { if rgb { 1 } else { 3 } } else { 0 };
    // The colour range comes first, of any colour space but this.
    bits.number(subsampling + u32::from(!rgb))?;
    size(bits.number(16)? + 1, bits.number(16)? + 1)
}
