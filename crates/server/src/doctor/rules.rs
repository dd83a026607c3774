//! What is likely to go wrong, beside what reading the configuration refuses or warns of by itself.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Facts, Finding, Severity};
use crate::config::{App, Config, Host, ListenAddr};
use crate::jobs::{Target, may_go_to};

/// Descriptors that a server has beside its clients': listeners, media sockets, files.
const OWN_DESCRIPTORS: u64 = 100;
/// What each media socket asks the kernel for; a key frame to hundreds of viewers at once takes it.
const BUFFER: u64 = 4 * 1024 * 1024;
/// Less gives up clients whose network only hesitates: a phone that changes its cell is silent for so long.
const SHORT_SLOW_MS: u64 = 500;

/// Any update of the system uses as much for a while.
const LOW_CPU_PERCENT: u8 = 30;

struct Judge<'a> {
    config: &'a Config,
    facts: &'a Facts,
    found: Vec<Finding>,
}

pub(super) fn judge(config: &Config, facts: &Facts) -> Vec<Finding> {
    let mut judge = Judge { config, facts, found: Vec::new() };
    judge.addresses();
    judge.ports();
    judge.doors();
    judge.files();
    judge.limits();
    judge.media();
    judge.hooks();
    judge.found
}

impl Judge<'_> {
    fn find(&mut self, severity: Severity, about: &'static str, what: impl Into<String>, next: impl Into<String>) {
        self.found.push(Finding { severity, about, what: what.into(), next: next.into() });
    }

    fn error(&mut self, about: &'static str, what: impl Into<String>, next: impl Into<String>) {
        self.find(Severity::Error, about, what, next);
    }

    fn warn(&mut self, about: &'static str, what: impl Into<String>, next: impl Into<String>) {
        self.find(Severity::Warning, about, what, next);
    }

    fn note(&mut self, about: &'static str, what: impl Into<String>, next: impl Into<String>) {
        self.find(Severity::Note, about, what, next);
    }

    /// Where clients are told to send media.
    fn addresses(&mut self) {
        let (media, facts) = (&self.config.media, self.facts);
        if let Some(cause) = &facts.unusable {
            self.error("media", cause.clone(), "mend the setting; the server does not start with it");
            return;
        }
        for address in &facts.foreign_binds {
            self.error(
                "media.bind",
                format!("this machine has no address {address}"),
                "bind to one of its own (ip addr), or to 0.0.0.0 and ::",
            );
        }
        let told = &facts.advertised;
        let set = !media.advertise.is_empty();
        let about = if set { "media.advertise" } else { "media.bind" };
        let mut seen = Vec::new();
        for address in told {
            if seen.contains(address) {
                self.note("media.advertise", format!("{address} is named twice"), "name it once");
            }
            seen.push(*address);
            if is_documentation(*address) && !facts.own.contains(address) {
                self.error(
                    "media.advertise",
                    format!("{address} stands in examples and is nobody's address"),
                    "write the address by which clients reach this server",
                );
            } else if address.is_unspecified() {
                self.error(
                    "media.advertise",
                    format!("{address} is no address that a client could send to"),
                    "write the address by which clients reach this server",
                );
            } else if is_link_local(*address) {
                self.warn(
                    about,
                    format!("{address} is known on its own link only"),
                    "advertise an address that clients can reach",
                );
            } else if set && is_private(*address) && !facts.own.contains(address) {
                self.warn(
                    "media.advertise",
                    format!("{address} is a private address, and none of this machine's"),
                    "check it: clients outside its network cannot reach it",
                );
            }
        }
        if !told.is_empty() && told.iter().all(IpAddr::is_loopback) && self.listens_to_others() {
            self.warn(
                about,
                "clients are told loopback addresses alone: media reaches nobody but this machine",
                "set media.advertise to the address by which clients reach this server",
            );
        }
        if !set && facts.container {
            let list = list(told);
            self.warn(
                "media.advertise",
                format!("this is a container, and clients are told its own address ({list}), which few can reach"),
                "set media.advertise to the host's address, and publish the UDP ports unchanged (or use the host's network)",
            );
        } else if !set && told.iter().any(|address| is_private(*address)) && self.listens_to_others() {
            let list = list(told);
            self.note(
                "media.advertise",
                format!("clients are told {list}: a private address, known inside its network alone"),
                "for clients outside, set media.advertise to the public address as well",
            );
        }
        if !told.is_empty() && told.iter().all(IpAddr::is_ipv6) && self.listens_to_others() {
            self.note(
                about,
                "clients are told IPv6 addresses alone",
                "advertise an IPv4 address as well: many networks have no other",
            );
        }
    }

    /// Whether media's ports can be had and are reached.
    fn ports(&mut self) {
        let (media, facts) = (&self.config.media, self.facts);
        let workers = facts.workers;
        for (port, kind) in &facts.taken {
            let (what, next) = match kind {
                ErrorKind::AddrInUse => (
                    "is taken by another process",
                    "if that is this server, already running, all is well; else choose another media.udp_port",
                ),
                ErrorKind::PermissionDenied => ("needs a privilege", "choose a media.udp_port above 1023"),
                _ => ("cannot be bound", "check media.bind and media.udp_port"),
            };
            self.error("media.udp_port", format!("UDP port {port} {what} ({kind})"), next);
        }
        if usize::from(media.udp_port) + workers > usize::from(u16::MAX) + 1 {
            self.error(
                "media.udp_port",
                format!("{workers} workers need as many ports from {} on, and there are not so many", media.udp_port),
                "choose a lower one",
            );
        }
        if media.udp_port == 0 {
            self.note(
                "media.udp_port",
                "media gets other ports at each start: no firewall can be opened for them",
                "set a port, 10000 by default",
            );
        }
        for (address, reached) in &facts.reached {
            if !reached && facts.own.contains(&address.ip()) {
                self.warn(
                    "firewall",
                    format!("a datagram to {address}, which is this machine's, did not come"),
                    "open the UDP ports of media in the firewall (nft list ruleset)",
                );
            } else if !reached {
                self.note(
                    "media.advertise",
                    format!("a datagram to {address} did not come back in: the translation in between may not do that for hosts inside"),
                    "try from outside: nc -u, with tcpdump here",
                );
            }
        }
        if media.workers > facts.cores {
            self.note(
                "media.workers",
                format!("{} workers share {} cores", media.workers, facts.cores),
                "0 is one for each core",
            );
        }
    }

    /// Who may come in, and by which way.
    fn doors(&mut self) {
        let config = self.config;
        if self.listens_to_others() && config.https.addr.is_empty() && !proxied(config) {
            self.note(
                "https.addr",
                "pages are served without TLS: browsers give cameras and microphones to localhost and HTTPS only",
                "set https.addr, https.cert and https.key, or stand behind a proxy with TLS",
            );
        }
        let everybody: [IpAddr; 2] =
            [Ipv4Addr::new(8, 8, 8, 8).into(), Ipv6Addr::new(0x2a00, 0x1450, 0, 0, 0, 0, 0, 1).into()];
        if everybody.iter().any(|address| config.http.trusted_proxies.contain(Some(*address))) {
            self.warn(
                "http.trusted_proxies",
                "every host is trusted to say whose request it brings: limits by address can be evaded by a header",
                "name the proxies' own addresses",
            );
        }
        if config.admin.addr.as_ref().is_some_and(is_for_others) && config.admin.token_file.is_none() {
            self.warn(
                "admin.addr",
                "metrics are open to everybody who reaches that address",
                "bind it to 127.0.0.1, or set admin.token_file",
            );
        }
    }

    fn files(&mut self) {
        for (key, path) in &self.facts.missing {
            self.error(key, format!("{} cannot be found or read", path.display()), "check the path and its mode");
        }
        for (key, path) in &self.facts.readable {
            self.warn(key, format!("everybody on this machine may read {}", path.display()), "chmod o= on it");
        }
        for (key, path) in &self.facts.weak {
            self.warn(
                key,
                format!("the secret in {} is short enough to be guessed from what was made of it", path.display()),
                "write a longer one, e.g. of `openssl rand -hex 32`",
            );
        }
        if let Some(cause) = &self.facts.certificate {
            self.error("https.cert", cause.clone(), "mend the files; the server does not start with them");
        }
    }

    fn limits(&mut self) {
        let (limits, facts) = (&self.config.limits, self.facts);
        let needed = limits.connections as u64;
        if let Some(descriptors) = facts.descriptors.filter(|descriptors| *descriptors < needed) {
            let clients = descriptors.saturating_sub(OWN_DESCRIPTORS);
            self.warn(
                "limits.connections",
                format!("the system allows {descriptors} open files: about {clients} clients, not {needed}"),
                "raise it (ulimit -Hn, LimitNOFILE= of systemd), or lower limits.connections",
            );
        }
        if let Some((receive, send)) = facts.buffers.filter(|(receive, send)| receive.min(send) < &BUFFER) {
            self.note(
                "net.core.rmem_max",
                format!(
                    "socket buffers end at {receive} and {send} bytes: a key frame to many viewers at once may not fit"
                ),
                "sysctl net.core.rmem_max=4194304 net.core.wmem_max=4194304",
            );
        }
        if limits.cpu_percent < LOW_CPU_PERCENT {
            self.warn(
                "limits.cpu_percent",
                format!("{} percent are soon in use: publishers and players are then refused", limits.cpu_percent),
                "85 is the default, 100 is no limit",
            );
        }
        if let Some(memory) = facts.memory_mb.filter(|memory| limits.min_available_mb >= *memory) {
            self.error(
                "limits.min_available_mb",
                format!(
                    "{} MB are to stay free, and the machine has {memory}: every publisher and player is refused",
                    limits.min_available_mb
                ),
                "lower it",
            );
        }
        if limits.slow_timeout_ms < SHORT_SLOW_MS {
            self.note(
                "limits.slow_timeout_ms",
                format!("a client on a poor network is given up after {} ms without progress", limits.slow_timeout_ms),
                "2000 is the default",
            );
        }
    }

    fn media(&mut self) {
        let antmedia = &self.config.dialect.antmedia;
        if antmedia.audio_codecs.is_empty() && antmedia.video_codecs.is_empty() {
            self.warn(
                "dialect.antmedia.video_codecs",
                "every codec is off: each publisher is refused (no_codec_enabled_in_the_server)",
                "name codecs",
            );
        }
        if !self.config.media.ice_lite {
            self.note(
                "media.ice_lite",
                "both sides check the way: needed only where clients cannot reach this server by themselves",
                "leave it on where they can",
            );
        }
    }

    /// Webhooks that go nowhere, or in the open.
    fn hooks(&mut self) {
        let keys = &self.config.dialect.antmedia;
        for (key, app, url) in keys.app.iter().flat_map(hooks_of) {
            let Some(target) = Target::parse(url) else { continue };
            let address = match target.host.as_str() {
                "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
                host => host.parse().ok(),
            };
            if let Some(address) = address.filter(|address| !may_go_to(*address, &keys.hook_allow)) {
                self.error(
                    key,
                    format!(
                        "app {app:?}: webhooks do not go to {address}, which is not public: nobody is asked or told"
                    ),
                    format!("if it is meant, set dialect.antmedia.hook_allow = [\"{address}\"]"),
                );
            } else if !target.tls && address.is_none_or(|address: IpAddr| !address.is_loopback()) {
                self.warn(
                    key,
                    format!(
                        "app {app:?}: webhooks go to {} without TLS: tokens and names are read on the way",
                        target.host
                    ),
                    "write an https:// address",
                );
            }
        }
        let told = keys.app.iter().any(|app| hooks_of(app).iter().any(|(_, _, url)| !url.is_empty()));
        if told && keys.hook_secret_file.is_none() {
            self.note(
                "dialect.antmedia.hook_secret_file",
                "webhooks are not signed: whoever reaches the other server can say the same",
                "name a file with a secret of at least 32 bytes, and check X-Patchbay-Signature there",
            );
        }
    }

    /// Whether somebody on another machine may connect.
    fn listens_to_others(&self) -> bool {
        self.config.http.addr.iter().chain(&self.config.https.addr).any(is_for_others)
    }
}

