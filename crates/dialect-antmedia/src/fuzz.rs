//! What the fuzz target `antmedia` runs: any text, read as a message and held against a slow reader of the same rules,
//! then said to a session that is new and to one that publishes and plays a stream (`docs/testing.md`, "Fuzzing").

use std::collections::BTreeMap;
use std::sync::Arc;

use patchbay_core::{Command, Event, Kinds, Lang, LinkId, Moment, Name, Query, SignalKind, Tag};
use patchbay_dialect_kit::testing::reference;
use patchbay_dialect_kit::{Ctx, Frame, OutFrame, Outbox, Random, Session};

use crate::Settings;
use crate::security::seats::Seats;
use crate::session::AntSession;
use crate::wire;

/// The stream that the second session publishes, as a track of [`MAIN`], and plays.
const OWN: &str = "s";
const MAIN: &str = "m";
const PUBLICATION: LinkId = LinkId::new(1);
const VIEW: LinkId = LinkId::new(2);

/// Runs `data`: as much of it as is UTF-8, which the shell has checked when a session gets it.
///
/// # Panics
/// If the session breaks a rule of the protocol.
pub fn target(data: &[u8]) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    };
    let message = Message::read(text);
    assert_eq!(message.is_some(), wire::read(text).is_some(), "whether it is a message");
    for busy in [false, true] {
        let expected = message.as_ref().map(|message| message.outcome(busy)).unwrap_or_default();
        assert_eq!(said(text, busy), expected, "busy: {busy}");
    }
}

/// A message as antmedia.md section 2 reads it: the last value of each key, as it is written.
struct Message<'a>(BTreeMap<String, &'a str>);

impl<'a> Message<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let object = reference::leading_object(text).filter(|_| reference::is_json(text))?;
        let message = Self(reference::fields(object).into_iter().collect());
        message.text("command").map(|_| message)
    }

    /// A text that is not empty.
    fn text(&self, key: &str) -> Option<String> {
        self.0
            .get(key)
            .filter(|value| value.starts_with('"'))
            .map(|value| reference::meant(value))
            .filter(|text| !text.is_empty())
    }

    fn name(&self, key: &str) -> Option<String> {
        self.text(key).filter(|text| is_name(text))
    }

    fn switch(&self, key: &str, default: bool) -> bool {
        match self.0.get(key).copied() {
            Some("true" | "\"true\"") => true,
            Some("false" | "\"false\"") => false,
            _ => default,
        }
    }

    fn kinds(&self) -> Kinds {
        Kinds { audio: self.switch("audio", true), video: self.switch("video", true) }
    }

    /// What a client hears of it, or what the hub is asked to do: antmedia.md sections 2, 3 and 5.
    fn outcome(&self, busy: bool) -> Vec<String> {
        let command = self.text("command").unwrap_or_default();
        match command.as_str() {
            "ping" => return vec![r#"{"command":"pong"}"#.to_owned()],
            "getIceServerConfig" => return vec![],
            "registerPushNotificationToken" | "sendPushNotification" => {
                let information = "push messages are not supported by this server";
                return vec![format!(
                    r#"{{"command":"notification","success":false,"definition":"{command}","information":"{information}"}}"#
                )];
            }
            "joinRoom" | "getRoomInfo" | "leaveFromRoom" => return self.outcome_in_room(&command),
            _ => {}
        }
        let Some(stream) = self.text("streamId") else { return vec![error("noStreamNameSpecified", None)] };
        if !is_name(&stream) {
            return vec![error("invalidStreamName", Some(&stream))];
        }
        let (own, track) = (busy && stream == OWN, self.name("trackId"));
        let all = Kinds::ALL;
        match command.as_str() {
            "publish" => match self.text("mainTrack") {
                Some(main) if !is_name(&main) => vec![error("invalidStreamName", Some(&stream))],
                main => {
                    let about = self.about(&[
                        ("name", "streamName"),
                        ("metaData", "metaData"),
                        ("role", "role"),
                        ("subscriberId", "subscriberId"),
                    ]);
                    vec![format!("publish {stream} of {main:?} {:?} {about:?}", self.kinds())]
                }
            },
            "play" => {
                let except = self.name("userPublishId");
                let about =
                    self.about(&[("name", "subscriberName"), ("role", "role"), ("subscriberId", "subscriberId")]);
                vec![format!("view {stream} without {except:?} {about:?}")]
            }
            "join" => vec![format!("enter {stream} as 0000000000000000 Pair")],
            "leave" => vec![error("no_peer_associated_before", Some(&stream))],
            "getBroadcastObject" | "getSubtracks" | "getSubtracksCount" => vec![format!("known of {stream}")],
            "getSubscriberCount" | "getSubscribers" => vec![format!("viewers of {stream}")],
            "getVideoTrackAssignmentsCommand" | "updateVideoTrackAssignmentsCommand" if own => {
                vec![format!("tracks of {stream}")]
            }
            "updateStreamMetaData" if own => {
                vec![format!("describe 1 {:?}", self.about(&[("metaData", "metaData")]))]
            }
            "getDebugInfo" => vec![format!(
                r#"{{"command":"notification","definition":"debugInfo","streamId":"{stream}","debugInfo":"publishes: {own}, plays: {own}, meets directly: false"}}"#
            )],
            "stop" if own => vec!["hangup 2".to_owned(), "hangup 1".to_owned()],
            "takeConfiguration" if own => {
                let sdp = self.text("sdp").unwrap_or_default();
                match self.text("type").as_deref() {
                    Some("offer") => vec![format!("tell 1 Offer {sdp}")],
                    Some("answer") => vec![format!("tell 2 Answer {sdp}")],
                    _ => vec![],
                }
            }
            // Nobody has described himself, so all are the publication's.
            "takeCandidate" if own => {
                let candidate = self.text("candidate");
                let bare = |text: String| text.strip_prefix("a=").map(str::to_owned).unwrap_or(text);
                candidate.map(|text| format!("tell 1 Candidate {}", bare(text))).into_iter().collect()
            }
            "toggleVideo" | "toggleAudio" if own => {
                let kinds = Kinds { audio: command == "toggleAudio", video: command == "toggleVideo" };
                let on = self.switch("enabled", true);
                track.map(|track| format!("pause 2 Some({track:?}) {kinds:?} {on}")).into_iter().collect()
            }
            "enableTrack" => {
                let on = self.switch("enabled", true);
                match track {
                    Some(track) if busy && track == OWN && stream == MAIN => vec![format!("pause 1 None {all:?} {on}")],
                    Some(track) if own => vec![format!("pause 2 Some({track:?}) {all:?} {on}")],
                    _ => vec![],
                }
            }
            "getTrackList" => vec![format!("tracks of {stream}")],
            "getStreamInfo" => vec![format!("renditions of {stream}")],
            "forceStreamQuality" if own => {
                let written = self.0.get("streamHeight").map(|value| value.trim_matches('"'));
                let height = written.and_then(|value| value.parse().ok()).filter(|height: &u32| *height > 0);
                vec![format!("prefer 2 {track:?} {height:?}")]
            }
            _ => vec![],
        }
    }
}

