//! WebSocket frames (RFC 6455 section 5): bytes to frames and back, no I/O, no state.

/// What a peer did that ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// It broke the framing: close 1002.
    Protocol,
    /// A text message that is not UTF-8: close 1007.
    NotUtf8,
    /// A message larger than the limit: close 1009.
    TooLarge,
}

/// RFC 6455 section 5.2, "Opcode".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        match bits {
            0x0 => Ok(Self::Continuation),
            0x1 => Ok(Self::Text),
            0x2 => Ok(Self::Binary),
            0x8 => Ok(Self::Close),
            0x9 => Ok(Self::Ping),
            0xa => Ok(Self::Pong),
            _ => Err(Violation::Protocol),
        }
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xa,
        }
    }

    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// A client's frame, unmasked in place.
#[derive(Debug)]
pub(super) struct InFrame<'a> {
    pub(super) last: bool,
    pub(super) opcode: Opcode,
    pub(super) payload: &'a mut [u8],
}

/// Largest payload of a control frame (RFC 6455 section 5.5).
const CONTROL_BYTES: u64 = 125;

/// The head of a frame that is there in full.
pub(super) struct Header {
    last: bool,
    opcode: Opcode,
    mask: [u8; 4],
    /// Bytes of the header itself.
    length: usize,
    payload: usize,
}

impl Header {
    /// Splits the frame off the bytes that it was found at the start of.
    pub(super) fn split(self, bytes: &mut [u8]) -> (InFrame<'_>, &mut [u8]) {
        let (frame, rest) = bytes.split_at_mut(self.length + self.payload);
        let payload = &mut frame[self.length..];
        unmask(payload, self.mask);
        (InFrame { last: self.last, opcode: self.opcode, payload }, rest)
    }
}

/// The frame that `bytes` begin with, or `None` if it is not there in full. `room` is how much payload a data frame may
/// have; a larger one is refused by its header, before it is received.
pub(super) fn find(bytes: &[u8], room: usize) -> Result<Option<Header>, Violation> {
    let header = header(bytes, room)?;
    Ok(header.filter(|header| bytes.len() >= header.length + header.payload))
}

fn header(bytes: &[u8], room: usize) -> Result<Option<Header>, Violation> {
    let &[first, second, ..] = bytes else { return Ok(None) };
    // No extension was negotiated, so the reserved bits are zero; a client masks (sections 5.2 and 5.1).
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(Violation::Protocol);
    }
    let last = first & 0x80 != 0;
    let opcode = Opcode::parse(first & 0x0f)?;
    let (payload, at) = match second & 0x7f {
        126 => match bytes.get(2..4) {
            Some(length) => (u64::from(u16::from_be_bytes([length[0], length[1]])), 4),
            None => return Ok(None),
        },
        127 => match bytes.get(2..10).and_then(|length| length.try_into().ok()) {
            Some(length) => (u64::from_be_bytes(length), 10),
            None => return Ok(None),
        },
        short => (u64::from(short), 2),
    };
    if opcode.is_control() && (!last || payload > CONTROL_BYTES) || payload >> 63 != 0 {
        return Err(Violation::Protocol);
    }
    if !opcode.is_control() && payload > room as u64 {
        return Err(Violation::TooLarge);
    }
    let Some(mask) = bytes.get(at..at + 4).and_then(|mask| mask.try_into().ok()) else { return Ok(None) };
    let payload = usize::try_from(payload).map_err(|_| Violation::TooLarge)?;
    Ok(Some(Header { last, opcode, mask, length: at + 4, payload }))
}

/// RFC 6455 section 5.3, eight bytes at a time.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = payload.chunks_exact_mut(8);
    for word in &mut words {
        if let Ok(value) = <[u8; 8]>::try_from(&*word) {
            word.copy_from_slice(&(u64::from_ne_bytes(value) ^ wide).to_ne_bytes());
        }
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends an unfragmented server frame.
pub(super) fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.push(0x80 | opcode.bits());
    match payload.len() {
        length @ 0..=125 => out.push(length as u8),
        length @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}

/// Appends a close frame.
pub(super) fn write_close(out: &mut Vec<u8>, code: u16) {
    write(out, Opcode::Close, &code.to_be_bytes());
}

/// The code to answer a peer's close with: its own, 1000 if it gave none, 1002 if it may not be sent
/// (RFC 6455 section 7.4).
pub(super) fn close_answer(payload: &[u8]) -> u16 {
    match payload {
        [] => 1000,
        [high, low, reason @ ..] => match u16::from_be_bytes([*high, *low]) {
            code @ (1000..=1003 | 1007..=1014 | 3000..=4999) if std::str::from_utf8(reason).is_ok() => code,
            _ => 1002,
        },
        [_] => 1002,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, Opcode::Text, payload);
        out[0] = first;
        out[1] |= 0x80;
        let at = out.len() - payload.len();
        for (index, byte) in out[at..].iter_mut().enumerate() {
            *byte ^= mask[index % 4];
        }
        out.splice(at..at, mask);
        out
    }

    #[test]
    fn frames_of_every_length_form_survive_the_way() {
        for length in [0, 1, 7, 8, 9, 125, 126, 127, 65_535, 65_536, 100_003] {
            let payload: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let mut bytes = masked(0x82, &payload, [1, 2, 3, 250]);
            bytes.extend_from_slice(b"next");
            let (frame, rest) = find(&bytes, 1 << 20).expect("legal").expect("whole").split(&mut bytes);
            assert_eq!((frame.last, frame.opcode), (true, Opcode::Binary));
            assert_eq!(frame.payload, payload, "length {length}");
            assert_eq!(rest, b"next");
        }
    }

    #[test]
    fn a_frame_that_is_cut_anywhere_is_awaited() {
        let whole = masked(0x81, &[7; 300], [9, 8, 7, 6]);
        for end in 0..whole.len() {
            assert!(find(&whole[..end], 1 << 20).expect("legal so far").is_none(), "cut at {end}");
        }
    }

    #[test]
    fn what_rfc_6455_forbids_is_refused() {
        let refused = |bytes: &[u8], room| find(bytes, room).map(|_| ()).expect_err("forbidden");
        assert_eq!(refused(&[0x81, 0x01, b'x'], 10), Violation::Protocol, "unmasked");
        assert_eq!(refused(&masked(0xc1, b"x", [0; 4]), 10), Violation::Protocol, "reserved bit");
        assert_eq!(refused(&masked(0x83, b"x", [0; 4]), 10), Violation::Protocol, "reserved opcode");
        assert_eq!(refused(&masked(0x09, b"x", [0; 4]), 10), Violation::Protocol, "fragmented ping");
        assert_eq!(refused(&masked(0x89, &[0; 126], [0; 4]), 1000), Violation::Protocol, "long ping");
        assert_eq!(refused(&masked(0x81, &[0; 11], [0; 4])[..6], 10), Violation::TooLarge, "by its header");
        let mut huge = vec![0x81, 0xff];
        huge.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(refused(&huge, 10), Violation::Protocol, "length with its top bit");
    }

    #[test]
    fn a_close_is_answered_with_a_code_that_may_be_sent() {
        for (payload, code) in [
            (&b""[..], 1000),
            (b"\x03\xe8", 1000),
            (b"\x03\xe9bye", 1001),
            (b"\x0f\xa0", 4000),
            (b"\x03\xed", 1002),
            (b"\x03", 1002),
            (b"\x00\x00", 1002),
            (b"\x03\xe8\xff", 1002),
        ] {
            assert_eq!(close_answer(payload), code, "{payload:?}");
        }
    }
}
