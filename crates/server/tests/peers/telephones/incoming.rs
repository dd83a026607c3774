//! Calls in: sylk.md sections 6.3 and 9.5, cases 47 to 56.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{HA1, Sylk, registered, registered_with};
use super::telephone::{Telephone, media_line, target};

const PCMU: &str = "0 PCMU/8000";
const DIGITS: &str = "101 telephone-event/8000";

/// The next message is that somebody calls: the session, and the offer.
fn comes(client: &mut Sylk, call_id: &str) -> (String, String) {
    let told = client.next();
    let (session, sdp) = (told["session"].as_str().unwrap_or_default(), told["sdp"].as_str().unwrap_or_default());
    assert_eq!(
        told,
        json!({
            "sylkrtc": "account-event", "account": "alice@example.com", "event": "incoming-session",
            "session": session, "originator": {"uri": "bob@example.com", "display_name": "Bob"}, "sdp": sdp,
            "call_id": call_id,
        })
    );
    (session.to_owned(), sdp.to_owned())
}

fn missed() -> Value {
    json!({
        "sylkrtc": "account-event", "account": "alice@example.com", "event": "missed-session",
        "originator": {"uri": "bob@example.com", "display_name": "Bob"},
    })
}

/// Takes a call: the answer, as it came to the telephone.
fn answers(client: &mut Sylk, telephone: &mut Telephone, session: &str, offer: &str) -> super::telephone::Message {
    let sdp = client.peer.give(offer);
    client.ask(json!({"sylkrtc": "session-answer", "session": session, "sdp": sdp}));
    client.state(session, "accepted", &json!({}));
    telephone.next("200")
}

#[test]
fn y47_y48_y54_a_call_with_sound_both_ways() {
    let (_server, mut telephone, mut client, contact) = registered();
    let video = format!("m=video {} RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n", 49_170);
    let offer = telephone.describe(&["96 opus/48000/2", PCMU, DIGITS], &video);
    let (mut dialog, _) = telephone.invites(&contact, "call-1", "", &offer);
    let (session, sdp) = comes(&mut client, "call-1");
    let lengths: Vec<_> = session.split('-').map(str::len).collect();
    assert_eq!((session.replace('-', ""), lengths), (md5_of("call-1"), vec![8, 4, 4, 4, 12]));
    assert!(sdp.contains("a=sendrecv"), "{sdp}");
    let (audio, video) = (media_line(&sdp, "audio"), media_line(&sdp, "video"));
    assert!(audio[2..].iter().all(|number| !video[2..].contains(number)), "numbers of both: {sdp}");
    telephone.next("180");
    let answer = answers(&mut client, &mut telephone, &session, &sdp);
    // The telephone's numbers hold in its answer: the one codec, and keys.
    assert_eq!(media_line(answer.body(), "audio")[2..], ["96", "101"], "{}", answer.body());
    assert_eq!(media_line(answer.body(), "video")[2..], ["96"], "{}", answer.body());
    telephone.confirms(&mut dialog, &answer, "");
    client.established(&session);
    let heard = client.heard();
    telephone.talks(target(answer.body(), "audio"), 96, 20);
    client.hears(heard + 1);
    assert!(telephone.hears(10).contains(&96));
    let error = client.fails(json!({"sylkrtc": "session-answer", "session": session, "sdp": sdp}));
    assert!(error.starts_with(&format!("Invalid state for answering session {session}")), "{error}");
    telephone.hangs_up(&mut dialog);
    client.terminated(&session, "200 OK");
}

