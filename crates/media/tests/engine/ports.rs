//! The server's ports for telephones.

use std::net::{IpAddr, SocketAddr};

/// Which are bound.
#[derive(Default)]
pub(crate) struct Ports {
    /// Pairs that are bound, and by which worker.
    pub(crate) bound: Vec<(SocketAddr, usize)>,
    /// How many there are; 0: as many as are asked for.
    pub(crate) most: usize,
    next: u16,
}

impl Ports {
    pub(crate) fn bind(&mut self, address: IpAddr, worker: usize) -> Option<SocketAddr> {
        if self.most > 0 && self.bound.len() >= self.most {
            return None;
        }
        let local = SocketAddr::new(address, 20_000 + 2 * self.next);
        self.next += 1;
        self.bound.push((local, worker));
        Some(local)
    }

    pub(crate) fn unbind(&mut self, local: SocketAddr) {
        let before = self.bound.len();
        self.bound.retain(|(bound, _)| *bound != local);
        assert_eq!(self.bound.len() + 1, before, "{local} was not bound");
    }

    /// The pair that this port belongs to.
    pub(crate) fn owner(&self, port: SocketAddr) -> Option<(SocketAddr, usize)> {
        let upper = |local: &SocketAddr| SocketAddr::new(local.ip(), local.port() + 1);
        self.bound.iter().copied().find(|(local, _)| *local == port || upper(local) == port)
    }
}
