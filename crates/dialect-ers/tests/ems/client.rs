use std::time::Duration;

use patchbay_dialect_ers::ems::{Ems, Envelope};
use patchbay_dialect_kit::CloseCause;
use patchbay_dialect_kit::testing::World as _;

use crate::support::{LOCAL, World, client_joined, dialect};

pub(crate) const START: &str = "startwebrtc ersip=127.0.0.1 ersport=3535 roomid=room token=secret";
const MESSAGE: &str = r#"5:::{"name":"message","args":[{"to":"W","#;

pub(crate) fn started(ems: &Ems) -> World<'_> {
    let mut world = World::new(ems);
    let json = world.caller("json", LOCAL);
    assert!(world.json(json, START).contains("SUCCESS"));
    world
}

fn answer(mids: [&str; 3]) -> String {
    let [audio, video, data] = mids;
    format!(
        r#"5:::{{"name":"message","args":[{{"to":"E","sid":"7","roomType":"video","type":"answer","payload":{{"type":"answer","sdp":"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:{audio}\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:{video}\r\nm=application 9 DTLS/SCTP 5000\r\na=mid:{data}\r\n"}},"prefix":"webkit","from":"W"}}]}}"#
    )
}

#[test]
fn it_joins_once_it_is_welcome() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let (dial, connection) = world.connect();
    assert_eq!((&*dial.host, dial.port, dial.tls), ("127.0.0.1", 3535, false));
    world.say(connection, "1::");
    world.say(connection, r#"5:::{"name":"stunservers","args":[[{"url":"stun:127.0.0.1:3478"}]]}"#);
    assert_eq!(world.heard(connection), [""; 0]);
    world.say(connection, r#"5:::{"name":"ersid","args":[{"id":"E"}]}"#);
    let heard = world.heard(connection);
    let rest = heard[0].strip_prefix(r#"5:1+::{"name":"join","args":["room",{"index":"#).expect("a join");
    let (index, rest) = rest.split_once(',').expect("more");
    assert!(index.parse::<u64>().is_ok_and(|index| index > 1_700_000_000));
    assert_eq!(
        rest,
        r#""EMS":true,"RMS":true,"emsToken":"secret","rmsToken":"secret","capabilities":"hasHeartBeat"}]}"#
    );
    world.pass(10);
    assert_eq!(world.heard(connection), [""; 0], "once");
}

#[test]
fn it_joins_after_two_seconds_anyway() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let (_, connection) = world.connect();
    world.say(connection, "1::");
    world.sessions.pass(Duration::from_millis(1_999));
    assert_eq!(world.heard(connection), [""; 0]);
    world.sessions.pass(Duration::from_millis(1));
    assert!(world.heard(connection)[0].contains(r#""name":"join""#));
}

/// E2, with and without keepAlive.
#[test]
fn who_is_not_there_is_tried_again() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let mut waited = 0;
    while waited < 5 {
        if !world.sessions.fail_to_connect() {
            world.pass(1);
            waited += 1;
        }
    }
    while world.sessions.ordered() == 0 {
        world.pass(1);
        waited += 1;
    }
    assert!(waited <= 15, "{waited} s");
    world.join();

    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    world.json(json, &format!("{START} keepAlive=0"));
    assert!(world.sessions.fail_to_connect());
    world.pass(60);
    assert_eq!(world.sessions.ordered(), 0);
    assert!(world.json(json, "listconfig").contains(r#""webrtc":[]"#));
}

/// E3.
#[test]
fn who_finds_the_room_taken_comes_again_until_it_is_free() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    for _ in 0..3 {
        while world.sessions.ordered() == 0 {
            world.pass(1);
        }
        let (_, connection) = world.connect();
        world.say(connection, "1::");
        world.say(connection, r#"5:::{"name":"ersid","args":[{"id":"E"}]}"#);
        world.say(connection, r#"6:::1+["taken"]"#);
        assert!(world.sessions.ended(connection).is_some());
    }
    let json = world.caller("json", LOCAL);
    assert!(world.json(json, "getconfiginfo id=1").contains(r#""current":{"description":"taken"}"#));
    while world.sessions.ordered() == 0 {
        world.pass(1);
    }
    world.join();
    assert!(world.json(json, "getconfiginfo id=1").contains(r#""current":{"description":"Joined"}"#));
}

#[test]
fn a_room_that_is_none_is_left_alone() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let (_, connection) = world.connect();
    world.say(connection, r#"5:::{"name":"ersid","args":[{"id":"E"}]}"#);
    world.say(connection, r#"6:::1+["invalidRoom"]"#);
    world.pass(120);
    assert_eq!(world.sessions.ordered(), 0);
}

/// E4.
#[test]
fn a_server_without_a_heartbeat_is_left() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let connection = world.join();
    world.pass(25);
    world.say(connection, "2::");
    assert_eq!(world.heard(connection), ["2::"]);
    world.pass(49);
    assert_eq!(world.heard(connection), [""; 0]);
    world.pass(1);
    let missed = r#"5:1+::{"name":"HBTimeout","args":["Heartbeat Time-out",{"RMS":true}]}"#;
    assert_eq!(world.heard(connection), [missed]);
    world.pass(4);
    assert_eq!(world.sessions.ended(connection), None);
    world.pass(1);
    assert_eq!(world.heard(connection), [missed, "closed"]);
    assert_eq!(world.sessions.ended(connection), Some(CloseCause::Silent));
    world.pass(1);
    world.join();
}

/// E6, and an item of a play list.
#[test]
fn a_stream_that_is_not_there_is_said_to_be_not_there() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let connection = world.join();
    world.say(connection, &client_joined("W", "nothing"));
    let missing = format!(r#"{MESSAGE}"message":"Unable to retrieve stream!","prefix":"webkit"}}]}}"#);
    assert_eq!(world.heard(connection), [&*missing]);
    assert_eq!(world.sessions.ordered(), 0, "the room is not left");
    world.publish("nothing");
    assert_eq!(world.heard(connection), [""; 0], "who was turned away is not called back");
    world.say(connection, &client_joined("W", ""));
    assert_eq!(world.heard(connection), [missing.replace("retrieve stream", "parse stream field")]);
    world.say(connection, &client_joined("W", "item;*nothing"));
    assert!(
        world.heard(connection)[0]
            .starts_with(&format!(r#"{MESSAGE}"sid":"1432678845741","roomType":"video","type":"offer""#))
    );
}

/// P4: the offer of an original by default, data alone.
#[test]
fn a_player_of_fragments_is_offered_data_alone() {
    for asked in [r#","transport":"fmp4""#, ""] {
        let ems = dialect(Envelope::Flat);
        let mut world = started(&ems);
        world.publish("h264");
        let connection = world.join();
        world.say(connection, &client_joined("W", "h264").replace(r#","transport":"srtp""#, asked));
        let heard = world.heard(connection);
        let [offer, candidate] = heard.as_slice() else { panic!("{heard:?}") };
        assert!(offer.contains(r#""type":"offer","sdp":"v=0\r\na=ice-options:trickle\r\nm=application"#), "{offer}");
        assert!(offer.contains(r"a=mid:data\r\n") && !offer.contains("m=video"), "{offer}");
        assert!(candidate.contains(r#""sdpMid":"data","sdpMLineIndex":0"#), "{candidate}");
        assert_eq!(world.sessions.ordered(), 1, "the next one goes to the room");
        world.say(connection, &answer(["audio", "video", "data"]));
        world.sessions.follow(connection, "flow x down h264");
        world.say(connection, r#"5:::{"name":"remove","args":[{"id":"W"}]}"#);
        assert_eq!((world.sessions.ended(connection).is_some(), world.sessions.legs()), (true, 1));
    }
}

/// Its pictures are no H.264: an empty channel would be a promise that is not kept.
#[test]
fn a_stream_that_cannot_be_cut_into_fragments_is_not_there() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("vp8");
    world.publish("h264");
    let connection = world.join();
    world.say(connection, &client_joined("W", "vp8").replace("srtp", "fmp4"));
    let missing = format!(r#"{MESSAGE}"message":"Unable to retrieve stream!","prefix":"webkit"}}]}}"#);
    assert_eq!(world.heard(connection), [missing]);
    assert_eq!((world.sessions.ordered(), world.sessions.legs()), (0, 2), "the room is not left");
    // The next one is served, and the one that was turned away by other means.
    world.say(connection, &client_joined("V", "h264").replace("srtp", "fmp4"));
    assert_eq!((world.heard(connection).len(), world.sessions.ordered()), (2, 1));
    let connection = world.join();
    world.say(connection, &client_joined("W", "vp8"));
    assert_eq!(world.heard(connection).len(), 2);
}

#[test]
fn a_viewer_is_offered_the_stream() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("live");
    let connection = world.join();
    world.say(connection, &client_joined("W", "live"));
    let heard = world.heard(connection);
    assert_eq!(heard.len(), 2, "{heard:?}");
    let offer = format!(
        r#"{MESSAGE}"sid":"1432678845741","roomType":"video","type":"offer","payload":{{"type":"offer","sdp":"v=0\r\n"#
    );
    assert!(heard[0].starts_with(&offer), "{}", heard[0]);
    assert!(!heard[0].contains("candidate"), "{}", heard[0]);
    for mid in ["audio", "video", "data"] {
        assert!(heard[0].contains(&format!(r"a=mid:{mid}\r\n")), "{}", heard[0]);
    }
    let candidate = format!(
        r#"{MESSAGE}"sid":"1432678845741","roomType":"video","type":"candidate","payload":{{"candidate":{{"candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host","sdpMid":"audio","sdpMLineIndex":0}}}},"prefix":"webkit"}}]}}"#
    );
    assert_eq!(heard[1], candidate);
    assert_eq!(world.sessions.ordered(), 1, "the next one goes to the room");
    world.say(connection, &answer(["audio", "video", "data"]));
    world.say(
        connection,
        r#"5:::{"name":"message","args":[{"type":"candidate","payload":{"candidate":{"candidate":"candidate:1 1 udp 1 127.0.0.1 5 typ host"}},"from":"W"}]}"#,
    );
    world.say(
        connection,
        r#"5:::{"name":"message","args":[{"type":"candidate","payload":{"candidate":null},"from":"W"}]}"#,
    );
    world.say(
        connection,
        r#"5:::{"name":"message","args":[{"type":"candidate","payload":{"candidate":{"candidate":"candidate:2"}},"from":"X"}]}"#,
    );
    world.sessions.follow(connection, "candidates x down live 1");
    world.sessions.follow(connection, "flow x down live");
    assert_eq!(world.heard(connection), [""; 0]);
    world.say(connection, r#"5:::{"name":"remove","args":[{"id":"X"}]}"#);
    assert_eq!(world.sessions.ended(connection), None, "somebody else");
    world.say(connection, r#"5:::{"name":"remove","args":[{"id":"W"}]}"#);
    assert!(world.sessions.ended(connection).is_some());
    assert_eq!(world.sessions.legs(), 1, "the publisher's alone");
}

/// E5.
#[test]
fn two_viewers_have_two_connections_and_one_waits() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("live");
    for viewer in ["V", "W"] {
        let connection = world.join();
        world.say(connection, &client_joined(viewer, "live"));
        let offers =
            world.heard(connection).iter().filter(|message| message.contains(r#""type":"offer","payload""#)).count();
        assert_eq!(offers, 1);
        assert_eq!(world.sessions.ordered(), 1);
    }
    world.join();
    assert_eq!((world.sessions.ordered(), world.sessions.legs()), (0, 3));
}

/// E7, and connections that are on their way.
#[test]
fn what_is_stopped_ends_at_once_and_for_good() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("live");
    let one = world.join();
    world.say(one, &client_joined("W", "live"));
    let two = world.join();
    world.say(two, &client_joined("V", "live"));
    let json = world.caller("json", LOCAL);
    assert!(world.json(json, "stopwebrtc").contains("SUCCESS"));
    assert!(world.sessions.ended(one).is_some() && world.sessions.ended(two).is_some());
    let (_, late) = world.connect();
    assert!(world.sessions.ended(late).is_some(), "it is told when it comes");
    world.pass(120);
    assert_eq!((world.sessions.ordered(), world.sessions.legs()), (0, 1));
}

/// ers.md section 2.4, point 7: who is served is served on.
#[test]
fn a_viewer_is_served_on_when_the_server_is_lost() {
    let ems = dialect(Envelope::Flat);
    for farewell in [None, Some("0::")] {
        let mut world = started(&ems);
        let camera = world.publish("live");
        let connection = world.join();
        world.say(connection, &client_joined("W", "live"));
        world.say(connection, &answer(["audio", "video", "data"]));
        let waiting = world.join();
        world.sessions.cut(waiting);
        if let Some(farewell) = farewell {
            world.say(connection, farewell);
        }
        world.sessions.cut(connection);
        assert_eq!(world.sessions.ended(connection), None);
        assert_eq!(world.sessions.legs(), 2);
        world.pass(1);
        world.join();
        world.pass(40);
        assert_eq!(world.sessions.ended(connection), None, "no heartbeat is waited for");
        world.sessions.say(camera, &patchbay_dialect_kit::testing::Input::Close(1000)).expect("it stands");
        assert!(world.sessions.ended(connection).is_some(), "the stream is over");
        assert_eq!(world.sessions.legs(), 0);
    }
}

/// One that offers itself knows what is not made here.
#[test]
fn who_offers_nothing_is_told_that_there_is_nothing() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let connection = world.join();
    world.say(
        connection,
        r#"5:::{"name":"message","args":[{"type":"offer","payload":{"type":"offer","sdp":"v=0\r\n"},"from":"W"}]}"#,
    );
    assert_eq!(
        world.heard(connection),
        [format!(r#"{MESSAGE}"message":"Unable to retrieve stream!","prefix":"webkit"}}]}}"#)]
    );
    assert_eq!(world.sessions.ended(connection), None);
}

/// Whatever a server says, it is the end of this connection at most.
#[test]
fn nonsense_is_no_matter() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    let connection = world.join();
    for text in [
        "",
        "5:::",
        "5:::{",
        "5:::[]",
        r#"5:::{"name":7}"#,
        r#"5:::{"name":"message","args":{}}"#,
        "6:::",
        "6:::1+[",
        "9::",
        r#"5:::{"name":"clientJoined","args":["x"]}"#,
        r#"5:::{"name":"message","args":[{"payload":[]}]}"#,
        "4:::{}",
        "8::",
        r#"5:::{"name":"iceparam","args":[{"maxretries":"7"}]}"#,
        "3:::x",
        "1::/other",
    ] {
        world.say(connection, text);
        assert_eq!(world.sessions.ended(connection), None, "{text}");
    }
    assert_eq!(world.heard(connection), [""; 0]);
}

#[test]
fn a_server_that_stops_leaves_its_rooms_and_serves_on() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("live");
    let serving = world.join();
    world.say(serving, &client_joined("W", "live"));
    let waiting = world.join();
    world.sessions.drain().expect("it is told");
    assert!(world.sessions.ended(waiting).is_some() && world.sessions.ended(serving).is_none());
    world.pass(60);
    assert_eq!((world.sessions.ordered(), world.sessions.legs()), (0, 2), "nobody comes back");
    let json = world.caller("json", LOCAL);
    assert!(world.json(json, "listconfig").contains("The service is not available"));
}

#[test]
fn a_server_that_stops_leaves_its_rooms_and_serves_its_viewers_to_their_end() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("cam");
    let serving = world.join();
    world.say(serving, &client_joined("W", "cam"));
    let waiting = world.join();
    world.sessions.drain().expect("everybody is told");
    assert_eq!((world.sessions.ended(serving), world.sessions.ended(waiting)), (None, Some(CloseCause::Shutdown)));
    world.say(serving, r#"5:::{"name":"remove","args":[{"id":"W"}]}"#);
    assert_eq!(world.sessions.ended(serving), Some(CloseCause::Peer));
    world.pass(60);
    assert_eq!(world.sessions.ordered(), 0, "nobody comes after it");
}
