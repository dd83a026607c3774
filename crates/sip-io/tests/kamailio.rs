//! Registration and calls through Kamailio (Debian: kamailio, kamailio-tls-modules), configured by
//! `tests/kamailio/kamailio.cfg`. Without it they say so and pass.

mod support;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use patchbay_sip::uri::Uri;
use patchbay_sip_io::*;
use support::*;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

struct Kamailio {
    child: Child,
    folder: PathBuf,
    port: u16,
    tls_port: u16,
    chain: Vec<u8>,
}

fn free() -> u16 {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    socket.local_addr().expect("an address").port()
}

impl Kamailio {
    async fn start() -> Option<Self> {
        let tls = ["x86_64-linux-gnu", "aarch64-linux-gnu"]
            .map(|arch| PathBuf::from(format!("/usr/lib/{arch}/kamailio/modules/tls.so")))
            .iter()
            .any(|file| file.exists());
        if !is_installed("kamailio", "-v") || !tls {
            untested("KAMAILIO NOT TESTED");
            return None;
        }
        let (port, tls_port) = (free(), free());
        let folder = std::env::temp_dir().join(format!("patchbay-kamailio-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).expect("a certificate");
        let chain = made.cert.pem().into_bytes();
        std::fs::write(folder.join("cert.pem"), &chain).expect("a file");
        std::fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("a file");
        let template = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kamailio/kamailio.cfg");
        let config = std::fs::read_to_string(template).expect("the configuration");
        let config = config
            .replace("TLSPORT", &tls_port.to_string())
            .replace(":PORT", &format!(":{port}"))
            .replace("DIR/", &format!("{}/", folder.display()));
        let file = folder.join("kamailio.cfg");
        std::fs::write(&file, config).expect("a file");
        let log = std::fs::File::create(folder.join("log")).expect("a file");
        let child = Command::new("kamailio")
            .arg("-f")
            .arg(&file)
            .args(["-m", "64", "-M", "8", "-DD", "-E"])
            .arg("-Y")
            .arg(&folder)
            .arg("-P")
            .arg(folder.join("pid"))
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("kamailio starts");
        let kamailio = Self { child, folder, port, tls_port, chain };
        let ready = timeout(Duration::from_secs(20), async {
            while TcpStream::connect(("127.0.0.1", kamailio.tls_port)).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        });
        let log = || std::fs::read_to_string(kamailio.folder.join("log")).unwrap_or_default();
        assert!(ready.await.is_ok(), "kamailio is not ready:\n{}", log());
        Some(kamailio)
    }

    fn settings(&self, transport: &str) -> Settings {
        let port = if transport == "tls" { self.tls_port } else { self.port };
        let tls = Tls { roots: Roots::Pem(self.chain.clone()), identity: None };
        Settings { tls, ..proxy(&format!("127.0.0.1:{port};transport={transport}")) }
    }
}

/// Its children end when their parent asks them to; a parent that is killed asks nobody.
impl Drop for Kamailio {
    fn drop(&mut self) {
        _ = Command::new("kill").arg(self.child.id().to_string()).status();
        _ = self.child.wait();
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn accounts_call_each_other_through_a_proxy() {
    let Some(kamailio) = Kamailio::start().await else { return };
    for transport in ["udp", "tcp", "tls"] {
        let agent = agent(kamailio.settings(transport)).await;
        let mut alice = registered(&agent, "alice").await;
        let mut bob = registered(&agent, "bob").await;

        // A call with everything: a password, ringing, sound before the answer, a digit, a change, an end.
        let mut outgoing = agent.invite(call("alice", "sip:bob@example.com")).expect("a call");
        let Incoming { mut dialog, from, call_id, sdp, .. } = called(&mut bob).await;
        assert_eq!((from.uri.as_str(), from.display.as_deref()), ("alice@example.com", Some("ALICE")), "{transport}");
        assert_eq!(sdp.as_deref(), Some(SDP));
        dialog.order(DialogOrder::Ring).expect("taken");
        until(&mut outgoing, "Provisional(180").await;
        dialog.order(DialogOrder::Progress(SDP.to_owned())).expect("taken");
        until(&mut outgoing, "Provisional(183, sdp: Some").await;
        dialog.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
        let DialogNews::Accepted { call_id: same, .. } = news(&mut outgoing).await else { panic!("no answer") };
        assert_eq!(call_id, same);
        until(&mut dialog, "Acked").await;
        let (content_type, body) = ("application/dtmf-relay".to_owned(), "Signal=7\r\nDuration=100\r\n".to_owned());
        outgoing.order(DialogOrder::Info { content_type, body }).expect("taken");
        assert!(matches!(news(&mut dialog).await, DialogNews::Dtmf(press) if press.digit.as_char() == '7'));
        dialog.order(DialogOrder::Reinvite(SDP.replace("a=rtpmap", "a=sendonly\r\na=rtpmap"))).expect("taken");
        assert!(
            matches!(news(&mut outgoing).await, DialogNews::Reinvite { sdp: Some(sdp) } if sdp.contains("sendonly"))
        );
        outgoing.order(DialogOrder::AnswerReinvite(Ok(SDP.to_owned()))).expect("taken");
        until(&mut dialog, "Reinvited").await;
        until(&mut outgoing, "Acked").await;
        outgoing.order(DialogOrder::Hangup).expect("taken");
        until(&mut dialog, "Ended(200 OK, Peer)").await;

        // Cancelled, and refused.
        let mut outgoing = agent.invite(call("alice", "sip:bob@example.com")).expect("a call");
        let Incoming { mut dialog, .. } = called(&mut bob).await;
        dialog.order(DialogOrder::Ring).expect("taken");
        until(&mut outgoing, "Provisional(180").await;
        outgoing.order(DialogOrder::Hangup).expect("taken");
        until(&mut dialog, "Ended(487 Request Terminated, Peer)").await;
        let mut outgoing = agent.invite(call("alice", "sip:bob@example.com")).expect("a call");
        let Incoming { dialog, .. } = called(&mut bob).await;
        dialog.order(DialogOrder::Reject(486)).expect("taken");
        until(&mut outgoing, "Ended(486 Busy Here, Peer)").await;

        // A message.
        let to = Uri::parse("sip:bob@example.com").expect("a URI");
        let text = LineOrder::Text { tag: 1, to, content_type: "text/plain".to_owned(), body: "hello".to_owned() };
        alice.order(text).expect("taken");
        let LineNews::Text(text) = line_news(&mut bob).await else { panic!("no message") };
        assert_eq!((text.body.as_str(), text.from.uri.as_str()), ("hello", "alice@example.com"));
        assert_eq!(format!("{:?}", line_news(&mut alice).await), "Sent(1, 200 OK)");

        // Whoever has unregistered is not there any more.
        bob.order(LineOrder::Stop).expect("taken");
        drop(bob);
        for _ in 0..100 {
            if agent.counts().lines == 1 {
                break;
            }
            sleep(Duration::from_millis(20)).await;
        }
        let mut outgoing = agent.invite(call("alice", "sip:bob@example.com")).expect("a call");
        until(&mut outgoing, "Ended(404 Nobody Of That Name, Peer)").await;
        agent.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_password() {
    let Some(kamailio) = Kamailio::start().await else { return };
    let agent = agent(kamailio.settings("udp")).await;
    let mut line = agent.register(account("mallory")).expect("a line");
    line.order(LineOrder::Start).expect("taken");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Registering");
    assert_eq!(format!("{:?}", line_news(&mut line).await), "Failed(904 Operation has no matching challenge )");
    let mut outgoing = agent.invite(call("mallory", "sip:bob@example.com")).expect("a call");
    until(&mut outgoing, "Ended(904 Operation has no matching challenge , Peer)").await;
    agent.stop().await;
}

/// Two of one account: both ring, the first to answer has it.
#[tokio::test]
async fn two_lines_of_one_account() {
    let Some(kamailio) = Kamailio::start().await else { return };
    let agent = agent(kamailio.settings("udp")).await;
    let _alice = registered(&agent, "alice").await;
    let mut one = registered(&agent, "bob").await;
    let mut two = registered(&agent, "bob").await;
    let mut outgoing = agent.invite(call("alice", "sip:bob@example.com")).expect("a call");
    let (first, second) = (called(&mut one).await, called(&mut two).await);
    let (mut first, mut second) = (first.dialog, second.dialog);
    first.order(DialogOrder::Ring).expect("taken");
    second.order(DialogOrder::Ring).expect("taken");
    second.order(DialogOrder::Answer { sdp: SDP.to_owned(), headers: vec![] }).expect("taken");
    until(&mut outgoing, "Accepted").await;
    until(&mut second, "Acked").await;
    until(&mut first, "Ended(487 Request Terminated").await;
    second.order(DialogOrder::Hangup).expect("taken");
    until(&mut outgoing, "Ended(200 OK, Peer)").await;
    agent.stop().await;
}
