//! The measurements: each takes a running server and gives the figures of one run.

use std::time::{Duration, Instant};

use crate::Result;
use crate::dialect::Dialect;
use crate::figures as names;
use crate::histogram::Histogram;
use crate::load::{Crowd, Offers, OpenLoop, Pairing, Plan, Quiet, Saturated, Sessions, Steps, Stuck};
use crate::net::Engine;
use crate::process;
use crate::target::Target;
use crate::window::{Usage, Window};

/// The server to be measured, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) target: Target,
    /// Its process, if its processor time and memory are to be measured.
    pub(crate) pid: Option<u32>,
    pub(crate) plan: Plan,
    /// How long it is measured, or left alone.
    pub(crate) span: Duration,
    /// Messages per second of the open loop.
    pub(crate) rate: u64,
    /// Clients that connect, join or send an offer at a time.
    pub(crate) in_flight: usize,
    /// Messages per second to the member that does not read.
    pub(crate) flood: u64,
}

/// The figures of one run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) figures: Vec<(&'static str, f64)>,
    /// Why they say nothing.
    pub(crate) void: Option<String>,
}

/// Load before the measured span: caches, allocators and socket buffers reach their size.
const WARM_UP: Duration = Duration::from_secs(1);
/// The stuck member has to be there, and stuck, when the measured span begins.
const STUCK_WARM_UP: Duration = Duration::from_secs(3);
/// How long a message may take before it counts as lost.
const STRAGGLERS: Duration = Duration::from_secs(5);
const GATHER_TIMEOUT: Duration = Duration::from_secs(300);
/// Allocators settle and lists merge before memory is read.
const SETTLE: Duration = Duration::from_secs(1);
/// With a busier generator, latency is its own.
const BUSY_LIMIT: f64 = 95.0;

/// Every client sends when its previous message has arrived.
pub(crate) fn saturated(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    let sessions = prepare(&mut engine, setting)?;
    let mut load = Saturated::new(&setting.plan, sessions, &engine.net);
    engine.run(&mut load, Instant::now() + WARM_UP)?;
    load.counting = true;
    let window = Window::open(setting.pid)?;
    engine.run(&mut load, Instant::now() + setting.span)?;
    let usage = window.look()?;
    load.faults.check()?;
    let mut outcome = Outcome::default();
    outcome.relayed(&load.latency, &usage);
    outcome.latency(&load.latency);
    outcome.usage(&usage);
    Ok(outcome)
}

/// Messages on a fixed schedule.
pub(crate) fn open_loop(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    let sessions = prepare(&mut engine, setting)?;
    let mut load = OpenLoop::new(&setting.plan, sessions, &engine.net, setting.rate, WARM_UP, setting.span);
    engine.net.tick(load.tick())?;
    let begin = load.start() + WARM_UP;
    engine.run(&mut load, begin)?;
    let window = Window::open(setting.pid)?;
    engine.run(&mut load, begin + setting.span)?;
    let usage = window.look()?;
    let mut outcome = Outcome::default();
    outcome.relayed(&load.latency, &usage);
    engine.run(&mut load, Instant::now() + STRAGGLERS)?;
    load.faults.check()?;
    outcome.latency(&load.latency);
    outcome.add(names::LOST, load.lost() as f64);
    outcome.usage(&usage);
    outcome.void_if_busy(&usage);
    Ok(outcome)
}

/// The open loop, while one member of a further room never reads what it is sent.
pub(crate) fn stuck(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    gather(&mut engine, setting, Steps::ConnectAndEnter)?;
    let others = OpenLoop::new(&setting.plan, Sessions::new(), &engine.net, setting.rate, STUCK_WARM_UP, setting.span);
    engine.net.tick(others.tick())?;
    let begin = others.start() + STUCK_WARM_UP;
    let mut load = Stuck::new(others, &mut engine.net, setting.flood)?;
    engine.run(&mut load, begin)?;
    let window = Window::open(setting.pid)?;
    engine.run(&mut load, begin + setting.span)?;
    let usage = window.look()?;
    engine.run(&mut load, Instant::now() + STRAGGLERS)?;
    load.others.faults.check()?;
    let mut outcome = Outcome::default();
    outcome.add(names::RATE, load.others.latency.count() as f64 / setting.span.as_secs_f64());
    outcome.latency(&load.others.latency);
    outcome.add(names::LOST, load.others.lost() as f64);
    outcome.add(names::FLOODED, load.flooded as f64);
    outcome.add(names::EVICTIONS, load.evictions as f64);
    outcome.usage(&usage);
    outcome.void_if_busy(&usage);
    Ok(outcome)
}

