//! What the fuzz target `ems` runs: lines, each read as a command, as a request for one, as a packet of a rendezvous server, as
//! what a player says, and as a description (`docs/testing.md`, "Fuzzing").

mod said;

use std::collections::BTreeMap;

use patchbay_core::{Lang, Moment};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::{Ctx, Frame, Outbox, Random, Session};

use super::api::answer::{Answer, Form};
use super::api::parse::{Given, Typed};
use super::api::wire::Request;
use super::api::{self, value::Value};
use super::book::Book;
use super::book::answers::{Envelope, started};
use super::client::Client;
use super::opening::Opening;
use super::sdp::{self, Names};

/// Runs `data`, as much of it as is UTF-8: the shell hands on nothing else as text.
///
/// # Panics
/// If something is read or written otherwise than it should be.
pub fn target(data: &[u8]) {
    let text = match std::str::from_utf8(data) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&data[..error.valid_up_to()]).unwrap_or_default(),
    };
    let mut book = Book::default();
    for line in text.split(['\r', '\n']) {
        command(line, &mut book);
        request(line);
    }
    packets(text);
    said::said(text);
    description(text);
}

/// A command is taken apart as the original takes it apart, and its answers are what they should be.
fn command(line: &str, book: &mut Book) {
    let typed = Typed::parse(line);
    if let Some((command, parameters)) = slowly(line) {
        assert_eq!(typed.command, command);
        let found: BTreeMap<_, _> =
            typed.parameters.iter().map(|(key, given)| (key.to_ascii_lowercase(), given.clone())).collect();
        assert_eq!(found, parameters);
    }
    let id = typed.text("commandId").map(str::to_owned);
    let answer = match Request::read(&typed) {
        Err(answer) => answer,
        Ok(Request::Start(start)) => {
            // What is stored is read as it was.
            let again = Request::read(&Typed::parse(&start.line()));
            assert_eq!(again, Ok(Request::Start(start.clone())));
            let id = book.start(start.clone(), Moment::START);
            for envelope in [Envelope::Flat, Envelope::Nested, Envelope::Both] {
                check(&started(&start, id.unwrap_or(1), envelope, false));
            }
            started(&start, 1, Envelope::Flat, true)
        }
        Ok(Request::Stop(filter)) => {
            book.stop(&filter);
            Answer::success("", filter.data())
        }
        Ok(Request::Send(send)) => {
            assert!(is_json(&super::opening::command(&send)));
            Answer::success("", send.data())
        }
        Ok(Request::Remove { id }) => book.removed(id),
        Ok(Request::Info { id }) => book.info(id),
        Ok(_) => api::version(),
    };
    check(&answer.with_id(id));
    check(&book.list());
}

/// The original's way: escapes are put out of the way first. `None`: the text has what is put in their place.
fn slowly(line: &str) -> Option<(String, BTreeMap<String, Given>)> {
    const STAND_INS: [(&str, char, char); 4] =
        [("\\\\", '\u{e000}', '\\'), ("\\ ", '\u{e001}', ' '), ("\\=", '\u{e002}', '='), ("\\,", '\u{e003}', ',')];
    if STAND_INS.iter().any(|(_, stand_in, _)| line.contains(*stand_in)) {
        return None;
    }
    let hidden = STAND_INS.iter().fold(line.to_owned(), |text, (escape, to, _)| text.replace(escape, &to.to_string()));
    let shown =
        |text: &str| STAND_INS.iter().fold(text.to_owned(), |text, (_, from, to)| text.replace(*from, &to.to_string()));
    let mut words = hidden.split(' ').filter(|word| !word.is_empty());
    let command = shown(words.next().unwrap_or_default()).trim().to_lowercase();
    let mut parameters = BTreeMap::new();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        let key = shown(key).trim().to_ascii_lowercase();
        if key.is_empty() {
            continue;
        }
        let parts: Vec<_> = value.split(',').map(|part| shown(part).trim().to_owned()).collect();
        let given = match parts.as_slice() {
            [one] => Given::One(one.clone()),
            several => Given::Several(several.iter().filter(|part| !part.is_empty()).cloned().collect()),
        };
        parameters.insert(key, given);
    }
    Some((command, parameters))
}

