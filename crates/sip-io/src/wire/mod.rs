//! SIP's text (RFC 3261 section 7): messages out of bytes and bytes out of messages.
//!
//! Reading is tolerant where a meaning can be found, and bounded; what has none is a [`Fault`], which says how it is
//! answered. Writing is the one place where header lines become bytes: a control character never gets through.

mod check;
mod frame;
mod method;
mod read;
mod via;
mod write;

use patchbay_sip::text;

pub(crate) use check::{Fault, check, uri_of};
pub(crate) use frame::{Framed, Framer};
pub(crate) use method::{ALLOW, Method};
pub(crate) use read::read;
pub(crate) use via::{COOKIE, Via};

/// Longest message, in bytes: what a datagram can carry. More in a stream ends the connection.
pub(crate) const MESSAGE_BYTES: usize = 65_535;
/// Longest head, in bytes. Real ones have some 2,000; a body may be as long as the message.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;
/// Most header lines. Behind many proxies there are some 40.
pub(crate) const LINES: usize = 256;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// What is asked, and of whom: a URI with its scheme, as written.
    Request { method: Method, uri: String },
    /// 100 to 699, and the phrase as received.
    Response { status: u16, phrase: String },
}

/// A header line; compact names are written out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) start: Start,
    pub(crate) lines: Vec<Line>,
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// A request without any line.
    pub(crate) fn request(method: Method, uri: &str) -> Self {
        Self { start: Start::Request { method, uri: uri.to_owned() }, lines: Vec::new(), body: Vec::new() }
    }

    /// A response to `request` (RFC 3261 section 8.2.6.2), with `tag` in its `To` where that has none yet.
    pub(crate) fn response(request: &Self, status: u16, phrase: &str, tag: Option<&str>) -> Self {
        let start = Start::Response { status, phrase: phrase.to_owned() };
        let mut response = Self { start, lines: Vec::new(), body: Vec::new() };
        for line in &request.lines {
            let same = ["Via", "From", "Call-ID", "CSeq", "Timestamp"];
            if same.iter().any(|name| line.name.eq_ignore_ascii_case(name)) {
                response.lines.push(line.clone());
            } else if line.name.eq_ignore_ascii_case("To") {
                let value = match tag.filter(|_| tag_of(&line.value).is_none()) {
                    Some(tag) => format!("{};tag={tag}", line.value),
                    None => line.value.clone(),
                };
                response.push("To", value);
            }
        }
        response
    }

    pub(crate) fn push(&mut self, name: &str, value: impl Into<String>) {
        self.lines.push(Line { name: name.to_owned(), value: value.into() });
    }

    /// The value of the first line of a name.
    pub(crate) fn value<'a>(&'a self, name: &str) -> Option<&'a str> {
        let line = self.lines.iter().find(|line| line.name.eq_ignore_ascii_case(name))?;
        Some(line.value.as_str())
    }

    /// The values of all lines of a name.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let of = move |line: &&Line| line.name.eq_ignore_ascii_case(name);
        self.lines.iter().filter(of).map(|line| line.value.as_str())
    }

    /// The members of lists that may be spread over several lines, in order.
    pub(crate) fn list<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.values(name).flat_map(|value| text::split(value, ',')).map(str::trim).filter(|member| !member.is_empty())
    }

    /// Whether a list of tokens, `Supported` say, has one.
    pub(crate) fn has(&self, name: &str, token: &str) -> bool {
        self.list(name).any(|member| member.eq_ignore_ascii_case(token))
    }

    /// A number that a line is.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        let value = self.value(name)?;
        number(value.split([';', '(', ' ']).next().unwrap_or_default())
    }

    pub(crate) fn method(&self) -> Option<&Method> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    pub(crate) fn status(&self) -> Option<u16> {
        match &self.start {
            Start::Response { status, .. } => Some(*status),
            Start::Request { .. } => None,
        }
    }

    pub(crate) fn uri(&self) -> &str {
        match &self.start {
            Start::Request { uri, .. } => uri,
            Start::Response { .. } => "",
        }
    }

    pub(crate) fn phrase(&self) -> &str {
        match &self.start {
            Start::Response { phrase, .. } => phrase,
            Start::Request { .. } => "",
        }
    }

    pub(crate) fn call_id(&self) -> &str {
        self.value("Call-ID").unwrap_or_default()
    }

    /// Number and method of `CSeq`.
    pub(crate) fn cseq(&self) -> Option<(u32, Method)> {
        let mut words = self.value("CSeq")?.split_ascii_whitespace();
        // RFC 3261 section 8.1.1.5: below 2^31.
        let count = number(words.next()?).filter(|count| *count < 1 << 31)?;
        Some((count, Method::parse(words.next()?)))
    }

    /// The tag of `From` or `To`.
    pub(crate) fn tag(&self, name: &str) -> Option<&str> {
        tag_of(self.value(name)?)
    }

    pub(crate) fn via(&self) -> Option<Via> {
        Via::parse(self.list("Via").next()?)
    }

    /// The type of the body, in lower case and without parameters; `None` without a body.
    pub(crate) fn content_type(&self) -> Option<String> {
        let value = self.value("Content-Type").filter(|_| !self.body.is_empty())?;
        Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
    }

    /// The body as text; what is no text is replaced.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The description that the body is, or has among its parts.
    pub(crate) fn sdp(&self) -> Option<String> {
        let content_type = self.content_type()?;
        if content_type == "application/sdp" {
            return Some(self.text());
        }
        if !content_type.starts_with("multipart/") {
            return None;
        }
        // RFC 5621: the description is one of the parts.
        let line = self.value("Content-Type")?;
        let boundary = text::split(line, ';').into_iter().find_map(|param| {
            let (name, value) = param.split_once('=')?;
            name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
        })?;
        let body = self.text();
        body.split(&format!("--{boundary}")).find_map(|part| {
            let (head, content) = part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))?;
            let sdp = head.lines().any(|line| {
                let line = line.to_ascii_lowercase();
                line.starts_with("content-type:") && line.contains("application/sdp")
            });
            sdp.then(|| content.to_owned())
        })
    }
}

/// The tag among the parameters of an address.
pub(crate) fn tag_of(address: &str) -> Option<&str> {
    text::split(address, ';').into_iter().skip(1).find_map(|param| {
        let (name, value) = param.split_once('=')?;
        name.trim().eq_ignore_ascii_case("tag").then_some(value.trim()).filter(|tag| !tag.is_empty())
    })
}

/// Digits alone; `parse` would also take a plus sign.
fn number(text: &str) -> Option<u32> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
