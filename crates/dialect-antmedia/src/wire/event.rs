//! What pages are told on the data channel: antmedia.md sections 5.5 and 8.

use patchbay_core::Name;
use patchbay_dialect_kit::json::write_plain_string;

use super::{head, key, string};

/// As [`Event::Speaker`](patchbay_core::Event::Speaker) tells it.
const SILENCE: u8 = 127;

fn event(stream: &Name, kind: &str) -> Vec<u8> {
    let mut out = Vec::new();
    head(&mut out, "event");
    string(&mut out, "streamId", stream.as_str());
    string(&mut out, "eventType", kind);
    out
}

/// A track came or went: the page asks what there is.
pub(crate) fn track_list_updated(stream: &Name) -> Vec<u8> {
    let mut out = event(stream, "TRACK_LIST_UPDATED");
    out.push(b'}');
    out
}

/// Which slot shows which track: each has one of its own, which has its name.
pub(crate) fn assignments(stream: &Name, tracks: &[Name]) -> Vec<u8> {
    let mut out = event(stream, "VIDEO_TRACK_ASSIGNMENT_LIST");
    key(&mut out, "payload");
    let mut before = b'[';
    for track in tracks {
        out.push(before);
        out.extend_from_slice(b"{\"videoLabel\":");
        write_plain_string(&mut out, track.as_str());
        string(&mut out, "trackId", track.as_str());
        out.extend_from_slice(b",\"reserved\":false}");
        before = b',';
    }
    if tracks.is_empty() {
        out.push(before);
    }
    out.extend_from_slice(b"]}");
    out
}

/// Who speaks now, and how loud: `level` is the attenuation of RFC 6464, 0 to 127. The number told rises with the loudness,
/// two for each decibel: pages show everybody in the list whose number is not 0, older ones whose number is above 150, which
/// is here where the engine takes a sound for speech.
pub(crate) fn speaker(stream: &Name, track: &Name, level: u8) -> Vec<u8> {
    let mut out = event(stream, "AUDIO_TRACK_ASSIGNMENT");
    key(&mut out, "payload");
    out.extend_from_slice(b"[{\"audioLabel\":");
    write_plain_string(&mut out, track.as_str());
    string(&mut out, "trackId", track.as_str());
    let loudness = (SILENCE - level.min(SILENCE)) * 2;
    out.extend_from_slice(format!(",\"audioLevel\":{loudness}}}]}}").as_bytes());
    out
}
