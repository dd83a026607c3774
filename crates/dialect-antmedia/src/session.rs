//! One connection's memory: what it publishes and plays, what it has asked for, its timers.

mod finished;
mod gate;
mod know;
mod news;
mod pair;
mod room;

use std::collections::BTreeMap;
use std::sync::Arc;

use patchbay_core::{
    Address, Body, Cause, CauseKind, Command, DescriptionKind, Event, Kinds, Known, Lang, LinkId, Moment, Name,
    Publish, Query, Refusal, Report, RoomId, Section, Selection, Signal, SignalKind, Tag, View,
};
use patchbay_dialect_kit::job::{Done, Record};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session, TokenBucket};

use self::finished::Finished;
use self::gate::{Entry, Gate};
use self::know::Page;
use self::pair::Pair;
use self::room::Member;
use crate::Settings;
use crate::legs::{Leg, Legs, Role};
use crate::life::{Due, Life};
use crate::records::Purpose;
use crate::refusal::{self, WireError};
use crate::sdp;
use crate::security::seats::Seats;
use crate::wire::{self, About, ClientFrame, ClientKind, Notice};

/// Commands whose answer, if there is one, nobody waits for.
const UNHEARD: Tag = Tag(0);

/// Most publications and views of one connection. A page of a large conference plays each member by itself, some
/// hundreds; more would let one client fill the engine. One more is answered `highResourceUsage`.
pub(crate) const LEGS: usize = 512;

const VIDEO: Kinds = Kinds { audio: false, video: true };
const AUDIO: Kinds = Kinds { audio: true, video: false };

pub(crate) struct AntSession {
    lang: Lang,
    settings: Arc<Settings>,
    legs: Legs,
    /// By the id under which the two meet.
    pairs: BTreeMap<Name, Pair>,
    member: Option<Member>,
    /// What the hub has not answered yet; it answers each once: before the client's next message, or, of a view of what
    /// somebody has to be asked for, within the seconds that it gives that one. One per stream then, so bounded as these are.
    asked: BTreeMap<Tag, Asked>,
    last_tag: Tag,
    bucket: TokenBucket,
    life: Life,
    gate: Gate,
    finished: Finished,
}

/// What the client asked for.
#[derive(Debug)]
enum Asked {
    Publish { stream: Name, main: Option<Name>, about: Option<Body> },
    Play { stream: Name, room: Option<Name> },
    Know { stream: Name },
    Join { stream: Name },
    Enter { own: Name },
    Entered { own: Name },
    Room { room: Name, own: Option<Name> },
    Object { stream: Name, record: Option<Record> },
    Subtracks { stream: Name, page: Page, counts: bool },
    Viewers { page: Option<Page> },
    Assignments { link: LinkId },
}

impl AntSession {
    pub(crate) fn new(lang: Lang, settings: Arc<Settings>, seats: Seats) -> Self {
        Self {
            lang,
            settings,
            legs: Legs::default(),
            pairs: BTreeMap::new(),
            member: None,
            asked: BTreeMap::new(),
            last_tag: UNHEARD,
            bucket: TokenBucket::full(),
            life: Life::new(),
            gate: Gate::new(seats),
            finished: Finished::default(),
        }
    }

    /// In the reference's order of checks: antmedia.md section 2, rule 6.
    fn message(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let Some((kind, frame)) = wire::read(text) else { return };
        match kind {
            ClientKind::Ping => ctx.out.text(wire::pong),
            ClientKind::IceServers => {
                if let Some(server) = &self.settings.ice_server {
                    let (uri, user, credential) = (&server.uri, &server.username, &server.credential);
                    ctx.out.text(|out| wire::ice_servers(out, uri, user, credential));
                }
            }
            ClientKind::RegisterPush => ctx.out.text(|out| wire::no_push(out, "registerPushNotificationToken")),
            ClientKind::SendPush => ctx.out.text(|out| wire::no_push(out, "sendPushNotification")),
            kind => {
                let error = match kind {
                    ClientKind::JoinRoom => self.join_room(&frame, ctx),
                    ClientKind::RoomInfo => self.ask_room(&frame, ctx),
                    ClientKind::LeaveRoom => self.leave_room(&frame, ctx),
                    kind => match frame.stream.as_deref().map(wire::stream_name) {
                        Some(Some(stream)) => self.about(&stream, kind, &frame, text, ctx),
                        Some(None) => Err(WireError::InvalidStreamName),
                        None => Err(WireError::NoStreamName),
                    },
                };
                if let Err(error) = error {
                    ctx.out.text(|out| wire::error(out, error, frame.stream.as_deref()));
                }
            }
        }
    }

