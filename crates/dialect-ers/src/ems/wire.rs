//! What a rendezvous server says to a media server, and is told by it: events in packets (ers.md sections 1.4 and 2.4).

pub(crate) mod channel;

use std::borrow::Cow;

use patchbay_dialect_kit::json::{Cursor, Fault, Kind, write_plain_string};

/// The id of our `join`, by which its answer is known.
pub(crate) const JOIN_ID: &str = "1";
/// What an original writes as the id of its conversation until it is told another.
pub(crate) const SID: &str = "1432678845741";

/// What players say that can answer heartbeats; media servers write themselves otherwise.
const HEARTBEATS: &str = "hasHeartbeat";

/// An event of the server's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told<'a> {
    /// Who we are to it, if that is to be read: we may join.
    Welcome(Option<Cow<'a, str>>),
    /// Somebody wants to see a stream.
    Client(Client<'a>),
    /// The viewer says something.
    Message(Message<'a>),
    /// Somebody has gone; `None`: it is not said who.
    Remove(Option<Cow<'a, str>>),
    /// Servers, parameters, whatever else.
    Other,
}

/// What is said of who wants to see a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Client<'a> {
    pub(crate) id: Cow<'a, str>,
    pub(crate) stream: Option<Cow<'a, str>>,
    pub(crate) transport: Option<Cow<'a, str>>,
    /// What it calls itself.
    pub(crate) name: Option<Cow<'a, str>>,
    /// What it can do beside playing.
    pub(crate) capabilities: Option<Cow<'a, str>>,
}

impl Client<'_> {
    /// Whether it has said that it answers heartbeats.
    pub(crate) fn answers_heartbeats(&self) -> bool {
        self.capabilities.as_deref().is_some_and(|all| all.contains(HEARTBEATS))
    }
}

/// A step of a negotiation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message<'a> {
    pub(crate) from: Option<Cow<'a, str>>,
    pub(crate) sid: Option<Cow<'a, str>>,
    pub(crate) kind: Cow<'a, str>,
    pub(crate) sdp: Option<Cow<'a, str>>,
    pub(crate) candidate: Option<Cow<'a, str>>,
}

/// Reads the data of an event packet; `None`: it is none.
pub(crate) fn read(data: &str) -> Option<Told<'_>> {
    let (mut name, mut args) = (None, None);
    let mut cursor = Cursor::new(data);
    let read = cursor.object(|key, value| {
        match &*key {
            "name" => name = Some(value.string()?),
            "args" => args = Some(value.raw()?),
            _ => value.skip()?,
        }
        Ok(())
    });
    read.ok()?;
    let first = args.and_then(first_of).unwrap_or("{}");
    Some(match &*name? {
        "ersid" | "rmsid" => Told::Welcome(welcome(args.unwrap_or("[]"))),
        "clientJoined" => Told::Client(client(first).ok()?),
        "message" => Told::Message(message(first).ok()?),
        "remove" => Told::Remove(id(first)),
        _ => Told::Other,
    })
}

/// The first argument, as it is written.
fn first_of(args: &str) -> Option<&str> {
    arguments(args)[0]
}

/// The first two arguments, as they are written.
pub(crate) fn arguments(args: &str) -> [Option<&str>; 2] {
    let mut found = Vec::new();
    let read = Cursor::new(args).array(|value| {
        let raw = value.raw()?;
        if found.len() < 2 {
            found.push(raw);
        }
        Ok(())
    });
    if read.is_ok() { [found.first().copied(), found.get(1).copied()] } else { [None; 2] }
}

/// What the server calls us: `[{"id":X}]` or `["id",X]`.
fn welcome(args: &str) -> Option<Cow<'_, str>> {
    match arguments(args) {
        [Some(first), _] if first.starts_with('{') => id(first),
        [_, Some(second)] => text(&mut Cursor::new(second)).ok().flatten(),
        _ => None,
    }
}

/// A string, or nothing where something else stands.
fn text<'a>(value: &mut Cursor<'a>) -> Result<Option<Cow<'a, str>>, Fault> {
    if value.kind()? == Kind::String { value.string().map(Some) } else { value.skip().map(|()| None) }
}

