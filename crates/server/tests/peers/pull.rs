//! A media server's stream is pulled out of a room of a rendezvous server, and seen here by players of other dialects.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;

use super::common::device::{Device, quoted};
use super::peer::{Peer, Sends};
use super::session::{PATIENCE, Session, server};
use super::whip::{Client, SDP, ask, until};

/// Where players of another dialect see it.
const WHEP: &str = "/LiveApp/whep/porch";

/// What such a server writes: candidates apart, data in its old form.
fn old(offer: &str) -> String {
    let lines = offer.lines().filter(|line| !line.starts_with("a=candidate") && *line != "a=end-of-candidates");
    let line = |line: &str| match line {
        "a=sctp-port:5000" => "a=sctpmap:5000 webrtc-datachannel 4".to_owned(),
        line if line.starts_with("m=application ") => "m=application 9 DTLS/SCTP 5000".to_owned(),
        line => line.to_owned(),
    };
    lines.map(line).flat_map(|line| [line, "\\r\\n".to_owned()]).collect()
}

/// Serves the next viewer of the room, as such a server does.
fn serve(device: &mut Device, stream: &str) -> Peer {
    let joined = device.next("clientJoined");
    assert_eq!((quoted(&joined, "streamName"), quoted(&joined, "transport")), (stream.to_owned(), "srtp".to_owned()));
    let viewer = quoted(&joined, "id");
    // It waits for our checks.
    let peer = Peer::lite();
    let offer = old(&peer.offer(Sends::BOTH, "emsStreamChannel"));
    device.say(&viewer, "offer", &format!(r#"{{"type":"offer","sdp":"{offer}"}}"#));
    let way = format!(r#"{{"candidate":{{"candidate":"{}","sdpMid":"audio","sdpMLineIndex":0}}}}"#, peer.candidate);
    device.say(&viewer, "candidate", &way);
    let answer = quoted(&device.next("answer"), "sdp");
    // It sees the ways that are told apart and no others, and begins with the first that comes behind the answer.
    let ways = |line: &&str| !line.starts_with("a=candidate");
    peer.accept(&answer.lines().filter(ways).flat_map(|line| [line, "\r\n"]).collect::<String>());
    let way = device.next("candidate");
    let (_, way) = way.split_once(r#""candidate":{"candidate":""#).expect("a candidate");
    let way = way.split('"').next().unwrap_or_default();
    assert!(way.split(' ').count() >= 8 && way.split(' ').nth(2) == Some("udp"), "{way}");
    peer.remote_candidate(way);
    peer
}

#[test]
fn what_a_media_server_has_is_seen_by_everybody_and_again_when_it_comes_back() {
    let rendezvous = server(&[]);
    let mut device = Device::connect(&rendezvous.address());
    device.join("den");
    let source = format!("http://{}/den/cam1 as porch", rendezvous.address().host());
    let ours =
        server(&[("PATCHBAY_DIALECT__ERS__EMS__PULL", &source), ("PATCHBAY_DIALECT__ANTMEDIA__APPS", "LiveApp")]);
    let camera = serve(&mut device, "cam1");

    let live = || {
        let offer = Peer::new().offer_to_receive();
        until("the stream is live", || ask(&ours, "POST", WHEP, &[SDP], &offer).status == 201);
    };
    live();
    let mut player = Session::new(&ours);
    player.play("porch", &json!({}));
    player.until_flowing("porch", "ARDAMSvporch");
    player.until_flowing("porch", "ARDAMSaporch");
    Client::play(&ours, WHEP).until_flowing();

    // The media server is gone; so is the stream, until it comes back.
    drop((camera, device));
    player.until_notified("play_finished", "porch");
    let mut device = Device::connect(&rendezvous.address());
    device.join("den");
    let _camera = serve(&mut device, "cam1");
    live();
    Client::play(&ours, WHEP).until_flowing();
}

/// Nobody is waited for but those who view.
#[test]
fn a_server_that_stops_is_not_held_by_what_it_pulls() {
    let rendezvous = server(&[]);
    let mut device = Device::connect(&rendezvous.address());
    device.join("den");
    let source = format!("http://{}/den/cam1 as porch", rendezvous.address().host());
    // Longer than any test takes.
    let mut ours = server(&[
        ("PATCHBAY_DIALECT__ERS__EMS__PULL", &*source),
        ("PATCHBAY_DIALECT__ANTMEDIA__APPS", "LiveApp"),
        ("PATCHBAY_DRAIN__DEADLINE_MS", "600000"),
    ]);
    let _camera = serve(&mut device, "cam1");
    let whep = || {
        let offer = Peer::new().offer_to_receive();
        let answer = ask(&ours, "POST", WHEP, &[SDP], &offer);
        // It is only asked whether there is something to view.
        let place = answer.header("location").map(ToOwned::to_owned);
        place.is_some_and(|place| ask(&ours, "DELETE", &place, &[], "").status == 200)
    };
    until("the stream is live", whep);
    let mut player = Session::new(&ours);
    player.play("porch", &json!({}));
    player.until_flowing("porch", "ARDAMSvporch");
    ours.signal(Signal::TERM);
    assert!(ours.wait(Duration::from_secs(2)).is_none(), "somebody views it");
    player.until_going_on("porch", "ARDAMSvporch");
    player.leave();
    assert!(ours.wait(PATIENCE).expect("it ends with its last viewer").success(), "{}", ours.log());
}
