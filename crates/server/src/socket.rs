//! A client's byte stream, of whatever kind its listener accepts.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// A stream of the simulation's own.
    #[cfg(feature = "sim")]
    Memory(Box<dyn crate::sim::Stream>),
}

impl Socket {
    /// When the socket is dropped, the peer sees a reset and the kernel frees what it holds at once.
    pub(crate) fn reset_on_drop(&self) {
        match self {
            Self::Tcp(stream) => {
                // Fails only for a socket that is gone already.
                let _ = stream.set_zero_linger();
            }
            Self::Unix(_) => {}
            #[cfg(feature = "sim")]
            Self::Memory(stream) => stream.reset_on_drop(),
        }
    }
}

impl Socket {
    /// All that has been read is handled but for the last `left` bytes: a simulation wants to know.
    #[inline]
    pub(crate) fn handled(&self, left: usize) {
        #[cfg(feature = "sim")]
        if let Self::Memory(stream) = self {
            stream.handled(left);
        }
        #[cfg(not(feature = "sim"))]
        let _ = left;
    }
}

/// Calls the same method on the stream inside.
macro_rules! inner {
    ($self:ident, $method:ident($($argument:expr),*)) => {
        match $self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).$method($($argument),*),
            Socket::Unix(stream) => Pin::new(stream).$method($($argument),*),
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
