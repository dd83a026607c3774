//! What is wrong with a request, and how it is answered.

use patchbay_sip::text;

use super::{Message, number};

/// Why a request is not served; each has its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its first line has blanks or brackets where none may be.
    FirstLine,
    /// Its version is not 2.0.
    Version,
    /// A line without a name.
    Line,
    /// More lines than [`super::LINES`].
    TooMany,
    /// `Content-Length` is no number, or more than there is.
    Length,
    /// A line is missing that each request has.
    Missing(&'static str),
    /// A line is there twice that may be there once.
    Twice(&'static str),
    /// A line cannot be read.
    Unreadable(&'static str),
    /// Its URI has another scheme than ours.
    Scheme,
}

impl Fault {
    /// Status and phrase of the answer.
    pub(crate) fn answer(self) -> (u16, String) {
        let (status, phrase) = match self {
            Self::FirstLine => (400, "Bad Request-Line".to_owned()),
            Self::Version => (505, "Version Not Supported".to_owned()),
            Self::Line => (400, "Bad Header Line".to_owned()),
            Self::TooMany => (400, "Too Many Header Lines".to_owned()),
            Self::Length => (400, "Bad Content-Length".to_owned()),
            Self::Missing(name) => (400, format!("Missing {name}")),
            Self::Twice(name) => (400, format!("More Than One {name}")),
            Self::Unreadable(name) => (400, format!("Bad {name}")),
            Self::Scheme => (416, "Unsupported URI Scheme".to_owned()),
        };
        (status, phrase)
    }
}

/// Whether a request has what every request must have (RFC 3261 section 8.1.1), and nothing that contradicts itself.
pub(crate) fn check(request: &Message) -> Option<Fault> {
    for name in ["From", "To", "Call-ID", "CSeq"] {
        match request.values(name).count() {
            0 => return Some(Fault::Missing(name)),
            1 => {}
            _ => return Some(Fault::Twice(name)),
        }
    }
    for name in ["Max-Forwards", "Content-Type", "Expires"] {
        if request.values(name).count() > 1 {
            return Some(Fault::Twice(name));
        }
    }
    if request.call_id().is_empty() {
        return Some(Fault::Unreadable("Call-ID"));
    }
    for name in ["From", "To"] {
        if !is_address(request.value(name).unwrap_or_default()) {
            return Some(Fault::Unreadable(name));
        }
    }
    match (request.cseq(), request.method()) {
        (Some((_, named)), Some(method)) if named == *method => {}
        _ => return Some(Fault::Unreadable("CSeq")),
    }
    if request.value("Max-Forwards").is_some_and(|hops| number(hops).is_none_or(|hops| hops > 255)) {
        return Some(Fault::Unreadable("Max-Forwards"));
    }
    let uri = request.uri();
    let scheme = uri.split(':').next().unwrap_or_default();
    if !(scheme.eq_ignore_ascii_case("sip") || scheme.eq_ignore_ascii_case("sips")) {
        return Some(Fault::Scheme);
    }
    // Header fields in a Request-URI would be a stranger's headers (RFC 3261 section 19.1.1).
    let behind_user = uri.rsplit('@').next().unwrap_or_default();
    behind_user.contains('?').then_some(Fault::FirstLine)
}

/// An address whose quotes and brackets are closed. Any scheme will do: numbers call as `tel:`.
fn is_address(value: &str) -> bool {
    let (mut quoted, mut escaped, mut open, mut closed) = (false, false, false, false);
    for one in value.chars() {
        match one {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !open => quoted = !quoted,
            '<' if !quoted => open = true,
            '>' if !quoted && !open => return false,
            '>' if !quoted => (open, closed) = (false, true),
            _ => {}
        }
    }
    let uri = uri_of(value);
    let plain = !uri.contains([' ', '<', '"']) && uri.split_once(':').is_some_and(|(_, rest)| !rest.is_empty());
    !quoted && !open && plain && (closed || !value.contains('<'))
}

/// The URI of an address, with or without brackets.
pub(crate) fn uri_of(value: &str) -> &str {
    let head = text::split(value, ';').first().copied().unwrap_or_default();
    // A quoted name may have a bracket of its own.
    let behind = match head.trim_start().strip_prefix('"') {
        Some(inner) => {
            let mut escaped = false;
            let end = inner.char_indices().find_map(|(at, one)| match one {
                _ if escaped => {
                    escaped = false;
                    None
                }
                '\\' => {
                    escaped = true;
                    None
                }
                '"' => Some(at + 1),
                _ => None,
            });
            end.map_or("", |end| &inner[end..])
        }
        None => head,
    };
    match behind.split_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default().trim(),
        None => behind.trim(),
    }
}
