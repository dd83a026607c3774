//! HTTP/1.1 as far as tests need it: one request, one answer, end of the connection.

use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::HttpAnswer;

use super::wire::{Address, Wire};

const PATIENCE: Duration = Duration::from_secs(10);

/// A response head and what came behind it.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) rest: Vec<u8>,
}

impl Response {
    pub(crate) fn body(&self) -> String {
        String::from_utf8_lossy(&self.rest).into_owned()
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(other, _)| other == name).map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }
}

/// One request with headers and a body, on a connection of its own; the response has its body in `rest`.
pub(crate) fn exchange(
    address: &Address,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Response, String> {
    let mut wire = Wire::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", address.host());
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    wire.write(&[head.as_bytes(), body].concat()).map_err(|error| format!("cannot ask: {error}"))?;
    let mut response = read_head(&mut wire)?;
    read_to_end(&mut wire, &mut response.rest)?;
    Ok(response)
}

/// One request on a connection of its own.
pub(crate) fn request(address: &Address, method: &str, path: &str) -> Result<HttpAnswer, String> {
    let mut wire = Wire::connect(address).map_err(|error| format!("cannot connect: {error}"))?;
    let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", address.host());
    wire.write(head.as_bytes()).map_err(|error| format!("cannot ask: {error}"))?;
    let mut response = read_head(&mut wire)?;
    read_to_end(&mut wire, &mut response.rest)?;
    let length = response.header("content-length").map(|length| length.parse().unwrap_or(usize::MAX));
    assert_eq!(length, Some(response.rest.len()), "{method} {path}: content-length");
    let body = String::from_utf8_lossy(&response.rest).into_owned();
    Ok(HttpAnswer { status: response.status, body })
}

pub(crate) fn get(address: &Address, path: &str) -> HttpAnswer {
    request(address, "GET", path).unwrap_or_else(|why| panic!("GET {path}: {why}"))
}

/// Reads up to the empty line.
pub(crate) fn read_head(wire: &mut Wire) -> Result<Response, String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 2048]);
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            return parse(&head, bytes[end + 4..].to_vec()).ok_or_else(|| format!("no HTTP response: {head}"));
        }
        let left = until.saturating_duration_since(Instant::now());
        match wire.read_within(&mut buffer, left) {
            Ok(0) => return Err(format!("the connection ended after {:?}", String::from_utf8_lossy(&bytes))),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(format!("no answer: {error}")),
        }
    }
}

fn read_to_end(wire: &mut Wire, bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut buffer = [0; 16_384];
    loop {
        match wire.read_within(&mut buffer, PATIENCE) {
            Ok(0) => return Ok(()),
            Ok(length) => bytes.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(format!("the body does not end: {error}")),
        }
    }
}

fn parse(head: &str, rest: Vec<u8>) -> Option<Response> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.split(' ').next()?.parse().ok()?;
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    };
    Some(Response { status, headers: lines.filter_map(header).collect(), rest })
}
