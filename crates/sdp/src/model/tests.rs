use super::*;

const TEXT: &str = "v=0\r\no=- 1 2 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=sendonly\r\n\
    m=audio 5004 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
    m=video 0 RTP/AVP 96\r\nc=IN IP6 2001:db8::1\r\na=recvonly\r\na=x\r\n";

#[test]
fn what_is_read_is_written_again() {
    let description = Description::parse(TEXT).expect("a description");
    assert_eq!(description.write(), TEXT);
    let sloppy = TEXT.replace("\r\n", "\n\n  ").replace("m=audio", "nonsense\nm=audio");
    assert_eq!(Description::parse(&sloppy).map(|description| description.write()).as_deref(), Ok(TEXT));
    assert_eq!(Description::parse(&TEXT.replace("\r\n", "\r")).as_ref(), Ok(&description));
}

#[test]
fn sections_know_their_lines() {
    let description = Description::parse(TEXT).expect("a description");
    let [audio, video] = description.sections() else { panic!("two sections") };
    assert_eq!((audio.kind(), audio.port(), audio.protocol()), ("audio", 5_004, "RTP/AVP"));
    assert_eq!(audio.formats(), ["0", "101"]);
    assert_eq!(audio.of_payload("rtpmap", 101), Some("telephone-event/8000"));
    assert_eq!((audio.of_payload("fmtp", 101), audio.of_payload("fmtp", 0)), (Some("0-15"), None));
    assert_eq!((video.attribute("x"), video.attribute("rtpmap"), audio.attribute("x")), (Some(""), None, None));
    assert_eq!(audio.attributes("rtpmap").count(), 2);
    assert!(!audio.is_rejected() && video.is_rejected());
    assert_eq!(description.direction(audio), Direction::SEND, "the session's");
    assert_eq!(description.direction(video), Direction::RECV, "its own");
    assert_eq!(description.address(audio), Some([10, 0, 0, 1].into()));
    assert_eq!(description.address(video).map(|address| address.to_string()).as_deref(), Some("2001:db8::1"));
    let two = Description::parse(&TEXT.replace("audio 5004", "audio 5004/2")).expect("a description");
    assert_eq!(two.sections()[0].port(), 5_004, "the first of two in a row");
    let bundled = TEXT.replace("a=x", "a=bundle-only");
    assert!(!Description::parse(&bundled).expect("a description").sections()[1].is_rejected());
}

#[test]
fn addresses_that_are_none() {
    for (line, address) in [
        ("c=IN IP4 224.2.1.1/127/3", Some("224.2.1.1")),
        ("c=IN IP4 phone.example.com", None),
        ("c=IN IP4", None),
        ("c=ATM NSAP 1", None),
    ] {
        let text = TEXT.replacen("c=IN IP4 10.0.0.1", line, 1);
        let description = Description::parse(&text).expect("a description");
        let found = description.address(&description.sections()[0]).map(|address| address.to_string());
        assert_eq!(found.as_deref(), address, "{line}");
    }
    let none = TEXT.replacen("c=IN IP4 10.0.0.1\r\n", "", 1);
    let description = Description::parse(&none).expect("a description");
    assert_eq!(description.address(&description.sections()[0]), None);
}

#[test]
fn what_is_no_description() {
    use Unreadable::*;
    for (text, why) in [
        (String::new(), NoDescription),
        ("v=0\r\n".into(), NoDescription),
        ("v=1\r\nm=audio 1 RTP/AVP 0\r\n".into(), NoDescription),
        ("hello\r\nv=0\r\nm=audio 1 RTP/AVP 0\r\n".into(), NoDescription),
        ("v=0\r\nm=audio 1 RTP/AVP\r\n".into(), MediaLine),
        ("v=0\r\nm=audio x RTP/AVP 0\r\n".into(), MediaLine),
        ("v=0\r\nm=audio 65536 RTP/AVP 0\r\n".into(), MediaLine),
        ("v=0\r\nm=\r\n".into(), MediaLine),
        (format!("{TEXT}a={}", "x".repeat(BYTES)), TooLarge),
        (format!("{TEXT}{}", "a=x\r\n".repeat(LINES)), TooLarge),
        (format!("v=0\r\n{}", "m=audio 1 RTP/AVP 0\r\n".repeat(SECTIONS + 1)), TooLarge),
    ] {
        assert_eq!(Description::parse(&text), Err(why), "{text:.60}");
    }
}

#[test]
fn no_line_becomes_two() {
    let mut section = Section::new("au dio", 9, "RTP/AVP\r\na=evil", &["0 1", "\r\n"]);
    section.push('a', "x\r\na=evil\ny\u{0}");
    assert_eq!(
        (section.kind(), section.protocol(), section.formats()),
        ("audio", "RTP/AVPa=evil", ["01".to_owned()].as_slice())
    );
    let text = Description::new(vec![Line::new('v', "0\r\n")], vec![section]).write();
    assert_eq!(text, "v=0\r\nm=audio 9 RTP/AVPa=evil 01\r\na=xa=evily\r\n");
    assert_eq!(Section::new("", 0, "", &[]).formats(), ["0"]);
    assert_eq!(Line::new('\n', "y").letter(), 'x');
}

#[test]
fn directions_are_seen_from_both_sides() {
    for direction in [Direction::BOTH, Direction::NONE, Direction::SEND, Direction::RECV] {
        assert_eq!(direction.mirrored().mirrored(), direction);
        assert_eq!(direction.and(Direction::BOTH), direction);
        assert_eq!(Direction::of(&Line::new('a', direction.word())), Some(direction));
    }
    assert_eq!(Direction::SEND.mirrored(), Direction::RECV);
    assert_eq!(Direction::SEND.and(Direction::RECV), Direction::NONE);
}
