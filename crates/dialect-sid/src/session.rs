//! One connection's memory: its sId, its session, its timers.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{
    Address, CallState, CauseKind, Command, Event, Lang, LinkId, Merge, Moment, Name, Refusal, Signal, SignalKind, Tag,
    Token,
};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Random, Session, TokenBucket, with_scratch};

use crate::Settings;
use crate::refusal::{self, Asked, WireError};
use crate::wire::{self, ClientFrame, ClientKind, RelayKind, SessionState};

/// The command that a `Refused` or `Ended` answers.
const REGISTER: Tag = Tag(1);
const SESSION: Tag = Tag(2);
const IN_SESSION: Tag = Tag(3);
const NOTIFY: Tag = Tag(4);
/// The second of two commands for one message: the first has been refused as well, and was answered.
const UNHEARD: Tag = Tag(5);

/// WebSocket close code for a peer that keeps to no rule but breaks none of the framing's (RFC 6455 section 7.4.1).
const CLOSE_POLICY: u16 = 1008;

/// Draws of a session id before the client is told that the opponent cannot be had. With 50,000 live sessions a draw
/// fails once in 2,000 times; more draws than this would only hide that the ids are used up.
const DRAWS: u8 = 16;
/// The least time there is.
const AT_ONCE: Duration = Duration::from_micros(1);

pub(crate) struct SidSession {
    lang: Lang,
    settings: Arc<Settings>,
    /// The sId, from its registration on.
    name: Option<Name>,
    call: Option<Call>,
    /// A session whose drawn id was taken: it is asked for again.
    redraw: Option<Redraw>,
    bucket: TokenBucket,
    /// Not registered: the end of patience. Registered: the next ping, or the end if the last one was not answered.
    next: Moment,
    unanswered: bool,
}

struct Call {
    link: LinkId,
    token: Token,
    /// The opponent's sId.
    with: Name,
}

struct Redraw {
    to: Name,
    left: u8,
    due: bool,
}

impl SidSession {
    pub(crate) fn new(lang: Lang, settings: Arc<Settings>) -> Self {
        Self {
            lang,
            settings,
            name: None,
            call: None,
            redraw: None,
            bucket: TokenBucket::full(),
            next: Moment::START,
            unanswered: false,
        }
    }

    fn message(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let done = wire::read(text).and_then(|frame| self.handle(&frame, ctx));
        if let Err(error) = done {
            ctx.out.text(|out| wire::error(out, error));
        }
    }

    /// In the reference's order of checks: sid.md section 1, "Reading a message".
    fn handle(&mut self, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let kind = frame.kind();
        let Some(own) = &self.name else {
            return if kind == ClientKind::Register {
                self.register(frame, ctx)
            } else {
                Err(WireError::NotRegistered)
            };
        };
        if frame.opponent.text() == Some(own.as_str()) {
            return Err(WireError::Oneself);
        }
        match kind {
            ClientKind::Register => Err(WireError::Registered),
            ClientKind::Session => {
                let to = name(frame.opponent.text()).ok_or(WireError::NoOpponent)?;
                self.limit(ctx);
                self.redraw = Some(Redraw { to, left: DRAWS, due: true });
                self.draw(ctx);
                Ok(())
            }
            ClientKind::Relay(kind) => self.relay(kind, frame, ctx),
            ClientKind::End(cause) => {
                let link = self.link(frame)?;
                self.limit(ctx);
                ctx.out.command(IN_SESSION, Command::Hangup { link, cause: cause.into() });
                Ok(())
            }
            ClientKind::Notify => {
                let to = name(frame.opponent.text()).ok_or(WireError::NoNotifyTarget)?;
                self.limit(ctx);
                let body = with_scratch(|scratch| frame.body(wire::Payload::Type, self.lang, scratch));
                ctx.out.command(NOTIFY, Command::Post { to, body });
                Ok(())
            }
            ClientKind::Unknown => Err(WireError::UnknownCommand),
        }
    }

    fn register(&mut self, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let name = name(frame.id.text()).ok_or(WireError::NoCommand)?;
        self.limit(ctx);
        let merge = Merge { every_up_to: self.settings.every_list_up_to };
        ctx.out.command(REGISTER, Command::Register { name, merge });
        Ok(())
    }

    fn relay(&mut self, kind: RelayKind, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let link = self.link(frame)?;
        let body = with_scratch(|scratch| frame.body(kind.payload(), self.lang, scratch));
        let (signal, state) = match kind {
            RelayKind::Call => (SignalKind::Offer, Some(Command::Ring { link })),
            RelayKind::Accept => (SignalKind::Answer, Some(Command::Accept { link })),
            RelayKind::Candidate => (SignalKind::Candidate, None),
        };
        let signal = Signal { kind: signal, body };
        ctx.out.command(IN_SESSION, Command::Signal { to: Address::Link(link), signal });
        // After the relay: its receiver hears of the new state behind it.
        if let Some(state) = state {
            ctx.out.command(UNHEARD, state);
        }
        Ok(())
    }

    /// The call that the message names, if it is this client's: the ids of other people's sessions are unknown here.
    fn link(&self, frame: &ClientFrame<'_>) -> Result<LinkId, WireError> {
        let call = self.call.as_ref().filter(|call| frame.session.text() == Some(call.token.as_str()));
        call.map(|call| call.link).ok_or(WireError::NoSession)
    }

