//! What the fuzz target `socketio` runs: bodies as polling clients send them, and what requests ask for.

use super::payload::{self, Body};
use super::target::{Wanted, wanted};

/// Runs `data` as packets, one a line; as a body; and as target and query.
pub(crate) fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines: Vec<_> = text.split('\n').collect();
    // One that is alone stands as it is, and is then what it looks like.
    if lines.len() > 1 {
        assert_eq!(all(&payload::encode(lines.iter().copied())).expect("our own is well formed"), lines);
    }
    if let Some(packets) = all(text) {
        assert!(packets.iter().map(String::len).sum::<usize>() <= text.len(), "packets were made up");
    }
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    match wanted(path, query) {
        Some(Wanted::Handshake { jsonp: Some(number) }) => {
            assert!(number.bytes().all(|byte| byte.is_ascii_digit()) && (1..=10).contains(&number.len()));
        }
        Some(Wanted::Socket(sid) | Wanted::Poll(sid) | Wanted::Disconnect(sid)) => {
            assert!(!sid.is_empty() && !sid.contains('/') && path.contains(sid));
        }
        Some(_) => assert!(path.starts_with("/socket.io/")),
        None => assert!(!path.starts_with("/socket.io/")),
    }
}

fn all(text: &str) -> Option<Vec<String>> {
    let (mut body, mut packets) = (Body::new(text.to_owned()), Vec::new());
    while let Some(packet) = body.take().ok()? {
        packets.push(packet.to_owned());
    }
    Some(packets)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "socketio", super::target);
    }
}
