//! The texts of the sid dialect: one list of all clients, sessions of two, relays addressed by the session's number.

use super::{Kind, OFFER_BYTES, description, first_field, string_field};
use crate::message::Shape;

/// Addressed to a session by its eight digits.
pub(crate) const CANDIDATE: Shape = Shape {
    head: r#"{"cmd":"icecandidate","sessionId":""#,
    digits: SESSION_DIGITS,
    body: r#"","icecandidate":{"candidate":"candidate:842163049 1 udp 1677729535 203.0.113.77 46154 typ srflx raddr 0.0.0.0 rport 0 generation 0 ufrag EsAw network-cost 999 "#,
};

const SESSION_DIGITS: usize = 8;

/// The state of a session whose call was accepted.
const ACTIVE: &[u8] = br#""state":3}"#;

/// The name of a load's `client`-th client.
pub(crate) fn name(prefix: &str, client: usize) -> String {
    format!("{prefix}-{client:05}")
}

pub(crate) fn register(name: &str) -> String {
    format!(r#"{{"cmd":"sId","sId":"{name}"}}"#)
}

/// Asks for a session with `opponent`.
pub(crate) fn session(opponent: &str) -> String {
    format!(r#"{{"cmd":"session","opponentId":"{opponent}"}}"#)
}

pub(crate) fn call(session: u64) -> String {
    let head = format!(r#"{{"cmd":"call","sessionId":"{session:08}","offer":{{"type":"offer","sdp":"v=0\r\n"#);
    description(head, OFFER_BYTES)
}

pub(crate) fn accept(session: u64) -> String {
    let head = format!(r#"{{"cmd":"accept","sessionId":"{session:08}","answer":{{"type":"answer","sdp":"v=0\r\n"#);
    description(head, OFFER_BYTES)
}

/// The session that a text of the server is about.
pub(crate) fn session_of(text: &[u8]) -> Option<u64> {
    let digits = string_field(text, "sessionId")?;
    if digits.len() != SESSION_DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The text is the `call` of another client.
pub(crate) fn is_call(text: &[u8]) -> bool {
    first_field(text, "cmd") == Some(b"call")
}

/// The text, of [`Kind::State`], says that the call was accepted: the last that either end hears of the set-up.
pub(crate) fn is_active(text: &[u8]) -> bool {
    text.ends_with(ACTIVE)
}

pub(super) fn kind(text: &[u8]) -> Kind {
    match first_field(text, "cmd").unwrap_or_default() {
        b"sId" => Kind::Joined,
        b"clu" => Kind::Members,
        b"call" | b"accept" | b"icecandidate" => Kind::Relay,
        b"session" => Kind::Session,
        b"ssu" => Kind::State,
        b"error" => Kind::Error,
        _ => Kind::Other,
    }
}

/// How many clients a list names: one object each, and the one around them; no name of ours holds a brace. Lists of
/// thousands are counted at the speed of memory.
pub(super) fn listed(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte == b'}').count().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_send_is_json_of_its_size() {
        for (text, payload) in [(call(7), "offer"), (accept(12_345_678), "answer")] {
            assert_eq!(text.len(), OFFER_BYTES);
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json[payload]["type"], payload);
            assert_eq!(session_of(text.as_bytes()), json["sessionId"].as_str().unwrap().parse().ok());
        }
        assert!(call(7).contains(r#""sessionId":"00000007""#));
        assert_eq!(register(&name("b", 7)), r#"{"cmd":"sId","sId":"b-00007"}"#);
        assert_eq!(session("b-00008"), r#"{"cmd":"session","opponentId":"b-00008"}"#);
    }

    #[test]
    fn kinds_and_states() {
        assert_eq!(kind(br#"{"cmd":"sId","sId":"a"}"#), Kind::Joined);
        assert_eq!(kind(br#"{"cmd":"session","sessionId":"00000001"}"#), Kind::Session);
        assert_eq!(kind(br#"{"cmd":"error","code":9203}"#), Kind::Error);
        assert_eq!(kind(br#"{"cmd":"icecandidate"}"#), Kind::Relay);
        assert_eq!(kind(br#"{"cmd":"leave"}"#), Kind::Other);
        assert_eq!(kind(br#"{"type":"joined"}"#), Kind::Other);
        for (state, active) in [(1, false), (2, false), (3, true), (4, false)] {
            let text = format!(r#"{{"cmd":"ssu","sessionId":"00000001","state":{state}}}"#);
            assert_eq!((kind(text.as_bytes()), is_active(text.as_bytes())), (Kind::State, active));
        }
        assert!(is_call(br#"{"cmd":"call","sessionId":"00000001"}"#));
        assert!(!is_call(br#"{"cmd":"accept","x":"call"}"#));
    }

    #[test]
    fn sessions_are_eight_digits() {
        assert_eq!(session_of(br#"{"cmd":"call","sessionId":"01234567","opponentId":"a"}"#), Some(1_234_567));
        for text in
            [r#"{"cmd":"call"}"#, r#"{"sessionId":"1234567"}"#, r#"{"sessionId":"+1234567"}"#, r#"{"sessionId":""#]
        {
            assert_eq!(session_of(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn lists_are_counted() {
        for (list, count) in [
            ("", 0),
            (r#"{"state":1,"sId":"a"}"#, 1),
            (r#"{"state":1,"sId":"a"},{"state":2,"sId":"b"},{"state":1,"sId":"c"}"#, 3),
        ] {
            assert_eq!(listed(format!(r#"{{"cmd":"clu","list":[{list}]}}"#).as_bytes()), count);
        }
        assert_eq!(listed(b"nothing"), 0);
    }
}
