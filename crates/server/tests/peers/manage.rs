//! What REST shows of media that flow, and what it does to them (antmedia.md section 9.3).

use serde_json::{Value, json};

use super::session::{PATIENCE, Session, server};
use crate::common::http;
use crate::common::process::Server;

fn asks(server: &Server, method: &str, path: &str, body: &str) -> Value {
    let path = format!("/LiveApp/rest/v2{path}");
    let answer = http::exchange(&server.address(), method, &path, &[], body.as_bytes()).expect("an answer");
    assert_eq!(answer.status, 200, "{method} {path}: {}", answer.body());
    serde_json::from_str(&answer.body()).expect("JSON")
}

#[test]
fn what_flows_is_shown_counted_spoken_to_and_ended() {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("s", &json!({"streamName": "Ann", "metaData": "{\"k\":1}"}));
    b.play("s", &json!({}));
    b.until_flowing("s", "ARDAMSvs");
    let shown = asks(&server, "GET", "/broadcasts/s", "");
    assert_eq!((&shown["status"], &shown["publishType"]), (&json!("broadcasting"), &json!("WebRTC")));
    assert_eq!((&shown["name"], &shown["metaData"]), (&json!("Ann"), &json!("{\"k\":1}")));
    assert_eq!((&shown["webRTCViewerCount"], &shown["zombi"]), (&json!(1), &json!(true)));
    assert_eq!(asks(&server, "GET", "/broadcasts/active-live-stream-count", "")["number"], 1);
    assert_eq!(asks(&server, "GET", "/broadcasts/s/broadcast-statistics", "")["totalWebRTCWatchersCount"], 1);
    assert_eq!(asks(&server, "GET", "/broadcasts/list/0/10", "")[0]["streamId"], "s");
    let known = |_: &Session| {
        let infos = asks(&server, "GET", "/broadcasts/s/stream-info", "");
        infos[0]["videoHeight"].as_u64().is_some_and(|height| height > 0) && infos[0]["videoCodec"] == "VP8"
    };
    b.until_true("the size of the pictures is known", PATIENCE, known);
    let measured = |_: &Session| {
        let clients = asks(&server, "GET", "/broadcasts/s/webrtc-client-stats/0/10", "");
        assert_eq!(clients.as_array().map(Vec::len), Some(1));
        clients[0]["sendBitrate"].as_u64().is_some_and(|bps| bps > 0)
    };
    b.until_true("the player has been measured", PATIENCE, measured);
    let counted = |_: &Session| {
        let clients = asks(&server, "GET", "/broadcasts/s/webrtc-client-stats/0/10", "");
        ["audioPacketCount", "videoPacketCount"].map(|key| clients[0][key].as_u64().expect("a number"))
    };
    let first = counted(&b);
    b.until_true("what passes is counted", PATIENCE, |session| {
        let now = counted(session);
        (0..2).all(|kind| now[kind] > first[kind] && first[kind] > 0)
    });
    for session in [&mut a, &mut b] {
        session.until_true("the channel is open", PATIENCE, |session| {
            let peers = session.publishes.values().chain(session.plays.values());
            peers.into_iter().all(|peer| peer.seen().channel)
        });
    }
    assert_eq!(asks(&server, "POST", "/broadcasts/s/data", "hello")["success"], true);
    let heard = |session: &Session| {
        let peers = session.publishes.values().chain(session.plays.values());
        peers.into_iter().all(|peer| peer.seen().heard.iter().any(|(binary, text)| !binary && text == b"hello"))
    };
    a.until_true("the publisher has heard it", PATIENCE, heard);
    b.until_true("the player has heard it", PATIENCE, heard);
    assert_eq!(asks(&server, "POST", "/broadcasts/s/stop", "")["success"], true);
    a.until_notified("publish_finished", "s");
    b.until_notified("play_finished", "s");
    assert_eq!(asks(&server, "GET", "/broadcasts/active-live-stream-count", "")["number"], 0);
}
