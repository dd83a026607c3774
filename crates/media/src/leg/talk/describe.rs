//! Descriptions of a browser in a conversation: offers and answers, the first and the later ones.

use std::sync::Arc;
use std::time::Instant;

use patchbay_core::{Codec, DescriptionKind, LinkId, MediaEvent, MediaFault, Section as Told};
use patchbay_sdp::{Description, Direction, Formats, Section};
use str0m::Rtc;
use str0m::change::{SdpAnswer, SdpOffer};
use str0m::media::{Direction as Way, MediaKind, Mid};
use str0m::rtp::{Extension, ExtensionMap};

use super::{Talking, Wired};
use crate::dtls::Identity;
use crate::egress::RESEND_SHARE;
use crate::keyframe::Throttle;
use crate::leg::{Leg, Over, Role};
use crate::meter::Meter;
use crate::talk::{Choice, Numbers, Stream, words};
use crate::timeline::Sampled;
use crate::{Config, codecs, random, sdp};

const FAULTY: Over = Over::Fault(MediaFault::Description);
const INTERNAL: Over = Over::Fault(MediaFault::Internal);

/// What to do about a later offer.
pub(crate) enum Change {
    /// It is answered at once.
    Answered(MediaEvent),
    /// The other end is to be offered this first, by this end's places.
    Asks(Description),
}

impl Talking {
    /// What the peer has said that it can: the other end is offered this, by the same places. Of an answer that is what it
    /// will send.
    pub(crate) fn can(&self) -> Option<Description> {
        if let Some(held) = &self.held {
            return Some(words::can(held, &self.codecs, |_| true));
        }
        let said = self.said.as_ref()?;
        let sections = said.sections().iter().zip(&self.lines).map(|(section, line)| {
            let formats = Formats::read(section);
            let codec = line.as_ref().and_then(|line| formats.codecs.iter().find(|format| format.codec == line.codec));
            let Some(codec) = codec else { return words::rejected(section) };
            let keep: Vec<u8> = std::iter::once(codec.payload).chain(formats.digits).collect();
            words::narrow(section, &keep, said.direction(section))
        });
        Some(Description::new(said.lines().to_vec(), sections.collect()))
    }
}

impl Leg {
    /// Takes a browser's first offer, or another one in its place, which waits for the other end.
    pub(crate) fn hold(&mut self, text: &str) -> Result<MediaEvent, Over> {
        let held = read(text)?;
        // What str0m cannot read has not to wait to be told so.
        SdpOffer::from_sdp_string(text).map_err(|_| FAULTY)?;
        let Role::Talk(talking) = &mut self.role else { return Err(INTERNAL) };
        let (audio, video) = words::first(&words::can(&held, &talking.codecs, |_| true));
        if audio.is_none() && video.is_none() {
            return Err(FAULTY);
        }
        talking.held = Some(held);
        Ok(MediaEvent::Parsed { link: self.link, audio, video, layers: 0 })
    }

