//! Devices and players meet in the rooms of the rendezvous server, over sockets (ers.md part 5: C01 to C05, C07 to C12, C19).

mod common;

use common::device::{Device, quoted};
use common::process::Server;

const SDP: &str = r"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\na=ice-pwd:a/b+c\r\n";
const NOBODY: &str = r#"6:::1+[null,{"clients":{}}]"#;

#[test]
fn a_device_meets_two_players_one_after_the_other() {
    let server = Server::start(&[]);
    let mut device = Device::connect(&server.address());
    assert_eq!(device.join("den"), NOBODY);
    let mut other = Device::connect(&server.address());
    assert_eq!(other.join("den"), r#"6:::1+["taken"]"#);

    let (mut first, answer) =
        Device::joining(&server.address(), "den", r#"{"token":null,"streamName":"test1","transport":"fmp4"}"#);
    assert_eq!(
        answer,
        format!(r#"6:::1+[null,{{"clients":{{"{}":{{"screen":false,"video":true,"audio":false}}}}}}]"#, device.id)
    );
    let joined = device.next("clientJoined");
    assert_eq!(
        (quoted(&joined, "id"), quoted(&joined, "streamName"), quoted(&joined, "transport")),
        (first.id.clone(), "test1".into(), "fmp4".into())
    );
    assert!(!joined.contains("cwa") && !joined.contains("capabilities") && !joined.contains("null"), "{joined}");

    // It offers, and comes back into the room on another connection, with the same words.
    device.say(&first.id, "offer", &format!(r#"{{"type":"offer","sdp":"{SDP}"}}"#));
    let offer = first.frame().expect("an offer");
    assert!(offer.ends_with(&format!(r#""prefix":"webkit","from":"{}"}}]}}"#, device.id)), "{offer}");
    assert!(offer.contains(SDP), "as it was written: {offer}");
    let mut again = Device::connect(&server.address());
    assert_eq!(again.join("den"), NOBODY);

    first.say(&device.id.clone(), "answer", &format!(r#"{{"type":"answer","sdp":"{SDP}"}}"#));
    let answer = device.next("answer");
    assert!(answer.contains(r#""payload":{"type":"answer","sdp":""#), "no blanks: {answer}");
    assert_eq!((quoted(&answer, "sdp"), quoted(&answer, "from")), (SDP.replace("\\r\\n", "\r\n"), first.id.clone()));
    let way =
        r#"{"candidate":{"candidate":"candidate:1 1 udp 5 10.0.0.1 4000 typ host","sdpMid":"data","sdpMLineIndex":0}}"#;
    first.say(&device.id.clone(), "candidate", way);
    assert!(device.next("candidate").contains(r#""candidate":"candidate:1 1 udp 5 10.0.0.1 4000 typ host""#));

    // Another player has the other connection, and neither hears of the other.
    let (mut second, _) = Device::joining(&server.address(), "den", r#"{"token":null,"streamName":"test2"}"#);
    assert_eq!(quoted(&again.next("clientJoined"), "streamName"), "test2");
    second.say(&device.id.clone(), "candidate", way);
    device.quiet();
    drop(first);
    let removed = device.next("remove");
    assert_eq!(removed.matches("\"id\":").count(), 1, "{removed}");
    again.quiet();
    again.say(&second.id.clone(), "offer", &format!(r#"{{"type":"offer","sdp":"{SDP}"}}"#));
    assert!(second.frame().is_some_and(|offer| offer.contains("offer")));

    // The device's own end is told to its player.
    let id = again.id.clone();
    drop(again);
    assert_eq!(second.frame(), Some(format!(r#"5:::{{"name":"remove","args":[{{"id":"{id}"}}]}}"#)));
}

#[test]
fn a_device_without_the_stream_waits_on() {
    let server = Server::start(&[]);
    let mut device = Device::connect(&server.address());
    device.join("den");
    let (mut player, _) = Device::joining(&server.address(), "den", r#"{"streamName":"nothing"}"#);
    let id = quoted(&device.next("clientJoined"), "id");
    device.send(&format!(
        r#"5:::{{"name":"message","args":[{{"to":"{id}","message":"Unable to retrieve stream!","prefix":"webkit"}}]}}"#
    ));
    assert!(player.frame().is_some_and(|told| told.contains("Unable to retrieve stream!")));
    let (next, answer) = Device::joining(&server.address(), "den", r#"{"streamName":"other"}"#);
    assert!(answer.contains(&device.id), "{answer}");
    assert_eq!(quoted(&device.next("clientJoined"), "id"), next.id);
}

#[test]
fn the_address_of_its_way_out_is_one_that_it_can_read() {
    let server = Server::start(&[(
        "RTC_CONFIG_JSON",
        r#"{"iceServers":[{"urls":["stun:192.0.2.1:3478"]},{"urls":"turn:192.0.2.2:3479","username":"u","credential":"c"}]}"#,
    )]);
    let device = Device::connect(&server.address());
    assert_eq!(device.turn, "192.0.2.2:3479");
}
