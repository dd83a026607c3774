//! RTCP: reports, and wishes for key frames, both ways.

use std::time::Duration;

use patchbay_core::{LinkId, MediaEvent, Srtp};
use str0m::media::MediaKind;
use str0m::rtp::rtcp::Rtcp;

use super::*;

fn word(packet: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(packet[at..at + 4].try_into().expect("four bytes"))
}

#[test]
fn a_telephone_is_told_what_it_is_sent_and_how_it_is_heard() {
    let (mut world, mut audio, mut video) = connected();
    for _ in 0..3 {
        // Three packets of the telephone's are lost on their way.
        audio.packet(96, false, 960, b"lost");
    }
    converse(&mut world, &mut audio, Some(&mut video), 0, 400);
    for (phone, rate) in [(&audio, 48_000), (&video, 90_000)] {
        let heard = phone.passed(&world, &[96]);
        let reports: Vec<_> = phone.control(&world).into_iter().filter(|report| report[1] == 200).collect();
        assert!((2..=4).contains(&reports.len()), "{}", reports.len());
        let last = reports.last().expect("a report");
        assert_eq!((word(last, 4), word(last, 28)), (heard[0].ssrc, phone.ssrc), "of our stream, about its");
        // RTP time and wall clock advance together.
        let first = &reports[0];
        let ticks = word(last, 16).wrapping_sub(word(first, 16));
        let seconds = f64::from(word(last, 8).wrapping_sub(word(first, 8)))
            + (f64::from(word(last, 12)) - f64::from(word(first, 12))) / 4_294_967_296.0;
        assert!((f64::from(ticks) / f64::from(rate) - seconds).abs() < 0.05, "{ticks} in {seconds}");
        assert!(word(last, 20) > 50, "packets");
        assert_eq!(last[52 + 1], 202, "and who says so");
    }
    let report = audio.control(&world).pop().expect("a report");
    assert_eq!(word(&report, 32) & 0x00ff_ffff, 0, "packets before the first are none that were lost");
}

#[test]
fn losses_of_a_telephone_s_packets_are_told() {
    let (mut world, mut audio, _) = connected();
    for step in 0..100_u32 {
        if step % 4 == 3 {
            audio.packet(96, false, 960, b"lost");
        } else {
            audio.say(&mut world, 96, false, 960, b"x");
        }
        world.pass(Duration::from_millis(20));
    }
    world.pass(Duration::from_secs(5));
    let report = audio.control(&world).pop().expect("a report");
    assert_eq!(report[1], 201, "nothing was sent to it");
    let lost = word(&report, 12) & 0x00ff_ffff;
    assert!((24..=25).contains(&lost), "{lost}");
    // And the other way: what the telephone reports is in ours.
    let ssrc = audio.heard(&world)[0].ssrc.to_be_bytes();
    let mut said = vec![0x81, 201, 0, 7, 0, 0, 0, 1];
    said.extend(ssrc);
    said.extend([64, 0, 0, 9, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    audio.report(&mut world, &said);
    world.events.clear();
    world.pass(Duration::from_secs(2));
    let told = |event: &MediaEvent| match event {
        MediaEvent::Report { link, report } => *link == LinkId::new(PHONE) && report.loss_permille == 250,
        _ => false,
    };
    assert!(world.has(told), "{:?}", world.events);
}

#[test]
fn wishes_for_key_frames_cross() {
    let (mut world, mut audio, mut video) = connected();
    converse(&mut world, &mut audio, Some(&mut video), 0, 60);
    // The browser's wish reaches the telephone in RTCP.
    let pictures = mid(&world, 0, MediaKind::Video);
    let wishes = |world: &World, video: &Phone| {
        let pli = |packet: &Vec<u8>| packet.windows(4).any(|four| four == [0x81, 206, 0, 2]);
        video.control(world).iter().filter(|packet| pli(packet)).count()
    };
    let before = wishes(&world, &video);
    world.peers[0].ask(&pictures);
    let now = world.now;
    world.peers[0].tick(now);
    world.pass(Duration::from_millis(200));
    assert_eq!(wishes(&world, &video), before + 1);
    assert!(!world.has(|event| matches!(event, MediaEvent::KeyWanted { .. })), "nobody else has to ask");
    // The telephone's reaches the browser, in both forms.
    let ssrc = video.heard(&world)[0].ssrc.to_be_bytes();
    for head in [&[0x81, 206, 0, 2, 0, 0, 0, 1][..], &[0x84, 206, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0]] {
        world.pass(Duration::from_secs(1));
        let asked = world.peers[0].asked.len();
        let tail: &[u8] = if head[0] == 0x84 { &[1, 0, 0, 0] } else { &[] };
        video.report(&mut world, &[head, &ssrc, tail].concat());
        world.pass(Duration::from_millis(200));
        assert_eq!(world.peers[0].asked.len(), asked + 1);
    }
    // Of another stream it concerns nobody.
    world.pass(Duration::from_secs(1));
    let asked = world.peers[0].asked.len();
    video.report(&mut world, &[0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9]);
    world.pass(Duration::from_millis(200));
    assert_eq!(world.peers[0].asked.len(), asked);
}

#[test]
fn a_telephone_that_cannot_be_asked_is_asked_by_others() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, true, Srtp::Off);
    let plain = "96\r\na=rtpmap:96 VP8/90000";
    pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS), ("video", 4_002, plain)]));
    let (mut audio, mut video) = (Phone::new(4_000, &offer, 0), Phone::new(4_002, &offer, 1));
    world.pass(Duration::from_millis(500));
    converse(&mut world, &mut audio, Some(&mut video), 0, 60);
    world.events.clear();
    let pictures = mid(&world, 0, MediaKind::Video);
    for _ in 0..5 {
        world.peers[0].ask(&pictures);
        let now = world.now;
        world.peers[0].tick(now);
        world.pass(Duration::from_millis(100));
    }
    world.pass(Duration::from_secs(1));
    let wanted = world
        .events
        .iter()
        .filter(|event| matches!(event, MediaEvent::KeyWanted { link } if *link == LinkId::new(PHONE)));
    assert!((1..=2).contains(&wanted.count()), "{:?}", world.events);
    assert!(video.control(&world).iter().all(|packet| !packet.windows(2).any(|two| two == [0x81, 206])));
}

