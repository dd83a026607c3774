//! The simulation in every run of the tests: fixed seeds, the seeds that have found something, and both scenarios.

use patchbay_sim::{Ending, FOUND, Failure, Living, MOST_BYTES, Size, crowd, cut, live, live_patched, sweep};

/// Lived in every run; `cargo xtask sim` lives 10,000.
const SEEDS: std::ops::Range<u64> = 0..200;

fn told(failure: &Failure) -> String {
    format!("at {} ms: {}\n  {}", failure.at, failure.fault, failure.last.join("\n  "))
}

#[test]
fn fixed_seeds_find_nothing() {
    let total = sweep(live, SEEDS, Size::default());
    if let Some((seed, failure)) = total.failures.first() {
        panic!("seed {seed} {}\nrepeat: cargo xtask sim --seed {seed}", told(failure));
    }
    assert_eq!(total.seeds, SEEDS.end - SEEDS.start);
    assert!(total.connections > 10 * total.seeds, "the seeds are idle: {} connections", total.connections);
}

#[test]
fn fixed_seeds_of_rooms_across_dialects_find_nothing() {
    let total = sweep(live_patched, SEEDS, Size::default());
    if let Some((seed, failure)) = total.failures.first() {
        panic!("seed {seed} {}\nrepeat: cargo xtask sim --scenario patch --seed {seed}", told(failure));
    }
    assert!(total.connections > 5 * total.seeds, "the seeds are idle: {} connections", total.connections);
}

#[test]
fn seeds_that_have_found_something_find_it_no_more() {
    for seed in FOUND {
        if let Some(failure) = live(*seed, Size::default(), false).failure {
            panic!("seed {seed} {}\nrepeat: cargo xtask sim --seed {seed}", told(&failure));
        }
    }
}

#[test]
fn one_seed_is_one_run() {
    for (live, seed) in [(live as Living, 1), (live, 2), (live, 3), (live_patched, 1), (live_patched, 2)] {
        let [first, second] = [(); 2].map(|()| live(seed, Size::default(), false));
        assert_eq!((first.hash, first.events), (second.hash, second.events), "seed {seed}");
        assert_ne!(first.hash, live(seed + 10, Size::default(), false).hash, "another seed is another run");
    }
}

#[test]
fn a_connection_may_end_behind_any_byte() {
    for bytes in 0..MOST_BYTES {
        for ending in Ending::ALL {
            if let Some(failure) = cut(bytes, ending) {
                panic!("{ending:?} behind {bytes} bytes, {}", told(&failure));
            }
        }
    }
}

#[test]
fn twenty_full_rooms_fill_change_and_empty() {
    let fared = crowd(20, 50);
    if let Some(failure) = fared.failure {
        panic!("{}", told(&failure));
    }
    assert_eq!(fared.connections, 20 * 50 + 50, "one of twenty came back on another connection");
}
