use std::net::{IpAddr, SocketAddr};

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
    /// Takes a pair of UDP ports for a telephone, at that address, which is one of [`crate::Config::candidates`]: where RTP
    /// is received, on an even port; RTCP is one above. `None`: all are taken. What comes there goes to
    /// [`crate::Worker::receive_rtp`].
    fn bind(&mut self, _address: IpAddr) -> Option<SocketAddr> {
        None
    }
    /// Gives a pair of ports back.
    fn unbind(&mut self, _local: SocketAddr) {}
}

/// Datagrams to one destination, back to back.
#[derive(Clone, Copy, Debug)]
pub struct Datagrams<'a> {
    /// The candidate that they leave from, or the telephone's port.
    pub source: SocketAddr,
    /// Where to.
    pub destination: SocketAddr,
    /// All bytes.
    pub contents: &'a [u8],
    /// Bytes of each datagram; the last may be shorter.
    pub segment: usize,
}
