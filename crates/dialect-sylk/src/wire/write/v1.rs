//! V1, with rooms: sylk.md section 5.

use super::{bare, wrapped};
use crate::wire::event::{AccountEvent, Event, Identity, Publisher, RoomEvent, RoomState, SessionEvent};
use crate::wire::json::Members;
use crate::wire::vocabulary::Originator;

/// `None`: it has no words for it.
pub(super) fn write(out: &mut Vec<u8>, event: &Event<'_>, form: Originator) -> Option<()> {
    match *event {
        Event::Account { account, event } => about_account(out, account, event, form),
        Event::Session { session, event: SessionEvent::State(state) } => {
            wrapped::state(out, session, "progress", state)
        }
        Event::Videoroom { session, event } => about_room(out, session, event),
        Event::PublicKey { .. } | Event::Session { .. } => None,
    }
}

fn about_account(out: &mut Vec<u8>, account: &str, event: AccountEvent<'_>, form: Originator) -> Option<()> {
    match event {
        AccountEvent::Registration(registration) => wrapped::registration(out, account, registration),
        AccountEvent::IncomingSession { session, originator: who, sdp, .. } => {
            wrapped::account(out, account, "incoming_session", Some(session), |data| {
                originator(data, who, form).text("sdp", sdp)
            });
        }
        AccountEvent::MissedSession { originator: who } => {
            wrapped::account(out, account, "missed_session", None, |data| originator(data, who, form));
        }
        // Invitations came after the originator had become an object.
        AccountEvent::ConferenceInvite { room, originator: who, .. } => {
            wrapped::account(out, account, "conference_invite", None, |data| {
                originator(data, who, Originator::Object).text("room", room)
            });
        }
        AccountEvent::Message(_)
        | AccountEvent::Disposition(_)
        | AccountEvent::SyncConversations(_)
        | AccountEvent::Sync(_)
        | AccountEvent::AddressbookFetched { .. }
        | AccountEvent::AddressbookUpdated { .. }
        | AccountEvent::AddressbookUpdateFailed { .. } => return None,
    }
    Some(())
}

fn originator<'o>(data: Members<'o>, who: Identity<'_>, form: Originator) -> Members<'o> {
    match form {
        Originator::Text => data.text("originator", who.uri),
        Originator::Object => data.object("originator", |object| {
            object.text("uri", who.uri).text("display_name", bare(who.display_name.unwrap_or_default()))
        }),
    }
}

fn about_room(out: &mut Vec<u8>, id: &str, event: RoomEvent<'_>) -> Option<()> {
    let mut wrapped = |event: &str, data: &dyn Fn(Members<'_>) -> Members<'_>| {
        wrapped::session(out, "videoroom_event", id, event, data);
    };
    match event {
        RoomEvent::State(state) => wrapped("state", &|data| match state {
            RoomState::Progress => data.text("state", "progress"),
            RoomState::Accepted { sdp, .. } => data.text("state", "accepted").text("sdp", sdp),
            RoomState::Established => data.text("state", "established"),
            RoomState::Terminated { reason } => data.text("state", "terminated").maybe("reason", reason),
        }),
        RoomEvent::InitialPublishers(list) => wrapped("initial_publishers", &|data| publishers(data, list)),
        RoomEvent::PublishersJoined(list) => wrapped("publishers_joined", &|data| publishers(data, list)),
        RoomEvent::PublishersLeft(ids) => wrapped("publishers_left", &|data| data.texts("publishers", ids)),
        RoomEvent::FeedAttached { feed, sdp } => {
            wrapped("feed_attached", &|data| data.text("sdp", sdp).text("subscription", feed));
        }
        RoomEvent::FeedEstablished { feed } => {
            wrapped("feed_established", &|data| data.text("state", "established").text("subscription", feed));
        }
        // The only one that was flat, and had a hyphen, already then.
        RoomEvent::Configure { originator, active_participants } => Members::open(out)
            .text("sylkrtc", "videoroom_event")
            .text("session", id)
            .text("event", "configure-room")
            .text("originator", originator)
            .texts("active_participants", active_participants)
            .close(),
        RoomEvent::Message { .. }
        | RoomEvent::MessageDelivery { .. }
        | RoomEvent::Composing { .. }
        | RoomEvent::FileSharing(_)
        | RoomEvent::MuteAudio { .. }
        | RoomEvent::RaisedHands(_) => return None,
    }
    Some(())
}

fn publishers<'o>(data: Members<'o>, publishers: &[Publisher<'_>]) -> Members<'o> {
    data.objects("publishers", publishers, |object, publisher| {
        object.text("id", publisher.id).text("uri", publisher.uri).text("display_name", publisher.display_name)
    })
}
