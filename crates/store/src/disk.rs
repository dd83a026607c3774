//! The thread that owns the database, and the queue before it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use patchbay_dialect_kit::job::{Done, Job, Table};
use redb::Database;

use crate::batch::Outcome;
use crate::empty::Empty;
use crate::file::{Fault, Open};
use crate::sweep::Sweep;
use crate::walk::Walk;
use crate::{Expires, Tell, batch, bounds};

/// Jobs that wait for the thread; one more fails at once. A disk does some hundred transactions a second and each takes all
/// that waits, so that only one that hangs lets this many wait: more would keep clients waiting for nothing.
const QUEUE: usize = 1_024;

/// Bytes of the jobs that wait, above which one more fails at once: more would let large records fill the memory while the
/// disk hangs, less would refuse pages of them.
const QUEUED_BYTES: usize = 16 << 20;

/// Jobs of one transaction: more makes each wait for the disk count for more of them, fewer keeps the first from waiting
/// for the last.
const BATCH: usize = 256;

/// Walks that wait for their next step; one more fails. More would keep operators waiting for longer than they do, fewer
/// would refuse several who look at a large store at once.
const WALKS: usize = 64;

/// For how long jobs fail at once after the store could not be had: longer spares a broken disk and the log, shorter finds
/// sooner that it is there again.
const RETRY: Duration = Duration::from_millis(if cfg!(test) { 100 } else { 1_000 });

/// Longest wait for the thread to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// What a store has done so far, and how much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Jobs that read records.
    pub gets: u64,
    /// Jobs that change records.
    pub puts: u64,
    /// Jobs that read pages.
    pub lists: u64,
    /// Of all of these: those that were answered at once, since nothing is in their tables.
    pub spared: u64,
    /// Jobs that failed because too much waited.
    pub refused: u64,
    /// Jobs that failed because the store could not be had.
    pub failed: u64,
    /// Transactions that are on the disk.
    pub commits: u64,
    /// Records that were removed because their time was over.
    pub swept: u64,
    /// Jobs that wait.
    pub queued: usize,
}

#[derive(Default)]
struct Tally {
    gets: AtomicU64,
    puts: AtomicU64,
    lists: AtomicU64,
    spared: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    commits: AtomicU64,
    swept: AtomicU64,
    queued: AtomicUsize,
    bytes: AtomicUsize,
}

struct Order {
    job: Job,
    bytes: usize,
    tell: Tell,
}

pub(crate) struct Disk {
    state: Mutex<State>,
    tally: Arc<Tally>,
    empty: Arc<Empty>,
}

enum State {
    /// Nobody has ordered anything.
    Idle(Box<Thread>),
    Running(SyncSender<Order>, JoinHandle<()>),
    Closed,
}

impl Disk {
    pub(crate) fn new(open: Open, expires: Expires) -> Self {
        let (tally, empty) = (Arc::<Tally>::default(), Arc::<Empty>::default());
        let thread = Thread {
            open,
            database: None,
            retry_at: None,
            complained: false,
            sweep: Sweep::new(expires),
            tally: Arc::clone(&tally),
            empty: Arc::clone(&empty),
            walks: VecDeque::new(),
        };
        Self { state: Mutex::new(State::Idle(Box::new(thread))), tally, empty }
    }

