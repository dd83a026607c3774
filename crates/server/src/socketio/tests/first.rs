//! Handshakes and upgrades, byte for byte.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::*;

/// As a device writes them (ers.md, G2).
const DEVICE: &str = "GET /socket.io/1/?t=1432678845367 HTTP/1.1\r\nHost: 192.0.2.1:3535\r\nConnection: keep-alive\r\n\
    User-Agent: one two three four five\r\nOrigin: http://192.0.2.1:3535\r\nAccept: */*\r\nReferer: http://192.0.2.1:3535/\r\n\
    Accept-Encoding: gzip, deflate, sdch\r\nAccept-Language: en-US,en;q=0.8\r\n\r\n";

fn device_upgrade(sid: &str) -> String {
    format!(
        "GET /socket.io/1/websocket/{sid} HTTP/1.1\r\nHost: 192.0.2.1:3535\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
         Cache-Control: no-cache\r\nUpgrade: websocket\r\nOrigin: http://192.0.2.1:3535\r\nSec-WebSocket-Version: 13\r\n\
         User-Agent: one two three four five\r\nAccept-Encoding: gzip, deflate, sdch\r\nAccept-Language: en-US,en;q=0.8\r\n\
         Sec-WebSocket-Key: ZrZ6hzVBYtY2ApJ/dcsXPA==\r\n\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    )
}

/// C01, C02: one segment for each answer, on one connection, at both listeners.
#[tokio::test]
async fn a_device_gets_what_its_scanner_reads() {
    let house = House::new(&["*"]).await;
    for address in [house.public, house.own] {
        let mut device = Client::new(address).await;
        device.say(DEVICE).await;
        device.read().await;
        let answer = String::from_utf8(std::mem::take(&mut device.seen)).expect("text");
        let sid = sid_of(&answer);
        let lines: Vec<_> = answer.split("\r\n").collect();
        let date = lines[4].strip_prefix("Date: ").expect("a date");
        assert!(httpdate::parse_http_date(date).is_ok(), "{date}");
        let expected = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nAccess-Control-Allow-Origin: http://192.0.2.1:3535\r\n\
             Access-Control-Allow-Credentials: true\r\nDate: {date}\r\nConnection: keep-alive\r\n\
             Transfer-Encoding: chunked\r\n\r\n47\r\n{sid}:60:60:websocket,htmlfile,xhr-polling,jsonp-polling\r\n\
             0\r\n\r\n"
        );
        assert_eq!(answer, expected, "in one read");
        assert!(sid.len() == 20 && sid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));

        device.say(device_upgrade(&sid)).await;
        let head = device.until("\r\n\r\n").await;
        let expected = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: AuqIOFN1rYvYz34izt1ussPZaHs=\r\n\r\n";
        assert_eq!(head, expected);
        assert_eq!(device.frame().await, "1::");
        assert_eq!(device.frame().await, format!("3:::{sid} 127.0.0.1 one two three four five"));
        // Masked as devices do (G3).
        device.say(b"\x81\x83\xff\xff\xff\xff\xcd\xc5\xc5").await;
        assert_eq!(device.frame().await, "2::");
    }
}

