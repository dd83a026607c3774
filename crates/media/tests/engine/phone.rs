//! A scripted telephone: it says what a test tells it to, and keeps what it is sent.

use std::net::SocketAddr;

use patchbay_sdp::Description;

use crate::srtp::Keys;
use crate::world::{SERVER, World};

/// One received packet.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) from: SocketAddr,
    pub(crate) marker: bool,
    pub(crate) pt: u8,
    pub(crate) seq: u16,
    pub(crate) time: u32,
    pub(crate) ssrc: u32,
    pub(crate) payload: Vec<u8>,
}

/// One section of a telephone.
pub(crate) struct Phone {
    /// Where it sends from and receives; RTCP one above.
    pub(crate) address: SocketAddr,
    /// Where it sends to.
    pub(crate) server: SocketAddr,
    pub(crate) ssrc: u32,
    pub(crate) seq: u16,
    pub(crate) time: u32,
    /// Its key and the server's.
    pub(crate) keys: Option<(Keys, Keys)>,
    control: u32,
}

impl Phone {
    /// A section that talks with the server's port of that section of its description.
    pub(crate) fn new(port: u16, server: &str, section: usize) -> Self {
        let description = Description::parse(server).expect("a description");
        let port_of = description.sections()[section].port();
        assert_ne!(port_of, 0, "section {section} is rejected: {server}");
        Self {
            address: SocketAddr::from(([10, 2, 0, 1], port)),
            server: SocketAddr::from((SERVER, port_of)),
            ssrc: 7_000 + u32::from(port),
            seq: 100,
            time: 5_000,
            keys: None,
            control: 0,
        }
    }

    /// It encrypts by `ours` and opens by what the server's description says.
    pub(crate) fn secure(mut self, ours: &[u8; 30], server: &str, section: usize) -> Self {
        self.keys = Some((Keys::new(ours), Keys::new(&key_of(server, section))));
        self
    }

    /// The next packet, sealed if it has keys. Sequence number and time go on.
    pub(crate) fn packet(&mut self, pt: u8, marker: bool, step: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, u8::from(marker) << 7 | pt];
        packet.extend(self.seq.to_be_bytes());
        packet.extend(self.time.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        self.seq = self.seq.wrapping_add(1);
        self.time = self.time.wrapping_add(step);
        match &self.keys {
            Some((ours, _)) => ours.seal(&packet, 0),
            None => packet,
        }
    }

    /// Sends the next packet.
    pub(crate) fn say(&mut self, world: &mut World, pt: u8, marker: bool, step: u32, payload: &[u8]) {
        let packet = self.packet(pt, marker, step, payload);
        world.arrive(self.address, self.server, &packet);
    }

    /// Sends RTCP.
    pub(crate) fn report(&mut self, world: &mut World, packet: &[u8]) {
        let upper = |address: SocketAddr| SocketAddr::new(address.ip(), address.port() + 1);
        self.control += 1;
        let sealed = self.keys.as_ref().map(|(ours, _)| ours.seal_control(packet, self.control));
        world.arrive(upper(self.address), upper(self.server), sealed.as_deref().unwrap_or(packet));
    }

    /// What has come to it, opened, in order.
    pub(crate) fn heard(&self, world: &World) -> Vec<Heard> {
        let to_us = world.strayed.iter().filter(|(_, to, ..)| *to == self.address);
        to_us.map(|(from, _, _, bytes)| heard(*from, &self.opened(bytes))).collect()
    }

    fn opened(&self, bytes: &[u8]) -> Vec<u8> {
        match &self.keys {
            Some((_, theirs)) => theirs.open(bytes, 0).expect("it was sealed for us"),
            None => bytes.to_vec(),
        }
    }

    /// What passes of that: without the packets that only open the way.
    pub(crate) fn passed(&self, world: &World, pts: &[u8]) -> Vec<Heard> {
        self.heard(world).into_iter().filter(|heard| pts.contains(&heard.pt)).collect()
    }

    /// RTCP that has come to it.
    pub(crate) fn control(&self, world: &World) -> Vec<Vec<u8>> {
        let upper = SocketAddr::new(self.address.ip(), self.address.port() + 1);
        let to_us = world.strayed.iter().filter(|(_, to, ..)| *to == upper);
        let opened = |bytes: &Vec<u8>| match &self.keys {
            Some((_, theirs)) => theirs.open_control(bytes).expect("it was sealed for us"),
            None => bytes.clone(),
        };
        to_us.map(|(.., bytes)| opened(bytes)).collect()
    }
}

fn heard(from: SocketAddr, bytes: &[u8]) -> Heard {
    assert!(bytes.len() >= 12 && bytes[0] == 0x80, "no extensions, no sources: {bytes:?}");
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    Heard {
        from,
        marker: bytes[1] & 0x80 != 0,
        pt: bytes[1] & 0x7f,
        seq: (word(0) & 0xffff) as u16,
        time: word(4),
        ssrc: word(8),
        payload: bytes[12..].to_vec(),
    }
}

/// The key that a description tells for a section.
pub(crate) fn key_of(description: &str, section: usize) -> Vec<u8> {
    let description = Description::parse(description).expect("a description");
    let value = description.sections()[section].attribute("crypto").expect("a key");
    patchbay_sdp::crypto::Crypto::parse(value).expect("one that we know").key().to_vec()
}
