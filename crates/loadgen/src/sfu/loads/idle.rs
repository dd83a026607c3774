//! Viewers whose connections stand and carry nothing.

use super::super::cast::{Setting, Until, rest};
use super::super::figures as names;
use super::{WARM_UP, measure, memory};
use crate::Result;
use crate::process;
use crate::scenario::Outcome;

pub(crate) fn idle(setting: &Setting, viewers: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    setting.camera(&mut stage, 0)?;
    rest(&mut stage, WARM_UP)?;
    stage.feeds.iter_mut().for_each(|feed| feed.source.silent = true);
    let before = process::resident(setting.pid)?;
    setting.viewers(&mut stage, viewers, Until::Connected)?;
    rest(&mut stage, WARM_UP)?;
    let span = measure(&mut stage, setting, setting.span)?;
    let mut outcome = Outcome::default();
    let used = span.usage.server.unwrap_or_default().total();
    outcome.add(names::CORE, 100.0 * used.as_secs_f64() / span.usage.wall.as_secs_f64());
    outcome.add(names::MEMORY, memory(setting, before, viewers)?);
    outcome.usage(&span.usage);
    Ok(outcome)
}
