//! What is told of streams to who asks: antmedia.md sections 4.2 and 9.3. A stream's object travels as a text that is
//! JSON in itself.

use patchbay_core::{Body, Known, Moment, Name, Published};
use patchbay_dialect_kit::json::write_plain_string;

use super::{About, Text, key, list, notification, number, string};

/// The moment of the answer, by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) now: Moment,
    pub(crate) unix_ms: u64,
}

impl Clock {
    /// Milliseconds since 1970 of a moment that has been.
    fn unix_ms(self, then: Moment) -> u64 {
        let ago = self.now.as_micros().saturating_sub(then.as_micros()) / 1_000;
        self.unix_ms.saturating_sub(ago)
    }
}

/// The answer to `getBroadcastObject`.
pub(crate) fn object(out: &mut Vec<u8>, stream: &Name, known: &Known, clock: Clock) {
    notification(out, "broadcastObject", stream);
    key(out, "broadcast");
    let mut text = Vec::new();
    match &known.own {
        Some(own) => written(&mut text, own, Some(known), clock),
        None => room(&mut text, stream, known, clock),
    }
    write_text(out, &text);
    out.push(b'}');
}

/// The answer to `getSubtracks`.
pub(crate) fn subtracks(out: &mut Vec<u8>, stream: &Name, tracks: &[&Published], clock: Clock) {
    notification(out, "subtrackList", stream);
    list(out, "subtrackList", tracks, |out, track| {
        let mut text = Vec::new();
        written(&mut text, track, None, clock);
        write_text(out, &text);
    });
    out.push(b'}');
}

/// The answer to `getSubtracksCount`.
pub(crate) fn subtrack_count(out: &mut Vec<u8>, stream: &Name, number: usize) {
    count(out, "subtrackCount", stream, number);
}

/// The answer to `getSubscriberCount`.
pub(crate) fn subscriber_count(out: &mut Vec<u8>, stream: &Name, number: usize) {
    count(out, "subscriberCount", stream, number);
}

fn count(out: &mut Vec<u8>, definition: &str, stream: &Name, count: usize) {
    notification(out, definition, stream);
    number(out, "count", u32::try_from(count).unwrap_or(u32::MAX));
    out.push(b'}');
}

/// The answer to `getSubscribers`: the viewers who said who they are. `page`: how many are passed over, and how many are
/// listed at most.
pub(crate) fn subscribers(out: &mut Vec<u8>, stream: &Name, about: &[Body], page: (usize, usize)) {
    let mut people: Vec<(About<'_>, u32)> = Vec::new();
    for viewer in about.iter().map(About::of).filter(|viewer| viewer.subscriber.is_some()) {
        match people.iter_mut().find(|(known, _)| known.subscriber == viewer.subscriber) {
            Some((_, connections)) => *connections += 1,
            None => people.push((viewer, 1)),
        }
    }
    notification(out, "subscriberList", stream);
    let listed: Vec<_> = people.iter().skip(page.0).take(page.1).collect();
    list(out, "subscriberList", &listed, |out, (viewer, connections)| {
        let mut text = b"{\"subscriberId\":".to_vec();
        write_plain_string(&mut text, viewer.subscriber.as_deref().unwrap_or_default());
        optional(&mut text, "subscriberName", &viewer.name);
        string(&mut text, "streamId", stream.as_str());
        text.extend_from_slice(b",\"connected\":true");
        number(&mut text, "currentConcurrentConnections", *connections);
        text.push(b'}');
        write_text(out, &text);
    });
    out.push(b'}');
}

/// A published stream; of a main one, what it has for tracks.
fn written(out: &mut Vec<u8>, of: &Published, known: Option<&Known>, clock: Clock) {
    let about = About::read(of);
    out.extend_from_slice(b"{\"streamId\":");
    write_plain_string(out, of.stream.as_str());
    string(out, "name", about.name.as_deref().unwrap_or_default());
    string(out, "status", if of.live { "broadcasting" } else { "preparing" });
    string(out, "type", "liveStream");
    string(out, "publishType", "WebRTC");
    optional(out, "mainTrackStreamId", &of.main.as_ref().map(|main| main.as_str().into()));
    tracks(out, known.map(|known| &known.tracks[..]).unwrap_or_default());
    optional(out, "metaData", &about.meta);
    string(out, "role", about.role.as_deref().unwrap_or_default());
    times(out, clock.unix_ms(of.since));
    number(out, "webRTCViewerCount", u32::try_from(of.viewers).unwrap_or(u32::MAX));
    out.extend_from_slice(b",\"plannedStartDate\":0,\"plannedEndDate\":0,\"zombi\":true}");
}

/// A room, which nobody publishes: it is there as long as its tracks and members are.
fn room(out: &mut Vec<u8>, name: &Name, known: &Known, clock: Clock) {
    let live = known.tracks.iter().any(|track| track.live);
    out.extend_from_slice(b"{\"streamId\":");
    write_plain_string(out, name.as_str());
    string(out, "name", name.as_str());
    string(out, "status", if live { "broadcasting" } else { "created" });
    string(out, "type", "liveStream");
    string(out, "publishType", "WebRTC");
    optional(out, "mainTrackStreamId", &None);
    tracks(out, &known.tracks);
    optional(out, "metaData", &None);
    string(out, "role", "");
    let since = known.tracks.iter().map(|track| track.since).min();
    times(out, since.map_or(clock.unix_ms, |since| clock.unix_ms(since)));
    number(out, "webRTCViewerCount", u32::try_from(known.viewers).unwrap_or(u32::MAX));
    out.extend_from_slice(b",\"plannedStartDate\":0,\"plannedEndDate\":0,\"zombi\":true}");
}

/// Pages go through this list without looking whether it is there (antmedia.md section 5.5).
fn tracks(out: &mut Vec<u8>, tracks: &[Published]) {
    let live: Vec<_> = tracks.iter().filter(|track| track.live).collect();
    list(out, "subTrackStreamIds", &live, |out, track| write_plain_string(out, track.stream.as_str()));
}

fn times(out: &mut Vec<u8>, unix_ms: u64) {
    for name in ["startTime", "date"] {
        key(out, name);
        out.extend_from_slice(unix_ms.to_string().as_bytes());
    }
}

fn optional(out: &mut Vec<u8>, name: &str, value: &Text<'_>) {
    key(out, name);
    match value {
        Some(value) => write_plain_string(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// JSON as a text in JSON.
fn write_text(out: &mut Vec<u8>, json: &[u8]) {
    // It was written above from texts alone.
    write_plain_string(out, std::str::from_utf8(json).unwrap_or_default());
}
