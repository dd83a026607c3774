use patchbay_core::{Lang, Token};

use super::*;

fn words(text: &str) -> (Option<String>, Option<String>, Option<String>) {
    let frame = read(text).expect("a message");
    let owned = |word: &Word<'_>| word.text().map(str::to_owned);
    (owned(&frame.id), owned(&frame.opponent), owned(&frame.session))
}

fn body(text: &str, payload: Payload) -> String {
    let frame = read(text).expect("a message");
    let body = frame.body(payload, Lang(1), &mut Vec::new());
    String::from_utf8(body.bytes().to_vec()).expect("what was UTF-8 stays UTF-8")
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8(out).expect("messages are UTF-8")
}

#[test]
fn what_is_no_json_is_told_from_what_has_no_command() {
    for (text, error) in [
        ("", WireError::NotJson),
        ("{oops", WireError::NotJson),
        (r#"{"cmd":"sId"} x"#, WireError::NotJson),
        (r#"{"cmd":"sId",}"#, WireError::NotJson),
        ("\u{feff}{\"cmd\":\"sId\"}", WireError::NotJson),
        (r#"{"cmd":01}"#, WireError::NotJson),
        ("null", WireError::NoCommand),
        ("[{\"cmd\":1}]", WireError::NoCommand),
        (r#""cmd""#, WireError::NoCommand),
        (r#"{"CMD":"sId"}"#, WireError::NoCommand),
        (r#"{"a":{"cmd":"sId"}}"#, WireError::NoCommand),
    ] {
        assert_eq!(read(text).map(|_| ()), Err(error), "{text}");
    }
}

#[test]
fn commands_are_exact_but_for_blanks_around_them() {
    for (cmd, kind) in [
        (r#""sId""#, ClientKind::Register),
        (r#""\ufeff s\u0049d\u00a0""#, ClientKind::Register),
        (r#""session""#, ClientKind::Session),
        (r#""call""#, ClientKind::Relay(RelayKind::Call)),
        (r#""accept""#, ClientKind::Relay(RelayKind::Accept)),
        (r#""icecandidate""#, ClientKind::Relay(RelayKind::Candidate)),
        (r#""stop""#, ClientKind::End(CauseKind::Hangup)),
        (r#""reject""#, ClientKind::End(CauseKind::Declined)),
        (r#""notify""#, ClientKind::Notify),
        (r#""CALL""#, ClientKind::Unknown),
        (r#""leave""#, ClientKind::Unknown),
        (r#""""#, ClientKind::Unknown),
        ("null", ClientKind::Unknown),
        ("[\"sId\"]", ClientKind::Unknown),
        ("5", ClientKind::Unknown),
        (r#""\u0085sId""#, ClientKind::Unknown),
    ] {
        let text = format!(r#"{{"cmd":{cmd},"hasOwnProperty":1}}"#);
        assert_eq!(read(&text).expect("a message").kind(), kind, "{cmd}");
    }
}

#[test]
fn words_are_trimmed_strings_and_the_last_of_two_counts() {
    let some = |text: &str| Some(text.to_owned());
    for (fields, expected) in [
        (r#""sId":" A\t","opponentId":18,"sessionId":" 01 ""#, (some("A"), some("18"), some("01"))),
        (r#""sId":1.0,"opponentId":-0,"sessionId":1e21"#, (some("1"), some("0"), some("1e+21"))),
        (r#""sId":true,"opponentId":null,"sessionId":{"a":"b"}"#, (None, None, None)),
        (r#""sId":"x","sId":"y","opponentId":"x","opponentId":[1]"#, (some("y"), None, None)),
        (r#""sid":"x""#, (None, None, None)),
    ] {
        assert_eq!(words(&format!(r#"{{"cmd":"x",{fields}}}"#)), expected, "{fields}");
    }
}

#[test]
fn payloads_are_the_senders_own_text() {
    for (text, payload, expected) in [
        (
            r#"{"cmd":"call","offer": { "b" : 1.0,"a":"<&>\u0041" } }"#,
            Payload::Offer,
            r#","offer":{ "b" : 1.0,"a":"<&>\u0041" }"#,
        ),
        (r#"{"cmd":"call","offer":1,"offer":"  v=0\r\n "}"#, Payload::Offer, r#","offer":"  v=0\r\n ""#),
        (r#"{"cmd":"call","answer":1}"#, Payload::Offer, ""),
        (r#"{"cmd":"accept","answer":null}"#, Payload::Answer, r#","answer":null"#),
        (r#"{"cmd":"icecandidate","icecandidate":[]}"#, Payload::Candidate, r#","icecandidate":[]"#),
        (r#"{"cmd":"notify","type":3,"offer":2}"#, Payload::Type, r#","type":3"#),
    ] {
        assert_eq!(body(text, payload), expected, "{text}");
    }
}

#[test]
fn messages_are_written_as_the_reference_writes_them() {
    let token = Token::new("01234567").expect("eight digits");
    let offer = Signal { kind: SignalKind::Offer, body: Body::new(Lang(1), br#","offer":1"#) };
    for (message, expected) in [
        (
            written(|out| registered(out, "a\"<b>\u{2028}\u{1f}")),
            "{\"cmd\":\"sId\",\"sId\":\"a\\\"<b>\u{2028}\\u001f\"}",
        ),
        (written(|out| session(out, &token)), r#"{"cmd":"session","sessionId":"01234567"}"#),
        (written(|out| state(out, &token, SessionState::Closed)), r#"{"cmd":"ssu","sessionId":"01234567","state":4}"#),
        (
            written(|out| relay(out, &token, "A", &offer)),
            r#"{"cmd":"call","sessionId":"01234567","opponentId":"A","offer":1}"#,
        ),
        (
            written(|out| ended(out, &token, "A", CauseKind::Gone)),
            r#"{"cmd":"leave","sessionId":"01234567","opponentId":"A"}"#,
        ),
        (written(|out| notify(out, "A", &Body::new(Lang(1), b""))), r#"{"cmd":"notify","opponentId":"A"}"#),
        (written(|out| error(out, WireError::NoSession)), r#"{"cmd":"error","code":9204}"#),
    ] {
        assert_eq!(message, expected);
    }
}

/// Whatever the cause, the other end is told with a message that clients know.
#[test]
fn every_end_is_told() {
    let token = Token::new("01234567").expect("eight digits");
    for cause in CauseKind::ALL {
        let message = written(|out| ended(out, &token, "A", cause));
        assert!(["stop", "reject", "leave"].iter().any(|cmd| message.contains(&format!("\"{cmd}\""))), "{cause:?}");
    }
}
