//! A server that stops, and calls with telephones: they go on while it drains, and both sides hear of its end (DECISIONS 9).

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::super::common::http;
use super::super::common::process::Server;
use super::super::session::PATIENCE;
use super::client::{HA1, Sylk, registered_with, with};
use super::inside::standing_with;
use super::telephone::{Telephone, target};

/// Longer than any test takes: nothing that waits for it passes.
const LONG: (&str, &str) = ("PATCHBAY_DRAIN__DEADLINE_MS", "600000");
const PCMU: &str = "0 PCMU/8000";

/// The server drains from now on.
fn drains(server: &Server) {
    server.signal(Signal::TERM);
    let deadline = Instant::now() + PATIENCE;
    while http::get(&server.address(), "/readyz").status != 503 {
        assert!(Instant::now() < deadline, "it does not drain");
    }
}

/// It ends at once, and in time.
fn ends(server: &mut Server) {
    let before = Instant::now();
    assert!(server.wait(PATIENCE).is_some_and(|status| status.success()), "{}", server.log());
    assert!(before.elapsed() < Duration::from_secs(3), "{:?}", before.elapsed());
}

#[test]
fn a_call_goes_on_until_somebody_hangs_up() {
    let (mut server, mut telephone, mut client, mut dialog, offer) = standing_with(false, &[LONG]);
    telephone.hears(5);
    drains(&server);
    telephone.hears(5);
    let heard = client.heard();
    telephone.talks(target(&offer, "audio"), 0, 10);
    client.hears(heard + 1);
    client.ask(json!({"sylkrtc": "session-dtmf-info", "session": "s1", "digit": "5"}));
    let info = telephone.next("INFO");
    telephone.answer(&info, "200 OK", "", "");
    assert!(server.wait(Duration::from_millis(100)).is_none(), "somebody is still there");
    telephone.hangs_up(&mut dialog);
    client.terminated("s1", "200 OK");
    client.leaves();
    ends(&mut server);
}

#[test]
fn both_sides_of_a_call_hear_the_end() {
    let (mut server, mut telephone, mut client, _dialog, _) = standing_with(false, &[LONG]);
    telephone.hears(5);
    drains(&server);
    client.hears_nothing(Duration::from_millis(100));
    server.signal(Signal::TERM);
    let bye = telephone.next("BYE");
    telephone.answer(&bye, "200 OK", "", "");
    client.is_sent_away();
    ends(&mut server);
}

#[test]
fn a_call_that_rings_is_taken_back() {
    let mut telephone = Telephone::new();
    let mut server = with(&telephone, &[]);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.calls("s1", "bob@example.com", false);
    let invite = telephone.next("INVITE");
    telephone.answer(&invite, "180 Ringing", "", "");
    client.state("s1", "ringing", &json!({}));
    server.signal(Signal::TERM);
    let cancel = telephone.next("CANCEL");
    assert_eq!(cancel.header("Call-ID"), invite.header("Call-ID"));
    telephone.answer(&cancel, "200 OK", "", "");
    telephone.answer(&invite, "487 Request Terminated", "", "");
    ends(&mut server);
}

#[test]
fn a_telephone_that_rings_a_client_is_refused() {
    let (mut server, mut telephone, mut client, contact) = registered_with(&[]);
    let body = telephone.describe(&[PCMU], "");
    let (mut dialog, invite) = telephone.invites(&contact, "ringing", "", &body);
    assert_eq!(client.next()["event"], "incoming-session");
    server.signal(Signal::TERM);
    let refusal = loop {
        let answer = telephone.within(PATIENCE).expect("an answer");
        match answer.kind() {
            "100" | "180" => {}
            "REGISTER" => telephone.takes(&answer, 0),
            _ => break answer,
        }
    };
    assert!(matches!(refusal.kind(), "480" | "503"), "{}", refusal.first());
    assert_eq!(refusal.header("Call-ID"), invite.header("Call-ID"));
    telephone.ask(&mut dialog, "ACK", "", "");
    ends(&mut server);
}
