//! One visit to a rendezvous server as a viewer: what the media server there offers is published here.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{
    Address, Body, Command, DescriptionKind, Event, Kinds, Lang, LinkId, Moment, Publish, Query, Signal, SignalKind,
    Tag,
};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session};

use super::source::Source;
use crate::ems::sdp;
use crate::ems::wire::{self, Message, Told};
use crate::packet::{Kind, Packet};

/// Nobody waits for what becomes of it.
const UNHEARD: Tag = Tag(0);
/// The publication of what is offered.
const PUBLISH: Tag = Tag(1);
/// How many view it.
const VIEWERS: Tag = Tag(2);

/// How long `ersid` is waited for; servers of the family that this one was made from send none.
const WELCOME: Duration = Duration::from_secs(2);
/// A server is silent for half of this at most (ers.md section 1.2.3).
const DEATH: Duration = Duration::from_secs(60);
/// How long a media server may take from the pairing to its offer.
const OFFER: Duration = Duration::from_secs(10);
/// Candidates that are kept until the leg is there; further ones are dropped, as a server has few addresses.
const EARLY: usize = 32;
/// How often a stream's viewers are counted while the server stops: longer keeps a server that nobody needs any more, shorter
/// costs the hub a question more often.
const COUNT: Duration = Duration::from_millis(500);
/// Longest id of a partner or conversation, in bytes: a server's have twenty.
const ID: usize = 128;

pub(crate) struct Viewer {
    lang: Lang,
    source: Option<Source>,
    phase: Phase,
    /// The media server that we were paired with.
    partner: String,
    /// What it calls the conversation.
    sid: String,
    /// Its name for the connection's candidates.
    mid: String,
    link: Option<LinkId>,
    /// What it said before there was a leg: its offer, then candidates.
    early: VecDeque<Signal>,
    heard: Moment,
    /// The hub has told something that is to be acted upon.
    due: bool,
    /// The server stops: when viewers are counted next.
    count_at: Option<Moment>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The server has not said who we are to it; `join` is sent at that moment.
    Greeting(Option<Moment>),
    Joining,
    /// Paired; the offer has to come by then.
    Paired(Moment),
    /// It has offered.
    Offered,
    /// The server is gone, and what flows goes on.
    Cut,
}

impl Viewer {
    pub(crate) fn new(lang: Lang, source: Option<Source>) -> Self {
        Self {
            lang,
            source,
            phase: Phase::Greeting(None),
            partner: String::new(),
            sid: wire::SID.to_owned(),
            mid: sdp::DATA.to_owned(),
            link: None,
            early: VecDeque::new(),
            heard: Moment::START,
            due: false,
            count_at: None,
        }
    }

    fn join(&mut self, ctx: &mut Ctx<'_>) {
        let Some(source) = &self.source else { return ctx.out.close(1000, CloseCause::Peer) };
        self.phase = Phase::Joining;
        let (room, stream, token) = (&*source.room, &*source.stream, source.token.as_deref());
        ctx.out.text(|out| super::wire::join(out, room, stream, token));
    }

    fn event(&mut self, data: &str, ctx: &mut Ctx<'_>) {
        match wire::read(data) {
            Some(Told::Welcome(_)) if matches!(self.phase, Phase::Greeting(_)) => self.join(ctx),
            Some(Told::Message(message)) => self.message(&message, ctx),
            Some(Told::Remove(id)) if !self.partner.is_empty() && id.as_deref() == Some(&self.partner) => {
                ctx.out.close(1000, CloseCause::Peer);
            }
            _ => {}
        }
    }

    /// The server's answer to `join`.
    fn answered(&mut self, data: &str, ctx: &mut Ctx<'_>) {
        if self.phase != Phase::Joining {
            return;
        }
        match super::wire::paired(data) {
            Some(Some(partner)) if partner.len() <= ID => {
                self.partner = partner;
                self.phase = Phase::Paired(ctx.now + OFFER);
            }
            // Nobody is there, or we may not: another time.
            Some(_) => ctx.out.close(1000, CloseCause::Peer),
            None => {}
        }
    }

    fn message(&mut self, message: &Message<'_>, ctx: &mut Ctx<'_>) {
        if self.partner.is_empty() || message.from.as_deref() != Some(&self.partner) {
            return;
        }
        match (&*message.kind, &message.sdp, &message.candidate) {
            ("offer", Some(sdp), _) if matches!(self.phase, Phase::Paired(_)) => {
                self.phase = Phase::Offered;
                if let Some(sid) = message.sid.as_deref().filter(|sid| !sid.is_empty() && sid.len() <= ID) {
                    sid.clone_into(&mut self.sid);
                }
                if let Some(mid) = sdp::first_mid(sdp) {
                    self.mid = mid.chars().take(ID).collect();
                }
                self.publish(sdp, ctx);
            }
            ("candidate", _, Some(candidate)) if !candidate.is_empty() => {
                self.hand_on(SignalKind::Candidate, candidate, ctx);
            }
            // What it cannot do it says without a type.
            ("", _, _) => ctx.out.close(1000, CloseCause::Peer),
            _ => {}
        }
    }

