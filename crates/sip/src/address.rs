//! Addresses in header lines: a URI with a name to show and parameters (RFC 3261 section 20.10).

use crate::text::{clean, quote, split, unquote};
use crate::uri::{InvalidUri, Uri};

/// Longest name to show, in bytes: longer ones fill screens and header lines, and real ones are some tens.
pub const DISPLAY_BYTES: usize = 128;
/// Most addresses read of one message: a registrar lists some tens of bindings at most.
const ADDRESSES: usize = 64;

/// One address of `From`, `To`, `Contact` and their like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The name to show, its quotes undone, without control characters; `None` if it is absent or empty.
    pub display: Option<String>,
    /// Whom it leads to.
    pub uri: Uri,
    /// What is behind the URI: names as written, values without their quotes.
    pub params: Vec<(String, Option<String>)>,
}

impl Address {
    /// Reads one address, with or without angle brackets.
    ///
    /// # Errors
    /// What is wrong with its URI; a lone `*` is [`InvalidUri::Host`].
    pub fn parse(text: &str) -> Result<Self, InvalidUri> {
        let pieces = split(text, ';');
        let (head, params) = pieces.split_first().ok_or(InvalidUri::Host)?;
        let head = head.trim();
        let (display, uri) = match opening(head) {
            Some(at) => (head[..at].trim(), head[at + 1..].split('>').next().unwrap_or_default()),
            None => ("", head),
        };
        let display = match display.strip_prefix('"') {
            Some(inner) => unquote(inner.strip_suffix('"').unwrap_or(inner)),
            None => display.to_owned(),
        };
        let display = Some(clean(&display, DISPLAY_BYTES)).filter(|display| !display.is_empty());
        let params = params.iter().map(|param| {
            let (name, value) = param.split_once('=').map_or((*param, None), |(name, value)| (name, Some(value)));
            let plain = |value: &str| match value.strip_prefix('"') {
                Some(inner) => unquote(inner.strip_suffix('"').unwrap_or(inner)),
                None => value.to_owned(),
            };
            (name.trim().to_owned(), value.map(|value| plain(value.trim())))
        });
        Ok(Self { display, uri: Uri::parse(uri)?, params: params.collect() })
    }

    /// The value of a parameter; names are compared without regard to case.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        let found = self.params.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_deref().unwrap_or_default())
    }
}

/// The addresses of header lines that may hold several each; those that cannot be read are left out.
pub fn list<'a>(values: impl IntoIterator<Item = &'a str>) -> Vec<Address> {
    let each = values.into_iter().flat_map(|value| split(value, ','));
    each.filter_map(|text| Address::parse(text).ok()).take(ADDRESSES).collect()
}

/// An address as it stands in a header line: the name quoted, cut to [`DISPLAY_BYTES`] and without control characters.
#[must_use]
pub fn write(display: Option<&str>, uri: &Uri) -> String {
    match display.map(|display| clean(display, DISPLAY_BYTES)).filter(|display| !display.is_empty()) {
        Some(display) => format!("{} <{uri}>", quote(&display)),
        None => format!("<{uri}>"),
    }
}

/// Where the `<` of the URI is: behind the name, which may have one between its quotes.
fn opening(head: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    head.char_indices().find_map(|(index, character)| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '<' if !quoted => return Some(index),
            _ => {}
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_and_without_names() {
        for (text, display, uri, tag) in [
            (r#""Alice \"A\" <x>; y" <sip:a@d;lr>;tag=1"#, Some(r#"Alice "A" <x>; y"#), "sip:a@d;lr", Some("1")),
            ("Bob Smith <sip:b@d>", Some("Bob Smith"), "sip:b@d", None),
            ("<sips:b@d:5061>;Tag=x;expires=\"60\"", None, "sips:b@d:5061", Some("x")),
            ("sip:c@d;tag=2", None, "sip:c@d", Some("2")),
            ("\"\" <sip:c@d>", None, "sip:c@d", None),
        ] {
            let address = Address::parse(text).expect(text);
            assert_eq!(address.display.as_deref(), display, "{text}");
            assert_eq!(address.uri.to_string(), uri);
            assert_eq!(address.param("tag"), tag);
        }
        for text in ["*", "", "\"x <sip:a@b>", "<sip:a b@c>", "<tel:+49>"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_line_may_hold_several() {
        let lines = ["\"a, b\" <sip:1@d>;expires=5, <sip:2@d>", "broken@, sip:3@d"];
        let users: Vec<_> = list(lines).into_iter().map(|address| address.uri.user().map(str::to_owned)).collect();
        assert_eq!(users, [Some("1".into()), Some("2".into()), Some("3".into())]);
        let many = "sip:1@d,".repeat(1_000);
        assert_eq!(list([many.as_str()]).len(), ADDRESSES);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let uri = Uri::parse("a@d").expect("a URI");
        for display in ["Alice", "A \"B\" \\", "x\r\nVia: y", "<sip:evil@d>"] {
            let line = write(Some(display), &uri);
            assert!(!line.contains(['\r', '\n']));
            let again = Address::parse(&line).expect("ours");
            assert_eq!(again.display, Some(clean(display, 128)));
            assert_eq!(again.uri, uri);
        }
        assert_eq!(write(Some("\r\n"), &uri), "<sip:a@d>");
        assert_eq!(write(None, &uri), "<sip:a@d>");
    }
}
