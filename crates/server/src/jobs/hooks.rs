//! Questions and news for servers elsewhere: [`Job::Ask`] and [`Job::Notify`].
//!
//! News of one subject reach a server one after another, each repeated until it is heard or its attempts are used up; those
//! of different subjects go side by side. A server that is slow keeps those waiting that are for it, and no other.

mod lanes;

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use patchbay_dialect_kit::job::{Done, Job};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::Waiting;
use super::post::{Failure, Outside};
use super::target::Target;
use lanes::Lanes;

/// How long a server may take for its answer, the way there included. Whoever publishes waits for it: longer forgives a slow
/// one, shorter tells people sooner.
const PATIENCE: Duration = Duration::from_secs(5);
/// Questions that may be under way or wait; one more fails at once. More would let clients fill the memory while a server is
/// down, fewer would turn people away when many come at once.
const ASKS: usize = 1_024;
/// News that wait, over all subjects; one more is dropped and counted. At some 500 bytes each a few megabytes.
const NEWS: usize = 10_000;
/// News of one subject: a stream that comes and goes all the time must not take the room of others.
const NEWS_OF_ONE: usize = 100;
/// How often news are told until they are given up: the last attempt is half a minute after the first.
const ATTEMPTS: u32 = 7;
/// The pause after the first attempt; each is twice as long as the one before. Shorter is sooner there when a server starts
/// again, longer spares one that is overloaded.
const PAUSE: Duration = Duration::from_millis(500);

/// How often it is looked whether all is told, at the end.
const LOOK: Duration = Duration::from_millis(10);

/// Who asks and tells other servers.
pub(crate) struct Hooks(Arc<Inner>);

struct Inner {
    outside: Outside,
    patience: Duration,
    pause: Duration,
    asks: AtomicUsize,
    asking: Lanes,
    telling: Lanes,
    queue: Mutex<Queue>,
    figures: Figures,
}

/// News by server and subject: an entry for each that somebody delivers.
type Queue = BTreeMap<(Arc<str>, Arc<str>), VecDeque<Arc<[u8]>>>;

/// What is counted.
#[derive(Clone, Default)]
pub(crate) struct Figures {
    pub(crate) allowed: Counter,
    pub(crate) denied: Counter,
    pub(crate) unanswered: Counter,
    pub(crate) told: Counter,
    pub(crate) given_up: Counter,
    pub(crate) dropped: Counter,
    pub(crate) repeated: Counter,
    pub(crate) waiting: Gauge,
}

impl Hooks {
    pub(crate) fn new(outside: Outside) -> Self {
        Self::with(outside, PATIENCE, PAUSE)
    }

