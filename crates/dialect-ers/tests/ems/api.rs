use std::net::IpAddr;

use patchbay_dialect_ers::ems::Envelope;
use patchbay_dialect_kit::CloseCause;
use patchbay_dialect_kit::testing::{Input, World as _};

use crate::support::{LOCAL, World, dialect};

const START: &str = "startWebrtc ersip=127.0.0.1 ersport=3535 roomid=testRoom";

fn failed(description: &str) -> String {
    format!(r#"{{"data":null,"description":"{description}","status":"FAIL"}}"#)
}

/// A01, A07, A09, A10, A14, A16 and G5.
#[test]
fn commands_are_answered_in_json() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    assert_eq!(world.json(json, "foo bar=1"), failed("command foo not known. Type help for list of commands"));
    assert_eq!(world.json(json, "stopWebRTC"), failed("Unable to stop WebRTC"));
    let started = concat!(
        r#"{"data":{"configId":1,"ers":"","ersOverSsl":false,"ersip":"127.0.0.1","ersport":3535,"keepAlive":true,"#,
        r#""name":"evostreamms","operationType":9,"roomid":"testRoom","sslCert":"..\/config\/server.cert","#,
        r#""sslKey":"..\/config\/server.key","token":""},"description":"Started WebRTC Negotiation Service","#,
        r#""status":"SUCCESS"}"#
    );
    assert_eq!(world.json(json, START), started);
    assert_eq!(world.json(json, START), failed("Unable to start WebRTC"));
    let own = r#"{"data":null,"description":"Unable to start WebRTC","responseId":"x","status":"FAIL"}"#;
    assert_eq!(world.json(json, &format!("{START} commandId=x")), own);
    let stopped = r#"{"data":{"ersip":"","ersport":0,"roomid":"testRoom"},"description":"Stopped WebRTC Negotiation Service","status":"SUCCESS"}"#;
    assert_eq!(world.json(json, "STOPWEBRTC ROOMID=testRoom"), stopped);
    assert_eq!(world.json(json, "getConfigInfo id=1"), failed("Config ID not found"));
    let version = world.json(json, "version");
    for key in ["banner", "branchName", "buildDate", "buildNumber", "codeName", "hash", "releaseNumber"] {
        assert!(version.contains(&format!(r#""{key}":"#)), "{key}: {version}");
    }
    let help = world.json(json, "help");
    assert!(help.contains(r#""command":"startWebRTC""#) && help.contains(r#""defaultValue":"-No default value-""#));
    world.say(json, "quit");
    assert_eq!(
        world.heard(json),
        ["\0\0\0\u{39}{\"data\":null,\"description\":\"Bye!\",\"status\":\"SUCCESS\"}\r\n\r\n", "closed"]
    );
}

#[test]
fn people_are_answered_in_lines() {
    let ems = dialect(Envelope::Both);
    let mut world = World::new(&ems);
    let ascii = world.caller("ascii", LOCAL);
    let text = |world: &mut World<'_>, line| String::from_utf8(world.ask(ascii, line)).expect("text");
    assert_eq!(text(&mut world, "stopwebrtc"), "Command failed!\n\rUnable to stop WebRTC\n\r\n\r");
    let started = "Command entered successfully!\n\rStarted WebRTC Negotiation Service\n\r\n\r    configId: 1\n\r    \
        ersip: 127.0.0.1\n\r    ersport: 3535\n\r    name: evostreamms\n\r    roomid: testRoom\n\r    \
        sslCert: ../config/server.cert\n\r    sslKey: ../config/server.key\n\r\n\r\n";
    assert_eq!(text(&mut world, START), started);
}

#[test]
fn each_envelope_has_its_form() {
    for (envelope, start) in [
        (Envelope::Both, r#"{"data":{"configId":1,"data":{"configId":1,"ers":"","#),
        (Envelope::Nested, r#"{"data":{"data":{"configId":1,"ers":"","#),
        (Envelope::Flat, r#"{"data":{"configId":1,"ers":"","#),
    ] {
        let ems = dialect(envelope);
        let mut world = World::new(&ems);
        let json = world.caller("json", LOCAL);
        let answer = world.json(json, START);
        assert!(answer.starts_with(start), "{answer}");
        assert_eq!(world.json(json, START), failed("Unable to start WebRTC"), "failures have one form");
    }
}

/// A18, and several that take their time: in order, none lost.
#[test]
fn many_commands_at_once_are_answered_in_order() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    world.sessions.jobs().addresses.insert("ers.example.com".into(), IpAddr::from([192, 0, 2, 9]));
    let json = world.caller("json", LOCAL);
    for room in ["a", "b", "c"] {
        world.say(json, &format!("startwebrtc ers=ers.example.com ersport=1 roomid={room} commandId={room}"));
        world.say(json, &format!("foo commandId=f{room}"));
    }
    let heard = world.heard(json);
    let ids: Vec<_> =
        heard.iter().filter_map(|answer| answer.split(r#""responseId":""#).nth(1)?.split('"').next()).collect();
    assert_eq!(ids, ["a", "fa", "b", "fb", "c", "fc"]);
    assert!(heard[0].contains(r#""ers":"ers.example.com","ersOverSsl":false,"ersip":"192.0.2.9""#), "{}", heard[0]);
}

#[test]
fn a_name_that_means_nothing_is_said_to() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    assert_eq!(world.json(json, "startwebrtc ers=nowhere ersport=1 roomid=r"), failed("Unable to resolve ERS"));
    assert_eq!(
        world.json(json, "startwebrtc ers=nowhere roomid=r"),
        failed("Syntax error. Parameter ersport is invalid")
    );
}

/// A11, A12.
#[test]
fn configurations_are_listed_and_removed() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    world.json(json, START);
    let entry = r#"{"configId":1,"ers":"","ersip":"127.0.0.1","ersport":3535,"keepAlive":true,"operationType":9,"roomid":"testRoom","token":""}"#;
    assert!(
        world
            .json(json, "listConfig")
            .contains(&format!(r#""webrtc":[{entry}]}},"description":"Run-time configuration""#))
    );
    let info = world.json(json, "getConfigInfo id=1");
    assert!(
        info.contains(r#""roomid":"testRoom","status":{"current":{"description":"Connecting"}},"token":"""#),
        "{info}"
    );
    let removed = format!(r#"{{"data":{entry},"description":"Configuration terminated","status":"SUCCESS"}}"#);
    assert_eq!(world.json(json, "removeConfig id=1"), removed);
    let none = r#"{"data":null,"description":"Configuration terminated","status":"SUCCESS"}"#;
    assert_eq!(world.json(json, "removeConfig id=1"), none);
    assert!(world.json(json, "listConfig").contains(r#""webrtc":[]"#));
}

/// A17.
#[test]
fn the_server_ends_for_who_shows_the_key_from_here() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    let (here, elsewhere) = (world.caller("json", LOCAL), world.caller("json", Some(IpAddr::from([192, 0, 2, 1]))));
    assert_eq!(world.json(elsewhere, "shutdownServer"), failed("shutdownServer is taken from this machine only"));
    assert_eq!(world.json(here, "shutdownserver key=x"), failed("Shutdown key provided is invalid"));
    let asked = world.json(here, "shutdownServer");
    let key =
        asked.strip_prefix(r#"{"data":{"key":""#).and_then(|rest| rest.split('"').next()).expect("a key").to_owned();
    assert_eq!(
        asked,
        format!(
            r#"{{"data":{{"key":"{key}"}},"description":"Call shutdownserver again with the provided key","status":"SUCCESS"}}"#
        )
    );
    assert_eq!(key.len(), 16);
    assert_eq!(
        world.json(here, &format!("shutdownserver key={}x", &key[..15])),
        failed("Shutdown key provided is invalid")
    );
    assert_eq!(
        world.json(elsewhere, &format!("shutdownserver key={key}")),
        failed("shutdownServer is taken from this machine only")
    );
    assert!(!world.sessions.jobs().stopped);
    world.say(here, &format!("shutdownserver key={key}"));
    assert_eq!(world.heard(here), [""; 0]);
    assert!(world.sessions.jobs().stopped);
}

#[test]
fn what_is_too_much_ends_the_caller_alone() {
    let ems = dialect(Envelope::Flat);
    for (line, cause) in [
        ("x".repeat(16_384), CloseCause::TooLarge),
        ("POST /x HTTP/1.1".to_owned(), CloseCause::Protocol),
        ("Host: 127.0.0.1:1112".to_owned(), CloseCause::Protocol),
    ] {
        let mut world = World::new(&ems);
        let (one, other) = (world.caller("json", LOCAL), world.caller("json", LOCAL));
        world.say(one, &line);
        assert_eq!(world.sessions.ended(one), Some(cause));
        assert!(world.json(other, "version").contains("SUCCESS"));
    }
    let mut world = World::new(&ems);
    let one = world.caller("json", LOCAL);
    world.say(one, &"x".repeat(16_383));
    assert!(world.heard(one)[0].contains("not known"));
    // What is no text is a command, too.
    world.sessions.say(one, &Input::Binary(vec![0xff, 0xfe])).expect("it stands");
    assert!(world.heard(one)[0].contains("not known"));
}

/// Configurations outlive the server, and are numbered anew.
#[test]
fn what_is_kept_alive_is_kept() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    for line in [
        START,
        "startwebrtc ersip=127.0.0.1 ersport=1 roomid=once keepAlive=0",
        "startwebrtc ersip=127.0.0.1 ersport=1 roomid=a\\ b token=t",
    ] {
        world.json(json, line);
    }
    world.json(json, "stopwebrtc roomid=testRoom");
    let stored: Vec<_> = world
        .sessions
        .jobs()
        .records
        .iter()
        .map(|(key, record)| (key.key.to_string(), String::from_utf8(record.0.to_vec()).expect("text")))
        .collect();
    assert_eq!(stored.len(), 1, "{stored:?}");
    let stored: Vec<_> = stored.iter().map(|(key, line)| (key.as_str(), line.as_str())).collect();
    let mut world = World::with(&ems, &[stored[0], ("ems/9", "nonsense")]);
    let json = world.caller("json", LOCAL);
    let list = world.json(json, "listconfig");
    assert!(list.contains(r#""webrtc":[{"configId":1,"#) && list.contains(r#""roomid":"a b","token":"t"}]"#), "{list}");
    let records: Vec<_> = world.sessions.jobs().records.keys().map(|key| key.key.to_string()).collect();
    assert_eq!(records, ["ems/00000000000000000001"]);
    assert_eq!(world.sessions.ordered(), 1);
}

#[test]
fn without_a_store_everything_else_works() {
    let ems = dialect(Envelope::Flat);
    let mut world = World::new(&ems);
    world.sessions.jobs().gone = true;
    let json = world.caller("json", LOCAL);
    assert!(world.json(json, START).contains("SUCCESS"));
    assert!(world.json(json, "stopwebrtc").contains("SUCCESS"));
}
