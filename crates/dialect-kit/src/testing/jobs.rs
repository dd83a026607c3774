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

    /// Does one, as the server's store does.
    pub fn carry_out(&mut self, job: Job) -> Done {
        match job {
            Job::Get(_) | Job::Put(_) | Job::List { .. } if self.gone => Done::Failed,
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
            Job::List { table, prefix, offset, size } => {
                let here = self.records.iter().filter(|(key, _)| key.table == table && key.key.starts_with(&*prefix));
                let entries: Vec<_> = here.map(|(key, record)| (Arc::clone(&key.key), record.clone())).collect();
                let total = entries.len();
                Done::Page { entries: entries.into_iter().skip(offset).take(size).collect(), total }
            }
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
