//! Answers to those who ask for a password (RFC 2617, RFC 7616, RFC 3261 section 22), from an HA1: the password itself
//! is never known here.
//!
//! An account has one [`Digest`], which remembers what each realm wants; a request has one [`Attempt`], so that nobody is
//! asked for ever. A wrong password is found out by the second challenge: the first was answered, and asked again.

mod answer;
mod challenge;

pub(crate) use answer::md5;
pub use answer::{Ha1, response};
pub use challenge::{Algorithm, Challenge, Qop, read};

use std::fmt::Write as _;

use crate::reason;
use crate::uri::Aor;

/// Most realms that are remembered; more than two ask only an account whose proxies are misconfigured.
const REALMS: usize = 8;
/// How often one request is sent again because its nonce was too old. One is right; a server whose clocks disagree may
/// need another, and one that always says so must not be asked for ever.
const STALE: u8 = 2;

/// Who has sent a challenge, by where its request went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A server of the account's own domain, or the configured proxy.
    Home,
    /// Anybody else. An answer would let them guess the password at leisure.
    Foreign,
}

/// What is asked of a server, as far as digests hash it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `REGISTER`, `INVITE` …
    pub method: &'a str,
    /// The request's URI, with its scheme, as it stands in the first line.
    pub uri: &'a str,
    /// The body, for `auth-int`.
    pub body: &'a [u8],
}

/// A header line that answers a challenge.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    /// `Authorization` or `Proxy-Authorization`.
    pub name: &'static str,
    /// Its value, one line.
    pub value: String,
}

/// The parts of a 401 or 407 that matter here.
#[derive(Clone, Copy, Debug)]
pub struct Challenged<'a> {
    /// 401 or 407.
    pub status: u16,
    /// The phrase as received.
    pub phrase: &'a str,
    /// Values of all `WWW-Authenticate` lines.
    pub www: &'a [&'a str],
    /// Values of all `Proxy-Authenticate` lines.
    pub proxy: &'a [&'a str],
    /// See there.
    pub source: Source,
}

/// What follows from a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Send the request again, with the lines of [`Digest::headers`].
    Again,
    /// It has failed; the reason for the client.
    Failed(String),
}

/// What one request has been asked so far.
#[derive(Clone, Debug, Default)]
pub struct Attempt {
    /// Realms that were answered in this request, by place in [`Digest`], and how often for an old nonce.
    realms: Vec<(Key, bool, u8)>,
}

/// A realm, of servers or of proxies: both may ask by the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    realm: String,
    proxy: bool,
}

/// The credentials of one account, and what each realm wants of them.
pub struct Digest {
    username: String,
    ha1: Ha1,
    /// Realms that are answered: the account's domain, the proxy's host, what the operator names.
    trusted: Vec<String>,
    known: Vec<Known>,
}

/// The newest challenge of a realm.
struct Known {
    key: Key,
    challenge: Challenge,
    cnonce: String,
    /// How many requests were hashed with this nonce.
    count: u32,
}

impl Digest {
    /// Credentials of `account`. Besides challenges of the realm that its domain names, those of `realms` are answered:
    /// the host of the configured proxy, names that an operator has given.
    #[must_use]
    pub fn new(account: &Aor, ha1: Ha1, realms: &[&str]) -> Self {
        let trusted = [account.domain()].iter().chain(realms).map(|realm| (*realm).to_owned()).collect();
        Self { username: account.user().to_owned(), ha1, trusted, known: Vec::new() }
    }

    /// The lines that a request gets: one for each realm that has ever asked, so that a refresh is not asked again.
    /// None for foreigners. Each call counts: take the lines once for each time that the request is sent.
    pub fn headers(&mut self, asked: &Asked, source: Source) -> Vec<Authorization> {
        // It stands between quotes; a URI has none of these.
        let writable = |text: &str| !text.bytes().any(|byte| byte.is_ascii_control() || matches!(byte, b'"' | b'\\'));
        if source == Source::Foreign || !writable(asked.uri) {
            return Vec::new();
        }
        let (username, ha1) = (&self.username, &self.ha1);
        // A counter that is used up would begin anew, which is a replay: the server is made to ask again.
        self.known.retain(|known| known.count < u32::MAX);
        self.known.iter_mut().map(|known| known.answer(username, ha1, asked)).collect()
    }

