//! Who would be let in, and how many may publish and view: what a realm allows, and what who commands says of a stream.
//!
//! Whoever publishes or views counts, whatever it is and however it came to it.

use super::Streams;
use crate::{Knock, Name, PartyId, Realm, Refusal};

/// How many there are, by realm.
#[derive(Debug)]
pub(super) struct Places(Vec<Taken>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Taken {
    publications: usize,
    views: usize,
}

impl Places {
    pub(super) fn new(realms: usize) -> Self {
        Self(vec![Taken::default(); realms])
    }

    /// A publication of the realm has begun or ended.
    pub(super) fn publication(&mut self, realm: Realm, begun: bool) {
        count(&mut self.0[usize::from(realm.0)].publications, begun);
    }

    /// A view of what is in the realm has begun or ended.
    pub(super) fn view(&mut self, realm: Realm, begun: bool) {
        count(&mut self.0[usize::from(realm.0)].views, begun);
    }
}

fn count(number: &mut usize, begun: bool) {
    *number = if begun { *number + 1 } else { number.saturating_sub(1) };
}

impl Streams {
    /// Whether somebody who knocks would be let in.
    pub(in crate::hub) fn knock(
        &self,
        party: PartyId,
        realm: Realm,
        knock: &Knock,
        newcomer: bool,
    ) -> Result<(), Refusal> {
        match knock {
            Knock::Publish(stream, kinds) => {
                self.may_publish(party, realm, stream, *kinds, newcomer)?;
            }
            Knock::View(stream) => {
                self.admit(realm, newcomer)?;
                if self.view_of(party, stream).is_some() {
                    return Err(Refusal::Viewing);
                }
            }
            Knock::Anything if newcomer && self.overloaded => return Err(Refusal::Overloaded),
            Knock::Anything => {}
            Knock::Publisher { main, tracks } => self.has_place_for_publisher(realm, main.as_ref(), *tracks)?,
            Knock::Viewer { stream, viewers } => {
                self.has_place_for_viewer(self.home_of(realm, stream), stream, *viewers)?;
            }
        }
        Ok(())
    }

    /// Whether there is a place for one more publication, a track of that main stream if there is one.
    pub(super) fn has_place_for_publisher(
        &self,
        realm: Realm,
        main: Option<&Name>,
        tracks: Option<usize>,
    ) -> Result<(), Refusal> {
        let index = usize::from(realm.0);
        if self.places.0[index].publications >= self.limits[index].publications {
            return Err(Refusal::Overloaded);
        }
        let (Some(main), Some(most)) = (main, tracks) else { return Ok(()) };
        let has = self.stages.get(&(realm, main.clone())).map_or(0, |stage| stage.subs.len());
        if has >= most { Err(Refusal::TracksFull) } else { Ok(()) }
    }

    /// Whether there is a place for one more viewer of that stream.
    pub(super) fn has_place_for_viewer(
        &self,
        realm: Realm,
        stream: &Name,
        viewers: Option<usize>,
    ) -> Result<(), Refusal> {
        let (limits, taken) = (&self.limits[usize::from(realm.0)], &self.places.0[usize::from(realm.0)]);
        let has = self.stages.get(&(realm, stream.clone())).map_or(0, |stage| stage.views.len());
        let most = viewers.unwrap_or(usize::MAX).min(limits.viewers);
        if has >= most || taken.views >= limits.views { Err(Refusal::StreamFull) } else { Ok(()) }
    }

    /// For `check`.
    pub(super) fn places_are_sound(&self) -> bool {
        let mut taken = vec![Taken::default(); self.limits.len()];
        for publication in self.publications.values() {
            taken[usize::from(publication.realm.0)].publications += 1;
        }
        for view in self.views.values() {
            taken[usize::from(view.realm.0)].views += 1;
        }
        let fits = |(limits, taken): (&crate::RealmLimits, &Taken)| {
            taken.publications <= limits.publications && taken.views <= limits.views
        };
        taken == self.places.0 && self.limits.iter().zip(&taken).all(fits)
    }
}
