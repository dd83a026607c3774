//! Pages and numbers of records, found some keys at a time.

use std::ops::Bound;
use std::sync::Arc;

use patchbay_dialect_kit::job::{Done, Job, Record, Table};
use redb::{Error, ReadableTable};

/// Keys of one step: more finishes the numbering of a large table sooner, fewer holds up the jobs behind it for less. As many
/// are looked at within a few milliseconds.
pub(crate) const STEP: usize = if cfg!(test) { 8 } else { 4_096 };

/// A [`Job::List`] or [`Job::Count`] on its way.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) table: Table,
    prefix: Arc<str>,
    /// The last key that was looked at, or behind which it begins.
    behind: Option<Arc<str>>,
    /// Keys that are still to be passed over.
    skip: usize,
    wants: Wants,
}

#[derive(Debug)]
enum Wants {
    Page { size: usize, entries: Vec<(Arc<str>, Record)>, more: bool },
    Number(usize),
}

impl Walk {
    /// What becomes of such a job; others are none.
    pub(crate) fn of(job: &Job) -> Option<Self> {
        let (table, prefix, after, skip, wants) = match job {
            Job::List { table, prefix, after, offset, size } => {
                (table, prefix, after.clone(), *offset, Wants::Page { size: *size, entries: Vec::new(), more: false })
            }
            Job::Count { table, prefix } => (table, prefix, None, 0, Wants::Number(0)),
            _ => return None,
        };
        // What does not come behind where the prefix begins says nothing.
        let behind = after.filter(|after| **after >= **prefix);
        Some(Self { table: *table, prefix: Arc::clone(prefix), behind, skip, wants })
    }

    /// Looks at the next keys. Whether there are none left that matter.
    pub(crate) fn step(&mut self, table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<bool, Error> {
        let from = self.behind.clone();
        let from = from.as_deref().map_or(Bound::Included(&*self.prefix), Bound::Excluded);
        let (mut looked, mut last) = (0, None);
        for entry in table.range::<&str>((from, Bound::Unbounded))?.take(STEP) {
            let (key, record) = entry?;
            if !key.value().starts_with(&*self.prefix) {
                return Ok(true);
            }
            looked += 1;
            match &mut self.wants {
                Wants::Number(number) => *number += 1,
                Wants::Page { .. } if self.skip > 0 => self.skip -= 1,
                Wants::Page { size, entries, .. } if entries.len() < *size => {
                    entries.push((Arc::from(key.value()), Record(Arc::from(record.value()))));
                }
                Wants::Page { more, .. } => {
                    *more = true;
                    return Ok(true);
                }
            }
            last = Some(key);
        }
        if let Some(last) = last {
            self.behind = Some(Arc::from(last.value()));
        }
        Ok(looked < STEP)
    }

    /// What was found.
    pub(crate) fn done(self) -> Done {
        match self.wants {
            Wants::Page { entries, more, .. } => Done::Page { entries, more },
            Wants::Number(number) => Done::Number(number),
        }
    }
}

#[cfg(test)]
mod tests {
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase};

    use super::*;
    use crate::batch::definition;

    const TABLE: Table = Table::Token;

    /// `count` keys `b/…`, and one on either side.
    fn database(count: usize) -> Database {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).expect("memory");
        let transaction = database.begin_write().expect("it is open");
        {
            let mut table = transaction.open_table(definition(TABLE)).expect("a table");
            for number in 0..count {
                table.insert(&*format!("b/{number:06}"), &b"x"[..]).expect("memory");
            }
            for key in ["a/1", "c/1"] {
                table.insert(key, &b"x"[..]).expect("memory");
            }
        }
        transaction.commit().expect("memory");
        database
    }

    /// In how many steps what was found.
    fn walk(database: &Database, job: &Job) -> (usize, Done) {
        let transaction = database.begin_read().expect("it is open");
        let table = transaction.open_table(definition(TABLE)).expect("a table");
        let mut walk = Walk::of(job).expect("a walk");
        let mut steps = 1;
        while !walk.step(&table).expect("memory") {
            steps += 1;
        }
        (steps, walk.done())
    }

    fn list(after: Option<&str>, offset: usize, size: usize) -> Job {
        Job::List { table: TABLE, prefix: "b/".into(), after: after.map(Arc::from), offset, size }
    }

    fn page(numbers: std::ops::Range<usize>, more: bool) -> Done {
        let entry = |number| (Arc::from(format!("b/{number:06}")), Record(Arc::from(&b"x"[..])));
        Done::Page { entries: numbers.map(entry).collect(), more }
    }

    #[test]
    fn a_large_table_is_walked_in_steps() {
        let database = database(2 * STEP + 1);
        let number = Job::Count { table: TABLE, prefix: "b/".into() };
        assert_eq!(walk(&database, &number), (3, Done::Number(2 * STEP + 1)));
        assert_eq!(walk(&database, &list(None, 2 * STEP - 1, 5)), (3, page(2 * STEP - 1..2 * STEP + 1, false)));
    }

    #[test]
    fn a_page_is_found_from_its_key_without_those_before() {
        let database = database(2 * STEP);
        let last = format!("b/{:06}", 2 * STEP - 3);
        assert_eq!(walk(&database, &list(Some(&last), 0, 5)), (1, page(2 * STEP - 2..2 * STEP, false)));
        assert_eq!(walk(&database, &list(Some("b/000004x"), 1, 2)), (1, page(6..8, true)), "a key that has gone");
        assert_eq!(walk(&database, &list(Some("a/1"), 0, 2)), (1, page(0..2, true)), "what is before the prefix");
        assert_eq!(walk(&database, &list(Some("c"), 0, 2)), (1, page(0..0, false)));
    }

    #[test]
    fn a_page_ends_where_it_is_full() {
        let database = database(3);
        assert_eq!(walk(&database, &list(None, 0, 2)), (1, page(0..2, true)));
        assert_eq!(walk(&database, &list(None, 1, 2)), (1, page(1..3, false)));
        assert_eq!(walk(&database, &list(None, 0, 0)), (1, page(0..0, true)));
        assert_eq!(walk(&database, &list(None, 9, 1)), (1, page(0..0, false)));
    }
}
