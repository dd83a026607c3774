//! The lines of a transcript that are about media: `!flow a up cam1`.

use patchbay_core::{Kinds, MediaFault, Name, Rendition, Report};

use super::script::split_word;

/// What is done to a leg of the scripted engine, or must be true of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Directive {
    /// Which of the connection's legs.
    pub(super) leg: LegName,
    /// What.
    pub(super) verb: Verb,
}

/// A leg as a transcript names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LegName {
    /// The client sends on it: a publication, not a view.
    pub(super) up: bool,
    /// The stream's name.
    pub(super) stream: Name,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Verb {
    /// The leg is connected, and media comes.
    Flow,
    /// The peer's connection is lost.
    Lost,
    /// The engine gives the leg up.
    Fail(MediaFault),
    /// The engine tells how the leg does.
    Report(Report),
    /// The viewer is sent another rendition of the track.
    Switch { track: Name, height: u32 },
    /// The peer says something on its data channel.
    Data(Message),
    /// These kinds of the track reach the viewer.
    Passes { track: Name, kinds: Kinds },
    /// The viewer has chosen this height of the track.
    Prefers { track: Name, height: Option<u32> },
    /// The peer is to send no more bits per second.
    Limit(Option<u32>),
    /// The peer has heard this on its data channel, after what it was asked for before; `None`: nothing.
    Hears(Option<Message>),
    /// The peer has told so many candidates.
    Candidates(usize),
    /// The leg is closed.
    Gone,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) binary: bool,
    pub(super) text: String,
}

impl Verb {
    /// Whether it is something that must be true, not something that happens.
    pub(super) const fn expects(&self) -> bool {
        matches!(
            self,
            Self::Passes { .. }
                | Self::Prefers { .. }
                | Self::Limit(_)
                | Self::Hears(_)
                | Self::Candidates(_)
                | Self::Gone
        )
    }
}

/// What follows `!`: the connection's name, and the directive.
pub(super) fn parse(line: &str) -> Option<(String, Directive)> {
    let (verb, rest) = split_word(line);
    let (connection, rest) = split_word(rest);
    let (way, rest) = split_word(rest);
    let (stream, rest) = split_word(rest);
    let up = match way {
        "up" => true,
        "down" => false,
        _ => return None,
    };
    let leg = LegName { up, stream: name(stream)? };
    let verb = match (verb, rest) {
        ("flow", "") => Verb::Flow,
        ("lost", "") => Verb::Lost,
        ("gone", "") => Verb::Gone,
        ("fail", "description") => Verb::Fail(MediaFault::Description),
        ("fail", "internal") => Verb::Fail(MediaFault::Internal),
        ("fail", "overload") => Verb::Fail(MediaFault::Overload),
        ("report", figures) => Verb::Report(report(figures)?),
        ("switch", rest) => {
            let (track, height) = split_word(rest);
            Verb::Switch { track: name(track)?, height: height.parse().ok()? }
        }
        ("data", message) => Verb::Data(self::message(message)),
        ("passes", rest) => {
            let (track, kinds) = split_word(rest);
            Verb::Passes { track: name(track)?, kinds: self::kinds(kinds)? }
        }
        ("prefers", rest) => {
            let (track, height) = split_word(rest);
            let height = if height == "auto" { None } else { Some(height.parse().ok()?) };
            Verb::Prefers { track: name(track)?, height }
        }
        ("limit", "none") => Verb::Limit(None),
        ("limit", bps) => Verb::Limit(Some(bps.parse().ok()?)),
        ("hears", "nothing") => Verb::Hears(None),
        ("hears", message) => Verb::Hears(Some(self::message(message))),
        ("candidates", count) => Verb::Candidates(count.parse().ok()?),
        _ => return None,
    };
    Some((connection.to_owned(), Directive { leg, verb }))
}

fn name(text: &str) -> Option<Name> {
    Name::parse(text).ok()
}

fn message(text: &str) -> Message {
    match text.strip_prefix("binary ") {
        Some(rest) => Message { binary: true, text: rest.to_owned() },
        None => Message { binary: false, text: text.to_owned() },
    }
}

fn kinds(text: &str) -> Option<Kinds> {
    Some(match text {
        "none" => Kinds::NONE,
        "audio" => Kinds { audio: true, video: false },
        "video" => Kinds { audio: false, video: true },
        "all" => Kinds::ALL,
        _ => return None,
    })
}

/// `audio=32000 video=900000 target=1500000 loss=3 rtt=20 sizes=1280x720@900000,640x360@250000`, each optional.
fn report(text: &str) -> Option<Report> {
    let mut report = Report::default();
    for (key, value) in text.split_whitespace().map(|figure| figure.split_once('=')).collect::<Option<Vec<_>>>()? {
        match key {
            "audio" => report.audio_bps = value.parse().ok()?,
            "video" => report.video_bps = value.parse().ok()?,
            "target" => report.target_bps = value.parse().ok()?,
            "loss" => report.loss_permille = value.parse().ok()?,
            "rtt" => report.rtt_ms = Some(value.parse().ok()?),
            "sizes" => report.renditions = value.split(',').map(rendition).collect::<Option<_>>()?,
            _ => return None,
        }
    }
    Some(report)
}

fn rendition(text: &str) -> Option<Rendition> {
    let (size, bps) = text.split_once('@')?;
    let (width, height) = size.split_once('x')?;
    Some(Rendition { width: width.parse().ok()?, height: height.parse().ok()?, bps: bps.parse().ok()? })
}
