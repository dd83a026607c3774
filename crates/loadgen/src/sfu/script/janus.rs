//! Janus' WebSocket protocol: a session, a handle on a plugin, then the plugin's own requests.
//!
//! The Streaming plugin plays a mountpoint that is fed by plain RTP; the VideoRoom plugin has publishers of its own.

use serde_json::{Value, json};

use super::{Asked, Part, Script, text};

/// The WebSocket subprotocol, without which Janus does not answer.
pub(crate) const SUBPROTOCOL: &str = "janus-protocol";
pub(crate) const PATH: &str = "/";

/// Feeds and mountpoints are numbered from here on: Janus knows no 0.
const FIRST: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plugin {
    Streaming,
    VideoRoom,
}

/// The number of a publisher as mountpoint or feed.
pub(crate) fn feed(number: usize) -> usize {
    FIRST + number
}

/// The number of a room; publishers without one have one of their own.
pub(crate) fn room(number: usize) -> usize {
    FIRST + number
}

pub(crate) struct Janus {
    plugin: Plugin,
    part: Part,
    session: u64,
    handle: u64,
    /// VideoRoom's publishers join before they publish.
    joined: bool,
    transaction: u64,
}

impl Janus {
    pub(crate) fn new(plugin: Plugin, part: Part) -> Self {
        Self { plugin, part, session: 0, handle: 0, joined: false, transaction: 0 }
    }

    fn transaction(&mut self) -> String {
        self.transaction += 1;
        format!("t{}", self.transaction)
    }

    fn request(&mut self, body: &Value, jsep: Option<(&str, &str)>) -> String {
        let transaction = self.transaction();
        let mut message = json!({"janus": "message", "session_id": self.session, "handle_id": self.handle,
            "transaction": transaction, "body": body});
        if let Some((kind, sdp)) = jsep {
            message["jsep"] = json!({"type": kind, "sdp": sdp});
        }
        message.to_string()
    }

    fn is_publisher(&self) -> bool {
        matches!(self.part, Part::Publish { .. })
    }

    /// A session or a handle was made: the step after it.
    fn made(&mut self, id: u64) -> Vec<Asked> {
        if self.session == 0 {
            self.session = id;
            let plugin = match self.plugin {
                Plugin::Streaming => "janus.plugin.streaming",
                Plugin::VideoRoom => "janus.plugin.videoroom",
            };
            let transaction = self.transaction();
            let attach = json!({"janus": "attach", "session_id": id, "plugin": plugin, "transaction": transaction});
            return vec![Asked::Say(attach.to_string())];
        }
        self.handle = id;
        if let Part::Publish { number, room: inside } = self.part {
            let body = json!({"request": "join", "ptype": "publisher", "room": room(inside.unwrap_or(number)),
                "id": feed(number)});
            return vec![Asked::Say(self.request(&body, None))];
        }
        self.joined = true;
        Vec::new()
    }
}

impl Script for Janus {
    fn opened(&mut self) -> Vec<String> {
        let transaction = self.transaction();
        vec![json!({"janus": "create", "transaction": transaction}).to_string()]
    }

    fn is_ready(&self) -> bool {
        self.joined
    }

    fn begin(&mut self) -> Asked {
        let body = match (&self.part, self.plugin) {
            (Part::Publish { .. }, _) => return Asked::Describe,
            (Part::View { number }, Plugin::Streaming) => json!({"request": "watch", "id": feed(*number)}),
            (Part::View { number }, Plugin::VideoRoom) => json!({"request": "join", "ptype": "subscriber",
                "room": room(*number), "streams": [{"feed": feed(*number)}]}),
            (Part::ViewRoom { room: inside, members, except }, _) => {
                let others = members.iter().filter(|member| *member != except);
                let streams: Vec<_> = others.map(|member| json!({"feed": feed(*member)})).collect();
                json!({"request": "join", "ptype": "subscriber", "room": room(*inside), "streams": streams})
            }
        };
        Asked::Say(self.request(&body, None))
    }