    fn about(
        &mut self,
        stream: &Name,
        kind: ClientKind,
        frame: &ClientFrame<'_>,
        text: &str,
        ctx: &mut Ctx<'_>,
    ) -> Result<(), WireError> {
        match kind {
            ClientKind::Join => return self.join_pair(stream, ctx),
            ClientKind::Leave => return self.leave_pair(stream, ctx),
            ClientKind::PeerMessage => return self.relay(stream, kind, text, ctx),
            // What is published and played goes first (antmedia.md section 5.3).
            ClientKind::Configuration | ClientKind::Candidate if !self.legs.knows(stream) => {
                return self.relay(stream, kind, text, ctx);
            }
            ClientKind::Publish => return self.publish(stream, frame, ctx),
            ClientKind::Play => return self.play(stream, frame, ctx),
            ClientKind::Stop => self.stop(stream, ctx),
            ClientKind::Configuration => self.describe(stream, frame, ctx),
            ClientKind::Candidate => self.candidate(stream, frame, ctx),
            ClientKind::ToggleVideo => self.toggle(stream, VIDEO, frame, ctx),
            ClientKind::ToggleAudio => self.toggle(stream, AUDIO, frame, ctx),
            ClientKind::EnableTrack => self.enable_track(stream, frame, ctx),
            ClientKind::TrackList => {
                self.limit(ctx);
                return self.list_tracks(stream, frame, ctx);
            }
            ClientKind::StreamInfo => {
                self.limit(ctx);
                let query = Query::Renditions(stream.clone());
                self.ask(Asked::Know { stream: stream.clone() }, Command::Query(query), ctx);
            }
            ClientKind::Quality => self.prefer(stream, frame, ctx),
            ClientKind::MetaData => self.update_meta_data(stream, frame, ctx),
            ClientKind::Object => self.look_up(stream, ctx),
            ClientKind::DebugInfo => self.tell_debug(stream, ctx),
            kind => self.ask_about(stream, kind, frame, ctx),
        }
        Ok(())
    }

    fn publish(&mut self, stream: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        let main = match frame.main.as_deref().map(wire::stream_name) {
            Some(None) => return Err(WireError::InvalidStreamName),
            main => main.flatten().or_else(|| self.room_for(stream)),
        };
        self.admit(ctx)?;
        let kinds = Kinds { audio: frame.audio.unwrap_or(true), video: frame.video.unwrap_or(true) };
        let about = About::publisher(frame).body(self.lang);
        // Where anybody may publish, anybody may go on; elsewhere who shows the same (DECISIONS 27).
        let shown = frame.subscriber.as_deref().or(frame.token.as_deref());
        let claim = shown.filter(|_| self.settings.security.publish.any()).map(Arc::from);
        let (stream_name, about_it) = (stream.clone(), about.clone());
        let publish = Publish { stream: stream_name, main: main.clone(), kinds, about: about_it, claim, tracks: None };
        let wish = self.wish(Purpose::Publish, stream, main.clone(), frame);
        let asked = Asked::Publish { stream: stream.clone(), main, about };
        self.enter(Entry::new(wish, frame, asked, Command::Publish(publish)), ctx)
    }

    fn play(&mut self, stream: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        self.admit(ctx)?;
        let view = View {
            stream: stream.clone(),
            selection: selection(frame),
            except: frame.own.as_deref().and_then(wire::stream_name),
            speaks: self.settings.speaks,
            viewers: None,
            about: About::viewer(frame).body(self.lang),
            shape: patchbay_core::Shape::default(),
        };
        let room = frame.room.as_deref().and_then(wire::stream_name);
        let wish = self.wish(Purpose::Play, stream, room.clone(), frame);
        self.enter(Entry::new(wish, frame, Asked::Play { stream: stream.clone(), room }, Command::View(view)), ctx)
    }

