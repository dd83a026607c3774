//! One connection to a rendezvous server: waits in a room for a viewer, and serves it (ers.md section 2.4).

mod commands;
mod fragments;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{
    Address, Body, Command, DescriptionKind, Event, Lang, LinkId, Merge, Moment, Name, Section, Selection, Shape,
    Signal, SignalKind, Speaks, Tag, View,
};
use patchbay_dialect_kit::job::Done;
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session};

use self::commands::{Commands, Order};
use self::fragments::Asking;
use super::api::value::Value;
use super::events::{Reporter, Sinks};
use super::note::{self, News, Wish};
use super::opening::Opening;
use super::sdp::{self, Names};
use super::wire::{self, Client as Asked, Message, Told, channel};
use crate::packet::{Kind, Packet};

/// Nobody waits for what becomes of it.
const UNHEARD: Tag = Tag(0);
/// The view that a viewer has asked for.
const VIEW: Tag = Tag(1);

/// How long `ersid` is waited for; servers of the family that this one was made from send none.
const WELCOME: Duration = Duration::from_secs(2);
/// Without a heartbeat for so long, the server is told so; and after that, it is gone.
const SILENCE: Duration = Duration::from_secs(50);
const DEATH: Duration = Duration::from_secs(55);
/// Longest words of a server that are shown, in characters: ids have twenty, reasons are one word.
const WHY: usize = 64;
/// Messages for the viewer that wait for the next turn; more are dropped, as nothing else is sent that way.
const WAITING: usize = 64;
/// Longest id of a viewer, in bytes: a server's have twenty.
const ID: usize = 128;

/// The stream is not there.
const NO_STREAM: &str = "Unable to retrieve stream!";
/// What is asked for is no name of a stream.
const NO_NAME: &str = "Unable to parse stream field!";
/// The transport that is fragments of MP4 on the data channel.
const FRAGMENTS: &str = "fmp4";
/// The data channel that we open.
const CHANNEL: &str = "emsStreamChannel";

pub(crate) struct Client {
    lang: Lang,
    opening: Opening,
    phase: Phase,
    viewer: Option<Viewer>,
    /// When the server's heartbeat was last heard, and whether it was told that none came.
    since: Moment,
    warned: bool,
    /// What is to be done in the next turn, since it was learnt from the hub.
    todo: VecDeque<Todo>,
    reporter: Reporter,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The server has not said who it is; `join` is sent at that moment.
    Greeting(Option<Moment>),
    /// `join` is sent.
    Joining,
    /// In the room.
    Joined,
    /// The server is gone, and a viewer is served on.
    Cut,
}

struct Viewer {
    id: String,
    sid: Option<String>,
    stream: Name,
    /// What it asked for: of a play list, an item.
    instance: String,
    commands: Commands,
    /// The view; `None`: the hub is asked.
    link: Option<LinkId>,
    names: Names,
    described: bool,
    asking: Asking,
}

enum Todo {
    Tell(News),
    Forget(Name),
    /// Say it on the command channel.
    Say(String),
    Obey(Order),
    /// Show the player that stream.
    Turn(String),
}

impl Client {
    pub(crate) fn new(lang: Lang, opening: Opening, sinks: &Arc<Sinks>) -> Self {
        Self {
            lang,
            opening,
            phase: Phase::Greeting(None),
            viewer: None,
            since: Moment::START,
            warned: false,
            todo: VecDeque::new(),
            reporter: Reporter::new(sinks),
        }
    }

    fn tell(&self, news: &News, ctx: &mut Ctx<'_>) {
        let body = news.body(self.lang);
        ctx.out.command(UNHEARD, Command::Post { to: note::resident(), body });
    }

    /// Tells the sinks.
    fn report(&mut self, kind: &str, payload: Value, ctx: &mut Ctx<'_>) {
        let subject = format!("ems/of/{}", self.opening.number);
        self.reporter.report(&subject, kind, payload, ctx);
    }

    fn event(&mut self, data: &str, ctx: &mut Ctx<'_>) {
        match wire::read(data) {
            Some(Told::Welcome(id)) => {
                if matches!(self.phase, Phase::Greeting(_)) {
                    self.tell(&News::Welcome(short(&id.unwrap_or_default())), ctx);
                    self.join(ctx);
                }
            }
            Some(Told::Client(asked)) if self.phase == Phase::Joined => self.asked(&asked, ctx),
            Some(Told::Message(message)) => self.message(&message, ctx),
            Some(Told::Remove(id)) => {
                // Whoever else has gone is no matter of ours.
                let ours = self.viewer.as_ref().is_some_and(|viewer| id.is_none_or(|id| id == viewer.id));
                if ours {
                    ctx.out.close(1000, CloseCause::Peer);
                }
            }
            Some(Told::Client(_) | Told::Other) | None => {}
        }
    }

    fn join(&mut self, ctx: &mut Ctx<'_>) {
        self.phase = Phase::Joining;
        let (room, token, unix) = (&self.opening.room, &self.opening.token, ctx.unix_ms / 1_000);
        ctx.out.text(|out| wire::join(out, room, token, unix));
    }

