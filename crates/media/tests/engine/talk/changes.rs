//! What changes in the course of a call: hold, another place, other numbers, pictures that come and go.

use std::time::Duration;

use patchbay_core::{Codec, DescriptionKind, LinkId, MediaEvent, SignalKind, Srtp, Transport};
use str0m::media::{Direction, MediaKind};

use super::*;

fn both(direction: &str) -> String {
    let lines = [OPUS, VP8].map(|rest| format!("{rest}\r\na={direction}"));
    description(&[("audio", 4_000, &lines[0]), ("video", 4_002, &lines[1])])
}

#[test]
fn hold_stops_what_the_telephone_would_not_hear_and_goes_on_after() {
    for (hold, answer) in [("sendonly", "recvonly"), ("inactive", "inactive")] {
        let (mut world, mut audio, mut video) = connected();
        converse(&mut world, &mut audio, Some(&mut video), 0, 20);
        world.events.clear();
        let ok = reinvite(&mut world, &both(hold));
        assert_eq!(ok.matches(&format!("a={answer}\r\n")).count(), 2, "{ok}");
        let (held, asked) = (audio.passed(&world, &[96]).len(), world.peers[0].asked.len());
        converse(&mut world, &mut audio, Some(&mut video), 20, 50);
        assert_eq!(audio.passed(&world, &[96]).len(), held, "{hold}: nothing more");
        let sound = mid(&world, 0, MediaKind::Audio);
        let music = world.peers[0].sorted(&sound).len();
        assert_eq!(music >= 60, hold == "sendonly", "music on hold is heard: {music}");
        let ok = reinvite(&mut world, &both("sendrecv"));
        assert_eq!(ok.matches("a=sendrecv\r\n").count(), 2, "{ok}");
        // Wherever the telephone's numbers were meanwhile.
        audio.seq = audio.seq.wrapping_sub(5_000);
        audio.time = audio.time.wrapping_sub(500_000);
        converse(&mut world, &mut audio, Some(&mut video), 70, 30);
        assert!(world.peers[0].asked.len() > asked, "pictures begin with a key frame");
        let heard = audio.passed(&world, &[96]);
        let numbers: Vec<_> = heard.iter().map(|one| (u64::from(one.seq), one.time)).collect();
        assert!(numbers.len() >= held + 28 && steady(&numbers), "{hold}: {numbers:?}");
        let got: Vec<_> = world.peers[0].sorted(&sound).iter().map(|got| (got.seq, got.time)).collect();
        assert!(got.len() >= music + 27 && steady(&got), "{hold}: {got:?}");
        assert!(
            !world.has(|event| event.link() == LinkId::new(BROWSER) && !matches!(event, MediaEvent::Report { .. })),
            "the browser hears nothing of it"
        );
    }
}

#[test]
fn the_pause_is_as_long_as_it_was() {
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 10);
    reinvite(&mut world, &both("inactive"));
    world.pass(Duration::from_secs(2));
    reinvite(&mut world, &both("sendrecv"));
    converse(&mut world, &mut audio, None, 10, 10);
    let heard = audio.passed(&world, &[96]);
    let longest = heard.windows(2).map(|pair| pair[1].time.wrapping_sub(pair[0].time)).max().expect("packets");
    assert!((96_000..98_000).contains(&longest), "two seconds of 48 kHz: {longest}");
}

#[test]
fn a_refresh_changes_nothing() {
    let (mut world, mut audio, mut video) = connected();
    converse(&mut world, &mut audio, Some(&mut video), 0, 10);
    let first = reinvite(&mut world, &both("sendrecv"));
    let second = reinvite(&mut world, &both("sendrecv"));
    assert_eq!(first, second, "not even its version");
    converse(&mut world, &mut audio, Some(&mut video), 10, 10);
    let numbers: Vec<_> = audio.passed(&world, &[96]).iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(numbers.len() >= 18 && steady(&numbers), "{numbers:?}");
}

#[test]
fn early_media_and_the_final_answer_may_come_from_two_places() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, true, Srtp::Off);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    world.pass(Duration::from_millis(500));
    let mut early = Phone::new(4_000, &offer, 0);
    converse(&mut world, &mut early, None, 0, 10);
    world.events.clear();
    // Another telephone answers, by other numbers.
    let opus = "98 99\r\na=rtpmap:98 opus/48000/2\r\na=rtpmap:99 telephone-event/8000";
    world.remote(PHONE, SignalKind::Answer, &description(&[("audio", 5_000, opus), ("video", 0, "96")]));
    assert!(!world.has(|event| matches!(event, MediaEvent::Local { .. })), "the browser was answered");
    assert_eq!(parsed(&world, PHONE), Some((Some(Codec::Opus), None)));
    let mut late = Phone::new(5_000, &offer, 0);
    let before = early.passed(&world, &[96]).len();
    for step in 10..30 {
        let now = world.now;
        world.peers[0].write(MediaKind::Audio, 500 + step, step as u32 * 960, now, false, b"x");
        late.say(&mut world, 98, false, 960, b"y");
        world.pass(Duration::from_millis(20));
    }
    assert_eq!(early.passed(&world, &[96]).len(), before);
    let heard = late.passed(&world, &[98]);
    assert!(heard.len() >= 18, "{}", heard.len());
    let sound = mid(&world, 0, MediaKind::Audio);
    let got: Vec<_> = world.peers[0].sorted(&sound).iter().map(|got| (got.seq, got.time)).collect();
    assert!(got.len() >= 27 && steady(&got), "one stream: {got:?}");
}

