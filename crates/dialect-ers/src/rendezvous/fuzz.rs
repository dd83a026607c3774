//! What the fuzz target `ers` runs: lines of text, read as messages and held against a slow reader, and said to the server by
//! two devices and two players, of whom nobody may hear what is not its partner's (`docs/testing.md`, "Fuzzing").

use std::time::Duration;

use patchbay_core::{Lang, Limits, Realm, RealmLimits};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::testing::{Delivery, Handshake, Heard, Input, SessionWorld, World, reference};

use super::wire::{self, Relay};
use super::{Rendezvous, Settings};

/// Runs `data`: as much of it as is UTF-8, which the shell has checked when a session gets it.
///
/// # Panics
/// If the reader or the server breaks a rule of the protocol.
pub fn target(data: &[u8]) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    };
    for line in text.lines() {
        // Behind the speaker's digit and the packet's head.
        let args = line.find('[').map_or("", |at| &line[at..]);
        for (to, to_device) in [("e", true), ("w", false)] {
            relayed(args, to, to_device);
        }
    }
    said(text);
}

/// A message goes on if it is for the partner, with the same members in the same order, and the sender behind them.
fn relayed(args: &str, to: &str, to_device: bool) {
    let mut out = Vec::new();
    let told = wire::relay(&mut Cursor::new(args), Relay { from: "x", to, to_device }, &mut out);
    let expected = expected(args, to, to_device);
    assert_eq!(told.is_some(), expected.is_some(), "{args}: {told:?}");
    let Some(expected) = expected else { return };
    let out = String::from_utf8(out).expect("what was UTF-8 stays UTF-8");
    assert_eq!(reference::leading_object(&out), Some(&*out), "{args}");
    let found = reference::fields(&out);
    let found: Vec<_> = found.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    let (last, others) = found.split_last().expect("it has a sender");
    assert_eq!(*last, ("from", "\"x\""));
    assert_eq!(others.len(), expected.len(), "{args}: {out}");
    for ((key, value), (wanted, written)) in others.iter().zip(&expected) {
        assert_eq!(key, wanted);
        assert_eq!(tokens(value), tokens(written), "{out}");
    }
    assert!(!needless(&out), "{out}");
}

/// What goes on of a message, by the slow reader; `None`: nothing.
fn expected<'a>(args: &'a str, to: &str, to_device: bool) -> Option<Vec<(String, &'a str)>> {
    // The reader stops at the end of the list: what follows, a session has refused before.
    let end = end_of_list(args)?;
    let first = *reference::items(&args[..end]).first()?;
    let members = reference::fields(reference::leading_object(first)?);
    let of_to: Vec<_> = members.iter().filter(|(key, value)| key == "to" && !(to_device && *value == "null")).collect();
    let addressed =
        !of_to.is_empty() && of_to.iter().all(|(_, value)| value.starts_with('"') && reference::meant(value) == to);
    let goes = |(key, value): &(String, &str)| key != "from" && !(to_device && *value == "null");
    addressed.then(|| members.into_iter().filter(goes).collect())
}

/// Where the list ends that a text begins with.
fn end_of_list(text: &str) -> Option<usize> {
    if !text.starts_with('[') {
        return None;
    }
    (1..=text.len())
        .filter(|end| text.is_char_boundary(*end) && text[..*end].ends_with(']'))
        .find(|end| reference::is_json(&text[..*end]))
}

