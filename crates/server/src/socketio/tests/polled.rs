//! Polling: the exchanges over HTTP, and the session's timers without sockets, under a clock of our own.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, advance};

use super::*;
use crate::http::Caller;
use crate::metrics::Refused;
use crate::socketio::{Comer, Polled, Request, Unanswered, draw};

fn poll(sid: &str) -> String {
    request("GET", &format!("/socket.io/1/xhr-polling/{sid}?t=1"), "Origin: http://page.example\r\n")
}

fn post(sid: &str, body: &str) -> String {
    let headers = format!("Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {}\r\n", body.len());
    request("POST", &format!("/socket.io/1/xhr-polling/{sid}?t=1"), &headers) + body
}

async fn shaken(address: SocketAddr) -> String {
    Client::new(address).await.shake().await
}

#[tokio::test]
async fn packets_go_both_ways() {
    let house = House::new(&["*"]).await;
    for address in [house.public, house.own] {
        let sid = shaken(address).await;
        let (status, head, body) = ask(address, &poll(&sid)).await;
        let hello = format!("3:::{sid} 127.0.0.1 -");
        assert_eq!((status, body), (200, format!("\u{fffd}3\u{fffd}1::\u{fffd}{}\u{fffd}{hello}", hello.len())));
        let head = head.to_ascii_lowercase();
        for line in [
            "content-type: text/plain; charset=utf-8",
            "access-control-allow-origin: http://page.example",
            "access-control-allow-credentials: true",
        ] {
            assert!(head.lines().any(|have| have == line), "{line}: {head}");
        }
        let waiting = tokio::spawn(async move { ask(address, &poll(&sid)).await.2 });
        let sid = hello[4..24].to_owned();
        assert_eq!(ask(address, &post(&sid, "3:::ä€😀")).await.2, "1");
        assert_eq!(waiting.await.expect("it does not panic"), "3:::ä€😀");
        // Several, on one connection, one of them in pieces.
        let mut client = Client::new(address).await;
        let three = post(&sid, "\u{fffd}5\u{fffd}3:::a\u{fffd}6\u{fffd}3:::😀");
        let (first, second) = three.as_bytes().split_at(three.len() - 3);
        client.say(first).await;
        tokio::task::yield_now().await;
        client.say(second).await;
        client.until("\r\n\r\n1").await;
        client.say(poll(&sid)).await;
        client.until("\u{fffd}5\u{fffd}3:::a\u{fffd}6\u{fffd}3:::😀").await;
        // The library's client goes with a request of its own.
        assert_eq!(ask(address, &request("GET", &format!("/socket.io/1//{sid}/?disconnect=1"), "")).await.0, 200);
        assert_eq!(ask(address, &poll(&sid)).await.2, "7:::1+0");
        assert_eq!(ask(address, &post(&sid, "2::")).await.2, "7:::1+0");
    }
    assert_eq!(house.shell.socket_io.polled.len(), 0);
}

