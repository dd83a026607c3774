//! Events in and out: bytes to types and back, no behaviour (ers.md sections 1.3, 1.4 and 1.6).
//!
//! A device does not parse: it looks for words in the whole packet. So nothing leaves with white space, with an escape
//! that need not be, or with a value that is no string where it reads one.

use std::borrow::Cow;

use patchbay_core::{Name, SignalKind};
use patchbay_dialect_kit::json::{Cursor, Fault, Kind, write_plain_string};

/// Longest name of a room, a stream, or another word that a device reads: real ones are short, and a longer one would
/// only carry something else through the server.
pub(crate) const WORD_BYTES: usize = 128;
/// Longest token: a hash or a UUID fits many times, and the store's keys stay within their bound.
pub(crate) const TOKEN_BYTES: usize = 256;

/// An event of a client.
#[derive(Debug)]
pub(crate) enum ClientEvent<'a> {
    Join {
        room: Cow<'a, str>,
        data: JoinData<'a>,
    },
    /// What goes on to the partner; the cursor stands before the arguments.
    Message(Cursor<'a>),
    Leave,
    Create {
        room: Option<Cow<'a, str>>,
    },
    /// What is heard and means nothing here: `HBTimeout`, `shareScreen`, `unshareScreen`, `trace`, and whatever else.
    Other,
}

/// Of which generation a media server is: the words are the same, spelled differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generation {
    /// EvoStream's own.
    Ems,
    /// The one that was renamed.
    Rms,
}

/// What is said with a `join`.
#[derive(Debug, Default)]
pub(crate) struct JoinData<'a> {
    /// It is a media server.
    pub(crate) server: Option<Generation>,
    /// When it connected, by its own clock: of two, the later one counts.
    pub(crate) index: Option<u64>,
    tokens: [Option<Cow<'a, str>>; 3],
    stream: Option<Cow<'a, str>>,
    others: [Option<Cow<'a, str>>; 3],
}

/// What a viewer says of itself beside the stream that it wants; each is handed on if it is a word.
const OTHERS: [&str; 3] = ["transport", "cwa", "capabilities"];
const TOKENS: [&str; 3] = ["emsToken", "rmsToken", "token"];

impl JoinData<'_> {
    pub(crate) fn token(&self) -> Option<&str> {
        self.tokens.iter().flatten().next().map(|token| &**token)
    }

    /// The stream that is wanted: a viewer that names none offers by itself.
    ///
    /// # Errors
    /// If it is nothing that a device could read.
    pub(crate) fn stream(&self) -> Result<Option<&str>, ()> {
        match self.stream.as_deref() {
            None | Some("") => Ok(None),
            Some(stream) if is_word(stream) => Ok(Some(stream)),
            Some(_) => Err(()),
        }
    }

    /// What the media server is to be told: the members of `clientJoined` behind the id. Empty: nothing.
    pub(crate) fn greeting(&self, out: &mut Vec<u8>) {
        let Ok(Some(stream)) = self.stream() else { return };
        member(out, "streamName", stream);
        for (key, value) in OTHERS.iter().zip(&self.others) {
            if let Some(value) = value.as_deref().filter(|value| is_word(value)) {
                member(out, key, value);
            }
        }
    }
}

/// Devices take all up to the next quote, and know no escape.
pub(crate) fn is_word(text: &str) -> bool {
    (1..=WORD_BYTES).contains(&text.len()) && !text.contains(['"', '\\']) && !text.chars().any(char::is_control)
}

/// The words by which a device tells packets apart, wherever they stand (section 1.6).
const KEYWORDS: [&str; 15] = [
    "stunservers",
    "turnservers",
    "ersid",
    "clients",
    "offer",
    "answer",
    "candidate",
    "command",
    "remove",
    "taken",
    "invalidRoom",
    "invalidRmsToken",
    "clientJoined",
    "iceparam",
    "validateFailed",
];

/// A device would take a packet with this text for another one.
pub(crate) fn misleads(text: &str) -> bool {
    KEYWORDS.iter().any(|word| text.contains(word))
}

/// Reads an event; `None` if it is none.
pub(crate) fn event(data: &str) -> Option<ClientEvent<'_>> {
    let mut cursor = Cursor::new(data);
    let (mut name, mut args) = (Cow::Borrowed(""), None);
    let read = cursor.object(|key, value| {
        match &*key {
            "name" if value.kind()? == Kind::String => name = value.string()?,
            "args" => {
                args = Some(value.clone());
                value.skip()?;
            }
            _ => value.skip()?,
        }
        Ok(())
    });
    read.ok().filter(|()| cursor.at_end())?;
    Some(match &*name {
        "join" => join(args?).ok().flatten()?,
        "message" => ClientEvent::Message(args?),
        "leave" => ClientEvent::Leave,
        "create" => ClientEvent::Create { room: first_string(args) },
        _ => ClientEvent::Other,
    })
}

