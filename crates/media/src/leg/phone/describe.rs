//! Descriptions of a telephone's leg: offers and answers, the first and the later ones.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use patchbay_core::{Codec, Kind, LinkId, MediaFault, Section as Told};
use patchbay_sdp::change::{self, Verdict};
use patchbay_sdp::crypto::{self, Choice as Keyed, Crypto, KEY_BYTES, Suite};
use patchbay_sdp::to_phone::{self, Local, Port};
use patchbay_sdp::{Agreed, Description, Direction, Formats, Phone, PhoneSection, Profile, Section, answered, offered};

use super::{Line, Telephone, control};
use crate::leg::Over;
use crate::random;
use crate::sink::Sink;
use crate::talk::{Choice, words};

const FAULTY: Over = Over::Fault(MediaFault::Description);

/// What to do about a later offer.
pub(crate) enum Change {
    /// It is answered, here. `resumed`: sections of pictures that the telephone listens to again.
    Answered { sdp: String, resumed: Vec<usize> },
    /// It cannot be taken.
    Declined,
}

impl Telephone {
    /// Takes the telephone's offer, which then waits for the other end: what it likes best, for sound and for pictures.
    ///
    /// # Errors
    /// If it is of no use, or there are no ports.
    pub(crate) fn take_offer(
        &mut self,
        text: &str,
        addresses: &[SocketAddr],
        sink: &mut dyn Sink,
    ) -> Result<(Option<Codec>, Option<Codec>), Over> {
        let (description, phone) = read(text)?;
        let keyed = |section: &PhoneSection| self.policy_allows(section);
        let meant = |place: usize| phone.sections.get(place).is_some_and(|one| one.is_usable() && keyed(one));
        let can = words::can(&description, &self.codecs, meant);
        let found = words::first(&can);
        let sound = |one: &PhoneSection| one.is_usable() && one.kind == Some(Kind::Audio);
        let unkeyed = phone.sections.iter().any(|one| sound(one) && !keyed(one));
        if found == (None, None) || (found.0.is_none() && unkeyed) {
            return Err(FAULTY);
        }
        for (place, section) in can.sections().iter().enumerate() {
            let wanted = words::kind(section).filter(|_| !section.is_rejected());
            let told = phone.sections.get(place).and_then(|one| one.rtp);
            self.bind(place, wanted, told, addresses, sink)?;
        }
        self.theirs = Some((description, phone));
        self.waits = true;
        Ok(found)
    }

    /// What the telephone has said that it can: the other end is offered this, by the same places.
    pub(crate) fn can(&self) -> Option<Description> {
        if let Some(settled) = self.settled.as_ref().filter(|_| !self.waits) {
            return Some(settled.clone());
        }
        let (description, phone) = self.theirs.as_ref()?;
        let meant = |place: usize| {
            let bound = self.lines.get(place).is_some_and(Option::is_some);
            bound && phone.sections.get(place).is_some_and(PhoneSection::is_usable)
        };
        let can = words::can(description, &self.codecs, meant);
        // Which way the telephone would have it now is no concern of the other end: it may change its mind.
        let both = |section: &Section| match section.is_rejected() {
            true => section.clone(),
            false => {
                let keep: Vec<u8> = section.formats().iter().filter_map(|one| one.parse().ok()).collect();
                words::narrow(section, &keep, Direction::BOTH)
            }
        };
        Some(Description::new(can.lines().to_vec(), can.sections().iter().map(both).collect()))
    }

    /// Whether the operator's wish and the telephone's about keys go together.
    fn policy_allows(&self, section: &PhoneSection) -> bool {
        let profile = section.profile.unwrap_or(PLAIN);
        crypto::answer(self.policy, profile, &section.crypto, &[0; KEY_BYTES]) != Keyed::Refused
    }

