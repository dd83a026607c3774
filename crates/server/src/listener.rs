//! Listeners: binding them, accepting, and telling a WebSocket's request head from plain HTTP.

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzz;
mod opening;
mod packets;

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket as RawSocket, Type};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::time::{Instant, timeout_at};

use self::opening::open;
use crate::config::{Host, ListenAddr};
use crate::http::{self, Caller};
use crate::metrics::Refused;
use crate::shell::{Shell, Ticket};
use crate::socket::{Rewind, Socket};
use crate::ws;

pub(crate) use self::opening::Security;

/// Connections that the kernel completes before we accept them: more survives a burst, and costs nothing while idle.
/// The system's own limit (`net.core.somaxconn`) cuts it.
const BACKLOG: i32 = 4_096;
/// Who may use a Unix socket: its owner and group, where a reverse proxy usually is.
const UNIX_MODE: u32 = 0o660;
/// After a failed accept (descriptors or memory used up) the listener rests, so that it does not spin.
pub(crate) const ACCEPT_REST: Duration = Duration::from_millis(50);

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Everybody.
    Public,
    /// The clients of one dialect: the door is the shell's endpoint of this index.
    Own(usize),
    /// The clients of one dialect, at its paths; it is named by its specification.
    Ports(&'static str),
    /// Operators.
    Admin,
}

/// A bound listener. A Unix socket's file is removed when it is dropped.
pub(crate) struct Listener {
    kind: Kind,
    role: Role,
    security: Security,
}

enum Kind {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Binds an address; `key` is the configuration key that sets it.
    ///
    /// # Errors
    /// With the address, the cause and what to do.
    pub(crate) async fn bind(address: &ListenAddr, role: Role, key: &str) -> Result<Self, String> {
        let kind = match address {
            ListenAddr::Unix(path) => Kind::Unix(bind_unix(path)?, path.clone()),
            ListenAddr::Tcp { host, port } => {
                let sockets = resolve(host, *port).await.map_err(|error| {
                    format!("cannot look up the host of {address}: {error}; write a literal address")
                })?;
                Kind::Tcp(bind_tcp(&sockets).map_err(|error| explain(address, key, &error))?)
            }
        };
        Ok(Self { kind, role, security: Security::Plain })
    }

    /// The same listener, with connections that begin otherwise.
    pub(crate) fn secured(self, security: Security) -> Self {
        // `Self` has a destructor, so it cannot be taken apart.
        let mut listener = self;
        listener.security = security;
        listener
    }

    /// The address as the ready line names it.
    pub(crate) fn name(&self) -> String {
        match &self.kind {
            Kind::Tcp(listener) => listener.local_addr().map(|address| address.to_string()).unwrap_or_default(),
            Kind::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }

    /// Accepts connections for ever.
    pub(crate) async fn run(self, shell: Arc<Shell>) {
        loop {
            match self.accept().await {
                Ok((socket, address)) => {
                    let (shell, caller) = (Arc::clone(&shell), Caller { role: self.role, address, secure: false });
                    tokio::spawn(greet(shell, caller, self.security.clone(), socket));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; if it is descriptors, raise the limit (ulimit -n)");
                    tokio::time::sleep(ACCEPT_REST).await;
                }
            }
        }
    }

    /// The next connection, and where it comes from.
    pub(crate) async fn accept(&self) -> io::Result<(Socket, Option<IpAddr>)> {
        match &self.kind {
            Kind::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Signalling is small messages that somebody waits for. Fails only if the peer has gone.
                let _ = stream.set_nodelay(true);
                limit_unsent(&stream);
                Ok((Socket::Tcp(stream), Some(address.ip())))
            }
            Kind::Unix(listener, _) => Ok((Socket::Unix(listener.accept().await?.0), None)),
        }
    }
}

/// Unsent bytes that the kernel takes from us: more keeps a fast connection busier, less shows sooner that a slow one
/// makes progress. Without a limit it reports progress only when a third of its buffer (a megabyte) has gone, and a
/// peer that reads steadily at less than that in two seconds would count as one that does not read.
#[cfg(target_os = "linux")]
fn limit_unsent(stream: &tokio::net::TcpStream) {
    const UNSENT: u32 = 64 * 1024;
    // Fails only if the peer has gone.
    let _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(UNSENT);
}

