//! A rendezvous server of few words, for one connection at a time.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::support::{PATIENCE, ask, server};

/// The handshake's answer, as the real one's.
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n\
    47\r\n4d4f185e96a7b12345ab:60:60:websocket,htmlfile,xhr-polling,jsonp-polling\r\n0\r\n\r\n";

fn accept(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("it waits no longer than the test");
    let until = Instant::now() + PATIENCE;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).expect("it may wait");
                stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                return stream;
            }
            Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(5)),
            Err(error) => panic!("nobody came: {error}"),
        }
    }
}

/// A request's head.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("a head");
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("text")
}

fn upgraded(stream: &mut TcpStream) {
    let head = head(stream);
    assert!(head.starts_with("GET /socket.io/1/websocket/4d4f185e96a7b12345ab HTTP/1.1\r\n"), "{head}");
    assert!(!head.to_lowercase().contains("extensions"), "{head}");
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("a key");
    let accept = STANDARD.encode(Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    // The first packet comes in the same segment.
    stream.write_all(&[answer.as_bytes(), b"\x81\x031::"].concat()).expect("it is read");
}

fn say(stream: &mut TcpStream, text: &str) {
    let length = u8::try_from(text.len()).expect("short");
    assert!(length < 126);
    stream.write_all(&[&[0x81, length][..], text.as_bytes()].concat()).expect("it is read");
}

/// The next text, or `None` for a close frame or the end.
fn hear(stream: &mut TcpStream) -> Option<String> {
    let mut start = [0; 2];
    stream.read_exact(&mut start).ok()?;
    assert!(start[1] & 0x80 != 0, "clients mask");
    let length = match start[1] & 0x7f {
        126 => {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            usize::from(u16::from_be_bytes(length))
        }
        length => usize::from(length),
    };
    let (mut mask, mut text) = ([0; 4], vec![0; length]);
    stream.read_exact(&mut mask).ok()?;
    stream.read_exact(&mut text).ok()?;
    if start[0] & 0x0f == 8 {
        return None;
    }
    let text = text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    Some(String::from_utf8(text).expect("text"))
}

/// Lets the device into its room.
fn welcome(stream: &mut TcpStream) {
    say(stream, r#"5:::{"name":"ersid","args":[{"id":"E"}]}"#);
    let join = hear(stream).expect("a join");
    assert!(join.starts_with(r#"5:1+::{"name":"join","args":["room",{"index":"#), "{join}");
    say(stream, r#"6:::1+[null,{"clients":{}}]"#);
    say(stream, "2::");
    assert_eq!(hear(stream).as_deref(), Some("2::"));
}

fn status(server: &crate::common::process::Server) -> String {
    ask(server, "getConfigInfo id=1")
        .split(r#""current":{"description":""#)
        .nth(1)
        .expect("a status")
        .split('"')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// On one connection, as a device does it; and what is stopped is gone at once.
#[test]
fn it_goes_into_its_room_and_leaves_it() {
    let server = server(&[]);
    let ers = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = ers.local_addr().expect("bound").port();
    assert!(ask(&server, &format!("startWebrtc ers=localhost ersport={port} roomid=room")).contains("SUCCESS"));
    let mut device = accept(&ers);
    assert!(head(&mut device).starts_with("GET /socket.io/1/?t="));
    device.write_all(CHUNKED.as_bytes()).expect("it is read");
    upgraded(&mut device);
    welcome(&mut device);
    assert_eq!(status(&server), "Joined");
    let begun = Instant::now();
    assert!(ask(&server, "stopWebrtc").contains("SUCCESS"));
    assert_eq!(hear(&mut device), None);
    assert!(begun.elapsed() < Duration::from_secs(1));
}

/// E1; and E2's second half: who loses its server comes back, also after a restart of its own.
#[test]
fn a_server_that_closes_after_the_handshake_is_asked_again() {
    let server = server(&[]);
    let ers = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = ers.local_addr().expect("bound").port();
    assert!(ask(&server, &format!("startWebrtc ersip=127.0.0.1 ersport={port} roomid=room")).contains("SUCCESS"));
    for _ in 0..2 {
        let mut first = accept(&ers);
        head(&mut first);
        let body = "4d4f185e96a7b12345ab:60:60:websocket";
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        first.write_all(answer.as_bytes()).expect("it is read");
        drop(first);
        let mut device = accept(&ers);
        upgraded(&mut device);
        welcome(&mut device);
    }
}

/// What a server elsewhere does wrong is the end of that connection, and it is tried again.
#[test]
fn nonsense_of_a_server_is_survived() {
    let server = server(&[]);
    let ers = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = ers.local_addr().expect("bound").port();
    assert!(ask(&server, &format!("startWebrtc ersip=127.0.0.1 ersport={port} roomid=room")).contains("SUCCESS"));
    for answer in ["nonsense\r\n\r\n", "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"] {
        let mut device = accept(&ers);
        head(&mut device);
        device.write_all(answer.as_bytes()).expect("it is read");
    }
    let mut device = accept(&ers);
    head(&mut device);
    device.write_all(CHUNKED.as_bytes()).expect("it is read");
    upgraded(&mut device);
    device.write_all(b"\x81\xffrubbish").expect("it is read");
    let mut end = Vec::new();
    let _ = device.read_to_end(&mut end);
    assert_eq!(status(&server), "Connecting");
}
