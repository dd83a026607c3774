//! What the fuzz target `sid` runs: any text, read as a message and held against a slow reader of the same rules, then
//! said to a session before and after its registration (`docs/testing.md`, "Fuzzing").

use std::sync::Arc;

use patchbay_core::{Command, Event, Lang, Moment, Name, Signal, SignalKind, Tag, Token};
use patchbay_dialect_kit::testing::reference;
use patchbay_dialect_kit::{Ctx, Frame, OutFrame, Outbox, Random, Session};

use crate::Settings;
use crate::refusal::WireError;
use crate::session::SidSession;
use crate::wire::{self, ClientFrame, Payload, Word};

/// Runs `data`: as much of it as is UTF-8, which the shell has checked when a session gets it.
///
/// # Panics
/// If the reader or the session breaks a rule of the protocol.
pub fn target(data: &[u8]) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    };
    let expected = Message::read(text);
    match (wire::read(text), &expected) {
        (Ok(frame), Ok(expected)) => judge(&frame, expected, text),
        (Err(WireError::NotJson), Err(9000)) | (Err(WireError::NoCommand), Err(9001)) => {}
        (read, expected) => panic!("read {read:?}, expected {expected:?}"),
    }
    for registered in [false, true] {
        let expected = expected.as_ref().map_or_else(|code| Said::Error(*code), |message| message.outcome(registered));
        assert_eq!(said(text, registered), expected, "registered: {registered}");
    }
}

/// Whose session listens: the first client of the transcripts, whose messages are among the seeds.
const OWN: &str = "A";

const KEYS: [&str; 4] = ["offer", "answer", "icecandidate", "type"];

/// A message as sid.md section 1 reads it.
#[derive(Debug)]
struct Message<'a> {
    cmd: Expected,
    id: Expected,
    opponent: Expected,
    session: Expected,
    payloads: [Option<&'a str>; 4],
}

/// A field that the server reads.
#[derive(Clone, Debug, Default, PartialEq)]
enum Expected {
    #[default]
    Absent,
    Other,
    Text(String),
    Number(f64),
}

impl<'a> Message<'a> {
    /// # Errors
    /// The code of the answer.
    fn read(text: &'a str) -> Result<Self, u16> {
        if !reference::is_json(text) {
            return Err(9000);
        }
        let (mut words, mut payloads) = ([const { Expected::Absent }; 4], [None; 4]);
        for (key, value) in reference::leading_object(text).map(reference::fields).unwrap_or_default() {
            if let Some(index) = ["cmd", "sId", "opponentId", "sessionId"].iter().position(|word| *word == key) {
                words[index] = Expected::read(value);
            }
            if let Some(index) = KEYS.iter().position(|payload| *payload == key) {
                payloads[index] = Some(value);
            }
        }
        let [cmd, id, opponent, session] = words;
        if cmd == Expected::Absent { Err(9001) } else { Ok(Self { cmd, id, opponent, session, payloads }) }
    }

    /// What a client hears of it, or what the hub is asked to do: sid.md sections 1 and 3.
    fn outcome(&self, registered: bool) -> Said {
        let cmd = self.cmd.text();
        if !registered {
            return match (cmd.as_deref(), self.id.name()) {
                (Some("sId"), Some(id)) => Said::Register(id),
                (Some("sId"), None) => Said::Error(9001),
                _ => Said::Error(9100),
            };
        }
        if self.opponent.text().as_deref() == Some(OWN) {
            return Said::Error(9200);
        }
        let kind = self.payloads[3].map(|value| format!(",\"type\":{value}")).unwrap_or_default();
        match (cmd.as_deref(), self.opponent.name()) {
            (Some("sId"), _) => Said::Error(9101),
            (Some("session"), Some(to)) => Said::Call(to),
            (Some("session"), None) => Said::Error(9201),
            (Some("call" | "accept" | "icecandidate" | "stop" | "reject"), _) => Said::Error(9204),
            (Some("notify"), Some(to)) => Said::Notify(to, kind),
            (Some("notify"), None) => Said::Error(9301),
            _ => Said::Error(9002),
        }
    }
}

impl Expected {
    fn read(value: &str) -> Self {
        match value.as_bytes().first() {
            Some(b'"') => Self::Text(trimmed(&reference::meant(value)).to_owned()),
            Some(b'-' | b'0'..=b'9') => Self::Number(value.parse().expect("a number of JSON is one of Rust")),
            _ => Self::Other,
        }
    }

    fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            // Its spelling is judged where it is read.
            Self::Number(number) => Some(crate::number::javascript(&format!("{number:e}"))),
            Self::Absent | Self::Other => None,
        }
    }

    fn name(&self) -> Option<String> {
        self.text().filter(|text| (1..=256).contains(&text.len()))
    }

    /// Whether a word is what it should be; the text of a number must mean the number, in letters that JavaScript uses.
    fn is(&self, word: &Word<'_>) -> bool {
        match (self, word) {
            (Self::Absent, Word::Absent) | (Self::Other, Word::Other) => true,
            (Self::Text(expected), Word::Text(text)) => expected == text,
            (Self::Number(number), Word::Text(text)) => {
                let letters = text.trim_start_matches('-').strip_prefix("Infinity").unwrap_or(text);
                let plain = letters.chars().all(|letter| letter.is_ascii_digit() || "-+.e".contains(letter));
                text.parse() == Ok(*number) && plain && !text.ends_with(['.', 'e']) && &**text != "-0"
            }
            _ => false,
        }
    }
}