#[test]
fn an_answer_that_comes_again_keeps_to_the_codec() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    world.remote(PHONE, SignalKind::Answer, &description(&[("audio", 5_000, "0")]));
    assert_eq!(fault(&world, PHONE), Some(MediaFault::Description));
}

#[test]
fn a_telephone_may_move_and_renumber() {
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 10);
    let opus = "98\r\na=rtpmap:98 opus/48000/2";
    let ok = reinvite(&mut world, &description(&[("audio", 6_000, opus), ("video", 4_002, VP8)]));
    assert!(ok.contains("m=audio 20000 RTP/AVP 98\r\n"), "{ok}");
    let mut moved = Phone::new(6_000, &ok, 0);
    let now = world.now;
    world.peers[0].write(MediaKind::Audio, 510, 9_600, now, false, b"x");
    moved.say(&mut world, 98, false, 960, b"moved");
    world.pass(Duration::from_millis(100));
    assert_eq!(moved.passed(&world, &[98]).len(), 1);
    let sound = mid(&world, 0, MediaKind::Audio);
    let got = world.peers[0].sorted(&sound);
    assert_eq!(got.last().map(|got| got.payload.clone()), Some(b"moved".to_vec()));
}

#[test]
fn what_the_browser_could_not_follow_is_declined() {
    let (mut world, mut audio, _) = connected();
    for text in [
        description(&[("audio", 4_000, "0"), ("video", 4_002, VP8)]),
        description(&[("audio", 0, "96"), ("video", 0, "96")]),
        "garbage".to_owned(),
        both("sendrecv").replace("IP4 10.2.0.1", "IP6 2001:db8::1"),
    ] {
        world.events.clear();
        world.remote(PHONE, SignalKind::Offer, &text);
        let declined =
            |event: &MediaEvent| matches!(event, MediaEvent::Declined { link } if *link == LinkId::new(PHONE));
        assert!(world.has(declined), "{text}: {:?}", world.events);
        assert!(!world.has(|event| matches!(event, MediaEvent::Local { .. } | MediaEvent::Refused { .. })), "{text}");
    }
    converse(&mut world, &mut audio, None, 0, 10);
    assert!(audio.passed(&world, &[96]).len() >= 8, "it goes on as before");
}

#[test]
fn pictures_that_a_telephone_adds_are_rejected_and_those_that_it_ends_end() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    let ok = reinvite(&mut world, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    assert!(ok.contains("m=audio 20000 ") && ok.contains("m=video 0 "), "{ok}");
    let ok = reinvite(&mut world, &description(&[("audio", 4_000, OPUS), ("video", 0, "96")]));
    assert!(ok.contains("m=audio 20000 ") && ok.contains("m=video 0 "), "{ok}");
    let (mut world, mut audio, mut video) = connected();
    let ok = reinvite(&mut world, &description(&[("audio", 4_000, OPUS), ("video", 0, "96")]));
    assert!(ok.contains("m=video 0 "), "{ok}");
    assert_eq!(world.ports.bound.len(), 1, "its ports are free");
    converse(&mut world, &mut audio, Some(&mut video), 0, 10);
    assert!(audio.passed(&world, &[96]).len() >= 8);
}

