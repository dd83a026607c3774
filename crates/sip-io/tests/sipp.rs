//! Calls with SIPp (Debian: sip-tester), whose scenarios are in `tests/sipp`. Without it they say so and pass.

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use patchbay_sip_io::*;
use support::*;
use tokio::process::{Child, Command};
use tokio::time::timeout;

fn is_missing() -> bool {
    let missing = !is_installed("sipp", "-v");
    if missing {
        untested("SIPP NOT TESTED");
    }
    missing
}

/// A port of loopback that was free a moment ago.
fn free() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("an address").port()
}

struct Sipp {
    child: Child,
    port: u16,
}

impl Sipp {
    /// Runs a scenario once.
    fn run(scenario: &str, more: &[&str]) -> Self {
        let port = free();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/sipp/{scenario}.xml"));
        let child = Command::new("sipp")
            .arg("-sf")
            .arg(file)
            .args(["-i", "127.0.0.1", "-mi", "127.0.0.1", "-m", "1", "-nostdin", "-timeout", "25s", "-timeout_error"])
            .args(["-p", &port.to_string(), "-mp", &free().to_string()])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("sipp starts");
        Self { child, port }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{};transport=udp", self.port)
    }

    /// Its scenario went as it is written.
    async fn ends_well(self) {
        let output =
            timeout(Duration::from_secs(40), self.child.wait_with_output()).await.expect("it ends").expect("it ran");
        let text = String::from_utf8_lossy(&output.stderr);
        let screen = String::from_utf8_lossy(&output.stdout);
        let tail: String =
            screen.lines().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join("\n");
        assert!(output.status.success(), "{}\n{text}\n{tail}", output.status);
    }
}

async fn calling(sipp: &Sipp, outgoing: Outgoing) -> (Agent, Dialog) {
    let agent = agent(proxy(&sipp.address())).await;
    let dialog = agent.invite(outgoing).expect("a call");
    (agent, dialog)
}

/// An agent with a line whose registrar is written by hand: where SIPp finds it.
async fn line() -> (Agent, Line, SocketAddr, String) {
    let mut peer = Peer::new().await;
    let agent = agent(proxy(&format!("{};transport=udp", peer.address()))).await;
    let line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let register = peer.receive().await;
    peer.send(&answer(&register, "200 OK", "")).await;
    let mut line = line;
    line_news(&mut line).await;
    line_news(&mut line).await;
    (agent, line, peer.last.expect("an address"), token(&register))
}

fn to(address: SocketAddr, token: &str) -> Vec<String> {
    vec!["-s".to_owned(), token.to_owned(), address.to_string()]
}

