use std::time::Duration;

use super::*;
use crate::wire::Method;

#[test]
fn a_change_of_theirs_is_the_owners_to_answer() {
    let (mut world, id, tag) = World::called();
    let text = inside("INVITE", "c1", &tag, 2, "", "v=0 hold");
    world.hear(&text);
    assert_eq!(world.calls.pop(), Some((id, DialogNews::Reinvite { sdp: Some("v=0 hold".into()) })));
    assert_eq!(world.first_lines(), ["100 Trying"]);
    world.hear(&inside("INVITE", "c1", &tag, 3, "", SDP));
    let refusal = world.next();
    assert_eq!((refusal.status(), refusal.value("Retry-After")), (Some(500), Some("5")), "one after the other");
    world.hear(&inside("ACK", "c1", &tag, 3, "", "").replace("ACK3", "INVITE3"));
    world.dialog(id, DialogOrder::AnswerReinvite(Ok("v=0 held".into())));
    let ok = world.next();
    assert_eq!((ok.status(), ok.text().as_str(), ok.cseq()), (Some(200), "v=0 held", Some((2, Method::Invite))));
    world.hear(&inside("ACK", "c1", &tag, 2, "", ""));
    world.forget_sent();
    world.pass(Duration::from_secs(5));
    assert_eq!(world.news(), ["Acked(sdp: None)"]);
    // One that the owner refuses, and one that it forgets.
    for (seq, wait) in [(4, false), (5, true)] {
        world.hear(&inside("INVITE", "c1", &tag, seq, "", SDP));
        if wait {
            world.forget_sent();
            world.pass(Duration::from_secs(21));
            assert_eq!(world.first_lines()[0], "488 Not Acceptable Here");
        } else {
            world.forget_sent();
            world.dialog(id, DialogOrder::AnswerReinvite(Err(488)));
            assert_eq!(world.first_lines(), ["488 Not Acceptable Here"]);
            world.hear(&inside("ACK", "c1", &tag, seq, "", "").replace("ACK4", "INVITE4"));
        }
        assert_eq!(world.news(), ["Reinvite(sdp: Some(66))"], "the call goes on");
    }
}

#[test]
fn a_change_of_theirs_without_an_offer() {
    let (mut world, id, tag) = World::called();
    world.hear(&inside("INVITE", "c1", &tag, 2, "", ""));
    world.dialog(id, DialogOrder::AnswerReinvite(Ok(SDP.into())));
    assert_eq!(world.first_lines(), ["100 Trying", "200 OK"]);
    world.hear(&inside("ACK", "c1", &tag, 2, "", "v=0 x"));
    assert_eq!(world.news(), ["Reinvite(sdp: None)", "Acked(sdp: Some(5))"]);
}

#[test]
fn updates() {
    let (mut world, id, tag) = World::called();
    world.hear(&inside("UPDATE", "c1", &tag, 2, "", ""));
    assert_eq!(world.first_lines(), ["200 OK"], "no offer: only the timer and the target");
    world.hear(&inside("UPDATE", "c1", &tag, 3, "", SDP));
    world.dialog(id, DialogOrder::AnswerReinvite(Ok(SDP.into())));
    assert_eq!(world.first_lines(), ["200 OK"]);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.news(), ["Reinvite(sdp: Some(66))"], "no ACK is awaited");
    assert!(world.silent());
    world.hear(&inside("INVITE", "c1", &tag, 4, "", SDP));
    assert_eq!(world.first_lines(), ["100 Trying"]);
}

#[test]
fn a_change_of_ours() {
    let (mut world, _) = World::talking();
    world.dialog(1, DialogOrder::Reinvite("v=0 video".into()));
    let invite = world.next();
    assert_eq!(
        (invite.cseq(), invite.tag("To"), invite.text().as_str()),
        (Some((2, Method::Invite)), Some("b"), "v=0 video")
    );
    assert!(invite.value("Contact").is_some());
    world.dialog(1, DialogOrder::Reinvite("v=0 more".into()));
    assert_eq!(world.news(), ["ReinviteFailed(491 Request Pending)"]);
    world.reply(&invite, 200, "OK", "b", "\r\n\r\nv=0 taken");
    let ack = world.next();
    assert_eq!(ack.cseq(), Some((2, Method::Ack)));
    assert_eq!(world.calls.pop(), Some((1, DialogNews::Reinvited { sdp: Some("v=0 taken".into()) })));
    world.reply(&invite, 200, "OK", "b", "\r\n\r\nv=0 taken");
    assert_eq!(world.next(), ack, "it was lost");
    assert!(world.news().is_empty());
    world.dialog(1, DialogOrder::Reinvite("v=0 video".into()));
    let invite = world.next();
    world.reply(&invite, 488, "No Way", "b", "");
    assert_eq!(world.first_lines(), ["ACK"]);
    assert_eq!(world.news(), ["ReinviteFailed(488 No Way)"]);
    // A challenge in the middle of the call.
    world.dialog(1, DialogOrder::Reinvite("v=0 video".into()));
    let invite = world.next();
    world.reply(
        &invite,
        407,
        "Proxy Authentication Required",
        "b",
        "Proxy-Authenticate: Digest realm=\"example.com\",nonce=\"n\"\r\n",
    );
    world.next();
    let again = world.next();
    assert!(again.value("Proxy-Authorization").is_some_and(|line| line.contains("sip:bob@10.0.0.9:5060")));
    assert!(again.cseq() > invite.cseq());
    world.reply(&again, 481, "Gone", "b", "");
    assert_eq!(world.first_lines(), ["ACK", "BYE"]);
    assert_eq!(world.news(), ["ReinviteFailed(481 Gone)", "Ended(481 Gone, Peer)"]);
}