fn client(object: &str) -> Result<Client<'_>, Fault> {
    let mut client = Client::default();
    Cursor::new(object).object(|key, value| {
        match &*key {
            "id" => client.id = text(value)?.unwrap_or_default(),
            "streamName" => client.stream = text(value)?,
            "transport" => client.transport = text(value)?,
            "name" => client.name = text(value)?,
            "capabilities" => client.capabilities = text(value)?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    Ok(client)
}

fn message(object: &str) -> Result<Message<'_>, Fault> {
    let mut message = Message::default();
    let mut payload = None;
    Cursor::new(object).object(|key, value| {
        match &*key {
            "from" => message.from = text(value)?,
            "sid" => message.sid = text(value)?,
            "type" => message.kind = text(value)?.unwrap_or_default(),
            "payload" => payload = Some(value.raw()?),
            _ => value.skip()?,
        }
        Ok(())
    })?;
    let Some(payload) = payload.filter(|payload| payload.starts_with('{')) else { return Ok(message) };
    let mut inner = None;
    Cursor::new(payload).object(|key, value| {
        match &*key {
            "sdp" => message.sdp = text(value)?,
            "candidate" if value.kind()? == Kind::Object => inner = Some(value.raw()?),
            "candidate" => message.candidate = text(value)?,
            _ => value.skip()?,
        }
        Ok(())
    })?;
    if let Some(inner) = inner {
        Cursor::new(inner).object(|key, value| {
            match &*key {
                "candidate" => message.candidate = text(value)?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
    }
    Ok(message)
}

fn id(object: &str) -> Option<Cow<'_, str>> {
    let mut id = None;
    let read = Cursor::new(object).object(|key, value| {
        match &*key {
            "id" => id = text(value)?,
            _ => value.skip()?,
        }
        Ok(())
    });
    read.ok().and(id)
}

/// The answer to our `join`: nothing, or why we may not. `None`: it is the answer to something else.
pub(crate) fn joined(data: &str) -> Option<Result<(), Cow<'_, str>>> {
    let (id, args) = data.split_once('+').unwrap_or((data, ""));
    if id != JOIN_ID {
        return None;
    }
    Some(match first_of(args).map(|first| (Cursor::new(first).string(), first)) {
        Some((Ok(why), _)) => Err(why),
        Some((Err(_), "null")) | None => Ok(()),
        Some(_) => Err(Cow::Borrowed("refused")),
    })
}

/// Enters a room: as both generations of media servers say it, for every server knows one of the two.
pub(crate) fn join(out: &mut Vec<u8>, room: &str, token: &str, unix: u64) {
    out.extend_from_slice(b"5:1+::{\"name\":\"join\",\"args\":[");
    write_plain_string(out, room);
    out.extend_from_slice(format!(",{{\"index\":{unix},\"EMS\":true,\"RMS\":true,\"emsToken\":").as_bytes());
    write_plain_string(out, token);
    out.extend_from_slice(b",\"rmsToken\":");
    write_plain_string(out, token);
    out.extend_from_slice(b",\"capabilities\":\"hasHeartBeat\"}]}");
}

/// Nothing has been heard for long.
pub(crate) fn heartbeat_missed(out: &mut Vec<u8>) {
    out.extend_from_slice(br#"5:1+::{"name":"HBTimeout","args":["Heartbeat Time-out",{"RMS":true}]}"#);
}

/// The stream that is asked for cannot be sent, in these words.
pub(crate) fn unavailable(out: &mut Vec<u8>, to: &str, words: &str) {
    message_to(out, to);
    out.extend_from_slice(b",\"message\":");
    write_plain_string(out, words);
    out.extend_from_slice(b",\"prefix\":\"webkit\"}]}");
}

fn message_to(out: &mut Vec<u8>, to: &str) {
    out.extend_from_slice(b"5:::{\"name\":\"message\",\"args\":[{\"to\":");
    write_plain_string(out, to);
}

/// The beginning of a step of a negotiation, up to its payload.
pub(crate) fn step(out: &mut Vec<u8>, to: &str, sid: &str, kind: &str) {
    message_to(out, to);
    out.extend_from_slice(b",\"sid\":");
    write_plain_string(out, sid);
    out.extend_from_slice(format!(",\"roomType\":\"video\",\"type\":\"{kind}\",\"payload\":{{").as_bytes());
}

const END: &[u8] = b"},\"prefix\":\"webkit\"}]}";

/// Its end.
pub(crate) fn step_end(out: &mut Vec<u8>) {
    out.extend_from_slice(END);
}

/// An offer.
pub(crate) fn offer(out: &mut Vec<u8>, to: &str, sid: &str, sdp: &str) {
    step(out, to, sid, "offer");
    out.extend_from_slice(b"\"type\":\"offer\",\"sdp\":");
    write_plain_string(out, sdp);
    out.extend_from_slice(END);
}

/// An answer.
pub(crate) fn answer(out: &mut Vec<u8>, to: &str, sid: &str, sdp: &str) {
    step(out, to, sid, "answer");
    out.extend_from_slice(b"\"type\":\"answer\",\"sdp\":");
    write_plain_string(out, sdp);
    out.extend_from_slice(END);
}

/// A candidate of ours.
pub(crate) fn candidate(out: &mut Vec<u8>, to: &str, sid: &str, mid: &str, candidate: &str) {
    step(out, to, sid, "candidate");
    out.extend_from_slice(b"\"candidate\":{\"candidate\":");
    write_plain_string(out, candidate);
    out.extend_from_slice(b",\"sdpMid\":");
    write_plain_string(out, mid);
    out.extend_from_slice(b",\"sdpMLineIndex\":0}");
    out.extend_from_slice(END);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn events_of_g4_are_read() {
        for args in [r#"[{"id":"E"}]"#, r#"["id","E"]"#] {
            let data = format!(r#"{{"name":"ersid","args":{args}}}"#);
            assert_eq!(read(&data), Some(Told::Welcome(Some("E".into()))), "{args}");
        }
        for args in ["[]", "7", r#"[{"id":7}]"#, r#"["id",7]"#] {
            let data = format!(r#"{{"name":"ersid","args":{args}}}"#);
            assert_eq!(read(&data), Some(Told::Welcome(None)), "{args}");
        }
        assert_eq!(read(r#"{"name":"turnservers","args":[[]]}"#), Some(Told::Other));
        let joined =
            read(r#"{"name":"clientJoined","args":[{"id":"W","streamName":"test1","transport":"fmp4","rmsid":"E"}]}"#);
        let [id, stream, transport] = ["W", "test1", "fmp4"].map(Cow::Borrowed);
        let client = Client { id, stream: Some(stream), transport: Some(transport), ..Client::default() };
        assert_eq!(joined, Some(Told::Client(client)));
        let more = read(
            r#"{"name":"clientJoined","args":[{"id":"W","name":"N","capabilities":"a,hasHeartbeat","streamName":null}]}"#,
        );
        let Some(Told::Client(client)) = more else { panic!("{more:?}") };
        assert_eq!((client.name.as_deref(), client.stream.as_deref()), (Some("N"), None));
        assert!(client.answers_heartbeats() && !Client::default().answers_heartbeats());
        let answer = read(
            r#"{"name":"message","args":[{"to":"E","sid":"1","roomType":"video","type":"answer","payload":{"type":"answer","sdp":"v=0\r\n"},"prefix":"webkit","from":"W"}]}"#,
        );
        let Some(Told::Message(answer)) = answer else { panic!("{answer:?}") };
        assert_eq!(
            (&*answer.kind, answer.sdp.as_deref(), answer.from.as_deref()),
            ("answer", Some("v=0\r\n"), Some("W"))
        );
        let candidate = read(
            r#"{"name":"message","args":[{"type":"candidate","payload":{"candidate":{"candidate":"candidate:1","sdpMid":"data","sdpMLineIndex":0}},"from":"W"}]}"#,
        );
        let Some(Told::Message(candidate)) = candidate else { panic!("{candidate:?}") };
        assert_eq!(candidate.candidate.as_deref(), Some("candidate:1"));
        assert_eq!(read(r#"{"name":"remove","args":[{"id":"W"}]}"#), Some(Told::Remove(Some("W".into()))));
        assert_eq!(read(r#"{"name":"remove"}"#), Some(Told::Remove(None)));
        assert_eq!(read(r#"{"args":[]}"#), None);
        assert_eq!(read("nonsense"), None);
    }

    #[test]
    fn answers_to_join_are_told_apart() {
        assert_eq!(joined(r#"1+[null,{"clients":{}}]"#), Some(Ok(())));
        assert_eq!(joined("1"), Some(Ok(())));
        assert_eq!(joined(r#"1+["taken"]"#), Some(Err("taken".into())));
        assert_eq!(joined(r#"2+["taken"]"#), None);
        assert_eq!(joined("1+[{}]"), Some(Err("refused".into())));
    }

    #[test]
    fn what_is_said_is_written_in_its_order() {
        assert_eq!(
            written(|out| join(out, "a \"b\"", "t", 1_432_678_845)),
            r#"5:1+::{"name":"join","args":["a \"b\"",{"index":1432678845,"EMS":true,"RMS":true,"emsToken":"t","rmsToken":"t","capabilities":"hasHeartBeat"}]}"#
        );
        assert_eq!(
            written(|out| unavailable(out, "W", "Unable to retrieve stream!")),
            r#"5:::{"name":"message","args":[{"to":"W","message":"Unable to retrieve stream!","prefix":"webkit"}]}"#
        );
        assert_eq!(
            written(|out| offer(out, "W", SID, "v=0\r\na/b")),
            r#"5:::{"name":"message","args":[{"to":"W","sid":"1432678845741","roomType":"video","type":"offer","payload":{"type":"offer","sdp":"v=0\r\na/b"},"prefix":"webkit"}]}"#
        );
        assert_eq!(
            written(|out| candidate(out, "W", SID, "data", "candidate:1 1 udp 1 127.0.0.1 5 typ host")),
            r#"5:::{"name":"message","args":[{"to":"W","sid":"1432678845741","roomType":"video","type":"candidate","payload":{"candidate":{"candidate":"candidate:1 1 udp 1 127.0.0.1 5 typ host","sdpMid":"data","sdpMLineIndex":0}},"prefix":"webkit"}]}"#
        );
    }
}
