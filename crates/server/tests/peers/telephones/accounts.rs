//! Registrations: sylk.md sections 9.1 and 9.2, cases 11 to 25.

use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::session::server;
use super::client::{HA1, Sylk, beside, registered, registered_with, with};
use super::telephone::Telephone;

const WRONG: &str = "00000000000000000000000000000000";

#[test]
fn y11_y16_a_registration_and_its_end() {
    let (_server, mut telephone, mut client, contact) = registered();
    client.ask(json!({"sylkrtc": "account-unregister", "account": "alice@example.com"}));
    let ended = telephone.next("REGISTER");
    assert!(ended.header("Contact").contains(&contact), "{}", ended.0);
    assert!(ended.0.contains("expires=0") || ended.header("Expires") == "0", "{}", ended.0);
    telephone.is_signed(&ended, "Authorization", HA1, "n1");
    telephone.takes(&ended, 0);
    client.hears_nothing(Duration::from_millis(200));
    // And once more.
    client.register();
    let again = telephone.next("REGISTER");
    telephone.takes(&again, 600);
    client.registration(&json!({"state": "registered"}));
}

#[test]
fn y12_a_wrong_password_is_asked_for_once() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    for (protocol, add, register) in
        [("sylkRTC-2", "account-add", "account-register"), ("sylkRTC-1", "add_account", "register")]
    {
        let mut client = Sylk::speaking(&server, protocol);
        client.ask(json!({"sylkrtc": add, "account": "alice@example.com", "password": WRONG}));
        client.ask(json!({"sylkrtc": register, "account": "alice@example.com"}));
        for nonce in ["n1", "n2"] {
            let request = telephone.next("REGISTER");
            telephone.challenges(&request, 401, "example.com", nonce);
        }
        let reason = "904 Operation has no matching challenge ";
        if protocol == "sylkRTC-2" {
            client.registration(&json!({"state": "registering"}));
            client.registration(&json!({"state": "failed", "reason": reason}));
        } else {
            let event = |data| {
                json!({
                    "sylkrtc": "account_event", "account": "alice@example.com", "event": "registration_state", "data": data,
                })
            };
            client.told(&event(json!({"state": "registering"})));
            client.told(&event(json!({"state": "failed", "reason": reason})));
        }
        telephone.hears_nothing(Duration::from_millis(300));
    }
}

#[test]
fn y17_a_registrar_that_forbids() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.register();
    let request = telephone.next("REGISTER");
    telephone.answer(&request, "403 Forbidden", "", "");
    client.registration(&json!({"state": "failed", "reason": "403 Forbidden"}));
}

#[test]
fn y18_a_registrar_that_is_not_there() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = format!("{};transport=tcp", listener.local_addr().expect("an address"));
    drop(listener);
    let server = server(&[("PATCHBAY_SIP__OUTBOUND_PROXY", &proxy)]);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.register();
    client.registration(&json!({"state": "failed", "reason": "503 Service Unavailable"}));
}

#[test]
fn a_domain_without_an_address_is_the_requests_error() {
    let server = server(&[]);
    let mut client = Sylk::new(&server);
    let account = "alice@no-such-domain.invalid";
    client.ask(json!({"sylkrtc": "account-add", "account": account, "password": HA1}));
    let error = client.fails(json!({"sylkrtc": "account-register", "account": account}));
    assert!(error.starts_with("DNS lookup error: "), "{error}");
}

#[test]
fn y19_an_account_of_another_domain() {
    let server = server(&[("PATCHBAY_DIALECT__SYLK__DOMAINS", "example.com")]);
    let mut client = Sylk::new(&server);
    let add = |account: &str| json!({"sylkrtc": "account-add", "account": account, "password": HA1});
    assert_eq!(client.fails(add("alice@example.net")), "SIP domain not allowed: example.net");
    client.ask(add("alice@example.com"));
}

#[test]
fn y21_of_two_challenges_the_one_that_can_be_answered() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.register();
    let first = telephone.next("REGISTER");
    let lines = "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"s\", algorithm=SHA-256, qop=\"auth\"\r\n\
                 WWW-Authenticate: Digest realm=\"example.com\", nonce=\"m\", algorithm=MD5, qop=\"auth,auth-int\"\r\n";
    telephone.answer(&first, "401 Unauthorized", lines, "");
    let second = telephone.next("REGISTER");
    telephone.is_signed(&second, "Authorization", HA1, "m");
    telephone.takes(&second, 600);
    client.registration(&json!({"state": "registered"}));
}

#[test]
fn y22_y23_what_is_granted_is_refreshed_in_time_and_in_silence() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.register();
    let first = telephone.registers(HA1, 10);
    let granted = Instant::now();
    client.registration(&json!({"state": "registered"}));
    let refresh = telephone.next("REGISTER");
    assert!(granted.elapsed() < Duration::from_secs(10), "{:?}", granted.elapsed());
    assert_eq!(refresh.header("Call-ID"), first.header("Call-ID"));
    // The nonce is too old, which is no fault of the password.
    let stale =
        "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n2\", algorithm=MD5, qop=\"auth\", stale=true\r\n";
    telephone.answer(&refresh, "401 Unauthorized", stale, "");
    let second = telephone.next("REGISTER");
    telephone.is_signed(&second, "Authorization", HA1, "n2");
    telephone.takes(&second, 10);
    client.hears_nothing(Duration::from_millis(200));
    let third = telephone.next("REGISTER");
    telephone.answer(&third, "403 Forbidden", "", "");
    client.registration(&json!({"state": "failed", "reason": "403 Forbidden"}));
    client.hears_nothing(Duration::from_millis(300));
}

