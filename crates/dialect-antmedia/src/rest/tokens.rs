//! Tokens: permissions that are shown once, or for as long as a room goes on (antmedia.md section 9.1).

use patchbay_core::Name;
use patchbay_dialect_kit::http::Reply;
use patchbay_dialect_kit::job::{Change, Key, Table, Was};
use serde::Deserialize;

use super::broadcasts::{object, record_of, stream, window};
use super::{Call, reply};
use crate::records::{Purpose, Stored, Token, stream_id, token_key};
use crate::security::jwt;

/// Records that one question looks through: more finds the tokens of a stream among more of others, fewer keeps one
/// question from holding up those behind it.
const SEARCHED: usize = 100_000;

/// Records of one job.
const PAGE: usize = 250;

type Made<T> = Result<T, Reply>;

pub(super) async fn get(call: Call) -> Reply {
    made(&call).await.unwrap_or_else(|reply| reply)
}

async fn made(call: &Call) -> Made<Reply> {
    let stream = stream(call)?;
    let purpose = call.query.get("type").and_then(Purpose::parse).unwrap_or_default();
    let expire_date = call.query.get("expireDate").and_then(|text| text.parse().ok()).unwrap_or_default();
    let room = call.query.get("roomId").map(|id| stream_id(id).ok_or_else(reply::bad_id)).transpose()?;
    let [.., high, low] = call.random;
    let token = Token {
        token_id: format!("{high:016x}{low:016x}"),
        stream_id: stream.as_str().to_owned(),
        expire_date,
        purpose,
        room_id: room.map(|room| room.as_str().to_owned()),
    };
    let key = token_key(&call.app, &token.token_id).ok_or_else(reply::bad_id)?;
    let change = Change { key, was: Was::Nothing, is: Some(record_of(&token)?) };
    if call.talk.put(vec![change]).await? { Ok(reply::object(200, &token)) } else { Err(reply::busy()) }
}

/// A token that is signed instead of stored.
pub(super) async fn signed(call: Call) -> Reply {
    let signed = || {
        let stream = stream(&call)?;
        let purpose = call.query.get("type").and_then(Purpose::parse).unwrap_or_default();
        let expire_date: i64 = call.query.get("expireDate").and_then(|text| text.parse().ok()).unwrap_or_default();
        let expires = u64::try_from(expire_date).unwrap_or_default();
        let room = call.query.get("roomId").map(|id| stream_id(id).ok_or_else(reply::bad_id)).transpose()?;
        let security = &call.settings.security;
        let Some(key) = security.jwt_key.as_ref().filter(|key| key.len() >= jwt::KEY_BYTES) else {
            return Err(reply::failed(400, "this application has no key of JSON Web Tokens; see jwt_key_file"));
        };
        let claims = jwt::Claims { stream: stream.as_str().to_owned(), purpose, expires, begins: None };
        Ok(reply::object(
            200,
            &Token {
                token_id: jwt::make(&claims, key),
                stream_id: claims.stream,
                expire_date,
                purpose,
                room_id: room.map(|room| room.as_str().to_owned()),
            },
        ))
    };
    signed().unwrap_or_else(|reply: Reply| reply)
}

/// What is asked about a token.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    token_id: String,
    stream_id: String,
    #[serde(rename = "type")]
    purpose: Purpose,
    room_id: Option<String>,
}

pub(super) async fn validate(call: Call) -> Reply {
    let validated = async {
        let asked: Asked = serde_json::from_value(object(&call.body)?.into())
            .map_err(|error| reply::failed(400, &format!("the body is no token: {error}")))?;
        stream_id(&asked.stream_id).ok_or_else(reply::bad_id)?;
        let not_good = || reply::not_done("the token is not good");
        let Some(key) = token_key(&call.app, &asked.token_id) else { return Ok(not_good()) };
        let Some(record) = call.talk.one(key.clone()).await? else { return Ok(not_good()) };
        let Some(token) = Token::of(&record) else { return Ok(not_good()) };
        let in_time = u64::try_from(token.expire_date).is_ok_and(|end| call.unix_ms / 1_000 < end);
        if token.purpose != asked.purpose || !in_time {
            return Ok(not_good());
        }
        if asked.room_id.is_some() {
            return Ok(reply::whether(asked.room_id == token.room_id, "the token is not good"));
        }
        if token.stream_id != asked.stream_id {
            return Ok(not_good());
        }
        let used = call.talk.put(vec![Change { key, was: Was::Exactly(record), is: None }]).await?;
        Ok(reply::whether(used, "the token is not good"))
    };
    validated.await.unwrap_or_else(|reply| reply)
}

/// The tokens of a stream, with their keys.
async fn of(call: &Call, stream: &Name) -> Made<Vec<(Key, Token)>> {
    let prefix = format!("{}/", call.app);
    let (mut found, mut read, mut after) = (Vec::new(), 0, None);
    loop {
        let page = call.talk.next(Table::Token, &prefix, after).await?;
        read += page.entries.len();
        after = page.end();
        for (key, record) in &page.entries {
            if let Some(token) = Token::of(record).filter(|token| token.stream_id == stream.as_str()) {
                found.push((Key { table: Table::Token, key: key.clone() }, token));
            }
        }
        if after.is_none() || read >= SEARCHED {
            return Ok(found);
        }
    }
}

pub(super) async fn list(call: Call) -> Reply {
    let listed = async {
        let (offset, size) = window(&call);
        let found = of(&call, &stream(&call)?).await?;
        let page: Vec<_> = found.iter().map(|(_, token)| token).skip(offset).take(size).collect();
        Ok(reply::object(200, &page))
    };
    listed.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn delete(call: Call) -> Reply {
    let deleted = async {
        let found = of(&call, &stream(&call)?).await?;
        for chunk in found.chunks(PAGE) {
            let gone = |(key, _): &(Key, Token)| Change { key: key.clone(), was: Was::Anything, is: None };
            call.talk.put(chunk.iter().map(gone).collect()).await?;
        }
        Ok(reply::done(None))
    };
    deleted.await.unwrap_or_else(|reply| reply)
}
