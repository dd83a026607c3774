use std::time::Duration;

use super::*;
use crate::wire::Method;

fn ringing() -> (World, u64, String) {
    let (mut world, token) = World::registered();
    let invite = invite(&token, "c1", "");
    world.hear(&invite);
    let call = world.new.pop().expect("a call");
    assert_eq!(call.from.uri, "bob@example.com");
    assert_eq!((call.from.display.as_deref(), call.from.asserted), (Some("Bob"), false));
    assert_eq!((call.to.as_str(), call.call_id.as_str(), call.sdp.as_deref()), ("alice@example.com", "c1", Some(SDP)));
    assert_eq!(world.first_lines(), ["100 Trying"]);
    (world, call.dialog, invite)
}

fn cancel(invite: &str, lines: &str) -> String {
    let text = invite.replacen("INVITE", "CANCEL", 1).replace("1 INVITE", "1 CANCEL");
    let head = text.split("Content-Type").next().expect("a head");
    format!("{head}{lines}Content-Length: 0\r\n\r\n")
}

#[test]
fn a_call_rings_and_is_answered() {
    let (mut world, id, invite) = ringing();
    world.dialog(id, DialogOrder::Ring);
    let ringing = world.next();
    assert_eq!((ringing.status(), ringing.phrase()), (Some(180), "Ringing"));
    assert!(ringing.tag("To").is_some() && ringing.value("Contact").is_some());
    world.hear(&invite);
    assert_eq!(world.next(), ringing, "the last answer once more");
    world.dialog(id, DialogOrder::Progress("v=0 early".into()));
    assert_eq!((world.next().text().as_str()), "v=0 early");
    world.dialog(
        id,
        DialogOrder::Answer { sdp: SDP.into(), headers: vec![("X-A".into(), "1".into()), ("Via".into(), "x".into())] },
    );
    let ok = world.next();
    assert_eq!(
        (ok.status(), ok.text().as_str(), ok.value("X-A"), ok.values("Via").count()),
        (Some(200), SDP, Some("1"), 1)
    );
    assert_eq!(ok.value("Via"), Some("SIP/2.0/UDP 10.0.0.9:5060;branch=z9hG4bKc1INVITE1;rport=5060;received=10.0.0.9"));
    world.pass(Duration::from_millis(1_600));
    assert_eq!((world.next(), world.next()), (ok.clone(), ok.clone()), "until its ACK comes");
    let tag = ok.tag("To").expect("a tag").to_owned();
    world.hear(&inside("ACK", "c1", &tag, 1, "", ""));
    world.pass(Duration::from_secs(40));
    assert!(world.silent());
    assert_eq!(world.news(), ["Acked(sdp: None)"]);
    world.hear(&inside("BYE", "c1", &tag, 2, "", ""));
    assert_eq!(world.first_lines(), ["200 OK"]);
    assert_eq!(world.news(), ["Ended(200 OK, Peer)"]);
    world.hear(&inside("BYE", "c1", &tag, 3, "", ""));
    assert_eq!(world.first_lines(), ["481 Call/Transaction Does Not Exist"]);
}

#[test]
fn refusals_and_their_acks() {
    for (order, line, news) in [
        (DialogOrder::Reject(486), "486 Busy Here", "Ended(486 Busy Here, Here)"),
        (DialogOrder::Reject(42), "500 Server Internal Error", "Ended(500 Server Internal Error, Here)"),
        (DialogOrder::Hangup, "603 Decline", "Ended(603 Decline, Here)"),
    ] {
        let (mut world, id, invite) = ringing();
        world.dialog(id, order);
        let refusal = world.next();
        assert_eq!(format!("{} {}", refusal.status().unwrap_or(0), refusal.phrase()), line);
        assert_eq!(world.news(), [news]);
        world.pass(Duration::from_millis(600));
        assert_eq!(world.next(), refusal, "until its ACK comes");
        let tag = refusal.tag("To").expect("a tag");
        let ack = invite
            .replacen("INVITE", "ACK", 1)
            .replace("1 INVITE", "1 ACK")
            .replace("To: <sip:alice@example.com>", &format!("To: <sip:alice@example.com>;tag={tag}"));
        world.hear(&ack);
        world.pass(Duration::from_secs(60));
        assert!(world.silent());
        assert_eq!(world.core.counters.snapshot().transactions, 0);
        assert!(world.core.calls.is_empty() && world.core.origins.is_empty());
    }
    let (mut world, id, _) = ringing();
    world.order(Order::DropDialog(id));
    assert_eq!(world.first_lines(), ["480 Temporarily Unavailable"]);
}

