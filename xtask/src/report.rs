//! Runs the steps of a tier one after the other, keeps their times and adds up their tests.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ExitCode, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cmd::Cmd;
use crate::tally::{Runner, Tally};

/// A runner says so on a line of its own when clients, browsers or telephones were not there to be tested.
const NOT_TESTED: [&str; 6] = [
    "VENDOR NOT TESTED",
    "FIREFOX NOT TESTED",
    "SIPP NOT TESTED",
    "KAMAILIO NOT TESTED",
    "BARESIP NOT TESTED",
    "LINPHONEC NOT TESTED",
];

#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    total: Tally,
    notes: Vec<String>,
    /// Reads the commands' output without showing it: our own tests must not print result lines,
    /// or the run that counts them counts those too.
    quiet: bool,
}

struct Row {
    name: &'static str,
    took: Duration,
    tests: Option<Tally>,
    ok: bool,
}

/// Why the run stopped; already noted in the report.
pub(crate) struct Stopped;

#[derive(Default)]
struct Seen {
    tally: Tally,
    /// Which of [`NOT_TESTED`] it has said.
    missing: [bool; NOT_TESTED.len()],
}

impl Report {
    /// A step whose output holds no test results.
    pub(crate) fn step(&mut self, name: &'static str, cmd: &Cmd) -> Result<(), Stopped> {
        self.execute(name, None, cmd)
    }

    /// A test runner: its result lines are added up.
    pub(crate) fn tests(&mut self, name: &'static str, runner: Runner, cmd: &Cmd) -> Result<(), Stopped> {
        self.execute(name, Some(runner), cmd)
    }

    /// A line for the end of the report, where it is seen.
    pub(crate) fn note(&mut self, line: impl Into<String>) {
        self.notes.push(line.into());
    }

    /// Something that cannot be done; `action` is what to do about it.
    pub(crate) fn refuse(&mut self, name: &'static str, cause: &str, action: &str) -> Stopped {
        self.total.failed += 1;
        self.rows.push(Row { name, took: Duration::ZERO, tests: None, ok: false });
        self.note(format!("FAILED: {name}: {cause}\n  next: {action}"));
        Stopped
    }

    fn execute(&mut self, name: &'static str, runner: Option<Runner>, cmd: &Cmd) -> Result<(), Stopped> {
        if !self.quiet {
            println!("\n== {name}: {cmd}");
        }
        let start = Instant::now();
        let outcome = stream(runner, cmd, self.quiet);
        let took = start.elapsed();
        let (seen, problem) = match outcome {
            Ok((seen, status)) if status.success() => (seen, None),
            Ok((seen, status)) => (seen, Some(status.to_string())),
            Err(error) => (Seen::default(), Some(format!("could not be started: {error}"))),
        };
        let mut tests = seen.tally;
        // Counts and exit status must agree: a step that broke outside its tests is one failure,
        // and failures that a runner reported but did not exit for are failures all the same.
        let problem = match problem {
            None if tests.failed > 0 => Some("tests failed, though the runner ended well".into()),
            other => other,
        };
        if problem.is_some() && tests.failed == 0 {
            tests.failed = 1;
        }
        self.total.add(tests);
        self.rows.push(Row { name, took, tests: runner.map(|_| tests), ok: problem.is_none() });
        for (line, _) in NOT_TESTED.iter().zip(seen.missing).filter(|(_, missing)| *missing) {
            self.note(*line);
        }
        match problem {
            None => Ok(()),
            Some(problem) => {
                self.note(format!("FAILED: {name}: {problem}\n  repeat: {cmd}"));
                Err(Stopped)
            }
        }
    }