/// The tokens of a JSON text: strings by what they mean, the rest without white space.
fn tokens(text: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), text);
    while let Some(next) = rest.chars().next() {
        let length = if next == '"' {
            let mut escaped = true;
            let end = rest.char_indices().find(|(_, letter)| {
                let ends = *letter == '"' && !escaped;
                escaped = !escaped && *letter == '\\';
                ends
            });
            let length = end.map_or(rest.len(), |(at, _)| at + 1);
            found.push(reference::meant(&rest[..length]));
            length
        } else {
            found.extend((!next.is_ascii_whitespace()).then(|| next.to_string()));
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// Whether a text has white space between tokens, or an escape that it could do without.
fn needless(text: &str) -> bool {
    let (mut inside, mut letters) = (false, text.chars().peekable());
    while let Some(letter) = letters.next() {
        match letter {
            '"' => inside = !inside,
            ' ' | '\t' | '\r' | '\n' if !inside => return true,
            '\\' => match letters.next() {
                Some('/') => return true,
                Some('u') => {
                    let digits: String = letters.by_ref().take(4).collect();
                    let control = u32::from_str_radix(&digits, 16).is_ok_and(|code| code < 0x20);
                    if !control || ["0008", "0009", "000a", "000c", "000d"].contains(&digits.to_lowercase().as_str()) {
                        return true;
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    false
}

/// Two devices and two players, by the digit that a line begins with.
const PARTIES: [&str; 4] = ["e", "f", "w", "v"];

/// What each has heard: with whom it is, if with anybody, and whether that is a device.
#[derive(Default)]
struct Ears {
    partners: [Option<String>; 4],
    with_device: [bool; 4],
}

/// Says each line, and listens.
fn said(text: &str) {
    let ers = Rendezvous::new(Lang(5), Realm(0), Settings::default());
    let realms = vec![RealmLimits { rooms: 0, members: 0, presence: false, ..RealmLimits::default() }];
    let mut world = SessionWorld::new(&ers, Limits { realms }, Delivery::Eager, 0x5eed);
    let connections = PARTIES.map(|id| {
        let handshake = Handshake { id: Some(id.to_owned()), ..Handshake::default() };
        world.open(&handshake).unwrap_or_else(|turned| panic!("{turned:?}"))
    });
    let mut ears = Ears::default();
    for (index, connection) in connections.iter().enumerate() {
        ears.listens(&mut world, index, *connection);
    }
    for line in text.lines() {
        let (speaker, packet) = line.split_at_checked(1).unwrap_or(("", line));
        match speaker {
            "~" => world.pass(Duration::from_millis(500)),
            _ => {
                let speaker = speaker.bytes().next().map_or(0, |digit| usize::from(digit % 4));
                // One that has gone says nothing.
                let _ended = world.say(connections[speaker], &Input::Text(packet.to_owned()));
            }
        }
        for (index, connection) in connections.iter().enumerate() {
            ears.listens(&mut world, index, *connection);
        }
        assert_eq!(world.hub().check(), []);
    }
    for connection in connections {
        let _ended = world.say(connection, &Input::Reset);
    }
    assert_eq!(world.hub().counts(), patchbay_core::Counts::default(), "everybody has gone");
}

impl Ears {
    fn listens(&mut self, world: &mut SessionWorld<'_>, index: usize, connection: usize) {
        while let Some(heard) = world.hear(connection, Duration::ZERO) {
            let Heard::Text(text) = heard else { return };
            let text = String::from_utf8(text).expect("text");
            assert!(!text.contains("validateFailed"), "{text}");
            let event = text.strip_prefix("5:::").map(|event| {
                let fields = reference::fields(reference::leading_object(event).unwrap_or_else(|| panic!("{text}")));
                let of = |name: &str| {
                    fields.iter().find(|(key, _)| key == name).map(|(_, value)| *value).unwrap_or_default()
                };
                let first = reference::items(of("args")).first().copied().unwrap_or_default();
                let members = reference::fields(reference::leading_object(first).unwrap_or_default());
                (
                    of("name").to_owned(),
                    members.into_iter().map(|(key, value)| (key, reference::meant(value))).collect::<Vec<_>>(),
                )
            });
            match event {
                Some((name, members)) => self.told(index, &name, &members),
                None => self.answered(index, &text),
            }
        }
    }

    fn told(&mut self, index: usize, name: &str, members: &[(String, String)]) {
        let of = |name: &str| members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        match name {
            "\"clientJoined\"" => {
                assert_eq!(self.partners[index], None, "it waited");
                self.partners[index] = of("id").map(str::to_owned);
            }
            "\"message\"" => {
                // Who offers by itself is not with_device.
                let from = of("from").map(str::to_owned);
                let partner = self.partners[index].get_or_insert_with(|| from.clone().unwrap_or_default());
                assert_eq!(from.as_deref(), Some(partner.as_str()));
                assert_eq!(of("to"), Some(PARTIES[index]));
                let unable =
                    matches!(of("message"), Some("Unable to retrieve stream!" | "Unable to parse stream field!"));
                if unable && of("type").is_none() && self.with_device[index] {
                    // Whoever says so waits again.
                    let server = PARTIES.iter().position(|party| Some(*party) == from.as_deref()).expect("one of them");
                    self.partners[server] = None;
                    self.partners[index] = None;
                }
            }
            "\"remove\"" => {
                let partner = self.partners[index].take();
                assert!(partner.is_some() && partner.as_deref() == of("id"), "{partner:?}, {members:?}");
            }
            "\"stunservers\"" | "\"turnservers\"" | "\"ersid\"" => {}
            other => panic!("{other}"),
        }
    }

    fn answered(&mut self, index: usize, text: &str) {
        let Some(answer) = text.strip_prefix("6:::") else {
            assert!(["0::", "1::", "2::"].contains(&text), "{text}");
            return;
        };
        // Who is answered has begun anew, and who it meets is said in the answer.
        let server = answer.split_once("{\"clients\":{\"").and_then(|(_, rest)| rest.split('"').next());
        if answer.contains('+') {
            self.partners[index] = server.map(str::to_owned);
            self.with_device[index] = server.is_some();
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "ers", super::target);
    }
}
