//! The hub: dispatch only. Each module owns its maps and offers small functions; this file joins them.

mod alias;
mod bridge;
mod call;
mod check;
mod directory;
mod owner;
mod patch;
mod room;
mod stream;
mod talk;
mod timers;
mod waiting;

use std::collections::BTreeMap;

use self::alias::Aliases;
use self::call::Calls;
use self::directory::Directory;
use self::patch::{Around, Patches};
use self::room::{Rooms, Target};
use self::stream::Streams;
use self::talk::{Broken, Side, Talks};
use self::timers::{Timer, Timers};
use crate::id::LinkIds;
use crate::{
    Address, Body, CauseKind, Command, Counts, Effects, Event, Join, Known, Limits, MediaEvent, MediaOp, MemberList,
    Merge, Moment, Name, PartyId, Patch, Profile, Query, Reach, Realm, Refusal, RoomKind, Tag, View,
};

pub use self::check::Violation;

/// The state of all parties, rooms and calls of one node.
///
/// One input, then all its effects, then the next input: the caller drains [`Effects`] in order before it calls again
/// for the same party (law 3, *read your own writes*).
#[derive(Debug)]
pub struct Hub {
    limits: Limits,
    directory: Directory,
    aliases: Aliases,
    rooms: Rooms,
    calls: Calls,
    talks: Talks,
    streams: Streams,
    patches: Patches,
    links: LinkIds,
    timers: Timers,
    reported: Counts,
}

impl Hub {
    /// An empty hub for node number `node`.
    #[must_use]
    pub fn new(node: u16, limits: Limits) -> Self {
        Self::patched(node, limits, Vec::new())
    }

    /// The same with rooms that are one across naming spaces. A room of members is in one patch at most; of several, the
    /// first counts.
    #[must_use]
    pub fn patched(node: u16, limits: Limits, patches: Vec<Patch>) -> Self {
        Self {
            patches: Patches::new(patches),
            directory: Directory::new(node, &limits),
            aliases: Aliases::default(),
            rooms: Rooms::new(&limits),
            calls: Calls::default(),
            talks: Talks::default(),
            streams: Streams::new(&limits.realms),
            links: LinkIds::default(),
            timers: Timers::default(),
            reported: Counts::default(),
            limits,
        }
    }

    /// A new party. It is in no room and has no name.
    ///
    /// # Panics
    /// If the profile names a realm that [`Limits`] does not: that is an error of the shell, not of a peer.
    pub fn attach(&mut self, profile: Profile, out: &mut Effects) -> PartyId {
        assert!(
            usize::from(profile.realm.0) < self.limits.realms.len(),
            "the shell numbers the realms it has limits for"
        );
        let party = self.directory.attach(profile);
        self.report(out);
        party
    }

    /// The party has gone: its calls end, its rooms and its realm hear of it. Unknown parties are ignored.
    pub fn detach(&mut self, now: Moment, party: PartyId, out: &mut Effects) {
        self.gone(now, party, false, out);
    }

    /// As [`Hub::detach`], of a party that did not say so: viewers of what it publishes wait for it to come back, as long as
    /// their realm says ([`RealmLimits::restore`](crate::RealmLimits::restore)).
    pub fn lose(&mut self, now: Moment, party: PartyId, out: &mut Effects) {
        self.gone(now, party, true, out);
    }

    fn gone(&mut self, now: Moment, party: PartyId, lost: bool, out: &mut Effects) {
        for link in self.calls.of(party) {
            self.end_call(now, party, link, CauseKind::Gone.into(), Tag::default(), out);
        }
        self.patches.forget(party);
        if let Some(profile) = self.directory.profile(party) {
            self.aliases.forget(profile.realm, party);
        }
        let streams = self.streams.published_by(party);
        for room in self.directory.rooms_of(party) {
            let (patches, mut around) = self.around(now, out);
            patches.left(room, party, &mut around);
            self.rooms.leave(now, room, party, &streams, &mut self.directory, &mut self.timers, out);
        }
        if let Some(realm) = self.directory.detach(party) {
            self.directory.tell_presence(now, realm, &mut self.timers, out);
        }
        for link in self.streams.of(party) {
            match lost {
                true => self.streams.lose(now, link, &self.directory, out),
                false => self.streams.end(link, CauseKind::Gone.into(), Tag::default(), &self.directory, out),
            }
        }
        self.streams.forget(party);
        self.settle(now, out);
        self.report(out);
    }

