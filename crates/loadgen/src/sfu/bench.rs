//! `bench-sfu`: all measurements, one after the other, as often as asked for.

use std::io::Write;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use super::cast::Setting;
use super::figures::{self, Both, FIGURES, Steady};
use super::loads;
use super::subject::Subject;
use crate::Result;
use crate::bench::wait_for_quiet;
use crate::cli::{SfuArgs, SfuMeasurement, Versus};
use crate::figures::{NOISE, OTHERS};
use crate::process;
use crate::report::Report;
use crate::scenario::Outcome;

/// Seconds of each measured span, unless the command line says otherwise.
const SECONDS: u64 = 8;

const MEMBERS: usize = 10;
const JOINS: usize = 20;
const STORM: usize = 100;
const COST: usize = 100;
const IDLE: usize = 400;

type Load<'a> = dyn Fn(&Setting) -> Result<Outcome> + 'a;

struct Bench<'a> {
    args: &'a SfuArgs,
    report: Report,
    progress: &'a mut dyn Write,
    /// Measurements of the other server that failed. The rest of the table is no worse for them.
    failed: Vec<&'static str>,
}

/// Measures, writes the table to `out` and what goes on to `progress`.
pub(crate) fn run(args: &SfuArgs, out: &mut dyn Write, progress: &mut dyn Write) -> Result<()> {
    let report = Report::new(process::machine(), &FIGURES, true);
    let mut bench = Bench { args, report, progress, failed: Vec::new() };
    for run in 1..=args.runs {
        for measurement in SfuMeasurement::value_variants() {
            // These have commands of their own.
            let apart = matches!(measurement, SfuMeasurement::Bridge | SfuMeasurement::Conference);
            let chosen = args.only.is_empty() && !apart;
            if chosen || args.only.contains(measurement) {
                writeln!(bench.progress, "run {run} of {}: {measurement:?}", args.runs)?;
                bench.take(*measurement)?;
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
    // The other figures are for who reads them; this one is a promise.
    let promised = args.only.contains(&SfuMeasurement::Conference);
    match bench.report.median(figures::CONFERENCE_RATIO, figures::CPU) {
        _ if !promised => Ok(()),
        Some(ratio) if ratio <= figures::CONFERENCE_BOUND => Ok(()),
        Some(ratio) => Err(format!("a packet costs {ratio:.2} times as much in a conference as in a broadcast").into()),
        None => Err("no run of the conference counts; why stands below the table".into()),
    }
}

impl Bench<'_> {
    fn take(&mut self, measurement: SfuMeasurement) -> Result<()> {
        match measurement {
            SfuMeasurement::Calibration => self.report.calibrate().map(drop),
            SfuMeasurement::Steady => self.all_steady(),
            SfuMeasurement::Saturated => self.saturated(),
            SfuMeasurement::Meeting => {
                self.both(&figures::MEETING, figures::CPU, 1, &|setting| loads::meeting(setting, MEMBERS))
            }
            SfuMeasurement::Joins => {
                self.both(&figures::JOINS, figures::KEY_P50, 1, &|setting| loads::joins(setting, JOINS))
            }
            SfuMeasurement::Storm => {
                self.both(&figures::STORM, figures::KEY_P99, 1, &|setting| loads::storm(setting, STORM))
            }
            SfuMeasurement::JoinCost => {
                self.both(&figures::COST, figures::JOIN, 1, &|setting| loads::silent_joins(setting, COST))
            }
            SfuMeasurement::Idle => self.both(&figures::IDLE, figures::CORE, 1, &|setting| loads::idle(setting, IDLE)),
            SfuMeasurement::Rooms => self.rooms(),
            SfuMeasurement::Bridge => self.bridge(),
            SfuMeasurement::Conference => self.conference(),
        }
    }

    fn all_steady(&mut self) -> Result<()> {
        let mut costs = Vec::new();
        for steady in figures::STEADY.iter().filter(|steady| self.args.chosen(steady.viewers)) {
            let ours = self.steady(steady)?;
            costs.push((steady.viewers, ours));
        }
        let cost = |wanted| costs.iter().find(|(viewers, _)| *viewers == wanted).and_then(|(_, cost)| *cost);
        self.ratio(figures::VIEWERS_RATIO, figures::CPU, cost(400), cost(50));
        Ok(())
    }

    /// Neighbours in time, they can be compared with each other. Gives our cost.
    fn steady(&mut self, steady: &Steady) -> Result<Option<f64>> {
        let load = |setting: &Setting| loads::steady(setting, steady.viewers);
        let ours = self.ours(steady.ours, false, &load)?.get(figures::CPU);
        let floor = self.measure(steady.floor, Subject::Floor, 0, false, &load)?.get(figures::CPU);
        self.ratio(steady.to_floor, figures::CPU, ours, floor);
        if self.versus() && steady.versus {
            let streaming = self.measure(steady.streaming, Subject::Streaming, 1, false, &load)?.get(figures::CPU);
            self.ratio(steady.to_streaming, figures::CPU, ours, streaming);
            let room = self.measure(steady.room, Subject::VideoRoom, 1, false, &load)?.get(figures::CPU);
            self.ratio(steady.to_room, figures::CPU, ours, room);
        }
        Ok(ours)
    }

    fn saturated(&mut self) -> Result<()> {
        let ours = self.ours(figures::SATURATED, true, &loads::saturated)?.get(figures::CPU);
        let floor = self.measure(figures::SATURATED_FLOOR, Subject::Floor, 0, true, &loads::floor_bursts)?;
        self.ratio(figures::SATURATED_RATIO, figures::CPU, ours, floor.get(figures::CPU));
        Ok(())
    }

    fn rooms(&mut self) -> Result<()> {
        let mut costs = Vec::new();
        for (rooms, name) in figures::ROOMS {
            costs.push(self.ours(name, false, &|setting| loads::rooms(setting, rooms))?.get(figures::CPU_USER));
        }
        let (first, last) = (costs.first().copied().flatten(), costs.last().copied().flatten());
        self.ratio(figures::ROOMS_RATIO, figures::CPU_USER, last, first);
        Ok(())
    }

    /// Neighbours in time, they can be compared with each other.
    fn bridge(&mut self) -> Result<()> {
        for (viewers, plain, bridge, compared) in figures::BRIDGE {
            let load = |setting: &Setting| loads::steady(setting, viewers);
            let to = self.measure(plain, Subject::Patchbay, 0, false, &load)?.get(figures::CPU);
            let of = self.measure(bridge, Subject::Bridge, 0, false, &load)?.get(figures::CPU);
            self.ratio(compared, figures::CPU, of, to);
        }
        Ok(())
    }

    /// Neighbours in time, they can be compared with each other: as many packets leave the server in both.
    fn conference(&mut self) -> Result<()> {
        let views = MEMBERS * (MEMBERS - 1);
        let broadcast = |setting: &Setting| loads::steady(setting, views);
        let to = self.measure(figures::BROADCAST, Subject::Patchbay, 0, false, &broadcast)?.get(figures::CPU);
        let conference = |setting: &Setting| loads::meeting(setting, MEMBERS);
        let of = self.measure(figures::CONFERENCE, Subject::Patchbay, 0, false, &conference)?.get(figures::CPU);
        self.ratio(figures::CONFERENCE_RATIO, figures::CPU, of, to);
        Ok(())
    }

    fn both(&mut self, both: &Both, compared: &'static str, rooms: usize, load: &Load<'_>) -> Result<()> {
        let ours = self.ours(both.ours, false, load)?.get(compared);
        if self.versus() {
            let janus = self.measure(both.room, Subject::VideoRoom, rooms, false, load)?.get(compared);
            self.ratio(both.ratio, compared, ours, janus);
        }
        Ok(())
    }

    /// Our server, unless only others are asked for.
    fn ours(&mut self, name: &'static str, pinned: bool, load: &Load<'_>) -> Result<Outcome> {
        if self.args.without_ours {
            return Ok(Outcome::default());
        }
        self.measure(name, Subject::Patchbay, 0, pinned, load)
    }

    /// Measures once; if there is patience, again while others disturb, and keeps the least disturbed one.
    fn measure(
        &mut self,
        name: &'static str,
        subject: Subject,
        rooms: usize,
        pinned: bool,
        load: &Load<'_>,
    ) -> Result<Outcome> {
        let until = Instant::now() + Duration::from_secs(self.args.patience);
        let mut best: Option<(f64, Outcome, f64)> = None;
        loop {
            wait_for_quiet(until)?;
            let operation = self.report.calibrate()?;
            let mut program = subject.start(&self.args.server, rooms, pinned)?;
            let setting = Setting {
                subject,
                target: program.target(),
                plain: program.plain(),
                pid: program.pid(),
                span: Duration::from_secs(self.args.seconds.unwrap_or(SECONDS)),
            };
            let outcome = match load(&setting) {
                Ok(outcome) => outcome,
                Err(error) if matches!(subject, Subject::Streaming | Subject::VideoRoom) => {
                    self.failed.push(name);
                    self.report.void(name, error.to_string());
                    return Ok(Outcome::default());
                }
                Err(error) => return Err(format!("{name}: {error}; {}", program.last_words()).into()),
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

    fn ratio(&mut self, name: &'static str, figure: &'static str, of: Option<f64>, to: Option<f64>) {
        if let Some((of, to)) = of.zip(to.filter(|to| *to > 0.0)) {
            self.report.add(name, figure, of / to, None);
        }
    }

    fn versus(&self) -> bool {
        self.args.versus == Some(Versus::Janus)
    }
}
