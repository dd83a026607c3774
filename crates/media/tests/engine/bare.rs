//! Views without a data channel, and what their offers say of each section.

use std::time::Duration;

use patchbay_core::{DescriptionKind, Kind, LegRole, LinkId};

use crate::join::stream;
use crate::net::Path;
use crate::world::World;

/// Clients that read `a=ssrc` and `a=msid` of each section, and know no other sections, can be offered such a view.
#[test]
fn a_view_without_a_channel_has_sections_of_media_alone_each_with_its_source_and_stream() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    world.open(2, viewer, LegRole::Send { tracks: vec![track], may_grow: false, label: None }, vec![], vec![]);
    let (offer, sections) = world.described(2, DescriptionKind::Offer);
    let kinds: Vec<_> = sections.iter().map(|section| (section.kind, section.source)).collect();
    assert_eq!(kinds, [Kind::Audio, Kind::Video].map(|kind| (Some(kind), Some(LinkId::new(1)))));
    let bodies: Vec<_> = offer.split("\r\nm=").skip(1).collect();
    assert_eq!(bodies.len(), 2, "{offer}");
    for body in bodies {
        for line in ["a=ssrc:", "a=msid:", "a=sendonly"] {
            assert!(body.lines().any(|of| of.starts_with(line)), "{line} is missing: {body}");
        }
    }
    assert!(offer.contains("a=candidate:"), "the sections share one connection: {offer}");
    world.negotiate(2, viewer);
    stream(&mut world, publisher, 5, 50);
    assert!(world.flows(2), "{:?}", world.events);
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("pictures").mid.clone();
    assert!(world.peers[viewer].sorted(&video).len() > 80);
}
