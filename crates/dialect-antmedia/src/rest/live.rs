//! What is published now: as it is shown, counted, ended and spoken to.

use std::collections::BTreeSet;
use std::sync::Arc;

use patchbay_core::{Cause, CauseKind, Codec, Command, Event, Known, Moment, Name, Published, Query};
use patchbay_dialect_kit::http::Reply;
use serde::{Deserialize, Serialize};

use super::broadcasts::{stream, window};
use super::{Call, reply};
use crate::records::{Broadcast, Stored, broadcast_key, status, stream_id};

/// Most bytes that are said on data channels at once: the largest message of the clients' own (antmedia.md section 8).
const SAID: usize = 16_004;

/// What a publisher says of its stream, in the dialect's canonical form.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct About {
    name: Option<String>,
    meta_data: Option<String>,
    role: Option<String>,
}

impl About {
    fn of(published: &Published) -> Self {
        let body = published.about.as_ref().map(patchbay_core::Body::bytes);
        body.and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or_default()
    }
}

/// A broadcast as it is now; `None`: there is neither a record of it nor anything published.
pub(super) fn shown(call: &Call, stream: &Name, stored: Option<Broadcast>, known: Option<&Known>) -> Option<Broadcast> {
    let Some(known) = known else { return stored };
    let made = stored.is_some();
    let mut shown =
        stored.unwrap_or_else(|| Broadcast { stream_id: stream.as_str().to_owned(), ..Broadcast::default() });
    let tracks = known.tracks.iter().filter(|track| track.live).map(|track| track.stream.as_str());
    let mut ids: BTreeSet<String> = std::mem::take(&mut shown.sub_track_stream_ids).into_iter().collect();
    ids.extend(tracks.map(ToOwned::to_owned));
    shown.sub_track_stream_ids = ids.into_iter().collect();
    shown.web_rtc_viewer_count = u32::try_from(known.viewers).unwrap_or(u32::MAX);
    let begun = known.own.iter().chain(&known.tracks).map(|one| one.since).min();
    let is_live = known.own.iter().chain(&known.tracks).any(|one| one.live);
    if let Some(own) = &known.own {
        let about = About::of(own);
        shown.name = about.name.or(shown.name);
        shown.meta_data = about.meta_data.or(shown.meta_data);
        shown.role = about.role.or(shown.role);
        shown.main_track_stream_id =
            own.main.as_ref().map(|main| main.as_str().to_owned()).or(shown.main_track_stream_id);
        shown.speed = 1.0;
    }
    if is_live {
        shown.status = status::BROADCASTING.to_owned();
    } else if begun.is_some() {
        shown.status = status::PREPARING.to_owned();
    }
    if let Some(begun) = begun {
        shown.start_time = unix_ms(call, begun);
        shown.publish_type.get_or_insert_with(|| "WebRTC".to_owned());
    }
    if !made {
        shown.zombi = true;
        shown.date = shown.start_time;
    }
    Some(shown)
}

/// Milliseconds since 1970 of a moment that has been.
fn unix_ms(call: &Call, then: Moment) -> i64 {
    let ago = call.now.as_micros().saturating_sub(then.as_micros()) / 1_000;
    i64::try_from(call.unix_ms.saturating_sub(ago)).unwrap_or_default()
}

pub(super) async fn version(_call: Call) -> Reply {
    reply::object(200, &Version::default())
}

/// What runs here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Version {
    version_name: &'static str,
    version_type: &'static str,
    build_number: &'static str,
}

impl Default for Version {
    fn default() -> Self {
        Self { version_name: env!("CARGO_PKG_VERSION"), version_type: "Patchbay", build_number: "" }
    }
}

pub(super) async fn count(call: Call) -> Reply {
    match call.talk.event(Query::Streams { after: None, most: 0 }).await {
        Event::Streams { live, .. } => reply::count(live),
        _ => reply::no_store(),
    }
}

pub(super) async fn stop(call: Call) -> Reply {
    let stopped = async {
        let stream = stream(&call)?;
        let known = call.talk.known(&stream).await.unwrap_or_default();
        let of = if known.own.is_some() { known.own.as_slice() } else { &known.tracks[..] };
        for published in of {
            let (stream, cause) = (published.stream.clone(), Cause::from(CauseKind::Hangup));
            call.talk.tell(Command::EndStream { stream, cause });
        }
        Ok(reply::whether(!of.is_empty(), "nobody publishes it"))
    };
    stopped.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn say(call: Call) -> Reply {
    let said = async {
        let stream = stream(&call)?;
        let text = std::str::from_utf8(&call.body).ok().filter(|text| !text.is_empty());
        let text = text.filter(|text| text.len() <= SAID);
        let text = text.ok_or_else(|| reply::failed(400, "the body is no text of 1 to 16004 bytes"))?;
        if call.talk.known(&stream).await.is_none() {
            return Ok(reply::not_done("nobody is there"));
        }
        call.talk.tell(Command::SayToAll { stream, binary: false, bytes: Arc::from(text.as_bytes()) });
        Ok(reply::done(None))
    };
    said.await.unwrap_or_else(|reply| reply)
}

/// One size in which a stream can be had.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StreamInfo {
    video_height: u32,
    video_width: u32,
    video_bitrate: u32,
    audio_bitrate: u32,
    video_codec: &'static str,
}

