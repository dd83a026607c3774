//! Events, and what each is in every spelling.

mod rooms;

use std::borrow::Cow;

use self::rooms::about_rooms;
use crate::wire::event::{
    AccountEvent, Event, Identity, MessageState, Notification, Received, Registration, SessionEvent, SessionState,
    Stored, Sync, Update,
};
use crate::wire::request::{BookAction, BookKind, Message};

const BOB: Identity<'static> = Identity { uri: "bob@example.com", display_name: Some("\"Bob\" ") };
const ANON: Identity<'static> = Identity { uri: "anonymous@invalid", display_name: None };

/// An event, and what it is in V0, V1 and V2.
pub(super) type Case = (Event<'static>, Option<&'static str>, Option<&'static str>, &'static str);

fn account(event: AccountEvent<'static>) -> Event<'static> {
    Event::Account { account: "a@d", event }
}

fn state(state: SessionState<'static>) -> Event<'static> {
    Event::Session { session: "s", event: SessionEvent::State(state) }
}

const RECEIVED: Received<'static> = Received {
    sender: BOB,
    timestamp: "t",
    message_id: "m",
    content: "hi \"you\"\n",
    content_type: "text/plain",
    disposition_notification: Some(&["positive-delivery", "display"]),
    direction: Some("incoming"),
};

const BARE: Received<'static> =
    Received { sender: ANON, disposition_notification: None, direction: None, content: "", ..RECEIVED };

const TOLD: Notification<'static> =
    Notification { message_id: "m", message_timestamp: "t", state: MessageState::Delivered, code: 200, reason: "OK" };

const SENT: Message<'static> = Message {
    message_id: Cow::Borrowed("m"),
    content: Cow::Borrowed("hi"),
    content_type: Cow::Borrowed("text/plain"),
    timestamp: Cow::Borrowed("t"),
};

const STORED: Stored<'static> = Stored {
    contact: "b@d",
    timestamp: "t",
    disposition: Some(&["display"]),
    message_id: "m",
    content_type: "text/plain",
    content: "hi",
    direction: Some("outgoing"),
    state: Some(MessageState::Displayed),
};

fn about_accounts() -> Vec<Case> {
    let registration = |registration| account(AccountEvent::Registration(registration));
    let incoming = |originator, headers| {
        account(AccountEvent::IncomingSession { session: "s", originator, sdp: "v=0\r\n", call_id: "c", headers })
    };
    vec![
        (
            Event::PublicKey { uri: "b@d", public_key: Some("KEY") },
            None,
            None,
            r#"{"sylkrtc":"lookup-public-key-event","uri":"b@d","public_key":"KEY"}"#,
        ),
        (
            Event::PublicKey { uri: "b@d", public_key: None },
            None,
            None,
            r#"{"sylkrtc":"lookup-public-key-event","uri":"b@d","public_key":null}"#,
        ),
        (
            registration(Registration::Registering),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"registration_state","data":{"state":"registering"}}"#,
            ),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"registration_state","data":{"state":"registering"}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"registration-state","state":"registering"}"#,
        ),
        (
            registration(Registration::Registered),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"registration_state","data":{"state":"registered"}}"#,
            ),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"registration_state","data":{"state":"registered"}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"registration-state","state":"registered"}"#,
        ),
        (
            registration(Registration::Failed { reason: "904 Operation has no matching challenge " }),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"registration_state","data":{"state":"failed","reason":"904 Operation has no matching challenge "}}"#,
            ),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"registration_state","data":{"state":"failed","reason":"904 Operation has no matching challenge "}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"registration-state","state":"failed","reason":"904 Operation has no matching challenge "}"#,
        ),
        (
            incoming(BOB, &[]),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"incoming_call","session":"s","data":{"caller":"bob@example.com","sdp":"v=0\r\n"}}"#,
            ),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"incoming_session","session":"s","data":{"originator":{"uri":"bob@example.com","display_name":"Bob"},"sdp":"v=0\r\n"}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"incoming-session","session":"s","originator":{"uri":"bob@example.com","display_name":"Bob"},"sdp":"v=0\r\n","call_id":"c"}"#,
        ),
        (
            incoming(ANON, &[("X-Foo", "1"), ("X-\"", "\\")]),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"incoming_call","session":"s","data":{"caller":"anonymous@invalid","sdp":"v=0\r\n"}}"#,
            ),
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"incoming_session","session":"s","data":{"originator":{"uri":"anonymous@invalid","display_name":""},"sdp":"v=0\r\n"}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"incoming-session","session":"s","originator":{"uri":"anonymous@invalid","display_name":null},"sdp":"v=0\r\n","call_id":"c","headers":{"X-Foo":"1","X-\"":"\\"}}"#,
        ),
        (
            account(AccountEvent::MissedSession { originator: BOB }),
            None,
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"missed_session","data":{"originator":{"uri":"bob@example.com","display_name":"Bob"}}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"missed-session","originator":{"uri":"bob@example.com","display_name":"Bob"}}"#,
        ),
        (
            account(AccountEvent::ConferenceInvite { room: "r@d", session_id: "i", originator: BOB }),
            None,
            Some(
                r#"{"sylkrtc":"account_event","account":"a@d","event":"conference_invite","data":{"originator":{"uri":"bob@example.com","display_name":"Bob"},"room":"r@d"}}"#,
            ),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"conference-invite","room":"r@d","session_id":"i","originator":{"uri":"bob@example.com","display_name":"Bob"}}"#,
        ),
    ]
}

