//! The agent: one task that owns [`Core`], the queues to and from it, and nothing else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use patchbay_core::Moment;
use patchbay_sip::uri::Uri;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender, UnboundedReceiver};
use tokio::task::JoinHandle;

use crate::api::{Account, DialogNews, Found, Incoming, LineNews, Outgoing, Refused};
use crate::core::{Core, Effect, Input, NewCall, Order, Target, Unrouted};
use crate::counts::{Counters, Counts, add};
use crate::handle::{Dialog, Line, Way};
use crate::net::{self, Arrived, Net};
use crate::settings::{Listen, Settings};

/// Random numbers that nobody can guess: tags, branches and the users of contacts are made of them.
pub type Entropy = Box<dyn FnMut() -> u64 + Send>;
/// What time it is.
pub type Clock = Arc<dyn Fn() -> Moment + Send + Sync>;

/// How long [`Agent::stop`] waits for answers to what it has sent. Registrars on the same continent answer in less;
/// a binding that is left behind ends by itself.
const PARTING: Duration = Duration::from_secs(2);
/// How many messages and orders are taken in before effects are carried out: that many are written at once at most.
const BATCH: usize = 32;

type Lines = Arc<Mutex<BTreeMap<u64, Sender<LineNews>>>>;
type Dialogs = Arc<Mutex<BTreeMap<u64, Sender<DialogNews>>>>;

/// A SIP user agent for many accounts.
pub struct Agent {
    settings: Arc<Settings>,
    counters: Arc<Counters>,
    ids: Arc<AtomicU64>,
    way: Way,
    lines: Lines,
    dialogs: Dialogs,
    bound: Vec<Listen>,
    door: Mutex<Option<Receiver<Incoming>>>,
    /// Whether somebody has taken it.
    opened: Arc<AtomicBool>,
    /// The agent's task owns it.
    net: Weak<Net>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Agent {
    /// Binds the sockets and starts the agent on the current runtime.
    ///
    /// # Errors
    /// With cause and next action: an address that cannot be bound, TLS without a certificate.
    pub async fn start(settings: Settings, mut entropy: Entropy, clock: Clock) -> Result<Self, String> {
        let (settings, counters) = (Arc::new(settings), Arc::new(Counters::default()));
        let limits = settings.limits;
        let (arrivals, arrived) = mpsc::channel(limits.queue.max(1));
        let (orders, ordered) = mpsc::channel(limits.queue.max(1));
        let (gone, left) = mpsc::unbounded_channel();
        let (ring, door) = mpsc::channel(limits.news.max(1));
        let net = Net::open(Arc::clone(&settings), Arc::clone(&counters), arrivals.clone(), entropy()).await?;
        let (bound, seen) = (net.bound().to_vec(), Arc::downgrade(&net));
        let opened = Arc::new(AtomicBool::new(false));
        let (ids, lines, dialogs) = (Arc::new(AtomicU64::new(1)), Lines::default(), Dialogs::default());
        let way = Way { orders, gone };
        let core = Core::new(Arc::clone(&settings), entropy, Arc::clone(&ids), Arc::clone(&counters));
        let shell = Shell {
            core,
            net,
            clock,
            arrivals,
            // Weak: when the owners are gone, so is the agent.
            way: (way.orders.downgrade(), way.gone.downgrade()),
            lines: Arc::clone(&lines),
            dialogs: Arc::clone(&dialogs),
            ring,
            opened: Arc::clone(&opened),
        };
        let task = tokio::spawn(shell.run(arrived, ordered, left));
        Ok(Self {
            settings,
            counters,
            ids,
            way,
            lines,
            dialogs,
            bound,
            door: Mutex::new(Some(door)),
            opened,
            net: seen,
            task: Mutex::new(Some(task)),
        })
    }

    /// The listeners of the settings, with the ports they got.
    #[must_use]
    pub fn bound(&self) -> &[Listen] {
        &self.bound
    }

    /// A snapshot of the counters.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counters.snapshot()
    }

    /// Calls to users of our own domains who have no line. It can be taken once; while nobody has, they are refused
    /// with `480`.
    pub fn door(&self) -> Option<Receiver<Incoming>> {
        self.opened.store(true, Ordering::Relaxed);
        lock(&self.door).take()
    }

