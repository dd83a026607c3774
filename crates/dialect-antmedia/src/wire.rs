//! Frames in and out: bytes to types and back, no behaviour.
//!
//! Clients differ, so what comes in is read with patience and what goes out is as strict as the strictest of them wants
//! it (antmedia.md section 2): any field may be absent, `null` or empty and then was not given; numbers and switches may
//! be texts; ids go out as strings, labels and figures as integers.

use std::borrow::Cow;

use patchbay_core::{Codec, DescriptionKind, Name, Rendition, Report, Section};
use patchbay_dialect_kit::json::{Cursor, Fault, Kind as Json, write_plain_string};

pub(crate) use self::about::About;
use crate::refusal::WireError;
use crate::sdp;

pub(crate) mod about;
pub(crate) mod broadcast;
pub(crate) mod event;
pub(crate) mod relay;
pub(crate) mod room;

/// Entries of a `trackList` that are read: more than a room has tracks, and few enough to be searched for every one of
/// them. Those behind are as if they were not listed.
pub(crate) const TRACKS: usize = 1_000;

/// A message of the client, as it was said. The last of two equal keys counts.
#[derive(Debug, Default)]
pub(crate) struct ClientFrame<'a> {
    command: Text<'a>,
    pub(crate) stream: Text<'a>,
    pub(crate) main: Text<'a>,
    pub(crate) track: Text<'a>,
    pub(crate) own: Text<'a>,
    pub(crate) kind: Text<'a>,
    pub(crate) sdp: Text<'a>,
    pub(crate) candidate: Text<'a>,
    pub(crate) video: Option<bool>,
    pub(crate) audio: Option<bool>,
    pub(crate) enabled: Option<bool>,
    pub(crate) all_off: Option<bool>,
    pub(crate) height: Option<u32>,
    pub(crate) token: Text<'a>,
    pub(crate) code: Text<'a>,
    pub(crate) room: Text<'a>,
    pub(crate) name: Text<'a>,
    pub(crate) meta: Text<'a>,
    pub(crate) visible_as: Text<'a>,
    pub(crate) subscriber: Text<'a>,
    pub(crate) subscriber_name: Text<'a>,
    pub(crate) offset: Option<u32>,
    pub(crate) size: Option<u32>,
    /// Tracks, and whether each is wanted.
    pub(crate) tracks: Vec<(Cow<'a, str>, bool)>,
}

/// A text, if it was given.
type Text<'a> = Option<Cow<'a, str>>;

/// What the client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientKind {
    Ping,
    IceServers,
    Publish,
    Play,
    Stop,
    Configuration,
    Candidate,
    ToggleVideo,
    ToggleAudio,
    EnableTrack,
    TrackList,
    StreamInfo,
    Quality,
    Join,
    Leave,
    PeerMessage,
    JoinRoom,
    RoomInfo,
    LeaveRoom,
    Object,
    MetaData,
    Subtracks,
    SubtrackCount,
    SubscriberCount,
    Subscribers,
    Assignments,
    DebugInfo,
    RegisterPush,
    SendPush,
    Unknown,
}

impl ClientKind {
    fn of(command: &str) -> Self {
        match command {
            "ping" => Self::Ping,
            "getIceServerConfig" => Self::IceServers,
            "publish" => Self::Publish,
            "play" => Self::Play,
            "stop" => Self::Stop,
            "takeConfiguration" => Self::Configuration,
            "takeCandidate" => Self::Candidate,
            "toggleVideo" => Self::ToggleVideo,
            "toggleAudio" => Self::ToggleAudio,
            "enableTrack" => Self::EnableTrack,
            "getTrackList" => Self::TrackList,
            "getStreamInfo" => Self::StreamInfo,
            "forceStreamQuality" => Self::Quality,
            "join" => Self::Join,
            "leave" => Self::Leave,
            "peerMessageCommand" => Self::PeerMessage,
            "joinRoom" => Self::JoinRoom,
            "getRoomInfo" => Self::RoomInfo,
            "leaveFromRoom" => Self::LeaveRoom,
            "getBroadcastObject" => Self::Object,
            "updateStreamMetaData" => Self::MetaData,
            "getSubtracks" => Self::Subtracks,
            "getSubtracksCount" => Self::SubtrackCount,
            "getSubscriberCount" => Self::SubscriberCount,
            "getSubscribers" => Self::Subscribers,
            "getVideoTrackAssignmentsCommand" | "updateVideoTrackAssignmentsCommand" => Self::Assignments,
            "getDebugInfo" => Self::DebugInfo,
            "registerPushNotificationToken" => Self::RegisterPush,
            "sendPushNotification" => Self::SendPush,
            _ => Self::Unknown,
        }
    }
}

