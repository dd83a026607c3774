//! What a request below `/socket.io` wants, by its path and query alone.

use super::PATH;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    /// An id; `jsonp`: as a call of that function of a script.
    Handshake {
        /// The number of the function.
        jsonp: Option<&'a str>,
    },
    /// A WebSocket.
    Socket(&'a str),
    /// To fetch packets, or to bring some.
    Poll(&'a str),
    /// To end the session of that id, whatever its transport.
    Disconnect(&'a str),
    /// Whether anybody is here.
    Welcome,
    /// Another version of the protocol.
    Version,
    /// Nothing that there is.
    Missing,
}

/// Longest number of a script's function: clients count their requests.
const JSONP_DIGITS: usize = 10;

/// Reads a request's path and query; `None`: it is not below [`PATH`].
pub(crate) fn wanted<'a>(path: &'a str, query: Option<&'a str>) -> Option<Wanted<'a>> {
    let rest = path.strip_prefix(PATH)?.strip_prefix('/')?;
    if rest.is_empty() {
        return Some(Wanted::Welcome);
    }
    let pieces: Vec<_> = rest.splitn(5, '/').collect();
    let value = |name: &str| {
        let pairs = query.unwrap_or_default().split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs.into_iter().find(|(of, _)| *of == name).map(|(_, value)| value)
    };
    let number =
        |text: &&str| !text.is_empty() && text.len() <= JSONP_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    let goes = value("disconnect").is_some();
    Some(match pieces[..] {
        ["1"] | ["1", ""] => Wanted::Handshake { jsonp: value("jsonp").filter(number) },
        // The library's own client leaves the transport out here.
        ["1", _, sid] | ["1", _, sid, ""] if goes && !sid.is_empty() => Wanted::Disconnect(sid),
        ["1", "websocket", sid] | ["1", "websocket", sid, ""] if !sid.is_empty() => Wanted::Socket(sid),
        ["1", "xhr-polling", sid] | ["1", "xhr-polling", sid, ""] if !sid.is_empty() => Wanted::Poll(sid),
        ["1", ..] => Wanted::Missing,
        _ => Wanted::Version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_told_apart_as_by_the_library() {
        for (path, query, expected) in [
            ("/socket.io/", None, Some(Wanted::Welcome)),
            ("/socket.io", None, None),
            ("/socket.iox/1/", None, None),
            ("/other/1/", None, None),
            ("/socket.io/1/", Some("t=1432678845367"), Some(Wanted::Handshake { jsonp: None })),
            ("/socket.io/1", None, Some(Wanted::Handshake { jsonp: None })),
            ("/socket.io/1/", Some("t=1&jsonp=0"), Some(Wanted::Handshake { jsonp: Some("0") })),
            ("/socket.io/1/", Some("jsonp=alert(1)"), Some(Wanted::Handshake { jsonp: None })),
            ("/socket.io/1/", Some("jsonp=12345678901"), Some(Wanted::Handshake { jsonp: None })),
            ("/socket.io/1/websocket/abc", None, Some(Wanted::Socket("abc"))),
            ("/socket.io/1/websocket/abc/", Some("x"), Some(Wanted::Socket("abc"))),
            ("/socket.io/1/xhr-polling/abc", Some("t=1"), Some(Wanted::Poll("abc"))),
            ("/socket.io/1/xhr-polling/abc", Some("disconnect=1"), Some(Wanted::Disconnect("abc"))),
            ("/socket.io/1//abc/", Some("disconnect=1"), Some(Wanted::Disconnect("abc"))),
            ("/socket.io/1//abc/", None, Some(Wanted::Missing)),
            ("/socket.io/1/websocket/", None, Some(Wanted::Missing)),
            ("/socket.io/1/websocket", None, Some(Wanted::Missing)),
            ("/socket.io/1/jsonp-polling/abc", None, Some(Wanted::Missing)),
            ("/socket.io/1/websocket/abc/d", None, Some(Wanted::Missing)),
            ("/socket.io/1/websocket/abc//", None, Some(Wanted::Missing)),
            ("/socket.io/2/", None, Some(Wanted::Version)),
            ("/socket.io/socket.io.js", None, Some(Wanted::Version)),
            ("/socket.io//", None, Some(Wanted::Version)),
        ] {
            assert_eq!(wanted(path, query), expected, "{path} {query:?}");
        }
    }
}
