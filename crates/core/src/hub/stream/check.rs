//! What must hold of streams, whatever happened.

use super::Streams;
use crate::hub::directory::Directory;
use crate::{LinkId, Name, PartyId, Track};

impl Streams {
    /// What is wrong, for `check`.
    pub(in crate::hub) fn faults(&self, directory: &Directory) -> Vec<&'static str> {
        let mut faults = Vec::new();
        let mut expect = |holds: bool, what| {
            if !holds {
                faults.push(what);
            }
        };
        for (link, publication) in &self.publications {
            let stage = |name: &Name| self.stages.get(&(publication.realm, name.clone()));
            let own = stage(&publication.name).and_then(|stage| stage.own);
            expect(own == Some(*link), "a publication does not own its name");
            let main = publication.main.as_ref();
            let known = main.is_none_or(|main| stage(main).is_some_and(|stage| stage.subs.contains(link)));
            expect(known, "a main stream does not know its track");
            expect(
                self.by_party.contains(&(publication.owner.party, *link)),
                "a publisher does not know its publication",
            );
            expect(directory.profile(publication.owner.party).is_some(), "a publication outlived its party");
        }
        for (link, view) in &self.views {
            let stage = self.stages.get(&(view.realm, view.name.clone()));
            let known = stage.is_some_and(|stage| stage.views.contains(link));
            expect(known != view.idle, "a stage does not know its view");
            expect(!view.idle || view.tracks.is_empty(), "a view without a stream has tracks");
            expect(self.by_party.contains(&(view.owner.party, *link)), "a viewer does not know its view");
            expect(directory.profile(view.owner.party).is_some(), "a view outlived its party");
            let awaited = stage.and_then(|stage| stage.vacant.as_ref()).map(|vacant| vacant.of);
            let live = |(_, track): &(Name, Track)| {
                awaited == Some(track.source) || self.publications.get(&track.source).is_some_and(|of| of.live)
            };
            expect(view.tracks.iter().all(live), "a view has a track that is not live");
        }
        for ((realm, _), stage) in &self.stages {
            let needed = stage.own.is_some() || !stage.subs.is_empty() || stage.vacant.is_some();
            expect(needed, "a stage outlived its last publication");
            expect(stage.views.is_empty() || self.can_be_viewed(stage), "a stage is viewed that cannot be");
            expect(stage.views.len() <= self.limits[usize::from(realm.0)].viewers, "a stream has too many viewers");
            let known = |link: &LinkId| self.publications.contains_key(link);
            expect(stage.own.iter().chain(&stage.subs).all(known), "a stage knows a publication that is over");
            expect(stage.views.iter().all(|link| self.views.contains_key(link)), "a stage knows a view that is over");
        }
        let links = self.publications.len() + self.views.len();
        expect(self.by_party.len() == links, "a party's publication or view outlived it");
        expect(self.places_are_sound(), "places are miscounted, or more are taken than there are");
        expect(self.vacancies_are_sound(), "a stream that waits for its publisher is miscounted");
        expect(self.waiting.is_sound(), "who waits for a stream is miscounted");
        let here = |party: PartyId| directory.profile(party).is_some();
        expect(self.waiting.parties().all(here), "who has gone waits for a stream");
        faults
    }
}