    fn text(&mut self, message: &Value) -> Vec<Asked> {
        match text(message, "/janus") {
            "success" => message.pointer("/data/id").and_then(Value::as_u64).map_or_else(Vec::new, |id| self.made(id)),
            "webrtcup" => vec![Asked::Started],
            "hangup" => vec![Asked::Refused(format!("hangup: {}", text(message, "/reason")))],
            "error" => vec![Asked::Refused(text(message, "/error/reason").to_owned())],
            "event" => self.event(message),
            _ => Vec::new(),
        }
    }

    fn described(&mut self, sdp: &str) -> String {
        if self.is_publisher() {
            return self.request(&json!({"request": "publish"}), Some(("offer", sdp)));
        }
        self.request(&json!({"request": "start"}), Some(("answer", sdp)))
    }

    fn keep_alive(&mut self) -> String {
        let transaction = self.transaction();
        json!({"janus": "keepalive", "session_id": self.session, "transaction": transaction}).to_string()
    }
}

impl Janus {
    fn event(&mut self, message: &Value) -> Vec<Asked> {
        let data = message.pointer("/plugindata/data").unwrap_or(&Value::Null);
        if let Some(error) = data.get("error").and_then(Value::as_str) {
            return vec![Asked::Refused(error.to_owned())];
        }
        if text(data, "/videoroom") == "joined" {
            self.joined = true;
        }
        let sdp = text(message, "/jsep/sdp").to_owned();
        match text(message, "/jsep/type") {
            "offer" => vec![Asked::Offer(sdp)],
            "answer" => vec![Asked::Answer(sdp)],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(asked: &[Asked]) -> Value {
        match asked {
            [Asked::Say(text)] => serde_json::from_str(text).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_viewer_watches_a_mountpoint() {
        let mut script = Janus::new(Plugin::Streaming, Part::View { number: 0 });
        assert_eq!(script.opened().len(), 1);
        let attach = say(&script.text(&json!({"janus": "success", "data": {"id": 7}})));
        assert_eq!((&attach["plugin"], &attach["session_id"]), (&json!("janus.plugin.streaming"), &json!(7)));
        assert!(!script.is_ready());
        assert_eq!(script.text(&json!({"janus": "success", "data": {"id": 8}})), []);
        assert!(script.is_ready());
        let watch = say(&[script.begin()]);
        assert_eq!((&watch["body"]["id"], &watch["handle_id"]), (&json!(1_000), &json!(8)));
        let offer = json!({"janus": "event", "jsep": {"type": "offer", "sdp": "v=0"},
            "plugindata": {"data": {"streaming": "event"}}});
        assert_eq!(script.text(&offer), [Asked::Offer("v=0".to_owned())]);
        let start: Value = serde_json::from_str(&script.described("v=1")).unwrap();
        assert_eq!((&start["body"]["request"], &start["jsep"]["type"]), (&json!("start"), &json!("answer")));
        assert_eq!(script.text(&json!({"janus": "webrtcup"})), [Asked::Started]);
    }

    #[test]
    fn a_publisher_joins_first() {
        let mut script = Janus::new(Plugin::VideoRoom, Part::Publish { number: 2, room: None });
        script.text(&json!({"janus": "success", "data": {"id": 7}}));
        let join = say(&script.text(&json!({"janus": "success", "data": {"id": 8}})));
        assert_eq!((&join["body"]["room"], &join["body"]["id"]), (&json!(1_002), &json!(1_002)));
        assert_eq!(script.text(&json!({"janus": "ack"})), [], "of the request to join");
        script.text(&json!({"janus": "event", "plugindata": {"data": {"videoroom": "joined"}}}));
        assert!(script.is_ready());
        assert_eq!(script.begin(), Asked::Describe);
        let refused = json!({"janus": "event", "plugindata": {"data": {"error": "no such room"}}});
        assert_eq!(script.text(&refused), [Asked::Refused("no such room".to_owned())]);
    }

    #[test]
    fn one_who_views_a_room_leaves_itself_out() {
        let part = Part::ViewRoom { room: 1, members: vec![3, 4, 5], except: 4 };
        let mut script = Janus::new(Plugin::VideoRoom, part);
        let join = say(&[script.begin()]);
        assert_eq!(join["body"]["streams"], json!([{"feed": 1_003}, {"feed": 1_005}]));
        assert_eq!(join["body"]["room"], 1_001);
    }
}
