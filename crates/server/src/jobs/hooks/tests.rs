use std::net::SocketAddr;
use std::time::Instant;

use patchbay_core::Tag;
use patchbay_dialect_antmedia::security::Secret;
use patchbay_dialect_antmedia::security::sign::signature;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::config::Networks;
use crate::jobs::post;
use crate::mailbox::Mailbox;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// Short for tests; a machine that is busy takes its time.
const PATIENCE: Duration = Duration::from_millis(800);
const PAUSE: Duration = Duration::from_millis(20);

fn hooks(allow: &[&str], pem: &[u8]) -> Hooks {
    let tls = Arc::new(post::tls(pem).expect("TLS can be set up"));
    let allowed = Networks::new(allow).expect("networks");
    Hooks::with(Outside { allowed, secret: Some(Secret::new(SECRET)), tls }, PATIENCE, PAUSE)
}

/// What a server was sent: its head, in lower case, and its body.
type Heard = (String, String);

/// Reads one request and answers with that line; `None`: never.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Option<&str>) -> Option<Heard> {
    let mut bytes = Vec::new();
    let (head, body) = loop {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&bytes);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse::<usize>().ok()?;
        if body.len() >= length {
            break (head, body.to_owned());
        }
    };
    match answer {
        Some(line) => {
            let _gone = stream.write_all(format!("HTTP/1.1 {line}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        }
        None => sleep(Duration::from_secs(60)).await,
    }
    Some((head, body))
}

/// A server on loopback that gives these answers one after another, the last one ever after, and tells what it heard.
async fn server(answers: &'static [Option<&'static str>]) -> (SocketAddr, mpsc::UnboundedReceiver<Heard>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, (tell, heard)) = (listener.local_addr().expect("bound"), mpsc::unbounded_channel());
    tokio::spawn(async move {
        let mut count = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answers[count.min(answers.len() - 1)];
            count += 1;
            let tell = tell.clone();
            tokio::spawn(async move {
                if let Some(heard) = serve(stream, answer).await {
                    let _gone = tell.send(heard);
                }
            });
        }
    });
    (address, heard)
}

