//! The address at which a registrar finds us, with what a push service needs to wake a telephone (RFC 8599).

use std::fmt::Write as _;

use crate::uri::{InvalidUri, Uri};

/// What `account-devicetoken` says of a device that sleeps.
#[derive(Clone, PartialEq, Eq)]
pub struct Push {
    /// The application, `pn-app`.
    pub app: String,
    /// The device's token at its push service, `pn-tok`.
    pub token: String,
    /// The push service, `pn-type`: `firebase`, `ios` …
    pub platform: String,
    /// The device, `pn-device`.
    pub device: String,
    /// Whether it is woken without a sound, `pn-silent`.
    pub silent: bool,
}

/// A contact: `user` at `host:port` by `transport` (`udp`, `tcp`, `tls`), and how to wake it.
///
/// Values are escaped, so that any text can be a push token.
///
/// # Errors
/// If user or host cannot stand in a URI, or the whole is longer than one may be.
pub fn contact(user: &str, host: &str, port: u16, transport: &str, push: Option<&Push>) -> Result<Uri, InvalidUri> {
    let mut text = format!("sip:{user}@{host}:{port};transport={transport}");
    if let Some(push) = push {
        let silent = if push.silent { "1" } else { "0" };
        let pairs = [
            ("pn-app", push.app.as_str()),
            ("pn-tok", &push.token),
            ("pn-type", &push.platform),
            ("pn-silent", silent),
            ("pn-device", &push.device),
        ];
        for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
            // Writing to a String cannot fail.
            _ = write!(text, ";{name}={}", escape(value));
        }
    }
    Uri::parse(&text)
}

/// Control characters are left out: a URI with one, even escaped, is refused.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes().filter(|byte| !byte.is_ascii_control()) {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_says_where_and_how() {
        let plain = contact("t1", "10.0.0.1", 5062, "udp", None).expect("a contact");
        assert_eq!(plain.to_string(), "sip:t1@10.0.0.1:5062;transport=udp");
        let push = Push {
            app: "org.example.phone".into(),
            token: "abc:D-_e;f\r\ng\"".into(),
            platform: "firebase".into(),
            device: "a1".into(),
            silent: true,
        };
        let woken = contact("t1", "[::1]", 5061, "tls", Some(&push)).expect("a contact");
        assert_eq!(
            woken.to_string(),
            "sip:t1@[::1]:5061;transport=tls;pn-app=org.example.phone;pn-tok=abc:D-_e%3Bfg%22;pn-type=firebase;\
             pn-silent=1;pn-device=a1"
        );
        let empty = Push { silent: false, app: String::new(), ..push.clone() };
        let text = contact("t1", "h", 1, "tcp", Some(&empty)).expect("a contact").to_string();
        assert!(!text.contains("pn-app") && text.contains("pn-silent=0"), "{text}");
        let long = Push { token: "x".repeat(2_000), ..push };
        assert_eq!(contact("t1", "h", 1, "tcp", Some(&long)), Err(InvalidUri::TooLong));
        assert_eq!(contact("t 1", "h", 1, "tcp", None), Err(InvalidUri::User));
    }
}
