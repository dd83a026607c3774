//! What transcripts cannot show: ends without a farewell, floods, and the store.

use std::net::IpAddr;
use std::time::Duration;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_ers::rendezvous::{Rendezvous, Settings};
use patchbay_dialect_kit::CloseCause;
use patchbay_dialect_kit::job::{Key, Table};
use patchbay_dialect_kit::testing::{Delivery, Handshake, Heard, Input, SessionWorld, World};

fn with_world(settings: Settings, delivery: Delivery, test: impl FnOnce(&mut SessionWorld<'_>)) {
    let ers = Rendezvous::new(Lang(5), Realm(0), settings);
    let realms = vec![RealmLimits { rooms: 0, members: 0, presence: false, ..RealmLimits::default() }];
    let mut world = SessionWorld::new(&ers, Limits { realms }, delivery, 0x000);
    test(&mut world);
    assert_eq!(world.hub().check(), []);
}

fn open(world: &mut SessionWorld<'_>, id: &str, from: &str) -> usize {
    let from: IpAddr = from.parse().expect("an address");
    let handshake = Handshake { id: Some(id.to_owned()), from: Some(from), ..Handshake::default() };
    let connection = world.open(&handshake).expect("admitted");
    let greeting = heard(world, connection);
    assert_eq!(greeting.len(), 4, "{greeting:?}");
    connection
}

fn heard(world: &mut SessionWorld<'_>, connection: usize) -> Vec<String> {
    let text = |heard| match heard {
        Heard::Text(text) => String::from_utf8(text).expect("text"),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| world.hear(connection, Duration::ZERO)).map(text).collect()
}

fn says(world: &mut SessionWorld<'_>, connection: usize, text: &str) -> Vec<String> {
    world.say(connection, &Input::Text(text.to_owned())).expect("it stands");
    let mut told = heard(world, connection);
    told.retain(|text| text != "2::");
    told
}

fn server(world: &mut SessionWorld<'_>, connection: usize, room: &str, token: &str) -> String {
    let join = format!(r#"5:1+::{{"name":"join","args":["{room}",{{"RMS":true,"rmsToken":"{token}"}}]}}"#);
    says(world, connection, &join).join(" ")
}

fn viewer(world: &mut SessionWorld<'_>, connection: usize, room: &str, token: &str) -> String {
    let join = format!(r#"5:1+::{{"name":"join","args":["{room}",{{"token":{token},"streamName":"s"}}]}}"#);
    let mut told = says(world, connection, &join);
    if told.is_empty() {
        world.pass(Duration::from_secs(1));
        told = heard(world, connection);
    }
    told.join(" ")
}

const ALONE: &str = r#"6:::1+[null,{"clients":{}}]"#;
const NO_ROOM: &str = r#"6:::1+["invalidRoom"]"#;
const NO_TOKEN: &str = r#"6:::1+["invalidToken"]"#;

#[test]
fn who_answers_no_heartbeat_for_a_minute_is_gone() {
    with_world(Settings::default(), Delivery::Eager, |world| {
        let connection = open(world, "e", "192.0.2.1");
        world.pass(Duration::from_secs(84));
        assert_eq!(heard(world, connection), ["2::"]);
        assert_eq!(world.ended(connection), None);
        world.pass(Duration::from_secs(2));
        assert_eq!(world.ended(connection), Some(CloseCause::Silent));
    });
}

#[test]
fn who_says_that_it_goes_is_told_so_and_its_room_is_free() {
    with_world(Settings::default(), Delivery::Eager, |world| {
        let [one, other] = ["e", "f"].map(|id| open(world, id, "192.0.2.1"));
        assert_eq!(server(world, one, "room", ""), ALONE);
        assert_eq!(says(world, one, "0::"), ["0::", "Closed(Some(1000))"]);
        assert_eq!(server(world, other, "room", ""), ALONE);
    });
}

/// C14, without the admin interface.
#[test]
fn rooms_are_free_until_one_is_listed() {
    with_world(Settings::default(), Delivery::Eager, |world| {
        let [one, other] = ["e", "f"].map(|id| open(world, id, "192.0.2.1"));
        assert_eq!(server(world, one, "other", ""), ALONE);
        world.jobs().put(Table::Setting, "ers/rooms", "1");
        world.jobs().put(Table::Setting, "ers/room/ok", "{}");
        assert_eq!(server(world, one, "other", ""), NO_ROOM);
        assert_eq!(viewer(world, other, "other", "null"), NO_ROOM);
        assert_eq!(server(world, one, "ok", ""), ALONE);
        world.jobs().records.clear();
        assert_eq!(server(world, one, "other", ""), ALONE);
    });
    let settings = Settings { allowed_rooms: ["ok".to_owned()].into(), ..Settings::default() };
    with_world(settings, Delivery::Eager, |world| {
        let one = open(world, "e", "192.0.2.1");
        assert_eq!(server(world, one, "other", ""), NO_ROOM);
        assert_eq!(server(world, one, "ok", ""), ALONE);
    });
}

/// C15, without the admin interface.
#[test]
fn media_servers_show_their_token_where_there_is_one() {
    const NO: &str = r#"6:::1+["invalidRmsToken"]"#;
    with_world(Settings::default(), Delivery::Eager, |world| {
        let one = open(world, "e", "192.0.2.1");
        world.jobs().put(Table::Setting, "ers/ems-tokens", "1");
        world.jobs().put(Table::Setting, "ers/ems-token/right", "{}");
        for wrong in ["", "wrong", "right "] {
            assert_eq!(server(world, one, "room", wrong), NO, "{wrong}");
        }
        assert_eq!(server(world, one, "room", "right"), ALONE);
        let ems = r#"5:1+::{"name":"join","args":["room",{"ems":true}]}"#;
        assert_eq!(says(world, one, ems), [r#"6:::1+["invalidEmsToken"]"#]);
        let viewer_needs_none = viewer(world, one, "room", "null");
        assert_eq!(viewer_needs_none, ALONE);
    });
    let settings = Settings { server_tokens: vec!["right".into()], ..Settings::default() };
    with_world(settings, Delivery::Eager, |world| {
        let one = open(world, "e", "192.0.2.1");
        assert_eq!(server(world, one, "room", "wrong"), NO);
        assert_eq!(server(world, one, "room", "right"), ALONE);
    });
}

fn tokens() -> Settings {
    Settings { tokens_enabled: true, ..Settings::default() }
}

/// T1.
#[test]
fn a_viewer_without_a_token_that_is_known_is_refused() {
    with_world(tokens(), Delivery::Eager, |world| {
        let one = open(world, "w", "192.0.2.1");
        for token in ["null", "5", "\"\"", "\"unknown\"", &format!("\"{}\"", "t".repeat(300))] {
            assert_eq!(viewer(world, one, "room", token), NO_TOKEN, "{token}");
        }
        assert_eq!(server(world, one, "room", ""), ALONE, "media servers need none");
    });
}

/// T2 and T3.
#[test]
fn a_token_is_its_first_viewers_for_ten_minutes() {
    with_world(tokens(), Delivery::Eager, |world| {
        world.jobs().put(Table::Token, "/ers/token/t", "viewer");
        let key = Key::new(Table::Token, "/ers/token/t");
        // An unused one waits for as long as it takes.
        world.pass(Duration::from_secs(3_600));
        let device = open(world, "e", "192.0.2.9");
        let one = open(world, "w", "192.0.2.1");
        assert_eq!(server(world, device, "room", ""), ALONE);
        assert!(viewer(world, one, "room", "\"t\"").contains(r#"{"e":{"#), "accepted");
        let other = open(world, "v", "192.0.2.2");
        assert_eq!(viewer(world, other, "room", "\"t\""), NO_TOKEN);
        // The player comes back on another connection, from the same address in another form.
        world.say(one, &Input::Reset).expect("it stands");
        let beats = |world: &mut SessionWorld<'_>, seconds: u64| {
            for _ in 0..seconds / 20 {
                world.pass(Duration::from_secs(20));
                // Gone ones say nothing.
                let _ended = world.say(other, &Input::Text("2::".to_owned()));
            }
        };
        beats(world, 540);
        let again = open(world, "x", "::ffff:192.0.2.1");
        assert_eq!(viewer(world, again, "room", "\"t\""), ALONE);
        beats(world, 40);
        assert_eq!(viewer(world, again, "room", "\"t\""), ALONE, "9 minutes and 40 seconds");
        world.pass(Duration::from_secs(21));
        assert!(world.jobs().records.contains_key(&key));
        let late = open(world, "y", "192.0.2.1");
        assert_eq!(viewer(world, late, "room", "\"t\""), NO_TOKEN);
        assert!(!world.jobs().records.contains_key(&key), "it is deleted");
    });
}

#[test]
fn without_the_store_nobody_is_let_in_and_all_may_try_again() {
    with_world(tokens(), Delivery::Eager, |world| {
        let one = open(world, "e", "192.0.2.1");
        world.jobs().gone = true;
        assert_eq!(server(world, one, "room", ""), r#"6:::1+["taken"]"#);
        assert_eq!(viewer(world, one, "room", "\"t\""), ALONE);
        world.jobs().gone = false;
        assert_eq!(server(world, one, "room", ""), ALONE);
    });
}

#[test]
fn what_is_said_while_the_store_is_asked_waits_and_too_much_of_it_ends_the_connection() {
    // The world's store answers before the next frame, so nothing waits there but behind what a slow reader keeps.
    with_world(Settings::default(), Delivery::Lazy, |world| {
        let [device, one] = ["e", "w"].map(|id| open(world, id, "192.0.2.1"));
        assert_eq!(server(world, device, "room", ""), ALONE);
        world.say(one, &Input::Text(r#"5:1+::{"name":"join","args":["room",{"streamName":"s"}]}"#.into())).expect("ok");
        // The device has not been handed its call yet: the viewer waits for it, and leaves.
        world.say(one, &Input::Text(r#"5:::{"name":"leave"}"#.into())).expect("ok");
        assert_eq!(heard(world, one), [ALONE]);
        assert_eq!(heard(world, device), [""; 0], "it never heard of that viewer");
        assert!(viewer(world, one, "room", "null").is_empty() || world.ended(one).is_none());
        assert_eq!(heard(world, device).len(), 1, "and waits as before");
    });
}

#[test]
fn a_flood_is_read_more_slowly_and_nothing_of_it_is_lost() {
    let rate = patchbay_dialect_kit::Rate { per_second: 10, burst: 5 };
    with_world(Settings { rate, ..Settings::default() }, Delivery::Eager, |world| {
        let one = open(world, "e", "192.0.2.1");
        let begun = world.now();
        for number in 0..25 {
            let text = format!(r#"5:{number}+::{{"name":"create","args":["room"]}}"#);
            assert_eq!(says(world, one, &text), [format!(r#"6:::{number}+[null,"room"]"#)]);
        }
        assert!(world.now().since(begun) >= Duration::from_millis(1_900), "{:?}", world.now().since(begun));
        // What goes to the partner is not counted.
        let other = open(world, "w", "192.0.2.2");
        says(world, one, r#"5:1+::{"name":"join","args":["room",{"RMS":true}]}"#);
        says(world, other, r#"5:1+::{"name":"join","args":["room",{"streamName":"s"}]}"#);
        assert_eq!(heard(world, one).len(), 1);
        let begun = world.now();
        for _ in 0..1_000 {
            assert!(says(world, other, r#"5:::{"name":"message","args":[{"to":"e"}]}"#).is_empty());
        }
        assert_eq!(world.now().since(begun), Duration::ZERO);
        assert_eq!(heard(world, one).len(), 1_000);
    });
}

/// ers.md section 1.4: once a media server waits, before it hears of a player; players are told nothing of it.
#[test]
fn media_servers_are_told_how_often_to_try_where_that_is_set() {
    let param = r#"5:::{"name":"iceparam","args":[{"maxretries":"80"}]}"#;
    let settings = Settings { ice_retries: Some(80), ..Settings::default() };
    with_world(settings, Delivery::Eager, |world| {
        let device = open(world, "EEEEEEEEEEEEEEEEEEEE", "192.0.2.1");
        assert_eq!(server(world, device, "den", ""), format!("{ALONE} {param}"));
        let player = open(world, "WWWWWWWWWWWWWWWWWWWW", "192.0.2.2");
        assert!(!viewer(world, player, "den", "null").contains("iceparam"));
        let second = open(world, "FFFFFFFFFFFFFFFFFFFF", "192.0.2.3");
        server(world, second, "other", "");
        let third = open(world, "GGGGGGGGGGGGGGGGGGGG", "192.0.2.4");
        assert_eq!(server(world, third, "other", ""), r#"6:::1+["taken"]"#, "who may not wait is told nothing");
    });
    with_world(Settings::default(), Delivery::Eager, |world| {
        let device = open(world, "EEEEEEEEEEEEEEEEEEEE", "192.0.2.1");
        assert_eq!(server(world, device, "den", ""), ALONE);
    });
}