#[cfg(not(target_os = "linux"))]
fn limit_unsent(_stream: &tokio::net::TcpStream) {}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Kind::Unix(_, path) = &self.kind {
            let _ = fs::remove_file(path);
        }
    }
}

/// The addresses to try, best first.
async fn resolve(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok(match host {
        // Both families on one socket; a machine without IPv6 gets IPv4.
        Host::All => vec![(Ipv6Addr::UNSPECIFIED, port).into(), (Ipv4Addr::UNSPECIFIED, port).into()],
        Host::Ip(address) => vec![(*address, port).into()],
        Host::Name(name) => {
            let mut found: Vec<_> = tokio::net::lookup_host((name.as_str(), port)).await?.collect();
            found.sort_by_key(SocketAddr::is_ipv6);
            found
        }
    })
}

fn bind_tcp(addresses: &[SocketAddr]) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses {
        match bind_one(*address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn bind_one(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = RawSocket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 as well, as `:8080` does.
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn bind_unix(path: &Path) -> Result<UnixListener, String> {
    let shown = path.display();
    if let Ok(found) = fs::symlink_metadata(path) {
        if !found.file_type().is_socket() {
            return Err(format!("{shown} exists and is no socket; remove it or name another path"));
        }
        if std::os::unix::net::UnixStream::connect(path).is_ok() {
            return Err(format!("another process serves {shown}; stop it or name another path"));
        }
        // Left over from a process that did not stop cleanly.
        fs::remove_file(path).map_err(|error| format!("cannot remove the stale socket {shown}: {error}"))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| {
        format!("cannot listen on unix:{shown}: {error}; check that its folder exists and is writable")
    })?;
    fs::set_permissions(path, fs::Permissions::from_mode(UNIX_MODE))
        .map_err(|error| format!("cannot set the mode of {shown}: {error}"))?;
    Ok(listener)
}

fn explain(address: &ListenAddr, key: &str, error: &io::Error) -> String {
    let action = match error.kind() {
        io::ErrorKind::AddrInUse => "another process listens there: stop it, or choose another port (:0 takes any)",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
        io::ErrorKind::AddrNotAvailable => "no interface of this machine has that address: check it (ip addr)",
        _ => "check the address",
    };
    format!("cannot listen on {address} ({key}): {error}; {action}")
}

/// Reads the request head and decides who serves the connection.
pub(crate) async fn greet(shell: Arc<Shell>, mut caller: Caller, security: Security, mut socket: Socket) {
    let mut ticket = match shell.admit(caller) {
        Ok(ticket) => ticket,
        Err(why) => {
            shell.metrics.connection_refused(why);
            // A handshake only to refuse would cost more than the connection.
            if matches!(security, Security::Plain) {
                refuse(&mut socket, "503 Service Unavailable", "").await;
            }
            return;
        }
    };
    let mut deadline = Instant::now() + shell.head_timeout;
    // Boxed: what a handshake holds is large, and is to be freed before the connection idles.
    let Some((mut socket, begun)) = Box::pin(open(&shell, &security, socket, deadline)).await else { return };
    if matches!(socket, Socket::Tls(_)) {
        caller.secure = true;
        deadline = Instant::now() + shell.head_timeout;
    }
    let Some(mut head) = first_head(&shell, &mut socket, begun, deadline).await else { return };
    if let Some(first) = packets::judge(&shell, caller, &head, &mut ticket) {
        // Boxed: few connections begin so.
        match Box::pin(packets::greet(&shell, caller, socket, (head, ticket), first)).await {
            Some(rest) => (socket, head, ticket) = rest,
            None => return,
        }
    }
    if let Some((dialect, admitted, length)) = admit_upgrade(&shell, caller, &head, &mut ticket) {
        if socket.write_all(admitted.response().as_bytes()).await.is_ok() {
            let early = head[length..].to_vec();
            // A task of its own: this one's future is large, and there may be 100,000 of them.
            tokio::spawn(upgraded(shell, dialect, admitted.protocol, socket, early, ticket));
        }
        return;
    }
    // Boxed: hyper's future is large, and a connection that has sent no head yet should not pay for it.
    Box::pin(http::serve(shell, caller, ticket, Rewind::new(head, socket))).await;
}

async fn upgraded(
    shell: Arc<Shell>,
    dialect: usize,
    subprotocol: Option<String>,
    socket: Socket,
    early: Vec<u8>,
    ticket: Ticket,
) {
    let connection = Box::new(ws::Connection::new(shell, dialect, subprotocol.as_deref(), socket, early));
    drop(subprotocol);
    connection.await;
    drop(ticket);
}

/// Reads the head of a connection's first request; `None`: there is none, and the client has been told why.
async fn first_head(shell: &Shell, socket: &mut Socket, begun: Vec<u8>, deadline: Instant) -> Option<Vec<u8>> {
    match timeout_at(deadline, read_head(socket, begun, shell.head_bytes)).await {
        Ok(Ok(Head::Whole(head))) => return Some(head),
        Ok(Ok(Head::TooLarge)) => {
            shell.metrics.connection_refused(Refused::Head);
            refuse(socket, "431 Request Header Fields Too Large", "").await;
        }
        Ok(Ok(Head::Cut)) | Ok(Err(_)) => {}
        Err(_) => {
            shell.metrics.connection_refused(Refused::Head);
            refuse(socket, "408 Request Timeout", "").await;
        }
    }
    None
}

/// What was read of a head.
pub(crate) enum Head {
    Whole(Vec<u8>),
    TooLarge,
    /// The client went away.
    Cut,
}

/// Reads on from `head` until it is whole or cannot be one; what is no HTTP is left to hyper to answer.
pub(crate) async fn read_head(socket: &mut Socket, mut head: Vec<u8>, most: usize) -> io::Result<Head> {
    let mut looked_at = 0;
    loop {
        if head[looked_at..].contains(&b'\n') && !matches!(parse(&head, |_, _| ()), Ok(None)) {
            return Ok(Head::Whole(head));
        }
        looked_at = head.len();
        let Some(left) = most.checked_sub(looked_at).filter(|left| *left > 0) else {
            return Ok(Head::TooLarge);
        };
        head.reserve(1024.min(left));
        if socket.take(left as u64).read_buf(&mut head).await? == 0 {
            return Ok(Head::Cut);
        }
    }
}

/// Most header fields of a request; hyper has the same limit.
const MOST_HEADERS: usize = 100;

/// Parses a head and hands it on, with its length; `None` if it is not whole.
pub(crate) fn parse<T>(
    head: &[u8],
    then: impl FnOnce(&httparse::Request<'_, '_>, usize) -> T,
) -> Result<Option<T>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    Ok(match request.parse(head)? {
        httparse::Status::Complete(length) => Some(then(&request, length)),
        httparse::Status::Partial => None,
    })
}

/// Dialect, answer and length of the head, if it is an upgrade that is admitted. Everything else, also an upgrade
/// that is refused, is answered by the HTTP routes.
fn admit_upgrade(
    shell: &Shell,
    caller: Caller,
    head: &[u8],
    ticket: &mut Ticket,
) -> Option<(usize, ws::Admitted, usize)> {
    parse(head, |request, length| {
        // What hyper would refuse is refused by hyper; what is no path (RFC 9112 section 3.2), it judges, too.
        let target = request.path.filter(|target| target.starts_with('/'))?;
        ::http::uri::PathAndQuery::try_from(target).ok()?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let endpoint = shell.endpoint(caller.role, path)?;
        if request.version != Some(1) || endpoint.door.requests.is_some() || endpoint.door.socket_io {
            return None;
        }
        let admitted = ws::check(request.method?, query, &*request.headers, &endpoint.door).ok()?;
        if let Some(place) = shell.place_of_proxied(caller, &*request.headers).ok()? {
            ticket.place = Some(place);
        }
        Some((endpoint.dialect, admitted, length))
    })
    .ok()
    .flatten()
    .flatten()
}

async fn refuse(socket: &mut Socket, status: &str, body: &str) {
    let length = body.len();
    let answer = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    // A peer that takes no answer needs none.
    let _ = tokio::time::timeout(Duration::from_secs(1), async {
        socket.write_all(answer.as_bytes()).await?;
        socket.shutdown().await
    })
    .await;
}

#[cfg(test)]
mod tests;
