//! Who is let in, and speaking what: sylk.md section 1, cases 1 to 6.

use patchbay_dialect_kit::testing::{Handshake, Input, Turned};
use serde_json::json;

use super::super::common::client::Client;
use super::super::common::process::Server;
use super::super::session::server;

fn open(server: &Server, protocol: Option<&str>, origin: Option<&str>) -> Result<Client, Turned> {
    let text = |text: Option<&str>| text.map(ToOwned::to_owned);
    let handshake = Handshake { protocol: text(protocol), origin: text(origin), ..Handshake::default() };
    Client::at(&server.address(), "/webrtcgateway/ws", &handshake)
}

#[test]
fn y01_y02_y03_y04_what_is_spoken_is_agreed_upon() {
    let server = server(&[]);
    for (offered, chosen, ready) in [
        ("sylkRTC-2", "sylkRTC-2", json!({"sylkrtc": "ready-event"})),
        ("sylkRTC-1", "sylkRTC-1", json!({"sylkrtc": "event", "event": "ready"})),
        ("sylkRTC-1, sylkRTC-2", "sylkRTC-2", json!({"sylkrtc": "ready-event"})),
        ("foo, sylkRTC-1", "sylkRTC-1", json!({"sylkrtc": "event", "event": "ready"})),
    ] {
        let mut client = open(&server, Some(offered), None).unwrap_or_else(|turned| panic!("{turned:?}"));
        let told = client.message();
        assert_eq!((client.protocol.as_deref(), told), (Some(chosen), ready), "{offered}");
    }
    for offered in [Some("foo"), None] {
        let turned = open(&server, offered, None).err().expect("it is refused");
        assert_eq!(turned.status, 406, "{offered:?}");
    }
}

#[test]
fn y05_a_page_of_another_origin() {
    let server = server(&[("PATCHBAY_DIALECT__SYLK__ORIGINS", "https://phone.example.com")]);
    let turned = open(&server, Some("sylkRTC-2"), Some("https://evil.example.com")).err().expect("it is refused");
    assert_eq!(turned.status, 403);
    assert!(open(&server, Some("sylkRTC-2"), Some("https://phone.example.com")).is_ok());
}

#[test]
fn y06_y07_what_is_no_request_is_ignored() {
    let server = server(&[]);
    let mut client = open(&server, Some("sylkRTC-2"), None).unwrap_or_else(|turned| panic!("{turned:?}"));
    client.message();
    for text in ["not json", "[]", r#"{"a":1}"#, "", r#"{"sylkrtc":"ping"}"#] {
        client.text(text);
    }
    client.say(&Input::Binary(vec![0; 16])).expect("the connection stands");
    client.text(r#"{"sylkrtc":"ping","transaction":"t1"}"#);
    assert_eq!(client.message(), json!({"sylkrtc": "ack", "transaction": "t1"}));
    assert!(client.hear(std::time::Duration::from_millis(100)).is_none());
}

/// The reference's own port, where any path does.
#[test]
fn a_listener_of_its_own() {
    let server = server(&[("PATCHBAY_DIALECT__SYLK__LISTEN", "127.0.0.1:0")]);
    let handshake = Handshake { protocol: Some("sylkRTC-2".to_owned()), ..Handshake::default() };
    let mut client = Client::at(&server.own("sylk"), "/", &handshake).unwrap_or_else(|turned| panic!("{turned:?}"));
    assert_eq!(client.message(), json!({"sylkrtc": "ready-event"}));
}
