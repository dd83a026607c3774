//! Rooms in the style of the seed: antmedia.md sections 4 and 5.6.

use patchbay_core::{Name, Published};
use patchbay_dialect_kit::json::write_plain_string;

use super::{About, error, head, key, list, notification, string};
use crate::refusal::WireError;

/// Pages read the room's name by this key.
const ROOM_NAME: &str = "ATTR_ROOM_NAME";

/// The client is in the room, as whom it may publish, and whom it can play.
pub(crate) fn joined(out: &mut Vec<u8>, room: &Name, own: &Name, streams: &[Published]) {
    notification(out, "joinedTheRoom", own);
    string(out, "room", room.as_str());
    string(out, ROOM_NAME, room.as_str());
    listed(out, streams);
    out.push(b'}');
}

/// The client is in the room no longer.
pub(crate) fn left(out: &mut Vec<u8>, room: &Name) {
    head(out, "notification");
    string(out, "definition", "leavedFromRoom");
    string(out, "room", room.as_str());
    string(out, ROOM_NAME, room.as_str());
    out.push(b'}');
}

/// Who can be played in the room, but for who asks.
pub(crate) fn information(out: &mut Vec<u8>, room: &Name, streams: &[Published]) {
    head(out, "roomInformation");
    string(out, "room", room.as_str());
    string(out, ROOM_NAME, room.as_str());
    listed(out, streams);
    out.push(b'}');
}

/// Nobody knows that room.
pub(crate) fn unknown(out: &mut Vec<u8>, room: &Name, stream: Option<&str>) {
    error(out, WireError::NoActiveStreams, stream);
    out.pop();
    string(out, "room", room.as_str());
    out.push(b'}');
}

fn listed(out: &mut Vec<u8>, streams: &[Published]) {
    list(out, "streams", streams, |out, of| write_plain_string(out, of.stream.as_str()));
    list(out, "streamList", streams, |out, of| {
        let about = About::read(of);
        out.extend_from_slice(b"{\"streamId\":");
        write_plain_string(out, of.stream.as_str());
        string(out, "streamName", about.name.as_deref().unwrap_or_default());
        key(out, "metaData");
        match &about.meta {
            Some(meta) => write_plain_string(out, meta),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    });
}
