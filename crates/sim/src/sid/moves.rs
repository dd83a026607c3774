//! What a sid client says: mostly what makes sense in its call or out of one, sometimes nonsense.

use super::Sid;
use crate::dialect::{Line, Sight};
use crate::net::Id;
use crate::rng::Rng;

/// A message, as the server has to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Register {
        name: String,
    },
    Session {
        to: String,
    },
    /// `payload` is the end of the relayed message: `,"offer":…` or nothing.
    InSession {
        cmd: &'static str,
        token: String,
        payload: String,
    },
    Notify {
        to: String,
        payload: String,
    },
    /// Registered or not, it is answered with an error alone; `to` may name oneself.
    Unknown {
        to: String,
    },
    /// No message of the dialect, and the error that says so.
    Broken(u16),
}

/// Few, so that they clash.
const NAMES: [&str; 9] = ["A", "B", "C", "D", "17", "B b", "ü", "a/b", "I"];

pub(super) fn act(sid: &mut Sid, id: Id, sight: &mut Sight<'_>) -> Vec<String> {
    let mut said = Vec::new();
    let (registered, knows) = (sid.client(id).registered, sid.client(id).knows);
    if !registered {
        let first: Make = if sight.rng.percent(80) { register } else { broken_or_early };
        say(sid, id, sight, first, &mut said);
        return said;
    }
    let chance = sight.rng.below(100);
    match (knows, chance) {
        (Some(_), 0..15) => say(sid, id, sight, call, &mut said),
        (Some(_), 15..28) => say(sid, id, sight, accept, &mut said),
        (Some(_), 28..55) => {
            for _ in 0..sight.rng.between(1, 8) {
                say(sid, id, sight, candidate, &mut said);
            }
        }
        (Some(_), 55..66) => say(sid, id, sight, end, &mut said),
        // Twice at once, as when a button is pressed twice.
        (Some(_), 66..69) => (0..2).for_each(|_| say(sid, id, sight, end, &mut said)),
        (None, 0..45) => say(sid, id, sight, session, &mut said),
        (_, 69..76) => flood(sid, id, sight, &mut said),
        (_, 76..84) => say(sid, id, sight, notify, &mut said),
        (_, 84..88) => say(sid, id, sight, stranger, &mut said),
        (_, 88..91) => say(sid, id, sight, register, &mut said),
        (_, 91..94) => say(sid, id, sight, oneself, &mut said),
        (_, 94..97) => say(sid, id, sight, session, &mut said),
        _ => say(sid, id, sight, broken_or_early, &mut said),
    }
    said
}

