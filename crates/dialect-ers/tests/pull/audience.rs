//! Somebody who views what is pulled: views the stream that it is told, and gives it up when it is told nothing.

use patchbay_core::{
    Command, Event, Lang, Moment, Name, Profile, Realm, Selection, Shape, Speaks, Tag, Transport, View,
};
use patchbay_dialect_kit::{Ctx, Dialect, Frame, Session, Spec};

pub(crate) struct Audience;

static AUDIENCE: Spec = Spec { name: "audience", serves: "tests", endpoints: &[], keys: &[], messages: &[] };

impl Dialect for Audience {
    fn spec(&self) -> &'static Spec {
        &AUDIENCE
    }

    fn profile(&self) -> Profile {
        let transport = Transport::default();
        Profile { realm: Realm(0), lang: Lang(0), peer_to_peer: false, one_call: false, transport }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Viewer(None))
    }
}

struct Viewer(Option<Name>);

impl Session for Viewer {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        let Frame::Text(name) = frame else { return };
        if let Some(stream) = self.0.take() {
            return ctx.out.command(Tag(1), Command::Unview { stream });
        }
        let stream = Name::parse(name).expect("a name");
        self.0 = Some(stream.clone());
        let (selection, speaks, shape) = (Selection::ALL, Speaks::No, Shape::default());
        let view = View { stream, selection, except: None, speaks, viewers: None, about: None, shape };
        ctx.out.command(Tag(2), Command::View(view));
    }

    fn on_event(&mut self, event: Event, _ctx: &mut Ctx<'_>) {
        assert!(!matches!(event, Event::Refused { .. }), "{event:?}");
    }

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}
}
