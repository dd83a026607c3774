//! Every tier, on a machine that may have nothing but a Rust toolchain.

use std::process::ExitCode;

use crate::cmd::Cmd;
use crate::report::{Report, Stopped};
use crate::tally::Runner;
use crate::{fast, machine, paths, rest};

pub(crate) fn run() -> ExitCode {
    let mut report = Report::default();
    let result = steps(&mut report);
    report.finish(result)
}

fn steps(report: &mut Report) -> Result<(), Stopped> {
    machine::prepare(report)?;
    fast::steps(report)?;
    rest::steps(report)?;
    report.step("release build", &Cmd::new("cargo build --release -p patchbay-server"))?;
    report.tests("promises", Runner::Cargo, &Cmd::xtask("netns -- cargo xtask promise"))?;
    fast::npm_ci(report, "e2e packages", "e2e")?;
    // In a namespace of its own a test can reach nothing but itself, and no port is taken.
    let browsers = Cmd::xtask("netns -- npm --prefix e2e test")
        .env("PATCHBAY_BIN", paths::release_binary("patchbay").to_string_lossy());
    report.tests("browsers", Runner::Node, &browsers)
}