pub(super) fn script(sid: &mut Sid, id: Id, line: Line<'_>) -> String {
    let (meaning, text) = match line {
        Line::Enter { name, .. } => (Meaning::Register { name: name.to_owned() }, registering(name)),
        Line::Tell { name } => notifying(sid, name, 0),
        // There is no word for it but to hang up.
        Line::Leave => (Meaning::Unknown { to: String::new() }, r#"{"cmd":"leave"}"#.to_owned()),
    };
    sid.client(id).sent.push_back(meaning);
    text
}

type Make = fn(&mut Sid, Id, &mut Rng) -> (Meaning, String);

fn say(sid: &mut Sid, id: Id, sight: &mut Sight<'_>, make: Make, said: &mut Vec<String>) {
    let (meaning, text) = make(sid, id, sight.rng);
    sid.client(id).sent.push_back(meaning);
    said.push(text);
}

fn registering(name: &str) -> String {
    format!(r#"{{"cmd":"sId","sId":"{name}"}}"#)
}

fn register(_: &mut Sid, _: Id, rng: &mut Rng) -> (Meaning, String) {
    let name = *rng.pick(&NAMES);
    let text = match rng.below(4) {
        0 => format!(r#"{{ "sId" : "  {name}\t", "x":{{"cmd":1}}, "cmd" : " sId " }}"#),
        1 if name == "17" => r#"{"cmd":"sId","sId":17}"#.to_owned(),
        _ => registering(name),
    };
    (Meaning::Register { name: name.to_owned() }, text)
}

fn other(sid: &mut Sid, id: Id, rng: &mut Rng) -> String {
    let others = &sid.client(id).others;
    if others.is_empty() || rng.percent(8) { (*rng.pick(&NAMES)).to_owned() } else { rng.pick(others).clone() }
}

fn session(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let to = other(sid, id, rng);
    let text = format!(r#"{{"cmd":"session","opponentId":"{to}"}}"#);
    (Meaning::Session { to }, text)
}

fn token(sid: &mut Sid, id: Id) -> String {
    let known = sid.client(id).knows.and_then(|session| sid.sessions[session].token.clone());
    known.unwrap_or_else(|| "nothing".to_owned())
}

fn saying(
    sid: &mut Sid,
    cmd: &'static str,
    key: &str,
    token: String,
    padding: usize,
    rng: &mut Rng,
) -> (Meaning, String) {
    sid.next_serial += 1;
    let (serial, padding) = (sid.next_serial, "p".repeat(padding));
    let payload = match rng.below(6) {
        0 => String::new(),
        1 => format!(r#","{key}":null"#),
        // Handed on untouched, white space and all.
        2 => format!(r#","{key}":" v=0 {serial} {padding}\r\n""#),
        _ => format!(r#","{key}":{{"n": {serial},"sdp":"{padding}"}}"#),
    };
    let text = match rng.below(4) {
        0 => format!(r#"{{"extra":1{payload},"sessionId":" {token}\n","cmd":"{cmd}"}}"#),
        _ => format!(r#"{{"cmd":"{cmd}","sessionId":"{token}"{payload}}}"#),
    };
    (Meaning::InSession { cmd, token, payload }, text)
}

fn padding(rng: &mut Rng) -> usize {
    match rng.below(40) {
        0 => rng.between(5_000, 60_000) as usize,
        1..8 => rng.between(500, 4_000) as usize,
        _ => rng.between(0, 120) as usize,
    }
}

fn call(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let (token, padding) = (token(sid, id), padding(rng));
    saying(sid, "call", "offer", token, padding, rng)
}

fn accept(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let (token, padding) = (token(sid, id), padding(rng));
    saying(sid, "accept", "answer", token, padding, rng)
}

fn candidate(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let (token, padding) = (token(sid, id), padding(rng));
    saying(sid, "icecandidate", "icecandidate", token, padding, rng)
}

fn end(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let token = token(sid, id);
    let cmd = if rng.percent(50) { "stop" } else { "reject" };
    let text = format!(r#"{{"cmd":"{cmd}","sessionId":"{token}"}}"#);
    (Meaning::InSession { cmd, token, payload: String::new() }, text)
}

/// The id of a session that is somebody else's, or long over, or never was.
fn stranger(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let foreign = |session: &super::Session| session.caller != id && session.callee != id;
    let tokens: Vec<String> =
        sid.sessions.iter().filter(|session| foreign(session)).filter_map(|session| session.token.clone()).collect();
    // The latest are the ones that may be alive.
    let token = match tokens.len() {
        0 => "00000000".to_owned(),
        length => tokens[length - 1 - rng.index(length.min(4))].clone(),
    };
    let cmd = *rng.pick(&["call", "accept", "icecandidate", "stop", "reject"]);
    let text = format!(r#"{{"cmd":"{cmd}","sessionId":"{token}"}}"#);
    (Meaning::InSession { cmd, token, payload: String::new() }, text)
}

fn notifying(sid: &mut Sid, to: &str, padding: usize) -> (Meaning, String) {
    sid.next_serial += 1;
    let payload = format!(r#","type":[{},"{}"]"#, sid.next_serial, "p".repeat(padding));
    let text = format!(r#"{{"cmd":"notify","opponentId":"{to}"{payload}}}"#);
    (Meaning::Notify { to: to.to_owned(), payload }, text)
}

fn notify(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let to = other(sid, id, rng);
    let padding = padding(rng);
    notifying(sid, &to, padding)
}

fn oneself(sid: &mut Sid, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let own = sid.client(id).name.clone().map(|(name, _)| name).unwrap_or_default();
    let cmd = *rng.pick(&["session", "notify", "nonsense"]);
    let text = format!(r#"{{"cmd":"{cmd}","opponentId":"{own}"}}"#);
    (Meaning::Unknown { to: own }, text)
}

/// Much at once: to the other end of the call, or to somebody who does not read.
fn flood(sid: &mut Sid, id: Id, sight: &mut Sight<'_>, said: &mut Vec<String>) {
    let (count, padding) = match sight.rng.below(12) {
        0 => (sight.hard_messages as u64 + sight.rng.below(200), 0),
        1 => (sight.rng.between(3, 12), sight.message_bytes / 2),
        _ => (sight.rng.between(10, 150), sight.rng.between(0, 300) as usize),
    };
    let stuck = sight.stuck.iter().find(|client| **client != id && sid.clients.contains_key(client));
    let name = stuck.and_then(|client| sid.clients[client].name.clone()).map(|(name, _)| name);
    let to = name.unwrap_or_else(|| other(sid, id, sight.rng));
    let in_call = sid.client(id).knows.is_some() && sight.rng.percent(50);
    for _ in 0..count {
        let (meaning, text) = if in_call {
            let token = token(sid, id);
            saying(sid, "icecandidate", "icecandidate", token, padding, sight.rng)
        } else {
            notifying(sid, &to, padding)
        };
        sid.client(id).sent.push_back(meaning);
        said.push(text);
    }
}

/// What is wrong whatever the state, or wrong before registration and unknown after it.
fn broken_or_early(_: &mut Sid, _: Id, rng: &mut Rng) -> (Meaning, String) {
    let (code, text) = *rng.pick(&[
        (Some(9000), "{oops"),
        (Some(9000), ""),
        (Some(9000), r#"{"cmd":"sId"} x"#),
        (Some(9001), "null"),
        (Some(9001), "[]"),
        (Some(9001), r#"{"CMD":"sId"}"#),
        (None, r#"{"cmd":"leave"}"#),
        (None, r#"{"cmd":"CALL","sessionId":"1"}"#),
        (None, r#"{"cmd":null}"#),
    ]);
    (code.map_or(Meaning::Unknown { to: String::new() }, Meaning::Broken), text.to_owned())
}
