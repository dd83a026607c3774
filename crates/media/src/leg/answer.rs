//! The sending half of a leg whose peer offers: what fits into the sections that it would receive in.

use std::time::{Duration, Instant};

use patchbay_core::{DescriptionKind, Kind, MediaEvent, MediaFault, Track};
use str0m::change::SdpOffer;
use str0m::media::Mid;

use super::slot::Slot;
use super::{Leg, Over, Role};
use crate::dtls::Identity;
use crate::{Config, sdp};

/// What a peer has offered to receive, and what it is to be sent.
pub(crate) struct OfferedRoom {
    pub(super) tracks: Vec<Track>,
    may_grow: bool,
    /// Sections that it would receive in, in its order.
    sections: Vec<(Mid, Kind)>,
    /// The certificate that the peer has named.
    fingerprint: String,
}

impl OfferedRoom {
    pub(super) fn new(tracks: Vec<Track>, may_grow: bool) -> Self {
        Self { tracks, may_grow, sections: Vec::new(), fingerprint: String::new() }
    }
}

impl Leg {
    /// Answers an offer to receive: the first one, one that changes the network, or, by another certificate, one that begins
    /// anew, as a page does that was loaded again.
    pub(crate) fn respond(
        &mut self,
        text: &str,
        identity: &Identity,
        config: &Config,
        now: Instant,
    ) -> Result<MediaEvent, Over> {
        let faulty = Over::Fault(MediaFault::Description);
        sdp::check(text).map_err(|_| faulty)?;
        let offer = SdpOffer::from_sdp_string(&sdp::other_way(text)).map_err(|_| faulty)?;
        let Role::Send(sending) = &mut self.role else { return Err(faulty) };
        // Where we offer, the peer does not.
        let Some(room) = &mut sending.room else { return Err(faulty) };
        let fingerprint = sdp::fingerprint(text);
        let again = self.rtc.is_some() && room.fingerprint != fingerprint;
        fingerprint.clone_into(&mut room.fingerprint);
        let (tracks, may_grow) = (room.tracks.clone(), room.may_grow);
        if again {
            self.begin_anew(now);
        }
        let first = self.rtc.is_none();
        if first {
            self.connect(&tracks, may_grow, identity, config, now)?;
        }
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return Err(faulty) };
        let answer = rtc.sdp_api().accept_offer(offer).map_err(|error| {
            tracing::debug!(%error, "an offer was refused");
            faulty
        })?;
        let sdp = answer.to_sdp_string();
        if let Some(room) = &mut sending.room {
            let usable = |(kind, mid): (Option<Kind>, &str)| {
                let (mid, kind) = (Mid::from(mid), kind?);
                rtc.media(mid).is_some_and(|media| media.direction().is_sending()).then_some((mid, kind))
            };
            room.sections = sdp::sections(&sdp).filter_map(usable).collect();
        }
        self.fill(config.resend);
        let Role::Send(sending) = &self.role else { return Err(faulty) };
        let wanted = sending.room.as_ref().is_some_and(|room| !room.tracks.is_empty());
        if first && wanted && sending.slots.iter().all(|slot| slot.stream.is_none()) {
            // It could be shown nothing.
            return Err(faulty);
        }
        let sections = self.sections(&sdp);
        Ok(MediaEvent::Local { link: self.link, kind: DescriptionKind::Answer, sdp: sdp.into(), sections })
    }

    /// Forgets the connection and what was sent on it; the tracks stay wanted.
    fn begin_anew(&mut self, now: Instant) {
        (self.rtc, self.nominated) = (None, None);
        self.data.begin_anew();
        (self.connected, self.flowing, self.opened) = (false, false, now);
        if let Role::Send(sending) = &mut self.role {
            sending.slots.clear();
            sending.lean = None;
        }
    }

    /// Puts tracks that are not sent yet into sections that nothing is sent in.
    pub(super) fn fill(&mut self, resend: (usize, Duration)) {
        let (Role::Send(sending), Some(rtc)) = (&mut self.role, &mut self.rtc) else { return };
        let Some(room) = &sending.room else { return };
        for track in &room.tracks {
            let codecs = [(track.audio, track.pass.audio), (track.video, track.pass.video)];
            for (codec, pass) in codecs.into_iter().filter_map(|(codec, pass)| Some((codec?, pass))) {
                let kind = codec.kind();
                if sending.slots.iter().any(|slot| slot.source == Some(track.source) && slot.kind == kind) {
                    continue;
                }
                let mut idle = sending.slots.iter_mut().filter(|slot| slot.source.is_none() && slot.kind == kind);
                if let Some(slot) = idle.next() {
                    slot.reuse(track, codec, pass);
                    continue;
                }
                let unused =
                    |(mid, of): &&(Mid, Kind)| *of == kind && sending.slots.iter().all(|slot| slot.mid != *mid);
                if let Some((mid, _)) = room.sections.iter().find(unused) {
                    sending.slots.push(Slot::new(*mid, track, codec, pass));
                }
            }
        }
        sending.bind(rtc, resend);
    }
}