    /// Takes in a 401 or 407. `random` becomes the client's nonce.
    pub fn on_challenge(&mut self, attempt: &mut Attempt, told: &Challenged, random: u64) -> Verdict {
        let received = || Verdict::Failed(reason::text(told.status, told.phrase));
        if told.www.is_empty() && told.proxy.is_empty() {
            return received();
        }
        let lines = told.www.iter().map(|value| (false, value)).chain(told.proxy.iter().map(|value| (true, value)));
        let all = lines.flat_map(|(proxy, value)| read(value).into_iter().map(move |one| (proxy, one)));
        let usable: Vec<_> = all.filter(|(_, one)| one.is_answerable()).collect();
        if usable.is_empty() {
            return Verdict::Failed(reason::CANNOT_ADD_CREDENTIALS.to_owned());
        }
        let trusted = |challenge: &Challenge| {
            told.source == Source::Home && self.trusted.iter().any(|realm| realm.eq_ignore_ascii_case(&challenge.realm))
        };
        let mut chosen: Vec<(Key, Challenge)> = Vec::new();
        for (proxy, challenge) in usable.into_iter().filter(|(_, one)| trusted(one)).take(REALMS) {
            let key = Key { realm: challenge.realm.clone(), proxy };
            // The first of a realm is the one that its server likes best.
            if !chosen.iter().any(|(other, _)| *other == key) {
                chosen.push((key, challenge));
            }
        }
        if chosen.is_empty() {
            return received();
        }
        if !chosen.iter().all(|(key, challenge)| attempt.may_answer(key, challenge.stale)) {
            self.known.retain(|known| !chosen.iter().any(|(key, _)| *key == known.key));
            return Verdict::Failed(reason::NO_MATCHING_CHALLENGE.to_owned());
        }
        for (key, challenge) in chosen {
            self.remember(key, challenge, random);
        }
        Verdict::Again
    }

    fn remember(&mut self, key: Key, challenge: Challenge, random: u64) {
        self.known.retain(|known| known.key != key);
        if self.known.len() >= REALMS {
            self.known.remove(0);
        }
        self.known.push(Known { key, challenge, cnonce: format!("{random:016x}"), count: 0 });
    }
}

impl Attempt {
    /// Notes that a realm asks, and says whether it may be answered.
    fn may_answer(&mut self, key: &Key, stale: bool) -> bool {
        let place = self.realms.iter().position(|(known, ..)| known == key).unwrap_or_else(|| {
            self.realms.push((key.clone(), false, 0));
            self.realms.len() - 1
        });
        let (_, answered, old) = &mut self.realms[place];
        if stale {
            *old += 1;
            *old <= STALE
        } else {
            !std::mem::replace(answered, true)
        }
    }
}

impl Known {
    fn answer(&mut self, username: &str, ha1: &Ha1, asked: &Asked) -> Authorization {
        self.count += 1;
        let Challenge { realm, nonce, opaque, algorithm, qop, .. } = &self.challenge;
        let response = response(ha1, &self.challenge, self.count, &self.cnonce, asked);
        let mut value = format!(
            "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{}\", response=\"{response}\"",
            asked.uri
        );
        let session = *algorithm == Algorithm::Md5Sess;
        value.push_str(if session { ", algorithm=MD5-sess" } else { ", algorithm=MD5" });
        let protects = match qop {
            Qop::Auth => Some("auth"),
            Qop::AuthInt => Some("auth-int"),
            Qop::None | Qop::Other => None,
        };
        // Writing to a String cannot fail.
        if let Some(protects) = protects {
            _ = write!(value, ", qop={protects}, nc={:08x}", self.count);
        }
        if protects.is_some() || session {
            _ = write!(value, ", cnonce=\"{}\"", self.cnonce);
        }
        if let Some(opaque) = opaque {
            _ = write!(value, ", opaque=\"{opaque}\"");
        }
        Authorization { name: if self.key.proxy { "Proxy-Authorization" } else { "Authorization" }, value }
    }
}

#[cfg(test)]
mod tests;
