//! Commands over TCP, each ended by CR or LF ([`Codec::Lines`](patchbay_dialect_kit::Codec::Lines)), and single requests in
//! HTTP for the same sessions, answered in few words: what asks there reads no more.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use patchbay_dialect_kit::http::{Exchange, Reply, Request};
use patchbay_dialect_kit::{Arrival, CloseCause, Frame, OutFrame};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout};

use crate::attached::{Attached, Sink};
use crate::config::ListenAddr;
use crate::http::Caller;
use crate::listener::{self, Listener, Role};
use crate::shell::{Shell, Ticket};
use crate::socket::Socket;

/// Longest line, in bytes: at this length the connection ends (ers.md section 2.1).
const LINE: usize = 16 * 1024;
/// What one read takes at most.
const READ: usize = 16 * 1024;
/// Connections of one such listener; one more is closed at once. They are an operator's: more would let a script that has
/// gone wrong keep everybody else busy, fewer would turn tools away that keep theirs open.
const CALLERS: usize = 64;
/// How long a request may take: that of a session, which may look up a name.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of a body that nobody reads is thrown away, so that the answer is not lost with it, and for how long.
const BODY: u64 = 64 * 1024;
const LINGER: Duration = Duration::from_secs(1);

/// A listener for commands.
pub struct LinesPort {
    /// Where it is bound.
    pub address: ListenAddr,
    /// As the dialect knows it.
    pub endpoint: &'static str,
    /// The configuration key that sets it.
    pub key: &'static str,
    /// Requests in HTTP come there.
    pub http: bool,
}

/// A bound one.
pub(crate) struct Bound {
    listener: Listener,
    dialect: usize,
    endpoint: &'static str,
    http: bool,
}

impl Bound {
    /// # Errors
    /// As [`Listener::bind`].
    pub(crate) async fn bind(port: &LinesPort, dialect: usize) -> Result<Self, String> {
        let listener = Listener::bind(&port.address, Role::Public, port.key).await?;
        let address = listener.name();
        if address.parse().is_ok_and(|address: SocketAddr| !address.ip().is_loopback()) {
            tracing::warn!(%address, key = port.key, "commands are taken from everybody who can reach this address; bind it to 127.0.0.1");
        }
        Ok(Self { listener, dialect, endpoint: port.endpoint, http: port.http })
    }

    /// As the dialect knows it, and where it is bound.
    pub(crate) fn name(&self) -> (&'static str, String) {
        (self.endpoint, self.listener.name())
    }

    /// Accepts connections for ever.
    pub(crate) async fn run(self, shell: Arc<Shell>) {
        let places = Arc::new(Semaphore::new(CALLERS));
        loop {
            let (socket, from) = match self.listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection; if it is descriptors, raise the limit (ulimit -n)");
                    tokio::time::sleep(listener::ACCEPT_REST).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let caller = Caller { role: Role::Public, address: from, secure: false };
            let ticket = match shell.admit(caller) {
                Ok(ticket) => ticket,
                Err(why) => {
                    shell.metrics.connection_refused(why);
                    continue;
                }
            };
            let caller = Guest { from, _place: place, _ticket: ticket };
            let shell = Arc::clone(&shell);
            match self.http {
                true => drop(tokio::spawn(request(shell, self.dialect, self.endpoint, socket, caller))),
                false => drop(tokio::spawn(serve(shell, self.dialect, self.endpoint, socket, caller))),
            }
        }
    }
}

/// Who has come, and what it takes up.
struct Guest {
    from: Option<IpAddr>,
    _place: OwnedSemaphorePermit,
    _ticket: Ticket,
}

fn open(shell: Arc<Shell>, dialect: usize, endpoint: &str, guest: &Guest, sink: &mut impl Sink) -> Attached {
    let arrival = Arrival { endpoint, from: guest.from, id: None, agent: None };
    let session = shell.dialects[dialect].open_by(&arrival);
    Attached::new(shell, dialect, session, sink)
}

/// What a session has sent, and nobody has taken.
pub(crate) type Sent = VecDeque<Vec<u8>>;

impl Sink for Sent {
    fn frame(&mut self, frame: OutFrame<'_>) {
        // There are no pings here.
        if let OutFrame::Text(text) = frame {
            self.push_back(text.to_vec());
        }
    }
}

/// Serves one connection of lines.
async fn serve(shell: Arc<Shell>, dialect: usize, endpoint: &'static str, mut socket: Socket, guest: Guest) {
    let mut sent = Sent::new();
    let mut attached = open(shell, dialect, endpoint, &guest, &mut sent);
    let mut input: Vec<u8> = Vec::new();
    // Answers that are still to come: the peer may have said all that it has, and wait for them. Every command has one.
    let mut owed: usize = 0;
    let mut silent: Option<Instant> = None;
    loop {
        attached.attend(attached.now(), &mut sent);
        while attached.is_open() && !attached.is_deaf(attached.now()) {
            match digest(&mut input, &mut attached, &mut sent) {
                Some(commands) => owed += commands,
                None => break,
            }
        }
        match write(&mut sent, &mut socket, attached.shell.slow_timeout).await {
            Ok(answers) => owed = owed.saturating_sub(answers),
            Err(_) => attached.end(CloseCause::TooSlow),
        }
        let enough = silent.is_some_and(|since| owed == 0 || since.elapsed() >= PATIENCE);
        if enough && !input.iter().any(is_end) {
            attached.end(CloseCause::Peer);
        }
        if let Some(close) = attached.over() {
            // Without a word to those that broke the rules, and with what is left to the others.
            match close.code {
                Some(_) => drop(timeout(LINGER, socket.shutdown()).await),
                None => socket.reset_on_drop(),
            }
            return;
        }
        let news = attached.news(true, None);
        let listens = silent.is_none() && !attached.is_deaf(attached.now());
        tokio::select! {
            biased;
            () = news => {}
            read = read(&mut socket, &mut input), if listens => match read {
                Ok(0) => silent = Some(Instant::now()),
                Ok(_) => {}
                Err(_) => attached.end(CloseCause::Lost),
            },
            () = tokio::time::sleep(PATIENCE), if silent.is_some() => {}
        }
    }
}

