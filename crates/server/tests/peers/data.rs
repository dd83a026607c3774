//! Data channels and who hears whom: cases 74 to 76.

use std::time::Duration;

use serde_json::json;

use super::common::process::Server;
use super::peer::Peer;
use super::session::{PATIENCE, Session, server};

/// The longest frame that the JavaScript SDK sends: a token of four bytes and 16,000 of payload.
const LONGEST: usize = 16_004;
/// What is not to come does not come within this time.
const SILENT: Duration = Duration::from_millis(500);

/// A publishes s, B and C play it, and all their channels are open.
fn three(settings: &[(&str, &str)]) -> (Server, [Session; 3]) {
    let server = server(settings);
    let [mut a, mut b, mut c] = [(); 3].map(|()| Session::new(&server));
    a.publish("s", &json!({}));
    b.play("s", &json!({}));
    c.play("s", &json!({}));
    a.until_true("the publisher's channel is open", PATIENCE, |a| a.publishes["s"].seen().channel);
    for player in [&mut b, &mut c] {
        player.until_true("the player's channel is open", PATIENCE, |one| one.plays["s"].seen().channel);
    }
    (server, [a, b, c])
}

fn publisher(session: &Session) -> &Peer {
    &session.publishes["s"]
}

fn player(session: &Session) -> &Peer {
    &session.plays["s"]
}

fn until_heard(session: &mut Session, peer: fn(&Session) -> &Peer, wanted: &[(bool, Vec<u8>)]) {
    session.until_true("all messages have come", PATIENCE, |session| peer(session).seen().heard.len() >= wanted.len());
    let seen = peer(session).seen();
    assert!(seen.heard == wanted, "other messages: lengths {:?}", seen.heard.iter().map(|(_, text)| text.len()));
}

fn assert_unheard(session: &Session, peer: fn(&Session) -> &Peer) {
    assert_eq!(peer(session).seen().heard, [] as [(bool, Vec<u8>); 0]);
}

#[test]
fn case_74_what_a_publisher_says_reaches_every_player_as_it_was() {
    let (_server, [a, mut b, mut c]) = three(&[]);
    let long: Vec<u8> = (0..LONGEST).map(|at| (at % 251) as u8).collect();
    let said = [
        (false, b"first".to_vec()),
        (true, 7_u64.to_le_bytes().to_vec()),
        (true, long),
        (false, "last, \u{e4}".as_bytes().to_vec()),
    ];
    for (binary, message) in &said {
        publisher(&a).say(*binary, message);
    }
    for one in [&mut b, &mut c] {
        until_heard(one, player, &said);
    }
    assert_unheard(&a, publisher);
}

#[test]
fn case_75_what_a_player_says_reaches_all_others() {
    let (_server, [mut a, mut b, mut c]) = three(&[]);
    player(&b).say(false, b"hello");
    let said = [(false, b"hello".to_vec())];
    until_heard(&mut a, publisher, &said);
    until_heard(&mut c, player, &said);
    b.listen(SILENT);
    assert_unheard(&b, player);
}

#[test]
fn case_76_what_a_player_says_may_reach_the_publisher_alone() {
    let (_server, [mut a, b, mut c]) = three(&[("PATCHBAY_DIALECT__ANTMEDIA__DATA_CHANNEL", "publisher")]);
    player(&b).say(false, b"hello");
    until_heard(&mut a, publisher, &[(false, b"hello".to_vec())]);
    c.listen(SILENT);
    assert_unheard(&c, player);
}

#[test]
fn case_76_what_a_player_says_may_reach_nobody() {
    let (_server, [mut a, b, mut c]) = three(&[("PATCHBAY_DIALECT__ANTMEDIA__DATA_CHANNEL", "none")]);
    player(&b).say(false, b"hello");
    a.listen(SILENT);
    c.listen(SILENT);
    assert_unheard(&a, publisher);
    assert_unheard(&c, player);
    publisher(&a).say(false, b"still");
    until_heard(&mut c, player, &[(false, b"still".to_vec())]);
}
