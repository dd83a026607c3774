//! The transcripts in the session world, the runner's self-test over them, and the conformance suite.

use std::path::Path;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_ers::rendezvous::{DAY, IceServer, IceServers, Rendezvous, Settings};
use patchbay_dialect_kit::conformance_tests;
use patchbay_dialect_kit::testing::{Script, Suite};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x000;

fn ice() -> IceServers {
    let stun = IceServer::Fixed { url: "stun:127.0.0.1:3478".into(), login: None };
    let turn = IceServer::Timed { url: "turn:127.0.0.1:3478".into(), secret: "s3cret".into(), expiry: DAY };
    IceServers { stun: vec![stun], turn: vec![turn], fallback: None }
}

fn with_suite(check: impl FnOnce(&Suite<'_>)) {
    let settings = Settings { ice: ice(), ..Settings::default() };
    let ers = Rendezvous::new(Lang(5), Realm(0), settings);
    let limits =
        Limits { realms: vec![RealmLimits { rooms: 0, members: 0, presence: false, ..RealmLimits::default() }] };
    let transcripts = Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"));
    check(&Suite { dialect: &ers, limits, transcripts: &transcripts, legal, hello: None, chat: None, seed: SEED });
}

/// What the server may send: packets of five kinds, and never the word by which devices count faults of ours.
fn legal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let packet =
        ["0::", "1::", "2::"].contains(&text) || text.starts_with("5:::{\"name\":\"") || text.starts_with("6:::");
    packet && !text.contains("validateFailed")
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
    with_suite(|suite| suite.every_altered_expectation_fails_where_it_stands(200));
}