fn about_messages() -> Vec<Case> {
    let sync = |sync| account(AccountEvent::Sync(sync));
    let (kind, action) = (BookKind::Policy, BookAction::Delete);
    let bare = Stored { disposition: None, direction: None, state: None, ..STORED };
    let v2 = |event, text| (event, None, None, text);
    vec![
        v2(
            account(AccountEvent::Message(RECEIVED)),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"message","sender":{"uri":"bob@example.com","display_name":"Bob"},"timestamp":"t","message_id":"m","content":"hi \"you\"\n","content_type":"text/plain","disposition_notification":["positive-delivery","display"],"direction":"incoming"}"#,
        ),
        v2(
            account(AccountEvent::Message(BARE)),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"message","sender":{"uri":"anonymous@invalid","display_name":null},"timestamp":"t","message_id":"m","content":"","content_type":"text/plain","disposition_notification":null}"#,
        ),
        v2(
            account(AccountEvent::Disposition(TOLD)),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"disposition-notification","message_id":"m","message_timestamp":"t","state":"delivered","code":200,"reason":"OK"}"#,
        ),
        v2(
            account(AccountEvent::SyncConversations(Box::leak(Box::new([STORED, bare])))),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"sync-conversations","messages":[{"contact":"b@d","timestamp":"t","disposition":["display"],"message_id":"m","content_type":"text/plain","content":"hi","direction":"outgoing","state":"displayed"},{"contact":"b@d","timestamp":"t","message_id":"m","content_type":"text/plain","content":"hi"}]}"#,
        ),
        v2(
            account(AccountEvent::SyncConversations(&[])),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"sync-conversations","messages":[]}"#,
        ),
        v2(
            sync(Sync::MessageAdded { transaction: "T", uri: "b@d", message: &SENT }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"sync","type":"message","action":"add","content":{"sylkrtc":"account-message","transaction":"T","account":"a@d","uri":"b@d","message_id":"m","content":"hi","content_type":"text/plain","timestamp":"t"}}"#,
        ),
        v2(
            sync(Sync::MessageRemoved { contact: "b@d", message_id: "m", direction: Some("incoming") }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"sync","type":"message","action":"remove","content":{"contact":"b@d","message_id":"m","direction":"incoming"}}"#,
        ),
        v2(
            sync(Sync::ConversationRead { contact: "b@d", timestamp: None }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"sync","type":"conversation","action":"read","content":{"contact":"b@d"}}"#,
        ),
        v2(
            sync(Sync::ConversationRemoved { contact: "b@d", timestamp: Some("t") }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"sync","type":"conversation","action":"remove","content":{"contact":"b@d","timestamp":"t"}}"#,
        ),
        v2(
            account(AccountEvent::AddressbookFetched { contacts: "[]", groups: "[{}]", policies: "[]" }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"addressbook-fetched","addressbook":{"contacts":[],"groups":[{}],"policies":[]}}"#,
        ),
        v2(
            account(AccountEvent::AddressbookUpdated { kind, action, entry: r#"{"id":"1"}"# }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"addressbook-updated","type":"policy","action":"delete","policy":{"id":"1"}}"#,
        ),
        v2(
            account(AccountEvent::AddressbookUpdateFailed { kind, action, error: "no", id: "1" }),
            r#"{"sylkrtc":"account-event","account":"a@d","event":"addressbook-update-failed","type":"policy","action":"delete","error":"no","id":"1"}"#,
        ),
    ]
}