    /// Offers the telephone what the other end can. `can` is by the other end's places; so is a first offer, and later ones
    /// keep to the places that there are.
    ///
    /// # Errors
    /// If there is nothing that a telephone could know, or there are no ports.
    pub(crate) fn offer(
        &mut self,
        can: &Description,
        addresses: &[SocketAddr],
        sink: &mut dyn Sink,
    ) -> Result<String, Over> {
        let basis = &self.arrange(&words::can(can, &self.codecs, |_| true));
        let (keys, profile) = self.policy.offers();
        for (place, section) in basis.sections().iter().enumerate() {
            let known = !Formats::read(section).for_phones().codecs.is_empty();
            let wanted = words::kind(section).filter(|_| known && !section.is_rejected());
            let told = self.line(place).and_then(|line| line.rtp.destination());
            self.bind(place, wanted, told, addresses, sink)?;
            if let Some(Some(line)) = self.lines.get_mut(place)
                && keys
                && line.offered.is_empty()
            {
                line.offered = vec![Crypto::new(1, Suite::AesCm128HmacSha1_80, &random_key()?)];
            }
        }
        let theirs = |place: usize| self.theirs.as_ref().and_then(|(_, phone)| phone.sections.get(place)?.profile);
        let port = |(place, line): (usize, &Option<Line>)| match line {
            // What is agreed upon stays as it is.
            Some(line) if line.agreed.is_some() => Port {
                rtp: line.local.port(),
                profile: theirs(place).unwrap_or(profile),
                crypto: line.key().cloned().into_iter().collect(),
            },
            Some(line) => Port { rtp: line.local.port(), profile, crypto: line.offered.clone() },
            None => Port { rtp: 0, profile, crypto: Vec::new() },
        };
        let ports: Vec<Port> = self.lines.iter().enumerate().map(port).collect();
        let address = self.address().ok_or(FAULTY)?;
        self.version += 1;
        let local = Local { address, session: self.session, version: self.version, ports: &ports };
        let ours = to_phone::offer(basis, &local).map_err(|_| FAULTY)?;
        let text = ours.write();
        (self.made, self.asked) = (Some(ours), true);
        self.last_said = Some(text.clone());
        Ok(text)
    }

    /// What the other end can, by this end's places: those that there are, then the new ones. Notes what is where.
    fn arrange(&mut self, can: &Description) -> Description {
        let mut leads: Vec<Option<usize>> = Vec::new();
        if self.agreed {
            leads.extend(self.lines.iter().map(|line| line.as_ref().and_then(|line| line.other)));
        }
        for (place, section) in can.sections().iter().enumerate() {
            if !leads.contains(&Some(place)) && (!self.agreed || !section.is_rejected()) {
                leads.push(Some(place));
            }
        }
        let before = self.theirs.as_ref().map(|(description, _)| description.sections()).unwrap_or_default();
        let section = |(place, lead): (usize, &Option<usize>)| match lead.and_then(|lead| can.sections().get(lead)) {
            Some(section) => section.clone(),
            None => before.get(place).map_or_else(|| Section::new("audio", 0, "RTP/AVP", &["0"]), words::rejected),
        };
        let arranged = Description::new(can.lines().to_vec(), leads.iter().enumerate().map(section).collect());
        self.leads = leads;
        arranged
    }

    /// Takes the telephone's answer to our last offer: the first one, or another one to the same offer.
    ///
    /// # Errors
    /// If it cannot be used.
    pub(crate) fn take_answer(&mut self, text: &str, now: Instant, sink: &mut dyn Sink) -> Result<Vec<Choice>, Over> {
        let (description, phone) = read(text)?;
        let made = self.made.clone().ok_or(FAULTY)?;
        let mut agreed = answered(&made, &phone).map_err(|_| FAULTY)?;
        let mut keys = Vec::new();
        for (place, section) in phone.sections.iter().enumerate() {
            let ours: Vec<Crypto> = match self.line(place) {
                Some(line) => line.key().cloned().into_iter().chain(line.offered.iter().cloned()).collect(),
                None => Vec::new(),
            };
            let profile = section.profile.unwrap_or(PLAIN);
            keys.push(crypto::chosen(self.policy, profile, &ours, &section.crypto));
        }
        self.refuse_unkeyed(&mut agreed, &keys)?;
        let choices: Vec<Choice> = agreed
            .iter()
            .enumerate()
            .filter_map(|(place, one)| {
                let one = one.as_ref()?;
                let other = self.leads.get(place).copied().flatten()?;
                Some(Choice { place, other, codec: one.codec, digits: one.digits.is_some() })
            })
            .collect();
        // An answer that comes again keeps to this.
        self.made = Some(narrowed(&made, &choices, |choice| choice.place));
        self.settled = self.made.clone();
        self.asked = false;
        self.apply(&phone, &agreed, keys, &made, now, sink)?;
        self.theirs = Some((description, phone));
        Ok(choices)
    }

