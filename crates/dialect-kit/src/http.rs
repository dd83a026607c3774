//! Parties that speak in HTTP exchanges.
//!
//! A party outlives its exchanges: the first request makes it, those for its *resource* reach it. Below an endpoint, a
//! path is the name of what is asked for; behind it the resource, which the shell names unguessably; behind that, what of
//! the resource is meant: `/whip/cam1`, `/whip/cam1/RESOURCE`, `/whip/cam1/RESOURCE/layers`.

/// Which request a reply is for; the shell numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub u64);

/// A request to a session: the one that made it, or one for its resource. Its size has been checked.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// To be named in the reply.
    pub exchange: Exchange,
    /// The method, as it was sent: methods are case-sensitive (RFC 9110 section 9.1).
    pub method: &'a str,
    /// The endpoint's own path, as the specification of the dialect has it.
    pub endpoint: &'a str,
    /// The name of what is asked for; not empty, and not decoded. Of an [`Exchange`](crate::Codec::Exchange) endpoint, all of
    /// the path that is below it, from its slash on.
    pub name: &'a str,
    /// What follows the question mark, not decoded; empty if there is none.
    pub query: &'a str,
    /// What of the session's resource is meant: empty, or it begins with `/`. `None`: the request made the session.
    pub resource: Option<&'a str>,
    /// Where the session's resource is, as a URL reference for this client.
    pub location: &'a str,
    /// It showed a token, where one is asked for. Requests that did not are not handed on, but for `OPTIONS`.
    pub admitted: bool,
    /// Names in lower case, and values.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// The first value of a header, by its name in lower case, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers.iter().find(|(of, _)| *of == name)?;
        std::str::from_utf8(value).ok().map(str::trim)
    }
}

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// Names in lower case, and values; a name may come more than once.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// A reply of that status without headers and body.
    #[must_use]
    pub const fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With a body of that media type.
    #[must_use]
    pub fn body(self, media_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let mut reply = self.with("content-type", media_type);
        reply.body = body.into();
        reply
    }

    /// What went wrong, in words (RFC 9457); `detail` names the cause and the next action.
    #[must_use]
    pub fn problem(status: u16, title: &str, detail: &str) -> Self {
        let mut body = format!("{{\"title\":\"{title}\",\"status\":{status},\"detail\":").into_bytes();
        crate::json::write_string(&mut body, detail);
        body.push(b'}');
        Self::new(status).body("application/problem+json", body)
    }
}

/// A path below an endpoint, in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The name of what is asked for.
    pub name: &'a str,
    /// The resource, if one is meant, and what of it.
    pub resource: Option<(&'a str, &'a str)>,
}

impl<'a> Target<'a> {
    /// The parts of what follows the endpoint's path; `None` if it is none of the forms above.
    #[must_use]
    pub fn parse(rest: &'a str) -> Option<Self> {
        let rest = rest.strip_prefix('/')?;
        let (name, resource) = match rest.split_once('/') {
            None => (rest, None),
            // A slash at the end means the same.
            Some((name, "")) => (name, None),
            Some((name, behind)) => {
                let end = behind.find('/').unwrap_or(behind.len());
                let (resource, of) = behind.split_at(end);
                (name, Some((resource, if of == "/" { "" } else { of })))
            }
        };
        let empty = name.is_empty() || resource.is_some_and(|(resource, _)| resource.is_empty());
        (!empty).then_some(Self { name, resource })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_name_resource_and_part() {
        let parts = |rest| Target::parse(rest).map(|target| (target.name, target.resource));
        for (rest, expected) in [
            ("/cam1", Some(("cam1", None))),
            ("/cam1/", Some(("cam1", None))),
            ("/cam1/id", Some(("cam1", Some(("id", ""))))),
            ("/cam1/id/", Some(("cam1", Some(("id", ""))))),
            ("/cam1/id/layers", Some(("cam1", Some(("id", "/layers"))))),
            ("/cam1/id/a/b", Some(("cam1", Some(("id", "/a/b"))))),
            ("", None),
            ("cam1", None),
            ("/", None),
            ("//id", None),
            ("/cam1//layers", None),
        ] {
            assert_eq!(parts(rest), expected, "{rest}");
        }
    }

    #[test]
    fn a_problem_is_told_as_json() {
        let reply = Reply::problem(404, "Not Found", "no \"x\"; try again");
        let body = String::from_utf8(reply.body).expect("text");
        assert_eq!(body, r#"{"title":"Not Found","status":404,"detail":"no \"x\"; try again"}"#);
        assert_eq!(reply.headers, [("content-type", "application/problem+json".to_owned())]);
    }
}
