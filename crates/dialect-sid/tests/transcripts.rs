//! The transcripts in the session world, the runner's self-test over them, and the conformance suite.

use std::path::Path;
use std::time::Duration;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{Delivery, Handshake, Heard, Input, Script, SessionWorld, Suite, World};
use patchbay_dialect_kit::{Rate, conformance_tests};
use patchbay_dialect_sid::{Settings, Sid};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x002;

/// DECISIONS 3 and sid section 3, "clu rules".
const WINDOW: Duration = Duration::from_millis(100);

fn limits() -> Limits {
    Limits { realms: vec![RealmLimits { rooms: 0, members: 0, window: WINDOW, ..RealmLimits::default() }] }
}

fn with_suite(check: impl FnOnce(&Suite<'_>)) {
    let sid = Sid::new(Lang(1), Realm(0), Settings::default());
    let limits = limits();
    let transcripts = Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"));
    let (hello, chat) = (Some(r#"{"cmd":"sId","sId":"hello"}"#), Some(r#"{"cmd":"?"}"#));
    check(&Suite { dialect: &sid, limits, transcripts: &transcripts, legal, hello, chat, seed: SEED });
}

/// Every message of the server is one JSON object that begins with `cmd`. Payloads may hold lone surrogates, which other
/// parsers refuse.
fn legal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut keys = Vec::new();
    let mut cursor = Cursor::new(text);
    let read = cursor.object(|key, value| {
        keys.push(key.into_owned());
        value.skip()
    });
    read.is_ok() && cursor.at_end() && text.starts_with("{\"cmd\":\"")
}

conformance_tests!(with_suite);

#[test]
fn every_altered_expectation_fails_where_it_stands() {
    with_suite(|suite| suite.every_altered_expectation_fails_where_it_stands(1_000));
}

#[test]
fn every_case_of_the_specification_has_a_transcript() {
    with_suite(|suite| {
        suite.every_case_of_the_specification_has_a_transcript('S', 1..=50, "seed 002, sid section 7: ")
    });
}

/// Clients of a world with settings of its own, where the defaults would need hundreds of them.
struct Clients<'a>(SessionWorld<'a>);

impl<'a> Clients<'a> {
    fn of(sid: &'a Sid) -> Self {
        Self(SessionWorld::new(sid, limits(), Delivery::Eager, SEED))
    }

    fn open(&mut self) -> usize {
        self.0.open(&Handshake::default()).expect("the session world admits everybody")
    }

    fn register(&mut self, id: &str) -> usize {
        let client = self.open();
        self.say(client, &format!(r#"{{"cmd":"sId","sId":"{id}"}}"#));
        client
    }

    fn say(&mut self, client: usize, text: &str) {
        self.0.say(client, &Input::Text(text.to_owned())).expect("the connection stands");
    }

    /// Everything that has reached the client by now.
    fn heard(&mut self, client: usize) -> Vec<String> {
        let text = |heard| match heard {
            Heard::Text(text) => String::from_utf8(text).expect("messages are UTF-8"),
            other => panic!("{other:?}"),
        };
        std::iter::from_fn(|| self.0.hear(client, Duration::ZERO)).map(text).collect()
    }
}

fn list_of(count: usize) -> String {
    let entries: Vec<_> = (0..count).map(|n| format!(r#"{{"state":1,"sId":"{n}"}}"#)).collect();
    format!(r#"{{"cmd":"clu","list":[{}]}}"#, entries.join(","))
}

#[test]
fn above_the_bound_lists_are_merged_and_the_last_one_is_complete() {
    let sid = Sid::new(Lang(1), Realm(0), Settings { every_list_up_to: 3, ..Settings::default() });
    let mut clients = Clients::of(&sid);
    let first = clients.register("0");
    for n in 1..3 {
        clients.register(&n.to_string());
    }
    assert_eq!(clients.heard(first)[1..], [1, 2, 3].map(list_of), "up to the bound every change is a list");
    clients.0.pass(WINDOW);
    for n in 3..40 {
        clients.register(&n.to_string());
    }
    assert_eq!(clients.heard(first), [list_of(4)], "the first change above it is told at once");
    clients.0.pass(WINDOW);
    assert_eq!(clients.heard(first), [list_of(40)], "those within the window after it are one list");
    let last = clients.register("40");
    let echo = r#"{"cmd":"sId","sId":"40"}"#.to_owned();
    assert_eq!(clients.heard(last), [echo], "who comes within a window waits for its end");
    clients.0.pass(WINDOW);
    assert_eq!(clients.heard(last), [list_of(41)]);
}

#[test]
fn above_the_rate_a_client_is_read_more_slowly_and_loses_nothing() {
    let sid = Sid::new(Lang(1), Realm(0), Settings { rate: Rate { per_second: 10, burst: 5 }, ..Settings::default() });
    let mut clients = Clients::of(&sid);
    let (sender, receiver) = (clients.register("A"), clients.register("B"));
    clients.heard(receiver);
    for n in 0..25 {
        clients.say(sender, &format!(r#"{{"cmd":"notify","opponentId":"B","type":{n}}}"#));
    }
    // Saying it took the sender until now: `sId` and four of them at once, the others one by one.
    let notify = |n| format!(r#"{{"cmd":"notify","opponentId":"A","type":{n}}}"#);
    assert_eq!(clients.heard(receiver), (0..25).map(notify).collect::<Vec<_>>());
    let began = clients.0.now();
    clients.say(sender, r#"{"cmd":"notify","opponentId":"B","type":25}"#);
    assert_eq!(clients.0.now().since(began), Duration::from_millis(100), "one token");
    clients.say(sender, r#"{"cmd":"icecandidate","sessionId":"0"}"#);
    let began = clients.0.now();
    clients.say(sender, r#"{"cmd":"icecandidate","sessionId":"0"}"#);
    assert_eq!(clients.0.now().since(began), Duration::ZERO, "what stays within a session costs no token");
}

/// Every id is drawn before one can be drawn twice only by chance, so the chance is made by hand: the world's seed draws
/// the same ids again.
#[test]
fn an_id_that_is_taken_is_drawn_again() {
    let sid = Sid::new(Lang(1), Realm(0), Settings::default());
    let mut clients = Clients::of(&sid);
    let parties: Vec<_> = ["A", "B", "C", "D"].map(|id| clients.register(id)).into();
    clients.0.reseed(7);
    clients.say(parties[0], r#"{"cmd":"session","opponentId":"B"}"#);
    clients.0.reseed(7);
    clients.say(parties[2], r#"{"cmd":"session","opponentId":"D"}"#);
    let session = |heard: Vec<String>| heard.into_iter().find(|text| text.starts_with(r#"{"cmd":"session""#));
    let (first, second) = (session(clients.heard(parties[0])), session(clients.heard(parties[2])));
    assert!(first.is_some() && second.is_some(), "{first:?}, {second:?}");
    assert_ne!(first, second);
}

/// A message behind a `session` whose id was taken is not handled before that session stands.
#[test]
fn what_follows_a_second_draw_waits_for_it() {
    let sid = Sid::new(Lang(1), Realm(0), Settings::default());
    let mut clients = Clients::of(&sid);
    let parties: Vec<_> = ["A", "B", "C", "D"].map(|id| clients.register(id)).into();
    parties.iter().for_each(|party| drop(clients.heard(*party)));
    clients.0.reseed(7);
    clients.say(parties[0], r#"{"cmd":"session","opponentId":"B"}"#);
    clients.0.reseed(7);
    clients.say(parties[2], r#"{"cmd":"session","opponentId":"D"}"#);
    clients.say(parties[2], r#"{"cmd":"session","opponentId":"D"}"#);
    let heard = clients.heard(parties[2]);
    assert!(heard[1].starts_with(r#"{"cmd":"session""#), "{heard:?}");
    assert!(heard[2].starts_with(r#"{"cmd":"ssu""#), "{heard:?}");
    assert_eq!(heard[3], r#"{"cmd":"error","code":9202}"#, "{heard:?}");
}
