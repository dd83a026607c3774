//! Conference rooms, as the interface of 2022 has them. A room is a broadcast with tracks, of which this interface says
//! more: so the two styles of conferences know of the same rooms.

use std::collections::BTreeMap;

use patchbay_dialect_kit::http::Reply;
use patchbay_dialect_kit::job::{Change, Table, Was};
use serde::{Deserialize, Serialize};

use super::broadcasts::{change, drawn, object, record, stream, window};
use super::{Call, live, reply};
use crate::records::{Broadcast, Conference, Stored, broadcast_key, stream_id};

/// For how long a room is open if nobody says, in seconds.
const OPEN: i64 = 3_600;

/// Most streams of one room.
pub(super) const STREAMS: usize = 1_000;

type Made<T> = Result<T, Reply>;

/// A room as it is shown.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Shown {
    room_id: String,
    start_date: i64,
    end_date: i64,
    room_stream_list: Vec<String>,
    mode: String,
    zombi: bool,
}

impl Shown {
    fn of(broadcast: Broadcast) -> Option<Self> {
        let Conference { start_date, end_date, mode } = broadcast.room?;
        Some(Self {
            room_id: broadcast.stream_id,
            start_date,
            end_date,
            room_stream_list: broadcast.sub_track_stream_ids,
            mode,
            zombi: false,
        })
    }
}

/// What can be set of a room.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Given {
    room_id: Option<String>,
    start_date: Option<i64>,
    end_date: Option<i64>,
    room_stream_list: Option<Vec<String>>,
    mode: Option<String>,
}

impl Given {
    fn read(body: &[u8]) -> Made<Self> {
        let given: Self = serde_json::from_value(object(body)?.into())
            .map_err(|error| reply::failed(400, &format!("the body is no room: {error}")))?;
        let streams = given.room_stream_list.iter().flatten();
        if streams.clone().count() > STREAMS || streams.clone().any(|id| stream_id(id).is_none()) {
            return Err(reply::bad_id());
        }
        Ok(given)
    }

    /// The room with what is given in place of what it had.
    fn set(self, broadcast: &mut Broadcast, now: i64) {
        let was = broadcast.room.take();
        let is_new = was.is_none();
        let mut room = was.unwrap_or_default();
        if is_new {
            (room.start_date, room.end_date) = (now, now + OPEN);
        }
        room.start_date = self.start_date.unwrap_or(room.start_date);
        room.end_date = self.end_date.unwrap_or(room.end_date);
        room.mode = self.mode.unwrap_or(room.mode);
        broadcast.room = Some(room);
        if let Some(streams) = self.room_stream_list {
            broadcast.sub_track_stream_ids = streams;
        }
    }
}

fn seconds(call: &Call) -> i64 {
    i64::try_from(call.unix_ms / 1_000).unwrap_or_default()
}

pub(super) async fn create(call: Call) -> Reply {
    let created = async {
        let mut given = Given::read(&call.body)?;
        let id = given.room_id.take().filter(|id| !id.is_empty()).unwrap_or_else(|| drawn(&call));
        let room = stream_id(&id).ok_or_else(reply::bad_id)?;
        let date = i64::try_from(call.unix_ms).unwrap_or_default();
        let mut new = Broadcast { stream_id: id, date, update_time: date, ..Broadcast::default() };
        given.set(&mut new, seconds(&call));
        let change = Change { key: broadcast_key(&call.app, &room), was: Was::Nothing, is: Some(record(&new)?) };
        if call.talk.put(vec![change]).await? {
            return Ok(reply::object(200, &Shown::of(new)));
        }
        Err(reply::failed(400, "there is a room or broadcast of that id already"))
    };
    created.await.unwrap_or_else(|reply| reply)
}

/// The room that the path names; `None`: there is none.
async fn found(call: &Call) -> Made<Option<Broadcast>> {
    let record = call.talk.one(broadcast_key(&call.app, &stream(call)?)).await?;
    Ok(record.as_ref().and_then(Broadcast::of).filter(|broadcast| broadcast.room.is_some()))
}

pub(super) async fn get(call: Call) -> Reply {
    let got = async {
        Ok(match found(&call).await?.and_then(Shown::of) {
            Some(shown) => reply::object(200, &shown),
            None => reply::absent(),
        })
    };
    got.await.unwrap_or_else(|reply: Reply| reply)
}

