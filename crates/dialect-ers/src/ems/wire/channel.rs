//! What players and media servers say to each other on the command channel, a data channel that the player opens: JSON, its keys
//! in the order of their bytes (ers.md section 3.4).

use std::borrow::Cow;

use patchbay_core::Name;
use patchbay_dialect_kit::json::{Cursor, Fault, Kind};

use crate::ems::api::value::Value;

/// What both generations of media servers call it.
const NAMES: [&str; 2] = ["emsCommandChannel", "rmsCommandChannel"];

/// The names of such channels.
pub(crate) fn names() -> Vec<Name> {
    NAMES.iter().filter_map(|name| Name::parse(name).ok()).collect()
}

/// What a player says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard<'a> {
    /// It is there.
    Heartbeat,
    /// A command: one of ours, or one that is somebody else's business.
    Command(Command<'a>),
    /// It wants a stream in fragments of MP4.
    Fragments(Fragments<'a>),
}

/// A command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command<'a> {
    pub(crate) command: Cow<'a, str>,
    pub(crate) argument: Cow<'a, str>,
    /// The argument is in base64.
    pub(crate) base64: bool,
}

/// `fmp4Request`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fragments<'a> {
    /// The stream; `None`: the player has not said.
    pub(crate) name: Option<Cow<'a, str>>,
    /// Rather by RTP.
    pub(crate) use_srtp: bool,
    /// As one file instead of fragments.
    pub(crate) full: bool,
}

/// What commands do here, whatever their case; the others are only told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The player is done.
    Stop,
    /// Nothing is sent until it says so.
    Pause,
    /// It is sent on.
    Resume,
    /// It asks what time it is here.
    Ping,
}

impl Deed {
    pub(crate) fn of(command: &str) -> Option<Self> {
        let known = [("stop", Self::Stop), ("pause", Self::Pause), ("resume", Self::Resume), ("ping", Self::Ping)];
        known.into_iter().find_map(|(word, deed)| command.eq_ignore_ascii_case(word).then_some(deed))
    }
}

/// Reads a message; `None`: it is nothing that is known, or no JSON.
pub(crate) fn read(text: &str) -> Option<Heard<'_>> {
    let (mut kind, mut payload) = (None, None);
    let mut cursor = Cursor::new(text);
    let read = cursor.object(|key, value| {
        match &*key {
            "type" if value.kind()? == Kind::String => kind = Some(value.string()?),
            "payload" => payload = Some(value.raw()?),
            _ => value.skip()?,
        }
        Ok(())
    });
    if read.is_err() || !cursor.at_end() {
        return None;
    }
    let payload = payload.filter(|payload| payload.starts_with('{')).unwrap_or("{}");
    match &*kind? {
        "heartbeat" => Some(Heard::Heartbeat),
        "command" => command(payload).ok().filter(|said| !said.command.is_empty()).map(Heard::Command),
        "fmp4Request" => fragments(payload).ok().map(Heard::Fragments),
        _ => None,
    }
}

/// A string, or nothing where something else stands.
fn text<'a>(value: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    if value.kind()? == Kind::String { value.string().map(Some) } else { value.skip().map(|()| None) }
}

/// Only `true` is.
fn is_true(value: &mut Cursor<'_>) -> Result<bool, Fault> {
    value.raw().map(|raw| raw == "true")
}

