//! H.264 in RTP: RFC 6184 for the packets, ITU-T H.264 section 7.3 for the sequence parameter set.

use super::bits::Bits;
use super::{Inspected, size};

/// Types of NAL units: coded slice of an IDR picture, sequence parameter set; RFC 6184 section 5.2: several units in
/// one packet, one in several packets.
const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;
/// Bit S of the FU header: the unit begins.
const FU_START: u8 = 0x80;

/// What of a parameter set is read. Scaling lists stand before the size and may have some 800 bytes; no encoder for
/// calls sends its own. More would cost stack, less would lose the size of who does.
const SPS_BYTES: usize = 1024;

pub(super) fn inspect(payload: &[u8]) -> Inspected {
    let mut found = Inspected::default();
    match payload {
        [head, rest @ ..] if head & 0x1f == STAP_A => {
            let mut rest = rest;
            while let Some((unit, behind)) = aggregated(rest) {
                let inner = unit.split_first().map(|(head, body)| inspect_unit(head & 0x1f, body)).unwrap_or_default();
                found = Inspected { key: found.key || inner.key, size: found.size.or(inner.size) };
                rest = behind;
            }
        }
        // A parameter set in fragments is one only in name: nothing is read of it.
        [head, fu, body @ ..] if head & 0x1f == FU_A && fu & FU_START != 0 => {
            found.key = inspect_unit(fu & 0x1f, body).key;
        }
        // Of the other kinds of packets there is nothing to know.
        [head, body @ ..] => found = inspect_unit(head & 0x1f, body),
        [] => {}
    }
    found
}

/// The first unit of an aggregation packet, behind its size; and the rest.
fn aggregated(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

fn inspect_unit(kind: u8, body: &[u8]) -> Inspected {
    match kind {
        // The slice begins with `first_mb_in_slice`; 0 is coded as one set bit. A later slice of the picture is no place
        // to begin.
        IDR => Inspected { key: body.first().is_some_and(|byte| byte & 0x80 != 0), size: None },
        // It may stand alone before its IDR picture, in another burst; an encoder that refreshes its pictures piece by
        // piece sends no IDR picture at all.
        SPS => Inspected { key: !body.is_empty(), size: sps_size(body) },
        _ => Inspected::default(),
    }
}

/// Section 7.3.2.1.1, with the names of the standard.
fn sps_size(body: &[u8]) -> Option<(u32, u32)> {
    let mut buffer = [0; SPS_BYTES];
    let mut bits = Bits::new(unescape(body, &mut buffer));
    let profile_idc = bits.number(8)?;
    bits.number(16)?;
    bits.golomb()?;
    let mut chroma_format_idc = 1;
    if [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135].contains(&profile_idc) {
        chroma_format_idc = bits.golomb()?;
        if chroma_format_idc == 3 {
            bits.flag()?;
        }
        bits.golomb()?;
        bits.golomb()?;
        bits.flag()?;
        if bits.flag()? {
            let lists = if chroma_format_idc == 3 { 12 } else { 8 };
            for list in 0..lists {
                if bits.flag()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => {
            bits.flag()?;
            bits.signed_golomb()?;
            bits.signed_golomb()?;
            // As long as there are bits: each takes one at least.
            for _ in 0..bits.golomb()? {
                bits.signed_golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.flag()?;
    let width_in_mbs = bits.golomb()?.checked_add(1)?;
    let height_in_map_units = bits.golomb()?.checked_add(1)?;
    let frame_mbs_only = bits.flag()?;
    if !frame_mbs_only {
        bits.flag()?;
    }
    bits.flag()?;
    let mut crop = [0; 4];
    if bits.flag()? {
        for side in &mut crop {
            *side = bits.golomb()?;
        }
    }
    let fields = if frame_mbs_only { 1 } else { 2 };
    // Table 6-1: samples of luma per sample of chroma; one where chroma has as many, or is not there.
    let (crop_x, crop_y) = match chroma_format_idc {
        1 => (2, 2),
        2 => (2, 1),
        _ => (1, 1),
    };
    let [left, right, top, bottom] = crop;
    let width = width_in_mbs.checked_mul(16)?.checked_sub(left.checked_add(right)?.checked_mul(crop_x)?)?;
    let rows = height_in_map_units.checked_mul(16 * fields)?;
    let height = rows.checked_sub(top.checked_add(bottom)?.checked_mul(crop_y * fields)?)?;
    size(width, height)
}

/// Section 7.3.2.1.1.1: differences, until one leads to 0.
fn skip_scaling_list(bits: &mut Bits<'_>, entries: u32) -> Option<()> {
    let mut last = 8;
    for _ in 0..entries {
        let delta = bits.signed_golomb()?;
        last = (last + delta).rem_euclid(256);
        if last == 0 {
            break;
        }
    }
    Some(())
}

/// Section 7.4.1: a 3 behind two zeros was put there only to hide what looks like a start code.
fn unescape<'a>(body: &[u8], buffer: &'a mut [u8; SPS_BYTES]) -> &'a [u8] {
    let (mut len, mut zeros) = (0, 0);
    for &byte in body {
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        let Some(place) = buffer.get_mut(len) else { break };
        *place = byte;
        len += 1;
        zeros = if byte == 0 { zeros + 1 } else { 0 };
    }
    &buffer[..len]
}
