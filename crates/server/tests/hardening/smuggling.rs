//! Requests that two parsers could read in two ways.
//!
//! A first request that is an upgrade is judged by our own short way, everything else by hyper. Both must come to the
//! same verdict, and what stands behind an ambiguous request must never be answered as a second one.

use std::time::Duration;

use super::support::{keep_alive, rest};
use crate::common::process::Server;
use crate::common::wire::Wire;

/// The head of an upgrade that is admitted, in pieces that a case may change.
const LINE: &str = "GET /ws HTTP/1.1\r\n";
const HOST: &str = "Host: localhost\r\n";
const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
const SOCKET: &str = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn odd(line: &str, headers: &str) -> Vec<u8> {
    format!("{line}{HOST}{UPGRADE}{SOCKET}{headers}\r\n").into_bytes()
}

fn with(headers: &str) -> Vec<u8> {
    odd(LINE, headers)
}

fn line(line: &str) -> Vec<u8> {
    odd(&format!("{line}\r\n"), "")
}

/// In the place of the four usual pieces.
fn pieces(headers: &str) -> Vec<u8> {
    format!("{LINE}{headers}\r\n").into_bytes()
}

fn bytes_in(value: &[u8]) -> Vec<u8> {
    [LINE.as_bytes(), HOST.as_bytes(), UPGRADE.as_bytes(), SOCKET.as_bytes(), b"X: a", value, b"b\r\n\r\n"].concat()
}

