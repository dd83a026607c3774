//! What a telephone is told: its side of a call with a browser, short enough for a UDP datagram.
//!
//! Nothing of a browser's description is copied but what is listed here: no candidate, no fingerprint, no header
//! extension, no name of a track.

use std::net::IpAddr;

use patchbay_core::Kind;

use super::codecs::{Format, Formats, describe};
use super::crypto::Crypto;
use super::model::{Description, Direction, Line, Section};
use super::to_browser::{Agreed, Phone, Profile, Unusable};

/// Longest value of `ptime` that is passed on, in milliseconds.
const PTIME: u32 = 200;

/// Our side of the network.
#[derive(Clone, Copy, Debug)]
pub struct Local<'a> {
    /// Where we receive.
    pub address: IpAddr,
    /// The number of the session, the same for the whole call.
    pub session: u64,
    /// One more with each description that differs.
    pub version: u64,
    /// For each section its ports and keys; sections without are rejected.
    pub ports: &'a [Port],
}

/// Our side of a section.
#[derive(Clone, Debug)]
pub struct Port {
    /// Where we receive RTP; RTCP one above, so it is even. 0 rejects the section.
    pub rtp: u16,
    /// How: only for offers, an answer repeats what was offered.
    pub profile: Profile,
    /// Our keys: those to choose from in an offer, the one of [`crypto::Choice`](super::crypto::Choice) in an answer.
    pub crypto: Vec<Crypto>,
}

/// An offer for a telephone, out of a browser's offer, or out of its answer where the telephone has left the offer to us.
/// Payload types are the browser's, so those of the browser's sections are known again in the answer.
///
/// The sections are the browser's, in its order; those that telephones have no use for are rejected.
///
/// # Errors
/// If there is no codec that a telephone could know: 488.
pub fn offer(browser: &Description, local: &Local) -> Result<Description, Unusable> {
    let mut sections = Vec::new();
    for (place, section) in browser.sections().iter().enumerate() {
        let formats = Formats::read(section).for_phones();
        let port = local.ports.get(place).filter(|port| port.rtp != 0);
        let Some(port) = port.filter(|_| !section.is_rejected() && !formats.codecs.is_empty()) else {
            sections.push(rejected(section));
            continue;
        };
        let mut ours = media(section.kind(), port.rtp, port.profile.word(), &formats.codecs, formats.digits);
        if section.kind() == "video" {
            for format in &formats.codecs {
                let told = |wanted: &str| {
                    let all = section.attributes("rtcp-fb").filter_map(|value| value.split_once(' '));
                    let mut fits = all.filter(|(number, _)| *number == "*" || number.parse() == Ok(format.payload));
                    fits.any(|(_, kind)| kind == wanted)
                };
                feedback(&mut ours, *format, told("nack pli"), told("ccm fir"));
            }
        }
        let ptime = section.attribute("ptime").and_then(|value| value.trim().parse::<u32>().ok());
        if let Some(ptime) = ptime.filter(|ptime| (1..=PTIME).contains(ptime)) {
            ours.push('a', &format!("ptime:{ptime}"));
        }
        finish(&mut ours, &port.crypto, browser.direction(section));
        sections.push(ours);
    }
    if sections.iter().all(Section::is_rejected) {
        return Err(Unusable::NoCodec);
    }
    Ok(Description::new(head(local), sections))
}

/// An offer of plain RTP that has keys in it, as one that asks for them: telephones that talk under keys only take no other
/// (RFC 4568 section 6; the profile is RFC 3711's). `None`: it has none, or asks already.
#[must_use]
pub fn keyed(offer: &str) -> Option<String> {
    let description = Description::parse(offer).ok()?;
    let plain = |section: &Section| section.protocol() == PLAIN && section.attribute("crypto").is_some();
    if !description.sections().iter().any(plain) {
        return None;
    }
    let sections = description.sections().iter().map(|section| match plain(section) {
        true => section.clone().with_protocol(KEYED),
        false => section.clone(),
    });
    Some(Description::new(description.lines().to_vec(), sections.collect()).write())
}

const PLAIN: &str = "RTP/AVP";
const KEYED: &str = "RTP/SAVP";

/// An answer to a telephone's offer: each section with the one codec that was agreed upon, so that the telephone cannot
/// change over to another, and digits. `phone` is what was read of `offer`; what is not in `agreed`, or has no port, is
/// rejected.
#[must_use]
pub fn answer(offer: &Description, phone: &Phone, agreed: &[Option<Agreed>], local: &Local) -> Description {
    let sections = offer.sections().iter().enumerate().map(|(place, section)| {
        let port = local.ports.get(place).filter(|port| port.rtp != 0);
        let agreed = agreed.get(place).and_then(Option::as_ref);
        let (Some(port), Some(agreed), Some(theirs)) = (port, agreed, phone.sections.get(place)) else {
            return rejected(section);
        };
        let Some(profile) = theirs.profile else { return rejected(section) };
        let mut ours = media(section.kind(), port.rtp, profile.word(), &[agreed.phone], agreed.digits);
        if theirs.kind == Some(Kind::Video) {
            feedback(&mut ours, agreed.phone, theirs.pli, theirs.fir);
        }
        // Both are only where the telephone does the other: its direction, mirrored, or less.
        finish(&mut ours, &port.crypto, Direction { send: agreed.to_phone, recv: agreed.to_browser });
        ours
    });
    Description::new(head(local), sections.collect())
}

fn head(local: &Local) -> Vec<Line> {
    let Local { address, session, version, .. } = local;
    let family = if address.is_ipv4() { "IP4" } else { "IP6" };
    // The standard's numbers are as long as these, but some telephones read no more than 63 bits.
    let (session, version) = (session >> 1, version & (u64::MAX >> 1));
    vec![
        Line::new('v', "0"),
        Line::new('o', &format!("- {session} {version} IN {family} {address}")),
        Line::new('s', "-"),
        Line::new('c', &format!("IN {family} {address}")),
        Line::new('t', "0 0"),
    ]
}

fn media(kind: &str, port: u16, protocol: &str, codecs: &[Format], digits: Option<u8>) -> Section {
    let numbers: Vec<_> = codecs.iter().map(|format| format.payload).chain(digits).map(|one| one.to_string()).collect();
    let numbers: Vec<_> = numbers.iter().map(String::as_str).collect();
    let mut section = Section::new(kind, port, protocol, &numbers);
    codecs.iter().for_each(|format| describe(*format, &mut section));
    if let Some(digits) = digits {
        section.push('a', &format!("rtpmap:{digits} telephone-event/8000"));
        section.push('a', &format!("fmtp:{digits} 0-16"));
    }
    section
}

fn feedback(section: &mut Section, format: Format, pli: bool, fir: bool) {
    for (kind, told) in [("nack pli", pli), ("ccm fir", fir)] {
        if told {
            section.push('a', &format!("rtcp-fb:{} {kind}", format.payload));
        }
    }
}

fn finish(section: &mut Section, crypto: &[Crypto], direction: Direction) {
    crypto.iter().for_each(|crypto| section.push('a', &format!("crypto:{}", crypto.write())));
    section.push('a', direction.word());
}

/// A section that is not meant: its media line, cut short, as the number of sections must stay what it is.
fn rejected(section: &Section) -> Section {
    let formats: Vec<_> = section.formats().iter().map(String::as_str).take(1).collect();
    Section::new(section.kind(), 0, section.protocol(), &formats)
}

#[cfg(test)]
mod tests;
