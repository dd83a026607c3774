//! Conversations: two legs of this worker that are each other's end.

use std::sync::Arc;
use std::time::Instant;

use patchbay_core::{DescriptionKind, LinkId, MediaEvent, MediaFault, Srtp, Talk, Transport};
use patchbay_sdp::Description;
use patchbay_sdp::crypto::Policy;
use str0m::media::Mid;
use str0m::rtp::RtpPacket;

use super::{RtpDatagram, Worker};
use crate::leg::{Change, Forwarded, Heard, Leg, Over, Recall, Role, Talking, Telephone};
use crate::rtp;
use crate::sink::Sink;
use crate::talk::{Came, Choice, Payload, words};

impl Worker {
    /// Whether the leg is an end of a conversation.
    pub(super) fn talks(&self, index: usize) -> bool {
        self.legs[index].as_ref().is_some_and(|leg| matches!(leg.role, Role::Talk(_) | Role::Phone(_)))
    }

    /// What a new end of a conversation begins as.
    ///
    /// # Errors
    /// If the other end is not here, or is none.
    pub(super) fn converser(&self, talk: &Talk, transport: Transport, now: Instant) -> Result<Role, MediaFault> {
        let (Talk::Peer { codecs } | Talk::Ours { codecs, .. }) = talk;
        let other = match talk {
            Talk::Ours { with, .. } => *with,
            Talk::Peer { .. } => None,
        };
        if other.is_some_and(|other| self.by_link.get(&other).is_none_or(|index| !self.talks(*index))) {
            return Err(MediaFault::Internal);
        }
        let codecs = Arc::clone(codecs);
        let policy = match transport {
            Transport::WebRtc(_) => return Ok(Role::Talk(Box::new(Talking::new(codecs, other)))),
            Transport::Rtp(Srtp::Off) => Policy::Off,
            Transport::Rtp(Srtp::Optional) => Policy::Optional,
            Transport::Rtp(Srtp::Mandatory) => Policy::Mandatory,
        };
        let provider = Arc::clone(&self.identity.provider);
        match Telephone::new(policy, codecs, other, provider, self.config.strict_source, now) {
            Ok(phone) => Ok(Role::Phone(Box::new(phone))),
            Err(Over::Fault(fault)) => Err(fault),
            Err(Over::Lost) => Err(MediaFault::Internal),
        }
    }

    /// A new end has its place. If we offer to it, it is offered what the other end can.
    pub(super) fn converse(&mut self, index: usize, talk: &Talk, now: Instant, sink: &mut dyn Sink) {
        let Talk::Ours { with, codecs } = talk else { return };
        let basis = match with {
            None => Some(words::own(codecs)),
            Some(other) => {
                let link = self.legs[index].as_ref().map(|leg| leg.link);
                self.join(*other, link);
                self.by_link.get(other).and_then(|other| can(self.legs[*other].as_deref()?))
            }
        };
        self.propose(index, basis, now, sink);
    }

    /// Offers to an end what the other can; if that is not known yet, there was no sense in it.
    fn propose(&mut self, index: usize, basis: Option<Description>, now: Instant, sink: &mut dyn Sink) {
        let (identity, config) = (Arc::clone(&self.identity), Arc::clone(&self.config));
        let mut local = None;
        let Some(leg) = self.legs[index].as_deref() else { return };
        let telephone = matches!(leg.role, Role::Phone(_));
        // A telephone's ports are asked for by the way.
        self.guard_with(index, sink, |leg, sink| {
            let basis = basis.ok_or(Over::Fault(MediaFault::Description))?;
            let link = leg.link;
            local = Some(match &mut leg.role {
                Role::Phone(phone) => {
                    let text = phone.offer(&basis, &config.candidates, sink)?;
                    let sections = phone.sections(&text);
                    MediaEvent::Local { link, kind: DescriptionKind::Offer, sdp: text.into(), sections }
                }
                _ => leg.propose(basis, &identity, &config, now)?,
            });
            Ok(())
        });
        self.rewire(index, telephone);
        local.into_iter().for_each(|event| sink.event(event));
    }

