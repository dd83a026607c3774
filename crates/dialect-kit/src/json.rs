//! JSON read by a cursor, for dialects that hand payloads on untouched.
//!
//! A relayed session description is never parsed into a tree: [`Cursor::compact`] checks it and copies it in one pass,
//! dropping the white space between tokens and nothing else, so that key order, duplicate keys and the spelling of
//! numbers survive. Grammar: RFC 8259; input is UTF-8 by type.

use std::borrow::Cow;

/// What is wrong with a text. It holds no part of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not JSON.
    Syntax,
    /// It is nested deeper than [`DEPTH`].
    TooDeep,
    /// It is JSON of another type than is wanted here.
    WrongType,
}

/// Deepest nesting that is accepted: that of Go's `encoding/json`, which clients of the mesh dialect were written
/// against. Real payloads have three levels; one bit of memory per level is all that a deep one costs.
pub const DEPTH: usize = 10_000;

/// The type of a value, told by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `[…]`
    Array,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
    /// A number.
    Number,
    /// `{…}`
    Object,
    /// `"…"`
    String,
}

/// Reads one JSON value after another from a text.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first value of `text`.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The type of the value that comes next.
    ///
    /// # Errors
    /// [`Fault::Syntax`] if no value can start here.
    pub fn kind(&mut self) -> Result<Kind, Fault> {
        self.skip_space();
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(Fault::Syntax),
        }
    }

    /// Reads an object: `field` gets each key and the cursor before its value, which it must read or skip.
    ///
    /// # Errors
    /// [`Fault::WrongType`] if the value is no object, [`Fault::Syntax`] if it is malformed, or what `field` returns.
    pub fn object(&mut self, mut field: impl FnMut(Cow<'a, str>, &mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.want(Kind::Object)?;
        self.at += 1;
        self.skip_space();
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            let key = self.string().map_err(|_| Fault::Syntax)?;
            self.skip_space();
            self.must_eat(b':')?;
            field(key, self)?;
            self.skip_space();
            if self.eat(b'}') {
                return Ok(());
            }
            self.must_eat(b',')?;
        }
    }

    /// Reads an array: `item` gets the cursor before each value, which it must read or skip.
    ///
    /// # Errors
    /// [`Fault::WrongType`] if the value is no array, [`Fault::Syntax`] if it is malformed, or what `item` returns.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Fault>) -> Result<(), Fault> {
        self.want(Kind::Array)?;
        self.at += 1;
        self.skip_space();
        if self.eat(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            self.skip_space();
            if self.eat(b']') {
                return Ok(());
            }
            self.must_eat(b',')?;
        }
    }

    /// Reads a string. Escaped surrogates that have no partner become U+FFFD.
    ///
    /// # Errors
    /// [`Fault::WrongType`] if the value is no string, [`Fault::Syntax`] if it is malformed.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.want(Kind::String)?;
        let start = self.at + 1;
        self.string_end(&mut Nothing, false)?;
        let inside = &self.text[start..self.at - 1];
        Ok(if inside.contains('\\') { Cow::Owned(unescape(inside)) } else { Cow::Borrowed(inside) })
    }

    /// Reads any value and drops it.
    ///
    /// # Errors
    /// [`Fault::Syntax`] or [`Fault::TooDeep`].
    pub fn skip(&mut self) -> Result<(), Fault> {
        self.value(&mut Nothing, false)
    }

    /// Reads any value and appends it to `out` without the white space between its tokens; `<`, `>`, `&`, U+2028 and
    /// U+2029 leave as `\u003c` and so on, so that the text may stand in a script.
    ///
    /// # Errors
    /// [`Fault::Syntax`] or [`Fault::TooDeep`]; `out` then holds a part of the value.
    pub fn compact(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.value(out, true)
    }

    /// Reads any value and appends it to `out` without the white space between its tokens, and with no more escapes than
    /// JSON demands: as JavaScript's `JSON.stringify` writes what `JSON.parse` has read, but for the spelling of numbers
    /// and the order of keys, which stay. For receivers that take an escape for what it looks like.
    ///
    /// # Errors
    /// [`Fault::Syntax`] or [`Fault::TooDeep`]; `out` then holds a part of the value.
    pub fn plain(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        self.value(&mut Plain(out), false)
    }

    /// Reads any value and returns its text, as it is written.
    ///
    /// # Errors
    /// [`Fault::Syntax`] or [`Fault::TooDeep`].
    pub fn raw(&mut self) -> Result<&'a str, Fault> {
        self.skip_space();
        let start = self.at;
        self.skip()?;
        Ok(&self.text[start..self.at])
    }

    /// Nothing but white space follows.
    #[must_use]
    pub fn at_end(&mut self) -> bool {
        self.skip_space();
        self.at == self.text.len()
    }

    fn want(&mut self, kind: Kind) -> Result<(), Fault> {
        if self.kind()? == kind { Ok(()) } else { Err(Fault::WrongType) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn must_eat(&mut self, byte: u8) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(Fault::Syntax) }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn value(&mut self, sink: &mut impl Sink, escape: bool) -> Result<(), Fault> {
        let mut open = Nesting::default();
        'value: loop {
            match self.kind()? {
                Kind::Object => {
                    self.at += 1;
                    sink.put(b"{");
                    open.push(true)?;
                    self.skip_space();
                    if self.eat(b'}') {
                        sink.put(b"}");
                        open.pop();
                    } else {
                        self.key(sink, escape)?;
                        continue 'value;
                    }
                }
                Kind::Array => {
                    self.at += 1;
                    sink.put(b"[");
                    open.push(false)?;
                    self.skip_space();
                    if self.eat(b']') {
                        sink.put(b"]");
                        open.pop();
                    } else {
                        continue 'value;
                    }
                }
                Kind::String => self.string_end(sink, escape)?,
                Kind::Number => self.number(sink)?,
                Kind::Bool if self.peek() == Some(b't') => self.word("true", sink)?,
                Kind::Bool => self.word("false", sink)?,
                Kind::Null => self.word("null", sink)?,
            }
            // A value has ended: close what it closes, or go on to the next one.
            loop {
                let Some(object) = open.top() else { return Ok(()) };
                self.skip_space();
                if self.eat(b',') {
                    sink.put(b",");
                    if object {
                        self.skip_space();
                        self.key(sink, escape)?;
                    }
                    continue 'value;
                }
                let closing = if object { b'}' } else { b']' };
                self.must_eat(closing)?;
                sink.put(&[closing]);
                open.pop();
            }
        }
    }

    fn key(&mut self, sink: &mut impl Sink, escape: bool) -> Result<(), Fault> {
        if self.peek() != Some(b'"') {
            return Err(Fault::Syntax);
        }
        self.string_end(sink, escape)?;
        self.skip_space();
        self.must_eat(b':')?;
        sink.put(b":");
        Ok(())
    }

    fn word(&mut self, word: &str, sink: &mut impl Sink) -> Result<(), Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(Fault::Syntax);
        }
        self.at += word.len();
        sink.put(word.as_bytes());
        Ok(())
    }

    fn number(&mut self, sink: &mut impl Sink) -> Result<(), Fault> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        sink.put(&self.text.as_bytes()[start..self.at]);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(Fault::Syntax) } else { Ok(()) }
    }

    /// Reads a string with its quotes into `sink`, as it is written.
    fn string_end(&mut self, sink: &mut impl Sink, escape: bool) -> Result<(), Fault> {
        let bytes = self.text.as_bytes();
        let mut kept = self.at;
        self.at += 1;
        loop {
            self.at += plain(&bytes[self.at..]);
            let Some(&byte) = bytes.get(self.at) else { return Err(Fault::Syntax) };
            match byte {
                b'"' => {
                    self.at += 1;
                    sink.put(&bytes[kept..self.at]);
                    return Ok(());
                }
                b'\\' => self.escape()?,
                0..0x20 => return Err(Fault::Syntax),
                _ => {
                    let (length, escaped) = unsafe_in_script(&bytes[self.at..]);
                    if let Some(escaped) = escaped.filter(|_| escape) {
                        sink.put(&bytes[kept..self.at]);
                        sink.put(escaped);
                        kept = self.at + length;
                    }
                    self.at += length;
                }
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).ok_or(Fault::Syntax)?;
                self.at += 5;
                if digits.iter().all(u8::is_ascii_hexdigit) { Ok(()) } else { Err(Fault::Syntax) }
            }
            _ => Err(Fault::Syntax),
        }
    }
}

