//! SIPp (Debian: sip-tester): a telephone that answers every call and echoes what it hears, or a registrar.

use std::fs::{self, File};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::child::empty_dir;

const PROGRAM: &str = "sipp";
const START_TIMEOUT: Duration = Duration::from_secs(10);
/// Lines of its errors that are shown if it fails.
const KEPT_LINES: usize = 10;
/// A thousand accounts register in a moment. What does not fit is sent again half a second later, which would measure
/// SIPp's socket.
const BUFFER: &str = "4194304";
const REGISTRAR: &str = include_str!("registrar.xml");

pub(super) struct Sipp {
    child: Child,
    pub(super) addr: SocketAddr,
    dir: PathBuf,
}

impl Sipp {
    /// A telephone of any number of calls. All their media comes to one port and goes back from there.
    pub(super) fn telephone(ip: IpAddr) -> io::Result<Self> {
        Self::start(ip, &["-sn", "uas", "-rtp_echo"], None)
    }

    pub(super) fn registrar(ip: IpAddr) -> io::Result<Self> {
        Self::start(ip, &["-buff_size", BUFFER, "-sf", "registrar.xml"], Some(("registrar.xml", REGISTRAR)))
    }

    fn start(ip: IpAddr, role: &[&str], file: Option<(&str, &str)>) -> io::Result<Self> {
        let (port, media) = (free(ip)?, free(ip)?);
        let dir = empty_dir()?;
        if let Some((name, text)) = file {
            fs::write(dir.join(name), text)?;
        }
        let log = File::create(dir.join("log"))?;
        let child = Command::new(PROGRAM)
            .args(role)
            .args(["-nostdin", "-i", &ip.to_string(), "-mi", &ip.to_string()])
            .args(["-p", &port.to_string(), "-mp", &media.to_string()])
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| io::Error::other(format!("{PROGRAM} (Debian: sip-tester) did not start: {error}")))?;
        let mut sipp = Self { child, addr: SocketAddr::new(ip, port), dir };
        let began = Instant::now();
        // Its port is taken as soon as it listens.
        while UdpSocket::bind(sipp.addr).is_ok() {
            if began.elapsed() > START_TIMEOUT || sipp.child.try_wait()?.is_some() {
                return Err(io::Error::other(format!("{PROGRAM} is not ready:{}", sipp.last_words())));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(sipp)
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(super) fn last_words(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(KEPT_LINES)..].iter().map(|line| format!("\n    {line}")).collect()
    }
}

impl Drop for Sipp {
    fn drop(&mut self) {
        // Nothing can be done about a child that cannot be killed or a directory that cannot be removed.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A port that is free now, below those that the system gives to others meanwhile. SIPp takes that of pictures two above
/// it as well.
pub(super) fn free(ip: IpAddr) -> io::Result<u16> {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(12_000);
    for _ in 0..1_000 {
        let port = NEXT.fetch_add(4, Ordering::Relaxed);
        if UdpSocket::bind((ip, port)).is_ok() && UdpSocket::bind((ip, port + 2)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::other("no port is free for sipp"))
}
