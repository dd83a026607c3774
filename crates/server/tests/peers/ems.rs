//! The media server's side of ers and the rendezvous server, both ours, and a player between them whose media are real
//! (ers.md part 5: E5, E6, E7, P1, and sections 2.4 and 3.2).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::common::device::{Device, quoted};
use super::common::process::Server;
use super::common::wire::Address;
use super::peer::Peer;
use super::session::{PATIENCE, Session, server};

const API: [(&str, &str); 1] = [("PATCHBAY_DIALECT__ERS__EMS__JSON_LISTEN", "127.0.0.1:0")];
/// The longest pause between two attempts to reach a server, and what else it takes.
const BACK: Duration = Duration::from_secs(20);

/// A command, and its answer.
fn ask(server: &Server, line: &str) -> Value {
    let address = server.ready("ems")["json"].as_str().expect("the API listens").to_owned();
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(format!("{line}\n").as_bytes()).expect("it reads");
    let mut length = [0; 4];
    stream.read_exact(&mut length).expect("a length");
    let mut text = vec![0; usize::try_from(u32::from_be_bytes(length)).expect("small")];
    stream.read_exact(&mut text).expect("an answer");
    serde_json::from_slice(&text).expect("JSON")
}

/// Starts a room of that rendezvous server, and waits until the device is in it.
fn start(server: &Server, at: &Address) {
    let port = at.host().rsplit_once(':').expect("a port").1.to_owned();
    let answer = ask(server, &format!("startWebrtc ersip=127.0.0.1 ersport={port} roomid=den"));
    assert_eq!(answer["status"], "SUCCESS", "{answer}");
    until_joined(server, PATIENCE);
}

fn until_joined(server: &Server, within: Duration) {
    until("in the room", within, || {
        ask(server, "getConfigInfo id=1")["data"]["status"]["current"]["description"] == "Joined"
    });
}

fn until(what: &str, within: Duration, mut probe: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !probe() {
        assert!(Instant::now() < deadline, "after {within:?} still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A player in the room, and what it is sent.
struct Player {
    device: Device,
    peer: Peer,
}

impl Player {
    /// Comes in, which may take until there is somebody there; what it is told first.
    fn enter(at: &Address, stream: &str) -> (Device, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let data = format!(r#"{{"token":null,"streamName":"{stream}","transport":"srtp"}}"#);
            let (mut device, answer) = Device::joining(at, "den", &data);
            if answer != r#"6:::1+[null,{"clients":{}}]"# {
                let told = device.hear();
                return (device, told);
            }
            assert!(Instant::now() < deadline, "nobody is in the room");
        }
    }

    fn watch(at: &Address, stream: &str) -> Self {
        let (mut device, offer) = Self::enter(at, stream);
        assert!(offer.contains(r#""type":"offer""#), "{offer}");
        let (from, sdp) = (quoted(&offer, "from"), quoted(&offer, "sdp"));
        assert!(!sdp.contains("a=candidate"), "they come apart: {sdp}");
        let candidate = device.next("candidate");
        let of = |text: &str| {
            text.split(r#""candidate":{"candidate":""#)
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .map(str::to_owned)
        };
        let peer = Peer::new();
        let answer = peer.answer(&sdp);
        peer.remote_candidate(&of(&candidate).expect("a candidate"));
        // P1: no candidate of ours but those in the description.
        device.say(&from, "answer", &json!({"type": "answer", "sdp": answer}).to_string());
        Self { device, peer }
    }

    fn packets(&self, mid: &str) -> (u64, u64) {
        let seen = self.peer.seen();
        seen.streams.get(mid).map_or((0, 0), |stream| (stream.packets, stream.keys))
    }

    fn until_flowing(&self) {
        until("sound and pictures come", PATIENCE, || {
            let (audio, video) = (self.packets("audio"), self.packets("video"));
            audio.0 > 5 && video.0 > 5 && video.1 > 0
        });
    }

    fn until_going_on(&self) {
        let before = self.packets("video").0;
        until("pictures go on coming", PATIENCE, || self.packets("video").0 > before + 5);
    }
}

#[test]
fn players_of_a_room_see_the_stream_two_at_once() {
    let server = server(&API);
    let at = server.address();
    let mut camera = Session::at(&server.address(), "/WebRTCAppEE/websocket");
    camera.publish("cam", &json!({}));
    start(&server, &at);
    let one = Player::watch(&at, "cam");
    one.until_flowing();
    until("the channel is open", PATIENCE, || one.peer.seen().channel);
    let two = Player::watch(&at, "cam");
    two.until_flowing();
    one.until_going_on();
    // A command for the players.
    let sent = ask(&server, "sendWebRTCCommand command=go localstreamname=cam argument=x");
    assert_eq!(sent["description"], "Command sent.");
    let go = (false, br#"{"command":"go","argument":"x","base64":false}"#.to_vec());
    until("both hear it", PATIENCE, || [&one, &two].iter().all(|player| player.peer.seen().heard.contains(&go)));
    // One leaves, and the other sees on.
    drop(one);
    two.until_going_on();
    // The stream that nobody sends.
    let (_third, told) = Player::enter(&at, "nothing");
    assert!(told.contains(r#""message":"Unable to retrieve stream!""#), "{told}");
    // The end of the service is the end of its players.
    assert_eq!(ask(&server, "stopWebrtc")["status"], "SUCCESS");
    let Player { mut device, .. } = two;
    until("the player is told", Duration::from_secs(2), || {
        device.frame().is_some_and(|told| told.contains(r#""name":"remove""#))
    });
}

#[test]
fn a_player_sees_on_when_the_rendezvous_server_dies_and_the_device_comes_back() {
    let server = server(&API);
    let mut camera = Session::at(&server.address(), "/WebRTCAppEE/websocket");
    camera.publish("cam", &json!({}));
    let meeting = super::session::server(&[]);
    let at = meeting.address();
    start(&server, &at);
    let player = Player::watch(&at, "cam");
    player.until_flowing();
    drop(meeting);
    player.until_going_on();
    let address = at.host();
    let _meeting = super::session::server(&[("ADDR", &address)]);
    until("the device is in its room again", BACK, || {
        ask(&server, "getConfigInfo id=1")["data"]["status"]["current"]["description"] == "Joined"
    });
    player.until_going_on();
    Player::watch(&at, "cam").until_flowing();
    // What the camera ends is over for all.
    camera.leave();
    until("pictures end", PATIENCE, || {
        let before = player.packets("video").0;
        std::thread::sleep(Duration::from_millis(400));
        player.packets("video").0 == before
    });
}