    fn admit(&mut self, ctx: &mut Ctx<'_>) -> Result<(), WireError> {
        if self.legs.len() + self.pairs.len() >= LEGS {
            return Err(WireError::HighResourceUsage);
        }
        self.limit(ctx);
        Ok(())
    }

    /// Clients send this by themselves, for streams that were never theirs: then nothing happens.
    fn stop(&mut self, stream: &Name, ctx: &mut Ctx<'_>) {
        self.stops_in_room(stream, ctx);
        for role in [Role::Play, Role::Publish] {
            if let Some(link) = self.legs.link(stream, role) {
                self.limit(ctx);
                ctx.out.command(UNHEARD, Command::Hangup { link, cause: CauseKind::Hangup.into() });
            }
        }
        // Somebody may still be asked to show it. What the hub has told of the view meanwhile means nothing any more.
        let waits = |asked: &Asked| matches!(asked, Asked::Play { stream: asked, .. } if asked == stream);
        if let Some(tag) = self.asked.iter().find_map(|(tag, asked)| waits(asked).then_some(*tag)) {
            self.asked.remove(&tag);
            self.limit(ctx);
            ctx.out.command(UNHEARD, Command::Unview { stream: stream.clone() });
            ctx.out.text(|out| wire::notice(out, Notice::PlayFinished, stream));
        }
    }

    /// An offer is for what the client publishes, an answer for what it plays: the same id may be both.
    fn describe(&mut self, stream: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        let (role, kind) = match frame.kind.as_deref() {
            Some("offer") => (Role::Publish, SignalKind::Offer),
            Some("answer") => (Role::Play, SignalKind::Answer),
            _ => return,
        };
        let Some(leg) = self.legs.of(stream, role) else { return };
        let sdp = frame.sdp.as_deref().unwrap_or_default();
        leg.ufrag = sdp::ufrag(sdp).map(Box::from);
        if role == Role::Play {
            leg.deadline = None;
        }
        let link = leg.link;
        self.limit(ctx);
        self.tell_engine(link, kind, sdp, ctx);
    }

    /// A candidate says by its fragment whose it is. One that does not is the publication's, if there is one.
    fn candidate(&mut self, stream: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        // An empty one says that there are no more, which we need not know.
        let Some(candidate) = frame.candidate.as_deref() else { return };
        let candidate = candidate.strip_prefix("a=").unwrap_or(candidate);
        let fragment = sdp::candidate_ufrag(candidate);
        let mut chosen = None;
        for role in [Role::Publish, Role::Play] {
            let Some(leg) = self.legs.of(stream, role) else { continue };
            if chosen.is_none() || (fragment.is_some() && leg.ufrag.as_deref() == fragment) {
                chosen = Some(leg.link);
            }
        }
        let Some(link) = chosen else { return };
        self.tell_engine(link, SignalKind::Candidate, candidate, ctx);
    }

    fn tell_engine(&self, link: LinkId, kind: SignalKind, text: &str, ctx: &mut Ctx<'_>) {
        let signal = Signal { kind, body: Body::new(self.lang, text.as_bytes()) };
        ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
    }

    fn toggle(&mut self, stream: &Name, kinds: Kinds, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        let track = frame.track.as_deref().and_then(wire::stream_name);
        if let (Some(link), Some(track)) = (self.legs.link(stream, Role::Play), track) {
            self.pause(link, Some(track), kinds, frame, ctx);
        }
    }

    /// From who publishes the track, or the main stream, it is for everybody; from a player, for his own view
    /// (DECISIONS 24).
    fn enable_track(&mut self, main: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        let Some(track) = frame.track.as_deref().and_then(wire::stream_name) else { return };
        let own = self.legs.of(&track, Role::Publish).filter(|leg| leg.main.as_ref() == Some(main));
        if let Some(link) = own.map(|leg| leg.link) {
            self.pause(link, None, Kinds::ALL, frame, ctx);
        } else if let Some(link) = [Role::Play, Role::Publish].into_iter().find_map(|role| self.legs.link(main, role)) {
            self.pause(link, Some(track), Kinds::ALL, frame, ctx);
        }
    }