#[tokio::test]
async fn bodies_that_are_no_packets_are_refused_and_hurt_nobody_else() {
    let house = House::new(&["*"]).await;
    let [one, other] = [shaken(house.public).await, shaken(house.public).await];
    for sid in [&one, &other] {
        assert!(ask(house.public, &poll(sid)).await.2.contains("1::"));
    }
    assert_eq!(ask(house.public, &post(&one, "")).await.2, "1", "nothing is nothing");
    let mut client = Client::new(house.public).await;
    let head = format!("POST /socket.io/1/xhr-polling/{one} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n");
    client.say([head.as_bytes(), b"3::\xff"].concat()).await;
    assert!(client.until("UTF-8\n").await.starts_with("HTTP/1.1 400 "));
    let large = format!("POST /socket.io/1/xhr-polling/{one} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    let mut client = Client::new(house.public).await;
    client.say(large + &"x".repeat(1_100_000)).await;
    assert!(client.until("\r\n\r\n").await.starts_with("HTTP/1.1 413 "));
    assert_eq!(ask(house.public, &post(&one, "3:::still here")).await.2, "1");
    assert_eq!(ask(house.public, &poll(&one)).await.2, "3:::still here");
    assert_eq!(ask(house.public, &post(&one, "\u{fffd}x\u{fffd}3:::a")).await.2, "7:::1+0", "no such framing");
    assert_eq!(ask(house.public, &poll(&one)).await.2, "7:::1+0");
    assert_eq!(ask(house.public, &post(&other, "3:::panic")).await.2, "1", "it was read");
    assert_eq!(ask(house.public, &poll(&other)).await.2, "7:::1+0");
    assert!(house.metrics().contains("closed_total{dialect=\"parrot\",cause=\"panic\"} 1"));
    assert!(house.metrics().contains("closed_total{dialect=\"parrot\",cause=\"bad_message\"} 1"));
}

/// A client of the session itself.
struct Poller {
    shell: Arc<Shell>,
    sid: String,
    from: Option<IpAddr>,
}

impl Poller {
    fn new(shell: &Arc<Shell>) -> Self {
        let from = Some(IpAddr::from([192, 0, 2, 1]));
        Self { shell: Arc::clone(shell), sid: draw(shell, 0, from).as_str().to_owned(), from }
    }

    async fn ask(&self, request: Request) -> Result<String, Unanswered> {
        let caller = Caller { role: Role::Public, address: self.from, secure: false };
        let seat = || self.shell.admit(caller);
        Polled::ask(&self.shell, 0, &self.sid, Comer::new(self.from, None), request, seat).await
    }

    async fn poll(&self) -> Option<String> {
        self.ask(Request::Poll).await.ok()
    }

    async fn post(&self, body: &str) -> Option<String> {
        self.ask(Request::Post(body.to_owned())).await.ok()
    }

    /// A poll on its way.
    fn polling(&self) -> JoinHandle<Option<String>> {
        let other = Self { shell: Arc::clone(&self.shell), sid: self.sid.clone(), from: self.from };
        tokio::spawn(async move { other.poll().await })
    }
}

async fn settle() {
    for _ in 0..32 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_waits_twenty_seconds_and_a_newer_one_ends_it() {
    let poller = Poller::new(&shell());
    assert!(poller.poll().await.expect("the first words").contains("1::"));
    let before = Instant::now();
    assert_eq!(poller.poll().await.as_deref(), Some("8::"));
    assert_eq!(before.elapsed().as_secs(), 20);
    let older = poller.polling();
    settle().await;
    let newer = poller.polling();
    settle().await;
    assert!(older.is_finished() && !newer.is_finished());
    assert_eq!(older.await.expect("no panic").as_deref(), Some("8::"));
    // What the session says by itself ends it, too.
    assert_eq!(poller.post("3:::later").await.as_deref(), Some("1"));
    let before = Instant::now();
    assert_eq!(newer.await.expect("no panic").as_deref(), Some("2::"));
    assert_eq!(before.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn who_polls_no_more_has_gone_after_a_minute() {
    let shell = shell();
    let poller = Poller::new(&shell);
    poller.poll().await.expect("the first words");
    for _ in 0..5 {
        advance(Duration::from_secs(59)).await;
        settle().await;
        assert_eq!(poller.post("3:::a").await.as_deref(), Some("1"));
        assert_eq!(poller.poll().await.as_deref(), Some("3:::a"), "it is still there");
    }
    advance(Duration::from_secs(61)).await;
    settle().await;
    assert_eq!(shell.socket_io.polled.len(), 0);
    assert!(matches!(poller.ask(Request::Poll).await, Err(Unanswered::NotHandshaken)));
    let metrics = shell.metrics.render(shell.switchboard.snapshot(), shell.switchboard.seat(), &shell.lines);
    assert!(metrics.contains("closed_total{dialect=\"parrot\",cause=\"lost\"} 1"), "{metrics}");
    assert!(metrics.contains("patchbay_parties 0"), "{metrics}");
    assert_eq!(shell.connections.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn packets_wait_for_a_poll_whose_client_is_there() {
    let poller = Poller::new(&shell());
    poller.poll().await.expect("the first words");
    let gone = poller.polling();
    settle().await;
    gone.abort();
    settle().await;
    assert_eq!(poller.post("3:::a").await.as_deref(), Some("1"));
    assert_eq!(poller.poll().await.as_deref(), Some("3:::a"), "nothing is lost with a poll that was given up");
}

/// Who sends and never polls is not read any further.
#[tokio::test(start_paused = true)]
async fn who_does_not_poll_is_not_read() {
    let poller = Poller::new(&shell());
    let packet = format!("3:::{}", "x".repeat(1_000));
    let body = format!("\u{fffd}{}\u{fffd}{packet}", packet.len()).repeat(900);
    let mut sent = Vec::new();
    for _ in 0..8 {
        let other = Poller { shell: Arc::clone(&poller.shell), sid: poller.sid.clone(), from: poller.from };
        let body = body.clone();
        sent.push(tokio::spawn(async move { other.ask(Request::Post(body)).await }));
        settle().await;
    }
    let (mut unread, mut refused) = (0, 0);
    for task in &mut sent {
        if !task.is_finished() {
            unread += 1;
        } else if matches!(task.await.expect("no panic"), Err(Unanswered::Busy)) {
            refused += 1;
        }
    }
    assert_eq!((unread, refused), (2, 6), "a few wait, and no more are taken");
    let mut echoed = 0;
    let mut most = 0;
    while echoed < 2 * 900 {
        let got = poller.poll().await.expect("the session goes on");
        echoed += got.matches("3:::xxx").count();
        most = most.max(got.len());
    }
    assert!(most < 80_000, "{most}");
}

#[tokio::test(start_paused = true)]
async fn last_words_wait_a_moment_and_an_end_without_any_is_told() {
    let shell = shell();
    let said = Poller::new(&shell);
    said.poll().await.expect("the first words");
    assert_eq!(said.post("\u{fffd}3\u{fffd}0::\u{fffd}5\u{fffd}3:::a").await.as_deref(), Some("1"));
    assert_eq!(said.poll().await.as_deref(), Some("0::"));
    settle().await;
    assert_eq!(shell.socket_io.polled.len(), 0);

    let unheard = Poller::new(&shell);
    unheard.poll().await.expect("the first words");
    assert_eq!(unheard.post("0::").await.as_deref(), Some("1"));
    advance(Duration::from_secs(3)).await;
    settle().await;
    assert_eq!(shell.socket_io.polled.len(), 0, "nobody came for them");

    let aborted = Poller::new(&shell);
    aborted.poll().await.expect("the first words");
    let waiting = aborted.polling();
    settle().await;
    assert_eq!(aborted.post("3:::abort").await.as_deref(), Some("1"));
    assert_eq!(waiting.await.expect("no panic").as_deref(), Some("7:::1+0"));

    let leaving = Poller::new(&shell);
    leaving.poll().await.expect("the first words");
    let waiting = leaving.polling();
    settle().await;
    assert_eq!(leaving.ask(Request::Leave).await.ok().as_deref(), Some(""));
    assert_eq!(waiting.await.expect("no panic").as_deref(), Some("0::"));
}

/// Peers are told each other's ids: an id alone must not be enough.
#[tokio::test(start_paused = true)]
async fn a_session_is_its_clients_alone() {
    let shell = shell();
    let poller = Poller::new(&shell);
    poller.poll().await.expect("the first words");
    let thief = Poller { from: Some(IpAddr::from([192, 0, 2, 2])), sid: poller.sid.clone(), shell: Arc::clone(&shell) };
    for request in [Request::Poll, Request::Post("3:::a".to_owned()), Request::Leave] {
        assert!(matches!(thief.ask(request).await, Err(Unanswered::NotHandshaken)));
    }
    assert_eq!(poller.post("3:::mine").await.as_deref(), Some("1"));
    assert_eq!(poller.poll().await.as_deref(), Some("3:::mine"));
}

#[tokio::test(start_paused = true)]
async fn where_there_are_no_places_an_id_goes_on_waiting_for_one() {
    let shell = shell();
    let poller = Poller::new(&shell);
    let full = || Err(Refused::Full);
    let refused = Polled::ask(&shell, 0, &poller.sid, Comer::new(poller.from, None), Request::Poll, full).await;
    assert!(matches!(refused, Err(Unanswered::Refused(Refused::Full))));
    assert!(poller.poll().await.is_some());
    // A server that stops ends it; the client looks for another one.
    let waiting = poller.polling();
    settle().await;
    shell.set_closing();
    shell.switchboard.drain_all();
    shell.switchboard.close_all(CloseCause::Shutdown);
    assert_eq!(waiting.await.expect("no panic").as_deref(), Some("7:::1+0"));
    settle().await;
    assert_eq!(shell.socket_io.polled.len(), 0);
}
