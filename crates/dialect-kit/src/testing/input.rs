//! The lines of a transcript that say what a client does.

use serde_json::Value;

use super::script::{Action, Body, Refused, split_word};
use super::world::{Handshake, Input};

/// What follows `>a`.
///
/// # Errors
/// What the line should have been.
pub(super) fn said(text: &str) -> Result<Input, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "text" => Ok(Input::Text(rest.to_owned())),
        "binary" => Ok(Input::Binary(rest.as_bytes().to_vec())),
        "fragments" => Ok(Input::Fragments(rest.split('¦').map(str::to_owned).collect())),
        "unmasked" => Ok(Input::Unmasked(rest.to_owned())),
        "ping" => Ok(Input::Ping),
        "pong" => Ok(Input::Pong),
        _ => match serde_json::from_str::<Value>(text) {
            Ok(Value::Object(_)) => Ok(Input::Text(text.to_owned())),
            _ => Err("a JSON object, or `text`, `binary`, `fragments`, `unmasked`, `ping`, `pong`".to_owned()),
        },
    }
}

/// What follows `+a`: options, then perhaps `=> 403 name: value`.
pub(super) fn handshake(text: &str) -> Option<(Handshake, Option<Refused>)> {
    let (options, refused) = match text.split_once("=>") {
        Some((options, answer)) => (options, Some(refused(answer.trim())?)),
        None => (text, None),
    };
    let mut handshake = Handshake::default();
    for option in options.split_whitespace() {
        match option.split_once('=') {
            Some(("origin", value)) => handshake.origin = Some(value.to_owned()),
            Some(("host", value)) => handshake.host = Some(value.to_owned()),
            Some(("method", value)) => handshake.method = Some(value.to_owned()),
            Some(("protocol", value)) => handshake.protocol = Some(value.to_owned()),
            Some(("path", value)) => handshake.path = Some(value.to_owned()),
            Some(("version", value)) => handshake.version = Some(value.to_owned()),
            Some(("without", value)) => handshake.without.push(value.to_ascii_lowercase()),
            Some(("from", value)) => handshake.from = Some(value.parse().ok()?),
            Some(("id", value)) => handshake.id = Some(value.to_owned()),
            Some(("agent", value)) => handshake.agent = Some(value.to_owned()),
            None if option == "manual" => handshake.manual = true,
            _ => return None,
        }
    }
    Some((handshake, refused))
}

fn refused(text: &str) -> Option<Refused> {
    let (status, header) = split_word(text);
    let header = match header {
        "" => None,
        header => {
            let (name, value) = header.split_once(':')?;
            Some((name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        }
    };
    Some(Refused { status: status.parse().ok()?, header })
}

/// What follows `http`.
pub(super) fn http(text: &str) -> Option<Action> {
    let (request, answer) = text.split_once("=>")?;
    let (method, path) = split_word(request.trim());
    let (status, body) = split_word(answer.trim());
    let body = match (body, body.strip_prefix("starts ")) {
        ("", _) => Body::Any,
        (_, Some(start)) => Body::Starts(serde_json::from_str(start).ok()?),
        (whole, None) => Body::Is(serde_json::from_str(whole).ok()?),
    };
    Some(Action::Http { method: method.to_owned(), path: path.to_owned(), status: status.parse().ok()?, body })
}
