use std::time::Duration;

use super::*;

const ASKS: &str = "WWW-Authenticate: Digest realm=\"example.com\",nonce=\"n\",qop=\"auth\"\r\n";

fn started() -> World {
    let mut world = World::new();
    world.order(Order::NewLine(1, Box::new(alice())));
    world.order(Order::Line(1, LineOrder::Start));
    world
}

#[test]
fn a_registration_with_a_challenge() {
    let mut world = started();
    let register = world.next();
    assert_eq!(register.uri(), "sip:example.com");
    assert_eq!(register.value("Expires"), Some("600"));
    assert_eq!(register.value("To"), Some("\"Alice\" <sip:alice@example.com>"));
    assert!(register.value("Contact").is_some_and(|contact| contact.ends_with("@10.0.0.1:5062;transport=udp>")));
    world.reply(&register, 401, "Unauthorized", "r", ASKS);
    let again = world.next();
    assert_eq!((again.call_id(), again.tag("From")), (register.call_id(), register.tag("From")));
    assert_eq!((register.cseq().map(|(seq, _)| seq), again.cseq().map(|(seq, _)| seq)), (Some(1), Some(2)));
    assert!(again.value("Authorization").is_some_and(|line| line.contains("username=\"alice\"")));
    assert_ne!(register.via().map(|via| via.branch), again.via().map(|via| via.branch));
    world.reply(&again, 200, "OK", "r", "Expires: 60\r\n");
    assert_eq!(world.line_news(), ["Registering", "Registered"]);
    // Half of 60 s is before 60 s less the margin: a refresh, silent, and not asked again for the password.
    world.pass(Duration::from_secs(30));
    let refresh = world.next();
    assert!(refresh.value("Authorization").is_some_and(|line| line.contains("nc=00000002")));
    world.reply(&refresh, 200, "OK", "r", "Expires: 60\r\n");
    assert!(world.line_news().is_empty() && world.silent());
}

#[test]
fn a_wrong_password_is_found_out_by_the_second_challenge() {
    let mut world = started();
    for _ in 0..2 {
        let register = world.next();
        world.reply(&register, 401, "Unauthorized", "r", ASKS);
    }
    assert_eq!(world.line_news(), ["Registering", "Failed(904 Operation has no matching challenge )"]);
    assert!(world.silent(), "two REGISTERs and no more");
}

#[test]
fn who_drops_a_line_takes_its_binding_back() {
    let (mut world, token) = World::registered();
    world.order(Order::DropLine(1));
    let register = world.next();
    assert_eq!(register.value("Expires"), Some("0"));
    assert!(register.value("Contact").is_some_and(|contact| contact.contains(&token)), "ours and no other");
    world.hear(&invite(&token, "late", ""));
    assert_eq!(world.next().status(), Some(404));
    world.reply(&register, 200, "OK", "r", "");
    assert_eq!(world.core.counters.snapshot().lines, 0);
    assert!(world.line_news().is_empty());
}

#[test]
fn a_domain_without_an_address_is_told_once_and_not_tried_again() {
    let mut world = World::new();
    world.unknown.push("example.com");
    world.order(Order::NewLine(1, Box::new(alice())));
    world.order(Order::Line(1, LineOrder::Start));
    assert!(matches!(&world.lines[..], [(1, LineNews::Unresolved(text))] if text.starts_with("DNS lookup error: ")));
    assert!(world.silent() && world.core.deadline().is_none());
}

#[test]
fn a_registrar_that_is_down_is_told_once_and_tried_again() {
    let mut world = World::new();
    world.away.push("example.com");
    world.order(Order::NewLine(1, Box::new(alice())));
    world.order(Order::Line(1, LineOrder::Start));
    assert_eq!(world.line_news(), ["Registering", "Failed(503 Service Unavailable)"]);
    world.pass(Duration::from_secs(31));
    assert!(world.line_news().is_empty(), "still down");
    world.away.clear();
    world.pass(Duration::from_secs(59));
    let register = world.next();
    assert!(register.value("Contact").is_some_and(|contact| contact.contains("@10.0.0.1:5062")), "a place by now");
    world.reply(&register, 200, "OK", "r", "");
    assert_eq!(world.line_news(), ["Registered"]);
}

