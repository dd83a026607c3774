//! Jobs, carried out in one transaction.

use std::sync::Arc;

use patchbay_dialect_kit::job::{Done, Job, Key, Record, Table};
use redb::{Database, Error, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::walk::Walk;

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

    /// The first step of a walk.
    fn walk(&self, job: &Job) -> Result<Outcome, Error> {
        let Some(mut walk) = Walk::of(job) else { return Ok(Outcome::Done(Done::Failed)) };
        let over = walk.step(self.of(walk.table))?;
        Ok(if over { Outcome::Done(walk.done()) } else { Outcome::More(walk) })
    }
}

/// What has become of a job.
pub(crate) enum Outcome {
    Done(Done),
    /// There is more to be looked at than one job may keep the others waiting for.
    More(Walk),
}

pub(crate) fn place(table: Table) -> usize {
    Table::ALL.iter().position(|one| *one == table).unwrap_or_default()
}

/// What becomes of a job that changes nothing, where nothing is stored.
pub(crate) fn nothing(job: &Job) -> Done {
    match job {
        Job::Get(keys) => Done::Records(vec![None; keys.len()]),
        Job::List { .. } => Done::Page { entries: Vec::new(), more: false },
        Job::Count { .. } => Done::Number(0),
        Job::Put(_) | Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => {
            Done::Failed
        }
    }
}

/// Carries out jobs that change nothing.
pub(crate) fn read(database: &Database, jobs: &[Job]) -> Result<Vec<Outcome>, Error> {
    let transaction = database.begin_read()?;
    let tables = Table::ALL.iter().map(|table| transaction.open_table(definition(*table)));
    let tables = Tables(tables.collect::<Result<Vec<_>, _>>()?);
    let one = |job: &Job| match job {
        Job::Get(keys) => tables.get(keys).map(Outcome::Done),
        job => tables.walk(job),
    };
    jobs.iter().map(one).collect()
}

/// The next step of a walk. Whether it is over.
pub(crate) fn go_on(database: &Database, walk: &mut Walk) -> Result<bool, Error> {
    walk.step(&database.begin_read()?.open_table(definition(walk.table))?)
}

/// The tables in which nothing is.
pub(crate) fn empty(database: &Database) -> Result<Vec<Table>, Error> {
    let transaction = database.begin_read()?;
    let mut empty = Vec::new();
    for table in Table::ALL {
        if transaction.open_table(definition(table))?.is_empty()? {
            empty.push(table);
        }
    }
    Ok(empty)
}

/// Carries out jobs one after the other, each seeing what those before it did. Their outcomes, and whether anything had to
/// be written; it is on the disk then.
pub(crate) fn change(database: &Database, jobs: &[Job]) -> Result<(Vec<Outcome>, bool), Error> {
    let transaction = database.begin_write()?;
    let mut changed = false;
    let done = {
        let tables = Table::ALL.iter().map(|table| transaction.open_table(definition(*table)));
        let mut tables = Tables(tables.collect::<Result<Vec<_>, _>>()?);
        let mut one = |job: &Job| match job {
            Job::Get(keys) => tables.get(keys).map(Outcome::Done),
            Job::Put(changes) => {
                for change in changes {
                    if !change.was.is(tables.find(&change.key)?.as_ref().map(|record| &*record.0)) {
                        return Ok(Outcome::Done(Done::Stored(false)));
                    }
                }
                for change in changes {
                    let table = &mut tables.0[place(change.key.table)];
                    match &change.is {
                        Some(record) => drop(table.insert(&*change.key.key, &*record.0)?),
                        None => drop(table.remove(&*change.key.key)?),
                    }
                }
                changed |= !changes.is_empty();
                Ok(Outcome::Done(Done::Stored(true)))
            }
            job => tables.walk(job),
        };
        jobs.iter().map(&mut one).collect::<Result<Vec<_>, Error>>()?
    };
    if changed {
        transaction.commit()?;
    } else {
        transaction.abort()?;
    }
    Ok((done, changed))
}
