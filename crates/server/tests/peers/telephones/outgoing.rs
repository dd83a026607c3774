//! Calls out: sylk.md sections 9.4 to 9.10, cases 28 to 46.

use std::time::{Duration, Instant};

use serde_json::json;

use super::super::session::server;
use super::client::{HA1, Sylk, beside, registered};
use super::telephone::{Message, Telephone, media_line, target};

const PCMU: &str = "0 PCMU/8000";
const DIGITS: &str = "101 telephone-event/8000";

fn ready() -> (super::super::common::process::Server, Telephone, Sylk) {
    let telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    (server, telephone, client)
}

/// The telephone rings and takes it.
fn takes(telephone: &mut Telephone, client: &mut Sylk, session: &str, codecs: &[&str]) -> (Message, String) {
    let invite = telephone.next("INVITE");
    telephone.answer(&invite, "100 Trying", "", "");
    telephone.answer(&invite, "180 Ringing", "", "");
    client.state(session, "ringing", &json!({}));
    client.state(session, "proceeding", &json!({"code": 180}));
    let body = telephone.describe(codecs, "");
    telephone.answer(&invite, "200 OK", "", &body);
    telephone.next("ACK");
    let sdp = client.accepted(session, invite.header("Call-ID"));
    (invite, sdp)
}

#[test]
fn y28_y36_y40_y59_a_call_with_sound_both_ways_and_keys() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", true);
    let (invite, sdp) = takes(&mut telephone, &mut client, "s1", &[PCMU, DIGITS]);
    let offer = invite.body();
    assert!(offer.len() <= 1_300, "{} bytes", offer.len());
    for word in ["ice-", "fingerprint", "candidate", "ssrc", "extmap", "BUNDLE", "a=mid", "rtcp-mux", "setup"] {
        assert!(!offer.contains(word), "{word}: {offer}");
    }
    assert_eq!(media_line(offer, "audio")[1], "RTP/AVP");
    assert!(media_line(offer, "video").len() > 3, "{offer}");
    // One codec and keys, under the browser's numbers; pictures are rejected in their place.
    assert_eq!(media_line(&sdp, "audio").len(), 4, "{sdp}");
    assert_eq!((media_line(&sdp, "audio")[2], media_line(&sdp, "video")[0]), ("0", "0"), "{sdp}");
    assert!(sdp.contains("telephone-event/8000") && sdp.matches("a=mid:").count() == 2, "{sdp}");
    client.established("s1");
    let numbers = telephone.hears(20);
    assert!(numbers.iter().all(|one| *one == 0), "{numbers:?}");
    let heard = client.heard();
    telephone.talks(target(offer, "audio"), 0, 25);
    client.hears(heard + 1);
    client.peer.press(5);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !telephone.hears(1).contains(&101) {
        assert!(Instant::now() < deadline, "no key came");
    }
    telephone.talks(target(offer, "audio"), 101, 3);
    let deadline = Instant::now() + Duration::from_secs(5);
    while !client.peer.seen().payloads.iter().any(|(_, number)| *number == 126) {
        assert!(Instant::now() < deadline, "{:?}", client.peer.seen().payloads);
        std::thread::sleep(Duration::from_millis(10));
    }
    client.ask(json!({"sylkrtc": "session-dtmf-info", "session": "s1", "digit": "5"}));
    let info = telephone.next("INFO");
    assert_eq!((info.header("Content-Type"), info.body()), ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n"));
    telephone.answer(&info, "200 OK", "", "");
    let ended = Instant::now();
    client.ends("s1");
    client.terminated("s1", "200 OK");
    assert!(ended.elapsed() < Duration::from_millis(300), "{:?}", ended.elapsed());
    let bye = telephone.next("BYE");
    telephone.answer(&bye, "200 OK", "", "");
    let error = client.fails(json!({"sylkrtc": "session-trickle", "session": "s1", "candidates": []}));
    assert_eq!(error, "Unknown session s1");
}

#[test]
fn y29_the_seed_calls() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::speaking(&server, "sylkRTC-1");
    client.ask(json!({"sylkrtc": "add_account", "account": "alice@example.com", "password": HA1}));
    let offer = client.peer.offer_to_talk(false);
    client.ask(json!({
        "sylkrtc": "call", "account": "alice@example.com", "session": "s1", "uri": "bob@example.com", "sdp": offer,
    }));
    let state = |data| json!({"sylkrtc": "session_event", "session": "s1", "event": "state", "data": data});
    client.told(&state(json!({"state": "calling"})));
    let invite = telephone.next("INVITE");
    telephone.answer(&invite, "180 Ringing", "", "");
    let body = telephone.describe(&[PCMU], "");
    telephone.answer(&invite, "200 OK", "", &body);
    let told = client.next();
    assert_eq!((&told["sylkrtc"], &told["data"]["state"]), (&json!("session_event"), &json!("accepted")), "{told}");
    client.peer.accept(told["data"]["sdp"].as_str().expect("a description"));
    client.told(&state(json!({"state": "established"})));
    telephone.hears(5);
    client.ask(json!({"sylkrtc": "terminate", "session": "s1"}));
    client.told(&state(json!({"state": "terminated", "reason": "200 OK"})));
}

