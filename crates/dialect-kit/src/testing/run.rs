use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::capture::Captures;
use super::expected::Expected;
use super::script::{Action, Body, Refused, Script, Step};
use super::world::{Handshake, Heard, Input, World};

/// A transcript that did not come true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The transcript's file.
    pub file: String,
    /// The line, counted from 1; one past the last for what was left over at the end.
    pub line: usize,
    /// The seed of the world, if it has one.
    pub seed: Option<u64>,
    /// The line's text.
    pub step: String,
    /// What should have come.
    pub expected: String,
    /// What came.
    pub got: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, cut(&self.step))?;
        if let Some(seed) = self.seed {
            write!(f, "\n  seed:     {seed}")?;
        }
        write!(f, "\n  expected: {}\n  got:      {}", cut(&self.expected), cut(&self.got))
    }
}

impl std::error::Error for Failure {}

/// A megabyte of padding helps nobody who reads a failure.
const PRINTED: usize = 600;

fn cut(text: &str) -> String {
    if text.chars().count() <= PRINTED {
        return text.to_owned();
    }
    let start: String = text.chars().take(PRINTED).collect();
    format!("{start}… ({} bytes)", text.len())
}

/// The last list that may wait has gone out by then: longer than the window of any realm in a test.
const SETTLED: Duration = Duration::from_millis(80);

/// Runs a transcript in a world.
///
/// # Errors
/// At the first step that does not come true, or for what was left over at the end.
pub fn run(script: &Script, world: &mut dyn World) -> Result<(), Failure> {
    let mut open = Connections::default();
    for step in &script.steps {
        open.step(step, world).map_err(|(expected, got)| Failure {
            file: script.file.clone(),
            line: step.line,
            seed: world.seed(),
            step: step.text.clone(),
            expected,
            got,
        })?;
    }
    world.pass(SETTLED);
    for (name, connection) in open.live() {
        if let Some(heard) = world.left_over(connection) {
            return Err(Failure {
                file: script.file.clone(),
                line: script.text().lines().count() + 1,
                seed: world.seed(),
                step: "(end)".to_owned(),
                expected: format!("nothing more to {name}"),
                got: told(Some(&heard)),
            });
        }
    }
    Ok(())
}

/// Expected, got.
type Wrong = (String, String);

#[derive(Default)]
struct Connections {
    /// By name: the world's number, and whether it still stands.
    by_name: BTreeMap<String, (usize, bool)>,
    captures: Captures,
}

impl Connections {
    fn live(&self) -> impl Iterator<Item = (&str, usize)> {
        self.by_name.iter().filter(|(_, (_, live))| *live).map(|(name, (number, _))| (name.as_str(), *number))
    }

    fn number(&self, name: &str) -> Result<usize, Wrong> {
        let known = self.by_name.get(name).map(|(number, _)| *number);
        known.ok_or_else(|| (format!("connection {name} to be open"), "it was never opened".to_owned()))
    }

    fn ended(&mut self, name: &str) {
        if let Some((_, live)) = self.by_name.get_mut(name) {
            *live = false;
        }
    }

    fn step(&mut self, step: &Step, world: &mut dyn World) -> Result<(), Wrong> {
        match &step.action {
            Action::Open { name, handshake, refused } => self.open(name, handshake, refused.as_ref(), world),
            Action::Say { name, input } => {
                let number = self.number(name)?;
                if matches!(input, Input::Close(_) | Input::Reset) {
                    // What is on its way now would never be looked at.
                    if let Some(heard) = world.left_over(number) {
                        return Err((format!("nothing more to {name} before it goes"), told(Some(&heard))));
                    }
                    self.ended(name);
                }
                let input = match input {
                    Input::Text(text) => &Input::Text(self.captures.fill(text)),
                    input => input,
                };
                world.say(number, input).map_err(|why| ("to be able to say that".to_owned(), why))
            }
            Action::Hear { name, expected } => {
                let heard = world.hear(self.number(name)?, world.patience());
                match &heard {
                    Some(heard) if expected.is(heard, &mut self.captures) => Ok(()),
                    _ => Err((wanted(expected), told(heard.as_ref()))),
                }
            }
            Action::Nothing { name, span } => match world.hear(self.number(name)?, *span) {
                None => Ok(()),
                heard => Err((format!("nothing for {span:?}"), told(heard.as_ref()))),
            },
            Action::Skip { name, span, having } => skip(world, self.number(name)?, *span, having),
            Action::Closed { name, code } => {
                let number = self.number(name)?;
                self.ended(name);
                match world.hear(number, world.patience()) {
                    Some(Heard::Closed(got)) if got == *code => Ok(()),
                    heard => Err((told(Some(&Heard::Closed(*code))), told(heard.as_ref()))),
                }
            }
            Action::Pass { span } => {
                world.pass(*span);
                Ok(())
            }
            Action::Media { name, directive } => world.media(self.number(name)?, directive),
            Action::Load { overloaded } => world.load(*overloaded),
            Action::Drain => world.drain(),
            Action::Elsewhere(elsewhere) => world.elsewhere(elsewhere),
            Action::Http { method, path, status, body } => http(world, method, path, *status, body),
        }
    }

    fn open(
        &mut self,
        name: &str,
        handshake: &Handshake,
        refused: Option<&Refused>,
        world: &mut dyn World,
    ) -> Result<(), Wrong> {
        match (world.open(handshake), refused) {
            (Ok(number), None) => {
                self.by_name.insert(name.to_owned(), (number, true));
                Ok(())
            }
            (Ok(_), Some(refused)) => Err((format!("status {}", refused.status), "an open connection".to_owned())),
            (Err(turned), None) => Err(("an open connection".to_owned(), format!("status {}", turned.status))),
            (Err(turned), Some(refused)) => {
                let header = refused.header.as_ref();
                if turned.status == refused.status && header.is_none_or(|header| turned.headers.contains(header)) {
                    Ok(())
                } else {
                    Err((format!("{refused:?}"), format!("{turned:?}")))
                }
            }
        }
    }
}

fn skip(world: &mut dyn World, number: usize, span: Duration, having: &Expected) -> Result<(), Wrong> {
    // Each wait is for the whole span: in fake time it costs nothing, over sockets it asks for a quiet span.
    while let Some(heard) = world.hear(number, span) {
        if !having.is_part_of(&heard) {
            return Err((format!("only messages with {}", wanted(having)), told(Some(&heard))));
        }
    }
    Ok(())
}

fn http(world: &mut dyn World, method: &str, path: &str, status: u16, body: &Body) -> Result<(), Wrong> {
    let expected = format!("status {status}, body {body:?}");
    let answer = world.http(method, path).map_err(|why| (expected.clone(), why))?;
    let fits = match body {
        Body::Any => true,
        Body::Is(text) => *text == answer.body,
        Body::Starts(text) => answer.body.starts_with(text),
    };
    if answer.status == status && fits { Ok(()) } else { Err((expected, format!("{answer:?}"))) }
}

fn wanted(expected: &Expected) -> String {
    match expected {
        Expected::Exactly(text) => format!("exactly {text:?}"),
        Expected::Json(value) => value.to_string(),
        Expected::Ping => "a ping".to_owned(),
    }
}

fn told(heard: Option<&Heard>) -> String {
    match heard {
        None => "nothing".to_owned(),
        Some(Heard::Closed(None)) => "closed without a close frame".to_owned(),
        Some(Heard::Closed(Some(code))) => format!("closed with {code}"),
        Some(Heard::Ping) => "a ping".to_owned(),
        Some(Heard::Text(text)) => String::from_utf8_lossy(text).into_owned(),
    }
}
