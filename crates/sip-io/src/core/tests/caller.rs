use std::time::Duration;

use super::*;
use crate::api::By;
use crate::wire::Method;

fn calling() -> (World, Message) {
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    let invite = world.next();
    assert_eq!(world.news(), ["Calling"]);
    (world, invite)
}

const ASKS: &str = "Proxy-Authenticate: Digest realm=\"example.com\",nonce=\"n\",qop=\"auth\"\r\n";
const BOB: &str = "Contact: <sip:bob@10.0.0.9:5060>\r\n";

#[test]
fn a_call_with_a_challenge_rings_and_is_answered() {
    let (mut world, invite) = calling();
    assert_eq!(invite.uri(), "sip:bob@example.com");
    assert_eq!(invite.value("Route"), Some("<sip:10.0.0.9;lr>"));
    assert_eq!(invite.value("From").map(|from| from.starts_with("\"Alice\" <sip:alice@example.com>;tag=")), Some(true));
    assert_eq!((invite.value("Session-Expires"), invite.value("Min-SE")), (Some("1800"), Some("90")));
    world.reply(&invite, 407, "Proxy Authentication Required", "p", ASKS);
    let ack = world.next();
    assert_eq!((ack.method(), ack.via(), ack.tag("To")), (Some(&Method::Ack), invite.via(), Some("p")));
    let again = world.next();
    assert_eq!(
        (again.call_id(), again.tag("From"), again.cseq().map(|(seq, _)| seq)),
        (invite.call_id(), invite.tag("From"), Some(2))
    );
    assert!(again.value("Proxy-Authorization").is_some());
    world.reply(&again, 100, "Trying", "", "");
    world.reply(&again, 180, "Ringing", "b", BOB);
    world.reply(&again, 183, "Session Progress", "b", &format!("{BOB}\r\n{SDP}"));
    world.reply(&again, 183, "Session Progress", "b", &format!("{BOB}\r\n{SDP}"));
    assert_eq!(
        world.news(),
        ["Trying", "Provisional(180, sdp: None)", "Provisional(183, sdp: Some(66))", "Provisional(183, sdp: None)"],
        "its description is told once"
    );
    world.reply(
        &again,
        200,
        "OK",
        "b",
        &format!("{BOB}Record-Route: <sip:10.0.0.9:5060;lr>, <sip:10.0.0.8;lr>\r\n\r\n{SDP}"),
    );
    let ack = world.next();
    assert_eq!((ack.uri(), ack.cseq()), ("sip:bob@10.0.0.9:5060", Some((2, Method::Ack))));
    let routes: Vec<&str> = ack.values("Route").collect();
    assert_eq!(routes, ["<sip:10.0.0.8;lr>", "<sip:10.0.0.9:5060;lr>"], "the other way round");
    assert_eq!(world.news(), ["Accepted(sdp: Some(66))"]);
    // Its ACK was lost.
    world.reply(&again, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    assert_eq!(world.next(), ack);
    assert!(world.news().is_empty());
    world.dialog(1, DialogOrder::Hangup);
    let bye = world.next();
    assert_eq!((bye.method(), bye.tag("To"), bye.cseq().map(|(seq, _)| seq)), (Some(&Method::Bye), Some("b"), Some(3)));
    assert!(bye.value("Proxy-Authorization").is_none(), "it goes to 10.0.0.8, whom nobody has chosen");
    assert_eq!(world.news(), ["Ended(200 OK, Here)"]);
}

#[test]
fn refusals_keep_their_words() {
    for (status, phrase) in [(486, "Besetzt"), (404, "Not Found"), (603, "Decline"), (488, "Not Acceptable Here")] {
        let (mut world, invite) = calling();
        world.reply(&invite, status, phrase, "b", "");
        assert_eq!(world.next().method(), Some(&Method::Ack));
        assert_eq!(world.news(), [format!("Ended({status} {phrase}, Peer)")]);
        // A copy is acknowledged again, and nothing is told.
        world.reply(&invite, status, phrase, "b", "");
        assert_eq!(world.first_lines(), ["ACK"]);
        assert!(world.news().is_empty());
    }
}

#[test]
fn a_wrong_password_and_a_foreign_challenge() {
    let (mut world, invite) = calling();
    world.reply(&invite, 407, "Proxy Authentication Required", "p", ASKS);
    world.next();
    let again = world.next();
    world.reply(&again, 407, "Proxy Authentication Required", "p", ASKS);
    assert_eq!(world.news(), ["Ended(904 Operation has no matching challenge , Peer)"]);
    // A stranger's domain: nothing of ours is shown to it.
    let mut world = World::new();
    let to = Uri::parse("sip:bob@elsewhere.org").expect("a URI");
    world.order(Order::NewDialog(1, Box::new(Outgoing { to, ..to_bob() })));
    let invite = world.next();
    world.reply(&invite, 407, "Proxy Authentication Required", "p", ASKS);
    assert_eq!(world.first_lines(), ["ACK"]);
    assert_eq!(world.news(), ["Calling", "Ended(407 Proxy Authentication Required, Peer)"]);
}

#[test]
fn a_call_is_cancelled_once_it_rings() {
    let (mut world, invite) = calling();
    world.dialog(1, DialogOrder::Hangup);
    assert!(world.silent(), "not before a 1xx");
    assert_eq!(world.news(), ["Ended(487 Request Terminated, Here)"]);
    world.reply(&invite, 180, "Ringing", "b", BOB);
    let cancel = world.next();
    assert_eq!((cancel.method(), cancel.via(), cancel.uri()), (Some(&Method::Cancel), invite.via(), invite.uri()));
    assert_eq!(
        (cancel.tag("To"), cancel.cseq(), cancel.value("Route")),
        (None, Some((1, Method::Cancel)), invite.value("Route"))
    );
    world.reply(&cancel, 200, "OK", "b", "");
    world.reply(&invite, 487, "Request Terminated", "b", "");
    assert_eq!(world.first_lines(), ["ACK"]);
    assert!(world.news().is_empty());
    world.pass(Duration::from_secs(70));
    assert_eq!(world.core.counters.snapshot().transactions, 0);
    assert!(world.core.calls.is_empty() && world.core.by_tag.is_empty());
}

#[test]
fn an_answer_that_crosses_the_cancel_is_hung_up() {
    let (mut world, invite) = calling();
    world.reply(&invite, 180, "Ringing", "b", BOB);
    world.dialog(1, DialogOrder::Hangup);
    assert_eq!(world.first_lines(), ["CANCEL"]);
    world.reply(&invite, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    let (ack, bye) = (world.next(), world.next());
    assert_eq!((ack.method(), bye.method(), bye.tag("To")), (Some(&Method::Ack), Some(&Method::Bye), Some("b")));
    world.reply(&invite, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    assert_eq!(world.first_lines(), ["ACK"], "again, and no second BYE");
    assert_eq!(world.news(), ["Provisional(180, sdp: None)", "Ended(487 Request Terminated, Here)"]);
}

#[test]
fn of_two_forks_the_first_to_answer_wins() {
    let (mut world, invite) = calling();
    world.reply(&invite, 183, "Session Progress", "one", &format!("{BOB}\r\n{SDP}"));
    world.reply(&invite, 183, "Session Progress", "two", &format!("Contact: <sip:two@10.0.0.7>\r\n\r\n{SDP}"));
    world.reply(&invite, 200, "OK", "two", &format!("Contact: <sip:two@10.0.0.7>\r\n\r\n{SDP}"));
    assert_eq!(world.next().tag("To"), Some("two"));
    world.reply(&invite, 200, "OK", "one", &format!("{BOB}\r\n{SDP}"));
    let (ack, bye) = (world.next(), world.next());
    assert_eq!((ack.tag("To"), bye.tag("To"), bye.method()), (Some("one"), Some("one"), Some(&Method::Bye)));
    assert_eq!(bye.uri(), "sip:bob@10.0.0.9:5060");
    let news = world.news();
    assert_eq!(news[..2], ["Provisional(183, sdp: Some(66))", "Provisional(183, sdp: None)"], "one is heard");
    assert_eq!(news[2..], ["Accepted(sdp: Some(66))"]);
    world.dialog(1, DialogOrder::Hangup);
    assert_eq!(world.next().tag("To"), Some("two"));
}

#[test]
fn nobody_answers() {
    let (mut world, _) = calling();
    world.pass(Duration::from_secs(33));
    assert_eq!(world.news(), ["Ended(408 Request Timeout, Network)"]);
    let (mut world, invite) = calling();
    world.reply(&invite, 180, "Ringing", "b", BOB);
    world.pass(Duration::from_secs(299));
    assert_eq!(world.news(), ["Provisional(180, sdp: None)"], "it rings");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.news(), ["Ended(408 Request Timeout, Network)"]);
    assert_eq!(world.first_lines().last().map(String::as_str), Some("CANCEL"));
}

#[test]
fn nobody_can_be_asked() {
    let mut world = World::new();
    world.unknown.push("example.com");
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    assert_eq!(world.news(), ["Unresolved"]);
    let mut world = World::new();
    world.away.push("example.com");
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    assert_eq!(world.news(), ["Ended(503 Service Unavailable, Network)"]);
    let mut world = World::new();
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    let key = world.core.clients.keys().next().expect("a transaction").clone();
    world.core.unsent(&key);
    world.input(Input::Deadline);
    assert_eq!(world.news(), ["Calling", "Ended(503 Service Unavailable, Network)"]);
}

#[test]
fn a_redirection_is_followed_once() {
    let (mut world, invite) = calling();
    world.reply(&invite, 302, "Moved", "x", "Contact: <sip:carol@example.com>;q=1\r\n");
    assert_eq!(world.next().method(), Some(&Method::Ack));
    let next = world.next();
    assert_eq!((next.uri(), next.call_id(), next.tag("To")), ("sip:carol@example.com", invite.call_id(), None));
    world.reply(&next, 302, "Moved", "x", "Contact: <sip:dave@example.com>\r\n");
    assert_eq!(world.news(), ["Ended(302 Moved, Peer)"]);
}

#[test]
fn a_session_interval_that_is_too_small_is_raised() {
    let (mut world, invite) = calling();
    world.reply(&invite, 422, "Session Interval Too Small", "x", "Min-SE: 3600\r\n");
    world.next();
    let again = world.next();
    assert_eq!((again.value("Session-Expires"), again.value("Min-SE")), (Some("3600"), Some("3600")));
    world.reply(&again, 422, "Session Interval Too Small", "x", "Min-SE: 60\r\n");
    assert_eq!(world.news(), ["Ended(422 Session Interval Too Small, Peer)"]);
}

#[test]
fn an_offer_of_theirs_is_answered_in_the_ack() {
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(Outgoing { sdp: None, ..to_bob() })));
    let invite = world.next();
    assert_eq!(invite.content_type(), None);
    world.reply(&invite, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    assert!(world.silent(), "the owner has not answered yet");
    world.reply(&invite, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    world.dialog(1, DialogOrder::Ack("v=0 answer".to_owned()));
    let ack = world.next();
    assert_eq!((ack.method(), ack.text().as_str()), (Some(&Method::Ack), "v=0 answer"));
    world.reply(&invite, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    assert_eq!(world.next(), ack);
    assert_eq!(world.news(), ["Calling", "Accepted(sdp: Some(66))"]);
    // An owner that never answers.
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(Outgoing { sdp: None, ..to_bob() })));
    let invite = world.next();
    world.reply(&invite, 200, "OK", "b", &format!("{BOB}\r\n{SDP}"));
    world.pass(Duration::from_secs(33));
    assert_eq!(world.first_lines()[..2], ["ACK", "BYE"]);
    assert_eq!(world.news(), ["Calling", "Accepted(sdp: Some(66))", "Ended(408 Request Timeout, Network)"]);
}

#[test]
fn a_reliable_provisional_answer_is_acknowledged() {
    let (mut world, invite) = calling();
    world.reply(&invite, 183, "Session Progress", "b", &format!("{BOB}Require: 100rel\r\nRSeq: 813520\r\n\r\n{SDP}"));
    let prack = world.next();
    assert_eq!((prack.method(), prack.value("RAck")), (Some(&Method::Prack), Some("813520 1 INVITE")));
    assert_eq!((prack.tag("To"), prack.uri()), (Some("b"), "sip:bob@10.0.0.9:5060"));
    world.reply(&prack, 200, "OK", "b", "");
    world.reply(&invite, 200, "OK", "b", BOB);
    let ack = world.next();
    assert_eq!(ack.cseq(), Some((1, Method::Ack)));
    assert_eq!(world.news(), ["Provisional(183, sdp: Some(66))", "Accepted(sdp: None)"]);
}

#[test]
fn a_long_request_takes_a_stream_if_there_is_one() {
    let long = || Outgoing { sdp: Some(format!("{SDP}a=x:{}\r\n", "x".repeat(1_500))), ..to_bob() };
    let mut world = World::new();
    world.order(Order::NewDialog(1, Box::new(long())));
    let (invite, _, transport) = world.next_with_path();
    assert_eq!(transport, Transport::Tcp);
    assert!(invite.value("Via").is_some_and(|via| via.starts_with("SIP/2.0/TCP")));
    assert!(invite.value("Contact").is_some_and(|contact| contact.contains("transport=tcp")));
    let mut world = World::new();
    world.away.push("tcp");
    world.order(Order::NewDialog(1, Box::new(long())));
    assert_eq!(world.next_with_path().2, Transport::Udp, "nobody is there");
    let mut world = World::new();
    let to = Uri::parse("sip:bob@example.com;transport=udp").expect("a URI");
    world.order(Order::NewDialog(1, Box::new(Outgoing { to, ..long() })));
    assert_eq!(world.next_with_path().2, Transport::Udp, "who wants datagrams gets them");
}

#[test]
fn who_is_asked_for_by_sips_finds_us_by_it() {
    let mut world = World::new();
    let to = Uri::parse("sips:bob@example.com").expect("a URI");
    world.order(Order::NewDialog(1, Box::new(Outgoing { to, ..to_bob() })));
    let invite = world.next();
    assert!(world.asked[0].secure);
    assert!(
        invite
            .value("Contact")
            .is_some_and(|contact| contact.starts_with("<sips:") && contact.ends_with("@10.0.0.1:5062>"))
    );
}

#[test]
fn lines_of_a_client_are_sent_but_for_ours() {
    let mut world = World::new();
    let lines = [("X-Room", "5"), ("Via", "evil"), ("X-Evil", "a\r\nFrom: b"), ("Subject", "hi")];
    let headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let display = Some("Al\"ice\r\nX-Evil: 1".to_owned());
    world.order(Order::NewDialog(1, Box::new(Outgoing { headers, display, ..to_bob() })));
    let invite = world.next();
    assert_eq!(
        (invite.value("X-Room"), invite.value("Subject"), invite.value("X-Evil")),
        (Some("5"), Some("hi"), None)
    );
    assert_eq!((invite.values("Via").count(), invite.values("From").count()), (1, 1));
}

#[test]
fn who_gives_up_before_a_path_is_found_calls_nobody() {
    let mut world = World::new();
    world.slow = true;
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    world.dialog(1, DialogOrder::Hangup);
    assert_eq!(world.news(), ["Ended(487 Request Terminated, Here)"], "it was never a call");
    let (ask, target) = world.asks.pop().expect("a question");
    let path = Path { flow: 1, transport: Transport::Udp, remote: local(), local: local(), target };
    world.input(Input::Routed { ask, result: Ok(path) });
    assert!(world.silent());
}

#[test]
fn who_lets_go_of_a_call_ends_it() {
    let (mut world, invite) = calling();
    world.reply(&invite, 180, "Ringing", "b", BOB);
    world.news();
    world.order(Order::DropDialog(1));
    assert_eq!(world.first_lines(), ["CANCEL"]);
    assert!(world.news().is_empty());
}

#[test]
fn at_the_bound_nobody_is_called() {
    let limits = crate::settings::Limits { dialogs: 1, ..Default::default() };
    let mut world = World::with(Settings { limits, ..Settings::default() });
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    world.order(Order::NewDialog(2, Box::new(to_bob())));
    assert_eq!(world.first_lines(), ["INVITE"]);
    let ended = world.calls.pop().expect("news");
    assert!(matches!(ended, (2, DialogNews::Ended(ended)) if ended.code == 503 && ended.by == By::Network));
}
