//! That what was made beforehand has been published is kept in the store (antmedia.md section 9.3).
//!
//! It is written down as soon as media flow: then it is so however the connection ends, and the server with it. Until then
//! the hub knows better, and is asked first ([`crate::shown`]).

use std::collections::BTreeMap;

use patchbay_core::{LinkId, Tag};
use patchbay_dialect_kit::Ctx;
use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record, Was};

use super::AntSession;
use crate::records::{Broadcast, Stored, status};

/// How often it is tried while others change the same record: more tries where many do, and nobody hears of the last.
const TRIES: u8 = 5;

/// Jobs whose outcome is awaited: two for each publication that begins.
#[derive(Debug, Default)]
pub(super) struct Finished(BTreeMap<Tag, (Key, u8)>);

impl AntSession {
    /// Media of a publication flow, whose records are these.
    pub(super) fn begins_to_flow(&mut self, link: LinkId, ctx: &mut Ctx<'_>) {
        let made = self.gate.ticket(link).map(|ticket| std::mem::take(&mut ticket.made)).unwrap_or_default();
        for (key, record) in made {
            self.finish(key, &record, TRIES, ctx);
        }
    }

    fn finish(&mut self, key: Key, record: &Record, tries: u8, ctx: &mut Ctx<'_>) {
        let Some(mut broadcast) = Broadcast::of(record) else { return };
        broadcast.status = status::FINISHED.to_owned();
        broadcast.start_time = i64::try_from(ctx.unix_ms).unwrap_or_default();
        broadcast.publish_type.get_or_insert_with(|| "WebRTC".to_owned());
        let Some(is) = broadcast.record() else { return };
        let change = Change { key: key.clone(), was: Was::Exactly(record.clone()), is: Some(is) };
        self.order(Job::Put(vec![change]), key, tries, ctx);
    }

    fn order(&mut self, job: Job, key: Key, tries: u8, ctx: &mut Ctx<'_>) {
        self.last_tag = Tag(self.last_tag.0 + 1);
        ctx.out.job(self.last_tag, job);
        self.finished.0.insert(self.last_tag, (key, tries));
    }

    /// Whether the job was one of these. Who was faster than it has changed the record: it is read and changed again.
    pub(super) fn has_finished(&mut self, tag: Tag, done: &Done, ctx: &mut Ctx<'_>) -> bool {
        let Some((key, tries)) = self.finished.0.remove(&tag) else { return false };
        match done {
            Done::Stored(false) if tries > 1 => self.order(Job::Get(vec![key.clone()]), key, tries - 1, ctx),
            Done::Records(records) => {
                if let Some(record) = records.first().cloned().flatten() {
                    self.finish(key, &record, tries, ctx);
                }
            }
            _ => {}
        }
        true
    }
}
