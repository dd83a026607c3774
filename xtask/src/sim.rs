//! The simulation: always its release binary, always built from this checkout.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::cmd::Cmd;
use crate::paths;

pub(crate) fn run(rest: &[String]) -> ExitCode {
    let build = Cmd::new("cargo build --release -p patchbay-sim");
    println!("== {build}");
    if !build.command().status().is_ok_and(|status| status.success()) {
        eprintln!("xtask: the build failed; repeat: {build}");
        return ExitCode::FAILURE;
    }
    // `exec`, so that signals and the exit status are the simulation's own.
    let error = Command::new(paths::release_binary("patchbay-sim")).args(rest).exec();
    eprintln!("xtask: patchbay-sim could not be started: {error}");
    ExitCode::FAILURE
}
