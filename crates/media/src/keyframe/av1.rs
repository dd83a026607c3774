//! AV1 in RTP: the AOMedia payload format section 4, the sequence header of the AV1 bitstream section 5.5.

use super::bits::Bits;
use super::{Inspected, size};

/// Aggregation header: the packet is the first of a coded video sequence; it continues an element of the last packet;
/// the number of elements, 0 if each has its length.
const N: u8 = 0x08;
const Z: u8 = 0x80;
const W_SHIFT: u8 = 4;

const SEQUENCE_HEADER: u8 = 1;

pub(super) fn inspect(payload: &[u8]) -> Inspected {
    match payload.split_first() {
        Some((head, elements)) if head & (N | Z) == N && !elements.is_empty() => {
            Inspected { key: true, size: sequence_size(head >> W_SHIFT & 0x03, elements) }
        }
        _ => Inspected::default(),
    }
}

/// The size that the first sequence header among the elements tells.
fn sequence_size(count: u8, mut rest: &[u8]) -> Option<(u32, u32)> {
    let mut index = 0;
    while !rest.is_empty() {
        index += 1;
        let element = if index == count { std::mem::take(&mut rest) } else { sized(&mut rest)? };
        let (&head, mut body) = element.split_first()?;
        if head & 0x04 != 0 {
            body = body.get(1..)?;
        }
        if head & 0x02 != 0 {
            body = sized(&mut body)?;
        }
        if head >> 3 & 0x0f == SEQUENCE_HEADER {
            return read_sequence_header(&mut Bits::new(body));
        }
    }
    None
}

/// Takes a length and as many bytes.
fn sized<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let mut length = 0_usize;
    // Section 4.10.5 allows eight bytes; no packet needs more than three.
    for shift in [0, 7, 14] {
        let (&byte, behind) = rest.split_first()?;
        *rest = behind;
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let (taken, behind) = rest.split_at_checked(length)?;
            *rest = behind;
            return Some(taken);
        }
    }
    None
}

/// Section 5.5.1, with the names of the specification, up to the size.
fn read_sequence_header(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    bits.number(4)?;
    let reduced_still_picture_header = bits.flag()?;
    if reduced_still_picture_header {
        bits.number(5)?;
    } else {
        let mut buffer_delay_bits = None;
        if bits.flag()? {
            bits.number(32)?;
            bits.number(32)?;
            if bits.flag()? {
                bits.golomb()?;
            }
            if bits.flag()? {
                buffer_delay_bits = Some(bits.number(5)? + 1);
                bits.number(32)?;
                bits.number(10)?;
            }
        }
        let initial_display_delay = bits.flag()?;
        for _ in 0..=bits.number(5)? {
            bits.number(12)?;
            if bits.number(5)? > 7 {
                bits.flag()?;
            }
            if let Some(delay_bits) = buffer_delay_bits
                && bits.flag()?
            {
                bits.number(delay_bits)?;
                bits.number(delay_bits)?;
                bits.flag()?;
            }
            if initial_display_delay && bits.flag()? {
                bits.number(4)?;
            }
        }
    }
    let (width_bits, height_bits) = (bits.number(4)? + 1, bits.number(4)? + 1);
    size(bits.number(width_bits)? + 1, bits.number(height_bits)? + 1)
}
