//! What is told of streams to who asks: antmedia.md sections 4.2 and 9.3. A stream's object travels as a text that is
//! JSON in itself.

use patchbay_core::{Body, Name};
use patchbay_dialect_kit::json::write_plain_string;

use super::{About, Text, key, list, notification, number, string};
use crate::records::Broadcast;

/// The answer to `getBroadcastObject`.
pub(crate) fn object(out: &mut Vec<u8>, stream: &Name, broadcast: &Broadcast) {
    notification(out, "broadcastObject", stream);
    key(out, "broadcast");
    write_broadcast(out, broadcast);
    out.push(b'}');
}

/// The answer to `getSubtracks`.
pub(crate) fn subtracks(out: &mut Vec<u8>, stream: &Name, tracks: &[Broadcast]) {
    notification(out, "subtrackList", stream);
    list(out, "subtrackList", tracks, write_broadcast);
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

/// A broadcast as a text.
fn write_broadcast(out: &mut Vec<u8>, broadcast: &Broadcast) {
    // It is texts and numbers alone, which can be written.
    write_text(out, &serde_json::to_vec(broadcast).unwrap_or_default());
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
