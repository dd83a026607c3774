//! Descriptions of conversations, cut down: to the codecs that are switched on, to the one that was agreed upon, and to
//! the sections that there are.

use patchbay_core::{Codec, Kind};
use patchbay_sdp::{Description, Direction, Formats, Line, Section};

use crate::sdp::same_family;

/// Attributes of a browser's description that a conversation has no use for: layers, which nobody could choose among, and
/// the orientation of pictures, which a telephone would not turn: without it, browsers turn them before they send.
const NEEDLESS: [&str; 2] = ["simulcast", "rid"];
const ORIENTATION: &str = "urn:3gpp:video-orientation";
/// The number by which a receiver tells when each packet came. Who sends pictures judges the network by that; of sound alone
/// it would be one report more for every five packets, each way, to senders whose rate stays what it is.
const ARRIVALS: &str = "draft-holmer-rmcat-transport-wide-cc-extensions-01";

/// Sound or pictures.
pub(crate) fn kind(section: &Section) -> Option<Kind> {
    match section.kind() {
        "audio" => Some(Kind::Audio),
        "video" => Some(Kind::Video),
        _ => None,
    }
}

/// The name of a section; `""` if it has none.
pub(crate) fn mid(section: &Section) -> &str {
    section.attribute("mid").unwrap_or_default().trim()
}

/// What of a description may be agreed upon: the codecs that are switched on, in their author's order. Sections without are
/// rejected, and those that `meant` does not name.
pub(crate) fn can(description: &Description, on: &[Codec], meant: impl Fn(usize) -> bool) -> Description {
    let sections = description.sections().iter().enumerate().map(|(place, section)| {
        let formats = Formats::read(section);
        let usable = |codec: Codec| on.iter().any(|on| same_family(*on, codec));
        let keep: Vec<u8> =
            formats.codecs.iter().filter(|format| usable(format.codec)).map(|format| format.payload).collect();
        if keep.is_empty() || section.is_rejected() || !meant(place) {
            return rejected(section);
        }
        narrow(section, &[keep, formats.digits.into_iter().collect()].concat(), description.direction(section))
    });
    Description::new(description.lines().to_vec(), sections.collect())
}

/// The codecs of a description, each kind's in its order, without repetition.
pub(crate) fn codecs(description: &Description) -> Vec<Codec> {
    let all = description.sections().iter().filter(|section| !section.is_rejected());
    let mut found = Vec::new();
    for format in all.flat_map(|section| Formats::read(section).codecs) {
        if !found.contains(&format.codec) {
            found.push(format.codec);
        }
    }
    found
}

/// The first codec for sound, and for pictures.
pub(crate) fn first(description: &Description) -> (Option<Codec>, Option<Codec>) {
    let codecs = codecs(description);
    let of = |kind: Kind| codecs.iter().copied().find(|codec| codec.kind() == kind);
    (of(Kind::Audio), of(Kind::Video))
}

/// A section with only these payload types, in this order, and that direction. Repetitions (RFC 4588) of those that stay
/// have to be among them.
pub(crate) fn narrow(section: &Section, keep: &[u8], direction: Direction) -> Section {
    let numbers: Vec<String> = keep.iter().map(ToString::to_string).collect();
    let formats: Vec<&str> = numbers.iter().map(String::as_str).collect();
    let mut narrowed = Section::new(section.kind(), section.port(), section.protocol(), &formats);
    for line in section.lines() {
        if stays(section, line, keep) {
            narrowed.push(line.letter(), line.value());
        }
    }
    narrowed.push('a', direction.word());
    narrowed
}

fn stays(section: &Section, line: &Line, keep: &[u8]) -> bool {
    if line.letter() != 'a' {
        return true;
    }
    let (name, value) = line.value().split_once(':').unwrap_or((line.value(), ""));
    match name {
        "rtpmap" | "fmtp" | "rtcp-fb" => {
            let number = value.trim_start().split(' ').next().unwrap_or_default();
            number == "*" || number.parse().is_ok_and(|number| keep.contains(&number))
        }
        "sendrecv" | "sendonly" | "recvonly" | "inactive" => false,
        "extmap" if value.ends_with(ARRIVALS) => section.kind() != "audio",
        "extmap" => !value.ends_with(ORIENTATION),
        _ => !NEEDLESS.contains(&name),
    }
}

