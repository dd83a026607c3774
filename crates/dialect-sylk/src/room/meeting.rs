//! Who else is in the room, as the hub's lists tell it: levels become the events that clients know.

use std::collections::{BTreeMap, BTreeSet};

use patchbay_core::{MemberList, Name, RoomId};
use patchbay_dialect_kit::Ctx;

use super::{Room, Stage};
use crate::session::SylkSession;
use crate::wire::between::Card;
use crate::wire::event::{Publisher, RoomEvent};

/// Who changes a room that is no member: the reference's word.
const NOBODY: &str = "videoroom";

impl SylkSession {
    /// Who is in the room now, what they show, and what can be seen there.
    pub(crate) fn members(&mut self, id: RoomId, list: &MemberList, ctx: &mut Ctx<'_>) {
        let lang = self.lang;
        let Some((session, room)) = self.rooms.at(id) else { return };
        let own = room.own.clone();
        let foreign = list.cards.iter().filter(|(name, card)| *name != own && card.lang() == lang);
        room.others = foreign.filter_map(|(name, card)| Some((name.clone(), Card::read(card.bytes())?))).collect();
        room.streams = list.streams.iter().filter(|stream| **stream != own).cloned().collect();
        match room.stage {
            Stage::Asked => {
                room.adopt();
                self.entered(&session);
            }
            Stage::Accepted => self.compare(&session, ctx),
            Stage::Entered | Stage::Progress => {}
        }
        self.share(&session);
    }

    /// What the client has to know once it has come in: sylk.md section 8.
    pub(super) fn introduce(&mut self, session: &str, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        room.told = room.publishers();
        room.leave_inactive();
        room.hands = room.raised();
        let room = &self.rooms.by_session[session];
        let publishers: Vec<_> = room.told.keys().map(|name| room.publisher(name)).collect();
        self.tell_room(session, RoomEvent::InitialPublishers(&publishers), ctx);
        if !room.active.is_empty() {
            self.tell_active(session, NOBODY, ctx);
        }
        if !room.hands.is_empty() {
            self.tell_hands(session, ctx);
        }
    }

    /// Tells the client what is new since it was told last.
    fn compare(&mut self, session: &str, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        let now = room.publishers();
        let before = std::mem::replace(&mut room.told, now);
        let inactive = room.leave_inactive();
        let room = &self.rooms.by_session[session];
        // Who has come back in between is somebody else: both have changed.
        let gone = before.iter().filter(|(name, since)| room.told.get(*name) != Some(since));
        let left: Vec<_> = gone.map(|(name, _)| name.as_str()).collect();
        let new = room.told.iter().filter(|(name, since)| before.get(*name) != Some(since));
        let come: Vec<_> = new.map(|(name, _)| room.publisher(name)).collect();
        if !left.is_empty() {
            self.tell_room(session, RoomEvent::PublishersLeft(&left), ctx);
        }
        if !come.is_empty() {
            self.tell_room(session, RoomEvent::PublishersJoined(&come), ctx);
        }
        if inactive {
            self.tell_active(session, NOBODY, ctx);
        }
        self.look_at_hands(session, ctx);
    }

    /// Tells the client whose hands are up, if that is news.
    pub(super) fn look_at_hands(&mut self, session: &str, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get_mut(session) else { return };
        let raised = room.raised();
        if room.hands != raised {
            room.hands = raised;
            if room.stage == Stage::Accepted {
                self.tell_hands(session, ctx);
            }
        }
    }

    pub(super) fn tell_active(&self, session: &str, originator: &str, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get(session) else { return };
        let active: Vec<_> = room.active.iter().map(|id| &**id).collect();
        self.tell_room(session, RoomEvent::Configure { originator, active_participants: &active }, ctx);
    }

    fn tell_hands(&self, session: &str, ctx: &mut Ctx<'_>) {
        let Some(room) = self.rooms.by_session.get(session) else { return };
        let hands: Vec<_> = room.hands.iter().map(|id| &**id).collect();
        self.tell_room(session, RoomEvent::RaisedHands(&hands), ctx);
    }
}

impl Room {
    /// What can be seen, each with the stay of its member.
    fn publishers(&self) -> BTreeMap<Name, u64> {
        let since = |name: &Name| self.others.get(name).map_or(0, |card| card.since);
        self.streams.iter().map(|name| (name.clone(), since(name))).collect()
    }

    /// Somebody of another dialect has its name alone.
    fn publisher<'a>(&'a self, name: &'a Name) -> Publisher<'a> {
        let card = self.others.get(name);
        Publisher {
            id: name.as_str(),
            uri: card.map_or(name.as_str(), |card| &card.address),
            display_name: card.map_or("", |card| &card.display),
            kind: None,
            muted: None,
        }
    }

    /// Who comes learns from the others who is active: those of the newest choice, in its order.
    fn adopt(&mut self) {
        let marks = self.others.iter().filter_map(|(name, card)| Some((card.active?, name)));
        let mut marks: Vec<_> = marks.collect();
        let Some(newest) = marks.iter().map(|((stamp, _), _)| *stamp).max() else { return };
        marks.retain(|((stamp, _), _)| *stamp == newest);
        marks.sort_unstable();
        self.active = marks.into_iter().map(|(_, name)| name.as_str().into()).collect();
        self.chosen = (newest, Box::default());
    }

    /// Who has gone is active no more. Whether anybody was.
    fn leave_inactive(&mut self) -> bool {
        let gone: BTreeSet<_> = self.active.iter().filter(|id| !self.has(id)).cloned().collect();
        self.active.retain(|id| !gone.contains(id));
        !gone.is_empty()
    }

    /// Whose hands are up, the first first.
    fn raised(&self) -> Vec<Box<str>> {
        let all = self.others.iter().chain([(&self.own, &self.card)]);
        let mut raised: Vec<_> = all.filter_map(|(name, card)| Some((card.hand?, name))).collect();
        raised.sort_unstable();
        raised.into_iter().map(|(_, name)| name.as_str().into()).collect()
    }
}
