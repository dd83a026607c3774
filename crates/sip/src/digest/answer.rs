//! The digest itself.

use md5::{Digest as _, Md5};

use super::Asked;
use super::challenge::{Algorithm, Challenge, Qop};

/// `MD5(user:realm:password)` in lower-case hexadecimal digits: as good as the password in its realm, so it has no
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Ha1(String);

impl Ha1 {
    /// Takes 32 hexadecimal digits of either case; anything else is `None`, above all a password in the clear.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| Self(text.to_ascii_lowercase()))
    }
}

/// The `response` for a challenge: 32 hexadecimal digits. `count` is the number of requests hashed with this nonce, this
/// one included; it and `cnonce` count only where the challenge has a `qop`, `cnonce` also for `MD5-sess`.
#[must_use]
pub fn response(ha1: &Ha1, challenge: &Challenge, count: u32, cnonce: &str, asked: &Asked) -> String {
    let nonce = &challenge.nonce;
    let a1 = match challenge.algorithm {
        Algorithm::Md5Sess => md5(format!("{}:{nonce}:{cnonce}", ha1.0).as_bytes()),
        Algorithm::Md5 | Algorithm::Other => ha1.0.clone(),
    };
    let Asked { method, uri, body } = asked;
    let a2 = match challenge.qop {
        Qop::AuthInt => format!("{method}:{uri}:{}", md5(body)),
        Qop::None | Qop::Auth | Qop::Other => format!("{method}:{uri}"),
    };
    let a2 = md5(a2.as_bytes());
    let all = match challenge.qop {
        Qop::Auth => format!("{a1}:{nonce}:{count:08x}:{cnonce}:auth:{a2}"),
        Qop::AuthInt => format!("{a1}:{nonce}:{count:08x}:{cnonce}:auth-int:{a2}"),
        Qop::None | Qop::Other => format!("{a1}:{nonce}:{a2}"),
    };
    md5(all.as_bytes())
}

/// In lower-case hexadecimal digits.
pub(crate) fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
