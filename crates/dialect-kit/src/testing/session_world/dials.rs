//! Connections that sessions order, and sessions without one.

use patchbay_core::Tag;

use super::super::directive;
use super::super::world::World;
use super::SessionWorld;
use crate::job::{Dial, Done};
use crate::{Arrival, CloseCause};

/// A connection that is ordered.
pub(super) struct Ordered {
    pub(super) by: usize,
    pub(super) tag: Tag,
    pub(super) dial: Dial,
}

impl SessionWorld<'_> {
    /// The session of the first dialect that lives as long as the server.
    ///
    /// # Panics
    /// If it has none.
    pub fn resident(&mut self) -> usize {
        let session = self.dialects[0].1.resident().expect("the dialect has one");
        self.take_in(0, session, false, None)
    }

    /// A connection of the first dialect by somebody of whom the transport tells something.
    pub fn open_by(&mut self, arrival: &Arrival<'_>) -> usize {
        let session = self.dialects[0].1.open_by(arrival);
        self.take_in(0, session, false, None)
    }

    /// How many connections are ordered.
    #[must_use]
    pub fn ordered(&self) -> usize {
        self.dials.len()
    }

    /// Makes the connection that was ordered first: whom it goes to, and its number. `None`: none is ordered.
    pub fn connect(&mut self) -> Option<(Dial, usize)> {
        let Ordered { by, tag, dial } = self.dials.pop_front()?;
        let dialect = self.connections[by].dialect;
        let session = self.dialects[dialect].1.open_for(&dial.session);
        let index = self.take_in(dialect, session, false, Some((by, tag)));
        Some((dial, index))
    }

    /// Nobody answers where the connection that was ordered first was to go; whether there was one.
    pub fn fail_to_connect(&mut self) -> bool {
        let Some(Ordered { by, tag, .. }) = self.dials.pop_front() else { return false };
        self.turn(by, |session, ctx| session.on_job(tag, Done::Failed, ctx));
        self.run_due();
        true
    }

    /// Carries out a line of a transcript that is about media, without its `!`; the name of the connection in it does not
    /// count.
    ///
    /// # Panics
    /// If there is no such line, or it does not hold.
    pub fn follow(&mut self, connection: usize, line: &str) {
        let (_, directive) = directive::parse(line).expect("a line about media");
        self.media(connection, &directive)
            .unwrap_or_else(|(wanted, got)| panic!("{line}: {wanted} expected, got {got}"));
    }

    /// A connection that was ordered is lost; its session may go on.
    pub fn cut(&mut self, connection: usize) {
        let mut goes_on = false;
        self.turn(connection, |session, ctx| goes_on = session.on_cut(ctx));
        if !goes_on && self.connections[connection].ended.is_none() {
            self.end(connection, CloseCause::Lost);
        }
        self.run_due();
    }
}
