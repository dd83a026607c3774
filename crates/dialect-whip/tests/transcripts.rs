//! The transcripts in the session world, the runner's self-test over them, and the conformance suite.

use std::path::Path;

use patchbay_core::{Codec, Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{Script, Suite};
use patchbay_dialect_kit::{IceServer, conformance_tests};
use patchbay_dialect_whip::{Settings, Whip};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x9725;

fn with_suite(check: impl FnOnce(&Suite<'_>)) {
    with_servers(&[], |name| !name.starts_with("08"), check);
}

fn with_servers(servers: &[IceServer], chosen: impl Fn(&str) -> bool, check: impl FnOnce(&Suite<'_>)) {
    let settings = Settings { ice_servers: servers.to_vec(), ..Settings::default() };
    let whip = Whip::new(Lang(3), Realm(0), settings);
    let codecs = Some([Codec::Opus, Codec::Vp8].into());
    let limits = Limits { realms: vec![RealmLimits { rooms: 0, members: 0, codecs, ..RealmLimits::default() }] };
    let mut transcripts = Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"));
    transcripts.retain(|script| chosen(script.name()));
    let (hello, chat) = (None, None);
    check(&Suite { dialect: &whip, limits, transcripts: &transcripts, legal, hello, chat, seed: SEED });
}

/// Every reply is one with a status, as the runner shows it.
fn legal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut cursor = Cursor::new(text);
    let read = cursor.object(|_, value| value.skip());
    read.is_ok() && cursor.at_end() && text.starts_with("{\"status\":")
}

conformance_tests!(with_suite:
    every_transcript_comes_true
    garbage_is_answered_or_ends_the_connection
    oversize_is_answered_or_ends_the_connection
    everything_may_be_said_twice
    every_refusal_is_heard
    events_it_never_asked_for_do_no_harm
    a_connection_may_end_at_every_step
);

#[test]
fn every_altered_expectation_fails_where_it_stands() {
    with_suite(|suite| suite.every_altered_expectation_fails_where_it_stands(600));
}

#[test]
fn ice_servers_are_told_to_who_is_admitted() {
    let stun = IceServer { uri: "stun:stun.example".into(), username: String::new(), credential: String::new() };
    let turn = IceServer { uri: "turn:turn.example".into(), username: "u".into(), credential: "c".into() };
    with_servers(
        &[stun, turn],
        |name| name.starts_with("08"),
        |suite| {
            suite.every_transcript_comes_true();
            suite.every_altered_expectation_fails_where_it_stands(20);
        },
    );
}
