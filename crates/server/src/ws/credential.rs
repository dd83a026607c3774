//! The token that a client shows in its handshake: browsers cannot set headers there, others need not write URLs.

use super::handshake::Headers;

/// `?token=…`, percent-decoded, and `Authorization: Bearer …`, as far as they are there. The first of each counts:
/// a head is bounded, but not so tightly that it might hold a list of guesses.
pub(super) fn shown(query: Option<&str>, headers: &(impl Headers + ?Sized)) -> impl Iterator<Item = Vec<u8>> {
    let value = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("token="));
    let bearer = headers.values("authorization").next().and_then(bearer).map(<[u8]>::to_vec);
    [value.and_then(percent_decoded), bearer].into_iter().flatten()
}

/// The token of `Authorization: Bearer …` alone, for requests whose clients can set headers.
pub(crate) fn of_header(headers: &(impl Headers + ?Sized)) -> Option<&[u8]> {
    headers.values("authorization").next().and_then(bearer)
}

/// RFC 6750 section 2.1; the scheme's name is in any case (RFC 9110 section 11.1).
fn bearer(value: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = value.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

/// RFC 3986 section 2.1. A plus sign stands for itself: tokens have no blanks, and base64 has plus signs.
fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.split('%');
    let mut decoded = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.as_bytes().split_at_checked(2)?;
        // `from_str_radix` takes a sign as well.
        let hex = digits.iter().all(u8::is_ascii_hexdigit).then(|| std::str::from_utf8(digits).ok()).flatten()?;
        decoded.push(u8::from_str_radix(hex, 16).ok()?);
        decoded.extend_from_slice(rest);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_in_the_query_and_in_the_header() {
        for (query, header, expected) in [
            (None, None, &[][..]),
            (Some("token=abc"), None, &["abc"][..]),
            (Some("room=x&token=a%2Fb+c%3d&token=second"), None, &["a/b+c="]),
            (Some("token="), None, &[""]),
            (Some("Token=a&tokens=b&xtoken=c"), None, &[]),
            (Some("token=a%2"), None, &[]),
            (Some("token=a%+1"), None, &[]),
            (Some("token=%e2%82%ac"), None, &["€"]),
            (None, Some("Bearer abc"), &["abc"]),
            (None, Some("bEARER  abc "), &["abc"]),
            (None, Some("Bearer"), &[]),
            (None, Some("Basic abc"), &[]),
            (Some("token=a"), Some("Bearer b"), &["a", "b"]),
        ] {
            let header = header.map(|value: &str| httparse::Header { name: "Authorization", value: value.as_bytes() });
            let headers: Vec<_> = header.into_iter().collect();
            let found: Vec<_> = shown(query, &headers[..]).collect();
            let expected: Vec<_> = expected.iter().map(|token| token.as_bytes()).collect();
            assert_eq!(found, expected, "{query:?}");
        }
    }
}
