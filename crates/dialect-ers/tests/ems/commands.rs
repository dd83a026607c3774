//! What players say on their command channel, and are told there (ers.md section 3.4).

use patchbay_dialect_ers::ems::{Ems, Envelope};
use patchbay_dialect_kit::CloseCause;

use crate::client::started;
use crate::support::{LOCAL, World, client_joined, dialect};

const CHANNEL: &str = "emsCommandChannel";
const HEARTBEAT: &str = r#"{"payload":"","type":"heartbeat"}"#;

/// A player of the stream `live`, on that connection, with the channel of that name open.
fn served<'a>(ems: &'a Ems, channel: &str, joined: &str) -> (World<'a>, usize) {
    let mut world = started(ems);
    world.publish("live");
    let connection = world.join();
    world.say(connection, joined);
    world.heard(connection);
    world.sessions.channel(connection, "live", channel, true);
    (world, connection)
}

fn command(command: &str) -> String {
    format!(r#"{{"type":"command","payload":{{"command":"{command}","argument":""}}}}"#)
}

#[test]
fn a_player_is_done_when_it_says_so() {
    for word in ["stop", "STOP", "Stop"] {
        let ems = dialect(Envelope::Flat);
        let (mut world, connection) = served(&ems, CHANNEL, &client_joined("W", "live"));
        world.sessions.speak(connection, "live", CHANNEL, &command(word));
        assert!(world.sessions.ended(connection).is_some(), "{word}");
        assert_eq!(world.sessions.legs(), 1, "the publisher's alone");
        world.join();
    }
}

#[test]
fn a_player_pauses_and_resumes() {
    let ems = dialect(Envelope::Flat);
    for channel in [CHANNEL, "rmsCommandChannel"] {
        let (mut world, connection) = served(&ems, channel, &client_joined("W", "live"));
        world.sessions.follow(connection, "passes x down live live all");
        for (word, passes) in [("Pause", "none"), ("pause", "none"), ("RESUME", "all")] {
            world.sessions.speak(connection, "live", channel, &command(word));
            world.sessions.follow(connection, &format!("passes x down live live {passes}"));
        }
        assert_eq!(world.sessions.ended(connection), None);
    }
}

#[test]
fn a_ping_is_answered_with_the_time() {
    let ems = dialect(Envelope::Flat);
    let (mut world, connection) = served(&ems, CHANNEL, &client_joined("W", "live"));
    world.sessions.speak(connection, "live", CHANNEL, &command("ping"));
    let said = world.sessions.spoken(connection, "live", CHANNEL);
    let unix = 1_790_000_000 + world.sessions.now().as_micros() / 1_000_000;
    assert_eq!(said, [format!(r#"{{"payload":{{"data":"sync","timestamp":{unix}}},"type":"metadata"}}"#)]);
}

#[test]
fn fragments_of_mp4_are_answered_with_what_is_wrong() {
    let ems = dialect(Envelope::Flat);
    let (mut world, connection) = served(&ems, CHANNEL, &client_joined("W", "live"));
    for (asked, answer) in [
        (
            r#"{"type":"fmp4Request","payload":{"name":"test2"}}"#,
            r#"{"payload":{"description":"Requested stream could not be sent!","name":"test2","status":"FAIL"},"type":"fmp4Response"}"#,
        ),
        (
            r#"{"type":"fmp4Request","payload":{}}"#,
            r#"{"payload":{"description":"Missing name field!","status":"FAIL"},"type":"fmp4Response"}"#,
        ),
    ] {
        world.sessions.speak(connection, "live", CHANNEL, asked);
        assert_eq!(world.sessions.spoken(connection, "live", CHANNEL), [answer]);
    }
}

#[test]
fn what_is_no_message_changes_nothing() {
    let ems = dialect(Envelope::Flat);
    let (mut world, connection) = served(&ems, CHANNEL, &client_joined("W", "live"));
    let deep = "[".repeat(16_000);
    for text in
        ["", "{", "stop", r#"{"type":"command""#, r#"{"type":"command","payload":"stop"}"#, "[1]", "\u{0}", &deep]
    {
        world.sessions.speak(connection, "live", CHANNEL, text);
        assert_eq!(world.sessions.ended(connection), None, "{text}");
    }
    assert_eq!(world.sessions.spoken(connection, "live", CHANNEL), [""; 0]);
    world.sessions.speak(connection, "live", CHANNEL, &command("ping"));
    assert_eq!(world.sessions.spoken(connection, "live", CHANNEL).len(), 1, "it is heard as before");
}

/// Each second, as long as the channel is open; also when the rendezvous server has gone.
#[test]
fn a_player_hears_heartbeats() {
    let ems = dialect(Envelope::Flat);
    let (mut world, connection) = served(&ems, CHANNEL, &client_joined("W", "live"));
    world.pass(3);
    assert_eq!(world.sessions.spoken(connection, "live", CHANNEL), [HEARTBEAT; 3]);
    world.sessions.cut(connection);
    world.pass(30);
    assert_eq!(world.sessions.spoken(connection, "live", CHANNEL), [HEARTBEAT; 30]);
    assert_eq!(world.sessions.ended(connection), None, "who has not said that it answers need not");
    world.sessions.channel(connection, "live", "rmsCommandChannel", true);
    world.sessions.channel(connection, "live", CHANNEL, false);
    world.pass(1);
    assert_eq!(world.sessions.spoken(connection, "live", "rmsCommandChannel"), [HEARTBEAT]);
    world.sessions.channel(connection, "live", "rmsCommandChannel", false);
    world.sessions.channel(connection, "live", "other", true);
    world.pass(2);
    assert_eq!(world.sessions.spoken(connection, "live", "other"), [""; 0], "of other channels nothing is known");
}

#[test]
fn who_answers_heartbeats_and_falls_silent_is_let_go() {
    let ems = dialect(Envelope::Flat);
    let joined = client_joined("W", "live").replace("}]}", r#","capabilities":"hasHeartbeat"}]}"#);
    let (mut world, connection) = served(&ems, CHANNEL, &joined);
    for _ in 0..3 {
        world.pass(10);
        world.sessions.speak(connection, "live", CHANNEL, HEARTBEAT);
    }
    assert_eq!(world.sessions.spoken(connection, "live", CHANNEL).len(), 30);
    world.pass(10);
    world.say(connection, "2::");
    assert_eq!(world.sessions.ended(connection), None);
    world.pass(1);
    assert_eq!(world.sessions.ended(connection), Some(CloseCause::Silent));
    assert_eq!(world.sessions.legs(), 1);
}

#[test]
fn a_command_for_players_goes_to_their_command_channels_alone() {
    let ems = dialect(Envelope::Flat);
    let mut world = started(&ems);
    world.publish("live");
    let [one, two] = ["V", "W"].map(|viewer| {
        let connection = world.join();
        world.say(connection, &client_joined(viewer, &format!("{viewer};*live")));
        connection
    });
    let json = world.caller("json", LOCAL);
    let send = |world: &mut World<'_>, stream: &str| {
        world.json(json, &format!("sendWebRTCCommand command=go localstreamname={stream} argument=x"))
    };
    assert!(send(&mut world, "live").contains("Command not sent."), "nobody has such a channel");
    world.sessions.channel(one, "live", "emsStreamChannel", true);
    assert!(send(&mut world, "live").contains("Command not sent."), "that is for something else");
    world.sessions.channel(one, "live", CHANNEL, true);
    let sent = send(&mut world, "live");
    assert!(sent.contains(r#""description":"Command sent.""#), "{sent}");
    let text = r#"{"command":"go","argument":"x","base64":false}"#;
    assert_eq!(world.sessions.spoken(one, "live", CHANNEL), [text]);
    assert_eq!(world.sessions.spoken(one, "live", "emsStreamChannel"), [""; 0]);
    assert_eq!(world.sessions.spoken(two, "live", CHANNEL), [""; 0]);
    assert!(send(&mut world, "other").contains("Command not sent."));
    world.sessions.channel(one, "live", CHANNEL, false);
    assert!(send(&mut world, "live").contains("Command not sent."));
}

/// A player of the first generation, in the room: its offer is answered.
fn offered<'a>(ems: &'a Ems, section: &str) -> (World<'a>, usize, Vec<String>) {
    let mut world = started(ems);
    world.publish("h264");
    world.publish("h264b");
    world.publish("vp8");
    let connection = world.join();
    let offer = format!(
        r#"5:::{{"name":"message","args":[{{"to":"E","sid":"7","roomType":"video","type":"offer","payload":{{"type":"offer","sdp":"v=0\r\n{section}\r\na=mid:data\r\n"}},"prefix":"webkit","from":"W"}}]}}"#
    );
    world.say(connection, &offer);
    let heard = world.heard(connection);
    (world, connection, heard)
}

fn request(name: &str) -> String {
    format!(r#"{{"type":"fmp4Request","payload":{{"name":"{name}"}}}}"#)
}

fn response(name: &str, sent: bool) -> String {
    let (description, status) = if sent {
        ("Outbound FMP4 stream created.", "SUCCESS")
    } else {
        ("Requested stream could not be sent!", "FAIL")
    };
    format!(
        r#"{{"payload":{{"description":"{description}","name":"{name}","status":"{status}"}},"type":"fmp4Response"}}"#
    )
}

/// C11's media server, and P5.
#[test]
fn who_offers_itself_is_answered_and_asks_for_its_stream() {
    const LEG: &str = "emsStreamChannel";
    let ems = dialect(Envelope::Flat);
    let (mut world, connection, heard) = offered(&ems, "m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
    let [answer, candidate] = heard.as_slice() else { panic!("{heard:?}") };
    let begin = r#"5:::{"name":"message","args":[{"to":"W","sid":"7","roomType":"video","type":"#;
    assert!(
        answer.starts_with(&format!(r#"{begin}"answer","payload":{{"type":"answer","sdp":"v=0\r\nm=appl"#)),
        "{answer}"
    );
    assert!(!answer.contains("candidate"), "{answer}");
    assert!(candidate.starts_with(&format!(r#"{begin}"candidate""#)), "{candidate}");
    assert_eq!(world.sessions.ordered(), 1, "the next one goes to the room");
    world.sessions.channel(connection, LEG, CHANNEL, true);
    for (name, sent) in [("test2", false), ("vp8", false), ("h264", true), ("list;*h264b", true), ("h264", true)] {
        world.sessions.speak(connection, LEG, CHANNEL, &request(name));
        assert_eq!(world.sessions.spoken(connection, LEG, CHANNEL), [response(name, sent)]);
    }
    let full = r#"{"type":"fmp4Request","payload":{"name":"h264","fullMp4":true}}"#;
    world.sessions.speak(connection, LEG, CHANNEL, full);
    assert_eq!(world.sessions.spoken(connection, LEG, CHANNEL), [response("h264", false)], "a whole file is none");
    // It can be told commands as a viewer of that stream, and is done with it.
    let json = world.caller("json", LOCAL);
    let send = |stream: &str| format!("sendWebRTCCommand command=go localstreamname={stream} argument=x");
    assert!(world.json(json, &send("h264")).contains("Command sent."));
    world.say(connection, r#"5:::{"name":"remove","args":[{"id":"W"}]}"#);
    assert_eq!((world.sessions.ended(connection).is_some(), world.sessions.legs()), (true, 3));
}

#[test]
fn who_offers_in_the_old_form_is_answered_in_it() {
    let ems = dialect(Envelope::Flat);
    let (_world, _, heard) = offered(&ems, "m=application 9 DTLS/SCTP 5000");
    // The line that only the old form has; the engine of these tests writes no whole sections.
    assert!(heard[0].contains(r"v=0\r\na=ice-options:trickle\r\nm=application"), "{}", heard[0]);
}

#[test]
fn an_offer_that_is_none_is_turned_down() {
    let ems = dialect(Envelope::Flat);
    let (mut world, connection, heard) = offered(&ems, "s=-");
    assert!(heard[0].contains(r#""message":"Unable to retrieve stream!""#), "{heard:?}");
    assert_eq!((world.sessions.ordered(), world.sessions.legs()), (0, 3), "the room is not left");
    world.say(connection, &client_joined("W", "vp8"));
    assert_eq!(world.heard(connection).len(), 2);
}
