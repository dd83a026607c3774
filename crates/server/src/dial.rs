//! Connections to other servers, as a client of Socket.IO protocol 1 over WebSocket ([`Job::Dial`]): a session of the dialect
//! that ordered it runs on each, and may outlive it.
//!
//! [`Job::Dial`]: patchbay_dialect_kit::job::Job::Dial

mod belief;
mod frames;
mod handshake;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use patchbay_dialect_kit::job::{Dial, Done};
use patchbay_dialect_kit::{CloseCause, Frame};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use self::frames::{Heard, Reader};
use crate::attached::Attached;
use crate::jobs::Waiting;
use crate::lines::Sent;
use crate::random::SystemRandom;
use crate::shell::Shell;
use crate::telemetry;

/// How long the way there may take, all told: longer forgives a slow network, shorter comes sooner to the next attempt.
const WAY: Duration = Duration::from_secs(10);
/// What one read takes at most.
const READ: usize = 16 * 1024;
/// How long a server may take to hear that we go.
const FAREWELL: Duration = Duration::from_secs(1);

/// Goes there, runs the session until it is over, and says so.
pub(crate) async fn run(shell: Arc<Shell>, dialect: usize, dial: Dial, waiting: Waiting) {
    let reached = match timeout(WAY, handshake::reach(&shell, &dial)).await {
        Ok(Ok(reached)) => reached,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a server elsewhere could not be reached");
            belief::warning(&error).into_iter().for_each(telemetry::warn_once);
            return waiting.tell(Done::Failed);
        }
        Err(_) => {
            tracing::debug!("a server elsewhere did not answer in time");
            return waiting.tell(Done::Failed);
        }
    };
    let session = shell.dialects[dialect].open_for(&dial.session);
    let mut sent = Sent::new();
    let attached = Attached::new(Arc::clone(&shell), dialect, session, &mut sent);
    serve(&shell, attached, sent, reached).await;
    // The party has gone, and then it is said so.
    waiting.tell(Done::Over);
}

/// A connection, and what has been read of it.
pub(crate) struct Reached {
    stream: Stream,
    early: Vec<u8>,
}

async fn serve(shell: &Shell, mut attached: Attached, mut sent: Sent, reached: Reached) {
    let Reached { stream, early } = reached;
    let mut stream = Some(stream);
    let mut reader = Reader::new(early, shell.message_bytes);
    let mut random = SystemRandom::default();
    loop {
        attached.attend(attached.now(), &mut sent);
        if let Some(there) = &mut stream
            && digest(&mut reader, &mut attached, &mut sent, there, &mut random).await.is_err()
        {
            stream = None;
        }
        if let Some(there) = &mut stream
            && send(shell, &mut sent, there, &mut random).await.is_err()
        {
            stream = None;
        }
        if stream.is_none() {
            sent.clear();
        }
        if !attached.is_open() {
            break;
        }
        if stream.is_none() && !std::mem::replace(&mut reader.is_cut, true) {
            if !attached.cut(attached.now(), &mut sent) {
                attached.end(CloseCause::Lost);
            }
            continue;
        }
        let news = attached.news(true, None);
        match &mut stream {
            None => news.await,
            Some(there) => {
                tokio::select! {
                    biased;
                    () = news => {}
                    read = reader.read(there), if !attached.is_deaf(attached.now()) => {
                        if !matches!(read, Ok(1..)) {
                            stream = None;
                        }
                    }
                }
            }
        }
    }
    if let Some(mut there) = stream {
        let bye = frames::close(&shell.entropy, &mut random);
        let _ = timeout(FAREWELL, async {
            there.write_all(&bye).await?;
            there.shutdown().await
        })
        .await;
    }
}

/// Hands the session what has come.
async fn digest(
    reader: &mut Reader,
    attached: &mut Attached,
    sent: &mut Sent,
    stream: &mut Stream,
    random: &mut SystemRandom,
) -> io::Result<()> {
    while attached.is_open() && !attached.is_deaf(attached.now()) {
        match reader.next()? {
            None => return Ok(()),
            Some(Heard::Text(text)) => attached.frame(attached.now(), sent, Frame::Text(&text)),
            Some(Heard::Ping(payload)) => {
                let shell = &attached.shell;
                let pong = frames::pong(&payload, &shell.entropy, random);
                write(stream, &pong, shell.slow_timeout).await?;
            }
            Some(Heard::Close) => return Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
    Ok(())
}

/// Sends what the session has said.
async fn send(shell: &Shell, sent: &mut Sent, stream: &mut Stream, random: &mut SystemRandom) -> io::Result<()> {
    while let Some(text) = sent.pop_front() {
        let frame = frames::text(&text, &shell.entropy, random);
        write(stream, &frame, shell.slow_timeout).await?;
    }
    Ok(())
}

/// A server that takes no byte for so long is gone.
async fn write(stream: &mut Stream, mut bytes: &[u8], patience: Duration) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = timeout(patience, stream.write(bytes)).await.map_err(|_| io::ErrorKind::TimedOut)??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
    }
    stream.flush().await
}

/// The bytes, with TLS or without.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Goes there.
    async fn connect(shell: &Shell, dial: &Dial) -> io::Result<Self> {
        let socket = TcpStream::connect((&*dial.host, dial.port)).await?;
        // Small messages that somebody waits for. Fails only if the peer has gone.
        let _ = socket.set_nodelay(true);
        if !dial.tls {
            return Ok(Self::Plain(socket));
        }
        let name = ServerName::try_from(dial.host.to_string()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(shell.jobs.tls()).connect(name, socket).await?;
        Ok(Self::Tls(Box::new(stream)))
    }
}

/// Calls the same method on the stream inside.
macro_rules! inner {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).$method($($argument),*),
            Stream::Tls(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        inner!(self, poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_shutdown(cx))
    }
}

impl Reader {
    /// Reads on; how many bytes came.
    async fn read(&mut self, stream: &mut Stream) -> io::Result<usize> {
        self.held.reserve(READ);
        stream.take(READ as u64).read_buf(&mut self.held).await
    }
}
