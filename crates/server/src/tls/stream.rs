//! A TLS stream without buffers of its own while nothing is half-read or half-written: rustls's unbuffered connection,
//! with the memory around it in our hands. (Its buffered one keeps at least 4 KiB for the next read, which is more than
//! all that an idle client costs besides.)
//!
//! What `poll_write` takes may wait here in encrypted form, one batch at most: [`TlsStream::unsent`] tells how much, and
//! `poll_flush` sends it.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};
use rustls::{Error, ServerConfig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::socket::Rewind;

/// What one read takes from the socket at most: larger means fewer calls for large messages, smaller less scratch per
/// thread.
const READ_BYTES: usize = 64 * 1024;
/// What one read takes at least, however little the reader has room for.
const LEAST_READ: usize = 4 * 1024;
/// What is encrypted at once at most: larger means fewer calls, smaller less memory for a client that is slow.
const WRITE_BYTES: usize = 64 * 1024;
/// The largest plaintext of a record (RFC 8446 section 5.1), and more than header, tag and nonce take in any version.
const RECORD: usize = 16 * 1024;
const RECORD_OVERHEAD: usize = 64;

thread_local! {
    static RAW: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BYTES].into_boxed_slice());
}

/// A stream whose handshake is done.
pub(crate) struct TlsStream {
    socket: Rewind,
    session: UnbufferedServerConnection,
    /// The start of a record whose rest has not come; rustls limits what it can be.
    incoming: Vec<u8>,
    /// Decrypted bytes that the reader had no room for, from `read` on; at most what one read takes.
    plain: Vec<u8>,
    read: usize,
    /// Encrypted bytes that the socket has not taken, from `sent` on; at most one batch.
    outgoing: Vec<u8>,
    sent: usize,
    /// Nothing comes any more: the peer has said so, or its end of the connection is closed.
    ended: bool,
    /// Nothing may be written any more: our farewell is on its way, or the session has failed.
    closed: bool,
}

/// What is to be encrypted once the session is ready for it.
enum Wish<'a> {
    Nothing,
    Data(&'a [u8]),
    Farewell,
}

/// What a turn of the session has come to.
struct Turn {
    /// Bytes of the input that are used up.
    used: usize,
    /// The session takes data.
    open: bool,
    /// The peer sends nothing more.
    ended: bool,
}

impl TlsStream {
    /// Carries the handshake through. Boxed, because a stream is large for what holds it.
    ///
    /// # Errors
    /// The socket's, or `InvalidData` for what is no TLS that we agree to; then the peer has been sent the reason.
    pub(crate) async fn accept(mut socket: Rewind, config: Arc<ServerConfig>) -> io::Result<Box<Self>> {
        let mut session = UnbufferedServerConnection::new(config).map_err(invalid)?;
        let (mut incoming, mut outgoing, mut plain) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let keep = |bytes: &[u8]| plain.extend_from_slice(bytes);
            let turn = turn(&mut session, &mut incoming, &mut outgoing, Wish::Nothing, keep);
            if !outgoing.is_empty() {
                socket.write_all(&outgoing).await?;
                outgoing.clear();
            }
            let turn = turn.map_err(invalid)?;
            incoming.drain(..turn.used);
            if turn.open && !session.is_handshaking() {
                let (incoming, ended) = (incoming.as_slice().to_vec(), turn.ended);
                let (read, outgoing, sent, closed) = (0, Vec::new(), 0, false);
                return Ok(Box::new(Self { socket, session, incoming, plain, read, outgoing, sent, ended, closed }));
            }
            incoming.reserve(LEAST_READ);
            if turn.ended || socket.read_buf(&mut incoming).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// Bytes that wait here until the socket takes them.
    pub(crate) fn unsent(&self) -> usize {
        self.outgoing.len() - self.sent
    }

    pub(crate) fn reset_on_drop(&self) {
        self.socket.reset_on_drop();
    }

    /// Sends what waits.
    fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.unsent() > 0 {
            match ready!(Pin::new(&mut self.socket).poll_write(cx, &self.outgoing[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.sent += length,
            }
        }
        if !self.outgoing.is_empty() {
            self.outgoing = Vec::new();
            self.sent = 0;
        }
        Poll::Ready(Ok(()))
    }

    /// Encrypts behind what waits.
    fn encrypt(&mut self, wish: Wish<'_>) -> io::Result<Turn> {
        // What the peer sends is handled by reads alone: everything whole has been.
        let lost = |_: &[u8]| debug_assert!(false, "a write met data that no read had taken");
        let turn = turn(&mut self.session, &mut self.incoming, &mut self.outgoing, wish, lost);
        let turn = turn.map_err(|error| self.failed(error))?;
        self.incoming.drain(..turn.used);
        Ok(turn)
    }

    /// A session that has failed is not asked again.
    fn failed(&mut self, error: Error) -> io::Error {
        self.ended = true;
        self.closed = true;
        self.incoming = Vec::new();
        invalid(error)
    }

    /// Reads once from the socket and decrypts what is whole; whether anything came.
    fn poll_fill(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        RAW.with_borrow_mut(|raw| {
            let most = buffer.remaining().clamp(LEAST_READ, READ_BYTES);
            let mut input = ReadBuf::new(&mut raw[..most]);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut input))?;
            let length = input.filled().len();
            if length == 0 {
                self.ended = true;
                return Poll::Ready(Ok(()));
            }
            let plain = &mut self.plain;
            let keep = |bytes: &[u8]| {
                let fits = if plain.is_empty() { bytes.len().min(buffer.remaining()) } else { 0 };
                buffer.put_slice(&bytes[..fits]);
                plain.extend_from_slice(&bytes[fits..]);
            };
            let turn = if self.incoming.is_empty() {
                let input = &mut raw[..length];
                let turn = turn(&mut self.session, input, &mut self.outgoing, Wish::Nothing, keep);
                let used = turn.as_ref().map_or(length, |turn| turn.used);
                self.incoming.extend_from_slice(&input[used..]);
                turn
            } else {
                self.incoming.extend_from_slice(&raw[..length]);
                let turn = turn(&mut self.session, &mut self.incoming, &mut self.outgoing, Wish::Nothing, keep);
                let used = turn.as_ref().map_or(self.incoming.len(), |turn| turn.used);
                self.incoming.drain(..used);
                // Room for a whole record is all that may wait; nothing at all if nothing waits.
                self.incoming.shrink_to(if self.incoming.is_empty() { 0 } else { RECORD + RECORD_OVERHEAD });
                turn
            };
            // An answer of the protocol's own, or why we end. If the socket does not take it now, the next flush does.
            let drained = self.poll_drain(cx);
            self.ended |= turn.map_err(|error| self.failed(error))?.ended;
            match drained {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(())),
            }
        })
    }
}

