//! What a transcript remembers of what its clients heard: ids that the server draws.

use std::collections::BTreeMap;

use serde_json::Value;

/// Values by their names in the transcript, without the `$`.
#[derive(Debug, Default)]
pub(super) struct Captures(BTreeMap<String, String>);

impl Captures {
    /// The text with the values in the places of their names.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            text = text.replace(&format!("${name}"), value);
        }
        text
    }

    /// Whether `heard` is what `expected` says; what it captures is kept if all of it is.
    pub(super) fn equal(&mut self, expected: &Value, heard: &Value) -> bool {
        let mut found = Vec::new();
        let equal = self.compare(expected, heard, &mut found);
        if equal {
            self.0.extend(found);
        }
        equal
    }

    fn compare(&self, expected: &Value, heard: &Value, found: &mut Vec<(String, String)>) -> bool {
        match (expected, heard) {
            (Value::String(expected), Value::String(heard)) => match Captured::read(expected) {
                Some(of) => {
                    let inner = heard.strip_prefix(of.before).and_then(|heard| heard.strip_suffix(of.behind));
                    match (inner, self.0.get(of.name)) {
                        (None, _) => false,
                        (Some(inner), Some(known)) => known == inner,
                        (Some(inner), None) => {
                            found.push((of.name.to_owned(), inner.to_owned()));
                            (of.fits)(inner)
                        }
                    }
                }
                None => self.fill(expected) == *heard,
            },
            (Value::Array(expected), Value::Array(heard)) => {
                expected.len() == heard.len()
                    && expected.iter().zip(heard).all(|(expected, heard)| self.compare(expected, heard, found))
            }
            (Value::Object(expected), Value::Object(heard)) => {
                let mut pairs = expected.iter().map(|(key, value)| (value, heard.get(key)));
                expected.len() == heard.len()
                    && pairs.all(|(value, heard)| heard.is_some_and(|heard| self.compare(value, heard, found)))
            }
            (expected, heard) => expected == heard,
        }
    }
}

/// A text with `$name:num8` or `$name:hex16` in it.
struct Captured<'a> {
    before: &'a str,
    name: &'a str,
    fits: fn(&str) -> bool,
    behind: &'a str,
}

impl<'a> Captured<'a> {
    fn read(text: &'a str) -> Option<Self> {
        type Form = (&'static str, fn(&str) -> bool);
        const FORMS: [Form; 4] = [
            (":uuid", is_uuid),
            (":num8", |text| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())),
            (":hex32", |text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
            (":hex16", |text| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())),
        ];
        let (before, rest) = text.split_once('$')?;
        FORMS.into_iter().find_map(|(form, fits)| {
            let (name, behind) = rest.split_once(form)?;
            let named = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
            named.then_some(Self { before, name, fits, behind })
        })
    }
}

/// Five groups of small hexadecimal digits (RFC 9562 section 4).
fn is_uuid(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let groups = text.split('-');
    groups.clone().map(str::len).eq([8, 4, 4, 4, 12]) && groups.flat_map(str::bytes).all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_drawn_is_captured_and_stands_for_its_name() {
        let mut captures = Captures::default();
        assert!(!captures.equal(&json!({"a": "$s:num8"}), &json!({"a": "1234567"})));
        assert!(!captures.equal(&json!({"a": "$s:num8", "b": 1}), &json!({"a": "12345678", "b": 2})));
        assert_eq!(captures.fill("$s"), "$s", "nothing is kept of what did not fit");
        assert!(captures.equal(&json!({"a": ["$s:num8"]}), &json!({"a": ["12345678"]})));
        assert_eq!(captures.fill("x $s"), "x 12345678");
        assert!(captures.equal(&json!({"a": "$s"}), &json!({"a": "12345678"})));
        assert!(!captures.equal(&json!({"a": "$s"}), &json!({"a": "87654321"})));
        assert!(!captures.equal(&json!({"a": "$s:num8"}), &json!({"a": "87654321"})));
        assert!(!captures.equal(&json!("\"$e:hex16\""), &json!("0123456789abcdef")));
        assert!(captures.equal(&json!("\"$e:hex16\""), &json!("\"0123456789abcdef\"")));
        for (text, fits) in [
            ("01234567-89ab-4def-8123-456789abcdef", true),
            ("01234567-89ab-4def-8123-456789abcdeF", false),
            ("01234567-89ab-4def-8123-456789abcde", false),
            ("0123456789ab4def8123456789abcdef", false),
        ] {
            assert_eq!(Captures::default().equal(&json!("$u:uuid"), &json!(text)), fits, "{text}");
        }
        assert_eq!(captures.fill("\"$e\""), "\"0123456789abcdef\"");
    }
}
