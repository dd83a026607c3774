//! What `WWW-Authenticate` and `Proxy-Authenticate` say, read tolerantly (RFC 3261 section 22, RFC 7616 section 3.3).
//!
//! Real servers put several challenges into one line, leave out commas, quote what must not be quoted and the other way
//! round, and offer algorithms that an HA1 cannot answer. What can be understood is read, the rest is left out.

/// Most bytes of a header value that are looked at; real ones have some 300.
const VALUE_BYTES: usize = 8 * 1024;
/// Longest realm, nonce or opaque value, in bytes: some servers put their whole state into a nonce.
const PART_BYTES: usize = 1_024;
/// Most challenges of one header value: one for each algorithm is some four.
const CHALLENGES: usize = 16;

/// How the digest is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `MD5`, also where nothing is said.
    Md5,
    /// `MD5-sess`: the HA1 is hashed once more, with both nonces.
    Md5Sess,
    /// Any other: an HA1 is an MD5 digest, so there is no answer.
    Other,
}

/// What the digest is to protect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qop {
    /// Nothing is said: a digest as in RFC 2069, without counter.
    None,
    /// `auth` is among the choices.
    Auth,
    /// `auth-int`, the body too, is the only choice.
    AuthInt,
    /// Choices that we do not know.
    Other,
}

/// One `Digest` challenge. Realm, nonce and opaque value are as they stand between the quotes, escapes and all, so that
/// they can be written back byte by byte; they hold no control character and no quote that is not escaped.
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Whose passwords are meant.
    pub realm: String,
    /// What the server wants hashed.
    pub nonce: String,
    /// What the server wants back.
    pub opaque: Option<String>,
    /// The nonce of the answer was too old; user and password were right.
    pub stale: bool,
    /// See there.
    pub algorithm: Algorithm,
    /// See there.
    pub qop: Qop,
}

impl Challenge {
    /// Whether an HA1 can answer it.
    #[must_use]
    pub fn is_answerable(&self) -> bool {
        self.algorithm != Algorithm::Other && self.qop != Qop::Other
    }
}

/// The `Digest` challenges of one header value, in order. Other schemes, and challenges without realm or nonce, are left
/// out.
#[must_use]
pub fn read(value: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    if value.len() > VALUE_BYTES {
        return found;
    }
    let mut rest = value;
    let mut raw: Option<Raw> = None;
    loop {
        rest = rest.trim_start_matches(|character: char| {
            matches!(character, ',' | ' ') || character.is_control() || !character.is_ascii()
        });
        let Some(first) = rest.bytes().next() else { break };
        let (name, behind) = token(rest);
        if name.is_empty() {
            // Not what a name begins with; but a quoted string is left out as a whole.
            rest = if first == b'"' { quoted(&rest[1..]).1 } else { &rest[1..] };
            continue;
        }
        let behind = behind.trim_start_matches([' ', '\t']);
        if let Some(behind) = behind.strip_prefix('=') {
            let behind = behind.trim_start_matches([' ', '\t']);
            let (value, behind) = match behind.strip_prefix('"') {
                Some(inner) => quoted(inner),
                None => {
                    let ends = |character: char| matches!(character, ',' | ' ' | '"' | '\\') || character.is_control();
                    let (value, behind) = behind.split_at(behind.find(ends).unwrap_or(behind.len()));
                    (Some(value), behind)
                }
            };
            if let Some(raw) = &mut raw {
                raw.set(name, value);
            }
            rest = behind;
        } else {
            found.extend(raw.take().and_then(Raw::finish));
            if found.len() >= CHALLENGES {
                return found;
            }
            raw = name.eq_ignore_ascii_case("digest").then(Raw::default);
            rest = behind;
        }
    }
    found.extend(raw.and_then(Raw::finish));
    found
}

/// A challenge of which parts are known; the first of two values counts.
#[derive(Default)]
struct Raw<'a> {
    realm: Option<&'a str>,
    nonce: Option<&'a str>,
    opaque: Option<&'a str>,
    stale: Option<&'a str>,
    algorithm: Option<&'a str>,
    qop: Option<&'a str>,
    /// A part that must be written back cannot be.
    broken: bool,
}

impl<'a> Raw<'a> {
    fn set(&mut self, name: &str, value: Option<&'a str>) {
        let slot = match name.to_ascii_lowercase().as_str() {
            "realm" => &mut self.realm,
            "nonce" => &mut self.nonce,
            "opaque" => &mut self.opaque,
            "stale" => &mut self.stale,
            "algorithm" => &mut self.algorithm,
            "qop" => &mut self.qop,
            _ => return,
        };
        match value.filter(|value| value.len() <= PART_BYTES) {
            Some(value) => _ = slot.get_or_insert(value),
            None => self.broken = true,
        }
    }