/// The webhooks of an application: key, application, address.
fn hooks_of(app: &App) -> [(&'static str, &str, &str); 3] {
    [
        ("dialect.antmedia.app.webhook_authenticate_url", &app.name, &app.webhook_authenticate_url),
        ("dialect.antmedia.app.webhook_play_auth_url", &app.name, &app.webhook_play_auth_url),
        ("dialect.antmedia.app.listener_hook_url", &app.name, &app.listener_hook_url),
    ]
}

fn is_for_others(address: &ListenAddr) -> bool {
    match address {
        ListenAddr::Unix(_) => false,
        ListenAddr::Tcp { host: Host::All, .. } => true,
        ListenAddr::Tcp { host: Host::Ip(address), .. } => !address.is_loopback(),
        ListenAddr::Tcp { host: Host::Name(name), .. } => name != "localhost",
    }
}

/// Whether a proxy stands before the server, as far as the configuration tells.
fn proxied(config: &Config) -> bool {
    config.http.addr.iter().all(|address| matches!(address, ListenAddr::Unix(_)))
        || config.http.trusted_proxies.contain(Some(Ipv4Addr::LOCALHOST.into()))
}

/// RFC 5737 and RFC 3849.
fn is_documentation(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_documentation(),
        IpAddr::V6(address) => address.segments()[..2] == [0x2001, 0xdb8],
    }
}

/// RFC 1918, RFC 6598 (carriers' translations), RFC 4193.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_private() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(address) => address.is_unique_local(),
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
