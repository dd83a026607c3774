use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directive::{self, Directive};
use super::elsewhere::{self, Elsewhere};
use super::expected::Expected;
use super::input;
use super::run::Failure;
use super::world::{Handshake, Input, Place};

/// A transcript.
#[derive(Clone, Debug)]
pub struct Script {
    /// The file's name.
    pub file: String,
    /// The world that it is bound to, if it is.
    pub only: Option<Place>,
    /// The steps, loops unrolled.
    pub(super) steps: Vec<Step>,
    text: String,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    /// Counted from 1.
    pub(super) line: usize,
    /// The line as it is run.
    pub(super) text: String,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Open { name: String, handshake: Box<Handshake>, refused: Option<Refused> },
    Say { name: String, input: Input },
    Hear { name: String, expected: Expected },
    Nothing { name: String, span: Duration },
    Skip { name: String, span: Duration, having: Expected },
    Closed { name: String, code: Option<u16> },
    Pass { span: Duration },
    Media { name: String, directive: Directive },
    Load { overloaded: bool },
    Drain,
    Elsewhere(Elsewhere),
    Http { method: String, path: String, status: u16, body: Body },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    pub(super) header: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Any,
    Is(String),
    Starts(String),
}

impl Script {
    /// Reads a transcript.
    ///
    /// # Errors
    /// If a line is none of the format's, with its number.
    pub fn parse(file: &str, text: &str) -> Result<Self, Failure> {
        let mut script = Self { file: file.to_owned(), only: None, steps: Vec::new(), text: text.to_owned() };
        if !text.starts_with("# ") {
            return Err(fault(
                file,
                1,
                text.lines().next().unwrap_or_default(),
                "a comment with case, seed and section",
            ));
        }
        let mut repeat: Option<Repeat> = None;
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            let wrong = |what: &str| fault(file, number, line, what);
            let mut words = line.split_whitespace();
            match (words.next(), &mut repeat) {
                (None, _) => {}
                (Some(word), _) if word.starts_with('#') => {}
                (Some("only"), None) => {
                    script.only = Some(match words.next() {
                        Some("sockets") => Place::Sockets,
                        Some("sessions") => Place::Sessions,
                        _ => return Err(wrong("`only sockets` or `only sessions`")),
                    });
                }
                (Some("repeat"), None) => {
                    repeat = Some(Repeat::parse(line).ok_or_else(|| wrong("`repeat i 0..50`"))?);
                }
                (Some("end"), slot @ Some(_)) => {
                    if let Some(done) = slot.take() {
                        done.unroll(&mut script)?;
                    }
                }
                (Some(_), Some(open)) => open.lines.push((number, line.to_owned())),
                (Some(_), None) => script.push(number, line)?,
            }
        }
        let media = script.steps.iter().find(|step| {
            matches!(step.action, Action::Media { .. } | Action::Load { .. } | Action::Drain | Action::Elsewhere(_))
        });
        if let Some(step) = media.filter(|_| script.only != Some(Place::Sessions)) {
            return Err(fault(file, step.line, &step.text, "`only sessions` above: this engine is scripted"));
        }
        match repeat {
            None => Ok(script),
            Some(open) => Err(fault(file, open.lines.first().map_or(0, |(line, _)| *line), "repeat", "an `end`")),
        }
    }

    /// Reads every file of a folder, in the order of their names.
    ///
    /// # Panics
    /// If a file cannot be read or is no transcript: the test that wants it cannot go on.
    #[must_use]
    pub fn folder(folder: &Path) -> Vec<Self> {
        let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut files: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        files.sort();
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Self::parse(&name, &text).unwrap_or_else(|failure| panic!("{failure}"))
        };
        files.iter().map(read).collect()
    }

    /// The name of the transcript's file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file
    }

    /// The transcript's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What clients say in it, in order.
    pub fn said(&self) -> impl Iterator<Item = &Input> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Say { input, .. } => Some(input),
            _ => None,
        })
    }

    fn push(&mut self, line: usize, text: &str) -> Result<(), Failure> {
        let filled = fill(text);
        let action = action(&filled).map_err(|expected| fault(&self.file, line, text, &expected))?;
        self.steps.push(Step { line, text: filled, action });
        Ok(())
    }
}

struct Repeat {
    variable: String,
    from: usize,
    to: usize,
    lines: Vec<(usize, String)>,
}