fn first_string(args: Option<Cursor<'_>>) -> Option<Cow<'_, str>> {
    let (mut first, mut number) = (None, 0);
    let read = args?.array(|value| {
        match (number, value.kind()?) {
            (0, Kind::String) => first = Some(value.string()?),
            _ => value.skip()?,
        }
        number += 1;
        Ok(())
    });
    read.ok().and(first)
}

fn join(mut args: Cursor<'_>) -> Result<Option<ClientEvent<'_>>, Fault> {
    let (mut room, mut data, mut number) = (None, JoinData::default(), 0);
    args.array(|value| {
        match (number, value.kind()?) {
            (0, Kind::String) => room = Some(value.string()?),
            (1, Kind::Object) => data = join_data(value)?,
            _ => value.skip()?,
        }
        number += 1;
        Ok(())
    })?;
    Ok(room.filter(|room| !room.is_empty()).map(|room| ClientEvent::Join { room, data }))
}

fn join_data<'a>(value: &mut Cursor<'a>) -> Result<JoinData<'a>, Fault> {
    let mut data = JoinData::default();
    value.object(|key, value| {
        let kind = value.kind()?;
        let place = |keys: &[&str]| keys.iter().position(|of| *of == key);
        match (&*key, kind) {
            ("RMS" | "rms", Kind::Bool) => {
                if value.raw()? == "true" {
                    data.server = Some(Generation::Rms);
                }
            }
            ("EMS" | "ems", Kind::Bool) => {
                if value.raw()? == "true" {
                    data.server.get_or_insert(Generation::Ems);
                }
            }
            ("index", Kind::Number) => data.index = index(value.raw()?),
            ("streamName", Kind::String) => data.stream = Some(value.string()?),
            (_, Kind::String) => match (place(&TOKENS), place(&OTHERS)) {
                (Some(at), _) => data.tokens[at] = Some(value.string()?),
                (None, Some(at)) => data.others[at] = Some(value.string()?),
                (None, None) => value.skip()?,
            },
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(data)
}

/// Any number that is not below zero, as a whole one.
fn index(text: &str) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, which is meant")]
    let whole = |number: f64| (number >= 0.0).then_some(number as u64);
    text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
}

/// Who says something to whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Relay<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// The receiver is a device, which takes a `null` for what comes behind it.
    pub(crate) to_device: bool,
}

/// What a relayed message is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Relayed {
    pub(crate) kind: SignalKind,
    /// The media server has no such stream: it stays where it is (section 1.5, point 6).
    pub(crate) unable: bool,
}

/// Puts together what goes on: the sender's object in plain form, with its id as the last member. `None`: it is for
/// nobody that the sender may speak to.
pub(crate) fn relay(args: &mut Cursor<'_>, relay: Relay<'_>, out: &mut Vec<u8>) -> Option<Relayed> {
    let (mut addressed, mut number) = (false, 0);
    let mut kind = None;
    let mut said = None;
    let read = args.array(|value| {
        number += 1;
        if number > 1 || value.kind()? != Kind::Object {
            return value.skip();
        }
        value.object(|key, value| {
            let of = value.kind()?;
            match (&*key, of) {
                // Identity comes from the connection.
                ("from", _) => return value.skip(),
                (_, Kind::Null) if relay.to_device => return value.skip(),
                ("to", Kind::String) => {
                    if value.clone().string()? != relay.to {
                        return Err(Fault::WrongType);
                    }
                    addressed = true;
                }
                ("to", _) => return Err(Fault::WrongType),
                ("type", Kind::String) => kind = Some(value.clone().string()?),
                ("message", Kind::String) => said = Some(value.clone().string()?),
                _ => {}
            }
            out.push(if out.is_empty() { b'{' } else { b',' });
            write_plain_string(out, &key);
            out.push(b':');
            value.plain(out)
        })
    });
    read.ok().filter(|()| addressed)?;
    member(out, "from", relay.from);
    out.push(b'}');
    let unable = kind.is_none()
        && matches!(said.as_deref(), Some("Unable to retrieve stream!" | "Unable to parse stream field!"));
    let kind = match kind.as_deref() {
        Some("offer") => SignalKind::Offer,
        Some("answer") => SignalKind::Answer,
        Some("candidate") => SignalKind::Candidate,
        _ => SignalKind::Info,
    };
    Some(Relayed { kind, unable })
}

fn member(out: &mut Vec<u8>, key: &str, value: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    write_plain_string(out, value);
}

