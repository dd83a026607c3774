//! Compound packets for a telephone: how its stream arrives, what is sent to it, and what it is asked for.

use super::{FIR, PAYLOAD_FEEDBACK, PLI, RECEIVER_REPORT, SENDER_REPORT, describe};

/// What is sent in a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// When this is said, in NTP's format.
    pub(crate) ntp: u64,
    /// The RTP timestamp of that moment.
    pub(crate) time: u32,
    /// Packets sent so far, and bytes of their payloads; both modulo 2^32.
    pub(crate) packets: u32,
    pub(crate) octets: u32,
}

/// How a stream arrives, RFC 3550 section 6.4.1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) ssrc: u32,
    /// Packets lost since the last report, of 256.
    pub(crate) fraction: u8,
    /// Packets lost in all, 24 bits with a sign.
    pub(crate) lost: i32,
    /// The highest sequence number that came, extended by its cycles.
    pub(crate) highest: u32,
    /// In units of the timestamps.
    pub(crate) jitter: u32,
    /// The middle 32 bits of the NTP time of the last sender report, 0 if none came.
    pub(crate) last_report: u32,
    /// How long ago that came, in units of 1/65,536 s.
    pub(crate) since: u32,
}

/// Writes the report of the sender `ssrc`, with its name, into `out`, which is emptied before: a sender report if it has
/// sent something, else a receiver report.
pub(crate) fn compound(ssrc: u32, sent: Option<&Sent>, received: Option<&Received>, cname: &str, out: &mut Vec<u8>) {
    out.clear();
    let blocks = u8::from(received.is_some());
    let (kind, words) = match sent {
        Some(_) => (SENDER_REPORT, 6),
        None => (RECEIVER_REPORT, 1),
    };
    out.extend([0x80 | blocks, kind, 0, words + 6 * blocks]);
    out.extend(ssrc.to_be_bytes());
    if let Some(sent) = sent {
        out.extend(sent.ntp.to_be_bytes());
        [sent.time, sent.packets, sent.octets].iter().for_each(|word| out.extend(word.to_be_bytes()));
    }
    if let Some(received) = received {
        out.extend(received.ssrc.to_be_bytes());
        out.push(received.fraction);
        out.extend(&received.lost.clamp(-0x80_0000, 0x7f_ffff).to_be_bytes()[1..]);
        let rest = [received.highest, received.jitter, received.last_report, received.since];
        rest.iter().for_each(|word| out.extend(word.to_be_bytes()));
    }
    describe(ssrc, cname, out);
}

/// Adds a request for a key frame (RFC 4585 section 6.3.1).
pub(crate) fn pli(ours: u32, theirs: u32, out: &mut Vec<u8>) {
    out.extend([0x80 | PLI, PAYLOAD_FEEDBACK, 0, 2]);
    out.extend(ours.to_be_bytes());
    out.extend(theirs.to_be_bytes());
}

/// Adds a request for a key frame in the older form (RFC 5104 section 4.3.1). `number` is another one for each wish.
pub(crate) fn fir(ours: u32, theirs: u32, number: u8, out: &mut Vec<u8>) {
    out.extend([0x80 | FIR, PAYLOAD_FEEDBACK, 0, 4]);
    out.extend(ours.to_be_bytes());
    out.extend([0; 4]);
    out.extend(theirs.to_be_bytes());
    out.extend([number, 0, 0, 0]);
}

#[cfg(test)]
mod tests {
    use super::super::{Block, Said, read};
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let received =
            Received { ssrc: 9, fraction: 51, lost: -3, highest: 0x1_0002, jitter: 7, last_report: 5, since: 6 };
        let sent = Sent { ntp: 0x0102_0304_0506_0708, time: 99, packets: 10, octets: 11 };
        let block = Said::Report(Block { ssrc: 9, fraction: 51, highest: 0x1_0002, last_report: 5, since: 6 });
        let sender = Said::Sender { ssrc: 7, ntp: 0x0102_0304_0506_0708, time: 99 };
        let mut out = vec![1];
        for (sent, received, expected) in [
            (Some(&sent), Some(&received), vec![sender, block]),
            (Some(&sent), None, vec![sender]),
            (None, Some(&received), vec![block]),
            (None, None, vec![]),
        ] {
            compound(7, sent, received, "ab", &mut out);
            let mut all = Vec::new();
            read(&out, |said| all.push(said));
            assert_eq!(all, expected);
            assert!(out.ends_with(&[0, 0, 0, 7, 1, 2, b'a', b'b', 0, 0, 0, 0]), "{out:?}");
        }
        compound(7, None, Some(&received), "", &mut out);
        assert_eq!(out[12..16], [51, 0xff, 0xff, 0xfd], "losses have a sign");
    }

    #[test]
    fn wishes_are_read_again() {
        let (mut out, mut all) = (Vec::new(), Vec::new());
        pli(7, 9, &mut out);
        fir(7, 10, 3, &mut out);
        read(&out, |said| all.push(said));
        assert_eq!(all, [Said::Key { ssrc: 9 }, Said::Key { ssrc: 10 }]);
        assert_eq!(out[28], 3, "each wish has its number");
    }
}
