//! V2, what today's clients read: sylk.md section 6.2. It has words for everything.

use super::bare;
use crate::wire::event::{
    AccountEvent, Event, Headers, Identity, MessageState, Notification, Publisher, Received, Registration, RoomEvent,
    RoomMessage, RoomState, SessionEvent, SessionState, SharedFile, Stored, Sync, Update,
};
use crate::wire::json::Members;

pub(super) fn write(out: &mut Vec<u8>, event: &Event<'_>) {
    let members = Members::open(out);
    match *event {
        Event::PublicKey { uri, public_key } => {
            members.text("sylkrtc", "lookup-public-key-event").text("uri", uri).nullable("public_key", public_key)
        }
        Event::Account { account, event } => {
            about_account(members.text("sylkrtc", "account-event").text("account", account), account, event)
        }
        Event::Session { session, event } => {
            about_session(members.text("sylkrtc", "session-event").text("session", session), event)
        }
        Event::Videoroom { session, event } => {
            about_room(members.text("sylkrtc", "videoroom-event").text("session", session), event)
        }
    }
    .close();
}

fn about_account<'o>(to: Members<'o>, account: &str, event: AccountEvent<'_>) -> Members<'o> {
    match event {
        AccountEvent::Registration(registration) => {
            let to = to.text("event", "registration-state");
            match registration {
                Registration::Registering => to.text("state", "registering"),
                Registration::Registered => to.text("state", "registered"),
                Registration::Failed { reason } => to.text("state", "failed").text("reason", reason),
            }
        }
        AccountEvent::IncomingSession { session, originator, sdp, call_id, headers } => with_headers(
            identity(to.text("event", "incoming-session").text("session", session), "originator", originator)
                .text("sdp", sdp)
                .text("call_id", call_id),
            headers,
        ),
        AccountEvent::MissedSession { originator } => {
            identity(to.text("event", "missed-session"), "originator", originator)
        }
        AccountEvent::ConferenceInvite { room, session_id, originator } => identity(
            to.text("event", "conference-invite").text("room", room).text("session_id", session_id),
            "originator",
            originator,
        ),
        AccountEvent::Message(message) => received(to, message),
        AccountEvent::Disposition(told) => notification(to, told),
        AccountEvent::SyncConversations(messages) => {
            to.text("event", "sync-conversations").objects("messages", messages, stored)
        }
        AccountEvent::Sync(what) => sync(to.text("event", "sync"), account, what),
        AccountEvent::AddressbookFetched { contacts, groups, policies } => {
            to.text("event", "addressbook-fetched").object("addressbook", |book| {
                book.raw("contacts", contacts).raw("groups", groups).raw("policies", policies)
            })
        }
        AccountEvent::AddressbookUpdated { kind, action, entry } => to
            .text("event", "addressbook-updated")
            .text("type", kind.word())
            .text("action", action.word())
            .raw(kind.word(), entry),
        AccountEvent::AddressbookUpdateFailed { kind, action, error, id } => to
            .text("event", "addressbook-update-failed")
            .text("type", kind.word())
            .text("action", action.word())
            .text("error", error)
            .text("id", id),
    }
}

fn identity<'o>(to: Members<'o>, key: &str, who: Identity<'_>) -> Members<'o> {
    to.object(key, |object| object.text("uri", who.uri).nullable("display_name", who.display_name.map(bare)))
}

/// Clients throw on `"headers":null`, so there is no key at all if there are none.
fn with_headers<'o>(to: Members<'o>, headers: Headers<'_>) -> Members<'o> {
    if headers.is_empty() {
        return to;
    }
    to.object("headers", |object| headers.iter().fold(object, |object, (name, value)| object.text(name, value)))
}

fn received<'o>(to: Members<'o>, message: Received<'_>) -> Members<'o> {
    let to = identity(to.text("event", "message"), "sender", message.sender)
        .text("timestamp", message.timestamp)
        .text("message_id", message.message_id)
        .text("content", message.content)
        .text("content_type", message.content_type);
    match message.disposition_notification {
        Some(wanted) => to.texts("disposition_notification", wanted),
        None => to.raw("disposition_notification", "null"),
    }
    .maybe("direction", message.direction)
}

fn notification<'o>(to: Members<'o>, told: Notification<'_>) -> Members<'o> {
    to.text("event", "disposition-notification")
        .text("message_id", told.message_id)
        .text("message_timestamp", told.message_timestamp)
        .text("state", told.state.word())
        .number("code", told.code)
        .text("reason", told.reason)
}

fn stored<'o>(to: Members<'o>, message: &Stored<'_>) -> Members<'o> {
    let to = to.text("contact", message.contact).text("timestamp", message.timestamp);
    match message.disposition {
        Some(disposition) => to.texts("disposition", disposition),
        None => to,
    }
    .text("message_id", message.message_id)
    .text("content_type", message.content_type)
    .text("content", message.content)
    .maybe("direction", message.direction)
    .maybe("state", message.state.map(MessageState::word))
}

