use patchbay_dialect_kit::job::Table;

use super::*;
use crate::records::Conference;
use crate::security::jwt::Claims;
use crate::security::{Checks, Secret};

/// 22 September 2026, in milliseconds and in seconds.
const NOW_MS: u64 = 1_790_000_000_000;
const NOW: i64 = 1_790_000_000;

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn wish(purpose: Purpose, stream: &str) -> Wish {
    Wish {
        purpose,
        stream: name(stream),
        room: None,
        token: None,
        subscriber: None,
        code: None,
        meta_data: None,
        only_asks: false,
        is_room: false,
        in_room: false,
    }
}

fn both(checks: Checks) -> Security {
    let key = Secret::new(b"0123456789abcdef0123456789abcdef");
    Security {
        app: Arc::from("live"),
        stored: true,
        publish: checks.clone(),
        play: checks,
        jwt_key: Some(key.clone()),
        hash_secret: Some(key),
        ..Security::default()
    }
}

fn record(value: &impl Stored) -> Option<Record> {
    Some(value.record().expect("it fits"))
}

/// The error's definition, or what passes.
fn outcome(security: &Security, wish: &Wish, facts: &Facts) -> Result<Pass, &'static str> {
    decide(security, wish, facts, NOW_MS).map_err(WireError::definition)
}

fn error(security: &Security, wish: &Wish, facts: &Facts) -> Option<&'static str> {
    outcome(security, wish, facts).err()
}

const UNAUTHORIZED: Option<&str> = Some("unauthorized_access");

#[test]
fn without_settings_everybody_may_do_everything() {
    for purpose in [Purpose::Publish, Purpose::Play] {
        let pass = outcome(&Security::default(), &wish(purpose, "s"), &Facts::default()).expect("allowed");
        assert!(pass.ask.is_none() && pass.spend.is_none() && pass.listener.is_none());
        assert!(needs(&Security::default(), &wish(purpose, "s")).is_empty(), "nothing is stored");
    }
}

#[test]
fn only_what_matters_is_fetched_and_under_the_applications_own_name() {
    let mut wanted = wish(Purpose::Publish, "s");
    wanted.token = Some("t".into());
    wanted.subscriber = Some("alice@example.com".into());
    wanted.room = Some(name("r"));
    let found = |security: &Security, wish: &Wish| {
        let keys = needs(security, wish).into_iter().map(|(fact, key)| (fact, key.table, key.key.to_string()));
        keys.collect::<Vec<_>>()
    };
    let of = |fact, table, key: &str| (fact, table, key.to_owned());
    let stream = of(Fact::Broadcast, Table::Broadcast, "live/s");
    let room = of(Fact::Room, Table::Broadcast, "live/r");
    let subscriber = of(Fact::Subscriber, Table::Subscriber, "live/s/alice@example.com");
    let open = both(Checks::default());
    assert_eq!(found(&open, &wanted), [stream.clone(), room.clone(), subscriber.clone()]);
    let token = of(Fact::Token, Table::Token, "live/t");
    let closed = both(Checks { token: true, ..Checks::default() });
    assert_eq!(found(&closed, &wanted), [stream.clone(), room, token, subscriber]);
    // What is no key is not looked for: a token of another application cannot be named.
    wanted = Wish { token: Some("../other/t".into()), subscriber: Some("a/b".into()), room: None, ..wanted };
    assert_eq!(found(&closed, &wanted), [stream]);
}

#[test]
fn only_streams_and_rooms_that_are_known_are_published() {
    let known = record(&Broadcast::default());
    let (stream, room) = (wish(Purpose::Publish, "s"), Wish { room: Some(name("r")), ..wish(Purpose::Publish, "s") });
    let unknown = Some("not_allowed_unregistered_streams");
    for (streams, rooms, wish, broadcast, main, expected) in [
        (true, false, &stream, &None, &None, unknown),
        (true, false, &stream, &known, &None, None),
        (true, false, &room, &None, &known, unknown),
        (false, true, &stream, &None, &None, None),
        (false, true, &room, &known, &None, unknown),
        (false, true, &room, &None, &known, None),
        (true, true, &room, &known, &known, None),
    ] {
        let security = Security { known_streams: streams, known_rooms: rooms, ..both(Checks::default()) };
        let facts = Facts { broadcast: broadcast.clone(), room: main.clone(), ..Facts::default() };
        assert_eq!(error(&security, wish, &facts), expected);
        let plays = Wish { purpose: Purpose::Play, ..wish.clone() };
        assert_eq!(error(&security, &plays, &facts), None, "players may look for anything");
    }
    let joins = |known, room: &Option<Record>| {
        let security = Security { known_rooms: known, ..both(Checks::default()) };
        joins(&security, room.as_ref(), NOW_MS).err().map(WireError::definition)
    };
    assert_eq!((joins(true, &None), joins(true, &known), joins(false, &None)), (unknown, None, None));
}