#[tokio::test]
async fn heads_may_come_in_pieces_together_and_behind_others() {
    let house = House::new(&["*"]).await;
    let mut slow = Client::new(house.public).await;
    for byte in request("POST", "/socket.io/1/", "Content-Length: 0\r\n").as_bytes() {
        slow.say([*byte]).await;
        tokio::task::yield_now().await;
    }
    let sid = sid_of(&slow.until("0\r\n\r\n").await);
    let upgrade = request("GET", &format!("/socket.io/1/websocket/{sid}/?x=1"), UPGRADE);
    // The first message comes with the head.
    let (first, second) = upgrade.split_at(30);
    slow.say(first).await;
    tokio::task::yield_now().await;
    slow.say([second.as_bytes(), &probe::text("3:::early")].concat()).await;
    slow.until("\r\n\r\n").await;
    assert_eq!(slow.frame().await, "1::");
    assert!(slow.frame().await.contains(&sid));
    assert_eq!(slow.frame().await, "3:::early");

    let mut quick = Client::new(house.public).await;
    let two = [request("GET", "/socket.io/1/", ""), request("GET", "/socket.io/1/", "")].concat();
    quick.say([two, request("GET", "/healthz", ""), request("GET", "/socket.io/1/", "")].concat()).await;
    let [one, two] = [quick.until("0\r\n\r\n").await, quick.until("0\r\n\r\n").await].map(|answer| sid_of(&answer));
    assert_ne!(one, two);
    // hyper has taken over: the same content in other words.
    quick.until("ok\n").await;
    let head = quick.until("\r\n\r\n").await;
    assert!(head.contains("content-type: text/plain\r\n"), "{head}");
    let third = quick.until(":60:60:websocket,htmlfile,xhr-polling,jsonp-polling").await;
    // And the upgrade behind it.
    quick.say(request("GET", &format!("/socket.io/1/websocket/{}", &third[..20]), UPGRADE)).await;
    let head = quick.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101 ") && !head.to_ascii_lowercase().contains("extensions"), "{head}");
    assert_eq!(quick.frame().await, "1::");
}

