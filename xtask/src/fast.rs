//! The fast tier: everything that needs neither a browser nor a release build.

use std::process::ExitCode;
use std::time::SystemTime;

use crate::cmd::Cmd;
use crate::machine;
use crate::paths;
use crate::report::{Report, Stopped};
use crate::tally::Runner;

pub(crate) fn run() -> ExitCode {
    let mut report = Report::default();
    let result = steps(&mut report);
    report.finish(result)
}

pub(crate) fn steps(report: &mut Report) -> Result<(), Stopped> {
    report.step("format", &Cmd::new("cargo fmt --all --check"))?;
    report.step("lint", &Cmd::new("cargo clippy --workspace --all-targets -- -D warnings"))?;
    if Cmd::new("cargo nextest --version").quietly() {
        report.tests("rust", Runner::Nextest, &Cmd::new("cargo nextest run --workspace --no-fail-fast"))?;
    } else {
        report.tests("rust", Runner::Cargo, &Cmd::new("cargo test --workspace --all-targets --no-fail-fast"))?;
    }
    report.tests("doc tests", Runner::Cargo, &Cmd::new("cargo test --workspace --doc --no-fail-fast"))?;
    web(report)
}

fn web(report: &mut Report) -> Result<(), Stopped> {
    if !paths::root().join("web/package.json").is_file() {
        return Ok(());
    }
    if machine::node_major().is_none_or(|major| major < machine::NODE_MAJOR) {
        report.note("WEB NOT TESTED: no node 20 or later (cargo xtask test installs it)");
        return Ok(());
    }
    npm_ci(report, "web packages", "web")?;
    report.step("web types", &Cmd::new("npm run check").dir("web"))?;
    report.tests("web", Runner::Node, &Cmd::new("npm test").dir("web"))
}

/// `npm ci`, unless what is installed is newer than the lock file.
pub(crate) fn npm_ci(report: &mut Report, name: &'static str, dir: &'static str) -> Result<(), Stopped> {
    let changed = |file: &str| -> Option<SystemTime> {
        let path = paths::root().join(dir).join(file);
        path.metadata().and_then(|data| data.modified()).ok()
    };
    // npm writes this hidden lock file at the end of every installation.
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") {
        return Ok(());
    }
    report.step(name, &Cmd::new("npm ci --no-audit --no-fund").dir(dir))
}
