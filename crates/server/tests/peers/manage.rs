//! What REST shows of media that flow, and what it does to them (antmedia.md section 9.3).

use rustix::process::Signal;
use serde_json::{Value, json};

use super::session::{PATIENCE, Session, server};
use crate::common::http;
use crate::common::process::{Folder, Server};

fn asks(server: &Server, method: &str, path: &str, body: &str) -> Value {
    let path = format!("/LiveApp/rest/v2{path}");
    let kind = if body.starts_with('{') { "application/json" } else { "text/plain" };
    let answer = http::exchange(&server.address(), method, &path, &[("Content-Type", kind)], body.as_bytes());
    let answer = answer.expect("an answer");
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

/// Also where its publisher goes without a word, and where the server does.
#[test]
fn what_was_made_beforehand_is_finished_and_what_was_not_is_gone() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let settings =
        [("PATCHBAY_DATA_DIR", data.to_str().expect("text")), ("PATCHBAY_DIALECT__ANTMEDIA__RESTORE_MS", "0")];
    let mut server = server(&settings);
    for stream in ["stopped", "torn", "killed", "unused"] {
        let made = asks(&server, "POST", "/broadcasts/create", &json!({"streamId": stream, "name": "Ann"}).to_string());
        assert_eq!(made["status"], "created");
    }
    let (mut a, mut b, mut c) = (Session::new(&server), Session::new(&server), Session::new(&server));
    a.publish("stopped", &json!({}));
    a.publish("passing", &json!({}));
    b.publish("torn", &json!({}));
    c.publish("killed", &json!({}));
    let status =
        |server: &Server, stream: &str| asks(server, "GET", &format!("/broadcasts/{stream}"), "")["status"].clone();
    for stream in ["stopped", "torn", "killed", "passing"] {
        assert_eq!(status(&server, stream), "broadcasting");
    }
    for stream in ["stopped", "passing"] {
        a.send(json!({"command": "stop", "streamId": stream}));
        a.until_notified("publish_finished", stream);
    }
    assert_eq!(status(&server, "stopped"), "finished");
    let gone = http::get(&server.address(), "/LiveApp/rest/v2/broadcasts/passing");
    assert_eq!((gone.status, gone.body.is_empty()), (404, true));
    b.tear();
    a.until_true("the torn one has ended", PATIENCE, |_| status(&server, "torn") != "broadcasting");
    assert_eq!((status(&server, "torn"), status(&server, "unused")), (json!("finished"), json!("created")));
    // It can be published again, and be changed meanwhile.
    a.publish("stopped", &json!({}));
    assert_eq!(status(&server, "stopped"), "broadcasting");
    assert_eq!(asks(&server, "PUT", "/broadcasts/stopped", r#"{"name": "Bob"}"#)["success"], true);
    server.signal(Signal::KILL);
    assert!(server.wait(PATIENCE).is_some());
    let server = super::session::server(&settings);
    for (stream, name) in [("stopped", "Bob"), ("killed", "Ann")] {
        let shown = asks(&server, "GET", &format!("/broadcasts/{stream}"), "");
        assert_eq!((&shown["status"], &shown["name"]), (&json!("finished"), &json!(name)), "{stream}");
        assert!(shown["startTime"].as_u64().is_some_and(|at| at > 1_700_000_000_000), "{shown}");
    }
}
