//! `bench-sip`: all measurements, one after the other, as often as asked for.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::figures::{Both, CALLS, FIGURES, FLOOD, REGISTRATIONS, SETTING_UP};
use super::loads::{self, Setting};
use super::subject::Subject;
use super::telephone::Sipp;
use crate::Result;
use crate::bench::wait_for_quiet;
use crate::cli::{SipArgs, SipMeasurement};
use crate::figures::{NOISE, OTHERS};
use crate::process;
use crate::report::Report;
use crate::scenario::Outcome;
use crate::sfu::subject::address;

/// Calls that stand while strangers flood the server: few, so that the delay is not that of a machine with enough to do.
const FLOODED_CALLS: usize = 20;

type Load<'a> = dyn Fn(&Setting) -> Result<Outcome> + 'a;
type Other = fn(std::net::IpAddr) -> std::io::Result<Sipp>;

struct Bench<'a> {
    args: &'a SipArgs,
    report: Report,
    progress: &'a mut dyn Write,
    /// Measurements of the other server that failed. The rest of the table is no worse for them.
    failed: Vec<&'static str>,
}

/// Measures, writes the table to `out` and what goes on to `progress`.
///
/// # Errors
/// If something could not be measured, or is not what it should be.
pub(crate) fn run(args: &SipArgs, out: &mut dyn Write, progress: &mut dyn Write) -> Result<()> {
    let report = Report::new(process::machine(), &FIGURES, true);
    let mut bench = Bench { args, report, progress, failed: Vec::new() };
    for run in 1..=args.runs {
        for measurement in SipMeasurement::value_variants() {
            if args.only.is_empty() || args.only.contains(measurement) {
                writeln!(bench.progress, "run {run} of {}: {measurement:?}", args.runs)?;
                bench.take(*measurement, run)?;
            }
        }
    }
    if let Some(file) = &args.json {
        std::fs::write(file, format!("{:#}\n", bench.report.to_json()))?;
    }
    bench.report.write_table(out)?;
    if !bench.failed.is_empty() {
        return Err(format!("could not be measured: {}; why stands below the table", bench.failed.join(", ")).into());
    }
    match &bench.report.missed()[..] {
        [] => Ok(()),
        missed => Err(format!("not as wanted: {}", missed.join(", ")).into()),
    }
}

impl Bench<'_> {
    fn take(&mut self, measurement: SipMeasurement, run: u32) -> Result<()> {
        let args = self.args;
        match measurement {
            SipMeasurement::Setups => self.both(&SETTING_UP, run, &|setting| loads::setups(setting, args.in_flight)),
            SipMeasurement::Calls => self.both(&CALLS, run, &|setting| loads::calls(setting, args.calls)),
            SipMeasurement::Registrations => {
                let load = |setting: &Setting| loads::registrations(setting, args.accounts);
                self.measure(REGISTRATIONS, Subject::Patchbay, Sipp::registrar, &load).map(drop)
            }
            SipMeasurement::Flood => {
                let load = |setting: &Setting| loads::flood(setting, FLOODED_CALLS);
                self.measure(FLOOD, Subject::Patchbay, Sipp::telephone, &load).map(drop)
            }
        }
    }

    /// Neighbours in time, they can be compared with each other. Who is first changes from run to run.
    fn both(&mut self, both: &Both, run: u32, load: &Load<'_>) -> Result<()> {
        let mut order = [(both.ours, Subject::Patchbay), (both.janus, Subject::Janus)];
        if run.is_multiple_of(2) {
            order.reverse();
        }
        let mut outcomes = (Outcome::default(), Outcome::default());
        for (name, subject) in order {
            match subject {
                Subject::Patchbay => outcomes.0 = self.measure(name, subject, Sipp::telephone, load)?,
                Subject::Janus if self.args.without_janus => {}
                Subject::Janus => outcomes.1 = self.measure(name, subject, Sipp::telephone, load)?,
            }
        }
        for name in both.compared {
            if let (Some(of), Some(to)) = (outcomes.0.get(name), outcomes.1.get(name).filter(|to| *to > 0.0)) {
                self.report.add(both.ratio, name, of / to, None);
            }
        }
        Ok(())
    }

    /// Measures once; if there is patience, again while others disturb, and keeps the least disturbed one.
    fn measure(&mut self, name: &'static str, subject: Subject, other: Other, load: &Load<'_>) -> Result<Outcome> {
        let until = Instant::now() + Duration::from_secs(self.args.patience);
        let mut best: Option<(f64, Outcome, f64)> = None;
        loop {
            wait_for_quiet(until)?;
            let operation = self.report.calibrate()?;
            let sipp = other(address())?;
            let mut program = subject.start(&self.args.server, sipp.addr)?;
            let setting = Setting {
                subject,
                target: program.target(),
                telephone: sipp.addr,
                sip: program.sip(),
                pid: program.pid(),
                sipp: sipp.pid(),
                span: Duration::from_secs(self.args.seconds),
            };
            let outcome = match load(&setting) {
                Ok(outcome) => outcome,
                Err(error) => {
                    let words = format!("{error}; {}; sipp:{}", program.last_words(), sipp.last_words());
                    if subject == Subject::Janus {
                        self.failed.push(name);
                        self.report.void(name, words);
                        return Ok(Outcome::default());
                    }
                    return Err(format!("{name}: {words}").into());
                }
            };
            program.stop()?;
            let noise = outcome.get(OTHERS).unwrap_or_default();
            if best.as_ref().is_none_or(|(least, ..)| noise < *least) {
                best = Some((noise, outcome, operation));
            }
            match best.take_if(|(least, ..)| *least <= NOISE || Instant::now() >= until) {
                Some((noise, outcome, operation)) => return Ok(self.report.keep(name, outcome, operation, noise)),
                None => writeln!(self.progress, "others used {noise:.0} % of the machine: again")?,
            }
        }
    }
}
