//! Addresses of record: who is called, who calls, which room.
//!
//! A client may write `sip:` or `sips:` in front; the address without it is what every later event says (sylk.md
//! section 2). The rest must be what RFC 3261 section 25.1 lets stand in a SIP URI, because it goes into the request
//! lines and headers of SIP requests as it is.

use std::borrow::Cow;
use std::net::Ipv6Addr;

/// Longest address, in bytes. It is a name in the hub, which has the same bound.
pub const BYTES: usize = 256;

/// A checked address without its scheme: `[user[:password]@]host[:port][;parameters]`, at most [`BYTES`] bytes of ASCII.
/// Case is kept: whether two addresses are one is not decided here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aor<'a>(Cow<'a, str>);

impl<'a> Aor<'a> {
    /// Reads an address; `None` if it is none.
    #[must_use]
    pub fn parse(text: Cow<'a, str>) -> Option<Self> {
        let start = scheme(&text);
        let rest = &text[start..];
        if rest.len() > BYTES || !is_address(rest) {
            return None;
        }
        Some(Self(match text {
            Cow::Borrowed(text) => Cow::Borrowed(&text[start..]),
            Cow::Owned(mut text) => {
                drop(text.drain(..start));
                Cow::Owned(text)
            }
        }))
    }

    /// The whole address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`, without a password.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        let (user, _) = self.0.split_once('@')?;
        Some(user.split(':').next().unwrap_or(user))
    }

    /// The host, without port and parameters; an IPv6 address has its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.0.split_once('@').map_or(&*self.0, |(_, rest)| rest);
        split_host(rest).map_or(rest, |(host, _)| host)
    }

    /// The same address, of its own.
    #[must_use]
    pub fn into_owned(self) -> Aor<'static> {
        Aor(Cow::Owned(self.0.into_owned()))
    }
}

/// How long `sip:` or `sips:` is at the start. `sip:5060` would be read otherwise by who knows no scheme; it is the
/// reference's reading, too.
fn scheme(text: &str) -> usize {
    ["sip:", "sips:"]
        .into_iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
        .map_or(0, str::len)
}

fn is_address(text: &str) -> bool {
    let rest = match text.split_once('@') {
        Some((user, _)) if !is_user(user) => return false,
        Some((_, rest)) => rest,
        None => text,
    };
    let Some((host, rest)) = split_host(rest) else { return false };
    let (port, parameters) = rest.split_once(';').map_or((rest, None), |(port, rest)| (port, Some(rest)));
    let port_is_one = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
        });
    is_host(host) && port_is_one && parameters.is_none_or(|parameters| parameters.split(';').all(is_parameter))
}

/// The host and what follows it, which begins with `:` or `;` if it is something.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let end = if text.starts_with('[') { text.find(']')? + 1 } else { text.find([':', ';']).unwrap_or(text.len()) };
    Some(text.split_at(end))
}

fn is_user(text: &str) -> bool {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    !user.is_empty() && escaped(user, b"&=+$,;?/") && escaped(password, b"&=+$,")
}

fn is_host(text: &str) -> bool {
    if let Some(inside) = text.strip_prefix('[') {
        return inside.strip_suffix(']').is_some_and(|inside| inside.parse::<Ipv6Addr>().is_ok());
    }
    // An underscore is no part of a host name by the letter, but of many that exist in closed networks.
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

/// `name` or `name=value`.
fn is_parameter(text: &str) -> bool {
    let (name, value) = text.split_once('=').unwrap_or((text, "-"));
    let part = |part: &str| !part.is_empty() && escaped(part, b"[]/:&+$");
    part(name) && part(value)
}

/// Only letters, digits, marks, `more`, and escapes of a percent sign and two digits.
fn escaped(text: &str, more: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let legal = match byte {
            b'%' => {
                [bytes.next(), bytes.next()].iter().all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
            }
            _ => byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) || more.contains(&byte),
        };
        if !legal {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_scheme_and_nothing_else() {
        for (text, address, user, host) in [
            ("alice@example.com", "alice@example.com", Some("alice"), "example.com"),
            ("sip:alice@example.com", "alice@example.com", Some("alice"), "example.com"),
            ("SIPS:Alice@Example.com", "Alice@Example.com", Some("Alice"), "Example.com"),
            ("example.com", "example.com", None, "example.com"),
            ("no-at-sign", "no-at-sign", None, "no-at-sign"),
            ("localhost:5060", "localhost:5060", None, "localhost"),
            ("h:1", "h:1", None, "h"),
            ("h:65535", "h:65535", None, "h"),
            ("+4930123@[2001:db8::1]:5060", "+4930123@[2001:db8::1]:5060", Some("+4930123"), "[2001:db8::1]"),
            ("a:secret@h;transport=tcp;lr", "a:secret@h;transport=tcp;lr", Some("a"), "h"),
            ("a;b?c=%40&d@h.", "a;b?c=%40&d@h.", Some("a;b?c=%40&d"), "h."),
            ("room_1@conference.my_host", "room_1@conference.my_host", Some("room_1"), "conference.my_host"),
            ("sip@host", "sip@host", Some("sip"), "host"),
        ] {
            for text in [Cow::Borrowed(text), Cow::Owned(text.to_owned())] {
                let aor = Aor::parse(text.clone()).unwrap_or_else(|| panic!("{text}"));
                assert_eq!((aor.as_str(), aor.user(), aor.host()), (address, user, host), "{text}");
                assert_eq!(aor.clone().into_owned(), aor);
            }
        }
    }

    #[test]
    fn what_could_change_a_sip_message_is_no_address() {
        let (long, longest) = (format!("{}@h", "x".repeat(255)), format!("sip:{}@h", "x".repeat(254)));
        assert!(Aor::parse(Cow::Borrowed(&longest)).is_some());
        for text in [
            "",
            "sip:",
            "@",
            "@host",
            "a@",
            "a@@b",
            "a b@c",
            "a@b c",
            "a@b\r\nVia: x",
            "a@b>",
            "<a@b>",
            "\"a\"@b",
            "ü@b",
            "a@ü",
            "a@b:",
            "a@b:0",
            "a@b:65536",
            "a@b:+1",
            "a@b:x",
            "a@.b",
            "a@b..c",
            "a@b;",
            "a@b;=x",
            "a@b;x=",
            "a@b?x=y",
            "a%4@b",
            "a%zz@b",
            "a@[::1",
            "a@[b]",
            "a@[::1]x",
            "a@::1",
            "sip:sip:a@b:c",
            "a:b:c@d",
            "a@b,c",
            &long,
        ] {
            assert_eq!(Aor::parse(Cow::Borrowed(text)), None, "{text:?}");
        }
    }
}
