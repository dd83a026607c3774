//! A member of a mesh room that is one with an application (docs/rooms.md): it calls whoever stands in for the stream.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Asked, Part, Script, text};

/// Where our server speaks it by default.
const PATH: &str = "/ws";
const ROOM: &str = "bench";

/// The configuration by which the room and that of publisher 0's main stream are one, as the value of an environment variable.
pub(crate) const PATCH: &str = "[{room=\"bench-room-0\",mesh=\"bench\",antmedia=\"LiveApp\",streams=[\"bench-0\"]}]";

pub(crate) struct Mesh {
    id: String,
    /// Who stands in for the stream.
    target: String,
    called: bool,
}

impl Mesh {
    /// A member that views; ids are different in every run of one process.
    pub(crate) fn new(part: &Part) -> Self {
        static MEMBERS: AtomicUsize = AtomicUsize::new(0);
        let number = if let Part::View { number } = part { *number } else { 0 };
        let id = format!("v{}", MEMBERS.fetch_add(1, Ordering::Relaxed));
        Self { id, target: format!("_bench-{number}"), called: false }
    }
}

impl Script for Mesh {
    fn path(&self) -> Option<&'static str> {
        Some(PATH)
    }

    fn opened(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn begin(&mut self) -> Asked {
        Asked::Say(json!({"type": "join", "room": ROOM, "from": self.id}).to_string())
    }

    fn text(&mut self, message: &Value) -> Vec<Asked> {
        match text(message, "/type") {
            "room_members" if !self.called => {
                let there = message["members"].as_array().is_some_and(|members| members.contains(&json!(self.target)));
                self.called = there;
                if there { vec![Asked::Describe] } else { Vec::new() }
            }
            "answer" => vec![Asked::Answer(text(message, "/sdp/sdp").to_owned()), Asked::Started],
            "error" => vec![Asked::Refused(text(message, "/code").to_owned())],
            "hangup" => vec![Asked::Refused("hangup".to_owned())],
            _ => Vec::new(),
        }
    }

    fn described(&mut self, sdp: &str) -> String {
        let description = json!({"type": "offer", "sdp": sdp});
        json!({"type": "offer", "to": self.target, "sdp": description}).to_string()
    }

    fn keep_alive(&mut self) -> String {
        json!({"type": "ping"}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_calls_when_the_stream_is_there() {
        let mut script = Mesh::new(&Part::View { number: 0 });
        let Asked::Say(join) = script.begin() else { panic!("it joins") };
        assert!(join.contains("\"room\":\"bench\""));
        let list = |members: &[&str]| json!({"type": "room_members", "members": members});
        assert_eq!(script.text(&list(&["v0"])), []);
        assert_eq!(script.text(&list(&["_bench-0", "v0"])), [Asked::Describe]);
        assert_eq!(script.text(&list(&["_bench-0", "v0", "v1"])), [], "once");
        let offer: Value = serde_json::from_str(&script.described("v=0")).unwrap();
        assert_eq!((&offer["to"], &offer["sdp"]["sdp"]), (&json!("_bench-0"), &json!("v=0")));
        let answer = json!({"type": "answer", "sdp": {"type": "answer", "sdp": "v=1"}});
        assert_eq!(script.text(&answer), [Asked::Answer("v=1".to_owned()), Asked::Started]);
        assert_eq!(
            script.text(&json!({"type": "error", "code": "room_full"})),
            [Asked::Refused("room_full".to_owned())]
        );
    }
}
