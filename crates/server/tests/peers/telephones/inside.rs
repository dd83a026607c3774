//! Changes of calls that stand: sylk.md section 9.7, cases 57 to 61.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::common::process::Server;
use super::client::{HA1, Sylk, beside, with};
use super::telephone::{Dialog, Telephone, media_line, target};

const PCMU: &str = "0 PCMU/8000";

/// A call out that stands, with the description that the telephone was offered.
fn standing(video: bool) -> (Server, Telephone, Sylk, Dialog, String) {
    standing_with(video, &[])
}

pub(crate) fn standing_with(video: bool, settings: &[(&str, &str)]) -> (Server, Telephone, Sylk, Dialog, String) {
    let mut telephone = Telephone::new();
    let server = with(&telephone, settings);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.calls("s1", "bob@example.com", video);
    let invite = telephone.next("INVITE");
    let body = telephone.describe(&[PCMU], if video { "m=video 0 RTP/AVP 96\r\n" } else { "" });
    telephone.answer(&invite, "200 OK", "", &body);
    telephone.next("ACK");
    client.accepted("s1", invite.header("Call-ID"));
    client.established("s1");
    let dialog = Telephone::called(&invite);
    (server, telephone, client, dialog, invite.body().to_owned())
}

/// Nothing more comes by RTP for a while.
fn is_still(telephone: &Telephone) -> bool {
    telephone.rtp.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout that is not zero");
    let mut buffer = [0; 2_000];
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        match telephone.rtp.recv_from(&mut buffer) {
            Ok((length, _)) if length > 12 => {}
            Ok(_) => {}
            Err(_) => return true,
        }
    }
    false
}

#[test]
fn y57_the_telephone_holds_and_resumes() {
    let (_server, mut telephone, mut client, mut dialog, offer) = standing(false);
    telephone.hears(5);
    for (direction, mirrored) in [("sendonly", "recvonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")] {
        let body = telephone.describe(&[PCMU], &format!("a={direction}\r\n")).replace("o=- 1 1", "o=- 1 2");
        telephone.ask(&mut dialog, "INVITE", "", &body);
        let answer = telephone.next("200");
        assert!(answer.body().contains(&format!("a={mirrored}")), "{direction}: {}", answer.body());
        telephone.ask(&mut dialog, "ACK", "", "");
        if direction == "sendrecv" {
            telephone.hears(5);
        } else {
            assert!(is_still(&telephone), "{direction}: sound goes on");
        }
    }
    // A hold of old telephones.
    let body = telephone.describe(&[PCMU], "").replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    telephone.ask(&mut dialog, "INVITE", "", &body);
    telephone.next("200");
    telephone.ask(&mut dialog, "ACK", "", "");
    assert!(is_still(&telephone));
    let body = telephone.describe(&[PCMU], "");
    telephone.ask(&mut dialog, "INVITE", "", &body);
    telephone.next("200");
    telephone.ask(&mut dialog, "ACK", "", "");
    telephone.hears(5);
    let heard = client.heard();
    telephone.talks(target(&offer, "audio"), 0, 10);
    client.hears(heard + 1);
    client.hears_nothing(Duration::from_millis(100));
}

/// Exchanges hold and resume with a request that offers nothing: ours is in the answer, theirs comes with the `ACK`.
#[test]
fn a_telephone_that_asks_for_an_offer_is_made_one() {
    let (_server, mut telephone, client, mut dialog, first) = standing(false);
    telephone.hears(5);
    for (direction, flows) in [("inactive", false), ("sendrecv", true)] {
        telephone.ask(&mut dialog, "INVITE", "", "");
        let offer = telephone.next("200").body().to_owned();
        assert_eq!(target(&offer, "audio"), target(&first, "audio"), "{offer}");
        assert!(offer.contains("PCMU/8000"), "what is in use can be gone on with: {offer}");
        let body = telephone.describe(&[PCMU], &format!("a={direction}\r\n"));
        telephone.ask(&mut dialog, "ACK", "", &body);
        if flows {
            telephone.hears(5);
        } else {
            assert!(is_still(&telephone), "sound goes on");
        }
    }
    let heard = client.heard();
    telephone.talks(target(&first, "audio"), 0, 10);
    client.hears(heard + 1);
}

