//! The payloads of the load: VP8 that a server can read, and Opus, each with a stamp at its end.
//!
//! The pictures are no pictures: behind a valid payload descriptor (RFC 7741 section 4.2) and frame header
//! (section 4.3, RFC 6386 section 9.1) stands filler. Servers look no further; what a viewer finds in there is checked.

/// Behind the descriptor stand a key frame's tag, start code and size.
pub(crate) const WIDTH: u16 = 640;
pub(crate) const HEIGHT: u16 = 360;

/// X with a picture id of 15 bits and TL0PICIDX, as browsers send it.
const DESCRIPTOR: usize = 5;
const KEY_HEADER: usize = 10;
const DELTA_HEADER: usize = 3;
const MAGIC: [u8; 4] = *b"pbST";
const STAMP: usize = MAGIC.len() + 8 + 4 + 2 + 2;

/// The least length of a payload of either kind.
pub(crate) const LEAST: usize = DESCRIPTOR + KEY_HEADER + STAMP;

/// What the end of each payload says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When it was sent, in nanoseconds of the Unix epoch: the clock of the kernel's stamps on what is received.
    pub(crate) nanos: u64,
    /// Number of the source's frame.
    pub(crate) frame: u32,
    /// Which packet of the frame, from 0.
    pub(crate) index: u16,
    /// Of how many.
    pub(crate) count: u16,
}

impl Stamp {
    /// Whether this is the last packet of its frame.
    pub(crate) fn is_last(&self) -> bool {
        self.index + 1 == self.count
    }
}

/// A packet of a VP8 frame. `len` is at least [`LEAST`].
pub(crate) fn vp8(out: &mut Vec<u8>, len: usize, key: bool, stamp: &Stamp) {
    let begin = out.len();
    let first = stamp.index == 0;
    let picture = stamp.frame as u16 & 0x7fff;
    out.extend([0x80 | if first { 0x10 } else { 0 }, 0xc0]);
    out.extend((picture | 0x8000).to_be_bytes());
    out.push(stamp.frame as u8);
    if first {
        // A shown frame of version 0; the size of its first partition is of no account here.
        out.extend([if key { 0x10 } else { 0x11 }, 0, 0]);
        if key {
            out.extend([0x9d, 0x01, 0x2a]);
            out.extend(WIDTH.to_le_bytes());
            out.extend(HEIGHT.to_le_bytes());
        }
    }
    fill(out, begin, len, stamp);
}

/// A packet of Opus: a CELT frame of 20 ms, fullband, mono (RFC 6716 section 3.1).
pub(crate) fn opus(out: &mut Vec<u8>, len: usize, stamp: &Stamp) {
    let begin = out.len();
    out.push(31 << 3);
    fill(out, begin, len, stamp);
}

fn fill(out: &mut Vec<u8>, begin: usize, len: usize, stamp: &Stamp) {
    out.resize(begin + len.max(LEAST) - STAMP, filler(stamp));
    out.extend(MAGIC);
    out.extend(stamp.nanos.to_be_bytes());
    out.extend(stamp.frame.to_be_bytes());
    out.extend(stamp.index.to_be_bytes());
    out.extend(stamp.count.to_be_bytes());
}

fn filler(stamp: &Stamp) -> u8 {
    stamp.frame as u8 ^ stamp.index as u8
}

/// Reads the stamp of a payload whose padding is gone. `None`: it is none of ours, or it was altered beyond what a server
/// may rewrite (the descriptor).
pub(crate) fn read(payload: &[u8]) -> Option<Stamp> {
    let (body, stamp) = payload.split_last_chunk::<STAMP>()?;
    let (magic, rest) = stamp.split_first_chunk::<4>()?;
    let (nanos, rest) = rest.split_first_chunk::<8>()?;
    let (frame, rest) = rest.split_first_chunk::<4>()?;
    let (index, count) = rest.split_first_chunk::<2>()?;
    let stamp = Stamp {
        nanos: u64::from_be_bytes(*nanos),
        frame: u32::from_be_bytes(*frame),
        index: u16::from_be_bytes(*index),
        count: u16::from_be_bytes(*count.first_chunk()?),
    };
    let filler = filler(&stamp);
    let untouched = body.get(DESCRIPTOR + KEY_HEADER..)?.iter().all(|byte| *byte == filler);
    (*magic == MAGIC && untouched).then_some(stamp)
}