/// What is odd, the head, and the status that both ways must give.
fn odd_heads() -> Vec<(&'static str, Vec<u8>, u16)> {
    let many = |count: usize| (0..count).map(|number| format!("X-{number}: y\r\n")).collect::<String>();
    vec![
        ("nothing", with(""), 101),
        // Bodies.
        ("a length of 0", with("Content-Length: 0\r\n"), 101),
        ("a length", with("Content-Length: 5\r\n"), 400),
        ("two equal lengths of 0", with("Content-Length: 0\r\nContent-Length: 0\r\n"), 101),
        ("two lengths", with("Content-Length: 0\r\nContent-Length: 5\r\n"), 400),
        ("two lengths, the other way", with("Content-Length: 5\r\nContent-Length: 0\r\n"), 400),
        ("lengths in a list", with("Content-Length: 0, 0\r\n"), 400),
        ("a length with a plus", with("Content-Length: +0\r\n"), 400),
        ("a negative length", with("Content-Length: -1\r\n"), 400),
        ("an empty length", with("Content-Length:\r\n"), 400),
        ("a length beyond 64 bits", with("Content-Length: 18446744073709551616\r\n"), 400),
        ("chunks", with("Transfer-Encoding: chunked\r\n"), 400),
        ("chunks in capitals", with("TRANSFER-ENCODING: CHUNKED\r\n"), 400),
        ("length and chunks", with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"), 400),
        ("chunks and length", with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"), 400),
        ("an unknown coding", with("Transfer-Encoding: xchunked\r\n"), 400),
        ("identity", with("Transfer-Encoding: identity\r\n"), 400),
        ("an empty coding", with("Transfer-Encoding:\r\n"), 400),
        ("chunks twice", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"), 400),
        // Hosts.
        ("no host", pieces(&format!("{UPGRADE}{SOCKET}")), 400),
        ("two hosts", with("Host: localhost\r\n"), 400),
        ("another host", with("host: evil.example\r\n"), 400),
        // Lines.
        ("a folded line", with("X: a\r\n b\r\n"), 400),
        ("a folded line of tabs", with("X: a\r\n\tb\r\n"), 400),
        ("a folded first line", pieces(&format!(" X: a\r\n{HOST}{UPGRADE}{SOCKET}")), 400),
        ("bare line feeds", String::from_utf8(with("")).expect("text").replace("\r\n", "\n").into_bytes(), 101),
        ("a bare carriage return", bytes_in(b"\r"), 400),
        ("two carriage returns", with("X: a\r\r\n"), 400),
        ("a space before the colon", with("X : a\r\n"), 400),
        ("a tab before the colon", with("X\t: a\r\n"), 400),
        ("a length behind a space", with("Content-Length : 5\r\n"), 400),
        ("no colon", with("X\r\n"), 400),
        ("no name", with(": a\r\n"), 400),
        ("a name in quotes", with("\"X\": a\r\n"), 400),
        ("a name in Unicode", with("X-\u{e9}: a\r\n"), 400),
        ("tabs around a value", with("X:\t a \t\r\n"), 101),
        (
            "tabs around the words",
            pieces(&format!("{HOST}Upgrade:\twebsocket\t\r\nConnection:\tUpgrade\r\n{SOCKET}")),
            101,
        ),
        ("a zero byte", bytes_in(b"\0"), 400),
        ("a control byte", bytes_in(b"\x01"), 400),
        ("an escape", bytes_in(b"\x1b[2J"), 400),
        ("a delete", bytes_in(b"\x7f"), 400),
        ("a value in Unicode", bytes_in("\u{202e}\u{e9}".as_bytes()), 101),
        ("a value that is no UTF-8", bytes_in(b"\xff\xfe"), 101),
        ("an empty line before it", [b"\r\n".to_vec(), with("")].concat(), 101),
        ("a space before it", [b" ".to_vec(), with("")].concat(), 400),
        // The request line.
        ("a method in lower case", line("get /ws HTTP/1.1"), 405),
        ("another method", line("POST /ws HTTP/1.1"), 405),
        ("a method of the proxy's", line("CONNECT /ws HTTP/1.1"), 405),
        ("no method that exists", line("G\u{c9}T /ws HTTP/1.1"), 400),
        ("the absolute form", line("GET http://localhost/ws HTTP/1.1"), 101),
        ("the asterisk form", line("GET * HTTP/1.1"), 404),
        ("the authority form", line("GET localhost:80 HTTP/1.1"), 404),
        ("two slashes", line("GET //ws HTTP/1.1"), 404),
        ("a slash behind it", line("GET /ws/ HTTP/1.1"), 404),
        ("an encoded letter", line("GET /%77s HTTP/1.1"), 404),
        ("an encoded slash", line("GET %2fws HTTP/1.1"), 400),
        ("dots", line("GET /./ws HTTP/1.1"), 404),
        ("capitals", line("GET /WS HTTP/1.1"), 404),
        ("a query", line("GET /ws?a=/b?c HTTP/1.1"), 101),
        ("a query of quotes", line("GET /ws?\" HTTP/1.1"), 400),
        ("a query as browsers write it", line("GET /ws?{}|\\^`'%22 HTTP/1.1"), 101),
        ("a query in Unicode", line("GET /ws?\u{e9}\u{202e} HTTP/1.1"), 101),
        ("a fragment", line("GET /ws#x HTTP/1.1"), 101),
        ("a fragment behind a query", line("GET /ws?a#x HTTP/1.1"), 101),
        ("two spaces", line("GET  /ws HTTP/1.1"), 400),
        ("a tab", line("GET\t/ws HTTP/1.1"), 400),
        ("a space in the path", line("GET /ws x HTTP/1.1"), 400),
        ("HTTP/1.0", line("GET /ws HTTP/1.0"), 426),
        ("HTTP/1.2", line("GET /ws HTTP/1.2"), 400),
        ("HTTP/2.0", line("GET /ws HTTP/2.0"), 400),
        ("HTTP/0.9", line("GET /ws"), 400),
        ("http/1.1", line("GET /ws http/1.1"), 400),
        // Numbers.
        ("90 headers more", with(&many(90)), 101),
        ("200 headers more", with(&many(200)), 431),
        ("a header of 9,000 bytes", with(&format!("X: {}\r\n", "x".repeat(9_000))), 431),
        ("a path of 9,000 bytes", line(&format!("GET /ws?{} HTTP/1.1", "x".repeat(9_000))), 431),
        // Headers of the upgrade.
        ("two upgrades", with("Upgrade: websocket\r\n"), 101),
        ("an upgrade to something else as well", with("Upgrade: h2c\r\n"), 101),
        (
            "upgrades in a list",
            pieces(&format!("{HOST}Upgrade: h2c, websocket\r\nConnection: Upgrade\r\n{SOCKET}")),
            101,
        ),
        (
            "an upgrade to something else",
            pieces(&format!("{HOST}Upgrade: h2c\r\nConnection: Upgrade\r\n{SOCKET}")),
            426,
        ),
        (
            "a word that only contains it",
            pieces(&format!("{HOST}Upgrade: websockets\r\nConnection: Upgrade\r\n{SOCKET}")),
            426,
        ),
        ("two connections", with("Connection: keep-alive\r\n"), 101),
        ("a connection that closes", with("Connection: close\r\n"), 101),
        ("two keys", with("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"), 400),
        ("two versions", with("Sec-WebSocket-Version: 13\r\n"), 400),
        ("another version as well", with("Sec-WebSocket-Version: 8\r\n"), 400),
        ("two origins", with("Origin: http://a.example\r\nOrigin: http://a.example\r\n"), 403),
        (
            "an origin that is no UTF-8",
            [LINE, HOST, UPGRADE, SOCKET].concat().into_bytes().into_iter().chain(*b"Origin: \xff\r\n\r\n").collect(),
            403,
        ),
    ]
}

/// The status of the answer to the last thing that was written; 0 if the connection ends without one.
fn verdict(mut wire: Wire, head: &[u8]) -> u16 {
    let mut heard = Vec::new();
    // A head that is too large may be refused before it is sent in full.
    if wire.write(head).is_ok() {
        let mut buffer = [0; 4_096];
        while !heard.windows(4).any(|window| window == b"\r\n\r\n") {
            match wire.read_within(&mut buffer, Duration::from_secs(5)) {
                Ok(length @ 1..) => heard.extend_from_slice(&buffer[..length]),
                _ => break,
            }
        }
    }
    let status = heard.strip_prefix(b"HTTP/1.1 ").or_else(|| heard.strip_prefix(b"HTTP/1.0 "));
    status.and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()).unwrap_or(0)
}

#[test]
fn the_first_request_and_a_later_one_are_judged_alike() {
    let server = Server::start(&[]);
    let mut wrong = Vec::new();
    for (what, head, expected) in odd_heads() {
        let first = verdict(Wire::connect(&server.address()).expect("the server accepts"), &head);
        let mut kept = Wire::connect(&server.address()).expect("the server accepts");
        keep_alive(&mut kept);
        let later = verdict(kept, &head);
        if (first, later) != (expected, expected) {
            wrong.push(format!("{what}: {first} as the first request, {later} as a later one, expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The request that must not be answered, and what its answer would be known by.
const SECOND: &str = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const SECOND_ANSWER: &[u8] = b"ready\n";

fn is_answered(server: &Server, kept: bool, bytes: &[u8]) -> bool {
    let mut wire = Wire::connect(&server.address()).expect("the server accepts");
    if kept {
        keep_alive(&mut wire);
    }
    wire.write(bytes).expect("the server reads");
    // The handshake timeout ends those connections that are kept.
    let answers = rest(&mut wire);
    answers.windows(SECOND_ANSWER.len()).any(|window| window == SECOND_ANSWER)
}

#[test]
fn no_second_request_comes_out_of_an_ambiguous_first() {
    let server = Server::start(&[("PATCHBAY_LIMITS__HANDSHAKE_TIMEOUT_MS", "300")]);
    let length = SECOND.len();
    let upgrade = format!("{HOST}{UPGRADE}{SOCKET}");
    // Two honest requests behind each other have two answers: that is what the others must not have.
    assert!(is_answered(&server, false, format!("GET /healthz HTTP/1.1\r\n{HOST}\r\n{SECOND}").as_bytes()));
    for (what, first) in [
        ("a body with a length", format!("POST /healthz HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n\r\n")),
        ("a body of a GET", format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length: {length}\r\n\r\n")),
        (
            "a body in a chunk",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n{length:x}\r\n"),
        ),
        // Who counts the length takes it for a body; who counts chunks has read the last one.
        (
            "length and chunks",
            format!(
                "POST /healthz HTTP/1.1\r\n{HOST}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                length + 5
            ),
        ),
        (
            "chunks and length",
            format!(
                "GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\nContent-Length: {}\r\n\r\n0\r\n\r\n",
                length + 5
            ),
        ),
        (
            "length 0 and chunks",
            format!(
                "GET /healthz HTTP/1.1\r\n{HOST}Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n"
            ),
        ),
        (
            "two lengths",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length: 0\r\nContent-Length: {length}\r\n\r\n"),
        ),
        (
            "two lengths, the other way",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length: {length}\r\nContent-Length: 0\r\n\r\n"),
        ),
        ("lengths in a list", format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length: 0, {length}\r\n\r\n")),
        ("a length with a plus", format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length: +0\r\n\r\n")),
        ("a length in hexadecimal", format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length: 0x0\r\n\r\n")),
        ("a length behind a space", format!("GET /healthz HTTP/1.1\r\n{HOST}Content-Length : {length}\r\n\r\n")),
        (
            "a length in a folded line",
            format!("GET /healthz HTTP/1.1\r\n{HOST}X: a\r\n Content-Length: {length}\r\n\r\n"),
        ),
        (
            "a coding behind a tab",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n"),
        ),
        ("an unknown coding", format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")),
        (
            "a coding before chunks",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
        ),
        (
            "a coding in quotes",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"),
        ),
        (
            "chunks in HTTP/1.0",
            format!(
                "GET /healthz HTTP/1.0\r\n{HOST}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "a chunk of a strange length",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n"),
        ),
        (
            "a chunk that ends in a line feed",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\n\n"),
        ),
        (
            "a chunk's extension that ends in a line feed",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n2;\nxx\r\n0\r\n\r\n"),
        ),
        (
            "chunks and trailers",
            format!(
                "GET /healthz HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: {length}\r\n\r\n"
            ),
        ),
        ("two hosts", format!("GET /healthz HTTP/1.1\r\n{HOST}Host: other\r\n\r\n")),
        ("a bare carriage return", format!("GET /healthz HTTP/1.1\r\n{HOST}X: a\rY: b\r\n\r\n")),
        ("a name that is none", format!("GET /healthz HTTP/1.1\r\n{HOST}X\0: a\r\n\r\n")),
        (
            "an expectation",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n"),
        ),
        ("an upgrade", format!("{LINE}{upgrade}\r\n")),
        ("an upgrade with a body", format!("{LINE}{upgrade}Content-Length: {length}\r\n\r\n")),
        ("an upgrade with chunks", format!("{LINE}{upgrade}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
        (
            "an upgrade with both",
            format!("{LINE}{upgrade}Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", length + 5),
        ),
        ("an upgrade by POST", format!("POST /ws HTTP/1.1\r\n{upgrade}Content-Length: {length}\r\n\r\n")),
        ("an upgrade in HTTP/1.0", format!("GET /ws HTTP/1.0\r\n{upgrade}Connection: close\r\n\r\n")),
        // A proxy that takes any answer to an upgrade for a tunnel would pass on everything behind it, unseen.
        ("an upgrade of another version", format!("{LINE}{HOST}{UPGRADE}Sec-WebSocket-Version: 7\r\n\r\n")),
        ("an upgrade without a key", format!("{LINE}{HOST}{UPGRADE}Sec-WebSocket-Version: 13\r\n\r\n")),
        (
            "an upgrade from nowhere",
            format!("{LINE}{upgrade}Origin: http://a.example\r\nOrigin: http://b.example\r\n\r\n"),
        ),
        ("an upgrade of a page", format!("GET / HTTP/1.1\r\n{upgrade}\r\n")),
        ("an upgrade of nothing", format!("GET /nope HTTP/1.1\r\n{upgrade}\r\n")),
        (
            "an upgrade to HTTP/2",
            format!("GET /healthz HTTP/1.1\r\n{HOST}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"),
        ),
        ("a tunnel", format!("CONNECT localhost:80 HTTP/1.1\r\n{HOST}\r\n")),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
    ] {
        for kept in [false, true] {
            let bytes = format!("{first}{SECOND}");
            assert!(!is_answered(&server, kept, bytes.as_bytes()), "{what} (on a kept connection: {kept})");
        }
    }
}