pub(super) async fn info(call: Call) -> Reply {
    let stream = match stream(&call) {
        Ok(stream) => stream,
        Err(reply) => return reply,
    };
    let Event::Renditions { video, audio_bps, renditions, .. } = call.talk.event(Query::Renditions(stream)).await
    else {
        return reply::object(200, &[(); 0]);
    };
    let video_codec = video.map_or("", Codec::label);
    let one = |of: &patchbay_core::Rendition| StreamInfo {
        video_height: of.height,
        video_width: of.width,
        video_bitrate: of.bps,
        audio_bitrate: audio_bps,
        video_codec,
    };
    let infos: Vec<_> = renditions.iter().map(one).collect();
    reply::object(200, &infos)
}

/// Who watches, by what.
#[derive(Default, Serialize)]
pub(super) struct Statistics {
    #[serde(rename = "totalRTMPWatchersCount")]
    rtmp: usize,
    #[serde(rename = "totalHLSWatchersCount")]
    hls: usize,
    #[serde(rename = "totalWebRTCWatchersCount")]
    web_rtc: usize,
    #[serde(rename = "totalDASHWatchersCount")]
    dash: usize,
}

pub(super) async fn statistics(call: Call) -> Reply {
    let counted = async {
        let known = call.talk.known(&stream(&call)?).await.unwrap_or_default();
        Ok(reply::object(200, &Statistics { web_rtc: known.viewers, ..Statistics::default() }))
    };
    counted.await.unwrap_or_else(|reply| reply)
}

/// How one does who plays a stream. What this server does not measure is 0; addresses are nobody's business.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientStats {
    measured_bitrate: u32,
    send_bitrate: u32,
    video_frame_send_period: f64,
    audio_frame_send_period: f64,
    client_id: String,
    video_packet_count: u64,
    audio_packet_count: u64,
    client_info: String,
    client_ip: String,
}

pub(super) async fn clients(call: Call) -> Reply {
    let stream = match stream(&call) {
        Ok(stream) => stream,
        Err(reply) => return reply,
    };
    let Event::Views { views, .. } = call.talk.event(Query::Views(stream)).await else { return reply::no_store() };
    let (offset, size) = window(&call);
    let one = |(number, (_, report)): (usize, &(_, patchbay_core::Report))| ClientStats {
        measured_bitrate: report.target_bps,
        send_bitrate: report.audio_bps.saturating_add(report.video_bps),
        client_id: (number + 1).to_string(),
        ..ClientStats::default()
    };
    let clients: Vec<_> = views.iter().enumerate().map(one).skip(offset).take(size).collect();
    reply::object(200, &clients)
}

pub(super) async fn tracks(call: Call) -> Reply {
    let listed = async {
        let main = stream(&call)?;
        let (offset, size) = window(&call);
        let stored = call.talk.one(broadcast_key(&call.app, &main)).await?;
        let stored = stored.as_ref().and_then(Broadcast::of);
        let known = call.talk.known(&main).await;
        let all = shown(&call, &main, stored, known.as_ref()).map(|main| main.sub_track_stream_ids).unwrap_or_default();
        let page: Vec<_> = all.iter().filter_map(|id| stream_id(id)).skip(offset).take(size).collect();
        let records = call.talk.get(page.iter().map(|name| broadcast_key(&call.app, name)).collect()).await?;
        let mut tracks = Vec::with_capacity(page.len());
        for (name, record) in page.iter().zip(records) {
            let known = call.talk.known(name).await;
            tracks.extend(shown(&call, name, record.as_ref().and_then(Broadcast::of), known.as_ref()));
        }
        Ok(reply::object(200, &tracks))
    };
    listed.await.unwrap_or_else(|reply| reply)
}

pub(super) async fn count_tracks(call: Call) -> Reply {
    let counted = async {
        let known = call.talk.known(&stream(&call)?).await.unwrap_or_default();
        Ok(reply::count(known.tracks.iter().filter(|track| track.live).count()))
    };
    counted.await.unwrap_or_else(|reply| reply)
}
