//! What a viewer or a telephone says in RTCP, and what they are told (RFC 3550 section 6, RFC 4585, RFC 5104).

mod compound;

pub(crate) use self::compound::{Received, Sent, compound, fir, pli};

/// Packet types.
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
/// Formats of feedback packets.
const NACK: u8 = 1;
const PLI: u8 = 1;
const FIR: u8 = 4;
const APPLICATION: u8 = 15;

/// One thing that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// How a stream arrives.
    Report(Block),
    /// What a sender says of its stream: the moment of its clock, in NTP's format, that is this RTP timestamp.
    Sender { ssrc: u32, ntp: u64, time: u32 },
    /// Packets of `ssrc` are missing: `seq`, and for each bit of `mask` from the lowest on the one that is so many behind
    /// it, and one more.
    Nack { ssrc: u32, seq: u16, mask: u16 },
    /// A key frame of that stream is needed.
    Key { ssrc: u32 },
    /// The receiver's own estimate of its bandwidth, in bits per second (draft-alvestrand-rmcat-remb-03).
    Remb { bps: u64 },
}

/// A report block, RFC 3550 section 6.4.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) ssrc: u32,
    /// Packets lost since the last report, of 256.
    pub(crate) fraction: u8,
    /// The highest sequence number that came, extended by its cycles.
    pub(crate) highest: u32,
    /// The middle 32 bits of the NTP time of the last sender report, 0 if none came.
    pub(crate) last_report: u32,
    /// How long ago that came, in units of 1/65,536 s.
    pub(crate) since: u32,
}

/// Reads a compound packet. What is not understood is passed over; reading ends where the packet makes no sense.
pub(crate) fn read(mut compound: &[u8], mut said: impl FnMut(Said)) {
    while let [first, kind, high, low, ..] = compound {
        let length = 4 + 4 * usize::from(u16::from_be_bytes([*high, *low]));
        let Some(packet) = compound.get(..length) else { return };
        if first >> 6 != 2 {
            return;
        }
        one(first & 0x1f, *kind, &packet[4..], &mut said);
        compound = &compound[length..];
    }
}

/// `body` begins behind the header's first word, `count` is in it.
fn one(count: u8, kind: u8, body: &[u8], said: &mut impl FnMut(Said)) {
    if let (SENDER_REPORT, Some(head)) = (kind, body.get(..24)) {
        let ntp = u64::from(word(head, 4)) << 32 | u64::from(word(head, 8));
        said(Said::Sender { ssrc: word(head, 0), ntp, time: word(head, 12) });
    }
    let blocks = match kind {
        SENDER_REPORT => body.get(24..),
        RECEIVER_REPORT => body.get(4..),
        _ => None,
    };
    for block in blocks.unwrap_or_default().chunks_exact(24).take(count.into()) {
        said(Said::Report(Block {
            ssrc: word(block, 0),
            fraction: block[4],
            highest: word(block, 8),
            last_report: word(block, 16),
            since: word(block, 20),
        }));
    }
    let Some((head, entries)) = body.split_at_checked(8) else { return };
    let ssrc = word(head, 4);
    match (kind, count) {
        (TRANSPORT_FEEDBACK, NACK) => {
            for entry in entries.chunks_exact(4) {
                let [a, b, c, d] = word(entry, 0).to_be_bytes();
                said(Said::Nack { ssrc, seq: u16::from_be_bytes([a, b]), mask: u16::from_be_bytes([c, d]) });
            }
        }
        (PAYLOAD_FEEDBACK, PLI) => said(Said::Key { ssrc }),
        // Whom it is for stands in the entries.
        (PAYLOAD_FEEDBACK, FIR) => entries.chunks_exact(8).for_each(|entry| said(Said::Key { ssrc: word(entry, 0) })),
        (PAYLOAD_FEEDBACK, APPLICATION) => {
            if let Some([b'R', b'E', b'M', b'B', _, a, b, c, ..]) = entries.get(..8) {
                let mantissa = u64::from(a & 3) << 16 | u64::from(*b) << 8 | u64::from(*c);
                // 18 bits, moved by up to 63.
                let bps = u128::from(mantissa) << (a >> 2);
                said(Said::Remb { bps: u64::try_from(bps).unwrap_or(u64::MAX) });
            }
        }
        _ => {}
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).map_or(0, |bytes| bytes.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)))
}

/// What a sender report tells of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderReport<'a> {
    pub(crate) ssrc: u32,
    /// When, in NTP's format: seconds since 1900 in the upper half.
    pub(crate) ntp: u64,
    /// The RTP timestamp of that moment.
    pub(crate) time: u32,
    /// Packets sent so far, and bytes of their payloads; both modulo 2^32.
    pub(crate) packets: u32,
    pub(crate) octets: u32,
    /// The canonical name of the sender: a receiver plays streams of one name in step.
    pub(crate) cname: &'a str,
}

