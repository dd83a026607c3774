//! The opening handshake (RFC 6455 section 4.2), in the order of checks that the mesh dialect's server has
//! (mesh.md section 2, DECISIONS 12).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::config::OriginPolicy;

/// Why an upgrade is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No `Upgrade: websocket`: 426.
    NoUpgrade,
    /// `Connection` does not name the upgrade, the version is not 13, or the key is no key: 400.
    Malformed,
    /// Another method than GET: 405.
    Method,
    /// The origin is not admitted: 403.
    Origin,
}

impl Rejection {
    /// Status, body, and the header that tells the client what would do.
    pub(crate) const fn answer(self) -> (u16, &'static str, Option<(&'static str, &'static str)>) {
        match self {
            Self::NoUpgrade => (426, "Upgrade Required\n", Some(("upgrade", "websocket"))),
            Self::Malformed => (400, "Bad Request\n", Some(("sec-websocket-version", "13"))),
            Self::Method => (405, "Method Not Allowed\n", Some(("allow", "GET"))),
            Self::Origin => (403, "Forbidden\n", None),
        }
    }
}

/// The headers of a request, wherever they were parsed.
pub(crate) trait Headers {
    /// The values of a header, by its name in lower case.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]>;
}

impl Headers for http::HeaderMap {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }
}

impl Headers for [httparse::Header<'_>] {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
    }
}

/// Judges an upgrade request; the value of `Sec-WebSocket-Accept` if it is admitted.
pub(crate) fn check(
    method: &str,
    headers: &(impl Headers + ?Sized),
    origins: &OriginPolicy,
) -> Result<String, Rejection> {
    if !has_token(headers, "upgrade", "websocket") {
        return Err(Rejection::NoUpgrade);
    }
    if !has_token(headers, "connection", "upgrade") {
        return Err(Rejection::Malformed);
    }
    if method != "GET" {
        return Err(Rejection::Method);
    }
    if only(headers, "sec-websocket-version") != Some(b"13") {
        return Err(Rejection::Malformed);
    }
    let text = |name| match headers.values(name).next() {
        Some(value) => std::str::from_utf8(value).map(Some).map_err(|_| Rejection::Origin),
        None => Ok(None),
    };
    // Two Origin headers are nobody's: a browser sends one.
    if headers.values("origin").count() > 1 || !origins.admits(text("origin")?, text("host")?) {
        return Err(Rejection::Origin);
    }
    let key = only(headers, "sec-websocket-key").ok_or(Rejection::Malformed)?;
    let is_nonce = STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16);
    if is_nonce { Ok(accept(key)) } else { Err(Rejection::Malformed) }
}

/// The header's value if it occurs once.
fn only<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> Option<&'a [u8]> {
    let mut values = headers.values(name);
    let first = values.next()?.trim_ascii();
    values.next().is_none().then_some(first)
}

/// Whether a comma-separated header names a token, without regard to case.
fn has_token(headers: &(impl Headers + ?Sized), name: &str, token: &str) -> bool {
    headers
        .values(name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// RFC 6455 section 4.2.2: the key's hash proves that the server speaks WebSocket.
fn accept(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

/// The answer to an admitted upgrade, as bytes.
pub(crate) fn accept_response(accept: &str) -> String {
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("Host", "localhost:8080"),
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn judged(method: &str, changed: &[(&str, Option<&str>)]) -> Result<String, Rejection> {
        let mut headers = http::HeaderMap::new();
        for (name, value) in GOOD {
            headers.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        for (name, value) in changed {
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            match value {
                Some(value) => drop(headers.append(name, value.parse().unwrap())),
                None => drop(headers.remove(name)),
            }
        }
        check(method, &headers, &OriginPolicy::new(&["good.example"], false))
    }

    /// The sample of RFC 6455 section 1.3.
    #[test]
    fn a_good_request_gets_the_accept_value_of_the_rfc() {
        assert_eq!(judged("GET", &[]).as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn each_fault_has_its_rejection_and_the_first_in_order_counts() {
        for (method, changed, expected) in [
            ("GET", &[("Upgrade", None)][..], Rejection::NoUpgrade),
            ("POST", &[("Upgrade", None), ("Connection", None)], Rejection::NoUpgrade),
            ("GET", &[("Connection", None)], Rejection::Malformed),
            ("POST", &[("Sec-WebSocket-Version", None)], Rejection::Method),
            ("GET", &[("Sec-WebSocket-Version", None)], Rejection::Malformed),
            ("GET", &[("Sec-WebSocket-Version", Some("13"))], Rejection::Malformed),
            ("GET", &[("Origin", Some("https://evil.example")), ("Sec-WebSocket-Key", None)], Rejection::Origin),
            (
                "GET",
                &[("Origin", Some("https://good.example")), ("Origin", Some("https://good.example"))],
                Rejection::Origin,
            ),
            ("GET", &[("Sec-WebSocket-Key", None)], Rejection::Malformed),
            ("GET", &[("Sec-WebSocket-Key", None), ("Sec-WebSocket-Key", Some("c2hvcnQ="))], Rejection::Malformed),
        ] {
            assert_eq!(judged(method, changed), Err(expected), "{method} {changed:?}");
        }
    }
}
