//! Calls whose two ends cannot negotiate with each other: each has a leg in the media engine, and what one describes is
//! offered to the other by the engine. Neither end is told: it hears offers and answers as if the other had made them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::id::LinkIds;
use crate::{
    Body, CauseKind, Codec, DescriptionKind, Effects, Event, Kind, Lang, LegRole, LinkId, MediaEvent, MediaFault,
    MediaOp, Open, PartyId, Signal, SignalKind, Talk, Transport,
};

/// How often the engine tells how a leg of a call does.
const REPORT: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(super) struct Talks {
    by_call: BTreeMap<LinkId, Ends>,
    by_leg: BTreeMap<LinkId, LinkId>,
}

/// The two ends of a call; the one that offered first, then the other.
#[derive(Debug)]
struct Ends {
    ends: [End; 2],
    /// Who answers has said more than early media.
    answered: bool,
}

#[derive(Debug)]
struct End {
    party: PartyId,
    transport: Transport,
    /// None where a call began without an offer, until the other end has described itself.
    leg: Option<LinkId>,
    /// It has been given an answer.
    settled: bool,
}

/// A party of a call, as far as its leg is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Side {
    pub(super) party: PartyId,
    pub(super) transport: Transport,
}

/// The engine has given a call up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) call: LinkId,
    /// Whose leg it was.
    pub(super) party: PartyId,
    pub(super) cause: CauseKind,
}

/// Codecs for who chooses before the telephone has said what it knows: of sound, those that every telephone knows, and every
/// browser as well (RFC 7874 section 3). Better ones would be a call without sound wherever the telephone has none of them.
fn certain(codecs: &Arc<[Codec]>) -> Arc<[Codec]> {
    let known = |codec: &Codec| codec.kind() == Kind::Video || matches!(codec, Codec::Pcmu | Codec::Pcma);
    codecs.iter().copied().filter(known).collect()
}

impl Talks {
    /// One end says a step of the negotiation.
    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(super) fn signal(
        &mut self,
        call: LinkId,
        from: Side,
        to: Side,
        signal: Signal,
        codecs: &Arc<[Codec]>,
        links: &mut LinkIds,
        out: &mut Effects,
    ) {
        match signal.kind {
            SignalKind::Offer if !self.by_call.contains_key(&call) => {
                self.begin(call, from, to, signal, codecs, links, out);
            }
            SignalKind::Offer | SignalKind::Candidate => {
                if let Some(link) = self.leg(call, from.party) {
                    out.media(MediaOp::Remote { link, signal });
                }
            }
            SignalKind::Answer | SignalKind::Progress { early: true } => {
                self.answer(call, from.party, signal, codecs, links, out);
            }
            // What is no negotiation concerns the two alone.
            SignalKind::Progress { early: false } | SignalKind::Info | SignalKind::Bye(_) => {
                out.tell(to.party, Event::CallSignal { link: call, signal });
            }
        }
    }

    /// The first offer. One without a description asks for one: then the other end is the first to describe itself.
    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    fn begin(
        &mut self,
        call: LinkId,
        from: Side,
        to: Side,
        signal: Signal,
        codecs: &Arc<[Codec]>,
        links: &mut LinkIds,
        out: &mut Effects,
    ) {
        let end = |Side { party, transport }| End { party, transport, leg: None, settled: false };
        self.by_call.insert(call, Ends { ends: [end(from), end(to)], answered: false });
        let codecs = Arc::clone(codecs);
        if signal.body.bytes().is_empty() {
            let codecs = if matches!(from.transport, Transport::Rtp(_)) { certain(&codecs) } else { codecs };
            self.open(call, 1, Talk::Ours { with: None, codecs }, links, out);
            return;
        }
        let first = self.open(call, 0, Talk::Peer { codecs: Arc::clone(&codecs) }, links, out);
        let Some(link) = first else { return };
        out.media(MediaOp::Remote { link, signal });
        self.open(call, 1, Talk::Ours { with: first, codecs }, links, out);
    }

    fn open(
        &mut self,
        call: LinkId,
        index: usize,
        talk: Talk,
        links: &mut LinkIds,
        out: &mut Effects,
    ) -> Option<LinkId> {
        let end = &mut self.by_call.get_mut(&call)?.ends[index];
        let link = links.draw();
        end.leg = Some(link);
        self.by_leg.insert(link, call);
        out.media(MediaOp::Open(Open {
            link,
            owner: end.party,
            role: LegRole::Talk(talk),
            says: Vec::new(),
            hears: Vec::new(),
            heeds: Vec::new(),
            report: REPORT,
            transport: end.transport,
        }));
        Some(link)
    }

