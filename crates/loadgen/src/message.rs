//! The message of the load: a 330-byte candidate with a stamp inside, rendered once and readdressed for each sending.

use std::ops::Range;

use crate::dialect::CANDIDATE_BYTES;
use crate::frame;

const MARK: &str = "stamp ";
const STAMP_DIGITS: usize = 24;
const TAIL: &str = r#"","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"EsAw"}}"#;

/// When a message was sent (or was due), and by which connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Nanoseconds since the load's beginning.
    pub(crate) nanos: u64,
    pub(crate) sender: u32,
}

/// How a dialect writes a candidate: what stands before the address, how many digits the address has, and what stands
/// between it and the stamp, which is inside of a string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) head: &'static str,
    pub(crate) digits: usize,
    pub(crate) body: &'static str,
}

/// One connection's candidate as a finished frame; only its stamp and its addressee are written anew for each sending.
pub(crate) struct Candidate {
    frame: Vec<u8>,
    head: usize,
    mask: [u8; 4],
    address: Range<usize>,
    stamp_at: usize,
    sender: u32,
}

impl Candidate {
    pub(crate) fn new(shape: Shape, mask: [u8; 4], sender: u32) -> Self {
        let address = shape.head.len()..shape.head.len() + shape.digits;
        let mut text = format!("{}{}{}", shape.head, "0".repeat(shape.digits), shape.body);
        let rest = MARK.len() + STAMP_DIGITS + TAIL.len();
        text.push_str(&"x".repeat(CANDIDATE_BYTES.saturating_sub(text.len() + rest)));
        text.push_str(MARK);
        let stamp_at = text.len();
        text.push_str(&"0".repeat(STAMP_DIGITS));
        text.push_str(TAIL);
        let mut frame = Vec::with_capacity(text.len() + 8);
        frame::write(&mut frame, frame::TEXT, mask, text.as_bytes());
        let head = frame.len() - text.len();
        Self { frame, head, mask, address, stamp_at, sender }
    }

    /// The frame, addressed to `to` and stamped with `nanos`.
    pub(crate) fn render(&mut self, to: u64, nanos: u64) -> &[u8] {
        let mut rest = to;
        for at in self.address.clone().rev() {
            self.put(at, b'0' + (rest % 10) as u8);
            rest /= 10;
        }
        for place in 0..16 {
            self.put(self.stamp_at + place, hex_digit(nanos >> (60 - 4 * place)));
        }
        for place in 0..8 {
            self.put(self.stamp_at + 16 + place, hex_digit(u64::from(self.sender) >> (28 - 4 * place)));
        }
        &self.frame
    }

    fn put(&mut self, at: usize, byte: u8) {
        self.frame[self.head + at] = byte ^ self.mask[at & 3];
    }
}

/// Finds the stamp of a relayed candidate. Where the server kept the payload as it was, the stamp is at a fixed distance
/// from the end; only where it wrote it anew the text is searched.
pub(crate) fn stamp(text: &[u8]) -> Option<Stamp> {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let near = body.strip_suffix(TAIL.as_bytes()).and_then(|rest| {
        let (rest, digits) = rest.split_at_checked(rest.len().checked_sub(STAMP_DIGITS)?)?;
        rest.ends_with(MARK.as_bytes()).then_some(digits)
    });
    let digits = near.or_else(|| {
        let at = body.windows(MARK.len()).rposition(|window| window == MARK.as_bytes())?;
        body.get(at + MARK.len()..at + MARK.len() + STAMP_DIGITS)
    })?;
    let (nanos, sender) = digits.split_at(16);
    Some(Stamp { nanos: hex(nanos)?, sender: hex(sender)? as u32 })
}

fn hex_digit(value: u64) -> u8 {
    b"0123456789abcdef"[(value & 15) as usize]
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | u64::from(char::from(*digit).to_digit(16)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::{Dialect, mesh};

    fn plain(frame: &[u8], mask: [u8; 4]) -> String {
        let payload = &frame[frame.len() - CANDIDATE_BYTES..];
        String::from_utf8(payload.iter().zip(mask.iter().cycle()).map(|(b, k)| b ^ k).collect()).unwrap()
    }

    #[test]
    fn a_candidate_has_its_size_and_is_json_whatever_is_rendered_into_it() {
        let mask = [0x11, 0x9f, 0x80, 0x01];
        for dialect in [Dialect::Mesh, Dialect::Sid] {
            let mut candidate = Candidate::new(dialect.candidate(), mask, 0xfedc_ba98);
            for (to, nanos) in [(0, 0), (7, 1), (9_999, u64::MAX), (12, 0x0123_4567_89ab_cdef)] {
                let text = plain(candidate.render(to, nanos), mask);
                let json: serde_json::Value = serde_json::from_str(&text).unwrap();
                assert_eq!(text.len(), CANDIDATE_BYTES);
                match dialect {
                    Dialect::Mesh => assert_eq!(json["to"], mesh::member(to as usize).as_str()),
                    Dialect::Sid => assert_eq!(json["sessionId"], format!("{to:08}").as_str()),
                }
                assert_eq!(stamp(text.as_bytes()), Some(Stamp { nanos, sender: 0xfedc_ba98 }));
            }
        }
    }

    #[test]
    fn sid_puts_the_sender_before_the_payload_and_the_stamp_is_found() {
        let mask = [3; 4];
        let text = plain(Candidate::new(Dialect::Sid.candidate(), mask, 3).render(87_654_321, 99), mask);
        let relayed = text.replace(r#""87654321","#, r#""87654321","opponentId":"bench-00001","#);
        assert_ne!(relayed, text);
        assert_eq!(stamp(relayed.as_bytes()), Some(Stamp { nanos: 99, sender: 3 }));
    }

    #[test]
    fn the_stamp_survives_a_server_that_writes_the_payload_anew() {
        let mask = [7; 4];
        let text = plain(Candidate::new(Dialect::Mesh.candidate(), mask, 3).render(1, 99), mask);
        let wanted = Some(Stamp { nanos: 99, sender: 3 });
        assert_eq!(stamp(format!("{text}\n").as_bytes()), wanted);
        let anew = text.replace(TAIL, r#"", "sdpMLineIndex": 0}}"#);
        assert_ne!(anew, text);
        assert_eq!(stamp(anew.as_bytes()), wanted);
        for text in ["", "\n", r#"{"type":"joined"}"#, TAIL, "stamp 00", "stamp xyzxyzxyzxyzxyzxyzxyzxyz"] {
            assert_eq!(stamp(text.as_bytes()), None, "{text}");
        }
    }
}
