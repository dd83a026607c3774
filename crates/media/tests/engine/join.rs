//! Publishing and viewing: media arrives whole, data both ways, and ends are told.

use std::time::Duration;

use patchbay_core::{Ice, Kind, LinkId, MediaEvent, MediaOp};
use str0m::media::MediaKind;

use crate::net::Path;
use crate::peer::{FRAME, vp8};
use crate::world::World;

/// Sends `frames` of two packets each, a key frame first and whenever the engine asks, and sound beside them.
pub(crate) fn stream(world: &mut World, peer: usize, first: u64, frames: u64) {
    let mut asked = world.peers[peer].asked.len();
    for number in first..first + frames {
        let key = number == 0 || world.peers[peer].asked.len() > asked;
        asked = world.peers[peer].asked.len();
        let time = u32::try_from(number * 3_600).expect("short");
        let picture = u16::try_from(number).expect("short");
        let now = world.now;
        for (index, marker) in [(0, false), (1, true)] {
            let payload = vp8(key, index == 0, 640, 360, picture, 1_000);
            world.peers[peer].write(MediaKind::Video, 100 + number * 2 + index, time, now, marker, &payload);
        }
        for half in 0..2 {
            let count = number * 2 + half;
            let time = u32::try_from(count * 960).expect("short");
            world.peers[peer].write(MediaKind::Audio, 500 + count, time, world.now, false, &[7; 80]);
            world.pass(FRAME / 2);
        }
    }
}

pub(crate) fn joined(workers: usize) -> (World, String, String) {
    let mut world = World::new(workers, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let viewer = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    assert!(world.peers[publisher].connected.is_some(), "{:?}", world.events);
    assert!(!world.flows(1), "no media has come");
    stream(&mut world, publisher, 0, 5);
    assert!(world.flows(1));
    world.track = Some(track.clone());
    let sections = world.view(2, viewer, vec![track]);
    let mid = |kind| {
        let section = sections.iter().find(|section| section.kind == Some(kind)).expect("a section");
        assert_eq!(section.source, Some(LinkId::new(1)));
        section.mid.clone()
    };
    let (audio, video) = (mid(Kind::Audio), mid(Kind::Video));
    assert!(sections.iter().any(|section| section.kind.is_none()), "data");
    stream(&mut world, publisher, 5, 50);
    assert!(world.flows(2), "{:?} {:?} {:?}", world.events, world.workers[0].counts(), world.peers[1].connected);
    (world, audio, video)
}

#[test]
fn a_viewer_gets_all_from_a_key_frame_on() {
    for workers in [1, 2] {
        let (world, audio, video) = joined(workers);
        let pictures = world.peers[1].sorted(&video);
        assert!(pictures.len() > 80, "{} packets of pictures", pictures.len());
        assert_eq!(pictures[0].payload[4] & 1, 0, "it begins with a key frame");
        let steady = |pair: &[crate::peer::Got]| pair[1].seq == pair[0].seq + 1;
        assert!(pictures.windows(2).all(steady), "no number is missing");
        assert!(pictures[0].seq < 65_536);
        let sound = world.peers[1].sorted(&audio);
        assert!(sound.len() > 80 && sound.windows(2).all(steady), "{} packets of sound", sound.len());
        assert_eq!(sound[0].payload, [7; 80]);
        assert!(sound.iter().all(|got| got.level == Some((-30, true))), "levels arrive: {:?}", sound[0].level);
        assert!(world.peers[0].asked.len() <= 3, "few key frames are asked for: {:?}", world.peers[0].asked.len());
    }
}

/// Over the whole of the view, not since the last report.
#[test]
fn what_a_viewer_is_sent_is_counted() {
    let (mut world, audio, video) = joined(1);
    // With nothing under way the count is what came.
    world.pass(Duration::from_secs(6));
    let last = world.events.iter().rev().find_map(|event| match event {
        MediaEvent::Report { link, report } if *link == LinkId::new(2) => Some(report.clone()),
        _ => None,
    });
    let last = last.expect("a report");
    let came = |mid: &str| world.peers[1].sorted(mid).len() as u64;
    assert_eq!((last.audio_packets, last.video_packets), (came(&audio), came(&video)));
    assert!(last.audio_packets > 80 && last.video_packets > 80);
}

/// Pictures come every 40 ms and sound every 20 ms, to the viewer as well.
#[test]
fn how_often_a_viewer_is_sent_frames_is_measured() {
    let (world, ..) = joined(1);
    let periods = world.events.iter().find_map(|event| match event {
        MediaEvent::Report { link, report } if *link == LinkId::new(2) => Some(report.clone()),
        _ => None,
    });
    let report = periods.expect("a report");
    assert!((39_000..41_000).contains(&report.video_period_us), "{} µs", report.video_period_us);
    assert!((19_500..20_500).contains(&report.audio_period_us), "{} µs", report.audio_period_us);
}

#[test]
fn a_size_is_told_with_the_first_key_frame() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 2);
    let at = |wanted: fn(&MediaEvent) -> bool| world.events.iter().position(wanted);
    let flows = at(|event| matches!(event, MediaEvent::Flowing { .. })).expect("it flows");
    let report = at(|event| {
        let MediaEvent::Report { report, .. } = event else { return false };
        report.renditions.iter().any(|size| (size.width, size.height) == (640, 360) && size.bps > 0)
    });
    assert!(report.is_some_and(|report| report > flows), "{:?}", world.events);
    let reports = world.events.iter().filter(|event| matches!(event, MediaEvent::Report { .. })).count();
    assert_eq!(reports, 1, "once");
}