/// An answer is JSON behind its length, and lines of ours for people.
fn check(answer: &Answer) {
    let json = answer.written(Form::Json);
    let (length, text) = json.split_first_chunk::<4>().expect("a length");
    assert_eq!(usize::try_from(u32::from_be_bytes(*length)), Ok(text.len()));
    assert_eq!(text, answer.written(Form::Http));
    let text = std::str::from_utf8(text).expect("text").strip_suffix("\r\n\r\n").expect("two line ends");
    assert!(is_json(text) && !text.bytes().any(|byte| byte < 0x20), "{text:?}");
    let lines = String::from_utf8(answer.written(Form::Ascii)).expect("text");
    // Nobody draws lines but us: one for each value, and those around them.
    let most = 5 + 2 * values(&answer.data);
    assert!(lines.matches('\n').count() <= most, "{lines:?}");
}

fn values(value: &Value) -> usize {
    1 + match value {
        Value::List(list) => list.iter().map(values).sum(),
        Value::Map(map) => map.values().map(values).sum(),
        _ => 0,
    }
}

fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip().is_ok() && cursor.at_end()
}

/// A request is one command at most.
fn request(line: &str) {
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    if let Some(command) = api::http::line(path, query) {
        assert!(!command.contains(['\r', '\n']));
    }
}

/// Whatever a server says, a session says packets and nothing else, and asks for no stream twice.
fn packets(text: &str) {
    let opening = Opening { number: 1, room: "room".to_owned(), token: String::new() };
    assert_eq!(Opening::read(&opening.text()).map(|read| read.text()), Some(opening.text()));
    let mut session = Client::new(Lang(1), opening, &std::sync::Arc::default());
    let (mut random, mut out) = (Nothing, Outbox::new());
    let mut call = |call: &mut dyn FnMut(&mut Client, &mut Ctx<'_>)| {
        out.clear();
        let mut ctx = Ctx { now: Moment::from_micros(1), unix_ms: 1, rng: &mut random, out: &mut out };
        call(&mut session, &mut ctx);
        let _commands: Vec<_> = out.take_commands().collect();
        for frame in out.frames() {
            let patchbay_dialect_kit::OutFrame::Text(frame) = frame else { panic!("no pings here") };
            let frame = std::str::from_utf8(frame).expect("text");
            let packet = crate::packet::Packet::parse(frame).expect("a packet");
            assert!(packet.data.is_empty() || is_json(packet.data), "{frame}");
        }
    };
    call(&mut |session, ctx| session.on_open(ctx));
    for packet in [r#"5:::{"name":"ersid"}"#, "6:::1+[null]"].into_iter().chain(text.split('\n')) {
        call(&mut |session, ctx| session.on_frame(Frame::Text(packet), ctx));
    }
}

struct Nothing;

impl Random for Nothing {
    fn next_u64(&mut self) -> u64 {
        0
    }
}

/// What is written for old players has no candidate in it, and our names come back.
fn description(text: &str) {
    let section = |mid: &str, kind| patchbay_core::Section { mid: mid.to_owned(), kind, source: None };
    let names = Names::of(&[section("x1", Some(patchbay_core::Kind::Audio)), section("z3", None)]);
    let offer = names.offer(text);
    assert!(!offer.lines().any(|line| line.starts_with("a=candidate:")));
    let back = names.answer(&offer);
    let mids = |text: &str| text.lines().filter(|line| line.starts_with("a=mid:")).count();
    assert_eq!(mids(&back), mids(text));
    assert!(sdp::candidates(&offer).is_empty());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_corpus_finds_nothing() {
        patchbay_dialect_kit::testing::replay(env!("CARGO_MANIFEST_DIR"), "ems", super::target);
    }
}
