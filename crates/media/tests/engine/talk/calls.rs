//! Calls begin: from a browser, from a telephone, and without an offer.

use std::time::Duration;

use patchbay_core::{Codec, DescriptionKind, LinkId, MediaEvent, MediaFault, SignalKind, Srtp, Talk, Transport};
use str0m::media::{Direction, MediaKind};

use super::*;

#[test]
fn a_browser_calls_a_telephone() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = ring(&mut world, browser, true, Srtp::Off);
    assert_eq!(parsed(&world, BROWSER), Some((Some(Codec::Opus), Some(Codec::Vp8))));
    assert!(offer.contains("c=IN IP4 10.0.0.1\r\n"), "{offer}");
    assert!(offer.contains("m=audio 20000 RTP/AVP ") && offer.contains("m=video 20002 RTP/AVP "), "{offer}");
    for word in ["candidate", "crypto", "fingerprint", "mid:", "rtcp-mux", "VP9", "rtx"] {
        assert!(!offer.contains(word), "{word}: {offer}");
    }
    assert!(offer.contains(&format!("a=rtpmap:{DIGITS} telephone-event/8000\r\n")), "{offer}");
    let answer = pick_up(&mut world, browser, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
    assert_eq!(parsed(&world, PHONE), Some((Some(Codec::Opus), Some(Codec::Vp8))));
    // One codec, its repetitions, and digits.
    let formats = |kind: &str| {
        let line = answer.lines().find(|line| line.starts_with(&format!("m={kind} "))).expect("a section");
        line.split(' ').skip(3).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(formats("audio"), ["111", "126"], "{answer}");
    assert_eq!(formats("video"), ["96", "97"], "{answer}");
    assert_eq!(answer.matches("a=sendrecv").count(), 2, "{answer}");
    assert_eq!(answer.matches("a=candidate:").count(), 1, "{answer}");
}

#[test]
fn sound_and_pictures_pass_both_ways() {
    let (mut world, mut audio, mut video) = connected();
    assert!(world.flows(BROWSER) && !world.flows(PHONE), "the telephone has sent nothing");
    converse(&mut world, &mut audio, Some(&mut video), 0, 50);
    assert!(world.flows(PHONE));
    let (sound, pictures) = (mid(&world, 0, MediaKind::Audio), mid(&world, 0, MediaKind::Video));
    // What the telephone got.
    for (phone, pt, most, rate) in [(&audio, 96, 50, 960), (&video, 96, 25, 3_600)] {
        let heard = phone.passed(&world, &[pt]);
        assert!(heard.len() >= most - 2, "{} of {most}", heard.len());
        assert!(heard.iter().all(|one| one.ssrc == heard[0].ssrc && one.from == phone.server), "one stream");
        let numbers: Vec<_> = heard.iter().map(|one| (u64::from(one.seq), one.time)).collect();
        assert!(steady(&numbers), "{numbers:?}");
        assert!(numbers.windows(2).all(|pair| pair[1].1.wrapping_sub(pair[0].1) == rate), "{numbers:?}");
    }
    assert_eq!(audio.passed(&world, &[96])[3].payload.len(), 2);
    assert!(video.passed(&world, &[96]).iter().all(|one| one.marker), "markers pass");
    // What the browser got.
    for (mid, pt, most, rate) in [(&sound, 111, 50, 960), (&pictures, 96, 25, 3_600)] {
        let got = world.peers[0].sorted(mid);
        assert!(got.len() >= most - 2 && got.iter().all(|one| one.pt == pt), "{} of {most}", got.len());
        let numbers: Vec<_> = got.iter().map(|one| (one.seq, one.time)).collect();
        assert!(steady(&numbers) && numbers[0].0 < 65_536, "{numbers:?}");
        assert!(numbers.windows(2).all(|pair| pair[1].1.wrapping_sub(pair[0].1) == rate), "{numbers:?}");
    }
    assert_eq!(world.peers[0].sorted(&sound)[0].payload[1], 2);
    assert_eq!(world.workers[0].counts().strangers, 0);
}

#[test]
fn digits_pass_both_ways_under_their_own_numbers() {
    let (mut world, mut audio, _) = connected();
    converse(&mut world, &mut audio, None, 0, 5);
    let sound = mid(&world, 0, MediaKind::Audio);
    let now = world.now;
    world.peers[0].write_as(&sound, DIGITS, 505, 5 * 960, now, &[5, 10, 0, 160]);
    // One that begins with its end, as browsers send it whose key is shorter than they think.
    for number in 506..509 {
        world.peers[0].write_as(&sound, DIGITS, number, 6 * 960, now, &[4, 0x8a, 3, 0xc0]);
    }
    audio.say(&mut world, 101, true, 0, &[6, 10, 0, 160]);
    audio.say(&mut world, 77, false, 0, &[9, 9]);
    world.pass(Duration::from_millis(100));
    let digits = audio.passed(&world, &[101]);
    assert_eq!(
        digits.iter().map(|one| one.payload.clone()).collect::<Vec<_>>(),
        [vec![5, 10, 0, 160], vec![4, 0x0a, 3, 0xc0], vec![4, 0x8a, 3, 0xc0], vec![4, 0x8a, 3, 0xc0],]
    );
    let got = world.peers[0].sorted(&sound);
    let last = got.last().expect("something came");
    assert_eq!((last.pt, last.payload.as_slice(), last.marker), (DIGITS, &[6, 10, 0, 160][..], true));
    assert_eq!(got.len(), 6, "what has no meaning does not pass");
}

#[test]
fn other_codecs_are_rejected_in_their_places() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, true, Srtp::Off);
    let pcmu = "0 101\r\na=rtpmap:101 telephone-event/8000";
    let answer = pick_up(&mut world, browser, &description(&[("audio", 4_000, pcmu), ("video", 0, "96")]));
    assert_eq!(parsed(&world, PHONE), Some((Some(Codec::Pcmu), None)));
    assert!(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 0 126\r\n"), "{answer}");
    assert!(answer.contains("m=video 0 UDP/TLS/RTP/SAVPF "), "{answer}");
    assert!(answer.find("m=audio") < answer.find("m=video"), "{answer}");
    let video = answer.split("m=video").nth(1).expect("a section");
    assert!(video.contains("a=mid:"), "a rejected section keeps its name: {answer}");
    assert!(
        !answer
            .lines()
            .any(|line| line.starts_with("a=group:BUNDLE") && line.contains(&mid(&world, 0, MediaKind::Video)))
    );
    assert_eq!(world.ports.bound.len(), 1, "ports that nobody needs are given back");
}

