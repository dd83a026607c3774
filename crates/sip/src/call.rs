//! The name by which a client knows an incoming call.

use crate::digest::md5;

/// The session of an incoming call, out of its `Call-ID`: the MD5 digest, printed like a UUID. Push services tell it to
/// telephones that sleep, which make it out of the `Call-ID` themselves: it must not change.
#[must_use]
pub fn session(call_id: &str) -> String {
    let digits = md5(call_id.as_bytes());
    [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]).join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_session_looks_like_a_uuid() {
        // RFC 1321, appendix A.5.
        assert_eq!(super::session(""), "d41d8cd9-8f00-b204-e980-0998ecf8427e");
        assert_eq!(super::session("message digest"), "f96b697d-7cb7-938d-525a-2f31aaf161d0");
    }
}
