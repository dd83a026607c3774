//! The client's half of RFC 6455: masked frames out, frames in. Written apart from the server's, so that the two do not
//! share a mistake.

pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// Appends a client's frame; `first` is its first byte. Without a mask it is one that a server must refuse.
pub(crate) fn write(out: &mut Vec<u8>, first: u8, payload: &[u8], mask: Option<[u8; 4]>) {
    out.push(first);
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        length @ 0..=125 => out.push(masked | length as u8),
        length @ 126..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    let Some(mask) = mask else { return out.extend_from_slice(payload) };
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// A server's frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
    /// Bytes that it took on the wire.
    pub(crate) length: usize,
}

/// The frame that `bytes` begin with; `None` if more has to come.
///
/// # Errors
/// If a server may not send it: this one sends neither masks, fragments nor reserved bits.
pub(crate) fn read(bytes: &[u8]) -> Result<Option<Frame>, String> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    if first & 0x80 == 0 || first & 0x70 != 0 || second & 0x80 != 0 {
        return Err(format!("a frame begins with {first:#04x} {second:#04x}"));
    }
    let (length, at) = match second {
        126 if bytes.len() < 4 => return Ok(None),
        126 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
        127 if bytes.len() < 10 => return Ok(None),
        127 => (bytes[2..10].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 10),
        short => (usize::from(short), 2),
    };
    let Some(payload) = bytes.get(at..at + length) else { return Ok(None) };
    Ok(Some(Frame { opcode: first & 0x0f, payload: payload.to_vec(), length: at + length }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_frame_is_awaited_until_it_is_whole() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let mut bytes = Vec::new();
            write(&mut bytes, 0x80 | TEXT, &vec![b'x'; length], None);
            let whole = bytes.len();
            bytes.extend_from_slice(b"next");
            for end in [0, 1, 2, 9, whole - 1].into_iter().filter(|end| *end < whole) {
                assert_eq!(read(&bytes[..end]), Ok(None), "{length} cut at {end}");
            }
            let frame = read(&bytes).expect("legal").expect("whole");
            assert_eq!((frame.opcode, frame.payload.len(), frame.length), (TEXT, length, whole));
        }
        assert!(read(&[0x01, 0x00]).is_err(), "a fragment");
        assert!(read(&[0x81, 0x80]).is_err(), "a mask");
    }

    #[test]
    fn a_mask_hides_the_payload() {
        let mut out = Vec::new();
        write(&mut out, 0x80 | TEXT, b"abc", Some([1, 2, 3, 4]));
        assert_eq!(out, [0x81, 0x83, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3]);
    }
}