impl Message<'_> {
    /// What is said of a stream or viewer, by the keys under which it is told and those under which it was said.
    fn about(&self, keys: &[(&str, &str)]) -> BTreeMap<String, String> {
        let told = |(key, said): &(&str, &str)| Some(((*key).to_owned(), self.text(said)?));
        keys.iter().filter_map(told).filter(|(_, text)| text.len() <= 16_384).collect()
    }

    fn outcome_in_room(&self, command: &str) -> Vec<String> {
        let stream = self.text("streamId");
        let fault = |definition| vec![error(definition, stream.as_deref())];
        let Some(room) = self.text("room") else { return fault("no_room_specified") };
        if !is_name(&room) || (command == "joinRoom" && stream.as_ref().is_some_and(|stream| !is_name(stream))) {
            return fault("invalidStreamName");
        }
        match command {
            "joinRoom" => {
                let own = stream.unwrap_or_else(|| "0".repeat(16));
                vec![format!("enter {room} as {own} Open"), format!("known of {room}")]
            }
            "getRoomInfo" => vec![format!("known of {room}")],
            _ => vec![format!(
                r#"{{"command":"notification","definition":"leavedFromRoom","room":"{room}","ATTR_ROOM_NAME":"{room}"}}"#
            )],
        }
    }
}

fn is_name(text: &str) -> bool {
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "._-".contains(letter);
    (1..=256).contains(&text.len()) && text.chars().all(legal)
}

fn error(definition: &str, stream: Option<&str>) -> String {
    let stream = stream.filter(|stream| stream.len() <= 256).map(str::to_owned);
    format!("error {definition} {stream:?}")
}

