//! Whose a stream's name is, and who is told when it is used: cases 17 to 19, 21, 26 and 90.

use std::time::{Duration, Instant};

use serde_json::json;

use super::play::publisher_and_player;
use super::session::{PATIENCE, Session, server};

#[test]
fn cases_17_and_18_a_name_has_one_publisher() {
    let (server, mut a, mut b) = publisher_and_player();
    a.send(json!({"command": "publish", "streamId": "s"}));
    a.until_refused("already_publishing", "s");
    let mut c = Session::new(&server);
    c.send(json!({"command": "publish", "streamId": "s"}));
    c.until_refused("streamIdInUse", "s");
    b.until_going_on("s", "ARDAMSvs");
    b.assert_no_error();
}

#[test]
fn case_19_who_is_not_the_publisher_stops_nothing() {
    let (server, a, mut b) = publisher_and_player();
    let mut c = Session::new(&server);
    c.send(json!({"command": "stop", "streamId": "s"}));
    c.listen(Duration::from_millis(300));
    c.assert_untold(&json!({}));
    b.until_going_on("s", "ARDAMSvs");
    b.assert_no_error();
    a.assert_no_error();
}

#[test]
fn case_21_a_publisher_that_goes_frees_its_name() {
    let (server, mut a, mut b) = publisher_and_player();
    a.leave();
    let gone = Instant::now();
    b.until_notified("play_finished", "s");
    let mut c = Session::new(&server);
    c.send(json!({"command": "publish", "streamId": "s"}));
    c.until(&json!({"command": "start", "streamId": "s"}));
    assert!(gone.elapsed() < PATIENCE, "{:?}", gone.elapsed());
    c.assert_no_error();
}

#[test]
fn case_26_switches_may_be_texts() {
    let server = server(&[]);
    let mut a = Session::new(&server);
    a.publish("s", &json!({"video": "false"}));
    let mut b = Session::new(&server);
    b.play("s", &json!({}));
    b.until_flowing("s", "ARDAMSas");
    let mapping = b.offers["s"]["idMapping"].as_object().unwrap();
    assert!(mapping.values().eq([&json!("ARDAMSas")]), "pictures were switched off: {mapping:?}");
    b.assert_no_error();
}

#[test]
fn case_90_who_waits_is_told() {
    let server = server(&[]);
    let [mut a, mut b, mut c] = [(); 3].map(|()| Session::new(&server));
    b.send(json!({"command": "play", "streamId": "s"}));
    b.until_refused("no_stream_exist", "s");
    a.publish("s", &json!({}));
    b.until_notified("streaming_started", "s");
    c.listen(Duration::from_millis(200));
    c.assert_untold(&json!({}));
}