    /// Carries out one command. Commands of parties that have gone are ignored.
    pub fn handle(&mut self, now: Moment, party: PartyId, tag: Tag, command: Command, out: &mut Effects) {
        let Some(profile) = self.directory.profile(party) else { return };
        if let Err(refusal) = self.carry_out(now, party, profile, tag, command, out) {
            out.tell(party, Event::Refused { tag, refusal });
        }
        self.settle(now, out);
        self.report(out);
    }

    /// Sees to it that rooms that are one stay one.
    fn settle(&mut self, now: Moment, out: &mut Effects) {
        let (patches, mut around) = self.around(now, out);
        patches.settle(&mut around);
        let mut touched = self.streams.take_touched();
        touched.extend(self.patches.take_touched());
        for (realm, name) in touched {
            let Some(room) = self.rooms.named(realm, &name) else { continue };
            let streams = self.seen_in(realm, &name);
            self.rooms.set_streams(now, room, streams, &mut self.timers, out);
        }
    }

    /// The streams that can be seen in a room, sorted.
    fn seen_in(&self, realm: Realm, room: &Name) -> Vec<Name> {
        let tracks = self.streams.tracks_of(realm, room).cloned();
        let joined = self.patches.seen_in(realm, room, &self.streams, &self.directory, &self.rooms);
        let mut seen: Vec<Name> = Vec::new();
        for name in tracks.chain(joined) {
            if seen.len() < MemberList::STREAMS && !seen.contains(&name) {
                seen.push(name);
            }
        }
        seen.sort_unstable();
        seen
    }

