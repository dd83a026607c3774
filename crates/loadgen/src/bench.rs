//! `bench-relay`: all measurements, one after the other, as often as asked for.

use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::Result;
use crate::child::Server;
use crate::cli::{BenchArgs, Measurement};
use crate::dialect::Dialect;
use crate::figures::{self, FIGURES};
use crate::load::Plan;
use crate::process::{self, MachineUse};
use crate::report::Report;
use crate::scenario::{self, Outcome, Setting};
use crate::target::Target;
use crate::tls::Certificate;

/// Members of the rooms of large crowds: the most that the server admits by default.
const CROWD_MEMBERS: usize = 50;
/// Clients that connect, join or send an offer at a time.
const IN_FLIGHT: usize = 64;
/// Descriptors that a server needs beside its connections, with room to spare.
const OTHER_FILES: u64 = 200;

/// How long others are watched before a measurement.
const LOOK: Duration = Duration::from_secs(1);

type Measure = fn(&Setting) -> Result<Outcome>;

/// One measurement: what is done, to whom, by whom.
#[derive(Clone)]
struct Task {
    load: &'static str,
    plan: Plan,
    tls: bool,
    /// How long it is measured, or left alone, unless the command line says otherwise.
    seconds: u64,
    measure: Measure,
}

struct Bench<'a> {
    args: &'a BenchArgs,
    certificate: Certificate,
    report: Report,
    progress: &'a mut dyn Write,
}

/// Measures, writes the table to `out` and what goes on to `progress`.
pub(crate) fn run(args: &BenchArgs, out: &mut dyn Write, progress: &mut dyn Write) -> Result<()> {
    let report = Report::new(process::machine(), &FIGURES, true);
    let mut bench = Bench { args, certificate: Certificate::new()?, report, progress };
    for run in 1..=args.runs {
        bench.run(run)?;
    }
    if let Some(file) = &args.json {
        std::fs::write(file, format!("{:#}\n", bench.report.to_json()))?;
    }
    bench.report.write_table(out)?;
    Ok(())
}

