//! Characters and pieces of SIP's text (RFC 3261 section 25.1).

/// Whether a token may have this character.
pub fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&byte)
}

/// The pieces between `at`, where that is neither in a quoted string nor between `<` and `>`.
///
/// A quote or bracket that is never closed holds the rest of the text.
pub fn split(text: &str, at: char) -> Vec<&str> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let (mut quoted, mut escaped, mut bracket) = (false, false, false);
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' if !bracket => quoted = !quoted,
            '<' if !quoted => bracket = true,
            '>' if !quoted => bracket = false,
            _ if character == at && !quoted && !bracket => {
                pieces.push(&text[start..index]);
                start = index + character.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// `text` without control characters and with at most `bytes` bytes, cut between characters.
pub fn clean(text: &str, bytes: usize) -> String {
    let mut kept = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if kept.len() + character.len_utf8() > bytes {
            break;
        }
        kept.push(character);
    }
    kept
}

/// The text between quotes, its escapes undone.
pub fn unquote(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}

/// `text` between quotes, with the two characters escaped that would end it early.
pub fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_brackets_hold_separators() {
        let text = r#""a, \"b, c" <sip:x@y;p=1,2>;q=1, <sip:z@y>"#;
        assert_eq!(split(text, ','), [r#""a, \"b, c" <sip:x@y;p=1,2>;q=1"#, " <sip:z@y>"]);
        assert_eq!(split("a;\"b;c", ';'), ["a", "\"b;c"], "an open quote holds the rest");
        assert_eq!(split("", ','), [""]);
    }

    #[test]
    fn what_is_quoted_is_read_again() {
        for text in ["", "plain", "with \"quotes\" and \\", "ünïcode"] {
            let quoted = quote(text);
            assert_eq!(unquote(&quoted[1..quoted.len() - 1]), text);
            assert_eq!(split(&format!("{quoted},x"), ','), [quoted.as_str(), "x"]);
        }
        assert_eq!(quote("a\r\nVia: b"), "\"aVia: b\"");
    }

    #[test]
    fn cleaned_text_is_cut_between_characters() {
        assert_eq!(clean("a\r\nb\u{7f}c", 9), "abc");
        assert_eq!(clean("üü", 3), "ü");
    }
}
