//! Keys in descriptions (SDES, RFC 4568), for telephones that encrypt without DTLS.
//!
//! Whoever reads the description knows the keys: they are as secret as the way that SIP takes.

use std::fmt;

use super::to_browser::Profile;

/// Most bytes of a master key and its salt: AES-256.
pub const KEY_BYTES: usize = 44;
/// Most lines of a section that are looked at.
const LINES: usize = 16;

/// How packets are encrypted, by the names of RFC 4568 and RFC 7714.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Suite {
    /// What everybody knows.
    AesCm128HmacSha1_80,
    /// The same with shorter tags.
    AesCm128HmacSha1_32,
    /// RFC 7714.
    AeadAes128Gcm,
    /// RFC 7714.
    AeadAes256Gcm,
}

impl Suite {
    const ALL: [Self; 4] =
        [Self::AesCm128HmacSha1_80, Self::AesCm128HmacSha1_32, Self::AeadAes128Gcm, Self::AeadAes256Gcm];

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    /// Bytes of master key and salt together.
    #[must_use]
    pub const fn key_bytes(self) -> usize {
        match self {
            Self::AesCm128HmacSha1_80 | Self::AesCm128HmacSha1_32 => 30,
            Self::AeadAes128Gcm => 28,
            Self::AeadAes256Gcm => KEY_BYTES,
        }
    }
}

/// One key: the number by which an answer refers to it, how it is used, master key and salt. Without `Debug` of the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Crypto {
    /// 1 to 9 digits, 0 to 999999999.
    pub tag: u32,
    /// How it is used.
    pub suite: Suite,
    key: Vec<u8>,
}

impl Crypto {
    /// A key of ours: the first bytes of `random`, as many as the suite needs.
    #[must_use]
    pub fn new(tag: u32, suite: Suite, random: &[u8; KEY_BYTES]) -> Self {
        Self { tag: tag.min(999_999_999), suite, key: random[..suite.key_bytes()].to_vec() }
    }

    /// Master key, then salt.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The value of an `a=crypto:` attribute.
    #[must_use]
    pub fn write(&self) -> String {
        format!("{} {} inline:{}", self.tag, self.suite.name(), encode(&self.key))
    }

    /// Reads the value of an `a=crypto:` attribute.
    ///
    /// `None` for what we could not decrypt although it was agreed: unknown suites, keys with an MKI, which lengthens
    /// each packet, and parameters that switch something off (RFC 4568 section 6.3 wants unknown ones refused).
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let mut words = value.split_ascii_whitespace();
        let tag = words.next()?;
        let tag = tag.parse().ok().filter(|_| tag.len() <= 9 && tag.bytes().all(|byte| byte.is_ascii_digit()))?;
        let suite = words.next()?;
        let suite = Suite::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(suite))?;
        let keys = words.next()?;
        let inline = keys.get(..7).filter(|start| start.eq_ignore_ascii_case("inline:")).map(|_| &keys[7..])?;
        let mut parts = inline.split('|');
        let key = decode(parts.next()?).filter(|key| key.len() == suite.key_bytes())?;
        // `|2^31` is how long it lasts, longer than any call; `|1:4` is an MKI, and `;inline:` would begin a second key.
        if parts.any(|part| part.contains(':')) {
            return None;
        }
        let harmless = |word: &str| word.starts_with('-') || word.starts_with("WSH=") || word == "KDR=0";
        words.all(harmless).then_some(Self { tag, suite, key })
    }

    /// The keys of a section that we can use, in its author's order.
    pub(super) fn list<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Self> {
        values.take(LINES).filter_map(Self::parse).collect()
    }
}

impl fmt::Debug for Crypto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Crypto({} {})", self.tag, self.suite.name())
    }
}

/// What an operator wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// No keys in descriptions: a telephone that insists is refused.
    Off,
    /// Encrypted with who can, plain with who cannot.
    Optional,
    /// Plain calls are refused.
    Mandatory,
}

impl Policy {
    /// How our first offer is: with keys or without, and whether its profile insists on them.
    #[must_use]
    pub fn offers(self) -> (bool, Profile) {
        let secure = self == Self::Mandatory;
        (self != Self::Off, Profile { secure, feedback: false })
    }

    /// What to try after a 488 to an offer of this profile: telephones that insist on keys refuse a profile that does
    /// not. `None`: nothing.
    #[must_use]
    pub fn after_488(self, tried: Profile) -> Option<Profile> {
        (self == Self::Optional && !tried.secure).then_some(Profile { secure: true, ..tried })
    }
}

/// What becomes of the keys of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Not encrypted.
    Plain,
    /// Encrypted, each side by its own key.
    Secure {
        /// What we encrypt with.
        ours: Crypto,
        /// What they encrypt with.
        theirs: Crypto,
    },
    /// The section, and a call of which it is the only one, is refused by 488.
    Refused,
}

/// Chooses for our answer to an offer of theirs: their first key that we know, and ours of the same tag and suite from
/// `random`.
#[must_use]
pub fn answer(policy: Policy, profile: Profile, theirs: &[Crypto], random: &[u8; KEY_BYTES]) -> Choice {
    match theirs.first() {
        Some(first) if policy != Policy::Off => {
            Choice::Secure { ours: Crypto::new(first.tag, first.suite, random), theirs: first.clone() }
        }
        _ if profile.secure || policy == Policy::Mandatory => Choice::Refused,
        _ => Choice::Plain,
    }
}

/// Reads what their answer, with `profile`, has chosen of our keys. Keys in an answer to an offer without any mean
/// nothing: such telephones send plainly.
#[must_use]
pub fn chosen(policy: Policy, profile: Profile, ours: &[Crypto], theirs: &[Crypto]) -> Choice {
    let pair = theirs.iter().find_map(|theirs| {
        let ours = ours.iter().find(|ours| ours.tag == theirs.tag && ours.suite == theirs.suite)?;
        Some((ours.clone(), theirs.clone()))
    });
    match pair {
        Some((ours, theirs)) => Choice::Secure { ours, theirs },
        None if profile.secure || policy == Policy::Mandatory => Choice::Refused,
        None => Choice::Plain,
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize];
            text.push(if digit <= chunk.len() { char::from(value) } else { '=' });
        }
    }
    text
}

/// With or without the signs that fill it up; `None` for anything else, and for bits that are no byte.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    if text.len() > KEY_BYTES.div_ceil(3) * 4 || text.len() % 4 == 1 {
        return None;
    }
    let (mut bytes, mut bits, mut count) = (Vec::with_capacity(KEY_BYTES), 0_u32, 0);
    for sign in text.bytes() {
        let value = ALPHABET.iter().position(|known| *known == sign)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