/// Gives the order, and waits for its outcome.
async fn outcome(hooks: &Hooks, job: Job) -> Done {
    let mailbox = Arc::new(Mailbox::default());
    mailbox.order();
    hooks.take(
        Waiting {
            party: super::super::tests::party(),
            mailbox: Arc::clone(&mailbox),
            tag: Tag(1),
            told: false,
            counts: true,
        },
        job,
    );
    for _ in 0..2_000 {
        if let Some((_, done)) = mailbox.take_done() {
            return done;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("an order has an outcome");
}

fn ask(url: &str) -> Job {
    Job::Ask { url: Arc::from(url), body: b"{\"q\":1}".to_vec() }
}

fn news(url: &str, subject: &str, body: &str) -> Job {
    Job::Notify { url: Arc::from(url), subject: Arc::from(subject), body: body.as_bytes().to_vec() }
}

async fn next(heard: &mut mpsc::UnboundedReceiver<Heard>) -> Heard {
    timeout(Duration::from_secs(20), heard.recv()).await.expect("it comes").expect("the server stands")
}

#[tokio::test]
async fn a_question_is_signed_and_its_answer_told() {
    let (address, mut heard) = server(&[Some("200 OK"), Some("403 Forbidden")]).await;
    let hooks = hooks(&["127.0.0.0/8"], b"");
    let url = format!("http://{address}/may?x=1");
    assert_eq!(outcome(&hooks, ask(&url)).await, Done::Answered(200));
    let (head, body) = next(&mut heard).await;
    assert!(head.starts_with("post /may?x=1 http/1.1\r\n"), "{head}");
    assert_eq!(body, "{\"q\":1}");
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
    assert_eq!(header("host: "), Some(address.to_string()));
    assert_eq!(header("content-type: ").as_deref(), Some("application/json"));
    let signed = header("x-patchbay-signature: ").expect("it is signed");
    let time = signed.strip_prefix("t=").and_then(|rest| rest.split_once(',')).expect("a time").0;
    let time: u64 = time.parse().expect("seconds");
    assert!(unix().abs_diff(time) < 60);
    assert_eq!(signed, signature(&Secret::new(SECRET), time, body.as_bytes()));
    assert_eq!(outcome(&hooks, ask(&url)).await, Done::Answered(403));
    let figures = hooks.figures();
    assert_eq!((figures.allowed.get(), figures.denied.get(), figures.unanswered.get()), (1, 1, 0));
}

#[tokio::test]
async fn without_an_allowance_this_machine_is_not_asked() {
    let (address, mut heard) = server(&[Some("200 OK")]).await;
    let port = address.port();
    let closed = hooks(&[], b"");
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"] {
        assert_eq!(outcome(&closed, ask(&format!("http://{host}:{port}/"))).await, Done::Failed, "{host}");
        assert_eq!(outcome(&closed, news(&format!("http://{host}:{port}/"), "s", "{}")).await, Done::Queued);
    }
    for url in ["file:///etc/passwd", "http://", "ftp://127.0.0.1/", &format!("http://a@127.0.0.1:{port}/")] {
        assert_eq!(outcome(&closed, ask(url)).await, Done::Failed, "{url}");
    }
    // Another range opens nothing either.
    let other = hooks(&["10.0.0.0/8", "169.254.169.254"], b"");
    assert_eq!(outcome(&other, ask(&format!("http://{address}/"))).await, Done::Failed);
    assert!(timeout(Duration::from_millis(100), heard.recv()).await.is_err(), "nobody came");
    let open = hooks(&["127.0.0.1"], b"");
    assert_eq!(outcome(&open, ask(&format!("http://localhost:{port}/"))).await, Done::Answered(200));
    next(&mut heard).await;
}

#[tokio::test]
async fn a_redirection_is_an_answer_and_not_followed() {
    let (elsewhere, mut lured) = server(&[Some("200 OK")]).await;
    let line: &'static str = format!("307 Temporary Redirect\r\nlocation: http://{elsewhere}/").leak();
    let (address, mut heard) = server(vec![Some(line)].leak()).await;
    let hooks = hooks(&["127.0.0.1"], b"");
    assert_eq!(outcome(&hooks, ask(&format!("http://{address}/"))).await, Done::Answered(307));
    next(&mut heard).await;
    assert_eq!(outcome(&hooks, news(&format!("http://{address}/"), "s", "{}")).await, Done::Queued);
    next(&mut heard).await;
    assert!(timeout(PAUSE * 20, lured.recv()).await.is_err(), "nobody was sent there");
    assert!(heard.try_recv().is_err(), "nor is it told again");
    assert_eq!(hooks.figures().given_up.get(), 1);
}

#[tokio::test]
async fn news_are_repeated_until_they_are_heard_and_keep_their_order() {
    let (address, mut heard) =
        server(&[Some("500 Broken"), Some("503 Busy"), Some("204 No Content"), Some("200 OK")]).await;
    let (hooks, url) = (hooks(&["127.0.0.1"], b""), format!("http://{address}/"));
    for number in 1..=3 {
        assert_eq!(outcome(&hooks, news(&url, "live/s", &number.to_string())).await, Done::Queued);
    }
    let mut order = Vec::new();
    for _ in 0..5 {
        order.push(next(&mut heard).await.1);
    }
    assert_eq!(order, ["1", "1", "1", "2", "3"]);
    let figures = hooks.figures();
    while figures.waiting.get() > 0 {
        sleep(PAUSE).await;
    }
    assert_eq!((figures.told.get(), figures.repeated.get(), figures.given_up.get()), (3, 2, 0));
    assert!(hooks.0.queue().is_empty(), "nothing is left of what was told");
}

#[tokio::test]
async fn news_that_nobody_takes_are_given_up() {
    let (address, mut heard) = server(&[Some("500 Broken")]).await;
    let hooks = hooks(&["127.0.0.1"], b"");
    assert_eq!(outcome(&hooks, news(&format!("http://{address}/"), "s", "x")).await, Done::Queued);
    for _ in 0..ATTEMPTS {
        next(&mut heard).await;
    }
    assert!(timeout(PAUSE * 4, heard.recv()).await.is_err());
    while hooks.figures().given_up.get() == 0 {
        sleep(PAUSE).await;
    }
    // Nor those that it does not want.
    let (address, mut heard) = server(&[Some("404 Not Found")]).await;
    assert_eq!(outcome(&hooks, news(&format!("http://{address}/"), "s", "x")).await, Done::Queued);
    next(&mut heard).await;
    assert!(timeout(PAUSE * 10, heard.recv()).await.is_err());
}

#[tokio::test]
async fn a_slow_server_holds_up_nobody_else() {
    let (slow, _) = server(&[None]).await;
    let (fast, mut heard) = server(&[Some("200 OK")]).await;
    // Two names for one machine: lanes are by name.
    let (slow, fast) = (format!("http://localhost:{}/", slow.port()), format!("http://{fast}/"));
    let hooks = hooks(&["127.0.0.1"], b"");
    for subject in 0..200 {
        assert_eq!(outcome(&hooks, news(&slow, &subject.to_string(), "x")).await, Done::Queued);
    }
    let began = Instant::now();
    assert_eq!(outcome(&hooks, news(&fast, "a", "x")).await, Done::Queued);
    next(&mut heard).await;
    assert_eq!(outcome(&hooks, ask(&fast)).await, Done::Answered(200));
    assert!(began.elapsed() < PATIENCE, "it waited for the slow one: {:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(outcome(&hooks, ask(&slow)).await, Done::Failed);
    assert!((PATIENCE..PATIENCE * 3).contains(&began.elapsed()), "{:?}", began.elapsed());
}

#[tokio::test]
async fn news_wait_within_bounds() {
    let (slow, _) = server(&[None]).await;
    let (hooks, url) = (hooks(&["127.0.0.1"], b""), format!("http://{slow}/"));
    let runtime = Handle::current();
    let tell = |subject: String| hooks.notify(&runtime, Arc::from(url.as_str()), Arc::from(subject), b"x".to_vec());
    for _ in 0..NEWS_OF_ONE {
        assert_eq!(tell("one".to_owned()), Done::Queued);
    }
    assert_eq!(tell("one".to_owned()), Done::Failed, "of one subject so many wait");
    for other in NEWS_OF_ONE..NEWS {
        assert_eq!(tell(other.to_string()), Done::Queued);
    }
    assert_eq!(tell("another".to_owned()), Done::Failed, "and of all so many");
    assert_eq!(hooks.figures().dropped.get(), 2);
}

#[tokio::test]
async fn over_tls_only_who_is_believed_is_asked() {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["localhost".to_owned()]).expect("a key");
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .expect("a pair");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream, Some("200 OK")).await;
            }
        }
    });
    let (stranger, known) = (hooks(&["127.0.0.1"], b""), hooks(&["127.0.0.1"], cert.pem().as_bytes()));
    assert_eq!(outcome(&stranger, ask(&format!("https://localhost:{port}/"))).await, Done::Failed);
    assert_eq!(outcome(&known, ask(&format!("https://localhost:{port}/"))).await, Done::Answered(200));
    // A certificate of another name is none.
    assert_eq!(outcome(&known, ask(&format!("https://127.0.0.1:{port}/"))).await, Done::Failed);
}

#[tokio::test]
async fn at_the_end_news_are_told_as_long_as_there_is_time_and_the_rest_is_lost() {
    let soon = || tokio::time::Instant::now() + Duration::from_secs(20);
    let (address, mut heard) = server(&[Some("500 Broken"), Some("500 Broken"), Some("200 OK")]).await;
    let good = hooks(&["127.0.0.1"], b"");
    good.settle(soon()).await;
    assert_eq!(outcome(&good, news(&format!("http://{address}/"), "s", "x")).await, Done::Queued);
    let began = Instant::now();
    good.settle(soon()).await;
    assert!(began.elapsed() < Duration::from_secs(10), "no longer than it takes");
    assert_eq!((good.lose(), good.figures().told.get()), (0, 1));
    for _ in 0..3 {
        next(&mut heard).await;
    }
    let (address, _) = server(&[Some("500 Broken")]).await;
    let bad = hooks(&["127.0.0.1"], b"");
    for subject in ["s", "t"] {
        assert_eq!(outcome(&bad, news(&format!("http://{address}/"), subject, "x")).await, Done::Queued);
    }
    bad.settle(tokio::time::Instant::now() + PAUSE).await;
    assert_eq!((bad.lose(), bad.figures().dropped.get()), (2, 2));
}