    /// An end's peer has described itself.
    pub(super) fn described(&mut self, index: usize, offer: bool, text: &str, now: Instant, sink: &mut dyn Sink) {
        let Some(leg) = self.legs[index].as_deref() else { return };
        match (&leg.role, offer) {
            (Role::Phone(phone), true) if phone.agreed && text.is_empty() => self.phone_asks(index, now, sink),
            (Role::Phone(phone), true) if phone.agreed => self.phone_changes(index, text, now, sink),
            (Role::Talk(talking), true) if talking.agreed => self.browser_changes(index, text, now, sink),
            // Both offer at once (RFC 3264 section 4): ours stands.
            (Role::Phone(phone), true) if phone.asks() => sink.event(MediaEvent::Declined { link: leg.link }),
            (Role::Talk(talking), true) if talking.asks() => sink.event(MediaEvent::Declined { link: leg.link }),
            (_, true) => self.offered(index, text, sink),
            (_, false) => self.answered(index, text, now, sink),
        }
    }

    /// The first offer of a peer: it waits.
    fn offered(&mut self, index: usize, text: &str, sink: &mut dyn Sink) {
        let config = Arc::clone(&self.config);
        let mut parsed = None;
        self.guard_with(index, sink, |leg, sink| {
            let link = leg.link;
            parsed = Some(match &mut leg.role {
                Role::Phone(phone) => {
                    let (audio, video) = phone.take_offer(text, &config.candidates, sink)?;
                    MediaEvent::Parsed { link, audio, video, layers: 0 }
                }
                _ => leg.hold(text)?,
            });
            Ok(())
        });
        self.rewire(index, true);
        parsed.into_iter().for_each(|event| sink.event(event));
    }

    /// A peer has answered our offer: what it has chosen holds for both ends.
    fn answered(&mut self, index: usize, text: &str, now: Instant, sink: &mut dyn Sink) {
        let config = Arc::clone(&self.config);
        let mut answered = None;
        self.guard_with(index, sink, |leg, sink| {
            let link = leg.link;
            answered = match &mut leg.role {
                Role::Phone(phone) => {
                    let choices = phone.take_answer(text, now, sink)?;
                    phone.pair(&choices, false);
                    let of = |kind| choices.iter().map(|choice| choice.codec).find(|codec| codec.kind() == kind);
                    let (audio, video) = (of(patchbay_core::Kind::Audio), of(patchbay_core::Kind::Video));
                    Some((MediaEvent::Parsed { link, audio, video, layers: 0 }, choices))
                }
                _ => leg.concur(text, &config, now)?,
            };
            Ok(())
        });
        self.rewire(index, true);
        self.rename(index);
        let Some((parsed, choices)) = answered else { return };
        sink.event(parsed);
        self.settles(index, now, sink);
        let other = self.legs[index].as_deref().and_then(other).and_then(|other| self.by_link.get(&other).copied());
        if let Some(other) = other {
            self.complete(other, &choices, now, sink);
        }
        // A telephone that takes another one's place.
        self.begins_to_hear(index, now, sink);
        self.touch(index);
    }

    /// The other end has chosen: an offer that waited is answered.
    fn complete(&mut self, index: usize, choices: &[Choice], now: Instant, sink: &mut dyn Sink) {
        let (identity, config) = (Arc::clone(&self.identity), Arc::clone(&self.config));
        let mut local = None;
        self.guard_with(index, sink, |leg, sink| {
            let link = leg.link;
            match &mut leg.role {
                Role::Phone(phone) if phone.waits() => {
                    let text = phone.complete(choices, now, sink)?;
                    let sections = phone.sections(&text);
                    local = Some(MediaEvent::Local { link, kind: DescriptionKind::Answer, sdp: text.into(), sections });
                }
                Role::Phone(phone) => phone.pair(choices, true),
                Role::Talk(talking) if talking.waits() => {
                    local = Some(leg.complete(choices, &identity, &config, now)?);
                }
                _ => leg.pair(choices),
            }
            Ok(())
        });
        self.rewire(index, true);
        self.rename(index);
        local.into_iter().for_each(|event| sink.event(event));
        self.settles(index, now, sink);
        self.touch(index);
    }

    /// A telephone wants to be offered anew what the other end can (RFC 3261 section 14.2): exchanges hold and resume so.
    fn phone_asks(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        let Some(leg) = self.legs[index].as_deref() else { return };
        let other = other(leg).and_then(|other| self.by_link.get(&other).copied());
        match other.and_then(|other| can(self.legs[other].as_deref()?)) {
            Some(basis) => self.propose(index, Some(basis), now, sink),
            None => sink.event(MediaEvent::Declined { link: leg.link }),
        }
        self.touch(index);
    }

