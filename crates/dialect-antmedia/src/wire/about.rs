//! What publishers say of their streams, and viewers of themselves, in the dialect's canonical form: a JSON object of
//! texts. Whoever asks may be told it; the hub keeps it without knowing it.

use std::borrow::Cow;

use patchbay_core::{Body, Lang, Published};
use patchbay_dialect_kit::json::Cursor;

use super::{ClientFrame, Text, read_text};

/// Longest text that is kept with a stream. Pages put names and switches into their meta data, some hundred bytes; a
/// larger bound would let each publisher hold more memory, a smaller one would lose what pages count on.
pub(crate) const TEXT: usize = 16 * 1024;

/// What is said of a stream by its publisher, or of a viewer by himself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct About<'a> {
    pub(crate) name: Text<'a>,
    pub(crate) meta: Text<'a>,
    pub(crate) role: Text<'a>,
    pub(crate) subscriber: Text<'a>,
}

impl<'a> About<'a> {
    /// What a publisher says of its stream. What is too long was not said.
    pub(crate) fn publisher(frame: &ClientFrame<'a>) -> Self {
        Self {
            name: bounded(&frame.name),
            meta: bounded(&frame.meta),
            role: bounded(&frame.visible_as),
            subscriber: bounded(&frame.subscriber),
        }
    }

    /// What a viewer says of himself.
    pub(crate) fn viewer(frame: &ClientFrame<'a>) -> Self {
        Self {
            name: bounded(&frame.subscriber_name),
            meta: None,
            role: bounded(&frame.visible_as),
            subscriber: bounded(&frame.subscriber),
        }
    }

    /// What is known of a published stream. Publishers of other dialects say nothing in these words.
    pub(crate) fn read(published: &'a Published) -> Self {
        published.about.as_ref().map(Self::of).unwrap_or_default()
    }

    /// The same, from its canonical form; what has another form says nothing.
    pub(crate) fn of(body: &'a Body) -> Self {
        let mut about = Self::default();
        let Ok(text) = std::str::from_utf8(body.bytes()) else { return about };
        let read = Cursor::new(text).object(|key, value| {
            match &*key {
                "name" => about.name = read_text(value)?,
                "metaData" => about.meta = read_text(value)?,
                "role" => about.role = read_text(value)?,
                "subscriberId" => about.subscriber = read_text(value)?,
                _ => value.skip()?,
            }
            Ok(())
        });
        if read.is_err() { Self::default() } else { about }
    }

    /// In canonical form; `None`: there is nothing to be said.
    pub(crate) fn body(&self, lang: Lang) -> Option<Body> {
        let mut out = Vec::new();
        for (key, value) in
            [("name", &self.name), ("metaData", &self.meta), ("role", &self.role), ("subscriberId", &self.subscriber)]
        {
            let Some(value) = value else { continue };
            out.push(if out.is_empty() { b'{' } else { b',' });
            out.push(b'"');
            out.extend_from_slice(key.as_bytes());
            out.extend_from_slice(b"\":");
            super::write_plain_string(&mut out, value);
        }
        if out.is_empty() {
            return None;
        }
        out.push(b'}');
        Some(Body::new(lang, &out))
    }
}

fn bounded<'a>(text: &Text<'a>) -> Text<'a> {
    text.clone().filter(|text: &Cow<'_, str>| text.len() <= TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_stream_survives_its_canonical_form() {
        let about = About {
            name: Some("Alice \"A\"".into()),
            meta: Some("{\"k\":1}".into()),
            role: None,
            subscriber: Some("s".into()),
        };
        let body = about.body(Lang(1)).expect("something is said");
        assert_eq!(About::of(&body), about);
        assert_eq!(About::default().body(Lang(1)), None);
        assert_eq!(About::of(&Body::new(Lang(9), b"sdp")), About::default());
    }

    #[test]
    fn what_is_too_long_was_not_said() {
        let frame = |length| ClientFrame { meta: Some("x".repeat(length).into()), ..ClientFrame::default() };
        assert!(About::publisher(&frame(TEXT)).meta.is_some());
        assert_eq!(About::publisher(&frame(TEXT + 1)).meta, None);
    }
}
