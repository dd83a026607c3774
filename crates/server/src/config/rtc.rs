//! The RTC configuration that browsers are given: one JSON object, often with TURN credentials.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::secret::Secret;

/// What browsers are given where nobody configured anything.
pub const DEFAULT_RTC_JSON: &str = r#"{"iceServers":[{"urls":"stun:stun.l.google.com:19302"}]}"#;

/// What `config print` writes instead of a secret.
pub(super) const HIDDEN: &str = "<hidden>";

/// `[rtc] config_json`, judged. It has no `Debug`: TURN credentials stand in it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum RtcConfig {
    /// Not set: [`DEFAULT_RTC_JSON`].
    Default,
    /// A JSON object, without white space between tokens and safe inside a `<script>`.
    Given(Secret),
    /// JSON, but no object: the page gets it as it is, as from the mesh dialect's own server (mesh.md section 3), and
    /// uses its default; everybody else gets [`DEFAULT_RTC_JSON`].
    NotAnObject(Secret),
    /// Not usable; the server runs with [`DEFAULT_RTC_JSON`].
    Invalid {
        /// What is wrong, without any of the text itself.
        reason: String,
    },
}

impl RtcConfig {
    /// Judges a text; an empty one counts as not set.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() {
            return Self::Default;
        }
        let invalid = |reason: String| Self::Invalid { reason };
        if text == HIDDEN {
            return invalid("it is the placeholder that `config print` writes without --show-secrets".to_owned());
        }
        // The messages of serde_json name a place and a token class, never the text.
        match serde_json::from_str::<IgnoredAny>(text) {
            Err(error) => invalid(format!("it is not JSON ({error})")),
            Ok(_) if !text.starts_with('{') => Self::NotAnObject(Secret::new(compact(text))),
            Ok(_) => Self::Given(Secret::new(compact(text))),
        }
    }

    /// What stands in the page's own `config.js`: whatever JSON was given.
    pub fn page_json(&self) -> Option<&str> {
        match self {
            Self::Given(json) | Self::NotAnObject(json) => Some(json.expose()),
            Self::Default | Self::Invalid { .. } => None,
        }
    }

    /// The object to hand out, whatever was configured.
    pub fn json(&self) -> &str {
        match self {
            Self::Given(json) => json.expose(),
            Self::Default | Self::NotAnObject(_) | Self::Invalid { .. } => DEFAULT_RTC_JSON,
        }
    }
}

/// One entry of `iceServers` (W3C WebRTC, RTCIceServer).
pub struct IceServer {
    /// Its addresses.
    pub urls: Vec<String>,
    /// Empty if it has none.
    pub username: String,
    /// Empty if it has none.
    pub credential: String,
}

impl RtcConfig {
    /// The servers in what is handed out. What is no server among them is left out: browsers would refuse it, too.
    pub fn ice_servers(&self) -> Vec<IceServer> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let server = |entry: &Value| {
            let urls = match &entry["urls"] {
                Value::Array(urls) => urls.iter().filter_map(text).collect(),
                one => vec![text(one)?],
            };
            let of = |name: &str| text(&entry[name]).unwrap_or_default();
            Some(IceServer { urls, username: of("username"), credential: of("credential") })
        };
        let config: Value = serde_json::from_str(self.json()).unwrap_or_default();
        config["iceServers"].as_array().map(|servers| servers.iter().filter_map(server).collect()).unwrap_or_default()
    }
}

impl From<String> for RtcConfig {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

/// Valid JSON without the white space between tokens. Key order and number spelling survive; the
/// characters that could end a `<script>` or a JavaScript string are escaped (they occur in strings only).
fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            in_string = true;
        } else if c.is_ascii_whitespace() {
            continue;
        }
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_compacted_and_escaped() {
        for (text, expected) in [
            ("{}", "{}"),
            (" {\n \"iceServers\" : [ ] }\t", r#"{"iceServers":[]}"#),
            (r#"{"b":1.50e3,"a":{"b":1,"b":2}}"#, r#"{"b":1.50e3,"a":{"b":1,"b":2}}"#),
            (r#"{"x":"</script> & co"}"#, r#"{"x":"\u003c/script\u003e \u0026 co"}"#),
            (r#"{"q":"a \" b \\", "r": " "}"#, r#"{"q":"a \" b \\","r":" "}"#),
            ("{\"u\":\"\u{2028}é\"}", "{\"u\":\"\\u2028é\"}"),
        ] {
            let rtc = RtcConfig::parse(text);
            assert!(matches!(rtc, RtcConfig::Given(_)), "{text}");
            assert_eq!(rtc.json(), expected);
        }
    }

    #[test]
    fn empty_is_the_default() {
        for text in ["", "  \n"] {
            assert!(RtcConfig::parse(text) == RtcConfig::Default);
        }
        assert_eq!(RtcConfig::Default.json(), DEFAULT_RTC_JSON);
    }

    #[test]
    fn json_that_is_no_object_goes_to_the_page_alone() {
        for (text, page) in [("5", "5"), ("\"a\"", "\"a\""), ("[ ]", "[]"), ("null", "null")] {
            let rtc = RtcConfig::parse(text);
            assert!(matches!(rtc, RtcConfig::NotAnObject(_)), "{text}");
            assert_eq!(rtc.page_json(), Some(page));
            assert_eq!(rtc.json(), DEFAULT_RTC_JSON);
        }
    }

    #[test]
    fn anything_else_is_invalid_and_its_reason_holds_nothing_of_it() {
        for text in [
            "hunter2",
            "{\"credential\":\"hunter2\"",
            "{hunter2:1}",
            "{} hunter2",
            "{\"a\":\"\x01hunter2\"}",
            "<hidden>",
        ] {
            let RtcConfig::Invalid { reason } = RtcConfig::parse(text) else {
                panic!("{text} was accepted");
            };
            assert!(!reason.contains("hunter2"), "{reason}");
            assert_eq!(RtcConfig::parse(text).json(), DEFAULT_RTC_JSON);
        }
    }
}
