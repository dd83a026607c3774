//! What needs other settings or limits than the defaults: transcripts that stand here, since the folder's are run with
//! the defaults everywhere.

use std::time::Duration;

use patchbay_core::{Codec, Lang, Limits, Realm, RealmLimits, Speaks};
use patchbay_dialect_antmedia::security::{Checks, Security};
use patchbay_dialect_antmedia::{AntMedia, Settings};
use patchbay_dialect_kit::testing::{Delivery, Handshake, Input, Script, SessionWorld, World, run};
use patchbay_dialect_kit::{IceServer, Rate};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x001;

fn limits(codecs: &[Codec]) -> RealmLimits {
    let codecs = Some(codecs.into());
    RealmLimits { rooms: 0, members: 0, window: Duration::ZERO, codecs, ..RealmLimits::default() }
}

const BOTH: &[Codec] = &[Codec::Opus, Codec::Vp8];

/// `a` publishes `s`, `b` and `c` play it; what they hear on the way is the matter of other transcripts.
const STREAM: &str = r#"
+a
>a {"command":"publish","streamId":"s","video":false}
<a {"command":"start","streamId":"s"}
>a {"command":"takeConfiguration","streamId":"s","type":"offer","sdp":"v=0\r\nm=application\r\n"}
?a 1ms {"streamId":"s"}
!flow a up s
<a {"command":"notification","definition":"publish_started","streamId":"s"}
+b
>b {"command":"play","streamId":"s"}
?b 1ms {"streamId":"s"}
+c
"#;

