//! What clients ask about streams, and what pages are told on the data channel: antmedia.md sections 4.2, 5.5 and 8.

use std::sync::Arc;

use patchbay_core::{Body, Command, Known, LinkId, Name, Published, Query};
use patchbay_dialect_kit::Ctx;
use patchbay_dialect_kit::job::Record;

use super::{AntSession, Asked, UNHEARD};
use crate::legs::Role;
use crate::records::{Broadcast, Stored};
use crate::refusal::WireError;
use crate::shown::{Clock, shown};
use crate::wire::{self, About, ClientFrame, ClientKind, broadcast, event};

/// Which part of a list is wanted, and of whom.
#[derive(Debug)]
pub(super) struct Page {
    role: Option<Box<str>>,
    offset: usize,
    size: usize,
}

/// Entries of a page whose size was not given, and most of any, as the reference has it today.
const PAGE: usize = 250;

impl Page {
    fn of(frame: &ClientFrame<'_>) -> Self {
        let number = |value: Option<u32>| value.map_or(0, |value| usize::try_from(value).unwrap_or(usize::MAX));
        let size = match number(frame.size) {
            0 => PAGE,
            size => size.min(PAGE),
        };
        Self { role: frame.visible_as.as_deref().map(Box::from), offset: number(frame.offset), size }
    }
}

impl AntSession {
    pub(super) fn ask_about(&mut self, stream: &Name, kind: ClientKind, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        let name = stream.clone();
        let (asked, query) = match kind {
            ClientKind::Subtracks => {
                (Asked::Subtracks { stream: name.clone(), page: Page::of(frame), counts: false }, Query::Stream(name))
            }
            ClientKind::SubtrackCount => {
                (Asked::Subtracks { stream: name.clone(), page: Page::of(frame), counts: true }, Query::Stream(name))
            }
            ClientKind::SubscriberCount => (Asked::Viewers { page: None }, Query::Viewers(name)),
            ClientKind::Subscribers => (Asked::Viewers { page: Some(Page::of(frame)) }, Query::Viewers(name)),
            ClientKind::Assignments => {
                let Some(link) = self.legs.link(stream, Role::Play) else { return };
                (Asked::Assignments { link }, Query::Tracks(name))
            }
            _ => return,
        };
        self.limit(ctx);
        self.ask(asked, Command::Query(query), ctx);
    }

    /// What is published is asked for, once it is known what was said beforehand.
    pub(super) fn ask_object(&mut self, stream: Name, record: Option<Record>, ctx: &mut Ctx<'_>) {
        self.ask(Asked::Object { stream: stream.clone(), record }, Command::Query(Query::Stream(stream)), ctx);
    }

    pub(super) fn tell_object(
        &mut self,
        stream: &Name,
        record: Option<&Record>,
        known: Option<&Known>,
        ctx: &mut Ctx<'_>,
    ) {
        let clock = Clock { now: ctx.now, unix_ms: ctx.unix_ms };
        match shown(clock, stream, record.and_then(Broadcast::of), known) {
            Some(object) => {
                // Whom the operator has told of it is no business of clients.
                let object = Broadcast { listener_hook_url: None, ..object };
                ctx.out.text(|out| broadcast::object(out, stream, &object));
            }
            None => ctx.out.text(|out| wire::error(out, WireError::NoStream, Some(stream.as_str()))),
        }
    }

    /// Nobody knows the main stream: it has no tracks.
    pub(super) fn tell_subtracks(
        &mut self,
        stream: &Name,
        page: &Page,
        counts: bool,
        known: &Known,
        ctx: &mut Ctx<'_>,
    ) {
        let clock = Clock { now: ctx.now, unix_ms: ctx.unix_ms };
        let tracks = known.tracks.iter().filter(|track| track.live);
        let tracks =
            tracks.filter(|track| page.role.is_none() || About::read(track).role.as_deref() == page.role.as_deref());
        if counts {
            let count = tracks.count();
            ctx.out.text(|out| broadcast::subtrack_count(out, stream, count));
        } else {
            let one = |track: &Published| {
                let known = Known { own: Some(track.clone()), viewers: track.viewers, ..Known::default() };
                shown(clock, &track.stream, None, Some(&known))
            };
            let tracks: Vec<_> = tracks.skip(page.offset).take(page.size).filter_map(one).collect();
            ctx.out.text(|out| broadcast::subtracks(out, stream, &tracks));
        }
    }

    pub(super) fn tell_viewers(
        &mut self,
        stream: &Name,
        page: Option<&Page>,
        count: usize,
        about: &[Body],
        ctx: &mut Ctx<'_>,
    ) {
        ctx.out.text(|out| match page {
            None => broadcast::subscriber_count(out, stream, count),
            Some(page) => broadcast::subscribers(out, stream, about, (page.offset, page.size)),
        });
    }

    pub(super) fn tell_assignments(&mut self, link: LinkId, tracks: Vec<Name>) {
        let own: Vec<_> = tracks.iter().map(|track| self.legs.link(track, Role::Publish).is_some()).collect();
        let Some(leg) = self.legs.at(link) else { return };
        let foreign = tracks.into_iter().zip(own).filter(|(_, own)| !own).map(|(track, _)| track);
        leg.news.assigned = Some(foreign.collect());
    }

    /// Only who publishes it says what it is.
    pub(super) fn update_meta_data(&mut self, stream: &Name, frame: &ClientFrame<'_>, ctx: &mut Ctx<'_>) {
        let lang = self.lang;
        let Some(leg) = self.legs.of(stream, Role::Publish) else { return };
        let before = leg.about.take();
        let mut about = before.as_ref().map(About::of).unwrap_or_default();
        about.meta = About::publisher(frame).meta;
        let about = about.body(lang);
        leg.about.clone_from(&about);
        let link = leg.link;
        self.limit(ctx);
        ctx.out.command(UNHEARD, Command::Describe { link, about });
    }

    /// A person who looks at the connection is told what it has.
    pub(super) fn tell_debug(&mut self, stream: &Name, ctx: &mut Ctx<'_>) {
        let roles = [Role::Publish, Role::Play].map(|role| self.legs.link(stream, role).is_some());
        let pair = self.pairs.contains_key(stream);
        let info = format!("publishes: {}, plays: {}, meets directly: {pair}", roles[0], roles[1]);
        ctx.out.text(|out| wire::debug_info(out, stream, &info));
    }

    /// Tells pages what they have not been told.
    pub(super) fn tell_pages(&mut self, ctx: &mut Ctx<'_>) {
        for leg in self.legs.all() {
            let news = std::mem::take(&mut leg.news);
            let changed = news.tracks_changed.then(|| event::track_list_updated(&leg.stream));
            let assigned = news.assigned.map(|tracks| event::assignments(&leg.stream, &tracks));
            let speaker = news.speaker.map(|(track, level)| event::speaker(&leg.stream, &track, level));
            for bytes in [changed, assigned, speaker].into_iter().flatten() {
                ctx.out.command(
                    UNHEARD,
                    Command::Say { link: leg.link, channel: None, binary: false, bytes: Arc::from(bytes) },
                );
            }
        }
    }
}
