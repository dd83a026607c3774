//! The VP8 payload descriptor, RFC 7741 section 4.2: what stands before the coded bytes of each packet.

use crate::rewrite::Vp8Numbers;

/// A descriptor that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The packet begins a frame: S is set and the partition is the first.
    pub start: bool,
    /// The frame's number, if it has one.
    pub picture_id: Option<PictureId>,
    /// The number of the last frame of temporal layer 0, if it is told.
    pub tl0_pic_idx: Option<u8>,
    /// Its own length in bytes: the coded bytes begin here.
    pub len: usize,
}

/// A frame's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureId {
    /// Seven or fifteen bits.
    pub value: u16,
    /// It has fifteen.
    pub long: bool,
}

impl Descriptor {
    /// Reads the beginning of an RTP payload; `None` if it ends within the descriptor.
    #[must_use]
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let mut rest = payload.iter().copied();
        let required = rest.next()?;
        let extension = if required & 0x80 == 0 { 0 } else { rest.next()? };
        let picture_id = match extension & 0x80 {
            0 => None,
            _ => Some(match rest.next()? {
                high if high & 0x80 != 0 => {
                    PictureId { value: u16::from_be_bytes([high & 0x7f, rest.next()?]), long: true }
                }
                short => PictureId { value: u16::from(short), long: false },
            }),
        };
        let tl0_pic_idx = if extension & 0x40 == 0 { None } else { Some(rest.next()?) };
        if extension & 0x30 != 0 {
            // TID, Y and KEYIDX: they mean nothing to who only forwards.
            rest.next()?;
        }
        let len = payload.len() - rest.len();
        Some(Self { start: required & 0x17 == 0x10, picture_id, tl0_pic_idx, len })
    }
}

/// Writes frame numbers over those that a payload has. What it has none of stays without; a payload that ends within its
/// descriptor stays as it is.
pub(crate) fn renumber(payload: &mut [u8], numbers: Vp8Numbers) {
    if numbers == Vp8Numbers::default() {
        return;
    }
    let Some(Descriptor { picture_id, tl0_pic_idx, .. }) = Descriptor::parse(payload) else { return };
    // Behind the two bytes that say what there is.
    let mut at = 2;
    if let Some(PictureId { long, .. }) = picture_id {
        if let Some(id) = numbers.picture_id {
            let [high, low] = id.to_be_bytes();
            if long {
                payload[at..at + 2].copy_from_slice(&[0x80 | high, low]);
            } else {
                payload[at] = low & 0x7f;
            }
        }
        at += if long { 2 } else { 1 };
    }
    if let (Some(_), Some(index)) = (tl0_pic_idx, numbers.tl0_pic_idx) {
        payload[at] = index;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_found_where_it_stands() {
        let short = |value| Some(PictureId { value, long: false });
        let long = |value| Some(PictureId { value, long: true });
        type Row<'a> = (&'a [u8], bool, Option<PictureId>, Option<u8>);
        let table: [Row<'_>; 9] = [
            (&[0x10], true, None, None),
            (&[0x11], false, None, None),
            (&[0x00], false, None, None),
            (&[0x90, 0x80, 0x7f], true, short(127), None),
            (&[0x90, 0x80, 0xff, 0xff], true, long(0x7fff), None),
            (&[0x90, 0x80, 0x80, 0x05], true, long(5), None),
            (&[0x80, 0x40, 0xfe], false, None, Some(254)),
            (&[0x90, 0xe0, 0x81, 0x02, 0x03, 0x40], true, long(0x102), Some(3)),
            (&[0xb0, 0xf0, 0x09, 0x04, 0x1f], true, short(9), Some(4)),
        ];
        for (bytes, start, picture_id, tl0_pic_idx) in table {
            let expected = Descriptor { start, picture_id, tl0_pic_idx, len: bytes.len() };
            assert_eq!(Descriptor::parse(&[bytes, &[1, 2, 3]].concat()), Some(expected), "{bytes:x?}");
            for cut in 0..bytes.len() {
                assert_eq!(Descriptor::parse(&bytes[..cut]), None, "{bytes:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn numbers_are_written_over_those_that_are_there() {
        let numbers = Vp8Numbers { picture_id: Some(0x1234), tl0_pic_idx: Some(0x56) };
        let table: [(&[u8], &[u8]); 7] = [
            (&[0x10, 9], &[0x10, 9]),
            (&[0x90, 0x80, 0x01, 9], &[0x90, 0x80, 0x34, 9]),
            (&[0x90, 0x80, 0x81, 1, 9], &[0x90, 0x80, 0x92, 0x34, 9]),
            (&[0x90, 0xc0, 0x81, 1, 2, 9], &[0x90, 0xc0, 0x92, 0x34, 0x56, 9]),
            (&[0x90, 0xf0, 0x01, 2, 3, 9], &[0x90, 0xf0, 0x34, 0x56, 3, 9]),
            (&[0x90, 0x40, 2, 9], &[0x90, 0x40, 0x56, 9]),
            (&[0x90, 0xc0, 0x81, 1], &[0x90, 0xc0, 0x81, 1]),
        ];
        for (before, after) in table {
            let mut payload = before.to_vec();
            renumber(&mut payload, Vp8Numbers::default());
            assert_eq!(payload, before);
            renumber(&mut payload, numbers);
            assert_eq!(payload, after, "{before:x?}");
        }
    }
}
