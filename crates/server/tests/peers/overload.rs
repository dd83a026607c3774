//! A machine that has enough to do: case 85.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::session::{PATIENCE, Session, server};

/// From when on the server finds its machine too busy: it needs five looks, and any machine that runs this test does
/// more than one hundredth of what it can.
const BUSY: Duration = Duration::from_secs(30);

fn refused(session: &mut Session, ask: &Value) {
    session.send(ask.clone());
    session.until_refused("highResourceUsage", ask["streamId"].as_str().unwrap());
}

#[test]
fn case_85_nobody_comes_in_and_what_runs_goes_on() {
    let server = server(&[("PATCHBAY_LIMITS__CPU_PERCENT", "1")]);
    let (mut a, mut b) = (Session::new(&server), Session::new(&server));
    // All of this is over before the fifth look: also who watches a room that has somebody to come.
    a.publish("s", &json!({}));
    a.publish("cam1", &json!({"mainTrack": "m"}));
    b.play("s", &json!({}));
    b.play("m", &json!({}));
    b.until_begun("m", "ARDAMSvcam1", PATIENCE);
    let until = Instant::now() + BUSY;
    for turn in 0.. {
        assert!(Instant::now() < until, "the machine is never too busy");
        let stream = format!("probe{turn}");
        a.send(json!({"command": "publish", "streamId": stream}));
        a.listen(Duration::from_millis(200));
        if a.has_been_told(&json!({"command": "error", "definition": "highResourceUsage", "streamId": stream})) {
            break;
        }
        a.send(json!({"command": "stop", "streamId": stream}));
    }
    let mut c = Session::new(&server);
    refused(&mut c, &json!({"command": "publish", "streamId": "t"}));
    refused(&mut c, &json!({"command": "publish", "streamId": "cam2", "mainTrack": "m"}));
    refused(&mut c, &json!({"command": "play", "streamId": "s"}));
    refused(&mut c, &json!({"command": "play", "streamId": "m"}));
    // What runs, and what is only asked for.
    c.send(json!({"command": "getTrackList", "streamId": "m"}));
    let list = c.until(&json!({"command": "trackList", "streamId": "m"}));
    assert_eq!(list["trackList"], json!(["cam1"]));
    // Two who negotiate directly cost the server nothing.
    c.send(json!({"command": "join", "streamId": "p"}));
    c.until_notified("joined", "p");
    for (stream, track) in [("s", "ARDAMSvs"), ("s", "ARDAMSas"), ("m", "ARDAMSvcam1"), ("m", "ARDAMSacam1")] {
        b.until_going_on(stream, track);
    }
    b.assert_no_error();
}