/// Whether a VP8 payload begins a key frame.
pub(crate) fn begins_key(payload: &[u8]) -> bool {
    let [first, rest @ ..] = payload else { return false };
    // The start of partition 0, then the frame tag's P bit, behind whatever the descriptor has.
    let mut skip = 0;
    if first & 0x80 != 0 {
        let Some(extension) = rest.first() else { return false };
        skip = 1;
        if extension & 0x80 != 0 {
            skip += if rest.get(skip).is_some_and(|id| id & 0x80 != 0) { 2 } else { 1 };
        }
        skip += usize::from(extension & 0x40 != 0) + usize::from(extension & 0x30 != 0);
    }
    first & 0x1f == 0x10 && rest.get(skip).is_some_and(|tag| tag & 1 == 0)
}

/// Takes off RTP padding (RFC 3550 section 5.1).
pub(crate) fn unpadded(payload: &[u8], padding: bool) -> &[u8] {
    match payload.last() {
        Some(len) if padding => &payload[..payload.len().saturating_sub(usize::from(*len))],
        _ => payload,
    }
}

const _: () = assert!(KEY_HEADER > DELTA_HEADER);

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Stamp = Stamp { nanos: 0x0102_0304_0506_0708, frame: 0x0001_8003, index: 0, count: 5 };

    #[test]
    fn a_key_frame_has_its_size_where_decoders_look() {
        let mut out = vec![9, 9];
        vp8(&mut out, 700, true, &AT);
        assert_eq!(out.len(), 702);
        let payload = &out[2..];
        assert_eq!(payload[..5], [0x90, 0xc0, 0x80, 0x03, 0x03]);
        assert_eq!(payload[8..11], [0x9d, 0x01, 0x2a]);
        assert_eq!(payload[11..15], [0x80, 2, 0x68, 1]);
        assert!(begins_key(payload));
        assert_eq!(read(payload), Some(AT));
    }

    #[test]
    fn only_the_first_packet_of_a_key_frame_begins_one() {
        for (key, index, wanted) in [(true, 0, true), (true, 1, false), (false, 0, false), (false, 1, false)] {
            let (stamp, mut out) = (Stamp { index, ..AT }, Vec::new());
            vp8(&mut out, LEAST, key, &stamp);
            assert_eq!(begins_key(&out), wanted, "{key} {index}");
            assert_eq!(read(&out), Some(stamp));
            assert!(!stamp.is_last());
        }
        let without_extension = [0x10, 0x10];
        assert!(begins_key(&without_extension));
        let all_extensions = [0x90, 0xf0, 0x81, 3, 5, 7, 0x10];
        assert!(begins_key(&all_extensions));
        for len in 0..6 {
            assert!(!begins_key(&all_extensions[..len]));
        }
    }

    #[test]
    fn altered_payloads_are_noticed_and_padding_is_not() {
        let mut out = Vec::new();
        opus(&mut out, 80, &AT);
        assert_eq!(read(&out), Some(AT));
        let padded = [&out[..], &[0, 0, 3]].concat();
        assert_eq!(read(unpadded(&padded, true)), Some(AT));
        assert_eq!(read(unpadded(&padded, false)), None);
        assert_eq!(unpadded(&[9], true), &[] as &[u8]);
        out[40] ^= 1;
        assert_eq!(read(&out), None);
        assert_eq!(read(b"short"), None);
    }
}
