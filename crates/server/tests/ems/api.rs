use std::io::Read;
use std::net::Shutdown;
use std::time::Duration;

use crate::support::{answer, ask, at, connect, http, rest, say, server};

const START: &str = "startWebrtc ersip=127.0.0.1 ersport=1 roomid=testRoom";

/// G5.
#[test]
fn bytes_are_those_of_the_product() {
    let server = server(&[]);
    let mut json = connect(&server, "json");
    say(&mut json, b"startWebrtc ersip=127.0.0.1 ersport=3535 roomid=testRoom\r\n");
    let expected = concat!(
        "\0\0\x01\x3d",
        r#"{"data":{"configId":1,"ers":"","ersOverSsl":false,"ersip":"127.0.0.1","ersport":3535,"keepAlive":true,"#,
        r#""name":"evostreamms","operationType":9,"roomid":"testRoom","sslCert":"..\/config\/server.cert","#,
        r#""sslKey":"..\/config\/server.key","token":""},"description":"Started WebRTC Negotiation Service","#,
        r#""status":"SUCCESS"}"#,
        "\r\n\r\n"
    );
    let mut bytes = vec![0; expected.len()];
    json.read_exact(&mut bytes).expect("an answer");
    assert_eq!(String::from_utf8_lossy(&bytes), expected);
    say(&mut json, b"startWebrtc ersip=127.0.0.1 ersport=3535 roomid=testRoom\nquit\r");
    let again = "\0\0\0\x48{\"data\":null,\"description\":\"Unable to start WebRTC\",\"status\":\"FAIL\"}\r\n\r\n";
    let bye = "\0\0\0\x39{\"data\":null,\"description\":\"Bye!\",\"status\":\"SUCCESS\"}\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&rest(&mut json)), format!("{again}{bye}"));
}

