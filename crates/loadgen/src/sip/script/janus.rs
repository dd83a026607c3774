//! Janus' SIP plugin: a session, a handle, an account that registers nowhere, then calls by their address.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::sfu::script::{Asked, Script, text};

/// Janus 1.1.2 says that a connection is closed before its event loop has let go of it. A call that begins meanwhile fails
/// (`Error setting ICE locally`).
const REST: Duration = Duration::from_millis(250);

pub(crate) struct JanusSip {
    account: String,
    telephone: String,
    session: u64,
    handle: u64,
    registered: bool,
    transaction: u64,
    /// The plugin, and Janus itself, say that the call is over. The next one may begin after both.
    over: (bool, bool),
}

impl JanusSip {
    pub(crate) fn new(number: usize, telephone: SocketAddr) -> Self {
        Self {
            account: format!("sip:caller{number}@{}", telephone.ip()),
            telephone: format!("sip:telephone@{telephone}"),
            session: 0,
            handle: 0,
            registered: false,
            transaction: 0,
            over: (false, false),
        }
    }

    fn transaction(&mut self) -> String {
        self.transaction += 1;
        format!("t{}", self.transaction)
    }

    fn request(&mut self, body: &Value, offer: Option<&str>) -> String {
        let transaction = self.transaction();
        let mut message = json!({"janus": "message", "session_id": self.session, "handle_id": self.handle,
            "transaction": transaction, "body": body});
        if let Some(sdp) = offer {
            message["jsep"] = json!({"type": "offer", "sdp": sdp});
        }
        message.to_string()
    }

    /// A session or a handle was made: the step after it.
    fn made(&mut self, id: u64) -> Vec<Asked> {
        if self.session == 0 {
            self.session = id;
            let transaction = self.transaction();
            let attach = json!({"janus": "attach", "session_id": id, "plugin": "janus.plugin.sip",
                "transaction": transaction});
            return vec![Asked::Say(attach.to_string())];
        }
        self.handle = id;
        let register = json!({"request": "register", "type": "guest", "username": self.account});
        vec![Asked::Say(self.request(&register, None))]
    }

    fn event(&mut self, message: &Value) -> Vec<Asked> {
        let data = message.pointer("/plugindata/data").unwrap_or(&Value::Null);
        if let Some(error) = data.get("error").and_then(Value::as_str) {
            return vec![Asked::Refused(error.to_owned())];
        }
        let mut asked = Vec::new();
        match text(data, "/result/event") {
            "registered" => self.registered = true,
            "hangup" => {
                self.over.0 = true;
                asked.extend(self.ended(text(data, "/result/reason")));
            }
            _ => {}
        }
        if text(message, "/jsep/type") == "answer" {
            asked.push(Asked::Answer(text(message, "/jsep/sdp").to_owned()));
        }
        asked
    }

    fn ended(&self, reason: &str) -> Option<Asked> {
        (self.over == (true, true)).then(|| Asked::Ended(reason.to_owned()))
    }
}

impl Script for JanusSip {
    fn opened(&mut self) -> Vec<String> {
        let transaction = self.transaction();
        vec![json!({"janus": "create", "transaction": transaction}).to_string()]
    }

    fn is_ready(&self) -> bool {
        self.registered
    }

    fn begin(&mut self) -> Asked {
        Asked::Describe
    }

    fn text(&mut self, message: &Value) -> Vec<Asked> {
        match text(message, "/janus") {
            "success" => message.pointer("/data/id").and_then(Value::as_u64).map_or_else(Vec::new, |id| self.made(id)),
            "webrtcup" => vec![Asked::Started],
            "hangup" => {
                self.over.1 = true;
                self.ended(text(message, "/reason")).into_iter().collect()
            }
            "error" => vec![Asked::Refused(text(message, "/error/reason").to_owned())],
            "event" => self.event(message),
            _ => Vec::new(),
        }
    }

    fn described(&mut self, sdp: &str) -> String {
        self.over = (false, false);
        let call = json!({"request": "call", "uri": self.telephone});
        self.request(&call, Some(sdp))
    }

    fn end(&mut self) -> Option<String> {
        Some(self.request(&json!({"request": "hangup"}), None))
    }

    fn rest(&self) -> Duration {
        REST
    }

    fn keep_alive(&mut self) -> String {
        let transaction = self.transaction();
        json!({"janus": "keepalive", "session_id": self.session, "transaction": transaction}).to_string()
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
    fn a_guest_calls_an_address() {
        let mut script = JanusSip::new(3, "10.77.0.1:5060".parse().unwrap());
        assert_eq!(script.opened().len(), 1);
        let attach = say(&script.text(&json!({"janus": "success", "data": {"id": 7}})));
        assert_eq!((&attach["plugin"], &attach["session_id"]), (&json!("janus.plugin.sip"), &json!(7)));
        let register = say(&script.text(&json!({"janus": "success", "data": {"id": 8}})));
        assert_eq!((&register["body"]["type"], &register["handle_id"]), (&json!("guest"), &json!(8)));
        assert!(!script.is_ready());
        let told = |event: &str| json!({"janus": "event", "plugindata": {"data": {"result": {"event": event}}}});
        assert_eq!(script.text(&told("registered")), []);
        assert!(script.is_ready());
        let call: Value = serde_json::from_str(&script.described("v=0")).unwrap();
        assert_eq!(
            (&call["body"]["uri"], &call["jsep"]["sdp"]),
            (&json!("sip:telephone@10.77.0.1:5060"), &json!("v=0"))
        );
        let mut accepted = told("accepted");
        accepted["jsep"] = json!({"type": "answer", "sdp": "v=1"});
        assert_eq!(script.text(&accepted), [Asked::Answer("v=1".to_owned())]);
        assert_eq!(script.text(&json!({"janus": "webrtcup"})), [Asked::Started]);
        assert!(script.end().unwrap().contains("hangup"));
        assert_eq!(script.text(&told("hangup")), [], "its connection is still there");
        let gone = json!({"janus": "hangup", "reason": "Close PC"});
        assert_eq!(script.text(&gone), [Asked::Ended("Close PC".to_owned())]);
    }
}