    /// Takes a browser's later offer. One that cannot be read is declined by who calls. `tells`: the other end is a
    /// telephone, which is to know whether it is listened to.
    pub(crate) fn reconsider(
        &mut self,
        text: &str,
        tells: bool,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<Change, Over> {
        let held = read(text)?;
        SdpOffer::from_sdp_string(text).map_err(|_| FAULTY)?;
        let Role::Talk(talking) = &mut self.role else { return Err(INTERNAL) };
        let can = words::can(&held, &talking.codecs, |_| true);
        let flows = |place: usize, mid: &str| {
            talking.lines.get(place).is_some_and(|line| line.as_ref().is_some_and(|line| &*line.mid == mid))
        };
        let mut sections = can.sections().iter().enumerate();
        let adds = sections.any(|(place, section)| !section.is_rejected() && !flows(place, words::mid(section)));
        let choices: Vec<Choice> = talking
            .lines
            .iter()
            .enumerate()
            .filter_map(|(place, line)| {
                let line = line.as_ref()?;
                let section = can.sections().get(place).filter(|section| !section.is_rejected())?;
                let has = Formats::read(section).codecs.iter().any(|format| format.codec == line.codec);
                let digits = line.numbers.of_carried(crate::talk::Carried::Digits).is_some();
                has.then_some(Choice { place: line.other.unwrap_or(place), other: place, codec: line.codec, digits })
            })
            .collect();
        // A hold is the telephone's as well: it stops to send what nobody hears, and shows its user why.
        let turns = tells
            && talking.said.as_ref().is_some_and(|said| {
                let pairs = said.sections().iter().zip(held.sections()).enumerate();
                let flowing = pairs.filter(|(place, _)| talking.lines.get(*place).is_some_and(Option::is_some));
                flowing.into_iter().any(|(_, (before, now))| said.direction(before) != held.direction(now))
            });
        if (adds || turns) && talking.other.is_some() {
            talking.held = Some(held);
            return Ok(Change::Asks(can));
        }
        if choices.is_empty() {
            return Err(FAULTY);
        }
        talking.held = Some(held);
        self.complete(&choices, identity, config, now).map(Change::Answered)
    }

    /// Answers the offer that waits, as the other end has chosen.
    pub(crate) fn complete(
        &mut self,
        choices: &[Choice],
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<MediaEvent, Over> {
        let Role::Talk(talking) = &mut self.role else { return Err(INTERNAL) };
        let held = talking.held.take().ok_or(FAULTY)?;
        let mut agreed = Vec::new();
        for choice in choices {
            let section = held.sections().get(choice.other).ok_or(FAULTY)?;
            agreed.push((*choice, kept(section, choice).ok_or(FAULTY)?));
        }
        if agreed.is_empty() {
            return Err(FAULTY);
        }
        let chosen = choices.iter().map(|choice| choice.codec);
        let list: Vec<Codec> = chosen.chain(words::codecs(&words::can(&held, &talking.codecs, |_| true))).collect();
        let list: Vec<Codec> = list.into_iter().chain(talking.codecs.iter().copied()).collect();
        if self.rtc.is_none() {
            self.converse(&list, identity, config, now);
        }
        let offer = SdpOffer::from_sdp_string(&cut(&held, &agreed).write()).map_err(|_| FAULTY)?;
        let rtc = self.rtc.as_mut().ok_or(INTERNAL)?;
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|error| {
            tracing::debug!(%error, "an offer was refused");
            FAULTY
        })?;
        let answer = Description::parse(&answer.to_sdp_string()).map_err(|_| INTERNAL)?;
        let text = whole(&held, &answer).write();
        let listens = |place: usize| {
            let section = held.sections().get(place);
            section.is_none_or(|section| held.direction(section).recv)
        };
        self.wire(
            choices.iter().map(|choice| (choice.other, choice.place, choice.codec, listens(choice.other))),
            &held,
            config,
        )?;
        let Role::Talk(talking) = &mut self.role else { return Err(INTERNAL) };
        talking.said = Some(held);
        self.agree(now);
        Ok(self.local(DescriptionKind::Answer, text))
    }

    /// Offers a browser what the other end can. `basis` is by the other end's places.
    pub(crate) fn propose(
        &mut self,
        basis: Description,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<MediaEvent, Over> {
        let Role::Talk(talking) = &self.role else { return Err(INTERNAL) };
        let on = Arc::clone(&talking.codecs);
        let basis = words::can(&basis, &on, |_| true);
        let offered = words::codecs(&basis);
        if offered.is_empty() {
            return Err(FAULTY);
        }
        if self.rtc.is_none() {
            let list: Vec<Codec> = offered.iter().copied().chain(on.iter().copied()).collect();
            self.converse(&list, identity, config, now);
        }
        let (Role::Talk(talking), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(INTERNAL) };
        let mut leads: Vec<usize> = talking
            .lines
            .iter()
            .map(|line| line.as_ref().and_then(|line| line.other))
            .map(|other| other.unwrap_or(usize::MAX))
            .collect();
        let mut api = rtc.sdp_api();
        for (place, section) in basis.sections().iter().enumerate() {
            let Some(kind) = words::kind(section).filter(|_| !section.is_rejected() && !leads.contains(&place)) else {
                continue;
            };
            let kind = match kind {
                patchbay_core::Kind::Audio => MediaKind::Audio,
                patchbay_core::Kind::Video => MediaKind::Video,
            };
            // One stream for all: they are played in step.
            api.add_media(kind, way(basis.direction(section)), Some("s".to_owned()), None, None);
            leads.push(place);
        }
        let (offer, pending) = api.apply().ok_or(FAULTY)?;
        let ours = Description::parse(&offer.to_sdp_string()).map_err(|_| INTERNAL)?;
        let sections = ours.sections().iter().enumerate().map(|(place, section)| {
            let theirs = leads.get(place).and_then(|place| basis.sections().get(*place));
            theirs.map_or_else(|| section.clone(), |theirs| like(section, theirs, ours.direction(section)))
        });
        let text = Description::new(ours.lines().to_vec(), sections.collect()).write();
        (talking.offer, talking.basis, talking.leads) = (Some(pending), Some(basis), leads);
        Ok(self.local(DescriptionKind::Offer, text))
    }

    /// Takes a browser's answer to our offer. `None`: nobody asked for it.
    pub(crate) fn concur(
        &mut self,
        text: &str,
        config: &Config,
        now: Instant,
    ) -> Result<Option<(MediaEvent, Vec<Choice>)>, Over> {
        let said = read(text)?;
        let answer = SdpAnswer::from_sdp_string(text).map_err(|_| FAULTY)?;
        let (Role::Talk(talking), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(FAULTY) };
        let Some(pending) = talking.offer.take() else { return Ok(None) };
        let (basis, leads) = (talking.basis.take().ok_or(INTERNAL)?, talking.leads.clone());
        let (mut choices, mut own) = (Vec::new(), Vec::new());
        for (place, section) in said.sections().iter().enumerate().filter(|(_, section)| !section.is_rejected()) {
            let Some(other) = leads.get(place).copied() else { continue };
            let Some(theirs) = basis.sections().get(other).filter(|theirs| !theirs.is_rejected()) else { continue };
            let (ours, theirs) = (Formats::read(section), Formats::read(theirs));
            // Its first codec is the one that it sends.
            let Some((mine, format)) = ours.first_common(&theirs) else { continue };
            let digits = ours.digits.is_some() && theirs.digits.is_some();
            choices.push(Choice { place, other, codec: format.codec, digits });
            let listens = said.direction(section).recv;
            own.push((place, other, mine.codec, listens));
        }
        let sound = |description: &Description| {
            let mut sections = description.sections().iter();
            sections.any(|section| section.kind() == "audio" && !section.is_rejected())
        };
        let heard = choices.iter().any(|choice| choice.codec.kind() == patchbay_core::Kind::Audio);
        if choices.is_empty() || (sound(&basis) && !heard) {
            return Err(FAULTY);
        }
        rtc.sdp_api().accept_answer(pending, answer).map_err(|error| {
            tracing::debug!(%error, "an answer was refused");
            FAULTY
        })?;
        self.wire(own.into_iter(), &said, config)?;
        let Role::Talk(talking) = &mut self.role else { return Err(INTERNAL) };
        talking.said = Some(said);
        let of = |kind| choices.iter().map(|choice| choice.codec).find(|codec| codec.kind() == kind);
        let (audio, video) = (of(patchbay_core::Kind::Audio), of(patchbay_core::Kind::Video));
        self.agree(now);
        Ok(Some((MediaEvent::Parsed { link: self.link, audio, video, layers: 0 }, choices)))
    }

    /// Makes the connection, in these codecs or any of them that is agreed upon later.
    fn converse(&mut self, list: &[Codec], identity: &Identity, config: &Config, now: Instant) {
        let mut builder = Self::builder(identity, self.lite, self.report_every).set_extension_map(extensions());
        *builder.codec_config() = codecs::config_with_digits(&codecs::distinct(list.iter().copied()));
        let rtc = builder.build(now);
        self.adopt(rtc, config);
    }

    /// From now on it has a time to connect in.
    fn agree(&mut self, now: Instant) {
        let Role::Talk(talking) = &mut self.role else { return };
        if !std::mem::replace(&mut talking.agreed, true) {
            self.opened = now;
        }
    }

    /// Has the lines follow what was agreed upon: by place, the section of the other end, the codec, and whether the peer
    /// listens. Sections that are not named pass nothing.
    fn wire(
        &mut self,
        agreed: impl Iterator<Item = (usize, usize, Codec, bool)>,
        said: &Description,
        config: &Config,
    ) -> Result<(), Over> {
        let (Role::Talk(talking), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(INTERNAL) };
        let mut before = std::mem::take(&mut talking.lines);
        let mut lines: Vec<Option<Wired>> = (0..said.sections().len()).map(|_| None).collect();
        for (place, other, codec, listens) in agreed {
            let Some(section) = said.sections().get(place) else { continue };
            let mid = Mid::from(words::mid(section));
            let known = before.iter_mut().find(|line| line.as_ref().is_some_and(|line| line.mid == mid));
            let known = known.and_then(Option::take);
            let Some(mut line) = wired(rtc, mid, codec, known, config)? else { continue };
            if !listens {
                line.stream.pause();
            }
            (line.other, line.listens) = (Some(other), listens);
            lines[place] = Some(line);
        }
        talking.lines = lines;
        if talking.lines.iter().all(Option::is_none) { Err(FAULTY) } else { Ok(()) }
    }

    /// Learns where the sections of this end lead, if another end answered later.
    pub(crate) fn pair(&mut self, choices: &[Choice]) {
        let Role::Talk(talking) = &mut self.role else { return };
        talking.lines.iter_mut().flatten().for_each(|line| line.other = None);
        for choice in choices {
            if let Some(Some(line)) = talking.lines.get_mut(choice.other) {
                line.other = Some(choice.place);
            }
        }
    }

    fn local(&self, kind: DescriptionKind, text: String) -> MediaEvent {
        let other = match &self.role {
            Role::Talk(talking) => talking.other,
            _ => None,
        };
        let told = |section: &Section| Told {
            mid: words::mid(section).to_owned(),
            kind: words::kind(section),
            source: other.filter(|_| !section.is_rejected()),
        };
        let sections: Vec<Told<LinkId>> = match Description::parse(&text) {
            Ok(description) => description.sections().iter().map(told).collect(),
            Err(_) => Vec::new(),
        };
        MediaEvent::Local { link: self.link, kind, sdp: text.into(), sections }
    }
}

fn read(text: &str) -> Result<Description, Over> {
    sdp::check(text).map_err(|_| FAULTY)?;
    Description::parse(text).map_err(|_| FAULTY)
}

fn way(direction: Direction) -> Way {
    match (direction.send, direction.recv) {
        (true, true) => Way::SendRecv,
        (true, false) => Way::SendOnly,
        (false, true) => Way::RecvOnly,
        (false, false) => Way::Inactive,
    }
}

/// The payload types of a browser's section that stay: the chosen codec, its repetitions, and digits if both know them.
fn kept(section: &Section, choice: &Choice) -> Option<Vec<u8>> {
    let formats = Formats::read(section);
    let codec = formats.codecs.iter().find(|format| format.codec == choice.codec)?;
    let digits = formats.digits.filter(|_| choice.digits);
    Some(words::with_repeats(section, codec.payload).into_iter().chain(digits).collect())
}

/// A browser's offer as str0m is to see it: sound and pictures only, each section with what was chosen or rejected.
fn cut(held: &Description, agreed: &[(Choice, Vec<u8>)]) -> Description {
    let sections = held.sections().iter().enumerate().filter(|(_, section)| words::kind(section).is_some());
    let sections: Vec<Section> = sections
        .map(|(place, section)| match agreed.iter().find(|(choice, _)| choice.other == place) {
            Some((_, keep)) => words::narrow(section, keep, held.direction(section)),
            None => words::rejected(section),
        })
        .collect();
    Description::new(words::bundled(held.lines(), &sections), sections)
}

/// str0m's answer to that, with the sections that it has not seen, rejected, in their places. Candidates are with the first
/// section that is meant.
fn whole(held: &Description, answer: &Description) -> Description {
    let mut answered = answer.sections().iter();
    let mut sections: Vec<Section> = held
        .sections()
        .iter()
        .map(|section| match words::kind(section) {
            Some(_) => answered.next().cloned().unwrap_or_else(|| words::rejected(section)),
            None => words::rejected(section),
        })
        .collect();
    let candidates: Vec<String> =
        answer.sections().iter().flat_map(|section| section.attributes("candidate")).map(ToOwned::to_owned).collect();
    let first = sections.iter().position(|section| !section.is_rejected());
    for (place, section) in sections.iter_mut().enumerate() {
        let has = section.attribute("candidate").is_some();
        if section.is_rejected() && has {
            *section = words::rejected(section);
        }
        if Some(place) == first && !has {
            candidates.iter().for_each(|candidate| section.push('a', &format!("candidate:{candidate}")));
        }
    }
    Description::new(words::bundled(answer.lines(), &sections), sections)
}

/// A section of our offer with the codecs of the other end's alone, in the other end's order.
fn like(ours: &Section, theirs: &Section, direction: Direction) -> Section {
    let (known, wanted) = (Formats::read(ours), Formats::read(theirs));
    let mut keep: Vec<u8> = Vec::new();
    for format in &wanted.codecs {
        let same = |other: &&patchbay_sdp::Format| other.codec == format.codec;
        let Some(found) = known.codecs.iter().find(same) else { continue };
        keep.extend(
            words::with_repeats(ours, found.payload).into_iter().filter(|one| !keep.contains(one)).collect::<Vec<_>>(),
        );
    }
    keep.extend(known.digits.filter(|_| wanted.digits.is_some()));
    words::narrow(ours, &keep, direction)
}

/// What a section is sent by, as was agreed upon. `known`: what it was before, whose numbers go on.
fn wired(rtc: &mut Rtc, mid: Mid, codec: Codec, known: Option<Wired>, config: &Config) -> Result<Option<Wired>, Over> {
    let Some(media) = rtc.media(mid) else { return Ok(None) };
    let agreed = media.remote_pts().to_vec();
    let params = rtc.codec_config().params();
    let mut usable = params.iter().filter(|params| agreed.contains(&params.pt()));
    let media = usable.clone().find(|params| codecs::carries(params, codec)).map(|params| *params.pt());
    let Some(number) = media else { return Ok(None) };
    let digits = usable.find(|params| codecs::carries_digits(params)).map(|params| *params.pt());
    let numbers = Numbers::same(number, digits);
    let mut api = rtc.direct_api();
    let Some(out) = api.stream_tx_by_mid(mid, None) else {
        // The peer only sends.
        return Ok(Some(match known {
            Some(known) => Wired { codec, numbers, ..known },
            None => new(mid, codec, numbers, 0.into(), 0),
        }));
    };
    if codec.kind() == patchbay_core::Kind::Video {
        out.set_rtx_cache(config.resend.0, config.resend.1, Some(RESEND_SHARE));
    }
    out.set_unpaced(true);
    let ssrc = out.ssrc();
    if let Some(known) = known.filter(|known| known.ssrc == ssrc) {
        return Ok(Some(Wired { codec, numbers, ..known }));
    }
    let first = random::bytes().map(u16::from_be_bytes).ok_or(INTERNAL)?;
    Ok(Some(new(mid, codec, numbers, ssrc, first)))
}

fn new(mid: Mid, codec: Codec, numbers: Numbers, ssrc: str0m::rtp::Ssrc, first: u16) -> Wired {
    Wired {
        mid,
        codec,
        numbers,
        other: None,
        ssrc,
        stream: Stream::new(first, codec.clock_rate()),
        listens: false,
        theirs: None,
        sampled: Sampled::default(),
        throttle: Throttle::new(),
        meter: Meter::new(),
    }
}

/// Header extensions of a conversation. Without the orientation of pictures, browsers turn them before they send.
fn extensions() -> ExtensionMap {
    let mut map = ExtensionMap::empty();
    map.set(1, Extension::AudioLevel);
    map.set(2, Extension::AbsoluteSendTime);
    map.set(3, Extension::TransportSequenceNumber);
    map.set(4, Extension::RtpMid);
    map
}
