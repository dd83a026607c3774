//! Who may join: the rooms that are allowed, the tokens of media servers, and those of viewers (ers.md sections 1.1, 1.8).
//!
//! What operators add while the server runs is in the store, beside numbers of how much of it there is, so that one read
//! of one moment tells whether there is a list at all and whether this is in it. Every join costs that read, also where
//! nothing was ever added: an answer that a session remembers would let in who was locked out a moment ago.

use std::net::IpAddr;
use std::sync::Arc;

use patchbay_dialect_kit::job::{Change, Key, Record, Table, Was};
use subtle::ConstantTimeEq;

use super::Settings;
use super::wire::{Declined, Generation, TOKEN_BYTES};

/// How many allowed rooms were added.
pub(crate) const ROOMS: &str = "ers/rooms";
/// Below it, each allowed room.
pub(crate) const ROOM: &str = "ers/room/";
/// How many tokens of media servers were added.
pub(crate) const SERVER_TOKENS: &str = "ers/ems-tokens";
/// Below it, each of them.
pub(crate) const SERVER_TOKEN: &str = "ers/ems-token/";
/// Below it, each token of viewers. No application of another dialect has a name with a slash.
pub(crate) const TOKEN: &str = "/ers/token/";

/// Who wants to join.
#[derive(Debug)]
pub(super) enum Role<'a> {
    Server { generation: Generation, token: Option<&'a str> },
    Viewer { token: Option<&'a str> },
}

/// What becomes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Admitted,
    Declined(Declined),
    /// The token is this viewer's from now on, if nobody was faster.
    Binds(Change),
    /// The token has had its time.
    Spent(Change),
}

/// A text that may be a token.
pub(crate) fn is_token(text: &str) -> bool {
    (1..=TOKEN_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn usable<'a>(token: &Option<&'a str>) -> Option<&'a str> {
    token.filter(|token| is_token(token))
}

/// The records that decide.
pub(super) fn keys(room: &str, role: &Role<'_>, settings: &Settings) -> Vec<Key> {
    let mut keys = vec![Key::new(Table::Setting, ROOMS), Key::new(Table::Setting, format!("{ROOM}{room}"))];
    match role {
        Role::Server { token, .. } => {
            keys.push(Key::new(Table::Setting, SERVER_TOKENS));
            keys.extend(usable(token).map(|token| Key::new(Table::Setting, format!("{SERVER_TOKEN}{token}"))));
        }
        Role::Viewer { token } if settings.tokens_enabled => {
            keys.extend(usable(token).map(|token| Key::new(Table::Token, format!("{TOKEN}{token}"))));
        }
        Role::Viewer { .. } => {}
    }
    keys
}

/// Decides by the records of [`keys`]; `unix`: seconds since 1970.
pub(super) fn judge(
    room: &str,
    role: &Role<'_>,
    records: &[Option<Record>],
    from: Option<IpAddr>,
    unix: u64,
    settings: &Settings,
) -> Verdict {
    let found = |at: usize| records.get(at).and_then(Option::as_ref);
    let listed = !settings.allowed_rooms.is_empty() || number(found(0)) > 0;
    if listed && found(1).is_none() && !settings.allowed_rooms.contains(room) {
        return Verdict::Declined(Declined::InvalidRoom);
    }
    match role {
        Role::Server { generation, token } => {
            let asked = !settings.server_tokens.is_empty() || number(found(2)) > 0;
            let configured = usable(token).is_some_and(|token| settings.has_server_token(token));
            if asked && !configured && found(3).is_none() {
                return Verdict::Declined(Declined::InvalidServerToken(*generation));
            }
            Verdict::Admitted
        }
        Role::Viewer { .. } if !settings.tokens_enabled => Verdict::Admitted,
        Role::Viewer { token } => {
            let (Some(token), Some(record)) = (usable(token), found(2)) else {
                return Verdict::Declined(Declined::InvalidToken);
            };
            let key = Key::new(Table::Token, format!("{TOKEN}{token}"));
            let was = Was::Exactly(record.clone());
            let own = from.map(|from| from.to_canonical().to_string()).unwrap_or_default();
            match Binding::read(&record.0) {
                Binding { until: None, .. } => {
                    let until = unix.saturating_add(settings.token_ttl.as_secs());
                    Verdict::Binds(Change { key, was, is: Some(Binding { from: own, until: Some(until) }.record()) })
                }
                Binding { until: Some(until), .. } if until <= unix => Verdict::Spent(Change { key, was, is: None }),
                Binding { from, .. } if from == own => Verdict::Admitted,
                Binding { .. } => Verdict::Declined(Declined::InvalidToken),
            }
        }
    }
}

/// What a record of a number says.
pub(crate) fn number(record: Option<&Record>) -> u64 {
    let text = record.and_then(|record| std::str::from_utf8(&record.0).ok());
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

impl Settings {
    /// Compares in a time that tells nothing of how much of it was right.
    fn has_server_token(&self, token: &str) -> bool {
        let equal = |own: &Arc<str>| bool::from(own.as_bytes().ct_eq(token.as_bytes()));
        self.server_tokens.iter().fold(false, |found, own| found | equal(own))
    }
}

/// Whose a viewer's token is. In the store it is a text and no JSON, which the records of other dialects in the same table
/// are: `viewer`, and behind that until when it is good, and for whom.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Binding {
    /// The address that first showed it; empty: one without.
    pub(crate) from: String,
    /// Until when it may come back, in seconds since 1970; `None`: nobody has shown it yet.
    pub(crate) until: Option<u64>,
}

const VIEWER: &str = "viewer";

impl Binding {
    pub(crate) fn read(record: &[u8]) -> Self {
        let mut words = std::str::from_utf8(record).unwrap_or_default().split(' ');
        let until = words.next().filter(|word| *word == VIEWER).and_then(|_| words.next()?.parse().ok());
        Self { from: words.next().unwrap_or_default().to_owned(), until }
    }

    pub(crate) fn record(&self) -> Record {
        let text = match self {
            Self { until: None, .. } => VIEWER.to_owned(),
            Self { from, until: Some(until) } => format!("{VIEWER} {until} {from}"),
        };
        Record(Arc::from(text.into_bytes()))
    }
}

/// When a token of viewers is of no use any more, in seconds since 1970, if it is one of a viewer that has shown it.
#[must_use]
pub fn expires(table: Table, record: &[u8]) -> Option<u64> {
    if table != Table::Token {
        return None;
    }
    Binding::read(record).until
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_is_read_as_it_was_written_and_nothing_else_is_one() {
        let of = |from: &str, until| Binding { from: from.to_owned(), until };
        for binding in [of("", None), of("", Some(7)), of("2001:db8::1", Some(1_790_000_600))] {
            assert_eq!(Binding::read(&binding.record().0), binding);
            assert_eq!(expires(Table::Token, &binding.record().0), binding.until);
            assert_eq!(expires(Table::Setting, &binding.record().0), None);
        }
        for other in [&b"{\"tokenId\":\"t\",\"expireDate\":5}"[..], b"", b"viewer x", b"other 5", b"\xff 5"] {
            assert_eq!(expires(Table::Token, other), None);
        }
    }
}
