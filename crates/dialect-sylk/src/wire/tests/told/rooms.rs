//! Events of rooms.

use super::{ANON, BOB, Case};
use crate::wire::event::{Event, Publisher, RoomEvent, RoomMessage, RoomState, SharedFile};
use crate::wire::request::Composing;

fn room(event: RoomEvent<'static>) -> Event<'static> {
    Event::Videoroom { session: "s", event }
}

pub(super) fn about_rooms() -> Vec<Case> {
    const PUBLISHERS: &[Publisher<'static>] = &[
        Publisher { id: "p", uri: "b@d", display_name: "Bob", kind: None, muted: None },
        Publisher { id: "q", uri: "c@d", display_name: "", kind: Some("audio"), muted: Some(true) },
    ];
    let v1 = |event, v1, v2| (event, None, Some(v1), v2);
    let v2 = |event, text| (event, None, None, text);
    vec![
        v1(
            room(RoomEvent::State(RoomState::Progress)),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"state","data":{"state":"progress"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"session-state","state":"progress"}"#,
        ),
        v1(
            room(RoomEvent::State(RoomState::Accepted { sdp: "v=0\r\n", audio: true, video: false })),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"state","data":{"state":"accepted","sdp":"v=0\r\n"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"session-state","state":"accepted","sdp":"v=0\r\n","audio":true,"video":false}"#,
        ),
        v1(
            room(RoomEvent::State(RoomState::Established)),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"state","data":{"state":"established"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"session-state","state":"established"}"#,
        ),
        v1(
            room(RoomEvent::State(RoomState::Terminated { reason: None })),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"state","data":{"state":"terminated"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"session-state","state":"terminated"}"#,
        ),
        v1(
            room(RoomEvent::State(RoomState::Terminated { reason: Some("ICE failed") })),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"state","data":{"state":"terminated","reason":"ICE failed"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"session-state","state":"terminated","reason":"ICE failed"}"#,
        ),
        v1(
            room(RoomEvent::InitialPublishers(&[])),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"initial_publishers","data":{"publishers":[]}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"initial-publishers","publishers":[]}"#,
        ),
        v1(
            room(RoomEvent::PublishersJoined(PUBLISHERS)),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"publishers_joined","data":{"publishers":[{"id":"p","uri":"b@d","display_name":"Bob"},{"id":"q","uri":"c@d","display_name":""}]}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"publishers-joined","publishers":[{"id":"p","uri":"b@d","display_name":"Bob"},{"id":"q","uri":"c@d","display_name":"","type":"audio","muted":true}]}"#,
        ),
        v1(
            room(RoomEvent::PublishersLeft(&["p", "q"])),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"publishers_left","data":{"publishers":["p","q"]}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"publishers-left","publishers":["p","q"]}"#,
        ),
        v1(
            room(RoomEvent::FeedAttached { feed: "f", sdp: "v=0\r\n" }),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"feed_attached","data":{"sdp":"v=0\r\n","subscription":"f"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"feed-attached","feed":"f","sdp":"v=0\r\n"}"#,
        ),
        v1(
            room(RoomEvent::FeedEstablished { feed: "f" }),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"feed_established","data":{"state":"established","subscription":"f"}}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"feed-established","feed":"f"}"#,
        ),
        v1(
            room(RoomEvent::Configure { originator: "videoroom", active_participants: &["p"] }),
            r#"{"sylkrtc":"videoroom_event","session":"s","event":"configure-room","originator":"videoroom","active_participants":["p"]}"#,
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"configure","originator":"videoroom","active_participants":["p"]}"#,
        ),
        v2(
            room(RoomEvent::Message {
                kind: RoomMessage::Normal,
                content: "hi",
                content_type: "text/plain",
                sender: BOB,
                timestamp: "t",
            }),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"message","type":"normal","content":"hi","content_type":"text/plain","sender":{"uri":"bob@example.com","display_name":"Bob"},"timestamp":"t"}"#,
        ),
        v2(
            room(RoomEvent::Message {
                kind: RoomMessage::Status,
                content: "",
                content_type: "text/plain",
                sender: ANON,
                timestamp: "t",
            }),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"message","type":"status","content":"","content_type":"text/plain","sender":{"uri":"anonymous@invalid","display_name":null},"timestamp":"t"}"#,
        ),
        v2(
            room(RoomEvent::MessageDelivery { message_id: "m", delivered: true, code: 200, reason: "OK" }),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"message-delivery","message_id":"m","delivered":true,"code":200,"reason":"OK"}"#,
        ),
        v2(
            room(RoomEvent::Composing {
                state: Composing::Active,
                refresh: 60,
                content_type: "text/plain",
                sender: BOB,
            }),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"composing-indication","state":"active","refresh":60,"content_type":"text/plain","sender":{"uri":"bob@example.com","display_name":"Bob"}}"#,
        ),
        v2(
            room(RoomEvent::FileSharing(&[SharedFile {
                filename: "f-1.txt",
                filesize: 5_000_000_000,
                uploader: ANON,
                session: "s",
            }])),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"file-sharing","files":[{"filename":"f-1.txt","filesize":5000000000,"uploader":{"uri":"anonymous@invalid","display_name":null},"session":"s"}]}"#,
        ),
        v2(
            room(RoomEvent::MuteAudio { originator: "s" }),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"mute-audio","originator":"s"}"#,
        ),
        v2(
            room(RoomEvent::RaisedHands(&["p"])),
            r#"{"sylkrtc":"videoroom-event","session":"s","event":"raised-hands","raised_hands":["p"]}"#,
        ),
    ]
}
