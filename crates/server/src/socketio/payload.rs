//! Several packets as one body: each behind its length between two replacement characters, and the only one of its body as it
//! is. Lengths count UTF-16 units, as the library's strings do.

/// Stands before and behind each length.
const MARK: char = '\u{fffd}';
/// Longest length that is read: a body is shorter than that.
const DIGITS: usize = 10;

/// This body has no such form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The body that carries these packets.
pub(super) fn encode<'a>(packets: impl ExactSizeIterator<Item = &'a str>) -> String {
    let mut body = String::new();
    let alone = packets.len() == 1;
    for packet in packets {
        if !alone {
            body.push(MARK);
            body.push_str(&packet.encode_utf16().count().to_string());
            body.push(MARK);
        }
        body.push_str(packet);
    }
    body
}

/// The next packet of a body, and what is behind it; `None` if there is none. A last one that is shorter than was said
/// counts as it is, as with the library.
pub(super) fn next(body: &str) -> Result<Option<(&str, &str)>, Malformed> {
    if body.is_empty() {
        return Ok(None);
    }
    let Some(framed) = body.strip_prefix(MARK) else { return Err(Malformed) };
    let (digits, rest) = framed.split_once(MARK).ok_or(Malformed)?;
    if digits.is_empty() || digits.len() > DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Malformed);
    }
    let mut left: usize = digits.parse().map_err(|_| Malformed)?;
    for (at, letter) in rest.char_indices() {
        if left == 0 {
            return Ok(Some(rest.split_at(at)));
        }
        // A length that ends within a letter is nobody's.
        left = left.checked_sub(letter.len_utf16()).ok_or(Malformed)?;
    }
    Ok(Some((rest, "")))
}

/// A body on its way through a session, one packet at a time.
pub(super) struct Body {
    text: String,
    at: usize,
}

impl Body {
    pub(super) fn new(text: String) -> Self {
        Self { text, at: 0 }
    }

    /// Takes the next packet.
    pub(super) fn take(&mut self) -> Result<Option<&str>, Malformed> {
        let rest = &self.text[self.at..];
        if self.at == 0 && !rest.starts_with(MARK) {
            self.at = self.text.len();
            return Ok((!rest.is_empty()).then_some(rest));
        }
        let found = next(rest)?;
        if let Some((_, behind)) = found {
            self.at = self.text.len() - behind.len();
        }
        Ok(found.map(|(packet, _)| packet))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(body: &str) -> Result<Vec<String>, Malformed> {
        let (mut body, mut packets) = (Body::new(body.to_owned()), Vec::new());
        while let Some(packet) = body.take()? {
            packets.push(packet.to_owned());
        }
        Ok(packets)
    }

    fn body(packets: &[&str]) -> String {
        encode(packets.iter().copied())
    }

    /// Each as socket.io 0.9.16 wrote it.
    #[test]
    fn bodies_are_the_librarys() {
        for (packets, expected) in [
            (&["1::"][..], "1::"),
            (&["1::", "2::"], "\u{fffd}3\u{fffd}1::\u{fffd}3\u{fffd}2::"),
            (&["3:::ä€😀", "8::"], "\u{fffd}8\u{fffd}3:::ä€😀\u{fffd}3\u{fffd}8::"),
            (&["", "2::"], "\u{fffd}0\u{fffd}\u{fffd}3\u{fffd}2::"),
            (&["3:::\u{fffd}5\u{fffd}", "2::"], "\u{fffd}7\u{fffd}3:::\u{fffd}5\u{fffd}\u{fffd}3\u{fffd}2::"),
        ] {
            assert_eq!(body(packets), expected);
            assert_eq!(all(expected).expect("well formed"), packets);
        }
        assert_eq!(all(""), Ok(Vec::new()));
        assert_eq!(all("5:::a\u{fffd}b"), Ok(vec!["5:::a\u{fffd}b".to_owned()]), "alone: no lengths are in it");
    }

    #[test]
    fn what_has_no_such_form_is_refused_and_a_short_one_is_taken() {
        for body in [
            "\u{fffd}",
            "\u{fffd}\u{fffd}",
            "\u{fffd}x\u{fffd}2::",
            "\u{fffd}-3\u{fffd}2::",
            "\u{fffd}3",
            "\u{fffd}3\u{fffd}2::x",
            "\u{fffd}3\u{fffd}2::3\u{fffd}2::",
            "\u{fffd}1\u{fffd}😀😀",
            "\u{fffd}12345678901\u{fffd}2::",
        ] {
            assert_eq!(all(body), Err(Malformed), "{body:?}");
        }
        assert_eq!(all("\u{fffd}9\u{fffd}2::"), Ok(vec!["2::".to_owned()]));
        assert_eq!(all("\u{fffd}0\u{fffd}"), Ok(vec![String::new()]));
    }
}
