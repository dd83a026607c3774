//! A member of a room of another naming space, who negotiates with the other members: `>p {"join":["room","alice"]}`,
//! `>p {"answer":"_room"}`, `>p {"bye":"_room"}`. It hears `{"offer":"_room"}`, `{"answer":"_a-1"}` and `{"bye":"_room"}`.

use patchbay_core::{
    Address, Body, CauseKind, Command, Event, Join, Lang, Merge, Moment, Name, Profile, Realm, RoomId, Signal,
    SignalKind, Tag, Transport,
};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::{Ctx, Dialect, Frame, Session, Spec};

static SPEC: Spec = Spec { name: "peer", serves: "nobody", endpoints: &[], keys: &[], messages: &[] };

pub(crate) struct Peer(Profile);

impl Peer {
    pub(crate) fn new(lang: Lang, realm: Realm) -> Self {
        let transport = Transport::default();
        Self(Profile { realm, lang, peer_to_peer: true, one_call: false, transport })
    }
}

impl Dialect for Peer {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.0
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Member { lang: self.0.lang, room: None })
    }
}

struct Member {
    lang: Lang,
    room: Option<RoomId>,
}

impl Session for Member {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(text) = frame else { return };
        let (mut verb, mut said) = (String::new(), Vec::new());
        let read = Cursor::new(text).object(|key, value| {
            verb = key.to_string();
            value.array(|item| {
                said.push(Name::parse(&item.string()?).expect("a name"));
                Ok(())
            })
        });
        read.expect("a peer says what it should");
        let kind = match &*verb {
            "join" => {
                let (room, name) = (said[0].clone(), said[1].clone());
                return ctx.out.command(
                    Tag(0),
                    Command::Join(Join {
                        room,
                        name,
                        merge: Merge::WINDOW,
                        card: None,
                        kind: patchbay_core::RoomKind::Open,
                    }),
                );
            }
            "offer" => SignalKind::Offer,
            "answer" => SignalKind::Answer,
            _ => SignalKind::Bye(CauseKind::Declined.into()),
        };
        let to = Address::Member { room: self.room.expect("it has joined"), name: said[0].clone() };
        let signal = Signal { kind, body: Body::new(self.lang, b"v=0\r\nm=audio\r\nm=video\r\n") };
        ctx.out.command(Tag(0), Command::Signal { to, signal });
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        let (verb, from) = match event {
            Event::Joined { room, .. } => {
                self.room = Some(room);
                return;
            }
            Event::MemberSignal { from, signal, .. } => match signal.kind {
                SignalKind::Offer => ("offer", from),
                SignalKind::Answer => ("answer", from),
                SignalKind::Bye(_) => ("bye", from),
                _ => return,
            },
            _ => return,
        };
        ctx.out.text(|out| out.extend_from_slice(format!("{{\"{verb}\":\"{}\"}}", from.as_str()).as_bytes()));
    }

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}
}
