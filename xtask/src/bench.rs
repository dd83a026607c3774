//! Benchmarks: always release binaries, always built from this checkout.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::cmd::Cmd;
use crate::paths;

pub(crate) fn relay(rest: &[String]) -> ExitCode {
    let build = Cmd::new("cargo build --release -p patchbay-server -p patchbay-loadgen");
    println!("== {build}");
    if !build.command().status().is_ok_and(|status| status.success()) {
        eprintln!("xtask: the build failed; repeat: {build}");
        return ExitCode::FAILURE;
    }
    // `exec`, so that signals and the exit status are the load generator's own.
    let error = Command::new(paths::release_binary("patchbay-loadgen"))
        .arg("bench-relay")
        .arg("--server")
        .arg(paths::release_binary("patchbay"))
        .args(rest)
        .exec();
    eprintln!("xtask: patchbay-loadgen could not be started: {error}");
    ExitCode::FAILURE
}
