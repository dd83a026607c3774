//! How calls end, and what bounds them.

use std::time::Duration;

use patchbay_core::{LinkId, MediaEvent, MediaFault, MediaOp, SignalKind, Srtp, Transport};
use str0m::media::MediaKind;

use super::*;

fn lost(world: &World, link: u64) -> bool {
    world.has(|event| matches!(event, MediaEvent::Lost { link: of } if *of == LinkId::new(link)))
}

#[test]
fn ports_are_free_when_a_leg_ends_and_the_other_end_goes_on_alone() {
    let (mut world, mut audio, mut video) = connected();
    assert_eq!(world.ports.bound.len(), 2);
    world.op(MediaOp::Close { link: LinkId::new(PHONE) });
    assert!(world.ports.bound.is_empty());
    let counts = world.workers[0].counts();
    assert_eq!((counts.legs, counts.panics), (1, 0));
    converse(&mut world, &mut audio, Some(&mut video), 0, 10);
    world.pass(Duration::from_secs(1));
    assert!(world.peers[0].got.is_empty());
    // Another telephone may take its place.
    open(&mut world, 3, ours(BROWSER), Transport::Rtp(Srtp::Off));
    let offer = world.described(3, DescriptionKind::Offer).0;
    assert!(offer.contains(" 111 126\r\n"), "within what was agreed upon: {offer}");
    let asked = world.peers[0].asked.len();
    world.remote(3, SignalKind::Answer, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    world.pass(Duration::from_millis(100));
    assert_eq!(world.peers[0].asked.len(), asked + 1, "it begins with a key frame");
    let (mut audio, mut video) = (Phone::new(4_000, &offer, 0), Phone::new(4_002, &offer, 1));
    converse(&mut world, &mut audio, Some(&mut video), 10, 20);
    assert!(audio.passed(&world, &[96]).len() >= 18 && video.passed(&world, &[96]).len() >= 8);
    let sound = mid(&world, 0, MediaKind::Audio);
    assert!(world.peers[0].sorted(&sound).len() >= 18);
    world.op(MediaOp::Close { link: LinkId::new(BROWSER) });
    audio.say(&mut world, 96, false, 960, b"x");
    world.op(MediaOp::Close { link: LinkId::new(3) });
    assert_eq!(world.workers[0].counts().legs, 0);
    assert!(world.ports.bound.is_empty());
}

#[test]
fn without_ports_there_is_no_call() {
    for most in [1, 2] {
        let mut world = World::new(1, 1);
        let browser = browser(&mut world);
        world.ports.most = most;
        let offer = world.peers[browser].offer_to(Direction::SendRecv, 1, 1);
        open(&mut world, BROWSER, peer(), WEB);
        world.remote(BROWSER, SignalKind::Offer, &offer);
        open(&mut world, PHONE, ours(BROWSER), Transport::Rtp(Srtp::Off));
        if most == 2 {
            assert_eq!(fault(&world, PHONE), None);
            open(&mut world, 3, peer(), Transport::Rtp(Srtp::Off));
            world.remote(3, SignalKind::Offer, &description(&[("audio", 4_000, OPUS)]));
            assert_eq!(fault(&world, 3), Some(MediaFault::Overload));
            assert_eq!(world.ports.bound.len(), 2);
        } else {
            assert_eq!(fault(&world, PHONE), Some(MediaFault::Overload));
            assert!(world.ports.bound.is_empty(), "what it had got is free");
        }
    }
}

#[test]
fn a_browser_that_has_gone_is_lost_and_the_telephone_is_not() {
    let (mut world, mut audio, _) = connected();
    world.peers[0].closed = true;
    for _ in 0..600 {
        audio.say(&mut world, 96, false, 960, b"x");
        world.pass(Duration::from_millis(20));
    }
    assert!(lost(&world, BROWSER) && !lost(&world, PHONE));
}

#[test]
fn a_telephone_s_silence_is_forgiven_for_a_minute_and_on_hold_for_ever() {
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 10);
    world.pass(Duration::from_secs(58));
    assert!(!lost(&world, PHONE));
    world.pass(Duration::from_secs(4));
    assert!(lost(&world, PHONE) && world.ports.bound.is_empty());
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 10);
    let held = [OPUS, VP8].map(|rest| format!("{rest}\r\na=inactive"));
    reinvite(&mut world, &description(&[("audio", 4_000, &held[0]), ("video", 4_002, &held[1])]));
    world.pass(Duration::from_secs(300));
    assert!(!lost(&world, PHONE), "on hold");
    reinvite(&mut world, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    world.pass(Duration::from_secs(58));
    assert!(!lost(&world, PHONE), "its time begins anew");
    world.pass(Duration::from_secs(4));
    assert!(lost(&world, PHONE));
}

