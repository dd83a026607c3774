//! Messages after the kinds of RFC 4475, written by hand: each with its documented reaction, and an agent that lives.

use super::*;

/// What is done with a message: the first line of the answer, `"call"` if it rings, or `""` for silence.
fn reaction(world: &mut World, text: &[u8]) -> String {
    let remote = PEER.parse().expect("an address");
    let origin = Origin { flow: 1, transport: Transport::Udp, remote, local: local() };
    world.new.clear();
    world.forget_sent();
    world.input(Input::Received(origin, text.to_vec()));
    if world.new.pop().is_some() { "call".to_owned() } else { world.first_lines().pop().unwrap_or_default() }
}

fn message(first: &str, lines: &str, body: &str) -> String {
    format!("{first}\r\n{lines}\r\n{body}").replace("\r\n\r\n\r\n", "\r\n\r\n")
}

const REST: &str = "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKa;rport\r\nFrom: <sip:b@d>;tag=1\r\nTo: <sip:x@d>\r\n\
    Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n";

/// The usual request with one line replaced; an empty one is left out.
fn options(name: &str, line: &str) -> String {
    let kept = REST.split_inclusive("\r\n").filter(|row| !row.starts_with(&format!("{name}:")));
    let line = if line.is_empty() { String::new() } else { format!("{line}\r\n") };
    message("OPTIONS sip:x@d SIP/2.0", &(kept.collect::<String>() + &line), "")
}

