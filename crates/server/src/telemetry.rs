//! Log lines: one line per event on standard error, as text or as JSON. Standard output stays free
//! for the ready line.
//!
//! Whatever a client sent may stand in a field, so both forms escape every character that could
//! end a line, steer a terminal or reverse the direction of writing. The formatter is our own
//! because the usual one quotes such values only where they are logged with `?`.

mod clock;
mod format;
mod layer;

use std::any::Any;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use tracing::field::display;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{SetGlobalDefaultError, set_global_default};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};

use crate::config::{Level, Levels, Log};
use layer::LineLayer;

/// Sends the events of this process to standard error. Called once, before anything is logged.
pub fn init(log: &Log) -> Result<(), SetGlobalDefaultError> {
    set_global_default(subscriber(log, Stderr))
}

/// Warns of what a session found that only the operator can do something about: each text once, since clients decide how
/// often it is found.
pub(crate) fn warn_once(text: &'static str) {
    static SAID: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    // Nothing panics under this lock.
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(text) {
        tracing::warn!("{text}");
    }
}

/// Reports panics as events too, so that they are one line and in the chosen form.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| report_panic(panic.payload(), panic.location())));
}

/// A message that was put together may quote what a client said (that of a text cut within a character does), so above
/// `debug` there is only the place, and a message that stands in the source as it is.
fn report_panic(payload: &dyn Any, place: Option<&Location<'_>>) {
    let place = place.map(display);
    if let Some(literal) = payload.downcast_ref::<&'static str>() {
        tracing::error!(place, "panic: {literal}");
    } else {
        tracing::error!(place, "panic; what it says may be a client's words and is logged at debug");
        let message = payload.downcast_ref::<String>().map_or("a value that is no text", String::as_str);
        tracing::debug!(place, "panic: {message}");
    }
}

fn subscriber<S: Sink>(log: &Log, sink: S) -> impl tracing::Subscriber + Send + Sync + 'static {
    let layer = LineLayer::new(log.format, sink).with_filter(targets(&log.level));
    Registry::default().with(layer)
}

/// Where finished lines go. A line is handed over whole, its line break included.
trait Sink: Send + Sync + 'static {
    fn line(&self, line: &str);
}

struct Stderr;

impl Sink for Stderr {
    fn line(&self, line: &str) {
        // One write per line, so that lines of several threads or processes do not mix. A closed
        // standard error must not end the server, and there is nowhere left to report it.
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

fn targets(levels: &Levels) -> Targets {
    let filter = |level| match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let pairs = levels.targets.iter();
    Targets::new()
        .with_default(filter(levels.default))
        .with_targets(pairs.map(|(target, level)| (target.clone(), filter(*level))))
}
