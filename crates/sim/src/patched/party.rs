//! Who meets in a patched room: members of a mesh room, and publishers and viewers of Ant Media streams. Each says what
//! its real client would, believes what it hears, and objects to what cannot be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::rng::Rng;
use crate::world::Fault;

/// The room of the mesh, and of the streams.
pub(super) const ROOM: &str = "demo";
/// Whoever watches from outside, among the members.
pub(super) const AUDIENCE: &str = "_demo";
/// After an end that it has caused, a client waits so long, in milliseconds, before it begins anew: what was on its way
/// has come by then.
const QUIET: u64 = 3_000;
const SDP: &str = "v=0\r\nm=audio 9\r\nm=video 9\r\n";

/// What everybody together has said to members.
pub(super) type Said = BTreeSet<String>;

pub(super) enum Party {
    Member(Member),
    Publisher(Publisher),
    Viewer(Viewer),
}

#[derive(Default)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) stay: Stay,
    pub(super) list: Vec<String>,
    /// Calls to stand-ins that were answered, and have not ended.
    pub(super) calls: BTreeSet<String>,
    /// Calls that nobody has said anything to yet.
    pub(super) ringing: BTreeSet<String>,
    /// Calls that an error may have ended: it does not say which one it is about.
    doubtful: BTreeSet<String>,
    /// Stand-ins that it has hung up on, and until when nothing of theirs counts, and they are not called.
    hung: BTreeMap<String, u64>,
    /// The audience asks for its camera, and has an answer.
    pub(super) seen: bool,
    /// It has hung up on the audience.
    declined: bool,
    /// Before then it does not come in again.
    quiet: u64,
    serial: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stay {
    #[default]
    Outside,
    Asking,
    Inside,
}

#[derive(Default)]
pub(super) struct Publisher {
    pub(super) stream: String,
    /// Its stream belongs to the room.
    pub(super) listed: bool,
    pub(super) state: State,
    quiet: u64,
}

#[derive(Default)]
pub(super) struct Viewer {
    pub(super) stream: String,
    pub(super) state: State,
    quiet: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum State {
    #[default]
    Idle,
    Asked,
    /// Published, or played.
    Live,
    Stopping,
}

impl Party {
    /// A party of one of the three kinds; `number` makes its names its own.
    pub(super) fn new(number: usize, rng: &mut Rng) -> Self {
        match number % 3 {
            0 => Self::Member(Member { name: format!("m{number}"), ..Member::default() }),
            // Two ids that are one name in the mesh, and one that nobody would guess.
            1 => {
                let stream = (*rng.pick(&["a.b", "a-b", "cam"])).to_owned() + &number.to_string();
                Self::Publisher(Publisher { stream, ..Publisher::default() })
            }
            _ => Self::Viewer(Viewer::default()),
        }
    }

    /// What it is told happens on a connection of its own: all that was is forgotten.
    pub(super) fn afresh(&mut self) {
        match self {
            Self::Member(member) => {
                // No two candidates are alike, ever.
                let (name, serial) = (std::mem::take(&mut member.name), member.serial);
                *member = Member { name, serial, ..Member::default() };
            }
            Self::Publisher(publisher) => {
                *publisher = Publisher { stream: std::mem::take(&mut publisher.stream), ..Publisher::default() };
            }
            Self::Viewer(viewer) => *viewer = Viewer::default(),
        }
    }

    /// What it says next; `streams` are all that there might be.
    pub(super) fn act(&mut self, now: u64, streams: &[String], said: &mut Said, rng: &mut Rng) -> Vec<Value> {
        match self {
            Self::Member(member) => member.act(now, said, rng),
            Self::Publisher(publisher) => publisher.act(now, rng),
            Self::Viewer(viewer) => viewer.act(now, streams, rng),
        }
    }

    /// What it answers.
    pub(super) fn hear(&mut self, now: u64, text: &str, said: &mut Said, rng: &mut Rng) -> Result<Vec<Value>, Fault> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))?;
        match self {
            Self::Member(member) => member.hear(now, text, &value, said, rng),
            Self::Publisher(publisher) => publisher.hear(&value, rng),
            Self::Viewer(viewer) => viewer.hear(&value),
        }
    }
}