    fn pause(&mut self, link: LinkId, track: Option<Name>, kinds: Kinds, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        self.limit(ctx);
        let on = frame.enabled.unwrap_or(true);
        ctx.out.command(UNHEARD, Command::Pause { link, track, kinds, on });
    }

    fn prefer(&mut self, stream: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        let Some(link) = self.legs.link(stream, Role::Play) else { return };
        self.limit(ctx);
        let track = frame.track.as_deref().and_then(wire::stream_name);
        // No height, 0 and "auto": as the network allows.
        let height = frame.height.filter(|height| *height > 0);
        ctx.out.command(UNHEARD, Command::Prefer { link, track, height });
    }

    fn ask(&mut self, asked: Asked, command: Command, ctx: &mut Ctx<'_>) {
        self.last_tag = Tag(self.last_tag.0 + 1);
        self.asked.insert(self.last_tag, asked);
        ctx.out.command(self.last_tag, command);
    }

    /// The protocol has no word for "too fast": a client above the rate is read more slowly and loses nothing. Pages that
    /// try again and again for what is not there stay far below it.
    fn limit(&mut self, ctx: &mut Ctx<'_>) {
        let next = self.bucket.charge(self.settings.rate, ctx.now);
        if next > ctx.now {
            ctx.out.deafen(next);
        }
    }

    fn refused(&mut self, tag: Tag, refusal: Refusal, ctx: &mut Ctx<'_>) {
        self.gate.turned_away(tag);
        if let Some(said) = self.gate.not_admitted(tag) {
            ctx.out.text(|out| wire::error(out, refusal::error(refusal), said.as_deref()));
        }
        let Some(asked) = self.asked.remove(&tag) else { return };
        match asked {
            Asked::Play { stream, .. } if refusal == Refusal::NoSuchStream => {
                ctx.out.text(|out| wire::not_playable(out, &stream));
            }
            Asked::Room { room, own } => {
                ctx.out.text(|out| wire::room::unknown(out, &room, own.as_ref().map(Name::as_str)));
            }
            Asked::Object { stream, record } => self.tell_object(&stream, record.as_ref(), None, ctx),
            Asked::Subtracks { stream, page, counts } => {
                self.tell_subtracks(&stream, &page, counts, &Known::default(), ctx);
            }
            // Told with the entry itself.
            Asked::Entered { .. } | Asked::Viewers { .. } | Asked::Assignments { .. } => {}
            Asked::Publish { stream, .. }
            | Asked::Play { stream, .. }
            | Asked::Know { stream }
            | Asked::Join { stream }
            | Asked::Enter { own: stream } => {
                ctx.out.text(|out| wire::error(out, refusal::error(refusal), Some(stream.as_str())));
            }
        }
    }

    fn opened(&mut self, tag: Tag, link: LinkId, restored: bool, ctx: &mut Ctx<'_>) {
        let deadline = ctx.now + self.settings.publish_timeout;
        self.gate.let_in(tag, link);
        match self.asked.remove(&tag) {
            Some(Asked::Publish { stream, main, about }) => {
                ctx.out.text(|out| wire::start(out, &stream));
                self.legs.insert(Leg { about, restored, ..Leg::new(link, Role::Publish, stream, main, deadline) });
            }
            Some(Asked::Play { stream, room }) => {
                self.legs.insert(Leg { room, ..Leg::new(link, Role::Play, stream, None, deadline) });
            }
            _ => {}
        }
    }

    fn joined(&mut self, tag: Tag, id: RoomId, room: Name, own: Name, ctx: &mut Ctx<'_>) {
        match self.asked.remove(&tag) {
            Some(Asked::Join { stream }) => self.joined_pair(stream, id, own, ctx),
            Some(Asked::Enter { .. }) => self.entered(id, room, own),
            _ => {}
        }
    }

    fn known(&mut self, tag: Tag, stream: &Name, known: Known, ctx: &mut Ctx<'_>) {
        match self.asked.remove(&tag) {
            Some(Asked::Entered { own }) => self.tell_entered(stream, &own, known, ctx),
            Some(Asked::Room { room, own }) => self.tell_room(&room, own.as_ref(), known, ctx),
            Some(Asked::Object { record, .. }) => self.tell_object(stream, record.as_ref(), Some(&known), ctx),
            Some(Asked::Subtracks { page, counts, .. }) => self.tell_subtracks(stream, &page, counts, &known, ctx),
            _ => {}
        }
    }

