//! Messages out of bytes.

use patchbay_sip::text::is_token;

use super::{Fault, HEAD_BYTES, LINES, Line, Message, Method, Start, number};

/// Reads one message: a whole datagram, or what [`super::Framer`] cut out of a stream.
///
/// `None`: no SIP, or so little of it that nobody could be answered. A fault beside a message: what can be read is in it,
/// enough to answer.
pub(crate) fn read(bytes: &[u8]) -> Option<(Message, Option<Fault>)> {
    // RFC 3261 section 7.5: empty lines may stand before the first.
    let skip = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
    let bytes = &bytes[skip..];
    let (head, body) = split_head(bytes);
    if head.len() > HEAD_BYTES {
        return None;
    }
    let head = String::from_utf8_lossy(head);
    let mut rows = head.split('\n').map(|row| row.trim_end_matches('\r'));
    let (start, mut fault) = start(rows.next()?)?;
    let mut lines: Vec<Line> = Vec::new();
    for row in rows {
        if row.starts_with([' ', '\t']) {
            // Folded (RFC 3261 section 7.3.1).
            if let Some(line) = lines.last_mut() {
                line.value.push(' ');
                line.value.push_str(&plain(row));
            }
            continue;
        }
        if row.is_empty() {
            continue;
        }
        if lines.len() >= LINES {
            fault = fault.or(Some(Fault::TooMany));
            break;
        }
        match row.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() && name.trim().bytes().all(is_token) => {
                lines.push(Line { name: long(name.trim()).to_owned(), value: plain(value) });
            }
            _ => fault = fault.or(Some(Fault::Line)),
        }
    }
    let mut message = Message { start, lines, body: Vec::new() };
    let length = match length(&message) {
        Ok(length) => length.unwrap_or(body.len()),
        Err(wrong) => {
            fault = fault.or(Some(wrong));
            body.len()
        }
    };
    if length > body.len() {
        fault = fault.or(Some(Fault::Length));
    }
    message.body = body[..length.min(body.len())].to_vec();
    Some((message, fault))
}

/// The head without its empty line, and what is behind it.
fn split_head(bytes: &[u8]) -> (&[u8], &[u8]) {
    match head_end(bytes) {
        Some((end, behind)) => (&bytes[..end], &bytes[behind..]),
        None => (bytes, &[]),
    }
}

/// Where the head ends, and where the body begins. Line ends without a carriage return are taken, too.
pub(super) fn head_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    for at in ends {
        match bytes.get(at + 1..) {
            Some([b'\r', b'\n', ..]) => return Some((at, at + 3)),
            Some([b'\n', ..]) => return Some((at, at + 2)),
            _ => {}
        }
    }
    None
}

/// What `Content-Length` says. Two that differ are a fault: somebody on the way would cut elsewhere.
pub(super) fn length(message: &Message) -> Result<Option<usize>, Fault> {
    let mut found = None;
    for value in message.values("Content-Length") {
        let length = number(value).and_then(|length| usize::try_from(length).ok()).ok_or(Fault::Length)?;
        if found.is_some_and(|found| found != length) {
            return Err(Fault::Length);
        }
        found = Some(length);
    }
    Ok(found)
}

/// `None`: not SIP at all.
fn start(row: &str) -> Option<(Start, Option<Fault>)> {
    if let Some(rest) = strip_version(row) {
        let rest = rest.strip_prefix(' ')?;
        let (digits, phrase) = rest.split_once(' ').unwrap_or((rest, ""));
        let status = number(digits).and_then(|status| u16::try_from(status).ok());
        let status = status.filter(|status| (100..=699).contains(status))?;
        return Some((Start::Response { status, phrase: plain(phrase) }, None));
    }
    let (method, rest) = row.split_once(' ')?;
    if method.is_empty() || !method.bytes().all(is_token) {
        return None;
    }
    let (uri, version, mut fault) = match rest.trim_end().rsplit_once(' ') {
        Some((uri, version)) => (uri, version, (rest != rest.trim_end()).then_some(Fault::FirstLine)),
        None => return None,
    };
    if !version.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("SIP/")) {
        return None;
    }
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        fault = Some(Fault::Version);
    } else if uri.is_empty() || uri.contains([' ', '\t', '<', '>', '"']) {
        fault = fault.or(Some(Fault::FirstLine));
    }
    Some((Start::Request { method: Method::parse(method), uri: plain(uri) }, fault))
}

fn strip_version(row: &str) -> Option<&str> {
    let start = row.get(..7)?;
    start.eq_ignore_ascii_case("SIP/2.0").then(|| &row[7..])
}

/// Without blanks at its ends and without control characters, which must not reach anybody.
fn plain(value: &str) -> String {
    let value = value.trim_matches([' ', '\t', '\r']);
    value.chars().map(|one| if one == '\t' { ' ' } else { one }).filter(|one| !one.is_control()).collect()
}

/// The name that a compact form stands for (RFC 3261 section 7.3.3 and its extensions).
fn long(name: &str) -> &str {
    match name {
        "a" | "A" => "Accept-Contact",
        "b" | "B" => "Referred-By",
        "c" | "C" => "Content-Type",
        "e" | "E" => "Content-Encoding",
        "f" | "F" => "From",
        "i" | "I" => "Call-ID",
        "k" | "K" => "Supported",
        "l" | "L" => "Content-Length",
        "m" | "M" => "Contact",
        "o" | "O" => "Event",
        "r" | "R" => "Refer-To",
        "s" | "S" => "Subject",
        "t" | "T" => "To",
        "u" | "U" => "Allow-Events",
        "v" | "V" => "Via",
        "x" | "X" => "Session-Expires",
        name => name,
    }
}
