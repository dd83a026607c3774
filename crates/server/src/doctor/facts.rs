//! What the machine is like, as far as the rules ask.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use patchbay_media_io::is_own;
use socket2::{Domain, Socket, Type};

use crate::config::Config;
use crate::dialects;
use crate::media;
use crate::tls::Tls;

/// How long a datagram to ourselves may take.
const ECHO: Duration = Duration::from_millis(300);

/// Whether ports are bound for the moment, to see whether they can be and whether they are reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    Ports,
    Nothing,
}

/// What is so on this machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Addresses that clients are told for media.
    pub(crate) advertised: Vec<IpAddr>,
    /// Those of them that this machine has.
    pub(crate) own: Vec<IpAddr>,
    /// Addresses to bind to that this machine does not have.
    pub(crate) foreign_binds: Vec<String>,
    /// Media settings that are of no use, with the cause.
    pub(crate) unusable: Option<String>,
    pub(crate) container: bool,
    pub(crate) cores: usize,
    /// Media's threads, each with a port.
    pub(crate) workers: usize,
    /// Open files that the system allows at most.
    pub(crate) descriptors: Option<u64>,
    /// Largest socket buffers for receiving and for sending, in bytes.
    pub(crate) buffers: Option<(u64, u64)>,
    pub(crate) memory_mb: Option<u64>,
    /// UDP ports that could not be bound, with the cause.
    pub(crate) taken: Vec<(u16, ErrorKind)>,
    /// Where a datagram from this machine was sent to, and whether it came.
    pub(crate) reached: Vec<(SocketAddr, bool)>,
    /// Files with secrets that others may read, by their keys.
    pub(crate) readable: Vec<(&'static str, PathBuf)>,
    /// Files with secrets that are soon guessed, by their keys.
    pub(crate) weak: Vec<(&'static str, PathBuf)>,
    /// Files and folders that are named and not there.
    pub(crate) missing: Vec<(&'static str, PathBuf)>,
    /// Why certificate and key cannot be used.
    pub(crate) certificate: Option<String>,
}

/// Secrets of any length, because others' servers know them already; shorter ones are guessed.
const WEAK: [&str; 3] = [
    "dialect.antmedia.app.token_hash_secret_file",
    "dialect.antmedia.app.totp_secret_file_publish",
    "dialect.antmedia.app.totp_secret_file_play",
];
const WEAK_BYTES: u64 = 16;

impl Facts {
    pub(crate) fn gather(config: &Config, probe: Probe) -> Self {
        let mut facts = Self {
            container: is_container(),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            descriptors: rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum,
            buffers: number("/proc/sys/net/core/rmem_max").zip(number("/proc/sys/net/core/wmem_max")),
            memory_mb: memory(),
            ..Self::default()
        };
        facts.workers = if config.media.workers == 0 { facts.cores } else { config.media.workers };
        facts.files(config);
        match media::settings(config) {
            Ok(settings) => {
                facts.advertised = settings.candidates();
                facts.own = facts.advertised.iter().copied().filter(|address| is_own(*address)).collect();
                let foreign = settings.bind.iter().filter(|address| !address.is_unspecified() && !is_own(**address));
                facts.foreign_binds = foreign.map(ToString::to_string).collect();
                if probe == Probe::Ports {
                    facts.probe(config, &settings.bind);
                }
            }
            Err(cause) => facts.unusable = Some(cause),
        }
        facts
    }

    fn files(&mut self, config: &Config) {
        let dialect = &config.dialect;
        let mut secrets = vec![
            ("admin.token_file", config.admin.token_file.as_deref()),
            ("dialect.sid.token_file", dialect.sid.token_file.as_deref()),
            ("dialect.whip.token_file", dialect.whip.token_file.as_deref()),
            ("dialect.ers.ems_token_file", dialect.ers.ems_token_file.as_deref()),
            ("dialect.ers.config", dialect.ers.config.as_deref()),
            ("dialect.antmedia.hook_secret_file", dialect.antmedia.hook_secret_file.as_deref()),
            ("https.key", config.https.key.as_deref()),
        ];
        secrets.extend(dialect.antmedia.app.iter().flat_map(dialects::apps::secret_files));
        let others = [
            ("https.cert", config.https.cert.as_deref()),
            ("dialect.antmedia.pages_dir", dialect.antmedia.pages_dir.as_deref()),
        ];
        for (key, path) in secrets.iter().chain(&others).filter_map(|(key, path)| Some((*key, (*path)?))) {
            match fs::metadata(path) {
                Err(_) => self.missing.push((key, path.to_owned())),
                Ok(found) => {
                    let secret = secrets.iter().any(|(secret, _)| *secret == key);
                    if secret && found.permissions().mode() & 0o007 != 0 {
                        self.readable.push((key, path.to_owned()));
                    }
                    if WEAK.contains(&key) && found.len() < WEAK_BYTES {
                        self.weak.push((key, path.to_owned()));
                    }
                }
            }
        }
        if let (Some(cert), Some(key)) = (&config.https.cert, &config.https.key) {
            self.certificate = Tls::load(cert, key).err();
        }
    }

    /// Binds the workers' ports, and sends the first one a datagram at each address that clients are told.
    fn probe(&mut self, config: &Config, bind: &[IpAddr]) {
        let first = config.media.udp_port;
        let ports = (0..self.workers).filter_map(|worker| first.checked_add(u16::try_from(worker).ok()?));
        for port in ports.filter(|_| first != 0) {
            let bound: Vec<_> = bind.iter().map(|address| bound((*address, port).into())).collect();
            let refused = bound.iter().filter_map(|bound| bound.as_ref().err()).map(std::io::Error::kind);
            self.taken.extend(refused.take(1).map(|kind| (port, kind)));
            if port == first {
                let sockets: Vec<_> = bound.into_iter().filter_map(Result::ok).collect();
                self.reached = reached(&self.advertised, port, &sockets);
            }
        }
    }
}

/// A socket as the engine has it: one of IPv6 leaves IPv4 to its own.
fn bound(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// Whether a datagram to each address comes to one of the sockets.
fn reached(addresses: &[IpAddr], port: u16, sockets: &[UdpSocket]) -> Vec<(SocketAddr, bool)> {
    if sockets.iter().any(|socket| socket.set_read_timeout(Some(ECHO)).is_err()) || sockets.is_empty() {
        return Vec::new();
    }
    let one = |address: &IpAddr| {
        let to = SocketAddr::new(*address, port);
        let from: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let sent = UdpSocket::bind((from, 0)).and_then(|socket| {
            let own = socket.local_addr()?.port();
            socket.send_to(b"patchbay doctor", to).map(|_| own)
        });
        let Ok(own) = sent else { return (to, false) };
        let same_family = |socket: &&UdpSocket| socket.local_addr().is_ok_and(|bound| bound.is_ipv4() == to.is_ipv4());
        let came = sockets.iter().filter(same_family).any(|socket| {
            let mut datagram = [0; 64];
            // A stranger's datagram in between is not ours; another one will not come so soon.
            (0..4).any(|_| socket.recv_from(&mut datagram).is_ok_and(|(_, source)| source.port() == own))
        });
        (to, came)
    };
    addresses.iter().map(one).collect()
}

/// Docker and Podman leave a file, Kubernetes a variable.
fn is_container() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
}

fn number(path: &str) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The machine's memory, in MB.
fn memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes / 1024)
}
