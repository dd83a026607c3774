//! What members say to each other, through the hub and past the engine; and invitations.

use patchbay_core::{Body, Command, Name, RoomId, Signal, SignalKind};
use patchbay_dialect_kit::Ctx;

use super::Stage;
use crate::session::{Answer, Done, SylkSession, UNHEARD};
use crate::time::iso;
use crate::wire;
use crate::wire::between::{Card, Invitation, Word};
use crate::wire::event::{AccountEvent, Identity, RoomEvent, RoomMessage};
use crate::wire::request::{Composing, Text};

/// Largest message to a room, in bytes. It goes to every other member, whose queues are bounded and end their connections: a
/// larger bound would let one member push slow ones out, a smaller one would refuse what people paste.
const MESSAGE_BYTES: usize = 128 * 1_024;
/// How long somebody writes who does not say: RFC 3994 section 3.4.
const REFRESH: u32 = 120;

impl SylkSession {
    /// Says something to every other member of this dialect. Those of others have no words for it.
    fn say_to_all(&self, session: &str, word: &Word<'_>, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get(session) else { return };
        for command in room.others.keys().filter_map(|name| room.say(name, word, self.lang)) {
            ctx.out.command(UNHEARD, command);
        }
    }

    /// Chooses who is active.
    ///
    /// # Errors
    /// If the client is in no room under that id, or somebody who is chosen is not there.
    pub(crate) fn configure(&mut self, session: &str, active: &[Text<'_>], ctx: &mut Ctx<'_>) -> Answer {
        let room = self.rooms.get(session)?;
        let unknown: Vec<_> = active.iter().filter(|id| !room.has(id)).map(|id| &**id).collect();
        if !unknown.is_empty() {
            return Err(format!("unknown participant session id: {}", unknown.join(", ")));
        }
        // Later than any other, even if clocks are not in step.
        let stamp = ctx.unix_ms.max(room.chosen.0 + 1);
        let active: Vec<_> = active.iter().map(|id| &**id).collect();
        let word = Word::Configure { stamp, active: active.clone() };
        self.say_to_all(session, &word, ctx);
        self.choose(session, stamp, session, &active, ctx);
        Ok(Done::Ack)
    }

    /// Somebody has chosen who is active.
    fn choose(&mut self, session: &str, stamp: u64, by: &str, active: &[&str], ctx: &mut Ctx<'_>) {
        let lang = self.lang;
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        // Of two who choose at once, everybody takes the same.
        if (stamp, by) <= (room.chosen.0, &*room.chosen.1) {
            return;
        }
        room.chosen = (stamp, by.into());
        room.active = active.iter().map(|id| (*id).into()).collect();
        let place = active.iter().position(|id| *id == room.own.as_str());
        room.card.active = place.map(|place| (stamp, place));
        let show = room.show(lang);
        self.rooms.due.extend(show.map(|show| (UNHEARD, show)));
        if self.rooms.by_session[session].stage == Stage::Accepted {
            self.tell_active(session, by, ctx);
        }
        self.share(session);
    }

    /// Says something to everybody in the room; what is larger than [`MESSAGE_BYTES`] is not delivered.
    ///
    /// # Errors
    /// If the client is in no room under that id.
    pub(crate) fn room_message(
        &mut self,
        session: &str,
        id: &str,
        content: &str,
        mime: &str,
        transaction: &str,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        self.rooms.get(session)?;
        let delivered = content.len() <= MESSAGE_BYTES;
        if delivered {
            self.say_to_all(session, &Word::Message { time: ctx.unix_ms, mime, content }, ctx);
        }
        self.answer(transaction, Ok(Done::Ack), ctx);
        let (code, reason) = if delivered { (200, "OK") } else { (413, "Request Entity Too Large") };
        self.tell_room(session, RoomEvent::MessageDelivery { message_id: id, delivered, code, reason }, ctx);
        Ok(Done::Later)
    }

    /// Tells the others that the client writes, or has stopped.
    ///
    /// # Errors
    /// If the client is in no room under that id.
    pub(crate) fn compose(
        &mut self,
        session: &str,
        state: Composing,
        refresh: Option<u32>,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        self.rooms.get(session)?;
        self.say_to_all(session, &Word::Composing { state, refresh: refresh.unwrap_or(REFRESH) }, ctx);
        Ok(Done::Ack)
    }

    /// Asks everybody to switch the microphone off.
    ///
    /// # Errors
    /// If the client is in no room under that id.
    pub(crate) fn mute(&mut self, session: &str, ctx: &mut Ctx<'_>) -> Answer {
        self.rooms.get(session)?;
        self.say_to_all(session, &Word::Mute, ctx);
        self.tell_room(session, RoomEvent::MuteAudio { originator: session }, ctx);
        Ok(Done::Ack)
    }

    /// Lifts a hand or lets it down. Only its owner can: others are asked to.
    ///
    /// # Errors
    /// If the client is in no room under that id, or nobody of this dialect under the other.
    pub(crate) fn toggle(&mut self, session: &str, whose: &str, ctx: &mut Ctx<'_>) -> Answer {
        let lang = self.lang;
        let room = self.rooms.get(session)?;
        if whose == session {
            self.toggle_own(session, ctx);
            return Ok(Done::Ack);
        }
        let unknown = || format!("unknown participant session id: {whose}");
        let name = Name::parse(whose).ok().filter(|name| room.others.contains_key(name)).ok_or_else(unknown)?;
        let asked = room.say(&name, &Word::Hand, lang).ok_or_else(unknown)?;
        ctx.out.command(UNHEARD, asked);
        Ok(Done::Ack)
    }

    fn toggle_own(&mut self, session: &str, ctx: &mut Ctx<'_>) {
        let lang = self.lang;
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        room.card.hand = match room.card.hand {
            Some(_) => None,
            None => Some(ctx.unix_ms),
        };
        let show = room.show(lang);
        self.rooms.due.extend(show.map(|show| (UNHEARD, show)));
        self.look_at_hands(session, ctx);
    }

    /// A fellow member says something.
    pub(crate) fn hears(&mut self, id: RoomId, from: &Name, signal: &Signal, ctx: &mut Ctx<'_>) {
        if signal.kind != SignalKind::Info || signal.body.lang() != self.lang {
            return;
        }
        let Some(word) = Word::read(signal.body.bytes()) else { return };
        let Some((session, room)) = self.rooms.at(id) else { return };
        let (accepted, by) = (room.stage == Stage::Accepted, from.as_str());
        let Some(Card { address, display, .. }) = room.others.get(from).cloned() else { return };
        let sender = Identity { uri: &address, display_name: Some(&display) };
        match word {
            Word::Configure { stamp, active } => self.choose(&session, stamp, by, &active, ctx),
            Word::Hand => self.toggle_own(&session, ctx),
            // The rest is for those who have come in.
            _ if !accepted => {}
            Word::Composing { state, refresh } => {
                let event = RoomEvent::Composing { state, refresh, content_type: "text/plain", sender };
                self.tell_room(&session, event, ctx);
            }
            Word::Message { time, mime, content } => {
                let (kind, timestamp) = (RoomMessage::Normal, &*iso(time));
                let event = RoomEvent::Message { kind, content, content_type: mime, sender, timestamp };
                self.tell_room(&session, event, ctx);
            }
            Word::Mute => self.tell_room(&session, RoomEvent::MuteAudio { originator: by }, ctx),
        }
    }

    /// Asks whoever holds these accounts elsewhere on this server to come.
    ///
    /// # Errors
    /// If the client is in no room under that id.
    pub(crate) fn invite(&mut self, session: &str, accounts: &[crate::aor::Aor<'_>], ctx: &mut Ctx<'_>) -> Answer {
        let id = uuid(ctx.rng.next_u64(), ctx.rng.next_u64());
        let lang = self.lang;
        let room = self.rooms.get(session)?;
        for account in accounts.iter().map(crate::aor::Aor::as_str) {
            let (address, display) = (&*room.card.address, &*room.card.display);
            let body = Invitation { account, room: &room.uri, session: &id, address, display }.write();
            if let Ok(to) = Name::parse(account) {
                ctx.out.command(UNHEARD, Command::Post { to, body: Body::new(lang, body.as_bytes()) });
            }
        }
        Ok(Done::Ack)
    }

    /// Somebody asks an account of the connection to come into a room.
    pub(crate) fn invited(&mut self, body: &Body, ctx: &mut Ctx<'_>) {
        if body.lang() != self.lang {
            return;
        }
        let Some(Invitation { account, room, session, address, display }) = Invitation::read(body.bytes()) else {
            return;
        };
        if self.accounts.contains_key(account) {
            let originator = Identity { uri: address, display_name: Some(display) };
            let event = AccountEvent::ConferenceInvite { room, session_id: session, originator };
            self.tell(&wire::Event::Account { account, event }, ctx);
        }
    }
}

/// Random bits as clients write ids (RFC 9562 section 5.4).
fn uuid(high: u64, low: u64) -> String {
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{a:08x}-{b:04x}-{c:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_4() {
        assert_eq!(uuid(0, 0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid(u64::MAX, u64::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid(0x0123_4567_89ab_cdef, 0x0123_4567_89ab_cdef), "01234567-89ab-4def-8123-456789abcdef");
    }
}
