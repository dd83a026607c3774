//! Whom a target stands for (RFC 3263): NAPTR, SRV, addresses.
//!
//! Addresses come from the system's resolver, so that its files and rules count; NAPTR and SRV records, which that does
//! not know, are asked for here ([`message`]).

mod message;

use std::future::Future;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;

use crate::core::Target;
use crate::settings::Transport;
use message::{Kind, Naptr, Record, Srv};

/// Most addresses that are tried: a caller waits for each.
const CANDIDATES: usize = 8;
/// How long a name server may take. Those that answer do so in some 50 ms; an office's slow one must not be given up.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often a server is asked.
const TRIES: usize = 2;
/// Most name servers that are asked.
const SERVERS: usize = 3;

/// Where records come from.
pub(crate) trait Lookup: Sync {
    /// The records of a name; none where there are none. `Err`: nobody answers.
    fn records(&self, name: &str, kind: Kind) -> impl Future<Output = Result<Vec<Record>, ()>> + Send;
    /// The addresses of a name.
    fn addresses(&self, name: &str) -> impl Future<Output = Vec<IpAddr>> + Send;
}

/// Where to go, best first. `order`: the transports we have, best first. `roll` gives a number below its argument.
///
/// # Errors
/// The name that has no address.
pub(crate) async fn candidates(
    lookup: &impl Lookup,
    target: &Target,
    order: &[Transport],
    roll: impl Fn(u64) -> u64 + Send,
) -> Result<Vec<(Transport, SocketAddr)>, String> {
    let secure = target.secure;
    let plain = if secure { Transport::Tls } else { target.transport.unwrap_or(Transport::Udp) };
    let ports = |transport: Transport| target.port.unwrap_or(transport.port());
    if let Ok(ip) = target.host.parse::<IpAddr>() {
        return Ok(vec![(plain, SocketAddr::new(ip, ports(plain)))]);
    }
    if target.port.is_some() {
        return addresses(lookup, &target.host, plain, ports(plain)).await;
    }
    let usable = |transport: Transport| {
        order.contains(&transport)
            && (!secure || transport == Transport::Tls)
            && !(target.stream && transport == Transport::Udp)
    };
    let mut services: Vec<(Transport, String)> = Vec::new();
    let mut alive = true;
    match target.transport.or(secure.then_some(Transport::Tls)) {
        Some(transport) => services.push((transport, service(transport, &target.host))),
        None => {
            let found = lookup.records(&target.host, Kind::Naptr).await;
            alive = found.is_ok();
            services = naptr(found.unwrap_or_default(), order).into_iter().filter(|(one, _)| usable(*one)).collect();
            if services.is_empty() {
                services =
                    order.iter().filter(|one| usable(**one)).map(|one| (*one, service(*one, &target.host))).collect();
            }
        }
    }
    let mut found = Vec::new();
    for (transport, name) in services {
        if !alive || found.len() >= CANDIDATES {
            break;
        }
        let records = lookup.records(&name, Kind::Srv).await;
        alive = records.is_ok();
        for srv in weigh(records.unwrap_or_default(), &roll) {
            let ips = lookup.addresses(&srv.target).await;
            found.extend(ips.into_iter().map(|ip| (transport, SocketAddr::new(ip, srv.port))));
        }
        // RFC 3263 section 4.1: the best transport that has servers.
        if !found.is_empty() {
            break;
        }
    }
    found.truncate(CANDIDATES);
    if found.is_empty() {
        return addresses(lookup, &target.host, plain, ports(plain)).await;
    }
    Ok(found)
}

async fn addresses(
    lookup: &impl Lookup,
    name: &str,
    transport: Transport,
    port: u16,
) -> Result<Vec<(Transport, SocketAddr)>, String> {
    let ips = lookup.addresses(name).await;
    if ips.is_empty() {
        return Err(format!("no address for {name}"));
    }
    Ok(ips.into_iter().take(CANDIDATES).map(|ip| (transport, SocketAddr::new(ip, port))).collect())
}

/// The name of a service's SRV records.
fn service(transport: Transport, domain: &str) -> String {
    match transport {
        Transport::Udp => format!("_sip._udp.{domain}"),
        Transport::Tcp => format!("_sip._tcp.{domain}"),
        Transport::Tls => format!("_sips._tcp.{domain}"),
    }
}

/// Services that we have, as their domain likes them; what it likes equally, as we do.
fn naptr(records: Vec<Record>, order: &[Transport]) -> Vec<(Transport, String)> {
    let mut found: Vec<(u16, u16, usize, Transport, String)> = Vec::new();
    for record in records {
        let Record::Naptr(Naptr { order: first, preference, flags, service, replacement }) = record else { continue };
        let transport = match service.to_ascii_uppercase().as_str() {
            "SIP+D2U" => Transport::Udp,
            "SIP+D2T" => Transport::Tcp,
            "SIPS+D2T" => Transport::Tls,
            _ => continue,
        };
        let Some(ours) = order.iter().position(|one| *one == transport) else { continue };
        if flags.eq_ignore_ascii_case("s") && !replacement.is_empty() {
            found.push((first, preference, ours, transport, replacement));
        }
    }
    found.sort();
    found.into_iter().map(|(.., transport, name)| (transport, name)).collect()
}