async fn read(socket: &mut Socket, input: &mut Vec<u8>) -> io::Result<usize> {
    input.reserve(READ);
    socket.take(READ as u64).read_buf(input).await
}

fn is_end(byte: &u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Hands the first whole line to the session, unless it is empty. How many commands that was; `None`: there is no whole line.
fn digest(input: &mut Vec<u8>, attached: &mut Attached, sent: &mut Sent) -> Option<usize> {
    let Some(end) = input.iter().position(is_end) else {
        if input.len() >= LINE {
            attached.end(CloseCause::TooLarge);
        }
        return None;
    };
    if end >= LINE {
        attached.end(CloseCause::TooLarge);
        return None;
    }
    let line: Vec<u8> = input.drain(..=end).take(end).collect();
    if line.is_empty() {
        return Some(0);
    }
    let frame = std::str::from_utf8(&line).map_or(Frame::Binary(&line), Frame::Text);
    attached.frame(attached.now(), sent, frame);
    Some(1)
}

/// Writes what the session has sent, and tells how much that was; a peer that takes no byte for so long is too slow.
async fn write(sent: &mut Sent, socket: &mut Socket, patience: Duration) -> io::Result<usize> {
    let mut written = 0;
    while let Some(bytes) = sent.pop_front() {
        write_all(socket, &bytes, patience).await?;
        written += 1;
    }
    Ok(written)
}

async fn write_all(socket: &mut Socket, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = timeout(patience, socket.write(bytes)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
    }
    Ok(())
}

/// What a session has answered.
impl Sink for Option<Reply> {
    fn reply(&mut self, _exchange: Exchange, reply: Reply) {
        self.get_or_insert(reply);
    }
}

/// Serves one request.
async fn request(shell: Arc<Shell>, dialect: usize, endpoint: &'static str, mut socket: Socket, guest: Guest) {
    let head = timeout(shell.head_timeout, listener::read_head(&mut socket, Vec::new(), shell.head_bytes)).await;
    let Ok(Ok(listener::Head::Whole(head))) = head else { return };
    let reply = listener::parse(&head, |parsed, _| {
        let (Some(method), Some(target), Some(1)) = (parsed.method, parsed.path, parsed.version) else {
            return Err(505);
        };
        let names: Vec<_> = parsed.headers.iter().map(|header| header.name.to_ascii_lowercase()).collect();
        let headers: Vec<_> =
            names.iter().zip(parsed.headers.iter()).map(|(name, header)| (name.as_str(), header.value)).collect();
        let (name, query) = target.split_once('?').unwrap_or((target, ""));
        let request = Request {
            exchange: Exchange(1),
            method,
            endpoint,
            name,
            query,
            resource: None,
            location: "",
            admitted: true,
            headers: &headers,
            body: &[],
        };
        let mut reply = None;
        let mut attached = open(Arc::clone(&shell), dialect, endpoint, &guest, &mut reply);
        attached.request(attached.now(), &mut reply, &request);
        Ok((attached, reply))
    });
    let reply = match reply {
        Ok(Some(Ok((attached, reply)))) => answer(attached, reply).await,
        Ok(Some(Err(status))) => Some(Reply::new(status)),
        _ => Some(Reply::new(400)),
    };
    // Whose command has no answer gets none.
    let Some(reply) = reply else { return };
    if write_all(&mut socket, &written(&reply), shell.slow_timeout).await.is_ok() {
        let _ = timeout(LINGER, async {
            socket.shutdown().await?;
            tokio::io::copy(&mut (&mut socket).take(BODY), &mut tokio::io::sink()).await
        })
        .await;
    }
}

/// Waits for the session's reply.
async fn answer(mut attached: Attached, mut reply: Option<Reply>) -> Option<Reply> {
    let waits = async {
        loop {
            attached.attend(attached.now(), &mut reply);
            if reply.is_some() || !attached.is_open() {
                return reply;
            }
            attached.news(true, None).await;
        }
    };
    timeout(PATIENCE, waits).await.unwrap_or_else(|_| Some(Reply::new(504)))
}

fn written(reply: &Reply) -> Vec<u8> {
    let status = http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let reason = status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
    for (name, value) in &reply.headers {
        if *name == "content-type" {
            bytes.extend_from_slice(format!("Content-Type: {value}\r\n").as_bytes());
        }
    }
    bytes.extend_from_slice(format!("Connection: close\r\nContent-Length: {}\r\n\r\n", reply.body.len()).as_bytes());
    bytes.extend_from_slice(&reply.body);
    bytes
}
