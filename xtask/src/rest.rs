//! The REST interface of antmedia against the document that it serves: Schemathesis makes requests that the document
//! allows and such that it forbids, and looks whether what is answered is what the document says.
//!
//! `rest` installs the tool below `target` where it is missing, and starts a server of its own on loopback, with a
//! store that goes with it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::time::Duration;

use crate::cmd::Cmd;
use crate::report::{Report, Stopped};
use crate::{machine, paths};

const TOOL: &str = "schemathesis==4.32.5";
/// All of it, so that it is a step of `test`.
const SECONDS: u32 = 50;
const STOP_WITHIN: Duration = Duration::from_secs(5);

pub(crate) fn run() -> ExitCode {
    let mut report = Report::default();
    let result = steps(&mut report);
    report.finish(result)
}

pub(crate) fn steps(report: &mut Report) -> Result<(), Stopped> {
    let tool = provide(report)?;
    report.step("server", &Cmd::new("cargo build -p patchbay-server"))?;
    let folder = paths::target().join("rest");
    let _ = std::fs::remove_dir_all(&folder);
    let refused =
        |report: &mut Report, cause: String| report.refuse("server", &cause, "run it by hand and look at its log");
    let mut server = match start(&folder) {
        Ok(server) => server,
        Err(error) => return Err(refused(report, format!("it does not start: {error}"))),
    };
    let Some(address) = address(&mut server) else {
        stop(server);
        return Err(refused(report, "it says nowhere that it listens".to_owned()));
    };
    let settings = paths::root().join("xtask/rest/schemathesis.toml");
    // There it keeps what it remembers.
    let check = Cmd::new("env -C")
        .arg(folder.to_string_lossy())
        .arg(&tool)
        .arg("--config-file")
        .arg(settings.to_string_lossy())
        .arg("run")
        .arg(format!("http://{address}/live/rest/v2/openapi.json"))
        .arg("--max-time")
        .arg(SECONDS.to_string())
        // One worker: the tool's own tables are not made for two.
        .arg("--workers")
        .arg("1")
        .arg("--phases")
        .arg("coverage,fuzzing")
        .arg("--warnings")
        .arg("off");
    let checked = report.step("REST as its document says", &check);
    let alive = server.try_wait().is_ok_and(|ended| ended.is_none());
    stop(server);
    checked?;
    if alive { Ok(()) } else { Err(refused(report, "it did not live to see the end".to_owned())) }
}

/// The tool, in a folder of its own.
fn provide(report: &mut Report) -> Result<String, Stopped> {
    machine::provide(report, "python3 -m venv --help", "python3-venv")?;
    let folder = paths::target().join("tools/schemathesis").to_string_lossy().into_owned();
    let tool = format!("{folder}/bin/schemathesis");
    let wanted = TOOL.rsplit('=').next().unwrap_or_default();
    let there = Cmd::new(&tool).arg("--version").stdout().is_some_and(|said| said.contains(wanted));
    if !there {
        report.step("venv", &Cmd::new("python3 -m venv --clear").arg(&folder))?;
        let pip = format!("{folder}/bin/pip install --quiet --disable-pip-version-check {TOOL}");
        report.step("schemathesis", &Cmd::new(&pip))?;
    }
    Ok(tool)
}

fn start(folder: &Path) -> std::io::Result<Child> {
    let binary = paths::target().join("debug/patchbay").to_string_lossy().into_owned();
    let store = folder.join("data").to_string_lossy().into_owned();
    std::fs::create_dir_all(folder)?;
    let log = std::fs::File::create(folder.join("server.log"))?;
    // With secrets, so that what is made of them can be asked for.
    let key = folder.join("key").to_string_lossy().into_owned();
    std::fs::write(&key, "0123456789abcdef0123456789abcdef")?;
    let settings = folder.join("patchbay.toml").to_string_lossy().into_owned();
    std::fs::write(&settings, format!("[[dialect.antmedia.app]]\nname = \"live\"\njwt_key_file = {key:?}\n"))?;
    let mut command = Cmd::new(&binary)
        .arg("--config")
        .arg(&settings)
        .arg("--addr")
        .arg("127.0.0.1:0")
        .arg("--set")
        .arg(format!("data_dir={store}"))
        .arg("--set")
        .arg("media.udp_port=0")
        .command();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()
}

/// Where it listens, by its ready line.
fn address(server: &mut Child) -> Option<String> {
    let mut line = String::new();
    BufReader::new(server.stdout.take()?).read_line(&mut line).ok()?;
    let (_, behind) = line.split_once("\"http\":[\"")?;
    Some(behind.split('"').next()?.to_owned())
}

fn stop(mut server: Child) {
    let _asked = Cmd::new("kill").arg(server.id().to_string()).quietly();
    let until = std::time::Instant::now() + STOP_WITHIN;
    while std::time::Instant::now() < until && server.try_wait().is_ok_and(|ended| ended.is_none()) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let _killed = server.kill();
    let _waited = server.wait();
}
