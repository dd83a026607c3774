use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use patchbay_dialect_kit::Dialect;
use patchbay_store::Store;
use tokio::sync::Notify;

use crate::client;
use crate::clock::Clock;
use crate::config::{Location, Networks, RtcConfig};
use crate::door::{Door, Place as DoorPlace};
use crate::folder::Folder;
use crate::http::Caller;
use crate::jobs::{Hooks, Jobs};
use crate::line::Lines;
use crate::listener::Role;
use crate::mailbox::Bounds;
use crate::metrics::{Metrics, Refused};
use crate::places::{Place, Places};
use crate::random::Entropy;
use crate::resource::Resources;
use crate::socketio::{self, SocketIo};
use crate::switchboard::Switchboard;
use crate::ws::Headers;

/// What the pages in `/demo/` take from elsewhere.
const DEMO_NEEDS: [&str; 4] = ["/app.dom.js", "/app.backoff.js", "/styles.css", "/favicon.svg"];

/// What every connection of the process shares.
pub(crate) struct Shell {
    pub(crate) clock: Clock,
    pub(crate) entropy: Entropy,
    pub(crate) switchboard: Switchboard,
    pub(crate) metrics: Metrics,
    pub(crate) dialects: Vec<Arc<dyn Dialect>>,
    pub(crate) endpoints: Vec<Endpoint>,
    pages: Vec<Pages>,
    pub(crate) bounds: Bounds,
    pub(crate) slow_timeout: Duration,
    pub(crate) message_bytes: usize,
    pub(crate) head_bytes: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) most_connections: usize,
    pub(crate) resources: Resources,
    pub(crate) lines: Lines,
    pub(crate) jobs: Jobs,
    pub(crate) socket_io: SocketIo,
    /// How clients are told where a resource is.
    pub(crate) location: Location,
    places: Arc<Places>,
    trusted_proxies: Networks,
    /// The body of `/config.js`.
    pub(crate) config_js: String,
    /// What callers of the admin routes must present; without one, only loopback callers are admitted.
    pub(crate) admin_token: Option<String>,
    pub(crate) connections: AtomicUsize,
    /// A session has told the server to stop.
    pub(crate) stop: Notify,
    closing: AtomicBool,
}