#[test]
fn each_date_counts_by_itself() {
    let expired = Some("stream_not_active_or_expired");
    for (start, end, expected) in [
        (0, 0, None),
        (NOW, 0, None),
        (NOW + 1, 0, expired),
        (0, NOW, None),
        (0, NOW - 1, expired),
        (NOW - 1, NOW + 1, None),
        (NOW + 1, NOW + 2, expired),
        (NOW - 2, NOW - 1, expired),
    ] {
        let planned = Broadcast { planned_start_date: start, planned_end_date: end, ..Broadcast::default() };
        let facts = Facts { broadcast: record(&planned), ..Facts::default() };
        assert_eq!(error(&both(Checks::default()), &wish(Purpose::Publish, "s"), &facts), expected, "{start} {end}");
        assert_eq!(error(&both(Checks::default()), &wish(Purpose::Play, "s"), &facts), None);
        let closed = expected.map(|_| "room_not_active_or_expired");
        let publishes = Wish { room: Some(name("r")), ..wish(Purpose::Publish, "s") };
        let room = Conference { start_date: start, end_date: end, ..Conference::default() };
        for room in [planned.clone(), Broadcast { room: Some(room), ..Broadcast::default() }] {
            let facts = Facts { room: record(&room), ..Facts::default() };
            assert_eq!(error(&both(Checks::default()), &publishes, &facts), closed, "{start} {end}");
        }
    }
    for (made_ms, lives_ms, expected) in
        [(NOW * 1_000, 0, None), (NOW * 1_000, 1, None), (NOW * 1_000 - 1, 1, expired), (i64::MAX, i64::MAX, None)]
    {
        let made = Broadcast { date: made_ms, expire_duration_ms: lives_ms, ..Broadcast::default() };
        let facts = Facts { broadcast: record(&made), ..Facts::default() };
        assert_eq!(error(&both(Checks::default()), &wish(Purpose::Publish, "s"), &facts), expected, "{made_ms}");
    }
}

fn token(purpose: Purpose, stream: &str, room: Option<&str>) -> Token {
    let room_id = room.map(str::to_owned);
    Token { token_id: "t".into(), stream_id: stream.into(), expire_date: NOW + 1, purpose, room_id }
}

#[test]
fn a_token_is_for_one_stream_and_one_purpose_and_is_used_up() {
    let security = both(Checks { token: true, ..Checks::default() });
    let shows = |purpose| Wish { token: Some("t".into()), ..wish(purpose, "s") };
    let fresh = token(Purpose::Publish, "s", None);
    let facts = |token: &Token| Facts { token: record(token), ..Facts::default() };
    let pass = outcome(&security, &shows(Purpose::Publish), &facts(&fresh)).expect("allowed");
    let spend = pass.spend.expect("it is used up");
    assert_eq!((&*spend.key.key, spend.is.is_none()), ("live/t", true));
    assert_eq!(spend.was, Was::Exactly(fresh.record().expect("it fits")), "of two who show it, one finds it gone");
    for (what, purpose, token) in [
        ("for playing", Purpose::Publish, Token { purpose: Purpose::Play, ..fresh.clone() }),
        ("for publishing", Purpose::Play, fresh.clone()),
        ("for another stream", Purpose::Publish, Token { stream_id: "t".into(), ..fresh.clone() }),
        ("over since this second", Purpose::Publish, Token { expire_date: NOW, ..fresh.clone() }),
        ("without an end", Purpose::Publish, Token { expire_date: 0, ..fresh.clone() }),
        ("of a strange time", Purpose::Publish, Token { expire_date: -1, ..fresh.clone() }),
    ] {
        assert_eq!(error(&security, &shows(purpose), &facts(&token)), UNAUTHORIZED, "{what}");
    }
    assert_eq!(error(&security, &wish(Purpose::Publish, "s"), &Facts::default()), UNAUTHORIZED, "none");
    assert_eq!(error(&security, &shows(Purpose::Publish), &Facts::default()), UNAUTHORIZED, "an unknown one");
    let asks = Wish { only_asks: true, ..shows(Purpose::Play) };
    let pass = outcome(&security, &asks, &facts(&token(Purpose::Play, "s", None))).expect("allowed");
    assert!(pass.spend.is_none() && pass.seat.is_none(), "who only asks uses nothing up");
    let broken = Facts { token: Some(Record(Arc::from(&b"{"[..]))), ..Facts::default() };
    assert_eq!(error(&security, &shows(Purpose::Publish), &broken), Some("data_store_not_available"));
}

