//! The messages of the load: a 330-byte candidate with a stamp inside, a 6 kB offer, joins.

use crate::frame;

/// Size of the JSON text of one candidate as the client sends it: what browsers' candidates come to.
pub(crate) const CANDIDATE_BYTES: usize = 330;

/// Size of the JSON text of one offer: a call with audio, video and a data channel.
pub(crate) const OFFER_BYTES: usize = 6_000;

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

/// The name of a room's `index`-th member; all names have the same length, so that a rendered frame can be readdressed.
pub(crate) fn member(index: usize) -> String {
    format!("peer-{index:04}")
}

pub(crate) fn join(room: &str, member: &str) -> String {
    format!(r#"{{"type":"join","room":"{room}","from":"{member}"}}"#)
}

pub(crate) const PING: &str = r#"{"type":"ping"}"#;

pub(crate) fn offer(to: &str) -> String {
    let head = format!(r#"{{"type":"offer","to":"{to}","sdp":{{"type":"offer","sdp":"v=0\r\n"#);
    let line = r"a=rtpmap:111 opus/48000/2\r\n";
    let mut text = head;
    while text.len() + line.len() + 3 <= OFFER_BYTES {
        text.push_str(line);
    }
    text.push_str(&"x".repeat(OFFER_BYTES.saturating_sub(text.len() + 3)));
    text.push_str("\"}}");
    text
}

/// One connection's candidate as a finished frame; only its stamp and its addressee are written anew for each sending.
pub(crate) struct Candidate {
    frame: Vec<u8>,
    head: usize,
    mask: [u8; 4],
    to_at: usize,
    stamp_at: usize,
    sender: u32,
}

impl Candidate {
    pub(crate) fn new(mask: [u8; 4], sender: u32) -> Self {
        let before_to = r#"{"type":"candidate","to":"peer-"#;
        let mut text = format!(
            r#"{before_to}0000","candidate":{{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw network-cost 999 "#
        );
        let rest = MARK.len() + STAMP_DIGITS + TAIL.len();
        text.push_str(&"x".repeat(CANDIDATE_BYTES.saturating_sub(text.len() + rest)));
        text.push_str(MARK);
        let stamp_at = text.len();
        text.push_str(&"0".repeat(STAMP_DIGITS));
        text.push_str(TAIL);
        let mut frame = Vec::with_capacity(text.len() + 8);
        frame::write(&mut frame, frame::TEXT, mask, text.as_bytes());
        let head = frame.len() - text.len();
        Self { frame, head, mask, to_at: before_to.len(), stamp_at, sender }
    }

    /// The frame, addressed to the room's `to`-th member and stamped with `nanos`.
    pub(crate) fn render(&mut self, to: usize, nanos: u64) -> &[u8] {
        let mut rest = to;
        for place in (0..4).rev() {
            self.put(self.to_at + place, b'0' + (rest % 10) as u8);
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

/// What a text from the server is, told by its first bytes: servers of this dialect write `type` first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Joined,
    Members,
    Relay,
    Pong,
    Error,
    Other,
}

pub(crate) fn kind(text: &[u8]) -> Kind {
    let Some(rest) = text.strip_prefix(br#"{"type":""#) else { return Kind::Other };
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or_default();
    match &rest[..end] {
        b"joined" => Kind::Joined,
        b"room_members" => Kind::Members,
        b"offer" | b"answer" | b"candidate" | b"hangup" => Kind::Relay,
        b"pong" => Kind::Pong,
        b"error" => Kind::Error,
        _ => Kind::Other,
    }
}

/// How many members a list names; names hold no comma.
pub(crate) fn listed(text: &[u8]) -> usize {
    let start = br#""members":["#;
    let Some(at) = text.windows(start.len()).position(|window| window == start) else { return 0 };
    let list = text[at + start.len()..].split(|byte| *byte == b']').next().unwrap_or_default();
    if list.is_empty() { 0 } else { list.split(|byte| *byte == b',').count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(frame: &[u8], mask: [u8; 4]) -> String {
        let payload = &frame[frame.len() - CANDIDATE_BYTES..];
        String::from_utf8(payload.iter().zip(mask.iter().cycle()).map(|(b, k)| b ^ k).collect()).unwrap()
    }

    #[test]
    fn a_candidate_has_its_size_and_is_json_whatever_is_rendered_into_it() {
        let mask = [0x11, 0x9f, 0x80, 0x01];
        let mut candidate = Candidate::new(mask, 0xfedc_ba98);
        for (to, nanos) in [(0, 0), (7, 1), (9_999, u64::MAX), (12, 0x0123_4567_89ab_cdef)] {
            let text = plain(candidate.render(to, nanos), mask);
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(text.len(), CANDIDATE_BYTES);
            assert_eq!(json["to"], member(to).as_str());
            assert_eq!(stamp(text.as_bytes()), Some(Stamp { nanos, sender: 0xfedc_ba98 }));
        }
    }

    #[test]
    fn the_stamp_survives_a_server_that_writes_the_payload_anew() {
        let mask = [7; 4];
        let text = plain(Candidate::new(mask, 3).render(1, 99), mask);
        let wanted = Some(Stamp { nanos: 99, sender: 3 });
        assert_eq!(stamp(format!("{text}\n").as_bytes()), wanted);
        let anew = text.replace(TAIL, r#"", "sdpMLineIndex": 0}}"#);
        assert_ne!(anew, text);
        assert_eq!(stamp(anew.as_bytes()), wanted);
        for text in ["", "\n", r#"{"type":"joined"}"#, TAIL, "stamp 00", "stamp xyzxyzxyzxyzxyzxyzxyzxyz"] {
            assert_eq!(stamp(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn an_offer_has_its_size_and_is_json() {
        let text = offer(&member(3));
        assert_eq!(text.len(), OFFER_BYTES);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["to"], "peer-0003");
    }

    #[test]
    fn kinds_and_lists() {
        let list = |members| format!(r#"{{"type":"room_members","room":"a,b","from":"","members":[{members}]}}"#);
        assert_eq!(kind(list("").as_bytes()), Kind::Members);
        assert_eq!(kind(br#"{"type":"joined","room":"r"}"#), Kind::Joined);
        assert_eq!(kind(br#"{"type":"candidate"}"#), Kind::Relay);
        assert_eq!(kind(br#"{"type":"ping"}"#), Kind::Other);
        assert_eq!(kind(b"hello"), Kind::Other);
        assert_eq!(kind(br#"{"type":"#), Kind::Other);
        for (members, count) in [("", 0), (r#""a""#, 1), (r#""a","b","c""#, 3)] {
            assert_eq!(listed(list(members).as_bytes()), count);
        }
        assert_eq!(listed(b"nothing"), 0);
    }
}