    fn publish(&mut self, sdp: &str, ctx: &mut Ctx<'_>) {
        let Some(source) = &self.source else { return };
        // Such a server announces AAC as PCMU, and says so in lines of its own (ers.md section 3.2): nobody here could hear it.
        let audio = !sdp.lines().any(|line| line.starts_with("a=ext-rtpmap:"));
        let kinds = Kinds { audio, video: true };
        let publish =
            Publish { stream: source.name.clone(), main: None, kinds, about: None, claim: None, tracks: None };
        ctx.out.command(PUBLISH, Command::Publish(publish));
        self.early.push_front(Signal { kind: SignalKind::Offer, body: Body::new(self.lang, sdp.as_bytes()) });
    }

    fn hand_on(&mut self, kind: SignalKind, text: &str, ctx: &mut Ctx<'_>) {
        let signal = Signal { kind, body: Body::new(self.lang, text.as_bytes()) };
        match self.link {
            Some(link) if self.early.is_empty() => {
                ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
            }
            _ if self.early.len() < EARLY => self.early.push_back(signal),
            _ => {}
        }
    }

    /// Our answer, and behind it the ways to us: media servers begin to connect when a candidate comes behind it (ers.md
    /// section 3.3, rule 1).
    fn answer(&self, text: &str, ctx: &mut Ctx<'_>) {
        ctx.out.text(|out| super::wire::answer(out, &self.partner, &self.sid, text));
        for candidate in sdp::candidates(text) {
            ctx.out.text(|out| wire::candidate(out, &self.partner, &self.sid, &self.mid, candidate));
        }
    }

    /// The server is gone. Whether something flows that goes on without it.
    fn cut(&mut self) -> bool {
        if self.link.is_some() {
            self.phase = Phase::Cut;
        }
        self.phase == Phase::Cut
    }
}

impl Session for Viewer {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.heard = ctx.now;
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(text) = frame else { return };
        let Some(packet) = Packet::parse(text).filter(|_| self.phase != Phase::Cut) else { return };
        match packet.kind {
            Kind::Connect if packet.endpoint.is_empty() && self.phase == Phase::Greeting(None) => {
                self.phase = Phase::Greeting(Some(ctx.now + WELCOME));
            }
            Kind::Heartbeat => {
                self.heard = ctx.now;
                ctx.out.text(|out| out.extend_from_slice(b"2::"));
            }
            Kind::Event => self.event(packet.data, ctx),
            Kind::Ack => self.answered(packet.data, ctx),
            Kind::Disconnect | Kind::Error => {
                if !self.cut() {
                    ctx.out.close(1000, CloseCause::Peer);
                }
            }
            Kind::Connect | Kind::Message | Kind::Json | Kind::Noop => {}
        }
    }

    /// What flows goes on as long as somebody views it.
    fn on_drain(&mut self, ctx: &mut Ctx<'_>) {
        if self.link.is_none() {
            ctx.out.close(1000, CloseCause::Shutdown);
        }
        self.count_at = Some(ctx.now);
    }

    fn on_cut(&mut self, _ctx: &mut Ctx<'_>) -> bool {
        self.cut()
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Reserved { tag: PUBLISH, link, .. } => (self.link, self.due) = (Some(link), true),
            // Somebody else publishes under this name.
            Event::Refused { tag: PUBLISH, .. } => ctx.out.close(1000, CloseCause::Peer),
            Event::Described { link, kind: DescriptionKind::Answer, sdp, .. } if self.link == Some(link) => {
                let text: Arc<str> = sdp;
                self.answer(&text, ctx);
            }
            Event::Viewers { tag: VIEWERS, count: 0, .. } => ctx.out.close(1000, CloseCause::Shutdown),
            Event::LegEnded { link, .. } if self.link == Some(link) => ctx.out.close(1000, CloseCause::Peer),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        if self.due {
            return Some(Moment::START);
        }
        let silence = self.heard + DEATH;
        let own = match self.phase {
            Phase::Cut => None,
            Phase::Greeting(Some(at)) | Phase::Paired(at) => Some(at.min(silence)),
            _ => Some(silence),
        };
        own.into_iter().chain(self.count_at).min()
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(link) = self.link.filter(|_| std::mem::take(&mut self.due)) {
            for signal in self.early.drain(..) {
                ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
            }
        }
        if self.count_at.is_some_and(|at| at <= ctx.now)
            && let Some(source) = &self.source
        {
            self.count_at = Some(ctx.now + COUNT);
            ctx.out.command(VIEWERS, Command::Query(Query::Viewers(source.name.clone())));
        }
        match self.phase {
            Phase::Cut => return,
            Phase::Greeting(Some(at)) if at <= ctx.now => self.join(ctx),
            Phase::Paired(at) if at <= ctx.now => ctx.out.close(1000, CloseCause::Idle),
            _ => {}
        }
        if ctx.now >= self.heard + DEATH && !self.cut() {
            ctx.out.close(1000, CloseCause::Silent);
        }
    }
}