fn sync<'o>(to: Members<'o>, account: &str, what: Sync<'_>) -> Members<'o> {
    let (kind, action) = match what {
        Sync::MessageAdded { .. } => ("message", "add"),
        Sync::MessageRemoved { .. } => ("message", "remove"),
        Sync::ConversationRead { .. } => ("conversation", "read"),
        Sync::ConversationRemoved { .. } => ("conversation", "remove"),
    };
    to.text("type", kind).text("action", action).object("content", |content| match what {
        Sync::MessageAdded { transaction, uri, message } => content
            .text("sylkrtc", "account-message")
            .text("transaction", transaction)
            .text("account", account)
            .text("uri", uri)
            .text("message_id", &message.message_id)
            .text("content", &message.content)
            .text("content_type", &message.content_type)
            .text("timestamp", &message.timestamp),
        Sync::MessageRemoved { contact, message_id, direction } => {
            content.text("contact", contact).text("message_id", message_id).maybe("direction", direction)
        }
        Sync::ConversationRead { contact, timestamp } | Sync::ConversationRemoved { contact, timestamp } => {
            content.text("contact", contact).maybe("timestamp", timestamp)
        }
    })
}

fn about_session<'o>(to: Members<'o>, event: SessionEvent<'_>) -> Members<'o> {
    match event {
        SessionEvent::State(state) => {
            let to = to.text("event", "state");
            match state {
                SessionState::Progress => to.text("state", "progress"),
                SessionState::Proceeding { code } => to.text("state", "proceeding").number("code", code),
                SessionState::Ringing => to.text("state", "ringing"),
                SessionState::EarlyMedia { sdp, call_id } => {
                    to.text("state", "early-media").text("sdp", sdp).text("call_id", call_id)
                }
                SessionState::Accepted { sdp, call_id, headers } => {
                    with_headers(to.text("state", "accepted").maybe("sdp", sdp).maybe("call_id", call_id), headers)
                }
                SessionState::Established => to.text("state", "established"),
                SessionState::Terminated { reason } => to.text("state", "terminated").text("reason", reason),
            }
        }
        SessionEvent::Update(update) => {
            let to = to.text("event", "update");
            match update {
                Update::Received { sdp } => to.text("state", "received").text("sdp", sdp),
                Update::Accepted { sdp } => to.text("state", "accepted").text("sdp", sdp),
                Update::Failed { reason } => to.text("state", "failed").text("reason", reason),
            }
        }
        SessionEvent::Message(message) => received(to, message),
        SessionEvent::Disposition(told) => notification(to, told),
    }
}

fn about_room<'o>(to: Members<'o>, event: RoomEvent<'_>) -> Members<'o> {
    match event {
        RoomEvent::State(state) => {
            let to = to.text("event", "session-state");
            match state {
                RoomState::Progress => to.text("state", "progress"),
                RoomState::Accepted { sdp, audio, video } => {
                    to.text("state", "accepted").text("sdp", sdp).flag("audio", audio).flag("video", video)
                }
                RoomState::Established => to.text("state", "established"),
                RoomState::Terminated { reason } => to.text("state", "terminated").maybe("reason", reason),
            }
        }
        RoomEvent::InitialPublishers(list) => {
            to.text("event", "initial-publishers").objects("publishers", list, publisher)
        }
        RoomEvent::PublishersJoined(list) => {
            to.text("event", "publishers-joined").objects("publishers", list, publisher)
        }
        RoomEvent::PublishersLeft(ids) => to.text("event", "publishers-left").texts("publishers", ids),
        RoomEvent::FeedAttached { feed, sdp } => to.text("event", "feed-attached").text("feed", feed).text("sdp", sdp),
        RoomEvent::FeedEstablished { feed } => to.text("event", "feed-established").text("feed", feed),
        RoomEvent::Configure { originator, active_participants } => to
            .text("event", "configure")
            .text("originator", originator)
            .texts("active_participants", active_participants),
        RoomEvent::Message { kind, content, content_type, sender, timestamp } => {
            let kind = match kind {
                RoomMessage::Normal => "normal",
                RoomMessage::Status => "status",
            };
            let to = to.text("event", "message").text("type", kind).text("content", content);
            identity(to.text("content_type", content_type), "sender", sender).text("timestamp", timestamp)
        }
        RoomEvent::MessageDelivery { message_id, delivered, code, reason } => to
            .text("event", "message-delivery")
            .text("message_id", message_id)
            .flag("delivered", delivered)
            .number("code", code)
            .text("reason", reason),
        RoomEvent::Composing { state, refresh, content_type, sender } => identity(
            to.text("event", "composing-indication")
                .text("state", state.word())
                .number("refresh", refresh)
                .text("content_type", content_type),
            "sender",
            sender,
        ),
        RoomEvent::FileSharing(files) => to.text("event", "file-sharing").objects("files", files, file),
        RoomEvent::MuteAudio { originator } => to.text("event", "mute-audio").text("originator", originator),
        RoomEvent::RaisedHands(hands) => to.text("event", "raised-hands").texts("raised_hands", hands),
    }
}

fn publisher<'o>(to: Members<'o>, publisher: &Publisher<'_>) -> Members<'o> {
    let to = to.text("id", publisher.id).text("uri", publisher.uri).text("display_name", publisher.display_name);
    let to = to.maybe("type", publisher.kind);
    match publisher.muted {
        Some(muted) => to.flag("muted", muted),
        None => to,
    }
}

fn file<'o>(to: Members<'o>, file: &SharedFile<'_>) -> Members<'o> {
    let to = to.text("filename", file.filename).number("filesize", file.filesize);
    identity(to, "uploader", file.uploader).text("session", file.session)
}
