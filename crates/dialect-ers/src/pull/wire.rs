//! What a viewer says to a rendezvous server, and the answer to its `join` (ers.md section 1.4).

use patchbay_dialect_kit::json::{Cursor, write_plain_string};

use crate::ems::wire::{JOIN_ID, arguments, step, step_end};

/// Enters a room to see a stream.
pub(crate) fn join(out: &mut Vec<u8>, room: &str, stream: &str, token: Option<&str>) {
    out.extend_from_slice(b"5:1+::{\"name\":\"join\",\"args\":[");
    write_plain_string(out, room);
    out.extend_from_slice(b",{\"token\":");
    match token {
        Some(token) => write_plain_string(out, token),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"streamName\":");
    write_plain_string(out, stream);
    out.extend_from_slice(b",\"transport\":\"srtp\"}]}");
}

/// Our answer.
pub(crate) fn answer(out: &mut Vec<u8>, to: &str, sid: &str, sdp: &str) {
    step(out, to, sid, "answer");
    out.extend_from_slice(b"\"type\":\"answer\",\"sdp\":");
    write_plain_string(out, sdp);
    step_end(out);
}

/// The answer to our `join`: the partner, if there is one. `None`: it is the answer to something else.
pub(crate) fn paired(data: &str) -> Option<Option<String>> {
    let (id, args) = data.split_once('+').unwrap_or((data, ""));
    if id != JOIN_ID {
        return None;
    }
    let [first, second] = arguments(args);
    let mut partner = None;
    if first.is_none_or(|first| first == "null") {
        let _ = Cursor::new(second.unwrap_or("{}")).object(|key, value| {
            if &*key != "clients" {
                return value.skip();
            }
            let clients = value.raw()?;
            Cursor::new(clients).object(|key, value| {
                partner.get_or_insert_with(|| key.clone().into_owned());
                value.skip()
            })
        });
    }
    Some(partner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_says_what_players_say() {
        let written = |token| {
            let mut out = Vec::new();
            join(&mut out, "den", "cam", token);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(
            written(None),
            r#"5:1+::{"name":"join","args":["den",{"token":null,"streamName":"cam","transport":"srtp"}]}"#
        );
        assert!(written(Some("t\"1")).contains(r#""token":"t\"1""#));
    }

    #[test]
    fn the_partner_is_the_first_of_the_clients() {
        let client = r#"{"screen":false,"video":true,"audio":false}"#;
        for (data, expected) in [
            (format!(r#"1+[null,{{"clients":{{"E":{client}}}}}]"#), Some(Some("E"))),
            (format!(r#"1+[null,{{"clients":{{"E":{client},"F":{client}}}}}]"#), Some(Some("E"))),
            (r#"1+[null,{"clients":{}}]"#.to_owned(), Some(None)),
            (r#"1+["invalidToken"]"#.to_owned(), Some(None)),
            (format!(r#"1+["taken",{{"clients":{{"E":{client}}}}}]"#), Some(None)),
            ("1".to_owned(), Some(None)),
            ("1+[null,7]".to_owned(), Some(None)),
            (r#"2+[null,{"clients":{}}]"#.to_owned(), None),
        ] {
            assert_eq!(paired(&data).as_ref().map(Option::as_deref), expected, "{data}");
        }
    }
}
