//! What applications ask of who publishes and plays: transcripts, each with the settings that it is about.

use std::path::Path;
use std::sync::Arc;

use patchbay_core::{Codec, Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_antmedia::security::{Checks, Secret, Security};
use patchbay_dialect_antmedia::{AntMedia, Settings};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{Script, Suite};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x001;

/// By what the names of transcripts contain; those of others ask for nothing, but have a store.
fn security(file: &str) -> Security {
    let mut security = Security { app: Arc::from("live"), stored: true, ..Security::default() };
    let has = |word: &str| file.contains(word);
    security.known_streams = has("registered");
    security.publish.token = has("token");
    security.play.jwt = has("jwt");
    security.jwt_key = Some(Secret::new(b"0123456789abcdef0123456789abcdef"));
    if has("totp") {
        security.play = Checks { time: true, time_secret: Some(Secret::new(b"totp-secret")), ..Checks::default() };
    }
    if has("room") {
        security.publish.token = true;
        security.play.token = true;
    }
    if has("asks") {
        security.publish.ask = Some(Arc::from("http://may/publish"));
        security.play.ask = Some(Arc::from("http://may/play"));
    }
    security.play_once = !has("anew");
    security.listener = has("news").then(|| Arc::from("http://news"));
    security
}

/// The limits of the realm, likewise.
fn limits(file: &str) -> RealmLimits {
    let codecs = Some([Codec::Opus, Codec::Vp8].into());
    let limits = RealmLimits { rooms: 0, members: 0, codecs, ..RealmLimits::default() };
    match file {
        file if file.contains("limits") => RealmLimits { publications: 2, views: 1, ..limits },
        // The view that stands gives its place to the one that begins.
        file if file.contains("anew") => RealmLimits { views: 1, ..limits },
        _ => limits,
    }
}

fn each(check: impl Fn(&Suite<'_>)) {
    for script in transcripts() {
        let settings = Settings { security: security(&script.file), ..Settings::default() };
        with(settings, &[script], &check);
    }
}

fn transcripts() -> Vec<Script> {
    Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts-security"))
}

fn with(settings: Settings, transcripts: &[Script], check: impl Fn(&Suite<'_>)) {
    let antmedia = AntMedia::new(Lang(2), Realm(0), settings);
    let limits = Limits { realms: vec![limits(transcripts.first().map_or("", |script| &script.file))] };
    check(&Suite { dialect: &antmedia, limits, transcripts, legal, hello: None, chat: None, seed: SEED });
}

/// Every message of the server is one JSON object that begins with `command`.
fn legal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let mut cursor = Cursor::new(text);
    let read = cursor.object(|_, value| value.skip());
    read.is_ok() && cursor.at_end() && text.starts_with("{\"command\":\"")
}

#[test]
fn every_transcript_comes_true() {
    each(|suite| suite.every_transcript_comes_true());
}

#[test]
fn every_altered_expectation_fails_where_it_stands() {
    each(|suite| suite.every_altered_expectation_fails_where_it_stands(1));
}

#[test]
fn every_case_of_the_specification_has_a_transcript() {
    with(Settings::default(), &transcripts(), |suite| {
        for cases in [77..=84, 87..=87] {
            suite.every_case_of_the_specification_has_a_transcript('A', cases, "seed 001, antmedia section 13: ");
        }
    });
}
