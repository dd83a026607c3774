//! The signature of what is said to other servers, by which they know that it is from here and how old it is.

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Secret;

/// `t=<seconds since 1970>,v1=<HMAC-SHA-256 of "seconds.body", hexadecimal>`.
#[must_use]
pub fn signature(secret: &Secret, unix: u64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).expect("HMAC takes keys of every length");
    mac.update(format!("{unix}.").as_bytes());
    mac.update(body);
    format!("t={unix},v1={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_and_body_are_signed() {
        let secret = Secret::new(b"0123456789abcdef0123456789abcdef");
        // printf '%s' '1790000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
        let expected = "t=1790000000,v1=f4346a65c05b64dd6b51506d8bb57787fd3805be72b2212c4b3b6e27d36316eb";
        assert_eq!(signature(&secret, 1_790_000_000, br#"{"a":1}"#), expected);
        assert_ne!(signature(&secret, 1_790_000_001, br#"{"a":1}"#)[13..], expected[13..]);
    }
}
