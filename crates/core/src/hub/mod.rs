//! The hub: dispatch only. Each module owns its maps and offers small functions; this file joins them.

mod bridge;
mod call;
mod check;
mod directory;
mod room;
mod stream;
mod timers;
mod waiting;

use self::call::Calls;
use self::directory::Directory;
use self::room::Rooms;
use self::stream::Streams;
use self::timers::{Timer, Timers};
use crate::id::LinkIds;
use crate::{
    Address, CauseKind, Command, Counts, Effects, Event, Limits, MediaEvent, MediaOp, Moment, PartyId, Profile,
    Refusal, Tag,
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
    rooms: Rooms,
    calls: Calls,
    streams: Streams,
    links: LinkIds,
    timers: Timers,
    reported: Counts,
}

impl Hub {
    /// An empty hub for node number `node`.
    #[must_use]
    pub fn new(node: u16, limits: Limits) -> Self {
        Self {
            directory: Directory::new(node, &limits),
            rooms: Rooms::new(&limits),
            calls: Calls::default(),
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
        for link in self.calls.of(party) {
            self.end_call(now, party, link, CauseKind::Gone.into(), Tag::default(), out);
        }
        for room in self.directory.rooms_of(party) {
            self.rooms.leave(now, room, party, &mut self.directory, &mut self.timers, out);
        }
        if let Some(realm) = self.directory.detach(party) {
            self.directory.tell_presence(now, realm, &mut self.timers, out);
        }
        for link in self.streams.of(party) {
            self.streams.end(link, CauseKind::Gone.into(), Tag::default(), &self.directory, out);
        }
        self.streams.forget(party);
        self.report(out);
    }

    /// Carries out one command. Commands of parties that have gone are ignored.
    pub fn handle(&mut self, now: Moment, party: PartyId, tag: Tag, command: Command, out: &mut Effects) {
        let Some(profile) = self.directory.profile(party) else { return };
        if let Err(refusal) = self.carry_out(now, party, profile, tag, command, out) {
            out.tell(party, Event::Refused { tag, refusal });
        }
        self.report(out);
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
            Command::Join(join) => {
                self.rooms.join(now, party, profile.realm, tag, join, &mut self.directory, &mut self.timers, out)
            }
            Command::Leave { room } => {
                self.rooms.leave(now, room, party, &mut self.directory, &mut self.timers, out);
                Ok(())
            }
            Command::Register { name, merge } => {
                self.directory.register(party, name.clone(), merge)?;
                out.tell(party, Event::Registered { tag, name });
                self.directory.tell_presence(now, profile.realm, &mut self.timers, out);
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
                bridge::relays(profile, self.directory.profile(target))?;
                out.tell(target, Event::MemberSignal { room, from, signal });
                Ok(())
            }
            Command::Signal { to: Address::Link(link), signal } if self.streams.is_own(party, link) => {
                out.media(MediaOp::Remote { link, signal });
                Ok(())
            }
            Command::Signal { to: Address::Link(link), signal } => {
                let target = self.calls.other(party, link)?;
                bridge::relays(profile, self.directory.profile(target))?;
                out.tell(target, Event::CallSignal { link, signal });
                Ok(())
            }
            Command::Post { to, body } => {
                let from = self.directory.name_of(party).ok_or(Refusal::NotRegistered)?;
                let target = self.directory.registered(profile.realm, &to).ok_or(Refusal::NoSuchParty)?;
                out.tell(target, Event::Posted { from, body });
                Ok(())
            }
            Command::Publish(publish) => self.streams.publish(party, profile.realm, tag, publish, &mut self.links, out),
            Command::View(view) => self.streams.view(party, profile.realm, tag, view, None, &mut self.links, out),
            Command::Watch { view, offer } => {
                self.streams.view(party, profile.realm, tag, view, Some(offer), &mut self.links, out)
            }
            Command::Query(query) => self.streams.query(party, profile.realm, tag, query, out),
            Command::Pause { link, .. } | Command::Prefer { link, .. } | Command::Say { link, .. }
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
            Command::Say { link, binary, bytes } => {
                stream::say(link, binary, bytes, out);
                Ok(())
            }
        }
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
        self.calls.end(party, link, cause, tag, &mut self.directory, out);
        if let Some(profile) = self.directory.profile(party) {
            self.directory.tell_presence(now, profile.realm, &mut self.timers, out);
        }
    }

    /// What the media engine tells. What it tells of legs that have been closed meanwhile is ignored.
    pub fn on_media(&mut self, event: MediaEvent, out: &mut Effects) {
        self.streams.on_media(event, &self.directory, out);
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
        self.timers.next()
    }

    /// Does what is due at `now`.
    pub fn on_deadline(&mut self, now: Moment, out: &mut Effects) {
        while let Some(timer) = self.timers.take_due(now) {
            match timer {
                Timer::Room(room) => self.rooms.on_window(now, room, out),
                Timer::Presence(realm) => self.directory.on_window(now, realm, out),
            }
        }
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