/// Memory per client: connected, come in, left alone, and after each has sent and received a large offer.
pub(crate) fn idle(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    let mut outcome = Outcome::default();
    let stages = names::stages(setting.plan.dialect);
    let clients = setting.plan.clients();
    // In sid every newcomer is a list to everybody: the faster all are there, the fewer lists of thousands are sent.
    let at_once = match setting.plan.dialect {
        Dialect::Mesh => setting.in_flight,
        Dialect::Sid => clients,
    };
    outcome.add(names::CLIENTS, clients as f64);
    rest(&mut engine, SETTLE)?;
    let memory = |outcome: &mut Outcome, before: Option<u64>, name| -> Result<Option<u64>> {
        let Some(pid) = setting.pid else { return Ok(None) };
        let now = process::resident(pid)?;
        if let Some(before) = before {
            outcome.add(name, (now as f64 - before as f64) / clients as f64 / 1024.0);
        }
        Ok(Some(now))
    };
    let empty = memory(&mut outcome, None, "")?;
    gather(&mut engine, setting, Steps::Connect)?;
    rest(&mut engine, SETTLE)?;
    memory(&mut outcome, empty, stages.connected)?;
    let setting = &Setting { in_flight: at_once, ..setting.clone() };
    gather(&mut engine, setting, Steps::Enter)?;
    rest(&mut engine, SETTLE)?;
    memory(&mut outcome, empty, stages.entered)?;
    rest(&mut engine, setting.span)?;
    memory(&mut outcome, empty, stages.idle)?;
    match setting.plan.dialect {
        Dialect::Mesh => exchange_offers(&mut engine, setting)?,
        Dialect::Sid => drop(pair(&mut engine, setting)?),
    }
    rest(&mut engine, SETTLE)?;
    memory(&mut outcome, empty, stages.offered)?;
    Ok(outcome)
}

/// Clients that connect and join as fast as the server lets them.
pub(crate) fn storm(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    let began = Instant::now();
    let window = Window::open(setting.pid)?;
    let crowd = gather(&mut engine, setting, Steps::ConnectAndEnter)?;
    let usage = window.look()?;
    let clients = setting.plan.clients() as f64;
    let mut outcome = Outcome::default();
    let span = crowd.finished_at().map_or(began.elapsed(), |at| at - began);
    outcome.add(names::JOINS, clients / span.as_secs_f64());
    if let Some(used) = usage.server {
        outcome.add(names::CPU, used.total().as_secs_f64() * 1e6 / clients);
    }
    outcome.setup(&crowd);
    outcome.add(names::EARLY_LISTS, crowd.early_lists as f64);
    outcome.add(names::INCOMPLETE, crowd.incomplete() as f64);
    outcome.usage(&usage);
    Ok(outcome)
}

/// Clients that register as fast as the server lets them, until each has seen a list with everybody on it.
pub(crate) fn registrations(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    let began = Instant::now();
    let window = Window::open(setting.pid)?;
    let crowd = gather(&mut engine, setting, Steps::ConnectAndEnter)?;
    let usage = window.look()?;
    let clients = setting.plan.clients() as f64;
    let mut outcome = Outcome::default();
    outcome.add(names::CLIENTS, clients);
    if let Some(at) = crowd.finished_at() {
        outcome.add(names::REGISTERED, millis(at - began));
    }
    if let Some(at) = crowd.complete_at() {
        outcome.add(names::ALL_LISTED, millis(at.max(crowd.finished_at().unwrap_or(at)) - began));
    }
    if let Some(used) = usage.server {
        outcome.add(names::CPU, used.total().as_secs_f64() * 1e6 / clients);
    }
    outcome.add(names::LISTS, crowd.lists as f64);
    outcome.add(names::EARLY_LISTS, crowd.early_lists as f64);
    outcome.add(names::INCOMPLETE, crowd.incomplete() as f64);
    outcome.usage(&usage);
    Ok(outcome)
}