impl Repeat {
    fn parse(line: &str) -> Option<Self> {
        let (variable, range) = line.strip_prefix("repeat ")?.trim().split_once(' ')?;
        let (from, to) = range.trim().split_once("..")?;
        let variable = format!("${variable}");
        Some(Self { variable, from: from.parse().ok()?, to: to.parse().ok()?, lines: Vec::new() })
    }

    fn unroll(self, script: &mut Script) -> Result<(), Failure> {
        for round in self.from..self.to {
            for (number, line) in &self.lines {
                script.push(*number, &line.replace(&self.variable, &round.to_string()))?;
            }
        }
        Ok(())
    }
}

/// Replaces each `$fill(x,65)`.
fn fill(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("$fill(") {
        out.push_str(before);
        let parts = after.split_once(')').and_then(|(inside, tail)| Some((inside.split_once(',')?, tail)));
        match parts.map(|((text, count), tail)| (text, count.trim().parse(), tail)) {
            Some((text, Ok(count), tail)) => {
                out.push_str(&text.repeat(count));
                rest = tail;
            }
            _ => {
                out.push_str("$fill(");
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// # Errors
/// What the line should have been.
fn action(line: &str) -> Result<Action, String> {
    if let Some(request) = line.strip_prefix("http ") {
        return input::http(request).ok_or_else(|| "`http GET /path => 200 \"body\"`".to_owned());
    }
    if let "!overload" | "!relief" = line {
        return Ok(Action::Load { overloaded: line == "!overload" });
    }
    if line == "!drain" {
        return Ok(Action::Drain);
    }
    if let Some(line) = line.strip_prefix('!') {
        if let Some(elsewhere) = elsewhere::parse(line) {
            return Ok(Action::Elsewhere(elsewhere));
        }
        let media = directive::parse(line).map(|(name, directive)| Action::Media { name, directive });
        return media.ok_or_else(|| "`!flow a up stream`, or another of `testing`'s media lines".to_owned());
    }
    let mut characters = line.chars();
    let mark = characters.next().unwrap_or_default();
    let (name, rest) = split_word(characters.as_str());
    let name = name.to_owned();
    if mark == '~' {
        return Ok(Action::Pass { span: span(&name).ok_or("`~31s`")? });
    }
    if name.is_empty() || !name.chars().all(char::is_alphanumeric) {
        return Err("a connection's name after the mark".to_owned());
    }
    match mark {
        '+' => input::handshake(rest)
            .map(|(handshake, refused)| Action::Open { name, handshake: Box::new(handshake), refused })
            .ok_or_else(|| "`+a origin=… => 403`".to_owned()),
        '>' => input::said(rest).map(|input| Action::Say { name, input }),
        '-' => match rest.split_once(' ').unwrap_or((rest, "")) {
            ("close", code) => code.parse().ok().map(Input::Close),
            ("reset", "") => Some(Input::Reset),
            _ => None,
        }
        .map(|input| Action::Say { name, input })
        .ok_or_else(|| "`-a close 1000` or `-a reset`".to_owned()),
        '<' => Ok(Action::Hear { name, expected: Expected::parse(rest)? }),
        '=' => rest
            .strip_prefix("nothing ")
            .and_then(span)
            .map(|span| Action::Nothing { name, span })
            .ok_or_else(|| "`=a nothing 100ms`".to_owned()),
        '?' => {
            let (time, members) = split_word(rest);
            let (span, having) = (span(time).ok_or("`?a 60ms {…}`")?, Expected::parse(members)?);
            Ok(Action::Skip { name, span, having })
        }
        'x' => match rest {
            "none" => Ok(Action::Closed { name, code: None }),
            code => code
                .parse()
                .map(|code| Action::Closed { name, code: Some(code) })
                .map_err(|_| "`xa 1009` or `xa none`".to_owned()),
        },
        _ => Err("a mark: one of + > < = ? ! x - ~".to_owned()),
    }
}

/// The first word of `text`, and what follows it.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim_start())
}

fn span(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

fn fault(file: &str, line: usize, text: &str, expected: &str) -> Failure {
    Failure {
        file: file.to_owned(),
        line,
        seed: None,
        step: text.to_owned(),
        expected: format!("in the file: {expected}"),
        got: "another line".to_owned(),
    }
}