#[test]
fn a_token_of_a_room_is_for_that_room_as_often_as_one_likes() {
    let security = both(Checks { token: true, ..Checks::default() });
    let (publish, play) = (Purpose::Publish, Purpose::Play);
    let in_room = record(&Broadcast { main_track_stream_id: Some("r".into()), ..Broadcast::default() });
    let room = record(&Broadcast { sub_track_stream_ids: vec!["s".into()], ..Broadcast::default() });
    let (kept, spent) = (Ok(true), Ok(false));
    for (what, token, purpose, stream, named, is_room, facts, expected) in [
        ("a room's, publishes into it", token(publish, "r", None), publish, "s", Some("r"), false, (None, None), kept),
        ("one made for a room", token(publish, "x", Some("r")), publish, "s", Some("r"), false, (None, None), kept),
        ("another room's", token(publish, "r2", None), publish, "s", Some("r"), false, (None, None), Err(())),
        (
            "its own, while it names a room",
            token(publish, "s", None),
            publish,
            "s",
            Some("r"),
            false,
            (None, None),
            spent,
        ),
        ("a room's, plays it", token(publish, "r", None), play, "r", None, true, (None, None), kept),
        ("a room's, known as one", token(publish, "r", None), play, "r", None, false, (room.clone(), None), kept),
        ("a stream's, plays it", token(publish, "s", None), play, "s", None, false, (None, None), Err(())),
        ("a player's, of what is in it", token(play, "r", None), play, "s", Some("r"), false, (in_room, None), kept),
        ("as before, by the room's record", token(play, "r", None), play, "s", Some("r"), false, (None, room), kept),
        ("a player's, of what is not", token(play, "r", None), play, "s", Some("r"), false, (None, None), Err(())),
        (
            "a room's, plays what it names",
            token(publish, "r", None),
            play,
            "s",
            Some("r"),
            false,
            (None, None),
            Err(()),
        ),
    ] {
        let wish = Wish { token: Some("t".into()), room: named.map(name), is_room, ..wish(purpose, stream) };
        let facts = Facts { broadcast: facts.0, room: facts.1, token: record(&token), subscriber: None };
        let found = outcome(&security, &wish, &facts).map(|pass| pass.spend.is_none()).map_err(|_| ());
        assert_eq!(found, expected, "{what}");
    }
}

#[test]
fn a_json_web_token_is_for_one_stream_and_one_purpose() {
    let security = both(Checks { jwt: true, ..Checks::default() });
    let key = security.jwt_key.clone().expect("a key");
    let expires = NOW_MS / 1_000 + 1;
    let made = |stream: &str, purpose, expires| {
        jwt::make(&Claims { stream: stream.into(), purpose, expires, begins: None }, &key)
    };
    for (what, token, purpose, stream, room, is_room, expected) in [
        ("its own", made("s", Purpose::Play, expires), Purpose::Play, "s", None, false, None),
        ("over", made("s", Purpose::Play, expires - 1), Purpose::Play, "s", None, false, UNAUTHORIZED),
        ("another's", made("t", Purpose::Play, expires), Purpose::Play, "s", None, false, UNAUTHORIZED),
        ("a publisher's", made("s", Purpose::Publish, expires), Purpose::Play, "s", None, false, UNAUTHORIZED),
        ("a player's", made("s", Purpose::Play, expires), Purpose::Publish, "s", None, false, UNAUTHORIZED),
        ("a room's", made("r", Purpose::Publish, expires), Purpose::Publish, "s", Some("r"), false, None),
        ("another room's", made("q", Purpose::Publish, expires), Purpose::Publish, "s", Some("r"), false, UNAUTHORIZED),
        ("a room's, plays it", made("r", Purpose::Publish, expires), Purpose::Play, "r", None, true, None),
        ("none", String::new(), Purpose::Play, "s", None, false, UNAUTHORIZED),
    ] {
        let wish = Wish { token: Some(token.into()), room: room.map(name), is_room, ..wish(purpose, stream) };
        assert_eq!(error(&security, &wish, &Facts::default()), expected, "{what}");
    }
    let keyless = Security { jwt_key: None, ..security.clone() };
    let shows = Wish { token: Some(made("s", Purpose::Play, expires).into()), ..wish(Purpose::Play, "s") };
    assert_eq!(error(&keyless, &shows, &Facts::default()), UNAUTHORIZED);
}

