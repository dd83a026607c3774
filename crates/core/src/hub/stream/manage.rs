//! What those are told and may do who manage the streams of a realm, and neither publish nor view them.

use std::ops::Bound;
use std::sync::Arc;

use super::{Publication, Stage, Streams, say};
use crate::hub::directory::Directory;
use crate::{Cause, Effects, Event, Known, LinkId, Name, PartyId, Published, Realm, Refusal, Tag};

impl Streams {
    /// What is known of a stage.
    pub(super) fn known(&self, realm: Realm, stage: &Stage) -> Known {
        let published = |link: &LinkId| {
            let Publication { name, main, live, since, about, .. } = self.publications.get(link)?;
            let own = self.stages.get(&(realm, name.clone()));
            let viewers = own.map_or(0, |stage| stage.views.len());
            let (stream, main, about) = (name.clone(), main.clone(), about.clone());
            Some(Published { stream, main, live: *live, since: *since, viewers, about })
        };
        let mut tracks: Vec<_> = stage.subs.iter().filter_map(published).take(Known::LISTED).collect();
        tracks.sort_unstable_by(|a, b| a.stream.cmp(&b.stream));
        Known { own: stage.own.as_ref().and_then(published), tracks, viewers: stage.views.len() }
    }

    /// A page of the realm's streams and rooms, sorted by name.
    pub(super) fn list(
        &self,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        after: Option<Name>,
        most: usize,
        out: &mut Effects,
    ) {
        let from = match after {
            Some(after) => Bound::Excluded((realm, after)),
            // No name is shorter than one byte.
            None => Bound::Included((realm, Name::first())),
        };
        let mut here = self.stages.range((from, Bound::Unbounded)).take_while(|((of, _), _)| *of == realm);
        let most = most.min(Known::LISTED);
        let streams = here.by_ref().take(most).map(|((_, name), stage)| (name.clone(), self.known(realm, stage)));
        let streams = streams.collect();
        let more = here.next().is_some();
        let live = self.publications.values().filter(|of| of.realm == realm && of.live).count();
        out.tell(party, Event::Streams { tag, streams, more, live });
    }

    /// How those do who view a stream.
    pub(super) fn views_of(&self, party: PartyId, realm: Realm, tag: Tag, stream: Name, out: &mut Effects) {
        let stage = self.stages.get(&(realm, stream.clone()));
        let views = stage.into_iter().flat_map(|stage| &stage.views).take(Known::LISTED);
        let views = views.filter_map(|link| Some((*link, self.views.get(link)?.report.clone()))).collect();
        out.tell(party, Event::Views { tag, stream, views });
    }

    /// Ends a publication, whoever's it is.
    pub(in crate::hub) fn end_stream(
        &mut self,
        realm: Realm,
        stream: Name,
        cause: Cause,
        directory: &Directory,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let own = self.stages.get(&(realm, stream)).and_then(|stage| stage.own).ok_or(Refusal::NoSuchStream)?;
        self.end(own, cause, Tag::default(), directory, out);
        Ok(())
    }

    /// Says something to the peers of everybody who publishes or views a stream.
    pub(in crate::hub) fn say_to_all(
        &self,
        realm: Realm,
        stream: Name,
        binary: bool,
        bytes: &Arc<[u8]>,
        out: &mut Effects,
    ) {
        let Some(stage) = self.stages.get(&(realm, stream)) else { return };
        for link in stage.own.iter().chain(&stage.subs).chain(&stage.views) {
            say(*link, None, binary, Arc::clone(bytes), out);
        }
    }
}
