//! The `Via` on top: who sent a request, and so where its response goes (RFC 3261 section 18.2.2, RFC 3581).

use patchbay_sip::text;

/// A `Via`, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Via {
    /// Host and port as written, in lower case: part of a transaction's name.
    pub(crate) sent_by: String,
    /// The port of it, if there is one.
    pub(crate) port: Option<u16>,
    /// Empty where there is none: a peer of RFC 2543.
    pub(crate) branch: String,
    /// Whether `rport` asks for an answer to where the request came from.
    pub(crate) rport: bool,
}

/// What a branch of RFC 3261 begins with.
pub(crate) const COOKIE: &str = "z9hG4bK";

impl Via {
    /// Reads one value: `SIP/2.0/UDP host:port;branch=…`. Blanks may be around the slashes.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let pieces = text::split(value, ';');
        let (head, params) = pieces.split_first()?;
        let mut parts = head.splitn(3, '/');
        let (name, _version, rest) = (parts.next()?, parts.next()?, parts.next()?.trim());
        let (_transport, sent_by) = rest.split_once([' ', '\t'])?;
        let sent_by: String = sent_by.split_ascii_whitespace().collect::<String>().to_ascii_lowercase();
        if !name.trim().eq_ignore_ascii_case("sip") || sent_by.is_empty() {
            return None;
        }
        let behind = sent_by.rfind(']').map_or(0, |at| at + 1);
        let port = match sent_by[behind..].rsplit_once(':') {
            Some((_, digits)) => Some(digits.parse().ok()?),
            None => None,
        };
        let param = |wanted: &str| {
            params.iter().find_map(|param| {
                let (name, value) = param.split_once('=').unwrap_or((param, ""));
                name.trim().eq_ignore_ascii_case(wanted).then(|| value.trim())
            })
        };
        let branch = param("branch").unwrap_or_default().to_owned();
        Some(Self { sent_by, port, branch, rport: param("rport").is_some() })
    }

    /// The value with where the request came from in it (RFC 3261 section 18.2.1, RFC 3581 section 4).
    pub(crate) fn received(value: &str, from: std::net::SocketAddr) -> String {
        let mut params: Vec<String> = Vec::new();
        let pieces = text::split(value, ';');
        let (head, rest) = pieces.split_first().map_or(("", &[][..]), |(head, rest)| (*head, rest));
        for param in rest {
            let name = param.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
            match name.as_str() {
                "received" => {}
                "rport" => params.push(format!("rport={}", from.port())),
                _ => params.push((*param).trim().to_owned()),
            }
        }
        params.push(format!("received={}", from.ip().to_canonical()));
        format!("{};{}", head.trim(), params.join(";"))
    }
}
