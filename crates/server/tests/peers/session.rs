//! A client of the dialect: a WebSocket, and a peer for each stream that it publishes or plays. It answers what the
//! JavaScript SDK would answer by itself, and keeps everything it was told.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard, Input};
use serde_json::{Value, json};

use super::common::client::Client;
use super::common::process::Server;
use super::common::wire::Address;
use super::peer::{Peer, Sends};

/// What is to happen happens within this time; machines that run other tests besides are slow.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// Ten pictures of a publisher would have come in this time.
const STILL: Duration = Duration::from_millis(400);
/// The steps of everything that is waited for.
const STEP: Duration = Duration::from_millis(10);

/// A server for one test: on ports of its own, and never too busy for a client.
pub(crate) fn server(settings: &[(&str, &str)]) -> Server {
    let ours = [("PATCHBAY_MEDIA__UDP_PORT", "0"), ("PATCHBAY_LIMITS__CPU_PERCENT", "100")];
    Server::start(&[&ours[..], settings].concat())
}

pub(crate) struct Session {
    client: Client,
    /// What it was told and no test has asked for yet.
    told: Vec<Value>,
    pub(crate) publishes: BTreeMap<String, Peer>,
    pub(crate) plays: BTreeMap<String, Peer>,
    /// By stream: the last offer that was answered, whole.
    pub(crate) offers: BTreeMap<String, Value>,
}

impl Session {
    pub(crate) fn new(server: &Server) -> Self {
        Self::at(&server.address(), "/LiveApp/websocket")
    }

    pub(crate) fn at(address: &Address, path: &str) -> Self {
        let client = Client::at(address, path, &Handshake::default());
        let client = client.unwrap_or_else(|turned| panic!("{turned:?}"));
        let (publishes, plays) = (BTreeMap::new(), BTreeMap::new());
        Self { client, told: Vec::new(), publishes, plays, offers: BTreeMap::new() }
    }

    /// The same, and it is among those who are there: an upgrade is answered a moment before.
    pub(crate) fn settled(mut self) -> Self {
        self.send(json!({"command": "ping"}));
        self.until(&json!({"command": "pong"}));
        self
    }

