//! Two who meet directly, with `join` and `leave`: antmedia.md section 5.3. The server passes on what they say, in order,
//! and looks at none of it.

use patchbay_core::{Address, Body, Command, Join, MemberList, Merge, Name, RoomId, RoomKind, Signal};
use patchbay_dialect_kit::Ctx;

use super::{AntSession, Asked, UNHEARD};
use crate::refusal::WireError;
use crate::wire::relay::relayed;
use crate::wire::{self, ClientKind, Notice};

/// A pair that the client is one of.
#[derive(Debug)]
pub(super) struct Pair {
    stream: Name,
    room: RoomId,
    own: Name,
    /// The other, once there is one.
    other: Option<Name>,
    /// The first list of members says who was there before.
    listed: bool,
}

impl AntSession {
    /// Roles and numbers of viewers mean nothing here: two are two.
    pub(super) fn join_pair(&mut self, stream: &Name, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        if self.pairs.contains_key(stream) {
            ctx.out.text(|out| wire::notice(out, Notice::Joined, stream));
            return Ok(());
        }
        self.admit(ctx)?;
        let name = self.generated(ctx);
        let join = Join { room: stream.clone(), name, merge: Merge::EVERY, card: None, kind: RoomKind::Pair };
        self.ask(Asked::Join { stream: stream.clone() }, Command::Join(join), ctx);
        Ok(())
    }

    pub(super) fn joined_pair(&mut self, stream: Name, room: RoomId, own: Name, ctx: &mut Ctx<'_>) {
        ctx.out.text(|out| wire::notice(out, Notice::Joined, &stream));
        self.pairs.insert(stream.clone(), Pair { stream, room, own, other: None, listed: false });
    }

    /// Who was there first makes the offer, each time somebody comes; and closes its peer connection when that one goes,
    /// or it would take the next one's offer for the old connection.
    pub(super) fn pair_changed(&mut self, room: RoomId, list: &MemberList, ctx: &mut Ctx<'_>) {
        let Some(pair) = self.pairs.values_mut().find(|pair| pair.room == room) else { return };
        let other = list.names.iter().find(|name| **name != pair.own).cloned();
        let before = std::mem::replace(&mut pair.other, other);
        let first = std::mem::replace(&mut pair.listed, true);
        if before == pair.other {
            return;
        }
        if before.is_some() {
            ctx.out.text(|out| wire::stop(out, &pair.stream));
        }
        if pair.other.is_some() && first {
            ctx.out.text(|out| wire::start(out, &pair.stream));
        }
    }

    pub(super) fn leave_pair(&mut self, stream: &Name, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let pair = self.pairs.remove(stream).ok_or(WireError::NoPeer)?;
        self.limit(ctx);
        ctx.out.command(UNHEARD, Command::Leave { room: pair.room });
        ctx.out.text(|out| wire::notice(out, Notice::Leaved, stream));
        Ok(())
    }

    /// A message for the other. Whoever is in no pair of that name is not heard: candidates come late.
    pub(super) fn relay(
        &mut self,
        stream: &Name,
        kind: ClientKind,
        text: &str,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        let Some(pair) = self.pairs.get(stream) else { return Ok(()) };
        let name = pair.other.clone().ok_or(WireError::NoPeer)?;
        let Some((kind, bytes)) = relayed(text, kind) else { return Ok(()) };
        let signal = Signal { kind, body: Body::new(self.lang, &bytes) };
        ctx.out.command(UNHEARD, Command::Signal { to: Address::Member { room: pair.room, name }, signal });
        Ok(())
    }

    /// The other's message.
    pub(super) fn relayed(&mut self, room: RoomId, signal: &Signal, ctx: &mut Ctx<'_>) {
        // All that `relay` hands on has a command.
        if signal.body.bytes().starts_with(b"{") && self.pairs.values().any(|pair| pair.room == room) {
            ctx.out.text(|out| out.extend_from_slice(signal.body.bytes()));
        }
    }
}
