//! Rooms that are one across naming spaces: who stands in for whom, and which members are asked for as streams.
//!
//! A stream of the patch stands in the room as a member: what a party says to that member is about a view of the stream,
//! which ends in the engine. A member can be viewed as a stream: it is then asked for its media, by a member that stands
//! in for everybody outside. No party is told anything that its own dialect does not know.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::directory::Directory;
use super::owner::{Owner, Via};
use super::room::{Rooms, Standin};
use super::stream::{Live, Streams};
use super::timers::{Timer, Timers};
use crate::id::LinkIds;
use crate::{
    Body, CauseKind, Effects, Event, Lang, LinkId, MediaOp, Moment, Name, PartyId, Patch, Profile, Realm, Refusal,
    RoomId, Selection, Signal, SignalKind, Speaks, Tag, View,
};

/// How long a member may take until its media flows: longer forgives a permission dialog, shorter tells viewers sooner.
/// Below the ten seconds that a request waits for its answer.
const ANSWER: Duration = Duration::from_secs(8);
/// Viewers that wait for one member; one more is refused as [`Refusal::StreamFull`]. More would only keep offers in memory.
const PENDING: usize = 256;

/// Streams whose names look alike in the room; one more does not appear in it.
const ATTEMPTS: u32 = 100;

#[derive(Debug, Default)]
pub(super) struct Patches {
    list: Vec<Patch>,
    /// What stands in for a publication, or (`None`) for the audience, for as long as it lives.
    names: BTreeMap<(usize, Option<LinkId>), Name>,
    pulls: BTreeMap<LinkId, Pull>,
    /// Members who have hung up on the audience: they are not asked again while they stay.
    declined: BTreeSet<(RoomId, PartyId)>,
    changed: bool,
    /// Rooms in the streams' naming spaces whose streams may be others since this was last asked.
    touched: BTreeSet<(Realm, Name)>,
}

/// A member that is asked for as a stream.
#[derive(Debug)]
struct Pull {
    patch: usize,
    realm: Realm,
    until: Moment,
    pending: Vec<Pending>,
    /// Whoever waited has given up, and may think better of it: players that get nowhere for some seconds ask anew, and
    /// to call the member anew each time would get them nowhere for ever.
    lingers: bool,
}

/// A view that waits for a member's media.
#[derive(Debug)]
struct Pending {
    party: PartyId,
    tag: Tag,
    view: View,
    offer: Option<Body>,
}

/// What the patches touch of the hub.
pub(super) struct Around<'a> {
    pub(super) now: Moment,
    pub(super) directory: &'a Directory,
    pub(super) rooms: &'a mut Rooms,
    pub(super) streams: &'a mut Streams,
    pub(super) links: &'a mut LinkIds,
    pub(super) timers: &'a mut Timers,
    pub(super) out: &'a mut Effects,
}

impl Patches {
    pub(super) fn new(list: Vec<Patch>) -> Self {
        Self { list, ..Self::default() }
    }

    fn of_room(&self, realm: Realm, room: &Name) -> Option<usize> {
        self.list.iter().position(|patch| patch.members.realm == realm && patch.members.room == *room)
    }

    /// Whether no party may have that name in that room.
    pub(super) fn reserves(&self, realm: Realm, room: &Name, name: &Name) -> bool {
        self.of_room(realm, room).is_some_and(|index| (self.list[index].members.is_reserved)(name))
    }

    /// Who stands in a room that is about to be made, for one member beside them.
    pub(super) fn standins_of(
        &mut self,
        realm: Realm,
        room: &Name,
        streams: &Streams,
        directory: &Directory,
        places: usize,
    ) -> BTreeMap<Name, Standin> {
        let index = self.of_room(realm, room);
        index.map(|index| self.standins(index, places, streams, directory)).unwrap_or_default()
    }