#[test]
fn nobody_answers() {
    let mut world = started();
    world.pass(Duration::from_secs(33));
    assert_eq!(world.line_news(), ["Registering", "Failed(408 Request Timeout)"]);
    assert_eq!(world.first_lines().len(), 11, "the first and ten copies");
}

#[test]
fn a_lost_stream_is_made_good_without_a_word() {
    let mut world = World::new();
    world.transport = Transport::Tcp;
    world.order(Order::NewLine(1, Box::new(alice())));
    world.order(Order::Line(1, LineOrder::Start));
    let register = world.next();
    assert!(register.value("Via").is_some_and(|via| via.starts_with("SIP/2.0/TCP 10.0.0.1:5062;")));
    world.reply(&register, 200, "OK", "r", "");
    world.line_news();
    world.input(Input::Lost { flow: 2 });
    let again = world.next();
    assert_eq!(again.value("Expires"), Some("600"));
    world.reply(&again, 200, "OK", "r", "");
    assert!(world.line_news().is_empty());
}

#[test]
fn two_lines_of_one_account_are_two_bindings() {
    let (mut world, first) = World::registered();
    world.order(Order::NewLine(2, Box::new(alice())));
    world.order(Order::Line(2, LineOrder::Start));
    let register = world.next();
    let contact = register.value("Contact").expect("a contact").to_owned();
    assert!(!contact.contains(&first));
    world.reply(&register, 200, "OK", "r", "");
    let second = contact.trim_start_matches("<sip:").split('@').next().expect("a user").to_owned();
    world.hear(&invite(&second, "c", ""));
    assert_eq!(world.new.pop().and_then(|call| call.line), Some(2));
}

#[test]
fn a_lost_answer_is_no_second_registration() {
    let mut world = started();
    let register = world.next();
    world.pass(Duration::from_millis(600));
    let copy = world.next();
    assert_eq!(copy, register, "byte by byte");
    world.reply(&register, 200, "OK", "r", "");
    world.reply(&register, 200, "OK", "r", "");
    assert_eq!(world.line_news(), ["Registering", "Registered"]);
}

#[test]
fn messages_go_and_come() {
    let (mut world, token) = World::registered();
    let to = Uri::parse("sip:bob@example.com").expect("a URI");
    let text = |tag| LineOrder::Text { tag, to: to.clone(), content_type: "text/plain".into(), body: "hello".into() };
    world.order(Order::Line(1, text(7)));
    let message = world.next();
    assert_eq!((message.content_type().as_deref(), message.text().as_str()), (Some("text/plain"), "hello"));
    world.reply(
        &message,
        407,
        "Proxy Authentication Required",
        "x",
        "Proxy-Authenticate: Digest realm=\"example.com\",nonce=\"n\"\r\n",
    );
    let again = world.next();
    assert!(again.value("Proxy-Authorization").is_some());
    world.reply(&again, 202, "Accepted", "x", "");
    world.order(Order::Line(1, text(8)));
    let message = world.next();
    world.reply(&message, 404, "Nobody Here", "x", "");
    assert_eq!(world.line_news(), ["Sent(7, 202 Accepted)", "Sent(8, 404 Nobody Here)"]);
    let uri = format!("sip:{token}@10.0.0.1:5062");
    world.hear(&request("MESSAGE", &uri, "m1", "", 1, "Content-Type: text/plain\r\n", "hi"));
    assert_eq!(world.next().status(), Some(200));
    let (_, LineNews::Text(text)) = world.lines.pop().expect("a message") else { panic!("no message") };
    assert_eq!(
        (text.body.as_str(), text.from.uri.as_str(), text.from.display.as_deref()),
        ("hi", "bob@example.com", Some("Bob"))
    );
}

#[test]
fn the_end_takes_everything_back() {
    let (mut world, _) = World::registered();
    world.order(Order::Stop);
    assert!(!world.core.is_over());
    let register = world.next();
    assert_eq!(register.value("Expires"), Some("0"));
    world.reply(&register, 200, "OK", "r", "");
    assert!(world.core.is_over());
}