#[test]
fn a_hash_is_asked_for_where_it_is_switched_on() {
    let security = both(Checks { hash: true, ..Checks::default() });
    let given = hash::make("s", Purpose::Play, security.hash_secret.as_ref().expect("a secret"));
    let shows = |purpose, stream| Wish { token: Some(given.clone().into()), ..wish(purpose, stream) };
    assert_eq!(error(&security, &shows(Purpose::Play, "s"), &Facts::default()), None);
    assert_eq!(error(&security, &shows(Purpose::Publish, "s"), &Facts::default()), UNAUTHORIZED);
    assert_eq!(error(&security, &shows(Purpose::Play, "t"), &Facts::default()), UNAUTHORIZED);
    assert_eq!(error(&security, &wish(Purpose::Play, "s"), &Facts::default()), UNAUTHORIZED);
    let open = Security { hash_secret: None, ..security.clone() };
    assert_eq!(error(&open, &shows(Purpose::Play, "s"), &Facts::default()), UNAUTHORIZED);
}

#[test]
fn a_subscriber_shows_a_code() {
    let own = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let secret = Some(Secret::new(b"derived"));
    let security = both(Checks { time: true, time_secret: secret.clone(), ..Checks::default() });
    let now = NOW_MS / 1_000;
    let code = |key: &Secret| totp::code(key, 60, now);
    let derived = |purpose| code(&totp::derived_key(secret.as_ref().expect("one"), "alice", "s", purpose));
    let kept = code(&totp::own_key(own).expect("base 32"));
    let alice = Subscriber { subscriber_id: "alice".into(), b32_secret: Some(own.into()), ..Subscriber::default() };
    let publisher = Subscriber { purpose: Purpose::Publish, ..alice.clone() };
    let without = Subscriber { b32_secret: None, ..alice.clone() };
    let blocked =
        |kind: &str| Subscriber { block_type: Some(kind.into()), block_end_time: NOW * 1_000 + 1, ..alice.clone() };
    let wrong = "000000".to_owned();
    for (what, purpose, id, code, stored, expected) in [
        ("with a key of his own", Purpose::Play, Some("alice"), &kept, Some(&alice), None),
        ("with a wrong code", Purpose::Play, Some("alice"), &wrong, Some(&alice), UNAUTHORIZED),
        (
            "with the derived one instead",
            Purpose::Play,
            Some("alice"),
            &derived(Purpose::Play),
            Some(&alice),
            UNAUTHORIZED,
        ),
        ("without a name", Purpose::Play, None, &kept, None, UNAUTHORIZED),
        ("unknown, with a derived one", Purpose::Play, Some("alice"), &derived(Purpose::Play), None, None),
        ("known, with a derived one", Purpose::Play, Some("alice"), &derived(Purpose::Play), Some(&without), None),
        ("with a player's code", Purpose::Publish, Some("alice"), &derived(Purpose::Play), None, UNAUTHORIZED),
        ("a publisher who publishes", Purpose::Publish, Some("alice"), &kept, Some(&publisher), None),
        ("a publisher who plays", Purpose::Play, Some("alice"), &kept, Some(&publisher), None),
        ("a player who publishes", Purpose::Publish, Some("alice"), &kept, Some(&alice), UNAUTHORIZED),
        ("blocked", Purpose::Play, Some("alice"), &kept, Some(&blocked("play")), Some("user_blocked")),
        ("blocked, with a wrong code", Purpose::Play, Some("alice"), &wrong, Some(&blocked("play")), UNAUTHORIZED),
        ("blocked from something else", Purpose::Play, Some("alice"), &kept, Some(&blocked("publish")), None),
    ] {
        let wish = Wish { subscriber: id.map(Into::into), code: Some(code.as_str().into()), ..wish(purpose, "s") };
        let facts = Facts { subscriber: stored.and_then(record), ..Facts::default() };
        assert_eq!(error(&security, &wish, &facts), expected, "{what}");
    }
    let names =
        |code: &str| Wish { subscriber: Some("alice".into()), code: Some(code.into()), ..wish(Purpose::Play, "s") };
    let strict = Security { known_subscribers: true, ..security.clone() };
    assert_eq!(error(&strict, &names(&derived(Purpose::Play)), &Facts::default()), UNAUTHORIZED);
    // Who has been blocked is, whether a code is asked for or not.
    let facts = Facts { subscriber: record(&blocked("publish_play")), ..Facts::default() };
    assert_eq!(error(&both(Checks::default()), &names(""), &facts), Some("user_blocked"));
    // Without a secret of the application, nothing opens.
    let bare = both(Checks { time: true, ..Checks::default() });
    assert_eq!(error(&bare, &names(&derived(Purpose::Play)), &Facts::default()), UNAUTHORIZED);
}