/// Says it to a new session, or to one that publishes and plays [`OWN`]; what it says and asks, in words.
fn said(text: &str, busy: bool) -> Vec<String> {
    struct Zero;
    impl Random for Zero {
        fn next_u64(&mut self) -> u64 {
            0
        }
    }
    let mut session = AntSession::new(Lang(2), Arc::new(Settings::default()), Seats::default());
    let (mut out, now) = (Outbox::new(), Moment::from_micros(1_000_000));
    let mut ctx = Ctx { now, unix_ms: 0, rng: &mut Zero, out: &mut out };
    session.on_open(&mut ctx);
    if busy {
        for (tag, link, message) in [
            (Tag(1), PUBLICATION, format!(r#"{{"command":"publish","streamId":"{OWN}","mainTrack":"{MAIN}"}}"#)),
            (Tag(2), VIEW, format!(r#"{{"command":"play","streamId":"{OWN}"}}"#)),
        ] {
            session.on_frame(Frame::Text(&message), &mut ctx);
            let opened = if link == VIEW {
                Event::Viewing { tag, link }
            } else {
                Event::Reserved { tag, link, restored: false }
            };
            session.on_event(opened, &mut ctx);
        }
    }
    ctx.out.take_commands().for_each(drop);
    ctx.out.clear();
    session.on_frame(Frame::Text(text), &mut ctx);
    assert!(out.closing().is_none() && out.deaf_until().is_none(), "no message ends or slows a connection by itself");
    let mut told: Vec<String> = out.frames().map(|frame| heard(&frame)).collect();
    told.extend(out.take_commands().map(|(_, command)| asked(&command)));
    told
}

/// An error by its members, everything else as it is.
fn heard(frame: &OutFrame<'_>) -> String {
    let OutFrame::Text(text) = frame else { return "a ping".to_owned() };
    let text = String::from_utf8(text.to_vec()).expect("messages are UTF-8");
    assert!(reference::is_json(&text) && text.starts_with("{\"command\":\""), "{text}");
    let message = Message::read(&text).expect("every message of the server has a command");
    match message.text("command").as_deref() {
        Some("error") => {
            let definition = message.text("definition").expect("clients read it unasked");
            error(&definition, message.text("streamId").as_deref())
        }
        _ => text,
    }
}

/// The texts of a canonical form.
fn told_about(about: &Option<patchbay_core::Body>) -> BTreeMap<String, String> {
    let Some(body) = about else { return BTreeMap::new() };
    let text = std::str::from_utf8(body.bytes()).expect("texts");
    assert!(reference::is_json(text), "{text}");
    let fields = reference::fields(reference::leading_object(text).expect("an object"));
    fields.into_iter().map(|(key, value)| (key, reference::meant(value))).collect()
}

fn asked(command: &Command) -> String {
    let name = |name: &Option<Name>| name.as_ref().map(|name| name.as_str().to_owned());
    let number = |link: LinkId| if link == PUBLICATION { 1 } else { 2 };
    match command {
        Command::Publish(publish) => {
            let (stream, main, about) = (publish.stream.as_str(), name(&publish.main), told_about(&publish.about));
            format!("publish {stream} of {main:?} {:?} {about:?}", publish.kinds)
        }
        Command::View(view) => {
            let (stream, except, about) = (view.stream.as_str(), name(&view.except), told_about(&view.about));
            format!("view {stream} without {except:?} {about:?}")
        }
        Command::Describe { link, about } => format!("describe {} {:?}", number(*link), told_about(about)),
        Command::Join(join) => {
            format!("enter {} as {} {:?}", join.room.as_str(), join.name.as_str(), join.kind)
        }
        Command::Query(Query::Stream(stream)) => format!("known of {}", stream.as_str()),
        Command::Query(Query::Viewers(stream)) => format!("viewers of {}", stream.as_str()),
        Command::Hangup { link, .. } => format!("hangup {}", number(*link)),
        Command::Signal { to: patchbay_core::Address::Link(link), signal } => {
            assert!(signal.kind != SignalKind::Candidate || !signal.body.bytes().is_empty(), "the end of candidates");
            let body = String::from_utf8_lossy(signal.body.bytes()).into_owned();
            format!("tell {} {:?} {body}", number(*link), signal.kind)
        }
        Command::Pause { link, track, kinds, on } => {
            format!("pause {} {:?} {kinds:?} {on}", number(*link), name(track))
        }
        Command::Prefer { link, track, height } => format!("prefer {} {:?} {height:?}", number(*link), name(track)),
        Command::Query(Query::Tracks(stream)) => format!("tracks of {}", stream.as_str()),
        Command::Query(Query::Renditions(stream)) => format!("renditions of {}", stream.as_str()),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "antmedia", super::target);
    }
}
