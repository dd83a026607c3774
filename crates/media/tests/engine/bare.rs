//! What clients of video rooms need: views without a data channel, and what their offers say of each section; publishers that
//! are asked to send less.

use std::time::Duration;

use patchbay_core::{DescriptionKind, Kind, LegRole, LinkId, MediaOp, SignalKind};
use str0m::rtp::rtcp::Rtcp;

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
    world.open(
        2,
        viewer,
        LegRole::Send { tracks: vec![track], may_grow: false, label: None, narrow: false },
        vec![],
        vec![],
    );
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
    let answer = world.peers[viewer].answer(&offer);
    world.peers[viewer].tick(world.now);
    world.remote(2, SignalKind::Answer, &answer);
    stream(&mut world, publisher, 5, 50);
    assert!(world.flows(2), "{:?}", world.events);
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("pictures").mid.clone();
    assert!(world.peers[viewer].sorted(&video).len() > 80);
}

/// The bounds that a publisher has been told, in order.
fn told(world: &World, peer: usize) -> Vec<u32> {
    let bound = |(_, rtcp): &(_, Rtcp)| match rtcp {
        Rtcp::Remb(remb) => Some(remb.bitrate as u32),
        _ => None,
    };
    world.peers[peer].control.iter().filter_map(bound).collect()
}

#[test]
fn a_publisher_is_told_how_much_it_may_send_again_and_again_until_that_is_lifted() {
    let mut world = World::new(1, 1);
    let publisher = world.peer_with(Path::GOOD, Path::GOOD, |builder| builder.enable_raw_packets(true));
    world.publish(1, publisher, true, true);
    let limit = |bps| MediaOp::Limit { link: LinkId::new(1), bps };
    world.pass(Duration::from_millis(500));
    world.op(limit(Some(250_000)));
    stream(&mut world, publisher, 0, 75);
    let bounds = told(&world, publisher);
    assert!(bounds.len() >= 2, "{bounds:?}");
    assert!(bounds.iter().all(|bps| bps.abs_diff(250_000) < 5_000), "{bounds:?}");
    world.op(limit(Some(100_000)));
    world.pass(Duration::from_millis(100));
    assert!(told(&world, publisher).last().is_some_and(|bps| bps.abs_diff(100_000) < 2_000), "at once");
    world.op(limit(None));
    world.pass(Duration::from_millis(100));
    let lifted = told(&world, publisher).len();
    assert!(told(&world, publisher).last().is_some_and(|bps| *bps > 50_000_000), "{:?}", told(&world, publisher));
    stream(&mut world, publisher, 75, 75);
    assert_eq!(told(&world, publisher).len(), lifted, "that is said once");
}
