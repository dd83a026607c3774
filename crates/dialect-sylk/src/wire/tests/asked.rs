//! Requests, and what each means.

use crate::aor::Aor;
use crate::wire::request::{
    BookAction, BookKind, Candidate, Composing, DeviceToken, Disposition, Ha1, Header, Message, Request,
};

pub(super) const HA1: &str = "884edfee38ed471b8a15006700139485";

/// A request without its first two keys, by its names, the old one first.
pub(super) struct Case {
    pub(super) names: &'static [&'static str],
    pub(super) members: &'static str,
    pub(super) means: Request<'static>,
}

fn case(names: &'static [&'static str], members: &'static str, means: Request<'static>) -> Case {
    Case { names, members, means }
}

fn aor(text: &'static str) -> Aor<'static> {
    Aor::parse(text.into()).expect("an address")
}

fn alice() -> Aor<'static> {
    aor("alice@example.com")
}

fn ha1() -> Ha1 {
    Ha1::parse(HA1).expect("HA1")
}

fn message() -> Message<'static> {
    Message {
        message_id: "m".into(),
        content: "hi\n\u{1}".into(),
        content_type: "text/plain".into(),
        timestamp: "2026-01-02T03:04:05Z".into(),
    }
}

fn candidate() -> Candidate<'static> {
    Candidate { candidate: "candidate:1 1 udp 2 192.0.2.1 9 typ host".into(), mid: Some("0".into()), index: Some(0) }
}