    /// A line for an account, which does nothing before [`LineOrder::Start`](crate::LineOrder::Start). Two of one
    /// account are two bindings: what is sent to one does not reach the other.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn register(&self, account: Account) -> Result<Line, Refused> {
        self.line(|id| self.way.order(Order::NewLine(id, Box::new(account))))
    }

    /// The same, and waits for a place in the queue if there is none: many accounts may come at once, after a network has
    /// failed, and none of them has to be refused for that.
    ///
    /// # Errors
    /// [`Refused`], but never [`Refused::Busy`].
    pub async fn register_in_turn(&self, account: Account) -> Result<Line, Refused> {
        let place = self.way.place().await?;
        self.line(|id| {
            place.send(Order::NewLine(id, Box::new(account)));
            Ok(())
        })
    }

    /// A line that `order` asks for.
    fn line(&self, order: impl FnOnce(u64) -> Result<(), Refused>) -> Result<Line, Refused> {
        let (sender, news) = mpsc::channel(self.settings.limits.news.max(1));
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        {
            let mut lines = lock(&self.lines);
            if lines.len() >= self.settings.limits.registrations {
                return Err(Refused::Full);
            }
            order(id)?;
            lines.insert(id, sender);
        }
        Ok(Line::new(id, self.way.clone(), news))
    }

    /// Calls somebody.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn invite(&self, outgoing: Outgoing) -> Result<Dialog, Refused> {
        let (sender, news) = mpsc::channel(self.settings.limits.news.max(1));
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        {
            let mut dialogs = lock(&self.dialogs);
            if dialogs.len() >= self.settings.limits.dialogs {
                return Err(Refused::Full);
            }
            self.way.order(Order::NewDialog(id, Box::new(outgoing)))?;
            dialogs.insert(id, sender);
        }
        Ok(Dialog::new(id, self.way.clone(), news))
    }

    /// Looks for the way that a call to somebody would take, before there is one. `None`: there are addresses and nobody at
    /// them, which the call will be told.
    ///
    /// # Errors
    /// What the client is told: its name has no address.
    pub async fn find(&self, to: &Uri) -> Result<Option<Found>, String> {
        let Some(net) = self.net.upgrade() else { return Ok(None) };
        match net::find(&net, Target::towards(to, &self.settings)).await {
            Ok(path) => Ok(Some(Found(path))),
            Err(Unrouted::Lookup(text)) => Err(text),
            Err(Unrouted::Unreachable) => Ok(None),
        }
    }

    /// Hangs up all calls, takes back all bindings, and waits a little for the answers.
    pub async fn stop(&self) {
        if self.way.orders.send(Order::Stop).await.is_ok()
            && let Some(task) = { lock(&self.task).take() }
        {
            _ = task.await;
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells an owner; `true`: it does not take its news.
fn is_full<T>(owner: &Sender<T>, news: T) -> bool {
    matches!(owner.try_send(news), Err(TrySendError::Full(_)))
}

struct Shell {
    core: Core,
    net: Arc<Net>,
    clock: Clock,
    arrivals: Sender<Arrived>,
    way: (mpsc::WeakSender<Order>, mpsc::WeakUnboundedSender<Order>),
    lines: Lines,
    dialogs: Dialogs,
    ring: Sender<Incoming>,
    opened: Arc<AtomicBool>,
}

impl Shell {
    async fn run(
        mut self,
        mut arrived: Receiver<Arrived>,
        mut orders: Receiver<Order>,
        mut left: UnboundedReceiver<Order>,
    ) {
        let mut parting = None;
        loop {
            let now = (self.clock)();
            let due = self.core.deadline().map(|due| due.since(now));
            let sleep = due.into_iter().chain(parting.map(|end: Moment| end.since(now))).min();
            let idle = sleep.unwrap_or(Duration::from_secs(3_600));
            let stop = tokio::select! {
                Some(arrived) = arrived.recv() => {
                    self.arrived(arrived);
                    false
                }
                order = orders.recv(), if parting.is_none() => match order {
                    Some(order) => {
                        let stop = matches!(order, Order::Stop);
                        self.input(Input::Order(order));
                        stop
                    }
                    // All owners are gone, and what they let go of was said.
                    None => true,
                },
                Some(order) = left.recv() => {
                    // What was ordered before comes first: who is dropped at once was made before.
                    let mut stop = false;
                    while let Ok(before) = orders.try_recv() {
                        stop |= matches!(before, Order::Stop);
                        self.input(Input::Order(before));
                    }
                    self.input(Input::Order(order));
                    stop
                }
                () = tokio::time::sleep(idle) => false,
            };
            for _ in 0..BATCH {
                match arrived.try_recv() {
                    Ok(arrived) => self.arrived(arrived),
                    Err(_) => break,
                }
            }
            let now = (self.clock)();
            if self.core.deadline().is_some_and(|due| due <= now) {
                self.input(Input::Deadline);
            }
            self.carry_out();
            if stop && parting.is_none() {
                while let Ok(order) = left.try_recv() {
                    self.input(Input::Order(order));
                }
                self.input(Input::Order(Order::Stop));
                self.carry_out();
                parting = Some(now + PARTING);
                orders.close();
            }
            if parting.is_some_and(|end| end <= now || self.core.is_over()) {
                lock(&self.lines).clear();
                lock(&self.dialogs).clear();
                return;
            }
        }
    }

    fn input(&mut self, input: Input) {
        let now = (self.clock)();
        self.core.handle(input, now);
    }

    fn arrived(&mut self, arrived: Arrived) {
        self.input(match arrived {
            Arrived::Message(origin, bytes) => Input::Received(origin, bytes),
            Arrived::Lost { flow } => Input::Lost { flow },
            Arrived::Routed { ask, result } => Input::Routed { ask, result },
        });
    }

    /// Does what the core wants done, and what it wants done because of that.
    fn carry_out(&mut self) {
        while !self.core.effects.is_empty() {
            for effect in std::mem::take(&mut self.core.effects) {
                self.effect(effect);
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::Send { path, bytes, client } => {
                if !self.net.send(path.flow, path.remote, bytes)
                    && let Some(client) = client
                {
                    self.core.unsent(&client);
                }
            }
            Effect::Reply { to, bytes } => self.net.reply(to, bytes),
            Effect::Resolve { ask, target } => {
                let (net, arrivals) = (Arc::clone(&self.net), self.arrivals.clone());
                tokio::spawn(async move {
                    let result = net::find(&net, target).await;
                    _ = arrivals.send(Arrived::Routed { ask, result }).await;
                });
            }
            Effect::Line(id, LineNews::Missed(caller)) => {
                // A list of missed calls that is too long is none.
                _ = self.tell_of_stranger(id, LineNews::Missed(caller));
            }
            Effect::Line(id, news) => self.tell_line(id, news),
            Effect::Text { line, key, text } => {
                let taken = self.tell_of_stranger(line, LineNews::Text(text));
                self.core.text_taken(&key, taken);
            }
            Effect::Dialog(id, news) => {
                if lock(&self.dialogs).get(&id).is_some_and(|owner| is_full(owner, news)) {
                    self.deaf(Order::DropDialog(id));
                }
            }
            Effect::Call(call) => self.call(*call),
            Effect::ForgetLine(id) => _ = lock(&self.lines).remove(&id),
            Effect::ForgetDialog(id) => _ = lock(&self.dialogs).remove(&id),
        }
    }

    fn tell_line(&mut self, id: u64, news: LineNews) {
        if lock(&self.lines).get(&id).is_some_and(|owner| is_full(owner, news)) {
            self.deaf(Order::DropLine(id));
        }
    }

    /// Tells of what a stranger does; `false`: there is no room. Half of the queue is kept for what the owner itself has
    /// asked for: else whoever knows its contact could write until it is taken for deaf.
    fn tell_of_stranger(&mut self, id: u64, news: LineNews) -> bool {
        let lines = lock(&self.lines);
        let owner = lines.get(&id).filter(|owner| owner.capacity() > owner.max_capacity() / 2);
        owner.is_some_and(|owner| owner.try_send(news).is_ok())
    }

    /// An owner does not take its news: what it owns is ended.
    fn deaf(&mut self, order: Order) {
        add(&self.net.counters.deaf);
        self.input(Input::Order(order));
    }

    fn call(&mut self, call: NewCall) {
        let (sender, news) = mpsc::channel(self.net.settings.limits.news.max(1));
        let way = self.way.0.upgrade().zip(self.way.1.upgrade());
        let Some((orders, gone)) = way else { return self.input(Input::Order(Order::DropDialog(call.dialog))) };
        lock(&self.dialogs).insert(call.dialog, sender);
        let dialog = Dialog::new(call.dialog, Way { orders, gone }, news);
        let NewCall { line, from, to, call_id, headers, sdp, .. } = call;
        let incoming = Incoming { dialog, from, to, call_id, headers, sdp };
        // Whoever does not take it drops it, and so refuses the call.
        match line {
            Some(line) => _ = self.tell_of_stranger(line, LineNews::Call(Box::new(incoming))),
            None if self.opened.load(Ordering::Relaxed) => _ = self.ring.try_send(incoming),
            None => {}
        }
    }
}
