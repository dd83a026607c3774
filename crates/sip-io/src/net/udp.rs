//! Datagrams.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Weak};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::{Arrived, Net};
use crate::core::Origin;
use crate::counts::add;
use crate::settings::Transport;

/// Kernel buffers, in bytes: a burst of some 1,500 messages. More would only be answered too late.
const BUFFER: usize = 1 << 20;

pub(super) fn bind(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // What the system grants is enough.
    _ = socket.set_recv_buffer_size(BUFFER);
    _ = socket.set_send_buffer_size(BUFFER);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

/// The address of ours by which a peer is reached. Connecting a datagram socket sends nothing.
pub(super) fn toward(remote: IpAddr) -> Option<IpAddr> {
    let any = if remote.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = std::net::UdpSocket::bind((any, 0)).ok()?;
    socket.connect((remote, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

/// Reads until the agent is gone. What does not fit into the queue is lost, as in the network.
pub(super) async fn receive(net: Weak<Net>, socket: Arc<UdpSocket>, flow: u64, bound: SocketAddr) {
    let mut buffer = vec![0; crate::wire::MESSAGE_BYTES];
    // Peers come in bursts: the last one's address is asked for once.
    let mut known: Option<(IpAddr, SocketAddr)> = None;
    loop {
        let received = socket.recv_from(&mut buffer).await;
        let Some(net) = net.upgrade() else { return };
        // An error is about an earlier datagram of ours.
        let Ok((length, remote)) = received else { continue };
        let local = match known {
            Some((ip, local)) if ip == remote.ip() => local,
            _ => net.advertised(bound, remote),
        };
        known = Some((remote.ip(), local));
        let bytes = &buffer[..length];
        // RFC 5626 section 4.4.1, and what keeps the holes in firewalls open.
        if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b' ' | 0)) {
            continue;
        }
        let origin = Origin { flow, transport: Transport::Udp, remote, local };
        if net.arrived.try_send(Arrived::Message(origin, bytes.to_vec())).is_err() {
            add(&net.counters.dropped);
        }
    }
}
