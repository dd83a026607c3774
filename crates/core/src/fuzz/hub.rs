//! The hub under a list of operations: up to eight parties in two realms with small limits. After each operation the
//! hub is sound, has told exactly the edges that its documentation promises, and lists that are true and not late.

use std::time::Duration;

use super::operation::Operation;
use super::stage::Stage;
use crate::{Codec, Realm, RealmLimits};

/// Runs `data`: one byte of settings, then operations.
///
/// # Panics
/// If the hub breaks a promise.
pub fn target(data: &[u8]) {
    let Some((settings, operations)) = data.split_first() else { return };
    let mut stage = Stage::new(limits(*settings));
    for bytes in operations.as_chunks().0 {
        stage.perform(Operation::parse(*bytes));
    }
    stage.end();
}

/// Small, so that they are reached; without windows in the first realm for some, with an engine for half of them.
fn limits(settings: u8) -> Vec<RealmLimits> {
    let [rooms, members, window] = [settings % 3, settings / 3 % 5, settings / 15 % 3].map(usize::from);
    let window = Duration::from_millis([50, 20, 0][window]);
    let engine = settings >= 128;
    let codecs = engine.then(|| [Codec::Opus, Codec::Vp8].into());
    let restore = Duration::from_millis(if settings & 1 == 0 { 0 } else { 120 });
    let limits =
        RealmLimits { pairs: 2, codecs, restore, viewers: 3, views: 6, publications: 5, ..RealmLimits::default() };
    vec![
        RealmLimits { rooms: rooms + 1, members, window, also: vec![Realm(1)], ..limits.clone() },
        RealmLimits {
            rooms: 3,
            members: 4,
            window: Duration::from_millis(50),
            codecs: engine.then(|| [Codec::Opus].into()),
            ..limits
        },
    ]
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::panic::catch_unwind;
    use std::path::Path;

    /// How many, and of how many bytes: some seconds of a debug build.
    const SEEDS: u64 = 300;
    const LONG: usize = 1_001;

    /// Long runs of operations that nobody has chosen: what follows from many is not in a small corpus.
    #[test]
    fn chance_finds_nothing() {
        for seed in 1..=SEEDS {
            let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[3]
            };
            let data: Vec<u8> = (0..LONG).map(|_| next()).collect();
            assert!(catch_unwind(|| super::target(&data)).is_ok(), "seed {seed}");
        }
    }

    /// Whatever fuzzing has kept, and every input that once broke something.
    #[test]
    fn the_corpus_finds_nothing() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
        let mut failed = Vec::new();
        for folder in ["corpus/hub", "findings/hub"] {
            let entries: Vec<_> = fs::read_dir(root.join(folder)).expect(folder).flatten().collect();
            assert!(!entries.is_empty(), "{folder} is empty: the replay tests nothing");
            for entry in entries {
                let data = fs::read(entry.path()).expect("readable");
                if catch_unwind(|| super::target(&data)).is_err() {
                    failed.push(entry.path());
                }
            }
        }
        assert!(failed.is_empty(), "{failed:?}");
    }
}
