//! What takes its time: the store, and other people's servers.
//!
//! A session never waits. It gives an order ([`Outbox::job`](crate::Outbox::job)) and is told the outcome later, with the
//! tag it chose ([`Session::on_job`](crate::Session::on_job)); each order has one. What it must not do before, it keeps
//! until then, within a bound of its own.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// An order of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Job {
    /// Read records, all of the same moment. Outcome: [`Done::Records`], in this order.
    Get(Vec<Key>),
    /// Change records: all of them, or none if one of them is not as expected. Outcome: [`Done::Stored`], and then what
    /// was changed outlives a crash of the machine.
    Put(Vec<Change>),
    /// Read a page of a table's records, sorted by the bytes of their keys. Outcome: [`Done::Page`].
    List {
        /// Which table.
        table: Table,
        /// What the keys begin with.
        prefix: Arc<str>,
        /// Only those behind this key: who reads page after page is led there, and passes over nothing.
        after: Option<Arc<str>>,
        /// How many records are passed over.
        offset: usize,
        /// Most records of the page.
        size: usize,
    },
    /// Count a table's records. Outcome: [`Done::Number`]. What is changed meanwhile may be counted or not.
    Count {
        /// Which table.
        table: Table,
        /// What the keys begin with.
        prefix: Arc<str>,
    },
    /// Ask another server by `POST` whether something is allowed. Outcome: [`Done::Answered`].
    Ask {
        /// Its address, `http://…` or `https://…`.
        url: Arc<str>,
        /// The question, JSON.
        body: Vec<u8>,
    },
    /// Tell another server something, after everything that was told it before about the same subject; repeated until it
    /// is heard, within bounds. Outcome: [`Done::Queued`].
    Notify {
        /// Its address, `http://…` or `https://…`.
        url: Arc<str>,
        /// What the news is about: news of one subject arrive in order.
        subject: Arc<str>,
        /// The news, JSON.
        body: Vec<u8>,
    },
    /// Connect to another server as its client, and run a session of the same dialect on the connection. Outcome:
    /// [`Done::Over`] once that session has ended, [`Done::Failed`] if there was never a connection.
    Dial(Dial),
    /// Look up the address of a name. Outcome: [`Done::Address`].
    Resolve {
        /// The name, or an address.
        host: Arc<str>,
    },
    /// Stop the server, as an operator stops it. There is no outcome but the end.
    Stop,
}

/// Whom [`Job::Dial`] connects to.
#[derive(Clone, PartialEq, Eq)]
pub struct Dial {
    /// A name or an address, without a port.
    pub host: Arc<str>,
    /// The port.
    pub port: u16,
    /// By TLS.
    pub tls: bool,
    /// What the session is opened for ([`Dialect::open_for`](crate::Dialect::open_for)).
    pub session: Arc<str>,
}

/// What a session is opened for may hold secrets.
impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dial({}, tls {})", self.port, self.tls)
    }
}

/// What became of a [`Job`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The records that were asked for, in that order.
    Records(Vec<Option<Record>>),
    /// The changes were made; `false`: a record was not as expected, and none was.
    Stored(bool),
    /// A page.
    Page {
        /// Keys and records.
        entries: Vec<(Arc<str>, Record)>,
        /// There are more behind them.
        more: bool,
    },
    /// How many records there are.
    Number(usize),
    /// The other server answered with this status.
    Answered(u16),
    /// The news will be told.
    Queued,
    /// The connection that was dialled is over.
    Over,
    /// The address of a name.
    Address(IpAddr),
    /// Nothing came of it: the store is gone, the other server does not answer or may not be asked, or there is more to
    /// do than may wait.
    Failed,
}

/// What kind a record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// Streams and rooms that were made beforehand.
    Broadcast,
    /// Permissions that are used up.
    Token,
    /// People who may publish or play.
    Subscriber,
    /// What operators changed while the server ran.
    Setting,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 4] = [Self::Broadcast, Self::Token, Self::Subscriber, Self::Setting];

    /// Its name in the store.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Token => "token",
            Self::Subscriber => "subscriber",
            Self::Setting => "setting",
        }
    }
}

/// Where a record is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The table.
    pub table: Table,
    /// The key: 1 to [`Key::BYTES`] bytes.
    pub key: Arc<str>,
}

impl Key {
    /// Longest key: three names of 256 bytes, and what separates them.
    pub const BYTES: usize = 1_024;

    /// A key of that table.
    #[must_use]
    pub fn new(table: Table, key: impl Into<Arc<str>>) -> Self {
        Self { table, key: key.into() }
    }
}

/// Keys name people and are secrets: only the length.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {} bytes)", self.table.label(), self.key.len())
    }
}

/// A record's bytes, at most [`Record::BYTES`]; cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(pub Arc<[u8]>);

impl Record {
    /// Largest record: larger ones would let one of them fill a page's answer, smaller ones cut what people store with
    /// their streams.
    pub const BYTES: usize = 64 * 1024;
}

/// What people store is theirs: only the length.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} bytes)", self.0.len())
    }
}

/// One change of [`Job::Put`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which record.
    pub key: Key,
    /// What it has to be before.
    pub was: Was,
    /// What it is to be; `None`: it is to be gone.
    pub is: Option<Record>,
}

/// What a record has to be for a change to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Was {
    /// Whatever it is.
    Anything,
    /// There is none.
    Nothing,
    /// There is one, with these bytes.
    Exactly(Record),
}

impl Was {
    /// Whether this is what was expected.
    #[must_use]
    pub fn is(&self, found: Option<&[u8]>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => found.is_none(),
            Self::Exactly(record) => found == Some(&*record.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_knows_what_it_expects() {
        let record = Record(Arc::from(&b"one"[..]));
        for (was, found, expected) in [
            (Was::Anything, None, true),
            (Was::Anything, Some(&b"two"[..]), true),
            (Was::Nothing, None, true),
            (Was::Nothing, Some(b"one"), false),
            (Was::Exactly(record.clone()), Some(b"one"), true),
            (Was::Exactly(record.clone()), Some(b"two"), false),
            (Was::Exactly(record), None, false),
        ] {
            assert_eq!(was.is(found), expected, "{was:?} {found:?}");
        }
    }

    #[test]
    fn keys_and_records_are_not_printed() {
        let key = Key::new(Table::Token, "secret");
        let change = Change { key, was: Was::Nothing, is: Some(Record(Arc::from(&b"secret"[..]))) };
        assert!(!format!("{change:?}").contains("secret"));
    }

    #[test]
    fn tables_have_names_of_their_own() {
        let mut labels = Table::ALL.map(Table::label).to_vec();
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), Table::ALL.len());
    }
}
