//! RTP packets of peers that str0m does not read for us (RFC 3550 section 5.1).

use std::ops::Range;

/// Bytes of a header without sources and extensions.
pub(crate) const FIXED: usize = 12;

/// A packet's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    /// Where the payload begins.
    pub(crate) head: usize,
    /// The payload ends with padding.
    pub(crate) padded: bool,
    pub(crate) marker: bool,
    pub(crate) pt: u8,
    pub(crate) seq: u16,
    pub(crate) time: u32,
    pub(crate) ssrc: u32,
}

/// Whether it is RTCP, where both may come (RFC 5761 section 4).
pub(crate) fn is_control(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// Reads a header. `None` if there is none, or no payload could stand behind it.
pub(crate) fn read(packet: &[u8]) -> Option<Header> {
    let fixed: &[u8; FIXED] = packet.first_chunk()?;
    let [first, second, ..] = *fixed;
    if first >> 6 != 2 {
        return None;
    }
    let mut head = FIXED + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(head + 2..head + 4)?;
        head += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    let word = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    (head <= packet.len()).then_some(Header {
        head,
        padded: first & 0x20 != 0,
        marker: second & 0x80 != 0,
        pt: second & 0x7f,
        seq: u16::from_be_bytes([fixed[2], fixed[3]]),
        time: word(4),
        ssrc: word(8),
    })
}

/// Writes a header without sources and extensions to the beginning of `out`, which has room for it.
pub(crate) fn write(out: &mut [u8], marker: bool, pt: u8, seq: u16, time: u32, ssrc: u32) {
    out[0] = 0x80;
    out[1] = u8::from(marker) << 7 | pt & 0x7f;
    out[2..4].copy_from_slice(&seq.to_be_bytes());
    out[4..8].copy_from_slice(&time.to_be_bytes());
    out[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

/// The part of an opened payload that is none of its padding. `None`: the padding makes no sense.
pub(crate) fn unpad(payload: &[u8], padded: bool) -> Option<Range<usize>> {
    if !padded {
        return Some(0..payload.len());
    }
    let padding = usize::from(*payload.last()?);
    (padding > 0).then(|| payload.len().checked_sub(padding).map(|end| 0..end))?
}

/// The number with these lower sixteen bits that is nearest to `highest`.
pub(crate) fn extend(highest: u64, seq: u16) -> u64 {
    let ahead = seq.wrapping_sub(highest as u16) as i16;
    let near = highest.checked_add_signed(ahead.into());
    // Before the first cycle there is none.
    near.unwrap_or(seq.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read() {
        let mut packet = vec![0; 20];
        write(&mut packet, true, 96, 0x0102, 0x0304_0506, 0x0708_090a);
        let header =
            Header { head: 12, padded: false, marker: true, pt: 96, seq: 0x0102, time: 0x0304_0506, ssrc: 0x0708_090a };
        assert_eq!(read(&packet), Some(header));
        packet[0] = 0xa1;
        assert_eq!(read(&packet), Some(Header { head: 16, padded: true, ..header }));
        packet[0] = 0x91;
        packet[16..20].copy_from_slice(&[0xbe, 0xde, 0, 1]);
        assert_eq!(read(&packet), None, "the extension is cut off");
        packet.extend([0; 4]);
        assert_eq!(read(&packet).map(|header| header.head), Some(24));
        for cut in 0..24 {
            assert_eq!(read(&packet[..cut]), None, "{cut}");
        }
        packet[0] = 0x40;
        assert_eq!(read(&packet), None, "another version");
        assert!(is_control(&[0x80, 200]) && is_control(&[0x80, 206]) && !is_control(&[0x80, 96]) && !is_control(&[]));
    }

    #[test]
    fn padding_is_taken_off() {
        assert_eq!(unpad(b"abc", false), Some(0..3));
        for (payload, left) in
            [(&b"ab\x01"[..], Some(0..2)), (b"a\0\x02", Some(0..1)), (b"\x01", Some(0..0)), (b"\x02", None)]
        {
            assert_eq!(unpad(payload, true), left, "{payload:?}");
        }
        assert_eq!((unpad(b"a\0", true), unpad(b"", true)), (None, None));
    }

    #[test]
    fn the_nearest_number_is_meant() {
        for (highest, seq, number) in [
            (5, 6, 6),
            (5, 4, 4),
            (5, 65_535, 65_535),
            (65_535, 0, 65_536),
            (65_536, 65_535, 65_535),
            (131_072, 32_767, 163_839),
            (131_072, 32_769, 98_305),
        ] {
            assert_eq!(extend(highest, seq), number, "{highest} {seq}");
        }
    }
}
