//! A dialect for the shell's own tests.

use std::sync::{Arc, Mutex};

use patchbay_core::{Event, Hub, Lang, Limits, Moment, Profile, Realm, RealmLimits, Tag};
use patchbay_dialect_kit::http::{Reply, Request};
use patchbay_dialect_kit::job::{Change, Done, Job, Key, Record, Table, Was};
use patchbay_dialect_kit::{CloseCause, Ctx, Dialect, Frame, Session, Spec};

use crate::config::Config;
use crate::door::Door;
use crate::mailbox::Bounds;
use crate::shell::{Endpoint, Parts, Shell};
use crate::switchboard::Switchboard;

static SPEC: Spec = Spec { name: "probe", serves: "tests", endpoints: &[], keys: &[], messages: &[] };

/// Echoes, and stores something when its connection has gone; panics at `panic`; answers `flood` with more than any socket takes.
pub(crate) struct Probe;

impl Dialect for Probe {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        Profile {
            realm: Realm(0),
            lang: Lang(0),
            peer_to_peer: true,
            one_call: false,
            transport: patchbay_core::Transport::default(),
        }
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(Self)
    }
}

impl Session for Probe {
    fn on_open(&mut self, _ctx: &mut Ctx<'_>) {}

    fn on_frame(&mut self, frame: Frame<'_>, ctx: &mut Ctx<'_>) {
        match frame {
            Frame::Text("panic") => panic!("a bug in a session, on purpose"),
            Frame::Text("flood") => ctx.out.text(|out| out.resize(64 << 20, b'x')),
            Frame::Text(text) => ctx.out.text(|out| out.extend_from_slice(text.as_bytes())),
            _ => {}
        }
    }

    fn on_request(&mut self, request: &Request<'_>, ctx: &mut Ctx<'_>) {
        match request.body {
            b"panic" => panic!("a bug in a session, on purpose"),
            b"end" => ctx.out.close(1000, CloseCause::Peer),
            _ => {}
        }
        ctx.out.reply(request.exchange, Reply::new(200));
    }

    fn on_close(&mut self, ctx: &mut Ctx<'_>) {
        let change = Change { key: last_word(), was: Was::Anything, is: Some(Record(Arc::from(&b"farewell"[..]))) };
        ctx.out.job(Tag(0), Job::Put(vec![change]));
    }

    fn on_event(&mut self, _event: Event, _ctx: &mut Ctx<'_>) {}

    fn deadline(&self) -> Option<Moment> {
        None
    }

    fn on_deadline(&mut self, _ctx: &mut Ctx<'_>) {}
}

/// What it stores when its connection has gone.
fn last_word() -> Key {
    Key::new(Table::Setting, "last word")
}

/// Whether a session has stored its last word.
pub(crate) fn has_spoken(shell: &Shell) -> bool {
    let found = Arc::new(Mutex::new(None));
    let tell = Arc::clone(&found);
    let get = Job::Get(vec![last_word()]);
    shell.jobs.store().order(get, Box::new(move |done| *tell.lock().expect("sound") = Some(done)));
    let done = found.lock().expect("sound").take();
    let Some(Done::Records(records)) = done else { panic!("the store of tests answers at once: {done:?}") };
    records[0].is_some()
}

/// A shell that serves it at these doors.
pub(crate) fn shell(doors: Vec<Door>) -> Arc<Shell> {
    shell_of(Arc::new(Probe), doors)
}

/// A shell that serves another dialect at these doors.
pub(crate) fn shell_of(dialect: Arc<dyn Dialect>, doors: Vec<Door>) -> Arc<Shell> {
    let bounds = Bounds { soft_messages: 64, hard_messages: 1_024, hard_bytes: 8 << 20 };
    let limits = Limits { realms: vec![RealmLimits::default()] };
    let parts = Parts {
        pages: Vec::new(),
        switchboard: Switchboard::new(Hub::new(0, limits), &[], bounds),
        dialects: vec![dialect],
        endpoints: doors.into_iter().map(|door| Endpoint { dialect: 0, door }).collect(),
        admin_token: None,
        store: patchbay_store::Store::memory(),
        hooks: crate::jobs::Hooks::nowhere(),
    };
    Arc::new(Shell::new(&Config::default(), parts))
}

/// A masked text frame of at most 65,535 bytes; the mask is zero, since these tests are not about masks.
pub(crate) fn text(payload: &str) -> Vec<u8> {
    let length = u16::try_from(payload.len()).expect("a short payload");
    let mut out = vec![0x81];
    match u8::try_from(length) {
        Ok(short @ ..126) => out.push(0x80 | short),
        _ => {
            out.push(0x80 | 126);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend(payload.as_bytes());
    out
}
