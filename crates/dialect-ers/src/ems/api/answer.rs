//! An answer, and its three forms on the wire (ers.md section 2.1).

use super::value::Value;

/// How answers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// JSON behind its length: 1112.
    Json,
    /// Text for people: 1222.
    Ascii,
    /// JSON as the body of an HTTP answer: 7777.
    Http,
}

/// The answer to one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) ok: bool,
    pub(crate) description: String,
    pub(crate) data: Value,
    /// Which keys people are shown; `None`: all.
    pub(crate) shown: Option<&'static [&'static str]>,
    /// The `commandId` of the question.
    pub(crate) id: Option<String>,
}

impl Answer {
    pub(crate) fn success(description: &str, data: Value) -> Self {
        Self { ok: true, description: description.to_owned(), data, shown: None, id: None }
    }

    pub(crate) fn failure(description: impl Into<String>) -> Self {
        Self { ok: false, description: description.into(), data: Value::Null, shown: None, id: None }
    }

    pub(crate) fn showing(self, keys: &'static [&'static str]) -> Self {
        Self { shown: Some(keys), ..self }
    }

    pub(crate) fn with_id(self, id: Option<String>) -> Self {
        Self { id, ..self }
    }

    fn status(&self) -> Value {
        Value::text(if self.ok { "SUCCESS" } else { "FAIL" })
    }

    /// The answer as it is sent, but for what HTTP puts before it.
    pub(crate) fn written(&self, form: Form) -> Vec<u8> {
        match form {
            Form::Ascii => self.lines().into_bytes(),
            Form::Http => self.json().into_bytes(),
            Form::Json => {
                let json = self.json();
                let length = u32::try_from(json.len()).unwrap_or(u32::MAX);
                let mut bytes = length.to_be_bytes().to_vec();
                bytes.extend_from_slice(json.as_bytes());
                bytes
            }
        }
    }

    /// The whole, as a value.
    pub(crate) fn value(&self) -> Value {
        let id = self.id.clone().map(|id| ("responseId", Value::Text(id)));
        let entries = [("data", self.data.clone()), ("description", Value::text(&*self.description))];
        Value::map(entries.into_iter().chain(id).chain([("status", self.status())]))
    }

    fn json(&self) -> String {
        let mut out = String::new();
        self.value().json(&mut out);
        out.push_str("\r\n\r\n");
        out
    }

    fn lines(&self) -> String {
        let description: String = self.description.chars().filter(|character| !character.is_control()).collect();
        if !self.ok {
            return format!("Command failed!\n\r{description}\n\r\n\r");
        }
        let mut body = String::new();
        self.data.lines(&mut body, self.shown);
        format!("Command entered successfully!\n\r{description}\n\r{body}\n\r\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(answer: &Answer, form: Form) -> String {
        String::from_utf8(answer.written(form)).expect("text")
    }

    #[test]
    fn an_answer_has_three_forms() {
        let bye = Answer::success("Bye!", Value::Null);
        assert_eq!(
            bye.written(Form::Json),
            b"\x00\x00\x00\x39{\"data\":null,\"description\":\"Bye!\",\"status\":\"SUCCESS\"}\r\n\r\n"
        );
        assert_eq!(text(&bye, Form::Ascii), "Command entered successfully!\n\rBye!\n\r\n\r\n\r\n");
        let failed = Answer::failure("no").with_id(Some("7".to_owned()));
        let json = "{\"data\":null,\"description\":\"no\",\"responseId\":\"7\",\"status\":\"FAIL\"}\r\n\r\n";
        assert_eq!(text(&failed, Form::Http), json);
        assert_eq!(text(&failed, Form::Ascii), "Command failed!\n\rno\n\r\n\r");
    }
}
