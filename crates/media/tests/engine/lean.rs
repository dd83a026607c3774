//! What a viewer is sent past str0m, as a str0m of its own sees it.

use std::time::Duration;

use patchbay_core::{DescriptionKind, Kind, LinkId, MediaEvent, SignalKind, Track};
use str0m::RtcConfig;
use str0m::format::{CodecConfig, PayloadParams};
use str0m::media::MediaKind;
use str0m::rtp::rtcp::Rtcp;

use crate::join::stream;
use crate::net::Path;
use crate::peer::vp8;
use crate::world::World;

/// A camera, and a viewer that was built so; the viewer's section of pictures.
fn viewed(change: impl FnOnce(RtcConfig) -> RtcConfig) -> (World, Track, String) {
    let mut world = World::new(1, 11);
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    let viewer = world.peer_with(Path::GOOD, Path::GOOD, change);
    let track = world.publish(1, publisher, true, true);
    world.pass(Duration::from_millis(500));
    stream(&mut world, publisher, 0, 5);
    let sections = world.view(2, viewer, vec![track.clone()]);
    world.pass(Duration::from_millis(500));
    let video = sections.iter().find(|section| section.kind == Some(Kind::Video)).expect("a section").mid.clone();
    (world, track, video)
}

#[test]
fn a_viewer_is_told_how_sound_and_pictures_belong_together() {
    let (mut world, ..) = viewed(|builder| builder.enable_raw_packets(true));
    stream(&mut world, 0, 5, 100);
    let control = std::mem::take(&mut world.peers[1].control);
    let reports: Vec<_> = control
        .iter()
        .filter_map(|(at, rtcp)| match rtcp {
            Rtcp::SenderReport(report) => Some((*at, report.sender_info)),
            _ => None,
        })
        .collect();
    let mut ssrcs: Vec<_> = reports.iter().map(|(_, info)| info.ssrc).collect();
    ssrcs.sort_unstable();
    ssrcs.dedup();
    assert_eq!(ssrcs.len(), 2, "both streams are reported on");
    assert!((6..=10).contains(&reports.len()), "once a second each: {}", reports.len());
    let names: Vec<_> = control.iter().filter(|(_, rtcp)| matches!(rtcp, Rtcp::SourceDescription(_))).collect();
    assert_eq!(names.len(), reports.len(), "each report says whose it is");
    for ssrc in ssrcs {
        let of: Vec<_> = reports.iter().filter(|(_, info)| info.ssrc == ssrc).collect();
        let (first, last) = (of[0], of[of.len() - 1]);
        let passed = last.1.ntp_time.duration_since(first.1.ntp_time).expect("time goes on");
        assert!(passed.abs_diff(last.0 - first.0) < Duration::from_millis(2), "{passed:?}");
        assert!(last.1.sender_packet_count > first.1.sender_packet_count + 50);
        assert!(last.1.sender_octet_count > first.1.sender_octet_count + 5_000);
    }
    world.pass(Duration::from_secs(3));
    world.peers[1].control.clear();
    world.pass(Duration::from_secs(5));
    assert!(!world.peers[1].control.iter().any(|(_, rtcp)| matches!(rtcp, Rtcp::SenderReport(_))), "nothing flows");
}

#[test]
fn losses_and_the_round_trip_are_reported() {
    let (mut world, ..) = viewed(|builder| builder);
    world.paths[1].1 = Path { loss: 30, ..Path::GOOD };
    world.events.clear();
    stream(&mut world, 0, 5, 200);
    let reports: Vec<_> = world
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::Report { link, report } if *link == LinkId::new(2) => Some(report.clone()),
            _ => None,
        })
        .collect();
    // The viewer counts as lost what it has not been sent again by then.
    let most = reports.iter().map(|report| report.loss_permille).max().expect("reports");
    assert!((20..=400).contains(&most), "{most}");
    let last = reports.last().expect("a report");
    // 10 ms there and 10 ms back.
    assert!(last.rtt_ms.is_some_and(|rtt| (19..=25).contains(&rtt)), "{:?}", last.rtt_ms);
}

