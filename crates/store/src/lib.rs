//! The store: what sessions keep by jobs ([`patchbay_dialect_kit::job`]), and how it outlives a crash.
//!
//! One thread owns the database. Whatever waits goes into one transaction, and its outcome is told once that is on the
//! disk, so that a burst of changes costs one wait for the disk. Long walks through a table are made step by step, and other
//! jobs pass them; what is known to be empty is not walked through at all. The file is made by the first change: who stores nothing
//! has no file. A store that cannot be had fails its jobs and tries again by itself.
#![warn(missing_docs)]

mod batch;
mod bounds;
mod disk;
mod empty;
mod file;
mod memory;
mod sweep;
mod walk;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use patchbay_dialect_kit::job::{Done, Job, Table};

pub use bounds::{CHANGES, PAGE};
pub use disk::Counts;
pub use memory::Memory;

/// Hears the outcome of one job.
pub type Tell = Box<dyn FnOnce(Done) + Send>;

/// When a record is of no use any more, in seconds since 1970; `None`: it is kept.
pub type Expires = fn(Table, &[u8]) -> Option<u64>;

/// Where records are kept.
pub struct Store(Kind);

enum Kind {
    /// Nobody wants one: its jobs fail.
    None,
    Memory(Mutex<Memory>),
    Disk(disk::Disk),
}

impl Store {
    /// A store that forgets, and does everything at once: for tests and simulations.
    #[must_use]
    pub fn memory() -> Self {
        Self(Kind::Memory(Mutex::default()))
    }

    /// A store in a file below `folder`. Both are made by the first change. Without a name of one, there is no store.
    #[must_use]
    pub fn below(folder: PathBuf, expires: Expires) -> Self {
        if folder.as_os_str().is_empty() {
            return Self(Kind::None);
        }
        Self(Kind::Disk(disk::Disk::new(file::opener(folder), expires)))
    }

    /// Orders a job of the store; its outcome is told once. Never waits.
    pub fn order(&self, job: Job, tell: Tell) {
        match &self.0 {
            Kind::None => tell(Done::Failed),
            Kind::Memory(memory) => {
                let done = memory.lock().unwrap_or_else(PoisonError::into_inner).carry_out(job);
                tell(done);
            }
            Kind::Disk(disk) => disk.order(job, tell),
        }
    }

    /// What it counts.
    #[must_use]
    pub fn counts(&self) -> Counts {
        match &self.0 {
            Kind::None | Kind::Memory(_) => Counts::default(),
            Kind::Disk(disk) => disk.counts(),
        }
    }

    /// Does what waits, and closes the file, so that the next start need not look through it. Jobs fail from now on.
    /// Waits, but not for a disk that hangs.
    pub fn close(&self) {
        if let Kind::Disk(disk) = &self.0 {
            disk.close();
        }
    }
}
