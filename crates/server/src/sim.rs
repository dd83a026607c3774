//! The shell without sockets, for `crates/sim`: everything from the request head on is what the server runs.
//!
//! Only with the feature `sim`. A simulation runs it on one thread under paused time; then nothing in here depends on
//! chance but the source that it is given.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use patchbay_core::{Counts, LinkId, MediaEvent, MediaOp};
use patchbay_dialect_kit::{CloseCause, Random};
use patchbay_store::Store;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::clock::Clock;
use crate::config::Config;
use crate::dialects::Served;
use crate::http::Caller;
use crate::listener::{self, Role, Security};
use crate::random::Entropy;
use crate::serve;
use crate::shell::Shell;
use crate::socket::Socket;

/// The server's end of a simulated connection.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {
    /// When the stream is dropped, the peer sees a reset, and what it has not taken yet is lost.
    fn reset_on_drop(&self);
    /// All that has been read is handled but for the last `left` bytes. Nothing else runs between two such moments of
    /// one connection's poll, so their order over all connections is the order in which the hub hears of things.
    fn handled(&self, left: usize);
}

/// The simulation's media engine. Called while the hub is locked: it may not call the server.
pub trait Media: Send + Sync {
    /// Takes an operation; `false`: there is too much to do. What was meant is closed then.
    fn submit(&self, op: MediaOp) -> bool;
    /// The hub has been told that a leg is over.
    fn forget(&self, link: LinkId);
}

/// The time of day at which every simulation begins, in milliseconds since 1970.
const UNIX_MS: u64 = 1_700_000_000_000;

/// A server within a runtime of the caller's. Its timers end when it is dropped.
pub struct Server {
    shell: Arc<Shell>,
    timers: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Starts a server; call it within a runtime.
    ///
    /// # Errors
    /// As [`crate::serve()`].
    pub fn start(config: &Config, served: Vec<Served>, random: Box<dyn Random + Send>) -> Result<Self, String> {
        let mut shell = serve::shell(config, served, Store::memory())?;
        shell.clock = Clock::start_at(UNIX_MS);
        shell.entropy = Entropy::Seeded(Mutex::new(random));
        let shell = Arc::new(shell);
        let timers = tokio::spawn({
            let shell = Arc::clone(&shell);
            async move { shell.switchboard.run_timers(shell.clock).await }
        });
        Ok(Self { shell, timers })
    }

    /// A connection has been accepted from `address` on a public listener.
    pub fn accept(&self, stream: Box<dyn Stream>, address: IpAddr) {
        let caller = Caller { role: Role::Public, address: Some(address), secure: false };
        let (shell, socket) = (Arc::clone(&self.shell), Socket::Memory(stream));
        tokio::spawn(listener::greet(shell, caller, Security::Plain, socket));
    }

    /// Gives the server a media engine, before anybody comes. Without one, it refuses whatever would need it.
    pub fn seat(&self, media: Box<dyn Media>) {
        self.shell.switchboard.seat().simulate(media);
    }

    /// The media engine tells something.
    pub fn on_media(&self, event: MediaEvent) {
        self.shell.switchboard.on_media(self.shell.clock.now(), vec![event]);
    }

    /// What does not hold, in words; empty if all is sound. Costs the whole state.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        self.shell.switchboard.check()
    }

    /// How much the hub holds.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shell.switchboard.counts()
    }

    /// Connections that count against `limits.connections`.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shell.connections.load(Ordering::Relaxed)
    }

    /// The order to stop, as after SIGTERM once the drain is over.
    pub fn close_all(&self) {
        self.shell.set_closing();
        self.shell.switchboard.drain_all();
        self.shell.switchboard.close_all(CloseCause::Shutdown);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.timers.abort();
    }
}
