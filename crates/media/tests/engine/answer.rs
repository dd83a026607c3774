//! Views whose peer offers: it is sent what its offer has room for.

use std::net::SocketAddr;
use std::time::Duration;

use patchbay_core::{
    Codec, DescriptionKind, Kind, Kinds, LegRole, LinkId, MediaEvent, MediaFault, MediaOp, SignalKind, Track,
};
use str0m::media::Direction;

use crate::join::stream;
use crate::net::Path;
use crate::world::World;

/// A stream that flows, from peer 0.
fn live() -> (World, Track) {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    (world, track)
}

fn mid(sections: &[patchbay_core::Section<LinkId>], kind: Kind, source: u64) -> String {
    let is = |section: &&patchbay_core::Section<LinkId>| {
        section.kind == Some(kind) && section.source == Some(LinkId::new(source))
    };
    sections.iter().find(is).unwrap_or_else(|| panic!("{kind:?} of {source}: {sections:?}")).mid.clone()
}

#[test]
fn who_offers_to_receive_is_sent_all_from_a_key_frame_on() {
    for direction in [Direction::RecvOnly, Direction::SendRecv] {
        let (mut world, track) = live();
        let viewer = world.peer(Path::GOOD, Path::GOOD);
        let offer = world.peers[viewer].offer_to(direction, 1, 1);
        let sections = world.watch(2, viewer, vec![track], &offer);
        let (audio, video) = (mid(&sections, Kind::Audio, 1), mid(&sections, Kind::Video, 1));
        stream(&mut world, 0, 5, 50);
        assert!(world.flows(2), "{:?}", world.events);
        let pictures = world.peers[viewer].sorted(&video);
        assert!(pictures.len() > 80, "{} packets of pictures", pictures.len());
        assert_eq!(pictures[0].payload[4] & 1, 0, "it begins with a key frame");
        assert!(pictures.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "no number is missing");
        assert!(world.peers[viewer].sorted(&audio).len() > 80);
    }
}

#[test]
fn sound_and_pictures_are_one_stream_to_the_peer() {
    let (mut world, track) = live();
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::SendRecv, 1, 1);
    world.open(2, viewer, LegRole::Answer { tracks: vec![track], may_grow: false }, vec![], vec![]);
    world.remote(2, SignalKind::Offer, &offer);
    let (answer, _) = world.described(2, DescriptionKind::Answer);
    let msids: Vec<_> = answer.lines().filter_map(|line| line.strip_prefix("a=msid:")).collect();
    assert_eq!(msids, ["s0 a0", "s0 v0"], "{answer}");
    assert_eq!(answer.matches("a=sendonly").count(), 2, "nothing of the peer's is taken: {answer}");
}

#[test]
fn a_peer_that_wants_sound_alone_is_sent_sound_alone() {
    let (mut world, track) = live();
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::RecvOnly, 1, 0);
    let sections = world.watch(2, viewer, vec![track], &offer);
    let audio = mid(&sections, Kind::Audio, 1);
    stream(&mut world, 0, 5, 20);
    assert_eq!(world.peers[viewer].got.keys().collect::<Vec<_>>(), [&audio]);
}

#[test]
fn a_view_survives_a_change_of_network() {
    let (mut world, track) = live();
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::RecvOnly, 1, 1);
    let sections = world.watch(2, viewer, vec![track], &offer);
    let video = mid(&sections, Kind::Video, 1);
    stream(&mut world, 0, 5, 20);
    world.peers[viewer].move_to(SocketAddr::from(([10, 2, 0, 1], 6_000)));
    let offer = world.peers[viewer].restart();
    assert_eq!(world.reoffer(2, viewer, &offer), sections, "the sections stay what they were");
    let before = world.peers[viewer].sorted(&video).len();
    stream(&mut world, 0, 25, 50);
    let pictures = world.peers[viewer].sorted(&video);
    assert!(pictures.len() > before + 60, "{} after {before}", pictures.len());
    assert!(!world.has(|event| matches!(event, MediaEvent::Lost { .. } | MediaEvent::Refused { .. })));
}

#[test]
fn a_peer_that_begins_anew_is_sent_all_again() {
    let (mut world, track) = live();
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::SendRecv, 1, 1);
    world.watch(2, viewer, vec![track], &offer);
    stream(&mut world, 0, 5, 20);
    // The page was loaded again: another connection, which knows nothing of the first.
    let again = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[again].offer_to(Direction::SendRecv, 1, 1);
    let sections = world.reoffer(2, again, &offer);
    stream(&mut world, 0, 25, 40);
    let pictures = world.peers[again].sorted(&mid(&sections, Kind::Video, 1));
    assert!(pictures.len() > 40, "{} packets", pictures.len());
    assert_eq!(pictures[0].payload[4] & 1, 0, "it begins with a key frame");
    assert!(!world.has(|event| matches!(event, MediaEvent::Lost { .. } | MediaEvent::Refused { .. })));
}

