//! What is measured of a server: how fast calls come and go, what their sound costs, how fast accounts register.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::caller::{Caller, Habit};
use super::figures as names;
use super::flood::Flood;
use super::script::sylk::Sylk;
use super::stage::Stage;
use super::subject::Subject;
use crate::Result;
use crate::process;
use crate::scenario::Outcome;
use crate::target::Target;
use crate::window::{Usage, Window};

/// Load before the measured span: caches, allocators and socket buffers reach their size.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long all callers together may take to come, or to go.
const GATHER_TIMEOUT: Duration = Duration::from_secs(40);
/// Calls that begin at a time where that is not what is measured.
const IN_FLIGHT: usize = 16;
/// How long a packet may take before it counts as lost.
const STRAGGLERS: Duration = Duration::from_millis(500);

/// With a busier generator or telephone, loss and delay are theirs.
const BUSY_LIMIT: f64 = 90.0;
/// Less than this share of what was sent has come back, in percent: the load is not what it says it is.
const LEAST_RETURNED: f64 = 90.0;

/// One measurement's server, and what it is measured with.
pub(super) struct Setting {
    pub(super) subject: Subject,
    pub(super) target: Target,
    pub(super) telephone: SocketAddr,
    /// Where strangers speak SIP to the server.
    pub(super) sip: Option<SocketAddr>,
    pub(super) pid: u32,
    /// SIPp's process.
    pub(super) sipp: u32,
    /// How long it is measured.
    pub(super) span: Duration,
}

impl Setting {
    fn stage(&self) -> Result<Stage> {
        Ok(Stage::new(self.target.clone())?)
    }

    fn window(&self) -> Result<Window> {
        Ok(Window::open_beside(Some(self.pid), &[self.sipp])?)
    }

    fn add(&self, stage: &mut Stage, habit: Habit) -> Result<()> {
        let script = self.subject.script(stage.callers.len(), self.telephone);
        stage.add(script, habit)
    }

    /// Brings the calls that stand to this number.
    fn calls(&self, stage: &mut Stage, calls: usize) -> Result<()> {
        let deadline = Instant::now() + GATHER_TIMEOUT;
        loop {
            let up = up(stage);
            if up == calls {
                return Ok(());
            }
            while stage.callers.len() < calls.min(up + IN_FLIGHT) {
                self.add(stage, Habit::Stay)?;
            }
            if !stage.run(deadline, |stage| self::up(stage) > up)? {
                return Err(late(stage, Caller::is_up));
            }
        }
    }

    fn resident(&self) -> Result<f64> {
        Ok(process::resident(self.pid)? as f64 / 1024.0)
    }
}

fn up(stage: &Stage) -> usize {
    stage.callers.iter().filter(|caller| caller.is_up()).count()
}

fn wait(stage: &mut Stage, is_so_far: fn(&Caller) -> bool) -> Result<()> {
    let deadline = Instant::now() + GATHER_TIMEOUT;
    if stage.run(deadline, |stage| stage.callers.iter().all(is_so_far))? {
        return Ok(());
    }
    Err(late(stage, is_so_far))
}

fn late(stage: &Stage, is_so_far: fn(&Caller) -> bool) -> Box<dyn std::error::Error> {
    let late = stage.callers.iter().find(|caller| !is_so_far(caller)).map(Caller::state).unwrap_or_default();
    format!("after {GATHER_TIMEOUT:?} still {late}").into()
}

/// So many callers, each of whom hangs up as soon as its call stands, and calls again.
pub(super) fn setups(setting: &Setting, callers: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    for _ in 0..callers {
        setting.add(&mut stage, Habit::Quiet)?;
    }
    wait(&mut stage, Caller::is_ready)?;
    stage.change(Habit::Again)?;
    stage.rest(WARM_UP)?;
    stage.tally.setups.clear();
    let before = (stage.tally.established, stage.tally.ended);
    let window = setting.window()?;
    stage.rest(setting.span)?;
    let usage = window.look()?;
    let calls = (stage.tally.established - before.0).min(stage.tally.ended - before.1) as f64;
    let mut waited = std::mem::take(&mut stage.tally.setups);
    // Those under way at the end have to come to their end, too.
    stage.change(Habit::Quiet)?;
    wait(&mut stage, Caller::is_free)?;
    stage.tally.check()?;
    waited.sort_by(f64::total_cmp);
    let mut outcome = Outcome::default();
    outcome.add(names::SETUPS, calls / usage.wall.as_secs_f64());
    cost(&usage, calls, &names::PER_SETUP, &mut outcome);
    outcome.add(names::SETUP_P50, quantile(&waited, 500));
    outcome.add(names::SETUP_P99, quantile(&waited, 990));
    show(&usage, &mut outcome);
    Ok(outcome)
}

