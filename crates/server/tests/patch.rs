//! Rooms across dialects, without sockets: every dialect that can meet in one, with a scripted engine (`transcripts/patch`).

use std::path::Path;

use patchbay_core::{Codec, Hub, Lang, Limits, MemberSpace, Name, Patch, Realm, RealmLimits, StreamSpace};
use patchbay_dialect_antmedia::{self as antmedia, AntMedia};
use patchbay_dialect_kit::Dialect;
use patchbay_dialect_kit::testing::{Delivery, Script, SessionWorld, alterations, run};
use patchbay_dialect_mesh::{self as mesh, Mesh};
use patchbay_dialect_sylk::{self as sylk, Sylk};
use patchbay_dialect_whip::{self as whip, Whip};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x9a7c;
const MESH: (Lang, Realm) = (Lang(0), Realm(0));
const ANTMEDIA: (Lang, Realm) = (Lang(1), Realm(1));
const WHIP: Lang = Lang(2);
const SYLK: Lang = Lang(3);

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn hub() -> Hub {
    let codecs = Some([Codec::Opus, Codec::Vp8].into());
    let streams = RealmLimits { members: 10, presence: false, codecs, ..RealmLimits::default() };
    let patch = Patch {
        room: name("demo"),
        members: MemberSpace {
            realm: MESH.1,
            room: name("demo"),
            stand_in: mesh::stand_in,
            is_reserved: mesh::is_reserved,
        },
        streams: StreamSpace {
            realm: ANTMEDIA.1,
            named: vec![name("listed")],
            of: vec![WHIP],
            seen_by: vec![ANTMEDIA.0, WHIP, SYLK],
            stream_of: antmedia::stream_of,
        },
        pull: true,
    };
    Hub::patched(0, Limits { realms: vec![RealmLimits::default(), streams] }, vec![patch])
}

fn with_world<T>(delivery: Delivery, with: impl FnOnce(&mut SessionWorld<'_>) -> T) -> T {
    let mesh = Mesh::new(MESH.0, MESH.1, mesh::Settings::default());
    let antmedia = AntMedia::new(ANTMEDIA.0, ANTMEDIA.1, antmedia::Settings::default());
    let whip = Whip::new(WHIP, ANTMEDIA.1, whip::Settings::default());
    let here = sylk::Rule { name: Some(name("demo")), ..sylk::Rule::default() };
    let rooms = sylk::Rules { rooms: [("demo@rooms.example.com".to_owned(), here)].into(), ..sylk::Rules::default() };
    let sylk = Sylk::new(SYLK, ANTMEDIA.1, sylk::Settings { rooms, ..sylk::Settings::default() });
    let dialects: Vec<(&str, &dyn Dialect)> =
        vec![("mesh", &mesh), ("antmedia", &antmedia), ("whip", &whip), ("sylk", &sylk)];
    with(&mut SessionWorld::of(hub(), dialects, delivery, SEED))
}

fn transcripts() -> Vec<Script> {
    Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts/patch"))
}

#[test]
fn every_transcript_comes_true() {
    let mut failures = Vec::new();
    for script in transcripts() {
        with_world(Delivery::Eager, |world| {
            if let Err(failure) = run(&script, world) {
                failures.push(failure.to_string());
            }
            let found = world.hub().check();
            assert!(found.is_empty(), "{}: {found:?}", script.name());
        });
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_altered_expectation_fails_where_it_stands() {
    let (mut count, mut passed) = (0, Vec::new());
    for script in transcripts() {
        for altered in alterations(&script) {
            count += 1;
            let wrong = Script::parse(script.name(), &altered.text).unwrap_or_else(|failure| panic!("{failure}"));
            let line = with_world(Delivery::Eager, |world| run(&wrong, world).err().map(|failure| failure.line));
            if !altered.is_caught_at(line) {
                passed.push(format!("{}:{}: {:?} failed at {line:?}", script.name(), altered.line, altered.altered));
            }
        }
    }
    assert!(passed.is_empty(), "\n{}", passed.join("\n"));
    assert!(count >= 500, "only {count} alterations: the transcripts have shrunk");
}