#[test]
fn a_browser_may_add_pictures_later() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let first = ring(&mut world, browser, false, Srtp::Optional);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    let mut audio = Phone::new(4_000, &first, 0);
    world.pass(Duration::from_millis(500));
    converse(&mut world, &mut audio, None, 0, 10);
    let update = world.peers[browser].offer_to(Direction::SendRecv, 0, 1);
    world.events.clear();
    world.remote(BROWSER, SignalKind::Offer, &update);
    assert!(!world.has(|event| event.link() == LinkId::new(BROWSER)), "the telephone is asked first");
    let (offer, _) = world.described(PHONE, DescriptionKind::Offer);
    assert!(offer.contains("m=audio 20000 ") && offer.contains("m=video 20002 "), "{offer}");
    let version = |text: &str| text.lines().find(|line| line.starts_with("o=")).expect("a line").to_owned();
    assert_ne!(version(&offer), version(&first));
    // Meanwhile the sound goes on.
    converse(&mut world, &mut audio, None, 10, 10);
    let mut video = Phone::new(4_002, &offer, 1);
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    world.pass(Duration::from_millis(100));
    converse(&mut world, &mut audio, Some(&mut video), 20, 20);
    let numbers: Vec<_> = audio.passed(&world, &[96]).iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(numbers.len() >= 38 && steady(&numbers), "{numbers:?}");
    assert!(video.passed(&world, &[96]).len() >= 8);
    let pictures = mid(&world, 0, MediaKind::Video);
    assert!(world.peers[0].sorted(&pictures).len() >= 8);
    let sound = mid(&world, 0, MediaKind::Audio);
    let got: Vec<_> = world.peers[0].sorted(&sound).iter().map(|got| (got.seq, got.time)).collect();
    assert!(got.len() >= 38 && steady(&got), "{got:?}");
}

#[test]
fn a_browser_that_changes_its_network_is_answered_at_once() {
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 10);
    world.events.clear();
    let restart = world.peers[0].restart();
    world.remote(BROWSER, SignalKind::Offer, &restart);
    let (answer, _) = world.described(BROWSER, DescriptionKind::Answer);
    assert!(!world.has(|event| event.link() == LinkId::new(PHONE)), "the telephone hears nothing of it");
    world.peers[0].accept(&answer);
    let now = world.now;
    world.peers[0].tick(now);
    world.pass(Duration::from_millis(500));
    converse(&mut world, &mut audio, None, 10, 10);
    let numbers: Vec<_> = audio.passed(&world, &[96]).iter().map(|one| (u64::from(one.seq), one.time)).collect();
    assert!(numbers.len() >= 18 && steady(&numbers), "{numbers:?}");
    // It does not want to hear for a while.
    let restart = world.peers[0].restart().replace("a=sendrecv", "a=sendonly");
    world.remote(BROWSER, SignalKind::Offer, &restart);
    world.remote(PHONE, SignalKind::Answer, &both("recvonly"));
    let (answer, _) = world.described(BROWSER, DescriptionKind::Answer);
    assert_eq!(answer.matches("a=recvonly").count(), 2, "{answer}");
    let sound = mid(&world, 0, MediaKind::Audio);
    let got: Vec<_> = world.peers[0].sorted(&sound).iter().map(|got| (got.seq, got.time)).collect();
    assert!(got.len() >= 18 && steady(&got), "{got:?}");
    converse(&mut world, &mut audio, None, 20, 10);
    assert!(world.peers[0].sorted(&sound).len() <= got.len() + 1, "it is sent nothing");
    world.remote(BROWSER, SignalKind::Offer, "garbage");
    assert!(world.has(|event| matches!(event, MediaEvent::Declined { link } if *link == LinkId::new(BROWSER))));
}

#[test]
fn where_both_offer_at_once_ours_stands() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    world.remote(PHONE, SignalKind::Offer, &description(&[("audio", 4_000, OPUS)]));
    assert!(world.has(|event| matches!(event, MediaEvent::Declined { link } if *link == LinkId::new(PHONE))));
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS)]));
    let mut world = World::new(1, 1);
    let browser = super::browser(&mut world);
    open(&mut world, PHONE, peer(), Transport::Rtp(Srtp::Off));
    world.remote(PHONE, SignalKind::Offer, &description(&[("audio", 4_000, OPUS)]));
    open(&mut world, BROWSER, ours(PHONE), WEB);
    let theirs = world.peers[browser].offer_to(Direction::SendRecv, 1, 0);
    world.remote(BROWSER, SignalKind::Offer, &theirs);
    assert!(world.has(|event| matches!(event, MediaEvent::Declined { link } if *link == LinkId::new(BROWSER))));
}

#[test]
fn a_browser_that_holds_tells_the_telephone() {
    let (mut world, mut audio, mut video) = connected();
    converse(&mut world, &mut audio, Some(&mut video), 0, 20);
    for (hold, theirs) in [("sendonly", "recvonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")] {
        world.events.clear();
        let offer = world.peers[0].restart().replace("a=sendrecv", &format!("a={hold}"));
        world.remote(BROWSER, SignalKind::Offer, &offer);
        let asked = world.described(PHONE, DescriptionKind::Offer).0;
        assert_eq!(asked.matches(&format!("a={hold}\r\n")).count(), 2, "{asked}");
        assert!(!world.has(|event| event.link() == LinkId::new(BROWSER)), "it waits for the telephone");
        world.remote(PHONE, SignalKind::Answer, &both(theirs));
        let answer = world.described(BROWSER, DescriptionKind::Answer).0;
        assert_eq!(answer.matches(&format!("a={theirs}\r\n")).count(), 2, "{answer}");
    }
}