#[test]
fn a_peer_that_is_asked_sends_and_is_shown_to_others() {
    let mut world = World::new(1, 1);
    let member = world.peer(Path::GOOD, Path::GOOD);
    let codecs = patchbay_media::Config::default().codecs.into();
    world.open(1, member, LegRole::Pull { accept: Kinds::ALL, codecs }, vec![], vec![]);
    let (offer, sections) = world.described(1, DescriptionKind::Offer);
    assert_eq!(offer.matches("a=recvonly").count(), 2, "{offer}");
    assert!(sections.iter().all(|section| section.source.is_none()));
    let answer = world.peers[member].give(&offer);
    world.remote(1, SignalKind::Answer, &answer);
    let parsed = world.events.iter().find_map(|event| match event {
        MediaEvent::Parsed { audio, video, .. } => Some((*audio, *video)),
        _ => None,
    });
    let (audio, video) = parsed.expect("the answer is read");
    assert_eq!((audio, video), (Some(Codec::Opus), Some(Codec::Vp8)));
    world.pass(Duration::from_millis(500));
    stream(&mut world, member, 0, 5);
    assert!(world.flows(1), "{:?}", world.events);
    let track =
        Track { source: LinkId::new(1), audio, video, layers: 1, pass: Kinds::ALL, height: None, heir_of: None };
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::RecvOnly, 1, 1);
    let sections = world.watch(2, viewer, vec![track], &offer);
    stream(&mut world, member, 5, 50);
    assert!(world.peers[viewer].sorted(&mid(&sections, Kind::Video, 1)).len() > 60);
    // It was asked once, and offers nothing itself.
    let offer = world.peers[viewer].offer_to(Direction::SendOnly, 1, 1);
    world.remote(1, SignalKind::Offer, &offer);
    assert!(world.has(|event| matches!(event, MediaEvent::Refused { link, .. } if *link == LinkId::new(1))));
}

#[test]
fn a_peer_that_has_nothing_to_give_is_refused() {
    let mut world = World::new(1, 1);
    let member = world.peer(Path::GOOD, Path::GOOD);
    let codecs = patchbay_media::Config::default().codecs.into();
    world.open(1, member, LegRole::Pull { accept: Kinds::ALL, codecs }, vec![], vec![]);
    let (offer, _) = world.described(1, DescriptionKind::Offer);
    let answer = world.peers[member].answer(&offer).replace("a=sendonly", "a=inactive");
    world.remote(1, SignalKind::Answer, &answer);
    let fault = MediaFault::Description;
    assert!(world.has(|event| matches!(event, MediaEvent::Refused { fault: of, .. } if *of == fault)));
}

#[test]
fn tracks_move_into_the_room_that_is_there() {
    let (mut world, first) = live();
    let other = world.peer(Path::GOOD, Path::GOOD);
    let second = world.publish(3, other, true, true);
    world.pass(Duration::from_millis(500));
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::RecvOnly, 2, 1);
    // Nobody is there yet.
    let sections = world.watch(4, viewer, vec![], &offer);
    assert!(sections.iter().all(|section| section.source.is_none()));
    let link = LinkId::new(4);
    world.op(MediaOp::Tracks { link, tracks: vec![first.clone(), second.clone()] });
    for frame in (5..45).step_by(5) {
        stream(&mut world, 0, frame, 5);
        stream(&mut world, other, frame - 5, 5);
    }
    let mids: Vec<_> = sections.iter().map(|section| section.mid.clone()).collect();
    let got = |world: &World, mid: &str| world.peers[viewer].sorted(mid);
    assert!(mids.iter().all(|mid| got(&world, mid).len() > 30), "sound of both, pictures of the first");
    // The first has gone: its room is the second's.
    world.op(MediaOp::Tracks { link, tracks: vec![second] });
    let before = got(&world, &mids[2]).len();
    stream(&mut world, other, 40, 20);
    assert!(got(&world, &mids[2]).len() > before + 20, "pictures of the second");
    let numbers = got(&world, &mids[2]);
    assert!(numbers.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "in the same stream");
}

#[test]
fn what_cannot_be_shown_or_answered_is_refused() {
    let (mut world, track) = live();
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let offer = world.peers[viewer].offer_to(Direction::RecvOnly, 1, 1);
    let h264 = Track { audio: None, video: Some(Codec::H264 { profile_level: 0x42e01f, mode: 1 }), ..track.clone() };
    let without = offer.replace("H264/90000", "X264/90000");
    let lines = offer.lines().filter(|line| !line.starts_with("a=ice-")).collect::<Vec<_>>().join("\r\n");
    let refused = |world: &mut World, link: u64, track: &Track, offer: &str| {
        world.open(link, viewer, LegRole::Answer { tracks: vec![track.clone()], may_grow: false }, vec![], vec![]);
        world.remote(link, SignalKind::Offer, offer);
        let (fault, id) = (MediaFault::Description, LinkId::new(link));
        world.has(|event| matches!(event, MediaEvent::Refused { link, fault: of } if (*link, *of) == (id, fault)))
    };
    assert!(refused(&mut world, 2, &h264, &without), "no codec in common");
    assert!(!refused(&mut world, 3, &h264, &offer), "one in common");
    assert!(refused(&mut world, 4, &track, &lines), "no network");
    assert!(refused(&mut world, 5, &track, "nonsense"));
    let send = offer.replace("a=recvonly", "a=sendonly");
    assert!(refused(&mut world, 6, &track, &send), "it would receive nothing");
    // Where we offer, an offer of the peer's is out of turn.
    let role = LegRole::Send {
        tracks: vec![track],
        may_grow: false,
        label: patchbay_core::Name::parse("s").ok(),
        narrow: false,
    };
    world.open(7, viewer, role, vec![], vec![]);
    world.remote(7, SignalKind::Offer, &offer);
    let refused = |event: &MediaEvent| matches!(event, MediaEvent::Refused { link, .. } if *link == LinkId::new(7));
    assert!(world.has(refused));
}
