//! What a telephone's description means for the browser: which codec, by which numbers, which way, and what is refused.
//! The words for the browser are the media engine's.

use std::net::{IpAddr, SocketAddr};

use patchbay_core::{Codec, Kind};

use super::codecs::{Format, Formats, PayloadMap};
use super::crypto::Crypto;
use super::model::{Description, Direction, Section};

/// How a section is carried, of those ways that we know with telephones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// It insists on keys: `RTP/SAVP`.
    pub secure: bool,
    /// It may have feedback at any time: `RTP/AVPF`.
    pub feedback: bool,
}

impl Profile {
    const ALL: [Self; 4] = [
        Self { secure: false, feedback: false },
        Self { secure: true, feedback: false },
        Self { secure: false, feedback: true },
        Self { secure: true, feedback: true },
    ];

    /// The words of the media line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match (self.secure, self.feedback) {
            (false, false) => "RTP/AVP",
            (true, false) => "RTP/SAVP",
            (false, true) => "RTP/AVPF",
            (true, true) => "RTP/SAVPF",
        }
    }

    fn of(protocol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.word().eq_ignore_ascii_case(protocol))
    }
}

/// Why a description cannot be used; each is a 488.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Neither sound nor pictures that we could carry.
    NoMedia,
    /// There are, but nobody says where to.
    NoAddress,
    /// The two sides have no codec in common, for sound or at all.
    NoCodec,
}

/// A section of a telephone's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSection {
    /// Sound, pictures, or something else.
    pub kind: Option<Kind>,
    /// How it is carried; `None`: in a way that we do not know.
    pub profile: Option<Profile>,
    /// The telephone does not mean it: port 0.
    pub rejected: bool,
    /// What it can carry.
    pub formats: Formats,
    /// Which way, as the telephone sees it.
    pub direction: Direction,
    /// The telephone does not want to hear us: `sendonly`, `inactive`, or the address 0.0.0.0.
    pub held: bool,
    /// Where it receives; `None` if it says no address, a name, or 0.0.0.0.
    pub rtp: Option<SocketAddr>,
    /// Where it receives RTCP: as it says, else one port above.
    pub rtcp: Option<SocketAddr>,
    /// Keys that we can use.
    pub crypto: Vec<Crypto>,
    /// It receives `nack pli`.
    pub pli: bool,
    /// It receives `ccm fir`.
    pub fir: bool,
}

impl PhoneSection {
    /// Whether media can flow by it at all: sound or pictures, in a way that we know, to somewhere or on hold.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.kind.is_some() && self.profile.is_some() && !self.rejected && (self.rtp.is_some() || self.held)
    }

    fn read(description: &Description, section: &Section) -> Self {
        let direction = description.direction(section);
        let address = description.address(section);
        let nowhere = address.is_some_and(|address| address.is_unspecified());
        let rtp = address.filter(|_| !nowhere).map(|address| SocketAddr::new(address, section.port()));
        let feedback = |wanted: &str| {
            section.attributes("rtcp-fb").any(|value| value.split_once(' ').is_some_and(|(_, kind)| kind == wanted))
        };
        Self {
            kind: match section.kind() {
                "audio" => Some(Kind::Audio),
                "video" => Some(Kind::Video),
                _ => None,
            },
            profile: Profile::of(section.protocol()),
            rejected: section.port() == 0,
            formats: Formats::read(section),
            direction,
            held: !direction.recv || nowhere,
            rtp: rtp.filter(|rtp| rtp.port() != 0),
            rtcp: rtp.and_then(|rtp| rtcp(section, rtp)),
            crypto: Crypto::list(section.attributes("crypto")),
            pli: feedback("nack pli"),
            fir: feedback("ccm fir"),
        }
    }
}

/// A telephone's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Its sections, in its order.
    pub sections: Vec<PhoneSection>,
}

impl Phone {
    /// Reads a telephone's description.
    ///
    /// # Errors
    /// If nothing can flow by any of its sections: 488.
    pub fn read(description: &Description) -> Result<Self, Unusable> {
        let each = description.sections().iter().map(|section| PhoneSection::read(description, section));
        let sections: Vec<_> = each.collect();
        if sections.iter().any(PhoneSection::is_usable) {
            return Ok(Self { sections });
        }
        let homeless = sections.iter().any(|one| one.kind.is_some() && one.profile.is_some() && !one.rejected);
        Err(if homeless { Unusable::NoAddress } else { Unusable::NoMedia })
    }
}

/// What two sides have agreed upon for one section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The section of the browser's description, by its place.
    pub browser: usize,
    /// The one codec that flows, as the browser knows it: the browser is told no other.
    pub codec: Codec,
    /// The codec's number in the telephone's description, and the codec as described there.
    pub phone: Format,
    /// The number of digits in the telephone's description, if both sides know them.
    pub digits: Option<u8>,
    /// The numbers of codec and digits, in each direction.
    pub payloads: PayloadMap,
    /// What the browser sends goes to the telephone.
    pub to_phone: bool,
    /// What the telephone sends goes to the browser.
    pub to_browser: bool,
}