#[test]
fn packets_that_differ_by_a_byte_leave_together_and_arrive_as_they_were() {
    let (mut world, _, video) = viewed(|builder| builder);
    stream(&mut world, 0, 5, 50);
    let before = world.peers[1].sorted(&video).len();
    world.trains.clear();
    let now = world.now;
    let lengths = [1_000, 1_001, 999, 1_001, 700];
    for (index, length) in (0..).zip(lengths) {
        let payload = vp8(false, index == 0, 640, 360, 900, length);
        world.peers[0].write(MediaKind::Video, 300 + index, 900_000, now, index == 4, &payload);
    }
    world.pass(Duration::from_millis(15));
    let viewer = world.peers[1].address;
    assert_eq!(world.trains.iter().filter(|to| **to == viewer).count(), 1, "{:?}", world.trains);
    world.pass(Duration::from_millis(100));
    let came: Vec<_> = world.peers[1].sorted(&video)[before..].iter().map(|got| got.payload.len()).collect();
    assert_eq!(came, lengths);
}

/// Without a stream of its own for what is sent again.
pub(crate) fn without_rtx(mut builder: RtcConfig, nack: bool) -> RtcConfig {
    let params = builder.codec_config().params().iter().map(|params| {
        let mut same = PayloadParams::new(params.pt(), None, params.spec());
        same.set_fb_nack(nack);
        same.set_fb_pli(true);
        same
    });
    *builder.codec_config() = CodecConfig::new_from_payload_params(params.collect());
    builder
}

#[test]
fn who_knows_no_retransmission_stream_is_sent_the_same_packet_again() {
    let (mut world, _, video) = viewed(|builder| without_rtx(builder, true));
    stream(&mut world, 0, 5, 5);
    let before = world.peers[1].sorted(&video).len();
    world.paths[1].1 = Path::lossy(10);
    stream(&mut world, 0, 10, 200);
    world.paths[1].1 = Path::GOOD;
    world.pass(Duration::from_secs(1));
    let got = world.peers[1].sorted(&video);
    let missing = got.windows(2).skip(before).filter(|pair| pair[1].seq != pair[0].seq + 1).count();
    assert!(missing <= 10, "{missing} gaps in {}", got.len());
    assert!(got.len() - before >= 390, "{}", got.len() - before);
}

#[test]
fn a_viewer_that_moves_is_followed() {
    let (mut world, _, video) = viewed(|builder| builder);
    stream(&mut world, 0, 5, 25);
    let other = world.peers[1].address.port() + 1;
    let old = world.peers[1].address;
    world.peers[1].move_to((old.ip(), other).into());
    stream(&mut world, 0, 30, 100);
    let came = world.peers[1].sorted(&video).len();
    stream(&mut world, 0, 130, 25);
    let after = world.peers[1].sorted(&video).len();
    assert!(after >= came + 48, "{came} {after}");
    assert!(!world.has(|event| matches!(event, MediaEvent::Lost { .. })));
}

#[test]
fn forged_and_repeated_reports_change_nothing() {
    let (mut world, _, video) = viewed(|builder| builder);
    let viewer = world.peers[1].address;
    let server = (crate::world::SERVER, 10_000).into();
    // Everything that a viewer can say, in clear, and under no key.
    for kind in [201, 205, 206] {
        for count in 0..32 {
            let clear: Vec<u8> = [&[0x80 | count, kind, 0, 6][..], &[7; 24]].concat();
            let sealed = [clear.clone(), vec![3; 16], vec![0x80, 0, 0, count]].concat();
            world.arrive(viewer, server, &clear);
            world.arrive(viewer, server, &sealed);
        }
    }
    let asked = world.peers[0].asked.len();
    stream(&mut world, 0, 5, 50);
    let before = world.peers[1].sorted(&video).len();
    stream(&mut world, 0, 55, 25);
    assert!(world.peers[1].sorted(&video).len() >= before + 48, "the stream goes on");
    assert!(world.peers[0].asked.len() <= asked + 1, "nobody has asked for key frames");
    assert_eq!(world.workers[0].counts().panics, 0);
}

#[test]
fn a_second_offer_keeps_the_numbers_of_the_first() {
    let (mut world, track, video) = viewed(|builder| builder);
    stream(&mut world, 0, 5, 25);
    let second = world.peer(Path::GOOD, Path::GOOD);
    let more = world.publish(3, second, true, true);
    world.pass(Duration::from_millis(300));
    world.op(patchbay_core::MediaOp::Tracks { link: LinkId::new(2), tracks: vec![track, more] });
    let (offer, _) = world.described(2, DescriptionKind::Offer);
    let answer = world.peers[1].answer(&offer);
    world.remote(2, SignalKind::Answer, &answer);
    stream(&mut world, 0, 30, 25);
    let got = world.peers[1].sorted(&video);
    assert!(got.windows(2).all(|pair| pair[1].seq == pair[0].seq + 1), "no gap, no number twice");
}
