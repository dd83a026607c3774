//! What is published now: as it is shown, counted, ended and spoken to.

use std::sync::Arc;

use patchbay_core::{Cause, CauseKind, Codec, Command, Event, Known, Name, Query};
use patchbay_dialect_kit::http::Reply;
use serde::Serialize;

use super::broadcasts::{stream, window};
use super::{Call, reply};
use crate::records::{Broadcast, Stored, broadcast_key, stream_id};
use crate::shown::Clock;

/// Most bytes that are said on data channels at once: the largest message of the clients' own (antmedia.md section 8).
const SAID: usize = 16_004;

/// A broadcast as it is now; `None`: there is neither a record of it nor anything published.
pub(super) fn shown(call: &Call, stream: &Name, stored: Option<Broadcast>, known: Option<&Known>) -> Option<Broadcast> {
    crate::shown::shown(Clock { now: call.now, unix_ms: call.unix_ms }, stream, stored, known)
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
        video_frame_send_period: f64::from(report.video_period_us) / 1_000.0,
        audio_frame_send_period: f64::from(report.audio_period_us) / 1_000.0,
        video_packet_count: report.video_packets,
        audio_packet_count: report.audio_packets,
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
