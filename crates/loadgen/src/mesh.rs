//! `mesh`: load on a server that runs already, wherever it is.

use std::io::Write;
use std::time::Duration;

use crate::Result;
use crate::cli::{MeshArgs, MeshLoad};
use crate::figures::{self, FIGURES};
use crate::load::Plan;
use crate::process;
use crate::report::Report;
use crate::scenario::{self, Setting};

/// Measures once and writes the table to `out`.
pub(crate) fn run(args: &MeshArgs, out: &mut dyn Write) -> Result<()> {
    let mut plan = Plan::new(args.rooms as usize, args.clients as usize);
    // Two generators, or one after the other, must not meet in the same rooms.
    plan.prefix = format!("load-{:x}", std::process::id());
    let setting = Setting {
        target: args.url.clone(),
        pid: args.pid,
        plan,
        span: Duration::from_secs(args.seconds),
        rate: args.rate,
        in_flight: args.in_flight as usize,
        flood: 0,
    };
    let (load, outcome) = match args.load {
        MeshLoad::Open => (figures::OPEN, scenario::open_loop(&setting)?),
        MeshLoad::Saturated => (figures::SATURATED, scenario::saturated(&setting)?),
        MeshLoad::Idle => (figures::IDLE, scenario::idle(&setting)?),
        MeshLoad::Storm => (figures::STORM, scenario::storm(&setting)?),
    };
    // Without targets: those are for our own server on a machine of its own.
    let mut report = Report::new(process::machine(), &FIGURES, false);
    match outcome.void {
        Some(why) => report.void(load, why),
        None => outcome.figures.iter().for_each(|(name, value)| report.add(load, name, *value, None)),
    }
    if let Some(file) = &args.json {
        std::fs::write(file, format!("{:#}\n", report.to_json()))?;
    }
    report.write_table(out)?;
    Ok(())
}
