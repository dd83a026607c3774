//! The loads: each takes a running server and gives the figures of one run.

mod idle;
mod joins;
mod meeting;
mod rooms;
mod saturated;
mod steady;

pub(crate) use idle::idle;
pub(crate) use joins::{joins, silent_joins, storm};
pub(crate) use meeting::meeting;
pub(crate) use rooms::rooms;
pub(crate) use saturated::{floor_bursts, saturated};
pub(crate) use steady::steady;

use std::time::{Duration, Instant};

use super::cast::{Setting, rest};
use super::figures as names;
use super::receiver::Counted;
use super::stage::Stage;
use super::tally::Tally;
use crate::Result;
use crate::scenario::Outcome;
use crate::window::{Usage, Window};

/// Load before the measured span: caches, allocators and socket buffers reach their size, retransmission caches fill.
const WARM_UP: Duration = Duration::from_secs(2);

/// With a busier generator, loss and delay are its own.
const BUSY_LIMIT: f64 = 90.0;

/// Less than this share of what was sent to all who listen has come, in percent: the load is not what it says it is.
const LEAST_DELIVERED: f64 = 90.0;

/// What came in a measured span.
struct Span {
    usage: Usage,
    counted: Counted,
    sent: u64,
}

/// Measures the span in which the stage goes on.
fn measure(stage: &mut Stage, setting: &Setting, span: Duration) -> Result<Span> {
    stage.tally = Tally::new();
    let (counted, sent) = (stage.counted(), stage.sent());
    let window = Window::open(Some(setting.pid))?;
    rest(stage, span)?;
    let usage = window.look()?;
    stage.tally.check()?;
    Ok(Span { usage, counted: stage.counted().since(counted), sent: stage.sent() - sent })
}

impl Span {
    /// Processor time of the server per packet that a viewer received, in microseconds: all, user, system.
    fn cost(&self) -> (f64, f64, f64) {
        let packets = self.counted.received.max(1) as f64;
        let cost = |span: Duration| span.as_secs_f64() * 1e6 / packets;
        let server = self.usage.server.unwrap_or_default();
        (cost(server.total()), cost(server.user), cost(server.system))
    }

    fn delivered(&self) -> f64 {
        self.counted.received as f64 / self.usage.wall.as_secs_f64()
    }

    /// What every load with media shows. `listeners`: how many each packet is for.
    fn show(&self, tally: &Tally, listeners: usize, outcome: &mut Outcome) {
        let (cpu, user, system) = self.cost();
        outcome.add(names::DELIVERED, self.delivered());
        outcome.add(names::CPU, cpu);
        outcome.add(names::CPU_USER, user);
        outcome.add(names::CPU_SYSTEM, system);
        outcome.add(names::PER_CORE, if cpu > 0.0 { 1e6 / cpu } else { 0.0 });
        outcome.add(names::LOSS, self.counted.loss());
        outcome.add(names::REORDERED, self.counted.reordered as f64);
        outcome.add(names::DELAY_P50, millis(tally.delay.quantile(500)));
        outcome.add(names::DELAY_P99, millis(tally.delay.quantile(990)));
        outcome.usage(&self.usage);
        if self.usage.busy > BUSY_LIMIT {
            outcome.void =
                Some(format!("the generator was {:.0} % busy, so loss and delay are its own", self.usage.busy));
        }
        let expected = self.sent * listeners as u64;
        let share = 100.0 * self.counted.received as f64 / expected.max(1) as f64;
        if expected > 0 && share < LEAST_DELIVERED {
            outcome.void = Some(format!("only {share:.0} % of what was sent came to the viewers"));
        }
    }
}

/// Kilobytes per viewer that came since `before`, in bytes.
fn memory(setting: &Setting, before: u64, viewers: usize) -> Result<f64> {
    let now = crate::process::resident(setting.pid)?;
    Ok((now as f64 - before as f64) / viewers as f64 / 1024.0)
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// Milliseconds from a leg's wish to what it waited for.
fn waited(
    stage: &Stage,
    from: impl Fn(usize) -> (Option<Instant>, Option<Instant>),
    legs: std::ops::Range<usize>,
) -> Vec<f64> {
    debug_assert!(legs.end <= stage.legs.len());
    let mut waited: Vec<f64> =
        legs.filter_map(|leg| from(leg).0.zip(from(leg).1)).map(|(asked, came)| millis(came - asked)).collect();
    waited.sort_by(f64::total_cmp);
    waited
}

/// Of sorted values.
fn quantile(sorted: &[f64], per_mille: usize) -> f64 {
    let rank = (sorted.len() * per_mille).div_ceil(1_000).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_few_values() {
        assert_eq!(quantile(&[], 500), 0.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 500), 2.0);
        assert_eq!(quantile(&[1.0, 2.0, 3.0], 990), 3.0);
        assert_eq!(quantile(&[1.0, 2.0], 500), 1.0);
    }
}