impl AsyncRead for TlsStream {
    /// The end comes with the peer's farewell, and also without: what is cut off, the protocol above knows.
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        while buffer.filled().len() == before && buffer.remaining() > 0 {
            if self.read < self.plain.len() {
                let length = buffer.remaining().min(self.plain.len() - self.read);
                buffer.put_slice(&self.plain[self.read..self.read + length]);
                self.read += length;
                if self.read == self.plain.len() {
                    self.plain = Vec::new();
                    self.read = 0;
                }
            } else if self.ended {
                break;
            } else {
                ready!(self.poll_fill(cx, buffer))?;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_drain(cx))?;
        let length = bytes.len().min(WRITE_BYTES);
        if self.closed || !self.encrypt(Wish::Data(&bytes[..length]))?.open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        match self.poll_drain(cx) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            _ => Poll::Ready(Ok(length)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            self.closed = true;
            self.encrypt(Wish::Farewell)?;
        }
        ready!(self.poll_drain(cx))?;
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Lets the session work until it needs more input, having granted the wish if it could. Plaintext goes to `plain`,
/// what is to be sent behind `outgoing`; also, after an error, the alert that says why.
fn turn(
    session: &mut UnbufferedServerConnection,
    input: &mut [u8],
    outgoing: &mut Vec<u8>,
    wish: Wish<'_>,
    mut plain: impl FnMut(&[u8]),
) -> Result<Turn, Error> {
    let mut turn = Turn { used: 0, open: false, ended: false };
    loop {
        let UnbufferedStatus { mut discard, state } = session.process_tls_records(&mut input[turn.used..]);
        let mut rest = false;
        match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    let record = record?;
                    discard += record.discard;
                    plain(record.payload);
                }
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                append(outgoing, 0, |out| {
                    data.encode(out).map_err(|error| match error {
                        EncodeError::InsufficientSize(size) => Some(size.required_size),
                        EncodeError::AlreadyEncoded => None,
                    })
                })?;
            }
            Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
            Ok(ConnectionState::PeerClosed) => turn.ended = true,
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                let needed = |error| match error {
                    EncryptError::InsufficientSize(size) => Some(size.required_size),
                    EncryptError::EncryptExhausted => None,
                };
                match wish {
                    Wish::Nothing => {}
                    Wish::Data(data) => {
                        let guess = data.len() + (data.len() / RECORD + 1) * RECORD_OVERHEAD;
                        append(outgoing, guess, |out| traffic.encrypt(data, out).map_err(needed))?;
                    }
                    Wish::Farewell => {
                        append(outgoing, 4 * RECORD_OVERHEAD, |out| traffic.queue_close_notify(out).map_err(needed))?
                    }
                }
                turn.open = true;
                rest = true;
            }
            Ok(ConnectionState::Closed) => {
                turn.ended = true;
                rest = true;
            }
            Ok(_) => rest = true,
            Err(error) => {
                farewell(session, &mut input[turn.used + discard..], outgoing);
                return Err(error);
            }
        }
        turn.used += discard;
        if rest {
            return Ok(turn);
        }
    }
}

/// The alert that a session has for its peer after an error, if it has one.
fn farewell(session: &mut UnbufferedServerConnection, input: &mut [u8], outgoing: &mut Vec<u8>) {
    if let Ok(ConnectionState::EncodeTlsData(mut data)) = session.process_tls_records(input).state {
        let written = append(outgoing, 4 * RECORD_OVERHEAD, |out| data.encode(out).map_err(|_| None));
        debug_assert!(written.is_ok(), "an alert is short");
    }
}

/// Has something written behind `outgoing`, into as much room as was guessed, or as it then asks for.
fn append(
    outgoing: &mut Vec<u8>,
    guess: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> Result<(), Error> {
    let start = outgoing.len();
    let mut room = guess;
    for _ in 0..2 {
        outgoing.resize(start + room, 0);
        match write(&mut outgoing[start..]) {
            Ok(length) => {
                outgoing.truncate(start + length);
                return Ok(());
            }
            Err(Some(needed)) => room = needed,
            Err(None) => break,
        }
    }
    outgoing.truncate(start);
    Err(Error::General("rustls does not take the room that it asks for".to_owned()))
}

fn invalid(error: Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}
