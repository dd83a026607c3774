use patchbay_core::Codec;

use super::*;
use crate::samples::{BARESIP_OFFER, CHROMIUM_OFFER, DESK_OFFER, LINPHONE_OFFER};

fn parse(text: &str) -> Description {
    Description::parse(text).expect("a description")
}

fn phone(text: &str) -> Phone {
    Phone::read(&parse(text)).expect("usable")
}

fn both(text: &str) -> Result<Vec<Option<Agreed>>, Unusable> {
    offered(&phone(text), &parse(CHROMIUM_OFFER))
}

fn address(text: &str) -> Option<SocketAddr> {
    Some(text.parse().expect(text))
}

#[test]
fn a_telephone_says_where_it_receives() {
    let baresip = phone(BARESIP_OFFER);
    let audio = &baresip.sections[0];
    assert_eq!((audio.rtp, audio.rtcp), (address("127.0.0.1:20002"), address("127.0.0.1:20003")));
    assert_eq!((audio.crypto.len(), audio.held, audio.pli), (2, false, false));
    assert!(baresip.sections[1].pli && !baresip.sections[1].fir);
    let desk = phone(DESK_OFFER);
    assert_eq!((desk.sections[0].rtp, desk.sections[0].rtcp), (address("10.0.0.9:11780"), address("10.0.0.9:11781")));
    for (line, rtcp) in [
        ("a=rtcp:53020 IN IP4 126.16.64.4", address("126.16.64.4:53020")),
        ("a=rtcp:53020 IN IP4 0.0.0.0", address("10.0.0.9:53020")),
        ("a=rtcp:53020", address("10.0.0.9:53020")),
        ("a=rtcp:0", None),
        ("a=rtcp:x", None),
    ] {
        assert_eq!(phone(&format!("{DESK_OFFER}{line}\n")).sections[0].rtcp, rtcp, "{line}");
    }
    assert_eq!(phone(&DESK_OFFER.replace("11780", "65535")).sections[0].rtcp, None);
    assert_eq!(phone(LINPHONE_OFFER).sections[1].profile, Some(Profile { secure: false, feedback: true }));
}

#[test]
fn hold_has_three_forms() {
    for (from, to, held) in [
        ("a=sendrecv", "a=sendrecv", false),
        ("a=sendrecv", "a=recvonly", false),
        ("a=sendrecv", "a=sendonly", true),
        ("a=sendrecv", "a=inactive", true),
        ("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0", true),
        ("c=IN IP4 127.0.0.1", "c=IN IP6 ::", true),
    ] {
        let text = BARESIP_OFFER.replace(from, to);
        let read = phone(&text);
        assert!(read.sections.iter().all(|section| section.held == held), "{to}");
        let agreed = both(&text).expect("agreed");
        let audio = agreed[0].as_ref().expect("sound");
        assert_eq!(audio.to_phone, !held, "{to}");
        assert_eq!(audio.to_browser, !matches!(to, "a=recvonly" | "a=inactive"), "{to}");
    }
}

#[test]
fn what_nobody_can_use() {
    let read = |text: &str| Phone::read(&parse(text));
    for (from, to, error) in [
        ("c=IN IP4 10.0.0.9\n", "", Unusable::NoAddress),
        ("10.0.0.9\na", "phone.example.com\na", Unusable::NoAddress),
        ("m=audio", "m=image", Unusable::NoMedia),
        ("RTP/AVP", "UDP/TLS/RTP/SAVPF", Unusable::NoMedia),
        ("audio 11780", "audio 0", Unusable::NoMedia),
    ] {
        assert!(DESK_OFFER.contains(from), "{from}");
        assert_eq!(read(&DESK_OFFER.replace(from, to)).map(|_| ()), Err(error), "{to}");
    }
}

#[test]
fn what_both_sides_know_is_agreed_upon() {
    let agreed = both(BARESIP_OFFER).expect("agreed");
    let [Some(audio), Some(video)] = agreed.as_slice() else { panic!("both") };
    assert_eq!((audio.codec, audio.phone.payload, audio.browser, audio.digits), (Codec::Opus, 96, 0, Some(101)));
    assert_eq!((video.codec, video.phone.payload, video.browser, video.digits), (Codec::Vp8, 96, 1, None));
    // The same number in both sections, and yet they do not meet at the browser.
    assert_eq!((audio.payloads.to_browser(96), video.payloads.to_browser(96)), (Some(111), Some(96)));
    assert_eq!((audio.payloads.to_phone(111), audio.payloads.to_phone(126)), (Some(96), Some(101)));
    assert_eq!(audio.payloads.to_browser(0), None, "a codec of the offer that was not chosen");
    let agreed = both(DESK_OFFER).expect("agreed");
    assert_eq!(agreed[0].as_ref().map(|audio| audio.codec), Some(Codec::Pcma), "the telephone's first");
    let linphone = LINPHONE_OFFER.replace("VP8", "x");
    let video = both(&linphone).expect("agreed").remove(1).expect("pictures");
    assert_eq!(video.codec, Codec::H264 { profile_level: 0x42001f, mode: 0 }, "the browser's with the same mode");
}

