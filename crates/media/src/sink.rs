use std::net::SocketAddr;

use patchbay_core::MediaEvent;

use crate::peer::{Peer, PeerMessage};

/// Where a worker's output goes, at once: a worker keeps nothing that can be sent.
pub trait Sink {
    /// Sends datagrams. What the socket does not take is lost, as in the network.
    fn send(&mut self, datagrams: Datagrams<'_>);
    /// Tells the hub.
    fn event(&mut self, event: MediaEvent);
    /// Tells other workers. `false`: the way there is full, and the message is lost. Senders know which they can bear to
    /// lose.
    fn tell(&mut self, to: Peer, message: PeerMessage) -> bool;
}

/// Datagrams to one destination, back to back.
#[derive(Clone, Copy, Debug)]
pub struct Datagrams<'a> {
    /// The candidate that they leave from.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// All bytes.
    pub contents: &'a [u8],
    /// Bytes of each datagram; the last may be shorter.
    pub segment: usize,
}
