//! Coming into a room and leaving it, and what a member sends.
//!
//! A join is two commands: the place in the room, then the stream. The hub's first list tells what the room has and so what
//! may be published. The request is answered when both are there; whatever the client has sent behind it waits.

use std::collections::{BTreeMap, BTreeSet};

use patchbay_core::{
    Cause, CauseKind, Command, Join, Kinds, LinkId, Merge, Name, Publish, Refusal, RoomId, SignalKind, Tag,
};
use patchbay_dialect_kit::Ctx;

use super::{Joining, Leg, ROOMS, Room, Stage, address, signal};
use crate::refusal;
use crate::session::{Answer, Done, SylkSession, UNHEARD, unknown};
use crate::wire::between::Card;
use crate::wire::event::RoomState;
use crate::wire::request::Candidate;

/// What a client asks for that would join a room.
pub(crate) struct Wanted<'a> {
    pub(crate) session: &'a str,
    pub(crate) account: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) sdp: &'a str,
    pub(crate) audio: bool,
    pub(crate) video: bool,
}

impl SylkSession {
    /// # Errors
    /// The texts of sylk.md section 6.1, and ours where this connection is in as many rooms as it may be, or in this one.
    pub(crate) fn join(&mut self, transaction: &str, wanted: &Wanted<'_>, ctx: &mut Ctx<'_>) -> Answer {
        let Wanted { session, account, uri, sdp, audio, video } = *wanted;
        let in_use = || format!("Session ID {session} already in use");
        if self.calls.knows(session) || self.rooms.knows(session) {
            return Err(in_use());
        }
        let held = self.accounts.get(account).ok_or_else(|| unknown(account))?;
        let rule = self.settings.rooms.of(uri);
        if !rule.admits(account) {
            return Err(format!("is not allowed to join room {uri}"));
        }
        if self.rooms.by_session.len() >= ROOMS {
            return Err(format!("this connection is in {ROOMS} rooms, which is the most; leave one"));
        }
        // Both have been read as names of that size.
        let named = rule.name.clone().ok_or(()).or_else(|()| Name::parse(uri));
        let (Ok(name), Ok(own)) = (named, Name::parse(session)) else { return Err(in_use()) };
        if self.rooms.by_session.values().any(|room| room.name == name) {
            return Err(format!("this connection is in room {uri} already"));
        }
        let (address, display) = address(&held.account);
        let card = Card {
            since: ctx.unix_ms,
            audio,
            video,
            settled: false,
            hand: None,
            active: None,
            address: (&*address).into(),
            display,
        };
        let room = Room {
            uri: uri.into(),
            name: name.clone(),
            own: own.clone(),
            stage: Stage::Asked,
            tag: self.tag(),
            id: None,
            link: None,
            offer: sdp.into(),
            card,
            others: BTreeMap::new(),
            streams: BTreeSet::new(),
            told: BTreeMap::new(),
            active: Vec::new(),
            chosen: (0, Box::default()),
            hands: Vec::new(),
            wish: None,
            limit: None,
        };
        let join = Join {
            room: name,
            name: own,
            merge: Merge::WINDOW,
            card: room.shown(self.lang),
            kind: patchbay_core::RoomKind::Open,
        };
        ctx.out.command(room.tag, Command::Join(join));
        self.rooms.by_session.insert(session.into(), room);
        self.rooms.joining = Some(Joining { transaction: transaction.into(), session: session.into() });
        Ok(Done::Later)
    }

    /// There is a place in the room; its list follows.
    pub(crate) fn joined(&mut self, tag: Tag, id: RoomId) {
        let room = self.rooms.by_session.values_mut().find(|room| room.tag == tag && room.stage == Stage::Asked);
        if let Some(room) = room {
            room.id = Some(id);
        }
    }