#[test]
fn sound_may_be_rejected_where_pictures_are_not() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = world.peers[browser].offer_to(Direction::SendRecv, 1, 1);
    let silent = offer.replace("m=audio 9", "m=audio 0");
    open(&mut world, BROWSER, peer(), WEB);
    world.remote(BROWSER, SignalKind::Offer, &silent);
    open(&mut world, PHONE, ours(BROWSER), Transport::Rtp(Srtp::Off));
    let text = world.described(PHONE, DescriptionKind::Offer).0;
    assert!(text.contains("m=audio 0 ") && text.contains("m=video 20000 RTP/AVP"), "{text}");
    world.remote(PHONE, SignalKind::Answer, &description(&[("audio", 0, "0"), ("video", 4_002, VP8)]));
    let answer = world.described(BROWSER, DescriptionKind::Answer).0;
    let video = answer.split("m=video").nth(1).expect("a section");
    assert!(video.contains("a=candidate:"), "candidates are where somebody reads them: {answer}");
    assert_eq!(answer.matches("a=candidate:").count(), 1);
}

#[test]
fn data_is_rejected_in_its_place() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let offer = world.peers[browser].offer(true, true).replace("a=sendonly", "a=sendrecv");
    open(&mut world, BROWSER, peer(), WEB);
    world.remote(BROWSER, SignalKind::Offer, &offer);
    open(&mut world, PHONE, ours(BROWSER), Transport::Rtp(Srtp::Off));
    let sections = |text: &str| {
        let lines = text.lines().filter(|line| line.starts_with("m="));
        lines.map(|line| line.split(' ').next().expect("a kind").to_owned()).collect::<Vec<_>>()
    };
    let text = world.described(PHONE, DescriptionKind::Offer).0;
    assert_eq!(sections(&text), sections(&offer));
    let kinds: Vec<_> = sections(&offer).iter().map(|kind| kind.trim_start_matches("m=").to_owned()).collect();
    let answers: Vec<_> = kinds
        .iter()
        .map(|kind| match kind.as_str() {
            "audio" => ("audio", 4_000, OPUS),
            "video" => ("video", 4_002, VP8),
            _ => ("application", 0, "webrtc-datachannel"),
        })
        .collect();
    world.remote(PHONE, SignalKind::Answer, &description(&answers));
    let answer = world.described(BROWSER, DescriptionKind::Answer).0;
    assert_eq!(sections(&answer), sections(&offer));
    assert!(answer.contains("m=application 0 "), "{answer}");
}

/// The offer that a browser gets for a telephone's.
fn called(world: &mut World, text: &str) -> String {
    open(world, PHONE, peer(), Transport::Rtp(Srtp::Optional));
    world.remote(PHONE, SignalKind::Offer, text);
    open(world, BROWSER, ours(PHONE), WEB);
    world.described(BROWSER, DescriptionKind::Offer).0
}

