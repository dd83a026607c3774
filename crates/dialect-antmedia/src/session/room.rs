//! Rooms in the style of the seed, with `joinRoom`: antmedia.md section 5.6. A member's stream is a track of the room, so
//! that both styles meet in one.

use std::collections::BTreeSet;

use patchbay_core::{CauseKind, Command, Join, Known, Merge, Name, Published, Query, RoomId, RoomKind};
use patchbay_dialect_kit::Ctx;

use super::{AntSession, Asked, UNHEARD};
use crate::legs::Role;
use crate::refusal::WireError;
use crate::wire::{self, ClientFrame};

/// The room that the client is in.
#[derive(Debug)]
pub(super) struct Member {
    id: RoomId,
    room: Name,
    /// The id under which it is to publish.
    own: Name,
    /// What was in it when the client was last told.
    seen: BTreeSet<Name>,
}

impl Member {
    pub(super) fn is_in(&self, room: &Name) -> bool {
        self.room == *room
    }

    pub(super) fn has_seen(&self, stream: &Name) -> bool {
        self.seen.contains(stream)
    }
}

impl AntSession {
    pub(super) fn join_room(&mut self, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let room = room_of(frame)?;
        let own = match frame.stream.as_deref() {
            Some(text) => wire::stream_name(text).ok_or(WireError::InvalidStreamName)?,
            None => self.generated(ctx),
        };
        self.limit(ctx);
        self.enter_room(room, own, frame.stream.as_deref(), ctx);
        Ok(())
    }

    /// Nothing stands against it.
    pub(super) fn join_as(&mut self, room: Name, own: Name, ctx: &mut Ctx<'_>) {
        // Whoever is in one room is moved to the next.
        if let Some(member) = self.member.take_if(|member| member.room != room || member.own != own) {
            ctx.out.command(UNHEARD, Command::Leave { room: member.id });
        }
        // The members' list is bounded; who can be played is asked for.
        let name = own.clone();
        let join = Join { room: room.clone(), name, merge: Merge::WINDOW, card: None, kind: RoomKind::Open };
        self.ask(Asked::Enter { own: own.clone() }, Command::Join(join), ctx);
        self.ask(Asked::Entered { own }, Command::Query(Query::Stream(room)), ctx);
    }

    pub(super) fn entered(&mut self, id: RoomId, room: Name, own: Name) {
        self.member = Some(Member { id, room, own, seen: BTreeSet::new() });
    }

    /// What is in the room that was asked for by `joinRoom`.
    pub(super) fn tell_entered(&mut self, room: &Name, own: &Name, known: Known, ctx: &mut Ctx<'_>) {
        // Who was not let in has been told so.
        if self.member.as_ref().is_some_and(|member| member.room == *room && member.own == *own) {
            let streams = others(known, Some(own));
            self.sees(room, &streams);
            ctx.out.text(|out| wire::room::joined(out, room, own, &streams));
        }
    }

    fn sees(&mut self, room: &Name, streams: &[Published]) {
        if let Some(member) = self.member.as_mut().filter(|member| member.is_in(room)) {
            member.seen = streams.iter().map(|published| published.stream.clone()).collect();
        }
    }

    pub(super) fn ask_room(&mut self, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let room = room_of(frame)?;
        self.limit(ctx);
        let own = frame.stream.as_deref().and_then(wire::stream_name);
        let own = own.or_else(|| Some(self.member.as_ref().filter(|member| member.room == room)?.own.clone()));
        self.ask(Asked::Room { room: room.clone(), own }, Command::Query(Query::Stream(room)), ctx);
        Ok(())
    }

    pub(super) fn tell_room(&mut self, room: &Name, own: Option<&Name>, known: Known, ctx: &mut Ctx<'_>) {
        let streams = others(known, own);
        self.sees(room, &streams);
        ctx.out.text(|out| wire::room::information(out, room, &streams));
    }

    /// Publishing and playing in the room end with it.
    pub(super) fn leave_room(&mut self, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let room = room_of(frame)?;
        self.limit(ctx);
        ctx.out.text(|out| wire::room::left(out, &room));
        for leg in self.legs.all() {
            if leg.room.as_ref() == Some(&room) {
                ctx.out.command(UNHEARD, Command::Hangup { link: leg.link, cause: CauseKind::Hangup.into() });
            }
        }
        let Some(member) = self.member.take_if(|member| member.room == room) else { return Ok(()) };
        if let Some(link) = self.legs.link(&member.own, Role::Publish) {
            ctx.out.command(UNHEARD, Command::Hangup { link, cause: CauseKind::Hangup.into() });
        }
        ctx.out.command(UNHEARD, Command::Leave { room: member.id });
        Ok(())
    }

    /// A member who stops its own stream leaves (DECISIONS 23); but not one whose stream never began: pages stop by
    /// themselves what takes long to begin, and begin again.
    pub(super) fn stops_in_room(&mut self, stream: &Name, ctx: &mut Ctx<'_>) {
        let began = self.legs.of(stream, Role::Publish).is_some_and(|leg| leg.started);
        if let Some(member) = self.member.take_if(|member| began && member.own == *stream) {
            ctx.out.command(UNHEARD, Command::Leave { room: member.id });
            ctx.out.text(|out| wire::room::left(out, &member.room));
        }
    }

    /// The room in which the client publishes that stream.
    pub(super) fn room_for(&self, stream: &Name) -> Option<Name> {
        self.member.as_ref().filter(|member| member.own == *stream).map(|member| member.room.clone())
    }
}

fn room_of(frame: &ClientFrame<'_>) -> Result<Name, WireError> {
    let room = frame.room.as_deref().ok_or(WireError::NoRoom)?;
    wire::stream_name(room).ok_or(WireError::InvalidStreamName)
}

/// What is live in a room, but for one's own.
fn others(known: Known, own: Option<&Name>) -> Vec<Published> {
    known.tracks.into_iter().filter(|track| track.live && Some(&track.stream) != own).collect()
}