#[test]
fn messages_of_rfc_4475() {
    let call = "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKkdjuw;rport\r\n";
    // Section 3.1.1.1: blanks, folds, compact and unknown names, escapes, odd cases.
    let tortuous = "INVITE sip:demo@rooms.example;colour=blue SIP/2.0\r\nTO :\r\n sip:demo@rooms.example\r\n\
         from   : \"Zo\u{eb} \\\\\\\"\"       <sip:zoe@example.com>\r\n  ;\r\n  tag = 7f3a\r\nmAx-FoRwArDs: 0042\r\n\
         Call-ID: blanks@10.0.0.9\r\nContent-Length   : 0\r\ncseq: 0007\r\n  INVITE\r\n\
         Via  : SIP  /   2.0\r\n /UDP\r\n    10.0.0.9;rport;branch=z9hG4bKblanks\r\ns :\r\n\
         X-Nobody-Has-This:   one\r\n two\r\nX-Odd: ;;,,;;,;\r\n\
         m:\"He said \\\"here\\\"\" <sip:zoe@example.com> ; fresh =\r\n      yes ;\r\n  other ; q = 0.5\r\n\r\n";
    let table: Vec<(&str, String, &str)> = vec![
        ("3.1.1.1 wsinv", tortuous.to_owned(), "call"),
        (
            "3.1.1.2 intmeth",
            message(
                "%Ask-Me.7_*+`!'~ sip:1_odd.user~(really!)&so'on+x$/y?,/;;*:&z+has=1,w!pw$x_y.(z)@example.com SIP/2.0",
                &format!(
                    "{call}From: <sip:b@example.com>;tag=1\r\nTo: \"BEL\\\u{7} NUL DEL\u{7f}\" <sip:1_odd@example.com>\r\n\
                     Call-ID: odd\r\nCSeq: 1391 %Ask-Me.7_*+`!'~\r\nMax-Forwards: 255\r\n"
                ),
                "",
            ),
            "405 Method Not Allowed",
        ),
        ("3.1.1.3 esc01", options("To", "To: <sip:%62o%62@example.com>"), "200 OK"),
        ("3.1.1.4 escnull", options("To", "To: <sip:a-%00-b@example.com>"), "200 OK"),
        ("3.1.1.8 semiuri", options("From", "From: <sip:a;b=c@d>;tag=1"), "200 OK"),
        (
            "3.1.1.10 transports",
            options("Via", "Via: SIP/2.0/PIGEON 10.0.0.9;branch=z9hG4bKt;rport, SIP/2.0/SCTP x;branch=y"),
            "200 OK",
        ),
        ("3.1.1.13 noreason", "SIP/2.0 100 \r\n\r\n".to_owned(), ""),
        ("3.1.2.1 badinv01", options("Contact", "Contact: \"Zoe\" <sip:zoe@example.org>;;;;"), "200 OK"),
        ("3.1.2.2 clerr", options("Content-Length", "Content-Length: 9999"), "400 Bad Content-Length"),
        ("3.1.2.3 ncl", options("Content-Length", "Content-Length: -999"), "400 Bad Content-Length"),
        ("3.1.2.4 scalar02", options("CSeq", "CSeq: 99999999999999999999 OPTIONS"), "400 Bad CSeq"),
        ("3.1.2.4 scalar02 hops", options("Max-Forwards", "Max-Forwards: 300"), "400 Bad Max-Forwards"),
        ("3.1.2.5 scalarlg", "SIP/2.0 503 x\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nCSeq: 88888888888888888888 OPTIONS\r\n\r\n".to_owned(), ""),
        ("3.1.2.6 quotbal", options("To", "To: \"Zoe <sip:zoe@example.com>"), "400 Bad To"),
        ("3.1.2.7 ltgtruri", options("", "").replace("OPTIONS sip:x@d", "OPTIONS <sip:x@d>"), "400 Bad Request-Line"),
        ("3.1.2.8 lwsruri", options("", "").replace("OPTIONS sip:x@d", "OPTIONS sip:x@d; lr"), "400 Bad Request-Line"),
        ("3.1.2.9 lwsstart", options("", "").replace("OPTIONS sip:x@d SIP", "OPTIONS  sip:x@d  SIP"), "400 Bad Request-Line"),
        ("3.1.2.10 trws", options("", "").replace("SIP/2.0\r\nVia", "SIP/2.0  \r\nVia"), "400 Bad Request-Line"),
        ("3.1.2.11 escruri", options("", "").replace("sip:x@d SIP", "sip:x@d?Route=%3Csip:y%3E SIP"), "400 Bad Request-Line"),
        ("3.1.2.12 baddate", options("Date", "Date: Mon, 32 Foo 2026 25:00:00 CEST"), "200 OK"),
        ("3.1.2.13 regbadct", options("Contact", "Contact: sip:zoe@example.com?Route=%3Csip:y%3E"), "200 OK"),
        ("3.1.2.14 badaspec", options("To", "To: \"Miller, Zoe\" < sip:zoe@example.org >"), "200 OK"),
        ("3.1.2.15 baddn", options("From", "From: Miller, Zoe <sip:zoe@example.com>;tag=43"), "200 OK"),
        ("3.1.2.16 badvers", options("", "").replace("x@d SIP/2.0", "x@d SIP/7.0"), "505 Version Not Supported"),
        ("3.1.2.17 mismatch01", options("CSeq", "CSeq: 8 INVITE"), "400 Bad CSeq"),
        ("3.1.2.18 mismatch02", options("CSeq", "CSeq: 8 NOVEL").replace("OPTIONS sip", "NOVEL sip"), "405 Method Not Allowed"),
        ("3.1.2.19 bigcode", "SIP/2.0 4294967299 best\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\r\nCSeq: 1 OPTIONS\r\n\r\n".to_owned(), ""),
        ("3.2.1 badbranch", options("Via", "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK;rport"), "200 OK"),
        ("3.3.1 insuf", options("To", ""), "400 Missing To"),
        ("3.3.1 insuf call", options("Call-ID", ""), "400 Missing Call-ID"),
        ("3.3.2 unkscm", options("", "").replace("sip:x@d SIP", "whatisthis:opaque SIP"), "416 Unsupported URI Scheme"),
        ("3.3.3 novelsc", options("", "").replace("sip:x@d SIP", "gopher.x://10.0.0.3:70 SIP"), "416 Unsupported URI Scheme"),
        ("3.3.4 unksm2", options("From", "From: <urn:x:1>;tag=1"), "200 OK"),
        ("3.3.5 bext01", options("Require", "Require: levitation, telepathy"), "420 Bad Extension"),
        ("3.3.6 invut", message("INVITE sip:x@rooms.example SIP/2.0", &format!("{call}From: <sip:b@d>;tag=1\r\nTo: <sip:x@d>\r\nCall-ID: invut\r\nCSeq: 8 INVITE\r\nContact: <sip:b@10.0.0.9>\r\nContent-Type: application/x-nobody\r\nContent-Length: 3\r\n"), "abc"), "415 Unsupported Media Type"),
        ("3.3.8 multi01", options("Call-ID", "Call-ID: 1\r\nCall-ID: 2"), "400 More Than One Call-ID"),
        ("3.3.8 multi01 from", options("From", "From: <sip:b@d>;tag=1\r\nFrom: <sip:c@d>;tag=2"), "400 More Than One From"),
        ("3.3.9 mcl01", options("Content-Length", "Content-Length: 0\r\nContent-Length: 5"), "400 Bad Content-Length"),
        ("3.3.11 bcast", options("", "").replace("OPTIONS sip:x@d SIP/2.0", "SIP/2.0 200 OK"), ""),
        ("3.3.12 zeromf", options("Max-Forwards", "Max-Forwards: 0"), "200 OK"),
        ("3.3.13 cparam01", options("Contact", "Contact: sip:+4930@gw.example;odd"), "200 OK"),
        ("3.3.15 regescrt", options("Contact", "Contact: <sip:zoe@example.com?Route=%3Csip:y%3E>"), "200 OK"),
        ("3.4.1 inv2543", "INVITE sip:demo@rooms.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.9\r\nFrom: <sip:b@d>\r\nTo: sip:x@d\r\nCall-ID: inv2543\r\nCSeq: 56 INVITE\r\nContact: <sip:b@10.0.0.9>\r\n\r\n".to_owned(), "call"),
        ("no line end", "OPTIONS sip:x@d SIP/2.0".to_owned(), ""),
        ("no Via", options("Via", ""), ""),
        ("line without a name", options("Subject", ": x"), "400 Bad Header Line"),
        ("line without a colon", options("Subject", "Subject"), "400 Bad Header Line"),
        ("not SIP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), ""),
        ("nothing", "\r\n\r\n\r\n".to_owned(), ""),
        ("too many lines", options("X", &"X: y\r\n".repeat(400)), "400 Too Many Header Lines"),
    ];
    let mut failed = Vec::new();
    for (number, (name, text, expected)) in table.into_iter().enumerate() {
        let mut world = World::with(Settings { domains: vec!["rooms.example".into()], ..Settings::default() });
        let found = reaction(&mut world, text.as_bytes());
        if found != expected {
            failed.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
        // It lives.
        let probe = options("Call-ID", &format!("Call-ID: probe{number}")).replace("z9hG4bKa", "z9hG4bKprobe");
        assert_eq!(reaction(&mut world, probe.as_bytes()), "200 OK", "after {name}");
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn no_line_of_a_stranger_becomes_one_of_ours() {
    let mut world = World::with(Settings { domains: vec!["rooms.example".into()], ..Settings::default() });
    let text = options("Via", "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK\u{1}\u{b}x;rport")
        .replace("Call-ID: 1", "Call-ID: 1\u{85}X-Evil: 1\rX-Worse: 2");
    reaction(&mut world, text.as_bytes());
    let remote = PEER.parse().expect("an address");
    let origin = Origin { flow: 1, transport: Transport::Udp, remote, local: local() };
    world.core.handle(Input::Received(origin, text.replace("z9hG4bK", "z9hG4bK2").into_bytes()), world.now);
    let Some(Effect::Reply { bytes, .. }) = world.core.effects.pop() else { panic!("no answer") };
    let text = String::from_utf8(bytes).expect("text");
    assert!(text.split("\r\n").all(|line| !line.starts_with("X-") && !line.contains(char::is_control)), "{text}");
}

/// Every cut and many a bent byte of real messages: nothing panics, and everything stays bounded.
#[test]
fn cut_and_bent_messages() {
    let (mut world, token) = World::registered();
    let whole = [invite(&token, "c1", "Session-Expires: 90\r\nRecord-Route: <sip:a;lr>,<sip:b>\r\n"), options("", "")];
    for text in whole {
        for at in 0..text.len() {
            for byte in [0, b'\n', b'"', b'<', b';', b'=', 0xff] {
                let mut bent = text.clone().into_bytes();
                bent[at] = byte;
                reaction(&mut world, &bent);
            }
            reaction(&mut world, &text.as_bytes()[..at]);
        }
    }
    world.pass(Duration::from_secs(400));
    assert!(world.core.servers.is_empty() && world.core.calls.is_empty(), "all of it is forgotten");
}
