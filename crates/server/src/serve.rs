//! `patchbay serve`: from a configuration to a running server, and down again.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep_until};

use patchbay_core::Hub;
use patchbay_dialect_kit::CloseCause;
use patchbay_store::Store;

use crate::attached;
use crate::config::{Config, ListenAddr};
use crate::dialects::{self, Served};
use crate::doctor;
use crate::door::Place;
use crate::jobs::{Hooks, Outside};
use crate::line;
use crate::lines::Bound;
use crate::listener::{Listener, Role, Security};
use crate::mailbox::Bounds;
use crate::media;
use crate::overload;
use crate::shell::{Endpoint, Pages, Parts, Shell};
use crate::switchboard::Switchboard;
use crate::tls::Tls;

/// A server that stops is gone after this time, whatever its clients do (DECISIONS 9).
const STOP_AT_MOST: Duration = Duration::from_secs(5);
/// What other servers are to be told may take so long behind the last connection, if no time is left to drain: less loses what
/// a busy one would have heard, more keeps a server that is to go, which has other things to end within [`STOP_AT_MOST`].
const TELL_AT_MOST: Duration = Duration::from_secs(2);
/// How often a stopping server looks whether its clients have gone.
const STOP_LOOK: Duration = Duration::from_millis(20);

/// The line on standard output that says that every listener is bound.
#[derive(Serialize)]
struct Ready {
    ready: bool,
    http: Vec<String>,
    https: Vec<String>,
    /// The media workers' sockets.
    udp: Vec<String>,
    /// The listeners for telephones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    sip: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    admin: Option<String>,
    /// The dialects' own listeners, by the dialect's name.
    #[serde(flatten)]
    own: BTreeMap<&'static str, Names>,
}

/// A dialect has one listener where every path is its door, or some that have its paths.
#[derive(Serialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Some(Vec<String>),
    /// Each is for something else.
    Each(BTreeMap<&'static str, String>),
}

/// Runs the server with the dialects of the configuration until it is told to stop.
///
/// # Errors
/// With cause and next action, if it cannot start.
pub fn serve(config: &Config) -> Result<(), String> {
    run(config, dialects::served(config)?)
}

