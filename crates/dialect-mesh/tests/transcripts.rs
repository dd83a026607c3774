//! The transcripts in the session world, the runner's self-test over them, and the conformance suite.

use std::path::Path;
use std::time::Duration;

use patchbay_core::{Event, Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{
    Delivery, Handshake, Place, Script, SessionWorld, Suite, World, alterations, run, strange_events,
};
use patchbay_dialect_mesh::{Mesh, Settings};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x003;

fn mesh() -> Mesh {
    Mesh::new(Lang(1), Realm(0), Settings::default())
}

fn limits() -> Limits {
    Limits { realms: vec![RealmLimits::default()] }
}

fn transcripts() -> Vec<Script> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of transcripts")
        .map(|entry| entry.expect("an entry of the folder").path())
        .collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
        Script::parse(&name, &std::fs::read_to_string(path).expect("a transcript is text"))
    };
    files.iter().map(|path| read(path).unwrap_or_else(|failure| panic!("{failure}"))).collect()
}

fn for_sessions() -> impl Iterator<Item = Script> {
    transcripts().into_iter().filter(|script| script.only != Some(Place::Sockets))
}

#[test]
fn every_transcript_comes_true_for_fast_and_for_slow_readers() {
    let mesh = mesh();
    let mut failures = Vec::new();
    for script in for_sessions() {
        for delivery in [Delivery::Eager, Delivery::Lazy] {
            let mut world = SessionWorld::new(&mesh, limits(), delivery, SEED);
            if let Err(failure) = run(&script, &mut world) {
                failures.push(format!("{delivery:?}: {failure}"));
            }
            let found = world.hub().check();
            assert!(found.is_empty(), "{} leaves the hub unsound: {found:?}", script.file);
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// A runner that lets a wrong transcript pass would make every test of this file worthless.
#[test]
fn every_altered_expectation_fails_where_it_stands() {
    let mesh = mesh();
    let (mut count, mut passed) = (0, Vec::new());
    for script in for_sessions() {
        for altered in alterations(&script) {
            count += 1;
            let wrong = Script::parse(&script.file, &altered.text).unwrap_or_else(|failure| panic!("{failure}"));
            let mut world = SessionWorld::new(&mesh, limits(), Delivery::Eager, SEED);
            let line = run(&wrong, &mut world).err().map(|failure| failure.line);
            let caught =
                line.is_some_and(|line| if altered.there { line == altered.line } else { line >= altered.line });
            if !caught {
                passed.push(format!("{}:{}: {:?} failed at {line:?}", script.file, altered.line, altered.altered));
            }
        }
    }
    assert!(passed.is_empty(), "\n{}", passed.join("\n"));
    assert!(count > 1_000, "only {count} alterations: the transcripts have shrunk");
}

/// mesh section 8 numbers its cases from 1 to 54; each is a file here.
#[test]
fn every_case_of_the_specification_has_a_transcript() {
    let scripts = transcripts();
    for case in 1..=54 {
        let (file, comment) = (format!("{case:02}-"), format!("# M{case:02}, seed 003, mesh section "));
        let found = scripts.iter().any(|script| script.file.starts_with(&file) && script.text().starts_with(&comment));
        assert!(found, "no file {file}….txt that begins with {comment:?}");
    }
}

fn with_suite(check: impl FnOnce(&Suite<'_>)) {
    let (mesh, transcripts) = (mesh(), transcripts());
    let chat = r#"{"type":"ping"}"#;
    check(&Suite { dialect: &mesh, limits: limits(), transcripts: &transcripts, legal, chat, seed: SEED });
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

#[test]
fn garbage_is_answered_or_ends_the_connection() {
    with_suite(|suite| suite.garbage_is_answered_or_ends_the_connection());
}

#[test]
fn oversize_is_answered_or_ends_the_connection() {
    with_suite(|suite| suite.oversize_is_answered_or_ends_the_connection());
}

#[test]
fn everything_may_be_said_twice() {
    with_suite(|suite| suite.everything_may_be_said_twice());
}

#[test]
fn every_refusal_is_heard() {
    with_suite(|suite| suite.every_refusal_is_heard());
}

#[test]
fn events_it_never_asked_for_do_no_harm() {
    with_suite(|suite| suite.events_it_never_asked_for_do_no_harm());
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

#[test]
fn a_connection_may_end_at_every_step() {
    with_suite(|suite| suite.a_connection_may_end_at_every_step());
}

#[test]
fn a_silent_peer_is_pinged_and_then_given_up() {
    with_suite(|suite| suite.a_silent_peer_is_pinged_and_then_given_up());
}
