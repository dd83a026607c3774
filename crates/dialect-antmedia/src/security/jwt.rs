//! JSON Web Tokens (RFC 7519) of one kind: signed with HMAC-SHA-256 (`HS256`). What a token says of its own signature is
//! compared with that and decides nothing: there is no `none`, and no second algorithm to be talked into.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Secret;
use crate::records::Purpose;

/// Shortest key, in bytes: that of the hash (RFC 7518, section 3.2); shorter ones can be guessed from one token.
pub const KEY_BYTES: usize = 32;
/// Longest token that is looked at. Ours have 200 bytes, and other issuers add claims of their own; each byte is hashed for
/// whoever asks.
const TOKEN_BYTES: usize = 8 * 1024;

/// What a token allows, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The stream, or the room.
    #[serde(rename = "streamId")]
    pub stream: String,
    /// For what.
    #[serde(rename = "type")]
    pub purpose: Purpose,
    /// From this second since 1970 on it is good for nothing.
    #[serde(rename = "exp", deserialize_with = "seconds")]
    pub expires: u64,
    /// Before this second it is not good yet.
    #[serde(rename = "nbf", default, skip_serializing_if = "Option::is_none", deserialize_with = "some_seconds")]
    pub begins: Option<u64>,
}

/// When a token of whatever kind is good.
#[derive(Deserialize)]
struct Times {
    #[serde(rename = "exp", default, deserialize_with = "some_seconds")]
    expires: Option<u64>,
    #[serde(rename = "nbf", default, deserialize_with = "some_seconds")]
    begins: Option<u64>,
}

/// Why a token is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It has not the shape of one, or says what nobody here understands.
    Shape,
    /// It says that it is signed by another algorithm, or by none.
    Algorithm,
    /// It was not signed with this key.
    Signature,
    /// Its time is over, or has not come.
    Time,
}

/// The header, as far as it matters. A field that is there twice is a fault of shape.
#[derive(Deserialize)]
struct Header {
    alg: Option<String>,
    typ: Option<String>,
    /// Extensions that must be understood (RFC 7515, section 4.1.11): none is.
    crit: Option<serde_json::Value>,
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A time as RFC 7519 writes it: a number of seconds, perhaps with a fraction.
fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = serde_json::Number::deserialize(deserializer)?;
    let whole = number.as_u64().or_else(|| {
        let fraction = number.as_f64().filter(|seconds| (0.0..=LATEST).contains(seconds))?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range was checked")]
        Some(fraction as u64)
    });
    whole.ok_or_else(|| serde::de::Error::custom("a number of seconds"))
}

fn some_seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    seconds(deserializer).map(Some)
}

/// The last second that a fraction tells exactly.
const LATEST: f64 = 9_007_199_254_740_992.0;

fn mac(key: &Secret, signed: &str) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.bytes()).expect("HMAC takes keys of every length");
    mac.update(signed.as_bytes());
    mac
}

/// A token that says this.
#[must_use]
pub fn make(claims: &Claims, key: &Secret) -> String {
    let claims = serde_json::to_vec(claims).unwrap_or_default();
    let mut token = BASE64URL_NOPAD.encode(HEADER.as_bytes());
    token.push('.');
    token.push_str(&BASE64URL_NOPAD.encode(&claims));
    let signature = mac(key, &token).finalize().into_bytes();
    token.push('.');
    token.push_str(&BASE64URL_NOPAD.encode(&signature));
    token
}

/// What a token says, if it was signed with the key and its time has come and is not over; `now` counts seconds since 1970.
///
/// # Errors
/// Why it is none. Whoever showed it is not told.
pub fn verify(token: &str, key: &Secret, now: u64) -> Result<Claims, Fault> {
    let claims: Claims = serde_json::from_slice(&signed(token, key)?).map_err(|_| Fault::Shape)?;
    if now >= claims.expires || claims.begins.is_some_and(|begins| now < begins) {
        return Err(Fault::Time);
    }
    Ok(claims)
}

/// Whether a token was signed with the key and its time, if it says one, has come and is not over; whatever else it says.
/// `now` counts seconds since 1970.
#[must_use]
pub fn admits(token: &str, key: &Secret, now: u64) -> bool {
    let times = signed(token, key).ok().and_then(|claims| serde_json::from_slice::<Times>(&claims).ok());
    times.is_some_and(|times| times.expires.is_none_or(|at| now < at) && times.begins.is_none_or(|at| now >= at))
}

