use std::ops::RangeInclusive;
use std::time::Duration;

use patchbay_core::{Event, Limits, Refusal, Tag};

use super::altered::alterations;
use super::run::run;
use super::script::{Action, Script};
use super::session_world::{Delivery, SessionWorld};
use super::strange::strange_events;
use super::world::{Handshake, Heard, Input, Place, World};
use crate::{CloseCause, Dialect};

/// What every dialect must stand, whatever it speaks. Each check panics with the seed where the dialect fails it.
pub struct Suite<'a> {
    /// The dialect.
    pub dialect: &'a dyn Dialect,
    /// The hub's limits.
    pub limits: Limits,
    /// The dialect's transcripts.
    pub transcripts: &'a [Script],
    /// Whether a text is a message that this dialect's server may send.
    pub legal: fn(&[u8]) -> bool,
    /// What a client says first, if the server looks after it only from then on.
    pub hello: Option<&'a str>,
    /// A message that a client may send at any time, and often, and that is no sign of life; `None`: every message is one.
    pub chat: Option<&'a str>,
    /// Repeats the same run; another one finds other things.
    pub seed: u64,
}

/// Random messages per check: some seconds in a debug build.
const ROUNDS: usize = 4_000;

/// Close codes that a server may answer a bad message with (RFC 6455, section 7.4.1).
const BLAMING: [u16; 4] = [1002, 1003, 1007, 1008];

/// Steps after which a transcript is broken off: all of a short one, so many of a long one.
const BREAKS: usize = 60;

