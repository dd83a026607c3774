//! A description (RFC 8866) as lines: tolerant, bounded, in order.
//!
//! What cannot be understood is kept as it is and left to who looks at it. A line has no control character, so nothing
//! that is read can become two lines when it is written.

use std::fmt::Write as _;
use std::net::IpAddr;

/// Longest description, in bytes. Browsers with many networks write some 10 kB; SIP over UDP carries 64 kB.
pub const BYTES: usize = 64 * 1024;
/// Most lines.
pub const LINES: usize = 4_096;
/// Most media sections: a telephone has two or three, a browser that adds and removes tracks some tens.
pub const SECTIONS: usize = 64;

/// Why a text is no description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// More than [`BYTES`], [`LINES`] or [`SECTIONS`].
    TooLarge,
    /// It does not begin with `v=0`, or has no media section.
    NoDescription,
    /// A media line has no kind, port, protocol and format.
    MediaLine,
}

/// One line: its letter, and what is behind `=`, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    letter: char,
    value: String,
}

impl Line {
    /// A line of ours; control characters are left out, and blanks at both ends. A letter that is none becomes `x`, which
    /// nobody knows.
    #[must_use]
    pub fn new(letter: char, value: &str) -> Self {
        let clean: String = value.chars().filter(|character| !character.is_control()).collect();
        // Behind a control character may have been a blank.
        let letter = if letter.is_ascii_lowercase() { letter } else { 'x' };
        Self { letter, value: clean.trim().to_owned() }
    }

    /// The letter.
    #[must_use]
    pub fn letter(&self) -> char {
        self.letter
    }

    /// What is behind `=`.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value of the attribute `name`, `""` if it has none; `None` if this is another line.
    fn attribute(&self, name: &str) -> Option<&str> {
        let value = Some(self.value.as_str()).filter(|_| self.letter == 'a')?;
        match value.split_once(':') {
            Some((found, value)) => (found == name).then_some(value),
            None => (value == name).then_some(""),
        }
    }
}

/// Which way media flows, as the author of a description sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Direction {
    /// The author sends.
    pub send: bool,
    /// The author receives.
    pub recv: bool,
}

impl Direction {
    /// `sendrecv`, also where nothing is said.
    pub const BOTH: Self = Self { send: true, recv: true };
    /// `inactive`.
    pub const NONE: Self = Self { send: false, recv: false };
    /// `sendonly`.
    pub const SEND: Self = Self { send: true, recv: false };
    /// `recvonly`.
    pub const RECV: Self = Self { send: false, recv: true };

    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match (self.send, self.recv) {
            (true, true) => "sendrecv",
            (true, false) => "sendonly",
            (false, true) => "recvonly",
            (false, false) => "inactive",
        }
    }

    /// The same, as the other side sees it.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self { send: self.recv, recv: self.send }
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { send: self.send && other.send, recv: self.recv && other.recv }
    }

    fn of(line: &Line) -> Option<Self> {
        let all = [Self::BOTH, Self::NONE, Self::SEND, Self::RECV];
        all.into_iter().find(|direction| line.attribute(direction.word()) == Some(""))
    }
}

/// A media section: its first line, taken apart, and those behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    kind: String,
    port: u16,
    protocol: String,
    formats: Vec<String>,
    lines: Vec<Line>,
}

impl Section {
    /// A section of ours without lines. Control characters and blanks are left out of its words; without formats it gets
    /// `0`, as a media line must have one.
    #[must_use]
    pub fn new(kind: &str, port: u16, protocol: &str, formats: &[&str]) -> Self {
        let word = |text: &str| -> String {
            text.chars().filter(|character| !character.is_control() && !character.is_whitespace()).collect()
        };
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let mut formats: Vec<_> =
            formats.iter().map(|format| word(format)).filter(|format| !format.is_empty()).collect();
        if formats.is_empty() {
            formats.push("0".to_owned());
        }
        Self {
            kind: or(word(kind), "audio"),
            port,
            protocol: or(word(protocol), "RTP/AVP"),
            formats,
            lines: Vec::new(),
        }
    }

