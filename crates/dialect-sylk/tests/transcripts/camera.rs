//! Somebody of another dialect, in the same naming space: it publishes streams and views them, `>cam {"publish":[stream, main]}`,
//! `>cam {"view":stream}`, and is told nothing.

use patchbay_core::{
    Address, Body, Command, Event, Kinds, Lang, LinkId, Moment, Name, Profile, Publish, Realm, Selection, Signal,
    SignalKind, Speaks, Tag, Transport, View,
};
use patchbay_dialect_kit::json::Cursor;
use patchbay_dialect_kit::{Ctx, Dialect, Frame, Session, Spec};

static SPEC: Spec = Spec { name: "camera", serves: "nobody", endpoints: &[], keys: &[], messages: &[] };

pub(crate) struct Camera(pub(crate) Profile);

impl Camera {
    pub(crate) fn new(lang: Lang, realm: Realm) -> Self {
        let transport = Transport::default();
        Self(Profile { realm, lang, peer_to_peer: false, one_call: false, transport })
    }
}

impl Dialect for Camera {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.0
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Lens { lang: self.0.lang, offers: Vec::new(), now: Moment::START })
    }
}

struct Lens {
    lang: Lang,
    /// Publications that the engine waits for an offer to.
    offers: Vec<LinkId>,
    now: Moment,
}

impl Session for Lens {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(text) = frame else { return };
        let name = |text: &str| Name::parse(text).expect("a name");
        let mut said = Vec::new();
        let mut publishes = false;
        let read = Cursor::new(text).object(|key, value| {
            publishes = key == "publish";
            if publishes {
                return value.array(|item| {
                    said.push(name(&item.string()?));
                    Ok(())
                });
            }
            said.push(name(&value.string()?));
            Ok(())
        });
        read.expect("a camera says what it should");
        let stream = said[0].clone();
        let command = if publishes {
            Command::Publish(Publish {
                stream,
                main: said.get(1).cloned(),
                kinds: Kinds::ALL,
                about: None,
                claim: None,
                tracks: None,
            })
        } else {
            Command::View(View {
                stream,
                selection: Selection::ALL,
                except: None,
                speaks: Speaks::No,
                viewers: None,
                about: None,
                shape: patchbay_core::Shape::default(),
            })
        };
        ctx.out.command(Tag(0), command);
    }

    fn on_event(&mut self, event: Event, ctx: &mut Ctx<'_>) {
        self.now = ctx.now;
        if let Event::Reserved { link, .. } = event {
            self.offers.push(link);
        }
    }

    fn deadline(&self) -> Option<Moment> {
        (!self.offers.is_empty()).then_some(self.now)
    }

    fn on_deadline(&mut self, ctx: &mut Ctx<'_>) {
        for link in self.offers.drain(..) {
            let body = Body::new(self.lang, b"v=0\r\nm=audio\r\nm=video\r\n");
            let signal = Signal { kind: SignalKind::Offer, body };
            ctx.out.command(Tag(0), Command::Signal { to: Address::Link(link), signal });
        }
    }
}
