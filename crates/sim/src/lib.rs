//! The whole server without sockets: one thread, paused time, one seed, one run.
//!
//! The server is the real one from the request head on (`patchbay_server::sim`); the network and the clients are
//! simulated. `docs/testing.md` says how a seed is repeated and how a found one becomes a test.
#![warn(missing_docs)]

mod client;
mod crowd;
mod cuts;
mod dialect;
mod found;
mod life;
mod link;
mod mesh;
mod net;
mod patched;
mod plan;
mod rng;
mod sid;
mod sweep;
mod trace;
mod world;
mod ws;

use std::future::Future;

use patchbay_core::Moment;

pub use crowd::{Crowd, crowd};
pub use cuts::{Ending, MOST_BYTES, cut};
pub use found::FOUND;
pub use life::{Failure, Living, Outcome, Size, live};
pub use patched::live_patched;
pub use sweep::{Sweep, shrink, sweep};

/// Runs a simulation to its end, in time that passes only when nothing else is to be done.
fn on_one_thread<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads and sockets needs nothing of the system");
    runtime.block_on(run)
}

/// The moment so many milliseconds after the start.
fn moment(ms: u64) -> Moment {
    Moment::from_micros(ms * 1_000)
}
