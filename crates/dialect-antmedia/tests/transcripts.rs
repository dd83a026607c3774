//! The transcripts in the session world, the runner's self-test over them, and the conformance suite.

use std::path::Path;

use patchbay_core::{Codec, Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_antmedia::{AntMedia, Settings};
use patchbay_dialect_kit::conformance_tests;
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{Script, Suite};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x001;

fn limits() -> RealmLimits {
    RealmLimits { rooms: 10, pairs: 10, codecs: Some([Codec::Opus, Codec::Vp8].into()), ..RealmLimits::default() }
}

fn with_suite(check: impl FnOnce(&Suite<'_>)) {
    let antmedia = AntMedia::new(Lang(2), Realm(0), Settings::default());
    let limits = Limits { realms: vec![limits()] };
    let transcripts = Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"));
    let chat = None;
    check(&Suite { dialect: &antmedia, limits, transcripts: &transcripts, legal, hello: None, chat, seed: SEED });
}

/// Every message of the server is one JSON object that begins with `command`.
fn legal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut cursor = Cursor::new(text);
    let read = cursor.object(|_, value| value.skip());
    read.is_ok() && cursor.at_end() && text.starts_with("{\"command\":\"")
}

conformance_tests!(with_suite);

#[test]
fn every_altered_expectation_fails_where_it_stands() {
    with_suite(|suite| suite.every_altered_expectation_fails_where_it_stands(3_000));
}

/// All but those of settings (`settings.rs`).
#[test]
fn every_case_of_the_specification_has_a_transcript() {
    with_suite(|suite| {
        for cases in [1..=75, 85..=85, 88..=88, 90..=92] {
            suite.every_case_of_the_specification_has_a_transcript('A', cases, "seed 001, antmedia section 13: ");
        }
    });
}