    /// The first list has come: what the room has is known, so the stream can be asked for.
    pub(super) fn entered(&mut self, session: &str) {
        let (tag, lang) = (self.tag(), self.lang);
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        (room.stage, room.tag) = (Stage::Entered, tag);
        // Who knows what the room has tells; else the first to come decides, even if it has not had the time to know that.
        let all = room.others.iter().chain([(&room.own, &room.card)]);
        let first = all.min_by_key(|(name, card)| (!card.settled, card.since, *name));
        let (audio, video) = first.map_or((true, true), |(_, card)| (card.audio, card.video));
        let video = video && !self.settings.rooms.of(&room.uri).video_disabled;
        (room.card.audio, room.card.video, room.card.settled) = (audio, video, true);
        let kinds = Kinds { audio, video };
        let publish = Publish {
            stream: room.own.clone(),
            main: Some(room.name.clone()),
            kinds,
            about: None,
            claim: None,
            tracks: None,
        };
        let show = room.show(lang);
        self.rooms.due.extend(show.map(|show| (UNHEARD, show)));
        self.rooms.due.push_back((tag, Command::Publish(publish)));
    }

    /// The stream's name is the client's: its offer can go to the engine.
    pub(crate) fn reserved(&mut self, tag: Tag, link: LinkId, ctx: &mut Ctx<'_>) {
        let lang = self.lang;
        let Some(Joining { transaction, session }) = self.rooms.joining.take() else { return };
        let Some(room) = self.rooms.by_session.get_mut(&session).filter(|room| room.tag == tag) else { return };
        (room.stage, room.link) = (Stage::Progress, Some(link));
        let offer = std::mem::take(&mut room.offer);
        self.rooms.by_link.insert(link, Leg::Own(session.clone()));
        self.rooms.due.push_back((UNHEARD, signal(link, SignalKind::Offer, lang, &offer)));
        self.tell_state(&session, RoomState::Progress, ctx);
        self.answer(&transaction, Ok(Done::Ack), ctx);
        self.share(&session);
    }

    /// The hub declines a place or a stream, if that is what it declines.
    pub(crate) fn join_refused(&mut self, tag: Tag, refusal: Refusal, ctx: &mut Ctx<'_>) {
        let is_it = |session: &str| self.rooms.by_session.get(session).is_some_and(|room| room.tag == tag);
        if !self.rooms.joining.as_ref().is_some_and(|joining| is_it(&joining.session)) {
            return;
        }
        let Some(Joining { transaction, session }) = self.rooms.joining.take() else { return };
        let room = self.rooms.by_session.remove(&session);
        let left = room.and_then(|room| room.id).map(|room| (UNHEARD, Command::Leave { room }));
        self.rooms.due.extend(left);
        self.answer(&transaction, Err(refusal::of_join(refusal, &session)), ctx);
    }

    /// # Errors
    /// If the client is in no room under that id.
    pub(crate) fn leave(&mut self, session: &str, ctx: &mut Ctx<'_>) -> Answer {
        self.rooms.get(session)?;
        let commands = self.gone(session, CauseKind::Hangup);
        commands.into_iter().for_each(|command| ctx.out.command(UNHEARD, command));
        self.tell_state(session, RoomState::Terminated { reason: None }, ctx);
        Ok(Done::Ack)
    }

    /// The stream is over by itself, and with it the membership.
    pub(super) fn lost(&mut self, session: &str, cause: &Cause, ctx: &mut Ctx<'_>) {
        let commands = self.gone(session, CauseKind::Gone);
        self.rooms.due.extend(commands.into_iter().map(|command| (UNHEARD, command)));
        self.tell_state(session, RoomState::Terminated { reason: Some(&refusal::reason(cause)) }, ctx);
    }

    /// Forgets a membership and its feeds; what is to be asked of the hub for that.
    fn gone(&mut self, session: &str, why: CauseKind) -> Vec<Command> {
        let Some(room) = self.rooms.by_session.remove(session) else { return Vec::new() };
        let mut commands = Vec::new();
        let feeds: Vec<_> =
            self.rooms.feeds.iter().filter(|(_, feed)| *feed.of == *session).map(|(id, _)| id.clone()).collect();
        for id in feeds {
            commands.extend(self.drop_feed(&id));
        }
        if let Some(link) = room.link {
            // A stream that is over by itself is not there any more.
            if self.rooms.by_link.remove(&link).is_some() {
                commands.push(Command::Hangup { link, cause: why.into() });
            }
        }
        commands.extend(room.id.map(|room| Command::Leave { room }));
        commands
    }

