//! Commands as they are typed: `command key=value key=value …` (ers.md section 2.1).

/// One command, taken apart and not understood yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typed {
    /// The command, in lower case.
    pub(crate) command: String,
    /// Keys as they are written, and values; of a key that comes twice, the last.
    pub(crate) parameters: Vec<(String, Given)>,
}

/// What is given for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    /// One text, trimmed.
    One(String),
    /// There was a comma: a list, without its empty entries.
    Several(Vec<String>),
}

/// A character, and whether it stands for itself whatever it is.
type Mark = (char, bool);

impl Typed {
    /// Any text is a command, if a strange one.
    pub(crate) fn parse(line: &str) -> Self {
        let marks = marks(line);
        let mut words = marks.split(|mark| *mark == (' ', false)).filter(|word| !word.is_empty());
        let command = words.next().map(plain).unwrap_or_default().trim().to_lowercase();
        let mut parameters: Vec<(String, Given)> = Vec::new();
        for word in words {
            let end = word.iter().position(|mark| *mark == ('=', false));
            let (key, value) = end.map_or((word, &[][..]), |end| (&word[..end], &word[end + 1..]));
            let key = plain(key).trim().to_owned();
            if key.is_empty() {
                continue;
            }
            parameters.retain(|(known, _)| !known.eq_ignore_ascii_case(&key));
            parameters.push((key, given(value)));
        }
        Self { command, parameters }
    }

    /// What is given for a key, whatever its case.
    pub(crate) fn given(&self, key: &str) -> Option<&Given> {
        self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, given)| given)
    }

    /// The same, if it is one text.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        match self.given(key)? {
            Given::One(text) => Some(text),
            Given::Several(_) => None,
        }
    }
}

/// `\\`, `\ `, `\=` and `\,` stand for the second of them; any other backslash stands for itself.
fn marks(line: &str) -> Vec<Mark> {
    let mut marks = Vec::with_capacity(line.len());
    let mut rest = line.chars().peekable();
    while let Some(character) = rest.next() {
        let escaped = rest.next_if(|next| character == '\\' && matches!(next, '\\' | ' ' | '=' | ','));
        marks.push(escaped.map_or((character, false), |escaped| (escaped, true)));
    }
    marks
}

fn plain(marks: &[Mark]) -> String {
    marks.iter().map(|(character, _)| character).collect()
}

fn given(value: &[Mark]) -> Given {
    let mut parts = value.split(|mark| *mark == (',', false)).map(|part| plain(part).trim().to_owned());
    match (parts.next(), parts.next()) {
        (Some(one), None) => Given::One(one),
        (first, second) => {
            let all = first.into_iter().chain(second).chain(parts);
            Given::Several(all.filter(|part| !part.is_empty()).collect())
        }
    }
}

/// Appends a text so that it is read as it is.
pub(crate) fn escape(out: &mut String, text: &str) {
    for character in text.chars() {
        if matches!(character, '\\' | ' ' | '=' | ',') {
            out.push('\\');
        }
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_part_and_backslashes_join() {
        let typed = Typed::parse(r"  StartWebRTC ersPort=35\,35  roomId=a\ b\=c\\ x list=1,,\,2 = =v k=1 K=2 y=a\b=c");
        assert_eq!(typed.command, "startwebrtc");
        assert_eq!(typed.text("ERSPORT"), Some("35,35"));
        assert_eq!(typed.text("roomid"), Some(r"a b=c\"));
        assert_eq!(typed.text("x"), Some(""));
        assert_eq!(typed.given("list"), Some(&Given::Several(vec!["1".to_owned(), ",2".to_owned()])));
        assert_eq!(typed.text("list"), None);
        assert_eq!(typed.text("k"), Some("2"), "the last one counts");
        assert_eq!(typed.text("y"), Some(r"a\b=c"), "the first sign of equality parts");
        assert_eq!(typed.parameters.len(), 6);
    }

    #[test]
    fn any_text_is_a_command() {
        assert_eq!(Typed::parse(""), Typed { command: String::new(), parameters: Vec::new() });
        assert_eq!(Typed::parse("\\").command, "\\");
        assert_eq!(Typed::parse("a\\").command, "a\\");
    }

    #[test]
    fn what_is_escaped_is_read_as_it_was() {
        for text in ["plain", r"a b=c,d\e\\", " , ", "\\", "ü=ü"] {
            let mut line = "c k=".to_owned();
            escape(&mut line, text);
            // Values are trimmed, also where the blank was escaped.
            assert_eq!(Typed::parse(&line).text("k"), Some(text.trim()), "{line}");
        }
    }
}