#[test]
fn data_goes_both_ways_as_it_is() {
    for workers in [1, 2] {
        let (mut world, ..) = joined(workers);
        let now = world.now;
        world.peers[0].say(false, b"to viewers", now);
        world.peers[0].say(true, &[1; 16_004], now);
        world.peers[1].say(false, b"to the publisher", now);
        world.pass(Duration::from_millis(300));
        assert_eq!(world.peers[1].said, [(false, b"to viewers".to_vec()), (true, vec![1; 16_004])]);
        assert_eq!(world.peers[0].said, [(false, b"to the publisher".to_vec())]);
    }
}

#[test]
fn a_publisher_that_falls_silent_is_lost() {
    let (mut world, ..) = joined(1);
    world.peers[0].closed = true;
    world.pass(Duration::from_secs(9));
    assert!(!world.has(|event| matches!(event, MediaEvent::Lost { .. })));
    world.pass(Duration::from_secs(3));
    assert!(world.has(|event| matches!(event, MediaEvent::Lost { link } if *link == LinkId::new(1))));
    assert_eq!(world.workers[0].counts().legs, 1, "the viewer's is the hub's to end");
}

#[test]
fn workers_tell_each_other_only_of_first_and_last_viewers() {
    let (mut world, ..) = joined(2);
    assert_eq!(world.subscriptions, (1, 0), "an answer changes nothing");
    world.op(MediaOp::Close { link: LinkId::new(2) });
    assert_eq!(world.subscriptions, (1, 1));
}

#[test]
fn who_leaves_says_so() {
    let (mut world, ..) = joined(1);
    world.op(MediaOp::Close { link: LinkId::new(2) });
    world.pass(Duration::from_millis(100));
    assert!(world.peers[1].closed);
    assert_eq!(world.workers[0].counts().legs, 1);
    assert!(!world.has(|event| matches!(event, MediaEvent::Lost { .. })), "nobody is told of what it asked for");
}

#[test]
fn a_leg_can_check_its_peer_where_others_do_not() {
    let mut world = World::new(1, 1);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    // It waits for our checks, as an EvoStream media server does.
    let waiting = world.peer_with(Path::GOOD, Path::GOOD, |builder| builder.set_ice_lite(true));
    let usual = world.peer(Path::GOOD, Path::GOOD);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    world.ice = Ice::Full;
    let mut sections = world.view(2, waiting, vec![track.clone()]);
    world.trickle(2, waiting);
    world.ice = Ice::Configured;
    sections.extend(world.view(3, usual, vec![track]));
    stream(&mut world, publisher, 5, 50);
    let videos: Vec<_> = sections.iter().filter(|section| section.kind == Some(Kind::Video)).collect();
    for (viewer, video) in [waiting, usual].into_iter().zip(videos) {
        let came = world.peers[viewer].sorted(&video.mid).len();
        assert!(came > 60, "{viewer}: {came}");
    }
}
