//! The interface of those who manage the server, beside the server: C13, C14, C15, T1 to T4.

use std::net::IpAddr;
use std::time::Duration;

use patchbay_core::{Hub, Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_ers::admin::Admin;
use patchbay_dialect_ers::rendezvous::{Rendezvous, Settings};
use patchbay_dialect_kit::testing::{Delivery, Handshake, Heard, Input, SessionWorld, World};

/// Both in one world, with one store.
fn with_both(settings: Settings, test: impl FnOnce(&mut SessionWorld<'_>)) {
    let ers = Rendezvous::new(Lang(5), Realm(0), settings.clone());
    let admin = Admin::new(Lang(6), Realm(0), settings);
    let realms = vec![RealmLimits { rooms: 0, members: 0, presence: false, ..RealmLimits::default() }];
    let hub = Hub::new(0, Limits { realms });
    let mut world = SessionWorld::of(hub, vec![("ers", &ers), ("admin", &admin)], Delivery::Eager, 0x000);
    test(&mut world);
    assert_eq!(world.hub().check(), []);
}

/// What is answered: the status and the body.
fn request(world: &mut SessionWorld<'_>, request: &str) -> (u64, String) {
    let handshake = Handshake { path: Some("admin".to_owned()), ..Handshake::default() };
    let connection = world.open(&handshake).expect("admitted");
    world.say(connection, &Input::Text(request.to_owned())).expect("it stands");
    match world.hear(connection, Duration::from_secs(10)) {
        Some(Heard::Text(text)) => {
            let heard: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
            let body = heard["body"].as_str().unwrap_or_default().to_owned();
            (heard["status"].as_u64().expect("a status"), body)
        }
        other => panic!("{request}: {other:?}"),
    }
}

fn ask(world: &mut SessionWorld<'_>, command: &str, id: &str) -> String {
    let (status, body) = request(world, &format!(r#"{{"method":"GET","path":"/?c={command}&i={id}"}}"#));
    assert_eq!(status, 200, "{body}");
    let envelope = format!(r#"{{"url":"/?c={command}&i={id}","status":""#);
    body.strip_prefix(&envelope).unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn done(data: &str) -> String {
    format!(r#"SUCCESS","description":"","data":{data}}}"#)
}

fn failed(description: &str) -> String {
    format!(r#"FAIL","description":"{description}","data":{{}}}}"#)
}

fn open(world: &mut SessionWorld<'_>, id: &str, from: &str) -> usize {
    let from: IpAddr = from.parse().expect("an address");
    let path = Some("ers".to_owned());
    let handshake = Handshake { path, id: Some(id.to_owned()), from: Some(from), ..Handshake::default() };
    let connection = world.open(&handshake).expect("admitted");
    assert_eq!(heard(world, connection).len(), 4);
    connection
}

fn heard(world: &mut SessionWorld<'_>, connection: usize) -> Vec<String> {
    let text = |heard| match heard {
        Heard::Text(text) => String::from_utf8(text).expect("text"),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| world.hear(connection, Duration::ZERO)).map(text).filter(|text| text != "2::").collect()
}

fn join(world: &mut SessionWorld<'_>, connection: usize, room: &str, data: &str) -> String {
    let text = format!(r#"5:1+::{{"name":"join","args":["{room}",{data}]}}"#);
    world.say(connection, &Input::Text(text)).expect("it stands");
    let mut told = heard(world, connection);
    if told.is_empty() {
        world.pass(Duration::from_secs(1));
        told = heard(world, connection);
    }
    told.join(" ")
}

const ALONE: &str = r#"6:::1+[null,{"clients":{}}]"#;
const RMS: &str = r#"{"RMS":true}"#;

/// C13.
#[test]
fn version_has_the_references_bytes_and_what_is_unknown_fails() {
    with_both(Settings::default(), |world| {
        let (status, body) = request(world, r#"{"method":"GET","path":"/?c=version&i="}"#);
        assert_eq!(status, 200);
        assert_eq!(body, r#"{"url":"/?c=version&i=","status":"SUCCESS","description":"","data":{"version":"2.0.0"}}"#);
        assert_eq!(ask(world, "VERSION", "x"), done(r#"{"version":"2.0.0"}"#));
        assert_eq!(ask(world, "reboot", ""), failed("Unknown command: reboot"));
        assert_eq!(ask(world, "", ""), failed("Unknown command: "));
        let (status, body) = request(world, r#"{"method":"GET","path":"/"}"#);
        assert_eq!(
            (status, body.as_str()),
            (200, r#"{"url":"/","status":"FAIL","description":"Unknown command: ","data":{}}"#)
        );
        assert_eq!(request(world, r#"{"method":"GET","path":"/other?c=version"}"#).0, 404);
        assert_eq!(request(world, r#"{"method":"POST","path":"/?c=version&i="}"#).0, 405);
    });
}

/// C14.
#[test]
fn rooms_are_allowed_and_free_again() {
    with_both(Settings::default(), |world| {
        let device = open(world, "e", "192.0.2.1");
        assert_eq!(ask(world, "listRooms", ""), done(r#"{"rooms":[]}"#));
        assert_eq!(ask(world, "addRoom", "ok"), done(r#"{"room":"ok"}"#));
        assert_eq!(ask(world, "addRoom", "ok"), failed("This room exists already"));
        assert_eq!(join(world, device, "other", RMS), r#"6:::1+["invalidRoom"]"#);
        assert_eq!(join(world, device, "ok", RMS), ALONE);
        assert_eq!(
            ask(world, "listRooms", ""),
            done(r#"{"rooms":[{"room":"ok","allowed":true,"ems":true,"clients":0}]}"#)
        );
        assert_eq!(ask(world, "delRoom", "other"), failed("There is no such room"));
        assert_eq!(ask(world, "delRoom", "ok"), done(r#"{"room":"ok"}"#));
        assert_eq!(join(world, device, "other", RMS), ALONE);
        assert!(world.jobs().records.is_empty(), "nothing is left behind");
        for wrong in ["", "a%22b", "a%5Cb", &"r".repeat(129), "%ff"] {
            assert_eq!(ask(world, "addRoom", wrong), failed("Parameter i is missing or invalid"), "{wrong}");
        }
        assert_eq!(ask(world, "addroom", "caf%C3%A9+1"), done(r#"{"room":"café 1"}"#));
    });
}

#[test]
fn rooms_are_listed_with_who_is_in_them() {
    let settings = Settings { allowed_rooms: ["a".to_owned(), "b".to_owned()].into(), ..Settings::default() };
    with_both(settings, |world| {
        let [one, other, player] = ["e", "f", "w"].map(|id| open(world, id, "192.0.2.1"));
        assert_eq!(ask(world, "addRoom", "c"), done(r#"{"room":"c"}"#));
        assert_eq!(ask(world, "addRoom", "a"), failed("This room exists already"));
        assert_eq!(ask(world, "delRoom", "a"), failed("It is set in the configuration; change it there"));
        join(world, one, "a", RMS);
        join(world, other, "c", RMS);
        assert!(join(world, player, "c", r#"{"streamName":"s"}"#).contains("\"f\""));
        assert_eq!(
            ask(world, "listRooms", ""),
            done(concat!(
                r#"{"rooms":[{"room":"a","allowed":true,"ems":true,"clients":0},"#,
                r#"{"room":"b","allowed":true,"ems":false,"clients":0},"#,
                r#"{"room":"c","allowed":true,"ems":true,"clients":1}]}"#
            ))
        );
    });
    with_both(Settings::default(), |world| {
        let mut expected = Vec::new();
        // More than the hub tells at once.
        for number in 0..2_100 {
            let device = open(world, &format!("e{number}"), "192.0.2.1");
            let room = format!("r{number:04}");
            join(world, device, &room, RMS);
            expected.push(format!(r#"{{"room":"{room}","allowed":true,"ems":true,"clients":0}}"#));
        }
        assert_eq!(ask(world, "listRooms", ""), done(&format!(r#"{{"rooms":[{}]}}"#, expected.join(","))));
    });
}

/// C15.
#[test]
fn tokens_of_media_servers_are_asked_for_as_soon_as_there_is_one() {
    let settings = Settings { server_tokens: vec!["configured".into()], ..Settings::default() };
    with_both(Settings::default(), |world| {
        let device = open(world, "e", "192.0.2.1");
        assert_eq!(join(world, device, "room", RMS), ALONE);
        assert_eq!(ask(world, "addEMSToken", "right"), done(r#"{"token":"right"}"#));
        assert_eq!(join(world, device, "room", r#"{"RMS":true,"rmsToken":"wrong"}"#), r#"6:::1+["invalidRmsToken"]"#);
        assert_eq!(join(world, device, "room", r#"{"RMS":true,"rmsToken":"right"}"#), ALONE);
        for name in ["listEMSToken", "listEMSTokens"] {
            assert_eq!(ask(world, name, ""), done(r#"{"tokens":[{"token":"right"}]}"#));
        }
        assert_eq!(ask(world, "delEMSToken", "right"), done(r#"{"token":"right"}"#));
        assert_eq!(join(world, device, "room", RMS), ALONE);
    });
    with_both(settings, |world| {
        assert_eq!(ask(world, "delEMSToken", "configured"), failed("It is set in the configuration; change it there"));
        assert_eq!(ask(world, "addEMSToken", "added"), done(r#"{"token":"added"}"#));
        assert_eq!(ask(world, "listEMSToken", ""), done(r#"{"tokens":[{"token":"added"},{"token":"configured"}]}"#));
    });
}

/// T1 to T3, with what is listed meanwhile.
#[test]
fn tokens_of_players_are_listed_until_their_time_is_over() {
    with_both(Settings { tokens_enabled: true, ..Settings::default() }, |world| {
        let [one, other] = [("w", "192.0.2.1"), ("v", "192.0.2.2")].map(|(id, from)| open(world, id, from));
        let token = |of: &str| format!(r#"{{"token":"{of}","streamName":"s"}}"#);
        assert_eq!(join(world, one, "room", &token("t")), r#"6:::1+["invalidToken"]"#);
        assert_eq!(ask(world, "addToken", "t"), done(r#"{"token":"t"}"#));
        assert_eq!(ask(world, "addToken", "t"), failed("This token exists already"));
        assert_eq!(ask(world, "addToken", "u"), done(r#"{"token":"u"}"#));
        let unused = r#"{"token":"u","used":false,"expires":null}"#;
        let list = |first: &str| done(&format!(r#"{{"tokens":[{first}{unused}]}}"#));
        assert_eq!(ask(world, "listTokens", ""), list(r#"{"token":"t","used":false,"expires":null},"#));
        let begun = 1_790_000_000 + world.now().as_micros() / 1_000_000;
        assert_eq!(join(world, one, "room", &token("t")), ALONE);
        let used = format!(r#"{{"token":"t","used":true,"expires":{}}},"#, begun + 600);
        assert_eq!(ask(world, "listTokens", ""), list(&used));
        assert_eq!(join(world, other, "room", &token("t")), r#"6:::1+["invalidToken"]"#);
        world.pass(Duration::from_secs(600));
        assert_eq!(ask(world, "listTokens", ""), list(""), "as good as gone");
        assert_eq!(ask(world, "delToken", "u"), done(r#"{"token":"u"}"#));
        assert_eq!(ask(world, "delToken", "u"), failed("There is no such token"));
        assert_eq!(ask(world, "listTokens", ""), done(r#"{"tokens":[]}"#));
    });
}

/// T4, as far as the shell has found out who asks; and pages of other sites, which could ask by the browser of who may.
#[test]
fn who_may_not_ask_changes_nothing() {
    with_both(Settings::default(), |world| {
        let (status, body) = request(world, r#"{"method":"GET","path":"/?c=addRoom&i=ok","stranger":true}"#);
        assert_eq!(status, 403);
        assert_eq!(
            body,
            r#"{"url":"/?c=addRoom&i=ok","status":"FAIL","description":"this interface is for certain addresses only","data":{}}"#
        );
        assert_eq!(request(world, r#"{"method":"GET","path":"/ersadmin.html","stranger":true}"#).0, 403);
        for (site, expected) in [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)] {
            let ask = format!(r#"{{"method":"GET","path":"/?c=version&i=","headers":{{"sec-fetch-site":"{site}"}}}}"#);
            assert_eq!(request(world, &ask).0, expected, "{site}");
        }
        assert!(world.jobs().records.is_empty());
    });
}

#[test]
fn long_lists_are_whole() {
    with_both(Settings::default(), |world| {
        let names: Vec<_> = (0..620).map(|number| format!("n{number:03}")).collect();
        for name in &names {
            for (command, key) in [("addRoom", "room"), ("addToken", "token"), ("addEMSToken", "token")] {
                assert_eq!(ask(world, command, name), done(&format!(r#"{{"{key}":"{name}"}}"#)));
            }
        }
        let of = |behind: &str, key: &str| {
            names.iter().map(|name| format!(r#"{{"{key}":"{name}"{behind}}}"#)).collect::<Vec<_>>().join(",")
        };
        let rooms = of(r#","allowed":true,"ems":false,"clients":0"#, "room");
        assert_eq!(ask(world, "listRooms", ""), done(&format!(r#"{{"rooms":[{rooms}]}}"#)));
        let tokens = of(r#","used":false,"expires":null"#, "token");
        assert_eq!(ask(world, "listTokens", ""), done(&format!(r#"{{"tokens":[{tokens}]}}"#)));
        assert_eq!(ask(world, "listEMSTokens", ""), done(&format!(r#"{{"tokens":[{}]}}"#, of("", "token"))));
    });
}

#[test]
fn a_store_that_is_gone_is_told() {
    with_both(Settings::default(), |world| {
        world.jobs().gone = true;
        for command in ["addRoom", "delRoom", "listRooms", "addToken", "delToken", "listTokens", "listEMSToken"] {
            assert_eq!(ask(world, command, "x"), failed("The store cannot be reached; try again"), "{command}");
        }
    });
}

#[test]
fn there_is_a_page() {
    with_both(Settings::default(), |world| {
        for (path, part) in [("/ersadmin.html", "<title>"), ("/ersadmin.js", "listRooms"), ("/ersadmin.css", "body")] {
            let (status, body) = request(world, &format!(r#"{{"method":"GET","path":"{path}"}}"#));
            assert_eq!(status, 200, "{path}");
            assert!(body.contains(part), "{path}");
        }
    });
}
