//! What the fuzz target `sylk` runs: any text, read as a message and held against a slow reader of the same rules; what
//! answers it; and the text itself, told in every spelling (`docs/testing.md`, "Fuzzing").

mod address;
mod rules;
mod slow;
mod table;

use patchbay_dialect_kit::testing::reference;

use crate::wire::between::{Card, Invitation, Word};
use crate::wire::event::{
    AccountEvent, Event, Identity, Publisher, RoomEvent, RoomMessage, RoomState, SessionEvent, SessionState,
};
use crate::wire::{Ignored, Originator, Request, Spelling, Vocabulary, ack, error, read, write};

/// Runs `data`: as much of it as is UTF-8, which the shell has checked when a session gets it.
///
/// # Panics
/// If the text is read otherwise than the rules say, or what is written cannot be read.
pub fn target(data: &[u8]) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    };
    match (read(text), slow::read(text)) {
        (Err(ignored), Err(expected)) => assert_eq!(ignored_because(ignored), expected),
        (Ok(decoded), Ok(expected)) => {
            assert_eq!(decoded.transaction, expected.transaction);
            assert_eq!(decoded.of, expected.of, "what its sender speaks");
            let request = match &decoded.request {
                Ok(request) => Ok(format!("{request:?}")),
                Err(problem) => Err(problem.to_string()),
            };
            assert_eq!(request, expected.request);
            if let Ok(Request::AccountAdd { password, .. }) = &decoded.request {
                assert_eq!(Some(password.as_str()), expected.password.as_deref());
            }
            answered(&decoded.transaction, request.err().as_deref());
        }
        (read, expected) => panic!("{read:?} is not {:?}", expected.map(|expected| expected.request)),
    }
    told(text);
    between(data);
}

/// What sessions tell each other comes from sessions alone, and is read with the same care. It is written as it was meant.
fn between(data: &[u8]) {
    if let Some(card) = Card::read(data) {
        let written = card.write();
        let again = Card::read(written.as_bytes()).expect("a card that was written");
        assert_eq!(again.write(), written);
    }
    if let Some(word) = Word::read(data) {
        assert_eq!(Word::read(word.write().as_bytes()), Some(word));
    }
    if let Some(invitation) = Invitation::read(data) {
        assert_eq!(Invitation::read(invitation.write().as_bytes()), Some(invitation));
    }
}

fn ignored_because(ignored: Ignored) -> &'static str {
    match ignored {
        Ignored::NotJson => "no JSON",
        Ignored::NoObject => "no object",
        Ignored::NoType => "no type",
        Ignored::NoTransaction => "no transaction",
    }
}

/// The answer repeats the transaction and says what is wrong.
fn answered(transaction: &str, problem: Option<&str>) {
    let mut out = Vec::new();
    match problem {
        None => ack(&mut out, transaction),
        Some(problem) => error(&mut out, transaction, problem),
    }
    let members = members(out);
    let kind = if problem.is_some() { "error" } else { "ack" };
    let expected = [("error", problem), ("sylkrtc", Some(kind)), ("transaction", Some(transaction))];
    let expected: Vec<_> =
        expected.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.to_owned()))).collect();
    assert_eq!(members, expected);
}

/// The members of an object of texts, by key.
fn members(out: Vec<u8>) -> Vec<(String, String)> {
    let text = String::from_utf8(out).expect("messages are UTF-8");
    assert!(reference::is_json(&text), "{text}");
    let fields = reference::fields(reference::leading_object(&text).expect("every message is an object"));
    let mut members: Vec<_> = fields.into_iter().map(|(key, value)| (key, reference::meant(value))).collect();
    members.sort();
    members
}

/// The text as everything that can come from elsewhere: every message is one object.
fn told(text: &str) {
    let who = Identity { uri: text, display_name: Some(text) };
    let headers = [(text, text)];
    let publisher = Publisher { id: text, uri: text, display_name: text, kind: None, muted: None };
    let room = |event| Event::Videoroom { session: text, event };
    for event in [
        Event::PublicKey { uri: text, public_key: Some(text) },
        Event::Account {
            account: text,
            event: AccountEvent::IncomingSession {
                session: text,
                originator: who,
                sdp: text,
                call_id: text,
                headers: &headers,
            },
        },
        Event::Session { session: text, event: SessionEvent::State(SessionState::Terminated { reason: text }) },
        room(RoomEvent::Configure { originator: text, active_participants: &[text, text] }),
        room(RoomEvent::State(RoomState::Accepted { sdp: text, audio: true, video: false })),
        room(RoomEvent::PublishersJoined(&[publisher])),
        room(RoomEvent::PublishersLeft(&[text])),
        room(RoomEvent::FeedAttached { feed: text, sdp: text }),
        room(RoomEvent::Message {
            kind: RoomMessage::Normal,
            content: text,
            content_type: text,
            sender: who,
            timestamp: text,
        }),
        room(RoomEvent::MessageDelivery { message_id: text, delivered: true, code: 200, reason: text }),
        room(RoomEvent::RaisedHands(&[text])),
    ] {
        for (vocabulary, originator) in [
            (Vocabulary::V0, Originator::Object),
            (Vocabulary::V1, Originator::Object),
            (Vocabulary::V1, Originator::Text),
            (Vocabulary::V2, Originator::Object),
        ] {
            let mut out = Vec::new();
            if write(&mut out, &event, Spelling { vocabulary, originator }) {
                let members = members(out);
                let whose = members.iter().find(|(key, _)| matches!(&**key, "account" | "session" | "uri"));
                assert_eq!(whose.map(|(_, whose)| &**whose), Some(text));
            } else {
                assert!(out.is_empty());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What no client says is found by the corpus alone, so it has some.
    #[test]
    fn the_corpus_has_what_sessions_tell_each_other() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/sylk");
        let read = |name: &str| std::fs::read(folder.join(name)).expect("it is there");
        assert!(Card::read(&read("between-card")).is_some());
        assert!(Invitation::read(&read("between-invite")).is_some());
        for word in ["composing", "configure", "message"] {
            assert!(Word::read(&read(&format!("between-{word}"))).is_some(), "{word}");
        }
    }

    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "sylk", target);
    }
}
