//! Collects the figures of all runs and writes them as one table or as JSON.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use crate::Result;
use crate::calibration::Calibration;
use crate::figures::{CALIBRATION, NOISE, OPERATION, SEAL, SEND};
use crate::metric::{Metric, Target};
use crate::scenario::Outcome;
use crate::table::Table;

/// More values than this are shown as their range.
const SHOWN_RUNS: usize = 5;

/// One measurement of one figure.
#[derive(Clone, Copy, Debug)]
struct Sample {
    value: f64,
    /// Yardstick operations that take as long.
    operations: Option<f64>,
}

struct Row {
    metric: &'static Metric,
    samples: Vec<Sample>,
}

pub(crate) struct Report {
    machine: String,
    /// Targets are shown: they are for our own server on the machine that the documents name.
    judged: bool,
    rows: Vec<Row>,
    /// Runs whose figures say nothing about the server, and why.
    void: Vec<(&'static str, String)>,
    /// Loads of which a run was disturbed by other processes.
    noisy: Vec<&'static str>,
}

impl Report {
    /// Rows appear in the order of `metrics`, whatever is measured first.
    pub(crate) fn new(machine: String, metrics: &'static [Metric], judged: bool) -> Self {
        let rows = metrics.iter().map(|metric| Row { metric, samples: Vec::new() }).collect();
        Self { machine, judged, rows, void: Vec::new(), noisy: Vec::new() }
    }

    /// Adds a figure. `operation` is the yardstick of the same minute, in nanoseconds.
    ///
    /// # Panics
    /// If there is no such figure: a slip of the pen.
    pub(crate) fn add(&mut self, load: &str, name: &str, value: f64, operation: Option<f64>) {
        let row = self.rows.iter_mut().find(|row| row.metric.load == load && row.metric.name == name);
        let row = row.unwrap_or_else(|| panic!("no figure {name:?} of {load:?} is declared"));
        let nanos = row.metric.unit.nanos(value);
        let operations = nanos.zip(operation).map(|(nanos, operation)| nanos / operation);
        row.samples.push(Sample { value, operations });
    }

    /// The run's figures are left out.
    pub(crate) fn void(&mut self, load: &'static str, why: String) {
        self.void.push((load, why));
    }

    /// Other processes have disturbed a run.
    pub(crate) fn noisy(&mut self, load: &'static str) {
        if !self.noisy.contains(&load) {
            self.noisy.push(load);
        }
    }

    /// The median of all runs of a figure; `None` if no run counts.
    pub(crate) fn median(&self, load: &str, name: &str) -> Option<f64> {
        let row = self.rows.iter().find(|row| row.metric.load == load && row.metric.name == name)?;
        median(&row.samples.iter().map(|sample| sample.value).collect::<Vec<_>>())
    }

    /// Takes the yardstick of this moment, in nanoseconds.
    ///
    /// # Errors
    /// If it cannot be taken.
    pub(crate) fn calibrate(&mut self) -> Result<f64> {
        let calibration = Calibration::run()?;
        let nanos = |span: Duration| span.as_nanos() as f64;
        let operation = nanos(calibration.operation());
        self.add(CALIBRATION, SEAL, nanos(calibration.seal), None);
        self.add(CALIBRATION, SEND, nanos(calibration.send), None);
        self.add(CALIBRATION, OPERATION, operation, None);
        Ok(operation)
    }

    /// Takes a measurement in, and gives it on for ratios; nothing of a void run goes on.
    pub(crate) fn keep(&mut self, name: &'static str, outcome: Outcome, operation: f64, noise: f64) -> Outcome {
        if noise > NOISE {
            self.noisy(name);
        }
        if let Some(why) = outcome.void {
            self.void(name, why);
            return Outcome::default();
        }
        for (figure, value) in &outcome.figures {
            self.add(name, figure, *value, Some(operation));
        }
        outcome
    }

    pub(crate) fn write_table(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&["load", "figure", "median", "all runs", "yardsticks", "target", "verdict"]);
        for row in self.rows.iter().filter(|row| !row.samples.is_empty() || self.is_void(row)) {
            table.row(self.cells(row));
        }
        writeln!(out, "{}\n", self.machine)?;
        table.write(out)?;
        for (load, why) in &self.void {
            writeln!(out, "\nVOID: one run of {load}: {why}")?;
        }
        if !self.noisy.is_empty() {
            writeln!(
                out,
                "\nNOISY: other processes used more than {NOISE} % of the machine: {}",
                self.noisy.join(", ")
            )?;
        }
        Ok(())
    }

