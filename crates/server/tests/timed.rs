//! What takes real time or real processes: keep-alive, slow and silent peers, stopping, listeners, crowds.
//!
//! Cases that mostly wait run side by side within one test, so that the whole takes little more than the longest.

mod common;
#[path = "timed/crowd.rs"]
mod crowd;
#[path = "timed/handshake.rs"]
mod handshake;
#[path = "timed/origin.rs"]
mod origin;
#[path = "timed/process.rs"]
mod process;
#[path = "timed/silence.rs"]
mod silence;
#[path = "timed/slow.rs"]
mod slow;

use std::thread;
use std::time::Duration;

/// Runs cases at the same time; each reports for itself, and one that fails fails the test.
fn side_by_side(cases: &[(&str, fn())]) {
    let failed: Vec<&str> = thread::scope(|scope| {
        let running: Vec<_> = cases.iter().map(|(name, case)| (*name, scope.spawn(case))).collect();
        running.into_iter().filter_map(|(name, case)| case.join().is_err().then_some(name)).collect()
    });
    assert!(failed.is_empty(), "failed: {failed:?}; the reasons stand above");
}

/// It happened at `expected`, give or take.
fn assert_about(what: &str, elapsed: Duration, expected: Duration, give_or_take: Duration) {
    let off = elapsed.abs_diff(expected);
    assert!(off <= give_or_take, "{what}: {elapsed:.2?} instead of {expected:.2?} ± {give_or_take:.2?}");
}
