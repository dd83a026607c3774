//! Who may publish and play: antmedia.md section 9.1.
//!
//! Everything here is pure: a wish of a client, the application's settings, what the store says of it and the time of day
//! make a decision ([`gate`]). The session fetches, decides, and carries the decision out.

pub(crate) mod gate;
pub mod hash;
pub mod jwt;
pub(crate) mod seats;
mod secret;
pub mod sign;
pub mod totp;

use std::sync::Arc;

pub use secret::Secret;

use crate::records::Purpose;

/// What an application asks of who wants to publish or play.
#[derive(Clone, Debug)]
pub struct Security {
    /// The application, as its records and other people's servers name it.
    pub app: Arc<str>,
    /// There is a store: its records are looked at.
    pub stored: bool,
    /// Only streams that were made beforehand are published.
    pub known_streams: bool,
    /// Only rooms that were made beforehand are entered.
    pub known_rooms: bool,
    /// What publishers show.
    pub publish: Checks,
    /// What players show.
    pub play: Checks,
    /// What JSON Web Tokens are signed with; at least [`jwt::KEY_BYTES`].
    pub jwt_key: Option<Secret>,
    /// What the tokens of REST requests are signed with; `None`: none is asked for.
    pub rest_key: Option<Secret>,
    /// What hashes are made of.
    pub hash_secret: Option<Secret>,
    /// How long a code is good, in seconds.
    pub time_period: u64,
    /// Codes are those of subscribers that are in the store, never derived from the application's secret.
    pub known_subscribers: bool,
    /// One connection plays a stream once; if not, playing it again begins anew.
    pub play_once: bool,
    /// Who is told what becomes of streams, unless a stream has somebody of its own.
    pub listener: Option<Arc<str>>,
}

/// What is asked of publishers, or of players. All that is switched on has to be shown.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// A token of the store, which is used up.
    pub token: bool,
    /// A JSON Web Token.
    pub jwt: bool,
    /// A hash.
    pub hash: bool,
    /// A subscriber's code that changes by the minute.
    pub time: bool,
    /// What the codes are made of for subscribers without a secret of their own.
    pub time_secret: Option<Secret>,
    /// A server that is asked.
    pub ask: Option<Arc<str>>,
}

impl Checks {
    /// Whether anything is asked for.
    #[must_use]
    pub const fn any(&self) -> bool {
        self.token || self.jwt || self.hash || self.time || self.ask.is_some()
    }
}

impl Default for Security {
    /// Everybody may do everything, and nothing is stored.
    fn default() -> Self {
        Self {
            app: Arc::from("live"),
            stored: false,
            known_streams: false,
            known_rooms: false,
            publish: Checks::default(),
            play: Checks::default(),
            jwt_key: None,
            rest_key: None,
            hash_secret: None,
            time_period: 60,
            known_subscribers: false,
            play_once: true,
            listener: None,
        }
    }
}

impl Security {
    /// Whether anything but the hub decides for that purpose.
    #[must_use]
    pub const fn decides(&self, purpose: Purpose) -> bool {
        let registered = self.stored || self.known_streams || self.known_rooms;
        registered || self.checks(purpose).any()
    }

    /// What is asked for that purpose.
    #[must_use]
    pub const fn checks(&self, purpose: Purpose) -> &Checks {
        match purpose {
            Purpose::Publish => &self.publish,
            Purpose::Play => &self.play,
        }
    }
}
