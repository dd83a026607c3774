//! Streams that are pulled: as a viewer of rooms, where media servers offer what they have, so that whoever is here can see it
//! by whatever dialect (ers.md section 3.5).
//!
//! | session | on what | what it does |
//! |---|---|---|
//! | `resident` | nothing: it lives as long as the server | opens a connection for each stream, and again when it is over |
//! | `viewer` | a connection to a rendezvous server | waits in the room, answers the media server, publishes what comes |
//!
//! They are a dialect apart from the media server's side (`ems`), because its peers want our connectivity checks, too: media
//! servers of this family wait for them (ers.md section 3.3, rule 3).

mod resident;
mod source;
mod viewer;
mod wire;

use std::sync::Arc;

use patchbay_core::{Ice, Lang, Profile, Realm, Transport};
use patchbay_dialect_kit::{Dialect, Session, Spec};

pub use self::source::Source;

use self::resident::Resident;
use self::viewer::Viewer;

/// The dialect with what it pulls.
#[derive(Clone)]
pub struct Pull {
    profile: Profile,
    sources: Arc<[Source]>,
}

impl Pull {
    /// The dialect under the numbers that the shell gave to it and to the naming space that its streams appear in.
    #[must_use]
    pub fn new(lang: Lang, realm: Realm, sources: Vec<Source>) -> Self {
        let transport = Transport::WebRtc(Ice::Full);
        let profile = Profile { realm, lang, peer_to_peer: false, one_call: false, transport };
        Self { profile, sources: sources.into() }
    }
}

impl Dialect for Pull {
    fn spec(&self) -> &'static Spec {
        &crate::ems::SPEC
    }

    fn profile(&self) -> Profile {
        self.profile
    }

    fn open(&self) -> Box<dyn Session> {
        // Nobody connects to it: of no source.
        self.open_for("")
    }

    fn open_for(&self, endpoint: &str) -> Box<dyn Session> {
        let source = endpoint.parse().ok().and_then(|number: usize| self.sources.get(number)).cloned();
        Box::new(Viewer::new(self.profile.lang, source))
    }

    fn resident(&self) -> Option<Box<dyn Session>> {
        (!self.sources.is_empty()).then(|| Box::new(Resident::new(Arc::clone(&self.sources))) as Box<dyn Session>)
    }
}
