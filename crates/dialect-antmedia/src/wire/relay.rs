//! What one of two who meet directly says to the other.

use patchbay_core::SignalKind;
use patchbay_dialect_kit::json::Cursor;

use super::ClientKind;

/// The sender's message for the other peer, in one pass over its text: the members that such a message has, as they were
/// written, and no others (antmedia.md section 5.3, DECISIONS 26). `None` if it is no such message, or says nothing.
pub(crate) fn relayed(text: &str, kind: ClientKind) -> Option<(SignalKind, Vec<u8>)> {
    let (members, mut signal): (&[&str], _) = match kind {
        ClientKind::Configuration => (&["streamId", "type", "sdp"], SignalKind::Offer),
        ClientKind::Candidate => (&["streamId", "label", "id", "candidate"], SignalKind::Candidate),
        ClientKind::PeerMessage => (&["streamId", "definition", "data"], SignalKind::Info),
        _ => return None,
    };
    let command = match kind {
        ClientKind::Configuration => "takeConfiguration",
        ClientKind::Candidate => "takeCandidate",
        _ => "peerMessageCommand",
    };
    let mut out = Vec::with_capacity(text.len());
    super::head(&mut out, command);
    let read = Cursor::new(text).object(|key, value| {
        if !members.contains(&&*key) {
            return value.skip();
        }
        super::key(&mut out, &key);
        let raw = value.raw()?;
        if key == "type" && raw.contains("answer") {
            signal = SignalKind::Answer;
        }
        out.extend_from_slice(raw.as_bytes());
        Ok(())
    });
    out.push(b'}');
    read.ok().map(|()| (signal, out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_the_message_is_passed_on_as_it_was_written() {
        for (kind, text, signal, expected) in [
            (
                ClientKind::Configuration,
                r#"{"command":"takeConfiguration", "streamId":"p","type":"offer","sdp":"X\r\nü","token":"t"}"#,
                SignalKind::Offer,
                r#"{"command":"takeConfiguration","streamId":"p","type":"offer","sdp":"X\r\nü"}"#,
            ),
            (
                ClientKind::Configuration,
                r#"{"sdp":"Y","type":"answer","streamId":"p","command":"takeConfiguration"}"#,
                SignalKind::Answer,
                r#"{"command":"takeConfiguration","sdp":"Y","type":"answer","streamId":"p"}"#,
            ),
            (
                ClientKind::Candidate,
                r#"{"command":"takeCandidate","streamId":"p","label":"1","id":null,"candidate":"C","x":[1]}"#,
                SignalKind::Candidate,
                r#"{"command":"takeCandidate","streamId":"p","label":"1","id":null,"candidate":"C"}"#,
            ),
            (
                ClientKind::PeerMessage,
                r#"{"command":"peerMessageCommand","streamId":"p","definition":"d","data":{"x":[1,"y"]}}"#,
                SignalKind::Info,
                r#"{"command":"peerMessageCommand","streamId":"p","definition":"d","data":{"x":[1,"y"]}}"#,
            ),
        ] {
            let (said, out) = relayed(text, kind).expect("it is a message");
            assert_eq!((said, std::str::from_utf8(&out)), (signal, Ok(expected)), "{text}");
        }
    }
}