fn play(settings: Settings, limits: RealmLimits, lines: &str) {
    let antmedia = AntMedia::new(Lang(2), Realm(0), settings);
    for delivery in [Delivery::Eager, Delivery::Lazy] {
        let script = Script::parse("settings", &format!("# {SEED}\nonly sessions\n{lines}"));
        let script = script.unwrap_or_else(|failure| panic!("{failure}"));
        let mut world = SessionWorld::new(&antmedia, Limits { realms: vec![limits.clone()] }, delivery, SEED);
        run(&script, &mut world).unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// Case 76 of antmedia section 13, and 75 once more, so that one can see the difference.
#[test]
fn whom_a_player_reaches_is_a_setting() {
    for (speaks, publisher, others) in
        [(Speaks::No, "nothing", "nothing"), (Speaks::ToPublisher, "hi", "nothing"), (Speaks::ToAll, "hi", "hi")]
    {
        let lines = format!(
            "{STREAM}>c {{\"command\":\"play\",\"streamId\":\"s\"}}\n?c 1ms {{\"streamId\":\"s\"}}\n\
            !data b down s hi\n!hears a up s {publisher}\n!hears c down s {others}\n!hears b down s nothing\n\
            !data a up s ho\n!hears b down s ho\n!hears c down s ho\n"
        );
        play(Settings { speaks, ..Settings::default() }, limits(BOTH), &lines);
    }
}

/// Case 84.
#[test]
fn a_stream_has_so_many_players_and_no_more() {
    let lines = r#">c {"command":"play","streamId":"s"}
        <c {"command":"error","definition":"viewerLimitReached","streamId":"s"}
        >b {"command":"stop","streamId":"s"}
        <b {"command":"notification","definition":"play_finished","streamId":"s"}
        >c {"command":"play","streamId":"s"}
        ?c 1ms {"streamId":"s"}"#;
    let one = RealmLimits { viewers: 1, ..limits(BOTH) };
    play(Settings::default(), one, &format!("{STREAM}{lines}"));
}

/// Case 86: a kind that is published needs a codec; data needs none.
#[test]
fn without_codecs_only_data_is_published() {
    let none = limits(&[]);
    let refused = r#"<a {"command":"error","definition":"no_codec_enabled_in_the_server","streamId":"s"}"#;
    let lines = format!(
        "+a\n>a {{\"command\":\"publish\",\"streamId\":\"s\"}}\n{refused}\n\
        >a {{\"command\":\"publish\",\"streamId\":\"s\",\"video\":false}}\n{refused}\n\
        >a {{\"command\":\"publish\",\"streamId\":\"s\",\"audio\":false}}\n{refused}\n\
        >a {{\"command\":\"publish\",\"streamId\":\"s\",\"audio\":false,\"video\":false}}\n\
        <a {{\"command\":\"start\",\"streamId\":\"s\"}}\n"
    );
    play(Settings::default(), none, &lines);
    let sound = limits(&[Codec::Opus]);
    let lines = format!(
        "+a\n>a {{\"command\":\"publish\",\"streamId\":\"s\"}}\n{refused}\n\
        >a {{\"command\":\"publish\",\"streamId\":\"s\",\"video\":false}}\n\
        <a {{\"command\":\"start\",\"streamId\":\"s\"}}\n"
    );
    play(Settings::default(), sound, &lines);
}

/// As the machine itself, codecs come before who is asked for what (antmedia.md section 9.1).
#[test]
fn what_the_server_lacks_is_said_before_a_token_is_asked_for() {
    let publish = Checks { token: true, ..Checks::default() };
    let settings = || {
        let security = Security { stored: true, publish: publish.clone(), ..Security::default() };
        Settings { security, ..Settings::default() }
    };
    let asks = "+a\n>a {\"command\":\"publish\",\"streamId\":\"s\"}\n";
    for (codecs, error) in [(&[][..], "no_codec_enabled_in_the_server"), (BOTH, "unauthorized_access")] {
        let lines = format!("{asks}<a {{\"command\":\"error\",\"definition\":\"{error}\",\"streamId\":\"s\"}}\n");
        play(settings(), limits(codecs), &lines);
    }
}

#[test]
fn an_ice_server_is_named_with_its_user() {
    let server = IceServer {
        uri: "turn:turn.example:3478".to_owned(),
        username: "u".to_owned(),
        credential: "secret".to_owned(),
    };
    assert!(!format!("{server:?}").contains("secret"));
    let lines = "+a\n>a {\"command\":\"getIceServerConfig\"}\n\
        <a {\"command\":\"iceServerConfig\",\"stunServerUri\":\"turn:turn.example:3478\",\
        \"turnServerUsername\":\"u\",\"turnServerCredential\":\"secret\"}\n";
    play(Settings { ice_server: Some(server), ..Settings::default() }, limits(BOTH), lines);
}

#[test]
fn the_publish_timeout_is_a_setting() {
    let lines = "+a\n>a {\"command\":\"publish\",\"streamId\":\"s\"}\n<a {\"command\":\"start\",\"streamId\":\"s\"}\n\
        =a nothing 199ms\n<a {\"command\":\"error\",\"definition\":\"publishTimeoutError\",\"streamId\":\"s\"}\n";
    play(Settings { publish_timeout: Duration::from_millis(200), ..Settings::default() }, limits(BOTH), lines);
}

/// Above the rate a client is read more slowly and loses nothing; candidates are exempt, and so is what leads to nothing.
#[test]
fn above_the_rate_a_client_is_read_more_slowly_and_loses_nothing() {
    let settings = Settings { rate: Rate { per_second: 10, burst: 5 }, ..Settings::default() };
    let antmedia = AntMedia::new(Lang(2), Realm(0), settings);
    let mut world = SessionWorld::new(&antmedia, Limits { realms: vec![limits(BOTH)] }, Delivery::Eager, SEED);
    let client = world.open(&Handshake::default()).expect("the session world admits everybody");
    let mut took = |text: &str| {
        let began = world.now();
        world.say(client, &Input::Text(text.to_owned())).expect("the connection stands");
        world.now().since(began)
    };
    assert_eq!(took(r#"{"command":"publish","streamId":"s"}"#), Duration::ZERO);
    for free in [
        r#"{"command":"ping"}"#,
        r#"{"command":"stop","streamId":"other"}"#,
        r#"{"command":"takeCandidate","streamId":"s","candidate":"candidate:1"}"#,
        r#"{"command":"toggleVideo","streamId":"s","trackId":"s"}"#,
        r#"{"command":"zzz","streamId":"s"}"#,
    ] {
        assert!((0..20).all(|_| took(free) == Duration::ZERO), "{free}");
    }
    // Each costs one of what is left; what is said after the last waits until there is another.
    for costs in [
        r#"{"command":"play","streamId":"t"}"#,
        r#"{"command":"getTrackList","streamId":"t"}"#,
        r#"{"command":"getStreamInfo","streamId":"t"}"#,
        r#"{"command":"enableTrack","streamId":"s","trackId":"s"}"#,
        r#"{"command":"takeConfiguration","streamId":"s","type":"offer","sdp":"v=0\r\nm=audio"}"#,
    ] {
        assert_eq!(took(costs), Duration::ZERO, "{costs}");
    }
    let token = Duration::from_millis(100);
    assert_eq!(took(r#"{"command":"stop","streamId":"s"}"#), token);
    assert_eq!(took(r#"{"command":"ping"}"#), token);
    assert_eq!(took(r#"{"command":"ping"}"#), Duration::ZERO);
}
