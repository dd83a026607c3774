use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use patchbay_dialect_kit::Dialect;

use crate::clock::Clock;
use crate::config::RtcConfig;
use crate::door::{Door, Place};
use crate::listener::Role;
use crate::mailbox::Bounds;
use crate::metrics::Metrics;
use crate::random::Entropy;
use crate::switchboard::Switchboard;

/// What every connection of the process shares.
pub(crate) struct Shell {
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) switchboard: Switchboard,
    pub(crate) metrics: Metrics,
    pub(crate) dialects: Vec<Arc<dyn Dialect>>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) bounds: Bounds,
    pub(crate) slow_timeout: Duration,
    pub(crate) message_bytes: usize,
    pub(crate) head_bytes: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) most_connections: usize,
    /// The body of `/config.js`.
    pub(crate) config_js: String,
    /// What callers of the admin routes must present; without one, only loopback callers are admitted.
    pub(crate) admin_token: Option<String>,
    pub(crate) connections: AtomicUsize,
    closing: AtomicBool,
}

/// A door, and the dialect behind it.
pub(crate) struct Endpoint {
    /// Index into `dialects`.
    pub(crate) dialect: usize,
    pub(crate) door: Door,
}

/// What a [`Shell`] is made of.
pub(crate) struct Parts {
    pub(crate) switchboard: Switchboard,
    pub(crate) dialects: Vec<Arc<dyn Dialect>>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) admin_token: Option<String>,
}

impl Shell {
    pub(crate) fn new(config: &crate::config::Config, parts: Parts) -> Self {
        let limits = &config.limits;
        let names: Vec<_> = parts.dialects.iter().map(|dialect| dialect.spec().name).collect();
        Self {
            clock: Clock::start(),
            entropy: Entropy::System,
            bounds: *parts.switchboard.bounds(),
            switchboard: parts.switchboard,
            metrics: Metrics::new(&names),
            dialects: parts.dialects,
            endpoints: parts.endpoints,
            slow_timeout: Duration::from_millis(limits.slow_timeout_ms),
            message_bytes: limits.message_bytes,
            head_bytes: limits.head_bytes,
            head_timeout: Duration::from_millis(limits.handshake_timeout_ms),
            most_connections: limits.connections,
            config_js: config_js(&config.rtc.config_json),
            admin_token: parts.admin_token,
            connections: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
        }
    }

    /// The endpoint that a listener of this role has at a path.
    pub(crate) fn endpoint(&self, role: Role, path: &str) -> Option<&Endpoint> {
        let is_here = |endpoint: &&Endpoint| match &endpoint.door.at {
            Place::Path(own) => own == path,
            Place::Root => path == "/",
            Place::Own(_) => false,
        };
        match role {
            Role::Public => self.endpoints.iter().find(is_here),
            Role::Own(index) => self.endpoints.get(index),
            Role::Admin => None,
        }
    }

    /// The server is stopping.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Counts a connection in for as long as the ticket lives; `None` at the limit.
    pub(crate) fn admit(self: &Arc<Self>) -> Option<Ticket> {
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        let ticket = Ticket(Arc::clone(self));
        (before < self.most_connections).then_some(ticket)
    }
}

/// One of the connections that `limits.connections` allows.
pub(crate) struct Ticket(Arc<Shell>);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A script, because a page under our content security policy may load one but not hold one. Without a configuration
/// the app uses its own default, which is the same STUN server.
fn config_js(rtc: &RtcConfig) -> String {
    match rtc.page_json() {
        Some(json) => format!("window.__APP_CONFIG__ = {{\"rtcConfig\":{json}}};\n"),
        None => "window.__APP_CONFIG__ = {};\n".to_owned(),
    }
}
