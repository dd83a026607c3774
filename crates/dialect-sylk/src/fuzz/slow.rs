//! The rules of sylk.md once more, as tables and in the plainest code.

use std::collections::BTreeMap;

use patchbay_dialect_kit::testing::reference;

use super::address::aor;
use super::rules::{
    candidates, choice, flag, ha1, header, invalid, length, line, list, number, once, shown, start, text,
};
use super::table::{CONTROLS, MUTE, REPLACED, REQUESTS, UPDATE};
use crate::wire::Vocabulary;

/// What a message is.
pub(super) struct Expected {
    pub(super) transaction: String,
    pub(super) of: Option<Vocabulary>,
    /// The request as `Debug` shows it, or the error's text.
    pub(super) request: Result<String, String>,
    pub(super) password: Option<String>,
}

/// Reads a message, or says why it is ignored.
pub(super) fn read(text: &str) -> Result<Expected, &'static str> {
    let Some(object) = reference::leading_object(text).filter(|_| reference::is_json(text)) else {
        return Err(if reference::is_json(text) { "no object" } else { "no JSON" });
    };
    let mut object = Object::of(object, "");
    let kind = object.meant("sylkrtc").ok_or("no type")?;
    let transaction = object.meant("transaction").filter(|text| text.len() <= 256).ok_or("no transaction")?;
    let name = kind.to_ascii_lowercase();
    let of = match name.as_str() {
        _ if !is_known(&name) => None,
        "ping" => None,
        hyphens if hyphens.contains('-') => Some(Vocabulary::V1),
        _ => Some(Vocabulary::V0),
    };
    let password = object.meant("password").map(|password| password.to_ascii_lowercase());
    let request = match name.as_str() {
        _ if of.is_none() && name != "ping" => Err(format!("unknown request: {}", start(&kind))),
        "videoroom-ctl" => control(&mut object),
        "videoroom-session-update" => {
            object.model = "VideoroomSessionUpdateRequest";
            object.value("id", "session", "").and_then(|session| {
                let Some(options) = object.fields.get("options").filter(|options| **options != "null") else {
                    return Err(object.missing("options"));
                };
                object.within("options", options, "VideoroomSessionOptions")?.fill(UPDATE, &session)
            })
        }
        _ => {
            let of_name = |(names, ..): &&(&str, &str, &str)| names.split(' ').any(|known| known == name);
            let (_, model, template) = REQUESTS.iter().chain([&MUTE]).find(of_name).expect("a known request");
            object.model = model;
            let keys = ["token", "platform", "device", "silent", "app"];
            let new = keys.iter().any(|key| object.fields.get(*key).is_some_and(|value| *value != "null"));
            object.fill(if name == "account-devicetoken" && !new { REPLACED } else { template }, "")
        }
    };
    Ok(Expected { transaction, of, request, password })
}

fn is_known(name: &str) -> bool {
    let others = ["videoroom-ctl", "videoroom-session-update"];
    others.contains(&name)
        || REQUESTS.iter().chain([&MUTE]).any(|(names, ..)| names.split(' ').any(|known| known == name))
}

fn control(object: &mut Object<'_>) -> Result<String, String> {
    object.model = "VideoroomControlRequest";
    let session = object.value("id", "session", "")?;
    let options: Vec<_> = CONTROLS.iter().map(|(option, ..)| *option).collect();
    drop(object.value(&options.join(","), "option", "")?);
    let option = object.meant("option").unwrap_or_default();
    let (_, model, template) = CONTROLS.iter().find(|(known, ..)| *known == option).expect("a known option");
    let key = option.replace('-', "_");
    match object.fields.get(&key).filter(|value| **value != "null") {
        Some(value) => object.within(&key, value, model)?.fill(template, &session),
        None => Err(format!("missing '{key}' field in request")),
    }
}

/// An object: the last value of each key, as it is written.
pub(super) struct Object<'a> {
    pub(super) fields: BTreeMap<String, &'a str>,
    model: &'static str,
}

impl<'a> Object<'a> {
    pub(super) fn of(text: &'a str, model: &'static str) -> Self {
        Self { fields: reference::fields(text).into_iter().collect(), model }
    }

    fn within(&self, key: &str, value: &'a str, model: &'static str) -> Result<Self, String> {
        if value.starts_with('{') { Ok(Self::of(value, model)) } else { Err(invalid(key, value)) }
    }

    /// A text.
    pub(super) fn meant(&self, key: &str) -> Option<String> {
        self.fields.get(key).filter(|value| value.starts_with('"')).map(|value| reference::meant(value))
    }

    fn missing(&self, key: &str) -> String {
        format!("Mandatory property '{key}' of '{}' object is missing", self.model)
    }

    pub(super) fn fill(&self, template: &str, session: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, more)) = rest.split_once('<') {
            let (rule, after) = more.split_once('>').expect("an end");
            let (rule, key) = rule.split_once(' ').expect("a key");
            filled.push_str(&before.replace('$', session));
            let value = self.value(rule.trim_start_matches('!'), key, session)?;
            if !rule.starts_with('!') {
                filled.push_str(&value);
            }
            rest = after;
        }
        Ok(filled + rest)
    }

    /// A property by a rule, as `Debug` shows it.
    fn value(&self, rule: &str, key: &str, session: &str) -> Result<String, String> {
        let absent = match rule {
            "line?" | "id?" | "flag?" | "number?" => Some("None"),
            "headers" | "prefixes" => Some("[]"),
            "true" | "5000" => Some(rule),
            "or$" => Some(session),
            _ => None,
        };
        let value = match (self.fields.get(key), absent) {
            (None | Some(&"null"), Some(absent)) => return Ok(absent.to_owned()),
            (None, None) => return Err(self.missing(key)),
            (Some(value), _) => *value,
        };
        let some = |value: Result<String, String>| value.map(|value| format!("Some({value})"));
        match rule {
            "text" => text(key, value).map(|text| format!("{text:?}")),
            "line" => line(key, value, 0, 1_024),
            "line?" => some(line(key, value, 0, 1_024)),
            "id" => line(key, value, 1, 256),
            "id?" => some(line(key, value, 1, 256)),
            "or$" if value == "\"\"" => Ok(session.to_owned()),
            "or$" => line(key, value, 1, 256),
            "aor" => aor(key, value, false),
            "account" => aor(key, value, true),
            "ha1" => ha1(value),
            "digit" => match line(key, value, 1, 32)? {
                digits if digits.trim_matches('"').chars().all(|digit| "0123456789ABCDabcd*#".contains(digit)) => {
                    Ok(digits)
                }
                _ => Err(invalid(key, value)),
            },
            "flag" | "true" => flag(key, value),
            "flag?" => some(flag(key, value)),
            "number?" => some(number(key, value)),
            "5000" => number(key, value),
            "object" if value.starts_with('{') => Ok(format!("{value:?}")),
            "object" => Err(invalid(key, value)),
            "candidates" => candidates(value),
            "headers" => list(key, value, 32, header).map(|items| shown(&items)),
            "prefixes" => list(key, value, 32, |item| line(key, item, 0, 1_024)).map(|items| shown(&items)),
            "participants" => list(key, value, 100, |item| aor(key, item, false)).map(|items| shown(&once(items))),
            "speakers" => match once(list(key, value, 100, |item| line(key, item, 1, 256))?) {
                items if items.len() > 2 => Err(length(0, 2)),
                items => Ok(shown(&items)),
            },
            words => choice(words, key, value),
        }
    }
}