#[test]
fn without_a_codec_for_sound_there_is_no_call() {
    let strange = |text: &str| text.replace("opus", "x").replace("PCM", "x");
    assert_eq!(both(&strange(BARESIP_OFFER)), Err(Unusable::NoCodec), "though there are pictures");
    let pictures = format!("v=0\nc=IN IP4 127.0.0.1\nm=video{}", BARESIP_OFFER.split("m=video").nth(1).expect("video"));
    let agreed = both(&pictures).expect("nobody asked for sound");
    assert_eq!(agreed[0].as_ref().map(|video| video.browser), Some(1));
    let silent = CHROMIUM_OFFER.replace("audio 56372", "audio 0");
    let agreed = offered(&phone(BARESIP_OFFER), &parse(&silent)).expect("the browser does not want sound");
    assert_eq!(agreed.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn sections_find_their_kind() {
    let theirs = format!("{DESK_OFFER}m=audio 11790 RTP/AVP 0\nc=IN IP4 10.0.0.9\nm=video 0 RTP/AVP 96\n");
    let agreed = both(&theirs).expect("agreed");
    assert_eq!(agreed.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false], "one section for one");
}

#[test]
fn an_answer_counts_by_its_first_codec() {
    let ours = parse(
        "v=0\nc=IN IP4 10.0.0.1\nm=audio 30000 RTP/AVP 111 0 8 126\na=rtpmap:111 opus/48000/2\na=rtpmap:126 telephone-event/8000\n",
    );
    for (theirs, codec, phone_, back) in [
        ("RTP/AVP 8 0", Codec::Pcma, 8, [None, Some(8), None]),
        ("RTP/AVP 96\na=rtpmap:96 opus/48000/2", Codec::Opus, 96, [Some(111), None, Some(111)]),
        ("RTP/AVP 111\na=rtpmap:111 opus/48000/2", Codec::Opus, 111, [None, None, Some(111)]),
    ] {
        let text = format!("v=0\nc=IN IP4 10.0.0.2\nm=audio 5004 {theirs}\n");
        let agreed = answered(&ours, &phone(&text)).expect("agreed");
        let audio = agreed[0].as_ref().expect("sound");
        assert_eq!((audio.codec, audio.phone.payload), (codec, phone_), "{theirs}");
        assert_eq!([96, 8, 111].map(|payload| audio.payloads.to_browser(payload)), back, "{theirs}");
    }
    for theirs in ["m=audio 5004 RTP/AVP 18", "m=video 5004 RTP/AVP 96\na=rtpmap:96 VP8/90000"] {
        let text = format!("v=0\nc=IN IP4 10.0.0.2\n{theirs}\n");
        assert_eq!(answered(&ours, &phone(&text)), Err(Unusable::NoCodec), "{theirs}");
    }
}

#[test]
fn what_we_rejected_stays_rejected() {
    let ours = parse("v=0\nc=IN IP4 10.0.0.1\nm=audio 30000 RTP/AVP 0\nm=audio 0 RTP/AVP 0\n");
    let theirs =
        phone("v=0\nc=IN IP4 10.0.0.2\nm=audio 5004 RTP/AVP 0\nm=audio 5006 RTP/AVP 0\nm=audio 5008 RTP/AVP 0\n");
    let agreed = answered(&ours, &theirs).expect("agreed");
    assert_eq!(agreed.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false], "nor is there a third");
}

#[test]
fn digits_need_both_sides() {
    let ours = parse("v=0\nc=IN IP4 10.0.0.1\nm=audio 30000 RTP/AVP 0 126\na=rtpmap:126 telephone-event/8000\n");
    for (theirs, digits) in [("0", None), ("0 101\na=rtpmap:101 telephone-event/8000", Some(101))] {
        let text = format!("v=0\nc=IN IP4 10.0.0.2\nm=audio 5004 RTP/AVP {theirs}\n");
        let agreed = answered(&ours, &phone(&text)).expect("agreed");
        let audio = agreed[0].as_ref().expect("sound");
        assert_eq!((audio.digits, audio.payloads.to_phone(126)), (digits, digits));
    }
}
