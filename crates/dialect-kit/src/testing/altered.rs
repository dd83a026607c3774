//! The runner's self-test: a transcript with one expectation altered must fail.

use serde_json::{Map, Value, json};

use super::script::Script;

/// A transcript with one wrong expectation.
#[derive(Clone, Debug)]
pub struct Altered {
    /// The whole text.
    pub text: String,
    /// The altered line, counted from 1.
    pub line: usize,
    /// The run must fail at that line; if false (a line was taken out), it must fail there or later.
    pub there: bool,
    /// The altered line's text.
    pub altered: String,
}

impl Altered {
    /// A run that failed at `line`, if it did, has noticed the alteration.
    #[must_use]
    pub fn is_caught_at(&self, line: Option<usize>) -> bool {
        line.is_some_and(|line| if self.there { line == self.line } else { line >= self.line })
    }
}

/// Every alteration of every expectation in the transcript, one at a time.
#[must_use]
pub fn alterations(script: &Script) -> Vec<Altered> {
    let lines: Vec<&str> = script.text().lines().collect();
    let mut all = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let mut push = |altered: String, there: bool| {
            let mut text = lines.clone();
            text[index] = &altered;
            all.push(Altered { text: text.join("\n"), line: index + 1, there, altered: altered.clone() });
        };
        let line = line.trim();
        let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
        match name.chars().next() {
            Some('<') => {
                wrong_messages(rest).into_iter().for_each(|wrong| push(format!("{name} {wrong}"), true));
                push(String::new(), false);
            }
            Some('=') => push(format!("<{} {{\"never\":true}}", &name[1..]), true),
            Some('x') => {
                let code = rest.parse::<u16>().map_or_else(|_| "1000".to_owned(), |code| (code + 1).to_string());
                push(format!("{name} {code}"), true);
                push(if rest == "none" { format!("{name} 1006") } else { format!("{name} none") }, true);
                // After its own close nobody has to look at how a connection ends.
                let farewell = format!("-{} close", &name[1..]);
                if !lines[..index].iter().any(|line| line.starts_with(&farewell)) {
                    push(String::new(), false);
                }
            }
            Some('!') => {
                for wrong in wrong_media(name, rest) {
                    push(wrong, true);
                }
            }
            Some('+') | Some('h') => {
                for wrong in wrong_answers(line) {
                    push(wrong, true);
                }
            }
            _ => {}
        }
    }
    all
}

fn wrong_messages(text: &str) -> Vec<String> {
    if text == "ping" {
        return vec!["{\"never\":true}".to_owned()];
    }
    if let Some(exact) = text.strip_prefix("exactly ") {
        return wrong_texts(exact).into_iter().map(|wrong| format!("exactly {wrong}")).collect();
    }
    let value = serde_json::from_str(text).expect("placeholders of a transcript stand inside strings");
    wrong_values(&value).iter().map(Value::to_string).collect()
}

/// Each character replaced and left out would be many: the ends, the middle, and the line feed.
fn wrong_texts(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut wrong = vec![format!(" {text}"), format!("{text}⏎")];
    for index in [0, characters.len() / 2, characters.len().saturating_sub(1)] {
        let (before, after) = characters.split_at(index);
        let rest = &after[after.len().min(1)..];
        wrong.push(before.iter().chain(&['~']).chain(rest).collect());
        wrong.push(before.iter().chain(rest).collect());
    }
    // Taking away one of two equal neighbours at different places gives the same text, but never the right one.
    wrong.retain(|wrong| wrong != text);
    wrong
}

/// Every value that differs from `value` by one leaf, one key or one element.
fn wrong_values(value: &Value) -> Vec<Value> {
    match value {
        Value::Null => vec![json!(0)],
        Value::Bool(flag) => vec![json!(!flag)],
        Value::Number(number) => vec![number.as_i64().map_or_else(|| json!("other"), |number| json!(number + 1))],
        Value::String(text) => vec![json!(format!("{text}~"))],
        Value::Array(items) => {
            let mut wrong = vec![Value::Array(items.iter().cloned().chain([json!("extra")]).collect())];
            for index in 0..items.len() {
                let mut shorter = items.clone();
                shorter.remove(index);
                wrong.push(Value::Array(shorter));
                wrong.extend(wrong_values(&items[index]).into_iter().map(|item| {
                    let mut items = items.clone();
                    items[index] = item;
                    Value::Array(items)
                }));
            }
            if items.len() > 1 && items.first() != items.last() {
                wrong.push(Value::Array(items.iter().rev().cloned().collect()));
            }
            wrong
        }
        Value::Object(members) => {
            let with = |key: &str, value: Value| {
                let mut members = members.clone();
                members.insert(key.to_owned(), value);
                Value::Object(members)
            };
            let mut wrong = vec![with("extra", json!(1))];
            for (key, value) in members {
                let shorter: Map<_, _> = members.clone().into_iter().filter(|(other, _)| other != key).collect();
                wrong.push(Value::Object(shorter));
                wrong.extend(wrong_values(value).into_iter().map(|value| with(key, value)));
            }
            wrong
        }
    }
}

/// `… => 403 name: value` and `… => 200 "body"` with another status, header or body; and a refusal that does not come.
fn wrong_answers(line: &str) -> Vec<String> {
    let Some((request, answer)) = line.split_once("=>") else { return Vec::new() };
    let (status, rest) = answer.trim().split_once(' ').unwrap_or((answer.trim(), ""));
    let Ok(number) = status.parse::<u16>() else { return Vec::new() };
    let mut wrong = vec![format!("{request}=> {} {rest}", number + 1)];
    if line.starts_with('+') {
        wrong.push(request.to_owned());
        if !rest.is_empty() {
            wrong.push(format!("{request}=> {status} {rest}~"));
        }
    } else if let Some(body) = rest.strip_suffix('"') {
        wrong.push(format!("{request}=> {status} {body}~\""));
    }
    wrong
}

/// An expectation of the scripted engine with another value; what merely happens there has none.
fn wrong_media(verb: &str, rest: &str) -> Vec<String> {
    let mut words = rest.splitn(4, ' ');
    let (connection, way, stream) = (words.next(), words.next(), words.next());
    let leg = [connection, way, stream].map(Option::unwrap_or_default).join(" ");
    let value = words.next().unwrap_or_default();
    let with = |value: &str| vec![format!("{verb} {leg} {value}")];
    match (verb, value.rsplit_once(' ')) {
        ("!passes", Some((track, "none"))) => with(&format!("{track} all")),
        ("!passes", Some((track, _))) => with(&format!("{track} none")),
        ("!prefers", Some((track, "auto"))) => with(&format!("{track} 1")),
        ("!prefers", Some((track, height))) => {
            [with(&format!("{track} {height}1")), with(&format!("{track} auto"))].concat()
        }
        ("!limit", _) if value == "none" => with("1"),
        ("!limit", _) => with(&format!("{value}1")),
        ("!hears", _) => with(&format!("{value}~")),
        ("!candidates", _) => with(&format!("{value}1")),
        ("!stored", _) => vec![format!("!unstored {rest}")],
        ("!unstored", _) => vec![format!("!stored {rest}")],
        ("!told", _) => vec![format!("!told {} {{\"never\":true}}", connection.unwrap_or_default())],
        ("!gone", _) => vec![format!("!candidates {leg} 0")],
        _ => Vec::new(),
    }
}
