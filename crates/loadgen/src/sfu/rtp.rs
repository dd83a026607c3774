//! RTP on the wire, as far as a receiver sees it without keys: SRTP leaves the header in clear (RFC 3711 section 3.1).

/// Length of a header without CSRCs and extensions.
pub(crate) const FIXED: usize = 12;

/// The profile of one-byte extension headers (RFC 8285 section 4.2).
const ONE_BYTE: u16 = 0xbede;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) pt: u8,
    pub(crate) marker: bool,
    /// The payload ends with padding whose last byte is its length.
    pub(crate) padding: bool,
    pub(crate) seq: u16,
    pub(crate) time: u32,
    pub(crate) ssrc: u32,
    /// Where the payload begins.
    pub(crate) len: usize,
}

/// What a datagram is, by its first bytes (RFC 7983 section 7, RFC 5761 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datagram {
    /// STUN or DTLS: for the connection.
    Control,
    Rtp,
    Rtcp,
    Other,
}

pub(crate) fn classify(datagram: &[u8]) -> Datagram {
    match datagram {
        [0..=3 | 20..=63, ..] => Datagram::Control,
        [128..=191, 192..=223, ..] => Datagram::Rtcp,
        [128..=191, ..] => Datagram::Rtp,
        _ => Datagram::Other,
    }
}

impl Header {
    /// `None`: it is no whole header of version 2.
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED] = packet.first_chunk()?;
        if fixed[0] >> 6 != 2 {
            return None;
        }
        let mut len = FIXED + 4 * usize::from(fixed[0] & 0x0f);
        if fixed[0] & 0x10 != 0 {
            let [_, _, high, low] = *packet.get(len..)?.first_chunk()?;
            len += 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        }
        (packet.len() >= len).then_some(Self {
            pt: fixed[1] & 0x7f,
            marker: fixed[1] & 0x80 != 0,
            padding: fixed[0] & 0x20 != 0,
            seq: u16::from_be_bytes([fixed[2], fixed[3]]),
            time: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            len,
        })
    }
}

/// The transport-wide sequence number of a packet, if it has an extension of this id with two bytes.
pub(crate) fn transport_seq(packet: &[u8], id: u8) -> Option<u16> {
    if packet.first()? & 0x10 == 0 {
        return None;
    }
    let begin = FIXED + 4 * usize::from(packet[0] & 0x0f);
    let [p0, p1, high, low] = *packet.get(begin..)?.first_chunk()?;
    let one_byte = u16::from_be_bytes([p0, p1]) == ONE_BYTE;
    let block = packet.get(begin + 4..begin + 4 + 4 * usize::from(u16::from_be_bytes([high, low])))?;
    let mut rest = block;
    while let [first, tail @ ..] = rest {
        if *first == 0 {
            rest = tail;
            continue;
        }
        let (element, len, tail) = match (one_byte, tail) {
            (true, _) if first >> 4 == 15 => return None,
            (true, _) => (first >> 4, usize::from(first & 15) + 1, tail),
            (false, [len, tail @ ..]) => (*first, usize::from(*len), tail),
            (false, []) => return None,
        };
        let value = tail.get(..len)?;
        if element == id {
            return value.try_into().ok().map(u16::from_be_bytes);
        }
        rest = &tail[len..];
    }
    None
}

/// Writes a header without extensions in front of a packet; there must be room.
pub(crate) fn write_fixed(packet: &mut [u8; FIXED], pt: u8, marker: bool, seq: u16, time: u32, ssrc: u32) {
    packet[0] = 0x80;
    packet[1] = pt | if marker { 0x80 } else { 0 };
    packet[2..4].copy_from_slice(&seq.to_be_bytes());
    packet[4..8].copy_from_slice(&time.to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> [u8; FIXED] {
        let mut packet = [0; FIXED];
        write_fixed(&mut packet, 96, true, 0xfffe, 0x0102_0304, 0xdead_beef);
        packet
    }

    #[test]
    fn what_is_written_is_read() {
        let header = Header::read(&plain()).unwrap();
        let wanted = Header {
            pt: 96,
            marker: true,
            padding: false,
            seq: 0xfffe,
            time: 0x0102_0304,
            ssrc: 0xdead_beef,
            len: FIXED,
        };
        assert_eq!(header, wanted);
    }

    #[test]
    fn csrcs_and_extensions_move_the_payload() {
        let mut packet = plain().to_vec();
        packet[0] = 0x80 | 0x10 | 0x20 | 2;
        packet.extend([0; 8]);
        packet.extend([0xbe, 0xde, 0, 2, 0x10, 7, 0, 0x51, 0x12, 0x34, 0, 0]);
        assert_eq!(Header::read(&packet).map(|header| (header.len, header.padding)), Some((32, true)));
        assert_eq!(transport_seq(&packet, 5), Some(0x1234));
        assert_eq!(transport_seq(&packet, 1), None, "one byte is no sequence number");
        assert_eq!(transport_seq(&packet, 6), None);
        let mut ended = packet.clone();
        ended[24] = 0xf0;
        assert_eq!(transport_seq(&ended, 5), None, "id 15 ends the extensions");
        for len in 0..packet.len() {
            assert_eq!(Header::read(&packet[..len]), None, "cut at {len}");
            assert_eq!(transport_seq(&packet[..len], 5), None, "cut at {len}");
        }
    }

    #[test]
    fn two_byte_extensions() {
        let mut packet = plain().to_vec();
        packet[0] |= 0x10;
        packet.extend([0x10, 0x00, 0, 2, 3, 0, 4, 2, 0xab, 0xcd, 0, 0]);
        assert_eq!(transport_seq(&packet, 4), Some(0xabcd));
        assert_eq!(transport_seq(&packet, 3), None);
    }

    #[test]
    fn datagrams_are_told_apart_by_their_first_bytes() {
        let cases: [(&[u8], Datagram); 7] = [
            (&[0, 1], Datagram::Control),
            (&[22, 254], Datagram::Control),
            (&[0x80, 96], Datagram::Rtp),
            (&[0x90, 0x80 | 111], Datagram::Rtp),
            (&[0x81, 200], Datagram::Rtcp),
            (&[64, 0], Datagram::Other),
            (&[], Datagram::Other),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(classify(bytes), wanted, "{bytes:?}");
        }
    }
}