#[test]
fn a_telephone_calls_a_browser() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let invite = description(&[
        ("audio", 4_000, "8 0 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000"),
        ("video", 4_002, VP8),
    ]);
    let offer = called(&mut world, &invite);
    assert_eq!(parsed(&world, PHONE), Some((Some(Codec::Pcma), Some(Codec::Vp8))));
    // What the client of that dialect looks at.
    assert_eq!(offer.matches("a=sendrecv").count(), 2, "{offer}");
    assert!(!offer.contains("m=application"), "{offer}");
    for section in offer.split("\nm=").skip(1) {
        assert!(
            section.contains("a=ssrc:") && section.contains("a=msid:") && section.contains("a=rtcp-mux"),
            "{offer}"
        );
        assert!(!section.contains("a=rtcp-fb:*"), "{offer}");
    }
    assert!(offer.contains("a=candidate:") && offer.contains("a=setup:actpass"), "{offer}");
    assert!(offer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 8 0 111 110\r\n"), "the telephone's order: {offer}");
    let answer = world.peers[browser].answer(&offer);
    world.remote(BROWSER, SignalKind::Answer, &answer);
    let ok = world.described(PHONE, DescriptionKind::Answer).0;
    // What the browser likes best of it; this one turns the order around.
    assert!(ok.contains("m=audio 20000 RTP/AVP 96 101\r\n") && ok.contains("m=video 20002 RTP/AVP 96\r\n"), "{ok}");
    let mut audio = Phone::new(4_000, &ok, 0);
    world.pass(Duration::from_millis(500));
    audio.say(&mut world, 96, false, 960, b"opus");
    audio.say(&mut world, 101, false, 960, b"digi");
    audio.say(&mut world, 8, false, 960, b"pcma");
    world.pass(Duration::from_millis(100));
    let got: Vec<_> = world.peers[browser].got.values().flatten().map(|got| (got.pt, got.payload.clone())).collect();
    assert_eq!(got, [(111, b"opus".to_vec()), (110, b"digi".to_vec())]);
    assert!(world.flows(PHONE) && world.flows(BROWSER));
}

#[test]
fn the_browser_s_first_codec_is_what_the_telephone_is_told() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    let invite = description(&[("audio", 4_000, "8 0 96\r\na=rtpmap:96 opus/48000/2")]);
    let offer = called(&mut world, &invite);
    assert!(!offer.contains("telephone-event"), "the telephone knows none: {offer}");
    let answer = world.peers[browser].answer(&offer);
    let turned = answer.replacen(" 8 0 111", " 0 111 8", 1).replacen(" 111 0 8", " 0 111 8", 1);
    assert!(turned.contains("SAVPF 0 111 8"), "{answer}");
    world.remote(BROWSER, SignalKind::Answer, &turned);
    let ok = world.described(PHONE, DescriptionKind::Answer).0;
    assert!(ok.contains("m=audio 20000 RTP/AVP 0\r\n"), "{ok}");
}

