//! What all viewers of a measurement have seen together.

use crate::histogram::Histogram;

pub(crate) struct Tally {
    /// RTP packets, retransmissions apart.
    pub(crate) packets: u64,
    /// Their bytes, headers and tags included.
    pub(crate) bytes: u64,
    pub(crate) retransmitted: u64,
    /// Packets that are no RTP, or that the connection's keys do not open.
    pub(crate) unreadable: u64,
    /// Opened payloads that no publisher of ours has sent like this.
    pub(crate) foreign: u64,
    /// From the publisher's stamp to the kernel's stamp at the viewer, of the packets that were opened.
    pub(crate) delay: Histogram,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { packets: 0, bytes: 0, retransmitted: 0, unreadable: 0, foreign: 0, delay: Histogram::new() }
    }

    /// Media that cannot be read is no media.
    ///
    /// # Errors
    /// If there was any.
    pub(crate) fn check(&self) -> Result<(), String> {
        match (self.unreadable, self.foreign) {
            (0, 0) => Ok(()),
            (unreadable, foreign) => Err(format!(
                "{unreadable} packets could not be opened, {foreign} were not what a publisher sent, of {}",
                self.packets
            )),
        }
    }
}
