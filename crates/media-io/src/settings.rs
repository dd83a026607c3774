use std::net::IpAddr;

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
    /// What the workers share; its candidates are made from the above.
    pub media: patchbay_media::Config,
}

impl Settings {
    /// The addresses that become candidates, in order.
    #[must_use]
    pub fn candidates(&self) -> Vec<IpAddr> {
        crate::addresses::candidates(self)
    }
}