fn about_calls() -> Vec<Case> {
    let session = |event| Event::Session { session: "s", event };
    let update = |update| session(SessionEvent::Update(update));
    let accepted = |sdp, call_id, headers| state(SessionState::Accepted { sdp, call_id, headers });
    let v2 = |event, text| (event, None, None, text);
    vec![
        (
            state(SessionState::Progress),
            Some(r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"calling"}}"#),
            Some(r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"progress"}}"#),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"progress"}"#,
        ),
        v2(
            state(SessionState::Proceeding { code: 180 }),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"proceeding","code":180}"#,
        ),
        v2(
            state(SessionState::Ringing),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"ringing"}"#,
        ),
        v2(
            state(SessionState::EarlyMedia { sdp: "v=0\r\n", call_id: "c" }),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"early-media","sdp":"v=0\r\n","call_id":"c"}"#,
        ),
        (
            accepted(Some("v=0\r\n"), Some("c"), &[("X-A", "1")]),
            Some(
                r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"accepted","sdp":"v=0\r\n"}}"#,
            ),
            Some(
                r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"accepted","sdp":"v=0\r\n"}}"#,
            ),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"accepted","sdp":"v=0\r\n","call_id":"c","headers":{"X-A":"1"}}"#,
        ),
        (
            accepted(None, None, &[]),
            Some(r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"accepted"}}"#),
            Some(r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"accepted"}}"#),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"accepted"}"#,
        ),
        (
            state(SessionState::Established),
            Some(r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"established"}}"#),
            Some(r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"established"}}"#),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"established"}"#,
        ),
        (
            state(SessionState::Terminated { reason: "486 Busy Here" }),
            Some(
                r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"terminated","reason":"486 Busy Here"}}"#,
            ),
            Some(
                r#"{"sylkrtc":"session_event","session":"s","event":"state","data":{"state":"terminated","reason":"486 Busy Here"}}"#,
            ),
            r#"{"sylkrtc":"session-event","session":"s","event":"state","state":"terminated","reason":"486 Busy Here"}"#,
        ),
        v2(
            update(Update::Received { sdp: "v=0\r\n" }),
            r#"{"sylkrtc":"session-event","session":"s","event":"update","state":"received","sdp":"v=0\r\n"}"#,
        ),
        v2(
            update(Update::Accepted { sdp: "v=0\r\n" }),
            r#"{"sylkrtc":"session-event","session":"s","event":"update","state":"accepted","sdp":"v=0\r\n"}"#,
        ),
        v2(
            update(Update::Failed { reason: "488 Not Acceptable Here" }),
            r#"{"sylkrtc":"session-event","session":"s","event":"update","state":"failed","reason":"488 Not Acceptable Here"}"#,
        ),
        v2(
            session(SessionEvent::Message(BARE)),
            r#"{"sylkrtc":"session-event","session":"s","event":"message","sender":{"uri":"anonymous@invalid","display_name":null},"timestamp":"t","message_id":"m","content":"","content_type":"text/plain","disposition_notification":null}"#,
        ),
        v2(
            session(SessionEvent::Disposition(TOLD)),
            r#"{"sylkrtc":"session-event","session":"s","event":"disposition-notification","message_id":"m","message_timestamp":"t","state":"delivered","code":200,"reason":"OK"}"#,
        ),
    ]
}

pub(super) fn cases() -> Vec<Case> {
    [about_accounts(), about_messages(), about_calls(), about_rooms()].into_iter().flatten().collect()
}
