//! The transcripts, with scripted telephones and a scripted engine, and their self-test.

mod camera;
mod peer;

use std::path::Path;

use crate::camera::Camera;
use crate::peer::Peer;
use patchbay_core::{Codec, Hub, Lang, Limits, MemberSpace, Name, Patch, Realm, RealmLimits, StreamSpace};
use patchbay_dialect_kit::Dialect;
use patchbay_dialect_kit::testing::{Delivery, Phone, Script, SessionWorld, alterations, run};
use patchbay_dialect_sylk::{Rule, Rules, Settings, Sylk, Who};

/// Every run of this file is the same unless somebody writes another number here.
const SEED: u64 = 0x004;

fn with_world<T>(delivery: Delivery, with: impl FnOnce(&mut SessionWorld<'_>) -> T) -> T {
    let closed = Rule { allow: vec![Who::Domain("example.com".to_owned())], ..Rule::default() };
    let sound = Rule { video_disabled: true, ..Rule::default() };
    let named = Rule { name: Name::parse("demo").ok(), ..Rule::default() };
    let rooms = [("closed", closed), ("sound", sound), ("named", named)];
    let rooms = rooms.map(|(room, rule)| (format!("{room}@rooms.example.com"), rule)).into();
    let settings = Settings {
        domains: vec!["example.com".to_owned(), "example.org".to_owned()],
        rooms: Rules { rooms, ..Rules::default() },
        ..Settings::default()
    };
    let sylk = Sylk::new(Lang(0), Realm(0), settings);
    let phone = Phone::new(Lang(1), Realm(0));
    let codecs = Some([Codec::Opus, Codec::Pcmu, Codec::Vp8].into());
    let limits = RealmLimits { codecs, members: 10, presence: false, ..RealmLimits::default() };
    let hub = Hub::patched(0, Limits { realms: vec![limits, RealmLimits::default()] }, vec![patch()]);
    let (camera, peer) = (Camera::new(Lang(2), Realm(0)), Peer::new(Lang(3), Realm(1)));
    let dialects: Vec<(&str, &dyn Dialect)> =
        vec![("sylk", &sylk), ("phone", &phone), ("camera", &camera), ("peer", &peer)];
    with(&mut SessionWorld::of(hub, dialects, delivery, SEED))
}

/// A room of peers, and one of this dialect.
fn patch() -> Patch {
    let name = |text: &str| Name::parse(text).expect("a name");
    Patch {
        room: name("demo@rooms.example.com"),
        members: MemberSpace {
            realm: Realm(1),
            room: name("demo"),
            stand_in: |stream, _| {
                let own = stream.as_str().split('@').next().unwrap_or_default();
                Name::parse(&format!("_{own}")).expect("a name")
            },
            is_reserved: |name| name.as_str().starts_with('_'),
        },
        streams: StreamSpace {
            realm: Realm(0),
            named: Vec::new(),
            of: Vec::new(),
            seen_by: vec![Lang(0)],
            stream_of: |_, member| Name::parse(&format!("demo.{}", member.as_str())).expect("a name"),
        },
        pull: true,
    }
}

fn transcripts() -> Vec<Script> {
    Script::folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("transcripts"))
}

#[test]
fn every_transcript_comes_true() {
    let mut failures = Vec::new();
    for script in transcripts() {
        for delivery in [Delivery::Eager, Delivery::Lazy] {
            with_world(delivery, |world| {
                if let Err(failure) = run(&script, world) {
                    failures.push(format!("{delivery:?} {failure}"));
                }
                let found = world.hub().check();
                assert!(found.is_empty(), "{}: {found:?}", script.name());
            });
        }
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
                passed.push(format!("{}:{}: {} at {line:?}", script.name(), altered.line, altered.altered));
            }
        }
    }
    assert!(count > 200, "{count}");
    assert!(passed.is_empty(), "{}", passed.join("\n"));
}