/// Where checked text goes.
trait Sink {
    fn put(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Strings come in one piece each, with their quotes; whatever holds a backslash is one.
struct Plain<'a>(&'a mut Vec<u8>);

impl Sink for Plain<'_> {
    fn put(&mut self, bytes: &[u8]) {
        match std::str::from_utf8(bytes) {
            Ok(text) if text.contains('\\') => write_fewest_escapes(self.0, text),
            _ => self.0.extend_from_slice(bytes),
        }
    }
}

/// Appends a checked string with only those of its escapes that it needs.
fn write_fewest_escapes(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..index]);
        let used = match rest.as_bytes().get(index + 1) {
            Some(b'/') => {
                out.push(b'/');
                2
            }
            Some(b'u') => {
                let (character, used) = code_point(&rest[index..]);
                match character {
                    '"' => out.extend_from_slice(b"\\\""),
                    '\\' => out.extend_from_slice(b"\\\\"),
                    '\0'..'\x20' => write_control(out, character as u8),
                    _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                }
                used
            }
            _ => {
                out.extend_from_slice(&rest.as_bytes()[index..index + 2]);
                2
            }
        };
        rest = &rest[index + used..];
    }
    out.extend_from_slice(rest.as_bytes());
}

struct Nothing;

impl Sink for Nothing {
    fn put(&mut self, _bytes: &[u8]) {}
}

