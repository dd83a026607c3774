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
            (Value::String(expected), Value::String(heard)) => match captured(expected) {
                Some(name) if !self.0.contains_key(name) => {
                    let fits = heard.len() == 8 && heard.bytes().all(|byte| byte.is_ascii_digit());
                    found.push((name.to_owned(), heard.clone()));
                    fits
                }
                Some(name) => self.0.get(name) == Some(heard),
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

/// The name in `$name:num8`.
fn captured(text: &str) -> Option<&str> {
    let name = text.strip_prefix('$')?.strip_suffix(":num8")?;
    (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn eight_digits_are_captured_and_stand_for_their_name() {
        let mut captures = Captures::default();
        assert!(!captures.equal(&json!({"a": "$s:num8"}), &json!({"a": "1234567"})));
        assert!(!captures.equal(&json!({"a": "$s:num8", "b": 1}), &json!({"a": "12345678", "b": 2})));
        assert_eq!(captures.fill("$s"), "$s", "nothing is kept of what did not fit");
        assert!(captures.equal(&json!({"a": ["$s:num8"]}), &json!({"a": ["12345678"]})));
        assert_eq!(captures.fill("x $s"), "x 12345678");
        assert!(captures.equal(&json!({"a": "$s"}), &json!({"a": "12345678"})));
        assert!(!captures.equal(&json!({"a": "$s"}), &json!({"a": "87654321"})));
        assert!(!captures.equal(&json!({"a": "$s:num8"}), &json!({"a": "87654321"})));
    }
}
