//! The web app's files, out of the binary, with the headers that protect it.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{self, HeaderName};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Bytes;
use sha1::{Digest, Sha1};

use super::{Answer, with};

/// Path, media type, content.
static FILES: &[(&str, &str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The entity tag of each file, so that a reload costs one round trip and no body.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let tag = |content: &[u8]| format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha1::digest(content)));
    FILES.iter().map(|(_, _, content)| tag(content)).collect()
});

/// No script or style but our own files, no frame around us, nothing from anywhere else; connections go to this host
/// (`ws:` and `wss:` are named because Safari before 15.4 does not count them as `'self'`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    media-src 'self' blob: mediastream:; connect-src 'self' ws: wss:; font-src 'self'; manifest-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// On our own pages only, never on signalling answers (DECISIONS 8).
const PROTECTION: [(&str, &str); 6] = [
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("x-xss-protection", "1; mode=block"),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("permissions-policy", "camera=(self), microphone=(self), display-capture=(self)"),
];

/// The file at a path.
pub(super) fn page<B>(path: &str, request: &Request<B>) -> Option<Answer> {
    // Relative, so that it holds behind a reverse proxy's prefix.
    let moved = match path {
        "/index.html" | "/sid/index.html" | "/studio/index.html" | "/phone/index.html" => Some("./"),
        "/studio" => Some("studio/"),
        "/phone" => Some("phone/"),
        "/demo" => Some("demo/evowrtcclient.html"),
        // EvoStream's server had a second page for the same.
        "/demo/" | "/demo/evoplayers.html" => Some("evowrtcclient.html"),
        _ => None,
    };
    if let Some(to) = moved {
        let mut answer = Response::new(Full::default());
        *answer.status_mut() = StatusCode::MOVED_PERMANENTLY;
        // Whom to call, or which stream: a link without the last slash leads there, too.
        let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
        return Some(with(answer, header::LOCATION, &format!("{to}{query}")));
    }
    let index = FILES.iter().position(|(url, _, _)| *url == path)?;
    let (_, media_type, content) = FILES[index];
    let tag = &TAGS[index];
    let known = is_known(request, tag);
    let mut answer = Response::new(if known { Full::default() } else { Full::new(Bytes::from_static(content)) });
    if known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let answer = with(protected(answer), header::CONTENT_TYPE, media_type);
    let answer = with(answer, header::CACHE_CONTROL, "no-cache");
    Some(with(answer, header::ETAG, tag))
}

/// Whether the client has what bears this tag (RFC 9110 section 13.1.2: the weak comparison).
pub(super) fn is_known<B>(request: &Request<B>, tag: &str) -> bool {
    let strong = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = strong(tag);
    let mut given = request.headers().get_all(header::IF_NONE_MATCH).iter();
    given.any(|value| value.to_str().is_ok_and(|tags| tags.split(',').any(|one| strong(one) == own)))
}

/// `/config.js`: what the page is told of the server's configuration.
pub(super) fn config(script: &str) -> Answer {
    let answer = Response::new(Full::new(Bytes::copy_from_slice(script.as_bytes())));
    let answer = with(protected(answer), header::CONTENT_TYPE, "application/javascript; charset=utf-8");
    // TURN credentials may stand in it.
    with(answer, header::CACHE_CONTROL, "no-store")
}

fn protected(answer: Answer) -> Answer {
    PROTECTION.iter().fold(answer, |answer, (name, value)| with(answer, HeaderName::from_static(name), value))
}