/// So many calls that stand and carry sound both ways; memory by a fifth of them, by all, and by twice as many.
pub(super) fn calls(setting: &Setting, calls: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    let few = (calls / 5).max(1);
    setting.calls(&mut stage, few)?;
    stage.rest(WARM_UP)?;
    let mut memory = vec![(few as f64, setting.resident()?)];

    setting.calls(&mut stage, calls)?;
    stage.rest(WARM_UP)?;
    let before = stage.tally.returned;
    stage.count();
    let window = setting.window()?;
    stage.rest(setting.span)?;
    let usage = window.look()?;
    stage.stop_counting();
    let returned = stage.tally.returned - before;
    memory.push((calls as f64, setting.resident()?));
    stage.rest(STRAGGLERS)?;
    let mut outcome = Outcome::default();
    // One that came back was relayed twice.
    let relayed = 2.0 * returned as f64;
    outcome.add(names::RELAYED, relayed / usage.wall.as_secs_f64());
    cost(&usage, relayed, &names::PER_PACKET, &mut outcome);
    if let Some(echo) = stage.tally.echo.take() {
        outcome.add(names::LOSS, echo.loss());
        outcome.add(names::ROUND_P50, millis(echo.round.quantile(500)));
        outcome.add(names::ROUND_P99, millis(echo.round.quantile(990)));
        if echo.loss() > 100.0 - LEAST_RETURNED {
            outcome.void = Some(format!("{:.0} % of what was sent never came back", echo.loss()));
        }
    }

    setting.calls(&mut stage, 2 * calls)?;
    stage.rest(WARM_UP)?;
    memory.push((2.0 * calls as f64, setting.resident()?));
    outcome.add(names::MEMORY, slope(&memory));
    show(&usage, &mut outcome);
    let busiest = usage.busy.max(telephone(&usage));
    if busiest > BUSY_LIMIT {
        outcome.void = Some(format!("generator or telephone were {busiest:.0} % busy, so loss and delay are theirs"));
    }
    stage.tally.check()?;
    stage.change(Habit::Quiet)?;
    wait(&mut stage, Caller::is_free)?;
    Ok(outcome)
}

/// So many calls, while strangers flood the server with SIP.
pub(super) fn flood(setting: &Setting, calls: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    setting.calls(&mut stage, calls)?;
    stage.rest(WARM_UP)?;
    let mut outcome = Outcome::default();
    let (_, quiet) = variation(&mut stage, setting.span / 2)?;
    outcome.add(names::VARIATION_QUIET, quiet);
    let flood = Flood::begin(setting.sip.ok_or("this server has no port for strangers")?)?;
    let window = setting.window()?;
    let (loss, late) = variation(&mut stage, setting.span)?;
    let usage = window.look()?;
    outcome.add(names::FLOODED, flood.end() as f64 / usage.wall.as_secs_f64());
    outcome.add(names::LOSS, loss);
    outcome.add(names::VARIATION, late);
    show(&usage, &mut outcome);
    stage.tally.check()?;
    stage.change(Habit::Quiet)?;
    wait(&mut stage, Caller::is_free)?;
    Ok(outcome)
}

/// Of the packets of a span: how many never came back, in percent, and by how much one in a hundred came later than most.
fn variation(stage: &mut Stage, span: Duration) -> Result<(f64, f64)> {
    stage.count();
    stage.rest(span)?;
    stage.stop_counting();
    stage.rest(STRAGGLERS)?;
    let echo = stage.tally.echo.take().ok_or("nothing was counted")?;
    Ok((echo.loss(), millis(echo.round.quantile(990).saturating_sub(echo.round.quantile(500)))))
}

/// So many accounts, each on a connection of its own, all at the same moment.
pub(super) fn registrations(setting: &Setting, accounts: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    stage.rest(WARM_UP / 2)?;
    let window = setting.window()?;
    let began = Instant::now();
    for number in 0..accounts {
        stage.add(Box::new(Sylk::new(number, true)), Habit::Quiet)?;
    }
    wait(&mut stage, Caller::is_ready)?;
    let span = began.elapsed();
    let usage = window.look()?;
    let mut outcome = Outcome::default();
    outcome.add(names::ACCOUNTS, accounts as f64);
    outcome.add(names::REGISTERED, millis(span));
    cost(&usage, accounts as f64, &names::PER_ACCOUNT, &mut outcome);
    show(&usage, &mut outcome);
    Ok(outcome)
}

/// Processor time of the server for each of so many: all, user, system.
fn cost(usage: &Usage, count: f64, names: &[&'static str; 3], outcome: &mut Outcome) {
    let server = usage.server.unwrap_or_default();
    for (name, span) in names.iter().zip([server.total(), server.user, server.system]) {
        outcome.add(name, span.as_secs_f64() * 1e6 / count.max(1.0));
    }
}

fn show(usage: &Usage, outcome: &mut Outcome) {
    outcome.add(names::TELEPHONE, telephone(usage));
    outcome.usage(usage);
}

/// Share of one core that SIPp used, in percent.
fn telephone(usage: &Usage) -> f64 {
    100.0 * usage.beside.as_secs_f64() / usage.wall.as_secs_f64()
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// Of sorted values.
fn quantile(sorted: &[f64], per_mille: usize) -> f64 {
    let rank = (sorted.len() * per_mille).div_ceil(1_000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// Of the line that comes nearest to all points.
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let over: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let under: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    over / under
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes() {
        assert_eq!(slope(&[(20.0, 1_300.0), (100.0, 2_500.0), (200.0, 4_000.0)]), 15.0);
        assert!((slope(&[(0.0, 0.0), (1.0, 3.0), (2.0, 3.0)]) - 1.5).abs() < 1e-9);
    }

    #[test]
    fn quantiles_of_few_values() {
        assert_eq!(quantile(&[], 500), 0.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 990), 3.0);
    }
}
