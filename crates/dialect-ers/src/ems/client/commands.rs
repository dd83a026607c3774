//! What the player says on its command channel, and is told there (ers.md section 3.4).

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Command, Kinds, LinkId, Moment, Name};
use patchbay_dialect_kit::{CloseCause, Ctx};

use super::{Client, Todo, UNHEARD};
use crate::ems::api::value::Value;
use crate::ems::note::News;
use crate::ems::wire::channel::{self, Deed, Heard};

/// How often a player is told that we are there, as an original does.
const BEAT: Duration = Duration::from_secs(1);
/// So many heartbeats may stay unanswered by a player that has said it answers them.
const MISSED: u32 = 10;
/// What a player has said and is not done yet. The engine lets fewer through at once; at the bound they are dropped.
const OBEYED: usize = 128;

/// The channel as far as this side knows.
#[derive(Default)]
pub(super) struct Commands {
    /// Those that are open, of both names.
    open: Vec<Name>,
    /// When the next heartbeat is due.
    beat_at: Option<Moment>,
    /// The player has said that it answers heartbeats.
    answers: bool,
    /// Heartbeats since it last did.
    missed: u32,
}

impl Commands {
    /// Those of a player that answers heartbeats, or has not said so.
    pub(super) fn of(answers: bool) -> Self {
        Self { answers, ..Self::default() }
    }

    /// When a heartbeat is due.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.beat_at
    }
}

/// What a player's command does.
pub(super) struct Order {
    command: String,
    argument: String,
    base64: bool,
}

impl Client {
    /// A channel is open, or no longer.
    pub(super) fn channel(&mut self, link: LinkId, name: Name, open: bool, now: Moment) {
        let Some(viewer) = self.viewer.as_mut().filter(|viewer| viewer.link == Some(link)) else { return };
        let commands = &mut viewer.commands;
        let before = commands.open.is_empty();
        commands.open.retain(|known| *known != name);
        if open {
            commands.open.push(name);
        }
        let none = commands.open.is_empty();
        if none != before {
            (commands.beat_at, commands.missed) = ((!none).then(|| now + BEAT), 0);
            self.todo.push_back(Todo::Tell(News::Commands(!none)));
        }
    }

    /// The player has said something.
    pub(super) fn heard(&mut self, link: LinkId, bytes: &[u8]) {
        let Some(viewer) = self.viewer.as_mut().filter(|viewer| viewer.link == Some(link)) else { return };
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let full = self.todo.len() >= OBEYED;
        let todo = match channel::read(text) {
            Some(Heard::Heartbeat) => {
                viewer.commands.missed = 0;
                return;
            }
            Some(Heard::Command(said)) => Todo::Obey(Order {
                command: said.command.into_owned(),
                argument: said.argument.into_owned(),
                base64: said.base64,
            }),
            Some(Heard::Fragments(asked)) => super::fragments::asked(&asked),
            None => return,
        };
        if !full {
            self.todo.push_back(todo);
        }
    }

    /// Carries out a command, and tells of it.
    pub(super) fn obey(&mut self, order: Order, ctx: &mut Ctx<'_>) {
        let Some(viewer) = &self.viewer else { return };
        let Order { command, argument, base64 } = order;
        let deed = Deed::of(&command);
        let payload = Value::map([
            ("argument", Value::Text(argument)),
            ("base64", Value::Bool(base64)),
            ("baseStreamName", Value::text(viewer.stream.as_str())),
            ("command", Value::Text(command)),
            ("instanceStreamName", Value::text(&*viewer.instance)),
        ]);
        self.report("webRtcCommandReceived", payload, ctx);
        match deed {
            Some(Deed::Stop) => ctx.out.close(1000, CloseCause::Peer),
            Some(Deed::Pause) => self.gate(false, ctx),
            Some(Deed::Resume) => self.gate(true, ctx),
            Some(Deed::Ping) => self.speak(channel::sync(ctx.unix_ms / 1_000), ctx),
            None => {}
        }
    }

    fn gate(&self, on: bool, ctx: &mut Ctx<'_>) {
        if let Some(link) = self.viewer.as_ref().and_then(|viewer| viewer.link) {
            ctx.out.command(UNHEARD, Command::Pause { link, track: None, kinds: Kinds::ALL, on });
        }
    }

    /// Says something on the command channel, and nowhere else.
    pub(super) fn speak(&self, text: String, ctx: &mut Ctx<'_>) {
        let Some(viewer) = &self.viewer else { return };
        let (Some(link), Some(channel)) = (viewer.link, viewer.commands.open.first().cloned()) else { return };
        let bytes: Arc<[u8]> = text.into_bytes().into();
        ctx.out.command(UNHEARD, Command::Say { link, channel: Some(channel), binary: false, bytes });
    }

    /// Sends a heartbeat that is due, unless the player has left too many unanswered.
    pub(super) fn beat(&mut self, ctx: &mut Ctx<'_>) {
        let Some(commands) = self.viewer.as_mut().map(|viewer| &mut viewer.commands) else { return };
        if commands.beat_at.is_none_or(|at| at > ctx.now) {
            return;
        }
        if commands.answers && commands.missed >= MISSED {
            return ctx.out.close(1000, CloseCause::Silent);
        }
        commands.missed = commands.missed.saturating_add(1);
        commands.beat_at = Some(ctx.now + BEAT);
        self.speak(channel::heartbeat(), ctx);
    }
}
