//! The dialect `antmedia` (docs/dialects/antmedia.md), as its JavaScript SDK speaks it.

use serde_json::{Value, json};

use super::{Asked, Part, Script, text};

/// Where our server speaks it by default.
pub(crate) const PATH: &str = "/LiveApp/websocket";

pub(crate) struct Ant {
    part: Part,
    /// What runs against one server use different ones of.
    prefix: String,
}

impl Ant {
    pub(crate) fn new(prefix: &str, part: Part) -> Self {
        Self { part, prefix: prefix.to_owned() }
    }

    fn stream(&self, number: usize) -> String {
        format!("{}-{number}", self.prefix)
    }

    fn room(&self, number: usize) -> String {
        format!("{}-room-{number}", self.prefix)
    }

    /// What this leg's messages are about.
    fn own(&self) -> String {
        match &self.part {
            Part::Publish { number, .. } | Part::View { number } => self.stream(*number),
            Part::ViewRoom { room, .. } => self.room(*room),
        }
    }
}

impl Script for Ant {
    fn opened(&mut self) -> Vec<String> {
        Vec::new()
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn begin(&mut self) -> Asked {
        let message = match &self.part {
            Part::Publish { number, room } => {
                let main = room.map(|room| self.room(room)).unwrap_or_default();
                json!({"command": "publish", "streamId": self.stream(*number), "mainTrack": main,
                    "video": true, "audio": true})
            }
            Part::View { number } => json!({"command": "play", "streamId": self.stream(*number), "trackList": []}),
            Part::ViewRoom { room, except, .. } => json!({"command": "play", "streamId": self.room(*room),
                "trackList": [], "userPublishId": self.stream(*except)}),
        };
        Asked::Say(message.to_string())
    }

    fn text(&mut self, message: &Value) -> Vec<Asked> {
        let asked = match (text(message, "/command"), text(message, "/type"), text(message, "/definition")) {
            ("start", ..) => Asked::Describe,
            ("takeConfiguration", "offer", _) => Asked::Offer(text(message, "/sdp").to_owned()),
            ("takeConfiguration", "answer", _) => Asked::Answer(text(message, "/sdp").to_owned()),
            ("takeCandidate", ..) => Asked::Candidate(text(message, "/candidate").to_owned()),
            ("notification", _, "publish_started" | "play_started") => Asked::Started,
            ("notification", _, end @ ("publish_finished" | "play_finished")) => Asked::Refused(end.to_owned()),
            ("error", _, definition) => Asked::Refused(definition.to_owned()),
            _ => return Vec::new(),
        };
        vec![asked]
    }

    fn described(&mut self, sdp: &str) -> String {
        let kind = if matches!(self.part, Part::Publish { .. }) { "offer" } else { "answer" };
        json!({"command": "takeConfiguration", "streamId": self.own(), "type": kind, "sdp": sdp}).to_string()
    }

    fn keep_alive(&mut self) -> String {
        json!({"command": "ping"}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    fn begun(script: &mut Ant) -> Value {
        match script.begin() {
            Asked::Say(text) => said(&text),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_publisher_is_asked_for_its_offer() {
        let mut script = Ant::new("b", Part::Publish { number: 3, room: Some(1) });
        let publish = begun(&mut script);
        assert_eq!(
            (&publish["command"], &publish["streamId"], &publish["mainTrack"]),
            (&json!("publish"), &json!("b-3"), &json!("b-room-1"))
        );
        assert_eq!(script.text(&json!({"command": "start", "streamId": "b-3"})), [Asked::Describe]);
        let offer = said(&script.described("v=0"));
        assert_eq!((&offer["type"], &offer["streamId"]), (&json!("offer"), &json!("b-3")));
        let answer = json!({"command": "takeConfiguration", "type": "answer", "sdp": "v=1"});
        assert_eq!(script.text(&answer), [Asked::Answer("v=1".to_owned())]);
        let refused = json!({"command": "error", "definition": "streamIdInUse"});
        assert_eq!(script.text(&refused), [Asked::Refused("streamIdInUse".to_owned())]);
    }

    #[test]
    fn a_viewer_answers() {
        let mut script = Ant::new("b", Part::ViewRoom { room: 1, members: vec![3, 4], except: 3 });
        let play = begun(&mut script);
        assert_eq!((&play["streamId"], &play["userPublishId"]), (&json!("b-room-1"), &json!("b-3")));
        let offer = json!({"command": "takeConfiguration", "type": "offer", "sdp": "v=0"});
        assert_eq!(script.text(&offer), [Asked::Offer("v=0".to_owned())]);
        assert_eq!(said(&script.described("v=1"))["type"], "answer");
        assert_eq!(script.text(&json!({"command": "notification", "definition": "play_started"})), [Asked::Started]);
        assert_eq!(script.text(&json!({"command": "pong"})), []);
    }
}