#[test]
fn limits_of_records_are_found() {
    let security = both(Checks { time: true, ..Checks::default() });
    let alice = Subscriber {
        subscriber_id: "alice".into(),
        b32_secret: Some("GEZDGNBVGY3TQOJQ".into()),
        purpose: Purpose::Publish,
        ..Subscriber::default()
    };
    let code = totp::code(&totp::own_key("GEZDGNBVGY3TQOJQ").expect("base 32"), 60, NOW_MS / 1_000);
    let facts = Facts {
        broadcast: record(&Broadcast { web_rtc_viewer_limit: 2, ..Broadcast::default() }),
        room: record(&Broadcast { subtracks_limit: 5, ..Broadcast::default() }),
        subscriber: record(&alice),
        ..Facts::default()
    };
    let found = |purpose, facts: &Facts| {
        let wish = Wish {
            room: Some(name("r")),
            subscriber: Some("alice".into()),
            code: Some(code.as_str().into()),
            ..wish(purpose, "s")
        };
        let pass = outcome(&security, &wish, facts).expect("allowed");
        let is_hers = |(seat, most)| (seat == Seat::Subscriber(name("s"), "alice".into())).then_some(most);
        (pass.most, pass.seat.and_then(is_hers))
    };
    assert_eq!(found(Purpose::Publish, &facts), (Some(5), Some(Some(1))), "so many tracks, and one place");
    assert_eq!(found(Purpose::Play, &facts), (Some(2), Some(Some(1))), "so many viewers");
    let bare = Facts { broadcast: record(&Broadcast::default()), room: None, ..facts };
    assert_eq!(found(Purpose::Publish, &bare), (None, Some(Some(1))));
    assert_eq!(found(Purpose::Play, &bare), (None, Some(Some(1))), "no limit is none");
}

#[test]
fn a_server_is_asked_with_all_that_was_shown() {
    let security = both(Checks { ask: Some(Arc::from("https://example.com/may")), ..Checks::default() });
    let wish = Wish {
        token: Some("t".into()),
        subscriber: Some("alice".into()),
        code: Some("123456".into()),
        meta_data: Some("{\"k\":1}".into()),
        ..wish(Purpose::Play, "s")
    };
    let pass = outcome(&security, &wish, &Facts::default()).expect("it depends");
    let (url, body) = pass.ask.expect("somebody is asked");
    let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    assert_eq!(&*url, "https://example.com/may");
    let expected = json!({
        "appName": "live", "name": "s", "streamId": "s", "mode": "play", "mainTrack": "", "token": "t",
        "subscriberId": "alice", "subscriberCode": "123456", "metaData": "{\"k\":1}",
    });
    assert_eq!(body, expected);
}

/// The order of antmedia.md section 9.1, each error before the next.
#[test]
fn what_is_wrong_first_is_said() {
    let all = Checks { token: true, time: true, ask: Some(Arc::from("http://x")), ..Checks::default() };
    let mut security = Security { known_streams: true, ..both(all) };
    let wish = wish(Purpose::Publish, "s");
    let mut facts = Facts::default();
    assert_eq!(error(&security, &wish, &facts), Some("not_allowed_unregistered_streams"));
    facts.broadcast = record(&Broadcast { planned_start_date: NOW + 1, ..Broadcast::default() });
    assert_eq!(error(&security, &wish, &facts), Some("stream_not_active_or_expired"));
    facts.broadcast = record(&Broadcast::default());
    assert_eq!(error(&security, &wish, &facts), UNAUTHORIZED);
    security.publish = Checks { ask: Some(Arc::from("http://x")), ..Checks::default() };
    let pass = outcome(&security, &wish, &facts).expect("all is shown");
    assert!(pass.ask.is_some() && pass.most.is_none(), "the server is asked before it is let in");
}

#[test]
fn a_stream_may_have_somebody_of_its_own_who_is_told() {
    let security = Security { listener: Some(Arc::from("http://app")), ..both(Checks::default()) };
    let own = |url: Option<&str>| Facts {
        broadcast: record(&Broadcast { listener_hook_url: url.map(str::to_owned), ..Broadcast::default() }),
        ..Facts::default()
    };
    for (facts, expected) in [
        (Facts::default(), "http://app"),
        (own(None), "http://app"),
        (own(Some("")), "http://app"),
        (own(Some("http://own")), "http://own"),
    ] {
        let pass = outcome(&security, &wish(Purpose::Publish, "s"), &facts).expect("allowed");
        assert_eq!(pass.listener.as_deref(), Some(expected));
    }
}
