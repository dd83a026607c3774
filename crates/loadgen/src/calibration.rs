//! The yardstick: how long this machine, at this moment, takes to encrypt 1200 bytes and to send them over loopback.
//!
//! Machines differ, and a virtual machine differs from itself an hour ago. A figure divided by this one differs less.

use std::io;
use std::net::UdpSocket;
use std::time::Duration;

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::process::own_cpu;

const PAYLOAD: usize = 1200;
/// Datagrams that the receiver's buffer holds for certain; it is emptied between batches, outside of the measured time,
/// since a dropped datagram costs less than a received one.
const BATCH: usize = 64;
const BATCHES: usize = 800;

/// Thread processor time per operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calibration {
    /// AES-128-GCM over 1200 bytes.
    pub(crate) seal: Duration,
    /// One UDP datagram of 1200 bytes and the tag over loopback, its reception by the kernel included.
    pub(crate) send: Duration,
}

impl Calibration {
    /// Takes about a quarter of a second.
    pub(crate) fn run() -> io::Result<Self> {
        let receiver = UdpSocket::bind("127.0.0.1:0")?;
        receiver.set_nonblocking(true)?;
        let sender = UdpSocket::bind("127.0.0.1:0")?;
        sender.connect(receiver.local_addr()?)?;
        let key = UnboundKey::new(&AES_128_GCM, &[7; 16]).map_err(|_| io::Error::other("no AES-128-GCM"))?;
        let key = LessSafeKey::new(key);
        let mut packet = vec![0x5a; PAYLOAD + AES_128_GCM.tag_len()];
        let (mut seal, mut send) = (Duration::ZERO, Duration::ZERO);
        for batch in 0..BATCHES {
            let began = own_cpu();
            for at in 0..BATCH {
                seal_in_place(&key, batch * BATCH + at, &mut packet)?;
            }
            let sealed = own_cpu();
            for _ in 0..BATCH {
                sender.send(&packet)?;
            }
            send += own_cpu() - sealed;
            seal += sealed - began;
            while receiver.recv(&mut packet).is_ok() {}
        }
        let operations = (BATCHES * BATCH) as u32;
        Ok(Self { seal: seal / operations, send: send / operations })
    }

    /// One operation: both steps. Everything is compared to this.
    pub(crate) fn operation(&self) -> Duration {
        self.seal + self.send
    }
}

fn seal_in_place(key: &LessSafeKey, counter: usize, packet: &mut [u8]) -> io::Result<()> {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&(counter as u64).to_be_bytes());
    let (payload, tag) = packet.split_at_mut(PAYLOAD);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let sealed = key.seal_in_place_separate_tag(nonce, Aad::empty(), payload);
    let sealed = sealed.map_err(|_| io::Error::other("AES-128-GCM failed"))?;
    tag.copy_from_slice(sealed.as_ref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_steps_cost_something() {
        let calibration = Calibration::run().unwrap();
        assert!(calibration.seal > Duration::ZERO);
        assert!(calibration.send > calibration.seal / 100);
        assert_eq!(calibration.operation(), calibration.seal + calibration.send);
    }
}