impl Member {
    fn act(&mut self, now: u64, said: &mut Said, rng: &mut Rng) -> Vec<Value> {
        if now < self.quiet || self.stay == Stay::Asking {
            return Vec::new();
        }
        if self.stay == Stay::Outside {
            self.stay = Stay::Asking;
            let from = if rng.percent(5) { "_me" } else { &self.name };
            return vec![json!({"type": "join", "room": ROOM, "from": from})];
        }
        let others: Vec<_> = self.list.iter().filter(|name| **name != self.name).cloned().collect();
        let (stand_ins, members): (Vec<_>, Vec<_>) = others.into_iter().partition(|name| name.starts_with('_'));
        self.hung.retain(|_, until| now < *until);
        let free = |name: &String| name != AUDIENCE && !self.hung.contains_key(name);
        let streams: Vec<_> = stand_ins.into_iter().filter(free).collect();
        match rng.below(100) {
            0..50 if !streams.is_empty() => {
                let to = rng.pick(&streams).clone();
                if rng.percent(5) {
                    // Nothing that could be answered, and nobody's end: it costs a call that there may be.
                    return vec![json!({"type": "candidate", "to": to, "candidate": {"candidate": "", "sdpMid": "0"}})];
                }
                self.ringing.insert(to.clone());
                let offer = json!({"type": "offer", "to": to, "sdp": {"type": "offer", "sdp": SDP}});
                let candidate = json!({"type": "candidate", "to": to,
                    "candidate": {"candidate": "candidate:7 1 udp 1 192.0.2.7 9 typ host", "sdpMid": "0"}});
                vec![offer, candidate]
            }
            50..62 if !self.calls.is_empty() => {
                let calls: Vec<_> = self.calls.iter().cloned().collect();
                let to = rng.pick(&calls).clone();
                self.forget(&to);
                self.hung.insert(to.clone(), now + QUIET);
                vec![json!({"type": "hangup", "to": to})]
            }
            62..66 if self.seen => {
                (self.seen, self.declined) = (false, true);
                vec![json!({"type": "hangup", "to": AUDIENCE})]
            }
            66..72 => {
                *self = Self {
                    name: std::mem::take(&mut self.name),
                    quiet: now + QUIET,
                    serial: self.serial,
                    ..Self::default()
                };
                vec![json!({"type": "leave"})]
            }
            _ if !members.is_empty() => {
                let (from, to) = (&self.name, rng.pick(&members));
                self.serial += 1;
                let candidate = format!(r#"{{"n":{},"of":"{from}"}}"#, self.serial);
                said.insert(format!(
                    "{{\"type\":\"candidate\",\"room\":\"{ROOM}\",\"from\":\"{from}\",\"to\":\"{to}\",\"candidate\":{candidate}}}\n"
                ));
                // As it is written, so that it can be told whether it arrives so.
                vec![Value::String(format!(r#"{{"type":"candidate","to":"{to}","candidate":{candidate}}}"#))]
            }
            _ => Vec::new(),
        }
    }

    fn hear(
        &mut self,
        now: u64,
        text: &str,
        value: &Value,
        said: &mut Said,
        rng: &mut Rng,
    ) -> Result<Vec<Value>, Fault> {
        let field = |name: &str| value[name].as_str().unwrap_or_default();
        let (kind, from) = (field("type"), field("from").to_owned());
        if kind == "candidate" && !from.starts_with('_') {
            return if said.remove(text) { Ok(Vec::new()) } else { Err("no member said it so".to_owned()) };
        }
        let hung = self.hung.get(&from).is_some_and(|until| now < *until);
        if self.stay == Stay::Outside || hung {
            return Ok(Vec::new());
        }
        match kind {
            "joined" => self.stay = Stay::Inside,
            "error" if self.stay == Stay::Asking => self.stay = Stay::Outside,
            // Which one it was is not told.
            "error" => self.doubtful.append(&mut self.ringing),
            "room_members" => {
                let names = value["members"].as_array().ok_or("a list without members")?;
                self.list = names.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
                if !self.list.is_sorted() || !self.list.contains(&self.name) {
                    return Err("a list that is not in order, or lacks its reader".to_owned());
                }
            }
            "answer" => {
                if !self.forget(&from) {
                    return Err("an answer to no call".to_owned());
                }
                self.calls.insert(from);
            }
            "hangup" if from == AUDIENCE => self.seen = false,
            "hangup" => {
                // An offer that was on its way may find the stand-in again.
                if self.forget(&from) {
                    self.doubtful.insert(from);
                }
            }
            "candidate" => {}
            "offer" if from == AUDIENCE => return Ok(self.asked(rng)),
            _ => return Err("nobody says such a thing".to_owned()),
        }
        Ok(Vec::new())
    }

    /// Forgets a call; whether there was one.
    fn forget(&mut self, to: &str) -> bool {
        [&mut self.calls, &mut self.ringing, &mut self.doubtful].map(|set| set.remove(to)).contains(&true)
    }

    /// The audience asks for its camera.
    fn asked(&mut self, rng: &mut Rng) -> Vec<Value> {
        // Who has hung up is asked no more; what comes was on its way.
        if self.declined {
            return Vec::new();
        }
        match rng.below(100) {
            0..70 => {
                self.seen = true;
                vec![json!({"type": "answer", "to": AUDIENCE, "sdp": {"type": "answer", "sdp": SDP}})]
            }
            70..80 => {
                self.declined = true;
                vec![json!({"type": "hangup", "to": AUDIENCE})]
            }
            80..90 => vec![json!({"type": "answer", "to": AUDIENCE, "sdp": {"type": "answer", "sdp": "nonsense"}})],
            _ => Vec::new(),
        }
    }
}

impl Publisher {
    fn act(&mut self, now: u64, rng: &mut Rng) -> Vec<Value> {
        if now < self.quiet {
            return Vec::new();
        }
        match self.state {
            State::Idle | State::Stopping => {
                self.state = State::Asked;
                self.listed = rng.percent(80);
                let mut publish = json!({"command": "publish", "streamId": self.stream});
                if self.listed {
                    publish["mainTrack"] = ROOM.into();
                }
                vec![publish]
            }
            State::Live if rng.percent(15) => {
                (self.state, self.quiet) = (State::Stopping, now + QUIET);
                vec![json!({"command": "stop", "streamId": self.stream})]
            }
            _ => Vec::new(),
        }
    }

    fn hear(&mut self, value: &Value, rng: &mut Rng) -> Result<Vec<Value>, Fault> {
        match (value["command"].as_str().unwrap_or_default(), value["definition"].as_str().unwrap_or_default()) {
            ("start", _) => {
                let sdp = if rng.percent(6) { "nonsense" } else { SDP };
                return Ok(vec![
                    json!({"command": "takeConfiguration", "streamId": self.stream, "type": "offer", "sdp": sdp}),
                ]);
            }
            ("notification", "publish_started") => {
                if self.state == State::Asked {
                    self.state = State::Live;
                }
            }
            ("notification", "publish_finished") | ("error", _) => self.state = State::Idle,
            ("takeConfiguration" | "takeCandidate" | "notification" | "pong" | "ping", _) => {}
            _ => return Err("no publisher hears such a thing".to_owned()),
        }
        Ok(Vec::new())
    }
}

impl Viewer {
    fn act(&mut self, now: u64, streams: &[String], rng: &mut Rng) -> Vec<Value> {
        if now < self.quiet || streams.is_empty() {
            return Vec::new();
        }
        match self.state {
            State::Idle | State::Stopping => {
                self.state = State::Asked;
                self.stream.clone_from(rng.pick(streams));
                vec![json!({"command": "play", "streamId": self.stream})]
            }
            State::Asked | State::Live if rng.percent(20) => {
                (self.state, self.quiet) = (State::Stopping, now + QUIET);
                vec![json!({"command": "stop", "streamId": self.stream})]
            }
            _ => Vec::new(),
        }
    }

    fn hear(&mut self, value: &Value) -> Result<Vec<Value>, Fault> {
        let field = |name: &str| value[name].as_str().unwrap_or_default();
        match (field("command"), field("definition")) {
            ("takeConfiguration", _) => {
                if field("streamId") != self.stream || field("type") != "offer" {
                    return Err("it asked for another stream, or waits for no answer".to_owned());
                }
                if self.state == State::Asked {
                    self.state = State::Live;
                }
                if self.state == State::Live {
                    return Ok(vec![
                        json!({"command": "takeConfiguration", "streamId": self.stream, "type": "answer", "sdp": SDP}),
                    ]);
                }
            }
            ("notification", "play_finished") | ("error", _) => {
                if self.state != State::Stopping {
                    self.state = State::Idle;
                }
            }
            ("takeCandidate" | "notification" | "pong" | "ping", _) => {}
            _ => return Err("no viewer hears such a thing".to_owned()),
        }
        Ok(Vec::new())
    }
}
