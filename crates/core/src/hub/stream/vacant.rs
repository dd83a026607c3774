//! Streams whose publisher is lost, while their viewers wait for it to come back.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Streams;
use crate::hub::directory::Directory;
use crate::{CauseKind, Effects, LinkId, MediaOp, Moment, Name, Realm, Refusal, Tag};

/// A stream without a publisher, until that moment. It has viewers, or nobody would wait.
#[derive(Debug)]
pub(super) struct Vacancy {
    /// The publication that was lost.
    pub(super) of: LinkId,
    until: Moment,
    /// Who may take it up; `None`: anybody.
    claim: Option<Arc<str>>,
}

/// All of them, those first that end first. Each was a publication with a viewer, so they are no more than those of the
/// last seconds.
#[derive(Debug, Default)]
pub(super) struct Vacancies(BTreeMap<(Moment, LinkId), (Realm, Name)>);

impl Streams {
    /// A publication or view whose peer is lost, and whose leg is over.
    pub(super) fn lost(&mut self, now: Moment, link: LinkId, directory: &Directory, out: &mut Effects) {
        self.vacate(now, link);
        self.remove(link, CauseKind::Gone.into(), Tag::default(), directory, out);
    }

    /// The same of one whose party is lost.
    pub(in crate::hub) fn lose(&mut self, now: Moment, link: LinkId, directory: &Directory, out: &mut Effects) {
        if self.owner(link).is_some() {
            out.media(MediaOp::Close { link });
            self.lost(now, link, directory, out);
        }
    }

    /// Viewers of a live publication of a party's own begin to wait.
    fn vacate(&mut self, now: Moment, link: LinkId) {
        let Some(publication) = self.publications.get(&link) else { return };
        let span = self.limits[usize::from(publication.realm.0)].restore;
        if span.is_zero() || !publication.live || publication.owner.via.is_some() {
            return;
        }
        let (key, claim) = ((publication.realm, publication.name.clone()), publication.claim.clone());
        let Some(stage) = self.stages.get_mut(&key).filter(|stage| !stage.views.is_empty()) else { return };
        let until = now + span;
        stage.vacant = Some(Vacancy { of: link, until, claim });
        self.vacancies.0.insert((until, link), key);
    }

    /// Somebody wants to publish that stream: whether viewers wait for it. They wait anew, for its media.
    pub(super) fn take_up(
        &mut self,
        now: Moment,
        realm: Realm,
        stream: &Name,
        claim: Option<&Arc<str>>,
    ) -> Result<bool, Refusal> {
        let key = (realm, stream.clone());
        let Some(vacant) = self.stages.get_mut(&key).and_then(|stage| stage.vacant.as_mut()) else { return Ok(false) };
        if vacant.claim.is_some() && vacant.claim.as_ref() != claim {
            return Err(Refusal::StreamTaken);
        }
        self.vacancies.0.remove(&(vacant.until, vacant.of));
        vacant.until = now + self.limits[usize::from(realm.0)].restore;
        self.vacancies.0.insert((vacant.until, vacant.of), key);
        Ok(true)
    }

    /// A publication goes live in the place of one that was lost: who waited is sent it.
    pub(super) fn succeed(&mut self, link: LinkId, out: &mut Effects) {
        let Some(publication) = self.publications.get(&link) else { return };
        let key = (publication.realm, publication.name.clone());
        let (audio, video, layers) = (publication.audio, publication.video, publication.layers);
        let Some(stage) = self.stages.get_mut(&key) else { return };
        let Some(vacant) = stage.vacant.take() else { return };
        self.vacancies.0.remove(&(vacant.until, vacant.of));
        for view in &self.stages[&key].views {
            let Some(viewed) = self.views.get_mut(view) else { continue };
            let lost = viewed.tracks.iter_mut().find(|(_, track)| track.source == vacant.of);
            let Some((_, track)) = lost else { continue };
            (track.source, track.heir_of) = (link, Some(vacant.of));
            (track.audio, track.video, track.layers) = (audio, video, layers);
            out.media(MediaOp::Tracks { link: *view, tracks: viewed.tracks() });
        }
    }

    /// When the first of them has waited long enough.
    pub(in crate::hub) fn deadline(&self) -> Option<Moment> {
        self.vacancies.0.first_key_value().map(|((until, _), _)| *until)
    }

    /// Who has waited long enough waits no longer.
    pub(in crate::hub) fn on_deadline(&mut self, now: Moment, directory: &Directory, out: &mut Effects) {
        while let Some(first) = self.vacancies.0.first_entry().filter(|first| first.key().0 <= now) {
            let ((_, of), (realm, name)) = first.remove_entry();
            if let Some(stage) = self.stages.get_mut(&(realm, name.clone())) {
                stage.vacant = None;
            }
            self.leave_stage(realm, &name, of, directory, out);
        }
    }

    /// For `check`.
    pub(super) fn vacancies_are_sound(&self) -> bool {
        let known = |((until, of), key): (&(Moment, LinkId), &(Realm, Name))| {
            let vacant = self.stages.get(key).and_then(|stage| stage.vacant.as_ref());
            vacant.is_some_and(|vacant| vacant.of == *of && vacant.until == *until)
        };
        let vacant = self.stages.values().filter(|stage| stage.vacant.is_some()).count();
        vacant == self.vacancies.0.len() && self.vacancies.0.iter().all(known)
    }
}