#[test]
fn a_telephone_that_reports_is_there() {
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 5);
    for _ in 0..20 {
        audio.report(&mut world, &[0x80, 201, 0, 1, 0, 0, 0, 1]);
        world.pass(Duration::from_secs(5));
    }
    assert!(!lost(&world, PHONE));
}

#[test]
fn ends_wait_for_each_other_but_not_for_ever() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    world.pass(Duration::from_secs(590));
    assert!(!lost(&world, BROWSER) && !lost(&world, PHONE), "it rings");
    world.pass(Duration::from_secs(12));
    assert!(lost(&world, BROWSER) && lost(&world, PHONE));
    assert!(world.ports.bound.is_empty());
    let mut world = World::new(1, 1);
    let browser = super::browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    world.pass(Duration::from_secs(100));
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    world.peers[0].closed = true;
    world.pass(Duration::from_secs(28));
    assert!(!lost(&world, BROWSER), "its time to connect begins with its answer");
    world.pass(Duration::from_secs(4));
    assert!(lost(&world, BROWSER));
}

#[test]
fn a_telephone_that_only_listens_flows_at_once() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, &format!("{OPUS}\r\na=recvonly"))]));
    assert!(world.flows(PHONE));
    world.pass(Duration::from_secs(100));
    assert!(!lost(&world, PHONE), "nothing is expected of it");
}

#[test]
fn legs_report_what_comes_in() {
    let (mut world, mut audio, mut video) = connected();
    converse(&mut world, &mut audio, Some(&mut video), 0, 150);
    for link in [BROWSER, PHONE] {
        let passed = |event: &MediaEvent| match event {
            MediaEvent::Report { link: of, report } => {
                *of == LinkId::new(link) && report.audio_bps > 500 && report.video_bps > 100_000
            }
            _ => false,
        };
        assert!(world.has(passed), "{link}");
    }
}

#[test]
fn one_call_does_not_take_all_ports() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let many: Vec<_> = (0..20).map(|_| ("audio", 4_000, OPUS)).collect();
    open(&mut world, PHONE, peer(), Transport::Rtp(Srtp::Off));
    world.remote(PHONE, SignalKind::Offer, &description(&many));
    assert_eq!(world.ports.bound.len(), 4);
    open(&mut world, BROWSER, ours(PHONE), WEB);
    let offer = world.described(BROWSER, DescriptionKind::Offer).0;
    assert_eq!(offer.matches("m=audio").count(), 4, "{offer}");
    let answer = world.peers[browser].answer(&offer);
    world.remote(BROWSER, SignalKind::Answer, &answer);
    let ok = world.described(PHONE, DescriptionKind::Answer).0;
    assert_eq!((ok.matches("m=audio 2").count(), ok.matches("m=audio 0 ").count()), (4, 16), "{ok}");
    let mut world = World::new(1, 1);
    let browser = super::browser(&mut world);
    let offer = world.peers[browser].offer_to(Direction::SendRecv, 10, 10);
    open(&mut world, BROWSER, peer(), WEB);
    world.remote(BROWSER, SignalKind::Offer, &offer);
    open(&mut world, PHONE, ours(BROWSER), Transport::Rtp(Srtp::Off));
    let offer = world.described(PHONE, DescriptionKind::Offer).0;
    assert_eq!((offer.matches(" RTP/AVP ").count(), world.ports.bound.len()), (4, 4), "{offer}");
}
