//! The store as it would be without a disk: what the other one is measured by.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use patchbay_dialect_kit::job::{Done, Job, Key, Record, Table};

use crate::bounds;

/// Records in memory.
#[derive(Default)]
pub struct Memory(BTreeMap<Key, Record>);

impl Memory {
    fn of<'a>(&'a self, table: Table, prefix: &'a Arc<str>) -> impl Iterator<Item = (&'a Key, &'a Record)> {
        let from = Key { table, key: Arc::clone(prefix) };
        let here = self.0.range((Bound::Included(from), Bound::Unbounded));
        here.take_while(move |(key, _)| key.table == table && key.key.starts_with(&**prefix))
    }

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
            Job::List { table, prefix, after, offset, size } => {
                let behind = |key: &str| after.as_deref().is_none_or(|after| key > after);
                let mut here = self.of(table, &prefix).filter(|(key, _)| behind(&key.key)).skip(offset).peekable();
                let next = here.by_ref().take(size).map(|(key, record)| (Arc::clone(&key.key), record.clone()));
                let entries = next.collect();
                Done::Page { entries, more: here.peek().is_some() }
            }
            Job::Count { table, prefix } => Done::Number(self.of(table, &prefix).count()),
            Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => Done::Failed,
        }
    }
}