/// Clients that only connect, as fast as the server lets them; over TLS these are handshakes.
pub(crate) fn handshakes(setting: &Setting) -> Result<Outcome> {
    let mut engine = Engine::new(setting.target.clone())?;
    let began = Instant::now();
    let window = Window::open(setting.pid)?;
    let crowd = gather(&mut engine, setting, Steps::Connect)?;
    let usage = window.look()?;
    let clients = setting.plan.clients() as f64;
    let mut outcome = Outcome::default();
    let span = crowd.finished_at().map_or(began.elapsed(), |at| at - began);
    outcome.add(names::HANDSHAKES, clients / span.as_secs_f64());
    if let Some(used) = usage.server {
        outcome.add(names::CPU, used.total().as_secs_f64() * 1e6 / clients);
    }
    outcome.setup(&crowd);
    outcome.usage(&usage);
    Ok(outcome)
}

/// Brings the clients to where they can send each other messages.
fn prepare(engine: &mut Engine, setting: &Setting) -> Result<Sessions> {
    if setting.plan.members == 1 {
        // A client without others talks to an echo, where there is nothing to come into.
        gather(engine, setting, Steps::Connect)?;
        return Ok(Sessions::new());
    }
    gather(engine, setting, Steps::ConnectAndEnter)?;
    match setting.plan.dialect {
        Dialect::Mesh => Ok(Sessions::new()),
        Dialect::Sid => pair(engine, setting),
    }
}

fn gather(engine: &mut Engine, setting: &Setting, steps: Steps) -> Result<Crowd> {
    let mut crowd = Crowd::new(&setting.plan, steps, setting.in_flight);
    engine.run(&mut crowd, Instant::now() + GATHER_TIMEOUT)?;
    crowd.faults.check()?;
    if crowd.finished_at().is_none() {
        return Err("not all clients connected and came in in time".into());
    }
    Ok(crowd)
}

/// Gives each pair of clients its session.
fn pair(engine: &mut Engine, setting: &Setting) -> Result<Sessions> {
    let mut pairing = Pairing::new(&setting.plan, setting.in_flight);
    engine.run(&mut pairing, Instant::now() + GATHER_TIMEOUT)?;
    pairing.faults.check()?;
    if !pairing.is_complete() {
        return Err("not all sessions were accepted in time".into());
    }
    Ok(pairing.sessions())
}

fn exchange_offers(engine: &mut Engine, setting: &Setting) -> Result<()> {
    let clients = setting.plan.clients();
    let mut offers = Offers::new(&setting.plan, setting.in_flight);
    engine.run(&mut offers, Instant::now() + GATHER_TIMEOUT)?;
    offers.faults.check()?;
    if offers.arrived < clients {
        return Err(format!("only {} of {clients} offers arrived", offers.arrived).into());
    }
    Ok(())
}

/// Lets the clients wait; they still answer pings.
fn rest(engine: &mut Engine, span: Duration) -> Result<()> {
    let mut quiet = Quiet::default();
    engine.run(&mut quiet, Instant::now() + span)?;
    Ok(quiet.faults.check()?)
}

impl Outcome {
    pub(crate) fn add(&mut self, name: &'static str, value: f64) {
        self.figures.push((name, value));
    }

    /// Throughput, and the server's processor time per message that arrived in the span.
    fn relayed(&mut self, arrived: &Histogram, usage: &Usage) {
        let messages = arrived.count() as f64;
        self.add(names::RATE, messages / usage.wall.as_secs_f64());
        if let Some(server) = usage.server.filter(|_| messages > 0.0) {
            let per_million = |span: Duration| span.as_secs_f64() * 1e6 / messages;
            self.add(names::CPU, per_million(server.total()));
            self.add(names::CPU_USER, per_million(server.user));
            self.add(names::CPU_SYSTEM, per_million(server.system));
        }
    }

    fn latency(&mut self, latency: &Histogram) {
        self.add(names::P50, millis(latency.quantile(500)));
        self.add(names::P99, millis(latency.quantile(990)));
        self.add(names::P999, millis(latency.quantile(999)));
        self.add(names::MAX, millis(latency.max()));
    }

    /// From the TCP connect to the answer of the upgrade.
    fn setup(&mut self, crowd: &Crowd) {
        self.add(names::SETUP_P50, millis(crowd.setup.quantile(500)));
        self.add(names::SETUP_P99, millis(crowd.setup.quantile(990)));
        self.add(names::SETUP_MAX, millis(crowd.setup.max()));
    }

    pub(crate) fn usage(&mut self, usage: &Usage) {
        self.add(names::BUSY, usage.busy);
        if let Some(others) = usage.others {
            self.add(names::OTHERS, others);
        }
    }

    fn void_if_busy(&mut self, usage: &Usage) {
        if usage.busy > BUSY_LIMIT {
            self.void = Some(format!("the generator was {:.0} % busy, so the latency is its own", usage.busy));
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
