//! How a value is written into a line, in both forms.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};

use crate::config::LogFormat;

/// A line stays readable even where a whole message was logged by mistake.
const VALUE_BYTES: usize = 2048;

/// The fields of an event or span, rendered.
pub(super) struct Fields {
    format: LogFormat,
    /// The event's own text, escaped, without quotes.
    pub(super) message: String,
    /// Text: ` name=value` for each. JSON: `"name":value` divided by commas.
    pub(super) rest: String,
}

impl Fields {
    pub(super) fn new(format: LogFormat) -> Self {
        Self { format, message: String::new(), rest: String::new() }
    }

    /// A value that is a JSON token as it stands.
    fn token(&mut self, field: &Field, value: &dyn fmt::Display) {
        self.name(field);
        // Writing to a String does not fail.
        let _ = write!(self.rest, "{value}");
    }

    fn text(&mut self, field: &Field, text: &str) {
        if field.name() == "message" {
            return escape(&mut self.message, text, self.format);
        }
        self.name(field);
        if self.format == LogFormat::Text && is_plain(text) {
            self.rest.push_str(text);
        } else {
            quote(&mut self.rest, text, self.format);
        }
    }

    fn name(&mut self, field: &Field) {
        match self.format {
            LogFormat::Text => {
                self.rest.push(' ');
                self.rest.push_str(field.name());
                self.rest.push('=');
            }
            LogFormat::Json => {
                if !self.rest.is_empty() {
                    self.rest.push(',');
                }
                quote(&mut self.rest, field.name(), self.format);
                self.rest.push(':');
            }
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        let mut text = Bounded::default();
        let _ = text.write_str(value);
        self.text(field, &text.0);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut text = Bounded::default();
        // The error says that the bound was reached.
        let _ = write!(text, "{value:?}");
        self.text(field, &text.0);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.token(field, &value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.token(field, &value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.token(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.token(field, &value);
        } else {
            self.text(field, &value.to_string());
        }
    }
}

/// A text that stops growing at [`VALUE_BYTES`], and says so.
#[derive(Default)]
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = VALUE_BYTES.saturating_sub(self.0.len());
        if text.len() <= room {
            self.0.push_str(text);
            return Ok(());
        }
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.push('…');
        Err(fmt::Error)
    }
}

/// Whether a value needs no quotes in a text line: nothing in it could be taken for another field.
fn is_plain(text: &str) -> bool {
    let special = |c: char| c.is_whitespace() || matches!(c, '"' | '\\' | '=') || is_hostile(c);
    !text.is_empty() && !text.contains(special)
}

pub(super) fn quote(out: &mut String, text: &str, format: LogFormat) {
    out.push('"');
    let mut rest = text;
    if format == LogFormat::Text {
        // JSON's own escaping covers these two; a text line needs them inside of quotes only.
        while let Some(at) = rest.find(['"', '\\']) {
            escape(out, &rest[..at], format);
            out.push('\\');
            out.push_str(&rest[at..=at]);
            rest = &rest[at + 1..];
        }
    }
    escape(out, rest, format);
    out.push('"');
}

/// Appends a text with every hostile character escaped, in JSON also quotes and backslashes.
fn escape(out: &mut String, text: &str, format: LogFormat) {
    for c in text.chars() {
        match (c, format) {
            ('"', LogFormat::Json) => out.push_str("\\\""),
            ('\\', LogFormat::Json) => out.push_str("\\\\"),
            ('\n', _) => out.push_str("\\n"),
            ('\r', _) => out.push_str("\\r"),
            ('\t', _) => out.push_str("\\t"),
            (c, LogFormat::Text) if is_hostile(c) => out.extend(c.escape_unicode()),
            (c, LogFormat::Json) if is_hostile(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            (c, _) => out.push(c),
        }
    }
}

/// Control characters, line breaks of Unicode, and what is invisible or turns the direction of
/// writing around, so that a line would read other than it is.
fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
