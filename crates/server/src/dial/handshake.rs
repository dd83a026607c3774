//! The way to a server: its handshake, and the upgrade, on one connection if it leaves that open (ers.md sections 1.2.1, 1.2.2).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use patchbay_dialect_kit::Random;
use patchbay_dialect_kit::job::Dial;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Reached, Stream};
use crate::random::SystemRandom;
use crate::shell::Shell;
use crate::ws;

/// Longest answer, in bytes: a real one has some 400.
const ANSWER: usize = 16 * 1024;
/// Most header fields of one.
const HEADERS: usize = 64;
/// Longest id of a connection: a real one has twenty characters.
const ID: usize = 128;

/// Goes there.
///
/// # Errors
/// If nobody is there who speaks this protocol.
pub(super) async fn reach(shell: &Shell, dial: &Dial) -> io::Result<Reached> {
    let mut stream = Stream::connect(shell, dial).await?;
    let host = if dial.host.contains(':') { format!("[{}]", dial.host) } else { dial.host.to_string() };
    let authority = format!("{host}:{}", dial.port);
    let origin = format!("{}://{authority}", if dial.tls { "https" } else { "http" });
    let unix_ms = shell.clock.unix_ms(shell.clock.now());
    let agent = concat!("Patchbay/", env!("CARGO_PKG_VERSION"));
    let ask = format!(
        "GET /socket.io/1/?t={unix_ms} HTTP/1.1\r\nHost: {authority}\r\nConnection: keep-alive\r\nUser-Agent: {agent}\r\n\
         Origin: {origin}\r\nAccept: */*\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).await?;
    stream.flush().await?;
    let answer = Answer::read(&mut stream, false).await?;
    if answer.status != 200 {
        return Err(io::Error::other(format!("the handshake was answered {}", answer.status)));
    }
    let id = answer.id().ok_or_else(|| io::Error::other("the handshake's answer is none of Socket.IO"))?;
    if answer.ends {
        stream = Stream::connect(shell, dial).await?;
    }
    let mut key = [0; 16];
    shell.entropy.lend(&mut SystemRandom::default(), |rng: &mut dyn Random| {
        let (first, second) = key.split_at_mut(8);
        first.copy_from_slice(&rng.next_u64().to_be_bytes());
        second.copy_from_slice(&rng.next_u64().to_be_bytes());
    });
    let key = STANDARD.encode(key);
    let upgrade = format!(
        "GET /socket.io/1/websocket/{id} HTTP/1.1\r\nHost: {authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Origin: {origin}\r\nSec-WebSocket-Version: 13\r\nUser-Agent: {agent}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    );
    stream.write_all(upgrade.as_bytes()).await?;
    stream.flush().await?;
    let answer = Answer::read(&mut stream, true).await?;
    if answer.status != 101 || answer.accepted.as_deref() != Some(ws::accept(key.as_bytes()).as_str()) {
        return Err(io::Error::other(format!("the upgrade was answered {}", answer.status)));
    }
    Ok(Reached { stream, early: answer.body })
}

/// A server's answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    status: u16,
    /// Of an upgrade: what came behind the head.
    body: Vec<u8>,
    /// `Sec-WebSocket-Accept`.
    accepted: Option<String>,
    /// The connection is over with it.
    ends: bool,
}

/// How far an answer's body goes.
enum Length {
    Bytes(usize),
    Chunks,
    ToTheEnd,
}

impl Answer {
    /// Reads one. `upgrade`: of success, there is no body.
    async fn read(stream: &mut Stream, upgrade: bool) -> io::Result<Self> {
        let mut held = Vec::new();
        loop {
            let read = stream.take((ANSWER - held.len()) as u64).read_buf(&mut held).await;
            let over = match read {
                Ok(0) => true,
                Ok(_) => false,
                // Who closes without a farewell has said all, too.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => true,
                Err(error) => return Err(error),
            };
            if let Some(answer) = Self::parse(&held, over, upgrade)? {
                return Ok(answer);
            }
            if over || held.len() >= ANSWER {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }

    /// The answer; `None`: it is not whole. `over`: nothing more will come.
    fn parse(held: &[u8], over: bool, upgrade: bool) -> io::Result<Option<Self>> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let parsed = head.parse(held).map_err(io::Error::other)?;
        let httparse::Status::Complete(length) = parsed else { return Ok(None) };
        let header = |name: &str| {
            let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
            found.map(|header| String::from_utf8_lossy(header.value).trim().to_owned())
        };
        let says = |name: &str, word: &str| header(name).is_some_and(|value| value.to_ascii_lowercase().contains(word));
        let status = head.code.unwrap_or_default();
        let accepted = header("sec-websocket-accept");
        let body = &held[length..];
        if upgrade && status == 101 {
            return Ok(Some(Self { status, body: body.to_vec(), accepted, ends: false }));
        }
        let told = header("content-length").map(|value| value.parse::<usize>());
        let extent = match told {
            _ if says("transfer-encoding", "chunked") => Length::Chunks,
            Some(Ok(length)) => Length::Bytes(length),
            Some(Err(_)) => return Err(io::ErrorKind::InvalidData.into()),
            None => Length::ToTheEnd,
        };
        let keeps = says("connection", "keep-alive") || (head.version == Some(1) && !says("connection", "close"));
        let (body, ends) = match extent {
            Length::Bytes(length) => (body.get(..length).map(<[u8]>::to_vec), !keeps),
            Length::Chunks => (chunks(body)?, !keeps),
            Length::ToTheEnd => (over.then(|| body.to_vec()), true),
        };
        Ok(body.map(|body| Self { status, body, accepted, ends: ends || over }))
    }

    /// The id in a handshake's body: `<id>:<heartbeat>:<close>:<transports>`.
    fn id(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.body).ok()?;
        let mut parts = text.trim().splitn(4, ':');
        let id = parts.next()?;
        let transports = parts.nth(2)?;
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let known = transports.split(',').any(|transport| transport == "websocket");
        (known && (1..=ID).contains(&id.len()) && id.bytes().all(is_id)).then_some(id)
    }
}

/// What chunks hold together (RFC 9112 section 7.1); `None`: they are not whole.
fn chunks(mut rest: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    loop {
        let status = httparse::parse_chunk_size(rest).map_err(|_| io::ErrorKind::InvalidData)?;
        let httparse::Status::Complete((length, size)) = status else { return Ok(None) };
        let size = usize::try_from(size).ok().filter(|size| *size <= ANSWER).ok_or(io::ErrorKind::InvalidData)?;
        let Some(chunk) = rest.get(length..length + size + 2) else { return Ok(None) };
        if !chunk.ends_with(b"\r\n") {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if size == 0 {
            return Ok(Some(body));
        }
        body.extend_from_slice(&chunk[..size]);
        rest = &rest[length + size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "4d4f185e96a7b12345ab";

    fn parse(text: &str, over: bool) -> Option<Answer> {
        Answer::parse(text.as_bytes(), over, false).expect("an answer")
    }

    #[test]
    fn a_handshake_s_answer_is_read_whatever_its_length_is_told_by() {
        let body = format!("{ID}:60:60:websocket,htmlfile,xhr-polling,jsonp-polling");
        let chunked = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n",
            body.len()
        );
        let told = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        let untold = format!("HTTP/1.0 200 OK\r\n\r\n{body}");
        for (text, over, ends) in [(&chunked, false, false), (&told, false, true), (&untold, true, true)] {
            let answer = parse(text, over).expect("it is whole");
            assert_eq!((answer.status, answer.id(), answer.ends), (200, Some(ID), ends), "{text}");
            assert_eq!(parse(&text[..text.len() - 1], false), None, "{text}");
        }
        assert!(parse(&chunked, true).expect("whole").ends, "the server has gone");
    }

    #[test]
    fn what_is_no_handshake_has_no_id() {
        for body in ["", "x", "x:60:60:xhr-polling", "a b:60:60:websocket", ":60:60:websocket", "x:60:websocket"] {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            assert_eq!(parse(&text, false).expect("it is whole").id(), None, "{body}");
        }
        for wrong in [
            "nonsense\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ] {
            assert!(Answer::parse(wrong.as_bytes(), false, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_comes_with_an_upgrade_is_kept() {
        let text = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc\r\n\r\n\u{1}x";
        let answer = Answer::parse(text.as_bytes(), false, true).expect("an answer").expect("whole");
        assert_eq!((answer.status, answer.accepted.as_deref(), &*answer.body), (101, Some("abc"), &b"\x01x"[..]));
    }
}