    /// Answers the telephone's offer, as the other end has chosen.
    ///
    /// # Errors
    /// If nothing is left to agree upon.
    pub(crate) fn complete(&mut self, choices: &[Choice], now: Instant, sink: &mut dyn Sink) -> Result<String, Over> {
        let (description, phone) = self.theirs.clone().ok_or(FAULTY)?;
        self.waits = false;
        self.settled = Some(narrowed(&description, choices, |choice| choice.other));
        let chosen = |place: usize| choices.iter().any(|choice| choice.other == place);
        let text = self.answer(&description, &phone, chosen, now, sink)?.0;
        for choice in choices {
            if let Some(Some(line)) = self.lines.get_mut(choice.other) {
                line.other = Some(choice.place);
            }
        }
        self.theirs = Some((description, phone));
        Ok(text)
    }

    /// Takes an offer that comes later.
    pub(crate) fn change(&mut self, text: &str, now: Instant, sink: &mut dyn Sink) -> Result<Change, Over> {
        let Ok((description, phone)) = read(text) else { return Ok(Change::Declined) };
        let Some((_, last)) = &self.theirs else { return Ok(Change::Declined) };
        let before: Vec<Option<Agreed>> = self.lines.iter().map(|line| line.as_ref()?.agreed.clone()).collect();
        let changes = change::compare(last, &phone, &before);
        let keyed = |place: usize| phone.sections.get(place).is_some_and(|one| self.policy_allows(one));
        let flowed = |place: usize| before.get(place).is_some_and(Option::is_some);
        let ended = |place: usize| changes.sections.iter().any(|one| one.place == place && one.ends);
        let goes_on: Vec<usize> =
            (0..phone.sections.len()).filter(|place| flowed(*place) && !ended(*place) && keyed(*place)).collect();
        // What is there has to be left, or a telephone that asks for nothing would be answered with nothing.
        let deaf = |place: &usize| {
            let sound = last.sections.get(*place).is_some_and(|section| section.kind == Some(Kind::Audio));
            sound && flowed(*place) && !ended(*place) && !keyed(*place)
        };
        let elsewhere = |place: &usize| {
            let line = self.line(*place).map(|line| line.local);
            let rtp = phone.sections.get(*place).and_then(|section| section.rtp);
            line.zip(rtp).is_some_and(|(line, rtp)| line.is_ipv4() != rtp.is_ipv4())
        };
        let refused = changes.verdict() == Verdict::Refuse || goes_on.is_empty() || goes_on.iter().any(elsewhere);
        if refused || (0..before.len()).any(|place| deaf(&place)) {
            return Ok(Change::Declined);
        }
        let (sdp, resumed) = self.answer(&description, &phone, |place| goes_on.contains(&place), now, sink)?;
        // An offer of ours that is still out has been overtaken.
        self.asked = false;
        self.theirs = Some((description, phone));
        Ok(Change::Answered { sdp, resumed })
    }

    /// Answers an offer within what was agreed upon.
    fn answer(
        &mut self,
        description: &Description,
        phone: &Phone,
        chosen: impl Fn(usize) -> bool,
        now: Instant,
        sink: &mut dyn Sink,
    ) -> Result<(String, Vec<usize>), Over> {
        let basis = kept(self.settled.as_ref().ok_or(FAULTY)?);
        let mut masked = phone.clone();
        for (place, section) in masked.sections.iter_mut().enumerate() {
            section.rejected |= !chosen(place);
        }
        let mut agreed = offered(&masked, &basis).map_err(|_| FAULTY)?;
        let mut keys = Vec::new();
        for (place, section) in phone.sections.iter().enumerate() {
            keys.push(self.keys(place, section)?);
        }
        self.refuse_unkeyed(&mut agreed, &keys)?;
        let resumed = self.apply(&masked, &agreed, keys, &basis, now, sink)?;
        let places = 0..phone.sections.len();
        let ports: Vec<Port> = places
            .map(|place| {
                let line = self.line(place).filter(|line| line.agreed.is_some());
                let key = line.and_then(Line::key).cloned();
                let rtp = line.map_or(0, |line| line.local.port());
                Port { rtp, profile: PLAIN, crypto: key.into_iter().collect() }
            })
            .collect();
        let address = self.address().ok_or(FAULTY)?;
        let local = |version| Local { address, session: self.session, version, ports: &ports };
        let same = to_phone::answer(description, &masked, &agreed, &local(self.version)).write();
        // The number rises only with a change (RFC 3264 section 8).
        if self.last_said.as_ref() == Some(&same) {
            return Ok((same, resumed));
        }
        self.version += 1;
        let local = Local { address, session: self.session, version: self.version, ports: &ports };
        let text = to_phone::answer(description, &masked, &agreed, &local).write();
        self.last_said = Some(text.clone());
        Ok((text, resumed))
    }