/// Reads a message; `None` if it is no JSON object with a command, which clients do send and which is ignored
/// (antmedia.md sections 1.2 and 2).
pub(crate) fn read(text: &str) -> Option<(ClientKind, ClientFrame<'_>)> {
    let mut cursor = Cursor::new(text);
    let mut frame = ClientFrame::default();
    let read = cursor.object(|key, value| {
        match &*key {
            "command" => frame.command = read_text(value)?,
            "streamId" => frame.stream = read_text(value)?,
            "mainTrack" => frame.main = read_text(value)?,
            "trackId" => frame.track = read_text(value)?,
            "userPublishId" => frame.own = read_text(value)?,
            "type" => frame.kind = read_text(value)?,
            "token" => frame.token = read_text(value)?,
            "subscriberCode" => frame.code = read_text(value)?,
            "room" => frame.room = read_text(value)?,
            "streamName" => frame.name = read_text(value)?,
            "metaData" => frame.meta = read_text(value)?,
            "subscriberId" => frame.subscriber = read_text(value)?,
            "sdp" => frame.sdp = read_text(value)?,
            "candidate" => frame.candidate = read_text(value)?,
            "video" => frame.video = read_switch(value)?,
            "audio" => frame.audio = read_switch(value)?,
            "enabled" => frame.enabled = read_switch(value)?,
            "disableTracksByDefault" => frame.all_off = read_switch(value)?,
            "streamHeight" => frame.height = read_number(value)?,
            "role" => frame.visible_as = read_text(value)?,
            "subscriberName" => frame.subscriber_name = read_text(value)?,
            "offset" => frame.offset = read_number(value)?,
            "size" => frame.size = read_number(value)?,
            "trackList" => frame.tracks = read_tracks(value)?,
            _ => value.skip()?,
        }
        Ok(())
    });
    if read.is_err() || !cursor.at_end() {
        return None;
    }
    let kind = ClientKind::of(frame.command.as_deref()?);
    Some((kind, frame))
}

fn read_text<'a>(value: &mut Cursor<'a>) -> Result<Text<'a>, Fault> {
    if value.kind()? == Json::String {
        return Ok(Some(value.string()?).filter(|text| !text.is_empty()));
    }
    value.skip()?;
    Ok(None)
}

/// A switch: `true`, `"true"`, `false`, `"false"`.
fn read_switch(value: &mut Cursor<'_>) -> Result<Option<bool>, Fault> {
    let raw = value.raw()?;
    Ok(match raw.trim_matches('"') {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    })
}

/// A whole number, or its text.
fn read_number(value: &mut Cursor<'_>) -> Result<Option<u32>, Fault> {
    Ok(value.raw()?.trim_matches('"').parse().ok())
}

/// `["cam1", "!cam2"]`: an exclamation mark says no.
fn read_tracks<'a>(value: &mut Cursor<'a>) -> Result<Vec<(Cow<'a, str>, bool)>, Fault> {
    let mut tracks = Vec::new();
    if value.kind()? != Json::Array {
        value.skip()?;
        return Ok(tracks);
    }
    value.array(|item| {
        if let Some(text) = read_text(item)?
            && tracks.len() < TRACKS
        {
            tracks.push(match (text.strip_prefix('!'), &text) {
                (Some(_), Cow::Borrowed(text)) => (Cow::Borrowed(&text[1..]), false),
                (Some(rest), Cow::Owned(_)) => (Cow::Owned(rest.to_owned()), false),
                (None, _) => (text, true),
            });
        }
        Ok(())
    })?;
    Ok(tracks)
}

/// A stream's name by the dialect's rule (antmedia.md section 7): 1 to 256 letters, digits, `.`, `_` and `-`.
pub(crate) fn stream_name(text: &str) -> Option<Name> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    Name::parse(text).ok().filter(|_| text.bytes().all(legal))
}

