//! A peer's UDP socket. Received datagrams may come many in one piece (GRO), as they left the server.
//!
//! Over loopback this also spares the server the kernel's work of cutting them apart, which a network card would do.

use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use mio::net::UdpSocket;
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket as Socket2, Type};

/// For bursts that come while the generator is at another socket. More would only hide a server that sends too much at
/// once; the kernel's limit may be lower.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Pieces that are read at a time.
const PIECES: usize = 4;
const PIECE: usize = 64 * 1024;

pub(crate) struct Socket {
    pub(crate) io: UdpSocket,
    state: UdpSocketState,
    pub(crate) addr: SocketAddr,
}

/// What sockets read into, one after the other.
pub(crate) struct Datagrams {
    pieces: Vec<Vec<u8>>,
    metas: [RecvMeta; PIECES],
    read: usize,
}

impl Datagrams {
    pub(crate) fn new() -> Self {
        Self { pieces: vec![vec![0; PIECE]; PIECES], metas: [RecvMeta::default(); PIECES], read: 0 }
    }

    /// What the last read brought: each datagram, where it came from, and when by the kernel's clock, in nanoseconds of
    /// the Unix epoch.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], SocketAddr, u64)> {
        self.pieces.iter().zip(&self.metas).take(self.read).flat_map(|(piece, meta)| {
            let nanos = meta.timestamp.map_or_else(super::source::unix_nanos, |span| span.as_nanos() as u64);
            piece[..meta.len].chunks(meta.stride.max(1)).map(move |datagram| (datagram, meta.addr, nanos))
        })
    }
}

impl Socket {
    /// Binds a free port of this address.
    pub(crate) fn bind(ip: IpAddr) -> io::Result<Self> {
        let socket = Socket2::new(Domain::for_address((ip, 0).into()), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.bind(&SocketAddr::from((ip, 0)).into())?;
        socket.set_nonblocking(true)?;
        let io = UdpSocket::from_std(socket.into());
        let state = UdpSocketState::new(UdpSockRef::from(&io))?;
        let addr = io.local_addr()?;
        Ok(Self { io, state, addr })
    }

    /// One read; true: there may be more.
    pub(crate) fn read(&self, into: &mut Datagrams) -> io::Result<bool> {
        into.read = 0;
        let mut slices: Vec<_> = into.pieces.iter_mut().map(|piece| IoSliceMut::new(piece)).collect();
        match self.state.recv(UdpSockRef::from(&self.io), &mut slices, &mut into.metas) {
            Ok(read) => {
                into.read = read;
                // Fewer than asked for: the socket was empty, and whatever comes later is a new edge.
                Ok(read == PIECES)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            // Somebody we sent to was not there: no fault of this socket.
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Sends a datagram; one that the kernel does not take is lost, as on any network.
    pub(crate) fn send(&self, datagram: &[u8], to: SocketAddr) {
        let _ = self.io.send_to(datagram, to);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn datagrams_come_with_their_time_and_sender() {
        let local = IpAddr::from([127, 0, 0, 1]);
        let (sender, receiver) = (Socket::bind(local).unwrap(), Socket::bind(local).unwrap());
        let before = super::super::source::unix_nanos();
        for text in ["one", "two!"] {
            sender.send(text.as_bytes(), receiver.addr);
        }
        let mut datagrams = Datagrams::new();
        assert!(!receiver.read(&mut datagrams).unwrap());
        let got: Vec<_> = datagrams.iter().map(|(text, from, _)| (text.to_vec(), from)).collect();
        assert_eq!(got, [(b"one".to_vec(), sender.addr), (b"two!".to_vec(), sender.addr)]);
        let stamps = datagrams.iter().map(|(_, _, nanos)| nanos);
        let near = Duration::from_secs(5).as_nanos() as u64;
        assert!(stamps.into_iter().all(|nanos| nanos.abs_diff(before) < near));
        assert!(!receiver.read(&mut datagrams).unwrap());
        assert_eq!(datagrams.iter().count(), 0);
    }
}
