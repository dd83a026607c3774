//! Many seeds, on all processors.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use crate::life::{Failure, Living, Size};

/// What a range of seeds came to.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Seeds that were lived.
    pub seeds: u64,
    /// Connections that there were.
    pub connections: u64,
    /// Events of the network.
    pub events: u64,
    /// Seeds that found something, lowest first.
    pub failures: Vec<(u64, Failure)>,
}

/// More failures than this say nothing new.
const ENOUGH: usize = 10;

/// Lives the seeds of a range, one thread for each processor, until ten of them have failed.
#[must_use]
pub fn sweep(live: Living, seeds: Range<u64>, size: Size) -> Sweep {
    let next = AtomicU64::new(seeds.start);
    let enough = AtomicBool::new(false);
    let total = Mutex::new(Sweep::default());
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !enough.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let outcome = live(seed, size, false);
                    let Ok(mut total) = total.lock() else { break };
                    total.seeds += 1;
                    total.connections += outcome.connections as u64;
                    total.events += outcome.events;
                    if let Some(failure) = outcome.failure {
                        total.failures.push((seed, failure));
                        enough.store(total.failures.len() >= ENOUGH, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut total = total.into_inner().unwrap_or_default();
    total.failures.sort_by_key(|(seed, _)| *seed);
    total
}

/// The smallest size at which the seed still fails, by halving.
#[must_use]
pub fn shrink(live: Living, seed: u64, mut size: Size) -> Size {
    loop {
        let smaller = [
            Size { storms: size.storms / 2, ..size },
            Size { moves: size.moves / 2, ..size },
            Size { players: size.players / 2, ..size },
            Size { moves: size.moves * 3 / 4, ..size },
            Size { players: size.players.saturating_sub(1), ..size },
        ];
        let possible = |size: &Size| size.storms >= 1 && size.moves >= 10 && size.players >= 2;
        let Some(found) = smaller
            .into_iter()
            .filter(|smaller| *smaller != size && possible(smaller))
            .find(|smaller| live(seed, *smaller, false).failure.is_some())
        else {
            return size;
        };
        size = found;
    }
}
