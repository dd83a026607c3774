//! Keeps each stream connected: one connection for each, and the next some time after its end.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::{Event, Moment, Tag};
use patchbay_dialect_kit::job::{Dial, Done, Job};
use patchbay_dialect_kit::{CloseCause, Ctx, Frame, Session};

use super::source::Source;

/// From the end of a connection to the next, at first and at most; it doubles with each that came to nothing. Shorter is
/// quicker when a camera comes back, longer spares a server that has nothing.
const FIRST: Duration = Duration::from_secs(1);
const LAST: Duration = Duration::from_secs(16);
/// A connection that lived so long came to something.
const LIVED: Duration = Duration::from_secs(10);

pub(crate) struct Resident {
    sources: Arc<[Source]>,
    states: Vec<State>,
}

#[derive(Clone, Copy)]
struct State {
    /// When it is to be connected; `None`: it is.
    due: Option<Moment>,
    since: Moment,
    patience: Duration,
}

impl Resident {
    pub(crate) fn new(sources: Arc<[Source]>) -> Self {
        let state = State { due: Some(Moment::START), since: Moment::START, patience: FIRST };
        let states = vec![state; sources.len()];
        Self { sources, states }
    }

    fn dial(&mut self, ctx: &mut Ctx<'_>) {
        for (number, (source, state)) in (0u64..).zip(self.sources.iter().zip(&mut self.states)) {
            if state.due.is_some_and(|due| due <= ctx.now) {
                (state.due, state.since) = (None, ctx.now);
                let Source { host, port, tls, .. } = source;
                let session = number.to_string().into();
                ctx.out.job(Tag(number), Job::Dial(Dial { host: Arc::clone(host), port: *port, tls: *tls, session }));
            }
        }
    }
}

impl Session for Resident {
    fn on_open(&mut self, ctx: &mut Ctx<'_>) {
        self.dial(ctx);
    }

    fn on_frame(&mut self, _frame: Frame<'_>, _ctx: &mut Ctx<'_>) {}

    /// Nobody is dialled any more.
    fn on_drain(&mut self, ctx: &mut Ctx<'_>) {
        ctx.out.close(1000, CloseCause::Shutdown);
    }

    fn on_job(&mut self, Tag(number): Tag, _done: Done, ctx: &mut Ctx<'_>) {
        let Some(state) = usize::try_from(number).ok().and_then(|number| self.states.get_mut(number)) else { return };
        if ctx.now >= state.since + LIVED {
            state.patience = FIRST;
        }
        state.due = Some(ctx.now + state.patience);
        state.patience = (state.patience * 2).min(LAST);
    }

    fn on_event(&mut self, _event: Event, _ctx: &mut Ctx<'_>) {}

    fn deadline(&self) -> Option<Moment> {
        self.states.iter().filter_map(|state| state.due).min()
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.dial(ctx);
    }
}