/// A10, A18: line ends of any kind, blank lines, several commands in a segment, commands in pieces.
#[test]
fn lines_end_as_they_like() {
    let server = server(&[]);
    let mut json = connect(&server, "json");
    say(&mut json, b"\r\n\n\rfoo commandId=1\r\n\r\nFOO commandId=2\rfoo commandId=3\nfo");
    for id in ["1", "2", "3"] {
        assert!(
            answer(&mut json).contains(&format!(r#"not known. Type help for list of commands","responseId":"{id}","#))
        );
    }
    say(&mut json, b"o commandId=4\r\n");
    assert!(answer(&mut json).contains(r#"command foo not known. Type help for list of commands","responseId":"4""#));
}

/// Who has said all waits for all answers.
#[test]
fn a_half_closed_connection_is_answered_to_its_end() {
    let server = server(&[]);
    let mut json = connect(&server, "json");
    say(&mut json, format!("{START}\nlistConfig\nstartWebrtc ers=localhost ersport=2 roomid=r\n").as_bytes());
    json.shutdown(Shutdown::Write).expect("half of it");
    let all = String::from_utf8_lossy(&rest(&mut json)).into_owned();
    assert_eq!(all.matches(r#""status":"SUCCESS""#).count(), 3, "{all}");
    assert!(all.contains(r#""ers":"localhost","ersOverSsl":false,"ersip":"127.0.0.1""#), "{all}");
}

#[test]
fn people_read_lines() {
    let server = server(&[]);
    let mut ascii = connect(&server, "ascii");
    say(&mut ascii, b"stopWebrtc\nquit\n");
    let expected =
        "Command failed!\n\rUnable to stop WebRTC\n\r\n\rCommand entered successfully!\n\rBye!\n\r\n\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&rest(&mut ascii)), expected);
}

/// A13.
#[test]
fn requests_are_commands() {
    let server = server(&[]);
    let start = "/startWebrtc?params=ZXJzaXA9MTI3LjAuMC4xIGVyc3BvcnQ9MzUzNSByb29taWQ9dGVzdFJvb20=";
    let answer = http(&server, &format!("GET {start} HTTP/1.1\r\nHost: {}\r\n\r\n", at(&server, "http")));
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let length = body.len();
    assert_eq!(
        head,
        format!("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: {length}")
    );
    assert!(
        body.starts_with(r#"{"data":{"configId":1,"#) && body.ends_with("\"status\":\"SUCCESS\"}\r\n\r\n"),
        "{body}"
    );
    // "roomid=testRoom"
    let stop = "POST /any/stopwebrtc?x=cm9vbWlkPXRlc3RSb29t HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello";
    let body = r#"{"data":{"ersip":"","ersport":0,"roomid":"testRoom"},"description":"Stopped WebRTC Negotiation Service","status":"SUCCESS"}"#;
    assert!(http(&server, stop).ends_with(&format!("\r\n\r\n{body}\r\n\r\n")));
    for (request, status) in [
        ("GET /version?p=* HTTP/1.1\r\n\r\n", "400"),
        ("GET /version HTTP/1.0\r\n\r\n", "505"),
        ("PUT /version HTTP/1.1\r\n\r\n", "405"),
        ("nonsense\r\n\r\n", "400"),
        ("GET /version HTTP/1.1\r\nHost: evil.example\r\n\r\n", "403"),
        ("GET /version HTTP/1.1\r\nHost: localhost:7777\r\nSec-Fetch-Site: cross-site\r\n\r\n", "403"),
    ] {
        let answer = http(&server, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {answer}");
    }
    for request in [
        "GET /version HTTP/1.1\r\nHost: [::1]:7777\r\n\r\n",
        "GET /version HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: none\r\n\r\n",
        "GET /version HTTP/1.1\r\n\r\n",
    ] {
        assert!(http(&server, request).starts_with("HTTP/1.1 200 OK\r\n"), "{request}");
    }
}

/// What breaks the rules ends its own connection; the others go on.
#[test]
fn faults_are_no_matter_of_others() {
    let server = server(&[]);
    let mut other = connect(&server, "json");
    for bytes in [
        [&[b'x'; 16_384][..], b"\n"].concat(),
        vec![b'x'; 20_000],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nshutdownServer\r\n".to_vec(),
        b"POST / HTTP/1.1\r\n\r\nquit\r\n".to_vec(),
    ] {
        let mut one = connect(&server, "json");
        say(&mut one, &bytes);
        assert_eq!(rest(&mut one), b"", "{}", bytes.len());
    }
    let mut one = connect(&server, "json");
    say(&mut one, b"\xff\xfe\0\x01\r\n");
    assert!(answer(&mut one).contains("not known"));
    say(&mut one, &[&[b'x'; 16_383][..], b"\n"].concat());
    assert!(answer(&mut one).contains("not known"));
    // More callers than may be: the last are closed, and those that are there are served.
    let many: Vec<_> = (0..80).map(|_| connect(&server, "json")).collect();
    say(&mut other, b"version\n");
    assert!(answer(&mut other).contains("SUCCESS"));
    drop(many);
}

/// A17.
#[test]
fn the_server_ends_for_who_shows_the_key() {
    let mut server = server(&[]);
    let asked = ask(&server, "shutdownServer");
    let key = asked.strip_prefix(r#"{"data":{"key":""#).and_then(|rest| rest.get(..16)).expect("a key").to_owned();
    assert!(ask(&server, "shutdownServer key=wrong").contains("Shutdown key provided is invalid"));
    let mut json = connect(&server, "json");
    say(&mut json, format!("shutdownserver key={key}\n").as_bytes());
    assert_eq!(rest(&mut json), b"", "there is no answer");
    let status = server.wait(Duration::from_secs(5)).expect("it ends");
    assert!(status.success(), "{status}");
}

#[test]
fn nothing_listens_unless_it_is_asked_for() {
    let server = crate::common::process::Server::start(&[]);
    assert!(server.ready("ems").is_null());
}
