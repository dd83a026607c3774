//! Codes that change by the minute (RFC 6238): six digits of an HMAC-SHA-1 over the number of the period.

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::secret::{Secret, same};
use crate::records::Purpose;

/// How long a code is still good after its period, in seconds: people type and networks carry. The reference takes the code
/// of this moment alone, so that what is read in the last second fails; longer lets an overheard code be used for longer.
/// Within its period a code can be used again, here as there.
const TOLERANCE: u64 = 5;

/// The key of a subscriber that has one of its own, in base 32; `None`: it is none. Case and padding do not matter.
#[must_use]
pub fn own_key(base32: &str) -> Option<Secret> {
    let text = base32.trim().trim_end_matches('=').to_ascii_uppercase();
    let bytes = BASE32_NOPAD.decode(text.as_bytes()).ok()?;
    (!bytes.is_empty()).then(|| Secret::new(&bytes))
}

/// The key of a subscriber without: what all know and one secret, filled up with `X` to a multiple of eight
/// (antmedia.md section 9.1).
#[must_use]
pub fn derived_key(secret: &Secret, subscriber: &str, stream: &str, purpose: Purpose) -> Secret {
    let mut key = secret.bytes().to_vec();
    for part in [subscriber, stream, purpose.label()] {
        key.extend_from_slice(part.as_bytes());
    }
    // The reference counts in the units of its language.
    let rest = String::from_utf8_lossy(&key).encode_utf16().count() % 8;
    key.resize(key.len() + (8 - rest) % 8, b'X');
    Secret::new(&key)
}

/// The code of a moment, in seconds since 1970. A period of 0 counts as 1.
#[must_use]
pub fn code(key: &Secret, period: u64, now: u64) -> String {
    of(key, now / period.max(1))
}

/// Whether it is the code of this moment, or was a moment ago.
#[must_use]
pub fn is_code(given: &str, key: &Secret, period: u64, now: u64) -> bool {
    let period = period.max(1);
    let is = |count: u64| same(given.as_bytes(), of(key, count).as_bytes());
    let count = now / period;
    // Both, so that the time tells nothing.
    let (this, last) = (is(count), is(count.saturating_sub(1)));
    this | (last && now % period < TOLERANCE.min(period))
}

/// RFC 4226, section 5.3.
fn of(key: &Secret, count: u64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.bytes()).expect("HMAC takes keys of every length");
    mac.update(&count.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes([hash[at], hash[at + 1], hash[at + 2], hash[at + 3]]) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = Secret::new(b"12345678901234567890");
        for (now, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(&key, 30, now), expected);
            assert!(is_code(expected, &key, 30, now));
        }
        assert_eq!(code(&key, 60, 59), code(&key, 60, 0), "the period is a setting");
        assert_ne!(code(&key, 60, 60), code(&key, 60, 0));
    }

    #[test]
    fn a_code_is_good_for_its_period_and_a_moment_longer() {
        let key = Secret::new(b"12345678901234567890");
        let given = code(&key, 60, 120);
        for (now, expected) in [(119, false), (120, true), (179, true), (184, true), (185, false), (240, false)] {
            assert_eq!(is_code(&given, &key, 60, now), expected, "{now}");
        }
        for wrong in ["", "28708", "2870822", "abcdef", "287083", " 287082"] {
            assert!(!is_code(wrong, &key, 30, 59), "{wrong:?}");
        }
        assert!(is_code(&code(&key, 0, 7), &key, 0, 7), "no division by nothing");
    }

    #[test]
    fn own_keys_are_base_32() {
        let key = own_key("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").expect("base 32");
        assert_eq!(code(&key, 30, 59), "287082");
        for same in ["gezdgnbvgy3tqojqgezdgnbvgy3tqojq", " GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ==== "] {
            assert_eq!(code(&own_key(same).expect("base 32"), 30, 59), "287082");
        }
        for wrong in ["", "====", "1", "GEZDGNBVG1", "GEZ DGN"] {
            assert!(own_key(wrong).is_none(), "{wrong:?}");
        }
    }

    #[test]
    fn derived_keys_are_filled_up() {
        let secret = Secret::new(b"secret");
        for (subscriber, stream, purpose, expected) in [
            ("alice", "s", Purpose::Play, "secretalicesplay"),
            ("bob", "s", Purpose::Play, "secretbobsplayXX"),
            ("bob", "s", Purpose::Publish, "secretbobspublishXXXXXXX"),
        ] {
            let key = derived_key(&secret, subscriber, stream, purpose);
            assert_eq!(String::from_utf8_lossy(key.bytes()), expected);
        }
    }
}
