//! What a mesh client says: mostly what makes sense where it believes to be, sometimes nonsense.

use std::rc::Rc;

use super::Mesh;
use crate::dialect::{Line, Sight};
use crate::net::Id;
use crate::rng::Rng;

/// A message, as the server has to understand it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Join {
        name: String,
        room: String,
    },
    Leave,
    Ping,
    Relay {
        kind: &'static str,
        to: String,
        /// The end of the relayed message: `,"sdp":…` or nothing.
        payload: String,
    },
    Unknown,
    /// No message of the dialect.
    Garbage,
}

/// Few, so that they clash.
const NAMES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const ROOMS: [&str; 5] = ["r1", "r2", "green room", "r/4", "räum"];
/// Ids and rooms that no server takes.
const BAD_IDS: [&str; 4] = ["", "with space", "ü", "a.b"];
const BAD_ROOMS: [&str; 3] = ["", "  ", "tab\there"];

pub(super) fn act(mesh: &mut Mesh, id: Id, sight: &mut Sight<'_>) -> Vec<String> {
    let mut said = Vec::new();
    let inside = mesh.client(id).asked.is_some();
    // Joining first, most of the time.
    if !inside && sight.rng.percent(75) {
        say(mesh, id, sight, join, &mut said);
        return said;
    }
    match sight.rng.below(100) {
        0..40 => {
            for _ in 0..sight.rng.between(1, 6) {
                say(mesh, id, sight, relay, &mut said);
            }
        }
        40..48 => flood(mesh, id, sight, &mut said),
        48..58 => say(mesh, id, sight, |_, _, _| (Meaning::Leave, r#"{"type":"leave"}"#.to_owned()), &mut said),
        58..66 => say(mesh, id, sight, join_again, &mut said),
        66..76 => say(mesh, id, sight, |_, _, _| (Meaning::Ping, r#"{"type":"ping"}"#.to_owned()), &mut said),
        76..84 => say(mesh, id, sight, join, &mut said),
        84..88 => say(mesh, id, sight, bad_join, &mut said),
        88..94 => say(mesh, id, sight, bad_relay, &mut said),
        94..98 => say(mesh, id, sight, unknown, &mut said),
        _ => say(mesh, id, sight, garbage, &mut said),
    }
    said
}

pub(super) fn script(mesh: &mut Mesh, id: Id, line: Line<'_>) -> String {
    let (meaning, text) = match line {
        Line::Enter { place, name } => {
            mesh.client(id).asked = Some(place.into());
            let text = format!(r#"{{"type":"join","room":"{place}","from":"{name}"}}"#);
            (Meaning::Join { name: name.to_owned(), room: place.to_owned() }, text)
        }
        Line::Tell { name } => {
            mesh.next_serial += 1;
            let payload = format!(r#","candidate":{}"#, mesh.next_serial);
            let text = format!(r#"{{"type":"candidate","to":"{name}"{payload}}}"#);
            (Meaning::Relay { kind: "candidate", to: name.to_owned(), payload }, text)
        }
        Line::Leave => {
            mesh.client(id).asked = None;
            (Meaning::Leave, r#"{"type":"leave"}"#.to_owned())
        }
    };
    mesh.client(id).sent.push_back(meaning);
    text
}

type Make = fn(&mut Mesh, Id, &mut Rng) -> (Meaning, String);

fn say(mesh: &mut Mesh, id: Id, sight: &mut Sight<'_>, make: Make, said: &mut Vec<String>) {
    let (meaning, text) = make(mesh, id, sight.rng);
    match &meaning {
        Meaning::Join { room, .. } => mesh.client(id).asked = Some(room.trim().into()),
        Meaning::Leave => mesh.client(id).asked = None,
        _ => {}
    }
    mesh.client(id).sent.push_back(meaning);
    said.push(text);
}

fn joining(rng: &mut Rng, name: String, room: String) -> (Meaning, String) {
    let shown = room.replace('\t', "\\t");
    let text = match rng.below(4) {
        0 => format!(r#"{{ "room":"{shown}", "from" : "{name}","x":[1,{{"type":"leave"}}],"type":"join" }}"#),
        1 => format!(r#"{{"type":"leave","TYPE":"join","room":" {shown}","from":"{name} "}}"#),
        _ => format!(r#"{{"type":"join","room":"{shown}","from":"{name}"}}"#),
    };
    (Meaning::Join { name, room }, text)
}

fn join(mesh: &mut Mesh, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let name = match &mesh.client(id).bound {
        Some(bound) if !rng.percent(10) => bound.to_string(),
        _ => (*rng.pick(&NAMES)).to_owned(),
    };
    let room = (*rng.pick(&ROOMS)).to_owned();
    joining(rng, name, room)
}

fn join_again(mesh: &mut Mesh, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let client = mesh.client(id);
    match (&client.bound, &client.asked) {
        (Some(bound), Some(asked)) => joining(rng, bound.to_string(), asked.to_string()),
        _ => join(mesh, id, rng),
    }
}

fn bad_join(_: &mut Mesh, _: Id, rng: &mut Rng) -> (Meaning, String) {
    if rng.percent(50) {
        let (name, room) = ((*rng.pick(&BAD_IDS)).to_owned(), (*rng.pick(&ROOMS)).to_owned());
        joining(rng, name, room)
    } else {
        let (name, room) = ((*rng.pick(&NAMES)).to_owned(), (*rng.pick(&BAD_ROOMS)).to_owned());
        joining(rng, name, room)
    }
}

/// A target: whoever it was told of, or a name out of the air.
fn target(mesh: &mut Mesh, id: Id, rng: &mut Rng) -> String {
    let others = &mesh.client(id).others;
    if others.is_empty() || rng.percent(8) { (*rng.pick(&NAMES)).to_owned() } else { rng.pick(others).to_string() }
}

fn relay(mesh: &mut Mesh, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let to = target(mesh, id, rng);
    let padding = match rng.below(60) {
        0 => rng.between(5_000, 60_000),
        1..12 => rng.between(500, 4_000),
        _ => rng.between(0, 120),
    };
    relaying(mesh, rng, to, padding as usize)
}

fn relaying(mesh: &mut Mesh, rng: &mut Rng, to: String, padding: usize) -> (Meaning, String) {
    mesh.next_serial += 1;
    let serial = mesh.next_serial;
    let padding = "p".repeat(padding);
    let (kind, payload) = match rng.below(8) {
        0 | 1 => ("offer", format!(r#","sdp":{{"n":{serial},"sdp":"{padding}"}}"#)),
        2 => ("answer", format!(r#","sdp":[{serial},"{padding}"]"#)),
        3 => ("hangup", String::new()),
        4 => ("candidate", format!(r#","sdp":null,"candidate":"{serial} {padding}""#)),
        _ => ("candidate", format!(r#","candidate":{{"candidate":"{serial}","x":"{padding}"}}"#)),
    };
    let text = match rng.below(5) {
        0 => format!(r#"{{"type":"{kind}"{payload},"to":" {to} ","from":"somebody else","code":"x"}}"#),
        _ => format!(r#"{{"type":"{kind}","to":"{to}"{payload}}}"#),
    };
    (Meaning::Relay { kind, to, payload }, text)
}

fn bad_relay(mesh: &mut Mesh, id: Id, rng: &mut Rng) -> (Meaning, String) {
    let own = mesh.client(id).bound.as_ref().map(ToString::to_string).unwrap_or_default();
    let to = if rng.percent(50) { own } else { (*rng.pick(&BAD_IDS)).to_owned() };
    relaying(mesh, rng, to, 10)
}

/// Much at once to one other: somebody who does not read, if there is one in the room.
fn flood(mesh: &mut Mesh, id: Id, sight: &mut Sight<'_>, said: &mut Vec<String>) {
    let room = mesh.client(id).room.clone();
    let in_room = |client: &Id| mesh.clients.get(client).is_some_and(|other| room.is_some() && other.room == room);
    let stuck = sight.stuck.iter().copied().find(|client| *client != id && in_room(client));
    let name = stuck.and_then(|client| mesh.clients.get(&client)).and_then(|client| client.bound.clone());
    let to: Rc<str> = name.unwrap_or_else(|| target(mesh, id, sight.rng).into());
    let (count, padding) = match sight.rng.below(12) {
        0 => (sight.hard_messages as u64 + sight.rng.below(200), 0),
        1 => (sight.rng.between(3, 12), sight.message_bytes as u64 / 2),
        _ => (sight.rng.between(10, 150), sight.rng.between(0, 300)),
    };
    for _ in 0..count {
        let (meaning, text) = relaying(mesh, sight.rng, to.to_string(), padding as usize);
        mesh.client(id).sent.push_back(meaning);
        said.push(text);
    }
}

fn unknown(_: &mut Mesh, _: Id, rng: &mut Rng) -> (Meaning, String) {
    let text = *rng.pick(&[r#"{"type":"joined"}"#, "{}", "null", r#"{"type":"JOIN","room":"r1","from":"a"}"#]);
    (Meaning::Unknown, text.to_owned())
}

fn garbage(_: &mut Mesh, _: Id, rng: &mut Rng) -> (Meaning, String) {
    let text = *rng.pick(&["", "{oops", "[1]", r#"{"type":5}"#, "\"join\"", r#"{"type":"ping""#]);
    (Meaning::Garbage, text.to_owned())
}
