//! Streams that are pulled, without sockets: hub and sessions in one thread under a fake clock, the rendezvous server and the
//! media server behind it played by the tests (ers.md sections 3.3 and 3.5).

mod audience;

use std::time::Duration;

use patchbay_core::{Codec, Hub, Kinds, Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_ers::pull::{Pull, Source};
use patchbay_dialect_kit::CloseCause;
use patchbay_dialect_kit::testing::{Delivery, Handshake, Heard, Input, SessionWorld, World as _};

use audience::Audience;

const GREETING: [&str; 2] = ["1::", r#"5:::{"name":"ersid","args":[{"id":"W"}]}"#];
const PAIRED: &str = r#"6:::1+[null,{"clients":{"E":{"screen":false,"video":true,"audio":false}}}]"#;
const EMPTY: &str = r#"6:::1+[null,{"clients":{}}]"#;
const JOIN: &str = r#"5:1+::{"name":"join","args":["den",{"token":"t","streamName":"cam","transport":"srtp"}]}"#;

fn dialect(sources: &[&str]) -> Pull {
    let source = |text: &&str| Source::parse(text, Some("t".into())).expect("a source");
    Pull::new(Lang(1), Realm(0), sources.iter().map(source).collect())
}

struct World<'a>(SessionWorld<'a>);

impl<'a> World<'a> {
    fn new(pull: &'a Pull) -> Self {
        let realm =
            RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), presence: false, ..RealmLimits::default() };
        let hub = Hub::new(0, Limits { realms: vec![realm] });
        let mut sessions = SessionWorld::of(hub, vec![("", pull), ("audience", &Audience)], Delivery::Eager, 7);
        sessions.resident();
        Self(sessions)
    }

    fn say(&mut self, connection: usize, text: &str) {
        self.0.say(connection, &Input::Text(text.to_owned())).expect("it stands");
    }

    fn heard(&mut self, connection: usize) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(heard) = self.0.hear(connection, Duration::ZERO) {
            all.push(match heard {
                Heard::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                Heard::Closed(_) => "closed".to_owned(),
                Heard::Ping => "ping".to_owned(),
            });
        }
        all
    }

    /// The next connection, in its room.
    fn join(&mut self) -> usize {
        let (_, connection) = self.0.connect().expect("a connection is ordered");
        for text in GREETING {
            self.say(connection, text);
        }
        assert_eq!(self.heard(connection), [JOIN]);
        connection
    }

    /// The same, paired, and with the media server's offer.
    fn offered(&mut self, extra: &str) -> usize {
        let connection = self.join();
        self.say(connection, PAIRED);
        self.say(connection, &candidate("E"));
        self.say(connection, &offer("E", extra));
        connection
    }

    /// After how many seconds the next connection is ordered.
    fn waits(&mut self) -> u64 {
        (0..60)
            .find(|_| {
                self.0.ordered() > 0 || {
                    self.0.pass(Duration::from_secs(1));
                    false
                }
            })
            .expect("within a minute")
    }
}

fn message(from: &str, rest: &str) -> String {
    format!(
        r#"5:::{{"name":"message","args":[{{"to":"W","sid":"143","roomType":"video",{rest},"prefix":"webkit","from":"{from}"}}]}}"#
    )
}

