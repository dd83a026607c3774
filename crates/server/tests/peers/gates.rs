//! What a player switches off and on, and what it is told of its network: cases 35 to 38.

use std::time::Duration;

use serde_json::json;

use super::play::publisher_and_player;
use super::session::Session;

const SOUND: &str = "ARDAMSas";
const PICTURE: &str = "ARDAMSvs";

fn toggle(b: &mut Session, command: &str, enabled: bool) {
    b.send(json!({"command": command, "streamId": "s", "trackId": "s", "enabled": enabled}));
}

#[test]
fn case_35_pictures_off_and_on() {
    let (_server, _a, mut b) = publisher_and_player();
    b.until_flowing("s", PICTURE);
    toggle(&mut b, "toggleVideo", false);
    b.until_still("s", PICTURE);
    b.until_going_on("s", SOUND);
    let before = b.track("s", PICTURE);
    toggle(&mut b, "toggleVideo", true);
    b.until_flowing_since("s", PICTURE, before);
    b.assert_no_error();
}

#[test]
fn case_36_sound_off_and_on() {
    let (_server, _a, mut b) = publisher_and_player();
    b.until_going_on("s", SOUND);
    toggle(&mut b, "toggleAudio", false);
    b.until_still("s", SOUND);
    b.until_going_on("s", PICTURE);
    toggle(&mut b, "toggleAudio", true);
    b.until_going_on("s", SOUND);
}

#[test]
fn case_37_a_quality_that_is_asked_for_in_any_form() {
    let (_server, _a, mut b) = publisher_and_player();
    b.until_flowing("s", PICTURE);
    for height in [json!(0), json!(1080), json!("auto")] {
        b.send(json!({"command": "forceStreamQuality", "streamId": "s", "streamHeight": height}));
        b.until_going_on("s", PICTURE);
    }
    b.send(json!({"command": "forceStreamQuality", "streamId": "s"}));
    b.until_going_on("s", PICTURE);
    b.assert_no_error();
}

#[test]
fn case_38_players_are_told_their_bitrates_and_publishers_are_not() {
    let (_server, mut a, mut b) = publisher_and_player();
    let told = b.until(&json!({"command": "notification", "definition": "bitrateMeasurement", "streamId": "s"}));
    let [target, video, audio] = ["targetBitrate", "videoBitrate", "audioBitrate"].map(|name| told[name].as_u64());
    let (video, audio) = (video.unwrap(), audio.unwrap());
    // 50 pictures of 900 bytes each second, and 50 packets of sound of 80.
    assert!((200_000..700_000).contains(&video) && (20_000..70_000).contains(&audio), "{told}");
    assert!(target.unwrap() >= video + audio, "nothing limits the path: {told}");
    a.listen(Duration::from_millis(50));
    a.assert_untold(&json!({"definition": "bitrateMeasurement"}));
}
