//! Text messages: the `message/cpim` wrapper (RFC 3862) that carries a message's id and the wish for notifications, and
//! the notifications themselves (RFC 5438, [`imdn`]).

pub mod imdn;

use std::fmt::Write as _;

use crate::address::{self, Address};
use crate::text::clean;
use crate::uri::Uri;

/// The `Content-Type` of what [`write()`] writes.
pub const CONTENT_TYPE: &str = "message/cpim";
/// Longest body, in bytes. UDP carries some 60 kB at most; pictures have other ways.
pub const BODY_BYTES: usize = 64 * 1024;
/// Longest message id, in bytes: they are UUIDs.
pub const ID_BYTES: usize = 128;
/// Longest media type and time stamp, in bytes.
const WORD_BYTES: usize = 128;
/// Most header lines of a wrapper.
const LINES: usize = 32;
/// The namespace of notifications.
const NAMESPACE: &str = "urn:ietf:params:imdn";

/// What a sender wants to hear of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// That it has come.
    PositiveDelivery,
    /// That it could not come.
    NegativeDelivery,
    /// That somebody on the way has it.
    Processing,
    /// That it was shown.
    Display,
}

impl Wish {
    const ALL: [Self; 4] = [Self::PositiveDelivery, Self::NegativeDelivery, Self::Processing, Self::Display];

    /// The word on the wire.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::PositiveDelivery => "positive-delivery",
            Self::NegativeDelivery => "negative-delivery",
            Self::Processing => "processing",
            Self::Display => "display",
        }
    }
}

/// A wrapped message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The name of the sender to show.
    pub display: Option<String>,
    /// Who sends.
    pub from: Uri,
    /// Who receives.
    pub to: Uri,
    /// When, in the sender's own words (RFC 3339).
    pub time: Option<String>,
    /// The sender's id of it.
    pub id: Option<String>,
    /// What the sender wants to hear.
    pub wishes: Vec<Wish>,
    /// The type of the content, `text/plain` say.
    pub content_type: String,
    /// The content.
    pub content: String,
}

/// The body of a `MESSAGE` with [`CONTENT_TYPE`]; `None` if it would be longer than [`BODY_BYTES`].
///
/// Nothing but the content can have line ends: they are left out of everything else.
#[must_use]
pub fn write(message: &Message) -> Option<String> {
    let mut body = String::with_capacity(message.content.len() + 512);
    // Writing to a String cannot fail.
    let mut line = |name: &str, value: &str| _ = write!(body, "{name}: {value}\r\n");
    line("From", &address::write(message.display.as_deref(), &message.from));
    line("To", &address::write(None, &message.to));
    if let Some(time) = word(message.time.as_deref()) {
        line("DateTime", &time);
    }
    let id = id(message.id.as_deref());
    if id.is_some() || !message.wishes.is_empty() {
        line("NS", &format!("imdn <{NAMESPACE}>"));
    }
    if let Some(id) = id {
        line("imdn.Message-ID", &id);
    }
    if !message.wishes.is_empty() {
        let words: Vec<_> = message.wishes.iter().map(|wish| wish.word()).collect();
        line("imdn.Disposition-Notification", &words.join(", "));
    }
    let content_type = word(Some(&message.content_type)).unwrap_or_else(|| "text/plain".to_owned());
    _ = write!(body, "\r\nContent-Type: {content_type}\r\n\r\n{}", message.content);
    (body.len() <= BODY_BYTES).then_some(body)
}

/// Reads the body of a `MESSAGE` with [`CONTENT_TYPE`]; `None` if it is longer than [`BODY_BYTES`], or has no sender or
/// receiver that can be read.
#[must_use]
pub fn read(body: &str) -> Option<Message> {
    if body.len() > BODY_BYTES {
        return None;
    }
    let (headers, rest) = block(body);
    let (mime, content) = block(rest);
    let of = |lines: &[(&str, &str)], name: &str| {
        let found = lines.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| (*value).to_owned())
    };
    // The prefix is the sender's choice, and says nothing without its namespace.
    let prefix = headers.iter().find_map(|(name, value)| {
        let (prefix, namespace) = value.split_once('<')?;
        (name.eq_ignore_ascii_case("NS") && namespace.trim_end_matches('>') == NAMESPACE).then_some(prefix.trim())
    });
    let notify = |name: &str| of(&headers, &format!("{}.{name}", prefix.unwrap_or("imdn")));
    let wishes = notify("Disposition-Notification").unwrap_or_default();
    let wanted = |wish: &Wish| wishes.split(',').any(|word| word.trim().eq_ignore_ascii_case(wish.word()));
    let from = Address::parse(&of(&headers, "From")?).ok()?;
    Some(Message {
        display: from.display,
        from: from.uri,
        to: Address::parse(&of(&headers, "To")?).ok()?.uri,
        time: word(of(&headers, "DateTime").as_deref()),
        id: id(notify("Message-ID").as_deref()),
        wishes: Wish::ALL.into_iter().filter(wanted).collect(),
        content_type: word(of(&mime, "Content-Type").as_deref()).unwrap_or_else(|| "text/plain".to_owned()),
        content: content.to_owned(),
    })
}