/// The payload types of a section that carry one codec: its own, and that of its repetitions.
pub(crate) fn with_repeats(section: &Section, payload: u8) -> Vec<u8> {
    let repeats = |number: &u8| {
        let apt = section.of_payload("fmtp", *number).and_then(|format| format.trim().strip_prefix("apt="));
        apt.is_some_and(|of| of.split(';').next().is_some_and(|of| of.trim().parse() == Ok(payload)))
    };
    let numbers = section.formats().iter().filter_map(|format| format.parse().ok());
    std::iter::once(payload).chain(numbers.filter(repeats).take(1)).collect()
}

/// A section that is not meant: kind, carrier and name stay.
pub(crate) fn rejected(section: &Section) -> Section {
    let formats: Vec<&str> = section.formats().iter().map(String::as_str).take(1).collect();
    let mut out = Section::new(section.kind(), 0, section.protocol(), &formats);
    // RFC 8866 section 5.7 wants an address, here or before all sections.
    out.push('c', "IN IP4 0.0.0.0");
    // Some readers look for the meaning even of what is not meant.
    let first = formats.first().and_then(|format| format.parse().ok());
    if let Some((number, map)) = first.and_then(|number| Some((number, section.of_payload("rtpmap", number)?))) {
        out.push('a', &format!("rtpmap:{number} {map}"));
    }
    if !mid(section).is_empty() {
        out.push('a', &format!("mid:{}", mid(section)));
    }
    out.push('a', Direction::NONE.word());
    out
}

/// A description of ours for sound and pictures in these codecs, as if a browser had made it: what a call begins with that
/// nobody has described.
pub(crate) fn own(codecs: &[Codec]) -> Description {
    let mut sections = Vec::new();
    for (kind, word) in [(Kind::Audio, "audio"), (Kind::Video, "video")] {
        let mut numbers = (96..).step_by(2);
        let numbered: Vec<(u8, Codec)> = codecs
            .iter()
            .filter(|codec| codec.kind() == kind)
            .map_while(|codec| {
                let dynamic = numbers.next().filter(|number| *number < 126);
                Some((fixed(*codec).or(dynamic)?, *codec))
            })
            .collect();
        if numbered.is_empty() {
            continue;
        }
        let digits = (kind == Kind::Audio).then_some(126);
        let formats: Vec<String> =
            numbered.iter().map(|(number, _)| *number).chain(digits).map(|number| number.to_string()).collect();
        let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
        let mut section = Section::new(word, 9, "UDP/TLS/RTP/SAVPF", &formats);
        numbered.iter().for_each(|(number, codec)| describe(&mut section, *number, *codec));
        if let Some(digits) = digits {
            section.push('a', &format!("rtpmap:{digits} telephone-event/8000"));
        }
        if kind == Kind::Video {
            section.push('a', "rtcp-fb:* nack pli");
            section.push('a', "rtcp-fb:* ccm fir");
        }
        section.push('a', Direction::BOTH.word());
        sections.push(section);
    }
    Description::new(vec![Line::new('v', "0")], sections)
}

/// RFC 3551 section 6.
const fn fixed(codec: Codec) -> Option<u8> {
    match codec {
        Codec::Pcmu => Some(0),
        Codec::Pcma => Some(8),
        Codec::G722 => Some(9),
        _ => None,
    }
}

fn describe(section: &mut Section, number: u8, codec: Codec) {
    let channels = if codec == Codec::Opus { "/2" } else { "" };
    section.push('a', &format!("rtpmap:{number} {}/{}{channels}", codec.label(), codec.clock_rate()));
    match codec {
        Codec::H264 { profile_level, mode } => {
            section.push('a', &format!("fmtp:{number} packetization-mode={mode};profile-level-id={profile_level:06x}"))
        }
        Codec::Vp9 { profile } => section.push('a', &format!("fmtp:{number} profile-id={profile}")),
        Codec::Av1 { profile } => section.push('a', &format!("fmtp:{number} profile={profile}")),
        _ => {}
    }
}

/// The first line `a=group:BUNDLE` anew, naming the sections that are meant.
pub(crate) fn bundled(lines: &[Line], sections: &[Section]) -> Vec<Line> {
    let meant = sections.iter().filter(|section| !section.is_rejected()).map(mid).filter(|mid| !mid.is_empty());
    let names: Vec<&str> = meant.collect();
    let group = |line: &Line| line.letter() == 'a' && line.value().starts_with("group:BUNDLE");
    let mut out: Vec<Line> = lines.iter().filter(|line| !group(line)).cloned().collect();
    out.push(Line::new('a', &format!("group:BUNDLE {}", names.join(" "))));
    out
}

#[cfg(test)]
mod tests;