/// Which of the open values are objects, one bit each: 64 levels without the heap.
#[derive(Default)]
struct Nesting {
    depth: usize,
    word: u64,
    full: Vec<u64>,
}

impl Nesting {
    fn push(&mut self, object: bool) -> Result<(), Fault> {
        if self.depth == DEPTH {
            return Err(Fault::TooDeep);
        }
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.full.push(self.word);
        }
        self.word = (self.word << 1) | u64::from(object);
        self.depth += 1;
        Ok(())
    }

    fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.word & 1 == 1)
    }

    fn pop(&mut self) {
        self.depth -= 1;
        self.word >>= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.word = self.full.pop().unwrap_or_default();
        }
    }
}

/// How many bytes at the start mean nothing inside a string: no end, no escape, no control character, nothing that may
/// not stand in a script (`<`, `>`, `&`, and the first byte of U+2028). Descriptions are long, so it goes by words.
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(word) = bytes[at..].first_chunk() {
        let special = special(u64::from_le_bytes(*word));
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    // The last bytes are judged in a word that is filled up with letters.
    let mut last = [b'a'; 8];
    last[..bytes.len() - at].copy_from_slice(&bytes[at..]);
    bytes.len().min(at + special(u64::from_le_bytes(last)).trailing_zeros() as usize / 8)
}

/// The top bit of the first special byte of a word; bits above it mean nothing. (Mycroft's test for a zero byte: the
/// borrow of a subtraction spoils only the bytes above a hit.)
const fn special(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const TOPS: u64 = u64::from_ne_bytes([0x80; 8]);
    const fn equal(word: u64, byte: u8) -> u64 {
        let difference = word ^ (ONES * byte as u64);
        difference.wrapping_sub(ONES) & !difference & TOPS
    }
    let control = word.wrapping_sub(ONES * 0x20) & !word & TOPS;
    // Two at once: `<` and `>` differ in one bit, `"` and `&` in another.
    let angle = equal(word | (ONES * 0x02), b'>');
    let quote_or_ampersand = equal(word | (ONES * 0x04), b'&');
    control | angle | quote_or_ampersand | equal(word, b'\\') | equal(word, 0xe2)
}

/// The length of the character at the start, and its escape if it may not stand in a script. The text is UTF-8, so two
/// bytes follow an E2; U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
fn unsafe_in_script(bytes: &[u8]) -> (usize, Option<&'static [u8]>) {
    match bytes {
        [b'<', ..] => (1, Some(b"\\u003c")),
        [b'>', ..] => (1, Some(b"\\u003e")),
        [b'&', ..] => (1, Some(b"\\u0026")),
        [0xe2, 0x80, 0xa8, ..] => (3, Some(b"\\u2028")),
        [0xe2, 0x80, 0xa9, ..] => (3, Some(b"\\u2029")),
        [0xe2, ..] => (3, None),
        _ => (1, None),
    }
}

/// What an escaped string stands for; `text` has been checked.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        out.push_str(&rest[..index]);
        let escape = rest.as_bytes().get(index + 1).copied().unwrap_or_default();
        let mut length = 2;
        out.push(match escape {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let (character, used) = code_point(&rest[index..]);
                length = used;
                character
            }
            other => char::from(other),
        });
        rest = &rest[index + length..];
    }
    out.push_str(rest);
    out
}

/// The character of `\uXXXX` or of a surrogate pair `\uXXXX\uXXXX` at the start of `text`, and how many bytes it took.
fn code_point(text: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let first = unit(0).unwrap_or(0xfffd);
    if let (0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) = (first, unit(6)) {
        let joined = 0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

/// Appends `text` as a JSON string with its quotes, escaped as Go's `encoding/json` does: besides what JSON demands,
/// `<`, `>`, `&`, U+2028 and U+2029.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    write_escaped(out, text, true);
}

/// Appends `text` as a JSON string with its quotes, escaped as JavaScript's `JSON.stringify` does: what JSON demands and
/// nothing else.
pub fn write_plain_string(out: &mut Vec<u8>, text: &str) {
    write_escaped(out, text, false);
}

fn write_escaped(out: &mut Vec<u8>, text: &str, for_script: bool) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let length = plain(rest);
        out.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
        let Some(&byte) = rest.first() else { break };
        let mut length = 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            0..0x20 => write_control(out, byte),
            _ => {
                let (bytes, escaped) = unsafe_in_script(rest);
                out.extend_from_slice(escaped.filter(|_| for_script).unwrap_or(&rest[..bytes]));
                length = bytes;
            }
        }
        rest = &rest[length..];
    }
    out.push(b'"');
}

fn write_control(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    match byte {
        0x08 => out.extend_from_slice(b"\\b"),
        0x0c => out.extend_from_slice(b"\\f"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}
