use super::*;

fn message(text: &str) -> Message {
    let (message, fault) = read(text.as_bytes()).expect("SIP");
    assert_eq!(fault, None, "{text}");
    message
}

#[test]
fn a_message_is_read_and_written_again() {
    let text = "INVITE sip:bob@example.com SIP/2.0\r\nv: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1 , SIP/2.0/TCP x;branch=2\r\n\
        f: \"A;tag=no\" <sip:a@d;tag=no>;tag=yes\r\nt: sip:b@d\r\ni: c@d\r\nCSeq: 7 INVITE\r\nm: <sip:a@10.0.0.1>\r\n\
        c: Application/SDP; x=y\r\nl: 5\r\n\r\nv=0\r\nignored";
    let message = message(text);
    assert_eq!(
        (message.uri(), message.call_id(), message.tag("From"), message.tag("To")),
        ("sip:bob@example.com", "c@d", Some("yes"), None)
    );
    assert_eq!(message.cseq(), Some((7, Method::Invite)));
    assert_eq!(
        (message.content_type().as_deref(), message.sdp().as_deref()),
        (Some("application/sdp"), Some("v=0\r\n"))
    );
    let via = message.via().expect("a Via");
    assert_eq!(
        (via.sent_by.as_str(), via.port, via.branch.as_str(), via.rport),
        ("10.0.0.1:5060", Some(5060), "z9hG4bK1", false)
    );
    let written = message.write();
    let (again, fault) = read(&written).expect("ours");
    assert_eq!(fault, None);
    assert!(String::from_utf8_lossy(&written).ends_with("Content-Length: 5\r\n\r\nv=0\r\n"));
    assert_eq!(again.body, message.body);
    let lines = |message: &Message| {
        message.lines.iter().filter(|line| line.name != "Content-Length").cloned().collect::<Vec<_>>()
    };
    assert_eq!(lines(&again), lines(&message));
}

#[test]
fn a_response_has_what_its_request_had() {
    let request = message(
        "BYE sip:x SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=1\r\nVia: SIP/2.0/UDP b;branch=2\r\nFrom: <sip:a@d>;tag=1\r\nTo: <sip:b@d>\r\nCall-ID: c\r\nCSeq: 1 BYE\r\nSubject: x\r\n\r\n",
    );
    let response = Message::response(&request, 200, "OK", Some("t"));
    assert_eq!(response.values("Via").count(), 2);
    assert_eq!((response.value("To"), response.value("Subject")), (Some("<sip:b@d>;tag=t"), None));
    let again = Message::response(&response, 200, "OK", Some("other"));
    assert_eq!(again.value("To"), Some("<sip:b@d>;tag=t"), "it has one");
}

#[test]
fn descriptions_among_other_parts() {
    let body =
        "--x\r\nContent-Type: text/plain\r\n\r\nhello\r\n--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--x--";
    let text = format!(
        "INVITE sip:x SIP/2.0\r\nContent-Type: multipart/mixed;boundary=\"x\"\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(message(&text).sdp().as_deref(), Some("v=0\r\n"));
}

#[test]
fn no_control_character_is_written() {
    let mut request = Message::request(Method::Other("X\r\nY".into()), "sip:a\r\nVia: x");
    request.push("Subject", "a\r\nVia: evil\u{85}\u{0}");
    request.push("X-B\r\nY", "\t1");
    let written = String::from_utf8(request.write()).expect("text");
    assert_eq!(written, "XY sip:aVia: x SIP/2.0\r\nSubject: aVia: evil\r\nX-BY: 1\r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn where_a_request_came_from_is_written_into_its_via() {
    let from = "192.0.2.9:4000".parse().expect("an address");
    for (value, expected) in [
        ("SIP/2.0/UDP a:5060;branch=x;rport", "SIP/2.0/UDP a:5060;branch=x;rport=4000;received=192.0.2.9"),
        ("SIP/2.0/UDP a ; received=1.2.3.4 ;branch=x", "SIP/2.0/UDP a;branch=x;received=192.0.2.9"),
    ] {
        assert_eq!(Via::received(value, from), expected);
    }
    for (value, sent_by, port) in [
        ("SIP / 2.0 / UDP first.example.com: 4000;ttl=16", Some("first.example.com:4000"), Some(4000)),
        ("SIP/2.0/TLS [2001:DB8::1]:5061", Some("[2001:db8::1]:5061"), Some(5061)),
        ("SIP/2.0/TLS [2001:db8::1]", Some("[2001:db8::1]"), None),
        ("SIP/2.0/UDP", None, None),
        ("SIP/2.0/UDP a:99999", None, None),
        ("HTTP/1.1/TCP a", None, None),
        ("", None, None),
    ] {
        let via = Via::parse(value);
        assert_eq!(via.as_ref().map(|via| via.sent_by.as_str()), sent_by, "{value}");
        assert_eq!(via.and_then(|via| via.port), port, "{value}");
    }
}

#[test]
fn uris_of_addresses() {
    for (value, uri) in [
        ("<sip:a@d;lr>;x=<y>", "sip:a@d;lr"),
        ("\"<sip:evil@d>\" <sip:a@d>", "sip:a@d"),
        ("\"a\\\"<sip:evil>\" <sip:a@d>", "sip:a@d"),
        ("sip:a@d;tag=1", "sip:a@d"),
        ("Bob <tel:+49>;tag=1", "tel:+49"),
        ("\"never closed <sip:a@d>", ""),
    ] {
        assert_eq!(uri_of(value), uri, "{value}");
    }
}

#[test]
fn messages_of_a_stream() {
    let one = b"OPTIONS sip:x SIP/2.0\r\nContent-Length: 3\r\n\r\nabc".to_vec();
    let two = b"SIP/2.0 200 OK\r\n\r\n".to_vec();
    let all = [b"\r\n\r\n".as_slice(), &one, b"\r\n", &two, &one].concat();
    for size in [1, 2, 3, 7, all.len()] {
        let (mut framer, mut found) = (Framer::default(), Vec::new());
        for chunk in all.chunks(size) {
            framer.push(chunk);
            loop {
                match framer.next() {
                    Framed::Nothing => break,
                    framed => found.push(framed),
                }
            }
        }
        let message = |bytes: &Vec<u8>| Framed::Message(bytes.clone());
        assert_eq!(found, [Framed::Ping, message(&one), message(&two), message(&one)], "pieces of {size}");
        assert!(!framer.is_waiting());
    }
    for text in [
        "OPTIONS sip:x SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n".to_owned(),
        "OPTIONS sip:x SIP/2.0\r\nContent-Length: 70000\r\n\r\n".to_owned(),
        "OPTIONS sip:x SIP/2.0\r\nContent-Length: x\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\n\r\n".to_owned(),
        format!("OPTIONS sip:x SIP/2.0\r\nX: {}", "y".repeat(HEAD_BYTES)),
    ] {
        let mut framer = Framer::default();
        framer.push(text.as_bytes());
        assert_eq!(framer.next(), Framed::Broken, "{}", text.len());
    }
}
