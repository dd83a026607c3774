//! One connection's memory: its bound id, its room, its timers.

use std::sync::Arc;

use patchbay_core::{Address, Command, Event, Join, Lang, Merge, Moment, Name, RoomId, Signal, SignalKind, Tag};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session, TokenBucket, with_scratch};

use crate::Settings;
use crate::refusal::WireError;
use crate::wire::{self, ClientFrame, ClientKind, RelayKind};

/// The command that a `Refused` answers.
const JOIN: Tag = Tag(1);
const RELAY: Tag = Tag(2);

/// WebSocket close code for a message that is not of the protocol (RFC 6455 section 7.4.1: inconsistent data).
const CLOSE_BAD_MESSAGE: u16 = 1007;

pub(crate) struct MeshSession {
    lang: Lang,
    settings: Arc<Settings>,
    /// The id that the first successful join bound to this connection for life.
    bound: Option<Name>,
    room: Option<(RoomId, Name)>,
    bucket: TokenBucket,
    next_ping: Moment,
    gone_at: Moment,
}

impl MeshSession {
    pub(crate) fn new(lang: Lang, settings: Arc<Settings>) -> Self {
        Self {
            lang,
            settings,
            bound: None,
            room: None,
            bucket: TokenBucket::full(),
            next_ping: Moment::START,
            gone_at: Moment::START,
        }
    }

    fn message(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        with_scratch(|scratch| match wire::read(text, scratch) {
            Ok(frame) => self.handle(&frame, scratch, ctx),
            Err(_) => ctx.out.close(CLOSE_BAD_MESSAGE, CloseCause::BadMessage),
        });
    }

    fn handle(&mut self, frame: &ClientFrame<'_>, scratch: &mut Vec<u8>, ctx: &mut Ctx<'_>) {
        match frame.kind() {
            ClientKind::Relay(kind) => {
                if let Err(error) = self.relay(kind, frame, scratch, ctx) {
                    self.refuse_relay(error, ctx);
                }
            }
            _ if !self.admits(ctx.now) => self.refuse(WireError::RateLimited, ctx),
            ClientKind::Join => {
                if let Err(error) = self.join(frame, ctx) {
                    self.refuse(error, ctx);
                }
            }
            ClientKind::Leave => {
                if let Some((room, _)) = self.room.take() {
                    ctx.out.command(Tag::default(), Command::Leave { room });
                }
            }
            ClientKind::Ping => ctx.out.text(wire::pong),
            ClientKind::Unknown => self.refuse(WireError::UnknownType, ctx),
        }
    }

    fn join(&mut self, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let id = wire::client_id(&frame.from)?;
        let room = wire::room_name(&frame.room)?;
        if self.bound.as_ref().is_some_and(|bound| bound.as_str() != id) {
            return Err(WireError::IdentityLocked);
        }
        if self.room.as_ref().is_some_and(|(_, current)| current.as_str() != room) {
            return Err(WireError::AlreadyJoined);
        }
        let name = match &self.bound {
            Some(bound) => bound.clone(),
            None => Name::parse(id).map_err(|_| WireError::InvalidId)?,
        };
        let room = Name::parse(room).map_err(|_| WireError::InvalidRoom)?;
        ctx.out.command(
            JOIN,
            Command::Join(Join { room, name, merge: Merge::WINDOW, card: None, kind: patchbay_core::RoomKind::Open }),
        );
        Ok(())
    }

    fn relay(
        &mut self,
        kind: RelayKind,
        frame: &ClientFrame<'_>,
        scratch: &mut Vec<u8>,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        let (room, own) = match (&self.room, &self.bound) {
            (Some((room, _)), Some(own)) => (*room, own),
            _ => return Err(WireError::NotJoined),
        };
        let name = wire::client_id(&frame.to).map_err(|_| WireError::InvalidTarget)?;
        if name == own.as_str() {
            return Err(WireError::InvalidTarget);
        }
        let name = Name::parse(name).map_err(|_| WireError::InvalidTarget)?;
        let signal = Signal { kind: kind.signal(), body: frame.body(self.lang, scratch) };
        ctx.out.command(RELAY, Command::Signal { to: Address::Member { room, name }, signal });
        Ok(())
    }

    /// Answers a relay that nobody got. Those count against the rate; relays that arrive are bounded by the mailbox of
    /// whoever gets them (DECISIONS 4).
    fn refuse_relay(&mut self, error: WireError, ctx: &mut Ctx<'_>) {
        let error = if self.admits(ctx.now) { error } else { WireError::RateLimited };
        self.refuse(error, ctx);
    }

    fn refuse(&self, error: WireError, ctx: &mut Ctx<'_>) {
        let room = self.room.as_ref().map(|(_, name)| name.as_str()).unwrap_or_default();
        ctx.out.text(|out| wire::error(out, room, error));
    }

    fn admits(&mut self, now: Moment) -> bool {
        self.bucket.take(self.settings.rate, now)
    }
}

impl Session for MeshSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.next_ping = ctx.now + self.settings.ping_interval;
        self.gone_at = ctx.now + self.settings.pong_timeout;
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        match frame {
            Frame::Text(text) => self.message(text, ctx),
            Frame::Binary(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => self.message(text, ctx),
                Err(_) => ctx.out.close(CLOSE_BAD_MESSAGE, CloseCause::BadMessage),
            },
            // Only a pong says that the peer is there: not a message, not a JSON ping (mesh.md section 1).
            Frame::Pong(_) => self.gone_at = ctx.now + self.settings.pong_timeout,
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Joined { room, room_name, name, .. } => {
                ctx.out.text(|out| wire::joined(out, room_name.as_str(), name.as_str()));
                self.bound = Some(name);
                self.room = Some((room, room_name));
            }
            Event::Refused { tag: RELAY, refusal } => self.refuse_relay(refusal.into(), ctx),
            Event::Refused { refusal, .. } => self.refuse(refusal.into(), ctx),
            // A list that was on its way when the client left is not for its ears.
            Event::Members { room, room_name, list, .. }
                if self.room.as_ref().is_some_and(|(current, _)| *current == room) =>
            {
                let text = list.rendered(self.lang, |list| wire::members(room_name.as_str(), list));
                ctx.out.text(|out| out.extend_from_slice(&text));
            }
            Event::MemberSignal { room, from, signal } => {
                let (Some((current, room_name)), Some(own)) = (&self.room, &self.bound) else { return };
                let heard = !matches!(signal.kind, SignalKind::Progress { .. } | SignalKind::Info);
                if *current == room && heard {
                    let (room, from, own) = (room_name.as_str(), from.as_str(), own.as_str());
                    ctx.out.text(|out| wire::relay(out, room, from, own, &signal));
                }
            }
            // Calls and streams, which no client of this dialect asks for.
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        Some(self.next_ping.min(self.gone_at))
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        if ctx.now >= self.gone_at {
            ctx.out.abort(CloseCause::Silent);
        } else if ctx.now >= self.next_ping {
            ctx.out.ping();
            self.next_ping = ctx.now + self.settings.ping_interval;
        }
    }
}
