//! Addresses, read by what is left of them.

use std::net::Ipv6Addr;

use super::rules::{start, text};

pub(super) fn aor(key: &str, value: &str, account: bool) -> Result<String, String> {
    let text = text(key, value)?;
    let lower = text.to_ascii_lowercase();
    let scheme = if lower.starts_with("sip:") {
        4
    } else if lower.starts_with("sips:") {
        5
    } else {
        0
    };
    let address = &text[scheme..];
    match is_address(address) {
        false => Err(format!("invalid SIP URI: {}", start(&text))),
        true if account && !address.contains('@') => Err(format!("invalid SIP URI: {}", start(address))),
        true => Ok(format!("Aor({address:?})")),
    }
}

pub(super) fn is_address(text: &str) -> bool {
    // Each escape is as good as a letter; what is left of percent signs is wrong.
    let mut plain = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let escape = rest.as_bytes().get(1..3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let length = if character == '%' && escape { 3 } else { character.len_utf8() };
        plain.push(if length == 3 && character == '%' { '~' } else { character });
        rest = &rest[length..];
    }
    let (user, rest) = match plain.split_once('@') {
        Some((user, rest)) => (Some(user), rest),
        None => (None, plain.as_str()),
    };
    let of = |text: &str, more: &str| {
        text.chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_.!~*'()".contains(letter) || more.contains(letter))
    };
    let user_fits = user.is_none_or(|user| {
        let parts: Vec<_> = user.splitn(2, ':').collect();
        !parts[0].is_empty() && of(parts[0], "&=+$,;?/") && parts.get(1).is_none_or(|password| of(password, "&=+$,"))
    });
    let mut parts = rest.split(';');
    let place = parts.next().unwrap_or_default();
    let parameters_fit = parts.all(|parameter| {
        let parts: Vec<_> = parameter.splitn(2, '=').collect();
        parts.iter().all(|part| !part.is_empty() && of(part, "[]/:&+$"))
    });
    let (host, port) = match place.rfind(']') {
        Some(end) => place.split_at(end + 1),
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let port_fits = port.is_empty()
        || (port.starts_with(':')
            && port[1..].chars().all(|digit| digit.is_ascii_digit())
            && (1..=65_535).contains(&port[1..].parse::<u32>().unwrap_or_default()));
    let host_fits = if host.starts_with('[') {
        host.ends_with(']') && host[1..host.len() - 1].parse::<Ipv6Addr>().is_ok()
    } else {
        let labels: Vec<_> = host.trim_end_matches('.').split('.').collect();
        let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        !host.ends_with("..") && labels.iter().all(|label| !label.is_empty() && label.chars().all(legal))
    };
    // The escapes of a host were made letters above, where they are none: `~` is no letter of a host.
    text.len() <= 256 && user_fits && parameters_fit && port_fits && host_fits
}
