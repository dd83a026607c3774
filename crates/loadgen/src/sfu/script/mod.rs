//! What a leg says to its server, and what the answers mean: one file per server's protocol.

pub(crate) mod ant;
pub(crate) mod janus;
pub(crate) mod mesh;

use std::time::Duration;

use serde_json::Value;

/// What a leg does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Sends sound and pictures under a number; others find it by that, or all of a room.
    Publish { number: usize, room: Option<usize> },
    /// Receives what one publisher sends.
    View { number: usize },
    /// Receives what all publishers of a room send, but one.
    ViewRoom { room: usize, members: Vec<usize>, except: usize },
}

/// What a leg has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Send this text.
    Say(String),
    /// Send the description of what will be sent.
    Describe,
    /// The server's offer.
    Offer(String),
    /// The server's answer.
    Answer(String),
    /// One of the server's candidates.
    Candidate(String),
    /// The server says that media flows.
    Started,
    /// It will not come to anything.
    Refused(String),
    /// What was begun is over, and why.
    Ended(String),
}

/// One leg's half of the signalling.
pub(crate) trait Script {
    /// Where it is spoken, if not where its server's others are.
    fn path(&self) -> Option<&'static str> {
        None
    }
    /// What is said once the connection stands, and is no part of what is measured.
    fn opened(&mut self) -> Vec<String>;
    /// Whether the leg could begin.
    fn is_ready(&self) -> bool;
    /// What begins the publishing or viewing.
    fn begin(&mut self) -> Asked;
    /// A message came.
    fn text(&mut self, message: &Value) -> Vec<Asked>;
    /// How our own description is sent.
    fn described(&mut self, sdp: &str) -> String;
    /// What ends what was begun, where that is not the end of the connection.
    fn end(&mut self) -> Option<String> {
        None
    }
    /// How long its server needs between one call and the next.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }
    /// What keeps the connection open when nothing else is said for 20 s.
    fn keep_alive(&mut self) -> String;
}

/// A string in a message, by its path.
pub(crate) fn text<'a>(message: &'a Value, pointer: &str) -> &'a str {
    message.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
