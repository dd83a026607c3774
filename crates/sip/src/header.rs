//! Header lines of clients' own making, out and in.
//!
//! A client may add what the standard does not use: never what routes, identifies or frames a message, which would let it
//! speak in another's name.

use crate::text::{clean, is_token};

/// Most lines that a client may add to a request. Each makes the request longer, and 1,300 bytes must hold it all.
pub const LINES: usize = 16;
/// Longest name, in bytes: the longest registered one has 29.
pub const NAME_BYTES: usize = 64;
/// Longest value, in bytes.
pub const VALUE_BYTES: usize = 512;

/// Why a line is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The name is no token, too long, or one letter: that is a short form of something.
    Name,
    /// It is ours to write.
    Reserved,
    /// It is too long, or has a control character.
    Value,
}

/// Names that are ours to write. Besides them all that begin with `Content-`, and all that end with `Authorization`,
/// `Authenticate` or `-Identity`.
const RESERVED: [&str; 36] = [
    "Accept",
    "Accept-Contact",
    "Alert-Info",
    "Allow",
    "Allow-Events",
    "Authentication-Info",
    "Call-ID",
    "Call-Info",
    "Contact",
    "CSeq",
    "Date",
    "Event",
    "Expires",
    "From",
    "Max-Forwards",
    "MIME-Version",
    "Min-Expires",
    "Min-SE",
    "Path",
    "Proxy-Require",
    "RAck",
    "Record-Route",
    "Refer-To",
    "Remote-Party-ID",
    "Replaces",
    "Require",
    "Retry-After",
    "Route",
    "RSeq",
    "Service-Route",
    "Session-Expires",
    "Supported",
    "Timestamp",
    "To",
    "User-Agent",
    "Via",
];

/// Whether a client's line may be sent.
///
/// # Errors
/// Why not.
pub fn check(name: &str, value: &str) -> Result<(), Refused> {
    if !(2..=NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_token) {
        return Err(Refused::Name);
    }
    let lower = name.to_ascii_lowercase();
    let family = lower.starts_with("content-")
        || ["authorization", "authenticate", "-identity"].iter().any(|end| lower.ends_with(end));
    if family || RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
        return Err(Refused::Reserved);
    }
    if value.len() > VALUE_BYTES || value.chars().any(char::is_control) {
        return Err(Refused::Value);
    }
    Ok(())
}

/// The lines of a client that are sent: those that may, in order, at most [`LINES`]. The others are left out without a
/// word, as real servers do.
pub fn outgoing<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
    lines.into_iter().filter(|(name, value)| check(name, value).is_ok()).take(LINES).collect()
}

/// The lines of a message whose name begins with one of `prefixes`, without regard to case. Lines of one name are one,
/// with commas between, as RFC 3261 section 7.3.1 says; values are cut to [`VALUE_BYTES`]. An empty prefix stands for
/// nothing: it would show everything.
#[must_use]
pub fn incoming<'a>(lines: impl IntoIterator<Item = (&'a str, &'a str)>, prefixes: &[&str]) -> Vec<(String, String)> {
    let wanted = |name: &str| {
        prefixes.iter().any(|prefix| {
            let start = name.get(..prefix.len());
            !prefix.is_empty() && start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        })
    };
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in lines {
        let name = name.trim();
        if name.len() > NAME_BYTES || !name.bytes().all(is_token) || !wanted(name) {
            continue;
        }
        let full = found.len() >= LINES;
        match found.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => *values = clean(&format!("{values}, {}", value.trim()), VALUE_BYTES),
            None if full => {}
            None => found.push((name.to_owned(), clean(value.trim(), VALUE_BYTES))),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_ours_to_write_are_refused() {
        for (name, value, result) in [
            ("X-Customer", "42 \"ü\"", Ok(())),
            ("Subject", "hello", Ok(())),
            ("P-Preferred-Thing", "", Ok(())),
            ("Via", "x", Err(Refused::Reserved)),
            ("from", "x", Err(Refused::Reserved)),
            ("CONTENT-LENGTH", "1", Err(Refused::Reserved)),
            ("Content-Anything", "1", Err(Refused::Reserved)),
            ("Proxy-Authorization", "x", Err(Refused::Reserved)),
            ("WWW-Authenticate", "x", Err(Refused::Reserved)),
            ("P-Asserted-Identity", "<sip:boss@d>", Err(Refused::Reserved)),
            ("Record-Route", "x", Err(Refused::Reserved)),
            ("v", "x", Err(Refused::Name)),
            ("", "x", Err(Refused::Name)),
            ("X-A:", "x", Err(Refused::Name)),
            ("X A", "x", Err(Refused::Name)),
            ("X-A\r\nVia", "x", Err(Refused::Name)),
            ("X-Ä", "x", Err(Refused::Name)),
            ("X-A", "x\r\nVia: y", Err(Refused::Value)),
            ("X-A", "x\ny", Err(Refused::Value)),
            ("X-A", "x\u{85}y", Err(Refused::Value)),
        ] {
            assert_eq!(check(name, value), result, "{name:?}: {value:?}");
        }
        assert_eq!(check(&"x".repeat(65), ""), Err(Refused::Name));
        assert_eq!(check("X-A", &"x".repeat(513)), Err(Refused::Value));
        for name in ["Via", "From", "To", "Call-ID", "CSeq", "Contact", "Route", "Max-Forwards", "Content-Type"] {
            assert_eq!(check(name, "x"), Err(Refused::Reserved), "{name}");
        }
    }

    #[test]
    fn what_may_be_sent_is_sent_in_order() {
        let lines = [("X-B", "2"), ("Via", "evil"), ("X-A", "1")];
        assert_eq!(outgoing(lines), [("X-B", "2"), ("X-A", "1")]);
        assert_eq!(outgoing([("X-A", "1"); 100]).len(), LINES);
    }

    #[test]
    fn incoming_lines_are_chosen_by_their_beginning() {
        let lines =
            [("X-Foo", " 1 "), ("x-bar", "2\r\n"), ("Via", "3"), ("X-FOO", "4"), ("P-Charge", "5"), ("X-ß", "6")];
        let chosen = |prefixes: &[&str]| incoming(lines, prefixes);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(chosen(&["X-"]), [pair("X-Foo", "1, 4"), pair("x-bar", "2")]);
        assert_eq!(chosen(&["x-f", "P-"]), [pair("X-Foo", "1, 4"), pair("P-Charge", "5")]);
        assert_eq!(chosen(&["Y-"]), []);
        assert_eq!(chosen(&[""]), [], "not everything");
        let many: Vec<_> = (0..100).map(|number| format!("X-{number}")).collect();
        let long = "x".repeat(10_000);
        let found = incoming(many.iter().map(|name| (name.as_str(), long.as_str())), &["x-"]);
        assert_eq!((found.len(), found[0].1.len()), (LINES, VALUE_BYTES));
    }
}
