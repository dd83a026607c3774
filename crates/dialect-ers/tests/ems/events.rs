//! What other servers are told (ers.md section 2.3).

use patchbay_dialect_ers::ems::{Ems, Envelope, Sinks};

use crate::client::START;
use crate::support::{LOCAL, World, client_joined, dialect};

const SINK: &str = "http://sink.example/events";

fn telling(sinks: &[&str]) -> Ems {
    dialect(Envelope::Flat).telling(Sinks::new(sinks.iter().map(|url| (*url).into()).collect(), 42))
}

/// What the sinks were told since this was last asked: kinds and payloads. Numbers rise, and all is of our process.
fn told(world: &mut World<'_>) -> Vec<String> {
    let sent = std::mem::take(&mut world.sessions.jobs().sent);
    let mut last = None;
    let short = |(url, body): (std::sync::Arc<str>, Vec<u8>)| {
        assert_eq!(&*url, SINK);
        let text = String::from_utf8(body).expect("text");
        let rest = text.strip_prefix(r#"{"id":"#).expect("a number");
        let (id, rest) = rest.split_once(',').expect("more");
        let id: u64 = id.parse().expect("a number");
        assert!(last.replace(id).is_none_or(|last| last < id), "{text}");
        let (payload, rest) = rest.rsplit_once(r#","processId":42,"timestamp":"#).expect("our process");
        let (timestamp, kind) = rest.split_once(r#","type":""#).expect("a kind");
        assert!(timestamp.parse::<u64>().is_ok_and(|unix| unix > 1_790_000_000), "{text}");
        let payload = payload.strip_prefix(r#""payload":"#).expect("a payload");
        format!("{} {payload}", kind.strip_suffix(r#""}"#).expect("the end"))
    };
    sent.into_iter().map(short).collect()
}

#[test]
fn a_service_is_told_of_from_its_start_to_its_end() {
    let ems = telling(&[SINK]);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    world.json(json, START);
    let heard = told(&mut world);
    assert_eq!(
        heard[..2],
        [
            r#"cliRequest {"command":"startwebrtc","parameters":{"ersip":"127.0.0.1","ersport":"3535","roomid":"room","token":""}}"#,
            r#"webRtcServiceStarted {"configId":1,"ersIp":"127.0.0.1","ersPort":3535,"roomId":"room"}"#,
        ]
    );
    assert!(heard[2].starts_with(r#"cliResponse {"data":{"configId":1,"#) && heard.len() == 3, "{heard:?}");
    assert!(heard[2].contains(r#""token":"""#) && !heard.concat().contains("secret"), "{heard:?}");
    let connection = world.join();
    assert_eq!(
        told(&mut world),
        [
            r#"webRtcServiceConnected {"configId":1,"ers":"","ersId":"E","ersIp":"127.0.0.1","ersPort":3535,"roomId":"room"}"#
        ]
    );
    world.publish("live");
    world.say(connection, &client_joined("W", "item;*live"));
    assert_eq!(told(&mut world), [r#"playerJoinedRoom {"clientID":"W","clientName":null,"roomName":"room"}"#]);
    let named = client_joined("V", "nothing").replace("}]}", r#","name":"N"}]}"#);
    let waiting = world.join();
    told(&mut world);
    world.say(waiting, &named);
    assert_eq!(told(&mut world), [r#"playerJoinedRoom {"clientID":"V","clientName":"N","roomName":"room"}"#]);
    world.sessions.channel(connection, "live", "rmsCommandChannel", true);
    for (command, more) in [("zoom", r#","base64":true"#), ("stop", "")] {
        let said = format!(r#"{{"type":"command","payload":{{"command":"{command}","argument":"a/b"{more}}}}}"#);
        world.sessions.speak(connection, "live", "rmsCommandChannel", &said);
        let base64 = !more.is_empty();
        let expected = format!(
            r#"webRtcCommandReceived {{"argument":"a\/b","base64":{base64},"baseStreamName":"live","command":"{command}","instanceStreamName":"item;*live"}}"#
        );
        assert_eq!(told(&mut world), [expected]);
    }
    assert!(world.sessions.ended(connection).is_some());
    world.json(json, "removeConfig id=1");
    let heard = told(&mut world);
    assert!(heard.contains(&r#"webRtcServiceStopped {"configId":1}"#.to_owned()), "{heard:?}");
    assert!(
        heard.len() == 3 && heard[2].starts_with("webRtcServiceStopped")
            || heard[1].starts_with("webRtcServiceStopped")
    );
    world.json(json, "removeConfig id=1");
    assert_eq!(told(&mut world).len(), 2, "what is over ends once");
}

#[test]
fn what_ends_by_itself_has_stopped_and_what_was_stored_has_started() {
    let ems = telling(&[SINK]);
    let mut world = World::with(&ems, &[("ems/00000000000000000001", START)]);
    assert_eq!(
        told(&mut world),
        [r#"webRtcServiceStarted {"configId":1,"ersIp":"127.0.0.1","ersPort":3535,"roomId":"room"}"#]
    );
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    world.json(json, &format!("{START} keepAlive=0"));
    told(&mut world);
    assert!(world.sessions.fail_to_connect());
    assert_eq!(told(&mut world), [r#"webRtcServiceStopped {"configId":1}"#]);
}

/// Whoever answers it.
#[test]
fn every_command_and_every_answer_is_told_and_no_key() {
    let ems = telling(&[SINK]);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    for (line, command, status) in [
        ("foo bar=1", "foo", "FAIL"),
        ("version commandId=7", "version", "SUCCESS"),
        ("listConfig", "listconfig", "SUCCESS"),
        ("startWebrtc ers=nowhere ersport=1 roomid=r", "startwebrtc", "FAIL"),
        ("shutdownServer", "shutdownserver", "SUCCESS"),
        ("shutdownServer key=abcdefgh", "shutdownserver", "FAIL"),
    ] {
        let answer = world.json(json, line);
        let heard = told(&mut world);
        assert_eq!(heard.len(), 2, "{line}: {heard:?}");
        assert!(heard[0].starts_with(&format!(r#"cliRequest {{"command":"{command}","parameters":{{"#)), "{heard:?}");
        assert!(
            heard[1].starts_with("cliResponse {\"data\":") && heard[1].contains(&format!(r#""status":"{status}""#))
        );
        assert_eq!(heard[1].contains(r#""responseId":"7""#), line.contains("commandId"));
        assert!(!heard.concat().contains("abcdefgh"), "{heard:?}");
        if let Some((_, rest)) = answer.split_once(r#""key":""#) {
            assert!(!heard[1].contains(rest.split('"').next().expect("the key")), "{heard:?}");
        }
    }
}

/// A session has at most 64 orders without an outcome, and this world gives outcomes at once: what waits is in order.
#[test]
fn every_sink_is_told_and_nobody_where_there_is_none() {
    let ems = telling(&["http://a.example/", "http://b.example/"]);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    world.json(json, "version");
    let urls: Vec<_> = world.sessions.jobs().sent.iter().map(|(url, _)| url.to_string()).collect();
    assert_eq!(urls, ["http://a.example/", "http://b.example/", "http://a.example/", "http://b.example/"]);
    let [first, second] = [0, 1].map(|at| world.sessions.jobs().sent[at].1.clone());
    assert_eq!(first, second, "the same event");
    let ems = telling(&[]);
    let mut world = World::new(&ems);
    let json = world.caller("json", LOCAL);
    world.json(json, START);
    assert!(world.sessions.jobs().sent.is_empty());
}
