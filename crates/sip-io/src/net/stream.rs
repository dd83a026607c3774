//! Streams: TCP, with or without TLS.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsAcceptor;

use super::{Arrived, Net, Stream, tls};
use crate::core::Origin;
use crate::counts::{add, set};
use crate::settings::Transport;
use crate::wire::{Framed, Framer};

/// Messages that wait to be written. A peer that lets more pile up does not read.
const QUEUE: usize = 64;
/// How long one write may take, in which the peer must take some of it.
const WRITE: Duration = Duration::from_secs(10);
/// How long a message may be under way once its first byte is there. Slower is a peer that holds us up.
const WHOLE: Duration = Duration::from_secs(30);
/// How long a stream of others may be silent: longer than their registrations' and our own keep-alive's pauses.
const SILENT: Duration = Duration::from_secs(15 * 60);
/// How often we say that we are there (RFC 5626 section 4.4.1), before firewalls forget us.
const ALIVE: Duration = Duration::from_secs(90);
/// How long a handshake may take.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(10);

/// Takes connections of others until the agent is gone.
pub(super) async fn accept(net: Weak<Net>, listener: TcpListener, server: Option<Arc<rustls::ServerConfig>>) {
    loop {
        let accepted = listener.accept().await;
        let Some(strong) = net.upgrade() else { return };
        let (socket, remote) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors: others must close first.
                tracing::debug!(%error, "a SIP connection could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Those that shake hands count, too: that takes a while, and memory.
        let opening = Arc::strong_count(&strong.opening) - 1;
        let theirs = opening + strong.streams().by_flow.values().filter(|stream| stream.theirs).count();
        if theirs >= strong.settings.limits.connections {
            add(&strong.counters.dropped);
            continue;
        }
        let Ok(local) = socket.local_addr() else { continue };
        let (server, opening) = (server.clone(), Arc::clone(&strong.opening));
        tokio::spawn(async move {
            let _opening = opening;
            match server {
                None => _ = run(&strong, socket, Transport::Tcp, remote, local, String::new(), true),
                Some(config) => match timeout(HANDSHAKE, TlsAcceptor::from(config).accept(socket)).await {
                    Ok(Ok(stream)) => _ = run(&strong, stream, Transport::Tls, remote, local, String::new(), true),
                    _ => tracing::debug!("a TLS handshake for SIP failed"),
                },
            }
        });
    }
}

/// Connects to a peer, or finds the connection that there is: its flow and our address.
pub(super) async fn connect(
    net: &Arc<Net>,
    transport: Transport,
    remote: SocketAddr,
    name: &str,
) -> Option<(u64, SocketAddr)> {
    let peer = (transport, remote, name.to_owned());
    {
        let streams = net.streams();
        if let Some((flow, stream)) =
            streams.by_peer.get(&peer).and_then(|flow| Some((*flow, streams.by_flow.get(flow)?)))
        {
            return Some((flow, stream.local));
        }
    }
    let socket = timeout(HANDSHAKE, TcpStream::connect(remote)).await.ok()?.ok()?;
    let local = socket.local_addr().ok()?;
    let name = name.to_owned();
    match transport {
        Transport::Udp => None,
        Transport::Tcp => Some(run(net, socket, transport, remote, local, name, false)),
        Transport::Tls => {
            let stream = timeout(HANDSHAKE, tls::connect(Arc::clone(&net.client), socket, &name)).await.ok()??;
            Some(run(net, stream, transport, remote, local, name, false))
        }
    }
}

/// Serves a stream in tasks of its own.
fn run<S>(
    net: &Arc<Net>,
    stream: S,
    transport: Transport,
    remote: SocketAddr,
    local: SocketAddr,
    name: String,
    theirs: bool,
) -> (u64, SocketAddr)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let flow = net.next_flow();
    let local = net.advertised(if theirs { local } else { net.listener(transport, local) }, remote);
    let (queue, orders) = mpsc::channel(QUEUE);
    {
        let mut streams = net.streams();
        let pings = queue.downgrade();
        streams.by_flow.insert(flow, Stream { local, queue, theirs });
        streams.by_peer.insert((transport, remote, name), flow);
        set(&net.counters.connections, streams.by_flow.len());
        let (reader, writer) = tokio::io::split(stream);
        let origin = Origin { flow, transport, remote, local };
        let net = Arc::downgrade(net);
        tokio::spawn(async move {
            tokio::select! {
                () = read(&net, reader, origin, &pings, theirs) => {}
                () = write(writer, orders, theirs) => {}
            }
            if let Some(net) = net.upgrade() {
                net.remove(&mut net.streams(), flow);
                _ = net.arrived.send(Arrived::Lost { flow }).await;
            }
        });
    }
    (flow, local)
}

async fn read<R>(net: &Weak<Net>, mut reader: R, origin: Origin, pings: &mpsc::WeakSender<Vec<u8>>, theirs: bool)
where
    R: AsyncRead + Unpin,
{
    let mut framer = Framer::default();
    // When the message began that is not whole yet.
    let mut since = Instant::now();
    let mut chunk = vec![0; 4 * 1024];
    loop {
        let patience = match (framer.is_waiting(), theirs) {
            (true, _) => WHOLE.saturating_sub(since.elapsed()),
            (false, true) => SILENT,
            // Ours lives as long as the peer wants; writing finds out when it is gone.
            (false, false) => Duration::from_secs(86_400),
        };
        let Ok(Ok(length @ 1..)) = timeout(patience, reader.read(&mut chunk)).await else { return };
        if !framer.is_waiting() {
            since = Instant::now();
        }
        framer.push(&chunk[..length]);
        loop {
            match framer.next() {
                Framed::Nothing => break,
                Framed::Broken => {
                    if let Some(net) = net.upgrade() {
                        add(&net.counters.unreadable);
                    }
                    return;
                }
                Framed::Ping => {
                    if pings.upgrade().is_none_or(|pings| pings.try_send(b"\r\n".to_vec()).is_err()) {
                        return;
                    }
                }
                Framed::Message(bytes) => {
                    since = Instant::now();
                    let Some(arrived) = net.upgrade().map(|net| net.arrived.clone()) else { return };
                    // A full queue makes the peer wait.
                    if arrived.send(Arrived::Message(origin, bytes)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn write<W>(mut writer: W, mut orders: mpsc::Receiver<Vec<u8>>, theirs: bool)
where
    W: AsyncWrite + Unpin,
{
    loop {
        let bytes = match timeout(ALIVE, orders.recv()).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            // Who has connected to us keeps its own hole open.
            Err(_) if theirs => continue,
            Err(_) => b"\r\n\r\n".to_vec(),
        };
        if !matches!(timeout(WRITE, writer.write_all(&bytes)).await, Ok(Ok(()))) {
            return;
        }
        if !matches!(timeout(WRITE, writer.flush()).await, Ok(Ok(()))) {
            return;
        }
    }
    _ = timeout(WRITE, writer.shutdown()).await;
}
