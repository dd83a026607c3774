//! A client of the dialect with its peer, as sylkrtc.js would be.

use std::time::{Duration, Instant};

use patchbay_dialect_kit::testing::{Handshake, Heard};
use serde_json::{Value, json};

use super::super::common::client::Client;
use super::super::common::process::Server;
use super::super::peer::Peer;
use super::super::session::{PATIENCE, server};
use super::telephone::Telephone;

/// Of alice at example.com, whose password is `secret-alice`.
pub(crate) const HA1: &str = "70994ab986aa0fbde932b93f060e2ee3";

pub(crate) struct Sylk {
    client: Client,
    pub(crate) peer: Peer,
    number: u32,
}

impl Sylk {
    pub(crate) fn new(server: &Server) -> Self {
        Self::speaking(server, "sylkRTC-2")
    }

    pub(crate) fn speaking(server: &Server, protocol: &str) -> Self {
        let handshake = Handshake { protocol: Some(protocol.to_owned()), ..Handshake::default() };
        let client = Client::at(&server.address(), "/webrtcgateway/ws", &handshake);
        let mut client = client.unwrap_or_else(|turned| panic!("{turned:?}"));
        assert_eq!(client.protocol.as_deref(), Some(protocol));
        client.message();
        Self { client, peer: Peer::telephonist(), number: 0 }
    }

    pub(crate) fn next(&mut self) -> Value {
        self.client.message()
    }

    pub(crate) fn patiently(&mut self, patience: Duration) -> Value {
        self.client.message_within(patience)
    }

    /// Says it, and gives the transaction.
    pub(crate) fn say(&mut self, mut request: Value) -> String {
        self.number += 1;
        let transaction = self.number.to_string();
        request["transaction"] = json!(transaction);
        self.client.text(&request.to_string());
        transaction
    }

    /// Says it; the next message is that it is taken.
    pub(crate) fn ask(&mut self, request: Value) {
        let transaction = self.say(request);
        assert_eq!(self.next(), json!({"sylkrtc": "ack", "transaction": transaction}));
    }

    /// Says it; the next message is that it is not taken, and why.
    pub(crate) fn fails(&mut self, request: Value) -> String {
        let transaction = self.say(request);
        let told = self.next();
        assert_eq!((&told["sylkrtc"], &told["transaction"]), (&json!("error"), &json!(transaction)), "{told}");
        told["error"].as_str().expect("a text").to_owned()
    }

    /// The next message is this.
    pub(crate) fn told(&mut self, wanted: &Value) {
        assert_eq!(self.next(), *wanted);
    }

    /// The next message is a call's state, with this besides.
    pub(crate) fn state(&mut self, session: &str, state: &str, more: &Value) {
        let mut wanted = json!({"sylkrtc": "session-event", "session": session, "event": "state", "state": state});
        for (name, value) in more.as_object().into_iter().flatten() {
            wanted[name] = value.clone();
        }
        self.told(&wanted);
    }

    pub(crate) fn terminated(&mut self, session: &str, reason: &str) {
        self.state(session, "terminated", &json!({"reason": reason}));
    }

    pub(crate) fn hears_nothing(&mut self, span: Duration) {
        if let Some(heard) = self.client.hear(span) {
            match heard {
                Heard::Text(text) => panic!("there came {}", String::from_utf8_lossy(&text)),
                other => panic!("there came {other:?}"),
            }
        }
    }

    pub(crate) fn add(&mut self, ha1: &str) {
        self.ask(json!({"sylkrtc": "account-add", "account": "alice@example.com", "password": ha1}));
    }

    /// Asks for a registration: that it is taken is told when it is under way.
    pub(crate) fn register(&mut self) {
        self.ask(json!({"sylkrtc": "account-register", "account": "alice@example.com"}));
        self.registration(&json!({"state": "registering"}));
    }

    pub(crate) fn registration(&mut self, more: &Value) {
        let mut wanted =
            json!({"sylkrtc": "account-event", "account": "alice@example.com", "event": "registration-state"});
        for (name, value) in more.as_object().into_iter().flatten() {
            wanted[name] = value.clone();
        }
        self.told(&wanted);
    }

    /// Asks for a call with an offer of its peer's; `progress` is told.
    pub(crate) fn calls(&mut self, session: &str, to: &str, video: bool) -> String {
        let offer = self.peer.offer_to_talk(video);
        self.create(session, to, &offer);
        offer
    }

    pub(crate) fn create(&mut self, session: &str, to: &str, offer: &str) {
        self.ask(json!({
            "sylkrtc": "session-create", "session": session, "account": "alice@example.com", "uri": to, "sdp": offer,
        }));
        self.state(session, "progress", &json!({}));
    }

    /// The call is taken: its description goes to the peer, and is given.
    pub(crate) fn accepted(&mut self, session: &str, call_id: &str) -> String {
        let told = self.next();
        assert_eq!((&told["session"], &told["state"]), (&json!(session), &json!("accepted")), "{told}");
        assert_eq!(told["call_id"], json!(call_id));
        let sdp = told["sdp"].as_str().expect("a description").to_owned();
        self.peer.accept(&sdp);
        sdp
    }

    pub(crate) fn established(&mut self, session: &str) {
        self.state(session, "established", &json!({}));
    }

    pub(crate) fn ends(&mut self, session: &str) {
        self.ask(json!({"sylkrtc": "session-terminate", "session": session}));
    }

    /// Packets that have come to its peer.
    pub(crate) fn heard(&self) -> u64 {
        self.peer.seen().streams.values().map(|stream| stream.packets).sum()
    }

    /// So many packets come to its peer in all.
    pub(crate) fn hears(&self, wanted: u64) {
        let count = || self.heard();
        let deadline = Instant::now() + PATIENCE;
        while count() < wanted {
            assert!(Instant::now() < deadline, "only {} packets of {wanted} came", count());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The next thing is the end of its connection, because the server stops.
    pub(crate) fn is_sent_away(&mut self) {
        assert_eq!(self.client.hear(PATIENCE), Some(Heard::Closed(Some(1001))));
    }

    /// Goes without a word.
    pub(crate) fn leaves(self) {
        drop(self);
    }
}

/// A server whose proxy is the telephone.
pub(crate) fn beside(telephone: &Telephone) -> Server {
    with(telephone, &[])
}

pub(crate) fn with(telephone: &Telephone, settings: &[(&str, &str)]) -> Server {
    behind(&telephone.address().to_string(), settings)
}

/// A server with that proxy.
pub(crate) fn behind(proxy: &str, settings: &[(&str, &str)]) -> Server {
    let ours = [("PATCHBAY_SIP__OUTBOUND_PROXY", proxy), ("PATCHBAY_MEDIA__BIND", "127.0.0.1")];
    server(&[&ours[..], settings].concat())
}

/// A client whose account is registered, its telephone, and the contact that it is reached by.
pub(crate) fn registered() -> (Server, Telephone, Sylk, String) {
    registered_with(&[])
}

pub(crate) fn registered_with(settings: &[(&str, &str)]) -> (Server, Telephone, Sylk, String) {
    let mut telephone = Telephone::new();
    let server = with(&telephone, settings);
    let mut client = Sylk::new(&server);
    client.add(HA1);
    client.register();
    let contact = telephone.registers(HA1, 600).contact();
    client.registration(&json!({"state": "registered"}));
    (server, telephone, client, contact)
}
