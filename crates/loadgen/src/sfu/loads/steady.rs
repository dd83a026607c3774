//! One camera, and so many who watch it.

use super::super::cast::{Setting, Until, rest};
use super::super::figures as names;
use super::super::subject::Subject;
use super::{WARM_UP, measure, memory};
use crate::Result;
use crate::process;
use crate::scenario::Outcome;

pub(crate) fn steady(setting: &Setting, viewers: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    let mut outcome = Outcome::default();
    let floor = setting.subject == Subject::Floor;
    let (before, _control) = if floor {
        (0, Some(setting.floor(&mut stage, viewers, None)?))
    } else {
        setting.camera(&mut stage, 0)?;
        rest(&mut stage, WARM_UP / 2)?;
        let before = process::resident(setting.pid)?;
        setting.viewers(&mut stage, viewers, Until::Key)?;
        (before, None)
    };
    rest(&mut stage, WARM_UP)?;
    let span = measure(&mut stage, setting, setting.span)?;
    span.show(&stage.tally, viewers, &mut outcome);
    if !floor {
        outcome.add(names::MEMORY, memory(setting, before, viewers)?);
    }
    Ok(outcome)
}
