//! The interface of those who manage the rendezvous server (ers.md section 1.9): `GET /?c=COMMAND&i=ID`, and a page for
//! people.
//!
//! Each request is a party of its own that ends with its reply. What it changes is in the store, where joins look it up;
//! who is in which room, it asks the hub.

mod command;
mod reply;
mod session;

use std::sync::Arc;

use patchbay_core::{Lang, Profile, Realm, Transport};
use patchbay_dialect_kit::{At, Codec, Dialect, Endpoint, Session, Spec, Subprotocol};

use crate::rendezvous::Settings;

/// The interface with the settings of the server that it manages; opens one session per request.
#[derive(Clone)]
pub struct Admin {
    profile: Profile,
    settings: Arc<Settings>,
    local_names: bool,
}

impl Admin {
    /// The interface, in the naming space of the server that it manages.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, settings: Settings) -> Self {
        let profile = Profile { realm, lang, peer_to_peer: false, one_call: false, transport: Transport::default() };
        Self { profile, settings: Arc::new(settings), local_names: false }
    }

    /// Requests have to name this machine as `localhost` or by a loopback address, if they name it at all: where nobody else may
    /// ask, only the page of a name that somebody else resolves to here would name it otherwise (DNS rebinding).
    #[must_use]
    pub fn by_local_names(self, local_names: bool) -> Self {
        Self { local_names, ..self }
    }
}

impl Dialect for Admin {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        Box::new(session::AdminSession::new(Arc::clone(&self.settings), self.local_names))
    }
}

/// The interface as data.
pub static SPEC: Spec = Spec {
    name: "ers_admin",
    serves: "those who manage the rendezvous server",
    endpoints: &[Endpoint {
        at: At::Own { native: "127.0.0.1:3030" },
        codec: Codec::Exchange,
        plain: None,
        subprotocol: Subprotocol::None,
    }],
    keys: &[],
    messages: &[],
};
