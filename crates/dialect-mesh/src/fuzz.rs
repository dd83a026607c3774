//! What the fuzz target `mesh` runs: any text, read as a message and held against a slow reader of the same rules
//! (`docs/testing.md`, "Fuzzing").

use patchbay_core::{Lang, Signal};
use patchbay_dialect_kit::json::Fault;
use patchbay_dialect_kit::testing::reference;

use crate::refusal::WireError;
use crate::wire::{self, ClientFrame, ClientKind, NAME_BYTES};

/// Runs `data`: as much of it as is UTF-8, which the shell has checked when a session gets it.
///
/// # Panics
/// If the reader breaks a rule of the protocol.
pub fn target(data: &[u8]) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut scratch = b"left over".to_vec();
    match (wire::read(text, &mut scratch), expected(text)) {
        (Ok(frame), Some(expected)) => {
            judge_names(&frame);
            let body = frame.body(Lang(1), &mut scratch);
            let heard = Message::of(&frame, body.bytes());
            assert_eq!(heard, expected);
            if let ClientKind::Relay(kind) = frame.kind() {
                relayed(&heard, &Signal { kind: kind.signal(), body });
            }
        }
        (Err(Fault::Syntax | Fault::WrongType), None) => {}
        // Deeper than the longest input can be.
        (Err(fault @ Fault::TooDeep), _) => panic!("{fault:?}"),
        (read, expected) => panic!("read {read:?}, expected {expected:?}"),
    }
}

/// What a message says, with its payloads as they are relayed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    kind: String,
    room: String,
    from: String,
    to: String,
    body: String,
}

impl Message {
    fn of(frame: &ClientFrame<'_>, body: &[u8]) -> Self {
        let kind = match frame.kind() {
            ClientKind::Join => "join",
            ClientKind::Leave => "leave",
            ClientKind::Ping => "ping",
            ClientKind::Relay(wire::RelayKind::Offer) => "offer",
            ClientKind::Relay(wire::RelayKind::Answer) => "answer",
            ClientKind::Relay(wire::RelayKind::Candidate) => "candidate",
            ClientKind::Relay(wire::RelayKind::Hangup) => "hangup",
            ClientKind::Unknown => "",
        };
        let [room, from, to] = [&frame.room, &frame.from, &frame.to].map(|text| text.clone().into_owned());
        let body = String::from_utf8(body.to_vec()).expect("payloads stay UTF-8");
        Self { kind: kind.to_owned(), room, from, to, body }
    }
}

/// The message as mesh.md section 1 reads it; `None` if it ends the connection.
fn expected(text: &str) -> Option<Message> {
    let mut message = Message::default();
    // A leading `null` is an empty message, whatever follows.
    if text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with("null") {
        return Some(message);
    }
    let (mut sdp, mut candidate) = (None, None);
    for (key, value) in reference::fields(reference::leading_object(text)?) {
        let mut ignored = String::new();
        let key: String =
            key.chars().map(|letter| if letter == 'ſ' { 's' } else { letter.to_ascii_lowercase() }).collect();
        match &*key {
            "type" => string(value, &mut message.kind)?,
            "room" => string(value, &mut message.room)?,
            "from" => string(value, &mut message.from)?,
            "to" => string(value, &mut message.to)?,
            "code" | "error" => string(value, &mut ignored)?,
            "sdp" => sdp = Some(reference::compacted(value)),
            "candidate" => candidate = Some(reference::compacted(value)),
            "members" if value == "null" => {}
            "members" if value.starts_with('[') => {
                for item in reference::items(value) {
                    string(item, &mut ignored)?;
                }
            }
            "members" => return None,
            _ => {}
        }
    }
    let known = ["join", "leave", "ping", "offer", "answer", "candidate", "hangup"];
    if !known.contains(&&*message.kind) {
        message.kind.clear();
    }
    let part = |key: &str, payload: Option<String>| payload.map(|payload| format!(",\"{key}\":{payload}"));
    message.body = part("sdp", sdp).unwrap_or_default() + &part("candidate", candidate).unwrap_or_default();
    Some(message)
}

fn string(value: &str, field: &mut String) -> Option<()> {
    if value.starts_with('"') {
        *field = reference::meant(value);
    } else if value != "null" {
        return None;
    }
    Some(())
}

/// The text of a relay is one JSON object whose fields are those that went in, and reads back as the same message.
fn relayed(message: &Message, signal: &Signal) {
    let mut out = Vec::new();
    wire::relay(&mut out, &message.room, &message.from, &message.to, signal);
    let text = String::from_utf8(out).expect("a relay is UTF-8");
    assert!(text.ends_with("}\n") && reference::is_json(&text), "{text:?}");
    let keys: Vec<String> = reference::fields(text.trim_end()).into_iter().map(|(key, _)| key).collect();
    let start = ["type", "room", "from", "to"].map(str::to_owned);
    assert!(keys.starts_with(&start) && keys.len() <= 6, "{keys:?}");
    let mut scratch = Vec::new();
    let frame = wire::read(&text, &mut scratch).expect("our own words");
    let body = frame.body(Lang(1), &mut scratch);
    // Nothing is left for the compaction to do.
    assert_eq!(&Message::of(&frame, body.bytes()), message);
}

/// Names are admitted by the rules of mesh.md section 2, written once more.
fn judge_names(frame: &ClientFrame<'_>) {
    for text in [&frame.room, &frame.from, &frame.to] {
        let trimmed = text.trim();
        let short = (1..=NAME_BYTES).contains(&trimmed.len());
        let plain = trimmed.chars().all(|letter| matches!(letter, 'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-'));
        let id = if short && plain { Ok(trimmed) } else { Err(WireError::InvalidId) };
        assert_eq!(wire::client_id(text), id, "{text:?}");
        let printable = trimmed.chars().all(|letter| !matches!(letter, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'));
        let room = if short && printable { Ok(trimmed) } else { Err(WireError::InvalidRoom) };
        assert_eq!(wire::room_name(text), room, "{text:?}");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "mesh", super::target);
    }
}
