//! Offers as players of 2015 know them.

use std::time::Duration;

use patchbay_core::{Codec, DescriptionKind, Kind, LegRole, Name, SignalKind, Track};

use crate::join::stream;
use crate::net::Path;
use crate::world::World;

fn narrow(tracks: Vec<Track>) -> LegRole {
    LegRole::Send { tracks, may_grow: true, label: Name::parse("channel").ok(), narrow: true }
}

/// Whatever the pictures' profile is, and whatever else might come.
#[test]
fn h264_has_its_number_and_the_one_profile() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let track = Track { video: Some(Codec::H264 { profile_level: 0x0064_0032, mode: 1 }), ..track };
    world.open(2, viewer, narrow(vec![track]), vec![], vec![]);
    let (offer, sections) = world.described(2, DescriptionKind::Offer);
    let kinds: Vec<_> = sections.iter().map(|section| section.kind).collect();
    assert_eq!(kinds, [Some(Kind::Audio), Some(Kind::Video), None], "data comes last");
    let video = offer.split("\r\nm=").find(|section| section.starts_with("video")).expect("pictures");
    assert!(video.starts_with("video 9 UDP/TLS/RTP/SAVPF 107 108\r\n"), "{video}");
    assert!(video.contains("a=rtpmap:107 H264/90000\r\n"), "{video}");
    assert!(video.contains("profile-level-id=42c01e") && video.contains("packetization-mode=1"), "{video}");
    assert!(offer.contains("a=rtpmap:111 opus/48000/2\r\n") && !offer.contains("VP8"), "{offer}");
    assert!(world.peers[viewer].answer(&offer).contains("107"), "a browser takes it");
}

/// The same media as in any other view.
#[test]
fn media_flow_in_such_a_view() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    world.open(2, viewer, narrow(vec![track]), vec![], vec![]);
    let (offer, sections) = world.described(2, DescriptionKind::Offer);
    let answer = world.peers[viewer].answer(&offer);
    world.peers[viewer].tick(world.now);
    world.remote(2, SignalKind::Answer, &answer);
    stream(&mut world, publisher, 5, 50);
    assert!(world.flows(2), "{:?}", world.events);
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("pictures").mid.clone();
    assert!(world.peers[viewer].sorted(&video).len() > 80);
}