fn accounts() -> Vec<Case> {
    let add = |display_name: Option<&'static str>, user_agent: Option<&'static str>, prefixes: &[&'static str]| {
        Request::AccountAdd {
            account: alice(),
            password: ha1(),
            display_name: display_name.map(Into::into),
            user_agent: user_agent.map(Into::into),
            incoming_header_prefixes: prefixes.iter().map(|prefix| (*prefix).into()).collect(),
        }
    };
    let account = r#""account":"sip:alice@example.com""#;
    let disposition = |state| Request::AccountDispositionNotification {
        account: alice(),
        uri: aor("bob@example.com"),
        message_id: "m".into(),
        state,
        timestamp: "t".into(),
    };
    let sync = |message_id: Option<&'static str>, since: Option<&'static str>, limit| {
        let (message_id, since) = (message_id.map(Into::into), since.map(Into::into));
        Request::AccountSyncConversations { account: alice(), message_id, since, limit }
    };
    let replaced = |old: Option<&'static str>, new: Option<&'static str>| DeviceToken::Replaced {
        old: old.map(Into::into),
        new: new.map(Into::into),
    };
    let device = |token| Request::AccountDeviceToken { account: alice(), token };
    let (plain, full) = (&["add_account", "account-add"][..], &["account-add"][..]);
    vec![
        case(&["ping"], "", Request::Ping),
        case(
            plain,
            r#""account":"alice@example.com","password":"884edfee38ed471b8a15006700139485""#,
            add(None, None, &[]),
        ),
        case(
            full,
            r#""account":"sips:alice@example.com","password":"884EDFEE38ED471B8A15006700139485","display_name":"Älice \"A\"","user_agent":"web/1","incoming_header_prefixes":["X-","P-"]"#,
            add(Some("Älice \"A\""), Some("web/1"), &["X-", "P-"]),
        ),
        case(
            full,
            r#""account":"alice@example.com","password":"884edfee38ed471b8a15006700139485","display_name":null,"user_agent":null,"incoming_header_prefixes":null"#,
            add(None, None, &[]),
        ),
        case(&["remove_account", "account-remove"], account, Request::AccountRemove { account: alice() }),
        case(&["register", "account-register"], account, Request::AccountRegister { account: alice() }),
        case(&["unregister", "account-unregister"], account, Request::AccountUnregister { account: alice() }),
        case(&["account-devicetoken"], account, device(replaced(None, None))),
        case(
            &["account-devicetoken"],
            r#""account":"alice@example.com","old_token":"o","new_token":"n""#,
            device(replaced(Some("o"), Some("n"))),
        ),
        case(
            &["account-devicetoken"],
            r#""account":"alice@example.com","old_token":null,"new_token":"n""#,
            device(replaced(None, Some("n"))),
        ),
        case(
            &["account-devicetoken"],
            r#""account":"alice@example.com","token":"t","platform":"android","device":"d","app":"a","silent":true"#,
            device(DeviceToken::Full {
                token: "t".into(),
                platform: "android".into(),
                device: "d".into(),
                silent: true,
                app: "a".into(),
            }),
        ),
        case(&["account-fetch-addressbook"], account, Request::AccountFetchAddressbook { account: alice() }),
        case(
            &["account-update-addressbook"],
            r#""account":"alice@example.com","action":"update","type":"group","data":{ "id" : [1] }"#,
            Request::AccountUpdateAddressbook {
                account: alice(),
                action: BookAction::Update,
                kind: BookKind::Group,
                data: r#"{ "id" : [1] }"#,
            },
        ),
        case(
            &["account-message"],
            r#""account":"alice@example.com","uri":"sip:bob@example.com","message_id":"m","content":"hi\n\u0001","content_type":"text/plain","timestamp":"2026-01-02T03:04:05Z","server_generated":true"#,
            Request::AccountMessage { account: alice(), uri: aor("bob@example.com"), message: message() },
        ),
        case(
            &["account-disposition-notification"],
            r#""account":"alice@example.com","uri":"bob@example.com","message_id":"m","timestamp":"t","state":"displayed""#,
            disposition(Disposition::Displayed),
        ),
        case(&["account-sync-conversations"], account, sync(None, None, 5_000)),
        case(
            &["account-sync-conversations"],
            r#""account":"alice@example.com","message_id":null,"since":null,"limit":null"#,
            sync(None, None, 5_000),
        ),
        case(
            &["account-sync-conversations"],
            r#""account":"alice@example.com","message_id":"m","since":"s","limit":7"#,
            sync(Some("m"), Some("s"), 7),
        ),
        case(
            &["account-mark-conversation-read"],
            r#""account":"alice@example.com","contact":"bob@example.com""#,
            Request::AccountMarkConversationRead { account: alice(), contact: aor("bob@example.com") },
        ),
        case(
            &["account-remove-message"],
            r#""account":"alice@example.com","contact":"bob@example.com","message_id":"m""#,
            Request::AccountRemoveMessage { account: alice(), message_id: "m".into(), contact: aor("bob@example.com") },
        ),
        case(
            &["account-remove-conversation"],
            r#""account":"alice@example.com","contact":"bob@example.com""#,
            Request::AccountRemoveConversation { account: alice(), contact: aor("bob@example.com") },
        ),
        case(&["lookup-public-key"], r#""uri":"sip:bob@h""#, Request::LookupPublicKey { uri: aor("bob@h") }),
    ]
}

fn calls() -> Vec<Case> {
    let create = |headers| Request::SessionCreate {
        session: "s".into(),
        account: alice(),
        uri: aor("bob@example.com"),
        sdp: "v=0\r\n".into(),
        headers,
    };
    let headers = || {
        let header = |name: &'static str, value: &'static str| Header { name: name.into(), value: value.into() };
        vec![header("X-A", "1"), header("X-B", "")]
    };
    let digits =
        |digit: &'static str, duration| Request::SessionDtmfInfo { session: "s".into(), digit: digit.into(), duration };
    vec![
        case(
            &["call", "session-create"],
            r#""account":"alice@example.com","session":"s","uri":"sip:bob@example.com","sdp":"v=0\r\n""#,
            create(vec![]),
        ),
        case(
            &["session-create"],
            r#""account":"alice@example.com","session":"s","uri":"bob@example.com","sdp":"v=0\r\n","headers":[{"name":"X-A","value":"1"},{"value":"","name":"X-B"}]"#,
            create(headers()),
        ),
        case(
            &["session-create"],
            r#""account":"alice@example.com","session":"s","uri":"bob@example.com","sdp":"v=0\r\n","headers":null"#,
            create(vec![]),
        ),
        case(
            &["answer", "session-answer"],
            r#""session":"s","sdp":"v=0\r\n""#,
            Request::SessionAnswer { session: "s".into(), sdp: "v=0\r\n".into(), headers: vec![] },
        ),
        case(
            &["session-answer"],
            r#""session":"s","sdp":"","headers":[{"name":"X-A","value":"1"},{"name":"X-B","value":""}]"#,
            Request::SessionAnswer { session: "s".into(), sdp: "".into(), headers: headers() },
        ),
        case(
            &["trickle", "session-trickle"],
            r#""session":"s","candidates":[{"candidate":"candidate:1 1 udp 2 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"f"}]"#,
            Request::SessionTrickle { session: "s".into(), candidates: vec![candidate()] },
        ),
        case(
            &["trickle", "session-trickle"],
            r#""session":"s","candidates":[]"#,
            Request::SessionTrickle { session: "s".into(), candidates: vec![] },
        ),
        case(
            &["terminate", "session-terminate"],
            r#""session":"s""#,
            Request::SessionTerminate { session: "s".into() },
        ),
        case(
            &["session-update"],
            r#""session":"s","sdp":"v=0\r\n","headers":[{"name":"X-A","value":"1"},{"name":"X-B","value":""}]"#,
            Request::SessionUpdate { session: "s".into(), sdp: "v=0\r\n".into(), headers: headers() },
        ),
        case(
            &["session-message"],
            r#""session":"s","message_id":"m","content":"hi\n\u0001","content_type":"text/plain","timestamp":"2026-01-02T03:04:05Z""#,
            Request::SessionMessage { session: "s".into(), message: message() },
        ),
        case(&["session-dtmf-info"], r#""session":"s","digit":"5""#, digits("5", None)),
        case(&["session-dtmf-info"], r##""session":"s","digit":"*#aD9","duration":160"##, digits("*#aD9", Some(160))),
    ]
}

fn rooms() -> Vec<Case> {
    let join = |audio, video| Request::VideoroomJoin {
        session: "s".into(),
        account: alice(),
        uri: aor("room@conference.example.com"),
        sdp: "v=0\r\n".into(),
        audio,
        video,
    };
    let update = |session: &'static str, audio, video, bitrate| Request::VideoroomSessionUpdate {
        session: session.into(),
        audio,
        video,
        bitrate,
    };
    let configure = |ids: &[&'static str]| Request::VideoroomConfigure {
        session: "s".into(),
        active_participants: ids.iter().map(|id| (*id).into()).collect(),
    };
    let composing = |state, refresh| Request::VideoroomComposingIndication { session: "s".into(), state, refresh };
    let trickle =
        |session: &'static str, candidates| Request::VideoroomSessionTrickle { session: session.into(), candidates };
    let attach = || Request::VideoroomFeedAttach { session: "s".into(), publisher: "p".into(), feed: "f".into() };
    let answer = || Request::VideoroomFeedAnswer { session: "s".into(), feed: "f".into(), sdp: "v=0\r\n".into() };
    let detach = || Request::VideoroomFeedDetach { session: "s".into(), feed: "f".into() };
    let invite = || Request::VideoroomInvite {
        session: "s".into(),
        participants: vec![aor("bob@example.com"), aor("carol@example.com")],
    };
    let (ctl, hand) = (&["videoroom-ctl"][..], &["videoroom-toggle-hand"][..]);
    vec![
        case(
            &["videoroom-join"],
            r#""session":"s","account":"alice@example.com","uri":"sip:room@conference.example.com","sdp":"v=0\r\n""#,
            join(true, true),
        ),
        case(
            &["videoroom-join"],
            r#""session":"s","account":"alice@example.com","uri":"room@conference.example.com","sdp":"v=0\r\n","audio":null,"video":false"#,
            join(true, false),
        ),
        case(
            &["videoroom-terminate", "videoroom-leave"],
            r#""session":"s""#,
            Request::VideoroomLeave { session: "s".into() },
        ),
        case(&["videoroom-session-trickle"], r#""session":"f","candidates":[]"#, trickle("f", vec![])),
        case(ctl, r#""session":"s","option":"trickle","trickle":{"candidates":[]}"#, trickle("s", vec![])),
        case(
            ctl,
            r#""session":"s","option":"trickle","trickle":{"session":"f","candidates":[{"candidate":"candidate:1 1 udp 2 192.0.2.1 9 typ host","sdpMid":"0","sdpMLineIndex":0}]}"#,
            trickle("f", vec![candidate()]),
        ),
        case(ctl, r#""session":"s","option":"trickle","trickle":{"session":"","candidates":[]}"#, trickle("s", vec![])),
        case(
            ctl,
            r#""session":"s","option":"trickle","trickle":{"session":null,"candidates":[]}"#,
            trickle("s", vec![]),
        ),
        case(
            &["videoroom-session-update"],
            r#""session":"f","options":{"audio":false,"video":true,"bitrate":64000}"#,
            update("f", Some(false), Some(true), Some(64_000)),
        ),
        case(&["videoroom-session-update"], r#""session":"s","options":{"audio":null}"#, update("s", None, None, None)),
        case(
            ctl,
            r#""session":"s","option":"update","update":{"video":false,"bitrate":1}"#,
            update("s", None, Some(false), Some(1)),
        ),
        case(&["videoroom-feed-attach"], r#""session":"s","publisher":"p","feed":"f""#, attach()),
        case(ctl, r#""session":"s","option":"feed-attach","feed_attach":{"session":"f","publisher":"p"}"#, attach()),
        case(&["videoroom-feed-answer"], r#""session":"s","feed":"f","sdp":"v=0\r\n""#, answer()),
        case(ctl, r#""session":"s","option":"feed-answer","feed_answer":{"session":"f","sdp":"v=0\r\n"}"#, answer()),
        case(&["videoroom-feed-detach"], r#""session":"s","feed":"f""#, detach()),
        case(ctl, r#""session":"s","option":"feed-detach","feed_detach":{"session":"f"}"#, detach()),
        case(&["videoroom-configure"], r#""session":"s","active_participants":["a","b"]"#, configure(&["a", "b"])),
        case(
            &["videoroom-configure"],
            r#""session":"s","active_participants":["b","a","b","b","a"]"#,
            configure(&["b", "a"]),
        ),
        case(
            ctl,
            r#""session":"s","option":"configure-room","configure_room":{"active_participants":[]}"#,
            configure(&[]),
        ),
        case(
            &["videoroom-invite"],
            r#""session":"s","participants":["bob@example.com","sip:carol@example.com","sip:bob@example.com"]"#,
            invite(),
        ),
        case(
            ctl,
            r#""session":"s","option":"invite-participants","invite_participants":{"participants":["bob@example.com","carol@example.com"]}"#,
            invite(),
        ),
        case(
            &["videoroom-message"],
            r#""session":"s","message_id":"m","content":"hi","content_type":"text/plain""#,
            Request::VideoroomMessage {
                session: "s".into(),
                message_id: "m".into(),
                content: "hi".into(),
                content_type: "text/plain".into(),
            },
        ),
        case(
            &["videoroom-composing-indication"],
            r#""session":"s","state":"active","refresh":60"#,
            composing(Composing::Active, Some(60)),
        ),
        case(&["videoroom-composing-indication"], r#""session":"s","state":"idle""#, composing(Composing::Idle, None)),
        case(
            &["videoroom-mute-audio-participants"],
            r#""session":"s""#,
            Request::VideoroomMuteAudioParticipants { session: "s".into() },
        ),
        case(hand, r#""session":"s""#, Request::VideoroomToggleHand { session: "s".into(), session_id: None }),
        case(
            hand,
            r#""session":"s","session_id":"other""#,
            Request::VideoroomToggleHand { session: "s".into(), session_id: Some("other".into()) },
        ),
    ]
}

pub(super) fn cases() -> impl Iterator<Item = Case> {
    accounts().into_iter().chain(calls()).chain(rooms())
}
