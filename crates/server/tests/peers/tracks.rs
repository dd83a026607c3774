//! Several tracks in one view: cases 39 and 41 to 44.

use std::time::Duration;

use serde_json::json;

use super::common::process::Server;
use super::peer::Sends;
use super::play::sections;
use super::session::{PATIENCE, Session, server};

/// cam1 and cam2 are live below m, and B plays m with only cam1 chosen.
fn two_cameras() -> (Server, Session, Session) {
    let server = server(&[]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    for camera in ["cam1", "cam2"] {
        a.publish(camera, &json!({"mainTrack": "m"}));
    }
    b.play("m", &json!({"trackList": ["!m", "cam1", "!cam2"]}));
    b.until_begun("m", "ARDAMSvcam1", PATIENCE);
    (server, a, b)
}

fn track_names(b: &Session) -> Vec<String> {
    let mapping = b.offers["m"]["idMapping"].as_object().unwrap();
    let mut names: Vec<_> = mapping.values().map(|name| name.as_str().unwrap().to_owned()).collect();
    names.sort_unstable();
    names
}

#[test]
fn cases_39_and_41_chosen_tracks_flow_and_the_others_are_only_offered() {
    let (_server, _a, mut b) = two_cameras();
    assert_eq!(track_names(&b), ["ARDAMSacam1", "ARDAMSacam2", "ARDAMSvcam1", "ARDAMSvcam2"]);
    b.until_going_on("m", "ARDAMSacam1");
    assert_eq!(b.track("m", "ARDAMSvcam2").0 + b.track("m", "ARDAMSacam2").0, 0, "cam2 was not chosen");
    b.send(json!({"command": "getTrackList", "streamId": "m"}));
    let list = b.until(&json!({"command": "trackList", "streamId": "m"}));
    let mut names: Vec<_> = list["trackList"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cam1", "cam2"]);
}

#[test]
fn case_42_a_track_is_switched_on_and_off_without_an_offer() {
    let (_server, _a, mut b) = two_cameras();
    b.until(&json!({"command": "takeConfiguration", "streamId": "m"}));
    let enable = |enabled| json!({"command": "enableTrack", "streamId": "m", "trackId": "cam2", "enabled": enabled});
    b.send(enable(true));
    b.until_flowing("m", "ARDAMSvcam2");
    b.until_going_on("m", "ARDAMSacam2");
    b.send(enable(false));
    b.until_still("m", "ARDAMSvcam2");
    b.until_going_on("m", "ARDAMSvcam1");
    b.assert_untold(&json!({"command": "takeConfiguration"}));
    b.assert_no_error();
}

#[test]
fn case_43_a_track_that_comes_is_offered() {
    let (_server, mut a, mut b) = two_cameras();
    b.until(&json!({"command": "takeConfiguration", "streamId": "m"}));
    a.publish("cam3", &json!({"mainTrack": "m"}));
    b.until(&json!({"command": "takeConfiguration", "type": "offer", "streamId": "m"}));
    assert_eq!(track_names(&b).len(), 6, "{:?}", track_names(&b));
    b.until_flowing("m", "ARDAMSvcam3");
    b.until_going_on("m", "ARDAMSvcam1");
}

#[test]
fn case_44_a_track_that_goes_leaves_inactive_sections() {
    let (_server, mut a, mut b) = two_cameras();
    let before = b.until(&json!({"command": "takeConfiguration", "streamId": "m"}));
    let mids: Vec<_> = before["idMapping"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, id)| id.as_str().unwrap().ends_with("cam1"))
        .collect();
    a.send(json!({"command": "stop", "streamId": "cam1"}));
    let after = b.until(&json!({"command": "takeConfiguration", "type": "offer", "streamId": "m"}));
    let sections = sections(after["sdp"].as_str().unwrap());
    assert_eq!(mids.len(), 2);
    for (mid, _) in mids {
        let (text, ..) = sections.iter().find(|(_, other, _)| other == mid).unwrap();
        assert!(text.contains("a=inactive"), "{text}");
        assert!(after["idMapping"].get(mid).is_none(), "{after}");
    }
    b.send(json!({"command": "enableTrack", "streamId": "m", "trackId": "cam2", "enabled": true}));
    b.until_flowing("m", "ARDAMSvcam2");
}

/// Changes that come while an offer is out wait for its answer, and none of them is forgotten.
#[test]
fn cameras_that_come_all_at_once_are_all_offered_in_the_end() {
    const CAMERAS: usize = 8;
    let server = server(&[]);
    let mut cameras: Vec<_> = (0..CAMERAS).map(|_| Session::new(&server)).collect();
    let mut b = Session::new(&server);
    for (number, camera) in cameras.iter_mut().enumerate() {
        camera.offer(&format!("cam{number}"), Sends::BOTH, &json!({"mainTrack": "m"}));
    }
    b.send(json!({"command": "play", "streamId": "m"}));
    for (number, camera) in cameras.iter_mut().enumerate() {
        camera.until_notified("publish_started", &format!("cam{number}"));
        b.listen(Duration::from_millis(1));
    }
    b.until_notified("play_started", "m");
    b.until_true("all tracks are offered", PATIENCE, |b| {
        b.offers.contains_key("m") && track_names(b).len() == 2 * CAMERAS
    });
    for number in 0..CAMERAS {
        let [sound, picture] = ["a", "v"].map(|kind| format!("ARDAMS{kind}cam{number}"));
        b.until_going_on("m", &sound);
        b.until_going_on("m", &picture);
        assert!(b.track("m", &picture).1 > 0, "{picture} began with a key frame");
    }
}
