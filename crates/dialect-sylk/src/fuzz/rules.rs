//! What each kind of property must be.

use patchbay_dialect_kit::testing::reference;

use super::slow::Object;

pub(super) fn invalid(key: &str, value: &str) -> String {
    let value = if value.starts_with('"') { reference::meant(value) } else { value.to_owned() };
    format!("Invalid value for '{key}' property: {}", start(&value))
}

pub(super) fn length(least: usize, most: usize) -> String {
    format!("the value's length must be between {least} and {most} inclusive")
}

/// What errors repeat of a text.
pub(super) fn start(text: &str) -> String {
    let mut start = String::new();
    for character in text.chars() {
        if start.len() + character.len_utf8() > 128 {
            break;
        }
        start.push(character);
    }
    start
}

pub(super) fn text(key: &str, value: &str) -> Result<String, String> {
    if value.starts_with('"') { Ok(reference::meant(value)) } else { Err(invalid(key, value)) }
}

pub(super) fn line(key: &str, value: &str, least: usize, most: usize) -> Result<String, String> {
    match text(key, value)? {
        text if text.len() < least || text.len() > most => Err(length(least, most)),
        text if text.chars().any(char::is_control) => Err(invalid(key, value)),
        text => Ok(format!("{text:?}")),
    }
}

pub(super) fn flag(key: &str, value: &str) -> Result<String, String> {
    if value == "true" || value == "false" { Ok(value.to_owned()) } else { Err(invalid(key, value)) }
}

pub(super) fn number(key: &str, value: &str) -> Result<String, String> {
    let digits = value.chars().all(|digit| digit.is_ascii_digit());
    let number = value.parse().ok().filter(|number: &u64| digits && *number < 1 << 32);
    number.map(|number| number.to_string()).ok_or_else(|| invalid(key, value))
}

pub(super) fn choice(words: &str, key: &str, value: &str) -> Result<String, String> {
    let word = text(key, value).ok().filter(|word| words.split(',').any(|known| known == word));
    let Some(word) = word else {
        let (first, last) = words.rsplit_once(',').expect("two words");
        return Err(format!("{} (expected: {} or {last})", invalid(key, value), first.replace(',', ", ")));
    };
    Ok(word[..1].to_uppercase() + &word[1..])
}

pub(super) fn ha1(value: &str) -> Result<String, String> {
    let not = "Invalid value for 'password' property: it must be HA1, which is 32 hexadecimal digits".to_owned();
    let Ok(password) = text("password", value) else { return Err(not) };
    match password.chars().count() {
        0 | 10_000.. => Err(length(1, 9_999)),
        32 if password.chars().all(|digit| digit.is_ascii_hexdigit()) => Ok("Ha1(…)".to_owned()),
        _ => Err(not),
    }
}

pub(super) fn list(
    key: &str,
    value: &str,
    most: usize,
    item: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<String>, String> {
    if !value.starts_with('[') {
        return Err(invalid(key, value));
    }
    let mut items = Vec::new();
    for (at, value) in reference::items(value).into_iter().enumerate() {
        if at == most {
            return Err(length(0, most));
        }
        items.push(item(value)?);
    }
    Ok(items)
}

pub(super) fn once(items: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    kept
}

pub(super) fn shown(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

pub(super) fn header(value: &str) -> Result<String, String> {
    let header =
        if value.starts_with('{') { Object::of(value, "Header") } else { return Err(invalid("headers", value)) };
    let filled = header.fill("Header { name: <id name>, value: <line value> }", "")?;
    let name = header.meant("name").unwrap_or_default();
    let token = |letter: char| letter.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(letter);
    if name.chars().all(token) { Ok(filled) } else { Err(invalid("name", header.fields["name"])) }
}

pub(super) fn candidates(value: &str) -> Result<String, String> {
    let objects: Vec<_> = match value.chars().next() {
        Some('n') => vec![],
        Some('[') => reference::items(value).into_iter().filter(|item| item.starts_with('{')).take(64).collect(),
        _ => return Err(invalid("candidates", value)),
    };
    let shown_one = |text: &&str| {
        let object = Object::of(text, "");
        let index = object.fields.get("sdpMLineIndex").and_then(|value| number("", value).ok());
        let index = index.map_or("None".to_owned(), |index| format!("Some({index})"));
        let (candidate, mid) = (object.meant("candidate").unwrap_or_default(), object.meant("sdpMid"));
        format!("Candidate {{ candidate: {candidate:?}, mid: {mid:?}, index: {index} }}")
    };
    Ok(shown(&objects.iter().map(shown_one).collect::<Vec<_>>()))
}