    /// Reads to the end of the connection: its close code, and how often what is like `wanted` was told before.
    pub(crate) fn until_closed(&mut self, wanted: &Value) -> (Option<u16>, usize) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.client.hear(deadline.saturating_duration_since(Instant::now())) {
                Some(Heard::Text(text)) => {
                    self.told.push(serde_json::from_slice(&text).expect("the server says JSON"));
                }
                Some(Heard::Closed(code)) => {
                    return (code, self.told.iter().filter(|message| is_like(message, wanted)).count());
                }
                other => panic!("waited in vain for the end: {other:?}"),
            }
        }
    }

    /// The client goes, with a farewell.
    pub(crate) fn leave(&mut self) {
        self.client.say(&Input::Close(1000)).expect("the connection stands");
    }

    pub(crate) fn send(&mut self, message: Value) {
        self.client.text(&message.to_string());
    }

    /// Its network is gone: nobody says farewell.
    pub(crate) fn tear(self) {
        drop(self);
    }

    /// Reads what comes for so long.
    pub(crate) fn listen(&mut self, span: Duration) {
        let until = Instant::now() + span;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            match self.client.hear(left) {
                Some(Heard::Text(text)) => {
                    let message: Value = serde_json::from_slice(&text).expect("the server says JSON");
                    self.meet(&message);
                    self.told.push(message);
                }
                Some(other) => panic!("not a message: {other:?}"),
                None => return,
            }
        }
    }

    fn meet(&mut self, message: &Value) {
        let stream = message["streamId"].as_str().unwrap_or_default().to_owned();
        let sdp = message["sdp"].as_str().unwrap_or_default();
        match (message["command"].as_str(), message["type"].as_str()) {
            (Some("takeConfiguration"), Some("offer")) => {
                let answer = self.plays.entry(stream.clone()).or_insert_with(Peer::new).answer(sdp);
                self.offers.insert(stream.clone(), message.clone());
                self.send(json!({"command": "takeConfiguration", "streamId": stream, "type": "answer", "sdp": answer}));
            }
            (Some("takeConfiguration"), Some("answer")) => self.publishes[&stream].accept(sdp),
            (Some("takeCandidate"), _) => {
                let candidate = message["candidate"].as_str().expect("a candidate is a text");
                let peers = self.publishes.get(&stream).into_iter().chain(self.plays.get(&stream));
                peers.for_each(|peer| peer.remote_candidate(candidate));
            }
            _ => {}
        }
    }

    /// The first message that was told and is like `wanted` in all that `wanted` has; it counts as read.
    pub(crate) fn until(&mut self, wanted: &Value) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(at) = self.told.iter().position(|message| is_like(message, wanted)) {
                return self.told.remove(at);
            }
            assert!(Instant::now() < deadline, "waited in vain for {wanted}; told: {}", json!(self.told));
            self.listen(STEP);
        }
    }

    pub(crate) fn until_notified(&mut self, definition: &str, stream: &str) {
        self.until(&json!({"command": "notification", "definition": definition, "streamId": stream}));
    }

    pub(crate) fn until_refused(&mut self, definition: &str, stream: &str) {
        self.until(&json!({"command": "error", "definition": definition, "streamId": stream}));
    }

    /// Something of the kind has been told, and not been asked for.
    pub(crate) fn has_been_told(&self, wanted: &Value) -> bool {
        self.told.iter().any(|message| is_like(message, wanted))
    }

    /// Nothing of the kind has been told and not been asked for.
    pub(crate) fn assert_untold(&self, unwanted: &Value) {
        let found = self.told.iter().find(|message| is_like(message, unwanted));
        assert!(found.is_none(), "told {found:?}");
    }

    /// Nobody has complained.
    pub(crate) fn assert_no_error(&self) {
        self.assert_untold(&json!({"command": "error"}));
    }

    /// Asks to publish, and offers to send this.
    pub(crate) fn offer(&mut self, stream: &str, sends: Sends, more: &Value) {
        self.offer_of(stream, Peer::new(), sends, more);
    }

    /// The same by that peer.
    pub(crate) fn offer_of(&mut self, stream: &str, peer: Peer, sends: Sends, more: &Value) {
        let mut publish = json!({"command": "publish", "streamId": stream});
        merge(&mut publish, more);
        self.send(publish);
        self.until(&json!({"command": "start", "streamId": stream}));
        let sdp = peer.offer(sends, stream);
        self.publishes.insert(stream.to_owned(), peer);
        self.send(json!({"command": "takeConfiguration", "streamId": stream, "type": "offer", "sdp": sdp}));
    }

    /// Publishes sound and pictures.
    pub(crate) fn publish(&mut self, stream: &str, more: &Value) {
        self.offer(stream, Sends::BOTH, more);
        self.until_notified("publish_started", stream);
    }

    pub(crate) fn play(&mut self, stream: &str, more: &Value) {
        let mut play = json!({"command": "play", "streamId": stream});
        merge(&mut play, more);
        self.send(play);
        self.until_notified("play_started", stream);
    }

    /// Packets and key frames of a track so far, by its id (`ARDAMSv…`, `ARDAMSa…`).
    pub(crate) fn track(&self, stream: &str, track: &str) -> (u64, u64) {
        let mapping = self.offers[stream]["idMapping"].as_object().expect("an offer has an idMapping");
        let mid = mapping.iter().find(|(_, id)| *id == track).map(|(mid, _)| mid);
        let mid = mid.unwrap_or_else(|| panic!("no {track} in {mapping:?}"));
        let seen = self.plays[stream].seen();
        seen.streams.get(mid).map_or((0, 0), |stream| (stream.packets, stream.keys))
    }

    /// Listens until it is so.
    pub(crate) fn until_true(&mut self, what: &str, within: Duration, mut probe: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + within;
        while !probe(self) {
            assert!(Instant::now() < deadline, "after {within:?} still not: {what}");
            self.listen(STEP);
        }
    }

    /// Packets of this track have come since it was offered, and a key frame if it has pictures.
    pub(crate) fn until_begun(&mut self, stream: &str, track: &str, within: Duration) {
        let video = track.starts_with("ARDAMSv");
        self.until_true(&format!("{track} begins"), within, |session| {
            let (packets, keys) = session.track(stream, track);
            packets > 5 && (!video || keys > 0)
        });
    }

    /// Packets of this track come, and a key frame among them if it has pictures.
    pub(crate) fn until_flowing(&mut self, stream: &str, track: &str) {
        self.until_flowing_since(stream, track, (0, 0));
    }

    /// The same of what has come since a look at [`Self::track`].
    pub(crate) fn until_flowing_since(&mut self, stream: &str, track: &str, before: (u64, u64)) {
        let video = track.starts_with("ARDAMSv");
        self.until_true(&format!("{track} flows"), PATIENCE, |session| {
            let now = session.track(stream, track);
            now.0 > before.0 + 5 && (!video || now.1 > before.1)
        });
    }

    /// Packets of this track go on coming, key frame or not.
    pub(crate) fn until_going_on(&mut self, stream: &str, track: &str) {
        let before = self.track(stream, track).0;
        self.until_true(&format!("{track} goes on"), PATIENCE, |session| session.track(stream, track).0 > before + 5);
    }

    /// Packets of this track stop coming: there is a while without one. How soon is the benchmarks' to say: a machine that
    /// runs other tests besides hands over late what was sent long ago.
    pub(crate) fn until_still(&mut self, stream: &str, track: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let before = self.track(stream, track).0;
            self.listen(STILL);
            if self.track(stream, track).0 == before {
                return;
            }
            assert!(Instant::now() < deadline, "{track} still flows after {PATIENCE:?}");
        }
    }
}

/// Everything that `wanted` has, `message` has as well.
fn is_like(message: &Value, wanted: &Value) -> bool {
    wanted.as_object().is_some_and(|wanted| wanted.iter().all(|(name, value)| message.get(name) == Some(value)))
}

fn merge(message: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
}
