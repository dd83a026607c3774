use std::net::IpAddr;

use super::*;
use crate::crypto::{KEY_BYTES, Suite};
use crate::samples::{BARESIP_OFFER, CHROMIUM_OFFER, DESK_OFFER, LINPHONE_OFFER};
use crate::{answered, offered};

const AVP: Profile = Profile { secure: false, feedback: false };
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10));

fn parse(text: &str) -> Description {
    Description::parse(text).expect("a description")
}

fn ports(count: u16) -> Vec<Port> {
    (0..count).map(|place| Port { rtp: 30_000 + 2 * place, profile: AVP, crypto: vec![] }).collect()
}

fn local(ports: &[Port]) -> Local<'_> {
    Local { address: ADDRESS, session: 14, version: 3, ports }
}

fn offer_of(text: &str, ports: &[Port]) -> Result<String, Unusable> {
    offer(&parse(text), &local(ports)).map(|offer| offer.write())
}

fn answer_to(text: &str, browser: &str, ports: &[Port]) -> Result<String, Unusable> {
    let (theirs, browser) = (parse(text), parse(browser));
    let phone = Phone::read(&theirs)?;
    let agreed = offered(&phone, &browser)?;
    Ok(answer(&theirs, &phone, &agreed, &local(ports)).write())
}

/// To the byte what a telephone gets for Chromium's call.
#[test]
fn a_browser_s_offer_for_telephones() {
    let text = offer_of(CHROMIUM_OFFER, &ports(2)).expect("an offer");
    let expected = "v=0\r\no=- 7 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n\
        m=audio 30000 RTP/AVP 111 9 0 8 126\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
        a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:126 telephone-event/8000\r\n\
        a=fmtp:126 0-16\r\na=sendrecv\r\n\
        m=video 30002 RTP/AVP 96 108\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:108 H264/90000\r\n\
        a=fmtp:108 profile-level-id=42e01f;packetization-mode=1\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n\
        a=rtcp-fb:108 nack pli\r\na=rtcp-fb:108 ccm fir\r\na=sendrecv\r\n";
    assert_eq!(text, expected);
    assert!(text.len() < 1_000, "{} bytes beside some 500 of headers", text.len());
    assert_eq!(parse(&text).write(), text);
}

#[test]
fn keys_stand_where_they_are_wanted() {
    let key = |tag, suite| Crypto::new(tag, suite, &[tag as u8; KEY_BYTES]);
    let crypto = vec![key(1, Suite::AesCm128HmacSha1_80), key(2, Suite::AesCm128HmacSha1_32)];
    let secure: Vec<_> = (0..2)
        .map(|place| Port {
            rtp: 30_000 + 2 * place,
            profile: Profile { secure: true, feedback: false },
            crypto: crypto.clone(),
        })
        .collect();
    let text = offer_of(CHROMIUM_OFFER, &secure).expect("an offer");
    assert_eq!(text.matches("RTP/SAVP ").count(), 2);
    assert_eq!(text.matches(&format!("a=crypto:{}\r\n", crypto[1].write())).count(), 2);
    assert!(text.len() < 1_300, "{}", text.len());
    let read = Phone::read(&parse(&text)).expect("usable");
    assert!(read.sections.iter().all(|section| section.crypto == crypto));
}

#[test]
fn what_telephones_have_no_use_for_is_rejected() {
    let data = format!("{CHROMIUM_OFFER}m=application 9 UDP/DTLS/SCTP webrtc-datachannel\nc=IN IP4 0.0.0.0\na=mid:2\n");
    let text = offer_of(&data, &ports(3)).expect("an offer");
    assert!(text.ends_with("a=sendrecv\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"), "{text}");
    let rejected = CHROMIUM_OFFER.replace("m=video 47141", "m=video 0");
    assert!(offer_of(&rejected, &ports(2)).expect("an offer").ends_with("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"));
    assert!(offer_of(CHROMIUM_OFFER, &ports(1)).expect("an offer").contains("m=video 0 "), "no port for it");
    assert_eq!(offer_of(CHROMIUM_OFFER, &[]), Err(Unusable::NoCodec));
    let strange = CHROMIUM_OFFER.replace("opus", "x").replace("PCM", "x").replace("G722", "x").replace("VP8", "x");
    assert_eq!(offer_of(&strange.replace("H264", "x"), &ports(2)), Err(Unusable::NoCodec));
}

#[test]
fn directions_and_packet_times_are_passed_on() {
    let quiet = CHROMIUM_OFFER.replacen("a=sendrecv", "a=recvonly\na=ptime:40", 1);
    let text = offer_of(&quiet, &ports(2)).expect("an offer");
    assert!(text.contains("a=ptime:40\r\na=recvonly\r\n"), "{text}");
    for nonsense in ["0", "201", "-1", "20\ra=evil"] {
        let text = offer_of(&quiet.replace("ptime:40", &format!("ptime:{nonsense}")), &ports(2)).expect("an offer");
        assert_eq!(text.contains("a=ptime"), nonsense.starts_with("20\r"), "{text}");
        assert!(!text.contains("evil"));
    }
}

#[test]
fn feedback_may_be_meant_for_all() {
    let all = CHROMIUM_OFFER.replace("rtcp-fb:96", "rtcp-fb:*").replace("rtcp-fb:108", "rtcp-fb:109");
    let text = offer_of(&all, &ports(2)).expect("an offer");
    for line in ["96 nack pli", "96 ccm fir", "108 nack pli", "108 ccm fir"] {
        assert!(text.contains(&format!("a=rtcp-fb:{line}\r\n")), "{line}");
    }
    let none = offer_of(&all.replace("rtcp-fb:*", "rtcp-fb:97"), &ports(2)).expect("an offer");
    assert!(!none.contains("rtcp-fb"), "{none}");
}

