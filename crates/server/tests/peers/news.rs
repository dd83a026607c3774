//! What other servers are told when this one stops (antmedia.md section 9.4).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::session::{PATIENCE, Session};
use crate::common::process::{Folder, Server};

/// A server that turns away the first so many requests of each kind of news, and tells what it took.
pub(super) fn listener(refuses: usize) -> (String, Receiver<Value>) {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("bound");
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        let mut refused: Vec<Value> = Vec::new();
        for mut stream in socket.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_ascii_lowercase();
                length = lower
                    .strip_prefix("content-length: ")
                    .map_or(length, |text| text.trim().parse().expect("a number"));
                line.clear();
            }
            let mut body = vec![0; length];
            let Ok(()) = reader.read_exact(&mut body) else { continue };
            let news: Value = serde_json::from_slice(&body).expect("news are JSON");
            let busy = refused.iter().filter(|action| **action == news["action"]).count() < refuses;
            let status = if busy { "503 Busy" } else { "200 OK" };
            let _gone = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
            if busy {
                refused.push(news["action"].clone());
            } else if tell.send(news).is_err() {
                return;
            }
        }
    });
    (format!("http://{address}/"), heard)
}

/// A server whose application tells that one what becomes of its streams.
fn server(folder: &Folder, url: &str) -> Server {
    let path = folder.path().join("patchbay.toml");
    let app = format!("[[dialect.antmedia.app]]\nname = \"LiveApp\"\nlistener_hook_url = \"{url}\"\n");
    std::fs::write(&path, format!("[dialect.antmedia]\nhook_allow = [\"127.0.0.1\"]\n{app}")).expect("writable");
    let arguments = ["--config", path.to_str().expect("text")];
    Server::try_start_with(&arguments, &[]).unwrap_or_else(|failed| panic!("{failed:?}"))
}

/// Its connections end with the server, and that is news.
#[test]
fn news_of_the_end_are_told_before_the_end() {
    let folder = Folder::new();
    let (url, heard) = listener(1);
    let mut server = server(&folder, &url);
    let mut a = Session::new(&server);
    a.publish("s", &json!({}));
    server.signal(Signal::TERM);
    let mut actions = Vec::new();
    for _ in 0..2 {
        let news = heard.recv_timeout(PATIENCE).expect("news");
        assert_eq!(news["id"], "s");
        actions.push(news["action"].as_str().expect("a text").to_owned());
    }
    assert_eq!(actions, ["liveStreamStarted", "liveStreamEnded"]);
    assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
    assert!(!server.log().contains("lost"), "{}", server.log());
}

#[test]
fn a_server_that_takes_nothing_does_not_keep_this_one() {
    let folder = Folder::new();
    let (url, heard) = listener(usize::MAX);
    let mut server = server(&folder, &url);
    let mut a = Session::new(&server);
    a.publish("s", &json!({}));
    let began = Instant::now();
    server.signal(Signal::TERM);
    assert!(server.wait(PATIENCE).expect("it ends").success(), "{}", server.log());
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    // That it began, and that it ended.
    assert!(server.log().contains("lost=2"), "{}", server.log());
    assert!(heard.try_recv().is_err());
}
