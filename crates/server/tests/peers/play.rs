//! Playing one stream: cases 28 to 34 and 92.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::peer::Peer;
use super::session::{PATIENCE, Session, server};

/// A publishes s, B plays it.
pub(crate) fn publisher_and_player() -> (super::common::process::Server, Session, Session) {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("s", &json!({}));
    b.play("s", &json!({}));
    (server, a, b)
}

/// For each m-section of a description: what it begins with, its mid and its msid.
pub(crate) fn sections(sdp: &str) -> Vec<(String, String, String)> {
    let value = |section: &str, name: &str| {
        section.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned()
    };
    let sections = sdp.split("\r\nm=").skip(1);
    sections.map(|text| (text.to_owned(), value(text, "a=mid:"), value(text, "a=msid:"))).collect()
}

#[test]
fn cases_28_and_29_an_offer_names_its_tracks_and_media_flows() {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    a.publish("s", &json!({}));
    b.send(json!({"command": "play", "streamId": "s"}));
    let offer = b.until(&json!({"command": "takeConfiguration", "type": "offer", "streamId": "s"}));
    let sections = sections(offer["sdp"].as_str().unwrap());
    let mapping = offer["idMapping"].as_object().unwrap();
    let media: Vec<_> = sections.iter().filter(|(text, ..)| !text.starts_with("application")).collect();
    assert_eq!((sections.len(), media.len(), mapping.len()), (3, 2, 2), "{offer}");
    for (text, mid, msid) in media {
        let kind = if text.starts_with("video") { 'v' } else { 'a' };
        let track = format!("ARDAMS{kind}s");
        assert_eq!(mapping[mid], track.as_str());
        assert_eq!(*msid, format!("s {track}"));
    }
    b.until_notified("play_started", "s");
    // The publisher sends one only when it is asked for, but for its first.
    b.until_flowing("s", "ARDAMSvs");
    b.until_going_on("s", "ARDAMSas");
}

#[test]
fn cases_30_and_31_playing_twice_is_refused_and_stopping_ends_one_side() {
    let (_server, mut a, mut b) = publisher_and_player();
    b.send(json!({"command": "play", "streamId": "s"}));
    b.until_refused("already_playing", "s");
    b.until_going_on("s", "ARDAMSvs");
    b.send(json!({"command": "stop", "streamId": "s"}));
    b.until_notified("play_finished", "s");
    b.until_still("s", "ARDAMSvs");
    a.listen(Duration::from_millis(200));
    a.assert_untold(&json!({"command": "notification"}));
    b.plays.insert("s".to_owned(), Peer::new());
    b.play("s", &json!({}));
    b.until_flowing("s", "ARDAMSvs");
}

#[test]
fn case_32_the_publishers_end_is_the_players() {
    let (_server, mut a, mut b) = publisher_and_player();
    a.send(json!({"command": "stop", "streamId": "s"}));
    a.until_notified("publish_finished", "s");
    b.until_notified("play_finished", "s");
    b.assert_no_error();
}

#[test]
fn cases_33_and_34_what_a_stream_has_to_offer() {
    let (_server, _a, mut b) = publisher_and_player();
    b.until_flowing("s", "ARDAMSvs");
    let deadline = Instant::now() + PATIENCE;
    loop {
        b.send(json!({"command": "getStreamInfo", "streamId": "s"}));
        let info = b.until(&json!({"command": "streamInformation", "streamId": "s"}));
        let [rendition] = &info["streamInfo"].as_array().unwrap()[..] else { panic!("one rendition: {info}") };
        let whole = ["streamWidth", "streamHeight", "videoBitrate", "audioBitrate"];
        assert!(whole.iter().all(|name| rendition[name].is_u64()), "{rendition}");
        assert_eq!(rendition["videoCodec"], "VP8");
        // The size is known from a key frame, the bitrate after some time.
        if (&rendition["streamWidth"], &rendition["streamHeight"]) == (&json!(640), &json!(360))
            && rendition["videoBitrate"].as_u64() > Some(200_000)
        {
            break;
        }
        assert!(Instant::now() < deadline, "{rendition}");
        b.listen(Duration::from_millis(100));
    }
    b.send(json!({"command": "getStreamInfo", "streamId": "nope"}));
    b.until_refused("no_stream_exist", "nope");
}

#[test]
fn case_92_one_session_publishes_and_plays_the_same_stream() {
    let server = server(&[]);
    let mut a = Session::new(&server);
    a.publish("s", &json!({}));
    a.play("s", &json!({}));
    a.until_flowing("s", "ARDAMSvs");
    a.until_going_on("s", "ARDAMSas");
    a.assert_no_error();
    let told: Value = json!({"command": "notification", "definition": "publish_finished"});
    a.assert_untold(&told);
}
