//! Places for those who are under way: few to one server, so that a slow one takes none of the others'.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests under way at a time. More would be more sockets than a small machine has, fewer would make many servers wait
/// for each other.
const ALL: usize = 128;
/// Of them to one server: more would be a flood to it, fewer would be slow to one that is far away.
const TO_ONE: usize = 16;

pub(super) struct Lanes {
    all: Arc<Semaphore>,
    by_host: Mutex<BTreeMap<Box<str>, Arc<Semaphore>>>,
}

/// A place; it is free when this is dropped.
pub(super) struct Lane<'a> {
    lanes: &'a Lanes,
    host: Box<str>,
    permits: Option<[OwnedSemaphorePermit; 2]>,
}

impl Lanes {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(ALL)), by_host: Mutex::default() }
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<Box<str>, Arc<Semaphore>>> {
        self.by_host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place on the way to that server.
    pub(super) async fn enter(&self, host: &str) -> Lane<'_> {
        let host: Box<str> = host.to_ascii_lowercase().into();
        let own = Arc::clone(self.hosts().entry(host.clone()).or_insert_with(|| Arc::new(Semaphore::new(TO_ONE))));
        // Whoever stops waiting leaves the table as tidy as who comes back.
        let mut lane = Lane { lanes: self, host, permits: None };
        // Its own first: who waits for a slow server holds nothing of the others'.
        let own = own.acquire_owned().await.expect("it is never closed");
        let all = Arc::clone(&self.all).acquire_owned().await.expect("it is never closed");
        lane.permits = Some([own, all]);
        lane
    }
}

impl Drop for Lane<'_> {
    fn drop(&mut self) {
        self.permits = None;
        let mut hosts = self.lanes.hosts();
        // Nobody else is there or waits.
        if hosts.get(&self.host).is_some_and(|own| Arc::strong_count(own) == 1) {
            hosts.remove(&self.host);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_slow_server_takes_no_place_of_others() {
        let lanes = Lanes::new();
        let mut held = Vec::new();
        for _ in 0..TO_ONE {
            held.push(lanes.enter("slow").await);
        }
        let moment = Duration::from_millis(20);
        assert!(timeout(moment, lanes.enter("SLOW")).await.is_err(), "one more waits");
        assert!(timeout(moment, lanes.enter("other")).await.is_ok());
        held.pop();
        assert!(timeout(moment, lanes.enter("slow")).await.is_ok(), "a place that was left is free");
        drop(held);
        assert!(lanes.hosts().is_empty(), "nothing is left of those who went");
    }
}