    pub(crate) fn order(&self, job: Job, tell: Tell) {
        let counter = match job {
            Job::Get(_) => &self.tally.gets,
            Job::Put(_) => &self.tally.puts,
            Job::List { .. } | Job::Count { .. } => &self.tally.lists,
            Job::Ask { .. } | Job::Notify { .. } | Job::Dial(_) | Job::Resolve { .. } | Job::Stop => {
                return tell(Done::Failed);
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
        let bytes = bounds::bytes(&job);
        if bounds::fits(&job)
            && !self.is_closed()
            && let Some(done) = self.empty.answer(&job)
        {
            self.tally.spared.fetch_add(1, Ordering::Relaxed);
            return tell(done);
        }
        if !bounds::fits(&job) || self.tally.bytes.load(Ordering::Relaxed) + bytes > QUEUED_BYTES {
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            return tell(Done::Failed);
        }
        self.tally.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tally.queued.fetch_add(1, Ordering::Relaxed);
        if let Err(order) = self.send(Order { job, bytes, tell }) {
            self.tally.leave(&order);
            self.tally.refused.fetch_add(1, Ordering::Relaxed);
            (order.tell)(Done::Failed);
        }
    }

    fn send(&self, order: Order) -> Result<(), Order> {
        let mut state = self.lock();
        if let State::Idle(_) = *state {
            *state = match std::mem::replace(&mut *state, State::Closed) {
                State::Idle(thread) => start(*thread),
                other => other,
            };
        }
        let State::Running(orders, _) = &*state else { return Err(order) };
        orders.try_send(order).map_err(|error| match error {
            std::sync::mpsc::TrySendError::Full(order) | std::sync::mpsc::TrySendError::Disconnected(order) => order,
        })
    }

    pub(crate) fn counts(&self) -> Counts {
        let tally = &self.tally;
        let value = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        Counts {
            gets: value(&tally.gets),
            puts: value(&tally.puts),
            lists: value(&tally.lists),
            spared: value(&tally.spared),
            refused: value(&tally.refused),
            failed: value(&tally.failed),
            commits: value(&tally.commits),
            swept: value(&tally.swept),
            queued: tally.queued.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn close(&self) {
        let state = std::mem::replace(&mut *self.lock(), State::Closed);
        if let State::Running(orders, thread) = state {
            drop(orders);
            let until = Instant::now() + FAREWELL;
            while !thread.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    fn is_closed(&self) -> bool {
        matches!(*self.lock(), State::Closed)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics under this lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(thread: Thread) -> State {
    let (sender, orders) = sync_channel(QUEUE);
    let running = std::thread::Builder::new().name("patchbay-store".to_owned()).spawn(move || thread.run(&orders));
    match running {
        Ok(handle) => State::Running(sender, handle),
        Err(error) => {
            tracing::error!(%error, "cannot start the store's thread; nothing is stored until the next start");
            State::Closed
        }
    }
}

impl Tally {
    /// An order does not wait any more.
    fn leave(&self, order: &Order) {
        self.bytes.fetch_sub(order.bytes, Ordering::Relaxed);
        self.queued.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Thread {
    open: Open,
    database: Option<Database>,
    /// Before this moment the store is not looked for again.
    retry_at: Option<Instant>,
    /// The log knows that the store is gone.
    complained: bool,
    sweep: Sweep,
    tally: Arc<Tally>,
    empty: Arc<Empty>,
    /// Jobs that have more to look at, those first that came first. Others pass them, and they do not pass each other.
    walks: VecDeque<(Walk, Tell)>,
}

impl Thread {
    fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let wait = if self.walks.is_empty() { self.sweep.wait(Instant::now()) } else { Duration::ZERO };
            let first = match orders.recv_timeout(wait) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if let Some(first) = first {
                let behind = std::iter::from_fn(|| orders.try_recv().ok());
                self.batch(std::iter::once(first).chain(behind).take(BATCH).collect());
            }
            self.walk();
            self.sweep();
        }
        while !self.walks.is_empty() {
            self.walk();
        }
        self.let_go();
    }

    fn batch(&mut self, orders: Vec<Order>) {
        let (mut jobs, mut tells) = (Vec::new(), Vec::new());
        for order in orders {
            self.tally.leave(&order);
            jobs.push(order.job);
            tells.push(order.tell);
        }
        let Some(outcomes) = self.carry_out(&jobs) else {
            self.tally.failed.fetch_add(tells.len() as u64, Ordering::Relaxed);
            tells.into_iter().for_each(|tell| tell(Done::Failed));
            return;
        };
        for (tell, outcome) in tells.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Done(done) => tell(done),
                Outcome::More(walk) if self.walks.len() < WALKS => self.walks.push_back((walk, tell)),
                Outcome::More(_) => {
                    self.tally.refused.fetch_add(1, Ordering::Relaxed);
                    tell(Done::Failed);
                }
            }
        }
    }

    /// One step of the first walk.
    fn walk(&mut self) {
        let Some((mut walk, tell)) = self.walks.pop_front() else { return };
        let over = self.guarded(|thread| match &thread.database {
            Some(database) => batch::go_on(database, &mut walk).map_err(Fault::from),
            None => Err(Fault::gone()),
        });
        match over {
            Some(true) => tell(walk.done()),
            Some(false) => self.walks.push_front((walk, tell)),
            None => {
                self.tally.failed.fetch_add(1, Ordering::Relaxed);
                tell(Done::Failed);
            }
        }
    }

    /// The outcomes, once they are on the disk; `None`: nothing came of any.
    fn carry_out(&mut self, jobs: &[Job]) -> Option<Vec<Outcome>> {
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return None;
        }
        let changes = jobs.iter().any(|job| matches!(job, Job::Put(_)));
        let carried = self.guarded(|thread| {
            if thread.database.is_none() {
                thread.database = (thread.open)(changes)?;
                let empty = thread.database.as_ref().map_or(Ok(Table::ALL.to_vec()), batch::empty)?;
                empty.into_iter().for_each(|table| thread.empty.found(table));
            }
            match &thread.database {
                None => Ok((jobs.iter().map(|job| Outcome::Done(batch::nothing(job))).collect(), false)),
                Some(database) if changes => batch::change(database, jobs).map_err(Fault::from),
                Some(database) => batch::read(database, jobs).map(|done| (done, false)).map_err(Fault::from),
            }
        });
        let (done, committed) = carried?;
        self.tally.commits.fetch_add(u64::from(committed), Ordering::Relaxed);
        Some(done)
    }

    fn sweep(&mut self) {
        if !self.sweep.is_due(Instant::now()) || self.database.is_none() {
            return;
        }
        let swept = self.guarded(|thread| match &thread.database {
            Some(database) => thread.sweep.step(database).map_err(Fault::from),
            None => Ok(0),
        });
        self.tally.swept.fetch_add(swept.unwrap_or_default(), Ordering::Relaxed);
    }

    /// Does something with the database. Whatever goes wrong, a panic of the database on a damaged file included, the store is
    /// gone then, the log is told once, and some time later it is looked for again.
    fn guarded<T>(&mut self, what: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Option<T> {
        let fault = match catch_unwind(AssertUnwindSafe(|| what(self))) {
            Ok(Ok(done)) => {
                if std::mem::take(&mut self.complained) {
                    tracing::info!("the store is there again");
                }
                self.retry_at = None;
                return Some(done);
            }
            Ok(Err(fault)) => fault,
            Err(_) => Fault::panicked(),
        };
        if !std::mem::replace(&mut self.complained, true) {
            let Fault { cause, action } = fault;
            tracing::error!(cause, "the store cannot be used; {action}; until then clients are refused what needs it");
        }
        self.let_go();
        self.retry_at = Some(Instant::now() + RETRY);
        None
    }

    fn let_go(&mut self) {
        let database = self.database.take();
        // After a failed write its end may fail as well.
        let _ended = catch_unwind(AssertUnwindSafe(|| drop(database)));
    }
}

#[cfg(test)]
mod tests;
