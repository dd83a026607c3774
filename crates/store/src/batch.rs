//! Jobs, carried out in one transaction.

use std::ops::Bound;
use std::sync::Arc;

use patchbay_dialect_kit::job::{Done, Job, Key, Record, Table};
use redb::{Database, Error, ReadableDatabase, ReadableTable, TableDefinition};

type Definition = TableDefinition<'static, &'static str, &'static [u8]>;

/// The database's own name of a table.
pub(crate) const fn definition(table: Table) -> Definition {
    TableDefinition::new(table.label())
}

/// All tables of a transaction, in the order of [`Table::ALL`].
struct Tables<T>(Vec<T>);

impl<T: ReadableTable<&'static str, &'static [u8]>> Tables<T> {
    fn of(&self, table: Table) -> &T {
        &self.0[place(table)]
    }

    fn find(&self, key: &Key) -> Result<Option<Record>, Error> {
        let found = self.of(key.table).get(&*key.key)?;
        Ok(found.map(|bytes| Record(Arc::from(bytes.value()))))
    }

    fn get(&self, keys: &[Key]) -> Result<Done, Error> {
        keys.iter().map(|key| self.find(key)).collect::<Result<_, _>>().map(Done::Records)
    }

    fn list(&self, table: Table, prefix: &str, offset: usize, size: usize) -> Result<Done, Error> {
        let (mut entries, mut total) = (Vec::new(), 0);
        for entry in self.of(table).range::<&str>((Bound::Included(prefix), Bound::Unbounded))? {
            let (key, record) = entry?;
            if !key.value().starts_with(prefix) {
                break;
            }
            if total >= offset && entries.len() < size {
                entries.push((Arc::from(key.value()), Record(Arc::from(record.value()))));
            }
            total += 1;
        }
        Ok(Done::Page { entries, total })
    }
}

fn place(table: Table) -> usize {
    Table::ALL.iter().position(|one| *one == table).unwrap_or_default()
}

/// What becomes of a job that changes nothing, where nothing is stored.
pub(crate) fn nothing(job: &Job) -> Done {
    match job {
        Job::Get(keys) => Done::Records(vec![None; keys.len()]),
        Job::List { .. } => Done::Page { entries: Vec::new(), total: 0 },
        Job::Put(_) | Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => {
            Done::Failed
        }
    }
}

/// Carries out jobs that change nothing.
pub(crate) fn read(database: &Database, jobs: Vec<Job>) -> Result<Vec<Done>, Error> {
    let transaction = database.begin_read()?;
    let tables = Table::ALL.iter().map(|table| transaction.open_table(definition(*table)));
    let tables = Tables(tables.collect::<Result<Vec<_>, _>>()?);
    let one = |job| match job {
        Job::Get(keys) => tables.get(&keys),
        Job::List { table, prefix, offset, size } => tables.list(table, &prefix, offset, size),
        Job::Put(_) | Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => {
            Ok(Done::Failed)
        }
    };
    jobs.into_iter().map(one).collect()
}

/// Carries out jobs one after the other, each seeing what those before it did. Their outcomes, and whether anything had to
/// be written; it is on the disk then.
pub(crate) fn change(database: &Database, jobs: Vec<Job>) -> Result<(Vec<Done>, bool), Error> {
    let transaction = database.begin_write()?;
    let mut changed = false;
    let done = {
        let tables = Table::ALL.iter().map(|table| transaction.open_table(definition(*table)));
        let mut tables = Tables(tables.collect::<Result<Vec<_>, _>>()?);
        let mut one = |job| match job {
            Job::Get(keys) => tables.get(&keys),
            Job::List { table, prefix, offset, size } => tables.list(table, &prefix, offset, size),
            Job::Put(changes) => {
                for change in &changes {
                    if !change.was.is(tables.find(&change.key)?.as_ref().map(|record| &*record.0)) {
                        return Ok(Done::Stored(false));
                    }
                }
                for change in &changes {
                    let table = &mut tables.0[place(change.key.table)];
                    match &change.is {
                        Some(record) => drop(table.insert(&*change.key.key, &*record.0)?),
                        None => drop(table.remove(&*change.key.key)?),
                    }
                }
                changed |= !changes.is_empty();
                Ok(Done::Stored(true))
            }
            Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => Ok(Done::Failed),
        };
        jobs.into_iter().map(&mut one).collect::<Result<Vec<_>, Error>>()?
    };
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok((done, changed))
}
