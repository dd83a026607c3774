//! The transcripts in the session world, the runner's self-test over them, and the conformance suite.

use std::path::Path;
use std::time::Duration;

use patchbay_core::{Event, Lang, Limits, Realm, RealmLimits, SignalKind};
use patchbay_dialect_kit::conformance_tests;
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{Delivery, Handshake, Input, Script, SessionWorld, Suite, World, strange_events};
use patchbay_dialect_mesh::{Mesh, Settings};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x003;

fn mesh() -> Mesh {
    Mesh::new(Lang(1), Realm(0), Settings::default())
}

fn limits() -> Limits {
    Limits { realms: vec![RealmLimits::default()] }
}

fn with_suite(check: impl FnOnce(&Suite<'_>)) {
    let (mesh, limits) = (mesh(), limits());
    let transcripts = Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"));
    let chat = Some(r#"{"type":"ping"}"#);
    check(&Suite { dialect: &mesh, limits, transcripts: &transcripts, legal, hello: None, chat, seed: SEED });
}

/// What every message of the server has: mesh section 1. Payloads may hold lone surrogates, which the other parser
/// refuses.
fn legal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut keys = Vec::new();
    let mut cursor = Cursor::new(text);
    let read = cursor.object(|key, value| {
        keys.push(key.into_owned());
        value.skip()
    });
    read.is_ok()
        && cursor.at_end()
        && text.ends_with("}\n")
        && keys.starts_with(&["type", "room", "from"].map(str::to_owned))
}

conformance_tests!(with_suite);

#[test]
fn every_altered_expectation_fails_where_it_stands() {
    with_suite(|suite| suite.every_altered_expectation_fails_where_it_stands(1_000));
}

#[test]
fn every_case_of_the_specification_has_a_transcript() {
    with_suite(|suite| {
        suite.every_case_of_the_specification_has_a_transcript('M', 1..=54, "seed 003, mesh section ");
    });
}

/// A list or signal that was on its way when the client left must not reach it.
#[test]
fn nothing_is_shown_of_a_room_that_the_client_is_not_in() {
    let mesh = mesh();
    let mut world = SessionWorld::new(&mesh, limits(), Delivery::Eager, SEED);
    let client = world.open(&Handshake::default()).expect("the session world admits everybody");
    let shown = |event: &Event| matches!(event, Event::Joined { .. } | Event::Refused { .. });
    for event in strange_events(Lang(1)).into_iter().filter(|event| !shown(event)) {
        let told = format!("{event:?}");
        world.tell(client, event);
        assert_eq!(world.hear(client, Duration::ZERO), None, "{told}");
    }
}

/// Steps that a mesh client cannot hear leave no frame, not even an empty one.
#[test]
fn what_other_dialects_say_beside_offers_and_answers_is_not_shown() {
    let mesh = mesh();
    let mut world = SessionWorld::new(&mesh, limits(), Delivery::Eager, SEED);
    let client = world.open(&Handshake::default()).expect("the session world admits everybody");
    let join = r#"{"type":"join","room":"r","from":"a"}"#.to_owned();
    world.say(client, &Input::Text(join)).expect("the connection stands");
    while world.hear(client, Duration::ZERO).is_some() {}
    let mut signals = (0, 0);
    for event in strange_events(Lang(1)) {
        // The other hub numbers its first room as ours does: to the session this one is its own.
        let Event::MemberSignal { signal, .. } = &event else { continue };
        let unheard = matches!(signal.kind, SignalKind::Progress { .. } | SignalKind::Info);
        let told = format!("{event:?}");
        world.tell(client, event);
        assert_eq!(world.hear(client, Duration::ZERO).is_none(), unheard, "{told}");
        signals = (signals.0 + usize::from(unheard), signals.1 + 1);
    }
    assert!(signals.0 > 0 && signals.1 > signals.0, "{signals:?}");
}
