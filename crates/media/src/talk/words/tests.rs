use super::*;

const BROWSER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0 126\r\na=mid:0\r\na=extmap:13 urn:3gpp:video-orientation\r\na=recvonly\r\n\
    a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:126 telephone-event/8000\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96 97 98 99\r\na=mid:1\r\na=rtcp-fb:* nack\r\na=rtcp-fb:98 nack pli\r\na=sendrecv\r\n\
    a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:98 H264/90000\r\n\
    a=fmtp:98 packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:99 rtx/90000\r\na=fmtp:99 apt=98;rtx-time=3000\r\n\
    a=rid:h send\r\na=simulcast:send h\r\n\
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

fn browser() -> Description {
    Description::parse(BROWSER).expect("a description")
}

#[test]
fn what_is_switched_on_stays() {
    let on = [Codec::Pcmu, Codec::Opus, Codec::H264 { profile_level: 0x0064_0032, mode: 1 }];
    let text = can(&browser(), &on, |_| true).write();
    assert!(text.contains("m=audio 9 UDP/TLS/RTP/SAVPF 111 0 126\r\n"), "its author's order: {text}");
    assert!(text.contains("m=video 9 UDP/TLS/RTP/SAVPF 98\r\n"), "{text}");
    assert!(
        text.contains(
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=inactive\r\n"
        ),
        "{text}"
    );
    for gone in ["red/", "VP8", "rtx", "rid:", "simulcast", "orientation"] {
        assert!(!text.contains(gone), "{gone}: {text}");
    }
    assert_eq!((text.matches("a=recvonly").count(), text.matches("a=sendrecv").count()), (1, 1));
    let none = can(&browser(), &on, |place| place == 1);
    assert!(none.sections()[0].is_rejected() && !none.sections()[1].is_rejected());
    assert!(can(&browser(), &[Codec::G722], |_| true).sections().iter().all(Section::is_rejected));
}

#[test]
fn codecs_are_listed_once_and_the_first_of_each_kind_is_found() {
    let h264 = Codec::H264 { profile_level: 0x0042_e01f, mode: 1 };
    assert_eq!(codecs(&browser()), [Codec::Opus, Codec::Pcmu, Codec::Vp8, h264]);
    assert_eq!(first(&browser()), (Some(Codec::Opus), Some(Codec::Vp8)));
    let quiet = Description::parse(&BROWSER.replace("m=audio 9", "m=audio 0")).expect("a description");
    assert_eq!(first(&quiet), (None, Some(Codec::Vp8)));
}

#[test]
fn repetitions_stay_with_what_they_repeat() {
    let browser = browser();
    let video = &browser.sections()[1];
    assert_eq!(with_repeats(video, 98), [98, 99]);
    assert_eq!(with_repeats(video, 97), [97]);
    let text = Description::new(vec![], vec![narrow(video, &with_repeats(video, 98), Direction::SEND)]).write();
    assert!(text.starts_with("m=video 9 UDP/TLS/RTP/SAVPF 98 99\r\na=mid:1\r\na=rtcp-fb:* nack\r\n"), "{text}");
    assert!(text.contains("apt=98") && !text.contains("apt=96") && text.ends_with("a=sendonly\r\n"), "{text}");
}

#[test]
fn arrivals_are_told_of_pictures_alone() {
    let line = format!("a=mid:0\r\na=extmap:3 http://www.ietf.org/id/{ARRIVALS}\r\n");
    let text = BROWSER.replace("a=mid:0\r\n", &line).replace("a=mid:1\r\n", &line.replace("mid:0", "mid:1"));
    let browser = Description::parse(&text).expect("a description");
    let extensions = |place: usize| {
        let section = &browser.sections()[place];
        narrow(section, &with_repeats(section, 111), Direction::SEND).attributes("extmap").count()
    };
    assert_eq!((extensions(0), extensions(1)), (0, 1));
}

#[test]
fn a_call_that_nobody_has_described_has_a_description() {
    let codecs_ = [
        Codec::Opus,
        Codec::Pcma,
        Codec::Vp8,
        Codec::H264 { profile_level: 0x0042_e01f, mode: 1 },
        Codec::Vp9 { profile: 2 },
        Codec::Av1 { profile: 1 },
    ];
    let own_ = own(&codecs_);
    assert_eq!(codecs(&own_), codecs_);
    assert_eq!(Formats::read(&own_.sections()[0]).digits, Some(126));
    assert_eq!(own(&[Codec::Pcmu]).sections().len(), 1, "no pictures");
    assert_eq!(Description::parse(&own_.write()).as_ref(), Ok(&own_));
}

#[test]
fn the_group_names_what_is_meant() {
    let browser = browser();
    let sections = [browser.sections()[0].clone(), rejected(&browser.sections()[1])];
    let lines = bundled(browser.lines(), &sections);
    let groups: Vec<&str> = lines.iter().map(Line::value).filter(|value| value.starts_with("group:")).collect();
    assert_eq!(groups, ["group:BUNDLE 0"]);
}