/// A sender report: at that moment of the telephone's clock the stream's timestamp is this.
fn sampled(phone: &mut Phone, world: &mut World, ntp: u64, time: u32) {
    let mut said = vec![0x80, 200, 0, 6];
    said.extend(phone.ssrc.to_be_bytes());
    said.extend(ntp.to_be_bytes());
    said.extend(time.to_be_bytes());
    said.extend([0; 8]);
    phone.report(world, &said);
}

#[test]
fn sound_and_pictures_of_a_telephone_are_told_to_be_together() {
    let (mut world, mut audio, mut video) = connected();
    let (sound, pictures) = (audio.time, video.time);
    // Both are sampled at this moment of its clock; pictures take 300 ms longer to come.
    let ntp: u64 = 3_000_000_000 << 32;
    let mut waiting = std::collections::VecDeque::new();
    for step in 0..500_u32 {
        audio.say(&mut world, 96, false, 960, b"x");
        waiting.push_back(video.packet(96, true, 1_800, &vp8(step == 0, true, 640, 360, step as u16, 50)));
        if step >= 15 {
            let packet = waiting.pop_front().expect("one waits");
            let (from, to) = (video.address, video.server);
            world.arrive(from, to, &packet);
        }
        if step == 20 {
            // A report tells of the moment in which it is sent.
            let now = ntp + (u64::from(step) << 32) / 50;
            sampled(&mut audio, &mut world, now, sound + step * 960);
            sampled(&mut video, &mut world, now, pictures + step * 1_800);
        }
        world.pass(Duration::from_millis(20));
    }
    // When our reports say that these were sampled.
    let reports = world.peers[0].control.iter().filter_map(|(_, rtcp)| match rtcp {
        Rtcp::SenderReport(report) => Some(report.sender_info),
        _ => None,
    });
    let reports: Vec<_> = reports.collect();
    let mut first = |kind, time: u32, rate: f64| {
        let mid = mid(&world, 0, kind);
        let of = |info: &&str0m::rtp::rtcp::SenderInfo| {
            let mut api = world.peers[0].rtc.direct_api();
            api.stream_rx(&info.ssrc).is_some_and(|stream| *stream.mid() == *mid)
        };
        let info = reports.iter().rev().find(of).expect("a report");
        let since = f64::from((info.rtp_time.numer() as u32).wrapping_sub(time)) / rate;
        let at = info.ntp_time.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs_f64();
        at - since
    };
    let apart = first(MediaKind::Audio, sound, 48_000.0) - first(MediaKind::Video, pictures, 90_000.0);
    assert!(apart.abs() < 0.03, "{apart} s apart");
}

#[test]
fn sound_and_pictures_of_a_browser_are_told_to_be_together() {
    let (mut world, audio, video) = connected();
    let (sound, pictures) = (mid(&world, 0, MediaKind::Audio), mid(&world, 0, MediaKind::Video));
    let begin = world.now;
    let late = Duration::from_millis(300);
    for step in 0..1_000_u32 {
        let now = world.now;
        world.peers[0].write_as(&sound, 111, 500 + u64::from(step), step * 960, now, b"x");
        if now >= begin + late {
            // A picture leaves 300 ms after it was sampled.
            let sampled = (now - late) - begin;
            let time = (sampled.as_millis() * 90) as u32;
            world.peers[0].write_late(&pictures, 96, 900 + u64::from(step), time, now - late, now);
        }
        world.pass(Duration::from_millis(20));
    }
    let first = |phone: &Phone, rate: f64| {
        let heard = phone.passed(&world, &[96]);
        let report = phone.control(&world).into_iter().rfind(|report| report[1] == 200).expect("a report");
        let at = f64::from(word(&report, 8)) + f64::from(word(&report, 12)) / 4_294_967_296.0;
        // The first packet is of the beginning.
        at - f64::from(word(&report, 16).wrapping_sub(heard[0].time)) / rate
    };
    let apart = first(&audio, 48_000.0) - first(&video, 90_000.0);
    assert!(apart.abs() < 0.05, "{apart} s apart");
}

#[test]
fn what_is_lost_on_the_way_to_a_browser_is_sent_again() {
    let (mut world, mut audio, mut video) = connected();
    world.paths[0].1 = Path::lossy(10);
    converse(&mut world, &mut audio, Some(&mut video), 0, 200);
    world.paths[0].1 = Path::GOOD;
    world.pass(Duration::from_millis(500));
    let pictures = mid(&world, 0, MediaKind::Video);
    let mut seqs: Vec<u64> = world.peers[0].sorted(&pictures).iter().map(|got| got.seq).collect();
    seqs.dedup();
    let missing = seqs.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
    assert!(seqs.len() >= 95 && missing <= 2, "{} came, {missing} gaps", seqs.len());
}