/// C19, on the same connection and behind another request.
#[tokio::test]
async fn who_comes_with_an_id_of_nobody_is_told_so() {
    let house = House::new(&["*"]).await;
    let (_stays, used) = Client::upgraded(house.public).await;
    for sid in ["AAAAAAAAAAAAAAAAAAAA", "short", &used, "%20"] {
        for before in ["", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"] {
            let mut client = Client::new(house.own).await;
            client.say([before, &request("GET", &format!("/socket.io/1/websocket/{sid}"), UPGRADE)].concat()).await;
            if !before.is_empty() {
                client.until("ok\n").await;
            }
            let head = client.until("\r\n\r\n").await;
            assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
            assert_eq!(client.rest().await, b"\x81\x077:::1+0", "{sid}");
        }
    }
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_as_the_library_does_or_refused() {
    let house = House::new(&["http://good.example"]).await;
    let good = "Origin: http://good.example\r\n";
    for (method, target, headers, status, body) in [
        ("GET", "/socket.io/", "", 200, "Welcome to socket.io."),
        ("GET", "/socket.io/2/", "", 500, "Protocol version not supported."),
        ("GET", "/socket.io/2/websocket/x", "", 500, "Protocol version not supported."),
        ("GET", "/socket.io/1/htmlfile/AAAAAAAAAAAAAAAAAAAA", "", 404, "404 page not found\n"),
        ("GET", "/socket.io/1/flashsocket/x", "", 404, "404 page not found\n"),
        ("GET", "/socket.io/1/", "Origin: http://evil.example\r\n", 403, "handshake bad origin"),
        ("GET", "/socket.io/1/", "Origin: null\r\n", 403, "handshake bad origin"),
        (
            "GET",
            "/socket.io/1/?jsonp=7",
            "Origin: http://evil.example\r\n",
            200,
            "io.j[7](new Error(\"handshake bad origin\"));",
        ),
        ("GET", "/socket.io/1/xhr-polling/x", "Origin: http://evil.example\r\n", 403, "handshake bad origin"),
        ("GET", "/socket.io/1/websocket/x", "", 426, "Upgrade Required\n"),
        ("DELETE", "/socket.io/1/", good, 405, "Method Not Allowed\n"),
        ("OPTIONS", "/socket.io/1/xhr-polling/x", good, 204, ""),
        ("GET", "/socket.io/1/xhr-polling/x", good, 200, "7:::1+0"),
        ("GET", "/socket.io/1//AAAAAAAAAAAAAAAAAAAA/?disconnect=1", good, 200, ""),
        ("GET", "/socket.io", "", 404, "404 page not found\n"),
    ] {
        for address in [house.public, house.own] {
            let answer = ask(address, &request(method, target, headers)).await;
            assert_eq!((answer.0, answer.2.as_str()), (status, body), "{method} {target} {headers}");
            let allows = answer.1.to_ascii_lowercase().contains("access-control-allow-origin: http://good.example");
            assert_eq!(allows, headers == good && status < 400, "{}", answer.1);
        }
    }
    let evil = request("GET", "/socket.io/1/websocket/x", &format!("{UPGRADE}Origin: http://evil.example\r\n"));
    assert_eq!(ask(house.public, &evil).await.0, 403);
    let closing = ask(house.public, &request("GET", "/socket.io/1/", good)).await;
    assert!(closing.1.contains("\r\nConnection: close\r\nTransfer-Encoding: chunked"), "{}", closing.1);
    let script = ask(house.public, &request("GET", "/socket.io/1/?jsonp=0", "")).await;
    assert!(script.1.contains("\r\nContent-Type: application/javascript\r\n"), "{}", script.1);
    assert!(script.2.contains("\r\nio.j[0](\"") && !script.1.contains("Access-Control"), "{script:?}");
}

/// What another parser could take for something else is not answered at a stretch, and ends the connection.
#[tokio::test]
async fn requests_that_could_be_two_end_their_connection() {
    let house = House::new(&["*"]).await;
    for (headers, status) in [
        ("Host: other\r\n", 400),
        ("Content-Length: 5\r\n", 200),
        ("Transfer-Encoding: chunked\r\n", 200),
        ("Origin: http://a\r\nOrigin: http://b\r\n", 403),
        (UPGRADE, 200),
    ] {
        let mut client = Client::new(house.public).await;
        client.say(request("GET", "/socket.io/1/", headers)).await;
        client.say("0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
        let answer = String::from_utf8(client.rest().await).expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers}: {answer}");
        if status != 403 {
            assert!(!answer.contains("ok\n"), "{headers}: {answer}");
        }
    }
}

#[tokio::test]
async fn garbage_and_half_heads_hurt_nobody() {
    let house = House::new(&["*"]).await;
    let long = format!("GET /socket.io/1/?t={} HTTP/1.1\r\n", "x".repeat(20_000));
    for (bytes, status) in [
        (long.as_bytes(), Some("431")),
        (b"GET /socket.io/1/ HTTP/1.1\r\nHost: x\r\n\0\xff\r\n\r\n", Some("400")),
        (b"\x81\x83\xff\xff\xff\xff\xcd\xc5\xc5\r\n\r\n", Some("400")),
        (b"GET /socket.io/1/ HTTP/0.9\r\n\r\n", Some("400")),
        (b"GET /socket.io/1/ HTTP/1.1\r\nHost: x\r\n", None),
    ] {
        let mut first = Client::new(house.public).await;
        first.say(bytes).await;
        first.stream.shutdown().await.expect("it stands");
        let mut second = Client::new(house.own).await;
        second.shake().await;
        second.say(bytes).await;
        second.stream.shutdown().await.expect("it stands");
        for client in [first, second] {
            let answer = client.rest().await;
            let text = String::from_utf8_lossy(&answer).into_owned();
            assert_eq!(text.get(9..12), status, "{text:?}");
        }
    }
    Client::upgraded(house.public).await;
}

/// Who asks on and on and reads nothing does not keep its connection.
#[tokio::test]
async fn who_takes_no_answer_is_let_go() {
    let house = House::with(&["*"], Duration::from_millis(200)).await;
    let mut client = Client::new(house.public).await;
    let requests = request("GET", "/socket.io/1/", "").repeat(1_000);
    let mut sent = 0;
    while client.stream.write_all(requests.as_bytes()).await.is_ok() {
        sent += 1;
        assert!(sent < 10_000, "the server goes on reading");
    }
    assert_eq!(house.shell.connections.load(Ordering::Relaxed), 0);
}

/// Ids that nobody comes with are bounded, and push out only those of the same client.
#[tokio::test]
async fn ten_thousand_handshakes_leave_a_thousand_ids() {
    let house = House::new(&["*"]).await;
    let mut client = Client::new(house.public).await;
    for _ in 0..100 {
        client.say(request("GET", "/socket.io/1/", "").repeat(100)).await;
        for _ in 0..100 {
            client.until("0\r\n\r\n").await;
        }
    }
    assert_eq!(house.shell.socket_io.unused.held().0, 1_024);
    Client::upgraded(house.public).await;
}
