//! The world of the tests: the dialect, and beside it one that publishes streams.

use std::net::IpAddr;
use std::time::Duration;

use patchbay_core::{
    Address, Body, Codec, Command, Event, Hub, Kinds, Lang, Limits, LinkId, Moment, Name, Profile, Publish, Realm,
    RealmLimits, Signal, SignalKind, Tag, Transport,
};
use patchbay_dialect_ers::ems::{Ems, Envelope};
use patchbay_dialect_kit::job::{Dial, Table};
use patchbay_dialect_kit::testing::{Delivery, Handshake, Heard, Input, SessionWorld, World as _};
use patchbay_dialect_kit::{Arrival, Ctx, Dialect, Frame, Session, Spec};

pub(crate) const LOCAL: Option<IpAddr> = Some(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

pub(crate) fn dialect(envelope: Envelope) -> Ems {
    Ems::new(Lang(1), Realm(0), envelope)
}

/// Streams come from here.
pub(crate) struct Studio;

static STUDIO: Spec = Spec { name: "studio", serves: "tests", endpoints: &[], keys: &[], messages: &[] };

impl Dialect for Studio {
    fn spec(&self) -> &'static Spec {
        &STUDIO
    }

    fn profile(&self) -> Profile {
        Profile {
            realm: Realm(0),
            lang: Lang(0),
            peer_to_peer: false,
            one_call: false,
            transport: Transport::default(),
        }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Camera { link: None, due: false, h264: false })
    }
}

/// Publishes a stream of the name that it is told; in H.264 if its name says so.
struct Camera {
    link: Option<LinkId>,
    due: bool,
    h264: bool,
}

impl Session for Camera {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(name) = frame else { return };
        let stream = Name::parse(name).expect("a name");
        self.h264 = name.contains("h264");
        let publish = Publish { stream, main: None, kinds: Kinds::ALL, about: None, claim: None, tracks: None };
        ctx.out.command(Tag(1), Command::Publish(publish));
    }

    fn on_event(&mut self, event: Event, _ctx: &mut Ctx<'_>) {
        if let Event::Reserved { link, .. } = event {
            (self.link, self.due) = (Some(link), true);
        }
    }

    fn deadline(&self) -> Option<Moment> {
        self.due.then_some(Moment::START)
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        self.due = false;
        let Some(link) = self.link else { return };
        let mut offer =
            "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"
                .to_owned();
        if self.h264 {
            offer.push_str("a=rtpmap:96 H264/90000\r\n");
        }
        let signal = Signal { kind: SignalKind::Offer, body: Body::new(Lang(0), offer.as_bytes()) };
        ctx.out.command(Tag(2), Command::Signal { to: Address::Link(link), signal });
    }
}

pub(crate) struct World<'a> {
    pub(crate) sessions: SessionWorld<'a>,
}

impl<'a> World<'a> {
    pub(crate) fn new(ems: &'a Ems) -> Self {
        Self::with(ems, &[])
    }

    /// A world in which these commands were stored.
    pub(crate) fn with(ems: &'a Ems, stored: &[(&str, &str)]) -> Self {
        let realm =
            RealmLimits { codecs: Some([Codec::Opus, Codec::Vp8].into()), presence: false, ..RealmLimits::default() };
        let hub = Hub::new(0, Limits { realms: vec![realm] });
        let mut sessions = SessionWorld::of(hub, vec![("", ems), ("studio", &Studio)], Delivery::Eager, 7);
        for (key, line) in stored {
            sessions.jobs().put(Table::Setting, key, line);
        }
        sessions.resident();
        Self { sessions }
    }

    /// A caller of the API.
    pub(crate) fn caller(&mut self, endpoint: &str, from: Option<IpAddr>) -> usize {
        self.sessions.open_by(&Arrival { endpoint, from, id: None, agent: None })
    }

    /// A stream that is live; the connection that publishes it.
    pub(crate) fn publish(&mut self, stream: &str) -> usize {
        let handshake = Handshake { path: Some("studio".to_owned()), ..Handshake::default() };
        let camera = self.sessions.open(&handshake).expect("everybody is let in");
        self.say(camera, stream);
        self.sessions.follow(camera, &format!("flow x up {stream}"));
        camera
    }

    pub(crate) fn say(&mut self, connection: usize, text: &str) {
        self.sessions.say(connection, &Input::Text(text.to_owned())).expect("it stands");
    }

    /// What is heard at once, all of it.
    pub(crate) fn heard(&mut self, connection: usize) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(heard) = self.sessions.hear(connection, Duration::ZERO) {
            all.push(match heard {
                Heard::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                Heard::Closed(_) => "closed".to_owned(),
                Heard::Ping => "ping".to_owned(),
            });
        }
        all
    }

    /// Says a command, and hears its one answer as bytes.
    pub(crate) fn ask(&mut self, caller: usize, line: &str) -> Vec<u8> {
        self.say(caller, line);
        let answer = match self.sessions.hear(caller, Duration::ZERO) {
            Some(Heard::Text(answer)) => answer,
            other => panic!("{line}: {other:?}"),
        };
        assert_eq!(self.heard(caller), [""; 0], "{line}: one answer");
        answer
    }

    /// The same of the JSON interface: the length in front is right and left out.
    pub(crate) fn json(&mut self, caller: usize, line: &str) -> String {
        let answer = self.ask(caller, line);
        let (length, rest) = answer.split_first_chunk::<4>().expect("a length");
        assert_eq!(usize::try_from(u32::from_be_bytes(*length)).expect("small"), rest.len(), "{line}");
        let text = std::str::from_utf8(rest).expect("text");
        text.strip_suffix("\r\n\r\n").expect("two line ends").to_owned()
    }

    pub(crate) fn pass(&mut self, seconds: u64) {
        self.sessions.pass(Duration::from_secs(seconds));
    }

    /// The connection that was ordered, made; it is in its room if the server lets it.
    pub(crate) fn connect(&mut self) -> (Dial, usize) {
        self.sessions.connect().expect("a connection is ordered")
    }

    /// The same, and let into its room.
    pub(crate) fn join(&mut self) -> usize {
        let (_, connection) = self.connect();
        self.say(connection, "1::");
        self.say(connection, r#"5:::{"name":"ersid","args":[{"id":"E"}]}"#);
        let heard = self.heard(connection);
        assert!(heard.len() == 1 && heard[0].starts_with(r#"5:1+::{"name":"join""#), "{heard:?}");
        self.say(connection, r#"6:::1+[null,{"clients":{}}]"#);
        connection
    }
}

/// A whole `clientJoined`.
pub(crate) fn client_joined(id: &str, stream: &str) -> String {
    format!(r#"5:::{{"name":"clientJoined","args":[{{"id":"{id}","streamName":"{stream}","transport":"srtp"}}]}}"#)
}