    /// Asks for the wanted session under a new random id.
    fn draw(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(redraw) = self.redraw.as_mut().filter(|redraw| redraw.due) {
            redraw.due = false;
            redraw.left -= 1;
            let (to, token) = (redraw.to.clone(), Some(session_id(ctx.rng)));
            ctx.out.command(SESSION, Command::Call { to, token });
        }
    }

    /// The protocol has no word for "too fast": a client above the rate is read more slowly and loses nothing.
    fn limit(&mut self, ctx: &mut Ctx<'_>) {
        let next = self.bucket.charge(self.settings.rate, ctx.now);
        if next > ctx.now {
            ctx.out.deafen(next);
        }
    }

    fn refused(&mut self, tag: Tag, refusal: Refusal, ctx: &mut Ctx<'_>) {
        let asked = match tag {
            SESSION => {
                if let (Refusal::TokenTaken, Some(redraw)) = (refusal, &mut self.redraw)
                    && redraw.left > 0
                {
                    // Law 1: an event causes no command, but the deadline does, before the next frame is read.
                    redraw.due = true;
                    ctx.out.deafen(ctx.now + AT_ONCE);
                    return;
                }
                self.redraw = None;
                Asked::Session
            }
            NOTIFY => Asked::Notify,
            UNHEARD => return,
            _ => Asked::Else,
        };
        let error = refusal::error(asked, refusal);
        ctx.out.text(|out| wire::error(out, error));
    }

    fn call_changed(
        &mut self,
        link: LinkId,
        token: Token,
        with: Name,
        caller: bool,
        state: CallState,
        ctx: &mut Ctx<'_>,
    ) {
        if state == CallState::New && self.call.is_none() {
            self.call = Some(Call { link, token, with });
            if caller {
                self.redraw = None;
                ctx.out.text(|out| wire::session(out, &token));
            }
        }
        if self.call.as_ref().is_some_and(|call| call.link == link) {
            ctx.out.text(|out| wire::state(out, &token, state.into()));
        }
    }

    fn call_ended(&mut self, tag: Tag, link: LinkId, cause: CauseKind, ctx: &mut Ctx<'_>) {
        let Some(call) = self.call.take_if(|call| call.link == link) else { return };
        if tag != IN_SESSION {
            ctx.out.text(|out| wire::ended(out, &call.token, call.with.as_str(), cause));
        }
        ctx.out.text(|out| wire::state(out, &call.token, SessionState::Closed));
    }
}

/// A name that somebody may have.
fn name(text: Option<&str>) -> Option<Name> {
    text.and_then(|text| Name::parse(text).ok())
}

/// Eight random decimal digits, as the reference draws them. They are too few to be a secret for long, so they grant
/// nothing: only the two ends of a session may use its id.
fn session_id(rng: &mut dyn Random) -> Token {
    const IDS: u64 = 100_000_000;
    /// Whole multiples of `IDS` only, so that each id is as likely as any other.
    const FAIR: u64 = u64::MAX - u64::MAX % IDS;
    loop {
        let drawn = rng.next_u64();
        if drawn < FAIR
            && let Some(token) = Token::new(&format!("{:08}", drawn % IDS))
        {
            return token;
        }
    }
}

impl Session for SidSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.next = ctx.now + self.settings.register_timeout;
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        match frame {
            Frame::Text(text) => self.message(text, ctx),
            // The reference reads binary messages as text, with U+FFFD for what is no UTF-8.
            Frame::Binary(bytes) => self.message(&String::from_utf8_lossy(bytes), ctx),
            Frame::Pong(_) => self.unanswered = false,
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Registered { name, .. } => {
                ctx.out.text(|out| wire::registered(out, name.as_str()));
                self.name = Some(name);
                self.next = ctx.now + self.settings.ping_interval;
            }
            Event::Refused { tag, refusal } => self.refused(tag, refusal, ctx),
            // Who is in a call hears of nobody else; the list at its end is complete.
            Event::Presence { list, .. } if self.name.is_some() && self.call.is_none() => {
                let text = list.rendered(self.lang, wire::clients);
                ctx.out.text(|out| out.extend_from_slice(&text));
            }
            Event::CallChanged { link, token: Some(token), with, caller, state, .. } => {
                self.call_changed(link, token, with, caller, state, ctx);
            }
            Event::CallSignal { link, signal } => {
                let heard = matches!(signal.kind, SignalKind::Offer | SignalKind::Answer | SignalKind::Candidate);
                if let Some(call) = self.call.as_ref().filter(|call| call.link == link && heard) {
                    ctx.out.text(|out| wire::relay(out, &call.token, call.with.as_str(), &signal));
                }
            }
            Event::Ended { tag, link, cause, .. } => self.call_ended(tag, link, cause.kind, ctx),
            Event::Posted { from, body } if self.name.is_some() => {
                ctx.out.text(|out| wire::notify(out, from.as_str(), &body));
            }
            // What no client of this dialect asks for (rooms, streams), and calls without a public id: here, every session
            // has one.
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        let redraw = self.redraw.as_ref().is_some_and(|redraw| redraw.due);
        Some(if redraw { Moment::START } else { self.next })
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.draw(ctx);
        if ctx.now < self.next {
            return;
        }
        if self.name.is_none() {
            ctx.out.close(CLOSE_POLICY, CloseCause::Idle);
        } else if self.unanswered {
            ctx.out.abort(CloseCause::Silent);
        } else {
            ctx.out.ping();
            self.unanswered = true;
            self.next = ctx.now + self.settings.ping_interval;
        }
    }
}

#[cfg(test)]
mod tests;
