//! What parties ask about streams.

use super::Streams;
use crate::{Effects, Event, Known, LinkId, Name, PartyId, Query, Realm, Refusal, Report, Tag};

impl Streams {
    /// The realm where that stream can be viewed: the party's own, if it can be there or nowhere.
    pub(super) fn home_of(&self, realm: Realm, stream: &Name) -> Realm {
        let here =
            |realm: &Realm| self.stages.get(&(*realm, stream.clone())).is_some_and(|stage| self.can_be_viewed(stage));
        let also = &self.limits[usize::from(realm.0)].also;
        std::iter::once(&realm).chain(also).copied().find(here).unwrap_or(realm)
    }

    /// Answers a question; `is_room`: whether there is a room of that name.
    pub(in crate::hub) fn query(
        &self,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        query: Query,
        is_room: impl FnOnce(&Name) -> bool,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let live = |link: &LinkId| self.publications.get(link).filter(|publication| publication.live);
        match query {
            Query::Renditions(stream) => {
                let own = self.stages.get(&(realm, stream.clone())).and_then(|stage| stage.own);
                let publication = own.as_ref().and_then(live).ok_or(Refusal::NoSuchStream)?;
                let Report { audio_bps, renditions, .. } = publication.report.clone();
                let (audio, video) = (publication.audio, publication.video);
                out.tell(party, Event::Renditions { tag, stream, audio, video, audio_bps, renditions });
            }
            Query::Tracks(stream) => {
                let stage = self.stages.get(&(realm, stream.clone()));
                let mut tracks: Vec<_> = stage
                    .map(|stage| stage.subs.iter().filter_map(live).map(|sub| sub.name.clone()).collect())
                    .unwrap_or_default();
                if tracks.is_empty() && stage.and_then(|stage| stage.own.as_ref()).and_then(live).is_some() {
                    tracks.push(stream.clone());
                }
                tracks.sort_unstable();
                out.tell(party, Event::Tracks { tag, stream, tracks });
            }
            Query::Stream(stream) => {
                let known = match self.stages.get(&(realm, stream.clone())) {
                    Some(stage) => self.known(realm, stage),
                    None if is_room(&stream) => Known::default(),
                    None => return Err(Refusal::NoSuchStream),
                };
                out.tell(party, Event::Known { tag, stream, known });
            }
            // Names are the directory's.
            Query::Names { .. } => {}
            Query::Views(stream) => self.views_of(party, realm, tag, stream, out),
            Query::Streams { after, most } => self.list(party, realm, tag, after, most, out),
            Query::Viewers(stream) => {
                let stage = self.stages.get(&(realm, stream.clone()));
                let views = stage.into_iter().flat_map(|stage| &stage.views).filter_map(|link| self.views.get(link));
                let about = views.filter_map(|view| view.about.clone()).take(Known::LISTED).collect();
                let count = stage.map_or(0, |stage| stage.views.len());
                out.tell(party, Event::Viewers { tag, stream, count, about });
            }
        }
        Ok(())
    }
}
