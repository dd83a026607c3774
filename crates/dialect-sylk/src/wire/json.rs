//! JSON objects, written member by member.

use patchbay_dialect_kit::json::write_plain_string;

/// An object that is being written. [`Members::close`] ends it.
#[must_use = "an object must be closed"]
pub(super) struct Members<'o> {
    out: &'o mut Vec<u8>,
    before: u8,
}

impl<'o> Members<'o> {
    pub(super) fn open(out: &'o mut Vec<u8>) -> Self {
        Self { out, before: b'{' }
    }

    pub(super) fn close(self) {
        if self.before == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    /// Keys are ours or names of headers; only those need escapes.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        self.out.push(std::mem::replace(&mut self.before, b','));
        write_plain_string(self.out, key);
        self.out.push(b':');
        self.out
    }

    pub(super) fn text(mut self, key: &str, text: &str) -> Self {
        write_plain_string(self.key(key), text);
        self
    }

    /// Nothing if there is none.
    pub(super) fn maybe(self, key: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self,
        }
    }

    /// `null` if there is none.
    pub(super) fn nullable(self, key: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(key, text),
            None => self.raw(key, "null"),
        }
    }

    pub(super) fn flag(self, key: &str, flag: bool) -> Self {
        self.raw(key, if flag { "true" } else { "false" })
    }

    pub(super) fn number(self, key: &str, number: impl Into<u64>) -> Self {
        self.raw(key, &number.into().to_string())
    }

    /// JSON as it is.
    pub(super) fn raw(mut self, key: &str, json: &str) -> Self {
        self.key(key).extend_from_slice(json.as_bytes());
        self
    }

    /// An object in it.
    pub(super) fn object(mut self, key: &str, members: impl FnOnce(Members<'_>) -> Members<'_>) -> Self {
        members(Members::open(self.key(key))).close();
        self
    }

    /// A list of objects.
    pub(super) fn objects<T>(
        mut self,
        key: &str,
        items: &[T],
        mut members: impl for<'m> FnMut(Members<'m>, &T) -> Members<'m>,
    ) -> Self {
        list(self.key(key), items, |out, item| members(Members::open(out), item).close());
        self
    }

    /// A list of texts.
    pub(super) fn texts(mut self, key: &str, items: &[&str]) -> Self {
        list(self.key(key), items, |out, item| write_plain_string(out, item));
        self
    }
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_commas() {
        let mut out = Vec::new();
        Members::open(&mut out)
            .object("empty", |members| members)
            .maybe("none", None)
            .maybe("some", Some("\"\n</script>\u{2028}"))
            .nullable("null", None)
            .nullable("text", Some(""))
            .flag("yes", true)
            .flag("no", false)
            .number("n", 7_u16)
            .raw("raw", "[1]")
            .objects("objects", &[1_u16, 2], |members, item| members.number("i", *item))
            .texts("texts", &["a", "b"])
            .texts("no\"texts", &[])
            .close();
        assert_eq!(
            String::from_utf8(out).as_deref(),
            Ok(
                "{\"empty\":{},\"some\":\"\\\"\\n</script>\u{2028}\",\"null\":null,\"text\":\"\",\"yes\":true,\"no\":false,\
                \"n\":7,\"raw\":[1],\"objects\":[{\"i\":1},{\"i\":2}],\"texts\":[\"a\",\"b\"],\"no\\\"texts\":[]}"
            )
        );
    }
}