fn offer(from: &str, extra: &str) -> String {
    let sdp = format!(
        r"v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:audio\r\n{extra}m=video 9 UDP/TLS/RTP/SAVPF 107\r\na=mid:video\r\n"
    );
    message(from, &format!(r#""type":"offer","payload":{{"type":"offer","sdp":"{sdp}"}}"#))
}

fn candidate(from: &str) -> String {
    let candidate =
        r#""candidate":{"candidate":"candidate:1 1 udp 5 10.0.0.1 4000 typ host","sdpMid":"data","sdpMLineIndex":0}"#;
    message(from, &format!(r#""type":"candidate","payload":{{{candidate}}}"#))
}

#[test]
fn what_is_offered_is_answered_then_come_the_ways_to_us() {
    let pull = dialect(&["http://h:4545/den/cam as porch"]);
    let mut world = World::new(&pull);
    let connection = world.offered("");
    let heard = world.heard(connection);
    let begin = |kind| {
        format!(
            r#"5:::{{"name":"message","args":[{{"to":"E","sid":"143","roomType":"video","type":"{kind}","payload":{{"#
        )
    };
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0].starts_with(&format!(r#"{}"type":"answer","sdp":"v=0\r\n"#, begin("answer"))), "{}", heard[0]);
    assert!(
        heard[1].starts_with(&format!(r#"{}"candidate":{{"candidate":"candidate:1 1 udp"#, begin("candidate"))),
        "{}",
        heard[1]
    );
    assert!(heard[1].ends_with(r#","sdpMid":"audio","sdpMLineIndex":0}},"prefix":"webkit"}]}"#), "{}", heard[1]);
    world.0.follow(connection, "candidates x up porch 1");
    world.say(connection, &candidate("E"));
    world.0.follow(connection, "candidates x up porch 2");
    world.0.follow(connection, "flow x up porch");
    world.say(connection, "2::");
    assert_eq!(world.heard(connection), ["2::"]);
}

#[test]
fn it_joins_where_nobody_says_who_it_is() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let (dial, connection) = world.0.connect().expect("it is ordered at once");
    assert_eq!((&*dial.host, dial.port, dial.tls), ("h", 3535, false));
    world.say(connection, "1::");
    world.0.pass(Duration::from_millis(1_999));
    assert_eq!(world.heard(connection), [""; 0]);
    world.0.pass(Duration::from_millis(1));
    assert_eq!(world.heard(connection), [JOIN]);
}

#[test]
fn an_empty_room_is_looked_into_again_and_seldomer() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let mut waits = Vec::new();
    for ack in [EMPTY, r#"6:::1+["invalidToken"]"#, EMPTY, EMPTY, EMPTY, EMPTY] {
        let connection = world.join();
        world.say(connection, ack);
        assert!(world.0.ended(connection).is_some());
        waits.push(world.waits());
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 16]);
    assert!(world.0.fail_to_connect(), "nor is it there");
    assert_eq!(world.waits(), 16);
    // What lived is another matter.
    let connection = world.offered("");
    world.0.follow(connection, "flow x up cam");
    world.0.pass(Duration::from_secs(20));
    world.say(connection, r#"5:::{"name":"remove","args":[{"id":"E"}]}"#);
    assert_eq!(world.waits(), 1);
}

#[test]
fn its_partner_alone_is_heard() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let connection = world.join();
    world.say(connection, &offer("E", ""));
    world.say(connection, PAIRED);
    for stranger in [offer("F", ""), candidate("F"), r#"5:::{"name":"remove","args":[{"id":"F"}]}"#.to_owned()] {
        world.say(connection, &stranger);
    }
    assert_eq!((world.heard(connection), world.0.ended(connection)), (vec![], None));
    world.say(connection, &offer("E", ""));
    assert_eq!(world.heard(connection).len(), 2);
    world.say(connection, &offer("E", ""));
    assert_eq!(world.heard(connection), [""; 0], "one offer");
}

#[test]
fn who_cannot_or_does_not_offer_is_left() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let connection = world.join();
    world.say(connection, PAIRED);
    world.say(connection, r#"5:::{"name":"message","args":[{"to":"W","message":"Unable to retrieve stream!","prefix":"webkit","from":"E"}]}"#);
    assert_eq!(world.0.ended(connection), Some(CloseCause::Peer));
    world.waits();
    let connection = world.join();
    world.say(connection, PAIRED);
    world.0.pass(Duration::from_secs(9));
    assert_eq!(world.0.ended(connection), None);
    world.0.pass(Duration::from_secs(1));
    assert_eq!(world.0.ended(connection), Some(CloseCause::Idle));
}

#[test]
fn what_flows_outlives_the_rendezvous_and_nothing_else_does() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let connection = world.join();
    world.0.cut(connection);
    assert!(world.0.ended(connection).is_some());
    world.waits();
    let connection = world.offered("");
    world.0.follow(connection, "flow x up cam");
    world.0.cut(connection);
    world.0.pass(Duration::from_secs(600));
    assert_eq!(world.0.ended(connection), None);
    assert_eq!(world.0.ordered(), 0, "one connection for one stream");
    world.0.follow(connection, "lost x up cam");
    assert_eq!(world.0.ended(connection), Some(CloseCause::Peer));
    assert_eq!(world.waits(), 1);
}

#[test]
fn a_silent_server_is_left() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let connection = world.join();
    world.0.pass(Duration::from_secs(59));
    world.say(connection, "2::");
    world.0.pass(Duration::from_secs(59));
    assert_eq!(world.0.ended(connection), None);
    world.0.pass(Duration::from_secs(1));
    assert_eq!(world.0.ended(connection), Some(CloseCause::Silent));
}

#[test]
fn two_of_one_name_do_not_disturb_each_other() {
    let pull = dialect(&["http://h/den/cam", "http://h/den/cam"]);
    let mut world = World::new(&pull);
    let first = world.offered("");
    world.0.follow(first, "flow x up cam");
    let second = world.offered("");
    assert_eq!(world.0.ended(second), Some(CloseCause::Peer));
    assert_eq!(world.0.ended(first), None);
}

#[test]
fn a_server_that_stops_pulls_nothing_new() {
    let pull = dialect(&["http://h/den/cam", "http://h/den/other"]);
    let mut world = World::new(&pull);
    let flowing = world.offered("");
    world.0.follow(flowing, "flow x up cam");
    let (_, waiting) = world.0.connect().expect("the other");
    world.0.drain().expect("everybody is told");
    assert_eq!(world.0.ended(waiting), Some(CloseCause::Shutdown));
    assert_eq!(world.0.ended(flowing), Some(CloseCause::Shutdown), "nobody views it");
    world.0.pass(Duration::from_secs(60));
    assert_eq!(world.0.ordered(), 0);
}

#[test]
fn a_server_that_stops_pulls_on_what_is_viewed_until_it_is_no_more() {
    let pull = dialect(&["http://h/den/cam"]);
    let mut world = World::new(&pull);
    let flowing = world.offered("");
    world.0.follow(flowing, "flow x up cam");
    let handshake = Handshake { path: Some("audience".to_owned()), ..Handshake::default() };
    let viewer = world.0.open(&handshake).expect("everybody is let in");
    world.say(viewer, "cam");
    world.0.drain().expect("everybody is told");
    for _ in 0..10 {
        world.0.pass(Duration::from_secs(5));
        world.say(flowing, "2::");
    }
    assert_eq!(world.0.ended(flowing), None, "it is viewed");
    world.say(viewer, "");
    world.0.pass(Duration::from_millis(500));
    assert_eq!(world.0.ended(flowing), Some(CloseCause::Shutdown));
}

/// P3: what is announced as PCMU and is AAC is heard by nobody.
#[test]
fn sound_that_nobody_knows_is_not_let_in() {
    for (extra, kinds) in
        [("", Kinds::ALL), (r"a=ext-rtpmap:0 mpeg4-generic/44100/2\r\n", Kinds { audio: false, video: true })]
    {
        let pull = dialect(&["http://h/den/cam"]);
        let mut world = World::new(&pull);
        let connection = world.offered(extra);
        world.0.follow(connection, "flow x up cam");
        assert_eq!(world.0.accepts(connection), Some(kinds), "{extra}");
    }
}
