//! A client's byte stream, of whatever kind its listener accepts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::tls::TlsStream;

pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// One of the others, with TLS on it.
    Tls(Box<TlsStream>),
    /// A stream of the simulation's own.
    #[cfg(feature = "sim")]
    Memory(Box<dyn crate::sim::Stream>),
}

impl Socket {
    /// When the socket is dropped, the peer sees a reset and the kernel frees what it holds at once.
    pub(crate) fn reset_on_drop(&self) {
        match self {
            // Fails only for a socket that is gone already.
            Self::Tcp(stream) => drop(stream.set_zero_linger()),
            Self::Unix(_) => {}
            Self::Tls(stream) => stream.reset_on_drop(),
            #[cfg(feature = "sim")]
            Self::Memory(stream) => stream.reset_on_drop(),
        }
    }

    /// Bytes that were taken, but wait for the kernel to take them: they need a flush.
    pub(crate) fn unsent(&self) -> usize {
        match self {
            Self::Tcp(_) | Self::Unix(_) => 0,
            Self::Tls(stream) => stream.unsent(),
            #[cfg(feature = "sim")]
            Self::Memory(_) => 0,
        }
    }

    /// All that has been read is handled but for the last `left` bytes: a simulation wants to know.
    #[cfg(feature = "sim")]
    pub(crate) fn handled(&self, left: usize) {
        if let Self::Memory(stream) = self {
            stream.handled(left);
        }
    }
}

/// Calls the same method on the stream inside.
macro_rules! inner {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Socket::Unix(stream) => Pin::new(stream).$method($($argument),*),
            Socket::Tls(stream) => Pin::new(stream).$method($($argument),*),
            #[cfg(feature = "sim")]
            Socket::Memory(stream) => Pin::new(stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        inner!(self, poll_read(cx, buffer))
    }
}

impl AsyncWrite for Socket {
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

/// A socket of which some bytes have been read: they are read again before the rest.
pub(crate) struct Rewind {
    head: Vec<u8>,
    at: usize,
    socket: Socket,
}

impl Rewind {
    pub(crate) fn new(head: Vec<u8>, socket: Socket) -> Self {
        Self { head, at: 0, socket }
    }

    /// See [`Socket::reset_on_drop`].
    pub(crate) fn reset_on_drop(&self) {
        self.socket.reset_on_drop();
    }

    /// The socket, and what has not been read again.
    pub(crate) fn into_parts(mut self) -> (Vec<u8>, Socket) {
        (self.head.split_off(self.at), self.socket)
    }
}

impl AsyncRead for Rewind {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.at < self.head.len() {
            let length = buffer.remaining().min(self.head.len() - self.at);
            buffer.put_slice(&self.head[self.at..self.at + length]);
            self.at += length;
            if self.at == self.head.len() {
                self.head = Vec::new();
                self.at = 0;
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.socket).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Rewind {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
