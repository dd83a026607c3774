//! Benchmarks: always release binaries, always built from this checkout.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use crate::cmd::Cmd;
use crate::report::Report;
use crate::{machine, netns, paths};

pub(crate) fn relay(rest: &[String]) -> ExitCode {
    here("bench-relay", rest)
}

/// On loopback: who asks the server what it holds has to come from this machine.
pub(crate) fn soak(rest: &[String]) -> ExitCode {
    here("soak-conference", rest)
}

/// Builds, and becomes the load generator.
fn here(command: &str, rest: &[String]) -> ExitCode {
    if let Err(code) = build() {
        return code;
    }
    // `exec`, so that signals and the exit status are the load generator's own.
    let error = Command::new(paths::release_binary("patchbay-loadgen"))
        .arg(command)
        .arg("--server")
        .arg(paths::release_binary("patchbay"))
        .args(rest)
        .exec();
    eprintln!("xtask: patchbay-loadgen could not be started: {error}");
    ExitCode::FAILURE
}

/// In a namespace: Janus gathers no loopback address, so that there has to be another one, and its ports are fixed.
pub(crate) fn sfu(rest: &[String]) -> ExitCode {
    if rest.iter().any(|word| word.starts_with("--versus")) {
        let mut report = Report::default();
        let there = machine::provide(&mut report, "janus --help", "janus");
        if there.is_err() {
            return report.finish(there);
        }
    }
    within("bench-sfu", rest)
}

/// In a namespace, as the above; and SIPp, who is the telephone.
pub(crate) fn sip(rest: &[String]) -> ExitCode {
    let mut report = Report::default();
    // `sipp -v` ends as if it had failed.
    let mut there = machine::provide(&mut report, "which sipp", "sip-tester");
    if there.is_ok() && !rest.iter().any(|word| word == "--without-janus") {
        there = machine::provide(&mut report, "janus --help", "janus");
    }
    if there.is_err() {
        return report.finish(there);
    }
    within("bench-sip", rest)
}

/// Builds, and runs a benchmark in a namespace of its own.
fn within(bench: &str, rest: &[String]) -> ExitCode {
    if let Err(code) = build() {
        return code;
    }
    let binary = |name| paths::release_binary(name).to_string_lossy().into_owned();
    let mut command = [binary("patchbay-loadgen"), bench.into(), "--server".into(), binary("patchbay")].to_vec();
    command.extend_from_slice(rest);
    netns::run(None, &command)
}

/// Counts instead of measuring: the same on every machine and in every mood of it.
pub(crate) fn instructions() -> ExitCode {
    let mut report = Report::default();
    let there = machine::provide(&mut report, "valgrind --version", "valgrind");
    if there.is_err() {
        return report.finish(there);
    }
    let bench = Cmd::new("cargo bench -p patchbay-media --bench forwarding");
    match bench.command().status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn build() -> Result<(), ExitCode> {
    let build = Cmd::new("cargo build --release -p patchbay-server -p patchbay-loadgen");
    println!("== {build}");
    if !build.command().status().is_ok_and(|status| status.success()) {
        eprintln!("xtask: the build failed; repeat: {build}");
        return Err(ExitCode::FAILURE);
    }
    Ok(())
}
