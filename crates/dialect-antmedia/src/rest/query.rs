//! Paths and queries: percent-encoding undone once, and nothing taken that is not what it is said to be.

use patchbay_dialect_kit::http::Reply;

use super::reply;
use super::routes::{Kind, Route, opened, part};
use crate::records::is_subscriber_id;

/// Parameters of one query that are read; one more and it is not well formed. Operations know four at most.
const PARAMETERS: usize = 32;

/// What follows the question mark.
#[derive(Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// `a=1&b=2`; `None` if a part of it cannot be decoded.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut pairs = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decoded(name, true)?, decoded(value, true)?));
        }
        (pairs.len() <= PARAMETERS).then_some(Self(pairs))
    }

    /// A parameter that was given, and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Whether every parameter that the route knows is of its kind, and those are there that must be.
    pub(super) fn check(&self, route: &Route) -> Result<(), Reply> {
        for param in route.query {
            match self.raw(param.name) {
                None if param.required => {
                    return Err(reply::failed(400, &format!("the query has no {}", param.name)));
                }
                Some(value) if !param.kind.admits(value) && (param.required || !value.is_empty()) => {
                    return Err(reply::failed(400, &format!("{} is no {}", param.name, param.kind.words())));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// Whether every open part of the path is of its kind.
pub(super) fn check_path(route: &Route, path: &[String]) -> Result<(), Reply> {
    let names = route.path.split('/').filter_map(opened);
    for (name, value) in names.zip(path) {
        if !part(name).admits(value) {
            return Err(reply::failed(400, &format!("{name} is no {}", part(name).words())));
        }
    }
    Ok(())
}

/// The parts of a path behind its first slash, decoded; `None` if one cannot be, or means another place.
pub(crate) fn segments(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let path = path.strip_suffix('/').unwrap_or(path);
    let part = |part: &str| decoded(part, false).filter(|text| !matches!(text.as_str(), "" | "." | ".."));
    path.split('/').map(part).collect()
}

/// RFC 3986 section 2.1; in a query, a plus sign is a blank. What is no UTF-8 then, or has a NUL, is nothing.
fn decoded(text: &str, plus: bool) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            b'+' if plus => b' ',
            byte => byte,
        });
    }
    String::from_utf8(out).ok().filter(|text| !text.contains('\0'))
}

impl Kind {
    /// Whether a text of a path or query is of that kind.
    pub(super) fn admits(self, text: &str) -> bool {
        match self {
            // Each operation says what is wrong with an id.
            Self::Id | Self::Text => true,
            Self::Subscriber => is_subscriber_id(text),
            Self::Number => text.parse::<u32>().is_ok_and(|_| text.bytes().all(|byte| byte.is_ascii_digit())),
            Self::Time => text.parse::<i64>().is_ok_and(|at| at >= 0),
            Self::Purpose => matches!(text, "publish" | "play"),
            Self::Block => matches!(text, "publish" | "play" | "publish_play"),
            Self::One(of) => of.contains(&text),
        }
    }

    pub(super) fn words(self) -> String {
        match self {
            Self::Id => "id".to_owned(),
            Self::Subscriber => "subscriber's id: 1 to 128 letters, and no slash".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Number => "whole number from 0 on".to_owned(),
            Self::Time => "time in seconds since 1970".to_owned(),
            Self::Purpose => "publish or play".to_owned(),
            Self::Block => "publish, play or publish_play".to_owned(),
            Self::One(of) => of.join(" or "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_decoded_once_and_lead_nowhere_else() {
        let parts = |path| segments(path).map(|parts| parts.join("|"));
        for (path, expected) in [
            ("/broadcasts/a%20b/stop", Some("broadcasts|a b|stop")),
            ("/broadcasts/a/", Some("broadcasts|a")),
            ("/a+b", Some("a+b")),
            ("/%252e", Some("%2e")),
            ("/..", None),
            ("/%2e%2E/x", None),
            ("/a//b", None),
            ("/%", None),
            ("/%g0", None),
            ("/%ff", None),
            ("/%00", None),
            ("", None),
            ("/", None),
        ] {
            assert_eq!(parts(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn queries_are_read_and_bounded() {
        let query = Query::parse("a=1&b=x%3dy+z&c&a=2").expect("well formed");
        assert_eq!((query.get("a"), query.get("b"), query.get("c")), (Some("1"), Some("x=y z"), None));
        assert!(Query::parse("a=%zz").is_none());
        assert!(Query::parse(&"a=1&".repeat(PARAMETERS + 1)).is_none());
    }
}
