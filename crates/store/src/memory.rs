//! The store as it would be without a disk: what the other one is measured by.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use patchbay_dialect_kit::job::{Done, Job, Key, Record};

use crate::bounds;

/// Records in memory.
#[derive(Default)]
pub struct Memory(BTreeMap<Key, Record>);

impl Memory {
    /// Carries out a job of the store; others fail.
    pub fn carry_out(&mut self, job: Job) -> Done {
        if !bounds::fits(&job) {
            return Done::Failed;
        }
        match job {
            Job::Get(keys) => Done::Records(keys.iter().map(|key| self.0.get(key).cloned()).collect()),
            Job::Put(changes) => {
                let found = |key: &Key| self.0.get(key).map(|record| &*record.0);
                if !changes.iter().all(|change| change.was.is(found(&change.key))) {
                    return Done::Stored(false);
                }
                for change in changes {
                    match change.is {
                        Some(record) => self.0.insert(change.key, record),
                        None => self.0.remove(&change.key),
                    };
                }
                Done::Stored(true)
            }
            Job::List { table, prefix, offset, size } => {
                let from = Key { table, key: Arc::clone(&prefix) };
                let here = self
                    .0
                    .range((Bound::Included(from), Bound::Unbounded))
                    .take_while(|(key, _)| key.table == table && key.key.starts_with(&*prefix));
                let (mut entries, mut total) = (Vec::new(), 0);
                for (key, record) in here {
                    if total >= offset && entries.len() < size {
                        entries.push((Arc::clone(&key.key), record.clone()));
                    }
                    total += 1;
                }
                Done::Page { entries, total }
            }
            Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => Done::Failed,
        }
    }
}