impl Suite<'_> {
    /// Every transcript, for fast and for slow readers.
    pub fn every_transcript_comes_true(&self) {
        let mut failures = Vec::new();
        for script in self.transcripts_here() {
            for delivery in [Delivery::Eager, Delivery::Lazy] {
                let mut world = self.world(delivery);
                if let Err(failure) = run(script, &mut world) {
                    failures.push(format!("{delivery:?}: {failure}"));
                }
                self.sound(&world, &script.file);
            }
        }
        assert!(failures.is_empty(), "\n{}", failures.join("\n"));
    }

    /// The runner's self-test: one that lets a wrong transcript pass would make every other test worthless. There are at
    /// least so many alterations, else the transcripts have shrunk.
    pub fn every_altered_expectation_fails_where_it_stands(&self, at_least: usize) {
        let (mut count, mut passed) = (0, Vec::new());
        for script in self.transcripts_here() {
            for altered in alterations(script) {
                count += 1;
                let wrong = Script::parse(&script.file, &altered.text).unwrap_or_else(|failure| panic!("{failure}"));
                let line = run(&wrong, &mut self.world(Delivery::Eager)).err().map(|failure| failure.line);
                if !altered.is_caught_at(line) {
                    passed.push(format!("{}:{}: {:?} failed at {line:?}", script.file, altered.line, altered.altered));
                }
            }
        }
        assert!(passed.is_empty(), "\n{}", passed.join("\n"));
        assert!(count >= at_least, "only {count} alterations: the transcripts have shrunk");
    }

    /// The specification numbers its cases `M01`, `M02` and so on: each is a file whose first line names case, seed and
    /// section, as `source` does behind the case.
    pub fn every_case_of_the_specification_has_a_transcript(
        &self,
        letter: char,
        cases: RangeInclusive<u32>,
        source: &str,
    ) {
        for case in cases {
            let (file, comment) = (format!("{case:02}-"), format!("# {letter}{case:02}, {source}"));
            let mut named = self.transcripts.iter().filter(|script| script.file.starts_with(&file));
            let found = named.any(|script| script.text().starts_with(&comment));
            assert!(found, "no file {file}….txt that begins with {comment:?}");
        }
    }

    /// Random bytes, as text and as binary, and real messages with bytes changed, cut and doubled: the session answers
    /// legally or ends the connection and blames the peer, and the hub stays sound.
    pub fn garbage_is_answered_or_ends_the_connection(&self) {
        let mut world = self.world(Delivery::Eager);
        let samples = self.samples();
        let mut connection = self.open(&mut world);
        for round in 0..ROUNDS {
            let bytes = match world.random() % 4 {
                0 => self.noise(&mut world),
                1 => self.json_noise(&mut world),
                _ => damaged(&mut world, &samples),
            };
            let input = match String::from_utf8(bytes) {
                Ok(text) if world.random() % 8 < 6 => Input::Text(text),
                Ok(text) => Input::Binary(text.into_bytes()),
                Err(error) => Input::Binary(error.into_bytes()),
            };
            world.say(connection, &input).unwrap_or_else(|why| panic!("{why}"));
            self.drain(&mut world, connection, &format!("round {round}, {input:?}"));
            if world.ended(connection).is_some() {
                connection = self.open(&mut world);
            }
        }
        self.sound(&world, "garbage");
    }

    /// Messages as large as the shell lets through, of every shape that nests or repeats.
    pub fn oversize_is_answered_or_ends_the_connection(&self) {
        const SIZE: usize = 1 << 20;
        let mut shapes: Vec<String> = ["[", "{\"a\":", "\"", " ", "\\", "9", "{", "[[],", "\u{0}", "ü"]
            .iter()
            .map(|part| part.repeat(SIZE / part.len()))
            .collect();
        for sample in self.samples().into_iter().filter(|sample| sample.starts_with('{')).step_by(25) {
            // A real message whose first string is large.
            if let Some((before, after)) = sample.split_once(":\"") {
                shapes.push(format!("{before}:\"{}{after}", "x".repeat(SIZE)));
                shapes.push(format!("{before}:{}\"{after}", "[".repeat(SIZE)));
                shapes.push(format!("{{\"{}\":1,{}", "k".repeat(SIZE), sample.trim_start_matches('{')));
            }
        }
        let mut world = self.world(Delivery::Eager);
        for (index, shape) in shapes.into_iter().enumerate() {
            let connection = self.open(&mut world);
            world.say(connection, &Input::Text(shape)).unwrap_or_else(|why| panic!("{why}"));
            self.drain(&mut world, connection, &format!("oversize shape {index}"));
        }
        self.sound(&world, "oversize");
    }

    /// Every message of every transcript said twice in a row: a second join, a second leave, a second anything.
    pub fn everything_may_be_said_twice(&self) {
        for script in self.transcripts_here() {
            for delivery in [Delivery::Eager, Delivery::Lazy] {
                let mut world = self.world(delivery);
                let mut players = Players::default();
                for step in &script.steps {
                    players.play(&step.action, &mut world);
                    if let Action::Say { name, input: Input::Text(_) | Input::Binary(_) } = &step.action {
                        players.play(&step.action, &mut world);
                        self.drain(&mut world, players.number(name), &format!("{}:{} twice", script.file, step.line));
                    }
                }
                for (name, connection) in &players.open {
                    self.drain(&mut world, *connection, &format!("{}, {name} at the end", script.file));
                }
                self.sound(&world, &script.file);
            }
        }
    }

    /// Every refusal of the hub, under every tag that a session may have chosen, alone and in the middle of each
    /// transcript.
    pub fn every_refusal_is_heard(&self) {
        let told = |world: &mut SessionWorld<'_>, connection: usize, what: &str| {
            for refusal in Refusal::ALL {
                for tag in 0..16 {
                    world.tell(connection, Event::Refused { tag: Tag(tag), refusal });
                    self.drain(world, connection, &format!("{what}: {refusal:?} under tag {tag}"));
                }
            }
        };
        let mut world = self.world(Delivery::Eager);
        let connection = self.open(&mut world);
        told(&mut world, connection, "nothing said yet");
        for script in self.transcripts_here().filter(|script| script.steps.len() < BREAKS) {
            let mut world = self.world(Delivery::Eager);
            let mut players = Players::default();
            script.steps.iter().for_each(|step| players.play(&step.action, &mut world));
            for (name, connection) in players.open.clone() {
                told(&mut world, connection, &format!("{} at its end, {name}", script.file));
            }
            self.sound(&world, &script.file);
        }
    }

    /// Events of rooms, calls and parties that the session never heard of, alone and at the end of each transcript.
    pub fn events_it_never_asked_for_do_no_harm(&self) {
        let strange = strange_events(self.dialect.profile().lang);
        let mut world = self.world(Delivery::Eager);
        let connection = self.open(&mut world);
        for event in &strange {
            world.tell(connection, event.clone());
            self.drain(&mut world, connection, &format!("{event:?}"));
        }
        for script in self.transcripts_here().filter(|script| script.steps.len() < BREAKS) {
            let mut world = self.world(Delivery::Eager);
            let mut players = Players::default();
            script.steps.iter().for_each(|step| players.play(&step.action, &mut world));
            for (name, connection) in players.open.clone() {
                for event in &strange {
                    world.tell(connection, event.clone());
                    self.drain(&mut world, connection, &format!("{}, {name}: {event:?}", script.file));
                }
            }
        }
    }

    /// A transcript broken off after any step, by a close or a reset of everybody, leaves an empty and sound hub.
    pub fn a_connection_may_end_at_every_step(&self) {
        for script in self.transcripts_here() {
            let stride = script.steps.len().div_ceil(BREAKS).max(1);
            for count in (0..=script.steps.len()).step_by(stride) {
                for (delivery, farewell) in [(Delivery::Eager, Input::Close(1000)), (Delivery::Lazy, Input::Reset)] {
                    let mut world = self.world(delivery);
                    let mut players = Players::default();
                    script.steps[..count].iter().for_each(|step| players.play(&step.action, &mut world));
                    for (_, connection) in players.open {
                        // It may have ended already; that is as good.
                        let _ended = world.say(connection, &farewell);
                    }
                    let what = format!("{} broken off after {count} steps", script.file);
                    self.sound(&world, &what);
                    let counts = world.hub().counts();
                    assert_eq!(counts, Default::default(), "{what}: the hub is not empty (seed {})", self.seed);
                    assert_eq!(world.legs(), 0, "{what}: the engine is not empty (seed {})", self.seed);
                }
            }
        }
    }

    /// A peer that says nothing, or nothing that counts, and never answers a ping, is pinged and then given up as silent.
    pub fn a_silent_peer_is_pinged_and_then_given_up(&self) {
        for chat in std::iter::once(None).chain(self.chat.map(Some)) {
            let chatters = chat.is_some();
            let mut world = self.world(Delivery::Eager);
            let handshake = Handshake { manual: true, ..Handshake::default() };
            let connection = world.open(&handshake).unwrap_or_else(|turned| panic!("{turned:?}"));
            if let Some(hello) = self.hello {
                let said = world.say(connection, &Input::Text(hello.to_owned()));
                said.unwrap_or_else(|why| panic!("{why}"));
            }
            let mut pings = 0;
            let mut end = None;
            for _second in 0..600 {
                if let Some(chat) = chat.filter(|_| world.ended(connection).is_none()) {
                    let said = world.say(connection, &Input::Text(chat.to_owned()));
                    said.unwrap_or_else(|why| panic!("{why}"));
                }
                while let Some(heard) = world.hear(connection, Duration::ZERO) {
                    match heard {
                        Heard::Ping => pings += 1,
                        Heard::Closed(code) => end = Some(code),
                        Heard::Text(_) => {}
                    }
                }
                if end.is_some() {
                    break;
                }
                world.pass(Duration::from_secs(1));
            }
            assert!(pings > 0, "no ping came (chatters: {chatters})");
            assert_eq!(end, Some(None), "it ends without a close frame (chatters: {chatters})");
            assert_eq!(world.ended(connection), Some(CloseCause::Silent));
            self.sound(&world, "silence");
            assert_eq!(world.hub().counts(), Default::default(), "the hub is not empty");
        }
    }

    fn world(&self, delivery: Delivery) -> SessionWorld<'_> {
        SessionWorld::new(self.dialect, self.limits.clone(), delivery, self.seed)
    }

    fn open(&self, world: &mut SessionWorld<'_>) -> usize {
        world.open(&Handshake::default()).unwrap_or_else(|turned| panic!("{turned:?}"))
    }

    fn transcripts_here(&self) -> impl Iterator<Item = &Script> {
        self.transcripts.iter().filter(|script| script.only != Some(Place::Sockets))
    }

    /// Every different text that a client says in a transcript.
    fn samples(&self) -> Vec<String> {
        let texts = self.transcripts_here().flat_map(Script::said).filter_map(|input| match input {
            Input::Text(text) => Some(text.clone()),
            _ => None,
        });
        let mut texts: Vec<String> = texts.collect();
        texts.sort_unstable();
        texts.dedup();
        texts
    }

    fn noise(&self, world: &mut SessionWorld<'_>) -> Vec<u8> {
        let length = world.random() % 64;
        (0..length).map(|_| world.random().to_le_bytes()[0]).collect()
    }

    fn json_noise(&self, world: &mut SessionWorld<'_>) -> Vec<u8> {
        const PARTS: [&str; 16] =
            ["{", "}", "[", "]", ",", ":", "\"", "\"type\"", "null", "true", "0", "-1e9", "\\u", "\\", " ", "\"a\":"];
        let length = world.random() % 24;
        let part = |world: &mut SessionWorld<'_>| PARTS[(world.random() % PARTS.len() as u64) as usize];
        (0..length).flat_map(|_| part(world).bytes()).collect()
    }

    fn drain(&self, world: &mut SessionWorld<'_>, connection: usize, what: &str) {
        while let Some(heard) = world.hear(connection, Duration::ZERO) {
            let fine = match &heard {
                Heard::Text(text) => (self.legal)(text),
                Heard::Ping => true,
                Heard::Closed(code) => code.is_some_and(|code| BLAMING.contains(&code)),
            };
            assert!(fine, "{what} (seed {}): the client heard {heard:?}", self.seed);
        }
    }

    fn sound(&self, world: &SessionWorld<'_>, what: &str) {
        let found = world.hub().check();
        assert!(found.is_empty(), "{what} (seed {}): {found:?}", self.seed);
    }
}