#[test]
fn y33_y34_who_does_not_take_it_says_so_in_its_own_words() {
    let (_server, mut telephone, mut client) = ready();
    for (number, status, reason) in [
        (1, "486 Busy Here", "486 Busy Here"),
        (2, "404 Nobody Of That Name", "404 Nobody Of That Name"),
        (3, "480 Temporarily Unavailable", "480 Temporarily Unavailable"),
        (4, "603 Decline", "603 Decline"),
        (5, "486 Besetzt", "486 Besetzt"),
        (6, "488 Not Acceptable Here", "488 Not Acceptable Here"),
    ] {
        let session = format!("s{number}");
        client.calls(&session, "bob@example.com", false);
        client.peer = super::super::peer::Peer::telephonist();
        let invite = telephone.next("INVITE");
        telephone.answer(&invite, status, "", "");
        telephone.next("ACK");
        if number == 6 {
            // Asked for keys as well, it still does not want to.
            let again = telephone.next("INVITE");
            assert_eq!(media_line(again.body(), "audio")[1], "RTP/SAVP");
            telephone.answer(&again, status, "", "");
            telephone.next("ACK");
        }
        client.terminated(&session, reason);
        telephone.hears_nothing(Duration::from_millis(50));
    }
}

#[test]
fn y35_who_hangs_up_while_it_rings_cancels() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    telephone.answer(&invite, "180 Ringing", "", "");
    client.state("s1", "ringing", &json!({}));
    client.state("s1", "proceeding", &json!({"code": 180}));
    client.ends("s1");
    client.terminated("s1", "487 Request Terminated");
    let cancel = telephone.next("CANCEL");
    assert_eq!((cancel.branch(), cancel.header("To")), (invite.branch(), invite.header("To")));
    assert_eq!(cancel.first().split(' ').nth(1), invite.first().split(' ').nth(1));
    telephone.answer(&cancel, "200 OK", "", "");
    telephone.answer(&invite, "487 Request Terminated", "", "");
    telephone.next("ACK");
}

#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    telephone.answer(&invite, "180 Ringing", "", "");
    client.state("s1", "ringing", &json!({}));
    client.state("s1", "proceeding", &json!({"code": 180}));
    client.ends("s1");
    client.terminated("s1", "487 Request Terminated");
    telephone.next("CANCEL");
    let body = telephone.describe(&[PCMU], "");
    telephone.answer(&invite, "200 OK", "", &body);
    telephone.next("ACK");
    let bye = telephone.next("BYE");
    telephone.answer(&bye, "200 OK", "", "");
    client.hears_nothing(Duration::from_millis(200));
}

#[test]
fn y37_the_telephone_hangs_up() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let (invite, _) = takes(&mut telephone, &mut client, "s1", &[PCMU]);
    client.established("s1");
    let mut dialog = Telephone::called(&invite);
    telephone.hangs_up(&mut dialog);
    client.terminated("s1", "200 OK");
    let error = client.fails(json!({"sylkrtc": "session-terminate", "session": "s1"}));
    assert_eq!(error, "Unknown session s1");
}

#[test]
fn y38_what_is_heard_before_the_answer() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    let body = telephone.describe(&[PCMU, DIGITS], "");
    telephone.answer(&invite, "183 Session Progress", "", &body);
    let told = client.next();
    assert_eq!((&told["state"], &told["call_id"]), (&json!("early-media"), &json!(invite.header("Call-ID"))), "{told}");
    client.peer.accept(told["sdp"].as_str().expect("a description"));
    client.state("s1", "proceeding", &json!({"code": 183}));
    client.established("s1");
    let heard = client.heard();
    telephone.talks(target(invite.body(), "audio"), 0, 10);
    client.hears(heard + 1);
    telephone.answer(&invite, "200 OK", "", &body);
    client.state("s1", "accepted", &json!({}));
    telephone.next("ACK");
    telephone.hears(5);
}

#[test]
fn y39_a_progress_without_a_description_rings_once() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    telephone.answer(&invite, "183 Session Progress", "", "");
    client.state("s1", "ringing", &json!({}));
    client.state("s1", "proceeding", &json!({"code": 183}));
    telephone.answer(&invite, "180 Ringing", "", "");
    client.state("s1", "proceeding", &json!({"code": 180}));
}

#[test]
fn y41_a_telephone_without_a_codec_in_common() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    let body = telephone.describe(&["18 G729/8000"], "");
    telephone.answer(&invite, "200 OK", "", &body);
    telephone.next("ACK");
    let bye = telephone.next("BYE");
    telephone.answer(&bye, "200 OK", "", "");
    client.terminated("s1", "488 Not Acceptable Here");
}

#[test]
fn y42_a_domain_without_an_address_is_the_requests_error() {
    let server = server(&[]);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    let offer = client.peer.offer_to_talk(false);
    let error = client.fails(json!({
        "sylkrtc": "session-create", "session": "s1", "account": "alice@example.com",
        "uri": "bob@no-such-domain.invalid", "sdp": offer,
    }));
    assert!(error.starts_with("DNS lookup error: "), "{error}");
    client.hears_nothing(Duration::from_millis(200));
}

