//! Players that offer themselves, and ask for their stream on the command channel (ers.md sections 3.1 and 3.4).

use std::collections::VecDeque;

use patchbay_core::{Body, Command, Name, Shape, Tag};
use patchbay_dialect_kit::Ctx;

use super::{CHANNEL, Client, Commands, ID, Phase, Todo, VIEW, Viewer};
use crate::ems::api::value::Value;
use crate::ems::note::News;
use crate::ems::sdp::{self, Names};
use crate::ems::wire::channel::{self, Fragments};
use crate::ems::wire::{self, Message};

/// The player is to be shown another stream.
pub(super) const TURN: Tag = Tag(2);
/// Streams that a player has asked for and of which the hub has not said whether it is shown them: more are declined. Each turn
/// answers one, so nobody needs many.
const TURNS: usize = 8;

/// `fmp4Request` names no stream.
const NO_NAME: &str = "Missing name field!";
/// The stream that it names is not there, or cannot be had so.
const NOT_SENT: &str = "Requested stream could not be sent!";

/// What a player asks for.
#[derive(Default)]
pub(super) struct Asking {
    /// Streams, in this order, and how it has called them.
    turns: VecDeque<(Name, String)>,
    /// Its offer has data in the form of its time.
    old: bool,
}

/// What is to be done about a player's request. Fragments are all that there is on its channel: neither RTP nor a whole file.
pub(super) fn asked(asked: &Fragments<'_>) -> Todo {
    match asked.name.as_deref() {
        None => Todo::Say(channel::fragments_answer(None, Err(NO_NAME))),
        Some(name) if asked.full || asked.use_srtp => Todo::Say(channel::fragments_answer(Some(name), Err(NOT_SENT))),
        Some(name) => Todo::Turn(name.to_owned()),
    }
}

impl Client {
    /// A player offers itself: it names its stream later.
    pub(super) fn offered(&mut self, message: &Message<'_>, ctx: &mut Ctx<'_>) {
        let (Some(from), Some(sdp), "offer") = (&message.from, &message.sdp, &*message.kind) else { return };
        if self.viewer.is_some() || self.phase != Phase::Joined || from.is_empty() || from.len() > ID {
            return;
        }
        let Ok(label) = Name::parse(CHANNEL) else { return };
        let payload = Value::map([
            ("clientID", Value::text(&**from)),
            ("clientName", Value::Null),
            ("roomName", Value::text(&*self.opening.room)),
        ]);
        self.report("playerJoinedRoom", payload, ctx);
        self.viewer = Some(Viewer {
            id: from.clone().into_owned(),
            sid: message.sid.as_deref().filter(|sid| !sid.is_empty() && sid.len() <= ID).map(str::to_owned),
            // It has none: this is nobody's.
            stream: label.clone(),
            instance: String::new(),
            commands: Commands::of(false),
            link: None,
            names: Names::default(),
            described: false,
            asking: Asking { old: sdp::is_old(sdp), ..Asking::default() },
        });
        let shape = Shape { heeds: channel::names(), label: Some(label), narrow: false, fragments: true };
        ctx.out.command(VIEW, Command::StandBy { shape, offer: Body::new(self.lang, sdp.as_bytes()) });
    }

    /// Our answer to its offer.
    pub(super) fn answers(&mut self, text: &str, ctx: &mut Ctx<'_>) {
        let Some(viewer) = &mut self.viewer else { return };
        let (id, sid) = (&*viewer.id, viewer.sid.as_deref().unwrap_or(wire::SID));
        // What an old player has never heard of, it cannot be answered.
        let sdp = if viewer.asking.old { Names::default().offer(text) } else { sdp::apart(text) };
        ctx.out.text(|out| wire::answer(out, id, sid, &sdp));
        if !std::mem::replace(&mut viewer.described, true) {
            // Somebody else is to wait in the room.
            self.todo.push_back(Todo::Tell(News::Serves(String::new())));
            let mid = sdp::first_mid(text).unwrap_or(sdp::DATA);
            for candidate in sdp::candidates(text) {
                ctx.out.text(|out| wire::candidate(out, id, sid, mid, candidate));
            }
        }
    }

    /// The player wants to see that stream.
    pub(super) fn turn(&mut self, stream: String, ctx: &mut Ctx<'_>) {
        let Some(viewer) = &mut self.viewer else { return };
        // As in `clientJoined`: of an item of a play list, what stands behind its own name counts.
        let name = Name::parse(stream.rsplit(";*").next().unwrap_or_default());
        match (viewer.link, name) {
            (Some(link), Ok(name)) if viewer.asking.turns.len() < TURNS => {
                viewer.asking.turns.push_back((name.clone(), stream));
                ctx.out.command(TURN, Command::Turn { link, stream: name });
            }
            _ => self.speak(channel::fragments_answer(Some(&stream), Err(NOT_SENT)), ctx),
        }
    }

    /// Whether it is shown what it asked for first.
    pub(super) fn turned(&mut self, shown: bool) {
        let Some(viewer) = &mut self.viewer else { return };
        let Some((name, asked)) = viewer.asking.turns.pop_front() else { return };
        let outcome = if shown { Ok(()) } else { Err(NOT_SENT) };
        self.todo.push_back(Todo::Say(channel::fragments_answer(Some(&asked), outcome)));
        if shown {
            self.todo.push_back(Todo::Tell(News::Serves(name.as_str().to_owned())));
            (viewer.stream, viewer.instance) = (name, asked);
        }
    }
}
