//! What is kept in the store, and where: the shapes are those of the reference's REST interface (antmedia.md section 9.3).
//!
//! A record is the JSON text of one of these. Whoever reads one takes missing fields as not given, so that records
//! written by an older version stay readable. They have no `Debug`: they hold secrets and what people call themselves.

use std::sync::Arc;

use patchbay_core::Name;
use patchbay_dialect_kit::job::{Key, Record, Table};
use serde::{Deserialize, Serialize};

use crate::wire;

/// Longest id of a token, in bytes. A JWT can be longer, but is never a key.
pub const ID_BYTES: usize = 256;

/// Longest id of a subscriber, in letters of any alphabet: mail addresses and names fit, and keys stay within their bound.
pub const SUBSCRIBER_LETTERS: usize = 128;

/// Which of the two things a permission is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Publishing; who may publish may also play.
    Publish,
    /// Playing.
    #[default]
    Play,
}

impl Purpose {
    /// As clients write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "publish" => Some(Self::Publish),
            "play" => Some(Self::Play),
            _ => None,
        }
    }

    /// As clients read it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Play => "play",
        }
    }
}

/// A stream or a room that was made beforehand; also what clients are shown of one that was not.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Broadcast {
    /// Its name in the application.
    pub stream_id: String,
    /// Where in its life it is; one of [`status`].
    pub status: String,
    /// What it is: a stream that somebody publishes.
    #[serde(rename = "type")]
    pub kind: String,
    /// By what it is published.
    pub publish_type: Option<String>,
    /// A name for people.
    pub name: Option<String>,
    /// What it is about.
    pub description: Option<String>,
    /// Whether lists for viewers are to show it.
    pub publish: bool,
    /// When it was made, in milliseconds since 1970.
    pub date: i64,
    /// Before this moment nobody may publish it, in seconds since 1970; 0: whenever.
    pub planned_start_date: i64,
    /// After this moment nobody may publish it, in seconds since 1970; 0: whenever.
    pub planned_end_date: i64,
    /// For how long it has been published, in milliseconds.
    pub duration: i64,
    /// Whether it is meant for everybody; kept for who made it.
    pub public_stream: bool,
    /// Whether it shows all around; kept for who made it.
    pub is360: bool,
    /// Who is told what becomes of it, instead of the application's own.
    #[serde(rename = "listenerHookURL")]
    pub listener_hook_url: Option<String>,
    /// A category for people.
    pub category: Option<String>,
    /// How fast it comes in; 1: as it should.
    pub speed: f64,
    /// Where it can be found.
    pub stream_url: Option<String>,
    /// Recording to MP4 was asked for: 1, refused: -1.
    pub mp4_enabled: i32,
    /// Recording to WebM was asked for: 1, refused: -1.
    pub web_m_enabled: i32,
    /// So long after it was made it has to be published, in milliseconds; 0: it need not.
    #[serde(rename = "expireDurationMS")]
    pub expire_duration_ms: i64,
    /// It was made by who published it, and goes with it.
    pub zombi: bool,
    /// Who watches by HLS: nobody.
    pub hls_viewer_count: u32,
    /// Who watches by DASH: nobody.
    pub dash_viewer_count: u32,
    /// How many play it.
    #[serde(rename = "webRTCViewerCount")]
    pub web_rtc_viewer_count: u32,
    /// Who watches by RTMP: nobody.
    pub rtmp_viewer_count: u32,
    /// When its publishing began, in milliseconds since 1970.
    pub start_time: i64,
    /// When it was last changed, in milliseconds since 1970.
    pub update_time: i64,
    /// What it sends, in bits per second.
    pub bitrate: i64,
    /// Where it is made.
    pub latitude: Option<String>,
    /// Where it is made.
    pub longitude: Option<String>,
    /// Where it is made.
    pub altitude: Option<String>,
    /// The room that it is a track of.
    pub main_track_stream_id: Option<String>,
    /// Its tracks, if it is a room. Today's pages still read this (antmedia.md section 5.5).
    pub sub_track_stream_ids: Vec<String>,
    /// Most tracks that it may have; -1: no limit.
    pub subtracks_limit: i32,
    /// Most that may play it; -1: no limit.
    #[serde(rename = "webRTCViewerLimit")]
    pub web_rtc_viewer_limit: i32,
    /// What the publisher or who made it said of it, JSON by custom; pages choke on an empty text (antmedia.md section 5.5).
    pub meta_data: Option<String>,
    /// What it is to a conference.
    pub role: Option<String>,
    /// A conference of the older kind, of which the interface of 2022 tells more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room: Option<Conference>,
}

/// What the interface of 2022 keeps of a room beside its tracks.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Conference {
    /// From when on it is open, in seconds since 1970.
    pub start_date: i64,
    /// Until when it is open, in seconds since 1970.
    pub end_date: i64,
    /// `legacy`, or how its pictures are mixed, which this server does not do.
    pub mode: String,
}

impl Default for Conference {
    fn default() -> Self {
        Self { start_date: 0, end_date: 0, mode: "legacy".to_owned() }
    }
}

