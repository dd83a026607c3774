//! Who may connect: the origin rule for browsers.
//!
//! An entry of the list is `*` (everybody), `same-host` (an origin whose host is the one in the
//! Host header), a full origin (`https://example.com:8443`), `host:port` or `host`. Hosts and schemes
//! are compared without regard to case; a scheme or port counts only where the entry has one. A full
//! origin without a port means its scheme's own port, as it does in a browser. Localhost is not
//! implied. `null` is admitted by `*` only. A request without Origin comes from no browser: it is
//! admitted, unless `require_origin` is on.

use std::net::Ipv6Addr;

/// The list of admitted origins, parsed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPolicy {
    everybody: bool,
    same_host: bool,
    require_origin: bool,
    entries: Vec<Pattern>,
}

/// A full origin, `host:port` (no scheme) or `host` (neither).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    scheme: Option<String>,
    host: String,
    port: Option<u16>,
}

impl OriginPolicy {
    /// Parses the list. Entries that can admit nobody are dropped; [`OriginPolicy::useless`] names them.
    pub fn new<S: AsRef<str>>(list: &[S], require_origin: bool) -> Self {
        let mut policy = Self { everybody: false, same_host: false, require_origin, entries: Vec::new() };
        for entry in list.iter().map(|entry| entry.as_ref().trim()) {
            if entry == "*" {
                policy.everybody = true;
            } else if entry.eq_ignore_ascii_case("same-host") {
                policy.same_host = true;
            } else {
                policy.entries.extend(Pattern::of_entry(entry));
            }
        }
        policy
    }

    /// Whether a request with these headers may connect. Pure; `origin` and `host` are the
    /// headers' values as they arrived. No browser sends several Origin headers: the caller joins
    /// them by a comma, which matches no entry.
    pub fn admits(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(origin) = origin else {
            return !self.require_origin;
        };
        if self.everybody {
            return true;
        }
        // "null", an origin with a path or with a user, and any other text that no browser sends: refused.
        let Some(origin) = Pattern::of_origin(origin) else {
            return false;
        };
        let same_host = self.same_host && host.and_then(split_authority).is_some_and(|(host, _)| host == origin.host);
        same_host || self.entries.iter().any(|entry| entry.matches(&origin))
    }

    /// Whether everybody is admitted.
    pub fn admits_everybody(&self) -> bool {
        self.everybody
    }

    /// The entries of a list that can never match, each with the reason.
    pub fn useless(list: &[String]) -> Vec<(&str, &'static str)> {
        let reason = |entry: &str| -> Option<&'static str> {
            let keyword = entry == "*" || entry.eq_ignore_ascii_case("same-host");
            if keyword || Pattern::of_entry(entry).is_some() {
                None
            } else if entry.eq_ignore_ascii_case("null") {
                Some("the origin null is admitted by \"*\" only")
            } else if entry.contains('*') {
                Some("\"*\" stands alone, patterns are not supported")
            } else if !entry.is_ascii() {
                Some("browsers send such hosts in their xn-- form")
            } else {
                Some("it is no origin (https://host:port, without a path), no host:port and no host")
            }
        };
        let with_reason = |entry| reason(entry).map(|reason| (entry, reason));
        list.iter().map(|e| e.trim()).filter_map(with_reason).collect()
    }
}

impl Pattern {
    /// A whole origin as a browser sends it. Its port is always known where its scheme is.
    fn of_origin(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let scheme_char = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
        if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(scheme_char) {
            return None;
        }
        let (host, port) = split_authority(authority)?;
        let own_port = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        Some(Self { scheme: Some(scheme), host, port: port.or(own_port) })
    }

    fn of_entry(entry: &str) -> Option<Self> {
        if entry.contains("://") {
            return Self::of_origin(entry);
        }
        if let Ok(ip) = entry.parse::<Ipv6Addr>() {
            return Some(Self { scheme: None, host: format!("[{ip}]"), port: None });
        }
        let (host, port) = split_authority(entry)?;
        // The word would otherwise look like the name of a host.
        (host != "null").then_some(Self { scheme: None, host, port })
    }

    fn matches(&self, origin: &Self) -> bool {
        self.host == origin.host
            && match &self.scheme {
                Some(_) => self.scheme == origin.scheme && self.port == origin.port,
                None => self.port.is_none() || self.port == origin.port,
            }
    }
}

/// `host[:port]` in one spelling: lower case, IPv6 in its shortest form with brackets. Anything that
/// has more than these two parts (user, path, white space) is none.
fn split_authority(text: &str) -> Option<(String, Option<u16>)> {
    let (host, rest) = if let Some(literal) = text.strip_prefix('[') {
        let (literal, rest) = literal.split_once(']')?;
        (format!("[{}]", literal.parse::<Ipv6Addr>().ok()?), rest)
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let (host, rest) = text.split_at(end);
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
        if host.is_empty() || !host.bytes().all(plain) {
            return None;
        }
        (host.to_ascii_lowercase(), rest)
    };
    if rest.is_empty() {
        return Some((host, None));
    }
    let port = rest.strip_prefix(':')?;
    if !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((host, Some(port.parse().ok()?)))
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
