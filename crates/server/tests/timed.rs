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
#[path = "timed/sid.rs"]
mod sid;
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

/// A timer that rings early is wrong; one that rings late may be a machine that is busy with other tests.
const EARLY: Duration = Duration::from_millis(500);
const LATE: Duration = Duration::from_secs(1);

/// It happened at `expected`, give or take.
fn assert_about(what: &str, elapsed: Duration, expected: Duration) {
    let fits = elapsed + EARLY >= expected && elapsed <= expected + LATE;
    assert!(fits, "{what}: after {elapsed:.2?} instead of {expected:.2?}");
}