    /// Nobody is asked or told anything but what is public, and over TLS nobody is believed.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn nowhere() -> Self {
        let tls = super::post::tls(b"").expect("TLS can be set up");
        Self::new(Outside { allowed: crate::config::Networks::default(), secret: None, tls: Arc::new(tls) })
    }

    fn with(outside: Outside, patience: Duration, pause: Duration) -> Self {
        Self(Arc::new(Inner {
            outside,
            patience,
            pause,
            asks: AtomicUsize::new(0),
            asking: Lanes::new(),
            telling: Lanes::new(),
            queue: Mutex::default(),
            figures: Figures::default(),
        }))
    }

    /// By which certificates of servers elsewhere are believed.
    pub(crate) fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.outside.tls)
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.0.figures
    }

    /// Waits until all news have been heard, or until then.
    pub(crate) async fn settle(&self, until: Instant) {
        while self.0.figures.waiting.get() > 0 && Instant::now() < until {
            sleep_until((Instant::now() + LOOK).min(until)).await;
        }
    }

    /// Nobody tells what still waits: how much that is, which is counted as dropped.
    pub(crate) fn lose(&self) -> u64 {
        let lost = u64::try_from(self.0.figures.waiting.get()).unwrap_or_default();
        self.0.figures.dropped.inc_by(lost);
        lost
    }

    /// Takes a [`Job::Ask`] or [`Job::Notify`]. Never waits.
    pub(crate) fn take(&self, waiting: Waiting, job: Job) {
        // Without a runtime there is nobody to ask.
        let (Ok(runtime), inner) = (Handle::try_current(), &self.0) else { return waiting.tell(Done::Failed) };
        match job {
            Job::Ask { url, body } => {
                if inner.asks.fetch_add(1, Ordering::Relaxed) >= ASKS {
                    inner.asks.fetch_sub(1, Ordering::Relaxed);
                    inner.figures.unanswered.inc();
                    return waiting.tell(Done::Failed);
                }
                let inner = Arc::clone(inner);
                runtime.spawn(async move {
                    let done = inner.ask(&url, &body).await;
                    inner.asks.fetch_sub(1, Ordering::Relaxed);
                    waiting.tell(done);
                });
            }
            Job::Notify { url, subject, body } => waiting.tell(self.notify(&runtime, url, subject, body)),
            Job::Get(_)
            | Job::Put(_)
            | Job::List { .. }
            | Job::Count { .. }
            | Job::Dial(_)
            | Job::Resolve { .. }
            | Job::Stop => waiting.tell(Done::Failed),
        }
    }

    fn notify(&self, runtime: &Handle, url: Arc<str>, subject: Arc<str>, body: Vec<u8>) -> Done {
        let inner = &self.0;
        let mut queue = inner.queue();
        let key = (url, subject);
        let of_one = queue.get(&key).map_or(0, VecDeque::len);
        let all = usize::try_from(inner.figures.waiting.get()).unwrap_or_default();
        if of_one >= NEWS_OF_ONE || all >= NEWS {
            inner.figures.dropped.inc();
            return Done::Failed;
        }
        inner.figures.waiting.inc();
        let delivered = queue.contains_key(&key);
        queue.entry(key.clone()).or_default().push_back(Arc::from(body));
        drop(queue);
        if !delivered {
            let inner = Arc::clone(inner);
            runtime.spawn(async move { inner.deliver(key).await });
        }
        Done::Queued
    }
}

impl Inner {
    /// A task that panics while it holds the queue leaves a sound one: each step is one change.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, url: &str, body: &[u8]) -> Done {
        let answer = match Target::parse(url) {
            Some(target) => timeout(self.patience, async {
                let _lane = self.asking.enter(&target.host).await;
                self.outside.post(&target, body, unix()).await
            })
            .await
            .unwrap_or(Err(Failure::Unreachable)),
            None => Err(Failure::Refused),
        };
        match answer {
            Ok(status) => {
                let counter = if status == 200 { &self.figures.allowed } else { &self.figures.denied };
                counter.inc();
                Done::Answered(status)
            }
            Err(failure) => {
                tracing::debug!(?failure, url, "a webhook was not answered");
                self.figures.unanswered.inc();
                Done::Failed
            }
        }
    }

    /// Delivers news of one subject until there are none.
    async fn deliver(&self, key: (Arc<str>, Arc<str>)) {
        loop {
            let next = self.queue().get(&key).and_then(|news| news.front().cloned());
            let Some(body) = next else { break };
            let counter = if self.tell(&key.0, &body).await { &self.figures.told } else { &self.figures.given_up };
            counter.inc();
            self.figures.waiting.dec();
            let mut queue = self.queue();
            if let Some(news) = queue.get_mut(&key) {
                news.pop_front();
                if news.is_empty() {
                    queue.remove(&key);
                    return;
                }
            }
        }
    }

    /// Whether it was heard.
    async fn tell(&self, url: &str, body: &[u8]) -> bool {
        let Some(target) = Target::parse(url) else { return false };
        let mut pause = self.pause;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                sleep(pause).await;
                pause *= 2;
                self.figures.repeated.inc();
            }
            // Its turn may come late, and then the clock begins.
            let lane = self.telling.enter(&target.host).await;
            let answer = timeout(self.patience, self.outside.post(&target, body, unix())).await;
            drop(lane);
            match answer {
                Ok(Ok(200..300)) => return true,
                // It is busy, or broken: perhaps later.
                Ok(Ok(408 | 429 | 500..)) | Ok(Err(Failure::Unreachable)) | Err(_) => {}
                Ok(Ok(status)) => {
                    tracing::debug!(status, url, "a webhook was refused");
                    return false;
                }
                Ok(Err(Failure::Refused)) => {
                    tracing::debug!(url, "a webhook may not go there");
                    return false;
                }
            }
        }
        false
    }
}

/// Seconds since 1970, by which who is told sees how old the news are.
fn unix() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
