//! Who is sent what: a source's viewers on this worker, and the other workers that have some.

use std::collections::BTreeMap;

use patchbay_core::{Kind, LinkId};

/// A slot of a leg.
pub(crate) type Place = (usize, usize);

/// The viewers of all sources that have any here.
#[derive(Debug, Default)]
pub(crate) struct Routes(BTreeMap<LinkId, Route>);

/// The viewers of one source.
#[derive(Debug, Default)]
pub(crate) struct Route {
    audio: Vec<Place>,
    video: Vec<Place>,
    /// Other workers that have viewers of it.
    away: Vec<usize>,
}

impl Routes {
    /// Adds a viewer. Whether it is the source's first on this worker.
    pub(crate) fn add(&mut self, source: LinkId, kind: Kind, place: Place) -> bool {
        let route = self.0.entry(source).or_default();
        let first = !route.has_viewers();
        let places = route.places_mut(kind);
        if !places.contains(&place) {
            places.push(place);
        }
        first
    }

    /// Every leg that something leads to.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn legs(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.values().flat_map(|route| route.audio.iter().chain(&route.video)).map(|(leg, _)| *leg)
    }

    /// Takes all places of a leg out. The sources that have lost their last viewer on this worker.
    pub(crate) fn remove_leg(&mut self, leg: usize) -> Vec<LinkId> {
        let mut lonely = Vec::new();
        self.0.retain(|source, route| {
            let had = route.has_viewers();
            route.audio.retain(|(of, _)| *of != leg);
            route.video.retain(|(of, _)| *of != leg);
            if had && !route.has_viewers() {
                lonely.push(*source);
            }
            !route.is_empty()
        });
        lonely
    }

    /// Another worker has viewers of that source, or has none any more.
    pub(crate) fn set_away(&mut self, source: LinkId, worker: usize, on: bool) {
        let route = self.0.entry(source).or_default();
        route.away.retain(|other| *other != worker);
        if on {
            route.away.push(worker);
        }
        if route.is_empty() {
            self.0.remove(&source);
        }
    }

    /// The source has gone: no other worker needs to hear of it.
    pub(crate) fn remove_source(&mut self, source: LinkId) {
        if let Some(route) = self.0.get_mut(&source) {
            route.away.clear();
            if route.is_empty() {
                self.0.remove(&source);
            }
        }
    }

    /// The viewers on this worker, copied: some may go while the others are served.
    pub(crate) fn places(&self, source: LinkId, kind: Kind, out: &mut Vec<Place>) {
        out.clear();
        if let Some(route) = self.0.get(&source) {
            out.extend_from_slice(route.places(kind));
        }
    }

    /// Other workers that have viewers of that source.
    pub(crate) fn away(&self, source: LinkId) -> &[usize] {
        self.0.get(&source).map(|route| route.away.as_slice()).unwrap_or_default()
    }

    /// Legs on this worker that are sent pictures of that source.
    pub(crate) fn video_legs(&self, source: LinkId) -> impl Iterator<Item = usize> + '_ {
        self.0.get(&source).into_iter().flat_map(|route| route.video.iter().map(|(leg, _)| *leg))
    }
}

impl Route {
    fn places(&self, kind: Kind) -> &[Place] {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
    }

    fn places_mut(&mut self, kind: Kind) -> &mut Vec<Place> {
        match kind {
            Kind::Audio => &mut self.audio,
            Kind::Video => &mut self.video,
        }
    }

    fn has_viewers(&self) -> bool {
        !self.audio.is_empty() || !self.video.is_empty()
    }

    fn is_empty(&self) -> bool {
        !self.has_viewers() && self.away.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_viewer_are_told_apart() {
        let (mut routes, source) = (Routes::default(), LinkId::new(7));
        assert!(routes.add(source, Kind::Audio, (1, 0)));
        assert!(!routes.add(source, Kind::Video, (1, 1)));
        assert!(!routes.add(source, Kind::Video, (2, 0)));
        assert!(!routes.add(source, Kind::Video, (2, 0)), "once is enough");
        let mut places = vec![(9, 9)];
        routes.places(source, Kind::Video, &mut places);
        assert_eq!(places, [(1, 1), (2, 0)]);
        routes.places(LinkId::new(8), Kind::Video, &mut places);
        assert!(places.is_empty());
        assert!(routes.remove_leg(1).is_empty());
        assert_eq!(routes.video_legs(source).collect::<Vec<_>>(), [2]);
        assert_eq!(routes.remove_leg(2), [source]);
        assert!(routes.0.is_empty() && routes.remove_leg(2).is_empty());
    }

    #[test]
    fn other_workers_keep_a_route_until_the_source_goes() {
        let (mut routes, source) = (Routes::default(), LinkId::new(7));
        routes.set_away(source, 3, true);
        routes.set_away(source, 3, true);
        assert_eq!(routes.away(source), [3]);
        assert!(routes.add(source, Kind::Audio, (1, 0)), "others' viewers are not ours");
        assert_eq!(routes.remove_leg(1), [source]);
        routes.set_away(source, 3, false);
        assert!(routes.0.is_empty());
        routes.set_away(source, 4, true);
        routes.remove_source(source);
        assert!(routes.0.is_empty());
    }
}