async fn telephone(scenario: &str, address: SocketAddr, token: &str) -> Sipp {
    let more = to(address, token);
    Sipp::run(scenario, &more.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn a_registrar_that_offers_two_challenges_and_grants_little() {
    if is_missing() {
        return;
    }
    let sipp = Sipp::run("registrar", &[]);
    let agent = agent(proxy(&sipp.address())).await;
    let mut line = registered(&agent, "alice").await;
    sipp.ends_well().await;
    assert!(timeout(Duration::from_millis(100), line.next()).await.is_err(), "the refresh is silent");
}

#[tokio::test]
async fn early_media_behind_a_password_a_digit_and_a_change() {
    if is_missing() {
        return;
    }
    let sipp = Sipp::run("uas_early", &[]);
    let (_agent, mut dialog) = calling(&sipp, call("alice", "sip:bob@example.com")).await;
    let before = until(&mut dialog, "Provisional").await;
    assert!(before.last().is_some_and(|last| last.starts_with("Provisional(183, sdp: Some(")), "{before:?}");
    let DialogNews::Accepted { sdp, headers, .. } = news(&mut dialog).await else { panic!("no answer") };
    assert!(sdp.is_some_and(|sdp| sdp.contains("m=audio")));
    assert_eq!(
        patchbay_sip::header::incoming(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())), &["X-"]),
        [("X-Answer".to_owned(), "yes".to_owned())]
    );
    let press = patchbay_sip::dtmf::Press::new(patchbay_sip::dtmf::Digit::parse("5").expect("a digit"), None);
    let (content_type, body) = (patchbay_sip::dtmf::CONTENT_TYPE.to_owned(), patchbay_sip::dtmf::write(press));
    dialog.order(DialogOrder::Info { content_type, body }).expect("taken");
    dialog.order(DialogOrder::Reinvite(SDP.to_owned())).expect("taken");
    assert!(matches!(news(&mut dialog).await, DialogNews::Reinvited { sdp: Some(_) }));
    dialog.order(DialogOrder::Hangup).expect("taken");
    until(&mut dialog, "Ended(200 OK, Here)").await;
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_telephone_that_wants_longer_intervals() {
    if is_missing() {
        return;
    }
    let sipp = Sipp::run("uas_422", &[]);
    let (_agent, mut dialog) = calling(&sipp, call("alice", "sip:bob@example.com")).await;
    until(&mut dialog, "Accepted").await;
    dialog.order(DialogOrder::Hangup).expect("taken");
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_call_that_is_cancelled() {
    if is_missing() {
        return;
    }
    for scenario in ["uas_cancel", "uas_cross"] {
        let sipp = Sipp::run(scenario, &[]);
        let (_agent, mut dialog) = calling(&sipp, call("alice", "sip:bob@example.com")).await;
        until(&mut dialog, "Provisional(180").await;
        dialog.order(DialogOrder::Hangup).expect("taken");
        until(&mut dialog, "Ended(487 Request Terminated, Here)").await;
        sipp.ends_well().await;
    }
}

#[tokio::test]
async fn a_busy_telephone_has_its_own_words() {
    if is_missing() {
        return;
    }
    let sipp = Sipp::run("uas_busy", &[]);
    let (_agent, mut dialog) = calling(&sipp, call("alice", "sip:bob@example.com")).await;
    until(&mut dialog, "Ended(486 Besetzt, Peer)").await;
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_telephone_that_offers() {
    if is_missing() {
        return;
    }
    let sipp = Sipp::run("uas_offer", &[]);
    let (_agent, mut dialog) = calling(&sipp, Outgoing { sdp: None, ..call("alice", "sip:bob@example.com") }).await;
    until(&mut dialog, "Accepted(sdp: Some").await;
    dialog.order(DialogOrder::Ack(SDP.to_owned())).expect("taken");
    dialog.order(DialogOrder::Hangup).expect("taken");
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_telephone_calls_holds_and_hangs_up() {
    if is_missing() {
        return;
    }
    let (_agent, mut line, address, token) = line().await;
    let sipp = telephone("uac", address, &token).await;
    let Incoming { mut dialog, from, sdp, .. } = called(&mut line).await;
    assert_eq!((from.uri.as_str(), from.display.as_deref()), ("bob@example.com", Some("Bob")));
    assert!(sdp.is_some_and(|sdp| sdp.contains("m=audio")));
    dialog.order(DialogOrder::Ring).expect("taken");
    dialog.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
    until(&mut dialog, "Acked").await;
    for held in [true, false] {
        let DialogNews::Reinvite { sdp } = news(&mut dialog).await else { panic!("no change") };
        assert_eq!(sdp.is_some_and(|sdp| sdp.contains("a=sendonly")), held);
        dialog.order(DialogOrder::AnswerReinvite(Ok(SDP.to_owned()))).expect("taken");
        until(&mut dialog, "Acked").await;
    }
    let DialogNews::Dtmf(press) = news(&mut dialog).await else { panic!("no digit") };
    assert_eq!((press.digit.as_char(), press.duration), ('5', 160));
    until(&mut dialog, "Ended(200 OK, Peer)").await;
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_telephone_gives_up() {
    if is_missing() {
        return;
    }
    let (_agent, mut line, address, token) = line().await;
    let sipp = telephone("uac_cancel", address, &token).await;
    let Incoming { mut dialog, .. } = called(&mut line).await;
    dialog.order(DialogOrder::Ring).expect("taken");
    until(&mut dialog, "Ended(487 Request Terminated, Peer)").await;
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_telephone_calls_without_an_offer() {
    if is_missing() {
        return;
    }
    let (_agent, mut line, address, token) = line().await;
    let sipp = telephone("uac_delayed", address, &token).await;
    let Incoming { mut dialog, sdp, .. } = called(&mut line).await;
    assert_eq!(sdp, None);
    dialog.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
    assert!(matches!(news(&mut dialog).await, DialogNews::Acked { sdp: Some(sdp) } if sdp.contains("m=audio")));
    dialog.order(DialogOrder::Hangup).expect("taken");
    sipp.ends_well().await;
}

#[tokio::test]
async fn a_telephone_that_acknowledges_what_rings() {
    if is_missing() {
        return;
    }
    let (_agent, mut line, address, token) = line().await;
    let sipp = telephone("uac_100rel", address, &token).await;
    let Incoming { mut dialog, .. } = called(&mut line).await;
    dialog.order(DialogOrder::Ring).expect("taken");
    dialog.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
    until(&mut dialog, "Ended(200 OK, Peer)").await;
    sipp.ends_well().await;
}

/// Many at once: what one call needs is not another's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_calls() {
    if is_missing() {
        return;
    }
    let limits = Limits { calls_of_line: 1_000, news: 1_000, ..Limits::default() };
    let mut peer = Peer::new().await;
    let agent = agent(Settings { limits, ..proxy(&format!("{};transport=udp", peer.address())) }).await;
    let mut line = agent.register(account("alice")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    let register = peer.receive().await;
    peer.send(&answer(&register, "200 OK", "")).await;
    line_news(&mut line).await;
    line_news(&mut line).await;
    let mut more = to(peer.last.expect("an address"), &token(&register));
    more.extend(["-m", "100", "-r", "50"].map(str::to_owned));
    let sipp = Sipp::run("uac", &more.iter().map(String::as_str).collect::<Vec<_>>());
    for _ in 0..100 {
        let Incoming { mut dialog, .. } = called(&mut line).await;
        dialog.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
        tokio::spawn(async move {
            while let Some(news) = dialog.next().await {
                if matches!(news, DialogNews::Reinvite { .. }) {
                    dialog.order(DialogOrder::AnswerReinvite(Ok(SDP.to_owned()))).expect("taken");
                }
            }
        });
    }
    sipp.ends_well().await;
    assert_eq!(agent.counts().dialogs, 0);
}

/// By a stream that the telephone opens, to a user of our own domain who has no line.
#[tokio::test]
async fn a_telephone_calls_a_room_by_tcp() {
    if is_missing() {
        return;
    }
    let listen = vec![Listen::parse("tcp:127.0.0.1:0").expect("a listener")];
    let agent = agent(Settings { listen, domains: vec!["127.0.0.1".to_owned()], ..Settings::default() }).await;
    let mut door = agent.door().expect("the door");
    let more = to(agent.bound()[0].address, "demo").into_iter().chain(["-t", "t1"].map(str::to_owned));
    let more: Vec<String> = more.collect();
    let sipp = Sipp::run("uac", &more.iter().map(String::as_str).collect::<Vec<_>>());
    let Incoming { mut dialog, from, .. } = timeout(SOON, door.recv()).await.expect("in time").expect("a call");
    assert_eq!(from.uri, "bob@example.com");
    dialog.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
    loop {
        match news(&mut dialog).await {
            DialogNews::Reinvite { .. } => {
                dialog.order(DialogOrder::AnswerReinvite(Ok(SDP.to_owned()))).expect("taken");
            }
            DialogNews::Ended(ended) => {
                assert_eq!((ended.code, ended.by), (200, By::Peer));
                break;
            }
            _ => {}
        }
    }
    sipp.ends_well().await;
}

/// Without somebody who opens the door nobody comes in.
#[tokio::test]
async fn a_call_to_a_closed_door() {
    let listen = vec![Listen::parse("udp:127.0.0.1:0").expect("a listener")];
    let agent = agent(Settings { listen, domains: vec!["127.0.0.1".to_owned()], ..Settings::default() }).await;
    let to = format!("sip:demo@{}", agent.bound()[0].address);
    for _ in 0..2 {
        let mut dialog = agent.invite(call("alice", &to)).expect("a call");
        until(&mut dialog, "Ended(480 Temporarily Unavailable, Peer)").await;
        // Nor with somebody who has gone again.
        drop(agent.door());
    }
    assert!(agent.door().is_none());
}
