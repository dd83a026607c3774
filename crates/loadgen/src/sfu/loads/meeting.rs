//! Everybody of a room sees and hears everybody else.

use std::time::{Duration, Instant};

use super::super::cast::{Setting, Until, rest};
use super::super::script::Part;
use super::super::source::{CAMERA, Source};
use super::{WARM_UP, measure};
use crate::Result;
use crate::scenario::Outcome;

/// Between two cameras' first frames: people do not come in step.
const APART: Duration = Duration::from_millis(7);

pub(crate) fn meeting(setting: &Setting, members: usize) -> Result<Outcome> {
    let mut stage = setting.stage()?;
    for number in 0..members {
        let source = Source::new(CAMERA, true, Instant::now() + APART * number as u32);
        setting.publisher(&mut stage, number, Some(0), source)?;
    }
    let all: Vec<usize> = (0..members).collect();
    let part = |number| Part::ViewRoom { room: 0, members: all.clone(), except: number };
    setting.gather(&mut stage, members, Until::Key, part)?;
    rest(&mut stage, WARM_UP)?;
    let span = measure(&mut stage, setting, setting.span)?;
    let mut outcome = Outcome::default();
    span.show(&stage.tally, members - 1, &mut outcome);
    Ok(outcome)
}
