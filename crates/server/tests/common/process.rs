use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::wire::Address;

/// A server of its own for a test; it is killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    addresses: Vec<Address>,
    ready: serde_json::Value,
    log: Arc<Mutex<String>>,
    folder: Folder,
}

/// A server that did not start.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
}

impl Server {
    /// The server with the settings that tests start from and these besides.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::try_start(settings).unwrap_or_else(|failed| panic!("the server did not start: {failed:?}"))
    }

    pub(crate) fn try_start(settings: &[(&str, &str)]) -> Result<Self, Failed> {
        Self::run(Command::new(env!("CARGO_BIN_EXE_patchbay")), settings)
    }

    /// With arguments of the command line.
    pub(crate) fn try_start_with(arguments: &[&str], settings: &[(&str, &str)]) -> Result<Self, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        command.args(arguments);
        Self::run(command, settings)
    }

    /// The server with that many descriptors, of which it needs a dozen for itself.
    pub(crate) fn start_with_descriptors(number: u32, settings: &[(&str, &str)]) -> Self {
        let mut shell = Command::new("/bin/sh");
        let script = format!("ulimit -n {number} && exec \"$0\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_patchbay")]);
        Self::run(shell, settings).unwrap_or_else(|failed| panic!("the server did not start: {failed:?}"))
    }

    fn run(mut command: Command, settings: &[(&str, &str)]) -> Result<Self, Failed> {
        // An empty folder, so that no configuration file is found by chance.
        let folder = Folder::new();
        command.env_clear().env("ADDR", "127.0.0.1:0").env("RTC_CONFIG_JSON", r#"{"iceServers":[]}"#);
        // Tests keep the machine busy: that must not turn the next publisher away.
        command.env("PATCHBAY_LIMITS__CPU_PERCENT", "100");
        // Tests run beside each other, and beside whatever else this machine serves.
        command.env("PATCHBAY_MEDIA__UDP_PORT", "0");
        command.envs(settings.iter().copied()).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the server's binary can be run");
        let log = Arc::new(Mutex::new(String::new()));
        let errors = child.stderr.take().expect("standard error is a pipe");
        let collector = std::thread::spawn({
            let log = Arc::clone(&log);
            move || collect(errors, &log)
        });
        let mut ready = String::new();
        let out = child.stdout.take().expect("standard output is a pipe");
        // End of file, if the server ends instead.
        BufReader::new(out).read_line(&mut ready).expect("the ready line is text");
        let Some(addresses) = addresses(&ready) else {
            let status = child.wait().expect("the server can be waited for");
            collector.join().expect("the log is read");
            let log = log.lock().expect("the log").clone();
            return Err(Failed { status, log });
        };
        let ready = serde_json::from_str(&ready).expect("the ready line is JSON");
        Ok(Self { child, addresses, ready, log, folder })
    }

    /// Where its first listener is.
    pub(crate) fn address(&self) -> Address {
        self.addresses[0].clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Where its admin listener is.
    pub(crate) fn admin(&self) -> Address {
        self.own("admin")
    }

    /// Where a dialect's own listener is.
    pub(crate) fn own(&self, dialect: &str) -> Address {
        let named = &self.ready[dialect];
        // One address, or the first of several.
        let address = named.as_str().or_else(|| named[0].as_str());
        Address::parse(
            address.unwrap_or_else(|| panic!("the ready line names no listener of {dialect}: {}", self.ready)),
        )
    }

    /// A member of the ready line.
    pub(crate) fn ready(&self, name: &str) -> &serde_json::Value {
        &self.ready[name]
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("the log").clone()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(pid, signal).expect("our own child may be signalled");
    }

    /// Waits for the process to end.
    pub(crate) fn wait(&mut self, at_most: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + at_most;
        loop {
            match self.child.try_wait().expect("the server can be waited for") {
                Some(status) => return Some(status),
                // There is no wait with a limit in the standard library.
                None if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
                None => return None,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn addresses(ready: &str) -> Option<Vec<Address>> {
    let ready: serde_json::Value = serde_json::from_str(ready).ok()?;
    assert_eq!(ready["ready"], true, "{ready}");
    let http = ready["http"].as_array().expect("the ready line names the listeners");
    Some(http.iter().map(|address| Address::parse(address.as_str().expect("an address is a text"))).collect())
}

fn collect(mut errors: impl Read, log: &Mutex<String>) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = errors.read(&mut buffer) {
        log.lock().expect("the log").push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

/// A folder of its own below the system's one for such things; removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("patchbay-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("the system's temporary folder is writable");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}
