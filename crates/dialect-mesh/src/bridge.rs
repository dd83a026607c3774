//! What this dialect says in plain text, and how others look in its rooms: pure functions, for rooms that are one across
//! dialects. Nothing here knows any other dialect.

use patchbay_core::{Name, Signal, SignalKind};
use patchbay_dialect_kit::json::{Cursor, Fault, Kind};

use crate::wire::NAME_BYTES;

/// What a foreign stream or party is called in a room: `_` before its name keeps clients polite (perfect negotiation goes by
/// the order of ids, and every browser sorts it before letters and digits); other characters than those of ids become `-`, and
/// what is too long is cut. `attempt` counts from 1; the others end in `-2`, `-3` and so on.
///
/// # Panics
/// Never: the name has at least one character and at most 64.
#[must_use]
pub fn stand_in(foreign: &Name, attempt: u32) -> Name {
    let end = if attempt > 1 { format!("-{attempt}") } else { String::new() };
    let legal = |character: char| character.is_ascii_alphanumeric() || matches!(character, '_' | '-');
    let letters = foreign.as_str().chars().map(|character| if legal(character) { character } else { '-' });
    let name: String = std::iter::once('_').chain(letters).take(NAME_BYTES - end.len()).collect();
    Name::parse(&(name + &end)).expect("1 to 64 characters of ASCII")
}

/// Whether a name is kept for those who stand in.
#[must_use]
pub fn is_reserved(name: &Name) -> bool {
    name.as_str().starts_with('_')
}

/// The session description, or the candidate, in a body: `sdp.sdp` or `candidate.candidate`, or either as a text itself.
pub(crate) fn plain(signal: &Signal) -> Option<String> {
    let (key, inner) = match signal.kind {
        SignalKind::Offer | SignalKind::Answer => ("sdp", "sdp"),
        SignalKind::Candidate => ("candidate", "candidate"),
        SignalKind::Progress { .. } | SignalKind::Info | SignalKind::Bye(_) => return None,
    };
    // The canonical form is the tail of an object.
    let tail = std::str::from_utf8(signal.body.bytes()).ok()?.strip_prefix(',')?;
    let object = format!("{{{tail}}}");
    let mut found = None;
    let read = Cursor::new(&object).object(|name, value| {
        if name != key {
            return value.skip();
        }
        found = match value.kind()? {
            Kind::String => Some(value.string()?.into_owned()),
            Kind::Object => member(value, inner)?,
            _ => {
                value.skip()?;
                None
            }
        };
        Ok(())
    });
    read.ok()?;
    found.filter(|text| !text.is_empty())
}

fn member(value: &mut Cursor<'_>, key: &str) -> Result<Option<String>, Fault> {
    let mut found = None;
    value.object(|name, value| {
        if name == key && value.kind()? == Kind::String {
            found = Some(value.string()?.into_owned());
            return Ok(());
        }
        value.skip()
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use patchbay_core::{Body, CauseKind, Lang};

    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).expect("a name")
    }

    #[test]
    fn a_stand_in_has_a_legal_reserved_and_free_name() {
        for (foreign, attempt, expected) in [
            ("cam1", 1, "_cam1"),
            ("cam1", 2, "_cam1-2"),
            ("a.b c/ü", 1, "_a-b-c--"),
            ("_x", 1, "__x"),
            (&"x".repeat(100), 1, &format!("_{}", "x".repeat(63))),
            (&"x".repeat(100), 12, &format!("_{}-12", "x".repeat(60))),
        ] {
            let found = stand_in(&name(foreign), attempt);
            assert_eq!(found.as_str(), expected);
            assert!(is_reserved(&found) && crate::wire::client_id(found.as_str()).is_ok());
        }
        assert!(!is_reserved(&name("alice_")));
    }

    #[test]
    fn a_body_is_opened_whatever_its_form() {
        let opened = |kind, body: &str| plain(&Signal { kind, body: Body::new(Lang(0), body.as_bytes()) });
        for (kind, body, expected) in [
            (SignalKind::Offer, r#","sdp":{"type":"offer","sdp":"v=0\r\n"}"#, Some("v=0\r\n")),
            (SignalKind::Answer, r#","sdp":"v=0""#, Some("v=0")),
            (SignalKind::Offer, r#","sdp":{"type":"offer"}"#, None),
            (SignalKind::Offer, r#","sdp":{"sdp":""}"#, None),
            (SignalKind::Offer, r#","candidate":{"candidate":"c"}"#, None),
            (SignalKind::Offer, r#","sdp":[1]"#, None),
            (SignalKind::Offer, "", None),
            (SignalKind::Candidate, r#","candidate":{"candidate":"candidate:1","sdpMid":"0"}"#, Some("candidate:1")),
            (SignalKind::Candidate, r#","candidate":{"candidate":"","sdpMid":"0"}"#, None),
            (SignalKind::Candidate, r#","candidate":null"#, None),
            (SignalKind::Bye(CauseKind::Hangup.into()), "", None),
        ] {
            assert_eq!(opened(kind.clone(), body).as_deref(), expected, "{kind:?} {body}");
        }
    }
}
