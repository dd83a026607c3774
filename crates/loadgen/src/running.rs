//! `mesh` and `sid`: load on a server that runs already, wherever it is.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::cli::{MeshArgs, MeshLoad, RunningArgs, SidArgs, SidLoad};
use crate::dialect::Dialect;
use crate::figures::{self, FIGURES};
use crate::load::Plan;
use crate::process;
use crate::report::Report;
use crate::scenario::{self, Outcome, Setting};
use crate::target::Target;

/// Clients of one pair.
const PAIR: usize = 2;

/// Measures once and writes the table to `out`.
pub(crate) fn mesh(args: &MeshArgs, out: &mut dyn Write) -> Result<()> {
    let plan = Plan::new(Dialect::Mesh, args.rooms as usize, args.clients as usize);
    let setting = setting(&args.url, plan, &args.running);
    let (load, outcome) = match args.load {
        MeshLoad::Open => (figures::OPEN, scenario::open_loop(&setting)?),
        MeshLoad::Saturated => (figures::SATURATED, scenario::saturated(&setting)?),
        MeshLoad::Idle => (figures::IDLE, scenario::idle(&setting)?),
        MeshLoad::Storm => (figures::STORM, scenario::storm(&setting)?),
    };
    show(load, outcome, args.running.json.as_deref(), out)
}

/// Measures once and writes the table to `out`.
pub(crate) fn sid(args: &SidArgs, out: &mut dyn Write) -> Result<()> {
    let plan = Plan::new(Dialect::Sid, args.clients.div_ceil(2) as usize, PAIR);
    let setting = setting(&args.url, plan, &args.running);
    let (load, outcome) = match args.load {
        SidLoad::Open => (figures::SID_OPEN_PAIR.relay, scenario::open_loop(&setting)?),
        SidLoad::Saturated => (figures::SID_SATURATED_PAIR.relay, scenario::saturated(&setting)?),
        SidLoad::Idle => (figures::SID_IDLE, scenario::idle(&setting)?),
        SidLoad::Registrations => (figures::SID_REGISTRATIONS, scenario::registrations(&setting)?),
    };
    show(load, outcome, args.running.json.as_deref(), out)
}

fn setting(url: &Target, mut plan: Plan, args: &RunningArgs) -> Setting {
    // Two generators, or one after the other, must not meet in the same rooms or under the same names.
    plan.prefix = format!("load-{:x}", std::process::id());
    Setting {
        target: url.clone(),
        pid: args.pid,
        plan,
        span: Duration::from_secs(args.seconds),
        rate: args.rate,
        in_flight: args.in_flight as usize,
        flood: 0,
    }
}

fn show(load: &'static str, outcome: Outcome, json: Option<&Path>, out: &mut dyn Write) -> Result<()> {
    // Without targets: those are for our own server on a machine of its own.
    let mut report = Report::new(process::machine(), &FIGURES, false);
    match outcome.void {
        Some(why) => report.void(load, why),
        None => outcome.figures.iter().for_each(|(name, value)| report.add(load, name, *value, None)),
    }
    if let Some(file) = json {
        std::fs::write(file, format!("{:#}\n", report.to_json()))?;
    }
    report.write_table(out)?;
    Ok(())
}