    /// Our key for an answer to a section of an offer, and theirs. The same key as before, as long as it is asked for.
    fn keys(&self, place: usize, section: &PhoneSection) -> Result<Keyed, Over> {
        let profile = section.profile.unwrap_or(PLAIN);
        let keyed = crypto::answer(self.policy, profile, &section.crypto, &random_key()?);
        let Keyed::Secure { ours, theirs } = keyed else { return Ok(keyed) };
        let before = self.line(place).and_then(Line::key);
        let same = before.filter(|before| (before.tag, before.suite) == (ours.tag, ours.suite));
        Ok(Keyed::Secure { ours: same.cloned().unwrap_or(ours), theirs })
    }

    /// Sections whose keys do not go together are rejected; without sound that was meant there is no call.
    fn refuse_unkeyed(&self, agreed: &mut [Option<Agreed>], keys: &[Keyed]) -> Result<(), Over> {
        for (one, _) in agreed.iter_mut().zip(keys).filter(|(_, keyed)| **keyed == Keyed::Refused) {
            if one.as_ref().is_some_and(|one| one.codec.kind() == Kind::Audio) {
                return Err(FAULTY);
            }
            *one = None;
        }
        if agreed.iter().all(Option::is_none) { Err(FAULTY) } else { Ok(()) }
    }

    /// Has the lines follow what was agreed upon; those without are closed, and their ports given back. Sections of
    /// pictures that the telephone listens to again. `ours`: the description that the telephone's was held against.
    fn apply(
        &mut self,
        phone: &Phone,
        agreed: &[Option<Agreed>],
        keys: Vec<Keyed>,
        ours: &Description,
        now: Instant,
        sink: &mut dyn Sink,
    ) -> Result<Vec<usize>, Over> {
        let mut resumed = Vec::new();
        let mut keys = keys.into_iter();
        if self.lines.len() < agreed.len() {
            self.lines.resize_with(agreed.len(), || None);
        }
        for place in 0..self.lines.len() {
            let keyed = keys.next().unwrap_or(Keyed::Plain);
            let one = agreed.get(place).and_then(Option::as_ref);
            let (Some(one), Some(theirs)) = (one, phone.sections.get(place)) else {
                self.close(place, sink);
                continue;
            };
            let digits = ours.sections().get(one.browser).and_then(|section| Formats::read(section).digits);
            let random = random::bytes::<6>().zip(random::bytes::<6>()).ok_or(Over::Fault(MediaFault::Internal))?;
            let provider = std::sync::Arc::clone(&self.provider);
            let Some(Some(line)) = self.lines.get_mut(place) else { return Err(Over::Fault(MediaFault::Internal)) };
            if theirs.rtp.is_some_and(|rtp| rtp.is_ipv4() != line.local.is_ipv4()) {
                // It was offered one family, and answers with the other.
                return Err(FAULTY);
            }
            let resumes = line.agree(one, digits, theirs, random.0, now);
            match keyed {
                Keyed::Secure { ours, theirs } => line.seal(ours, theirs, &provider, random.1),
                Keyed::Plain | Keyed::Refused => line.unseal(),
            }
            if resumes && line.kind == Kind::Video {
                resumed.push(place);
            }
        }
        self.agreed = true;
        // Whoever was on hold had a reason to be silent.
        self.heard = now;
        self.report_at.get_or_insert(now + control::FIRST);
        Ok(resumed)
    }

    /// Learns where the sections of this end lead. `swapped`: it is the one that did not answer.
    pub(crate) fn pair(&mut self, choices: &[Choice], swapped: bool) {
        self.lines.iter_mut().flatten().for_each(|line| line.other = None);
        for choice in choices {
            let (place, other) = if swapped { (choice.other, choice.place) } else { (choice.place, choice.other) };
            if let Some(Some(line)) = self.lines.get_mut(place) {
                line.other = Some(other);
            }
        }
    }

    fn line(&self, place: usize) -> Option<&Line> {
        self.lines.get(place)?.as_ref()
    }