fn command(payload: &str) -> Result<Command<'_>, Fault> {
    let mut command = Command::default();
    Cursor::new(payload).object(|key, value| {
        match &*key {
            "command" => command.command = text(value)?.unwrap_or_default(),
            "argument" => command.argument = text(value)?.unwrap_or_default(),
            "base64" => command.base64 = is_true(value)?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(command)
}

fn fragments(payload: &str) -> Result<Fragments<'_>, Fault> {
    let mut asked = Fragments::default();
    Cursor::new(payload).object(|key, value| {
        match &*key {
            "name" => asked.name = text(value)?,
            "useSrtp" => asked.use_srtp = is_true(value)?,
            "fullMp4" => asked.full = is_true(value)?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(asked)
}

/// We are there.
pub(crate) fn heartbeat() -> String {
    written("heartbeat", Value::text(""))
}

/// The answer to a ping: what time it is here, in seconds.
pub(crate) fn sync(unix: u64) -> String {
    written("metadata", Value::map([("data", Value::text("sync")), ("timestamp", Value::Number(unix))]))
}

/// The answer to `fmp4Request`: nothing, or why not.
pub(crate) fn fragments_answer(name: Option<&str>, outcome: Result<(), &str>) -> String {
    let (status, description) = match outcome {
        Ok(()) => ("SUCCESS", "Outbound FMP4 stream created."),
        Err(why) => ("FAIL", why),
    };
    let name = name.map(|name| ("name", Value::text(name)));
    let rest = [("description", Value::text(description)), ("status", Value::text(status))];
    written("fmp4Response", Value::map(rest.into_iter().chain(name)))
}

fn written(kind: &str, payload: Value) -> String {
    let mut out = String::new();
    Value::map([("payload", payload), ("type", Value::text(kind))]).json(&mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_players_say_is_read() {
        let command = |command: &'static str, argument: &'static str, base64| {
            Some(Heard::Command(Command { command: command.into(), argument: argument.into(), base64 }))
        };
        let wanted = |name: Option<&'static str>, use_srtp, full| {
            Some(Heard::Fragments(Fragments { name: name.map(Into::into), use_srtp, full }))
        };
        for (text, expected) in [
            (r#"{"type":"heartbeat","payload":""}"#, Some(Heard::Heartbeat)),
            (r#" {"type":"heartbeat"} "#, Some(Heard::Heartbeat)),
            (r#"{"type":"command","payload":{"command":"stop","argument":"x"}}"#, command("stop", "x", false)),
            (r#"{"payload":{"base64":true,"command":"go"},"type":"command"}"#, command("go", "", true)),
            (r#"{"type":"command","payload":{"command":"go","argument":{"a":[]}}}"#, command("go", "", false)),
            (r#"{"type":"command","payload":{"command":7}}"#, None),
            (r#"{"type":"command"}"#, None),
            (r#"{"type":"fmp4Request","payload":{"name":"a/b","useSrtp":true}}"#, wanted(Some("a/b"), true, false)),
            (r#"{"type":"fmp4Request","payload":{"name":7,"fullMp4":true}}"#, wanted(None, false, true)),
            (r#"{"type":"fmp4Request","payload":[]}"#, wanted(None, false, false)),
            (r#"{"type":"other","payload":{}}"#, None),
            (r#"{"payload":{}}"#, None),
            (r#"{"type":7}"#, None),
            (r#"{"type":"heartbeat"}x"#, None),
            (r#"{"type":"command","payload":{"command":"stop"}"#, None),
            ("[]", None),
            ("", None),
            ("stop", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read(&"[".repeat(16_384)), None);
    }

    #[test]
    fn commands_are_known_in_any_case() {
        let known = ["stop", "PAUSE", "Resume", "pinG", "stopp", ""].map(Deed::of);
        assert_eq!(known, [Some(Deed::Stop), Some(Deed::Pause), Some(Deed::Resume), Some(Deed::Ping), None, None]);
    }

    /// P5's words among them.
    #[test]
    fn answers_have_their_keys_in_order() {
        assert_eq!(heartbeat(), r#"{"payload":"","type":"heartbeat"}"#);
        assert_eq!(sync(1_700_000_000), r#"{"payload":{"data":"sync","timestamp":1700000000},"type":"metadata"}"#);
        assert_eq!(
            fragments_answer(Some("test2"), Err("Requested stream could not be sent!")),
            r#"{"payload":{"description":"Requested stream could not be sent!","name":"test2","status":"FAIL"},"type":"fmp4Response"}"#
        );
        assert_eq!(
            fragments_answer(None, Err("Missing name field!")),
            r#"{"payload":{"description":"Missing name field!","status":"FAIL"},"type":"fmp4Response"}"#
        );
        assert_eq!(
            fragments_answer(Some("s"), Ok(())),
            r#"{"payload":{"description":"Outbound FMP4 stream created.","name":"s","status":"SUCCESS"},"type":"fmp4Response"}"#
        );
    }
}