/// `{"command":…`: what every message of the server begins with.
fn head(out: &mut Vec<u8>, command: &str) {
    out.extend_from_slice(b"{\"command\":\"");
    out.extend_from_slice(command.as_bytes());
    out.push(b'"');
}

fn key(out: &mut Vec<u8>, key: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

fn string(out: &mut Vec<u8>, name: &str, value: &str) {
    key(out, name);
    write_plain_string(out, value);
}

fn number(out: &mut Vec<u8>, name: &str, value: u32) {
    key(out, name);
    out.extend_from_slice(value.to_string().as_bytes());
}

/// A list, its items written by `item`.
fn list<T>(out: &mut Vec<u8>, name: &str, items: &[T], mut item: impl FnMut(&mut Vec<u8>, &T)) {
    key(out, name);
    out.push(b'[');
    for (index, value) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        item(out, value);
    }
    out.push(b']');
}

pub(crate) fn pong(out: &mut Vec<u8>) {
    head(out, "pong");
    out.push(b'}');
}

pub(crate) fn start(out: &mut Vec<u8>, stream: &Name) {
    head(out, "start");
    string(out, "streamId", stream.as_str());
    out.push(b'}');
}

/// The other of two who meet directly has gone: the client closes its peer connection (antmedia.md section 4.1).
pub(crate) fn stop(out: &mut Vec<u8>, stream: &Name) {
    head(out, "stop");
    string(out, "streamId", stream.as_str());
    out.push(b'}');
}

/// A description for the client. An offer is of something to be played, so it tells the track of each section: without
/// `idMapping`, pages throw (antmedia.md section 5.4).
pub(crate) fn configuration(
    out: &mut Vec<u8>,
    stream: &Name,
    kind: DescriptionKind,
    sdp: &str,
    sections: &[Section<Name>],
) {
    head(out, "takeConfiguration");
    string(out, "streamId", stream.as_str());
    match kind {
        DescriptionKind::Answer => {
            string(out, "type", "answer");
            string(out, "sdp", sdp);
        }
        DescriptionKind::Offer => {
            string(out, "type", "offer");
            string(out, "sdp", &sdp::with_track_ids(sdp, sections));
            key(out, "idMapping");
            let tracks = sections.iter().filter_map(|section| Some((&section.mid, sdp::track_id(section)?)));
            let mut before = b'{';
            for (mid, track) in tracks {
                out.push(before);
                write_plain_string(out, mid);
                out.push(b':');
                write_plain_string(out, &track);
                before = b',';
            }
            if before == b'{' {
                out.push(before);
            }
            out.push(b'}');
        }
    }
    out.push(b'}');
}

/// One candidate of ours. All sections share a transport, so it is the first one's.
pub(crate) fn candidate(out: &mut Vec<u8>, stream: &Name, mid: &str, candidate: &str) {
    head(out, "takeCandidate");
    string(out, "streamId", stream.as_str());
    number(out, "label", 0);
    string(out, "id", mid);
    string(out, "candidate", candidate);
    out.push(b'}');
}

/// What is told of a stream without having been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notice {
    PublishStarted,
    PublishFinished,
    PlayStarted,
    PlayFinished,
    /// Somebody asked for it before it was there.
    StreamingStarted,
    /// Its viewers have waited for it.
    SessionRestored,
    /// One of two who meet directly.
    Joined,
    Leaved,
}

pub(crate) fn notice(out: &mut Vec<u8>, notice: Notice, stream: &Name) {
    let definition = match notice {
        Notice::PublishStarted => "publish_started",
        Notice::PublishFinished => "publish_finished",
        Notice::PlayStarted => "play_started",
        Notice::PlayFinished => "play_finished",
        Notice::StreamingStarted => "streaming_started",
        Notice::SessionRestored => "session_restored",
        Notice::Joined => "joined",
        Notice::Leaved => "leaved",
    };
    notification(out, definition, stream);
    out.push(b'}');
}

/// The server will stop: clients close by themselves and come back, to whichever server is there by then.
pub(crate) fn server_will_stop(out: &mut Vec<u8>) {
    head(out, "notification");
    string(out, "definition", "server_will_stop");
    out.push(b'}');
}

fn notification(out: &mut Vec<u8>, definition: &str, stream: &Name) {
    head(out, "notification");
    string(out, "definition", definition);
    string(out, "streamId", stream.as_str());
}

