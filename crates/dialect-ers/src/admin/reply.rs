//! The answers' form, and the page.

use patchbay_dialect_kit::http::{Reply, Request};
use patchbay_dialect_kit::json::write_plain_string;

/// What the reference of this generation calls itself.
const VERSION: &str = "2.0.0";

/// Longest part of a request that an answer repeats in words.
const QUOTED: usize = 64;

/// The request's target, as it was sent.
pub(super) fn target(request: &Request<'_>) -> String {
    match request.query {
        "" => request.name.to_owned(),
        query => format!("{}?{query}", request.name),
    }
}

fn envelope(status: u16, url: &str, word: &str, description: &str, data: &[u8]) -> Reply {
    let mut out = b"{\"url\":".to_vec();
    write_plain_string(&mut out, url);
    out.extend_from_slice(format!(",\"status\":\"{word}\",\"description\":").as_bytes());
    write_plain_string(&mut out, description);
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(data);
    out.push(b'}');
    Reply::new(status).with("cache-control", "no-store").body("application/json", out)
}

/// It is done; `data` is a JSON object.
pub(super) fn done(url: &str, data: &[u8]) -> Reply {
    envelope(200, url, "SUCCESS", "", data)
}

/// It is not.
pub(super) fn failed(url: &str, description: &str) -> Reply {
    envelope(200, url, "FAIL", description, b"{}")
}

/// Who asks may not.
pub(super) fn forbidden(url: &str, description: &str) -> Reply {
    envelope(403, url, "FAIL", description, b"{}")
}

/// `version`.
pub(super) fn version(url: &str) -> Reply {
    done(url, format!("{{\"version\":\"{VERSION}\"}}").as_bytes())
}

/// `{"token":"t"}`
pub(super) fn named(url: &str, key: &str, name: &str) -> Reply {
    let mut data = format!("{{\"{key}\":").into_bytes();
    write_plain_string(&mut data, name);
    data.push(b'}');
    done(url, &data)
}

/// Nothing of that name.
pub(super) fn unknown(url: &str, command: &str) -> Reply {
    let shown: String = command.chars().take(QUOTED).collect();
    failed(url, &format!("Unknown command: {shown}"))
}

/// The page and its script: of this server only, and in no frame.
pub(super) fn page(name: &str) -> Option<Reply> {
    let (media_type, text) = match name {
        "/ersadmin.html" => ("text/html; charset=utf-8", include_str!("ersadmin.html")),
        "/ersadmin.js" => ("text/javascript; charset=utf-8", include_str!("ersadmin.js")),
        "/ersadmin.css" => ("text/css; charset=utf-8", include_str!("ersadmin.css")),
        _ => return None,
    };
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    let reply = Reply::new(200).with("content-security-policy", policy).with("x-content-type-options", "nosniff");
    Some(reply.with("cache-control", "no-cache").with("referrer-policy", "no-referrer").body(media_type, text))
}

/// Neither a command nor the page.
pub(super) fn missing() -> Reply {
    Reply::problem(404, "Not Found", "ask /?c=COMMAND&i=ID, or open /ersadmin.html")
}

/// Everything is asked by `GET`.
pub(super) fn wrong_method() -> Reply {
    Reply::problem(405, "Method Not Allowed", "ask by GET").with("allow", "GET")
}
