//! What README promises: one command serves, with no configuration; one command tests.
//!
//! The first is tried here to the letter. The default port may be taken on a developer's machine,
//! so this runs within a namespace (`test` starts it there).

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::cmd::Cmd;
use crate::paths;

const RUN: &str = "cargo run --release";
const TEST: &str = "cargo xtask test";
const START_WITHIN: Duration = Duration::from_secs(20);
const STOP_WITHIN: Duration = Duration::from_secs(5);

pub(crate) fn run() -> ExitCode {
    let checks: [(&str, Result<(), String>); 2] =
        [("README names both commands", readme()), ("the server runs without configuration", serve())];
    let mut failed = 0;
    for (name, outcome) in &checks {
        match outcome {
            Ok(()) => println!("promise kept: {name}"),
            Err(reason) => {
                failed += 1;
                println!("promise broken: {name}: {reason}");
            }
        }
    }
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!("test result: {verdict}. {} passed; {failed} failed", checks.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn readme() -> Result<(), String> {
    let text = std::fs::read_to_string(paths::root().join("README.md")).map_err(|error| error.to_string())?;
    for command in [RUN, TEST] {
        if !text.contains(command) {
            return Err(format!("README.md does not say `{command}`"));
        }
    }
    Ok(())
}

fn serve() -> Result<(), String> {
    let mut command = Cmd::new(RUN).env("CARGO_NET_OFFLINE", "true").command();
    for (name, _) in std::env::vars_os().filter(|(name, _)| configures(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    let mut server = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // One group, so that the signal reaches the server behind cargo too.
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())?;
    let stdout = server.stdout.take();
    let (said, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in stdout.into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
            let _ = line.map(|line| said.send(line));
        }
    });
    let outcome = first_contact(&lines);
    let stopped = stop(&mut server);
    let _ = reader.join();
    outcome.and(stopped)
}

/// What the server reads from its environment.
fn configures(name: &str) -> bool {
    matches!(name, "ADDR" | "WS_ALLOWED_ORIGINS" | "RTC_CONFIG_JSON") || name.starts_with("PATCHBAY_")
}

fn first_contact(lines: &mpsc::Receiver<String>) -> Result<(), String> {
    let deadline = Instant::now() + START_WITHIN;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = lines.recv_timeout(left).map_err(|_| format!("no ready line on stdout within {START_WITHIN:?}"))?;
        if line.starts_with("{\"ready\":true") {
            break;
        }
    }
    expect(&get("/healthz")?, "HTTP/1.1 200", "ok\n")?;
    expect(&get("/")?, "HTTP/1.1 200", "<!doctype html>")
}

fn get(path: &str) -> Result<String, String> {
    let attempt = || -> std::io::Result<String> {
        let mut socket = TcpStream::connect("127.0.0.1:8080")?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(socket, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    attempt().map_err(|error| format!("GET {path} on port 8080: {error}"))
}

fn expect(answer: &str, status: &str, body: &str) -> Result<(), String> {
    let lower = answer.to_lowercase();
    if answer.starts_with(status) && lower.contains(body) {
        Ok(())
    } else {
        let head: String = answer.chars().take(200).collect();
        Err(format!("expected {status} and {body:?}, got {head:?}"))
    }
}

/// SIGTERM to the group, then the port has to be free within the promised time.
fn stop(server: &mut Child) -> Result<(), String> {
    let group = format!("-{}", server.id());
    let signal = |name: &str| Command::new("kill").args([name, "--", &group]).status();
    let _ = signal("-TERM");
    let deadline = Instant::now() + STOP_WITHIN;
    while TcpStream::connect("127.0.0.1:8080").is_ok() {
        if Instant::now() > deadline {
            let _ = signal("-KILL");
            let _ = server.wait();
            return Err(format!("still listening {STOP_WITHIN:?} after SIGTERM"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    server.wait().map(drop).map_err(|error| error.to_string())
}