    fn tracks(&mut self, tag: Tag, stream: &Name, tracks: Vec<Name>, ctx: &mut Ctx<'_>) {
        match self.asked.remove(&tag) {
            Some(Asked::Know { .. }) => ctx.out.text(|out| wire::track_list(out, stream, &tracks)),
            Some(Asked::Assignments { link }) => self.tell_assignments(link, tracks),
            _ => {}
        }
    }

    /// An id that nobody has: 64 random bits.
    fn generated(&self, ctx: &mut Ctx<'_>) -> Name {
        let text = format!("{:016x}", ctx.rng.next_u64());
        Name::parse(&text).expect("sixteen digits are a name")
    }

    fn described(
        &mut self,
        link: LinkId,
        kind: DescriptionKind,
        sdp: &str,
        sections: &[Section<Name>],
        ctx: &mut Ctx<'_>,
    ) {
        let Some(leg) = self.legs.at(link) else { return };
        let stream = &leg.stream;
        ctx.out.text(|out| wire::configuration(out, stream, kind, sdp, sections));
        // The transport is the same ever after, and so are its candidates.
        if std::mem::replace(&mut leg.described, true) {
            return;
        }
        let mid = sections.first().map_or("0", |section| &section.mid);
        for candidate in sdp::candidates(sdp) {
            ctx.out.text(|out| wire::candidate(out, stream, mid, candidate));
        }
    }

    fn flows(&mut self, link: LinkId, ctx: &mut Ctx<'_>) {
        let Some(leg) = self.legs.at(link) else { return };
        leg.deadline = None;
        if !std::mem::replace(&mut leg.started, true) {
            if leg.restored {
                ctx.out.text(|out| wire::notice(out, Notice::SessionRestored, &leg.stream));
            }
            let started = if leg.role == Role::Publish { Notice::PublishStarted } else { Notice::PlayStarted };
            ctx.out.text(|out| wire::notice(out, started, &leg.stream));
            self.tell_started(link, ctx);
            self.begins_to_flow(link, ctx);
        }
    }

    fn ended(&mut self, link: LinkId, cause: &Cause, ctx: &mut Ctx<'_>) {
        let ticket = self.gate.left(link);
        let Some(leg) = self.legs.remove(link) else { return };
        let error = refusal::end(leg.role, cause);
        self.tell_ended(&leg, ticket, error, ctx);
        if let Some(error) = error {
            ctx.out.text(|out| wire::error(out, error, Some(leg.stream.as_str())));
        }
        // What has started finishes, whatever the reason; what has not, and is told to be wrong, need not.
        if error.is_none() || leg.started {
            let finished = if leg.role == Role::Publish { Notice::PublishFinished } else { Notice::PlayFinished };
            ctx.out.text(|out| wire::notice(out, finished, &leg.stream));
        }
    }

    fn track_changed(&mut self, link: LinkId, track: &Name, added: bool, ctx: &mut Ctx<'_>) {
        let Some(leg) = self.legs.at(link).filter(|leg| leg.stream != *track) else { return };
        leg.news.tracks_changed = true;
        ctx.out.text(|out| wire::track_changed(out, &leg.stream, track, added));
    }

    fn measured(&mut self, link: LinkId, report: &Report, ctx: &mut Ctx<'_>) {
        let passed = report.audio_bps > 0 || report.video_bps > 0;
        if let Some(leg) = self.legs.at(link).filter(|leg| leg.started && passed) {
            ctx.out.text(|out| wire::measurement(out, &leg.stream, report));
        }
    }

    /// Pages hear of changed tracks on the data channel as well; legs that came to nothing are given up.
    fn look_after_legs(&mut self, ctx: &mut Ctx<'_>) {
        self.tell_pages(ctx);
        for leg in self.legs.all() {
            if leg.deadline.take_if(|deadline| *deadline <= ctx.now).is_some() {
                ctx.out.command(UNHEARD, Command::Hangup { link: leg.link, cause: CauseKind::TimedOut.into() });
            }
        }
    }
}

