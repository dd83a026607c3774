//! As many packets as one core can deliver: bursts of eight packets of 1,200 bytes to 300 viewers, faster and faster
//! until packets are lost.

use std::time::{Duration, Instant};

use super::super::cast::{Setting, Until, rest, source};
use super::super::figures as names;
use super::super::source::bursts;
use super::super::stage::Stage;
use super::super::subject::Pin;
use super::{BUSY_LIMIT, Span, measure};
use crate::Result;
use crate::scenario::Outcome;

const VIEWERS: usize = 300;
/// Packets of one burst.
const BURST: f64 = 8.0;
/// Delivered packets per second that the search begins with: what any server of this kind can do on a core of today.
const FIRST: f64 = 60_000.0;
/// Nobody's core does more; the search has to end.
const MOST: f64 = 3_000_000.0;
/// A step up, while nothing is lost.
const STEP: f64 = 1.3;
/// The search ends when what is known to work and what is known to fail are this close.
const CLOSE: f64 = 1.05;
/// Packets that may be lost, in percent.
const LOSS: f64 = 0.1;
/// How long each rate is tried; a queue that overflows does so within a fraction of it.
const TRIED: Duration = Duration::from_secs(3);
/// Buffers empty themselves and the lost is asked for, before the next rate.
const SETTLE: Duration = Duration::from_millis(700);

/// After so long without a packet, the server has nothing left; and a queue that takes longer to empty is its own fault.
const SILENCE: Duration = Duration::from_millis(200);
const DRAINED: Duration = Duration::from_secs(10);

/// Searches the rate, then measures it again, and half of it for the delay.
pub(crate) fn saturated(setting: &Setting) -> Result<Outcome> {
    let _pin = Pin::away()?;
    let mut stage = setting.stage()?;
    setting.publisher(&mut stage, 0, None, source(bursts(rate(FIRST / 4.0))))?;
    setting.viewers(&mut stage, VIEWERS, Until::Key)?;
    let (mut works, mut fails) = (0.0, f64::INFINITY);
    let (mut next, mut limit) = (FIRST, None);
    while next <= MOST && fails / works > CLOSE {
        let span = attempt(&mut stage, setting, next, TRIED)?;
        if span.usage.busy > BUSY_LIMIT && works > 0.0 {
            // The generator is at its end, which is not the server's: what works is what is known.
            limit = Some(next);
            break;
        }
        if is_lossless(&span, next) {
            works = next
        } else {
            fails = next
        }
        next = match (works > 0.0, fails.is_finite()) {
            (true, false) => works * STEP,
            (true, true) => (works * fails).sqrt(),
            (false, _) => next / STEP,
        };
        if next < FIRST / 8.0 {
            return Err(format!("packets are lost even at {next:.0} per second").into());
        }
    }
    let span = attempt(&mut stage, setting, works, setting.span)?;
    let mut outcome = Outcome::default();
    span.show(&stage.tally, VIEWERS, &mut outcome);
    outcome.figures.retain(|(name, _)| *name != names::DELAY_P50 && *name != names::DELAY_P99);
    if let Some(limit) = limit {
        outcome.add(names::GENERATOR_LIMIT, limit);
    }
    attempt(&mut stage, setting, works / 2.0, setting.span)?;
    outcome.add(names::HALF_P50, super::millis(stage.tally.delay.quantile(500)));
    outcome.add(names::HALF_P99, super::millis(stage.tally.delay.quantile(990)));
    Ok(outcome)
}

/// The floor at a rate that nobody struggles with: what a core could do follows from its cost per packet.
pub(crate) fn floor_bursts(setting: &Setting) -> Result<Outcome> {
    let _pin = Pin::away()?;
    let mut stage = setting.stage()?;
    let _control = setting.floor(&mut stage, VIEWERS, Some(rate(2.0 * FIRST)))?;
    rest(&mut stage, SETTLE)?;
    let span = measure(&mut stage, setting, setting.span)?;
    let mut outcome = Outcome::default();
    span.show(&stage.tally, VIEWERS, &mut outcome);
    Ok(outcome)
}

/// Bursts per second that come to so many delivered packets.
fn rate(delivered: f64) -> f64 {
    delivered / BURST / VIEWERS as f64
}

fn attempt(stage: &mut Stage, setting: &Setting, delivered: f64, span: Duration) -> Result<Span> {
    drain(stage)?;
    stage.feeds.iter_mut().for_each(|feed| feed.source.change(bursts(rate(delivered))));
    rest(stage, SETTLE)?;
    measure(stage, setting, span)
}

/// What a rate that was too high has left in the server's queues is not to be the next one's delay, or loss.
fn drain(stage: &mut Stage) -> Result<()> {
    stage.feeds.iter_mut().for_each(|feed| feed.source.silent = true);
    let until = Instant::now() + DRAINED;
    let mut before = None;
    while Instant::now() < until && before != Some(stage.tally.packets) {
        before = Some(stage.tally.packets);
        rest(stage, SILENCE)?;
    }
    stage.feeds.iter_mut().for_each(|feed| feed.source.silent = false);
    Ok(())
}

/// What is not sent at all is lost as well: a server that is behind need not show a gap.
fn is_lossless(span: &Span, wanted: f64) -> bool {
    span.counted.loss() < LOSS && span.delivered() > wanted * 0.97
}
