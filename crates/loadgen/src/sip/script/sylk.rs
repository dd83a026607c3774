//! The dialect `sylk` (SylkServer's WebRTC gateway), as today's sylkrtc.js speaks it.

use serde_json::{Value, json};

use crate::sfu::script::{Asked, Script, text};

pub(crate) const SUBPROTOCOL: &str = "sylkRTC-2";
/// Where our server speaks it by default.
pub(crate) const PATH: &str = "/webrtcgateway/ws";

const DOMAIN: &str = "bench.example";
/// What stands for a password in the protocol is a sum of one. Nobody here asks for it.
const SUM: &str = "0123456789abcdef0123456789abcdef";

/// How far the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connected,
    Adding,
    Registering,
    Ready,
}

pub(crate) struct Sylk {
    account: String,
    /// It is ready only once it is registered.
    registers: bool,
    stage: Stage,
    transaction: u64,
    /// Number of the call.
    call: u64,
}

impl Sylk {
    pub(crate) fn new(number: usize, registers: bool) -> Self {
        let account = format!("caller{number}@{DOMAIN}");
        Self { account, registers, stage: Stage::Connected, transaction: 0, call: 0 }
    }

    fn request(&mut self, mut message: Value) -> String {
        self.transaction += 1;
        message["transaction"] = json!(self.transaction.to_string());
        message.to_string()
    }

    fn session(&self) -> String {
        format!("{}-{}", self.account, self.call)
    }

    fn acknowledged(&mut self) -> Vec<Asked> {
        match self.stage {
            Stage::Adding if self.registers => {
                self.stage = Stage::Registering;
                let register = json!({"sylkrtc": "account-register", "account": self.account});
                vec![Asked::Say(self.request(register))]
            }
            Stage::Adding => {
                self.stage = Stage::Ready;
                Vec::new()
            }
            Stage::Connected | Stage::Registering | Stage::Ready => Vec::new(),
        }
    }

    fn call(&self, message: &Value) -> Vec<Asked> {
        if text(message, "/session") != self.session() {
            return Vec::new();
        }
        match (text(message, "/state"), text(message, "/sdp")) {
            ("accepted" | "early-media", sdp) if !sdp.is_empty() => vec![Asked::Answer(sdp.to_owned())],
            ("established", _) => vec![Asked::Started],
            ("terminated", _) => vec![Asked::Ended(text(message, "/reason").to_owned())],
            _ => Vec::new(),
        }
    }
}

impl Script for Sylk {
    fn opened(&mut self) -> Vec<String> {
        self.stage = Stage::Adding;
        let add = json!({"sylkrtc": "account-add", "account": self.account, "password": SUM});
        vec![self.request(add)]
    }

    fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    fn begin(&mut self) -> Asked {
        Asked::Describe
    }

    fn text(&mut self, message: &Value) -> Vec<Asked> {
        match (text(message, "/sylkrtc"), text(message, "/event"), text(message, "/state")) {
            ("ack", ..) => self.acknowledged(),
            ("account-event", "registration-state", "registered") => {
                self.stage = Stage::Ready;
                Vec::new()
            }
            ("account-event", "registration-state", "failed") => {
                vec![Asked::Refused(text(message, "/reason").to_owned())]
            }
            ("session-event", "state", _) => self.call(message),
            ("error", ..) => vec![Asked::Refused(text(message, "/error").to_owned())],
            _ => Vec::new(),
        }
    }

    fn described(&mut self, sdp: &str) -> String {
        self.call += 1;
        let create = json!({"sylkrtc": "session-create", "session": self.session(), "account": self.account,
            "uri": format!("telephone@{DOMAIN}"), "sdp": sdp});
        self.request(create)
    }

    fn end(&mut self) -> Option<String> {
        let end = json!({"sylkrtc": "session-terminate", "session": self.session()});
        Some(self.request(end))
    }

    fn keep_alive(&mut self) -> String {
        self.request(json!({"sylkrtc": "ping"}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_caller_adds_its_account_and_calls() {
        let mut script = Sylk::new(7, false);
        assert_eq!(script.text(&json!({"sylkrtc": "ready-event"})), []);
        let add = said(&script.opened()[0]);
        assert_eq!((&add["sylkrtc"], &add["account"]), (&json!("account-add"), &json!("caller7@bench.example")));
        assert!(!script.is_ready());
        assert_eq!(script.text(&json!({"sylkrtc": "ack", "transaction": "1"})), []);
        assert!(script.is_ready());
        assert_eq!(script.begin(), Asked::Describe);
        let create = said(&script.described("v=0"));
        assert_eq!((&create["sylkrtc"], &create["sdp"]), (&json!("session-create"), &json!("v=0")));
        let mut event = json!({"sylkrtc": "session-event", "session": create["session"], "event": "state"});
        let mut state = |name: &str, key: &str, value: &str| {
            event["state"] = json!(name);
            event[key] = json!(value);
            script.text(&event)
        };
        assert_eq!(state("ringing", "code", "180"), []);
        assert_eq!(state("accepted", "sdp", "v=1"), [Asked::Answer("v=1".to_owned())]);
        assert_eq!(state("established", "code", ""), [Asked::Started]);
        assert_eq!(state("terminated", "reason", "200 OK"), [Asked::Ended("200 OK".to_owned())]);
        let end = said(&script.end().unwrap());
        assert_eq!((&end["sylkrtc"], &end["session"]), (&json!("session-terminate"), &create["session"]));
        let refused = json!({"sylkrtc": "error", "error": "no"});
        assert_eq!(script.text(&refused), [Asked::Refused("no".to_owned())]);
    }

    #[test]
    fn an_event_of_the_call_before_is_none_of_this_one() {
        let mut script = Sylk::new(1, false);
        let first = said(&script.described("v=0"));
        script.described("v=0");
        let late = json!({"sylkrtc": "session-event", "session": first["session"], "event": "state",
            "state": "terminated", "reason": "200 OK"});
        assert_eq!(script.text(&late), []);
    }

    #[test]
    fn an_account_is_ready_once_it_is_registered() {
        let mut script = Sylk::new(1, true);
        script.opened();
        let asked = script.text(&json!({"sylkrtc": "ack"}));
        let [Asked::Say(register)] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(said(register)["sylkrtc"], "account-register");
        assert_eq!(script.text(&json!({"sylkrtc": "ack"})), []);
        let mut event = json!({"sylkrtc": "account-event", "event": "registration-state", "state": "registering"});
        script.text(&event);
        assert!(!script.is_ready());
        event["state"] = json!("registered");
        script.text(&event);
        assert!(script.is_ready());
        event["state"] = json!("failed");
        event["reason"] = json!("408 Timeout");
        assert_eq!(script.text(&event), [Asked::Refused("408 Timeout".to_owned())]);
    }
}
