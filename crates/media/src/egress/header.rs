//! RTP headers with the extensions that a viewer is sent (RFC 3550 section 5.1, RFC 8285).

use super::{Ids, MidBytes};

/// Bytes of the fixed part.
const FIXED: usize = 12;
/// The profile that announces elements of one byte each for number and length.
const ONE_BYTE: [u8; 2] = [0xbe, 0xde];
/// Most bytes of all elements: a mid of 16, a time of 3, a level and a rotation of one each, and a byte before each.
const ELEMENTS: usize = 28;

/// The fixed fields.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed {
    pub(super) pt: u8,
    pub(super) marker: bool,
    /// The payload ends with padding, whose last byte tells how much.
    pub(super) padded: bool,
    pub(super) seq: u16,
    pub(super) time: u32,
    pub(super) ssrc: u32,
}

/// Values of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Values {
    pub(super) mid: Option<MidBytes>,
    /// Absolute send time, 24 bits.
    pub(super) send_time: u32,
    /// Audio level, as it is sent: whether it is speech, and -dBov.
    pub(super) level: Option<u8>,
    pub(super) rotation: Option<u8>,
}

/// A header's extension elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements {
    bytes: [u8; ELEMENTS],
    length: usize,
}

impl Elements {
    pub(super) fn new(ids: &Ids, values: &Values) -> Self {
        let mut elements = Self { bytes: [0; ELEMENTS], length: 0 };
        if let (Some(id), Some(mid)) = (ids.mid, &values.mid) {
            elements.push(id, mid.as_slice());
        }
        if let Some(id) = ids.send_time {
            elements.push(id, &values.send_time.to_be_bytes()[1..]);
        }
        if let (Some(id), Some(level)) = (ids.level, values.level) {
            elements.push(id, &[level]);
        }
        if let (Some(id), Some(rotation)) = (ids.rotation, values.rotation) {
            elements.push(id, &[rotation]);
        }
        elements
    }

    /// Elements of one byte have numbers of 1 to 14 and 1 to 16 bytes; what is beyond cannot be said and is left out.
    fn push(&mut self, id: u8, value: &[u8]) {
        let end = self.length + 1 + value.len();
        if !(1..=14).contains(&id) || !(1..=16).contains(&value.len()) || end > ELEMENTS {
            return;
        }
        self.bytes[self.length] = id << 4 | (value.len() - 1) as u8;
        self.bytes[self.length + 1..end].copy_from_slice(value);
        self.length = end;
    }

    /// Bytes of a header with these elements.
    pub(super) fn head(&self) -> usize {
        match self.length {
            0 => FIXED,
            length => FIXED + 4 + length.next_multiple_of(4),
        }
    }

    /// Writes a header to the beginning of `out`, which has room for it.
    pub(super) fn write(&self, fixed: &Fixed, out: &mut [u8]) {
        let extended = self.length > 0;
        out[0] = 0x80 | u8::from(fixed.padded) << 5 | u8::from(extended) << 4;
        out[1] = u8::from(fixed.marker) << 7 | fixed.pt & 0x7f;
        out[2..4].copy_from_slice(&fixed.seq.to_be_bytes());
        out[4..8].copy_from_slice(&fixed.time.to_be_bytes());
        out[8..12].copy_from_slice(&fixed.ssrc.to_be_bytes());
        if extended {
            let words = self.length.div_ceil(4);
            out[12..14].copy_from_slice(&ONE_BYTE);
            out[14..16].copy_from_slice(&(words as u16).to_be_bytes());
            out[16..16 + 4 * words].copy_from_slice(&self.bytes[..4 * words]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELDS: Fixed =
        Fixed { pt: 96, marker: true, padded: false, seq: 0x0102, time: 0x0304_0506, ssrc: 0x0708_090a };
    const HEAD: [u8; 11] = [0xe0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

    fn written(ids: &Ids, values: &Values, fixed: &Fixed) -> Vec<u8> {
        let elements = Elements::new(ids, values);
        let mut out = vec![0xff; elements.head()];
        elements.write(fixed, &mut out);
        out
    }

    #[test]
    fn a_header_without_extensions_is_twelve_bytes() {
        assert_eq!(written(&Ids::default(), &Values { level: Some(1), ..Values::default() }, &FIELDS)[1..], HEAD);
        let plain = |fixed| written(&Ids::default(), &Values::default(), &fixed)[..2].to_vec();
        assert_eq!(plain(FIELDS), [0x80, 0xe0]);
        assert_eq!(plain(Fixed { marker: false, padded: true, ..FIELDS }), [0xa0, 96]);
    }

    #[test]
    fn elements_stand_behind_each_other_and_fill_words() {
        let ids = Ids { mid: Some(4), send_time: Some(2), level: Some(1), rotation: Some(13) };
        let values = Values {
            mid: Some(MidBytes::of("ab".into())),
            send_time: 0x0011_2233,
            level: Some(0xff),
            rotation: Some(3),
        };
        let out = written(&ids, &values, &FIELDS);
        assert_eq!(out[0], 0x90);
        assert_eq!(out[12..], [0xbe, 0xde, 0, 3, 0x41, b'a', b'b', 0x22, 0x11, 0x22, 0x33, 0x10, 0xff, 0xd0, 3, 0]);
        let none = Values { send_time: 5, ..Values::default() };
        assert_eq!(
            written(&ids, &none, &FIELDS)[12..],
            [0xbe, 0xde, 0, 1, 0x22, 0, 0, 5],
            "what is not known is not said"
        );
        let only = Ids { level: Some(1), ..Ids::default() };
        assert_eq!(
            written(&only, &values, &FIELDS)[12..],
            [0xbe, 0xde, 0, 1, 0x10, 0xff, 0, 0],
            "nor what was not agreed"
        );
    }

    #[test]
    fn the_longest_elements_fit() {
        let ids = Ids { mid: Some(14), send_time: Some(2), level: Some(1), rotation: Some(15) };
        let mid = MidBytes::of("0123456789abcdef".into());
        let values = Values { mid: Some(mid), send_time: 0, level: Some(1), rotation: Some(3) };
        assert_eq!(written(&ids, &values, &FIELDS).len(), 12 + 4 + 24, "15 is no number for an element of one byte");
    }
}