/// The claims of a token that was signed with the key.
fn signed(token: &str, key: &Secret) -> Result<Vec<u8>, Fault> {
    if token.len() > TOKEN_BYTES || key.len() < KEY_BYTES {
        return Err(Fault::Shape);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Fault::Shape)?;
    let (header, claims) = signed.split_once('.').ok_or(Fault::Shape)?;
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Fault::Shape);
    let header: Header = serde_json::from_slice(&decoded(header)?).map_err(|_| Fault::Shape)?;
    if header.alg.as_deref() != Some("HS256") {
        return Err(Fault::Algorithm);
    }
    if header.crit.is_some() || header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
        return Err(Fault::Shape);
    }
    // In a time that tells nothing of the right one.
    mac(key, signed).verify_slice(&decoded(signature)?).map_err(|_| Fault::Signature)?;
    decoded(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    fn key() -> Secret {
        Secret::new(b"0123456789abcdef0123456789abcdef")
    }

    fn claims() -> Claims {
        Claims { stream: "s".to_owned(), purpose: Purpose::Play, expires: NOW + 60, begins: None }
    }

    /// A token of those texts, signed rightly.
    fn signed(header: &str, claims: &str, key: &Secret) -> String {
        let signed =
            format!("{}.{}", BASE64URL_NOPAD.encode(header.as_bytes()), BASE64URL_NOPAD.encode(claims.as_bytes()));
        let signature = BASE64URL_NOPAD.encode(&mac(key, &signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    #[test]
    fn what_was_made_is_verified() {
        let token = make(&claims(), &key());
        assert_eq!(verify(&token, &key(), NOW), Ok(claims()));
        assert_eq!(verify(&token, &key(), NOW + 59), Ok(claims()));
        assert_eq!(verify(&token, &key(), NOW + 60), Err(Fault::Time), "on its last second it is over");
    }

    /// RFC 7515, appendix A.1: the key and token of the standard itself, whose claims are others than ours.
    #[test]
    fn the_signature_is_that_of_the_standard() {
        let key = BASE64URL_NOPAD
            .decode(b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .expect("base64");
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6\
                     Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(verify(token, &Secret::new(&key), 0), Err(Fault::Shape), "signed, but without our claims");
        let other = token.replace("dBjf", "dBjg");
        assert_eq!(verify(&other, &Secret::new(&key), 0), Err(Fault::Signature));
    }

    #[test]
    fn other_algorithms_are_refused_however_they_are_signed() {
        let good = r#"{"streamId":"s","type":"play","exp":1790000060}"#;
        for (header, expected) in [
            (r#"{"alg":"HS256","typ":"JWT"}"#, None),
            (r#"{"alg":"HS256"}"#, None),
            (r#"{"typ":"jwt","alg":"HS256","kid":"1"}"#, None),
            (r#"{"alg":"none","typ":"JWT"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":"None"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":"hs256"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":"HS512"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":"RS256"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":"ES256"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":""}"#, Some(Fault::Algorithm)),
            (r#"{"alg":null}"#, Some(Fault::Algorithm)),
            (r#"{"typ":"JWT"}"#, Some(Fault::Algorithm)),
            (r#"{"alg":["HS256"]}"#, Some(Fault::Shape)),
            (r#"{"alg":"HS256","typ":"JWE"}"#, Some(Fault::Shape)),
            (r#"{"alg":"HS256","typ":1}"#, Some(Fault::Shape)),
            (r#"{"alg":"HS256","crit":["b64"],"b64":false}"#, Some(Fault::Shape)),
            (r#"{"alg":"none","alg":"HS256"}"#, Some(Fault::Shape)),
            ("[]", Some(Fault::Shape)),
            ("", Some(Fault::Shape)),
        ] {
            assert_eq!(verify(&signed(header, good, &key()), &key(), NOW).err(), expected, "{header}");
        }
    }

    #[test]
    fn a_token_without_a_signature_is_refused() {
        let token = make(&claims(), &key());
        let (front, signature) = token.rsplit_once('.').expect("three parts");
        let header = BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#);
        let (_, payload) = front.split_once('.').expect("three parts");
        for (token, expected) in [
            (format!("{front}."), Fault::Signature),
            (format!("{front}.AAAA"), Fault::Signature),
            (format!("{front}.{signature}="), Fault::Shape),
            (format!("{front}.{signature}.{signature}"), Fault::Signature),
            (front.to_owned(), Fault::Shape),
            (format!("{header}.{payload}."), Fault::Algorithm),
            (format!("{header}.{payload}.{signature}"), Fault::Algorithm),
            (format!("{token} "), Fault::Shape),
            (String::new(), Fault::Shape),
            ("..".to_owned(), Fault::Shape),
            (format!("{token}{}", "A".repeat(TOKEN_BYTES)), Fault::Shape),
        ] {
            assert_eq!(verify(&token, &key(), NOW), Err(expected), "{token}");
        }
        let other = Secret::new(b"1123456789abcdef0123456789abcdef");
        assert_eq!(verify(&token, &other, NOW), Err(Fault::Signature));
        let short = Secret::new(b"0123456789abcdef0123456789abcde");
        assert_eq!(verify(&make(&claims(), &short), &short, NOW), Err(Fault::Shape), "a key of 31 bytes signs nothing");
    }

    #[test]
    fn claims_are_read_strictly() {
        for (claims, expected) in [
            (r#"{"streamId":"s","type":"play","exp":1790000060}"#, None),
            (r#"{"streamId":"s","type":"play","exp":1790000060.9,"iat":1,"sub":"x"}"#, None),
            (r#"{"streamId":"s","type":"play","exp":1790000060,"nbf":1790000000}"#, None),
            (r#"{"streamId":"s","type":"play","exp":1790000060,"nbf":1790000001}"#, Some(Fault::Time)),
            (r#"{"streamId":"s","type":"play","exp":1790000000}"#, Some(Fault::Time)),
            (r#"{"streamId":"s","type":"play","exp":0}"#, Some(Fault::Time)),
            (r#"{"streamId":"s","type":"play","exp":-1}"#, Some(Fault::Shape)),
            (r#"{"streamId":"s","type":"play","exp":1e300}"#, Some(Fault::Shape)),
            (r#"{"streamId":"s","type":"play","exp":"1790000060"}"#, Some(Fault::Shape)),
            (r#"{"streamId":"s","type":"play"}"#, Some(Fault::Shape)),
            (r#"{"streamId":"s","exp":1790000060}"#, Some(Fault::Shape)),
            (r#"{"type":"play","exp":1790000060}"#, Some(Fault::Shape)),
            (r#"{"streamId":"s","type":"both","exp":1790000060}"#, Some(Fault::Shape)),
            (r#"{"streamId":"s","streamId":"t","type":"play","exp":1790000060}"#, Some(Fault::Shape)),
            (r#"{"streamId":["s"],"type":"play","exp":1790000060}"#, Some(Fault::Shape)),
            ("7", Some(Fault::Shape)),
        ] {
            assert_eq!(verify(&signed(HEADER, claims, &key()), &key(), NOW).err(), expected, "{claims}");
        }
    }

    #[test]
    fn a_token_of_whatever_kind_admits_while_its_time_is() {
        let token = |claims: &str| {
            let text =
                format!("{}.{}", BASE64URL_NOPAD.encode(HEADER.as_bytes()), BASE64URL_NOPAD.encode(claims.as_bytes()));
            let signature = mac(&key(), &text).finalize().into_bytes();
            format!("{text}.{}", BASE64URL_NOPAD.encode(&signature))
        };
        for (claims, expected) in [
            ("{}".to_owned(), true),
            (r#"{"sub":"me"}"#.to_owned(), true),
            (format!(r#"{{"exp":{}}}"#, NOW + 1), true),
            (format!(r#"{{"exp":{NOW}}}"#), false),
            (format!(r#"{{"nbf":{}}}"#, NOW + 1), false),
            (r#"{"exp":"never"}"#.to_owned(), false),
            ("[]x".to_owned(), false),
        ] {
            assert_eq!(admits(&token(&claims), &key(), NOW), expected, "{claims}");
        }
        let good = token("{}");
        let other = Secret::new(b"fedcba9876543210fedcba9876543210");
        assert!(!admits(&good, &other, NOW) && !admits("", &key(), NOW) && !admits("a.b.c", &key(), NOW));
        let none = format!("{}.{}.", BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#), BASE64URL_NOPAD.encode(b"{}"));
        assert!(!admits(&none, &key(), NOW), "there is no unsigned token");
    }
}