#[test]
fn nothing_of_the_browser_s_network_leaves() {
    let text = offer_of(CHROMIUM_OFFER, &ports(2)).expect("an offer");
    for word in [
        "candidate",
        "ice-",
        "fingerprint",
        "setup",
        "mid",
        "ssrc",
        "extmap",
        "group",
        "rtcp-mux",
        "rtcp-rsize",
        "127.0.0.1",
        "transport-cc",
        "goog-remb",
        "rtx",
        "red",
        "ulpfec",
        "CN/",
        "/48000\r",
        "rtcp-xr",
    ] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn telephones_are_answered_with_one_codec() {
    for (offer, expected) in [
        (
            BARESIP_OFFER,
            "m=audio 30000 RTP/AVP 96 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10;useinbandfec=1\r\n\
             a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n\
             m=video 30002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=sendrecv\r\n",
        ),
        (
            LINPHONE_OFFER,
            "m=audio 30000 RTP/AVPF 96 100\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10;useinbandfec=1\r\n\
             a=rtpmap:100 telephone-event/8000\r\na=fmtp:100 0-16\r\na=sendrecv\r\n\
             m=video 30002 RTP/AVPF 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\na=rtcp-fb:96 ccm fir\r\n\
             a=sendrecv\r\n",
        ),
        (
            DESK_OFFER,
            "m=audio 30000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
             a=fmtp:101 0-16\r\na=sendrecv\r\n",
        ),
    ] {
        let text = answer_to(offer, CHROMIUM_OFFER, &ports(2)).expect("an answer");
        let head = "v=0\r\no=- 7 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n";
        assert_eq!(text, format!("{head}{expected}"));
    }
}

#[test]
fn the_telephone_s_way_is_mirrored() {
    for (theirs, ours) in
        [("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive"), ("sendrecv", "sendrecv")]
    {
        let offer = BARESIP_OFFER.replace("a=sendrecv", &format!("a={theirs}"));
        let text = answer_to(&offer, CHROMIUM_OFFER, &ports(2)).expect("an answer");
        assert_eq!(text.matches(&format!("a={ours}\r\n")).count(), 2, "{theirs}");
    }
    let old = BARESIP_OFFER.replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    let text = answer_to(&old, CHROMIUM_OFFER, &ports(2)).expect("an answer");
    assert_eq!(text.matches("a=recvonly\r\n").count(), 2, "nowhere to send to");
    let deaf = CHROMIUM_OFFER.replace("a=sendrecv", "a=sendonly");
    let text = answer_to(BARESIP_OFFER, &deaf, &ports(2)).expect("an answer");
    assert_eq!(text.matches("a=sendonly\r\n").count(), 2, "a browser that does not want to hear");
}

#[test]
fn sections_stay_in_number_and_order() {
    let offer = format!(
        "{}m=image 9 udptl t38\n{}",
        &DESK_OFFER,
        BARESIP_OFFER.split_once("m=video").map(|(_, video)| format!("m=video{video}")).expect("video")
    );
    let text = answer_to(&offer, CHROMIUM_OFFER, &ports(3)).expect("an answer");
    let rest = "a=sendrecv\r\nm=image 0 udptl t38\r\nm=video 0 RTP/AVP 96\r\n";
    assert!(text.ends_with(rest), "the picture says no address, and is rejected: {text}");
    let whole = offer.replacen("s=call", "s=call\nc=IN IP4 10.0.0.9", 1);
    let text = answer_to(&whole, CHROMIUM_OFFER, &ports(3)).expect("an answer");
    assert!(text.contains("m=image 0 udptl t38\r\nm=video 30004 RTP/AVP 96\r\n"), "{text}");
    let text = answer_to(&whole, CHROMIUM_OFFER, &ports(2)).expect("an answer");
    assert!(text.contains("m=video 0 RTP/AVP 96\r\n"), "no port for it: {text}");
}

#[test]
fn addresses_may_be_long() {
    let local = Local {
        address: "2001:db8::1".parse().expect("an address"),
        session: u64::MAX,
        version: u64::MAX,
        ports: &ports(2),
    };
    let text = offer(&parse(CHROMIUM_OFFER), &local).expect("an offer").write();
    assert!(text.starts_with("v=0\r\no=- 9223372036854775807 9223372036854775807 IN IP6 2001:db8::1\r\n"), "{text}");
    assert!(text.contains("c=IN IP6 2001:db8::1\r\n"));
}

/// The whole way there and back: what a telephone makes of our offer, and by which numbers packets pass.
#[test]
fn a_call_to_a_telephone() {
    let ours = offer(&parse(CHROMIUM_OFFER), &local(&ports(2))).expect("an offer");
    let theirs = "v=0\no=- 1 1 IN IP4 192.0.2.20\ns=-\nc=IN IP4 192.0.2.20\nt=0 0\nm=audio 5004 RTP/AVP 0 101\n\
        a=rtpmap:101 telephone-event/8000\nm=video 0 RTP/AVP 96\n";
    let phone = Phone::read(&parse(theirs)).expect("usable");
    let agreed = answered(&ours, &phone).expect("agreed");
    assert_eq!(agreed[1], None);
    let audio = agreed[0].as_ref().expect("sound");
    assert_eq!((audio.codec, audio.phone.payload, audio.digits), (patchbay_core::Codec::Pcmu, 0, Some(101)));
    assert_eq!((audio.payloads.to_phone(0), audio.payloads.to_phone(126)), (Some(0), Some(101)));
    assert_eq!([126, 101].map(|payload| audio.payloads.to_browser(payload)), [Some(126); 2]);
    assert_eq!(audio.payloads.to_phone(111), None, "Opus is not of this call");
}