/// Where in its life a broadcast is.
pub mod status {
    /// It was made, and nobody has published it.
    pub const CREATED: &str = "created";
    /// Somebody is about to publish it.
    pub const PREPARING: &str = "preparing";
    /// Somebody publishes it.
    pub const BROADCASTING: &str = "broadcasting";
    /// Somebody has published it, and ended.
    pub const FINISHED: &str = "finished";
}

impl Default for Broadcast {
    fn default() -> Self {
        Self {
            stream_id: String::new(),
            status: status::CREATED.to_owned(),
            kind: "liveStream".to_owned(),
            publish_type: None,
            name: None,
            description: None,
            publish: true,
            date: 0,
            planned_start_date: 0,
            planned_end_date: 0,
            duration: 0,
            public_stream: true,
            is360: false,
            listener_hook_url: None,
            category: None,
            speed: 0.0,
            stream_url: None,
            mp4_enabled: 0,
            web_m_enabled: 0,
            expire_duration_ms: 0,
            zombi: false,
            hls_viewer_count: 0,
            dash_viewer_count: 0,
            web_rtc_viewer_count: 0,
            rtmp_viewer_count: 0,
            start_time: 0,
            update_time: 0,
            bitrate: 0,
            latitude: None,
            longitude: None,
            altitude: None,
            main_track_stream_id: None,
            sub_track_stream_ids: Vec::new(),
            subtracks_limit: -1,
            web_rtc_viewer_limit: -1,
            meta_data: None,
            role: None,
            room: None,
        }
    }
}

/// A permission for one stream, which may be used once; in a room, until it expires (antmedia.md section 9.1).
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Token {
    /// What is shown to be admitted: a secret.
    pub token_id: String,
    /// The stream.
    pub stream_id: String,
    /// Until when, in seconds since 1970.
    pub expire_date: i64,
    /// For what.
    #[serde(rename = "type")]
    pub purpose: Purpose,
    /// The room, if it is good for all streams of one.
    pub room_id: Option<String>,
}

/// Somebody who may publish or play with a code that changes by the minute.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Subscriber {
    /// Who it is.
    pub subscriber_id: String,
    /// For which stream.
    pub stream_id: String,
    /// A name for people.
    pub subscriber_name: Option<String>,
    /// What the codes are made of, in base 32: a secret, and never shown. `None`: made of the application's own secret.
    pub b32_secret: Option<String>,
    /// For what.
    #[serde(rename = "type")]
    pub purpose: Purpose,
    /// How many connections it may have at a time.
    pub concurrent_connections_limit: i32,
    /// For what it is blocked: `publish`, `play` or `publish_play`.
    pub block_type: Option<String>,
    /// Until when it is blocked, in milliseconds since 1970.
    pub block_end_time: i64,
}

impl Default for Subscriber {
    fn default() -> Self {
        Self {
            subscriber_id: String::new(),
            stream_id: String::new(),
            subscriber_name: None,
            b32_secret: None,
            purpose: Purpose::Play,
            concurrent_connections_limit: 1,
            block_type: None,
            block_end_time: 0,
        }
    }
}

impl Subscriber {
    /// Whether it may not do that now, whatever code it shows.
    #[must_use]
    pub fn is_blocked(&self, purpose: Purpose, unix_ms: u64) -> bool {
        let meant = |kind: &str| kind == "publish_play" || kind == purpose.label();
        let until = u64::try_from(self.block_end_time).unwrap_or_default();
        unix_ms < until && self.block_type.as_deref().is_some_and(meant)
    }
}

/// Something that is kept as a record.
pub trait Stored: Serialize + for<'a> Deserialize<'a> {
    /// What it is kept as; `None` if that is larger than a record may be.
    #[must_use]
    fn record(&self) -> Option<Record> {
        let bytes = serde_json::to_vec(self).ok()?;
        (bytes.len() <= Record::BYTES).then(|| Record(Arc::from(bytes)))
    }

    /// What a record says; `None` if it is no such record.
    #[must_use]
    fn of(record: &Record) -> Option<Self> {
        serde_json::from_slice(&record.0).ok()
    }
}

impl Stored for Broadcast {}
impl Stored for Token {}
impl Stored for Subscriber {}

/// When a record is of no use any more, in seconds since 1970; `None`: it is kept.
#[must_use]
pub fn expires(table: Table, record: &[u8]) -> Option<u64> {
    if table != Table::Token {
        return None;
    }
    let token: Token = serde_json::from_slice(record).ok()?;
    u64::try_from(token.expire_date).ok()
}

/// Where a broadcast is kept.
#[must_use]
pub fn broadcast_key(app: &str, stream: &Name) -> Key {
    Key::new(Table::Broadcast, format!("{app}/{}", stream.as_str()))
}

/// Where a token is kept; `None`: no token has such an id.
#[must_use]
pub fn token_key(app: &str, id: &str) -> Option<Key> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let fits = (1..=ID_BYTES).contains(&id.len()) && id.bytes().all(plain);
    fits.then(|| Key::new(Table::Token, format!("{app}/{id}")))
}