#[test]
fn a_call_may_begin_without_an_offer() {
    for telephone_first in [true, false] {
        let mut world = World::new(1, 1);
        let browser = browser(&mut world);
        let nobody = Talk::Ours { with: None, codecs: codecs() };
        let audio;
        if telephone_first {
            open(&mut world, PHONE, nobody, Transport::Rtp(Srtp::Off));
            let offer = world.described(PHONE, DescriptionKind::Offer).0;
            assert!(offer.contains("m=audio 20000 RTP/AVP 96 9 0 8 126\r\n"), "{offer}");
            audio = Phone::new(4_000, &offer, 0);
            world.remote(
                PHONE,
                SignalKind::Answer,
                &description(&[("audio", 4_000, "0 8 101\r\na=rtpmap:101 telephone-event/8000"), ("video", 0, "96")]),
            );
            assert_eq!(parsed(&world, PHONE), Some((Some(Codec::Pcmu), None)));
            open(&mut world, BROWSER, ours(PHONE), WEB);
            let offer = world.described(BROWSER, DescriptionKind::Offer).0;
            assert!(offer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 0 110\r\n") && !offer.contains("m=video"), "{offer}");
            let answer = world.peers[browser].answer(&offer);
            world.remote(BROWSER, SignalKind::Answer, &answer);
        } else {
            open(&mut world, BROWSER, nobody, WEB);
            let offer = world.described(BROWSER, DescriptionKind::Offer).0;
            let answer = world.peers[browser].answer(&offer);
            world.remote(BROWSER, SignalKind::Answer, &answer);
            assert_eq!(parsed(&world, BROWSER), Some((Some(Codec::Opus), Some(Codec::Vp8))));
            open(&mut world, PHONE, ours(BROWSER), Transport::Rtp(Srtp::Off));
            let offer = world.described(PHONE, DescriptionKind::Offer).0;
            assert!(offer.contains("m=audio 20000 RTP/AVP 111 110\r\n"), "what the browser sends, alone: {offer}");
            audio = Phone::new(4_000, &offer, 0);
            world.remote(PHONE, SignalKind::Answer, &description(&[("audio", 4_000, OPUS), ("video", 4_002, VP8)]));
        }
        let mut audio = audio;
        world.pass(Duration::from_millis(500));
        audio.say(&mut world, if telephone_first { 0 } else { 96 }, false, 160, b"up");
        world.pass(Duration::from_millis(100));
        let got: Vec<_> = world.peers[browser].got.values().flatten().map(|got| got.payload.clone()).collect();
        assert_eq!(got, [b"up".to_vec()], "{:?}", world.events);
    }
}

#[test]
fn without_a_codec_in_common_there_is_no_call() {
    let mut world = World::new(1, 1);
    let browser = browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    world.remote(PHONE, SignalKind::Answer, &description(&[("audio", 4_000, "18")]));
    assert_eq!(fault(&world, PHONE), Some(MediaFault::Description));
    assert!(world.ports.bound.is_empty());
    let mut world = World::new(1, 1);
    open(&mut world, PHONE, peer(), Transport::Rtp(Srtp::Off));
    world.remote(PHONE, SignalKind::Offer, &description(&[("audio", 4_000, "18")]));
    assert_eq!(fault(&world, PHONE), Some(MediaFault::Description));
    for (text, link) in [("garbage", PHONE), ("v=0\r\n", PHONE)] {
        let mut world = World::new(1, 1);
        open(&mut world, link, peer(), Transport::Rtp(Srtp::Off));
        world.remote(link, SignalKind::Offer, text);
        assert_eq!(fault(&world, link), Some(MediaFault::Description), "{text}");
        assert_eq!(world.workers[0].counts().legs, 0);
    }
    let mut world = World::new(1, 1);
    open(&mut world, PHONE, peer(), Transport::Rtp(Srtp::Off));
    world.remote(PHONE, SignalKind::Offer, &description(&[("audio", 4_000, "0")]));
    let with = Talk::Ours { with: Some(LinkId::new(PHONE)), codecs: [Codec::Opus].into() };
    open(&mut world, BROWSER, with, WEB);
    assert_eq!(fault(&world, BROWSER), Some(MediaFault::Description), "nothing is left to offer");
}

#[test]
fn ends_that_make_no_sense_are_refused() {
    let mut world = World::new(1, 1);
    open(&mut world, BROWSER, ours(77), WEB);
    assert_eq!(fault(&world, BROWSER), Some(MediaFault::Internal), "nobody is there");
    let publisher = world.peer(Path::GOOD, Path::GOOD);
    world.publish(5, publisher, true, false);
    open(&mut world, PHONE, ours(5), Transport::Rtp(Srtp::Off));
    assert_eq!(fault(&world, PHONE), Some(MediaFault::Internal), "a publication is no end");
    open(&mut world, 3, peer(), WEB);
    open(&mut world, 4, ours(3), Transport::Rtp(Srtp::Off));
    assert_eq!(fault(&world, 4), Some(MediaFault::Description), "it has said nothing yet");
    assert!(world.has(|event| matches!(event, MediaEvent::Refused { .. })));
}

#[test]
fn what_the_browser_does_not_know_the_telephone_is_not_promised() {
    let mut world = World::new(1, 1);
    let browser = world.peer_with(Path::GOOD, Path::GOOD, |builder| builder.clear_codecs().enable_opus(true, false));
    // Two sections for sound, of which only the second can be taken.
    let invite = description(&[("audio", 4_000, "8"), ("audio", 4_002, OPUS)]);
    let offer = called(&mut world, &invite);
    let answer = world.peers[browser].answer(&offer);
    world.remote(BROWSER, SignalKind::Answer, &answer);
    let ok = world.described(PHONE, DescriptionKind::Answer).0;
    assert!(ok.contains("m=audio 0 RTP/AVP 8\r\nm=audio 20002 RTP/AVP 96\r\n"), "no digits: {ok}");
    let mut second = Phone::new(4_002, &ok, 1);
    world.pass(Duration::from_millis(500));
    second.say(&mut world, 96, false, 960, b"x");
    second.say(&mut world, 101, false, 960, b"digit");
    world.pass(Duration::from_millis(100));
    let got: Vec<_> = world.peers[browser].got.values().flatten().map(|got| got.payload.clone()).collect();
    assert_eq!(got, [b"x".to_vec()]);
    // And the other way round.
    let mut world = World::new(1, 1);
    let browser = super::browser(&mut world);
    ring(&mut world, browser, false, Srtp::Off);
    let answer = pick_up(&mut world, browser, &description(&[("audio", 4_000, "0")]));
    assert!(answer.contains("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"), "{answer}");
}
