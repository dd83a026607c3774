//! Publishing: cases 11 to 14, 22 to 25 and 89.

use std::time::Duration;

use serde_json::{Value, json};

use super::peer::{Peer, Sends};
use super::session::{PATIENCE, Session, server};

#[test]
fn cases_11_to_14_a_publication_from_its_start_to_its_end() {
    let server = server(&[]);
    let mut a = Session::new(&server);
    a.offer("s", Sends::AUDIO, &json!({}));
    let answer = a.until(&json!({"command": "takeConfiguration", "type": "answer", "streamId": "s"}));
    let sdp = answer["sdp"].as_str().unwrap();
    assert!(sdp.contains("m=audio") && sdp.contains("a=candidate:"), "{sdp}");
    let candidate = a.until(&json!({"command": "takeCandidate", "streamId": "s"}));
    assert!(candidate["label"].is_u64() && candidate["id"].is_string(), "{candidate}");
    a.until_notified("publish_started", "s");
    a.listen(Duration::from_secs(1));
    a.assert_untold(&json!({"command": "notification"}));
    a.send(json!({"command": "stop", "streamId": "s"}));
    a.until_notified("publish_finished", "s");
    a.assert_no_error();
}

/// The offer without its candidates, so that they have to come by themselves.
fn offer_without_candidates(a: &mut Session) -> (String, String) {
    a.send(json!({"command": "publish", "streamId": "s"}));
    a.until(&json!({"command": "start", "streamId": "s"}));
    let peer = Peer::new();
    let offer = peer.offer(Sends::BOTH, "s");
    let lines: Vec<_> = offer.lines().filter(|line| !line.starts_with("a=candidate")).collect();
    let candidate = peer.candidate.clone();
    a.publishes.insert("s".to_owned(), peer);
    (lines.join("\r\n") + "\r\n", candidate)
}

fn take_candidate(label: &Value, candidate: &str) -> Value {
    json!({"command": "takeCandidate", "streamId": "s", "label": label, "id": "0", "candidate": candidate})
}

#[test]
fn case_22_candidates_that_come_before_the_offer_count() {
    let server = server(&[]);
    let mut a = Session::new(&server);
    let (offer, candidate) = offer_without_candidates(&mut a);
    a.send(take_candidate(&json!(0), &candidate));
    a.send(json!({"command": "takeConfiguration", "streamId": "s", "type": "offer", "sdp": offer}));
    a.until_notified("publish_started", "s");
    a.assert_no_error();
}

#[test]
fn case_23_labels_of_any_type_and_the_end_of_candidates() {
    for label in [json!("0"), Value::Null] {
        let server = server(&[]);
        let mut a = Session::new(&server);
        let (offer, candidate) = offer_without_candidates(&mut a);
        a.send(json!({"command": "takeConfiguration", "streamId": "s", "type": "offer", "sdp": offer}));
        a.send(take_candidate(&label, &candidate));
        a.send(take_candidate(&label, ""));
        a.until_notified("publish_started", "s");
        a.assert_no_error();
    }
}

#[test]
fn case_24_an_offer_that_is_none_releases_the_publication() {
    let server = server(&[]);
    let mut a = Session::new(&server);
    a.send(json!({"command": "publish", "streamId": "s"}));
    a.until(&json!({"command": "start", "streamId": "s"}));
    a.send(json!({"command": "takeConfiguration", "streamId": "s", "type": "offer", "sdp": "garbage"}));
    a.until_refused("notSetRemoteDescription", "s");
    a.publish("s", &json!({}));
}

#[test]
fn case_25_a_publication_of_data_alone() {
    let server = server(&[]);
    let mut a = Session::new(&server);
    a.offer("s", Sends::NOTHING, &json!({"video": false, "audio": false}));
    let answer = a.until(&json!({"command": "takeConfiguration", "type": "answer", "streamId": "s"}));
    let sdp = answer["sdp"].as_str().unwrap();
    assert!(sdp.contains("m=application") && !sdp.contains("m=audio") && !sdp.contains("m=video"), "{sdp}");
    a.until_notified("publish_started", "s");
    a.until_true("the channel is open", PATIENCE, |a| a.publishes["s"].seen().channel);
}

/// The connection is torn off, and its media with it; players see nothing of it but a pause.
#[test]
fn case_89_players_wait_for_a_publisher_that_was_lost() {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("s", &json!({}));
    b.play("s", &json!({}));
    b.until_flowing("s", "ARDAMSvs");
    b.until(&json!({"command": "takeConfiguration", "streamId": "s"}));
    a.tear();
    b.until_still("s", "ARDAMSvs");
    let before = b.track("s", "ARDAMSvs");
    let mut again = Session::new(&server);
    again.publish("s", &json!({}));
    again.until_notified("session_restored", "s");
    b.until_flowing_since("s", "ARDAMSvs", before);
    b.until_going_on("s", "ARDAMSas");
    b.assert_untold(&json!({"definition": "play_finished"}));
    b.assert_untold(&json!({"command": "takeConfiguration"}));
    b.assert_no_error();
}

/// Whom nobody comes back to.
#[test]
fn players_wait_no_longer_than_they_are_told_to() {
    let server = server(&[("PATCHBAY_DIALECT__ANTMEDIA__RESTORE_MS", "300")]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("s", &json!({}));
    b.play("s", &json!({}));
    a.tear();
    b.until_notified("play_finished", "s");
}