    /// Prints the table of times, the notes and, last, the closing line.
    pub(crate) fn finish(self, result: Result<(), Stopped>) -> ExitCode {
        let mut out = std::io::stdout().lock();
        // A closed pipe is the reader's choice, not a failure of the tests.
        let _ = self.print(&mut out);
        if result.is_ok() && self.total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let width = self.rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
        writeln!(out, "\n== times")?;
        for row in &self.rows {
            let verdict = if row.ok { "ok" } else { "FAILED" };
            let tests = row.tests.map_or_else(String::new, |tests| format!("  {tests}"));
            let seconds = row.took.as_secs_f64();
            writeln!(out, "  {:width$}  {seconds:>7.1} s  {verdict}{tests}", row.name)?;
        }
        let sum: Duration = self.rows.iter().map(|row| row.took).sum();
        writeln!(out, "  {:width$}  {:>7.1} s\n", "all", sum.as_secs_f64())?;
        for note in &self.notes {
            writeln!(out, "{note}")?;
        }
        if self.total.retried > 0 {
            writeln!(out, "retried: {}", self.total.retried)?;
        }
        writeln!(out, "{}", self.total)
    }
}

/// Runs the command, shows what it writes as it comes and reads it along the way.
fn stream(runner: Option<Runner>, cmd: &Cmd, quiet: bool) -> std::io::Result<(Seen, std::process::ExitStatus)> {
    let mut command = cmd.command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let seen = Mutex::new(Seen::default());
    std::thread::scope(|scope| {
        scope.spawn(|| stdout.map(|pipe| pump(pipe, screen(quiet, std::io::stdout()), runner, &seen)));
        scope.spawn(|| stderr.map(|pipe| pump(pipe, screen(quiet, std::io::stderr()), runner, &seen)));
    });
    let status = child.wait()?;
    Ok((seen.into_inner().unwrap_or_else(PoisonError::into_inner), status))
}

fn screen(quiet: bool, screen: impl Write + 'static) -> Box<dyn Write> {
    if quiet { Box::new(std::io::sink()) } else { Box::new(screen) }
}

fn pump(pipe: impl Read, mut screen: impl Write, runner: Option<Runner>, seen: &Mutex<Seen>) {
    let mut pipe = BufReader::new(pipe);
    let mut line = Vec::new();
    while pipe.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        let _ = screen.write_all(&line).and_then(|()| screen.flush());
        let text = String::from_utf8_lossy(&line);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runner) = runner {
            seen.tally.read_line(runner, &text);
        }
        for (line, missing) in NOT_TESTED.iter().zip(&mut seen.missing) {
            *missing |= text.trim() == *line;
        }
        drop(seen);
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Cmd {
        Cmd::new("sh -c").arg(text)
    }

    fn quiet() -> Report {
        Report { quiet: true, ..Report::default() }
    }

    fn printed(report: &Report) -> String {
        let mut out = Vec::new();
        report.print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn sums_over_the_runners_and_closes_with_the_plain_line() {
        let mut report = quiet();
        assert!(report.tests("unit", Runner::Node, &script("echo 'ℹ pass 3'; echo 'retried: 1'")).is_ok());
        assert!(report.tests("more", Runner::Node, &script("echo '# pass 2' >&2; echo '# skipped 1' >&2")).is_ok());
        let missing = script("echo FIREFOX NOT TESTED; echo VENDOR NOT TESTED");
        assert!(report.tests("vendor", Runner::Node, &missing).is_ok());
        let end = "VENDOR NOT TESTED\nFIREFOX NOT TESTED\nretried: 1\n5 passed, 0 failed, 1 skipped\n";
        assert!(printed(&report).ends_with(end));
    }

    #[test]
    fn a_step_that_breaks_counts_as_a_failure_and_shows_how_to_repeat_it() {
        let mut report = quiet();
        assert!(report.step("lint", &script("exit 3")).is_err());
        let text = printed(&report);
        assert!(text.contains("repeat: sh -c 'exit 3'"), "{text}");
        assert!(text.ends_with("\n0 passed, 1 failed\n"), "{text}");
    }

    #[test]
    fn a_runner_may_not_fail_tests_and_end_well() {
        let mut report = quiet();
        assert!(report.tests("unit", Runner::Node, &script("echo 'ℹ fail 1'")).is_err());
    }

    #[test]
    fn a_program_that_is_not_there_is_a_failure() {
        let mut report = quiet();
        assert!(report.step("gone", &Cmd::new("no-such-program-at-all")).is_err());
    }
}