#[test]
fn y24_who_goes_without_a_word_is_unregistered_at_once() {
    let (_server, mut telephone, client, contact) = registered();
    let gone = Instant::now();
    client.leaves();
    let last = telephone.next("REGISTER");
    assert!(gone.elapsed() < Duration::from_secs(1), "{:?}", gone.elapsed());
    assert!(last.header("Contact").contains(&contact), "{}", last.0);
    assert!(last.0.contains("expires=0") || last.header("Expires") == "0", "{}", last.0);
}

#[test]
fn who_stops_takes_its_registrations_back() {
    let (mut server, mut telephone, _client, contact) = registered();
    server.signal(rustix::process::Signal::TERM);
    let last = telephone.next("REGISTER");
    assert!(last.header("Contact").contains(&contact), "{}", last.0);
    assert!(last.0.contains("expires=0") || last.header("Expires") == "0", "{}", last.0);
    telephone.takes(&last, 0);
    assert!(server.wait(Duration::from_secs(5)).is_some_and(|status| status.success()));
}

#[test]
fn two_sockets_of_one_account_are_two_contacts() {
    let (server, mut telephone, _client, contact) = registered();
    let mut other = Sylk::new(&server);
    other.add(HA1);
    other.register();
    let second = telephone.registers(HA1, 600).contact();
    other.registration(&json!({"state": "registered"}));
    assert_ne!(contact, second);
}

#[test]
fn a_device_that_can_be_woken_is_named_to_the_registrar() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.ask(json!({
        "sylkrtc": "account-devicetoken", "account": "alice@example.com", "token": "t0ken", "platform": "apple",
        "device": "d1", "silent": false, "app": "org.example.app",
    }));
    client.register();
    let contact = telephone.registers(HA1, 600).header("Contact").to_owned();
    for part in ["pn-tok=t0ken", "pn-type=apple", "pn-app=org.example.app", "pn-silent=0", "pn-device=d1"] {
        assert!(contact.contains(part), "{part}: {contact}");
    }
}

/// DECISIONS 35: whoever sits elsewhere and knows a branch is given no credentials.
#[test]
fn a_challenge_of_somebody_else_is_not_answered() {
    let mut telephone = Telephone::new();
    let server = beside(&telephone);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.register();
    let request = telephone.next("REGISTER");
    let stranger = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).expect("a port");
    let forged = format!(
        "SIP/2.0 401 Unauthorized\r\nVia: {}\r\nFrom: {}\r\nTo: {};tag=x\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         WWW-Authenticate: Digest realm=\"example.com\", nonce=\"evil\", algorithm=MD5, qop=\"auth\"\r\n\
         Content-Length: 0\r\n\r\n",
        request.header("Via"),
        request.header("From"),
        request.header("To"),
        request.header("Call-ID"),
        request.header("CSeq")
    );
    stranger.send_to(forged.as_bytes(), telephone.server.expect("it was heard")).expect("sent");
    telephone.hears_nothing(Duration::from_millis(300));
    // The true one is answered, in another realm not.
    telephone.challenges(&request, 401, "elsewhere.net", "n1");
    client.registration(&json!({"state": "failed", "reason": "401 Unauthorized"}));
}

#[test]
fn many_accounts_of_one_connection() {
    let mut telephone = Telephone::new();
    let server = with(&telephone, &[]);
    let mut client = Sylk::new(&server);
    for number in 0..16 {
        client.ask(json!({"sylkrtc": "account-add", "account": format!("a{number}@example.com"), "password": HA1}));
    }
    let one_more = json!({"sylkrtc": "account-add", "account": "b@example.com", "password": HA1});
    assert!(client.fails(one_more).contains("16 accounts"));
    let account = "a15@example.com";
    client.ask(json!({"sylkrtc": "account-register", "account": account}));
    let request = telephone.next("REGISTER");
    assert!(request.header("From").contains("a15@example.com"));
}

#[test]
fn a_message_goes_with_a_receipt_and_one_comes() {
    let (_server, mut telephone, mut client, contact) = registered_with(&[]);
    client.ask(json!({
        "sylkrtc": "account-message", "account": "alice@example.com", "uri": "bob@example.com", "message_id": "m1",
        "content": "hello\r\nVia: x", "content_type": "text/plain", "timestamp": "2026-01-01T00:00:00Z",
    }));
    let sent = telephone.next("MESSAGE");
    assert_eq!(sent.header("Content-Type"), "message/cpim");
    assert!(sent.body().contains("imdn.Message-ID: m1") && sent.body().contains("hello"), "{}", sent.0);
    // A telephone that cannot read it that way hears it plainly.
    telephone.answer(&sent, "415 Unsupported Media Type", "", "");
    let plain = telephone.next("MESSAGE");
    assert_eq!((plain.header("Content-Type"), plain.body()), ("text/plain", "hello\r\nVia: x"));
    telephone.answer(&plain, "200 OK", "", "");
    let told = client.next();
    assert_eq!(
        (&told["event"], &told["message_id"], &told["state"], &told["code"]),
        (&json!("disposition-notification"), &json!("m1"), &json!("accepted"), &json!(200))
    );
    let mut dialog = Telephone::stranger(&contact, "message");
    let cpim = "From: Bob <sip:bob@example.com>\r\nTo: <sip:alice@example.com>\r\nDateTime: 2026-01-01T00:00:01Z\r\n\
                NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: m2\r\nimdn.Disposition-Notification: positive-delivery\r\n\r\n\
                Content-Type: text/plain\r\n\r\nback";
    telephone.ask(&mut dialog, "MESSAGE", "Content-Type: message/cpim\r\n", cpim);
    telephone.next("200");
    let told = client.next();
    assert_eq!(
        (&told["event"], &told["message_id"], &told["content"], &told["disposition_notification"]),
        (&json!("message"), &json!("m2"), &json!("back"), &json!(["positive-delivery"]))
    );
}