    /// The server's answer to `join`.
    fn answered(&mut self, data: &str, ctx: &mut Ctx<'_>) {
        if self.phase != Phase::Joining {
            return;
        }
        match wire::joined(data) {
            Some(Ok(())) => {
                self.phase = Phase::Joined;
                self.tell(&News::Joined, ctx);
            }
            Some(Err(why)) => {
                self.tell(&News::Refused(short(&why)), ctx);
                ctx.out.close(1000, CloseCause::Peer);
            }
            None => {}
        }
    }

    /// Somebody wants to see a stream. Of an item of a play list, what stands behind its own name counts.
    fn asked(&mut self, asked: &Asked<'_>, ctx: &mut Ctx<'_>) {
        if self.viewer.is_some() || asked.id.len() > ID {
            return;
        }
        let named = asked.name.as_deref().filter(|name| name.len() <= ID);
        let payload = Value::map([
            ("clientID", Value::text(&*asked.id)),
            ("clientName", named.map_or(Value::Null, Value::text)),
            ("roomName", Value::text(&*self.opening.room)),
        ]);
        self.report("playerJoinedRoom", payload, ctx);
        let instance = asked.stream.as_deref().unwrap_or_default();
        let Ok(stream) = Name::parse(instance.rsplit(";*").next().unwrap_or_default()) else {
            return ctx.out.text(|out| wire::unavailable(out, &asked.id, NO_NAME));
        };
        // What a player asks for that asks for nothing (ers.md section 3.2).
        let fragments = asked.transport.as_deref().is_none_or(|transport| transport == FRAGMENTS);
        let view = View {
            stream: stream.clone(),
            selection: Selection::ALL,
            except: None,
            speaks: Speaks::No,
            viewers: None,
            about: None,
            shape: Shape { heeds: channel::names(), label: Name::parse(CHANNEL).ok(), narrow: !fragments, fragments },
        };
        self.viewer = Some(Viewer {
            id: asked.id.clone().into_owned(),
            sid: None,
            stream,
            instance: instance.to_owned(),
            commands: Commands::of(asked.answers_heartbeats()),
            link: None,
            names: Names::default(),
            described: false,
            asking: Asking::default(),
        });
        ctx.out.command(VIEW, Command::View(view));
    }

    fn message(&mut self, message: &Message<'_>, ctx: &mut Ctx<'_>) {
        let from = message.from.as_deref().unwrap_or_default();
        let Some(viewer) = self.viewer.as_mut().filter(|viewer| from.is_empty() || viewer.id == from) else {
            return self.offered(message, ctx);
        };
        if let Some(sid) = message.sid.as_deref().filter(|sid| !sid.is_empty() && sid.len() <= ID) {
            viewer.sid = Some(sid.to_owned());
        }
        let Some(link) = viewer.link else { return };
        let signal = match (&*message.kind, &message.sdp, &message.candidate) {
            ("answer", Some(sdp), _) => {
                Signal { kind: SignalKind::Answer, body: Body::new(self.lang, viewer.names.answer(sdp).as_bytes()) }
            }
            ("candidate", _, Some(candidate)) if !candidate.is_empty() => {
                Signal { kind: SignalKind::Candidate, body: Body::new(self.lang, candidate.as_bytes()) }
            }
            _ => return,
        };
        ctx.out.command(UNHEARD, Command::Signal { to: Address::Link(link), signal });
    }

    fn described(
        &mut self,
        link: LinkId,
        kind: DescriptionKind,
        text: &str,
        sections: &[Section<Name>],
        ctx: &mut Ctx<'_>,
    ) {
        let Some(viewer) = self.viewer.as_mut().filter(|viewer| viewer.link == Some(link)) else { return };
        if self.phase == Phase::Cut {
            return;
        }
        if kind == DescriptionKind::Answer {
            return self.answers(text, ctx);
        }
        viewer.names = Names::of(sections);
        let (id, sid) = (&*viewer.id, viewer.sid.as_deref().unwrap_or(wire::SID));
        let offer = viewer.names.offer(text);
        ctx.out.text(|out| wire::offer(out, id, sid, &offer));
        // The way is the same ever after.
        if !std::mem::replace(&mut viewer.described, true) {
            self.todo.push_back(Todo::Tell(News::Serves(viewer.stream.as_str().to_owned())));
            // An original says `data` until it has read an answer; a browser of today begins with the first section's alone,
            // whose way all share.
            let mid = sdp::first_mid(&offer).unwrap_or(sdp::DATA);
            for candidate in sdp::candidates(text) {
                ctx.out.text(|out| wire::candidate(out, id, sid, mid, candidate));
            }
        }
    }

    /// What the viewer wants is not there. We stay in the room.
    fn unavailable(&mut self, ctx: &mut Ctx<'_>) {
        if let Some(viewer) = self.viewer.take() {
            ctx.out.text(|out| wire::unavailable(out, &viewer.id, NO_STREAM));
            self.todo.push_back(Todo::Forget(viewer.stream));
        }
    }

