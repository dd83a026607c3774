//! What is wrong, and what is said of it.

use crate::wire::read::{ID_BYTES, TRANSACTION_BYTES};
use crate::wire::{Ignored, NAMES, read};

/// The error of a request, or `ack` if nothing is wrong with it.
fn answer(text: &str) -> String {
    match read(text).unwrap_or_else(|why| panic!("{text}: {why:?}")).request {
        Ok(_) => "ack".to_owned(),
        Err(problem) => problem.to_string(),
    }
}

pub(super) fn asked(name: &str, members: &str) -> String {
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
fn videoroom_ctl() {
    let options = "configure-room, feed-answer, feed-attach, feed-detach, invite-participants, trickle or update";
    for (members, expected) in [
        (r#""option":"nope""#, format!("Invalid value for 'option' property: nope (expected: {options})")),
        (r#""option":5"#, format!("Invalid value for 'option' property: 5 (expected: {options})")),
        (r#""option":"feed-attach""#, "missing 'feed_attach' field in request".to_owned()),
        (r#""option":"trickle","trickle":null"#, "missing 'trickle' field in request".to_owned()),
        (r#""option":"trickle","update":{}"#, "missing 'trickle' field in request".to_owned()),
        (
            &format!(r#""option":"trickle","trickle":{{"session":"{}"}}"#, "x".repeat(ID_BYTES + 1)),
            "the value's length must be between 1 and 256 inclusive".to_owned(),
        ),
        (r#""option":"trickle","trickle":{"session":5}"#, "Invalid value for 'session' property: 5".to_owned()),
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
