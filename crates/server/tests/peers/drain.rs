//! A server that stops: case 88, and that media goes on meanwhile.

use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::common::client::Client;
use super::common::http;
use super::common::process::Server;
use super::common::tls::Secure;
use super::common::wire::{Address, Wire};
use super::session::{PATIENCE, Session, server};
use super::whip;

/// Longer than any test takes: nothing that waits for it passes.
const LONG: (&str, &str) = ("PATCHBAY_DRAIN__DEADLINE_MS", "600000");

const SOUND: &str = "ARDAMSas";
const PICTURE: &str = "ARDAMSvs";

fn will_stop() -> Value {
    json!({"command": "notification", "definition": "server_will_stop"})
}

/// A publisher and a player of the stream `s`, with media.
fn at_work(server: &Server) -> (Session, Session) {
    let (mut a, mut b) = (Session::new(server), Session::new(server));
    a.publish("s", &json!({}));
    b.play("s", &json!({}));
    b.until_flowing("s", PICTURE);
    (a, b)
}

/// Both have been told, once, and media goes on.
fn assert_goes_on(a: &mut Session, b: &mut Session) {
    for session in [&mut *a, &mut *b] {
        session.until(&will_stop());
    }
    b.until_going_on("s", SOUND);
    b.until_going_on("s", PICTURE);
    a.listen(Duration::from_millis(50));
    for session in [a, b] {
        session.assert_untold(&will_stop());
        session.assert_untold(&json!({"command": "notification", "definition": "play_finished"}));
        session.assert_no_error();
    }
}

#[test]
fn case_88_media_goes_on_until_all_have_gone() {
    let mut server = server(&[LONG]);
    let (mut a, mut b) = at_work(&server);
    let before = Instant::now();
    server.signal(Signal::TERM);
    assert_goes_on(&mut a, &mut b);
    // Nobody new: balancers are told, and whoever comes nevertheless is sent away and told why.
    let ready = http::get(&server.address(), "/readyz");
    assert_eq!((ready.status, &*ready.body), (503, "closing\n"));
    let mut late = Session::new(&server);
    assert_eq!(late.until_closed(&will_stop()), (Some(1001), 1));
    // A view can still be ended and begun anew by who is there, as after any loss of its connection.
    b.send(json!({"command": "stop", "streamId": "s"}));
    b.until_notified("play_finished", "s");
    b.plays.remove("s");
    b.play("s", &json!({}));
    b.until_flowing("s", PICTURE);
    a.leave();
    b.until_notified("play_finished", "s");
    assert!(server.wait(Duration::from_millis(100)).is_none(), "somebody is still there");
    b.leave();
    let status = server.wait(PATIENCE).expect("it ends with the last client");
    assert!(status.success(), "{status}: {}", server.log());
    assert!(before.elapsed() < Duration::from_secs(60), "not because of the deadline");
}

#[test]
fn at_the_deadline_all_are_closed() {
    const DEADLINE: Duration = Duration::from_millis(2_500);
    let mut server = server(&[("PATCHBAY_DRAIN__DEADLINE_MS", "2500")]);
    let (mut a, mut b) = at_work(&server);
    let start = Instant::now();
    server.signal(Signal::INT);
    b.until(&will_stop());
    b.until_going_on("s", SOUND);
    assert_eq!(a.until_closed(&will_stop()), (Some(1001), 1));
    assert!(start.elapsed() + Duration::from_millis(50) >= DEADLINE, "after {:.2?}", start.elapsed());
    assert_eq!(b.until_closed(&will_stop()).0, Some(1001));
    assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
}

#[test]
fn a_second_signal_ends_the_drain() {
    for (first, second) in [(Signal::TERM, Signal::TERM), (Signal::TERM, Signal::INT), (Signal::INT, Signal::TERM)] {
        let mut server = server(&[LONG]);
        let mut a = Session::new(&server).settled();
        server.signal(first);
        a.until(&will_stop());
        server.signal(second);
        assert_eq!(a.until_closed(&will_stop()), (Some(1001), 0), "{first:?} {second:?}");
        assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
    }
}

