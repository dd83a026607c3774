//! Types and bounds of every kind of property.

use super::refused::asked;
use crate::wire::read::{HEADERS, ID_BYTES, LINE_BYTES, PARTICIPANTS, PREFIXES};

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