    /// A telephone offers something later.
    fn phone_changes(&mut self, index: usize, text: &str, now: Instant, sink: &mut dyn Sink) {
        let (mut event, mut resumed) = (None, Vec::new());
        self.guard_with(index, sink, |leg, sink| {
            let link = leg.link;
            let Role::Phone(phone) = &mut leg.role else { return Ok(()) };
            event = Some(match phone.change(text, now, sink)? {
                Recall::Declined => MediaEvent::Declined { link },
                Recall::Answered { sdp, resumed: places } => {
                    resumed = places;
                    let sections = phone.sections(&sdp);
                    MediaEvent::Local { link, kind: DescriptionKind::Answer, sdp: sdp.into(), sections }
                }
            });
            Ok(())
        });
        self.rewire(index, true);
        event.into_iter().for_each(|event| sink.event(event));
        self.settles(index, now, sink);
        for place in resumed {
            self.wants_key(index, place, now, sink);
        }
        self.touch(index);
    }

    /// A browser offers something later.
    fn browser_changes(&mut self, index: usize, text: &str, now: Instant, sink: &mut dyn Sink) {
        let (identity, config) = (Arc::clone(&self.identity), Arc::clone(&self.config));
        let mut change = None;
        let mut declined = None;
        let other = self.legs[index].as_deref().and_then(other).and_then(|other| self.by_link.get(&other).copied());
        let telephone = other.and_then(|other| self.legs[other].as_deref());
        let tells = telephone.is_some_and(|leg| matches!(leg.role, Role::Phone(_)));
        self.guard(index, sink, |leg| {
            match leg.reconsider(text, tells, &identity, &config, now) {
                Ok(done) => change = Some(done),
                // The call goes on as it was.
                Err(Over::Fault(MediaFault::Description)) => declined = Some(MediaEvent::Declined { link: leg.link }),
                Err(over) => return Err(over),
            }
            Ok(())
        });
        self.rename(index);
        declined.into_iter().for_each(|event| sink.event(event));
        match change {
            Some(Change::Answered(local)) => sink.event(local),
            Some(Change::Asks(can)) => {
                if let Some(other) = other {
                    self.propose(other, Some(can), now, sink);
                    self.touch(other);
                }
            }
            None => {}
        }
        self.touch(index);
    }

    /// Two legs are each other's end from now on.
    fn join(&mut self, of: LinkId, with: Option<LinkId>) {
        let Some(&index) = self.by_link.get(&of) else { return };
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        let before = match &mut leg.role {
            Role::Talk(talking) => std::mem::replace(&mut talking.other, with),
            Role::Phone(phone) => std::mem::replace(&mut phone.other, with),
            Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => None,
        };
        if before.is_some() && before != with {
            self.part(of, before);
        }
    }

    /// That leg has no end in `of` any more.
    pub(super) fn part(&mut self, of: LinkId, other: Option<LinkId>) {
        let Some(&index) = other.and_then(|other| self.by_link.get(&other)) else { return };
        let Some(leg) = self.legs[index].as_deref_mut() else { return };
        match &mut leg.role {
            Role::Talk(talking) if talking.other == Some(of) => talking.other = None,
            Role::Phone(phone) if phone.other == Some(of) => phone.other = None,
            _ => {}
        }
    }

    /// Learns which ports a telephone's leg has now.
    fn rewire(&mut self, index: usize, telephone: bool) {
        if !telephone {
            self.rename(index);
            return;
        }
        let Some(Leg { role: Role::Phone(phone), .. }) = self.legs[index].as_deref() else { return };
        self.ports.retain(|_, (leg, _)| *leg != index);
        self.ports.extend(phone.ports().map(|(place, local)| (local, (index, place))));
    }

    /// A telephone's leg that is agreed upon is connected; one that will not speak flows already.
    fn settles(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        let Some(Leg { role: Role::Phone(phone), connected, .. }) = self.legs[index].as_deref_mut() else { return };
        *connected |= phone.agreed;
        if phone.agreed && !phone.expects() {
            self.flows(index, now, sink);
        }
    }

    /// An end can be sent pictures from now on: they are to begin with a key frame.
    pub(super) fn begins_to_hear(&mut self, index: usize, now: Instant, sink: &mut dyn Sink) {
        let Some(leg) = self.legs[index].as_deref().filter(|leg| leg.connected) else { return };
        let sections = match &leg.role {
            Role::Talk(talking) => talking.sections(),
            Role::Phone(phone) => phone.lines.len(),
            Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => return,
        };
        for place in 0..sections {
            self.wants_key(index, place, now, sink);
        }
    }