impl SenderReport<'_> {
    /// Writes it, with the description that every compound packet has to have, into `out`, which is emptied before.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.clear();
        out.extend([0x80, SENDER_REPORT, 0, 6]);
        out.extend(self.ssrc.to_be_bytes());
        out.extend(self.ntp.to_be_bytes());
        for word in [self.time, self.packets, self.octets] {
            out.extend(word.to_be_bytes());
        }
        describe(self.ssrc, self.cname, out);
    }
}

/// Adds the name of a sender.
fn describe(ssrc: u32, cname: &str, out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend([0x81, DESCRIPTION, 0, 0]);
    out.extend(ssrc.to_be_bytes());
    let name = &cname.as_bytes()[..cname.len().min(255)];
    out.extend([1, name.len() as u8]);
    out.extend(name);
    // A list of items ends with a zero, and with a whole word.
    out.push(0);
    out.resize(out.len().next_multiple_of(4), 0);
    let words = ((out.len() - begin) / 4 - 1) as u16;
    out[begin + 2..begin + 4].copy_from_slice(&words.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(compound: &[u8]) -> Vec<Said> {
        let mut all = Vec::new();
        read(compound, |said| all.push(said));
        all
    }

    /// A receiver report of two blocks, a NACK of two entries, a PLI, a FIR of two entries and a REMB.
    fn compound() -> Vec<u8> {
        let block = |ssrc: u8| [0, 0, 0, ssrc, 51, 0, 0, 3, 0, 1, 0, 2, 0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 6];
        let parts: [&[u8]; 8] = [
            &[0x82, 201, 0, 13, 0, 0, 0, 1],
            &block(7),
            &block(8),
            &[0x81, 205, 0, 4, 0, 0, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0x80, 0x01, 0, 16, 0, 0],
            &[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7],
            &[0x84, 206, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0],
            &[0x8f, 206, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 1, 0x0b, 0x00, 0x10, 0, 0, 0, 7],
            // Something of nobody's: an extended report.
            &[0x80, 207, 0, 1, 0, 0, 0, 1],
        ];
        parts.concat()
    }

    #[test]
    fn everything_that_a_viewer_says_is_read() {
        let block = |ssrc| Said::Report(Block { ssrc, fraction: 51, highest: 0x1_0002, last_report: 5, since: 6 });
        let expected = [
            block(7),
            block(8),
            Said::Nack { ssrc: 7, seq: 0xffff, mask: 0x8001 },
            Said::Nack { ssrc: 7, seq: 16, mask: 0 },
            Said::Key { ssrc: 7 },
            Said::Key { ssrc: 7 },
            Said::Key { ssrc: 8 },
            // Mantissa 0x30010, exponent 2.
            Said::Remb { bps: 0x3_0010 << 2 },
        ];
        assert_eq!(said(&compound()), expected);
    }

    #[test]
    fn what_is_cut_off_or_absurd_ends_the_reading() {
        let whole = compound();
        let all = said(&whole);
        for cut in 0..whole.len() {
            let some = said(&whole[..cut]);
            assert_eq!(some[..], all[..some.len()], "cut at {cut}");
        }
        assert_eq!(said(&[0x40, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7]), [], "another version");
        assert_eq!(said(&[0x9f, 201, 0, 1, 0, 0, 0, 1]), [], "31 blocks are announced, none is there");
        let largest = [0x8f, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, b'R', b'E', b'M', b'B', 0, 0xff, 0xff, 0xff];
        assert_eq!(said(&largest), [Said::Remb { bps: u64::MAX }]);
    }

    #[test]
    fn a_sender_report_is_laid_out_as_rfc_3550_says() {
        let report =
            SenderReport { ssrc: 7, ntp: 0x0102_0304_0506_0708, time: 9, packets: 10, octets: 11, cname: "ab" };
        let mut out = vec![1];
        report.write(&mut out);
        assert_eq!(out[..16], [0x80, 200, 0, 6, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(out[16..28], [0, 0, 0, 9, 0, 0, 0, 10, 0, 0, 0, 11]);
        assert_eq!(out[28..], [0x81, 202, 0, 3, 0, 0, 0, 7, 1, 2, b'a', b'b', 0, 0, 0, 0]);
        for length in 0..300 {
            let cname = "c".repeat(length);
            SenderReport { cname: &cname, ..report }.write(&mut out);
            assert!(out.len().is_multiple_of(4) && out.ends_with(&[0]), "{length}");
            assert_eq!(out.len(), 32 + 4 * usize::from(u16::from_be_bytes([out[30], out[31]])), "{length}");
        }
    }
}
