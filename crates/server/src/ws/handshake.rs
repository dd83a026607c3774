//! The opening handshake (RFC 6455 section 4.2), in the order of checks that the mesh dialect's server has
//! (mesh.md section 2, DECISIONS 12); a door's token is looked for last.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use patchbay_dialect_kit::Subprotocol;
use sha1::{Digest, Sha1};

use super::credential;
use crate::door::Door;

/// Why an upgrade is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    /// No `Upgrade: websocket`: 426.
    NoUpgrade,
    /// `Connection` does not name the upgrade, the version is not 13, the key is no key, there is not one `Host`, or
    /// there is a body: 400.
    Malformed,
    /// Another method than GET: 405.
    Method,
    /// The origin is not admitted: 403.
    Origin,
    /// The door wants a token and was shown none of its own: 401.
    Token,
    /// The client offers none of the door's subprotocols: 406.
    Protocol,
}

impl Rejection {
    /// Status, body, and the header that tells the client what would do.
    pub(crate) const fn answer(self) -> (u16, &'static str, Option<(&'static str, &'static str)>) {
        match self {
            Self::NoUpgrade => (426, "Upgrade Required\n", Some(("upgrade", "websocket"))),
            Self::Malformed => (400, "Bad Request\n", Some(("sec-websocket-version", "13"))),
            Self::Method => (405, "Method Not Allowed\n", Some(("allow", "GET"))),
            Self::Origin => (403, "Forbidden\n", None),
            Self::Protocol => (406, "No compatible protocol specified\n", None),
            Self::Token => (401, "Unauthorized\n", Some(("www-authenticate", "Bearer"))),
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

/// What the answer to an admitted upgrade says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// `Sec-WebSocket-Accept`.
    pub(crate) accept: String,
    /// `Sec-WebSocket-Protocol`: a token of RFC 7230, so it needs no escaping.
    pub(crate) protocol: Option<String>,
}

/// Judges an upgrade request at a door.
pub(crate) fn check(
    method: &str,
    query: Option<&str>,
    headers: &(impl Headers + ?Sized),
    door: &Door,
) -> Result<Admitted, Rejection> {
    if !has_token(headers, "upgrade", "websocket") {
        return Err(Rejection::NoUpgrade);
    }
    if !has_token(headers, "connection", "upgrade") {
        return Err(Rejection::Malformed);
    }
    if method != "GET" {
        return Err(Rejection::Method);
    }
    // Bytes that one side takes for a body and the other for frames, or two names of one host, are how a request is
    // smuggled past a proxy. A client has no reason for either.
    if has_body(headers) || only(headers, "host").is_none() {
        return Err(Rejection::Malformed);
    }
    if only(headers, "sec-websocket-version") != Some(b"13") {
        return Err(Rejection::Malformed);
    }
    let text = |name| match headers.values(name).next() {
        Some(value) => std::str::from_utf8(value).map(Some).map_err(|_| Rejection::Origin),
        None => Ok(None),
    };
    // Two Origin headers are nobody's: a browser sends one.
    if headers.values("origin").count() > 1 || !door.origins.admits(text("origin")?, text("host")?) {
        return Err(Rejection::Origin);
    }
    let key = only(headers, "sec-websocket-key").ok_or(Rejection::Malformed)?;
    let is_nonce = STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16);
    if !is_nonce {
        return Err(Rejection::Malformed);
    }
    if let Some(tokens) = &door.tokens
        && !credential::shown(query, headers).any(|token| tokens.admit(&token))
    {
        return Err(Rejection::Token);
    }
    let protocol = match door.subprotocol {
        Subprotocol::None => None,
        Subprotocol::First => first_protocol(headers),
        Subprotocol::OneOf(known) => {
            let offered = |known: &&&str| has_exactly(headers, "sec-websocket-protocol", known);
            Some((*known.iter().find(offered).ok_or(Rejection::Protocol)?).to_owned())
        }
    };
    Ok(Admitted { accept: accept(key), protocol })
}

/// The first subprotocol that the client offers, if it is a token (RFC 7230 section 3.2.6) and may be sent back.
fn first_protocol(headers: &(impl Headers + ?Sized)) -> Option<String> {
    let offered = headers.values("sec-websocket-protocol").next()?;
    let first = offered.split(|byte| *byte == b',').next()?.trim_ascii();
    let of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let is_token = !first.is_empty() && first.iter().all(of_token);
    is_token.then(|| String::from_utf8_lossy(first).into_owned())
}

/// Whether a comma-separated header names a token, as it is written.
fn has_exactly(headers: &(impl Headers + ?Sized), name: &str, token: &str) -> bool {
    let parts = headers.values(name).flat_map(|value| value.split(|byte| *byte == b','));
    parts.map(<[u8]>::trim_ascii).any(|part| part == token.as_bytes())
}

/// The header's value if it occurs once.
fn only<'a>(headers: &'a (impl Headers + ?Sized), name: &'a str) -> Option<&'a [u8]> {
    let mut values = headers.values(name);
    let first = values.next()?.trim_ascii();
    values.next().is_none().then_some(first)
}

/// Whether a request announces a body, in whatever way and however contradictory.
pub(crate) fn has_body(headers: &(impl Headers + ?Sized)) -> bool {
    headers.values("transfer-encoding").next().is_some()
        || headers.values("content-length").any(|length| length.trim_ascii() != b"0")
}

/// Whether a comma-separated header names a token, without regard to case.
pub(crate) fn has_token(headers: &(impl Headers + ?Sized), name: &str, token: &str) -> bool {
    headers
        .values(name)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// RFC 6455 section 4.2.2: the key's hash proves that the server speaks WebSocket.
pub(crate) fn accept(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}

impl Admitted {
    /// The answer, as bytes.
    pub(crate) fn response(&self) -> String {
        let accept = &self.accept;
        let protocol = self.protocol.as_ref().map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{}\r\n",
            protocol.unwrap_or_default()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::OriginPolicy;
    use crate::door::Place;

    const GOOD: [(&str, &str); 5] = [
        ("Host", "localhost:8080"),
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn door(subprotocol: Subprotocol) -> Door {
        let origins = OriginPolicy::new(&["good.example"], false);
        Door {
            at: Place::Root,
            origins,
            tokens: None,
            plain: None,
            subprotocol,
            requests: None,
            once: false,
            callers: None,
            socket_io: false,
            demo: false,
        }
    }

    fn judged(method: &str, changed: &[(&str, Option<&str>)]) -> Result<Admitted, Rejection> {
        judged_at(&door(Subprotocol::First), method, changed)
    }

    fn judged_at(door: &Door, method: &str, changed: &[(&str, Option<&str>)]) -> Result<Admitted, Rejection> {
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
        check(method, None, &headers, door)
    }

    /// The sample of RFC 6455 section 1.3.
    #[test]
    fn a_good_request_gets_the_accept_value_of_the_rfc() {
        let accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".to_owned();
        assert_eq!(judged("GET", &[]), Ok(Admitted { accept, protocol: None }));
        assert!(judged("GET", &[("Content-Length", Some("0"))]).is_ok(), "a body of nothing is none");
    }

    #[test]
    fn the_first_offered_subprotocol_is_sent_back_if_the_door_says_so_and_it_is_a_token() {
        for (offered, expected) in [
            (&["chat"][..], Some("chat")),
            (&[" v1.x , v2"], Some("v1.x")),
            (&["a", "b"], Some("a")),
            (&[""], None),
            (&[", b"], None),
            (&["a b, c"], None),
            (&["a\"b"], None),
            (&["a/b"], None),
        ] {
            let changed: Vec<_> = offered.iter().map(|value| ("Sec-WebSocket-Protocol", Some(*value))).collect();
            let protocol = |door: &Door| judged_at(door, "GET", &changed).expect("a good request").protocol;
            assert_eq!(protocol(&door(Subprotocol::First)).as_deref(), expected, "{offered:?}");
            assert_eq!(protocol(&door(Subprotocol::None)), None, "{offered:?}");
        }
    }

    #[test]
    fn the_doors_own_choice_of_subprotocols_is_made_and_who_offers_none_is_refused() {
        let door = door(Subprotocol::OneOf(&["two", "one"]));
        for (offered, expected) in [
            (&["one"][..], Ok("one")),
            (&["one, two"], Ok("two")),
            (&["x", " two"], Ok("two")),
            (&["Two"], Err(Rejection::Protocol)),
            (&["x"], Err(Rejection::Protocol)),
            (&[], Err(Rejection::Protocol)),
        ] {
            let changed: Vec<_> = offered.iter().map(|value| ("Sec-WebSocket-Protocol", Some(*value))).collect();
            let protocol = judged_at(&door, "GET", &changed).map(|admitted| admitted.protocol);
            assert_eq!(protocol, expected.map(|name| Some(name.to_owned())), "{offered:?}");
        }
        assert_eq!(Rejection::Protocol.answer().0, 406);
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
            ("GET", &[("Host", None)], Rejection::Malformed),
            ("GET", &[("Host", Some("localhost:8080"))], Rejection::Malformed),
            ("GET", &[("Content-Length", Some("5"))], Rejection::Malformed),
            ("GET", &[("Content-Length", Some("0")), ("Content-Length", Some("5"))], Rejection::Malformed),
            ("GET", &[("Content-Length", Some("00"))], Rejection::Malformed),
            ("GET", &[("Transfer-Encoding", Some("identity"))], Rejection::Malformed),
            ("POST", &[("Transfer-Encoding", Some("chunked"))], Rejection::Method),
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