    /// The server cannot be reached any more. Whether there is somebody to serve on.
    fn cut(&mut self, ctx: &mut Ctx<'_>) -> bool {
        if self.phase == Phase::Cut {
            return true;
        }
        let serves = self.viewer.as_ref().is_some_and(|viewer| viewer.described);
        if serves {
            self.phase = Phase::Cut;
            self.tell(&News::Cut, ctx);
        }
        serves
    }
}

/// Words of a server's, to be shown.
fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(WHY).collect()
}

impl Session for Client {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.since = ctx.now;
        let name = note::connection(self.opening.number);
        ctx.out.command(UNHEARD, Command::Register { name, merge: Merge::WINDOW });
        self.tell(&News::Here, ctx);
    }

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(text) = frame else { return };
        let Some(packet) = Packet::parse(text).filter(|_| self.phase != Phase::Cut) else { return };
        match packet.kind {
            Kind::Connect if packet.endpoint.is_empty() => {
                if self.phase == Phase::Greeting(None) {
                    self.phase = Phase::Greeting(Some(ctx.now + WELCOME));
                }
            }
            Kind::Heartbeat => {
                (self.since, self.warned) = (ctx.now, false);
                ctx.out.text(|out| out.extend_from_slice(b"2::"));
            }
            Kind::Event => self.event(packet.data, ctx),
            Kind::Ack => self.answered(packet.data, ctx),
            Kind::Disconnect | Kind::Error => {
                if !self.cut(ctx) {
                    ctx.out.close(1000, CloseCause::Peer);
                }
            }
            Kind::Connect | Kind::Message | Kind::Json | Kind::Noop => {}
        }
    }

    fn on_cut(&mut self, ctx: &mut Ctx<'_>) -> bool {
        self.cut(ctx)
    }

    /// The room is left to another media server, unless there is a viewer to serve.
    fn on_drain(&mut self, ctx: &mut Ctx<'_>) {
        if self.viewer.is_none() {
            ctx.out.close(1001, CloseCause::Shutdown);
        }
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        match event {
            Event::Posted { from, body } if from == note::resident() => match Wish::read(self.lang, &body) {
                Some(Wish::End) => ctx.out.close(1000, CloseCause::Peer),
                Some(Wish::Say(text)) if self.todo.len() < WAITING => {
                    self.todo.push_back(Todo::Say(text));
                }
                Some(Wish::Say(_)) | None => {}
            },
            Event::Viewing { tag: VIEW, link } => {
                if let Some(viewer) = &mut self.viewer {
                    viewer.link = Some(link);
                }
            }
            Event::Viewing { tag: fragments::TURN, .. } => self.turned(true),
            Event::Refused { tag: fragments::TURN, .. } => self.turned(false),
            Event::Refused { tag: VIEW, .. } => self.unavailable(ctx),
            Event::Described { link, kind, sdp, sections } => self.described(link, kind, &sdp, &sections, ctx),
            Event::Channel { link, channel, open } => self.channel(link, channel, open, ctx.now),
            Event::Heard { link, bytes, .. } => self.heard(link, &bytes),
            Event::LegEnded { link, .. } => match &self.viewer {
                Some(viewer) if viewer.link == Some(link) && viewer.described => ctx.out.close(1000, CloseCause::Peer),
                // There is nothing of it that the viewer could be shown.
                Some(viewer) if viewer.link == Some(link) => self.unavailable(ctx),
                _ => {}
            },
            _ => {}
        }
    }

    fn on_job(&mut self, tag: Tag, _done: Done, ctx: &mut Ctx<'_>) {
        if tag == Reporter::TAG {
            self.reporter.taken(ctx);
        }
    }

    fn deadline(&self) -> Option<Moment> {
        if !self.todo.is_empty() {
            return Some(Moment::START);
        }
        let silence = self.since + if self.warned { DEATH } else { SILENCE };
        let own = match self.phase {
            Phase::Cut => None,
            Phase::Greeting(Some(at)) => Some(at.min(silence)),
            _ => Some(silence),
        };
        let beat = self.viewer.as_ref().and_then(|viewer| viewer.commands.deadline());
        own.into_iter().chain(beat).min()
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        for todo in std::mem::take(&mut self.todo) {
            match todo {
                Todo::Tell(news) => self.tell(&news, ctx),
                Todo::Forget(stream) => ctx.out.command(UNHEARD, Command::Unview { stream }),
                Todo::Say(text) => self.speak(text, ctx),
                Todo::Obey(order) => self.obey(order, ctx),
                Todo::Turn(stream) => self.turn(stream, ctx),
            }
        }
        self.beat(ctx);
        match self.phase {
            Phase::Cut => return,
            Phase::Greeting(Some(at)) if at <= ctx.now => self.join(ctx),
            _ => {}
        }
        if ctx.now >= self.since + DEATH {
            ctx.out.text(wire::heartbeat_missed);
            if !self.cut(ctx) {
                ctx.out.close(1000, CloseCause::Silent);
            }
        } else if ctx.now >= self.since + SILENCE && !std::mem::replace(&mut self.warned, true) {
            ctx.out.text(wire::heartbeat_missed);
        }
    }
}
