//! The lines of a transcript that are about the store and other people's servers: `!store token live/t {…}`.

use super::jobs::Jobs;
use super::script::split_word;
use crate::job::Table;

/// What is so from here on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// A record is stored.
    Store {
        /// Its table.
        table: Table,
        /// Its key.
        key: String,
        /// Its bytes.
        record: String,
    },
    /// The store cannot be reached, or can again.
    Gone(bool),
    /// The server at that address answers with this status.
    Answers {
        /// Its address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The store has a record of that key, or not.
    Has {
        /// Its table.
        table: Table,
        /// Its key.
        key: String,
        /// Whether it is there.
        there: bool,
    },
    /// The server at that address is told this next.
    Told {
        /// Its address.
        url: String,
        /// Members of what it is told.
        having: serde_json::Value,
    },
}

/// What follows `!`.
pub(super) fn parse(line: &str) -> Option<Elsewhere> {
    let (verb, rest) = split_word(line);
    let place = |rest: &str| {
        let (table, rest) = split_word(rest);
        let (key, rest) = split_word(rest);
        let table = Table::ALL.into_iter().find(|known| known.label() == table)?;
        (!key.is_empty()).then(|| (table, key.to_owned(), rest.to_owned()))
    };
    Some(match (verb, rest) {
        ("store", "gone") => Elsewhere::Gone(true),
        ("store", "back") => Elsewhere::Gone(false),
        ("store", rest) => {
            let (table, key, record) = place(rest)?;
            Elsewhere::Store { table, key, record }
        }
        ("stored" | "unstored", rest) => {
            let (table, key, _) = place(rest)?;
            Elsewhere::Has { table, key, there: verb == "stored" }
        }
        ("answers", rest) => {
            let (url, status) = split_word(rest);
            Elsewhere::Answers { url: url.to_owned(), status: status.parse().ok()? }
        }
        ("told", rest) => {
            let (url, having) = split_word(rest);
            Elsewhere::Told { url: url.to_owned(), having: serde_json::from_str(having).ok()? }
        }
        _ => return None,
    })
}

impl Elsewhere {
    /// Makes it so, or looks whether it is.
    ///
    /// # Errors
    /// What was expected, and what is.
    pub(super) fn apply(&self, jobs: &mut Jobs) -> Result<(), (String, String)> {
        match self {
            Self::Store { table, key, record } => jobs.put(*table, key, record),
            Self::Gone(gone) => jobs.gone = *gone,
            Self::Answers { url, status } => {
                jobs.answers.insert(url.as_str().into(), *status);
            }
            Self::Has { table, key, there } => {
                let found = jobs.records.contains_key(&crate::job::Key::new(*table, key.as_str()));
                if found != *there {
                    let words = |there| if there { "a record" } else { "no record" };
                    return Err((words(*there).to_owned(), words(found).to_owned()));
                }
            }
            Self::Told { url, having } => {
                let wanted = format!("{url} to be told {having}");
                let Some(next) = jobs.sent.iter().position(|(to, _)| **to == **url) else {
                    return Err((wanted, "nothing".to_owned()));
                };
                let (_, body) = jobs.sent.remove(next);
                let told: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
                let members = having.as_object().into_iter().flatten();
                if !members.into_iter().all(|(key, value)| told.get(key) == Some(value)) {
                    return Err((wanted, told.to_string()));
                }
            }
        }
        Ok(())
    }
}