/// Runs the server with dialects of the caller's choice.
///
/// # Errors
/// As [`serve`].
pub fn run(config: &Config, served: Vec<Served>) -> Result<(), String> {
    raise_descriptor_limit();
    doctor::at_start(config);
    let threads = if config.threads == 0 {
        std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
    } else {
        config.threads
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .thread_name("patchbay")
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start {threads} threads: {error}; set `threads` lower"))?;
    runtime.block_on(run_on(config, served))?;
    runtime.shutdown_background();
    Ok(())
}

/// What all connections share, before anything listens.
pub(crate) fn shell(config: &Config, served: Vec<Served>, store: Store) -> Result<Shell, String> {
    let limits = &config.limits;
    let bounds = Bounds {
        soft_messages: limits.mailbox_messages_soft,
        hard_messages: limits.mailbox_messages_hard,
        hard_bytes: limits.mailbox_bytes_hard,
    };
    let mut dialects = Vec::new();
    let mut endpoints = Vec::new();
    let mut pages = Vec::new();
    for Served { dialect, doors, ports: _, pages: folder, lines: _ } in served {
        endpoints.extend(doors.into_iter().map(|door| Endpoint { dialect: dialects.len(), door }));
        pages.extend(folder.map(|folder| Pages { dialect: dialect.spec().name, folder }));
        dialects.push(dialect);
    }
    let hub = Hub::patched(0, dialects::limits(config), dialects::patches(config));
    let switchboard = Switchboard::new(hub, &dialects, bounds);
    let hooks = Hooks::new(outside(config)?);
    let parts = Parts { switchboard, dialects, endpoints, pages, admin_token: admin_token(config)?, store, hooks };
    Ok(Shell::new(config, parts))
}

/// Shortest secret that webhooks are signed with: that of the hash.
const HOOK_SECRET_BYTES: usize = 32;

/// How webhooks are sent.
fn outside(config: &Config) -> Result<Outside, String> {
    let keys = &config.dialect.antmedia;
    let file = keys.hook_secret_file.as_deref();
    let read = |path| dialects::apps::secret("dialect.antmedia.hook_secret_file", path, HOOK_SECRET_BYTES);
    Outside::new(keys.hook_allow.clone(), file.map(read).transpose()?)
}

async fn run_on(config: &Config, mut served: Vec<Served>) -> Result<(), String> {
    let ports: Vec<(&'static str, ListenAddr)> = served
        .iter()
        .flat_map(|served| served.ports.iter().map(|address| (served.dialect.spec().name, address.clone())))
        .collect();
    let lines: Vec<_> = served
        .iter_mut()
        .enumerate()
        .flat_map(|(dialect, served)| std::mem::take(&mut served.lines).into_iter().map(move |port| (dialect, port)))
        .collect();
    let caller = dialects::caller(&served);
    let shell = Arc::new(shell(config, served, Store::below(config.data_dir.clone(), dialects::expires))?);

    media::start(config, &shell)?;
    if let Some(caller) = caller {
        line::start(config, caller, &shell).await?;
    }

    let mut listeners = Vec::new();
    for address in &config.http.addr {
        listeners.push(Listener::bind(address, Role::Public, "http.addr (ADDR)").await?);
    }
    let http = listeners.iter().map(Listener::name).collect();
    let tls = tls(config)?;
    let mut https = Vec::new();
    for address in &config.https.addr {
        let tls = tls.clone().ok_or("https.addr is set without https.cert and https.key; set both")?;
        let listener = Listener::bind(address, Role::Public, "https.addr").await?.secured(Security::Tls(tls));
        https.push(listener.name());
        listeners.push(listener);
    }
    let mut admin = None;
    if let Some(address) = &config.admin.addr {
        let listener = Listener::bind(address, Role::Admin, "admin.addr").await?;
        admin = Some(listener.name());
        listeners.push(listener);
    }
    let mut own = BTreeMap::new();
    for (index, Endpoint { dialect, door }) in shell.endpoints.iter().enumerate() {
        let Place::Own(address) = &door.at else { continue };
        let name = shell.dialects[*dialect].spec().name;
        let listener = Listener::bind(address, Role::Own(index), &dialects::listen_key(name)).await?;
        let listener = listener.secured(tls.clone().map_or(Security::Plain, Security::Either));
        own.insert(name, Names::One(listener.name()));
        listeners.push(listener);
    }
    for (name, address) in &ports {
        let listener = Listener::bind(address, Role::Ports(name), &format!("dialect.{name}.listen")).await?;
        let listener = listener.secured(tls.clone().map_or(Security::Plain, Security::Either));
        match own.entry(name).or_insert_with(|| Names::Some(Vec::new())) {
            Names::Some(names) => names.push(listener.name()),
            Names::One(_) | Names::Each(_) => {}
        }
        listeners.push(listener);
    }
    let mut bound = Vec::new();
    for (dialect, port) in &lines {
        let one = Bound::bind(port, *dialect).await?;
        let (endpoint, address) = one.name();
        let name = shell.dialects[*dialect].spec().name;
        if let Names::Each(names) = own.entry(name).or_insert_with(|| Names::Each(BTreeMap::new())) {
            names.insert(endpoint, address);
        }
        bound.push(one);
    }
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| format!("cannot hear SIGTERM: {error}"))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| format!("cannot hear SIGINT: {error}"))?;
    let timers = tokio::spawn({
        let shell = Arc::clone(&shell);
        async move { shell.switchboard.run_timers(shell.clock).await }
    });
    let load = tokio::spawn(overload::watch(Arc::clone(&shell), overload::Bounds::of(&config.limits)));
    if let Some(tls) = tls {
        let hangup = signal(SignalKind::hangup()).map_err(|error| format!("cannot hear SIGHUP: {error}"))?;
        tokio::spawn(async move { tls.certificate().watch(hangup).await });
    }
    for (dialect, of) in shell.dialects.iter().enumerate() {
        if let Some(session) = of.resident() {
            tokio::spawn(attached::reside(Arc::clone(&shell), dialect, session));
        }
    }
    let mut accepting: Vec<_> =
        listeners.into_iter().map(|listener| tokio::spawn(listener.run(Arc::clone(&shell)))).collect();
    accepting.extend(bound.into_iter().map(|bound| tokio::spawn(bound.run(Arc::clone(&shell)))));
    let udp = shell.switchboard.seat().engine().map(|engine| engine.bound().iter().map(ToString::to_string).collect());
    let udp = udp.unwrap_or_default();
    let sip = shell.lines.bound();
    announce(&Ready { ready: true, http, https, udp, sip, admin, own });

    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = shell.stop.notified() => {}
    }
    shell.set_closing();
    let drain = Duration::from_millis(config.drain.deadline_ms);
    tracing::info!(
        connections = shell.connections.load(Ordering::Relaxed),
        drain_ms = config.drain.deadline_ms,
        "stopping"
    );
    shell.switchboard.drain_all();
    let drained = Instant::now() + drain;
    let hurried = tokio::select! {
        () = left(&shell, drained) => false,
        _ = terminate.recv() => true,
        _ = interrupt.recv() => true,
    };
    accepting.iter().for_each(tokio::task::JoinHandle::abort);
    shell.switchboard.close_all(CloseCause::Shutdown);
    gone(&shell, STOP_AT_MOST.min(Duration::from_millis(450))).await;
    shell.lines.stop().await;
    let (told, hooks) = (Instant::now() + TELL_AT_MOST, shell.jobs.hooks());
    tokio::select! {
        () = hooks.settle(if hurried { told } else { told.max(drained) }) => {}
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let lost = hooks.lose();
    if lost > 0 {
        tracing::warn!(
            lost,
            "news for other servers are lost: they did not take them in time; drain.deadline_ms gives them more"
        );
    }
    shell.jobs.store().close();
    timers.abort();
    load.abort();
    // Dropped listeners remove their sockets' files.
    for task in accepting {
        let _ = task.await;
    }
    tracing::info!("stopped");
    Ok(())
}

