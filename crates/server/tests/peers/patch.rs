//! A room across dialects over real sockets: mesh members see streams, and are seen as streams (DESIGN section 5).

use std::fs;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard};
use serde_json::{Value, json};

use super::common::client::Client as Socket;
use super::common::process::{Folder, Server};
use super::peer::Peer;
use super::session::{PATIENCE, Session};
use super::whip::{Client, SDP, ask, live, until};

const PATCH: &str = r#"
[[patch]]
room = "demo"
mesh = "demo"
antmedia = "LiveApp"
whip = true
pull = true
"#;

fn patched() -> (Folder, Server) {
    let folder = Folder::new();
    let file = folder.path().join("patchbay.toml");
    fs::write(&file, PATCH).expect("a file");
    let config = file.to_string_lossy().into_owned();
    let settings = [("PATCHBAY_MEDIA__UDP_PORT", "0"), ("PATCHBAY_LIMITS__CPU_PERCENT", "100")];
    let server = Server::try_start_with(&["serve", "--config", &config], &settings);
    let server = server.unwrap_or_else(|failed| panic!("the server did not start: {failed:?}"));
    (folder, server)
}

/// A member of the mesh room, with a peer for whoever calls it or is called.
struct Member {
    socket: Socket,
    id: &'static str,
}

impl Member {
    fn join(server: &Server, id: &'static str) -> Self {
        let socket = Socket::at(&server.address(), "/ws", &Handshake::default());
        let mut socket = socket.unwrap_or_else(|turned| panic!("{turned:?}"));
        socket.text(&json!({"type": "join", "room": "demo", "from": id}).to_string());
        Self { socket, id }
    }

    /// The next message of that type from that member.
    fn hears(&mut self, kind: &str, from: &str) -> Value {
        self.hears_like(|message| message["type"] == kind && message["from"] == from)
    }

    /// A list with those members.
    fn sees(&mut self, members: &[&str]) {
        self.hears_like(|message| message["members"] == json!(members));
    }

    fn hears_like(&mut self, like: impl Fn(&Value) -> bool) -> Value {
        let (deadline, mut heard) = (Instant::now() + PATIENCE, Vec::new());
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "in vain; {} heard {heard:?}", self.id);
            if let Some(Heard::Text(text)) = self.socket.hear(left) {
                let message: Value = serde_json::from_slice(&text).expect("JSON");
                if like(&message) {
                    return message;
                }
                heard.push(message);
            }
        }
    }

    /// Says something about a connection to another member.
    fn says(&mut self, kind: &str, to: &str, sdp: &str) {
        let description = json!({"type": kind, "sdp": sdp});
        self.socket.text(&json!({"type": kind, "to": to, "sdp": description}).to_string());
    }

    /// Calls a member and is sent what it shows.
    fn calls(&mut self, to: &str) -> Peer {
        let peer = Peer::new();
        self.says("offer", to, &peer.offer_to_receive());
        let answer = self.hears("answer", to);
        peer.accept(answer["sdp"]["sdp"].as_str().expect("a description"));
        until("sound and pictures come", || {
            let seen = peer.seen();
            let keys: u64 = seen.streams.values().map(|stream| stream.keys).sum();
            seen.streams.len() == 2 && keys > 0 && seen.streams.values().all(|stream| stream.packets > 5)
        });
        peer
    }
}

#[test]
fn streams_of_both_kinds_are_members_whom_everybody_can_call() {
    let (_folder, server) = patched();
    let mut alice = Member::join(&server, "alice");
    alice.sees(&["alice"]);
    let mut publisher = Session::new(&server);
    publisher.publish("cam", &json!({"mainTrack": "demo"}));
    alice.sees(&["_cam", "alice"]);
    let whip = live(&server, "/LiveApp/whip/obs");
    alice.sees(&["_cam", "_obs", "alice"]);
    // Another application, and a stream that names no room.
    publisher.publish("private", &json!({}));
    live(&server, "/whip/elsewhere");
    let mut bob = Member::join(&server, "bob");
    bob.sees(&["_cam", "_obs", "alice", "bob"]);
    let (cam, obs) = (alice.calls("_cam"), bob.calls("_obs"));
    let _second = alice.calls("_obs");
    // A page that was loaded again calls anew, under the same name and without a farewell.
    let again = alice.calls("_cam");
    let before = |peer: &Peer| peer.seen().streams.values().map(|stream| stream.packets).sum::<u64>();
    let (old, new) = (before(&cam), before(&again));
    until("it goes on", || before(&again) > new + 20);
    assert!(before(&cam) < old + 20, "the connection before is over");
    // The ends of streams are hung up, the others go on.
    assert_eq!(whip.delete(&server), 200);
    bob.hears("hangup", "_obs");
    bob.sees(&["_cam", "alice", "bob"]);
    drop(obs);
    let now = before(&again);
    until("the other goes on", || before(&again) > now + 20);
    publisher.send(json!({"command": "stop", "streamId": "cam"}));
    alice.hears("hangup", "_cam");
}

#[test]
fn a_member_is_seen_by_both_kinds_of_players_while_they_look() {
    let (_folder, server) = patched();
    let offer = Peer::new().offer_to_receive();
    let nobody = ask(&server, "POST", "/LiveApp/whep/demo.alice", &[SDP], &offer);
    assert_eq!((nobody.status, nobody.header("retry-after")), (404, Some("2")));
    let mut alice = Member::join(&server, "alice");
    alice.sees(&["alice"]);
    let camera = Peer::new();
    std::thread::scope(|scope| {
        let playing = scope.spawn(|| Client::play(&server, "/LiveApp/whep/demo.alice"));
        let asked = alice.hears("offer", "_demo");
        let given = camera.give(asked["sdp"]["sdp"].as_str().expect("a description"));
        alice.says("answer", "_demo", &given);
        let player = playing.join().expect("it plays");
        player.until_flowing();
        let mut viewer = Session::new(&server);
        viewer.play("demo.alice", &json!({}));
        viewer.until_flowing("demo.alice", "ARDAMSvdemo.alice");
        assert_eq!(player.delete(&server), 200);
        viewer.until_going_on("demo.alice", "ARDAMSvdemo.alice");
        viewer.send(json!({"command": "stop", "streamId": "demo.alice"}));
        viewer.until_notified("play_finished", "demo.alice");
    });
    alice.hears("hangup", "_demo");
    alice.sees(&["alice"]);
    // Whoever does not answer makes nobody wait for ever.
    let began = Instant::now();
    let silent = ask(&server, "POST", "/LiveApp/whep/demo.alice", &[SDP], &offer);
    assert_eq!(silent.status, 404);
    assert!(began.elapsed() >= Duration::from_secs(7) && began.elapsed() < Duration::from_secs(10));
}
