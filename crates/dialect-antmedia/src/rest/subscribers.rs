//! Subscribers: people who may publish or play with codes (antmedia.md section 9.1).

use patchbay_core::Name;
use patchbay_dialect_kit::http::Reply;
use patchbay_dialect_kit::job::{Change, Key, Table, Was};
use serde::{Deserialize, Serialize};

use super::broadcasts::{TRIES, object, record_of, stream, window};
use super::talk::Page;
use super::{Call, reply};
use crate::records::{Purpose, Stored, Subscriber, is_subscriber_id, subscriber_key};
use crate::security::totp;

/// Fewest letters of an id: the reference's own bound.
pub(super) const LETTERS: usize = 4;

/// Records of one job.
const PAGE: usize = 250;

type Made<T> = Result<T, Reply>;

/// What can be set of a subscriber.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    subscriber_id: String,
    subscriber_name: Option<String>,
    b32_secret: Option<String>,
    #[serde(rename = "type")]
    purpose: Option<Purpose>,
    concurrent_connections_limit: Option<i32>,
}

/// A subscriber as it is shown: without the secret.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    subscriber_id: String,
    subscriber_name: Option<String>,
    #[serde(rename = "type")]
    purpose: Purpose,
    concurrent_connections_limit: i32,
    blocked_type: Option<String>,
    blocked_until_unit_time_stamp_ms: i64,
}

impl Shown {
    fn of(subscriber: Subscriber) -> Self {
        Self {
            subscriber_id: subscriber.subscriber_id,
            subscriber_name: subscriber.subscriber_name,
            purpose: subscriber.purpose,
            concurrent_connections_limit: subscriber.concurrent_connections_limit,
            blocked_type: subscriber.block_type,
            blocked_until_unit_time_stamp_ms: subscriber.block_end_time,
        }
    }
}

pub(super) async fn add(call: Call) -> Reply {
    let added = async {
        let stream = stream(&call)?;
        let given: Given = serde_json::from_value(object(&call.body)?.into())
            .map_err(|error| reply::failed(400, &format!("the body is no subscriber: {error}")))?;
        let id = given.subscriber_id;
        if id.chars().count() < LETTERS || !is_subscriber_id(&id) {
            return Err(reply::failed(400, "subscriberId has 4 to 128 letters, and no slash"));
        }
        let secret = given.b32_secret.filter(|secret| !secret.is_empty());
        if secret.as_deref().is_some_and(|secret| !is_base32(secret)) {
            return Err(reply::failed(400, "b32Secret is not base32 of 8 letters or a multiple of that"));
        }
        let subscriber = Subscriber {
            subscriber_id: id,
            stream_id: stream.as_str().to_owned(),
            subscriber_name: given.subscriber_name,
            b32_secret: secret,
            purpose: given.purpose.unwrap_or_default(),
            concurrent_connections_limit: given.concurrent_connections_limit.unwrap_or(1),
            ..Subscriber::default()
        };
        let key = subscriber_key(&call.app, &stream, &subscriber.subscriber_id).ok_or_else(reply::bad_id)?;
        let is = Some(record_of(&subscriber)?);
        call.talk.put(vec![Change { key, was: Was::Anything, is }]).await?;
        Ok(reply::done(Some(subscriber.subscriber_id)))
    };
    added.await.unwrap_or_else(|reply| reply)
}

/// RFC 4648 section 6, in whole groups, as the reference wants it.
fn is_base32(text: &str) -> bool {
    let legal = |byte: u8| matches!(byte, b'A'..=b'Z' | b'2'..=b'7');
    text.len().is_multiple_of(8) && text.len() <= 256 && text.bytes().all(legal)
}

/// What keys of the stream's subscribers begin with.
fn prefix(call: &Call, stream: &Name) -> String {
    format!("{}/{}/", call.app, stream.as_str())
}

/// The subscriber that the path names.
fn named(call: &Call) -> Made<Key> {
    let id = call.path.get(1).map(String::as_str).unwrap_or_default();
    subscriber_key(&call.app, &stream(call)?, id).ok_or_else(reply::bad_id)
}