/// Every kind of listener, both paths, with a drain and without one; other dialects have no word for it.
#[test]
fn all_sockets_are_told_wherever_they_came_in() {
    for settings in [&[][..], &[LONG]] {
        let own = ("PATCHBAY_DIALECT__ANTMEDIA__LISTEN", "127.0.0.1:0");
        let folder = super::common::process::Folder::new();
        let unix = format!("unix:{}", folder.path().join("patchbay.sock").display());
        let addr = format!("127.0.0.1:0,{unix}");
        let listeners = [own, ("ADDR", addr.as_str())];
        let mut secure = Secure::start(&[&listeners[..], settings].concat());
        let server = &secure.server;
        let mut addresses = server.addresses().to_vec();
        addresses.extend([secure.address(), server.own("antmedia"), secure.trusted(server.own("antmedia"))]);
        assert_eq!(addresses.len(), 5, "HTTP, Unix, HTTPS, the own port in both ways: {addresses:?}");
        let paths = ["/LiveApp/websocket", "/StreamApp/websocket/signaling?target=edge"];
        let open = |address: &Address| paths.map(|path| Session::at(address, path).settled());
        let mut sessions: Vec<_> = addresses.iter().flat_map(open).collect();
        let mut mesh = Client::new(&server.address());
        mesh.join("r", "m");
        server.signal(Signal::TERM);
        if settings.is_empty() {
            for session in &mut sessions {
                assert_eq!(session.until_closed(&will_stop()), (Some(1001), 1));
            }
        } else {
            for session in &mut sessions {
                session.until(&will_stop());
            }
            mesh.text(r#"{"type":"ping"}"#);
            assert_eq!(mesh.message()["type"], "pong", "it goes on");
            server.signal(Signal::TERM);
            for session in &mut sessions {
                assert_eq!(session.until_closed(&will_stop()), (Some(1001), 0));
            }
        }
        assert_eq!(mesh.hear(PATIENCE), Some(Heard::Closed(Some(1001))));
        assert!(secure.server.wait(PATIENCE).expect("it ends").success(), "{}", secure.server.log());
    }
}

/// Who publishes by HTTP has no socket that could be counted, and is there nevertheless.
#[test]
fn a_publisher_by_whip_is_waited_for() {
    let mut server = server(&[LONG]);
    let publisher = whip::live(&server, "/LiveApp/whip/s");
    let mut b = Session::new(&server);
    b.play("s", &json!({}));
    b.until_flowing("s", PICTURE);
    server.signal(Signal::TERM);
    b.until(&will_stop());
    b.until_going_on("s", PICTURE);
    b.leave();
    assert!(server.wait(Duration::from_millis(300)).is_none(), "the publisher is still there");
    assert_eq!(whip::ask(&server, "POST", "/LiveApp/whip/t", &[whip::SDP], "v=0").status, 503, "nobody new");
    assert_eq!(publisher.delete(&server), 200);
    assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
}

/// A balancer that asks for health on one connection for ever does not hold the server.
#[test]
fn a_connection_that_is_only_kept_for_later_ends_with_its_next_answer() {
    let mut server = server(&[LONG]);
    let mut a = Session::new(&server).settled();
    let mut balancer = Wire::connect(&server.address()).expect("the server accepts");
    let ask = |wire: &mut Wire| {
        wire.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n").expect("the server reads");
        http::read_head(wire).expect("an answer")
    };
    assert_eq!(ask(&mut balancer).header("connection"), None);
    server.signal(Signal::TERM);
    a.until(&will_stop());
    let last = ask(&mut balancer);
    assert_eq!((last.status, last.header("connection")), (503, Some("close")));
    a.leave();
    assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
}

/// An upgrade that comes while the server drains is answered as any other, and closed at once.
#[test]
fn newcomers_of_every_dialect_are_closed() {
    let mut server = server(&[LONG]);
    let mut a = Session::new(&server).settled();
    server.signal(Signal::TERM);
    a.until(&will_stop());
    for path in ["/ws", "/sid", "/LiveApp/websocket"] {
        let mut late = Client::at(&server.address(), path, &Handshake::default()).expect("an upgrade");
        let mut heard = late.hear(PATIENCE);
        if matches!(heard, Some(Heard::Text(_))) {
            heard = late.hear(PATIENCE);
        }
        assert_eq!(heard, Some(Heard::Closed(Some(1001))), "{path}");
    }
    a.leave();
    assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
}