    /// The engine has described itself: to the client's offer, or to its feed.
    pub(crate) fn described(&mut self, link: LinkId, sdp: &str, ctx: &mut Ctx<'_>) {
        match self.rooms.by_link.get(&link).cloned() {
            Some(Leg::Own(session)) => self.accepted(&session, sdp, ctx),
            Some(Leg::Feed(feed)) => self.offered_feed(&feed, sdp, ctx),
            None => {}
        }
    }

    fn accepted(&mut self, session: &str, sdp: &str, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        if std::mem::replace(&mut room.stage, Stage::Accepted) == Stage::Accepted {
            return;
        }
        let Card { audio, video, .. } = room.card;
        self.tell_state(session, RoomState::Accepted { sdp, audio, video }, ctx);
        self.introduce(session, ctx);
    }

    /// Media flows: the client's own, or a feed's.
    pub(crate) fn room_flows(&mut self, link: LinkId, ctx: &mut Ctx<'_>) {
        match self.rooms.by_link.get(&link).cloned() {
            // That is told once.
            Some(Leg::Own(session)) => self.tell_state(&session, RoomState::Established, ctx),
            Some(Leg::Feed(feed)) => self.feed_flows(&feed, ctx),
            None => {}
        }
    }

    /// A publication or view is over.
    pub(crate) fn leg_ended(&mut self, link: LinkId, cause: &Cause, ctx: &mut Ctx<'_>) {
        match self.rooms.by_link.remove(&link) {
            Some(Leg::Own(session)) => self.lost(&session, cause, ctx),
            // That its publisher has left is told by the list.
            Some(Leg::Feed(feed)) => drop(self.rooms.feeds.remove(&feed)),
            None => {}
        }
    }

    /// # Errors
    /// If the id is neither a membership's nor a feed's.
    pub(crate) fn room_trickle(&mut self, id: &str, candidates: &[Candidate<'_>], ctx: &mut Ctx<'_>) -> Answer {
        // Whose feed has not been offered yet has no candidates for it.
        let Some(link) = self.rooms.link(id)? else { return Ok(Done::Ack) };
        for candidate in candidates.iter().filter(|candidate| !candidate.candidate.is_empty()) {
            ctx.out.command(UNHEARD, signal(link, SignalKind::Candidate, self.lang, &candidate.candidate));
        }
        Ok(Done::Ack)
    }

    /// Switches what is sent on or off: of a membership for everybody, of a feed for the client. A bit rate holds for what
    /// the client sends.
    ///
    /// # Errors
    /// If the id is neither a membership's nor a feed's.
    pub(crate) fn room_update(
        &mut self,
        id: &str,
        audio: Option<bool>,
        video: Option<bool>,
        bitrate: Option<u32>,
        ctx: &mut Ctx<'_>,
    ) -> Answer {
        let link = self.rooms.link(id)?;
        let of = |audio, video| Kinds { audio, video };
        for (kinds, on) in [(of(true, false), audio), (of(false, true), video)] {
            if let (Some(link), Some(on)) = (link, on) {
                ctx.out.command(UNHEARD, Command::Pause { link, track: None, kinds, on });
            }
        }
        if let (Some(room), Some(bitrate)) = (self.rooms.by_session.get_mut(id), bitrate) {
            // None, or 0, is as much as the room allows.
            room.wish = (bitrate > 0).then_some(bitrate);
            self.share(id);
        }
        Ok(Done::Ack)
    }

    /// Tells the engine what the client may send, if that is something else than before.
    pub(super) fn share(&mut self, session: &str) {
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        let Some(link) = room.link else { return };
        let is = room.active.iter().any(|id| **id == *room.own.as_str());
        let share = self.settings.rooms.of(&room.uri).share(room.others.len() + 1, room.active.len(), is);
        let limit = Some(room.wish.map_or(share, |wish| wish.min(share)));
        if room.limit != limit {
            room.limit = limit;
            self.rooms.due.push_back((UNHEARD, Command::Limit { link, bps: limit }));
        }
    }
}
