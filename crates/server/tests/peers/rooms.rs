//! Conferences in both styles: cases 62, 63 and 66 to 73, which need media. Those of rooms and pairs without are
//! transcripts.

use serde_json::{Value, json};

use super::common::process::Server;
use super::peer::Sends;
use super::session::{Session, server};

/// A and B are in room r by `joinRoom` and publish there as u1 and u2.
fn two_members() -> (Server, Session, Session) {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    for (session, own) in [(&mut a, "u1"), (&mut b, "u2")] {
        joins(session, own);
        session.publish(own, &json!({}));
    }
    (server, a, b)
}

/// What the room has for who joins it.
fn joins(session: &mut Session, own: &str) -> Value {
    session.send(json!({"command": "joinRoom", "room": "r", "streamId": own}));
    let joined = session.until(&json!({"definition": "joinedTheRoom", "streamId": own}));
    assert_eq!(joined["ATTR_ROOM_NAME"], "r");
    joined["streams"].clone()
}

fn information(session: &mut Session, own: &str) -> Value {
    session.send(json!({"command": "getRoomInfo", "room": "r", "streamId": own}));
    session.until(&json!({"command": "roomInformation", "room": "r"}))["streams"].clone()
}

/// The object of a stream, which travels as a text.
fn object(session: &mut Session, stream: &str) -> Value {
    session.send(json!({"command": "getBroadcastObject", "streamId": stream}));
    let told = session.until(&json!({"definition": "broadcastObject", "streamId": stream}));
    serde_json::from_str(told["broadcast"].as_str().expect("a text")).expect("that is JSON")
}

#[test]
fn cases_62_and_63_members_hear_of_each_other_and_play_one_by_one() {
    let (server, mut a, mut b) = two_members();
    let mut c = Session::new(&server);
    assert_eq!(joins(&mut c, "u3"), json!(["u1", "u2"]));
    assert_eq!(information(&mut a, "u1"), json!(["u2"]));
    a.play("u2", &json!({"room": "r"}));
    a.until_flowing("u2", "ARDAMSvu2");
    b.play("u1", &json!({"room": "r"}));
    b.until_flowing("u1", "ARDAMSau1");
    a.assert_no_error();
}

#[test]
fn case_66_with_the_room_publishing_and_playing_end() {
    let (_server, mut a, mut b) = two_members();
    a.play("u2", &json!({"room": "r"}));
    b.play("u1", &json!({"room": "r"}));
    a.send(json!({"command": "leaveFromRoom", "room": "r"}));
    a.until(&json!({"definition": "leavedFromRoom", "ATTR_ROOM_NAME": "r"}));
    a.until_notified("publish_finished", "u1");
    a.until_notified("play_finished", "u2");
    b.until_notified("play_finished", "u1");
    assert_eq!(information(&mut b, "u2"), json!([]));
}

#[test]
fn case_67_who_stops_publishing_leaves_the_room() {
    let (_server, mut a, mut b) = two_members();
    a.send(json!({"command": "stop", "streamId": "u1"}));
    a.until_notified("publish_finished", "u1");
    a.until(&json!({"definition": "leavedFromRoom"}));
    assert_eq!(information(&mut b, "u2"), json!([]));
}

#[test]
fn cases_68_to_72_who_asks_is_told_of_rooms_and_tracks() {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("alice", &json!({"mainTrack": "room", "streamName": "Alice", "metaData": "{\"k\":0}"}));
    let room = object(&mut b, "room");
    assert_eq!(room["subTrackStreamIds"], json!(["alice"]));
    let alice = object(&mut b, "alice");
    let shown = ["streamId", "name", "status", "mainTrackStreamId", "metaData"].map(|key| alice[key].clone());
    assert_eq!(json!(shown), json!(["alice", "Alice", "broadcasting", "room", "{\"k\":0}"]));
    a.send(json!({"command": "updateStreamMetaData", "streamId": "alice", "metaData": "{\"k\":1}"}));
    // The same connection: its question comes behind.
    assert_eq!(object(&mut a, "alice")["metaData"], "{\"k\":1}");
    assert_eq!(object(&mut b, "alice")["metaData"], "{\"k\":1}");
    b.send(json!({"command": "getSubtracks", "streamId": "room", "role": null, "offset": 0, "size": 10}));
    let list = b.until(&json!({"definition": "subtrackList", "streamId": "room"}));
    let first: Value = serde_json::from_str(list["subtrackList"][0].as_str().expect("a text")).expect("JSON");
    assert_eq!(first["streamId"], "alice");
    b.send(json!({"command": "getSubtracksCount", "streamId": "room"}));
    let count = b.until(&json!({"definition": "subtrackCount", "streamId": "room"}));
    assert_eq!(count["count"], 1);
}

#[test]
fn case_73_who_is_alone_plays_an_empty_room_and_then_whoever_comes() {
    let server = server(&[]);
    let mut bob = Session::new(&server);
    bob.offer("bob", Sends::BOTH, &json!({"mainTrack": "r"}));
    bob.play("r", &json!({"userPublishId": "bob"}));
    bob.until_notified("publish_started", "bob");
    assert_eq!(bob.offers["r"]["idMapping"], json!({}));
    let mut alice = Session::new(&server);
    alice.publish("alice", &json!({"mainTrack": "r"}));
    bob.until(&json!({"definition": "subtrackAdded", "trackId": "alice"}));
    bob.until_true("alice is offered", super::session::PATIENCE, |bob| bob.offers["r"]["idMapping"] != json!({}));
    bob.until_flowing("r", "ARDAMSvalice");
}

/// A member by `joinRoom` is a track for who plays the room, and the other way round.
#[test]
fn both_styles_meet_in_one_room() {
    let server = server(&[]);
    let (mut old, mut new) = (Session::new(&server), Session::new(&server));
    joins(&mut old, "u1");
    old.publish("u1", &json!({}));
    new.publish("bob", &json!({"mainTrack": "r"}));
    new.play("r", &json!({"userPublishId": "bob"}));
    new.until_flowing("r", "ARDAMSvu1");
    assert_eq!(information(&mut old, "u1"), json!(["bob"]));
    old.play("bob", &json!({"room": "r"}));
    old.until_flowing("bob", "ARDAMSabob");
}

#[test]
fn a_player_that_asks_for_slots_is_told_on_its_data_channel() {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("alice", &json!({"mainTrack": "r"}));
    b.play("r", &json!({}));
    b.until_flowing("r", "ARDAMSaalice");
    b.send(json!({"command": "getVideoTrackAssignmentsCommand", "streamId": "r"}));
    let heard = |session: &Session, kind: &str, label: &str| {
        let seen = session.plays["r"].seen();
        let texts = seen.heard.iter().filter_map(|(_, text)| serde_json::from_slice::<Value>(text).ok());
        texts.into_iter().any(|event| event["eventType"] == kind && event["payload"][0][label] == "alice")
    };
    b.until_true("slots are told", super::session::PATIENCE, |b| heard(b, "VIDEO_TRACK_ASSIGNMENT_LIST", "videoLabel"));
}
