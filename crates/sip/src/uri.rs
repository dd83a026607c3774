//! Addresses of people and devices: SIP URIs (RFC 3261 section 19.1) without what we never use of them.
//!
//! A [`Uri`] has no control character, no blank and no quote, plain or escaped, so it can stand in any header line.

use std::fmt;
use std::net::Ipv6Addr;

use crate::text::clean;

/// Longest URI, in bytes. Contacts of telephones that are woken by a push service are some 500; more is nobody's.
pub const URI_BYTES: usize = 1_024;
/// Longest address of record, in bytes: a domain has at most 253, a user some tens.
pub const AOR_BYTES: usize = 384;
/// Longest host name, in bytes (RFC 1035 section 2.3.4).
const HOST_BYTES: usize = 253;

/// What is wrong with a text that should be a SIP URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidUri {
    /// Longer than [`URI_BYTES`], or an AOR longer than [`AOR_BYTES`].
    TooLong,
    /// The part before `@` is missing, empty, or has a character that must be escaped. Passwords count as such.
    User,
    /// No domain name, IPv4 address or `[IPv6 address]`.
    Host,
    /// No number from 1 to 65535.
    Port,
    /// A parameter without a name, or with a character that must be escaped.
    Parameter,
    /// Header fields behind `?`, which an address of record cannot have.
    Headers,
}

impl InvalidUri {
    /// What a client is told that gave `value`: `invalid SIP URI: ` and the value, cut and without control characters.
    #[must_use]
    pub fn text(self, value: &str) -> String {
        format!("invalid SIP URI: {}", clean(value, AOR_BYTES))
    }
}

impl fmt::Display for InvalidUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "it is too long",
            Self::User => "the part before @ is missing or has characters that must be escaped",
            Self::Host => "the host is neither a domain name nor an address",
            Self::Port => "the port is no number from 1 to 65535",
            Self::Parameter => "a parameter has no name or characters that must be escaped",
            Self::Headers => "it has header fields",
        })
    }
}

impl std::error::Error for InvalidUri {}

/// A SIP URI: `[user@]host[:port][;parameters]`, and whether it asks for TLS (`sips`).
///
/// Equal are URIs that were written equally; nothing is changed in case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uri {
    secure: bool,
    /// Without scheme and header fields.
    text: Box<str>,
    /// Bytes before `@`, if there is one.
    user: Option<usize>,
    /// Where the host ends.
    host_end: usize,
    port: Option<u16>,
}

impl Uri {
    /// Reads a URI; without a scheme it is taken for `sip:`. Header fields (`?…`) are left out: they would let a
    /// stranger write headers of ours.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        Self::read(text).map(|(uri, _)| uri)
    }

    /// The URI, and whether there were header fields.
    fn read(text: &str) -> Result<(Self, bool), InvalidUri> {
        if text.len() > URI_BYTES {
            return Err(InvalidUri::TooLong);
        }
        let (secure, text) = without_scheme(text.trim_matches([' ', '\t']));
        // `?` may stand in a user, so header fields begin behind the host.
        let (user, host_at) = match text.find('@') {
            Some(at) => (Some(at), at + 1),
            None => (None, 0),
        };
        if user.is_some_and(|end| end == 0 || !is_escaped(&text[..end], b"-_.!~*'()&=+$,;?/")) {
            return Err(InvalidUri::User);
        }
        let headers = text[host_at..].find('?').map(|at| host_at + at);
        let text = headers.map_or(text, |at| &text[..at]);
        let rest = &text[host_at..];
        let host_bytes = match rest.strip_prefix('[') {
            Some(inner) => inner.find(']').ok_or(InvalidUri::Host)? + 2,
            None => rest.find([':', ';']).unwrap_or(rest.len()),
        };
        let (host, rest) = rest.split_at(host_bytes);
        if !is_host(host) {
            return Err(InvalidUri::Host);
        }
        let (port, params) = match rest.strip_prefix(':') {
            Some(rest) => {
                let (digits, params) = rest.split_at(rest.find(';').unwrap_or(rest.len()));
                (Some(port(digits)?), params)
            }
            None => (None, rest),
        };
        if !(params.is_empty() || params.starts_with(';')) {
            return Err(InvalidUri::Host);
        }
        for param in params.split(';').skip(1) {
            let (name, value) = param.split_once('=').unwrap_or((param, "-"));
            let fits = |part: &str| !part.is_empty() && is_escaped(part, b"-_.!~*'()[]/:&+$");
            if !fits(name) || !fits(value) {
                return Err(InvalidUri::Parameter);
            }
        }
        Ok((Self { secure, text: text.into(), user, host_end: host_at + host_bytes, port }, headers.is_some()))
    }

    /// Whether its scheme is `sips`.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// All of it but for the scheme.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before `@`, as written.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        self.user.map(|end| &self.text[..end])
    }

    /// The host, an IPv6 address in its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.text[self.user.map_or(0, |end| end + 1)..self.host_end]
    }

    /// The port, if one was given.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The value of a parameter, `""` if it has none; names are compared without regard to case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let params = self.text[self.host_end..].split(';').skip(1);
        let mut pairs = params.map(|param| param.split_once('=').unwrap_or((param, "")));
        pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether both lead to the same user at the same host and port; parameters do not count (RFC 3261 section 19.1.4
    /// counts some, which registrars like to add or drop).
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        self.user() == other.user()
            && self.host().eq_ignore_ascii_case(other.host())
            && self.port.unwrap_or(self.default_port()) == other.port.unwrap_or(other.default_port())
    }

    fn default_port(&self) -> u16 {
        let tls = self.secure || self.param("transport").is_some_and(|name| name.eq_ignore_ascii_case("tls"));
        if tls { 5061 } else { 5060 }
    }
}

