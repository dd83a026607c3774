//! From a target to a path: names, addresses, and a connection where one is needed.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Net, dns, stream};
use crate::core::{Path, Target, Unrouted};
use crate::settings::Transport;

/// Finds a path. The first address that works is taken; for datagrams that is the first.
pub(crate) async fn find(net: &Arc<Net>, target: Target) -> Result<Path, Unrouted> {
    let order = &net.settings.transports;
    let found = dns::candidates(&net.names, &target, order, |below| net.roll(below)).await;
    let found = found.map_err(|name| Unrouted::Lookup(format!("DNS lookup error: {name}")))?;
    for (transport, remote) in found {
        // A message that is too long for datagrams, to somebody who knows streams by no name of their own.
        let transport = if target.stream && transport == Transport::Udp { Transport::Tcp } else { transport };
        if let Some((flow, local)) = net.reach(transport, remote, &target.host).await {
            return Ok(Path { flow, transport, remote, local, target });
        }
    }
    Err(Unrouted::Unreachable)
}

impl Net {
    async fn reach(
        self: &Arc<Self>,
        transport: Transport,
        remote: SocketAddr,
        name: &str,
    ) -> Option<(u64, SocketAddr)> {
        match transport {
            Transport::Udp => self.datagrams(remote),
            Transport::Tcp => stream::connect(self, transport, remote, "").await,
            Transport::Tls => stream::connect(self, transport, remote, name).await,
        }
    }

    /// The socket for datagrams to a peer: a listener, if it is bound where the peer is reached from; else the one that
    /// is there for that.
    fn datagrams(&self, remote: SocketAddr) -> Option<(u64, SocketAddr)> {
        let family = self.udp.iter().filter(|udp| udp.bound.is_ipv4() == remote.is_ipv4());
        let toward = super::udp::toward(remote.ip())?;
        let fits = |bound: SocketAddr| bound.ip().is_unspecified() || bound.ip() == toward;
        let udp = family.into_iter().find(|udp| fits(udp.bound))?;
        Some((udp.flow, self.advertised(udp.bound, remote)))
    }
}
