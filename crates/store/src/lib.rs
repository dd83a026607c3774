//! The store: what sessions keep by jobs ([`patchbay_dialect_kit::job`]), and how it outlives a crash.
#![warn(missing_docs)]

mod bounds;
mod memory;

use std::sync::Mutex;

use patchbay_dialect_kit::job::{Done, Job};

pub use bounds::{CHANGES, PAGE};
pub use memory::Memory;

/// Hears the outcome of one job.
pub type Tell = Box<dyn FnOnce(Done) + Send>;

/// Where records are kept.
pub struct Store(Kind);

enum Kind {
    Memory(Mutex<Memory>),
}

impl Store {
    /// A store that forgets, and does everything at once: for tests and simulations.
    #[must_use]
    pub fn memory() -> Self {
        Self(Kind::Memory(Mutex::default()))
    }

    /// Orders a job of the store; its outcome is told once. Never waits.
    pub fn order(&self, job: Job, tell: Tell) {
        match &self.0 {
            Kind::Memory(memory) => {
                let done = memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner).carry_out(job);
                tell(done);
            }
        }
    }
}