    /// Everybody outside who belongs in the room, by the name of what stands in for it; as many as there are places, those
    /// first who were first.
    fn standins(
        &mut self,
        index: usize,
        places: usize,
        streams: &Streams,
        directory: &Directory,
    ) -> BTreeMap<Name, Standin> {
        let patch = &self.list[index];
        let space = &patch.streams;
        let belongs = |live: &Live<'_>| {
            let lang = directory.profile(live.party).map(|profile| profile.lang);
            live.main == Some(&patch.room)
                || space.named.contains(live.name)
                || lang.is_some_and(|lang| space.of.contains(&lang))
        };
        let live: Vec<_> = streams.live(space.realm).filter(belongs).collect();
        let lives = |link: &LinkId| live.iter().any(|live| live.link == *link);
        self.names.retain(|(of, link), _| *of != index || link.as_ref().is_none_or(lives));
        let audience = self.pulls.values().any(|pull| pull.patch == index);
        let audience = audience.then(|| (None, patch.room.clone(), Standin::Audience));
        let streams = live.iter().map(|live| (Some(live.link), live.name.clone(), Standin::Stream(live.link)));
        let all: Vec<_> = audience.into_iter().chain(streams).take(places).collect();
        let mut standins = BTreeMap::new();
        for (link, foreign, standin) in all {
            let Some(name) = self.name(index, link, &foreign) else { continue };
            standins.insert(name, standin);
        }
        standins
    }

    /// Rooms whose streams may be others since this was last asked.
    pub(super) fn take_touched(&mut self) -> BTreeSet<(Realm, Name)> {
        std::mem::take(&mut self.touched)
    }

    /// What can be seen in a room of the streams' naming space beside the tracks of that name: streams that belong to the
    /// patch without being its tracks, and members who may be asked for their cameras.
    pub(super) fn seen_in(
        &self,
        realm: Realm,
        room: &Name,
        streams: &Streams,
        directory: &Directory,
        rooms: &Rooms,
    ) -> Vec<Name> {
        let Some(patch) = self.list.iter().find(|patch| patch.streams.realm == realm && patch.room == *room) else {
            return Vec::new();
        };
        let space = &patch.streams;
        let belongs = |live: &Live<'_>| {
            let lang = directory.profile(live.party).map(|profile| profile.lang);
            space.named.contains(live.name) || lang.is_some_and(|lang| space.of.contains(&lang))
        };
        let mut seen: Vec<Name> = streams.live(space.realm).filter(belongs).map(|live| live.name.clone()).collect();
        if let Some(id) = rooms.named(patch.members.realm, &patch.members.room).filter(|_| patch.pull) {
            let members = rooms.members_of(id).filter(|(_, party)| !self.declined.contains(&(id, *party)));
            seen.extend(members.map(|(name, _)| (space.stream_of)(&patch.room, name)));
        }
        seen
    }

    /// What stands in for a publication, or for the audience: the same for as long as it lives.
    fn name(&mut self, index: usize, link: Option<LinkId>, foreign: &Name) -> Option<Name> {
        let key = (index, link);
        if let Some(name) = self.names.get(&key) {
            return Some(name.clone());
        }
        let taken = |name: &Name| self.names.iter().any(|((of, _), known)| *of == index && known == name);
        let stand_in = self.list[index].members.stand_in;
        let mut attempts = (1..=ATTEMPTS).map(|attempt| stand_in(foreign, attempt));
        let name = attempts.find(|name| !taken(name))?;
        self.names.insert(key, name.clone());
        Some(name)
    }

    /// Sees to what has changed: members that answered or did not, streams that came and went.
    pub(super) fn settle(&mut self, around: &mut Around<'_>) {
        if self.list.is_empty() {
            return;
        }
        while around.streams.take_changed() | std::mem::take(&mut self.changed) {
            for link in self.pulls.keys().copied().collect::<Vec<_>>() {
                self.settle_pull(link, around);
            }
            for index in 0..self.list.len() {
                let Patch { room, members, streams, .. } = &self.list[index];
                self.touched.insert((streams.realm, room.clone()));
                let Some(room) = around.rooms.named(members.realm, &members.room) else { continue };
                let Some((parties, most)) = around.rooms.size(room) else { continue };
                let places = most.saturating_sub(parties);
                let standins = self.standins(index, places, around.streams, around.directory);
                let gone = around.rooms.set_standins(around.now, room, standins, around.timers, around.out);
                for name in gone {
                    hang_up(room, &name, around);
                }
            }
        }
    }

    /// A party no longer waits for that stream, if it did.
    pub(super) fn unview(&mut self, party: PartyId, stream: &Name) {
        for pull in self.pulls.values_mut() {
            let before = pull.pending.len();
            pull.pending.retain(|pending| pending.party != party || pending.view.stream != *stream);
            pull.lingers |= pull.pending.len() < before;
        }
    }

    fn settle_pull(&mut self, link: LinkId, around: &mut Around<'_>) {
        let Some(pull) = self.pulls.get_mut(&link) else { return };
        let known = around.streams.name_of(link).is_some();
        let live = around.streams.is_live(link);
        if known && !live && (pull.lingers || !pull.pending.is_empty()) {
            return;
        }
        let (realm, until) = (pull.realm, pull.until);
        for Pending { party, tag, view, offer } in std::mem::take(&mut pull.pending) {
            let viewed = match known {
                true => around.streams.view(party, realm, tag, view, offer, None, true, around.links, around.out),
                false => Err(Refusal::NoSuchStream),
            };
            if let Err(refusal) = viewed {
                around.out.tell(party, Event::Refused { tag, refusal });
            }
        }
        if live && around.streams.is_viewed(link) {
            around.timers.cancel(until, Timer::Pull(link));
            return;
        }
        around.timers.cancel(until, Timer::Pull(link));
        self.pulls.remove(&link);
        self.changed = true;
        // Nobody looks any more.
        around.streams.end(link, CauseKind::Hangup.into(), Tag::default(), around.directory, around.out);
    }

    /// A member that was asked for has taken too long.
    pub(super) fn on_timeout(&mut self, link: LinkId, around: &mut Around<'_>) {
        if self.pulls.contains_key(&link) && !around.streams.is_live(link) {
            around.streams.end(link, CauseKind::TimedOut.into(), Tag::default(), around.directory, around.out);
        }
        self.settle(around);
    }

    /// Somebody wants to view what may be a member. The view, if it is not: then it is one like any other.
    pub(super) fn view_member(
        &mut self,
        party: PartyId,
        profile: Profile,
        tag: Tag,
        view: View,
        offer: Option<Body>,
        around: &mut Around<'_>,
    ) -> Result<Option<(View, Option<Body>)>, Refusal> {
        let pending = |view, offer| Pending { party, tag, view, offer };
        if let Some(link) = around.streams.named(profile.realm, &view.stream) {
            let Some(pull) = self.pulls.get_mut(&link).filter(|_| !around.streams.is_live(link)) else {
                return Ok(Some((view, offer)));
            };
            if pull.pending.iter().any(|pending| pending.party == party) {
                return Err(Refusal::Viewing);
            }
            if pull.pending.len() >= PENDING {
                return Err(Refusal::StreamFull);
            }
            pull.pending.push(pending(view, offer));
            pull.lingers = false;
            return Ok(None);
        }
        let Some((patch, room, member)) = self.member(profile, &view.stream, around) else {
            return Ok(Some((view, offer)));
        };
        let full = around.rooms.size(room).is_none_or(|(parties, most)| parties >= most);
        let foreign = self.list[patch].room.clone();
        let Some(name) = self.name(patch, None, &foreign).filter(|_| !full) else { return Err(Refusal::StreamFull) };
        let owner = Owner { party: member, via: Some(Via { room, member: name, quiet: false }) };
        let link = around.streams.pull(owner, profile.realm, view.stream.clone(), around.links, around.out)?;
        let until = around.now + ANSWER;
        around.timers.set(until, Timer::Pull(link));
        let pull = Pull { patch, realm: profile.realm, until, pending: vec![pending(view, offer)], lingers: false };
        self.pulls.insert(link, pull);
        self.changed = true;
        Ok(None)
    }

    /// The member that is a stream of that name to this viewer.
    fn member(&self, viewer: Profile, stream: &Name, around: &Around<'_>) -> Option<(usize, RoomId, PartyId)> {
        self.list.iter().enumerate().find_map(|(index, patch)| {
            let space = &patch.streams;
            if !patch.pull || space.realm != viewer.realm || !space.seen_by.contains(&viewer.lang) {
                return None;
            }
            let room = around.rooms.named(patch.members.realm, &patch.members.room)?;
            let is_it = |(name, _): &(&Name, PartyId)| (space.stream_of)(&patch.room, name) == *stream;
            let (_, party) = around.rooms.members_of(room).find(is_it)?;
            (!self.declined.contains(&(room, party))).then_some((index, room, party))
        })
    }

    /// A party has come into a room: who wanted to see it may ask again.
    pub(super) fn joined(&mut self, realm: Realm, room: &Name, name: &Name, around: &mut Around<'_>) {
        let Some(index) = self.of_room(realm, room) else { return };
        // It may have taken the place of what stands in.
        self.changed = true;
        let Some(patch) = self.list.get(index).filter(|patch| patch.pull) else { return };
        let stream = (patch.streams.stream_of)(&patch.room, name);
        around.streams.announce(patch.streams.realm, stream, around.directory, around.out);
    }

    /// A party leaves a room, and with it what it had there.
    pub(super) fn left(&mut self, room: RoomId, party: PartyId, around: &mut Around<'_>) {
        if self.list.is_empty() {
            return;
        }
        self.declined.remove(&(room, party));
        for link in around.streams.bridged_in(party, room) {
            around.streams.end_quietly(link, CauseKind::Gone.into(), around.directory, around.out);
        }
        // There may be a place for somebody else.
        self.changed = true;
    }

    /// A party has gone: it waits for nobody.
    pub(super) fn forget(&mut self, party: PartyId) {
        for pull in self.pulls.values_mut() {
            pull.pending.retain(|pending| pending.party != party);
        }
        self.changed |= !self.list.is_empty();
    }

    /// A party says something to a member that stands in for somebody.
    #[expect(clippy::too_many_arguments, reason = "what is said, by whom, to whom, and where")]
    pub(super) fn hears(
        &mut self,
        party: PartyId,
        tag: Tag,
        room: RoomId,
        name: Name,
        standin: Standin,
        signal: Signal,
        around: &mut Around<'_>,
    ) -> Result<(), Refusal> {
        let bridged = around.streams.bridged(party, room, &name);
        match (standin, &signal.kind, bridged) {
            (Standin::Stream(_), SignalKind::Offer | SignalKind::Candidate, Some(link))
            | (Standin::Audience, SignalKind::Answer | SignalKind::Candidate, Some(link)) => {
                around.out.media(MediaOp::Remote { link, signal });
                Ok(())
            }
            (Standin::Stream(publication), SignalKind::Offer, None) => {
                let (realm, stream) = around.streams.name_of(publication).ok_or(Refusal::NoSuchParty)?;
                let stream = stream.clone();
                let view = View {
                    stream,
                    selection: Selection::ALL,
                    except: None,
                    speaks: Speaks::No,
                    viewers: None,
                    about: None,
                    shape: crate::Shape::default(),
                };
                let via = Some(Via { room, member: name, quiet: false });
                let (links, out) = (&mut *around.links, &mut *around.out);
                around.streams.view(party, realm, tag, view, Some(signal.body), via, true, links, out)
            }
            (Standin::Audience, SignalKind::Offer, None) => {
                // There is nobody in particular whom it could see.
                let signal =
                    Signal { kind: SignalKind::Bye(CauseKind::Declined.into()), body: Body::new(Lang::PLAIN, &[]) };
                around.out.tell(party, Event::MemberSignal { room, from: name, signal });
                Ok(())
            }
            (_, SignalKind::Bye(cause), Some(link)) => {
                if standin == Standin::Audience {
                    self.declined.insert((room, party));
                }
                around.streams.end_quietly(link, cause.clone(), around.directory, around.out);
                Ok(())
            }
            // What members say to each other may come late, or mean nothing here.
            _ => Ok(()),
        }
    }

    /// Members that are asked for, for `check`.
    pub(super) fn pulls(&self) -> usize {
        self.pulls.len()
    }

    /// What is wrong, for `check`.
    pub(super) fn faults(&self, streams: &Streams, directory: &Directory) -> Vec<&'static str> {
        let mut faults = Vec::new();
        for (link, pull) in &self.pulls {
            if streams.name_of(*link).is_none() {
                faults.push("a member is asked for, and there is no leg for it");
            }
            if !streams.is_live(*link) && pull.pending.is_empty() && !pull.lingers {
                faults.push("a member is asked for that nobody waits for");
            }
            if pull.pending.iter().any(|pending| directory.profile(pending.party).is_none()) {
                faults.push("who has gone waits for a member");
            }
        }
        faults
    }
}

/// Somebody no longer stands in the room, since there is no place: nobody could tell it that a call is over.
fn hang_up(room: RoomId, name: &Name, around: &mut Around<'_>) {
    let parties: Vec<_> = around.rooms.members_of(room).map(|(_, party)| party).collect();
    for party in parties {
        if let Some(link) = around.streams.bridged(party, room, name) {
            around.streams.end(link, CauseKind::Gone.into(), Tag::default(), around.directory, around.out);
        }
    }
}
