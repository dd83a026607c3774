//! Answers: objects as they are, and `Result`, which says how it went.

use patchbay_dialect_kit::http::{Reply, Request};
use serde::Serialize;

const JSON: &str = "application/json";

/// How something went.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) success: bool,
    pub(crate) message: Option<String>,
    /// What was made, or what is meant.
    pub(crate) data_id: Option<String>,
    pub(crate) error_id: i32,
}

/// How many.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Count {
    pub(crate) number: usize,
}

/// An object or a list of them.
pub(crate) fn object(status: u16, object: &impl Serialize) -> Reply {
    // Nothing that is written here can fail: no map has keys that are no texts.
    Reply::new(status).body(JSON, serde_json::to_vec(object).unwrap_or_default())
}

/// It was done.
pub(crate) fn done(data_id: Option<String>) -> Reply {
    object(200, &Outcome { success: true, data_id, ..Outcome::default() })
}

/// It was understood, and not done.
pub(crate) fn not_done(message: &str) -> Reply {
    object(200, &Outcome { message: Some(message.to_owned()), ..Outcome::default() })
}

/// It was done, or this is why not.
pub(crate) fn whether(done: bool, else_message: &str) -> Reply {
    if done { self::done(None) } else { not_done(else_message) }
}

/// It was refused.
pub(crate) fn failed(status: u16, message: &str) -> Reply {
    object(status, &Outcome { message: Some(message.to_owned()), ..Outcome::default() })
}

/// As the reference answers where there is none of that id: nothing.
pub(crate) fn absent() -> Reply {
    Reply::new(404)
}

pub(crate) fn count(number: usize) -> Reply {
    object(200, &Count { number })
}

pub(crate) fn no_store() -> Reply {
    failed(503, "data_store_not_available").with("retry-after", "1")
}

pub(crate) fn busy() -> Reply {
    failed(409, "it was changed by somebody else at the same time; try again")
}

pub(crate) fn bad_id() -> Reply {
    failed(400, "an id is 1 to 256 of A-Z a-z 0-9 . _ -")
}

pub(crate) fn wrong_method(methods: &str) -> Reply {
    failed(405, "this path takes other methods").with("allow", methods)
}

/// Whether the body is said to be JSON.
pub(crate) fn is_json(request: &Request<'_>) -> bool {
    let kind = request.header("content-type").unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(JSON)
}
