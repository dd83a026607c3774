//! Licences, bans and sources of the dependencies. Not part of `test`: building the tool takes minutes.

use std::process::ExitCode;

use crate::cmd::Cmd;
use crate::paths;
use crate::report::{Report, Stopped};

const VERSION: &str = "0.19.0";

pub(crate) fn run() -> ExitCode {
    let mut report = Report::default();
    let result = steps(&mut report);
    report.finish(result)
}

fn steps(report: &mut Report) -> Result<(), Stopped> {
    const CHECK: &str = "check licenses bans sources";
    if Cmd::new("cargo-deny --version").quietly() {
        return report.step("deny", &Cmd::new(&format!("cargo-deny {CHECK}")));
    }
    let tools = paths::target().join("tools").to_string_lossy().into_owned();
    let own = format!("{tools}/bin/cargo-deny");
    if !Cmd::new(&format!("{own} --version")).quietly() {
        let install = format!("cargo install --locked --quiet --version {VERSION} cargo-deny --root");
        report.step("install", &Cmd::new(&install).arg(tools))?;
    }
    report.step("deny", &Cmd::new(&format!("{own} {CHECK}")))
}