    fn finish(self) -> Option<Challenge> {
        if self.broken {
            return None;
        }
        let algorithm = match self.algorithm.map(str::to_ascii_uppercase).as_deref() {
            None | Some("MD5") => Algorithm::Md5,
            Some("MD5-SESS") => Algorithm::Md5Sess,
            Some(_) => Algorithm::Other,
        };
        let choices = self.qop.map(|list| list.split(',').map(|choice| choice.trim().to_ascii_lowercase()));
        let qop = match choices.map(Iterator::collect::<Vec<_>>) {
            None => Qop::None,
            Some(choices) if choices.iter().any(|choice| choice == "auth") => Qop::Auth,
            Some(choices) if choices.iter().any(|choice| choice == "auth-int") => Qop::AuthInt,
            // `qop=""` of servers that mean: none.
            Some(choices) if choices.iter().all(String::is_empty) => Qop::None,
            Some(_) => Qop::Other,
        };
        Some(Challenge {
            realm: self.realm?.to_owned(),
            nonce: self.nonce?.to_owned(),
            opaque: self.opaque.map(str::to_owned),
            stale: self.stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            algorithm,
            qop,
        })
    }
}

/// The token that `text` begins with, and the rest.
fn token(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !crate::text::is_token(byte)).unwrap_or(text.len());
    text.split_at(end)
}

/// What is between the quote before `text` and the next one that is not escaped, and the rest. `None` if it is never
/// closed or has a control character.
fn quoted(text: &str) -> (Option<&str>, &str) {
    let (mut escaped, mut clean) = (false, true);
    for (index, character) in text.char_indices() {
        clean &= !character.is_control();
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (Some(&text[..index]).filter(|_| clean), &text[index + 1..]),
            _ => {}
        }
    }
    (None, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Challenge {
        let mut all = read(value);
        assert_eq!(all.len(), 1, "{value}");
        all.remove(0)
    }

    #[test]
    fn the_example_of_rfc_2617() {
        let challenge = one(
            r#"Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41""#,
        );
        assert_eq!(challenge.realm, "testrealm@host.com");
        assert_eq!(challenge.nonce, "dcd98b7102dd2f0e8b11d0f600bfb0c093");
        assert_eq!(challenge.opaque.as_deref(), Some("5ccc069c403ebaf9f0171e9517f40e41"));
        assert_eq!((challenge.qop, challenge.algorithm, challenge.stale), (Qop::Auth, Algorithm::Md5, false));
    }

    #[test]
    fn several_in_one_line_are_told_apart() {
        let all = read(
            r#"Digest realm="a", nonce="1", algorithm=SHA-256, qop="auth,auth-int", Basic realm="b", Digest realm="c",nonce="3",algorithm=MD5-sess,stale=TRUE"#,
        );
        let told: Vec<_> = all.iter().map(|one| (one.realm.as_str(), one.algorithm, one.stale)).collect();
        assert_eq!(told, [("a", Algorithm::Other, false), ("c", Algorithm::Md5Sess, true)]);
        assert!(!all[0].is_answerable() && all[1].is_answerable());
    }

    #[test]
    fn what_real_servers_write_is_read() {
        for value in [
            r#"Digest realm="r",nonce="n""#,
            r#"digest Realm = "r" , NONCE= "n""#,
            "Digest realm=r,nonce=n",
            r#"Digest realm="r" nonce="n""#,
            r#"Digest ,realm="r",,nonce="n","#,
            "Digest\trealm=\"r\",\r\n nonce=\"n\"",
            r#"Negotiate abc==, Digest realm="r", nonce="n""#,
            r#""Digest realm=x, nonce=y", Digest realm="r", nonce="n""#,
            r#"Digest realm="r", realm="x", nonce="n""#,
            r#"Digest realm="r", nonce="n", unknown="a \" b", odd"#,
            r#"Digest realm="r", nonce="n", qop="", algorithm="md5""#,
        ] {
            let challenge = one(value);
            assert_eq!((challenge.realm.as_str(), challenge.nonce.as_str()), ("r", "n"), "{value}");
            assert_eq!((challenge.qop, challenge.algorithm), (Qop::None, Algorithm::Md5), "{value}");
        }
        for (qop, expected) in [
            ("auth", Qop::Auth),
            ("\"auth-int\"", Qop::AuthInt),
            ("\"auth-int, AUTH\"", Qop::Auth),
            ("\"auth-conf\"", Qop::Other),
        ] {
            assert_eq!(one(&format!("Digest realm=r,nonce=n,qop={qop}")).qop, expected);
        }
    }

    #[test]
    fn escapes_stay_as_they_are() {
        assert_eq!(one(r#"Digest realm="a\"b\\", nonce="n""#).realm, r#"a\"b\\"#);
    }

    #[test]
    fn what_cannot_be_written_back_is_no_challenge() {
        let long = format!("Digest realm=\"r\", nonce=\"{}\"", "n".repeat(PART_BYTES + 1));
        for value in [
            "",
            "Digest",
            "Basic realm=\"r\", nonce=\"n\"",
            "Digest realm=\"r\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"r\", nonce=\"n",
            "Digest realm=\"r\", nonce=\"n\\\"",
            "Digest realm=\"r\r\nVia: x\", nonce=\"n\"",
            "Digest realm=\"r\", nonce=\"n\", opaque=\"\u{1}\"",
            long.as_str(),
        ] {
            assert!(read(value).is_empty(), "{value}");
        }
        let many = "Digest realm=r,nonce=n,".repeat(100);
        assert_eq!(read(&many).len(), CHALLENGES);
        assert!(read(&many.repeat(10)).is_empty(), "nobody sends so much");
    }
}
