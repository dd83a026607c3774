//! Every event in every spelling, byte for byte.

use std::collections::BTreeSet;

use super::told::cases;
use crate::wire::event::{
    AccountEvent, Event, MessageState, Registration, RoomEvent, RoomState, SessionEvent, SessionState, Sync, Update,
};
use crate::wire::{Originator, Spelling, Subprotocol, Vocabulary, ack, error, ready, write};

fn written(event: &Event<'_>, vocabulary: Vocabulary, originator: Originator) -> Option<String> {
    let mut out = b"before".to_vec();
    let has_words = write(&mut out, event, Spelling { vocabulary, originator });
    let text = String::from_utf8(out).expect("messages are UTF-8");
    let text = text.strip_prefix("before").expect("it is appended").to_owned();
    assert_eq!(has_words, !text.is_empty(), "{event:?}");
    has_words.then_some(text)
}

#[test]
fn every_event_in_every_spelling() {
    for (event, v0, v1, v2) in cases() {
        for (vocabulary, expected) in [(Vocabulary::V0, v0), (Vocabulary::V1, v1), (Vocabulary::V2, Some(v2))] {
            let text = written(&event, vocabulary, Originator::Object);
            assert_eq!(text.as_deref(), expected, "{vocabulary:?} {event:?}");
        }
    }
}

/// Old clients of V1 want a text where the others want an object; nothing else differs.
#[test]
fn originators_of_old_clients_are_texts() {
    for (event, v0, v1, v2) in cases() {
        let expected = match event {
            Event::Account {
                event: AccountEvent::MissedSession { .. } | AccountEvent::IncomingSession { .. }, ..
            } => {
                let object = |name| format!(r#""originator":{{"uri":{name}}}"#);
                v1.map(|text| {
                    text.replace(
                        &object(r#""bob@example.com","display_name":"Bob""#),
                        r#""originator":"bob@example.com""#,
                    )
                    .replace(&object(r#""anonymous@invalid","display_name":"""#), r#""originator":"anonymous@invalid""#)
                })
            }
            _ => v1.map(str::to_owned),
        };
        assert_eq!(written(&event, Vocabulary::V1, Originator::Text), expected, "{event:?}");
        assert_eq!(written(&event, Vocabulary::V0, Originator::Text).as_deref(), v0, "{event:?}");
        assert_eq!(written(&event, Vocabulary::V2, Originator::Text).as_deref(), Some(v2), "{event:?}");
    }
}

/// What clients throw on.
#[test]
fn neither_headers_nor_descriptions_are_ever_null() {
    for (event, ..) in cases() {
        for vocabulary in [Vocabulary::V0, Vocabulary::V1, Vocabulary::V2] {
            let text = written(&event, vocabulary, Originator::Object).unwrap_or_default();
            assert!(!text.contains(r#""headers":null"#) && !text.contains(r#""sdp":null"#), "{text}");
        }
    }
}

/// A number for each kind of event. A new one does not compile before it has one, and then must have a case.
fn number(event: &Event<'_>) -> usize {
    match event {
        Event::PublicKey { .. } => 0,
        Event::Account { event, .. } => match event {
            AccountEvent::Registration(Registration::Registering) => 1,
            AccountEvent::Registration(Registration::Registered) => 2,
            AccountEvent::Registration(Registration::Failed { .. }) => 3,
            AccountEvent::IncomingSession { .. } => 4,
            AccountEvent::MissedSession { .. } => 5,
            AccountEvent::ConferenceInvite { .. } => 6,
            AccountEvent::Message(_) => 7,
            AccountEvent::Disposition(_) => 8,
            AccountEvent::SyncConversations(_) => 9,
            AccountEvent::Sync(Sync::MessageAdded { .. }) => 10,
            AccountEvent::Sync(Sync::MessageRemoved { .. }) => 11,
            AccountEvent::Sync(Sync::ConversationRead { .. }) => 12,
            AccountEvent::Sync(Sync::ConversationRemoved { .. }) => 13,
            AccountEvent::AddressbookFetched { .. } => 14,
            AccountEvent::AddressbookUpdated { .. } => 15,
            AccountEvent::AddressbookUpdateFailed { .. } => 16,
        },
        Event::Session { event, .. } => match event {
            SessionEvent::State(SessionState::Progress) => 17,
            SessionEvent::State(SessionState::Proceeding { .. }) => 18,
            SessionEvent::State(SessionState::Ringing) => 19,
            SessionEvent::State(SessionState::EarlyMedia { .. }) => 20,
            SessionEvent::State(SessionState::Accepted { .. }) => 21,
            SessionEvent::State(SessionState::Established) => 22,
            SessionEvent::State(SessionState::Terminated { .. }) => 23,
            SessionEvent::Update(Update::Received { .. }) => 24,
            SessionEvent::Update(Update::Accepted { .. }) => 25,
            SessionEvent::Update(Update::Failed { .. }) => 26,
            SessionEvent::Message(_) => 27,
            SessionEvent::Disposition(_) => 28,
        },
        Event::Videoroom { event, .. } => match event {
            RoomEvent::State(RoomState::Progress) => 29,
            RoomEvent::State(RoomState::Accepted { .. }) => 30,
            RoomEvent::State(RoomState::Established) => 31,
            RoomEvent::State(RoomState::Terminated { .. }) => 32,
            RoomEvent::InitialPublishers(_) => 33,
            RoomEvent::PublishersJoined(_) => 34,
            RoomEvent::PublishersLeft(_) => 35,
            RoomEvent::FeedAttached { .. } => 36,
            RoomEvent::FeedEstablished { .. } => 37,
            RoomEvent::Configure { .. } => 38,
            RoomEvent::Message { .. } => 39,
            RoomEvent::MessageDelivery { .. } => 40,
            RoomEvent::Composing { .. } => 41,
            RoomEvent::FileSharing(_) => 42,
            RoomEvent::MuteAudio { .. } => 43,
            RoomEvent::RaisedHands(_) => KINDS - 1,
        },
    }
}

const KINDS: usize = 45;

#[test]
fn no_event_is_forgotten() {
    let tried: BTreeSet<usize> = cases().iter().map(|(event, ..)| number(event)).collect();
    assert_eq!(tried, (0..KINDS).collect());
}

#[test]
fn states_of_messages() {
    for (state, word) in [
        (MessageState::Accepted, "accepted"),
        (MessageState::Delivered, "delivered"),
        (MessageState::Displayed, "displayed"),
        (MessageState::Error, "error"),
        (MessageState::Failed, "failed"),
        (MessageState::Forbidden, "forbidden"),
        (MessageState::Pending, "pending"),
        (MessageState::Processed, "processed"),
        (MessageState::Received, "received"),
        (MessageState::Stored, "stored"),
    ] {
        assert_eq!(state.word(), word);
    }
}

#[test]
fn what_all_clients_hear_alike() {
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("messages are UTF-8")
    };
    for (text, expected) in [
        (written(&|out| ready(out, Subprotocol::One)), r#"{"sylkrtc":"event","event":"ready"}"#),
        (written(&|out| ready(out, Subprotocol::Two)), r#"{"sylkrtc":"ready-event"}"#),
        (written(&|out| ack(out, "T\"")), r#"{"sylkrtc":"ack","transaction":"T\""}"#),
        (
            written(&|out| error(out, "T", "unknown request: <x>\n")),
            r#"{"sylkrtc":"error","transaction":"T","error":"unknown request: <x>\n"}"#,
        ),
    ] {
        assert_eq!(text, expected);
    }
}