#[test]
fn the_client_holds() {
    let (_server, mut telephone, mut client, _dialog, _) = standing(false);
    let offer = client.peer.restart().replace("a=sendrecv", "a=sendonly");
    client.ask(json!({"sylkrtc": "session-update", "session": "s1", "sdp": offer}));
    // It concerns the telephone as well: nothing is to be sent to a browser that does not listen.
    let change = telephone.next("INVITE");
    assert!(change.body().contains("a=sendonly"), "{}", change.body());
    let body = telephone.describe(&[PCMU], "a=recvonly\r\n");
    telephone.answer(&change, "200 OK", "", &body);
    telephone.next("ACK");
    let told = client.next();
    assert_eq!((&told["event"], &told["state"]), (&json!("update"), &json!("accepted")), "{told}");
    assert!(told["sdp"].as_str().is_some_and(|sdp| sdp.contains("a=recvonly")), "{told}");
    let offer = client.peer.restart();
    client.ask(json!({"sylkrtc": "session-update", "session": "s1", "sdp": offer}));
    let change = telephone.next("INVITE");
    assert!(!change.body().contains("a=sendonly"), "{}", change.body());
    // One that the telephone does not want leaves all as it is.
    telephone.answer(&change, "488 Not Acceptable Here", "", "");
    telephone.next("ACK");
    let told = client.next();
    assert_eq!((&told["state"], &told["reason"]), (&json!("failed"), &json!("488 Not Acceptable Here")), "{told}");
}

#[test]
fn y58_a_session_timer_is_agreed_upon() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    assert!(invite.header("Supported").contains("timer"), "{}", invite.0);
    let body = telephone.describe(&[PCMU], "");
    let timer = "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\nSupported: timer\r\n";
    telephone.answer(&invite, "200 OK", timer, &body);
    telephone.next("ACK");
    client.accepted("s1", invite.header("Call-ID"));
    client.established("s1");
    // That it is refreshed at half time, and hung up where it is not, takes 45 and 58 s, and is shown in crates/sip-io.
}

#[test]
fn a_telephone_that_offers_what_nobody_can_answer_keeps_its_call() {
    let (_server, mut telephone, client, mut dialog, _) = standing(false);
    let body = telephone.describe(&["18 G729/8000"], "");
    telephone.ask(&mut dialog, "INVITE", "", &body);
    telephone.next("488");
    telephone.ask(&mut dialog, "ACK", "", "");
    telephone.hears(5);
    drop(client);
}

#[test]
fn y60_the_client_adds_pictures() {
    let (_server, mut telephone, mut client, _dialog, _) = standing(false);
    for (status, taken) in [("488 Not Acceptable Here", false), ("200 OK", true)] {
        let offer = client.peer.offer_to_talk_again_with_pictures();
        client.ask(json!({"sylkrtc": "session-update", "session": "s1", "sdp": offer}));
        let change = telephone.next("INVITE");
        assert!(media_line(change.body(), "video").len() > 2, "{}", change.body());
        let video = "m=video 41000 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n";
        let numbers = media_line(change.body(), "video").split_off(2);
        let is_vp8 = |number: &&&str| change.body().contains(&format!("a=rtpmap:{number} VP8/90000"));
        let video = video.replace("96", numbers.iter().find(is_vp8).expect("VP8 is offered"));
        let body = if taken { telephone.describe(&[PCMU], &video) } else { String::new() };
        telephone.answer(&change, status, "", &body);
        telephone.next("ACK");
        let told = client.next();
        assert_eq!(told["event"], "update", "{told}");
        if taken {
            assert_eq!(told["state"], "accepted", "{told}");
            client.peer.accept(told["sdp"].as_str().expect("a description"));
        } else {
            assert_eq!((&told["state"], &told["reason"]), (&json!("failed"), &json!(status)), "{told}");
        }
    }
    let offer = client.peer.offer_to_talk_again_with_pictures();
    client.ask(json!({"sylkrtc": "session-update", "session": "s1", "sdp": offer}));
    let error = client.fails(json!({"sylkrtc": "session-update", "session": "s1", "sdp": offer}));
    assert_eq!(error, "Invalid state for updating session s1: local-updating");
}

#[test]
fn y61_a_browser_that_is_lost() {
    let (_server, mut telephone, mut client, _dialog, _) = standing(false);
    // Its socket stands, its media are gone.
    client.peer = super::super::peer::Peer::telephonist();
    let told = client.patiently(Duration::from_secs(40));
    assert_eq!((&told["state"], &told["reason"]), (&json!("terminated"), &json!("ICE failed")), "{told}");
    telephone.next("BYE");
}
