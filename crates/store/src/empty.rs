//! Tables in which nothing is: what is known of them without asking the thread.
//!
//! Most servers store nothing, and every publication and view asks. Whoever has the database open is the only one who can
//! change it, and every change passes by here before it waits: so what was found empty is, until then. Where there is no file
//! at all there is nothing either, until this process makes one.

use std::sync::atomic::{AtomicU8, Ordering};

use patchbay_dialect_kit::job::{Done, Job, Table};

use crate::batch;

const UNKNOWN: u8 = 0;
const EMPTY: u8 = 1;
/// Something has been stored, or is about to be. It may be removed again: nobody looks.
const USED: u8 = 2;

/// One for each table, in the order of [`Table::ALL`].
#[derive(Default)]
pub(crate) struct Empty([AtomicU8; Table::ALL.len()]);

impl Empty {
    fn is(&self, table: Table) -> bool {
        self.0[batch::place(table)].load(Ordering::Acquire) == EMPTY
    }

    /// The thread has found nothing in it.
    pub(crate) fn found(&self, table: Table) {
        let cell = &self.0[batch::place(table)];
        // A change that waits by now has been here before.
        let _used = cell.compare_exchange(UNKNOWN, EMPTY, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The outcome of a job, where it needs nobody. A job that stores is noticed.
    pub(crate) fn answer(&self, job: &Job) -> Option<Done> {
        let known = match job {
            Job::Get(keys) => keys.iter().all(|key| self.is(key.table)),
            Job::List { table, .. } | Job::Count { table, .. } => self.is(*table),
            Job::Put(changes) => {
                for change in changes.iter().filter(|change| change.is.is_some()) {
                    self.0[batch::place(change.key.table)].store(USED, Ordering::Release);
                }
                false
            }
            _ => false,
        };
        known.then(|| batch::nothing(job))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use patchbay_dialect_kit::job::{Change, Key, Record, Was};

    use super::*;

    fn get(tables: &[Table]) -> Job {
        Job::Get(tables.iter().map(|table| Key::new(*table, "a")).collect())
    }

    fn put(table: Table, is: Option<&[u8]>) -> Job {
        let is = is.map(|bytes| Record(Arc::from(bytes)));
        Job::Put(vec![Change { key: Key::new(table, "a"), was: Was::Anything, is }])
    }

    #[test]
    fn only_what_was_found_empty_is_until_something_is_to_be_stored() {
        let empty = Empty::default();
        let (one, other) = (Table::Broadcast, Table::Token);
        assert_eq!(empty.answer(&get(&[one])), None, "nobody has looked");
        empty.found(one);
        assert_eq!(empty.answer(&get(&[one, one])), Some(Done::Records(vec![None, None])));
        assert_eq!(empty.answer(&get(&[one, other])), None, "it is asked for both");
        assert_eq!(empty.answer(&Job::Count { table: one, prefix: "".into() }), Some(Done::Number(0)));
        assert_eq!(empty.answer(&put(one, None)), None, "whether it was there is not for us to say");
        assert!(empty.answer(&get(&[one])).is_some(), "where nothing is, nothing is removed");
        assert_eq!(empty.answer(&put(one, Some(b"1"))), None);
        assert_eq!(empty.answer(&get(&[one])), None);
        empty.found(one);
        assert_eq!(empty.answer(&get(&[one])), None, "the thread looked before the change came to it");
    }
}
