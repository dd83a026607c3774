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

pub(crate) const API: [(&str, &str); 1] = [("PATCHBAY_DIALECT__ERS__EMS__JSON_LISTEN", "127.0.0.1:0")];
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
pub(crate) fn start(server: &Server, at: &Address) {
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

pub(crate) fn until(what: &str, within: Duration, mut probe: impl FnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !probe() {
        assert!(Instant::now() < deadline, "after {within:?} still not: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A player in the room, and what it is sent.
pub(crate) struct Player {
    device: Device,
    pub(crate) peer: Peer,
}

impl Player {
    /// Comes in, which may take until there is somebody there; what it is told first.
    fn enter(at: &Address, stream: &str) -> (Device, String) {
        Self::enter_by(at, stream, "srtp")
    }

    pub(crate) fn enter_by(at: &Address, stream: &str, transport: &str) -> (Device, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let data = format!(r#"{{"token":null,"streamName":"{stream}","transport":"{transport}"}}"#);
            let (mut device, answer) = Device::joining(at, "den", &data);
            if answer != r#"6:::1+[null,{"clients":{}}]"# {
                let told = device.hear();
                return (device, told);
            }
            assert!(Instant::now() < deadline, "nobody is in the room");
        }
    }

    pub(crate) fn watch(at: &Address, stream: &str) -> Self {
        Self::watch_by(at, stream, "srtp")
    }

    pub(crate) fn watch_by(at: &Address, stream: &str, transport: &str) -> Self {
        let (mut device, offer) = Self::enter_by(at, stream, transport);
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

    /// Opens the channel for commands, as players do.
    fn open_commands(&self, name: &str) {
        until("the channel is open", PATIENCE, || self.peer.seen().channel);
        self.peer.open(name);
        until("the channel for commands is open", PATIENCE, || self.peer.seen().channels.iter().any(|one| one == name));
    }

    /// Says something on it.
    fn say(&self, text: &str) {
        self.peer.say(false, text.as_bytes());
    }

    fn until_told(&self, wanted: impl Fn(&str) -> bool) {
        until("it is told", PATIENCE, || {
            self.peer.seen().heard.iter().any(|(_, text)| std::str::from_utf8(text).is_ok_and(&wanted))
        });
    }

    /// No pictures come.
    fn until_still(&self) {
        until("pictures end", PATIENCE, || {
            let before = self.packets("video").0;
            std::thread::sleep(Duration::from_millis(400));
            self.packets("video").0 == before
        });
    }

    fn packets(&self, mid: &str) -> (u64, u64) {
        let seen = self.peer.seen();
        seen.streams.get(mid).map_or((0, 0), |stream| (stream.packets, stream.keys))
    }

    pub(crate) fn until_flowing(&self) {
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
    let two = Player::watch(&at, "cam");
    two.until_flowing();
    one.until_going_on();
    // A command for the players, who hear it where commands are heard.
    let send = || ask(&server, "sendWebRTCCommand command=go localstreamname=cam argument=x")["description"].clone();
    assert_eq!(send(), "Command not sent.");
    one.open_commands("emsCommandChannel");
    two.open_commands("rmsCommandChannel");
    let go = |text: &str| text == r#"{"command":"go","argument":"x","base64":false}"#;
    until("it is sent", PATIENCE, || send() == "Command sent.");
    one.until_told(go);
    until("both hear it", PATIENCE, || {
        send();
        two.peer.seen().heard.iter().any(|(_, text)| std::str::from_utf8(text).is_ok_and(go))
    });
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
    player.until_still();
}

/// What players say is heard, and told to whom it is configured to be told.
#[test]
fn a_player_speaks_and_other_servers_are_told() {
    let (url, told) = super::news::listener(0);
    let sinks =
        [("PATCHBAY_DIALECT__ERS__EMS__EVENT_SINKS", &*url), ("PATCHBAY_DIALECT__ANTMEDIA__HOOK_ALLOW", "127.0.0.1")];
    let server = server(&[&API[..], &sinks].concat());
    let at = server.address();
    let mut camera = Session::at(&server.address(), "/WebRTCAppEE/websocket");
    camera.publish("cam", &json!({}));
    start(&server, &at);
    let player = Player::watch(&at, "cam");
    player.until_flowing();
    player.open_commands("emsCommandChannel");
    player.until_told(|text| text == r#"{"payload":"","type":"heartbeat"}"#);
    for nonsense in ["{", r#"{"type":"command","payload":[]}"#] {
        player.say(nonsense);
    }
    player.say(r#"{"type":"command","payload":{"command":"Pause"}}"#);
    player.until_still();
    player.say(r#"{"type":"command","payload":{"command":"resume"}}"#);
    player.until_going_on();
    player.say(r#"{"type":"command","payload":{"command":"PING"}}"#);
    player.until_told(|text| text.starts_with(r#"{"payload":{"data":"sync","timestamp":"#));
    player.say(r#"{"type":"command","payload":{"command":"zoom","argument":"2"}}"#);
    player.say(r#"{"type":"command","payload":{"command":"stop","argument":"enough"}}"#);
    let Player { mut device, .. } = player;
    until("the player is told the end", PATIENCE, || {
        device.frame().is_some_and(|told| told.contains(r#""name":"remove""#))
    });
    assert_eq!(ask(&server, "stopWebrtc")["status"], "SUCCESS");
    let mut events: Vec<Value> = Vec::new();
    // Of one connection, and of one configuration, news arrive in order.
    let wanted = [("webRtcServiceStopped", 1), ("webRtcCommandReceived", 5)];
    let count = |events: &[Value], kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    while wanted.iter().any(|(kind, most)| count(&events, kind) < *most) {
        events.push(told.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no more than {events:?}")));
    }
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    assert!(events.iter().all(|event| event["processId"] == server.pid() && event["timestamp"].is_u64()), "{events:?}");
    let commands: Vec<_> =
        of("webRtcCommandReceived").iter().map(|event| event["payload"]["command"].clone()).collect();
    assert_eq!(commands, ["Pause", "resume", "PING", "zoom", "stop"], "in order");
    assert_eq!(of("webRtcCommandReceived")[4]["payload"]["argument"], "enough");
    let joined = of("playerJoinedRoom");
    assert!(joined.len() == 1 && joined[0]["payload"]["roomName"] == "den", "{joined:?}");
    let started = of("webRtcServiceStarted");
    let port: u16 = at.host().rsplit_once(':').expect("a port").1.parse().expect("a number");
    let payload = json!({"configId": 1, "ersIp": "127.0.0.1", "ersPort": port, "roomId": "den"});
    assert!(started.len() == 1 && started[0]["payload"] == payload, "{started:?}");
    let connected = of("webRtcServiceConnected");
    assert!(connected.len() >= 2, "the one that served, and the one that waits: {connected:?}");
    assert!(connected.iter().all(|event| event["payload"]["ersId"].as_str().is_some_and(|id| id.len() == 20)));
    assert_eq!(of("webRtcServiceStopped")[0]["payload"], json!({"configId": 1}));
    assert!(!of("cliRequest").is_empty() && !of("cliResponse").is_empty());
}