/// Which tracks are switched on: antmedia.md section 5.9. What is refused by name is off, whatever else names it.
fn selection(frame: &ClientFrame<'_>) -> Selection {
    let named = |wanted: bool| {
        let tracks = frame.tracks.iter().filter(move |(_, on)| *on == wanted);
        tracks.filter_map(move |(track, on)| Some((wire::stream_name(track)?, *on)))
    };
    let named: Vec<_> = named(false).chain(named(true)).collect();
    let later = !frame.all_off.unwrap_or(false);
    let others = later && named.iter().all(|(_, on)| !on);
    Selection { named, others, later }
}

impl Session for AntSession {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.life.begins(ctx.now, self.settings.ping_interval);
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        self.life.hears(ctx.now);
        match frame {
            Frame::Text(text) if self.keeps(text, ctx) => {}
            Frame::Text(text) => self.message(text, ctx),
            Frame::Binary(_) | Frame::Pong(_) => {}
        }
    }

    fn on_drain(&mut self, ctx: &mut Ctx<'_>) {
        ctx.out.text(wire::server_will_stop);
    }

    fn on_job(&mut self, tag: Tag, done: Done, ctx: &mut Ctx<'_>) {
        if !self.has_finished(tag, &done, ctx) {
            self.done(tag, done, ctx);
        }
    }

    fn on_close(&mut self, ctx: &mut Ctx<'_>) {
        self.tell_gone(ctx);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Reserved { tag, link, restored } => self.opened(tag, link, restored, ctx),
            Event::Admitted { tag } => self.gate.admitted(tag),
            Event::Viewing { tag, link } => self.opened(tag, link, false, ctx),
            Event::Refused { tag, refusal } => self.refused(tag, refusal, ctx),
            Event::Described { link, kind, sdp, sections } => self.described(link, kind, &sdp, &sections, ctx),
            Event::Flowing { link } => self.flows(link, ctx),
            Event::LegEnded { link, cause, .. } => self.ended(link, &cause, ctx),
            Event::TrackChanged { link, track, added } => self.track_changed(link, &track, added, ctx),
            Event::Measured { link, report } => self.measured(link, &report, ctx),
            Event::Switched { link, height, .. } => {
                if let Some(leg) = self.legs.at(link) {
                    ctx.out.text(|out| wire::resolution(out, &leg.stream, height));
                }
            }
            Event::Live { stream } => ctx.out.text(|out| wire::notice(out, Notice::StreamingStarted, &stream)),
            Event::Renditions { tag, stream, video, audio_bps, renditions, .. }
                if self.asked.remove(&tag).is_some() =>
            {
                ctx.out.text(|out| wire::stream_information(out, &stream, video, audio_bps, &renditions));
            }
            Event::Tracks { tag, stream, tracks } => self.tracks(tag, &stream, tracks, ctx),
            Event::Known { tag, stream, known } => self.known(tag, &stream, known, ctx),
            Event::Viewers { tag, stream, count, about } => {
                if let Some(Asked::Viewers { page }) = self.asked.remove(&tag) {
                    self.tell_viewers(&stream, page.as_ref(), count, &about, ctx);
                }
            }
            Event::Joined { tag, room, room_name, name } => self.joined(tag, room, room_name, name, ctx),
            Event::Members { room, list, .. } => self.pair_changed(room, &list, ctx),
            Event::MemberSignal { room, signal, .. } => self.relayed(room, &signal, ctx),
            Event::Speaker { link, track, level } => {
                if let Some(leg) = self.legs.at(link).filter(|leg| leg.stream != track) {
                    leg.news.speaker = Some((track, level));
                }
            }
            // Calls and presence are nothing that a client of this dialect asks for.
            _ => {}
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.legs.deadline().into_iter().chain(self.gate.deadline()).chain([self.life.deadline()]).min()
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.look_at_kept(ctx);
        self.look_after_legs(ctx);
        let (interval, timeout) = (self.settings.ping_interval, self.settings.idle_timeout);
        match self.life.on_deadline(ctx.now, interval, timeout) {
            Due::Nothing => {}
            Due::Ping => ctx.out.ping(),
            Due::GiveUp => ctx.out.abort(CloseCause::Silent),
        }
    }
}

#[cfg(test)]
mod tests;