/// How a view does, in bits per second; pages warn of a weak network while the target is below what is sent.
pub(crate) fn measurement(out: &mut Vec<u8>, stream: &Name, report: &Report) {
    notification(out, "bitrateMeasurement", stream);
    number(out, "targetBitrate", report.target_bps);
    number(out, "videoBitrate", report.video_bps);
    number(out, "audioBitrate", report.audio_bps);
    out.push(b'}');
}

pub(crate) fn resolution(out: &mut Vec<u8>, stream: &Name, height: u32) {
    notification(out, "resolutionChangeInfo", stream);
    number(out, "streamHeight", height);
    out.push(b'}');
}

/// A track of a main stream came or went.
pub(crate) fn track_changed(out: &mut Vec<u8>, stream: &Name, track: &Name, added: bool) {
    notification(out, if added { "subtrackAdded" } else { "subtrackRemoved" }, stream);
    string(out, "trackId", track.as_str());
    out.push(b'}');
}

/// In which sizes a stream can be had. Pages want a list with at least one entry, so a stream without pictures, or whose
/// size nobody knows yet, has one of zeros.
pub(crate) fn stream_information(
    out: &mut Vec<u8>,
    stream: &Name,
    video: Option<Codec>,
    audio_bps: u32,
    renditions: &[Rendition],
) {
    const UNKNOWN: [Rendition; 1] = [Rendition { width: 0, height: 0, bps: 0 }];
    head(out, "streamInformation");
    string(out, "streamId", stream.as_str());
    let renditions = if renditions.is_empty() { &UNKNOWN } else { renditions };
    list(out, "streamInfo", renditions, |out, rendition| {
        out.extend_from_slice(b"{\"streamWidth\":");
        out.extend_from_slice(rendition.width.to_string().as_bytes());
        number(out, "streamHeight", rendition.height);
        number(out, "videoBitrate", rendition.bps);
        number(out, "audioBitrate", audio_bps);
        string(out, "videoCodec", video.map_or("", Codec::label));
        out.push(b'}');
    });
    out.push(b'}');
}

pub(crate) fn debug_info(out: &mut Vec<u8>, stream: &Name, info: &str) {
    notification(out, "debugInfo", stream);
    string(out, "debugInfo", info);
    out.push(b'}');
}

/// Nobody here sends push messages, whoever asks for it.
pub(crate) fn no_push(out: &mut Vec<u8>, command: &str) {
    head(out, "notification");
    out.extend_from_slice(b",\"success\":false");
    string(out, "definition", command);
    string(out, "information", "push messages are not supported by this server");
    out.push(b'}');
}

pub(crate) fn track_list(out: &mut Vec<u8>, stream: &Name, tracks: &[Name]) {
    head(out, "trackList");
    string(out, "streamId", stream.as_str());
    list(out, "trackList", tracks, |out, track| write_plain_string(out, track.as_str()));
    out.push(b'}');
}

pub(crate) fn ice_servers(out: &mut Vec<u8>, uri: &str, user: &str, credential: &str) {
    head(out, "iceServerConfig");
    string(out, "stunServerUri", uri);
    string(out, "turnServerUsername", user);
    string(out, "turnServerCredential", credential);
    out.push(b'}');
}

/// An error, with the stream's id as the client wrote it: `stream` may be no name.
pub(crate) fn error(out: &mut Vec<u8>, error: WireError, stream: Option<&str>) {
    head(out, "error");
    string(out, "definition", error.definition());
    // More than the longest name is not sent back: it is none, and it could be a megabyte.
    if let Some(stream) = stream.filter(|stream| stream.len() <= Name::BYTES) {
        string(out, "streamId", stream);
    }
    if error == WireError::NoStream {
        string(out, "error_code", "404");
    }
    out.push(b'}');
}

/// Nobody publishes what the client wants to play. The web player understands the word for it and waits for
/// `streaming_started`.
pub(crate) fn not_playable(out: &mut Vec<u8>, stream: &Name) {
    error(out, WireError::NoStream, Some(stream.as_str()));
    out.pop();
    string(out, "information", "stream_not_exist_or_not_streaming");
    out.push(b'}');
}

#[cfg(test)]
mod tests;
