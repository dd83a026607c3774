//! What sessions order that takes its time, done at once and from memory.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use crate::job::{Done, Job, Key, Record, Table};

/// Most records of a page, as of the server's store.
const PAGE: usize = 250;

/// A store that forgets, and servers elsewhere that answer what the test says.
#[derive(Debug, Default)]
pub struct Jobs {
    /// What is stored.
    pub records: BTreeMap<Key, Record>,
    /// The store cannot be reached.
    pub gone: bool,
    /// What other servers answer, by their addresses; one that is not here does not answer.
    pub answers: BTreeMap<Arc<str>, u16>,
    /// Questions and news that were sent, with their addresses.
    pub sent: Vec<(Arc<str>, Vec<u8>)>,
    /// What names mean.
    pub addresses: BTreeMap<Arc<str>, IpAddr>,
    /// The server was told to stop.
    pub stopped: bool,
}

impl Jobs {
    /// Stores a record.
    ///
    /// # Panics
    /// If the record is larger than may be.
    pub fn put(&mut self, table: Table, key: &str, record: &str) {
        assert!(record.len() <= Record::BYTES);
        self.records.insert(Key::new(table, key), Record(Arc::from(record.as_bytes())));
    }

    /// The records of a table whose keys begin so.
    fn of<'a>(&'a self, table: Table, prefix: &'a str) -> impl Iterator<Item = (&'a Key, &'a Record)> {
        self.records.iter().filter(move |(key, _)| key.table == table && key.key.starts_with(prefix))
    }

    /// Does one, as the server's store does.
    pub fn carry_out(&mut self, job: Job) -> Done {
        match job {
            Job::Get(_) | Job::Put(_) | Job::List { .. } | Job::Count { .. } if self.gone => Done::Failed,
            Job::List { size, .. } if size > PAGE => Done::Failed,
            Job::Get(keys) => Done::Records(keys.iter().map(|key| self.records.get(key).cloned()).collect()),
            Job::Put(changes) => {
                let found = |key: &Key| self.records.get(key).map(|record| &*record.0);
                if !changes.iter().all(|change| change.was.is(found(&change.key))) {
                    return Done::Stored(false);
                }
                for change in changes {
                    match change.is {
                        Some(record) => self.records.insert(change.key, record),
                        None => self.records.remove(&change.key),
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
            Job::Ask { url, body } => {
                let answer = self.answers.get(&url).copied();
                self.sent.push((url, body));
                answer.map_or(Done::Failed, Done::Answered)
            }
            Job::Notify { url, body, .. } => {
                self.sent.push((url, body));
                Done::Queued
            }
            // Of what there is no answer for, nothing comes.
            Job::Resolve { host } => self.addresses.get(&host).map_or(Done::Failed, |address| Done::Address(*address)),
            Job::Stop => {
                self.stopped = true;
                Done::Failed
            }
            Job::Dial(_) => Done::Failed,
        }
    }
}