/// What a telephone has agreed to by its answer to an offer of ours ([`to_phone::offer`](super::to_phone::offer)), by
/// section; `None` are those that it, or we, rejected. `ours` is that offer: its numbers are the browser's.
///
/// # Errors
/// If nothing is agreed upon, or no codec for sound that both meant: 488.
pub fn answered(ours: &Description, phone: &Phone) -> Result<Vec<Option<Agreed>>, Unusable> {
    judge(ours.sections().iter().enumerate().map(|(place, section)| {
        let theirs = phone.sections.get(place).filter(|theirs| theirs.is_usable())?;
        let meant = !section.is_rejected() && kind(section) == theirs.kind;
        meant.then(|| (theirs.kind, agree(ours, place, section, theirs, true)))
    }))
}

/// What a browser can take of a telephone's offer, by section of the telephone's; `None` are those to be rejected.
/// `browser` is what the browser has said in return: its first section for sound stands for the telephone's first usable
/// one, and so on.
///
/// # Errors
/// If nothing is agreed upon, or no codec for sound that both meant: 488.
pub fn offered(phone: &Phone, browser: &Description) -> Result<Vec<Option<Agreed>>, Unusable> {
    let mut taken = Vec::new();
    judge(phone.sections.iter().map(|theirs| {
        let fits = |place: usize, section: &Section| kind(section) == theirs.kind && !taken.contains(&place);
        let mut all = browser.sections().iter().enumerate();
        let found = all.find(|(place, section)| theirs.is_usable() && fits(*place, section));
        let (place, section) = found?;
        taken.push(place);
        (!section.is_rejected()).then(|| (theirs.kind, agree(browser, place, section, theirs, false)))
    }))
}

/// What a section of the browser's and one of the telephone's have in common. `answered`: the telephone has seen the
/// browser's numbers, and should send by them.
fn agree(
    browser: &Description,
    place: usize,
    section: &Section,
    theirs: &PhoneSection,
    answered: bool,
) -> Option<Agreed> {
    let formats = Formats::read(section);
    // The telephone's order in both cases: who offers says what it likes best, and who answers sends what it names first.
    let (phone, ours) = theirs.formats.first_common(&formats)?;
    let digits = formats.digits.zip(theirs.formats.digits);
    let pairs = [Some((ours.payload, phone.payload)), digits];
    let mut payloads = PayloadMap::default();
    if answered {
        pairs.iter().flatten().for_each(|(ours, phone)| payloads.insert(*ours, *phone, *ours));
    }
    // Some send by the numbers of their own answer.
    pairs.iter().flatten().for_each(|(ours, phone)| payloads.insert(*ours, *phone, *phone));
    let direction = browser.direction(section);
    Some(Agreed {
        browser: place,
        codec: ours.codec,
        phone,
        digits: digits.map(|(_, phone)| phone),
        payloads,
        to_phone: direction.send && !theirs.held,
        to_browser: direction.recv && theirs.direction.send,
    })
}

/// Sections that both sides mean, with what is agreed upon; whether that makes a call.
fn judge(
    sections: impl Iterator<Item = Option<(Option<Kind>, Option<Agreed>)>>,
) -> Result<Vec<Option<Agreed>>, Unusable> {
    let (mut agreed, mut deaf, mut heard) = (Vec::new(), false, false);
    for section in sections {
        let (kind, section) = section.map_or((None, None), |(kind, section)| (kind, section));
        heard |= kind == Some(Kind::Audio) && section.is_some();
        deaf |= kind == Some(Kind::Audio) && section.is_none();
        agreed.push(section);
    }
    // A call whose sides cannot hear each other although both wanted to is none, with or without pictures.
    let empty = agreed.iter().all(Option::is_none);
    if empty || (deaf && !heard) { Err(Unusable::NoCodec) } else { Ok(agreed) }
}

fn kind(section: &Section) -> Option<Kind> {
    match section.kind() {
        "audio" => Some(Kind::Audio),
        "video" => Some(Kind::Video),
        _ => None,
    }
}

/// RFC 3605: `a=rtcp:53020 [IN IP4 126.16.64.4]`.
fn rtcp(section: &Section, rtp: SocketAddr) -> Option<SocketAddr> {
    let Some(value) = section.attribute("rtcp") else {
        return Some(SocketAddr::new(rtp.ip(), rtp.port().checked_add(1)?));
    };
    let mut words = value.split_ascii_whitespace();
    let port = words.next()?.parse().ok().filter(|port| *port != 0)?;
    let address = words.nth(2).and_then(|address| address.parse::<IpAddr>().ok());
    Some(SocketAddr::new(address.filter(|address| !address.is_unspecified()).unwrap_or(rtp.ip()), port))
}

#[cfg(test)]
mod tests;
