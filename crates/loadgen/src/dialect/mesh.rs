//! The texts of the mesh dialect: rooms, members, relays addressed to a member.

use super::{Kind, OFFER_BYTES, description, first_field};
use crate::message::Shape;

/// Addressed to a member by the four digits of its name.
pub(crate) const CANDIDATE: Shape = Shape {
    head: r#"{"type":"candidate","to":"peer-"#,
    digits: 4,
    body: r#"","candidate":{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw network-cost 999 "#,
};

pub(crate) const PING: &str = r#"{"type":"ping"}"#;

/// The name of a room's `index`-th member; all names have the same length, so that a rendered frame can be readdressed.
pub(crate) fn member(index: usize) -> String {
    format!("peer-{index:04}")
}

pub(crate) fn join(room: &str, member: &str) -> String {
    format!(r#"{{"type":"join","room":"{room}","from":"{member}"}}"#)
}

pub(crate) fn offer(to: &str) -> String {
    description(format!(r#"{{"type":"offer","to":"{to}","sdp":{{"type":"offer","sdp":"v=0\r\n"#), OFFER_BYTES)
}

pub(super) fn kind(text: &[u8]) -> Kind {
    match first_field(text, "type").unwrap_or_default() {
        b"joined" => Kind::Joined,
        b"room_members" => Kind::Members,
        b"offer" | b"answer" | b"candidate" | b"hangup" => Kind::Relay,
        b"pong" => Kind::Pong,
        b"error" => Kind::Error,
        _ => Kind::Other,
    }
}

/// How many members a list names; names hold no comma.
pub(super) fn listed(text: &[u8]) -> usize {
    let start = br#""members":["#;
    let Some(at) = text.windows(start.len()).position(|window| window == start) else { return 0 };
    let list = text[at + start.len()..].split(|byte| *byte == b']').next().unwrap_or_default();
    if list.is_empty() { 0 } else { list.split(|byte| *byte == b',').count() }
}

#[cfg(test)]
mod tests {
    use super::*;

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
