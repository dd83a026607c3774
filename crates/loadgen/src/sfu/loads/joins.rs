//! Viewers that come: how long until each has a picture, and what it costs.

use std::time::{Duration, Instant};

use super::super::cast::{Setting, Until, rest, wait};
use super::super::figures as names;
use super::super::script::Part;
use super::super::stage::Stage;
use super::{BUSY_LIMIT, WARM_UP, quantile, waited};
use crate::Result;
use crate::scenario::Outcome;
use crate::window::{Usage, Window};

/// Between two viewers: longer than a server may keep a request for a key frame back, so that none rides on another's.
const APART: Duration = Duration::from_millis(600);
/// Between two viewers where only their cost is measured.
const CLOSE: Duration = Duration::from_millis(20);

/// One after the other, of a camera that sends.
pub(crate) fn joins(setting: &Setting, viewers: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    setting.camera(&mut stage, 0)?;
    rest(&mut stage, WARM_UP)?;
    let (legs, usage) = come(&mut stage, setting, viewers, APART, Until::Key)?;
    let mut outcome = Outcome::default();
    key_frames(&stage, legs, &mut outcome);
    show_usage(&usage, &mut outcome);
    Ok(outcome)
}

/// All at the same moment.
pub(crate) fn storm(setting: &Setting, viewers: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    setting.camera(&mut stage, 0)?;
    rest(&mut stage, WARM_UP)?;
    let (legs, usage) = come(&mut stage, setting, viewers, Duration::ZERO, Until::Key)?;
    let mut outcome = Outcome::default();
    key_frames(&stage, legs, &mut outcome);
    show_usage(&usage, &mut outcome);
    Ok(outcome)
}

/// Of a camera that sends nothing: what a join costs without what is then forwarded.
pub(crate) fn silent_joins(setting: &Setting, viewers: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    setting.camera(&mut stage, 0)?;
    rest(&mut stage, WARM_UP)?;
    stage.feeds.iter_mut().for_each(|feed| feed.source.silent = true);
    let (_, usage) = come(&mut stage, setting, viewers, CLOSE, Until::Connected)?;
    let mut outcome = Outcome::default();
    let cost = |span: Duration| span.as_secs_f64() * 1e6 / viewers as f64;
    let server = usage.server.unwrap_or_default();
    outcome.add(names::JOIN, cost(server.total()));
    outcome.add(names::JOIN_USER, cost(server.user));
    outcome.add(names::JOIN_SYSTEM, cost(server.system));
    show_usage(&usage, &mut outcome);
    Ok(outcome)
}

/// Connects all WebSockets first, which is no part of it; then the viewers begin, so far apart.
fn come(
    stage: &mut Stage,
    setting: &Setting,
    viewers: usize,
    apart: Duration,
    until: Until,
) -> Result<(std::ops::Range<usize>, Usage)> {
    let first = stage.legs.len();
    for _ in 0..viewers {
        stage.add(setting.subject.script(Part::View { number: 0 }), None)?;
    }
    let legs = first..first + viewers;
    wait(stage, legs.clone(), Until::Ready)?;
    rest(stage, WARM_UP / 2)?;
    let window = Window::open(Some(setting.pid))?;
    let began = Instant::now();
    for (turn, leg) in legs.clone().enumerate() {
        if !apart.is_zero() {
            stage.run(began + apart * turn as u32, |_| Ok(false))?;
        }
        stage.begin(leg)?;
    }
    wait(stage, legs.clone(), until)?;
    let usage = window.look()?;
    stage.tally.check()?;
    Ok((legs, usage))
}

fn key_frames(stage: &Stage, legs: std::ops::Range<usize>, outcome: &mut Outcome) {
    let moments = |leg: usize| (stage.legs[leg].moments.asked, stage.legs[leg].moments.key);
    let waited = waited(stage, moments, legs);
    outcome.add(names::KEY_P50, quantile(&waited, 500));
    outcome.add(names::KEY_P99, quantile(&waited, 990));
    outcome.add(names::KEY_MAX, quantile(&waited, 1_000));
}

fn show_usage(usage: &Usage, outcome: &mut Outcome) {
    outcome.usage(usage);
    if usage.busy > BUSY_LIMIT {
        outcome.void = Some(format!("the generator was {:.0} % busy, so the waiting is its own", usage.busy));
    }
}
