//! Runs a command in a network namespace of its own, so that tests see a network that is always the
//! same and can reach nobody else.
//!
//! The namespace has no name unless one is asked for: it ends with its last process. A PID namespace
//! comes with it where the kernel lets us, so that nothing the command started outlives the command.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Set for the command; tests find the namespace's address in it. (Not `PATCHBAY_…`: the server
/// takes those for its configuration and refuses unknown ones.)
const ADDRESS_VARIABLE: &str = "NETNS_ADDRESS";
const ADDRESS: &str = "10.77.0.1";

/// What `ip` is told inside. A veth pair stands in for a network card (there may be no `dummy`
/// links), and a default route has to exist, though it leads nowhere: without one Firefox gathers
/// no candidates at all.
const SETUP: [&str; 8] = [
    "link set lo up",
    "link add v0 type veth peer name v1",
    // No link-local addresses: they would come seconds later, and a browser that sees its network
    // change drops the requests under way (ERR_NETWORK_CHANGED).
    "link set v0 addrgenmode none",
    "link set v1 addrgenmode none",
    "link set v0 up",
    "link set v1 up",
    "addr add 10.77.0.1/24 dev v0",
    "route add default via 10.77.0.254 dev v0",
];
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// Machines without IPv6 do without.
const SETUP_IPV6: &str = "addr add fd77::1/64 dev v0 nodad";

const OWN_PIDS: &str = "--pid --fork --kill-child --mount-proc";

/// Ways to get a namespace, the best first. Root needs none of `--user`; containers often refuse
/// `--mount-proc` to users.
const WAYS: [&str; 4] = [
    "unshare --net --pid --fork --kill-child --mount-proc",
    "unshare --net",
    "unshare --user --map-root-user --net --pid --fork --kill-child --mount-proc",
    "unshare --user --map-root-user --net",
];

pub(crate) fn run(name: Option<&str>, command: &[String]) -> ExitCode {
    let made = match name {
        Some(name) => named(name),
        None => unnamed(),
    };
    let prefix = match made {
        Ok(prefix) => prefix,
        Err(reason) => {
            eprintln!("xtask netns: FAILED: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = start(&prefix, command).and_then(|mut child| {
        let keeper = Keeper::watch(&child, name)?;
        let status = child.wait();
        keeper.dismiss();
        status
    });
    report(&prefix.join(" "), outcome)
}

/// The second half, already within the namespace: builds the network, then runs the command.
pub(crate) fn inside(command: &[String]) -> ExitCode {
    for line in SETUP {
        if let Err(reason) = ip(line) {
            eprintln!("xtask netns: FAILED: {reason}");
            return ExitCode::FAILURE;
        }
    }
    if let Err(reason) = ip(SETUP_IPV6) {
        eprintln!("xtask netns: going on without IPv6: {reason}");
    }
    if !settled() {
        eprintln!("xtask netns: FAILED: v0 is not up after {SETTLED_WITHIN:?}; next: look at `dmesg`, try again");
        return ExitCode::FAILURE;
    }
    let outcome = Command::new(&command[0]).args(&command[1..]).env(ADDRESS_VARIABLE, ADDRESS).status();
    report(&command[0], outcome)
}

/// The kernel tells of a link's state a little later than it answers `ip`. (`/sys` is no help: it
/// still shows the network outside.)
fn settled() -> bool {
    let deadline = Instant::now() + SETTLED_WITHIN;
    while Instant::now() < deadline {
        let output = Command::new("ip").args(["link", "show", "v0"]).stdin(Stdio::null()).output();
        if output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("state UP")) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

fn ip(line: &str) -> Result<(), String> {
    attempt(&format!("ip {line}"))
}

/// Runs it to its end; an error holds what it said.
fn attempt(line: &str) -> Result<(), String> {
    let mut words = line.split_whitespace();
    let program = words.next().unwrap_or_default();
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{line}`: {} ({})", said.trim(), output.status))
}

/// Finds the first way that really gives us a network in which we may build.
fn unnamed() -> Result<Vec<String>, String> {
    let mut reasons = Vec::new();
    for way in WAYS {
        match attempt(&format!("{way} -- ip {}", SETUP[1])) {
            Ok(()) => return Ok(words(way)),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(format!(
        "no network namespace to be had:\n  {}\n  next: run as root, or allow user namespaces \
         (sysctl kernel.unprivileged_userns_clone=1; on Ubuntu kernel.apparmor_restrict_unprivileged_userns=0; \
         in a container add the capability SYS_ADMIN); `ip` and `unshare` come with the Debian packages \
         iproute2 and util-linux",
        reasons.join("\n  ")
    ))
}

/// A name lets others join by `ip netns exec`; only root can give one.
fn named(name: &str) -> Result<Vec<String>, String> {
    attempt(&format!("ip netns add {name}"))
        .map_err(|reason| format!("{reason}\n  next: run as root, take another name, or leave out --name"))?;
    Ok(words(&format!("ip netns exec {name} unshare {OWN_PIDS}")))
}

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn start(prefix: &[String], command: &[String]) -> std::io::Result<Child> {
    Command::new(&prefix[0])
        .args(&prefix[1..])
        .arg("--")
        .arg(std::env::current_exe()?)
        .args(["netns-inside", "--"])
        .args(command)
        .spawn()
}

fn report(what: &str, outcome: std::io::Result<ExitStatus>) -> ExitCode {
    match outcome {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            ExitCode::from(code.unwrap_or(1))
        }
        Err(error) => {
            eprintln!("xtask netns: FAILED: `{what}` could not be started: {error}");
            ExitCode::from(127)
        }
    }
}

/// Cleans up when we are gone, however we went: a shell in a process group of its own (Ctrl-C does
/// not reach it) that waits for our end of a pipe to close.
struct Keeper(Child);

impl Keeper {
    fn watch(child: &Child, name: Option<&str>) -> std::io::Result<Self> {
        const SCRIPT: &str = r#"read -r word
            [ "$word" = done ] || kill -KILL "$1" 2>/dev/null
            [ -z "$2" ] || ip netns delete "$2""#;
        Command::new("sh")
            .args(["-c", SCRIPT, "sh", &child.id().to_string(), name.unwrap_or_default()])
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .map(Self)
    }

    /// The command has ended by itself: its process number may belong to somebody else by now.
    fn dismiss(mut self) {
        if let Some(mut pipe) = self.0.stdin.take() {
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.0.wait();
    }
}