pub(super) async fn list(call: Call) -> Reply {
    let listed = async {
        let (offset, size) = window(&call);
        let prefix = prefix(&call, &stream(&call)?);
        let entries = call.talk.list(Table::Subscriber, &prefix, offset, size).await?.entries;
        let shown = entries.iter().filter_map(|(_, record)| Subscriber::of(record)).map(Shown::of);
        Ok(reply::object(200, &shown.collect::<Vec<_>>()))
    };
    listed.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn delete(call: Call) -> Reply {
    let deleted = async {
        let key = named(&call)?;
        let was = call.talk.one(key.clone()).await?;
        if was.is_some() {
            call.talk.put(vec![Change { key, was: Was::Anything, is: None }]).await?;
        }
        Ok(reply::whether(was.is_some(), "there is no such subscriber"))
    };
    deleted.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn delete_all(call: Call) -> Reply {
    let deleted = async {
        let prefix = prefix(&call, &stream(&call)?);
        loop {
            let Page { entries, more } = call.talk.list(Table::Subscriber, &prefix, 0, PAGE).await?;
            let gone = |key| Change { key: Key { table: Table::Subscriber, key }, was: Was::Anything, is: None };
            if !entries.is_empty() {
                call.talk.put(entries.into_iter().map(|(key, _)| gone(key)).collect()).await?;
            }
            if !more {
                return Ok(reply::done(None));
            }
        }
    };
    deleted.await.unwrap_or_else(|reply: Reply| reply)
}

pub(super) async fn block(call: Call) -> Reply {
    let blocked = async {
        let key = named(&call)?;
        let seconds: i64 = call.path.get(2).and_then(|text| text.parse().ok()).unwrap_or_default();
        let kind = call.path.get(3).cloned();
        let now = i64::try_from(call.unix_ms).unwrap_or_default();
        for _ in 0..TRIES {
            let Some(record) = call.talk.one(key.clone()).await? else {
                return Ok(reply::not_done("there is no such subscriber"));
            };
            let Some(mut subscriber) = Subscriber::of(&record) else { return Err(reply::no_store()) };
            (subscriber.block_type, subscriber.block_end_time) = match seconds {
                0 => (None, 0),
                seconds => (kind.clone(), now.saturating_add(seconds.saturating_mul(1_000))),
            };
            let is = Some(record_of(&subscriber)?);
            if call.talk.put(vec![Change { key: key.clone(), was: Was::Exactly(record), is }]).await? {
                return Ok(reply::done(None));
            }
        }
        Err(reply::busy())
    };
    blocked.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn code(call: Call) -> Reply {
    let coded = async {
        let key = named(&call)?;
        let (stream, id) = (stream(&call)?, call.path.get(1).cloned().unwrap_or_default());
        let purpose = call.query.get("type").and_then(Purpose::parse).unwrap_or_default();
        let stored = call.talk.one(key).await?;
        let stored = stored.as_ref().and_then(Subscriber::of);
        let security = &call.settings.security;
        let own = stored.as_ref().and_then(|stored| stored.b32_secret.as_deref()).filter(|own| !own.is_empty());
        let key = match own {
            Some(own) => totp::own_key(own),
            None if security.known_subscribers && stored.is_none() => None,
            None => {
                let secret = security.checks(purpose).time_secret.as_ref();
                secret.map(|secret| totp::derived_key(secret, &id, stream.as_str(), purpose))
            }
        };
        Ok(match key {
            Some(key) => reply::done(Some(totp::code(&key, security.time_period, call.unix_ms / 1_000))),
            None => reply::not_done("neither the subscriber nor the application has a secret that codes are made of"),
        })
    };
    coded.await.unwrap_or_else(|reply| reply)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_base32_in_whole_groups() {
        for (text, expected) in [
            ("GEZDGNBV", true),
            ("GEZDGNBVGY3TQOJQ", true),
            ("GE======", false),
            ("GEZDGNB", false),
            ("GEZDGNB1", false),
            ("gezdgnbv", false),
            ("========", false),
        ] {
            assert_eq!(is_base32(text), expected, "{text}");
        }
    }
}
