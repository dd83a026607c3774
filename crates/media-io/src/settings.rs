use std::net::IpAddr;
use std::ops::RangeInclusive;

/// What the engine is started with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Worker number i has this UDP port + i; 0: any free port for each.
    pub port: u16,
    /// Addresses to bind to; unspecified ones stand for all of their family.
    pub bind: Vec<IpAddr>,
    /// Addresses that become candidates; none: those of `bind`, or those by which this machine reaches others.
    pub advertise: Vec<IpAddr>,
    /// Threads; 0: one per core.
    pub workers: usize,
    /// Ports of telephones (`sip.rtp_ports`), of all workers: each section of a call takes a pair, an even one and the next.
    pub rtp_ports: RangeInclusive<u16>,
    /// What the workers share; its candidates are made from the above.
    pub media: patchbay_media::Config,
}

/// The ports of telephones that are used without a word about it: 250 calls with sound and pictures.
pub const RTP_PORTS: RangeInclusive<u16> = 20_000..=20_999;

impl Settings {
    /// The addresses that become candidates, in order.
    #[must_use]
    pub fn candidates(&self) -> Vec<IpAddr> {
        crate::addresses::candidates(self)
    }
}