impl Bench<'_> {
    fn run(&mut self, run: u32) -> Result<()> {
        for measurement in Measurement::value_variants() {
            if !self.chosen(*measurement) {
                continue;
            }
            writeln!(self.progress, "run {run} of {}: {measurement:?}", self.args.runs)?;
            self.take(*measurement)?;
        }
        Ok(())
    }

    fn take(&mut self, measurement: Measurement) -> Result<()> {
        use Measurement::{
            Calibration, Idle, Open, Saturated, SidIdle, SidOpen, SidRegistrations, SidSaturated, Storm, Stuck,
            TlsHandshakes, TlsIdle, TlsSaturated, TlsSidSaturated,
        };
        use scenario::{handshakes, idle, open_loop, registrations, saturated, storm, stuck};
        match measurement {
            Calibration => self.report.calibrate().map(drop),
            Saturated => self.relay_and_floor(&figures::SATURATED_PAIR, self.rooms(), false, saturated),
            Open => self.relay_and_floor(&figures::OPEN_PAIR, self.rooms(), false, open_loop),
            Idle => self.relay(figures::IDLE, self.crowd(self.args.clients), false, 20, idle),
            Storm => self.relay(figures::STORM, self.crowd(self.args.clients), false, 0, storm),
            Stuck => self.relay(figures::STUCK, self.rooms(), false, 60, stuck),
            SidRegistrations => {
                let plan = self.pairs(self.args.registrations / 2);
                self.relay(figures::SID_REGISTRATIONS, plan, false, 0, registrations)
            }
            SidSaturated => {
                self.relay_and_floor(&figures::SID_SATURATED_PAIR, self.pairs(self.args.pairs), false, saturated)
            }
            SidOpen => self.relay_and_floor(&figures::SID_OPEN_PAIR, self.pairs(self.args.pairs), false, open_loop),
            SidIdle => self.relay(figures::SID_IDLE, self.pairs(self.args.sid_clients / 2), false, 20, idle),
            TlsHandshakes => {
                let plan = self.crowd(self.args.tls_clients);
                self.relay(figures::TLS_HANDSHAKES, plan.clone(), true, 0, handshakes)?;
                self.relay(figures::WS_HANDSHAKES, plan, false, 0, handshakes)
            }
            TlsIdle => self.relay(figures::TLS_IDLE, self.crowd(self.args.tls_clients), true, 20, idle),
            TlsSaturated => self.relay_and_floor(&figures::TLS_SATURATED_PAIR, self.rooms(), true, saturated),
            TlsSidSaturated => {
                self.relay_and_floor(&figures::TLS_SID_SATURATED_PAIR, self.pairs(self.args.pairs), true, saturated)
            }
        }
    }

    /// Relay and echo by turns: neighbours in time, they can be compared with each other.
    fn relay_and_floor(&mut self, pair: &figures::Pair, plan: Plan, tls: bool, measure: Measure) -> Result<()> {
        let floor = Task { load: pair.echo, plan: plan.alone(), tls, seconds: 10, measure };
        let relay = self.measure(&Task { load: pair.relay, plan, ..floor.clone() }, &self.args.server, &[])?;
        let echo = self.measure(&floor, &std::env::current_exe()?, &["echo"])?;
        if let (Some(relay), Some(echo)) = (relay.get(figures::CPU), echo.get(figures::CPU)) {
            self.report.add(pair.ratio, figures::CPU, relay / echo, None);
        }
        Ok(())
    }

    fn relay(&mut self, load: &'static str, plan: Plan, tls: bool, seconds: u64, measure: Measure) -> Result<()> {
        let task = Task { load, plan, tls, seconds, measure };
        self.measure(&task, &self.args.server, &[]).map(drop)
    }

    /// Measures once; if there is patience, again while others disturb, and keeps the least disturbed one.
    fn measure(&mut self, task: &Task, program: &Path, args: &[&str]) -> Result<Outcome> {
        let until = Instant::now() + Duration::from_secs(self.args.patience);
        let mut best: Option<(f64, Outcome, f64)> = None;
        loop {
            wait_for_quiet(until)?;
            let operation = self.report.calibrate()?;
            // A new server for each measurement: none inherits the memory or the connections of another.
            let mut server = Server::start(program, args, task.tls.then_some(&self.certificate))?;
            let setting = self.setting(task, &server);
            let outcome =
                (task.measure)(&setting).map_err(|error| format!("{}: {error}; {}", task.load, server.last_words()))?;
            server.stop()?;
            let noise = outcome.get(figures::OTHERS).unwrap_or_default();
            if best.as_ref().is_none_or(|(least, ..)| noise < *least) {
                best = Some((noise, outcome, operation));
            }
            match best.take_if(|(least, ..)| *least <= figures::NOISE || Instant::now() >= until) {
                Some((noise, outcome, operation)) => {
                    self.keep(task.load, &outcome, operation, noise);
                    return Ok(outcome);
                }
                None => writeln!(self.progress, "others used {noise:.0} % of the machine: again")?,
            }
        }
    }

    fn setting(&self, task: &Task, server: &Server) -> Setting {
        let addr = server.tls_addr.filter(|_| task.tls).unwrap_or(server.addr);
        // The echo has one path for all.
        let path = if task.plan.members == 1 { Dialect::Mesh.path() } else { task.plan.dialect.path() };
        Setting {
            target: Target::at(addr, task.tls, path),
            pid: Some(server.pid()),
            plan: task.plan.clone(),
            span: Duration::from_secs(self.args.seconds.unwrap_or(task.seconds)),
            rate: self.args.rate,
            in_flight: IN_FLIGHT,
            flood: self.args.flood,
        }
    }

    fn keep(&mut self, load: &'static str, outcome: &Outcome, operation: f64, noise: f64) {
        if noise > figures::NOISE {
            self.report.noisy(load);
        }
        if let Some(why) = &outcome.void {
            self.report.void(load, why.clone());
            return;
        }
        for (name, value) in &outcome.figures {
            self.report.add(load, name, *value, Some(operation));
        }
    }

    fn chosen(&self, measurement: Measurement) -> bool {
        self.args.only.is_empty() || self.args.only.contains(&measurement)
    }

    fn rooms(&self) -> Plan {
        Plan::new(Dialect::Mesh, self.args.rooms as usize, self.args.members as usize)
    }

    fn pairs(&self, pairs: u32) -> Plan {
        Plan::new(Dialect::Sid, pairs as usize, 2)
    }

    /// As many clients as asked for, or as one process may have descriptors: the server is one process.
    fn crowd(&self, clients: u32) -> Plan {
        let possible = process::raise_open_files().saturating_sub(OTHER_FILES);
        let clients = u64::from(clients).min(possible);
        Plan::new(Dialect::Mesh, (clients as usize / CROWD_MEMBERS).max(1), CROWD_MEMBERS)
    }
}

/// Waits until others use little of the machine, but not past `until`.
pub(crate) fn wait_for_quiet(until: Instant) -> Result<()> {
    while Instant::now() < until {
        let before = MachineUse::now()?;
        thread::sleep(LOOK);
        if MachineUse::now()?.others_since(before, Duration::ZERO) <= figures::NOISE {
            break;
        }
    }
    Ok(())
}