    /// `audio`, `video`, `application` …
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The port; 0 is a section that is not meant (see [`Section::is_rejected`]).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF` …
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The same by another protocol.
    pub(crate) fn with_protocol(self, protocol: &str) -> Self {
        Self { protocol: protocol.to_owned(), ..self }
    }

    /// Payload types, or what stands in their place.
    #[must_use]
    pub fn formats(&self) -> &[String] {
        &self.formats
    }

    /// The lines behind the media line.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Adds a line.
    pub fn push(&mut self, letter: char, value: &str) {
        self.lines.push(Line::new(letter, value));
    }

    /// The first attribute `name`: its value, or `""`.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes(name).next()
    }

    /// All attributes `name`.
    pub fn attributes<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter_map(move |line| line.attribute(name))
    }

    /// The rest of the attribute `name` that begins with this payload type: of `rtpmap`, `fmtp`.
    #[must_use]
    pub fn of_payload(&self, name: &str, payload: u8) -> Option<&str> {
        let mut all = self.attributes(name).filter_map(|value| value.trim_start().split_once(' '));
        all.find(|(number, _)| number.parse() == Ok(payload)).map(|(_, rest)| rest.trim())
    }

    /// Whether it is not meant: port 0, unless that only says that it is bundled (RFC 8843 section 6).
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.port == 0 && self.attribute("bundle-only").is_none()
    }
}

/// A description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    lines: Vec<Line>,
    sections: Vec<Section>,
}

impl Description {
    /// A description of ours: its first lines, and its sections.
    #[must_use]
    pub fn new(lines: Vec<Line>, sections: Vec<Section>) -> Self {
        Self { lines, sections }
    }

    /// Reads a description. Lines may end in any way; lines that are none, and control characters, are left out.
    ///
    /// # Errors
    /// If it is larger than any real one, no description, or has a broken media line.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        if text.len() > BYTES {
            return Err(Unreadable::TooLarge);
        }
        let (mut lines, mut sections, mut count) = (Vec::new(), Vec::<Section>::new(), 0);
        for line in text.split(['\r', '\n']).map(str::trim).filter(|line| !line.is_empty()) {
            count += 1;
            if count > LINES {
                return Err(Unreadable::TooLarge);
            }
            let mut characters = line.chars();
            let (Some(letter), Some('=')) = (characters.next(), characters.next()) else {
                if count == 1 {
                    return Err(Unreadable::NoDescription);
                }
                continue;
            };
            let line = Line::new(letter, characters.as_str());
            if count == 1 && line != Line::new('v', "0") {
                return Err(Unreadable::NoDescription);
            }
            if letter == 'm' {
                if sections.len() == SECTIONS {
                    return Err(Unreadable::TooLarge);
                }
                sections.push(media_line(&line.value).ok_or(Unreadable::MediaLine)?);
            } else if letter.is_ascii_lowercase() {
                match sections.last_mut() {
                    Some(section) => section.lines.push(line),
                    None => lines.push(line),
                }
            }
        }
        if sections.is_empty() { Err(Unreadable::NoDescription) } else { Ok(Self { lines, sections }) }
    }

    /// Its text, lines ended by CR LF.
    #[must_use]
    pub fn write(&self) -> String {
        let mut text = String::with_capacity(1_024);
        // Writing to a String cannot fail.
        for line in &self.lines {
            _ = write!(text, "{}={}\r\n", line.letter, line.value);
        }
        for section in &self.sections {
            let Section { kind, port, protocol, formats, lines } = section;
            _ = write!(text, "m={kind} {port} {protocol} {}\r\n", formats.join(" "));
            for line in lines {
                _ = write!(text, "{}={}\r\n", line.letter, line.value);
            }
        }
        text
    }

    /// The lines before the first section.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The media sections, in order.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// Which way the media of a section flows: its own word, that of the session, else both.
    #[must_use]
    pub fn direction(&self, section: &Section) -> Direction {
        let first = |lines: &[Line]| lines.iter().find_map(Direction::of);
        first(&section.lines).or_else(|| first(&self.lines)).unwrap_or(Direction::BOTH)
    }

    /// Where the author receives a section: its own address, or that of the session. Names are not looked up: `None`.
    #[must_use]
    pub fn address(&self, section: &Section) -> Option<IpAddr> {
        let first = |lines: &[Line]| lines.iter().find(|line| line.letter == 'c').map(|line| line.value.clone());
        let value = first(&section.lines).or_else(|| first(&self.lines))?;
        let mut words = value.split_ascii_whitespace();
        let (Some("IN"), Some("IP4" | "IP6"), Some(address)) = (words.next(), words.next(), words.next()) else {
            return None;
        };
        // Behind a slash multicast says how far it goes.
        address.split('/').next()?.parse().ok()
    }
}

fn media_line(value: &str) -> Option<Section> {
    let mut words = value.split_ascii_whitespace();
    let kind = words.next()?;
    // `49170/2` are two ports in a row; the first is the one that counts.
    let port = words.next()?.split('/').next()?.parse().ok()?;
    let protocol = words.next()?;
    let formats: Vec<_> = words.collect();
    (!formats.is_empty()).then(|| Section::new(kind, port, protocol, &formats))
}

#[cfg(test)]
mod tests;