    fn answer(
        &mut self,
        call: LinkId,
        from: PartyId,
        signal: Signal,
        codecs: &Arc<[Codec]>,
        links: &mut LinkIds,
        out: &mut Effects,
    ) {
        let Some(Ends { ends, answered }) = self.by_call.get_mut(&call) else { return };
        let [own, other] = if ends[0].party == from { [0, 1] } else { [1, 0] };
        let Some(link) = ends[own].leg else { return };
        let last = signal.kind == SignalKind::Answer;
        let news = last && !std::mem::replace(answered, *answered || last);
        let (party, unopened) = (ends[other].party, ends[other].leg.is_none());
        if news && ends[other].settled {
            // It has its description since there was early media; now it is told that the call is taken.
            let signal = Signal { kind: SignalKind::Answer, body: Body::new(Lang::PLAIN, &[]) };
            out.tell(party, Event::CallSignal { link: call, signal });
        }
        let signal = Signal { kind: SignalKind::Answer, body: signal.body };
        out.media(MediaOp::Remote { link, signal });
        if unopened {
            self.open(call, other, Talk::Ours { with: Some(link), codecs: Arc::clone(codecs) }, links, out);
        }
    }

    fn leg(&self, call: LinkId, party: PartyId) -> Option<LinkId> {
        self.by_call.get(&call)?.ends.iter().find(|end| end.party == party)?.leg
    }

    /// What the engine tells of a leg, if it is one of these; what it means for the call.
    ///
    /// # Errors
    /// [`Broken`] if the call is over.
    pub(super) fn on_media(&mut self, event: &MediaEvent, out: &mut Effects) -> Option<Result<(), Broken>> {
        let leg = event.link();
        let call = *self.by_leg.get(&leg)?;
        let Ends { ends, answered } = self.by_call.get_mut(&call)?;
        let end = ends.iter_mut().find(|end| end.leg == Some(leg))?;
        let party = end.party;
        match event {
            MediaEvent::Local { kind, sdp, .. } => {
                let first = *kind == DescriptionKind::Answer && !std::mem::replace(&mut end.settled, true);
                let kind = match kind {
                    DescriptionKind::Offer => SignalKind::Offer,
                    DescriptionKind::Answer if first && !*answered => SignalKind::Progress { early: true },
                    DescriptionKind::Answer => SignalKind::Answer,
                };
                if kind == SignalKind::Offer {
                    end.settled = false;
                }
                let signal = Signal { kind, body: Body::new(Lang::PLAIN, sdp.as_bytes()) };
                out.tell(party, Event::CallSignal { link: call, signal });
            }
            MediaEvent::Flowing { .. } => out.tell(party, Event::Flowing { link: call }),
            MediaEvent::Report { report, .. } => {
                out.tell(party, Event::Measured { link: call, report: report.clone() });
            }
            MediaEvent::Declined { .. } => out.tell(party, Event::Declined { link: call }),
            MediaEvent::KeyWanted { .. } => out.tell(party, Event::KeyWanted { link: call }),
            MediaEvent::Lost { .. } => return Some(Err(self.broken(call, leg, party, CauseKind::Gone))),
            MediaEvent::Refused { fault, .. } => {
                let cause = match fault {
                    MediaFault::Description => CauseKind::Faulty,
                    MediaFault::Internal => CauseKind::Failed,
                    MediaFault::Overload => CauseKind::Overloaded,
                };
                return Some(Err(self.broken(call, leg, party, cause)));
            }
            MediaEvent::Parsed { .. }
            | MediaEvent::Switched { .. }
            | MediaEvent::Speaker { .. }
            | MediaEvent::Channel { .. }
            | MediaEvent::Heard { .. } => {}
        }
        Some(Ok(()))
    }

    /// A leg is over by itself.
    fn broken(&mut self, call: LinkId, leg: LinkId, party: PartyId, cause: CauseKind) -> Broken {
        self.by_leg.remove(&leg);
        for end in self.by_call.get_mut(&call).into_iter().flat_map(|ends| &mut ends.ends) {
            end.leg.take_if(|of| *of == leg);
        }
        Broken { call, party, cause }
    }

    /// The call is over.
    pub(super) fn end(&mut self, call: LinkId, out: &mut Effects) {
        for link in self.by_call.remove(&call).into_iter().flat_map(|ends| ends.ends).filter_map(|end| end.leg) {
            self.by_leg.remove(&link);
            out.media(MediaOp::Close { link });
        }
    }

    /// Calls that have legs, for `check`.
    pub(super) fn calls(&self) -> impl Iterator<Item = LinkId> {
        self.by_call.keys().copied()
    }

    /// What is wrong, for `check`.
    pub(super) fn faults(&self) -> Option<&'static str> {
        let legs = |ends: &Ends| ends.ends.iter().filter(|end| end.leg.is_some()).count();
        let known = self.by_call.values().map(legs).sum::<usize>() == self.by_leg.len()
            && self.by_leg.values().all(|call| self.by_call.contains_key(call));
        (!known).then_some("a leg of a call outlived it")
    }
}