/// The checks of the [`Suite`](crate::testing::Suite) that need nothing but the suite, each a test. `$with` hands a suite
/// to a closure.
#[macro_export]
macro_rules! conformance_tests {
    ($with:path: $($check:ident)*) => {
        $(
            #[test]
            fn $check() {
                $with(|suite| suite.$check());
            }
        )*
    };
    ($with:path) => {
        $crate::conformance_tests!($with:
            every_transcript_comes_true
            garbage_is_answered_or_ends_the_connection
            oversize_is_answered_or_ends_the_connection
            everything_may_be_said_twice
            every_refusal_is_heard
            events_it_never_asked_for_do_no_harm
            a_connection_may_end_at_every_step
            a_silent_peer_is_pinged_and_then_given_up
        );
    };
}

/// A transcript's clients, played without looking at what they hear.
#[derive(Default)]
struct Players {
    open: Vec<(String, usize)>,
}

impl Players {
    fn number(&self, name: &str) -> usize {
        let known = self.open.iter().find(|(other, _)| other == name);
        known.unwrap_or_else(|| panic!("{name} was never opened")).1
    }

    fn play(&mut self, action: &Action, world: &mut SessionWorld<'_>) {
        match action {
            Action::Open { name, handshake, .. } => {
                let opened = world.open(handshake).unwrap_or_else(|turned| panic!("{turned:?}"));
                self.open.retain(|(other, _)| other != name);
                self.open.push((name.clone(), opened));
            }
            Action::Say { name, input } => {
                let connection = self.number(name);
                // A server that ended the connection before is the matter of the transcript itself.
                let _ended = world.say(connection, input);
            }
            Action::Nothing { span, .. } | Action::Skip { span, .. } | Action::Pass { span } => world.pass(*span),
            Action::Media { name, directive } => {
                // What it expects is the matter of the transcript itself.
                let _judged = world.media(self.number(name), directive);
            }
            Action::Load { overloaded } => {
                let loaded = world.load(*overloaded);
                loaded.unwrap_or_else(|(_, why)| panic!("{why}"));
            }
            Action::Drain => world.drain().unwrap_or_else(|(_, why)| panic!("{why}")),
            Action::Elsewhere(elsewhere) => {
                let _judged = world.elsewhere(elsewhere);
            }
            Action::Hear { .. } | Action::Closed { .. } | Action::Http { .. } => {}
        }
    }
}

/// One of the samples with a byte changed, a piece cut out or a piece doubled.
fn damaged(world: &mut SessionWorld<'_>, samples: &[String]) -> Vec<u8> {
    let pick = |world: &mut SessionWorld<'_>, bound: usize| (world.random() % bound.max(1) as u64) as usize;
    let mut bytes = samples.get(pick(world, samples.len())).cloned().unwrap_or_default().into_bytes();
    for _ in 0..=pick(world, 3) {
        let (from, to) = (pick(world, bytes.len() + 1), pick(world, bytes.len() + 1));
        let (from, to) = (from.min(to), from.max(to));
        match pick(world, 3) {
            0 if from < bytes.len() => bytes[from] = world.random().to_le_bytes()[0],
            1 => drop(bytes.drain(from..to)),
            _ => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(from..from, piece);
            }
        }
    }
    bytes
}
