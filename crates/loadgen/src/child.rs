//! The measured process: started for one measurement, stopped after it.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};

use crate::tls::Certificate;

/// A server that is not ready by then has failed.
const START_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Lines of its standard error that are shown if it fails.
const KEPT_LINES: usize = 20;

pub(crate) struct Server {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// Where it speaks TLS, if that was asked for.
    pub(crate) tls_addr: Option<SocketAddr>,
    tail: Tail,
    /// Its working directory: without a configuration file.
    dir: PathBuf,
}

impl Server {
    /// Starts `program` with its defaults on a free port, and on another one for TLS if it gets a certificate; waits for
    /// its ready line.
    pub(crate) fn start(program: &Path, args: &[&str], certificate: Option<&Certificate>) -> io::Result<Self> {
        Self::start_at(program, args, IpAddr::V4(Ipv4Addr::LOCALHOST), &[], certificate)
    }

    /// The same on a free port of this address, with further variables in its environment.
    pub(crate) fn start_at(
        program: &Path,
        args: &[&str],
        ip: IpAddr,
        environment: &[(&str, &str)],
        certificate: Option<&Certificate>,
    ) -> io::Result<Self> {
        let shown = program.display();
        let program = program.canonicalize().map_err(|error| io::Error::other(format!("{shown}: {error}")))?;
        let dir = empty_dir()?;
        let mut command = Command::new(program);
        if let Some(certificate) = certificate {
            for (variable, file, text) in
                [("CERT", "cert.pem", &certificate.chain), ("KEY", "key.pem", &certificate.key)]
            {
                fs::write(dir.join(file), text)?;
                command.env(format!("PATCHBAY_HTTPS__{variable}"), dir.join(file));
            }
            command.env("PATCHBAY_HTTPS__ADDR", SocketAddr::from((ip, 0)).to_string());
        }
        let mut child = command
            .args(args)
            .env("ADDR", SocketAddr::from((ip, 0)).to_string())
            .envs(environment.iter().copied())
            .env("RTC_CONFIG_JSON", r#"{"iceServers":[]}"#)
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let tail = child.stderr.take().map(keep_tail).unwrap_or_default();
        let ready = child.stdout.take().map(lines_of);
        // From here on, dropping `server` ends the child.
        let mut server = Self { child, addr: (ip, 0).into(), tls_addr: None, tail: Arc::clone(&tail), dir };
        let line = match ready.map(|ready| ready.recv_timeout(START_TIMEOUT)) {
            Some(Ok(line)) => line,
            Some(Err(RecvTimeoutError::Timeout)) => {
                return Err(failed(&shown.to_string(), "is not ready in time", &tail));
            }
            _ => return Err(failed(&shown.to_string(), "ended before it was ready", &tail)),
        };
        match ready_addrs(&line) {
            Some((addr, tls_addr)) => (server.addr, server.tls_addr) = (addr, tls_addr),
            None => return Err(failed(&shown.to_string(), &format!("said {line:?}, no ready line"), &tail)),
        }
        if certificate.is_some() && server.tls_addr.is_none() {
            return Err(failed(&shown.to_string(), "has a certificate but no TLS listener", &tail));
        }
        Ok(server)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the server has to say to a measurement that failed: whether it still runs, and its last words.
    pub(crate) fn last_words(&mut self) -> String {
        // Its end, and what it said before, may still be on their way to us.
        thread::sleep(Duration::from_millis(200));
        let state = match self.child.try_wait() {
            Ok(Some(status)) => format!("the server has ended: {status}"),
            Ok(None) => "the server still runs".to_owned(),
            Err(error) => format!("the server's state is unknown: {error}"),
        };
        format!("{state}{}", indented(&self.tail))
    }

    /// Stops the server by SIGTERM; an error if it does not go in time.
    pub(crate) fn stop(mut self) -> io::Result<()> {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            rustix::process::kill_process(pid, Signal::TERM)?;
        }
        let asked = Instant::now();
        while asked.elapsed() < STOP_TIMEOUT {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Err(io::Error::other("the server did not stop"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing can be done about a child that cannot be killed or a directory that cannot be removed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A new directory below the system's for such things.
pub(crate) fn empty_dir() -> io::Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let dir = std::env::temp_dir().join(format!("patchbay-loadgen-{}-{number}", std::process::id()));
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

type Tail = Arc<Mutex<VecDeque<String>>>;

fn failed(program: &str, what: &str, tail: &Tail) -> io::Error {
    // The last lines may still be on their way through the pipe.
    thread::sleep(Duration::from_millis(100));
    io::Error::other(format!("{program} {what}{}", indented(tail)))
}

fn indented(tail: &Tail) -> String {
    let lines = tail.lock().unwrap_or_else(PoisonError::into_inner);
    lines.iter().map(|line| format!("\n    {line}")).collect()
}

/// Reads everything, lest the child blocks on a full pipe, and keeps the last lines.
fn keep_tail(pipe: impl Read + Send + 'static) -> Tail {
    let tail = Tail::default();
    let kept = Arc::clone(&tail);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    });
    tail
}

fn lines_of(pipe: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            // After the first line nobody listens, but the pipe is still to be emptied.
            let _ = sender.send(line);
        }
    });
    receiver
}

/// `{"ready":true,"http":["127.0.0.1:41234"],"https":["127.0.0.1:41235"],…}`: the first of each.
fn ready_addrs(line: &str) -> Option<(SocketAddr, Option<SocketAddr>)> {
    let json: serde_json::Value = serde_json::from_str(line).ok()?;
    let ready = json.get("ready")?.as_bool()?;
    let first = |listeners: &str| json.get(listeners)?.get(0)?.as_str()?.parse().ok();
    first("http").filter(|_| ready).map(|addr| (addr, first("https")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_lines() {
        let line = r#"{"ready":true,"http":["127.0.0.1:41234","[::1]:8"],"pid":7}"#;
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        assert_eq!(ready_addrs(line), Some((local(41234), None)));
        let line = r#"{"ready":true,"http":["127.0.0.1:1"],"https":["127.0.0.1:2"]}"#;
        assert_eq!(ready_addrs(line), Some((local(1), Some(local(2)))));
        for line in ["", "listening", "{}", r#"{"ready":false,"http":["127.0.0.1:1"]}"#, r#"{"ready":true,"http":[]}"#]
        {
            assert_eq!(ready_addrs(line), None, "{line}");
        }
    }

    #[test]
    fn a_child_that_fails_is_reported_with_its_words() {
        let start =
            |script| Server::start(Path::new("/bin/sh"), &["-c", script], None).err().map(|error| error.to_string());
        let error = start("echo oh no >&2; exit 1").unwrap();
        assert!(error.contains("ended before it was ready") && error.contains("oh no"), "{error}");
        let error = start("echo hello; sleep 5").unwrap();
        assert!(error.contains("no ready line"), "{error}");
    }

    #[test]
    fn a_ready_child_is_found_and_stopped() {
        let script = r#"echo "{\"ready\":true,\"http\":[\"$ADDR\"]}"; exec sleep 60"#;
        let server = Server::start(Path::new("/bin/sh"), &["-c", script], None).unwrap();
        assert_eq!(server.addr.to_string(), "127.0.0.1:0");
        server.stop().unwrap();
    }

    #[test]
    fn a_certificate_is_handed_over_and_has_to_be_used() {
        let made = Certificate::new().unwrap();
        let tls = r#"grep -q CERT "$PATCHBAY_HTTPS__CERT" && grep -q KEY "$PATCHBAY_HTTPS__KEY" || exit 1
            echo "{\"ready\":true,\"http\":[\"$ADDR\"],\"https\":[\"$PATCHBAY_HTTPS__ADDR\"]}"; exec sleep 60"#;
        let server = Server::start(Path::new("/bin/sh"), &["-c", tls], Some(&made)).unwrap();
        assert_eq!(server.tls_addr, Some(server.addr));
        server.stop().unwrap();
        let plain = r#"echo "{\"ready\":true,\"http\":[\"$ADDR\"],\"https\":[]}"; exec sleep 60"#;
        let error = Server::start(Path::new("/bin/sh"), &["-c", plain], Some(&made)).err().unwrap();
        assert!(error.to_string().contains("no TLS listener"), "{error}");
    }
}
