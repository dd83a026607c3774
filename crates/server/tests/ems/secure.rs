//! The way to a rendezvous server over TLS (`ersOverSsl`): who it is has to be proved.

use std::time::{Duration, Instant};

use crate::common::process::Server;
use crate::common::tls::Secure;
use crate::support::{PATIENCE, ask, server};

/// What is not to happen does not happen within this time.
const NEVER: Duration = Duration::from_secs(2);

/// A rendezvous server with a certificate of its own making for `localhost`, and its port.
fn meeting() -> (Secure, u16) {
    let secure = Secure::start(&[]);
    let address = secure.server.ready("https")[0].as_str().expect("the ready line names the listener").to_owned();
    let port = address.rsplit_once(':').expect("a port").1.parse().expect("a number");
    (secure, port)
}

fn start(server: &Server, host: &str, port: u16) {
    let answer = ask(server, &format!("startWebrtc {host} ersport={port} roomid=room ersOverSsl=1"));
    assert!(answer.contains("SUCCESS") && answer.contains(r#""ersOverSsl":true"#), "{answer}");
}

fn is_joined(server: &Server) -> bool {
    ask(server, "getConfigInfo id=1").contains(r#""description":"Joined""#)
}

fn until(what: &str, mut so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < until, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_server_whose_authority_is_believed_is_joined() {
    let (secure, port) = meeting();
    let authority = secure.pair.cert.to_str().expect("text");
    let server = server(&[("SSL_CERT_FILE", authority)]);
    start(&server, "ers=localhost", port);
    until("it is in its room", || is_joined(&server));
    assert!(!server.log().contains("TLS"), "{}", server.log());
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_spoken_to_and_the_log_says_what_to_do() {
    let (secure, port) = meeting();
    let nobody = secure.folder.path().join("nobody.pem");
    std::fs::write(&nobody, "").expect("the folder is writable");
    let own = secure.pair.cert.to_str().expect("text");
    for (authorities, host, words) in [
        (nobody.to_str().expect("text"), "ers=localhost", "signed by nobody whom this machine believes; add"),
        (own, "ersip=127.0.0.1", "for another name; dial the name"),
    ] {
        let server = server(&[("SSL_CERT_FILE", authorities)]);
        start(&server, host, port);
        until("the log says why", || server.log().contains(words));
        std::thread::sleep(NEVER);
        assert!(!is_joined(&server));
        let said = server.log().matches("not spoken to over TLS").count();
        assert_eq!(said, 1, "once, however often it is tried: {}", server.log());
    }
}
