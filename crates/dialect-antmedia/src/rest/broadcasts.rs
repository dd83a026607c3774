//! Broadcasts that are made beforehand, and how they are shown together with what is published.

use std::collections::BTreeMap;

use patchbay_core::{Cause, CauseKind, Command, Event, Known, Name, Query};
use patchbay_dialect_kit::http::Reply;
use patchbay_dialect_kit::job::{Change, Key, Record, Table, Was};
use serde_json::Value;

use super::{Call, live, reply};
use crate::records::{Broadcast, Stored, broadcast_key, stream_id};

/// Entries of one page: the reference's own bound.
pub(super) const PAGE: usize = 250;

/// Records that one search or sorted list looks through, and their bytes: more finds more in a large store, fewer keeps
/// one question from filling the memory. Those behind are not found.
const SEARCHED: usize = 10_000;
const SEARCHED_BYTES: usize = 16 << 20;

/// How often a change is tried that others get in the way of.
pub(super) const TRIES: usize = 3;

/// What can be set by who makes or changes a broadcast. The rest is the server's own, and is passed over.
pub(super) const SETTABLE: [&str; 22] = [
    "type",
    "publishType",
    "name",
    "description",
    "publish",
    "plannedStartDate",
    "plannedEndDate",
    "publicStream",
    "is360",
    "listenerHookURL",
    "category",
    "streamUrl",
    "mp4Enabled",
    "webMEnabled",
    "expireDurationMS",
    "latitude",
    "longitude",
    "altitude",
    "mainTrackStreamId",
    "subtracksLimit",
    "webRTCViewerLimit",
    "metaData",
];

/// Longest address of who is told what becomes of a stream, in letters: browsers and proxies take no longer ones.
pub(super) const URL: usize = 2_000;

/// Most tracks that a record names.
const TRACKS: usize = 1_000;

type Made<T> = Result<T, Reply>;

/// The stream that the path names.
pub(super) fn stream(call: &Call) -> Made<Name> {
    call.path.first().and_then(|id| stream_id(id)).ok_or_else(reply::bad_id)
}

/// The window that the path names.
pub(super) fn window(call: &Call) -> (usize, usize) {
    let number = |back: usize| {
        let at = call.path.len().checked_sub(back)?;
        call.path.get(at)?.parse::<usize>().ok()
    };
    (number(2).unwrap_or(0), number(1).unwrap_or(0).min(PAGE))
}

/// A body that is an object; nothing and `null` are an empty one.
pub(super) fn object(body: &[u8]) -> Made<serde_json::Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(serde_json::Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(mut object)) => {
            object.values_mut().for_each(whole);
            Ok(object)
        }
        Ok(Value::Null) => Ok(serde_json::Map::new()),
        Ok(_) => Err(reply::failed(400, "the body is no JSON object")),
        Err(error) => Err(reply::failed(400, &format!("the body is no JSON: {error}"))),
    }
}

/// JSON knows one kind of numbers: `7.0` is as whole as `7`.
fn whole(value: &mut Value) {
    /// Up to here, every whole number has a form of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(number) = value.as_number().filter(|number| number.is_f64()).and_then(serde_json::Number::as_f64)
        && number.fract() == 0.0
        && number.abs() <= EXACT
    {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole, and small enough")]
        let number = number as i64;
        *value = number.into();
    }
}

/// The broadcast with what is given in place of what it had.
fn with(broadcast: &Broadcast, given: &serde_json::Map<String, Value>) -> Made<Broadcast> {
    let Ok(Value::Object(mut object)) = serde_json::to_value(broadcast) else { return Err(reply::no_store()) };
    for name in SETTABLE {
        // `null` means that nothing was given.
        if let Some(value) = given.get(name).filter(|value| !value.is_null()) {
            object.insert(name.to_owned(), value.clone());
        }
    }
    let changed: Broadcast = serde_json::from_value(Value::Object(object))
        .map_err(|error| reply::failed(400, &format!("the body is no broadcast: {error}")))?;
    let url = changed.listener_hook_url.as_deref().filter(|url| !url.is_empty());
    let is_one = |url: &str| url.starts_with("http://") || url.starts_with("https://");
    if url.is_some_and(|url| !is_one(url) || url.chars().count() > URL) {
        return Err(reply::failed(
            400,
            "listenerHookURL begins with http:// or https://, and has 2000 letters at most",
        ));
    }
    let main = changed.main_track_stream_id.as_deref().filter(|id| !id.is_empty());
    if main.is_some_and(|id| stream_id(id).is_none()) {
        return Err(reply::bad_id());
    }
    Ok(changed)
}