#[test]
fn the_caller_gives_up() {
    for (reason, news) in [
        ("", "Ended(487 Request Terminated, Peer)"),
        ("Reason: SIP ;cause=200 ;text=\"Call completed elsewhere\"\r\n", "Ended(487 Request Terminated, Elsewhere)"),
        ("Reason: Q.850;cause=16\r\n", "Ended(487 Request Terminated, Peer)"),
    ] {
        let (mut world, id, invite) = ringing();
        world.dialog(id, DialogOrder::Ring);
        world.forget_sent();
        world.hear(&cancel(&invite, reason));
        assert_eq!(world.first_lines(), ["200 OK", "487 Request Terminated"]);
        assert_eq!(world.news(), [news]);
        world.dialog(id, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
        assert!(world.silent(), "too late");
    }
    let mut world = World::new();
    world.hear(&cancel(&invite("x", "c9", ""), ""));
    assert_eq!(world.first_lines(), ["481 Call/Transaction Does Not Exist"]);
}

#[test]
fn a_cancel_after_the_answer_changes_nothing() {
    let (mut world, id, invite) = ringing();
    world.dialog(id, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
    world.forget_sent();
    world.hear(&cancel(&invite, ""));
    assert_eq!(world.first_lines(), ["200 OK"]);
    assert!(world.news().is_empty());
}

#[test]
fn nobody_answers() {
    let (mut world, _, _) = ringing();
    world.pass(Duration::from_secs(121));
    assert_eq!(world.first_lines()[0], "480 Temporarily Unavailable");
    assert_eq!(world.news(), ["Ended(480 Temporarily Unavailable, Network)"]);
}

#[test]
fn an_answer_that_is_never_acknowledged() {
    let (mut world, id, _) = ringing();
    world.dialog(id, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
    world.pass(Duration::from_secs(33));
    assert_eq!(world.news(), ["Ended(408 Request Timeout, Network)"]);
    assert!(world.first_lines().iter().any(|line| line == "BYE"));
}

#[test]
fn who_hangs_up_before_the_ack_waits_for_it() {
    let (mut world, id, _) = ringing();
    world.dialog(id, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
    let tag = world.next().tag("To").expect("a tag").to_owned();
    world.dialog(id, DialogOrder::Hangup);
    assert!(world.silent());
    assert_eq!(world.news(), ["Ended(200 OK, Here)"]);
    world.hear(&inside("ACK", "c1", &tag, 1, "", ""));
    assert_eq!(world.first_lines(), ["BYE"]);
}

#[test]
fn an_invite_without_an_offer_gets_ours() {
    let (mut world, token) = World::registered();
    let invite = request("INVITE", &format!("sip:{token}@10.0.0.1"), "c1", "", 1, "", "");
    world.hear(&invite);
    let call = world.new.pop().expect("a call");
    assert_eq!(call.sdp, None);
    world.dialog(call.dialog, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
    world.next();
    let tag = world.next().tag("To").expect("a tag").to_owned();
    world.hear(&inside("ACK", "c1", &tag, 1, "", "v=0 answer"));
    assert_eq!(world.calls.pop(), Some((call.dialog, DialogNews::Acked { sdp: Some("v=0 answer".into()) })));
}

#[test]
fn a_busy_line_says_so_and_tells_its_owner() {
    let (mut world, token) = World::registered();
    for call in ["c1", "c2"] {
        world.hear(&invite(&token, call, ""));
        assert!(world.new.pop().is_some());
    }
    world.forget_sent();
    world.hear(&invite(&token, "c3", ""));
    assert_eq!(world.first_lines(), ["486 Busy Here"]);
    assert!(world.new.is_empty());
    assert_eq!(world.line_news(), ["Missed"]);
    // One ends, and there is room again.
    world.hear(&cancel(&invite(&token, "c2", ""), ""));
    world.hear(&invite(&token, "c4", ""));
    assert!(world.new.pop().is_some());
}

#[test]
fn whom_nobody_knows() {
    let mut world = World::with(Settings { domains: vec!["Rooms.example".into()], ..Settings::default() });
    world.hear(&invite("nobody", "c1", ""));
    assert_eq!(world.first_lines(), ["404 Not Found"]);
    world.hear(&request("INVITE", "sip:demo@rooms.example", "c2", "", 1, "", SDP));
    let call = world.new.pop().expect("a call to our domain");
    assert_eq!(call.line, None);
}

#[test]
fn who_is_asserted_by_the_proxy_is_believed() {
    let lines = "P-Asserted-Identity: \"Robert\" <sip:+4930@carrier.example>\r\n";
    for (proxy, uri, asserted) in [(true, "+4930@carrier.example", true), (false, "bob@example.com", false)] {
        let mut world = if proxy { World::behind_proxy() } else { World::new() };
        world.order(Order::NewLine(1, Box::new(alice())));
        world.order(Order::Line(1, LineOrder::Start));
        let contact = world.next().value("Contact").expect("a contact").to_owned();
        let token = contact.trim_start_matches("<sip:").split('@').next().expect("a user").to_owned();
        world.hear(&invite(&token, "c1", lines));
        let call = world.new.pop().expect("a call");
        assert_eq!((call.from.uri.as_str(), call.from.asserted), (uri, asserted));
    }
}

#[test]
fn what_is_required_and_unknown_is_refused() {
    let (mut world, token) = World::registered();
    world.hear(&invite(&token, "c1", "Require: timer, foo\r\nRequire: bar\r\n"));
    let refusal = world.next();
    assert_eq!((refusal.status(), refusal.value("Unsupported")), (Some(420), Some("foo, bar")));
    world.hear(&invite(&token, "c2", "Content-Type: text/html\r\n"));
    let refusal = world.next();
    assert_eq!((refusal.status(), refusal.value("Accept")), (Some(415), Some("application/sdp")));
    world.hear(&invite(&token, "c3", "Session-Expires: 30\r\nSupported: timer\r\n"));
    let refusal = world.next();
    assert_eq!((refusal.status(), refusal.value("Min-SE")), (Some(422), Some("90")));
    world.hear(&invite(&token, "c4", "Content-Encoding: gzip\r\n"));
    assert_eq!(world.next().status(), Some(415));
    assert!(world.new.is_empty());
}

#[test]
fn provisional_answers_that_must_arrive() {
    let (mut world, token) = World::registered();
    world.hear(&invite(&token, "c1", "Require: 100rel\r\n"));
    let id = world.new.pop().expect("a call").dialog;
    world.next();
    world.dialog(id, DialogOrder::Ring);
    world.dialog(id, DialogOrder::Progress(SDP.into()));
    world.dialog(id, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
    let ringing = world.next();
    assert_eq!(
        (ringing.status(), ringing.value("RSeq"), ringing.value("Require")),
        (Some(180), Some("1"), Some("100rel"))
    );
    assert!(world.silent(), "one at a time");
    world.pass(Duration::from_millis(600));
    assert_eq!(world.next(), ringing);
    let tag = ringing.tag("To").expect("a tag").to_owned();
    world.hear(&inside("PRACK", "c1", &tag, 2, "RAck: 7 1 INVITE\r\n", ""));
    assert_eq!(world.first_lines(), ["481 Call/Transaction Does Not Exist"]);
    world.hear(&inside("PRACK", "c1", &tag, 3, "RAck: 1 1 INVITE\r\n", ""));
    assert_eq!(world.first_lines(), ["183 Session Progress", "200 OK"]);
    world.hear(&inside("PRACK", "c1", &tag, 4, "RAck: 2 1 INVITE\r\n", ""));
    let (ok, prack) = (world.next(), world.next());
    assert_eq!((ok.cseq(), prack.cseq()), (Some((1, Method::Invite)), Some((4, Method::Prack))));
    // A caller that never acknowledges.
    world.hear(&invite(&token, "c2", "Require: 100rel\r\n"));
    let id = world.new.pop().expect("a call").dialog;
    world.dialog(id, DialogOrder::Ring);
    world.forget_sent();
    world.pass(Duration::from_secs(33));
    assert!(world.first_lines().contains(&"504 Server Time-out".to_owned()));
}

#[test]
fn a_request_that_came_on_two_ways_is_served_once() {
    let (mut world, _, invite) = ringing();
    world.hear(&invite.replace("branch=z9hG4bKc1INVITE1", "branch=z9hG4bKother"));
    assert_eq!(world.first_lines(), ["482 Loop Detected"]);
    assert!(world.new.is_empty());
}

#[test]
fn both_lines_of_an_account_ring() {
    let (mut world, first) = World::registered();
    world.order(Order::NewLine(2, Box::new(alice())));
    world.order(Order::Line(2, LineOrder::Start));
    let contact = world.next().value("Contact").expect("a contact").to_owned();
    let second = contact.trim_start_matches("<sip:").split('@').next().expect("a user").to_owned();
    let text = invite(&first, "c1", "");
    world.hear(&text);
    world.hear(&text.replace(&first, &second).replace("branch=z9hG4bKc1", "branch=z9hG4bKfork"));
    let lines: Vec<_> = world.new.drain(..).map(|call| call.line).collect();
    assert_eq!(lines, [Some(1), Some(2)]);
}

#[test]
fn at_the_bound_calls_are_refused_and_strangers_dropped() {
    let limits = crate::settings::Limits { dialogs: 1, transactions: 4, ..Default::default() };
    let mut world = World::with(Settings { limits, domains: vec!["d".into()], ..Settings::default() });
    let to = |call: &str| request("INVITE", "sip:x@d", call, "", 1, "", SDP);
    world.hear(&to("c1"));
    world.hear(&to("c2"));
    assert_eq!(world.first_lines(), ["100 Trying", "503 Service Unavailable"]);
    for call in ["c3", "c4", "c5", "c6"] {
        world.hear(&to(call));
    }
    assert_eq!(world.first_lines().len(), 2);
    assert_eq!(world.core.counters.snapshot().dropped, 2);
}