fn md5_of(text: &str) -> String {
    use md5::{Digest as _, Md5};
    Md5::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn y47_the_old_words_for_it() {
    for (protocol, add, register) in
        [("sylkRTC-1", "account-add", "account-register"), ("sylkRTC-1", "add_account", "register")]
    {
        let mut telephone = Telephone::new();
        let server = super::client::beside(&telephone);
        let mut client = Sylk::speaking(&server, protocol);
        client.ask(json!({"sylkrtc": add, "account": "alice@example.com", "password": HA1}));
        client.ask(json!({"sylkrtc": register, "account": "alice@example.com"}));
        client.next();
        let contact = telephone.registers(HA1, 600).contact();
        client.next();
        let offer = telephone.describe(&[PCMU], "");
        let (_, invite) = telephone.invites(&contact, "call-1", "", &offer);
        let told = client.next();
        let id = md5_of("call-1");
        let (event, data) = if add == "add_account" {
            ("incoming_call", json!({"caller": "bob@example.com", "sdp": told["data"]["sdp"]}))
        } else {
            let originator = json!({"uri": "bob@example.com", "display_name": "Bob"});
            ("incoming_session", json!({"originator": originator, "sdp": told["data"]["sdp"]}))
        };
        assert_eq!(
            told,
            json!({
                "sylkrtc": "account_event", "account": "alice@example.com", "event": event, "session": id, "data": data,
            })
        );
        telephone.next("180");
        telephone.cancels(&invite, "");
        let ended = client.next();
        assert_eq!(ended["data"], json!({"state": "terminated", "reason": "487 Request Terminated"}));
        if add == "add_account" {
            client.hears_nothing(Duration::from_millis(200));
        } else {
            assert_eq!(client.next()["event"], "missed_session");
        }
    }
}

#[test]
fn y50_a_call_that_is_declined() {
    let (_server, mut telephone, mut client, contact) = registered();
    let offer = telephone.describe(&[PCMU], "");
    telephone.invites(&contact, "call-1", "", &offer);
    let (session, _) = comes(&mut client, "call-1");
    telephone.next("180");
    client.ends(&session);
    client.terminated(&session, "486 Busy Here");
    telephone.next("486");
    client.hears_nothing(Duration::from_millis(200));
}

#[test]
fn y51_y56_a_call_that_is_taken_back() {
    let (_server, mut telephone, mut client, contact) = registered();
    let offer = telephone.describe(&[PCMU], "");
    for (call, more) in [("call-1", ""), ("call-2", "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n")] {
        let (_dialog, invite) = telephone.invites(&contact, call, "", &offer);
        let (session, _) = comes(&mut client, call);
        telephone.next("180");
        telephone.cancels(&invite, more);
        telephone.next("200");
        telephone.next("487");
        let told = client.next();
        assert_eq!((&told["state"], &told["session"]), (&json!("terminated"), &json!(session)), "{told}");
        if more.is_empty() {
            assert_eq!(told["reason"], "487 Request Terminated");
            client.told(&missed());
        } else {
            client.hears_nothing(Duration::from_millis(200));
        }
    }
}

#[test]
fn y52_the_third_call_at_once_is_missed() {
    let (_server, mut telephone, mut client, contact) = registered();
    let offer = telephone.describe(&[PCMU], "");
    for call in ["call-1", "call-2"] {
        telephone.invites(&contact, call, "", &offer);
        comes(&mut client, call);
        telephone.next("180");
    }
    telephone.invites(&contact, "call-3", "", &offer);
    telephone.next("486");
    client.told(&missed());
}

#[test]
fn y53_lines_that_the_account_wants_to_see() {
    let mut telephone = Telephone::new();
    let server = super::client::beside(&telephone);
    let mut client = Sylk::new(&server);
    client.ask(json!({
        "sylkrtc": "account-add", "account": "alice@example.com", "password": HA1, "incoming_header_prefixes": ["X-"],
    }));
    client.register();
    let contact = telephone.registers(HA1, 600).contact();
    client.registration(&json!({"state": "registered"}));
    let offer = telephone.describe(&[PCMU], "");
    telephone.invites(&contact, "call-1", "X-Foo: 1\r\nSubject: no\r\n", &offer);
    assert_eq!(client.next()["headers"], json!({"X-Foo": "1"}));
}

#[test]
fn y55_an_offer_that_cannot_be_read_or_has_nothing_in_common() {
    let (_server, mut telephone, mut client, contact) = registered();
    for (number, offer) in ["v=0\r\nnonsense", "not SDP at all", "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"]
        .into_iter()
        .map(ToOwned::to_owned)
        .chain([telephone.describe(&["18 G729/8000"], "")])
        .enumerate()
    {
        let call = format!("call-{number}");
        let (mut dialog, _) = telephone.invites(&contact, &call, "", &offer);
        telephone.next("488");
        telephone.ask(&mut dialog, "ACK", "", "");
    }
    client.hears_nothing(Duration::from_millis(200));
}

/// DECISIONS 36.
#[test]
fn a_telephone_that_leaves_the_offer_to_us() {
    let (_server, mut telephone, mut client, contact) = registered();
    let (mut dialog, _) = telephone.invites(&contact, "call-1", "", "");
    let (session, sdp) = comes(&mut client, "call-1");
    telephone.next("180");
    let answer = answers(&mut client, &mut telephone, &session, &sdp);
    assert!(media_line(answer.body(), "audio").contains(&"0"), "{}", answer.body());
    let body = telephone.describe(&[PCMU], "");
    telephone.confirms(&mut dialog, &answer, &body);
    client.established(&session);
    telephone.hears(5);
    let heard = client.heard();
    telephone.talks(target(answer.body(), "audio"), 0, 20);
    client.hears(heard + 1);
    telephone.hangs_up(&mut dialog);
    client.terminated(&session, "200 OK");
}

#[test]
fn who_goes_while_it_rings_is_not_available() {
    let (_server, mut telephone, mut client, contact) = registered_with(&[]);
    let offer = telephone.describe(&[PCMU], "");
    telephone.invites(&contact, "call-1", "", &offer);
    comes(&mut client, "call-1");
    telephone.next("180");
    client.leaves();
    telephone.next("480");
}

#[test]
fn who_is_not_registered_any_more_is_not_found() {
    let (_server, mut telephone, client, contact) = registered();
    client.leaves();
    let gone = telephone.next("REGISTER");
    telephone.takes(&gone, 0);
    let offer = telephone.describe(&[PCMU], "");
    telephone.invites(&contact, "call-1", "", &offer);
    telephone.next("404");
}

/// `sip.domains`: who calls our own address reaches the client whose account that is, and nobody who has not proved it.
#[test]
fn a_call_to_a_domain_of_ours() {
    let settings = [("PATCHBAY_SIP__LISTEN", "udp:127.0.0.1:0"), ("PATCHBAY_SIP__DOMAINS", "example.com")];
    let (server, mut telephone, mut client, _) = registered_with(&settings);
    let listener = server.ready("sip")[0].as_str().expect("a listener").trim_end_matches("/udp").to_owned();
    telephone.server = Some(listener.parse().expect("an address"));
    let offer = telephone.describe(&[PCMU], "");
    let (mut dialog, _) = telephone.invites("sip:alice@example.com", "call-1", "", &offer);
    let (session, sdp) = comes(&mut client, "call-1");
    telephone.next("180");
    let answer = answers(&mut client, &mut telephone, &session, &sdp);
    telephone.confirms(&mut dialog, &answer, "");
    client.established(&session);
    telephone.hangs_up(&mut dialog);
    client.terminated(&session, "200 OK");
    let mut unproved = Sylk::new(&server);
    unproved.ask(json!({"sylkrtc": "account-add", "account": "carol@example.com", "password": HA1}));
    for (user, status) in [("carol@example.com", "480"), ("nobody@example.com", "480"), ("alice@example.net", "404")] {
        let mut dialog = Telephone::stranger(&format!("sip:{user}"), user);
        dialog.theirs = format!("<sip:{user}>");
        telephone.ask(&mut dialog, "INVITE", "", &offer);
        telephone.next(status);
    }
}