    fn cells(&self, row: &Row) -> Vec<String> {
        let Metric { load, name, unit, .. } = *row.metric;
        let target = self.target(row);
        let values: Vec<f64> = row.samples.iter().map(|sample| sample.value).collect();
        let operations: Option<Vec<f64>> = row.samples.iter().map(|sample| sample.operations).collect();
        let value = median(&values);
        let figure = value.map(|value| format!("{} {}", unit.write(value), unit.label()).trim_end().to_owned());
        let mut runs: Vec<_> = values.iter().map(|value| unit.write(*value)).collect();
        if runs.len() > SHOWN_RUNS {
            let range =
                (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max));
            runs = vec![format!("{} to {}", unit.write(range.0), unit.write(range.1))];
        }
        let operations = operations.and_then(|operations| median(&operations));
        vec![
            load.to_owned(),
            name.to_owned(),
            figure.unwrap_or_default(),
            runs.join(", "),
            operations.map(write_ratio).unwrap_or_default(),
            target.map(|target| target.write()).unwrap_or_default(),
            self.verdict(row, value).to_owned(),
        ]
    }

    fn verdict(&self, row: &Row, value: Option<f64>) -> &'static str {
        match (self.target(row), value) {
            (_, None) => "VOID",
            (None, Some(_)) => "",
            (Some(target), Some(value)) if target.met(value) => "pass",
            (Some(_), Some(_)) => "FAIL",
        }
    }

    /// The figures that are not what they should be, or could not be measured.
    pub(crate) fn missed(&self) -> Vec<String> {
        let rows = self.rows.iter().filter(|row| !row.samples.is_empty() || self.is_void(row));
        let missed = rows.filter(|row| {
            let values: Vec<f64> = row.samples.iter().map(|sample| sample.value).collect();
            self.target(row).is_some_and(|target| !median(&values).is_some_and(|value| target.met(value)))
        });
        missed.map(|row| format!("{}: {}", row.metric.load, row.metric.name)).collect()
    }

    fn target(&self, row: &Row) -> Option<Target> {
        row.metric.target.filter(|_| self.judged)
    }

    fn is_void(&self, row: &Row) -> bool {
        self.void.iter().any(|(load, _)| *load == row.metric.load)
    }

    pub(crate) fn to_json(&self) -> Value {
        let rows = self.rows.iter().filter(|row| !row.samples.is_empty() || self.is_void(row));
        let rows = rows.map(|row| {
            let values: Vec<f64> = row.samples.iter().map(|sample| sample.value).collect();
            let operations: Vec<f64> = row.samples.iter().filter_map(|sample| sample.operations).collect();
            let value = median(&values);
            json!({
                "load": row.metric.load,
                "figure": row.metric.name,
                "unit": row.metric.unit.label(),
                "median": value,
                "runs": values,
                "yardsticks": median(&operations),
                "target": self.target(row).map(|target| target.write()),
                "verdict": self.verdict(row, value),
            })
        });
        let void = self.void.iter().map(|(load, why)| json!({"load": load, "why": why}));
        json!({
            "machine": self.machine,
            "rows": rows.collect::<Vec<_>>(),
            "void": void.collect::<Vec<_>>(),
            "noisy": self.noisy,
        })
    }
}

fn write_ratio(operations: f64) -> String {
    if operations < 100.0 { format!("{operations:.2}") } else { format!("{operations:.0}") }
}

/// The middle one; of an even number the mean of the two in the middle.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get((sorted.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Unit;

    static METRICS: [Metric; 4] = [
        Metric::new("a", "rate", Unit::PerSecond),
        Metric::new("a", "p99", Unit::Milliseconds).wanted(Target::Below(2.0)),
        Metric::new("b", "memory", Unit::Kilobytes).wanted(Target::AtMost(8.0)),
        Metric::new("c", "never measured", Unit::Count),
    ];

    #[test]
    fn medians() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
    }

    #[test]
    fn the_table_has_medians_ratios_and_verdicts() {
        let mut report = Report::new("a machine".to_owned(), &METRICS, true);
        for (rate, p99) in [(1000.0, 3.0), (2000.0, 1.0), (4000.0, 1.5)] {
            report.add("a", "p99", p99, Some(1000.0));
            report.add("a", "rate", rate, Some(1000.0));
        }
        report.void("b", "the generator was busy".to_owned());
        let mut text = Vec::new();
        report.write_table(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let row = |start: &str| {
            let line = text.lines().find(|line| line.starts_with(start)).unwrap();
            line.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" ; ")
        };
        assert_eq!(row("| a    | rate"), "a ; rate ; 2000 /s ; 1000, 2000, 4000 ; 500");
        assert_eq!(row("| a    | p99"), "a ; p99 ; 1.50 ms ; 3.00, 1.00, 1.50 ; 1500 ; < 2 ; pass");
        assert_eq!(row("| b "), "b ; memory ; <= 8 ; VOID");
        assert!(!text.contains("never"));
        assert_eq!(report.missed(), ["b: memory"], "a figure that is void is none");
        assert!(text.ends_with("VOID: one run of b: the generator was busy\n"));
        let json = report.to_json();
        assert_eq!(json["rows"][1]["median"], 1.5);
        assert_eq!(json["rows"][1]["verdict"], "pass");
        assert_eq!(json["rows"][2]["median"], Value::Null);
        assert_eq!(json["void"][0]["load"], "b");
    }
}
