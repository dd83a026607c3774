//! JSON as others read it: the slow and obvious way, and `serde_json` for what is JSON at all. Fuzz targets compare the
//! dialects' readers with it.

use std::fmt::Write as _;

use serde::de::IgnoredAny;

/// Whether the text is one JSON value with nothing but white space around it, nested to any depth.
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The object that a text begins with, without what surrounds it. `None` if it begins with anything else, or with
/// something that is not JSON.
#[must_use]
pub fn leading_object(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    if !text.starts_with('{') {
        return None;
    }
    let end = structure(text).find(|(_, character, depth)| *character == '}' && *depth == 1)?.0;
    Some(&text[..=end]).filter(|object| is_json(object))
}

/// The keys, as they are meant, and the values, as they are written, of an object that [`leading_object`] gave.
#[must_use]
pub fn fields(object: &str) -> Vec<(String, &str)> {
    let mut fields = Vec::new();
    let (mut start, mut key) = (1, "");
    for (at, character, depth) in structure(object) {
        match (character, depth) {
            (':', 1) => (key, start) = (object[start..at].trim(), at + 1),
            (',' | '}', 1) => {
                // An empty object has no field.
                if !key.is_empty() {
                    fields.push((meant(key), object[start..at].trim()));
                }
                (key, start) = ("", at + 1);
            }
            _ => {}
        }
    }
    fields
}

/// The items, as they are written, of an array.
#[must_use]
pub fn items(array: &str) -> Vec<&str> {
    let mut items = Vec::new();
    let mut start = 1;
    for (at, character, depth) in structure(array) {
        if matches!(character, ',' | ']') && depth == 1 {
            items.push(array[start..at].trim());
            start = at + 1;
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

/// The characters outside of strings, each with its place and how many brackets are open there, its own included.
fn structure(text: &str) -> impl Iterator<Item = (usize, char, usize)> {
    let (mut inside, mut escaped, mut depth, mut closes) = (false, false, 0_usize, false);
    text.char_indices().filter_map(move |(at, character)| {
        if std::mem::take(&mut closes) {
            depth = depth.saturating_sub(1);
        }
        if inside {
            (inside, escaped) = (escaped || character != '"', !escaped && character == '\\');
            return None;
        }
        match character {
            '"' => inside = true,
            '{' | '[' => depth += 1,
            '}' | ']' => closes = true,
            _ => {}
        }
        Some((at, character, depth))
    })
}

/// A JSON text without the white space between its tokens, and with `<`, `>`, `&`, U+2028 and U+2029 escaped.
#[must_use]
pub fn compacted(text: &str) -> String {
    let (mut out, mut inside, mut escaped) = (String::new(), false, false);
    for character in text.chars() {
        match character {
            ' ' | '\n' | '\r' | '\t' if !inside => continue,
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => drop(write!(out, "\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
        if character == '"' && !escaped {
            inside = !inside;
        }
        escaped = inside && character == '\\' && !escaped;
    }
    out
}

/// What a JSON string with its quotes stands for, escape by escape, by way of UTF-16: half a pair becomes U+FFFD.
#[must_use]
pub fn meant(string: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = string.get(1..string.len().saturating_sub(1)).unwrap_or_default().chars();
    while let Some(character) = rest.next() {
        let meant = match character {
            '\\' => match rest.next().unwrap_or_default() {
                'u' => {
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    continue;
                }
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            },
            other => other,
        };
        units.extend_from_slice(meant.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_taken_apart() {
        let text = r#" {"a" : [1, {"b,":"}"}], "c\"\u00e9":"x\\" ,"a":null}{"next":1}"#;
        let object = leading_object(text).expect("an object");
        let expected = [("a", r#"[1, {"b,":"}"}]"#), ("c\"é", r#""x\\""#), ("a", "null")];
        assert_eq!(fields(object), expected.map(|(key, value)| (key.to_owned(), value)));
        assert_eq!(items(r#"[ 1,"[,]" , [2,3]]"#), ["1", r#""[,]""#, "[2,3]"]);
        assert_eq!((fields("{ }"), items("[ ]")), (vec![], vec![]));
        for text in ["", "[{}]", "{", "{]}", "{\"a\":}", "{\"a\":1,}", "{\"a\":\"\u{1}\"}", "x{}"] {
            assert_eq!(leading_object(text), None, "{text}");
        }
    }

    #[test]
    fn strings_and_white_space() {
        assert_eq!(meant(r#""a\ud83d\ude00\ud83d\n""#), "a😀\u{fffd}\n");
        assert_eq!(compacted("{ \"a <\" : [ 1 ] }"), "{\"a \\u003c\":[1]}");
    }
}