/// Where a subscriber is kept; `None`: no subscriber has such an id.
#[must_use]
pub fn subscriber_key(app: &str, stream: &Name, id: &str) -> Option<Key> {
    is_subscriber_id(id).then(|| Key::new(Table::Subscriber, format!("{app}/{}/{id}", stream.as_str())))
}

/// Whether a subscriber can be called so: people use addresses and names of all countries here.
#[must_use]
pub fn is_subscriber_id(id: &str) -> bool {
    let strange = |letter: char| letter == '/' || letter == '\\' || letter.is_control();
    !id.is_empty() && id.chars().count() <= SUBSCRIBER_LETTERS && !id.contains(strange)
}

/// The stream of that id, if it is a well-formed one (antmedia.md section 7).
#[must_use]
pub fn stream_id(text: &str) -> Option<Name> {
    wire::stream_name(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn records_come_back_as_they_were() {
        let broadcast = Broadcast { stream_id: "cam1".into(), web_rtc_viewer_limit: 7, ..Broadcast::default() };
        let read = broadcast.record().and_then(|record| Broadcast::of(&record));
        assert!(read.is_some_and(|read| read == broadcast));
        let token = Token { token_id: "t".into(), purpose: Purpose::Publish, ..Token::default() };
        assert!(token.record().and_then(|record| Token::of(&record)).is_some_and(|read| read == token));
        let subscriber = Subscriber { b32_secret: Some("ABC".into()), ..Subscriber::default() };
        assert!(subscriber.record().and_then(|record| Subscriber::of(&record)).is_some_and(|read| read == subscriber));
    }

    #[test]
    fn what_is_missing_was_not_given() {
        let record = Record(Arc::from(&br#"{"streamId":"cam1","later":1}"#[..]));
        let read = Broadcast::of(&record).expect("a record");
        assert_eq!((read.stream_id.as_str(), read.status.as_str(), read.web_rtc_viewer_limit), ("cam1", "created", -1));
        assert!(Broadcast::of(&Record(Arc::from(&b"[]x"[..]))).is_none());
    }

    #[test]
    fn names_are_spelled_as_clients_read_them() {
        let shown = serde_json::to_value(Broadcast::default()).expect("JSON");
        for key in [
            "streamId",
            "status",
            "type",
            "publishType",
            "mainTrackStreamId",
            "subTrackStreamIds",
            "metaData",
            "role",
            "startTime",
            "date",
            "webRTCViewerCount",
            "webRTCViewerLimit",
            "plannedStartDate",
            "plannedEndDate",
            "expireDurationMS",
            "listenerHookURL",
            "subtracksLimit",
            "zombi",
            "is360",
            "mp4Enabled",
            "webMEnabled",
        ] {
            assert!(shown.get(key).is_some(), "{key} is missing in {shown}");
        }
        assert!(shown["metaData"].is_null(), "an empty text would break the conference page");
        let shown = serde_json::to_value(Token::default()).expect("JSON");
        let keys: Vec<_> = shown.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, ["expireDate", "roomId", "streamId", "tokenId", "type"]);
    }

    #[test]
    fn too_much_is_no_record() {
        let much = Broadcast { description: Some("x".repeat(Record::BYTES)), ..Broadcast::default() };
        assert!(much.record().is_none());
    }

    #[test]
    fn tokens_expire_and_nothing_else_does() {
        let token = Token { expire_date: 7, ..Token::default() }.record().expect("small");
        assert_eq!(expires(Table::Token, &token.0), Some(7));
        assert_eq!(expires(Table::Broadcast, &token.0), None);
        assert_eq!(expires(Table::Token, b"no token"), None);
    }

    #[test]
    fn only_well_formed_ids_are_keys() {
        assert_eq!(&*broadcast_key("live", &name("cam1")).key, "live/cam1");
        for (id, expected) in
            [("abc", true), ("a.b-c_d", true), ("", false), ("a/b", false), ("ä", false), (&*"a".repeat(257), false)]
        {
            assert_eq!(token_key("live", id).is_some(), expected, "{id}");
        }
        let (long, longer) = ("ä".repeat(SUBSCRIBER_LETTERS), "a".repeat(SUBSCRIBER_LETTERS + 1));
        for (id, expected) in [
            ("alice@example.com", true),
            ("ä b", true),
            (&*long, true),
            (&*longer, false),
            ("", false),
            ("a/b", false),
            ("a\0b", false),
        ] {
            assert_eq!(subscriber_key("live", &name("s"), id).is_some(), expected, "{id}");
        }
    }

    #[test]
    fn a_block_is_for_some_time_and_for_what_it_says() {
        let blocked =
            |kind: &str| Subscriber { block_type: Some(kind.into()), block_end_time: 1_000, ..Subscriber::default() };
        for (kind, purpose, now, expected) in [
            ("play", Purpose::Play, 999, true),
            ("play", Purpose::Play, 1_000, false),
            ("play", Purpose::Publish, 0, false),
            ("publish_play", Purpose::Publish, 0, true),
            ("nonsense", Purpose::Play, 0, false),
        ] {
            assert_eq!(blocked(kind).is_blocked(purpose, now), expected, "{kind} {purpose:?} {now}");
        }
    }
}
