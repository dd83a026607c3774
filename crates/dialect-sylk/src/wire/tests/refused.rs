//! What is wrong, and what is said of it.

use crate::wire::read::{HEADERS, ID_BYTES, LINE_BYTES, PARTICIPANTS, PREFIXES, TRANSACTION_BYTES};
use crate::wire::{Ignored, NAMES, read};

/// The error of a request, or `ack` if nothing is wrong with it.
fn answer(text: &str) -> String {
    match read(text).unwrap_or_else(|why| panic!("{text}: {why:?}")).request {
        Ok(_) => "ack".to_owned(),
        Err(problem) => problem.to_string(),
    }
}

fn asked(name: &str, members: &str) -> String {
    answer(&format!(r#"{{"sylkrtc":"{name}","transaction":"T",{members}}}"#))
}

#[test]
fn what_cannot_be_answered_is_ignored() {
    let long = format!(r#"{{"sylkrtc":"ping","transaction":"{}"}}"#, "x".repeat(TRANSACTION_BYTES + 1));
    let deep = format!(r#"{{"sylkrtc":"ping","transaction":"T","x":{}}}"#, "[".repeat(20_000));
    for (text, why) in [
        ("", Ignored::NotJson),
        ("not json", Ignored::NotJson),
        ("{", Ignored::NotJson),
        (r#"{"sylkrtc":"ping","transaction":"T",}"#, Ignored::NotJson),
        (r#"{"sylkrtc":"ping","transaction":"T"} x"#, Ignored::NotJson),
        (r#"{"sylkrtc":"ping","transaction":"T"}{}"#, Ignored::NotJson),
        (r#"{'sylkrtc':'ping'}"#, Ignored::NotJson),
        (&deep, Ignored::NotJson),
        ("[]", Ignored::NoObject),
        (r#""ping""#, Ignored::NoObject),
        ("null", Ignored::NoObject),
        ("5", Ignored::NoObject),
        (r#"[{"sylkrtc":"ping","transaction":"T"}]"#, Ignored::NoObject),
        ("{}", Ignored::NoType),
        (r#"{"a":1}"#, Ignored::NoType),
        (r#"{"sylkrtc":null,"transaction":"T"}"#, Ignored::NoType),
        (r#"{"sylkrtc":5,"transaction":"T"}"#, Ignored::NoType),
        (r#"{"Sylkrtc":"ping","transaction":"T"}"#, Ignored::NoType),
        (r#"{"sylkrtc":"ping"}"#, Ignored::NoTransaction),
        (r#"{"sylkrtc":"nonsense"}"#, Ignored::NoTransaction),
        (r#"{"sylkrtc":"ping","transaction":null}"#, Ignored::NoTransaction),
        (r#"{"sylkrtc":"ping","transaction":7}"#, Ignored::NoTransaction),
        (r#"{"sylkrtc":"account-add","account":"alice@example.com","password":"x"}"#, Ignored::NoTransaction),
        (&long, Ignored::NoTransaction),
    ] {
        assert_eq!(read(text), Err(why), "{text:.80}");
    }
    for transaction in [String::new(), "x".repeat(TRANSACTION_BYTES)] {
        let text = format!(r#"{{"sylkrtc":"ping","transaction":"{transaction}"}}"#);
        assert_eq!(read(&text).expect("a request").transaction, transaction);
    }
}

#[test]
fn unknown_requests_are_named_and_decide_nothing() {
    for (name, answered) in [
        ("nonsense", "unknown request: nonsense"),
        ("", "unknown request: "),
        ("register ", "unknown request: register "),
        ("account_add", "unknown request: account_add"),
        ("videoroom_join", "unknown request: videoroom_join"),
        ("event", "unknown request: event"),
    ] {
        let text = format!(r#"{{"sylkrtc":"{name}","transaction":"T"}}"#);
        assert_eq!(answer(&text), answered);
        assert_eq!(read(&text).expect("a request").of, None);
    }
}

/// Each request without anything: the first property is missing, in the reference's words for both.
#[test]
fn the_first_property_that_is_missing() {
    for name in NAMES {
        let first = match name.name {
            "ping" => None,
            "lookup-public-key" => Some("uri"),
            "call" | "answer" | "trickle" | "terminate" => Some("session"),
            known if known.starts_with("session-") || known.starts_with("videoroom-") => Some("session"),
            _ => Some("account"),
        };
        let expected = first.map_or("ack".to_owned(), |first| {
            format!("Mandatory property '{first}' of '{}' object is missing", name.model)
        });
        assert_eq!(answer(&format!(r#"{{"sylkrtc":"{}","transaction":"T"}}"#, name.name)), expected);
    }
}

#[test]
fn properties_are_checked_in_the_reference_s_order() {
    let alice = r#""account":"a@b""#;
    for (name, members, expected) in [
        ("account-add", alice, "Mandatory property 'password' of 'AccountAddRequest' object is missing"),
        ("add_account", r#""password":"x","account":"a b""#, "invalid SIP URI: a b"),
        (
            "session-create",
            r#""session":"s""#,
            "Mandatory property 'account' of 'SessionCreateRequest' object is missing",
        ),
        (
            "call",
            r#""session":"s","account":"a@b""#,
            "Mandatory property 'uri' of 'SessionCreateRequest' object is missing",
        ),
        (
            "call",
            r#""session":"s","account":"a@b","uri":"c@d""#,
            "Mandatory property 'sdp' of 'SessionCreateRequest' object is missing",
        ),
        (
            "videoroom-feed-attach",
            r#""session":"s""#,
            "Mandatory property 'publisher' of 'VideoroomFeedAttachRequest' object is missing",
        ),
        (
            "videoroom-ctl",
            r#""session":"s""#,
            "Mandatory property 'option' of 'VideoroomControlRequest' object is missing",
        ),
        (
            "account-devicetoken",
            r#""account":"a@b","token":"t","platform":"p","device":"d","silent":true"#,
            "Mandatory property 'app' of 'AccountDeviceTokenRequest' object is missing",
        ),
        (
            "account-devicetoken",
            r#""account":"a@b","app":"a""#,
            "Mandatory property 'token' of 'AccountDeviceTokenRequest' object is missing",
        ),
        (
            "videoroom-session-update",
            r#""session":"s""#,
            "Mandatory property 'options' of 'VideoroomSessionUpdateRequest' object is missing",
        ),
        (
            "session-create",
            r#""session":"s","account":"a@b","uri":"c@d","sdp":"","headers":[{}]"#,
            "Mandatory property 'name' of 'Header' object is missing",
        ),
        (
            "session-create",
            r#""session":"s","account":"a@b","uri":"c@d","sdp":"","headers":[{"name":"X"}]"#,
            "Mandatory property 'value' of 'Header' object is missing",
        ),
    ] {
        assert_eq!(asked(name, members), expected, "{name} {members}");
    }
}

#[test]
fn addresses() {
    for (address, answered) in [
        (r#""alice@example.com""#, "ack"),
        (r#""sip:alice@example.com""#, "ack"),
        (r#""no-at-sign""#, "invalid SIP URI: no-at-sign"),
        (r#""sip:a b@c""#, "invalid SIP URI: sip:a b@c"),
        (r#""a@b\r\nVia: x""#, "invalid SIP URI: a@b\r\nVia: x"),
        (r#""""#, "invalid SIP URI: "),
        ("5", "Invalid value for 'account' property: 5"),
        ("null", "Invalid value for 'account' property: null"),
    ] {
        assert_eq!(asked("register", &format!(r#""account":{address}"#)), answered, "{address}");
    }
    assert_eq!(asked("lookup-public-key", r#""uri":"host""#), "ack", "only accounts must have a user");
    assert_eq!(asked("videoroom-invite", r#""session":"s","participants":["a@b","c d"]"#), "invalid SIP URI: c d");
}

#[test]
fn passwords_are_ha1_and_not_repeated() {
    let not = "Invalid value for 'password' property: it must be HA1, which is 32 hexadecimal digits";
    let length = "the value's length must be between 1 and 9999 inclusive";
    let (most, more) = (format!("\"{}\"", "x".repeat(9_999)), format!("\"{}\"", "x".repeat(10_000)));
    for (password, answered) in [
        (r#""884edfee38ed471b8a15006700139485""#, "ack"),
        (r#""884EDFEE38ED471B8A15006700139485""#, "ack"),
        (r#""884edfee38ed471b8a1500670013948""#, not),
        (r#""884edfee38ed471b8a150067001394855""#, not),
        (r#""884edfee38ed471b8a1500670013948g""#, not),
        (r#""884edfee38ed471b8a15006700139é5""#, not),
        (r#""secret""#, not),
        ("12345678901234567890123456789012", not),
        ("null", not),
        (&most, not),
        (r#""""#, length),
        (&more, length),
    ] {
        assert_eq!(asked("account-add", &format!(r#""account":"a@b","password":{password}"#)), answered);
    }
}

#[test]
fn types_and_bounds() {
    let long = |bytes: usize| "x".repeat(bytes + 1);
    let between =
        |least: usize, most: usize| format!("the value's length must be between {least} and {most} inclusive");
    let texts = |count: usize| format!("[{}\"a@b\"]", "\"a@b\",".repeat(count));
    let headers = format!(r#"[{}{{"name":"X","value":""}}]"#, r#"{"name":"X","value":""},"#.repeat(HEADERS));
    let add = r#""account":"a@b","password":"884edfee38ed471b8a15006700139485""#;
    let answering = r#""session":"s","sdp":"""#;
    for (name, members, expected) in [
        ("terminate", r#""session":5"#.to_owned(), "Invalid value for 'session' property: 5".to_owned()),
        ("terminate", r#""session":"""#.to_owned(), between(1, ID_BYTES)),
        ("terminate", format!(r#""session":"{}""#, long(ID_BYTES)), between(1, ID_BYTES)),
        ("terminate", r#""session":"a\nb""#.to_owned(), "Invalid value for 'session' property: a\nb".to_owned()),
        ("answer", r#""session":"s","sdp":null"#.to_owned(), "Invalid value for 'sdp' property: null".to_owned()),
        (
            "answer",
            r#""session":"s","sdp":{"type":"answer"}"#.to_owned(),
            r#"Invalid value for 'sdp' property: {"type":"answer"}"#.to_owned(),
        ),
        (
            "trickle",
            r#""session":"s""#.to_owned(),
            "Mandatory property 'candidates' of 'SessionTrickleRequest' object is missing".to_owned(),
        ),
        (
            "trickle",
            r#""session":"s","candidates":"x""#.to_owned(),
            "Invalid value for 'candidates' property: x".to_owned(),
        ),
        (
            "trickle",
            r#""session":"s","candidates":{}"#.to_owned(),
            "Invalid value for 'candidates' property: {}".to_owned(),
        ),
        ("account-add", format!(r#"{add},"display_name":"{}""#, long(LINE_BYTES)), between(0, LINE_BYTES)),
        (
            "account-add",
            format!(r#"{add},"display_name":"a\r\nb""#),
            "Invalid value for 'display_name' property: a\r\nb".to_owned(),
        ),
        ("account-add", format!(r#"{add},"user_agent":7"#), "Invalid value for 'user_agent' property: 7".to_owned()),
        (
            "account-add",
            format!(r#"{add},"incoming_header_prefixes":"X-""#),
            "Invalid value for 'incoming_header_prefixes' property: X-".to_owned(),
        ),
        (
            "account-add",
            format!(r#"{add},"incoming_header_prefixes":[1,null]"#),
            "Invalid value for 'incoming_header_prefixes' property: 1".to_owned(),
        ),
        ("account-add", format!(r#"{add},"incoming_header_prefixes":{}"#, texts(PREFIXES)), between(0, PREFIXES)),
        (
            "account-devicetoken",
            r#""account":"a@b","token":"t","platform":"p","device":"d","silent":"true""#.to_owned(),
            "Invalid value for 'silent' property: true".to_owned(),
        ),
        (
            "account-update-addressbook",
            r#""account":"a@b","action":"drop""#.to_owned(),
            "Invalid value for 'action' property: drop (expected: add, delete or update)".to_owned(),
        ),
        (
            "account-update-addressbook",
            r#""account":"a@b","action":"add","type":null"#.to_owned(),
            "Invalid value for 'type' property: null (expected: contact, group or policy)".to_owned(),
        ),
        (
            "account-update-addressbook",
            r#""account":"a@b","action":"add","type":"group","data":[]"#.to_owned(),
            "Invalid value for 'data' property: []".to_owned(),
        ),
        (
            "account-disposition-notification",
            r#""account":"a@b","uri":"c@d","message_id":"m","state":"read""#.to_owned(),
            "Invalid value for 'state' property: read (expected: delivered, displayed, error, failed or forbidden)"
                .to_owned(),
        ),
        (
            "account-sync-conversations",
            r#""account":"a@b","limit":"7""#.to_owned(),
            "Invalid value for 'limit' property: 7".to_owned(),
        ),
        (
            "account-sync-conversations",
            r#""account":"a@b","limit":-1"#.to_owned(),
            "Invalid value for 'limit' property: -1".to_owned(),
        ),
        ("session-dtmf-info", r#""session":"s","digit":"""#.to_owned(), between(1, 32)),
        (
            "session-dtmf-info",
            r#""session":"s","digit":"5\r""#.to_owned(),
            "Invalid value for 'digit' property: 5\r".to_owned(),
        ),
        (
            "session-dtmf-info",
            r#""session":"s","digit":"E""#.to_owned(),
            "Invalid value for 'digit' property: E".to_owned(),
        ),
        (
            "session-dtmf-info",
            r#""session":"s","digit":5"#.to_owned(),
            "Invalid value for 'digit' property: 5".to_owned(),
        ),
        (
            "session-dtmf-info",
            r#""session":"s","digit":"5","duration":1.5"#.to_owned(),
            "Invalid value for 'duration' property: 1.5".to_owned(),
        ),
        (
            "session-answer",
            format!(r#"{answering},"headers":{{}}"#),
            "Invalid value for 'headers' property: {}".to_owned(),
        ),
        (
            "session-answer",
            format!(r#"{answering},"headers":["X: 1"]"#),
            "Invalid value for 'headers' property: X: 1".to_owned(),
        ),
        (
            "session-answer",
            format!(r#"{answering},"headers":[{{"name":"X Y","value":""}}]"#),
            "Invalid value for 'name' property: X Y".to_owned(),
        ),
        (
            "session-answer",
            format!(r#"{answering},"headers":[{{"name":"X:","value":""}}]"#),
            "Invalid value for 'name' property: X:".to_owned(),
        ),
        (
            "session-answer",
            format!(r#"{answering},"headers":[{{"name":"X","value":"1\r\nVia: y"}}]"#),
            "Invalid value for 'value' property: 1\r\nVia: y".to_owned(),
        ),
        ("session-answer", format!(r#"{answering},"headers":{headers}"#), between(0, HEADERS)),
        (
            "session-message",
            r#""session":"s","message_id":"m","content":"","content_type":"a\nb""#.to_owned(),
            "Invalid value for 'content_type' property: a\nb".to_owned(),
        ),
        (
            "videoroom-join",
            r#""session":"s","account":"a@b","uri":"c@d","sdp":"","audio":1"#.to_owned(),
            "Invalid value for 'audio' property: 1".to_owned(),
        ),
        (
            "videoroom-session-update",
            r#""session":"s","options":[]"#.to_owned(),
            "Invalid value for 'options' property: []".to_owned(),
        ),
        (
            "videoroom-session-update",
            r#""session":"s","options":{"video":"no"}"#.to_owned(),
            "Invalid value for 'video' property: no".to_owned(),
        ),
        ("videoroom-configure", r#""session":"s","active_participants":["a","b","c"]"#.to_owned(), between(0, 2)),
        (
            "videoroom-configure",
            r#""session":"s","active_participants":null"#.to_owned(),
            "Invalid value for 'active_participants' property: null".to_owned(),
        ),
        (
            "videoroom-configure",
            r#""session":"s","active_participants":["a",5]"#.to_owned(),
            "Invalid value for 'active_participants' property: 5".to_owned(),
        ),
        (
            "videoroom-invite",
            format!(r#""session":"s","participants":{}"#, texts(PARTICIPANTS)),
            between(0, PARTICIPANTS),
        ),
        (
            "videoroom-composing-indication",
            r#""session":"s","state":"Active""#.to_owned(),
            "Invalid value for 'state' property: Active (expected: active or idle)".to_owned(),
        ),
        (
            "videoroom-toggle-hand",
            r#""session":"s","session_id":false"#.to_owned(),
            "Invalid value for 'session_id' property: false".to_owned(),
        ),
    ] {
        assert_eq!(asked(name, &members), expected, "{name} {members:.200}");
    }
    for (name, members) in [
        ("terminate", format!(r#""session":"{}""#, "x".repeat(ID_BYTES))),
        ("account-add", format!(r#"{add},"incoming_header_prefixes":{}"#, texts(PREFIXES - 1))),
        ("account-add", format!(r#"{add},"display_name":"{}""#, "x".repeat(LINE_BYTES))),
        ("videoroom-invite", format!(r#""session":"s","participants":{}"#, texts(PARTICIPANTS - 1))),
    ] {
        assert_eq!(asked(name, &members), "ack", "{name}");
    }
}

#[test]
fn videoroom_ctl() {
    let options = "configure-room, feed-answer, feed-attach, feed-detach, invite-participants, trickle or update";
    for (members, expected) in [
        (r#""option":"nope""#, format!("Invalid value for 'option' property: nope (expected: {options})")),
        (r#""option":5"#, format!("Invalid value for 'option' property: 5 (expected: {options})")),
        (r#""option":"feed-attach""#, "missing 'feed_attach' field in request".to_owned()),
        (r#""option":"trickle","trickle":null"#, "missing 'trickle' field in request".to_owned()),
        (r#""option":"trickle","update":{}"#, "missing 'trickle' field in request".to_owned()),
        (r#""option":"update","update":[]"#, "Invalid value for 'update' property: []".to_owned()),
        (r#""option":"update","update":{}"#, "ack".to_owned()),
        (
            r#""option":"trickle","trickle":{}"#,
            "Mandatory property 'candidates' of 'VideoroomControlTrickleOptions' object is missing".to_owned(),
        ),
        (
            r#""option":"feed-attach","feed_attach":{"publisher":"p"}"#,
            "Mandatory property 'session' of 'VideoroomControlFeedAttachOptions' object is missing".to_owned(),
        ),
        (
            r#""option":"feed-attach","feed_attach":{"session":"f"}"#,
            "Mandatory property 'publisher' of 'VideoroomControlFeedAttachOptions' object is missing".to_owned(),
        ),
    ] {
        assert_eq!(asked("videoroom-ctl", &format!(r#""session":"s",{members}"#)), expected, "{members}");
    }
}