/// A folder of pages, and the dialect that they belong to.
pub(crate) struct Pages {
    pub(crate) dialect: &'static str,
    pub(crate) folder: Folder,
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
    pub(crate) pages: Vec<Pages>,
    pub(crate) admin_token: Option<String>,
    pub(crate) store: Store,
    pub(crate) hooks: Hooks,
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
            metrics: Metrics::new(&names).with_hooks(parts.hooks.figures()),
            dialects: parts.dialects,
            endpoints: parts.endpoints,
            pages: parts.pages,
            slow_timeout: Duration::from_millis(limits.slow_timeout_ms),
            message_bytes: limits.message_bytes,
            head_bytes: limits.head_bytes,
            head_timeout: Duration::from_millis(limits.handshake_timeout_ms),
            most_connections: limits.connections,
            resources: Resources::default(),
            lines: Lines::default(),
            jobs: Jobs::new(parts.store, parts.hooks),
            socket_io: SocketIo::default(),
            location: config.dialect.whip.location,
            places: Places::new(limits.connections_per_address),
            trusted_proxies: config.http.trusted_proxies.clone(),
            config_js: config_js(&config.rtc.config_json),
            admin_token: parts.admin_token,
            connections: AtomicUsize::new(0),
            stop: Notify::new(),
            closing: AtomicBool::new(false),
        }
    }

    /// The endpoint that a listener of this role has at a path.
    pub(crate) fn endpoint(&self, role: Role, path: &str) -> Option<&Endpoint> {
        let is_here = |endpoint: &&Endpoint| match &endpoint.door.at {
            DoorPlace::Path(own) => own == path,
            DoorPlace::Tree(own) => path.strip_prefix(own.as_str()).is_some_and(|rest| rest.starts_with('/')),
            DoorPlace::Root => path == "/",
            DoorPlace::Own(_) => false,
        };
        match role {
            Role::Public => self.endpoints.iter().find(is_here),
            Role::Own(index) => self.endpoints.get(index).filter(|endpoint| {
                // Behind that door there is one folder, and pages are beside it.
                !endpoint.door.socket_io || path.strip_prefix(socketio::PATH).is_some_and(|rest| rest.starts_with('/'))
            }),
            Role::Ports(dialect) => {
                // Those of its own, and requests to the same naming spaces.
                let own = |of: &Arc<dyn Dialect>| of.spec().name == dialect;
                let shares = |of: &Arc<dyn Dialect>| {
                    self.dialects.iter().any(|other| own(other) && other.profile().realm == of.profile().realm)
                };
                let is_its = |endpoint: &&Endpoint| {
                    let of = &self.dialects[endpoint.dialect];
                    own(of) || (endpoint.door.requests.is_some() && shares(of))
                };
                self.endpoints.iter().filter(is_its).find(is_here)
            }
            Role::Admin => None,
        }
    }

    /// The folder that a listener of this role has pages of at a path.
    pub(crate) fn pages(&self, role: Role, path: &str) -> Option<&Folder> {
        let is_here = |pages: &&Pages| match role {
            Role::Public => true,
            Role::Ports(dialect) => pages.dialect == dialect,
            Role::Own(_) | Role::Admin => false,
        };
        self.pages.iter().filter(is_here).map(|pages| &pages.folder).find(|folder| folder.covers(path))
    }

    /// Whether this is, on a dialect's own listener, what its players are given: they open the page from the port that they
    /// will speak to.
    pub(crate) fn is_demo(&self, role: Role, path: &str) -> bool {
        let Role::Own(index) = role else { return false };
        let its = self.endpoints.get(index).is_some_and(|endpoint| endpoint.door.demo);
        its && (path.starts_with("/demo/") || DEMO_NEEDS.contains(&path))
    }

    /// The server is stopping.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    /// Counts a connection in for as long as the ticket lives.
    ///
    /// # Errors
    /// If the server, or the client's address, has all that it may have.
    pub(crate) fn admit(self: &Arc<Self>, caller: Caller) -> Result<Ticket, Refused> {
        let before = self.connections.fetch_add(1, Ordering::Relaxed);
        let mut ticket = Ticket { shell: Arc::clone(self), place: None };
        if before >= self.most_connections {
            return Err(Refused::Full);
        }
        if caller.role != Role::Admin && !self.trusted_proxies.contain(caller.address) {
            ticket.place = self.places.take(caller.address)?;
        }
        Ok(ticket)
    }

    /// Whether a request comes from a proxy that is believed about its clients.
    pub(crate) fn trusts(&self, caller: Caller) -> bool {
        self.trusted_proxies.contain(caller.address)
    }

    /// Who a request comes from, behind the proxies that are trusted.
    pub(crate) fn client(&self, caller: Caller, headers: &(impl Headers + ?Sized)) -> Option<IpAddr> {
        client::address(&self.trusted_proxies, caller.address, headers)
    }

    /// Whether a request comes from one of these networks. What a proxy hands on that is not trusted could be anybody's,
    /// so it comes from none.
    pub(crate) fn admits(&self, networks: &Networks, caller: Caller, headers: &http::HeaderMap) -> bool {
        let hidden = client::is_proxied(headers) && !self.trusts(caller);
        !hidden && networks.contain(client::address(&self.trusted_proxies, caller.address, headers))
    }

    /// The place of a client behind a trusted proxy, which is known by its upgrade request only. Plain requests take
    /// none: their connection is the proxy's, and it may carry those of several clients.
    ///
    /// # Errors
    /// If the client's address has all that it may have.
    pub(crate) fn place_of_proxied(
        &self,
        caller: Caller,
        headers: &(impl Headers + ?Sized),
    ) -> Result<Option<Place>, Refused> {
        if caller.role != Role::Admin && self.trusted_proxies.contain(caller.address) {
            return self.places.take(client::address(&self.trusted_proxies, caller.address, headers));
        }
        Ok(None)
    }
}

/// One of the connections that `limits.connections` allows, and of those that its address may have.
pub(crate) struct Ticket {
    shell: Arc<Shell>,
    pub(crate) place: Option<Place>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.shell.connections.fetch_sub(1, Ordering::Relaxed);
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