/// What the broadcast is kept as.
pub(super) fn record(broadcast: &Broadcast) -> Made<Record> {
    record_of(broadcast)
}

/// What anything is kept as.
pub(super) fn record_of(what: &impl Stored) -> Made<Record> {
    what.record().ok_or_else(|| reply::failed(400, "that is more than 64 KiB: say less"))
}

/// An id that nobody has: 24 digits.
pub(super) fn drawn(call: &Call) -> String {
    let [high, low, ..] = call.random;
    format!("{:012}{:012}", high % 1_000_000_000_000, low % 1_000_000_000_000)
}

/// The id that the body names, if it names one.
fn given_id(given: &serde_json::Map<String, Value>) -> Made<Option<String>> {
    match given.get("streamId") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if id.is_empty() => Ok(None),
        Some(Value::String(id)) if stream_id(id).is_some() => Ok(Some(id.clone())),
        Some(_) => Err(reply::bad_id()),
    }
}

pub(super) async fn create(call: Call) -> Reply {
    made(&call).await.unwrap_or_else(|reply| reply)
}

async fn made(call: &Call) -> Made<Reply> {
    let given = object(&call.body)?;
    let id = given_id(&given)?.unwrap_or_else(|| drawn(call));
    let stream = stream_id(&id).ok_or_else(reply::bad_id)?;
    let date = i64::try_from(call.unix_ms).unwrap_or_default();
    let new = Broadcast { stream_id: id, date, update_time: date, ..Broadcast::default() };
    let new = with(&new, &given)?;
    let taken = || reply::failed(400, "there is a broadcast of that id already");
    if call.talk.known(&stream).await.is_some_and(|known| known.own.is_some()) {
        return Err(taken());
    }
    let change = Change { key: broadcast_key(&call.app, &stream), was: Was::Nothing, is: Some(record(&new)?) };
    if call.talk.put(vec![change]).await? { Ok(reply::object(200, &new)) } else { Err(taken()) }
}

pub(super) async fn get(call: Call) -> Reply {
    let found = async {
        let stream = stream(&call)?;
        let stored = call.talk.one(broadcast_key(&call.app, &stream)).await?;
        let stored = stored.as_ref().and_then(Broadcast::of);
        let known = call.talk.known(&stream).await;
        Ok(match live::shown(&call, &stream, stored, known.as_ref()) {
            Some(shown) => reply::object(200, &shown),
            None => reply::absent(),
        })
    };
    found.await.unwrap_or_else(|reply| reply)
}

/// Changes a stored broadcast, however often somebody else does meanwhile. Whether there is one.
pub(super) async fn change(
    call: &Call,
    stream: &Name,
    change: impl Fn(&Broadcast) -> Made<Broadcast> + Send,
) -> Made<Option<Broadcast>> {
    let key = broadcast_key(&call.app, stream);
    for _ in 0..TRIES {
        let Some(record) = call.talk.one(key.clone()).await? else { return Ok(None) };
        let Some(stored) = Broadcast::of(&record) else { return Ok(None) };
        let mut changed = change(&stored)?;
        changed.update_time = i64::try_from(call.unix_ms).unwrap_or_default();
        let is = Some(self::record(&changed)?);
        if call.talk.put(vec![Change { key: key.clone(), was: Was::Exactly(record), is }]).await? {
            return Ok(Some(changed));
        }
    }
    Err(reply::busy())
}

