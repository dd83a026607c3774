//! A worker's UDP sockets: trains of datagrams out and in by one system call each, where the system can.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};

use mio::net::UdpSocket;
use patchbay_media::{Datagram, Datagrams};
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Protocol, Socket as Raw, Type};

/// Bytes that the kernel keeps for us each way: key frames to hundreds of viewers leave in one go, and what does not fit
/// is lost. More only lets packets grow old in it.
pub(crate) const BUFFER: usize = 4 * 1024 * 1024;
/// Trains that one call takes in.
const TRAINS: usize = 16;
/// A call that brings fewer trains than it could has found the socket empty, and whatever comes later wakes the poller
/// anew: no other call has to find that out. (Elsewhere a call brings one train, however many there are.)
const TELLS_EMPTY: bool = cfg!(target_os = "linux");
/// Bytes of one train.
const TRAIN: usize = 65_536;

/// One bound socket.
pub(crate) struct Socket {
    pub(crate) socket: UdpSocket,
    pub(crate) address: SocketAddr,
    state: UdpSocketState,
}

/// Where received trains lie, shared by a worker's sockets.
pub(crate) struct Buffers {
    bytes: Vec<u8>,
    metas: [RecvMeta; TRAINS],
}

impl Default for Buffers {
    fn default() -> Self {
        Self { bytes: vec![0; TRAINS * TRAIN], metas: [RecvMeta::default(); TRAINS] }
    }
}

impl Socket {
    /// `buffer`: bytes that the kernel keeps for it each way.
    pub(crate) fn bind(address: SocketAddr, buffer: usize) -> io::Result<Self> {
        let raw = Raw::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            // Each family has a socket of its own, so that addresses never come in the mapped form.
            raw.set_only_v6(true)?;
        }
        raw.set_nonblocking(true)?;
        // As much of it as the system allows (net.core.rmem_max, wmem_max).
        let _ = raw.set_recv_buffer_size(buffer);
        let _ = raw.set_send_buffer_size(buffer);
        raw.bind(&address.into())?;
        let socket = UdpSocket::from_std(raw.into());
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let address = socket.local_addr()?;
        Ok(Self { socket, address, state })
    }

    /// Sends a train. Whether the system took all of it: what it does not take now is lost.
    pub(crate) fn send(&self, datagrams: &Datagrams<'_>, source: Option<IpAddr>) -> bool {
        // Where segmentation is missing, or was switched off after an error, datagrams leave one by one.
        let most = self.state.max_gso_segments().max(1) * datagrams.segment.max(1);
        let mut all = true;
        for part in datagrams.contents.chunks(most) {
            let transmit = Transmit {
                destination: datagrams.destination,
                ecn: None,
                contents: part,
                segment_size: (part.len() > datagrams.segment).then_some(datagrams.segment),
                src_ip: source,
            };
            all &= self.state.try_send(UdpSockRef::from(&self.socket), &transmit).is_ok();
        }
        all
    }

    /// Takes in what has come, up to a bound; each datagram goes to `take`. Whether there may be more.
    pub(crate) fn receive(&self, buffers: &mut Buffers, mut take: impl FnMut(Datagram<'_>)) -> bool {
        let Buffers { bytes, metas } = buffers;
        let count = {
            let mut slices: Vec<_> = bytes.chunks_mut(TRAIN).map(IoSliceMut::new).collect();
            match self.state.recv(UdpSockRef::from(&self.socket), &mut slices, metas) {
                Ok(count) => count,
                // Nothing is there; or an error of one that we sent, which the next call does not see any more.
                Err(error) => return error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        for (meta, train) in metas.iter().zip(bytes.chunks(TRAIN)).take(count) {
            for contents in train[..meta.len.min(TRAIN)].chunks(meta.stride.max(1)) {
                take(Datagram { source: meta.addr, destination: meta.dst_ip, contents });
            }
        }
        !TELLS_EMPTY || count == TRAINS
    }
}