/// What an end says first to the other one, once they are paired.
///
/// It goes the way of what is relayed, so the first byte tells them apart: relayed objects begin with a brace.
const GREETING: u8 = b'h';

/// A greeting of the media server: its id. Of the viewer: the members of `clientJoined`, if it wants to be announced.
pub(crate) fn greeting(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(GREETING);
    write(out);
}

/// What of a body is a greeting.
pub(crate) fn greeted(body: &[u8]) -> Option<&str> {
    std::str::from_utf8(body.strip_prefix(&[GREETING])?).ok()
}

pub(crate) fn ersid(out: &mut Vec<u8>, id: &str) {
    out.extend_from_slice(b"5:::{\"name\":\"ersid\",\"args\":[{\"id\":");
    write_plain_string(out, id);
    out.extend_from_slice(b"}]}");
}

/// Devices read digits in quotes alone.
pub(crate) fn ice_retries(out: &mut Vec<u8>, retries: u32) {
    let packet = format!(r#"5:::{{"name":"iceparam","args":[{{"maxretries":"{retries}"}}]}}"#);
    out.extend_from_slice(packet.as_bytes());
}

pub(crate) fn message(out: &mut Vec<u8>, body: &[u8]) {
    out.extend_from_slice(b"5:::{\"name\":\"message\",\"args\":[");
    out.extend_from_slice(body);
    out.extend_from_slice(b"]}");
}

pub(crate) fn client_joined(out: &mut Vec<u8>, id: &str, greeting: &str, own: &str, generation: Generation) {
    out.extend_from_slice(b"5:::{\"name\":\"clientJoined\",\"args\":[{\"id\":");
    write_plain_string(out, id);
    out.extend_from_slice(greeting.as_bytes());
    member(out, if generation == Generation::Rms { "rmsid" } else { "emsid" }, own);
    out.extend_from_slice(b"}]}");
}

pub(crate) fn remove(out: &mut Vec<u8>, id: &str) {
    out.extend_from_slice(b"5:::{\"name\":\"remove\",\"args\":[{\"id\":");
    write_plain_string(out, id);
    out.extend_from_slice(b"}]}");
}

/// The answer to a `join` or `create`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer<'a> {
    /// In the room, where nobody is yet.
    Alone,
    /// In the room, with this media server.
    With(&'a str),
    /// The room could be made.
    Created(&'a str),
    Declined(Declined),
}

/// What went wrong, as the word that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Declined {
    /// Another media server waits in the room.
    Taken,
    /// The room is not one of those allowed. A media server takes it as final.
    InvalidRoom,
    InvalidServerToken(Generation),
    InvalidToken,
    /// The stream's name is nothing that a media server could read.
    InvalidStream,
}

impl Declined {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::InvalidRoom => "invalidRoom",
            Self::InvalidServerToken(Generation::Rms) => "invalidRmsToken",
            Self::InvalidServerToken(Generation::Ems) => "invalidEmsToken",
            Self::InvalidToken => "invalidToken",
            Self::InvalidStream => "invalidStream",
        }
    }
}

pub(crate) fn ack(out: &mut Vec<u8>, id: &str, answer: Answer<'_>) {
    out.extend_from_slice(b"6:::");
    out.extend_from_slice(id.as_bytes());
    out.push(b'+');
    match answer {
        Answer::Alone => out.extend_from_slice(b"[null,{\"clients\":{}}]"),
        Answer::With(server) => {
            out.extend_from_slice(b"[null,{\"clients\":{");
            write_plain_string(out, server);
            out.extend_from_slice(b":{\"screen\":false,\"video\":true,\"audio\":false}}}]");
        }
        Answer::Created(room) => {
            out.extend_from_slice(b"[null,");
            write_plain_string(out, room);
            out.push(b']');
        }
        Answer::Declined(why) => out.extend_from_slice(format!("[\"{}\"]", why.word()).as_bytes()),
    }
}

/// Names in the hub: rooms are what media servers that wait are registered as, and viewers are below the room that they
/// are in. No room has a quote in its name.
const BELOW: char = '"';

/// The name of who waits in a room.
pub(crate) fn room_name(room: &str) -> Option<Name> {
    Name::parse(room).ok().filter(|_| is_word(room))
}

/// The name of a viewer in a room.
pub(crate) fn viewer_name(room: &str, id: &str) -> Option<Name> {
    Name::parse(&format!("{room}{BELOW}{id}")).ok()
}

/// Room and viewer of a registered name.
pub(crate) fn named(name: &Name) -> (&str, Option<&str>) {
    let text = name.as_str();
    text.split_once(BELOW).map_or((text, None), |(room, id)| (room, Some(id)))
}