pub(super) async fn update(call: Call) -> Reply {
    let updated = async {
        let (stream, given) = (stream(&call)?, object(&call.body)?);
        // What is no broadcast is so whether there is one or not. The path says which is meant.
        given_id(&given)?;
        with(&Broadcast::default(), &given)?;
        let changed = change(&call, &stream, |stored| with(stored, &given)).await?;
        Ok(reply::whether(changed.is_some(), "there is no such broadcast"))
    };
    updated.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn delete(call: Call) -> Reply {
    let deleted = async {
        let stream = stream(&call)?;
        let key = broadcast_key(&call.app, &stream);
        let stored = call.talk.one(key.clone()).await?.is_some();
        if stored {
            call.talk.put(vec![Change { key, was: Was::Anything, is: None }]).await?;
        }
        let published = call.talk.known(&stream).await.is_some_and(|known| known.own.is_some());
        if published {
            let cause = Cause::from(CauseKind::Hangup);
            call.talk.tell(Command::EndStream { stream, cause });
        }
        Ok(reply::whether(stored || published, "there is no such broadcast"))
    };
    deleted.await.unwrap_or_else(|reply| reply)
}

/// The live streams and rooms of the application.
async fn living(call: &Call) -> Vec<(Name, Known)> {
    let (mut all, mut after) = (Vec::new(), None);
    while all.len() < SEARCHED {
        let query = Query::Streams { after: after.take(), most: PAGE };
        let Event::Streams { streams, more, .. } = call.talk.event(query).await else { break };
        after = streams.last().map(|(name, _)| name.clone());
        all.extend(streams);
        if !more {
            break;
        }
    }
    all
}

/// Those of them that nobody has made beforehand.
async fn unregistered(call: &Call) -> Made<Vec<(Name, Known)>> {
    let living = living(call).await;
    let mut left = Vec::new();
    for chunk in living.chunks(PAGE) {
        let keys = chunk.iter().map(|(name, _)| broadcast_key(&call.app, name)).collect();
        let records = call.talk.get(keys).await?;
        left.extend(chunk.iter().zip(records).filter(|(_, record)| record.is_none()).map(|(one, _)| one.clone()));
    }
    Ok(left)
}

/// What keys of the application's broadcasts begin with.
fn prefix(call: &Call) -> String {
    format!("{}/", call.app)
}

/// Shows stored broadcasts as they are now.
async fn as_now(call: &Call, stored: Vec<Broadcast>) -> Vec<Broadcast> {
    let mut shown = Vec::with_capacity(stored.len());
    for one in stored {
        let Some(stream) = stream_id(&one.stream_id) else { continue };
        let known = call.talk.known(&stream).await;
        shown.extend(live::shown(call, &stream, Some(one), known.as_ref()));
    }
    shown
}

pub(super) async fn count(call: Call) -> Reply {
    let counted = async {
        let stored = call.talk.number(Table::Broadcast, &prefix(&call)).await?;
        Ok(reply::count(stored + unregistered(&call).await?.len()))
    };
    counted.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn count_found(call: Call) -> Reply {
    let counted = async {
        let text = call.path.first().cloned().unwrap_or_default();
        Ok(reply::count(all(&call).await?.iter().filter(|one| is_found(one, &text)).count()))
    };
    counted.await.unwrap_or_else(|reply| reply)
}

/// Everything that there is, within bounds.
async fn all(call: &Call) -> Made<Vec<Broadcast>> {
    let prefix = prefix(call);
    let (mut all, mut bytes, mut read, mut after) = (BTreeMap::new(), 0, 0, None);
    loop {
        let page = call.talk.next(Table::Broadcast, &prefix, after).await?;
        read += page.entries.len();
        bytes += page.entries.iter().map(|(_, record)| record.0.len()).sum::<usize>();
        for one in page.entries.iter().filter_map(|(_, record)| Broadcast::of(record)) {
            all.insert(one.stream_id.clone(), one);
        }
        after = page.end();
        if after.is_none() || read >= SEARCHED || bytes >= SEARCHED_BYTES {
            break;
        }
    }
    for (name, known) in living(call).await {
        let stored = all.remove(name.as_str());
        if let Some(shown) = live::shown(call, &name, stored, Some(&known)) {
            all.insert(name.as_str().to_owned(), shown);
        }
    }
    Ok(all.into_values().collect())
}

fn is_found(one: &Broadcast, text: &str) -> bool {
    let text = text.to_lowercase();
    let has = |field: &str| field.to_lowercase().contains(&text);
    has(&one.stream_id) || one.name.as_deref().is_some_and(has)
}

pub(super) async fn list(call: Call) -> Reply {
    let listed = async {
        let (offset, size) = window(&call);
        let (kind, text) = (call.query.get("type_by"), call.query.get("search"));
        let sort = call.query.get("sort_by");
        if kind.is_none() && text.is_none() && sort.is_none() {
            return plain_page(&call, offset, size).await.map(|page| reply::object(200, &page));
        }
        let mut all = all(&call).await?;
        all.retain(|one| kind.is_none_or(|kind| one.kind == kind) && text.is_none_or(|text| is_found(one, text)));
        match sort {
            Some("name") => all.sort_by(|a, b| a.name.cmp(&b.name)),
            Some("date") => all.sort_by_key(|one| one.date),
            Some("status") => all.sort_by(|a, b| a.status.cmp(&b.status)),
            _ => {}
        }
        if call.query.get("order_by") == Some("desc") {
            all.reverse();
        }
        let page: Vec<_> = all.into_iter().skip(offset).take(size).collect();
        Ok(reply::object(200, &page))
    };
    listed.await.unwrap_or_else(|reply| reply)
}

/// What was made beforehand, sorted by id, and the rest behind it.
async fn plain_page(call: &Call, offset: usize, size: usize) -> Made<Vec<Broadcast>> {
    let prefix = prefix(call);
    let found = call.talk.list(Table::Broadcast, &prefix, offset, size).await?.entries;
    let missing = size - found.len();
    // Who finds nothing may have passed over all there is.
    let total = match found.len() {
        0 if offset > 0 && missing > 0 => call.talk.number(Table::Broadcast, &prefix).await?,
        read => offset + read,
    };
    let found = found.iter().filter_map(|(_, record)| Broadcast::of(record)).collect();
    let mut page = as_now(call, found).await;
    if missing > 0 {
        let others = unregistered(call).await?;
        let behind = others.iter().skip(offset.saturating_sub(total)).take(missing);
        page.extend(behind.filter_map(|(name, known)| live::shown(call, name, None, Some(known))));
    }
    Ok(page)
}

/// The broadcast that the query names.
fn track(call: &Call) -> Made<Name> {
    call.query.get("id").and_then(stream_id).ok_or_else(reply::bad_id)
}

pub(super) async fn add_track(call: Call) -> Reply {
    tracked(&call, true).await.unwrap_or_else(|reply| reply)
}

pub(super) async fn remove_track(call: Call) -> Reply {
    tracked(&call, false).await.unwrap_or_else(|reply| reply)
}

/// Both know of it, or neither.
async fn tracked(call: &Call, on: bool) -> Made<Reply> {
    let (main, sub) = (stream(call)?, track(call)?);
    if main == sub {
        return Ok(reply::not_done("a broadcast is no track of itself"));
    }
    let keys: Vec<Key> = [&main, &sub].map(|name| broadcast_key(&call.app, name)).into();
    for _ in 0..TRIES {
        let records = call.talk.get(keys.clone()).await?;
        let [Some(main_was), Some(sub_was)] = &records[..] else {
            return Ok(reply::not_done("one of the two broadcasts does not exist"));
        };
        let (Some(mut of_main), Some(mut of_sub)) = (Broadcast::of(main_was), Broadcast::of(sub_was)) else {
            return Err(reply::no_store());
        };
        of_main.sub_track_stream_ids.retain(|id| id != sub.as_str());
        if on {
            let full =
                usize::try_from(of_main.subtracks_limit).is_ok_and(|most| of_main.sub_track_stream_ids.len() >= most);
            if full || of_main.sub_track_stream_ids.len() >= TRACKS {
                return Ok(reply::not_done("the broadcast has all the tracks that it may have"));
            }
            of_main.sub_track_stream_ids.push(sub.as_str().to_owned());
        }
        let is_its = of_sub.main_track_stream_id.as_deref() == Some(main.as_str());
        if on || is_its {
            of_sub.main_track_stream_id = on.then(|| main.as_str().to_owned());
        }
        let changes = keys.iter().zip([main_was, sub_was]).zip([&of_main, &of_sub]).map(|((key, was), is)| {
            Ok(Change { key: key.clone(), was: Was::Exactly(was.clone()), is: Some(record(is)?) })
        });
        if call.talk.put(changes.collect::<Made<_>>()?).await? {
            return Ok(reply::done(None));
        }
    }
    Err(reply::busy())
}
