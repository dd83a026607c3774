//! Permissions that are a hash of what they are for and of a secret (antmedia.md section 9.1).

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use super::secret::{Secret, same};
use crate::records::Purpose;

/// The permission for that stream: SHA-256 of its id, the purpose and the secret, in lower case.
#[must_use]
pub fn make(stream: &str, purpose: Purpose, secret: &Secret) -> String {
    let mut hash = Sha256::new();
    for part in [stream.as_bytes(), purpose.label().as_bytes(), secret.bytes()] {
        hash.update(part);
    }
    HEXLOWER.encode(&hash.finalize())
}

/// Whether it is that permission.
#[must_use]
pub fn is_hash(given: &str, stream: &str, purpose: Purpose, secret: &Secret) -> bool {
    !secret.is_empty() && same(given.as_bytes(), make(stream, purpose, secret).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_for_one_stream_and_one_purpose() {
        let secret = Secret::new(b"secret");
        // printf %s stream1publishsecret | sha256sum
        let known = "d9ca58420ee6b06eac8eaabfc6acbd2b22de4210a30e7e40639cf5a5280c441e";
        assert_eq!(make("stream1", Purpose::Publish, &secret), known);
        for (given, stream, purpose, expected) in [
            (known, "stream1", Purpose::Publish, true),
            (known, "stream1", Purpose::Play, false),
            (known, "stream2", Purpose::Publish, false),
            (&known[..63], "stream1", Purpose::Publish, false),
            (&*known.to_uppercase(), "stream1", Purpose::Publish, false),
            ("", "stream1", Purpose::Publish, false),
        ] {
            assert_eq!(is_hash(given, stream, purpose, &secret), expected, "{given} {stream} {purpose:?}");
        }
        let nothing = Secret::new(b"");
        let open = make("stream1", Purpose::Play, &nothing);
        assert!(!is_hash(&open, "stream1", Purpose::Play, &nothing), "no secret is no key");
    }
}