/// Header lines up to the first empty line, and what is behind it.
fn block(text: &str) -> (Vec<(&str, &str)>, &str) {
    let (mut lines, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = behind;
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && lines.len() < LINES
        {
            lines.push((name.trim(), value.trim()));
        }
    }
    (lines, rest)
}

fn word(text: Option<&str>) -> Option<String> {
    text.map(|text| clean(text.trim(), WORD_BYTES)).filter(|text| !text.trim().is_empty())
}

/// An id, cut to [`ID_BYTES`]: it goes to clients, and into XML.
fn id(text: Option<&str>) -> Option<String> {
    text.map(|text| clean(text.trim(), ID_BYTES)).filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).expect(text)
    }

    fn hello() -> Message {
        Message {
            display: Some("Alice \"A\"".into()),
            from: uri("alice@example.com"),
            to: uri("bob@example.com"),
            time: Some("2026-02-03T04:05:06+00:00".into()),
            id: Some("e2b6b1a8-0000-4000-8000-000000000001".into()),
            wishes: vec![Wish::PositiveDelivery, Wish::Display],
            content_type: "text/plain".into(),
            content: "Hello,\r\n\r\nworld: ü".into(),
        }
    }

    #[test]
    fn a_message_with_its_wishes() {
        let body = write(&hello()).expect("it is short");
        assert_eq!(
            body,
            "From: \"Alice \\\"A\\\"\" <sip:alice@example.com>\r\nTo: <sip:bob@example.com>\r\n\
             DateTime: 2026-02-03T04:05:06+00:00\r\nNS: imdn <urn:ietf:params:imdn>\r\n\
             imdn.Message-ID: e2b6b1a8-0000-4000-8000-000000000001\r\n\
             imdn.Disposition-Notification: positive-delivery, display\r\n\r\n\
             Content-Type: text/plain\r\n\r\nHello,\r\n\r\nworld: ü"
        );
        assert!(read(&body) == Some(hello()));
        assert!(read(&body.replace("\r\n", "\n")).is_some_and(|read| read.content == "Hello,\n\nworld: ü"));
        let bare = Message { display: None, time: None, id: None, wishes: vec![], ..hello() };
        let body = write(&bare).expect("it is short");
        assert!(!body.contains("imdn") && read(&body) == Some(bare), "{body}");
    }

    #[test]
    fn no_line_is_smuggled() {
        let evil = "x\r\nTo: <sip:evil@d>\r\n\r\nContent-Type: text/html".to_owned();
        let message = Message {
            display: Some(evil.clone()),
            time: Some(evil.clone()),
            id: Some(evil.clone()),
            content_type: evil,
            ..hello()
        };
        let body = write(&message).expect("it is short");
        let again = read(&body).expect("ours");
        assert_eq!(again.to, uri("bob@example.com"));
        assert_eq!(again.content, hello().content);
        assert_eq!(body.matches("\r\nTo:").count(), 1);
    }

    #[test]
    fn what_others_write_is_read() {
        let body = "from:<sip:a@d>\nTO: Bob <sip:b@d;x=1>\nNS: i <urn:ietf:params:imdn>\nNS: x <urn:x>\n\
            i.message-id: 7\ni.Disposition-Notification: DISPLAY,unknown\nodd\n\nContent-type: text/html; charset=utf-8\n\
            Content-Length: 3\n\n<b>";
        let message = read(body).expect("readable");
        assert_eq!((message.id.as_deref(), message.wishes), (Some("7"), vec![Wish::Display]));
        assert_eq!((message.content_type.as_str(), message.content.as_str()), ("text/html; charset=utf-8", "<b>"));
        for body in ["", "From: <sip:a@d>\n\n\n", "From: nobody at all\nTo: <sip:a@d>\n\n\nx"] {
            assert!(read(body).is_none(), "{body}");
        }
    }

    #[test]
    fn bodies_are_bounded() {
        let long = Message { content: "x".repeat(BODY_BYTES), ..hello() };
        assert!(write(&long).is_none());
        assert!(read(&format!("From: <sip:a@d>\nTo: <sip:a@d>\n\n\n{}", long.content)).is_none());
        let id = Message { id: Some("x".repeat(1_000)), ..hello() };
        assert_eq!(read(&write(&id).expect("short")).expect("ours").id.map(|id| id.len()), Some(ID_BYTES));
    }
}