/// With its scheme.
impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", if self.secure { "sips" } else { "sip" }, self.text)
    }
}

/// Users are personal: their names stay out of logs.
impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({} bytes)", self.text.len())
    }
}

/// An address of record: a [`Uri`] with a user, as accounts, callees and rooms are named. Its scheme is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Aor(Uri);

impl Aor {
    /// Reads an address of record: `user@host`, perhaps behind `sip:` or `sips:`, perhaps with port and parameters.
    ///
    /// # Errors
    /// What is wrong with it; [`InvalidUri::text`] makes the words for the client.
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        if text.len() > AOR_BYTES {
            return Err(InvalidUri::TooLong);
        }
        let (uri, headers) = Uri::read(text)?;
        if headers {
            return Err(InvalidUri::Headers);
        }
        if uri.user.is_none() {
            return Err(InvalidUri::User);
        }
        Ok(Self(uri))
    }

    /// As it is written in events: without scheme.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The user, as written: also the name in digests.
    #[must_use]
    pub fn user(&self) -> &str {
        self.0.user().unwrap_or_default()
    }

    /// The domain, as written.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.host()
    }

    /// The URI, for header lines.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    /// Whether its domain is `domain`, without regard to case.
    #[must_use]
    pub fn is_of(&self, domain: &str) -> bool {
        self.domain().eq_ignore_ascii_case(domain)
    }
}

/// Whether `sips:` was there, and what is behind the scheme.
fn without_scheme(text: &str) -> (bool, &str) {
    for (scheme, secure) in [("sip:", false), ("sips:", true)] {
        if text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)) {
            return (secure, &text[scheme.len()..]);
        }
    }
    (false, text)
}

/// Letters, digits, `plain` and escapes, none of which stands for a control character: somebody would undo it one day.
fn is_escaped(text: &str, plain: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16));
            match (digit(), digit()) {
                (Some(0 | 1), Some(_)) | (Some(7), Some(15)) | (None, _) | (_, None) => return false,
                (Some(_), Some(_)) => {}
            }
        } else if !byte.is_ascii_alphanumeric() && !plain.contains(&byte) {
            return false;
        }
    }
    true
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    // `_` is in no domain name of the standard and in many of the world.
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.len() <= HOST_BYTES && host.split('.').all(label)
}

fn port(digits: &str) -> Result<u16, InvalidUri> {
    // `parse` would take a plus sign.
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|port| plain && *port > 0).ok_or(InvalidUri::Port)
}

#[cfg(test)]
mod tests;