#[test]
fn changes_that_meet() {
    let (mut world, _) = World::talking();
    world.dialog(1, DialogOrder::Reinvite("v=0 video".into()));
    let invite = world.next();
    let tag = invite.tag("From").expect("a tag").to_owned();
    let call = invite.call_id().to_owned();
    let theirs = inside("INVITE", &call, &tag, 1, "", SDP).replace("tag=bt", "tag=b");
    world.hear(&theirs);
    assert_eq!(world.next().status(), Some(491));
    world.hear(&theirs.replacen("INVITE", "ACK", 1).replace("1 INVITE", "1 ACK"));
    world.reply(&invite, 491, "Request Pending", "b", "");
    assert_eq!(world.first_lines(), ["ACK"]);
    world.pass(Duration::from_millis(2_050));
    assert!(world.silent(), "who has called waits at least 2.1 s");
    world.pass(Duration::from_secs(2));
    let again = world.next();
    assert_eq!((again.method(), again.text().as_str()), (Some(&Method::Invite), "v=0 video"));
    world.reply(&again, 200, "OK", "b", "\r\n\r\nv=0 taken");
    assert_eq!(world.news(), ["Reinvited(sdp: Some(9))"]);
}

#[test]
fn digits_and_messages_inside_of_a_call() {
    let (mut world, _) = World::talking();
    world.dialog(1, DialogOrder::Info { content_type: "application/dtmf-relay".into(), body: "Signal=5\r\n".into() });
    let info = world.next();
    assert_eq!((info.method(), info.text().as_str()), (Some(&Method::Info), "Signal=5\r\n"));
    world.reply(&info, 415, "What", "b", "");
    assert!(world.news().is_empty(), "a digit is no reason to end a call");
    world.dialog(1, DialogOrder::Text { tag: 3, content_type: "text/plain".into(), body: "hi".into() });
    let text = world.next();
    world.reply(&text, 200, "OK", "b", "");
    assert_eq!(world.news(), ["Sent(3, 200 OK)"]);
    world.dialog(1, DialogOrder::Info { content_type: "x/y".into(), body: "z".into() });
    let info = world.next();
    world.reply(&info, 481, "Gone", "b", "");
    assert_eq!(world.news(), ["Ended(481 Gone, Peer)"]);

    let (mut world, _, tag) = World::called();
    for (seq, method, lines, body, news) in [
        (2, "INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=100", "Dtmf"),
        (3, "INFO", "Content-Type: Application/Media_Control+XML\r\n", "<x/>", "Info(application/media_control+xml)"),
        (4, "MESSAGE", "Content-Type: text/plain\r\n", "hello", "Text"),
    ] {
        world.hear(&inside(method, "c1", &tag, seq, lines, body));
        assert_eq!(world.first_lines(), ["200 OK"]);
        assert_eq!(world.news(), [news]);
    }
    world.hear(&inside("INFO", "c1", &tag, 5, "", ""));
    world.hear(&inside("OPTIONS", "c1", &tag, 6, "", ""));
    world.hear(&inside("REFER", "c1", &tag, 7, "", ""));
    world.hear(&inside("BYE", "c1", &tag, 2, "", ""));
    world.hear(&inside("BYE", "c1", "another", 9, "", ""));
    world.hear(&inside("BYE", "c1", &tag, 10, "", "").replace("tag=bt", "tag=stranger"));
    let lines = world.first_lines();
    assert_eq!(lines[..3], ["200 OK", "200 OK", "405 Method Not Allowed"]);
    let nobody = "481 Call/Transaction Does Not Exist";
    assert_eq!(lines[3..], ["500 Server Internal Error", nobody, nobody], "old, of no call, of another's");
    assert!(world.news().is_empty());
}

#[test]
fn we_refresh_a_call_and_end_it_if_nobody_is_there() {
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    let invite = world.next();
    let lines = "Contact: <sip:bob@10.0.0.9>\r\nAllow: INVITE, UPDATE\r\nSession-Expires: 90;refresher=uac\r\nRequire: timer\r\n";
    world.reply(&invite, 200, "OK", "b", lines);
    world.forget_sent();
    world.news();
    world.pass(Duration::from_secs(44));
    assert!(world.silent());
    world.pass(Duration::from_secs(1));
    let update = world.next();
    assert_eq!((update.method(), update.value("Session-Expires")), (Some(&Method::Update), Some("90;refresher=uac")));
    world.reply(&update, 200, "OK", "b", "Session-Expires: 90;refresher=uac\r\n");
    world.pass(Duration::from_secs(45));
    assert_eq!(world.first_lines(), ["UPDATE"]);
    world.pass(Duration::from_secs(33));
    let lines = world.first_lines();
    assert!(lines.iter().any(|line| line == "BYE"), "{lines:?}");
    assert_eq!(world.news(), ["Ended(408 Request Timeout, Network)"]);
}

