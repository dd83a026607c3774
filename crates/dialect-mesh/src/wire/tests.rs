use super::*;

fn read_all(text: &str) -> Result<(ClientKind, String), Fault> {
    let mut scratch = Vec::new();
    let frame = read(text, &mut scratch)?;
    let body = frame.body(Lang(0), &mut scratch);
    let body = String::from_utf8(body.bytes().to_vec()).expect("payloads stay UTF-8");
    Ok((frame.kind(), body))
}

#[test]
fn payloads_are_compacted_and_otherwise_untouched() {
    let text = r#"{"type":"candidate","to":"b","candidate":{"z" : 12345678901234567890123, "a":1.0 ,"a":[ 1e3 ]}}"#;
    let (kind, body) = read_all(text).expect("it is a message");
    assert_eq!(kind, ClientKind::Relay(RelayKind::Candidate));
    assert_eq!(body, r#","candidate":{"z":12345678901234567890123,"a":1.0,"a":[1e3]}"#);
}

#[test]
fn the_last_of_duplicate_payloads_wins_and_sdp_comes_first() {
    let text = r#"{"type":"offer","candidate":1,"sdp":"<a>","SDP":null,"candidate":[2]}"#;
    assert_eq!(read_all(text).expect("it is a message").1, r#","sdp":null,"candidate":[2]"#);
}

#[test]
fn names_of_fields_fold_as_in_go() {
    for key in ["type", "TYPE", "Type", "tYPE"] {
        let (kind, _) = read_all(&format!(r#"{{"{key}":"ping"}}"#)).expect("it is a message");
        assert_eq!(kind, ClientKind::Ping, "{key}");
    }
    assert_eq!(read_all(r#"{"type":"offer","ſdp":1}"#).expect("it is a message").1, r#","sdp":1"#);
    assert_eq!(read_all(r#"{"typé":"ping"}"#).expect("it is a message").0, ClientKind::Unknown);
}

#[test]
fn known_fields_have_known_types() {
    for text in [
        r#"{"type":5}"#,
        r#"{"room":{}}"#,
        r#"{"to":[]}"#,
        r#"{"from":true}"#,
        r#"{"code":1}"#,
        r#"{"error":1}"#,
        r#"{"members":"x"}"#,
        r#"{"members":[1]}"#,
    ] {
        assert_eq!(read_all(text).expect_err(text), Fault::WrongType, "{text}");
    }
    for text in [r#"{"members":null}"#, r#"{"members":[null,"x"]}"#, r#"{"code":null}"#, r#"{"other":[{}]}"#] {
        assert_eq!(read_all(text).expect(text).0, ClientKind::Unknown);
    }
}

#[test]
fn what_is_no_object_is_no_message_but_null_is_an_empty_one() {
    assert_eq!(read_all("null").expect("an empty message").0, ClientKind::Unknown);
    for text in ["", "  ", "[1]", "5", "\"x\"", "true", "{oops", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}", "nul"] {
        assert!(read_all(text).is_err(), "{text:?}");
    }
}

#[test]
fn only_the_first_value_counts() {
    assert_eq!(read_all(r#"{"type":"ping"}{"type":"leave"} junk"#).expect("a message").0, ClientKind::Ping);
}

#[test]
fn ids_and_rooms_are_trimmed_and_bounded_in_bytes() {
    assert_eq!(client_id("  u-_9 \n"), Ok("u-_9"));
    assert_eq!(client_id(&"x".repeat(64)).map(str::len), Ok(64));
    for bad in ["", " ", "a b", "a.b", "a@b", "ü", "用户", "a/b", "a\tb", &"x".repeat(65)] {
        assert_eq!(client_id(bad), Err(WireError::InvalidId), "{bad:?}");
    }
    assert_eq!(room_name(" 房间 one.1 / 😀 "), Ok("房间 one.1 / 😀"));
    for bad in ["", "\u{3000}", "a\tb", "a\0b", "a\u{7f}b", "a\u{85}b", &"房".repeat(22), &"r".repeat(65)] {
        assert_eq!(room_name(bad), Err(WireError::InvalidRoom), "{bad:?}");
    }
}

#[test]
fn answers_have_their_exact_text() {
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("answers are UTF-8")
    };
    assert_eq!(text(&pong), "{\"type\":\"pong\",\"room\":\"\",\"from\":\"\"}\n");
    assert_eq!(
        text(&|out| joined(out, "a\"<&>\u{2028}", "x")),
        "{\"type\":\"joined\",\"room\":\"a\\\"\\u003c\\u0026\\u003e\\u2028\",\"from\":\"x\"}\n"
    );
    assert_eq!(
        text(&|out| error(out, "r", WireError::RoomFull)),
        "{\"type\":\"error\",\"room\":\"r\",\"from\":\"\",\"code\":\"room_full\",\"error\":\"room is full\"}\n"
    );
}

#[test]
fn names_have_at_most_64_bytes() {
    let of = |bytes: usize| "n".repeat(bytes);
    assert!(room_name(&of(64)).is_ok() && client_id(&of(64)).is_ok());
    assert!(room_name(&of(65)).is_err() && client_id(&of(65)).is_err());
}