    /// A browser says that it needs a key frame.
    pub(super) fn complains(&mut self, index: usize, mid: Mid, now: Instant, sink: &mut dyn Sink) {
        let place = self.legs[index].as_deref().and_then(|leg| match &leg.role {
            Role::Talk(talking) => talking.place(mid),
            _ => None,
        });
        if let Some(place) = place {
            self.wants_key(index, place, now, sink);
        }
    }

    /// An end needs a key frame in that section: the other end's peer is asked.
    fn wants_key(&mut self, index: usize, place: usize, now: Instant, sink: &mut dyn Sink) {
        let Some((other, place)) = self.legs[index].as_deref().and_then(|leg| leg.leads(place)) else { return };
        let Some(&other) = self.by_link.get(&other) else { return };
        let (mut asked, mut unasked) = (false, false);
        self.call(other, now, sink, |leg, wire, _| {
            match &mut leg.role {
                Role::Phone(phone) => unasked = phone.want_key(place, now, wire),
                _ => asked = leg.ask_browser(place, now),
            }
            Ok(())
        });
        if unasked {
            self.unasked(other, sink);
        }
        if asked {
            self.touch(other);
        }
        self.arm(other);
    }

    /// A telephone is to be asked for a key frame by other means.
    pub(super) fn unasked(&mut self, index: usize, sink: &mut dyn Sink) {
        if let Some(leg) = &self.legs[index] {
            sink.event(MediaEvent::KeyWanted { link: leg.link });
        }
    }

    /// A browser has sent a packet.
    pub(super) fn talked(&mut self, index: usize, packet: &RtpPacket, now: Instant, sink: &mut dyn Sink) {
        let mut came = None;
        self.guard(index, sink, |leg| {
            came = leg.talked(packet, now);
            Ok(())
        });
        if let Some((place, came)) = came {
            self.pass_on(index, place, &came, Payload::Shared(&packet.payload), now, sink);
        }
    }

    /// Takes a datagram that came to a port of a telephone. Call [`Worker::run`] once after a batch of them.
    pub fn receive_rtp(&mut self, now: Instant, datagram: RtpDatagram<'_>, sink: &mut dyn Sink) {
        let RtpDatagram { local, control, source, contents } = datagram;
        let Some(&(index, place)) = self.ports.get(&local) else {
            self.counts.strangers += 1;
            return;
        };
        let mut plain = std::mem::take(&mut self.plain);
        let (mut heard, mut known, mut wanted) = (Heard::Foreign, false, false);
        self.guard(index, sink, |leg| {
            let Role::Phone(phone) = &mut leg.role else { return Ok(()) };
            if control || rtp::is_control(contents) {
                known = phone.hear_control(place, source, contents, now, &mut plain, &mut wanted);
            } else {
                heard = phone.hear(place, source, contents, now, &mut plain);
                known = !matches!(heard, Heard::Foreign);
            }
            Ok(())
        });
        if !known {
            self.counts.strangers += 1;
        }
        if wanted {
            self.wants_key(index, place, now, sink);
        }
        if !matches!(heard, Heard::Foreign) {
            self.counts.packets_in += 1;
            self.flows(index, now, sink);
        }
        if let Heard::Media(came) = heard {
            self.pass_on(index, place, &came, Payload::Own(&plain), now, sink);
        }
        self.plain = plain;
    }

    /// Hands a packet of one end to the other.
    fn pass_on(
        &mut self,
        index: usize,
        place: usize,
        came: &Came,
        payload: Payload<'_>,
        now: Instant,
        sink: &mut dyn Sink,
    ) {
        let Some((other, place)) = self.legs[index].as_deref().and_then(|leg| leg.leads(place)) else { return };
        let Some(&other) = self.by_link.get(&other) else { return };
        let packet = came.to(place, payload);
        let mut forwarded = Forwarded::Nothing;
        self.call(other, now, sink, |leg, wire, _| {
            forwarded = leg.pass(&packet, now, wire);
            Ok(())
        });
        match forwarded {
            Forwarded::Nothing | Forwarded::Waits => return,
            Forwarded::Written => self.settle(other, now, sink),
            Forwarded::Sent => self.arm(other),
        }
        self.counts.packets_out += 1;
    }
}

/// What an end's peer has said that it can.
fn can(leg: &Leg) -> Option<Description> {
    match &leg.role {
        Role::Talk(talking) => talking.can(),
        Role::Phone(phone) => phone.can(),
        Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => None,
    }
}

fn other(leg: &Leg) -> Option<LinkId> {
    match &leg.role {
        Role::Talk(talking) => talking.other,
        Role::Phone(phone) => phone.other,
        Role::Receive(_) | Role::Send(_) | Role::Fragments(_) => None,
    }
}
