//! Views of fragments may begin without a stream, and go from one stream to another: their leg stays what it is.

use super::{Streams, VIEW_REPORT, Viewed};
use crate::hub::owner::Owner;
use crate::id::LinkIds;
use crate::{
    Body, Codec, Effects, Event, LegRole, LinkId, MediaOp, Name, Open, PartyId, Realm, Refusal, Report, Selection,
    Shape, Signal, SignalKind, Tag, Transport,
};

impl Streams {
    /// A view without a stream, by a peer that offers.
    #[expect(clippy::too_many_arguments, reason = "the hub's modules are handed what they touch, not the hub")]
    pub(in crate::hub) fn stand_by(
        &mut self,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        shape: Shape,
        offer: Body,
        newcomer: bool,
        links: &mut LinkIds,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        self.admit(realm, newcomer)?;
        let Shape { heeds, label: Some(label), .. } = shape else { return Err(Refusal::NoSuchStream) };
        if self.of(party).iter().filter_map(|link| self.views.get(link)).any(|view| view.idle) {
            return Err(Refusal::Viewing);
        }
        self.has_place_for_viewer(realm, &label, None)?;
        let link = links.draw();
        let viewed = Viewed {
            owner: Owner { party, via: None },
            realm,
            // It stands on no stage: this is nobody's.
            name: label.clone(),
            selection: Selection::ALL,
            except: None,
            height: None,
            tracks: Vec::new(),
            about: None,
            report: Report::default(),
            fragments: true,
            idle: true,
        };
        self.by_party.insert((party, link));
        self.views.insert(link, viewed);
        self.places.view(realm, true);
        out.tell(party, Event::Viewing { tag, link });
        out.media(MediaOp::Open(Open {
            link,
            owner: party,
            role: LegRole::Fragments { tracks: Vec::new(), label, answers: true },
            says: Vec::new(),
            hears: Vec::new(),
            heeds,
            report: VIEW_REPORT,
            transport: Transport::default(),
        }));
        out.media(MediaOp::Remote { link, signal: Signal { kind: SignalKind::Offer, body: offer } });
        Ok(())
    }

    /// A view goes over to another stream.
    pub(in crate::hub) fn turn(
        &mut self,
        party: PartyId,
        realm: Realm,
        tag: Tag,
        link: LinkId,
        stream: Name,
        out: &mut Effects,
    ) -> Result<(), Refusal> {
        let realm = self.home_of(realm, &stream);
        let own = self.views.get(&link).filter(|view| view.owner.party == party && view.fragments);
        let view = own.ok_or(Refusal::NoSuchLink)?;
        let home = view.realm;
        let before = (!view.idle).then(|| (view.realm, view.name.clone()));
        let key = (realm, stream);
        if before.as_ref() == Some(&key) {
            out.tell(party, Event::Viewing { tag, link });
            return Ok(());
        }
        if self.view_of(party, &key.1).is_some() {
            return Err(Refusal::Viewing);
        }
        let stage = self.stages.get(&key).filter(|stage| self.can_be_viewed(stage)).ok_or(Refusal::NoSuchStream)?;
        let sources: Vec<_> = stage.own.iter().chain(&stage.subs).copied().collect();
        let fits = |link: &LinkId| {
            let publication = self.publications.get(link).filter(|publication| publication.live);
            publication.is_some_and(|publication| matches!(publication.video, Some(Codec::H264 { .. })))
        };
        if !sources.iter().any(fits) {
            return Err(Refusal::NoCodec);
        }
        // Its own place is free for it.
        self.places.view(home, false);
        let place = self.has_place_for_viewer(realm, &key.1, None);
        self.places.view(if place.is_ok() { realm } else { home }, true);
        place?;
        let Some(mut view) = self.views.remove(&link) else { return Err(Refusal::NoSuchLink) };
        if let Some(stage) = before.and_then(|before| self.stages.get_mut(&before)) {
            stage.views.remove(&link);
        }
        (view.realm, view.name, view.idle) = (realm, key.1, false);
        view.tracks = sources.into_iter().filter_map(|source| self.track(source, &view, false)).collect();
        self.stage(realm, &view.name).views.insert(link);
        out.tell(party, Event::Viewing { tag, link });
        out.media(MediaOp::Tracks { link, tracks: view.tracks() });
        self.views.insert(link, view);
        Ok(())
    }
}
