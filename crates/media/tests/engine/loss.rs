//! Bad networks: what is lost is sent again, and nobody else notices.

use std::time::Duration;

use patchbay_core::Kind;

use crate::join::stream;
use crate::lean::without_rtx;
use crate::net::Path;
use crate::peer::Got;
use crate::world::World;

/// A publisher over one path and a viewer over another, with some seconds of media; the viewer's pictures.
fn over(up: Path, down: Path, seed: u64) -> (World, Vec<Got>) {
    let mut world = World::new(1, seed);
    // Handshakes are judged elsewhere: the badness begins with the media.
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    let sections = world.view(2, viewer, vec![track]);
    world.pass(Duration::from_millis(500));
    world.paths[publisher].0 = up;
    world.paths[viewer].1 = down;
    stream(&mut world, publisher, 5, 250);
    world.paths[viewer].1 = Path::GOOD;
    world.pass(Duration::from_secs(1));
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("a section").mid.clone();
    let pictures = world.peers[viewer].sorted(&video);
    (world, pictures)
}

/// Numbers that never came, of those between the first and the last.
fn missing(got: &[Got]) -> u64 {
    let distinct = got.windows(2).filter(|pair| pair[0].seq != pair[1].seq).count() as u64 + 1;
    got[got.len() - 1].seq - got[0].seq + 1 - distinct
}

#[test]
fn what_a_viewer_loses_is_sent_again() {
    for (loss, most) in [(1, 0), (5, 2), (10, 10), (20, 60)] {
        let (world, pictures) = over(Path::GOOD, Path::lossy(loss), u64::from(loss));
        assert!(pictures.len() > 400, "{loss} %: {} packets came", pictures.len());
        let missing = missing(&pictures);
        assert!(missing <= most, "{loss} %: {missing} of {} never came", pictures.len());
        assert_eq!(world.workers[0].counts().panics, 0);
    }
}

#[test]
fn what_a_publisher_loses_is_asked_for() {
    for (loss, most) in [(2, 2), (10, 20)] {
        let (_, pictures) = over(Path::lossy(loss), Path::GOOD, u64::from(loss));
        let missing = missing(&pictures);
        assert!(missing <= most, "{loss} %: {missing} of {} never came", pictures.len());
    }
}

#[test]
fn a_publisher_that_never_sends_again_is_asked_for_key_frames_instead() {
    let mut world = World::new(1, 7);
    // It keeps nothing, and has agreed to no stream for what is sent again.
    let publisher = world.peer_with(Path::GOOD, Path::GOOD, |builder| without_rtx(builder, false));
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    let sections = world.view(2, viewer, vec![track]);
    world.pass(Duration::from_millis(500));
    world.paths[publisher].0 = Path::lossy(10);
    stream(&mut world, publisher, 5, 100);
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("a section").mid.clone();
    let before = world.peers[viewer].sorted(&video);
    assert!(missing(&before) > 5, "what it loses stays lost: {}", missing(&before));
    // The viewer cannot decode any more, and says so.
    world.peers[viewer].ask(&video);
    stream(&mut world, publisher, 105, 25);
    let after = world.peers[viewer].sorted(&video);
    let keys = after[before.len()..]
        .iter()
        .filter(|got| got.payload.len() > 4 && got.payload[0] == 0x90 && got.payload[4] & 1 == 0);
    assert!(keys.count() > 0, "a key frame came");
    assert!(after.len() >= before.len() + 35, "the stream goes on: {} {}", before.len(), after.len());
}

#[test]
fn disorder_loses_nothing() {
    let disorder = Path { jitter: Duration::from_millis(30), ..Path::GOOD };
    let (world, pictures) = over(disorder, disorder, 3);
    assert_eq!(missing(&pictures), 0);
    let times = pictures.windows(2).all(|pair| pair[1].time.wrapping_sub(pair[0].time) < 90_000);
    assert!(times, "timestamps follow the numbers");
    assert!(pictures.iter().any(|got| got.marker));
    assert!(pictures.windows(2).any(|pair| pair[0].at > pair[1].at), "the network did disorder them");
    assert!(world.peers[0].asked.len() < 10, "disorder is no reason for key frames");
}