pub(super) async fn update(call: Call) -> Reply {
    let updated = async {
        let room = stream(&call)?;
        Given::read(&call.body)?;
        let changed = change(&call, &room, |stored| {
            let mut changed = stored.clone();
            if changed.room.is_some() {
                Given::read(&call.body)?.set(&mut changed, seconds(&call));
            }
            Ok(changed)
        });
        Ok(match changed.await?.and_then(Shown::of) {
            Some(shown) => reply::object(200, &shown),
            None => reply::absent(),
        })
    };
    updated.await.unwrap_or_else(|reply: Reply| reply)
}

pub(super) async fn delete(call: Call) -> Reply {
    let deleted = async {
        let is_there = found(&call).await?.is_some();
        if is_there {
            let key = broadcast_key(&call.app, &stream(&call)?);
            call.talk.put(vec![Change { key, was: Was::Anything, is: None }]).await?;
        }
        Ok(reply::whether(is_there, "there is no such room"))
    };
    deleted.await.unwrap_or_else(|reply: Reply| reply)
}

pub(super) async fn list(call: Call) -> Reply {
    let listed = async {
        let (offset, size) = window(&call);
        let prefix = format!("{}/", call.app);
        let (mut rooms, mut seen, mut after) = (Vec::new(), 0, None);
        loop {
            let page = call.talk.next(Table::Broadcast, &prefix, after).await?;
            after = page.end();
            for shown in page.entries.iter().filter_map(|(_, record)| Broadcast::of(record)).filter_map(Shown::of) {
                if seen >= offset && rooms.len() < size {
                    rooms.push(shown);
                }
                seen += 1;
            }
            if after.is_none() || rooms.len() >= size {
                return Ok(reply::object(200, &rooms));
            }
        }
    };
    listed.await.unwrap_or_else(|reply: Reply| reply)
}

/// Who is in a room.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Info {
    room_id: String,
    stream_details_map: BTreeMap<String, String>,
    start_date: i64,
    end_date: i64,
}

pub(super) async fn info(call: Call) -> Reply {
    let told = async {
        let room = stream(&call)?;
        let own = call.query.get("streamId").map(|id| stream_id(id).ok_or_else(reply::bad_id)).transpose()?;
        let stored = found(&call).await?;
        let known = call.talk.known(&room).await;
        if stored.is_none() && known.is_none() {
            return Ok(reply::absent());
        }
        let dates = stored.as_ref().and_then(|stored| stored.room.clone()).unwrap_or_default();
        let shown = live::shown(&call, &room, stored, known.as_ref()).unwrap_or_default();
        let mut details = BTreeMap::new();
        for name in shown.sub_track_stream_ids.iter().filter_map(|id| stream_id(id)) {
            if own.as_ref() == Some(&name) {
                continue;
            }
            let known = call.talk.known(&name).await;
            let track = live::shown(&call, &name, None, known.as_ref());
            details.insert(name.as_str().to_owned(), track.and_then(|track| track.name).unwrap_or_default());
        }
        Ok(reply::object(
            200,
            &Info {
                room_id: room.as_str().to_owned(),
                stream_details_map: details,
                start_date: dates.start_date,
                end_date: dates.end_date,
            },
        ))
    };
    told.await.unwrap_or_else(|reply: Reply| reply)
}

pub(super) async fn add(call: Call) -> Reply {
    moved(&call, true).await.unwrap_or_else(|reply| reply)
}

pub(super) async fn remove(call: Call) -> Reply {
    moved(&call, false).await.unwrap_or_else(|reply| reply)
}

async fn moved(call: &Call, on: bool) -> Made<Reply> {
    let room = stream(call)?;
    let track = call.query.get("streamId").and_then(stream_id).ok_or_else(reply::bad_id)?;
    let changed = change(call, &room, |stored| {
        let mut changed = stored.clone();
        changed.sub_track_stream_ids.retain(|id| id != track.as_str());
        if on && changed.sub_track_stream_ids.len() >= STREAMS {
            return Err(reply::failed(400, "the room has all the streams that it may have"));
        }
        if on && changed.room.is_some() {
            changed.sub_track_stream_ids.push(track.as_str().to_owned());
        }
        Ok(changed)
    });
    let is_room = changed.await?.is_some_and(|changed| changed.room.is_some());
    Ok(reply::whether(is_room, "there is no such room"))
}
