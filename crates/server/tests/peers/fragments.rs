//! Players that know fragments of MP4 on a data channel and nothing else, by both ways into a room (ers.md sections 3.1 and
//! 3.4; part 5: P4 and P5).

use serde_json::json;

use super::common::device::{Device, quoted};
use super::common::wire::Address;
use super::ems::{API, Player, start, until};
use super::film;
use super::peer::{Peer, Sends};
use super::session::{PATIENCE, Session, server};

const MESSAGE: usize = 15_000;
/// A picture every 40 milliseconds: 4 MB/s.
const PICTURE: usize = 160_000;

/// A publisher of H.264.
fn camera(at: &Address, bytes: usize) -> Session {
    let mut camera = Session::at(at, "/WebRTCAppEE/websocket");
    camera.offer_of("cam", Peer::filming(bytes), Sends { audio: false, video: true }, &json!({}));
    camera.until_notified("publish_started", "cam");
    camera
}

/// What came on the stream's channel: how often it said what it is, and of each picture whether it is a key frame, and its number.
fn pictures(peer: &Peer) -> (usize, Vec<(bool, u64)>) {
    let heard = peer.seen().heard.clone();
    let messages: Vec<_> = heard.iter().filter(|(binary, _)| *binary).map(|(_, message)| message).collect();
    assert!(messages.iter().all(|message| !message.is_empty() && message.len() <= MESSAGE));
    let bytes: Vec<u8> = messages.into_iter().flatten().copied().collect();
    let (mut rest, mut inits, mut found, mut open) = (&bytes[..], 0, Vec::new(), None::<Vec<u8>>);
    while let Some((head, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        let Some((payload, behind)) = behind.split_at_checked(length) else { break };
        rest = behind;
        match (head[0], &mut open) {
            (0xfa, None) => {
                assert_eq!(payload[..4], [0xf1, 0x42, 0xc0, 0x1e]);
                assert_eq!(payload[8..12], *b"ftyp");
                inits += 1;
            }
            (0xf9, None) => {
                assert!(inits > 0 && payload.is_empty(), "what the stream is comes first");
                open = Some(Vec::new());
            }
            (0xfc, Some(video)) => video.extend_from_slice(payload),
            (0xfb, Some(_)) => assert_eq!(payload[4..8], *b"moof"),
            (0xfe, Some(video)) => assert_eq!(payload[..4], (video.len() as u32 + 8).to_be_bytes()),
            (0xff, Some(_)) => found.push(film::read(&open.take().expect("it is open"))),
            (kind, _) => panic!("a record of type {kind:#x} out of turn"),
        }
    }
    (inits, found)
}

/// P4.
#[test]
fn a_player_of_fragments_is_sent_a_stream_of_4_mb_a_second() {
    let server = server(&API);
    let at = server.address();
    let _camera = camera(&at, PICTURE);
    start(&server, &at);
    let player = Player::watch_by(&at, "cam", "fmp4");
    // Counted by bytes: to take pictures apart takes the peer's time.
    let came = || player.peer.seen().heard.iter().map(|(_, message)| message.len()).sum::<usize>();
    until("pictures come", PATIENCE, || came() > 5 * PICTURE);
    until("some seconds' worth of them", PATIENCE * 2, || came() > 60 * PICTURE);
    let (inits, all) = pictures(&player.peer);
    assert_eq!((inits, all[0].0), (1, true), "a key frame first");
    assert!(all.len() > 50, "{} pictures", all.len());
    for pair in all.windows(2) {
        let next = pair[1].1 == pair[0].1 + 1 || pair[1].0 && pair[1].1 > pair[0].1;
        assert!(next, "whole up to the next key frame: {pair:?}");
    }
    // Beside it, by RTP. It cannot decode this; that it is offered is enough.
    let (_device, told) = Player::enter_by(&at, "cam", "srtp");
    assert!(told.contains("m=video"), "{told}");
    let (_device, told) = Player::enter_by(&at, "nothing", "fmp4");
    assert!(told.contains(r#""message":"Unable to retrieve stream!""#), "{told}");
}

#[test]
fn what_is_no_h264_is_not_there() {
    let server = server(&API);
    let at = server.address();
    let mut camera = Session::at(&at, "/WebRTCAppEE/websocket");
    camera.publish("cam", &json!({}));
    start(&server, &at);
    let (_device, told) = Player::enter_by(&at, "cam", "fmp4");
    assert!(told.contains(r#""message":"Unable to retrieve stream!""#), "{told}");
    // The room is still served.
    Player::watch(&at, "cam").until_flowing();
}

/// P5, and a player of the first generation.
#[test]
fn a_player_that_offers_itself_asks_for_its_stream() {
    let server = server(&API);
    let at = server.address();
    let _camera = camera(&at, 3_000);
    let mut other = Session::at(&at, "/WebRTCAppEE/websocket");
    other.publish("vp8", &json!({}));
    start(&server, &at);
    let (mut device, answer) = Device::joining(&at, "den", r#"{"token":null}"#);
    let partner = answer.split('"').nth(3).expect("somebody is there").to_owned();
    let peer = Peer::new();
    let offer = peer.offer(Sends::NOTHING, "emsCommandChannel");
    device.say(&partner, "offer", &json!({"type": "offer", "sdp": offer}).to_string());
    let told = device.next("answer");
    let sdp = quoted(&told, "sdp");
    assert!(sdp.contains("a=setup:active") && !sdp.contains("a=candidate"), "{sdp}");
    peer.accept(&sdp);
    let candidate = device.next("candidate");
    let candidate = candidate.split(r#""candidate":{"candidate":""#).nth(1).and_then(|rest| rest.split('"').next());
    peer.remote_candidate(candidate.expect("a candidate"));
    device.say(
        &partner,
        "candidate",
        &json!({"candidate": {"candidate": peer.candidate, "sdpMid": "data", "sdpMLineIndex": 0}}).to_string(),
    );
    let open = |peer: &Peer, name: &str| peer.seen().channels.iter().any(|one| one == name);
    until("both channels are open", PATIENCE, || open(&peer, "emsCommandChannel") && open(&peer, "emsStreamChannel"));
    let said = |text: &str| peer.seen().heard.iter().any(|(binary, said)| !binary && said == text.as_bytes());
    let fails = |name: &str| {
        format!(
            r#"{{"payload":{{"description":"Requested stream could not be sent!","name":"{name}","status":"FAIL"}},"type":"fmp4Response"}}"#
        )
    };
    for name in ["test2", "vp8"] {
        peer.say_on("emsCommandChannel", &json!({"type": "fmp4Request", "payload": {"name": name}}).to_string());
        until("it is told that there is none", PATIENCE, || said(&fails(name)));
    }
    assert!(peer.seen().heard.iter().all(|(binary, _)| !binary), "nothing on the stream's channel");
    peer.say_on("emsCommandChannel", r#"{"type":"fmp4Request","payload":{"name":"cam"}}"#);
    let sent = r#"{"payload":{"description":"Outbound FMP4 stream created.","name":"cam","status":"SUCCESS"},"type":"fmp4Response"}"#;
    until("it is told that it comes", PATIENCE, || said(sent));
    until("and it comes", PATIENCE, || pictures(&peer).1.len() > 20);
    assert!(pictures(&peer).1[0].0, "a key frame first");
}