#[test]
fn a_peer_without_update_gets_our_last_description() {
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    let invite = world.next();
    world.reply(&invite, 200, "OK", "b", "Contact: <sip:bob@10.0.0.9>\r\nSession-Expires: 90;refresher=uac\r\n");
    world.forget_sent();
    world.news();
    world.pass(Duration::from_secs(45));
    let invite = world.next();
    assert_eq!((invite.method(), invite.text().as_str()), (Some(&Method::Invite), SDP));
    world.reply(&invite, 200, "OK", "b", "Session-Expires: 90;refresher=uac\r\n\r\nv=0 x");
    assert_eq!(world.first_lines(), ["ACK"]);
    assert!(world.news().is_empty(), "its owner knows nothing of it");
}

#[test]
fn a_peer_that_only_says_that_it_takes_updates() {
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    let invite = world.next();
    let lines = "Contact: <sip:bob@10.0.0.9>\r\nAllow: UPDATE\r\nSession-Expires: 90;refresher=uac\r\n";
    world.reply(&invite, 200, "OK", "b", lines);
    world.forget_sent();
    world.pass(Duration::from_secs(45));
    let update = world.next();
    world.reply(&update, 501, "Not Implemented", "b", "");
    world.pass(Duration::ZERO);
    let invite = world.next();
    assert_eq!(invite.method(), Some(&Method::Invite));
    world.reply(&invite, 200, "OK", "b", "Session-Expires: 90;refresher=uac\r\n\r\nv=0");
    world.pass(Duration::from_secs(45));
    let lines = world.first_lines();
    assert_eq!(lines[..2], ["ACK", "INVITE"], "and is not asked for it again");
}

#[test]
fn who_hangs_up_before_answering_is_cancelled() {
    let mut world = World::behind_proxy();
    world.order(Order::NewDialog(1, Box::new(to_bob())));
    let invite = world.next();
    world.reply(&invite, 180, "Ringing", "b", "");
    let tag = invite.tag("From").expect("a tag").to_owned();
    world.hear(&inside("BYE", invite.call_id(), &tag, 1, "", ""));
    assert_eq!(world.first_lines(), ["200 OK", "CANCEL"]);
    assert_eq!(world.news()[2..], ["Ended(200 OK, Peer)"]);
    world.pass(Duration::from_secs(100));
    assert_eq!(world.core.left(), []);
}

#[test]
fn a_change_that_nobody_decides_ends() {
    let (mut world, _) = World::talking();
    world.dialog(1, DialogOrder::Reinvite(SDP.into()));
    let invite = world.next();
    world.reply(&invite, 100, "Trying", "", "");
    world.pass(Duration::from_secs(59));
    assert!(world.news().is_empty());
    world.pass(Duration::from_secs(2));
    let news = world.news();
    assert_eq!(news[0], "ReinviteFailed(408 Request Timeout)");
    assert_eq!(world.first_lines()[0], "BYE");
}

#[test]
fn a_peer_that_does_not_refresh_is_hung_up() {
    let (mut world, token) = World::registered();
    world.hear(&invite(&token, "c1", "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n"));
    let id = world.new.pop().expect("a call").dialog;
    world.dialog(id, DialogOrder::Answer { sdp: SDP.into(), headers: vec![] });
    world.next();
    let ok = world.next();
    assert_eq!((ok.value("Session-Expires"), ok.value("Require")), (Some("90;refresher=uac"), Some("timer")));
    let tag = ok.tag("To").expect("a tag").to_owned();
    world.hear(&inside("ACK", "c1", &tag, 1, "", ""));
    world.pass(Duration::from_secs(50));
    world.hear(&inside("UPDATE", "c1", &tag, 2, "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n", ""));
    assert_eq!(world.next().value("Session-Expires"), Some("90;refresher=uac"));
    world.news();
    world.pass(Duration::from_secs(59));
    assert!(world.news().is_empty());
    world.pass(Duration::from_secs(2));
    assert_eq!(world.news(), ["Ended(408 Request Timeout, Network)"]);
    assert_eq!(world.first_lines()[0], "BYE");
}

#[test]
fn a_stream_that_was_lost_is_looked_for_again() {
    let (mut world, _) = World::talking();
    // The path of the call was datagrams; let it be a stream that has ended.
    world.core.calls.get_mut(&1).expect("a call").path = None;
    world.asked.clear();
    world.dialog(1, DialogOrder::Hangup);
    assert_eq!(world.asked.len(), 1);
    assert_eq!(world.first_lines(), ["BYE"]);
}