/// Servers in the order in which they are tried (RFC 2782): by priority; among equals by lot, as their weights say.
fn weigh(records: Vec<Record>, roll: &impl Fn(u64) -> u64) -> Vec<Srv> {
    let srv = |record| match record {
        // A lone dot: the service is not there.
        Record::Srv(srv) if !srv.target.is_empty() => Some(srv),
        Record::Srv(_) | Record::Naptr(_) => None,
    };
    let mut left: Vec<Srv> = records.into_iter().filter_map(srv).collect();
    left.sort_by(|one, other| {
        (one.priority, one.weight, &one.target).cmp(&(other.priority, other.weight, &other.target))
    });
    let mut ordered = Vec::new();
    while let Some(priority) = left.first().map(|srv| srv.priority) {
        let equals = left.iter().take_while(|srv| srv.priority == priority).count();
        let total: u64 = left[..equals].iter().map(|srv| u64::from(srv.weight)).sum();
        let mut lot = roll(total + 1);
        let chosen = left[..equals].iter().position(|srv| {
            let hit = lot <= u64::from(srv.weight);
            lot = lot.saturating_sub(u64::from(srv.weight));
            hit
        });
        ordered.push(left.remove(chosen.unwrap_or(0)));
    }
    ordered
}

/// Name servers.
pub(crate) struct Names {
    servers: Vec<SocketAddr>,
    /// Whether they were given: then they are asked for addresses, too.
    given: bool,
}

impl Names {
    /// The given servers, or those of the system.
    pub(crate) fn new(given: &[SocketAddr]) -> Self {
        if !given.is_empty() {
            return Self { servers: given.to_vec(), given: true };
        }
        let file = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
        Self { servers: servers(&file), given: false }
    }

    async fn ask(&self, name: &str, kind: Kind) -> Result<Vec<Record>, ()> {
        for _ in 0..TRIES {
            for server in &self.servers {
                if let Ok(Ok(records)) = timeout(PATIENCE, exchange(*server, name, kind)).await {
                    return Ok(records);
                }
            }
        }
        Err(())
    }
}

impl Lookup for Names {
    async fn records(&self, name: &str, kind: Kind) -> Result<Vec<Record>, ()> {
        self.ask(name, kind).await
    }

    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        if self.given {
            let mut found = Vec::new();
            for kind in [Kind::A, Kind::Aaaa] {
                for server in &self.servers {
                    if let Ok(Ok(ips)) = timeout(PATIENCE, ips(*server, name, kind)).await {
                        found.extend(ips);
                        break;
                    }
                }
            }
            return found;
        }
        let found = timeout(PATIENCE * 4, lookup_host((name, 0))).await;
        found.ok().and_then(Result::ok).map(|all| all.map(|one| one.ip()).collect()).unwrap_or_default()
    }
}

/// The servers that `resolv.conf` names.
fn servers(file: &str) -> Vec<SocketAddr> {
    let of = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let ip = words.next().filter(|word| *word == "nameserver").and_then(|_| words.next())?;
        Some(SocketAddr::new(ip.parse().ok()?, 53))
    };
    file.lines().filter_map(of).take(SERVERS).collect()
}

async fn exchange(server: SocketAddr, name: &str, kind: Kind) -> std::io::Result<Vec<Record>> {
    let answer = raw(server, name, kind).await?;
    message::records(&answer, kind).ok_or_else(|| std::io::Error::other("no answer of a name server"))
}

async fn ips(server: SocketAddr, name: &str, kind: Kind) -> std::io::Result<Vec<IpAddr>> {
    let answer = raw(server, name, kind).await?;
    message::addresses(&answer).ok_or_else(|| std::io::Error::other("no answer of a name server"))
}

/// A question and its answer: a datagram each, or a stream where that is too long.
async fn raw(server: SocketAddr, name: &str, kind: Kind) -> std::io::Result<Vec<u8>> {
    let any: SocketAddr = if server.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    // Port and number, both drawn by lot, are what a forger has to guess.
    let [low, high, ..] = RandomState::new().build_hasher().finish().to_le_bytes();
    let question = message::question(u16::from_le_bytes([low, high]), name, kind)
        .ok_or_else(|| std::io::Error::other("no name of a domain"))?;
    socket.send(&question).await?;
    let mut buffer = vec![0; 4_096];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if !message::is_answer(&buffer[..length], &question) {
            continue;
        }
        if !message::is_cut(&buffer[..length]) {
            buffer.truncate(length);
            return Ok(buffer);
        }
        let mut stream = TcpStream::connect(server).await?;
        let size = u16::try_from(question.len()).map_err(std::io::Error::other)?;
        stream.write_all(&size.to_be_bytes()).await?;
        stream.write_all(&question).await?;
        let mut size = [0; 2];
        stream.read_exact(&mut size).await?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(size))];
        stream.read_exact(&mut answer).await?;
        return if message::is_answer(&answer, &question) {
            Ok(answer)
        } else {
            Err(std::io::Error::other("another answer"))
        };
    }
}

#[cfg(test)]
mod tests;