#[test]
fn y43_who_is_not_registered_shows_a_password_when_asked() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let first = telephone.next("INVITE");
    telephone.challenges(&first, 407, "example.com", "p1");
    telephone.next("ACK");
    let second = telephone.next("INVITE");
    telephone.is_signed(&second, "Proxy-Authorization", HA1, "p1");
    assert_eq!(second.header("Call-ID"), first.header("Call-ID"));
    let body = telephone.describe(&[PCMU], "");
    telephone.answer(&second, "200 OK", "", &body);
    client.accepted("s1", first.header("Call-ID"));
    client.established("s1");
}

#[test]
fn a_challenge_in_another_realm_ends_the_call() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let first = telephone.next("INVITE");
    telephone.challenges(&first, 407, "elsewhere.net", "p1");
    telephone.next("ACK");
    client.terminated("s1", "407 Proxy Authentication Required");
    telephone.hears_nothing(Duration::from_millis(200));
}

#[test]
fn y44_lines_of_the_client_and_those_that_it_may_not_write() {
    let (_server, mut telephone, mut client) = ready();
    let offer = client.peer.offer_to_talk(false);
    client.ask(json!({
        "sylkrtc": "session-create", "session": "s1", "account": "alice@example.com", "uri": "bob@example.com",
        "sdp": offer, "headers": [
            {"name": "X-Ticket", "value": "17"}, {"name": "From", "value": "<sip:eve@example.com>"},
            {"name": "Via", "value": "x"},
        ],
    }));
    client.state("s1", "progress", &json!({}));
    let invite = telephone.next("INVITE");
    assert_eq!(invite.header("X-Ticket"), "17");
    assert!(!invite.0.contains("eve@"), "{}", invite.0);
    assert_eq!(invite.0.matches("Via:").count(), 1, "{}", invite.0);
    let evil = client.fails(json!({
        "sylkrtc": "session-create", "session": "s2", "account": "alice@example.com", "uri": "bob@example.com",
        "sdp": offer, "headers": [{"name": "X-Evil", "value": "a\r\nRoute: <sip:eve>"}],
    }));
    assert!(evil.starts_with("Invalid value for 'value' property"), "{evil}");
}

#[test]
fn y45_a_telephone_that_talks_under_keys_only() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let plain = telephone.next("INVITE");
    assert!(
        media_line(plain.body(), "audio")[1] == "RTP/AVP" && plain.body().contains("a=crypto:"),
        "{}",
        plain.body()
    );
    telephone.answer(&plain, "488 Not Acceptable Here", "", "");
    telephone.next("ACK");
    let keyed = telephone.next("INVITE");
    assert_eq!(media_line(keyed.body(), "audio")[1], "RTP/SAVP");
    let suite = keyed.body().lines().find(|line| line.contains("AES_CM_128_HMAC_SHA1_80")).expect("a suite");
    let tag = suite.trim_start_matches("a=crypto:").split(' ').next().expect("a tag");
    let more = format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n");
    let body = telephone.describe(&[PCMU], &more).replace("RTP/AVP", "RTP/SAVP");
    telephone.answer(&keyed, "200 OK", "", &body);
    telephone.next("ACK");
    client.accepted("s1", keyed.header("Call-ID"));
    client.established("s1");
    // Longer by the tag that says whose it is.
    telephone.hears(5);
}

#[test]
fn who_goes_without_a_word_hangs_up() {
    let (_server, mut telephone, mut client, _) = registered();
    client.calls("s1", "bob@example.com", false);
    takes(&mut telephone, &mut client, "s1", &[PCMU]);
    client.established("s1");
    let gone = Instant::now();
    client.leaves();
    telephone.next("BYE");
    assert!(gone.elapsed() < Duration::from_secs(1), "{:?}", gone.elapsed());
    telephone.next("REGISTER");
}

/// Case 46 takes 32 s, and is the agent's (crates/sip-io, in its own time). Here: a proxy that is not there at all.
#[test]
fn a_proxy_that_refuses_connections() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = format!("{};transport=tcp", listener.local_addr().expect("an address"));
    drop(listener);
    let server = server(&[("PATCHBAY_SIP__OUTBOUND_PROXY", &proxy)]);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.calls("s1", "bob@example.com", false);
    client.terminated("s1", "503 Service Unavailable");
}

#[test]
fn a_call_moves_on_where_it_is_sent() {
    let (_server, mut telephone, mut client) = ready();
    client.calls("s1", "bob@example.com", false);
    let first = telephone.next("INVITE");
    let moved = format!("Contact: <sip:carol@{}>\r\n", telephone.address());
    telephone.answer(&first, "302 Moved Temporarily", &moved, "");
    telephone.next("ACK");
    let second = telephone.next("INVITE");
    assert!(second.first().contains("sip:carol@"), "{}", second.first());
    telephone.answer(&second, "486 Busy Here", "", "");
    client.terminated("s1", "486 Busy Here");
}
