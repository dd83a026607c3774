//! A session's last words: nobody hears them but those who are told things elsewhere.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use patchbay_core::{Moment, PartyId};
use patchbay_dialect_kit::{Ctx, Outbox, Session};

use crate::mailbox::Mailbox;
use crate::random::SystemRandom;
use crate::shell::Shell;

/// Lets the session speak whose party has gone, and carries out what it orders. Not after a panic: then it has none.
pub(crate) fn say(shell: &Shell, session: &mut dyn Session, party: PartyId, mailbox: &Arc<Mailbox>, now: Moment) {
    // The thread's own outbox is in use where this is called.
    let (mut out, mut random) = (Outbox::new(), SystemRandom::default());
    let unix_ms = shell.clock.unix_ms(now);
    let said = catch_unwind(AssertUnwindSafe(|| {
        shell.entropy.lend(&mut random, |rng| session.on_close(&mut Ctx { now, unix_ms, rng, out: &mut out }));
    }));
    if said.is_ok() {
        for (tag, job) in out.take_jobs() {
            shell.jobs.take(party, mailbox, tag, job);
        }
    }
}
