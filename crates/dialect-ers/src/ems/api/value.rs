//! What answers are made of, and how they are written: as JSON, its keys in the order of their bytes and `/` escaped, and as
//! indented text for people (ers.md section 2.1).

use std::collections::BTreeMap;

/// A value of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(u64),
    Text(String),
    List(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// A map of these entries.
    pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// Appends the value as JSON, without a blank.
    pub(crate) fn json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Number(value) => out.push_str(&value.to_string()),
            Self::Text(text) => string(out, text),
            Self::List(list) => {
                out.push('[');
                for (index, value) in list.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    value.json(out);
                }
                out.push(']');
            }
            Self::Map(map) => {
                out.push('{');
                for (index, (key, value)) in map.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    string(out, key);
                    out.push(':');
                    value.json(out);
                }
                out.push('}');
            }
        }
    }

    /// Appends the value as lines, which end in LF and CR; of maps, only the keys in `shown` are told, if there is such a list.
    pub(crate) fn lines(&self, out: &mut String, shown: Option<&[&str]>) {
        self.lines_at(out, 2, shown);
    }

    fn lines_at(&self, out: &mut String, level: usize, shown: Option<&[&str]>) {
        match self {
            Self::Map(map) => {
                let is_shown = |key: &&str| shown.is_none_or(|names| names.iter().any(|name| name == key));
                let mut entries = map.iter().filter(|(key, _)| is_shown(&key.as_str())).peekable();
                if map.is_empty() || entries.peek().is_some() {
                    out.push_str("\n\r");
                }
                for (key, value) in entries {
                    indent(out, level);
                    out.push_str(key);
                    out.push_str(": ");
                    value.lines_at(out, level + 1, shown);
                }
            }
            Self::List(list) if list.is_empty() => out.push_str("[]\n\r"),
            Self::List(list) => {
                out.push_str("\n\r");
                for value in list {
                    indent(out, level);
                    out.push_str("-- ");
                    value.lines_at(out, level + 1, shown);
                }
            }
            plain => {
                match plain {
                    Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
                    Self::Number(value) => out.push_str(&value.to_string()),
                    // Whoever names a thing shall not draw lines of his own.
                    Self::Text(text) => out.extend(text.chars().filter(|character| !character.is_control())),
                    _ => {}
                }
                out.push_str("\n\r");
            }
        }
    }
}

fn indent(out: &mut String, level: usize) {
    out.extend(std::iter::repeat_n("  ", level));
}

/// As the original escapes: what JSON demands, and the slash.
fn string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '/' => out.push_str("\\/"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control @ '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Value {
        Value::map([
            ("b", Value::List(vec![Value::Number(1), Value::map([("x", Value::Bool(true)), ("y", Value::Null)])])),
            ("a", Value::text("a/b\\\"\n\u{1}ü")),
            ("Z", Value::List(Vec::new())),
        ])
    }

    #[test]
    fn json_is_sorted_by_bytes_and_escapes_the_slash() {
        let mut out = String::new();
        sample().json(&mut out);
        assert_eq!(out, r#"{"Z":[],"a":"a\/b\\\"\n\u0001ü","b":[1,{"x":true,"y":null}]}"#);
    }

    #[test]
    fn lines_are_indented_and_end_in_reverse() {
        let mut out = String::new();
        sample().lines(&mut out, None);
        let expected = "\n\r    Z: []\n\r    a: a/b\\\"ü\n\r    b: \n\r      -- 1\n\r      -- \n\r        x: true\n\r        y: \n\r";
        assert_eq!(out, expected);
        out.clear();
        sample().lines(&mut out, Some(&["Z"]));
        assert_eq!(out, "\n\r    Z: []\n\r");
    }
}
