//! Notifications that a message has come, was shown, or was not (RFC 5438): a small XML document, written whole and read
//! by looking for its elements. No other XML is understood.

use super::{BODY_BYTES, ID_BYTES, WORD_BYTES};
use crate::text::clean;

/// The `Content-Type` of a notification.
pub const CONTENT_TYPE: &str = "message/imdn+xml";

/// What has become of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It has come.
    Delivered,
    /// It could not come.
    Failed,
    /// It was shown.
    Displayed,
    /// Nobody says.
    Forbidden,
    /// Something went wrong.
    Error,
    /// Somebody on the way has handled it.
    Processed,
    /// Somebody on the way keeps it.
    Stored,
}

impl State {
    const ALL: [Self; 7] =
        [Self::Delivered, Self::Failed, Self::Displayed, Self::Forbidden, Self::Error, Self::Processed, Self::Stored];

    /// The word, in XML as in events.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Displayed => "displayed",
            Self::Forbidden => "forbidden",
            Self::Error => "error",
            Self::Processed => "processed",
            Self::Stored => "stored",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }

    /// The element around it: what was wished for.
    const fn around(self) -> &'static str {
        match self {
            Self::Delivered | Self::Failed | Self::Forbidden | Self::Error => "delivery-notification",
            Self::Displayed => "display-notification",
            Self::Processed | Self::Stored => "processing-notification",
        }
    }
}

/// A notification.
#[derive(Clone, PartialEq, Eq)]
pub struct Notification {
    /// The sender's id of the message.
    pub message_id: String,
    /// When the message was sent, in the sender's own words.
    pub time: String,
    /// What has become of it.
    pub state: State,
}

/// The body of a notification.
#[must_use]
pub fn write(notification: &Notification) -> String {
    let around = notification.state.around();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<imdn xmlns=\"urn:ietf:params:xml:ns:imdn\"><message-id>{}\
         </message-id><datetime>{}</datetime><{around}><status><{}/></status></{around}></imdn>\r\n",
        escape(&clean(&notification.message_id, ID_BYTES)),
        escape(&clean(&notification.time, WORD_BYTES)),
        notification.state.word()
    )
}

/// Reads a notification; `None` if it has no id or no state that is known.
#[must_use]
pub fn read(body: &str) -> Option<Notification> {
    if body.len() > BODY_BYTES {
        return None;
    }
    let message_id = clean(&unescape(element(body, "message-id")?), ID_BYTES);
    let time = element(body, "datetime").map(|time| clean(&unescape(time), WORD_BYTES)).unwrap_or_default();
    let status = element(body, "status")?;
    let name = tags(status).map(|(name, ..)| name).next()?;
    let state = State::of(name)?;
    (!message_id.is_empty()).then_some(Notification { message_id, time, state })
}

/// What is between the first `<name>`, with any prefix and attributes, and the next end of an element of that name.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, at) = tags(text).find(|(found, _)| *found == name)?;
    let inside = &text[at..];
    let mut ends = inside.match_indices("</").filter(|(at, _)| {
        let end = inside[at + 2..].split('>').next().unwrap_or_default().trim();
        end.rsplit(':').next() == Some(name)
    });
    ends.next().map(|(end, _)| inside[..end].trim())
}

/// The elements that begin in `text`: their names without prefix, and where their insides begin.
fn tags(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.match_indices('<').filter_map(|(at, _)| {
        let end = at + text[at..].find('>')?;
        let name = text[at + 1..end].split(['/', ' ', '\t', '\r', '\n']).next()?;
        let name = name.rsplit(':').next()?;
        (!name.is_empty()).then_some((name, end + 1))
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    plain.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for state in State::ALL {
            let notification =
                Notification { message_id: "<a&b>\"".into(), time: "2026-02-03T04:05:06+00:00".into(), state };
            let body = write(&notification);
            assert!(body.contains("<message-id>&lt;a&amp;b&gt;\"</message-id>"), "{body}");
            assert!(read(&body) == Some(notification), "{body}");
            assert_eq!(State::of(state.word()), Some(state));
        }
        let evil = Notification {
            message_id: "x</message-id><status><failed/></status>\r\n".into(),
            time: String::new(),
            state: State::Displayed,
        };
        assert!(read(&write(&evil)).is_some_and(|read| read.state == State::Displayed));
    }

    #[test]
    fn what_others_write_is_read() {
        let body = "<?xml version=\"1.0\"?>\n<i:imdn xmlns:i=\"urn:ietf:params:xml:ns:imdn\">\n <i:message-id > 7 </i:message-id>\
            <i:subject>x</i:subject><i:display-notification><i:status>\n<i:displayed /></i:status></i:display-notification></i:imdn>";
        let read_ = read(body).expect("readable");
        assert_eq!((read_.message_id.as_str(), read_.time.as_str(), read_.state), ("7", "", State::Displayed));
        for body in [
            "",
            "<status><delivered/></status>",
            "<message-id>7</message-id>",
            "<message-id>7</message-id><status><dreamt/></status>",
            "<message-id></message-id><status><delivered/></status>",
            "<message-id>7<status><delivered/>",
            "<message-id",
        ] {
            assert!(read(body).is_none(), "{body}");
        }
    }
}