/// JavaScript's `trim`, by the list of ECMA-262: WhiteSpace and LineTerminator.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|letter| {
        matches!(
            letter,
            '\t' | '\u{b}' | '\u{c}' | ' ' | '\u{a0}' | '\u{feff}' | '\u{1680}' | '\u{2000}'
                ..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\n' | '\r' | '\u{2028}' | '\u{2029}'
        )
    })
}

/// A frame says what is expected, its payloads are untouched, and its relay is one JSON object around them.
fn judge(frame: &ClientFrame<'_>, expected: &Message<'_>, text: &str) {
    for (word, expected) in
        [(&frame.id, &expected.id), (&frame.opponent, &expected.opponent), (&frame.session, &expected.session)]
    {
        assert!(expected.is(word), "read {word:?}, expected {expected:?}");
    }
    let token = Token::new("12345678").expect("a token");
    let payloads = [Payload::Offer, Payload::Answer, Payload::Candidate, Payload::Type];
    for ((payload, key), value) in payloads.into_iter().zip(KEYS).zip(expected.payloads) {
        let body = frame.body(payload, Lang(2), &mut Vec::new());
        let tail = value.map(|value| format!(",\"{key}\":{value}")).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(body.bytes()), tail);
        assert!(value.is_none_or(|value| reference::is_json(value) && text.contains(value)), "{value:?}");
        let signal = |kind| Signal { kind, body: body.clone() };
        let mut out = Vec::new();
        let from = expected.opponent.text().unwrap_or_default();
        let (kind, opponent) = match payload {
            Payload::Offer => (Some(SignalKind::Offer), &from),
            Payload::Answer => (Some(SignalKind::Answer), &from),
            Payload::Candidate => (Some(SignalKind::Candidate), &from),
            Payload::Type => (None, &from),
        };
        match kind {
            Some(kind) => wire::relay(&mut out, &token, opponent, &signal(kind)),
            None => wire::notify(&mut out, opponent, &body),
        }
        let relayed = String::from_utf8(out).expect("a relay is UTF-8");
        assert_eq!(reference::leading_object(&relayed), Some(&*relayed), "a relay is one object");
        let fields = reference::fields(&relayed);
        let expected = [("opponentId", Some(&**opponent)), (key, None)];
        for (key, meant) in expected {
            let found: Vec<_> = fields.iter().filter(|(of, _)| of == key).map(|(_, found)| *found).collect();
            match meant {
                Some(meant) => {
                    assert_eq!(found.iter().map(|found| reference::meant(found)).collect::<Vec<_>>(), [meant])
                }
                None => assert_eq!(found, value.into_iter().collect::<Vec<_>>()),
            }
        }
    }
}

/// What a message leads to.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Error(u16),
    Register(String),
    Call(String),
    Notify(String, String),
    Other(String),
}

/// Says it to a new session, or to one that is registered as [`OWN`] and in no call.
fn said(text: &str, registered: bool) -> Said {
    struct Zero;
    impl Random for Zero {
        fn next_u64(&mut self) -> u64 {
            0
        }
    }
    let mut session = SidSession::new(Lang(2), Arc::new(Settings::default()));
    let (mut out, now) = (Outbox::new(), Moment::from_micros(1_000_000));
    let mut ctx = Ctx { now, unix_ms: 0, rng: &mut Zero, out: &mut out };
    session.on_open(&mut ctx);
    if registered {
        let name = Name::parse(OWN).expect("a short name");
        session.on_event(Event::Registered { tag: Tag(1), name }, &mut ctx);
    }
    ctx.out.clear();
    session.on_frame(Frame::Text(text), &mut ctx);
    assert!(out.closing().is_none() && out.deaf_until().is_none(), "no message ends or slows a connection by itself");
    let commands: Vec<Command> = out.take_commands().map(|(_, command)| command).collect();
    let frames: Vec<String> = out
        .frames()
        .map(|frame| match frame {
            OutFrame::Text(text) => String::from_utf8_lossy(text).into_owned(),
            OutFrame::Ping => "a ping".to_owned(),
        })
        .collect();
    match (&frames[..], &commands[..]) {
        ([error], []) => {
            let code = error.strip_prefix("{\"cmd\":\"error\",\"code\":").and_then(|rest| rest.strip_suffix('}'));
            code.and_then(|code| code.parse().ok()).map_or_else(|| Said::Other(error.clone()), Said::Error)
        }
        ([], [Command::Register { name, .. }]) => Said::Register(name.as_str().to_owned()),
        ([], [Command::Call { to, token: Some(_) }]) => Said::Call(to.as_str().to_owned()),
        ([], [Command::Post { to, body }]) => {
            Said::Notify(to.as_str().to_owned(), String::from_utf8_lossy(body.bytes()).into_owned())
        }
        _ => Said::Other(format!("{frames:?} {commands:?}")),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "sid", super::target);
    }
}