/// Waits until nobody is left, or until then. Calls between telephones have no connection of ours.
async fn left(shell: &Shell, until: Instant) {
    let parties = || shell.switchboard.snapshot().parties.load(Ordering::Relaxed);
    while Instant::now() < until && (parties() > 0 || shell.connections.load(Ordering::Relaxed) > 0) {
        sleep_until((Instant::now() + STOP_LOOK).min(until)).await;
    }
}

/// Waits until no connection is left, or for `most`.
async fn gone(shell: &Shell, most: Duration) {
    let until = Instant::now() + most;
    while Instant::now() < until && shell.connections.load(Ordering::Relaxed) > 0 {
        sleep_until((Instant::now() + STOP_LOOK).min(until)).await;
    }
}

fn announce(ready: &Ready) {
    for address in &ready.http {
        tracing::info!(%address, "serving; open http://{} in a browser", browsable(address));
    }
    for address in &ready.https {
        tracing::info!(%address, "serving; open https://{} in a browser", browsable(address));
    }
    for (dialect, names) in &ready.own {
        let names: Vec<_> = match names {
            Names::One(address) => vec![address],
            Names::Some(addresses) => addresses.iter().collect(),
            Names::Each(addresses) => addresses.values().collect(),
        };
        names.into_iter().for_each(|address| tracing::info!(dialect, %address, "serving"));
    }
    // Whoever started us may have closed our standard output: nothing to be done about it.
    if let Ok(line) = serde_json::to_string(ready) {
        let mut out = io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }
}

/// The address that a browser on this machine can open; browsers give cameras to `localhost` and to HTTPS only.
fn browsable(address: &str) -> String {
    let port = |prefix: &str| address.strip_prefix(prefix).map(|port| format!("localhost:{port}/"));
    port("[::]:").or_else(|| port("0.0.0.0:")).unwrap_or_else(|| format!("{address}/"))
}

fn tls(config: &Config) -> Result<Option<Tls>, String> {
    match (&config.https.cert, &config.https.key) {
        (Some(cert), Some(key)) => Tls::load(cert, key).map(Some),
        _ => Ok(None),
    }
}

fn admin_token(config: &Config) -> Result<Option<String>, String> {
    let Some(path) = &config.admin.token_file else { return Ok(None) };
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("cannot read admin.token_file {shown}: {error}; check its path and mode"))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(format!("admin.token_file {shown} is empty; write a secret into it"));
    }
    Ok(Some(token.to_owned()))
}

/// Raises the limit of open files to what the system allows; the doctor says if that is less than the configuration needs.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "cannot raise the limit of open files");
    }
}