    /// The patches, and what they touch.
    fn around<'a>(&'a mut self, now: Moment, out: &'a mut Effects) -> (&'a mut Patches, Around<'a>) {
        let Self { directory, rooms, streams, links, timers, patches, .. } = self;
        (patches, Around { now, directory, rooms, streams, links, timers, out })
    }

    fn carry_out(
        &mut self,
        now: Moment,
        party: PartyId,
        profile: Profile,
        tag: Tag,
        command: Command,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        match command {
            Command::Join(join) => self.join(now, party, profile.realm, tag, join, out),
            Command::Leave { room } => {
                let (patches, mut around) = self.around(now, out);
                patches.left(room, party, &mut around);
                self.rooms.leave(now, room, party, &[], &mut self.directory, &mut self.timers, out);
                Ok(())
            }
            Command::Show { room, card } => {
                self.rooms.show(now, room, party, card, &mut self.timers, out);
                Ok(())
            }
            Command::Alias { name, on: true } => self.aliases.add(profile.realm, name, party),
            Command::Alias { name, on: false } => {
                self.aliases.remove(profile.realm, &name, party);
                Ok(())
            }
            Command::Register { name, merge } => self.register(now, party, profile.realm, tag, name, merge, None, out),
            Command::Supersede { name, merge, rank } => {
                self.register(now, party, profile.realm, tag, name, merge, Some(rank), out)
            }
            Command::Unregister => {
                if let Some(realm) = self.directory.unregister(party) {
                    self.directory.tell_presence(now, realm, &mut self.timers, out);
                }
                Ok(())
            }
            Command::Call { to, token } => {
                self.calls.open(party, tag, &to, token, &mut self.links, &mut self.directory, out)?;
                self.directory.tell_presence(now, profile.realm, &mut self.timers, out);
                Ok(())
            }
            Command::Ring { link } => self.calls.advance(party, tag, link, crate::CallState::Ringing, out),
            Command::Accept { link } => self.calls.advance(party, tag, link, crate::CallState::Active, out),
            Command::Hangup { link, cause } if self.streams.is_own(party, link) => {
                self.streams.end(link, cause, tag, &self.directory, out);
                Ok(())
            }
            Command::Hangup { link, cause } => {
                self.calls.has_part(party, link)?;
                self.end_call(now, party, link, cause, tag, out);
                Ok(())
            }
            Command::Signal { to: Address::Member { room, name }, signal } => {
                let (from, target) = self.rooms.pair(room, party, &name, &self.directory)?;
                let target = match target {
                    Target::Party(target) => target,
                    Target::Standin(standin) => {
                        let (patches, mut around) = self.around(now, out);
                        return patches.hears(party, tag, room, name, standin, signal, &mut around);
                    }
                };
                if !self.rooms.is_pair(room) {
                    bridge::relays(profile, self.directory.profile(target), &signal.kind)?;
                }
                out.tell(target, Event::MemberSignal { room, from, signal });
                Ok(())
            }
            Command::Signal { to: Address::Link(link), signal } if self.streams.is_own(party, link) => {
                out.media(MediaOp::Remote { link, signal });
                Ok(())
            }
            Command::Signal { to: Address::Link(link), signal } => {
                let target = self.calls.other(party, link)?;
                let to = self.directory.profile(target).ok_or(Refusal::NoSuchParty)?;
                if bridge::reach(profile, to) == Reach::Relay {
                    out.tell(target, Event::CallSignal { link, signal });
                    return Ok(());
                }
                let limits = &self.limits.realms[usize::from(profile.realm.0)];
                let codecs = limits.calls.as_ref().or(limits.codecs.as_ref()).cloned().ok_or(Refusal::NoEngine)?;
                let side = |party, profile: Profile| Side { party, transport: profile.transport };
                let (from, to) = (side(party, profile), side(target, to));
                self.talks.signal(link, from, to, signal, &codecs, &mut self.links, out);
                Ok(())
            }
            Command::Post { to, body } => {
                let from = self.directory.name_of(party).ok_or(Refusal::NotRegistered)?;
                if let Some(target) = self.directory.registered(profile.realm, &to) {
                    out.tell(target, Event::Posted { from, body });
                    return Ok(());
                }
                let others: Vec<_> = self.aliases.of(profile.realm, &to).filter(|other| *other != party).collect();
                if others.is_empty() {
                    return Err(Refusal::NoSuchParty);
                }
                for target in others {
                    out.tell(target, Event::Posted { from: from.clone(), body: body.clone() });
                }
                Ok(())
            }
            Command::Publish(publish) => {
                let newcomer = self.is_newcomer(party);
                self.streams.publish(now, party, profile, tag, publish, newcomer, &mut self.links, out)
            }
            Command::View(view) => self.view(now, party, profile, tag, view, None, out),
            Command::Watch { view, offer } => self.view(now, party, profile, tag, view, Some(offer), out),
            Command::StandBy { shape, offer } => {
                let newcomer = self.is_newcomer(party);
                self.streams.stand_by(party, profile.realm, tag, shape, offer, newcomer, &mut self.links, out)
            }
            Command::Turn { link, stream } => self.streams.turn(party, profile.realm, tag, link, stream, out),
            Command::Unview { stream } => {
                if let Some(link) = self.streams.view_of(party, &stream) {
                    self.streams.end(link, CauseKind::Hangup.into(), tag, &self.directory, out);
                }
                self.patches.unview(party, &stream);
                Ok(())
            }
            Command::EndStream { stream, cause } => {
                self.streams.end_stream(profile.realm, stream, cause, &self.directory, out)
            }
            Command::SayToAll { stream, binary, bytes } => {
                self.streams.say_to_all(profile.realm, stream, binary, &bytes, out);
                Ok(())
            }
            Command::Query(Query::Names { after, most }) => {
                let (names, more) = self.directory.names_of(profile.realm, after, most.min(Known::LISTED));
                out.tell(party, Event::Names { tag, names, more });
                Ok(())
            }
            Command::Query(query) => {
                let rooms = &self.rooms;
                let is_room = |name: &Name| rooms.named(profile.realm, name).is_some();
                self.streams.query(party, profile.realm, tag, query, is_room, out)
            }
            Command::Knock(knock) => {
                let newcomer = self.is_newcomer(party);
                self.streams.knock(party, profile.realm, &knock, newcomer)?;
                out.tell(party, Event::Admitted { tag });
                Ok(())
            }
            Command::Pause { link, .. }
            | Command::Prefer { link, .. }
            | Command::Describe { link, .. }
            | Command::Limit { link, .. }
            | Command::Say { link, .. }
                if !self.streams.is_own(party, link) =>
            {
                Ok(())
            }
            Command::Pause { link, track, kinds, on } => {
                self.streams.pause(link, track.as_ref(), kinds, on, out);
                Ok(())
            }
            Command::Prefer { link, track, height } => {
                self.streams.prefer(link, track.as_ref(), height, out);
                Ok(())
            }
            Command::Describe { link, about } => {
                self.streams.describe(link, about);
                Ok(())
            }
            Command::Limit { link, bps } => {
                self.streams.limit(link, bps, out);
                Ok(())
            }
            Command::Say { link, channel, binary, bytes } => {
                stream::say(link, channel, binary, bytes, out);
                Ok(())
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "who, where, and what the two commands say")]
    fn register(
        &mut self,
        now: Moment,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        name: Name,
        merge: Merge,
        rank: Option<u64>,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        if let Some(loser) = self.directory.register(party, name.clone(), merge, rank)? {
            out.tell(loser, Event::Displaced { name: name.clone() });
        }
        out.tell(party, Event::Registered { tag, name });
        self.directory.tell_presence(now, realm, &mut self.timers, out);
        Ok(())
    }

    fn join(
        &mut self,
        now: Moment,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        join: Join,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        if join.kind == RoomKind::Pair {
            let Self { rooms, directory, timers, .. } = self;
            let nobody = |_: &Directory| BTreeMap::new();
            return rooms.join(now, party, realm, tag, join, nobody, Vec::new(), directory, timers, out);
        }
        let (room, name) = (join.room.clone(), join.name.clone());
        if self.patches.reserves(realm, &room, &name) {
            return Err(Refusal::NameReserved);
        }
        let seen = self.seen_in(realm, &room);
        let Self { rooms, patches, streams, directory, timers, limits, .. } = self;
        // One place is the joiner's.
        let places = limits.realms[usize::from(realm.0)].members.saturating_sub(1);
        let standins = |directory: &Directory| patches.standins_of(realm, &room, streams, directory, places);
        rooms.join(now, party, realm, tag, join, standins, seen, directory, timers, out)?;
        let (patches, mut around) = self.around(now, out);
        patches.joined(realm, &room, &name, &mut around);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "what is viewed, by whom, and how")]
    fn view(
        &mut self,
        now: Moment,
        party: PartyId,
        profile: Profile,
        tag: Tag,
        view: View,
        offer: Option<Body>,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let (patches, mut around) = self.around(now, out);
        let Some((view, offer)) = patches.view_member(party, profile, tag, view, offer, &mut around)? else {
            return Ok(());
        };
        let newcomer = self.is_newcomer(party);
        self.streams.view(party, profile.realm, tag, view, offer, None, newcomer, &mut self.links, out)
    }

    /// Whether the party is in no room. A pair is none: it needs no engine.
    fn is_newcomer(&self, party: PartyId) -> bool {
        self.directory.rooms_of(party).into_iter().all(|room| self.rooms.is_pair(room))
    }

    fn end_call(
        &mut self,
        now: Moment,
        party: PartyId,
        link: crate::LinkId,
        cause: crate::Cause,
        tag: Tag,
        out: &mut Effects,
    ) {
        self.talks.end(link, out);
        self.calls.end(party, link, cause, tag, &mut self.directory, out);
        if let Some(profile) = self.directory.profile(party) {
            self.directory.tell_presence(now, profile.realm, &mut self.timers, out);
        }
    }

    /// What the media engine tells. What it tells of legs that have been closed meanwhile is ignored.
    pub fn on_media(&mut self, now: Moment, event: MediaEvent, out: &mut Effects) {
        match self.talks.on_media(&event, out) {
            None => self.streams.on_media(now, event, &self.directory, out),
            Some(Ok(())) => {}
            Some(Err(Broken { call, party, cause })) => {
                self.end_call(now, party, call, cause.into(), Tag::default(), out);
            }
        }
        self.settle(now, out);
        self.report(out);
    }

    /// Whether the machine has enough to do: new publications and views are refused as [`Refusal::Overloaded`], and what
    /// runs goes on.
    pub fn set_overloaded(&mut self, overloaded: bool) {
        self.streams.set_overloaded(overloaded);
    }

    /// When the hub next has to be woken, if ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Moment> {
        self.timers.next().into_iter().chain(self.streams.deadline()).min()
    }

    /// Does what is due at `now`.
    pub fn on_deadline(&mut self, now: Moment, out: &mut Effects) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Room(room) => self.rooms.on_window(now, room, out),
                Timer::Presence(realm) => self.directory.on_window(now, realm, out),
                Timer::Pull(link) => {
                    let (patches, mut around) = self.around(now, out);
                    patches.on_timeout(link, &mut around);
                }
            }
        }
        self.streams.on_deadline(now, &self.directory, out);
        self.settle(now, out);
        self.report(out);
    }

    /// How much the hub holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            parties: self.directory.parties(),
            rooms: self.rooms.rooms(),
            members: self.rooms.members(),
            registered: self.directory.names(),
            calls: self.calls.calls(),
            streams: self.streams.streams(),
            views: self.streams.views(),
        }
    }

    fn report(&mut self, out: &mut Effects) {
        let counts = self.counts();
        if counts != self.reported {
            self.reported = counts;
            out.snapshot(counts);
        }
    }
}

#[cfg(test)]
mod tests;