    /// Sees to it that a section has ports if it is wanted, at an address of the family that the telephone is in.
    fn bind(
        &mut self,
        place: usize,
        wanted: Option<Kind>,
        told: Option<SocketAddr>,
        addresses: &[SocketAddr],
        sink: &mut dyn Sink,
    ) -> Result<(), Over> {
        if self.lines.len() <= place {
            self.lines.resize_with(place + 1, || None);
        }
        let Some(kind) = wanted else {
            self.close(place, sink);
            return Ok(());
        };
        if self.lines[place].as_ref().is_some_and(|line| line.kind == kind) {
            return Ok(());
        }
        self.close(place, sink);
        if self.lines.iter().flatten().count() >= LINES {
            return Ok(());
        }
        // One address for all sections: descriptions name one.
        let settled = self.address();
        let fits = |address: &&SocketAddr| match (settled, told) {
            (Some(settled), _) => address.ip() == settled,
            (None, Some(told)) => address.is_ipv4() == told.is_ipv4(),
            (None, None) => true,
        };
        // Telephones of IPv4 only are many, those of IPv6 only are few.
        let of_choice = addresses.iter().filter(fits);
        let address = of_choice.clone().find(|address| address.is_ipv4()).or_else(|| of_choice.clone().next());
        let address = address.ok_or(FAULTY)?.ip();
        let random = random::bytes().ok_or(Over::Fault(MediaFault::Internal))?;
        let local = sink.bind(address).ok_or(Over::Fault(MediaFault::Overload))?;
        self.lines[place] = Some(Line::new(kind, local, random));
        Ok(())
    }

    /// Gives the ports of a section back.
    fn close(&mut self, place: usize, sink: &mut dyn Sink) {
        if let Some(line) = self.lines.get_mut(place).and_then(Option::take) {
            sink.unbind(line.local);
        }
    }

    /// The address that we tell.
    fn address(&self) -> Option<IpAddr> {
        self.lines.iter().flatten().next().map(|line| line.local.ip())
    }

    /// The sections of a description of ours.
    pub(crate) fn sections(&self, text: &str) -> Vec<Told<LinkId>> {
        let Ok(description) = Description::parse(text) else { return Vec::new() };
        let told = |section: &Section| Told {
            mid: String::new(),
            kind: words::kind(section),
            source: self.other.filter(|_| !section.is_rejected()),
        };
        description.sections().iter().map(told).collect()
    }
}

/// Sections of one telephone that get ports: sound, pictures, a screen. More are rejected, or a single call could take all
/// the ports that there are.
const LINES: usize = 4;

const PLAIN: Profile = Profile { secure: false, feedback: false };

fn random_key() -> Result<[u8; KEY_BYTES], Over> {
    random::bytes().ok_or(Over::Fault(MediaFault::Internal))
}

fn read(text: &str) -> Result<(Description, Phone), Over> {
    let description = Description::parse(text).map_err(|_| FAULTY)?;
    let phone = Phone::read(&description).map_err(|_| FAULTY)?;
    Ok((description, phone))
}

/// The section that a choice stands for, with the codec alone, and digits if both know them.
fn chosen(section: &Section, choice: &Choice) -> Option<Section> {
    let formats = Formats::read(section);
    let codec = formats.codecs.iter().find(|format| format.codec == choice.codec)?;
    let digits = formats.digits.filter(|_| choice.digits);
    let keep: Vec<u8> = std::iter::once(codec.payload).chain(digits).collect();
    Some(words::narrow(section, &keep, Direction::BOTH))
}

/// A description with all its sections, of which those that were not chosen are rejected. `place`: where a choice is in it.
fn narrowed(description: &Description, choices: &[Choice], place: impl Fn(&Choice) -> usize) -> Description {
    let sections = description.sections().iter().enumerate().map(|(number, section)| {
        let choice = choices.iter().find(|choice| place(choice) == number);
        choice.and_then(|choice| chosen(section, choice)).unwrap_or_else(|| words::rejected(section))
    });
    Description::new(description.lines().to_vec(), sections.collect())
}

/// The sections of a description that are not rejected, so that the first for sound stands for the first that is chosen.
fn kept(description: &Description) -> Description {
    let sections = description.sections().iter().filter(|section| !section.is_rejected());
    Description::new(description.lines().to_vec(), sections.cloned().collect())
}
