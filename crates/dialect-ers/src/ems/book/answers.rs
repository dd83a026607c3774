//! What is told of configurations.

use super::{Book, Configuration, State};
use crate::ems::api::answer::Answer;
use crate::ems::api::value::Value;
use crate::ems::api::wire::Start;

/// How the answer to `startWebrtc` is wrapped (DECISIONS 29).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Envelope {
    /// The keys, and beside them the whole as the seed shows it.
    #[default]
    Both,
    /// As the product answers.
    Flat,
    /// As the seed shows it: description and status are inside.
    Nested,
}

/// The kinds of configurations that the original lists; all but the last are of what is not made here.
const KINDS: [&str; 10] = ["dash", "hds", "hls", "metalistener", "mss", "process", "pull", "push", "record", "webrtc"];

const STARTED: &str = "Started WebRTC Negotiation Service";

/// The answer to a `startWebrtc` that was carried out.
pub(crate) fn started(start: &Start, id: u64, envelope: Envelope, for_people: bool) -> Answer {
    let more = [
        ("ersOverSsl", Value::Bool(start.tls)),
        ("name", Value::text("evostreamms")),
        ("sslCert", Value::text("../config/server.cert")),
        ("sslKey", Value::text("../config/server.key")),
    ];
    let own = start.own.iter().map(|(key, value)| (key.as_str(), Value::text(&**value)));
    let keys = || start.entry(id).into_iter().chain(more.clone()).chain(own.clone());
    let whole = || {
        let inside = Value::map(keys());
        [("data", inside), ("description", Value::text(STARTED)), ("status", Value::text("SUCCESS"))]
    };
    let data = match envelope {
        _ if for_people => Value::map(keys()),
        Envelope::Flat => Value::map(keys()),
        Envelope::Nested => Value::map(whole()),
        Envelope::Both => Value::map(keys().chain(whole())),
    };
    let shown = &["configId", "ersip", "ersport", "name", "roomid", "sslCert", "sslKey"];
    Answer::success(STARTED, data).showing(shown)
}

impl Book {
    /// The answer to `listConfig`.
    pub(crate) fn list(&self) -> Answer {
        let entries = self.configurations.iter().map(|(id, one)| Value::map(one.start.entry(*id)));
        let mut entries = Value::List(entries.collect());
        let kinds = KINDS.map(|kind| {
            let none = Value::List(Vec::new());
            (kind, if kind == "webrtc" { std::mem::replace(&mut entries, Value::Null) } else { none })
        });
        let shown = &[
            "dash",
            "hds",
            "hls",
            "metalistener",
            "mss",
            "process",
            "pull",
            "push",
            "record",
            "webrtc",
            "configId",
            "ersip",
            "ersport",
            "roomid",
        ];
        Answer::success("Run-time configuration", Value::map(kinds)).showing(shown)
    }

    /// The answer to `getConfigInfo`.
    pub(crate) fn info(&self, id: u64) -> Answer {
        let Some(one) = self.configurations.get(&id) else { return Answer::failure("Config ID not found") };
        let shown = &["configId", "operationType", "status", "current", "description", "keepAlive"];
        Answer::success("Configuration Info", Value::map(one.start.entry(id).into_iter().chain([one.status()])))
            .showing(shown)
    }

    /// Ends a configuration; the answer to `removeConfig`.
    pub(crate) fn removed(&mut self, id: u64) -> Answer {
        let live = self.connections.values().any(|connection| connection.id == id);
        let entry = self.configurations.get(&id).filter(|_| live).map(|one| Value::map(one.start.entry(id)));
        self.remove(id);
        Answer::success("Configuration terminated", entry.unwrap_or(Value::Null)).showing(&["configId"])
    }
}

impl Configuration {
    fn status(&self) -> (&'static str, Value) {
        let words = match &self.state {
            State::Connecting => "Connecting",
            State::Joined => "Joined",
            State::Refused(why) | State::Stopped(why) => why,
        };
        ("status", Value::map([("current", Value::map([("description", Value::text(words))]))]))
    }
}
